/**
 * A corpus script in the making: modules and commands, each expectation asked of V8 while it is written.
 *
 * Values cross between V8 and us as bits. JavaScript numbers quiet signalling NaNs, so every function is called through a small module
 * that imports it and reinterprets its floats as integers: a call from WebAssembly to WebAssembly leaves the bits alone.
 *
 * CORPUS-1  Where the specification leaves a NaN's bits open, the expectation is `nan:canonical` or `nan:arithmetic`, never V8's choice.
 * CORPUS-2  The same sources give the same bytes on every machine: no time, no randomness but seeded.
 */

import {
  call,
  get,
  instr,
  ModuleBuilder,
  type NumberType,
  set,
  type Signature,
  type TypeName,
} from "./module_builder.ts";

/** A value in a script, as wast2json writes it. */
export interface ScriptValue {
  readonly type: TypeName;
  readonly value?: string;
}

/** How to judge a NaN in a result: by its bits, or as the specification's arithmetic has it. */
export type NanRule = "bits" | "arithmetic";

/** A file of a corpus folder. */
export interface CorpusFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a call gave on V8. */
type Outcome = { readonly results: ScriptValue[] } | { readonly trap: string };

interface LoadedModule {
  readonly name: string;
  readonly signatures: Map<string, Signature>;
  readonly instance: WebAssembly.Instance;
  readonly callers: Map<string, (...args: unknown[]) => unknown>;
}

/** V8's trap messages (src/common/message-template.h) and the specification suite's texts that they can stand for. */
const TRAP_TEXTS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/unreachable/, ["unreachable"]],
  [/memory access out of bounds/, ["out of bounds memory access"]],
  [/data segment .* out of bounds/, ["out of bounds memory access"]],
  [/divide by zero|remainder by zero/, ["integer divide by zero"]],
  [/divide result unrepresentable/, ["integer overflow"]],
  [/float unrepresentable/, ["integer overflow", "invalid conversion to integer"]],
  [/table index is out of bounds/, ["undefined element", "out of bounds table access"]],
  [/table initializer .*out of bounds|element segment .*out of bounds/, ["out of bounds table access"]],
  [/null function|function signature mismatch/, ["uninitialized element", "indirect call type mismatch"]],
  [/Maximum call stack size exceeded/, ["call stack exhausted"]],
];

/** A number of a type, from its bits. */
export function value(type: NumberType, bits: bigint | number): ScriptValue {
  return { type, value: String(BigInt.asUintN(type === "i32" || type === "f32" ? 32 : 64, BigInt(bits))) };
}

/** An `i32` argument. */
export const argI32 = (number: number): ScriptValue => value("i32", number);
/** An `i64` argument. */
export const argI64 = (number: bigint | number): ScriptValue => value("i64", number);
/** An external reference by number, or null. */
export const argExtern = (id: number | null): ScriptValue => ({
  type: "externref",
  value: id === null ? "null" : String(id),
});

/** Whether a value is a NaN, and whether its payload is the canonical one. */
export function nanKind({ type, value: text }: ScriptValue): "none" | "canonical" | "other" {
  if (type !== "f32" && type !== "f64") return "none";
  const bits = BigInt(text!);
  const [exponent, quiet, magnitude] = type === "f32"
    ? [0x7f800000n, 0x7fc00000n, bits & 0x7fffffffn]
    : [0x7ff0000000000000n, 0x7ff8000000000000n, bits & 0x7fffffffffffffffn];
  if (magnitude <= exponent) return "none";
  return magnitude === quiet ? "canonical" : "other";
}

/** Writes one script. */
export class Script {
  /** The folder's name. */
  readonly name: string;
  readonly #commands: Record<string, unknown>[] = [];
  readonly #files: CorpusFile[] = [];
  readonly #named = new Map<string, LoadedModule>();
  readonly #registered: Record<string, WebAssembly.ModuleImports> = { spectest: spectest() };
  readonly #externs = new Map<string, object>();
  #current: LoadedModule | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The number of cases: commands that assert something. */
  get caseCount(): number {
    return this.#commands.filter(({ type }) => String(type).startsWith("assert_")).length;
  }

