/** The two engines that differential tests compare, behind one face: V8, and ours in any configuration with all internal checks on. */

import { stressWord } from "../../../lib/abi/mod.ts";
import { compileModule, encodeArtifact } from "../../../lib/compile/mod.ts";
import { machineCpuFeatures } from "../../../lib/runtime/mod.ts";
import { COMPILED_FEATURES, decodeModule, validateModule } from "../../../lib/wasm/mod.ts";
import { Engine, Exception, Global, Instance, Memory, Module, Store, Table, Tag, Trap } from "../../../mod.ts";
import { STRESS } from "../../configurations.ts";
import type { NumberType, Signature, TypeName } from "../generators/wasm_tree.ts";

/** How our code is made. */
export interface Configuration {
  readonly bounds: "guard" | "explicit";
  readonly effort: "none" | "speed";
  /** What the code may use: all that this machine has (if not given), or only what every machine has. */
  readonly processor?: "baseline";
  /** Compiled with polls and under all stress. */
  readonly stress?: "on";
  /** What collects objects: the default one if not given, or the one that counts, whose code has another barrier. */
  readonly collector?: "refcounting";
  /** Compiled with fuel, of which the store has plenty. */
  readonly fuel?: "counted";
}

/** Every configuration. */
export const CONFIGURATIONS: readonly Configuration[] = [
  { bounds: "guard", effort: "speed" },
  { bounds: "explicit", effort: "speed" },
  { bounds: "guard", effort: "none" },
  { bounds: "explicit", effort: "none" },
  { bounds: "guard", effort: "speed", processor: "baseline" },
  { bounds: "guard", effort: "speed", stress: "on" },
  { bounds: "explicit", effort: "speed", stress: "on" },
  { bounds: "guard", effort: "none", stress: "on" },
];

/** Configurations for programs with objects: with the collector that counts. */
export const COUNTING_CONFIGURATIONS: readonly Configuration[] = [
  { bounds: "guard", effort: "speed", collector: "refcounting" },
  { bounds: "guard", effort: "speed", stress: "on", collector: "refcounting" },
  { bounds: "explicit", effort: "none", stress: "on", collector: "refcounting" },
];

/** A configuration in words. */
export function configurationName({ bounds, effort, processor, stress, collector, fuel }: Configuration): string {
  return [bounds, effort, processor, stress && "stress", collector, fuel && "fuel"].filter((word) => word !== undefined)
    .join(" ");
}

/** A function of either engine. */
export type Callable = (...args: unknown[]) => unknown;
/** A global of either engine. */
export interface GlobalLike {
  value: unknown;
}
/** A memory of either engine. */
export interface MemoryLike {
  readonly buffer: ArrayBufferLike;
}
/** A table of either engine. */
export interface TableLike {
  readonly length: number | bigint;
  get(index: number | bigint): unknown;
}

/** What can be imported from the host. */
export type HostImport =
  | { readonly kind: "func"; readonly signature: Signature; readonly fn: Callable }
  | { readonly kind: "memory"; readonly min: number; readonly max: number }
  | { readonly kind: "table"; readonly type: "funcref" | "externref"; readonly min: number; readonly max: number }
  | { readonly kind: "tag"; readonly params: readonly TypeName[] }
  | {
    readonly kind: "global";
    readonly type: NumberType;
    readonly isMutable: boolean;
    readonly value: number | bigint;
  };

/** An instance of either engine. */
export interface Guest {
  func(name: string): Callable;
  memory(name: string): MemoryLike;
  table(name: string): TableLike;
  global(name: string): GlobalLike;
}

/** One engine with a store: instances in it may import from each other. */
export interface Session extends Disposable {
  readonly name: string;
  /** Makes a host thing once; the same object can be imported by several modules. */
  create(thing: HostImport): unknown;
  /** An exception for a host function to throw. */
  exception(tag: unknown, values: readonly unknown[]): unknown;
  /** Whether an error is an exception of this engine. */
  isException(error: unknown): boolean;
  /** Whether an exception is of a tag. */
  isOf(exception: unknown, tag: unknown): boolean;
  /** One of the values of an exception of a tag. */
  argument(exception: unknown, tag: unknown, index: number): unknown;
  /** @throws what instantiation throws; see {@linkcode trapKind}. */
  instantiate(
    bytes: Uint8Array<ArrayBuffer>,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): Guest & {
    readonly exports: Readonly<Record<string, unknown>>;
  };
}

/** What Deno's declarations of V8's WebAssembly leave out. */
interface V8Exception {
  is(tag: unknown): boolean;
  getArg(tag: unknown, index: number): unknown;
}
const V8 = WebAssembly as unknown as {
  readonly Tag: new (type: { readonly parameters: readonly string[] }) => unknown;
  readonly Exception: new (tag: unknown, values: readonly unknown[]) => V8Exception;
};

