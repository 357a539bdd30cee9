/**
 * Runs a specification script: a `.wast` file, or what wast2json makes of one, a `commands.json` beside its modules.
 *
 * Values cross as bits, not as JavaScript numbers, so that every NaN is judged by its payload. A command whose module needs a feature
 * that is not compiled yet is skipped and counted under what it waits for, and so is everything that depends on it.
 *
 * WAST-1  A command is passed, failed or skipped: the three counts add up to the number of commands.
 */

import { TRAPS } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import {
  ArrayRef,
  type Engine,
  Exception,
  ExnRef,
  Func,
  Global,
  I31Ref,
  Instance,
  LinkError,
  Memory,
  Module,
  Store,
  StructRef,
  Table,
  Trap,
} from "../engine/mod.ts";
import { callBits, fromReference, type FuncState, funcStateOf, toReference } from "../runtime/mod.ts";
import {
  parseModule,
  parseScript,
  type ScriptAction,
  type ScriptCommand,
  type ScriptValue,
  TextError,
} from "../text/mod.ts";
import {
  ALL_FEATURES,
  CompileError,
  decodeModule,
  type FeatureSet,
  type Module as WasmModule,
  readBranchHints,
  requiredFeature,
  validateModule,
} from "../wasm/mod.ts";
import { scriptFacts } from "./script_groups.ts";

type Action = ScriptAction;

/** A command: of a script that was parsed here, with its module; of a `commands.json`, with the name of the module's file. */
interface Command extends Omit<ScriptCommand, "module_type"> {
  readonly filename?: string;
  readonly binary_filename?: string;
  readonly module_type?: string;
}

/** A command that did not do what the script says. */
export interface Failure {
  readonly line: number;
  readonly command: string;
  readonly message: string;
}

/** What a script's commands came to. */
export interface ScriptResult {
  passed: number;
  failed: number;
  skipped: number;
  readonly failures: Failure[];
  /** Skipped commands by what they wait for. */
  readonly waitingFor: Map<string, number>;
}

/** Thrown to skip a command. */
class Skip {
  readonly feature: string;

  constructor(feature: string) {
    this.feature = feature;
  }
}

/** What a name stands for: an instance, or the feature that its module waits for. */
type Named = Instance | Skip;

