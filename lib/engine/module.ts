/** Modules: compiled WebAssembly. */

import type { CompiledModule } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import { ArtifactError, attachSourceMap, type EngineState, fieldNameTable, ModuleState } from "../runtime/mod.ts";
import { type ExternKind, funcTypeAt, funcTypeOf, type Module as WasmModule, WasmError } from "../wasm/mod.ts";
import {
  compileChecked,
  decodeChecked,
  decodeCompiled,
  decodeOptimized,
  encodeCompiled,
  type ProgressListener,
} from "./compilation.ts";
import { type CachePlace, cachePlace } from "./cache.ts";
import type { ResolvedConfig } from "./config.ts";
import { type Engine, engineOf } from "./engine.ts";
import type { GlobalType } from "./global.ts";
import {
  type ArrayType,
  type FuncType,
  type StructType,
  wrapArrayType,
  wrapFuncType,
  wrapStructType,
} from "./heap_types.ts";
import { type MemoryType, memoryTypeOf } from "./memory_type.ts";
import { type TableType, tableTypeOf } from "./table.ts";
import type { TagType } from "./tag.ts";
import { type FuncSignature, signatureNames, valueTypeName } from "./values.ts";

/** The type of an import or export, by its kind. */
export type ExternType =
  | { readonly kind: "func"; readonly type: FuncSignature }
  | { readonly kind: "table"; readonly type: TableType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | { readonly kind: "global"; readonly type: Required<GlobalType> }
  | { readonly kind: "tag"; readonly type: TagType };

/** Something that a module imports. */
export type ImportDescriptor = { readonly module: string; readonly name: string } & ExternType;

/** Something that a module exports. */
export type ExportDescriptor = { readonly name: string } & ExternType;

/** Options of compilation. */
export interface ModuleOptions {
  /** Called while functions are compiled, with how many are done. */
  readonly onProgress?: ProgressListener;
}

/** What has to be said to load machine code. */
export interface DeserializeOptions {
  /** That the bytes are of your own making: machine code runs with all rights of the process, whoever made it. */
  readonly trusted: true;
}

/** Bytes as web interfaces take them. */
export type ByteSource = ArrayBufferLike | ArrayBufferView;

/** The state of a module. @throws {TypeError} unless it is a module that was not disposed. */
export let moduleOf: (module: Module) => ModuleState;

let parseText: ((text: string | Uint8Array) => Uint8Array<ArrayBuffer>) | undefined;

/** Gives modules the text format's parser: for text.ts, so that an entry without that file does not load the parser. */
export function useTextParser(parser: NonNullable<typeof parseText>): void {
  parseText = parser;
}

/**
 * A compiled module. Compile once, instantiate in any number of stores.
 *
 * @example What a module wants and offers
 * ```ts
 * import { Engine, Module } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = Uint8Array.fromBase64("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=");
 * using engine = new Engine();
 * const module = new Module(engine, bytes);
 * assertEquals(module.imports, []);
 * assertEquals(module.exports, [
 *   { name: "add", kind: "func", type: { parameters: ["i32", "i32"], results: ["i32"] } },
 * ]);
 * ```
 *
 * @example Compile now, run later
 * ```ts
 * import { Engine, Instance, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = Uint8Array.fromBase64("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=");
 * using engine = new Engine();
 * const artifact = new Module(engine, bytes).serialize();
 * const module = Module.deserialize(engine, artifact, { trusted: true });
 * using store = new Store(engine);
 * assertEquals(new Instance(store, module).exports.add(40, 2), 42);
 * ```
 */
export class Module implements Disposable {
  /** The engine that compiled it. */
  readonly engine: Engine;
  readonly #state: ModuleState;
  #isDisposed = false;

  static {
    moduleOf = (module) => {
      if (!(typeof module === "object" && module !== null && #state in module)) {
        throw new TypeError("Expected a Module");
      }
      if (module.#isDisposed) throw new TypeError("The module is disposed");
      return module.#state;
    };
  }

  /**
   * Decodes, validates and compiles.
   *
   * @param engine The engine to compile with.
   * @param bytes A module in the binary format; copied.
   * @param options Options of compilation.
   * @throws {CompileError} if the bytes are no valid module, or one that needs what this engine does not have.
   * @throws {OptimizerError} if the engine has an optimiser, which does not know something that the module uses.
   */
  constructor(engine: Engine, bytes: ByteSource, options: ModuleOptions = {}) {
    const { state, config } = engineOf(engine);
    this.engine = engine;
    if (bytes === DESERIALIZE) {
      this.#state = options as unknown as ModuleState;
    } else {
      const copy = copyBytes(bytes);
      const place = cachePlace(copy, config);
      this.#state = (place && readCached(place, state, config)) ?? compile(copy, place, state, config, options);
    }
    leaks.register(this, this.#state, this);
  }

  /**
   * Translates a module from the text format and compiles it. Identifiers become names in backtraces.
   *
   * @example
   * ```ts
   * import { Engine, Instance, Module, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `
   *   (module
   *     (func (export "add") (param $a i32) (param $b i32) (result i32)
   *       (i32.add (local.get $a) (local.get $b))))`);
   * assertEquals(new Instance(store, module).exports.add(40, 2), 42);
   * ```
   *
   * @param engine The engine to compile with.
   * @param text `(module ...)`, or the fields of a module alone; as a string or as UTF-8.
   * @param options Options of compilation.
   * @returns The module.
   * @throws {TextError} if the text is not well formed, with the line and the column.
   * @throws {CompileError} as the constructor does; its offsets are in the binary form.
   */
  static fromText(engine: Engine, text: string | Uint8Array, options: ModuleOptions = {}): Module {
    if (parseText === undefined) bug("an entry without text.ts takes binary modules only");
    return new Module(engine, parseText(text), options);
  }

  /**
   * Whether bytes are a valid module that the engine can compile.
   *
   * @param engine The engine that would compile it.
   * @param bytes Anything.
   * @returns Whether the constructor would accept them.
   */
  static validate(engine: Engine, bytes: ByteSource): boolean {
    const { config } = engineOf(engine);
    try {
      decodeChecked(copyBytes(bytes), config);
      return true;
    } catch (error) {
      if (error instanceof WasmError) return false;
      throw error;
    }
  }

  /**
   * Loads what {@linkcode Module.serialize} gave, without compiling.
   *
   * It holds machine code, which runs with all rights of this process. The digest in it finds damage, not malice, so load only what you made
   * yourself and kept where nobody else writes; `trusted` says that this is so.
   *
   * @example
   * ```ts
   * import { Engine, Module } from "@theropod/theropod";
   * import { assertThrows } from "@std/assert";
   *
   * using engine = new Engine();
   * const artifact = Module.fromText(engine, `(module (func (export "run")))`).serialize();
   * Module.deserialize(engine, artifact, { trusted: true });
   * assertThrows(() => Module.deserialize(engine, artifact, {} as never), TypeError, "machine code");
   * ```
   *
   * @param engine An engine of the same configuration.
   * @param bytes A compiled module.
   * @param options That you know where it comes from.
   * @returns The module.
   * @throws {ArtifactError} if it is damaged, or made for another version, configuration or processor.
   * @throws {TypeError} without `trusted: true`.
   */
  static deserialize(engine: Engine, bytes: ByteSource, options: DeserializeOptions): Module {
    const { state, config } = engineOf(engine);
    if (options?.trusted !== true) {
      throw new TypeError(
        "A compiled module is machine code that runs with all rights of this process: pass { trusted: true } for one that you made yourself",
      );
    }
    const { module, compiled } = decodeCompiled(copyBytes(bytes), "unknown", config);
    return new Module(engine, DESERIALIZE, new ModuleState(state, module, compiled) as never);
  }

  /**
   * The module that was compiled before, if the engine's cache has it. The constructor looks there as well; this never compiles.
   *
   * @example
   * ```ts
   * import { DiskCache, Engine, Module } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * const bytes = Uint8Array.fromBase64("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=");
   * const directory = await Deno.makeTempDir();
   * using engine = new Engine({ cache: new DiskCache({ directory }) });
   * assertEquals(Module.fromCache(engine, bytes), undefined);
   * new Module(engine, bytes);
   * assertEquals(Module.fromCache(engine, bytes)?.exports.length, 1);
   * await Deno.remove(directory, { recursive: true });
   * ```
   *
   * @param engine The engine to load it into.
   * @param bytes A module in the binary format.
   * @returns The module; undefined if it would have to be compiled.
   */
  static fromCache(engine: Engine, bytes: ByteSource): Module | undefined {
    const { state, config } = engineOf(engine);
    const place = cachePlace(copyBytes(bytes), config);
    const found = place && readCached(place, state, config);
    return found && new Module(engine, DESERIALIZE, found as never);
  }

  /** The module's name, if its name section gives one. */
  get name(): string | undefined {
    return this.wasm.names.moduleName;
  }

  /** What instances must be given, in order. */
  get imports(): ImportDescriptor[] {
    return this.wasm.imports.map(({ module, name, kind, index }) => ({
      module,
      name,
      ...externType(this.wasm, kind, index),
    }));
  }

  /** What instances offer, in order. */
  get exports(): ExportDescriptor[] {
    return this.wasm.exports.map(({ name, kind, index }) => ({ name, ...externType(this.wasm, kind, index) }));
  }

  /**
   * A struct type that the module defines, with the names that its name section gives the fields.
   *
   * @param type Its type index, or its name in the name section.
   * @returns The type.
   * @throws {TypeError} if there is none.
   */
  structType(type: number | string): StructType {
    const { engine, typeIds, module } = moduleOf(this);
    const index = findType(module, type, "struct");
    return wrapStructType(engine, typeIds[index], fieldNameTable(module.names.fields(index)));
  }

  /**
   * An array type that the module defines.
   *
   * @param type Its type index, or its name in the name section.
   * @returns The type.
   * @throws {TypeError} if there is none.
   */
  arrayType(type: number | string): ArrayType {
    const { engine, typeIds, module } = moduleOf(this);
    return wrapArrayType(engine, typeIds[findType(module, type, "array")]);
  }

  /**
   * A function type that the module defines.
   *
   * @param type Its type index, or its name in the name section.
   * @returns The type.
   * @throws {TypeError} if there is none.
   */
  funcType(type: number | string): FuncType {
    const { engine, typeIds, module } = moduleOf(this);
    return wrapFuncType(engine, typeIds[findType(module, type, "func")]);
  }

  /**
   * The contents of custom sections.
   *
   * @param name The sections' name.
   * @returns A copy of each section of that name.
   */
  customSections(name: string): Uint8Array<ArrayBuffer>[] {
    const { bytes, customSections } = this.wasm;
    return customSections.filter((section) => section.name === name)
      .map(({ start, end }) => new Uint8Array(bytes.slice(start, end)));
  }

  /** Where the module says that its source map is, often relative to the module itself; undefined if it says nothing. Nothing is fetched. */
  get sourceMapUrl(): string | undefined {
    const [section] = this.customSections("sourceMappingURL");
    if (section === undefined) return undefined;
    let length = 0;
    let at = 0;
    for (let shift = 0; at < section.length && shift < 35; shift += 7) {
      const byte = section[at++];
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return at + length > section.length ? undefined : new TextDecoder().decode(section.subarray(at, at + length));
  }

  /**
   * Gives the module's frames places in sources by a source map, instead of the module's own debugging sections.
   *
   * @param sourceMap The source map's text (JSON).
   * @throws {SyntaxError} if it is no source map of version 3.
   *
   * @example A source map from the embedder
   * ```ts
   * import { Engine, Instance, Module, Store, Trap } from "@theropod/theropod";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * const module = Module.fromText(engine, `(module (func (export "run") unreachable))`);
   * module.attachSourceMap(JSON.stringify({ version: 3, sources: ["run.ts"], names: [], mappings: "AAIA" }));
   * const { frames } = assertThrows(() => new Instance(store, module).exports.run(), Trap);
   * assertEquals(frames[0].symbols, [{ name: "run", file: "run.ts", line: 5, column: 1 }]);
   * ```
   */
  attachSourceMap(sourceMap: string): void {
    attachSourceMap(this.wasm, sourceMap);
  }

  /**
   * The compiled module as an ELF file, which `objdump -d` reads and {@linkcode Module.deserialize} loads. Equal modules and configurations
   * give equal bytes, in any process on any day; the processor is part of the configuration.
   *
   * @returns The file.
   */
  serialize(): Uint8Array<ArrayBuffer> {
    return encodeCompiled(this.wasm, this.compiled);
  }

  /**
   * The decoded module, for tools.
   *
   * @internal
   */
  get wasm(): WasmModule {
    return moduleOf(this).module;
  }

  /**
   * The machine code and its tables, for tools.
   *
   * @internal
   */
  get compiled(): CompiledModule {
    return moduleOf(this).compiled;
  }

  /** Frees the machine code once no store uses it any more. Instances of the module go on. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    leaks.unregister(this);
    this.#state.release();
  }
}

/** Marks a constructor call with a module that was loaded: nobody outside this file has it. */
const DESERIALIZE = new ArrayBuffer(0);

/** Modules that nobody disposed of. */
const leaks = new FinalizationRegistry<ModuleState>((state) => state.release());

/** What the cache has. It is checked as every artifact; one that does not fit is none, and goes. */
function readCached({ cache, key }: CachePlace, state: EngineState, config: ResolvedConfig): ModuleState | undefined {
  const artifact = cache.read(key);
  if (artifact === undefined) return undefined;
  try {
    const { module, compiled } = decodeCompiled(artifact, "checked", config);
    return new ModuleState(state, module, compiled);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    cache.remove(key);
    return undefined;
  }
}

function compile(
  bytes: Uint8Array,
  place: CachePlace | undefined,
  state: EngineState,
  config: ResolvedConfig,
  { onProgress }: ModuleOptions,
): ModuleState {
  const module = decodeOptimized(bytes, config);
  const compiled = compileChecked(module, config, onProgress);
  place?.cache.write(place.key, encodeCompiled(module, compiled));
  return new ModuleState(state, module, compiled);
}

/** The index of a module's type of a kind. @throws {TypeError} if there is none. */
function findType({ types, names }: WasmModule, wanted: number | string, kind: "struct" | "array" | "func"): number {
  let index = wanted;
  if (typeof wanted === "string") {
    for (const [at, name] of names.types) {
      if (name === wanted && types[at]?.kind === kind) return at;
    }
    index = -1;
  }
  if (types[index as number]?.kind !== kind) throw new TypeError(`The module has no ${kind} type ${String(wanted)}`);
  return index as number;
}

function copyBytes(source: ByteSource): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice() as Uint8Array<ArrayBuffer>;
  }
  if (source instanceof ArrayBuffer || source instanceof SharedArrayBuffer) {
    return new Uint8Array(source).slice() as Uint8Array<ArrayBuffer>;
  }
  throw new TypeError("A module is given as a buffer or a view of one");
}

function externType(module: WasmModule, kind: ExternKind, index: number): ExternType {
  switch (kind) {
    case "func":
      return { kind, type: signatureNames(funcTypeOf(module, index)) };
    case "table": {
      const table = module.tables[index];
      return { kind, type: tableTypeOf(table, table.minimum) };
    }
    case "memory": {
      const memory = module.memories[index];
      return { kind, type: memoryTypeOf(memory, memory.minimumPages) };
    }
    case "global": {
      const { type, isMutable } = module.globals[index];
      return { kind, type: { valueType: valueTypeName(type), mutability: isMutable ? "var" : "const" } };
    }
    case "tag": {
      const { parameters } = signatureNames(funcTypeAt(module, module.tags[index].typeIndex));
      return { kind, type: { parameters } };
    }
  }
}