/** V8. */
export class V8Session implements Session {
  readonly name = "V8";

  create(thing: HostImport): unknown {
    switch (thing.kind) {
      case "func":
        return thing.fn;
      case "memory":
        return new WebAssembly.Memory({ initial: thing.min, maximum: thing.max });
      case "tag":
        return new V8.Tag({ parameters: thing.params });
      case "table":
        return new WebAssembly.Table({
          element: thing.type === "funcref" ? "anyfunc" : "externref" as "anyfunc",
          initial: thing.min,
          maximum: thing.max,
        });
      case "global":
        return new WebAssembly.Global({ value: thing.type, mutable: thing.isMutable }, thing.value as number);
    }
  }

  exception(tag: unknown, values: readonly unknown[]): unknown {
    return new V8.Exception(tag, values);
  }

  isException(error: unknown): boolean {
    return error instanceof V8.Exception;
  }

  isOf(exception: unknown, tag: unknown): boolean {
    return (exception as V8Exception).is(tag);
  }

  argument(exception: unknown, tag: unknown, index: number): unknown {
    return (exception as V8Exception).getArg(tag, index);
  }

  instantiate(bytes: Uint8Array<ArrayBuffer>, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports as WebAssembly.Imports);
    return {
      exports,
      func: (name: string) => exports[name] as Callable,
      memory: (name: string) => exports[name] as MemoryLike,
      table: (name: string) => exports[name] as TableLike,
      global: (name: string) => exports[name] as GlobalLike,
    };
  }

  [Symbol.dispose](): void {}
}

/** {@linkcode STRESS} as the compiler takes it. */
const STRESS_CODE = { interruption: true, stress: stressWord(STRESS.stress) } as const;

const engines = new Map<string, Engine>();

function engineFor(configuration: Configuration): Engine {
  const { bounds, effort, stress, collector = "generational", fuel } = configuration;
  const key = configurationName(configuration);
  let engine = engines.get(key);
  if (engine === undefined) {
    engines.set(
      key,
      engine = new Engine({ bounds, effort, collector, fuel: fuel !== undefined, ...(stress ? STRESS : {}) }),
    );
  }
  return engine;
}

/** Compiles with the IR verifier and the allocation checker on; the result goes through an artifact, as saved modules do. */
export function compileChecked(bytes: Uint8Array<ArrayBuffer>, configuration: Configuration): Module {
  const module = decodeModule(bytes, COMPILED_FEATURES);
  validateModule(module);
  const { bounds, effort, processor, stress, collector, fuel } = configuration;
  const compiled = compileModule(module, {
    bounds,
    effort,
    cpuFeatures: processor === "baseline" ? 0 : machineCpuFeatures(),
    barrier: collector === undefined ? "cards" : "log",
    checks: "on",
    fuel: fuel !== undefined,
    ...(stress ? STRESS_CODE : {}),
  });
  return Module.deserialize(engineFor(configuration), encodeArtifact(module, compiled), { trusted: true });
}

/** Our engine. */
export class TheropodSession implements Session {
  readonly name: string;
  readonly #configuration: Configuration;
  readonly #store: Store;
  readonly #modules: Module[] = [];

  constructor(configuration: Configuration) {
    this.name = configurationName(configuration);
    this.#configuration = configuration;
    this.#store = new Store(engineFor(configuration));
    if (configuration.fuel !== undefined) this.#store.fuel = Number.MAX_SAFE_INTEGER;
  }

  /** Fuel that the program has used so far. */
  get fuelConsumed(): number {
    return this.#store.fuelConsumed;
  }

  /** For sessions that do something to an instance before its program runs. */
  protected onInstantiated(
    _instance: Instance,
    _imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): void {
  }