/** Runs scripts, each in a store of its own. */
export class ScriptRunner {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Runs the script at `path`, a `.wast` file or a `commands.json`. @throws {TextError} for text that is no script. */
  run(path: string): ScriptResult {
    const folder = path.slice(0, path.lastIndexOf("/") + 1) || "./";
    const isText = path.endsWith(".wast");
    const commands: readonly Command[] = isText
      ? parseScript(Deno.readFileSync(path))
      : JSON.parse(Deno.readTextFileSync(path)).commands;
    const facts = scriptFacts(path);
    // A script of one's own may use everything.
    const features = isText && facts.group === "core" ? ALL_FEATURES : facts.features;
    const result: ScriptResult = { passed: 0, failed: 0, skipped: 0, failures: [], waitingFor: new Map() };
    using store = new Store(this.#engine);
    const script = new Script(this.#engine, store, folder, features);
    for (const command of commands) {
      try {
        script.execute(command);
        result.passed++;
      } catch (error) {
        if (error instanceof Skip) {
          result.skipped++;
          result.waitingFor.set(error.feature, (result.waitingFor.get(error.feature) ?? 0) + 1);
        } else {
          result.failed++;
          const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
          result.failures.push({ line: command.line, command: command.type, message });
        }
      }
    }
    return result;
  }
}

class Script {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #folder: string;
  readonly #features: FeatureSet;
  readonly #instances = new Map<string, Named>();
  readonly #registered = new Map<string, Named | Record<string, unknown>>();
  readonly #definitions = new Map<string, Module | Skip>();
  /** Instances whose state a skipped module would have changed, and what that module waits for. */
  readonly #outdated = new Map<Instance, Skip>();
  readonly #externs = new Map<string, { extern: string }>();
  #current: Named = new Skip("no module yet");
  #lastDefinition: Module | Skip | undefined;

  constructor(engine: Engine, store: Store, folder: string, features: FeatureSet) {
    this.#engine = engine;
    this.#store = store;
    this.#folder = folder;
    this.#features = features;
    this.#registered.set("spectest", spectest(store));
  }

  /** Runs one command; throws a Skip or what went wrong. */
  execute(command: Command): void {
    const handler = this.#handlers[command.type];
    if (handler === undefined) throw new Skip(`command ${command.type}`);
    handler(command);
  }

  readonly #handlers: Readonly<Record<string, (command: Command) => void>> = {
    module: (command) => {
      this.#current = this.#define(command, () => this.#instantiate(this.#compile(command)));
      if (command.name !== undefined) this.#instances.set(command.name, this.#current);
      if (this.#current instanceof Skip) throw this.#current;
    },
    module_definition: (command) => {
      this.#lastDefinition = this.#define(command, () => this.#compile(command));
      if (command.name !== undefined) this.#definitions.set(command.name, this.#lastDefinition);
      if (this.#lastDefinition instanceof Skip) throw this.#lastDefinition;
    },
    module_instance: (command) => {
      const definition = command.module === undefined ? this.#lastDefinition : this.#definitions.get(command.module);
      if (definition === undefined) throw new Error(`no module definition ${command.module}`);
      this.#current = definition instanceof Skip
        ? definition
        : this.#define(command, () => this.#instantiate(definition));
      if (command.instance !== undefined) this.#instances.set(command.instance, this.#current);
      if (this.#current instanceof Skip) throw this.#current;
    },
    register: (command) => {
      const named = command.name === undefined ? this.#current : this.#named(command.name);
      this.#registered.set(command.as!, named);
      if (named instanceof Skip) throw named;
    },
    action: (command) => void this.#act(command.action!),
    assert_return: (command) => {
      const results = this.#act(command.action!);
      const expected = command.expected ?? [];
      if (results.length !== expected.length) throw new Error(`${results.length} results, expected ${expected.length}`);
      expected.forEach((value, index) => {
        if (!this.#matches(value, results[index])) {
          throw new Error(`result ${index} is ${printResult(results[index])}, expected ${JSON.stringify(value)}`);
        }
      });
    },
    assert_trap: (command) => expectTrap(command, () => this.#act(command.action!)),
    assert_exhaustion: (command) => expectTrap(command, () => this.#act(command.action!)),
    assert_suspension: (command) => expectTrap(command, () => this.#act(command.action!)),
    assert_exception: (command) => {
      try {
        this.#act(command.action!);
      } catch (error) {
        if (error instanceof Exception) return;
        throw error;
      }
      throw new Error("threw no exception");
    },
    assert_uninstantiable: (command) => {
      const module = this.#compile(command);
      expectTrap(command, () => this.#instantiate(module));
    },
    assert_unlinkable: (command) => {
      const module = this.#compile(command);
      try {
        this.#instantiate(module);
      } catch (error) {
        if (error instanceof LinkError) return;
        throw error;
      }
      throw new Error(`linked, expected: ${command.text}`);
    },
    assert_invalid: (command) => this.#expectRefusal(command),
    assert_malformed: (command) => this.#expectRefusal(command),
    // What custom sections say is checked on request only: the module itself has to be valid.
    assert_invalid_custom: (command) => {
      const decoded = decodeModule(this.#bytes(command), this.#features);
      validateModule(decoded);
      this.#expectError(command, () => void readBranchHints(decoded));
    },
    assert_malformed_custom: (command) => this.#expectRefusal(command),
  };

  /** The module of a command in the binary format; text is parsed here, even where it was converted. @throws {TextError} */
  #bytes({ binary, source, filename }: Command): Uint8Array<ArrayBuffer> {
    if (binary !== undefined) return binary;
    if (source !== undefined) return parseModule(source);
    if (filename === undefined) throw new Error("the command names no module");
    const bytes = Deno.readFileSync(this.#folder + filename);
    return filename.endsWith(".wat") ? parseModule(bytes) : bytes;
  }

  /** Runs `make`; a Skip becomes the value, so that what depends on it is skipped too. */
  #define<T>(_command: Command, make: () => T): T | Skip {
    try {
      return make();
    } catch (error) {
      if (error instanceof Skip) return error;
      // What depends on a module that failed must fail too, not use the one before.
      this.#current = new Skip("a module that failed");
      throw error;
    }
  }

  #compile(command: Command): Module {
    const bytes = this.#bytes(command);
    const decoded = decodeModule(bytes, this.#features);
    validateModule(decoded);
    const feature = requiredFeature(decoded);
    if (feature !== undefined) throw this.#skipModule(decoded, feature);
    return new Module(this.#engine, bytes);
  }

  /** What would import memories, tables or globals of an instance might have written to them. */
  #skipModule(module: WasmModule, feature: string): Skip {
    const skip = new Skip(feature);
    for (const { module: from, kind } of module.imports) {
      const source = this.#registered.get(from);
      if (kind !== "func" && source instanceof Instance) this.#outdated.set(source, skip);
    }
    return skip;
  }

  #instantiate(module: Module): Instance {
    const imports: Record<string, Record<string, unknown>> = {};
    for (const { module: from, name } of module.imports) {
      const source = this.#registered.get(from);
      if (source === undefined) continue;
      if (source instanceof Skip) throw source;
      const exports: Record<string, unknown> = source instanceof Instance ? source.exports : source;
      if (exports[name] !== undefined) (imports[from] ??= {})[name] = exports[name];
    }
    return new Instance(this.#store, module, imports as ConstructorParameters<typeof Instance>[2]);
  }

  #named(name: string): Named {
    const named = this.#instances.get(name);
    if (named === undefined) throw new Error(`no instance ${name}`);
    return named;
  }

  #act({ type, module, field, args = [] }: Action): Result[] {
    const instance = module === undefined ? this.#current : this.#named(module);
    if (instance instanceof Skip) throw instance;
    const outdated = this.#outdated.get(instance);
    if (outdated !== undefined) throw outdated;
    const exported = instance.exports[field];
    if (type === "get") {
      if (!(exported instanceof Global)) throw new Error(`no exported global ${field}`);
      return [{ kind: exported.type.valueType ?? "i32", value: exported.value }];
    }
    const func = funcStateOf(exported);
    if (func === undefined) throw new Error(`no exported function ${field}`);
    return this.#invoke(func, args);
  }

  #invoke(func: FuncState, args: readonly ScriptValue[]): Result[] {
    const words = new Int32Array(4 * args.length);
    args.forEach((arg, index) => this.#putArgument(func, arg, words, 4 * index));
    const results = callBits(func, words);
    return func.signature.resultNames.map((kind: string, index: number) => ({
      kind,
      words: results.subarray(4 * index, 4 * index + 4),
      value: OBJECT_KINDS.has(kind) ? fromReference(func.store, results[4 * index]) : undefined,
    }));
  }

  #putArgument(func: FuncState, argument: ScriptValue, words: Int32Array, at: number): void {
    const { type, value } = argument;
    if (type === "v128") words.set(wordsOfLanes(argument), at);
    else if (type === "i32" || type === "f32") words[at] = Number(BigInt.asIntN(32, BigInt(value as string)));
    else if (type === "i64" || type === "f64") {
      const bits = BigInt.asIntN(64, BigInt(value as string));
      words[at] = Number(BigInt.asIntN(32, bits));
      words[at + 1] = Number(BigInt.asIntN(32, bits >> 32n));
    } else if (value !== "null" && (type === "externref" || type === "anyref")) {
      words[at] = toReference(func.store, this.#extern(value as string)) ?? bug("the heap is full");
    } else if (value !== "null" && !type.startsWith("null")) throw new Skip(`argument of type ${type}`);
  }

  #extern(value: string): { extern: string } {
    let object = this.#externs.get(value);
    if (object === undefined) this.#externs.set(value, object = { extern: value });
    return object;
  }

  #matches(expected: ScriptValue, result: Result): boolean {
    const { type, value } = expected;
    if (type === "either") return expected.values!.some((choice) => this.#matches(choice, result));
    if (!NUMBER_TYPES.has(type) && result.kind !== "funcref") return this.#matchesReference(expected, result.value);
    if (result.words === undefined) return matchesGlobal(expected, result.value);
    const [lo, hi] = result.words;
    if (type === "v128") return matchesLanes(expected, result.words);
    if (type === "i32") return lo === Number(BigInt.asIntN(32, BigInt(value as string)));
    if (type === "i64" || type === "f32" || type === "f64") return matchesNumber(type, value as string, lo, hi);
    return isNullPattern(expected) === (lo === 0 && hi === 0);
  }

  /** A reference that is none to a function, as JavaScript sees it. */
  #matchesReference(expected: ScriptValue, actual: unknown): boolean {
    const { type, value } = expected;
    if (isNullPattern(expected)) return actual === null;
    if (value !== undefined) return actual === this.#externs.get(value as string);
    const classes = REFERENCE_CLASSES[type];
    return classes === undefined ? actual !== null : classes.some((one) => actual instanceof one);
  }

  /** The module must be refused by parsing, decoding or validation. */
  #expectRefusal(command: Command): void {
    this.#expectError(command, () => validateModule(decodeModule(this.#bytes(command), this.#features)));
  }

  #expectError({ text }: Command, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof CompileError || error instanceof TextError) return;
      throw error;
    }
    throw new Error(`accepted, expected: ${text}`);
  }
}

const NUMBER_TYPES = new Set(["i32", "i64", "f32", "f64", "v128"]);

/** Kinds of results that are references into the heap. */
const OBJECT_KINDS = new Set(["externref", "anyref", "exnref", "contref"]);

/** What a pattern without a value accepts; not named: anything but null. */
const REFERENCE_CLASSES: Readonly<Record<string, readonly (abstract new (...args: never[]) => unknown)[]>> = {
  structref: [StructRef],
  arrayref: [ArrayRef],
  i31ref: [I31Ref],
  eqref: [StructRef, ArrayRef, I31Ref],
  exnref: [ExnRef],
};

function isNullPattern({ type, value }: ScriptValue): boolean {
  return value === "null" || type === "refnull" || type.startsWith("null");
}

/** A result: its bits, or for globals and external references the JavaScript value. */
interface Result {
  readonly kind: string;
  readonly words?: Int32Array;
  readonly value?: unknown;
}

function printResult({ kind, words, value }: Result): string {
  if (words === undefined) return `${kind} ${String(value)}`;
  return `${kind} 0x${[...words].reverse().map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("")}`;
}

function matchesNumber(type: "i64" | "f32" | "f64", value: string, lo: number, hi: number): boolean {
  if (value === "nan:canonical" || value === "nan:arithmetic") {
    const high = type === "f32" ? lo : hi;
    const quiet = type === "f32" ? 0x7fc00000 : 0x7ff80000;
    if (value === "nan:arithmetic") return (high & quiet) === quiet;
    return (high & 0x7fffffff) === quiet && (type === "f32" || lo === 0);
  }
  const bits = BigInt.asIntN(64, BigInt(value));
  return Number(BigInt.asIntN(32, bits)) === lo && (type === "f32" || Number(BigInt.asIntN(32, bits >> 32n)) === hi);
}

/** A lane type and its width in bits. */
const LANE_BITS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 };