  /** Instantiates a module and makes it the one that the next commands call. */
  module(builder: ModuleBuilder, name?: string): void {
    const bytes = builder.build();
    const module = new WebAssembly.Module(bytes);
    const instance = new WebAssembly.Instance(module, this.#registered as WebAssembly.Imports);
    const filename = this.#file(bytes);
    this.#current = { name: filename, signatures: builder.exportedSignatures, instance, callers: new Map() };
    this.#command({ type: "module", filename, ...(name === undefined ? {} : { name }) });
    if (name !== undefined) this.#named.set(name, this.#current);
  }

  /** Offers the current instance's exports to later modules. */
  register(as: string): void {
    this.#registered[as] = { ...this.#current!.instance.exports } as WebAssembly.ModuleImports;
    this.#command({ type: "register", as });
  }

  /** Calls a function; what V8 answers, results or a trap with one of V8's meanings, is the expectation. */
  check(field: string, args: readonly ScriptValue[] = [], nans: NanRule = "bits", trap?: string): void {
    const outcome = this.#invoke(field, args);
    const action = this.#action(field, args);
    if ("trap" in outcome) {
      const texts = TRAP_TEXTS.find(([pattern]) => pattern.test(outcome.trap))?.[1] ?? [];
      const text = texts.length === 1 ? texts[0] : trap;
      if (text === undefined || !texts.includes(text)) {
        throw new Error(`${this.name}: ${field} trapped with ${outcome.trap}, which does not settle ${trap}`);
      }
      this.#command({ type: text === "call stack exhausted" ? "assert_exhaustion" : "assert_trap", action, text });
      return;
    }
    const inputs = args.map(nanKind);
    const expected = outcome.results.map((result) => {
      if (nans === "bits" || nanKind(result) === "none") return result;
      return { type: result.type, value: inputs.includes("other") ? "nan:arithmetic" : "nan:canonical" };
    });
    this.#command({ type: "assert_return", action, expected });
  }

  /** Calls a function that must return. */
  returns(field: string, ...args: ScriptValue[]): void {
    const before = this.#commands.length;
    this.check(field, args);
    if (this.#commands[before].type !== "assert_return") throw new Error(`${this.name}: ${field} trapped`);
  }

  /** Calls a function that must trap with the specification suite's `text`. */
  traps(text: string, field: string, ...args: ScriptValue[]): void {
    const before = this.#commands.length;
    this.check(field, args, "bits", text);
    if (this.#commands[before].text !== text) throw new Error(`${this.name}: ${field} does not trap with ${text}`);
  }

  /** Reads an exported global. */
  global(field: string, type: NumberType): void {
    const exported = this.#current!.instance.exports[field] as WebAssembly.Global;
    const view = new DataView(new ArrayBuffer(8));
    if (type === "f32") view.setFloat32(0, exported.value, true);
    else if (type === "f64") view.setFloat64(0, exported.value, true);
    else view.setBigInt64(0, BigInt(exported.value), true);
    this.#command({
      type: "assert_return",
      action: { type: "get", field },
      expected: [value(type, view.getBigUint64(0, true))],
    });
  }

  /** A module whose instantiation must trap. */
  uninstantiable(builder: ModuleBuilder, text: string): void {
    const bytes = builder.build();
    try {
      new WebAssembly.Instance(new WebAssembly.Module(bytes), this.#registered as WebAssembly.Imports);
    } catch (error) {
      const found = TRAP_TEXTS.find(([pattern]) => pattern.test(String(error)))?.[1];
      if (!found?.includes(text)) throw error;
      this.#command({ type: "assert_uninstantiable", filename: this.#file(bytes), module_type: "binary", text });
      return;
    }
    throw new Error(`${this.name}: instantiated, expected ${text}`);
  }

  /** A module whose imports must not link. */
  unlinkable(builder: ModuleBuilder, text: string): void {
    const bytes = builder.build();
    const module = new WebAssembly.Module(bytes);
    try {
      new WebAssembly.Instance(module, this.#registered as WebAssembly.Imports);
    } catch (error) {
      if (!(error instanceof WebAssembly.LinkError) && !(error instanceof TypeError)) throw error;
      this.#command({ type: "assert_unlinkable", filename: this.#file(bytes), module_type: "binary", text });
      return;
    }
    throw new Error(`${this.name}: linked, expected ${text}`);
  }

  /** A module that must be refused. */
  invalid(builder: ModuleBuilder, text: string): void {
    const bytes = builder.build();
    if (WebAssembly.validate(bytes)) throw new Error(`${this.name}: valid, expected ${text}`);
    this.#command({ type: "assert_invalid", filename: this.#file(bytes), module_type: "binary", text });
  }

  /** The folder's files: binaries, and `commands.json` with a command on each line. */
  files(): CorpusFile[] {
    const lines = this.#commands.map((command) => JSON.stringify(command)).join(",\n");
    const json = `{"source_filename":"${this.name}","commands":[\n${lines}\n]}\n`;
    return [...this.#files, { name: "commands.json", bytes: new TextEncoder().encode(json) }];
  }

  #file(bytes: Uint8Array): string {
    const name = `${this.#files.length}.wasm`;
    this.#files.push({ name, bytes });
    return name;
  }

  /** A command's line is its line in `commands.json`, so that a failure points at itself. */
  #command({ type, ...rest }: { type: string } & Record<string, unknown>): void {
    this.#commands.push({ type, line: this.#commands.length + 2, ...rest });
  }

  #action(field: string, args: readonly ScriptValue[]): Record<string, unknown> {
    return { type: "invoke", field, ...(args.length === 0 ? {} : { args }) };
  }

  #invoke(field: string, args: readonly ScriptValue[]): Outcome {
    const current = this.#current!;
    const type = current.signatures.get(field);
    if (type === undefined) throw new Error(`${this.name}: no exported function ${field}`);
    if (args.map((arg) => arg.type).join() !== type.params.join()) {
      throw new Error(`${this.name}: ${field} takes ${type.params.join()}, not ${args.map((arg) => arg.type).join()}`);
    }
    let caller = current.callers.get(field);
    if (caller === undefined) current.callers.set(field, caller = bitCaller(current.instance.exports[field], type));
    try {
      const result = caller(...args.map((arg) => this.#toV8(arg)));
      const results = type.results.length === 0 ? [] : type.results.length === 1 ? [result] : result as unknown[];
      return { results: [...results as unknown[]].map((item, index) => this.#fromV8(type.results[index], item)) };
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) return { trap: error.message };
      throw error;
    }
  }

  #toV8({ type, value: text }: ScriptValue): unknown {
    if (text === "null") return null;
    if (type === "externref") {
      let object = this.#externs.get(text!);
      if (object === undefined) this.#externs.set(text!, object = { extern: text });
      return object;
    }
    return type === "i64" || type === "f64"
      ? BigInt.asIntN(64, BigInt(text!))
      : Number(BigInt.asIntN(32, BigInt(text!)));
  }

  #fromV8(type: TypeName, item: unknown): ScriptValue {
    if (type === "funcref" || type === "externref") {
      if (item === null) return { type, value: "null" };
      return type === "funcref" ? { type } : { type, value: (item as { extern: string }).extern };
    }
    return value(type, BigInt(item as number | bigint));
  }
}

/** The part of the scripts' host module that the corpus calls. */
function spectest(): WebAssembly.ModuleImports {
  const names = ["print", "print_i32", "print_i64", "print_f32", "print_f64", "print_i32_f32", "print_f64_f64"];
  return Object.fromEntries(names.map((name) => [name, () => {}]));
}

const AS_BITS: Partial<Record<TypeName, TypeName>> = { f32: "i32", f64: "i64" };

/** `exported` with floats as their bits. */
function bitCaller(exported: unknown, { params, results }: Signature): (...args: unknown[]) => unknown {
  const builder = new ModuleBuilder();
  const target = builder.importFunc("m", "f", { params, results });
  const bits = (types: readonly TypeName[]) => types.map((type) => AS_BITS[type] ?? type);
  const argument = (type: TypeName, index: number) => [
    get(index),
    type === "f32" ? instr("f32.reinterpret_i32") : type === "f64" ? instr("f64.reinterpret_i64") : [],
  ];
  // Results are popped from the last to the first into locals, then pushed as bits.
  const base = params.length;
  const pops = results.map((_, index) => set(index + base)).reverse();
  const pushes = results.map((type, index) => [
    get(index + base),
    type === "f32" ? instr("i32.reinterpret_f32") : type === "f64" ? instr("i64.reinterpret_f64") : [],
  ]);
  builder.func(
    "f",
    { params: bits(params), results: bits(results) },
    results,
    params.map(argument),
    call(target),
    pops,
    pushes,
  );
  const module = new WebAssembly.Module(builder.build());
  const instance = new WebAssembly.Instance(module, { m: { f: exported as WebAssembly.ExportValue } });
  return instance.exports.f as (...args: unknown[]) => unknown;
}