  create(thing: HostImport): unknown {
    switch (thing.kind) {
      case "func":
        return thing.fn;
      case "memory":
        return new Memory(this.#store, { minimum: thing.min, maximum: thing.max });
      case "tag":
        return new Tag(this.#store, { parameters: [...thing.params] as never });
      case "table":
        return new Table(this.#store, { element: thing.type, minimum: thing.min, maximum: thing.max });
      case "global":
        return new Global(
          this.#store,
          { valueType: thing.type, mutability: thing.isMutable ? "var" : "const" },
          thing.value,
        );
    }
  }

  exception(tag: unknown, values: readonly unknown[]): unknown {
    return new Exception(tag as Tag, values);
  }

  isException(error: unknown): boolean {
    return error instanceof Exception;
  }

  isOf(exception: unknown, tag: unknown): boolean {
    return (exception as Exception).is(tag as Tag);
  }

  argument(exception: unknown, _tag: unknown, index: number): unknown {
    return (exception as Exception).getArg(index);
  }

  instantiate(bytes: Uint8Array<ArrayBuffer>, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
    const module = compileChecked(bytes, this.#configuration);
    this.#modules.push(module);
    const instance = new Instance(this.#store, module, imports as never);
    this.onInstantiated(instance, imports);
    const { exports } = instance;
    return {
      exports,
      func: (name: string) => exports[name] as Callable,
      memory: (name: string) => exports[name] as MemoryLike,
      table: (name: string) => {
        const table = exports[name] as Table;
        return {
          get length() {
            return table.size;
          },
          get: (index: number | bigint) => table.get(index),
        };
      },
      global: (name: string) => exports[name] as GlobalLike,
    };
  }

  [Symbol.dispose](): void {
    this.#store.close();
    for (const module of this.#modules) module[Symbol.dispose]();
  }
}

/** V8's messages, as far as they tell kinds of traps apart. */
const V8_MESSAGES: readonly (readonly [part: string, kind: string])[] = [
  ["unreachable", "unreachable"],
  ["divide by zero", "divide by zero"],
  ["remainder by zero", "divide by zero"],
  ["divide result unrepresentable", "overflow"],
  ["float unrepresentable in integer range", "conversion"],
  ["memory access out of bounds", "memory"],
  ["unaligned", "unaligned"],
  ["null pointer", "null"],
  ["rethrowing null", "null"],
  ["illegal cast", "cast"],
  ["array element access out of bounds", "array"],
  ["requested new array is too large", "array"],
  ["function signature mismatch", "bad callee"],
  ["null function", "bad callee"],
  ["table index is out of bounds", "table"],
  ["table access out of bounds", "table"],
  ["element segment out of bounds", "segment"],
  ["data segment", "segment"],
  ["Maximum call stack", "stack"],
];

/** Our traps in the same words. V8 has one message for two kinds of bad callee, and one for every conversion. */
const OUR_KINDS: Readonly<Record<string, string>> = {
  unreachable: "unreachable",
  memory_out_of_bounds: "memory",
  unaligned_atomic: "unaligned",
  table_out_of_bounds: "table",
  indirect_call_out_of_bounds: "table",
  indirect_call_to_null: "bad callee",
  indirect_call_type_mismatch: "bad callee",
  integer_overflow: "overflow",
  integer_divide_by_zero: "divide by zero",
  invalid_conversion_to_integer: "conversion",
  stack_overflow: "stack",
  null_reference: "null",
  null_function_reference: "null",
  null_struct_reference: "null",
  null_array_reference: "null",
  null_i31_reference: "null",
  null_exception_reference: "null",
  array_out_of_bounds: "array",
  cast_failure: "cast",
};

/** Thrown by host functions to see it come out of the guest again. */
export class HostAbort extends Error {
  override readonly name = "HostAbort";
}

/**
 * The kind of a trap, comparable across engines.
 *
 * @throws what is no trap: a defect somewhere.
 */
export function trapKind(error: unknown): string {
  if (error instanceof Trap) {
    const kind = OUR_KINDS[error.code];
    if (kind === undefined) throw error;
    return kind;
  }
  if (error instanceof Exception || error instanceof V8.Exception) return "exception";
  if (error instanceof HostAbort) return `host abort ${error.message}`;
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    const found = V8_MESSAGES.find(([part]) => error.message.includes(part));
    if (found === undefined) throw error;
    return found[1];
  }
  throw error;
}

/**
 * Where a trap happened: offsets in the module of the instruction and of the calls that led to it, innermost first. Empty for what is no
 * trap, and for stack overflow. V8's are as many as `Error.stackTraceLimit` allows.
 */
export function trapPlaces(error: unknown): string {
  if (error instanceof Trap) {
    return error.code === "stack_overflow"
      ? ""
      : error.frames.map(({ wasmOffset }) => wasmOffset.toString(16)).join(" ");
  }
  if (!(error instanceof WebAssembly.RuntimeError)) return "";
  return Array.from(error.stack!.matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g), ([, offset]) => offset).join(" ");
}

/**
 * Whether two kinds are the same trap: ours tells a conversion of a number too large from one of a NaN, and which comes first of an address
 * that is neither aligned nor in bounds is not said.
 */
export function isSameTrap(theirs: string, ours: string): boolean {
  return theirs === ours || theirs === "conversion" && ours === "overflow" ||
    theirs === "memory" && ours === "unaligned" ||
    // Where a segment is too short and so is what it is copied to, V8 looks at the segment first, the specification at the other.
    theirs === "segment" && (ours === "table" || ours === "memory" || ours === "array");
}