/** The words of a vector given by lanes. */
function wordsOfLanes({ lane_type, value }: ScriptValue): Int32Array {
  const bits = BigInt(LANE_BITS[lane_type!]);
  let vector = 0n;
  (value as readonly string[]).forEach((lane, index) => {
    vector |= BigInt.asUintN(Number(bits), BigInt(lane)) << BigInt(index) * bits;
  });
  return Int32Array.from({ length: 4 }, (_, word) => Number(BigInt.asIntN(32, vector >> BigInt(32 * word))));
}

function matchesLanes(expected: ScriptValue, words: Int32Array): boolean {
  const { lane_type, value } = expected;
  if (lane_type !== "f32" && lane_type !== "f64") {
    return wordsOfLanes(expected).every((word, index) => word === words[index]);
  }
  const wordsPerLane = lane_type === "f64" ? 2 : 1;
  return (value as readonly string[]).every((lane, index) =>
    matchesNumber(lane_type, lane, words[index * wordsPerLane], words[index * wordsPerLane + 1])
  );
}

const scratch = new DataView(new ArrayBuffer(8));

function matchesGlobal(expected: ScriptValue, actual: unknown): boolean {
  const { type, value } = expected;
  if (type === "v128") return matchesLanes(expected, new Int32Array((actual as Uint8Array).slice().buffer));
  if (type === "i32") return actual === Number(BigInt.asIntN(32, BigInt(value as string)));
  if (type === "i64") return actual === BigInt.asIntN(64, BigInt(value as string));
  if (type === "f32") {
    scratch.setFloat32(0, actual as number, true);
    return matchesNumber("f32", value as string, scratch.getInt32(0, true), 0);
  }
  if (type === "f64") {
    scratch.setFloat64(0, actual as number, true);
    return matchesNumber("f64", value as string, scratch.getInt32(0, true), scratch.getInt32(4, true));
  }
  return isNullPattern({ type, ...(value === undefined ? {} : { value }) }) === (actual === null);
}

/** `work` must trap, with the message that the script gives. */
function expectTrap({ text = "" }: Command, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Trap)) throw error;
    const { code } = error;
    const row = TRAPS.find(([name]) => name === code);
    const message: string = row?.[2] ?? error.message;
    if (message.startsWith(text) || text.startsWith(message)) return;
    throw new Error(`trapped with ${JSON.stringify(message)}, expected ${JSON.stringify(text)}`);
  }
  throw new Error(`did not trap, expected ${JSON.stringify(text)}`);
}

/** The module that scripts import from (spec interpreter, `script/js.ml`). */
function spectest(store: Store): Record<string, unknown> {
  const print = (...parameters: string[]) =>
    new Func(store, { parameters, results: [] } as never, () => undefined as never);
  const constant = (type: string, value: unknown) =>
    new Global(store, { valueType: type, mutability: "const" } as never, value as never);
  return {
    print: print(),
    print_i32: print("i32"),
    print_i64: print("i64"),
    print_f32: print("f32"),
    print_f64: print("f64"),
    print_i32_f32: print("i32", "f32"),
    print_f64_f64: print("f64", "f64"),
    global_i32: constant("i32", 666),
    global_i64: constant("i64", 666n),
    global_f32: constant("f32", 666.6),
    global_f64: constant("f64", 666.6),
    table: new Table(store, { element: "funcref", minimum: 10, maximum: 20 } as never, null),
    table64: new Table(store, { element: "funcref", minimum: 10n, maximum: 20n, address: "i64" }, null),
    memory: new Memory(store, { minimum: 1, maximum: 2 } as never),
    shared_memory: new Memory(store, { minimum: 1, maximum: 2, shared: true }),
  };
}
