/**
 * One program in two engines: everything that can be seen of it, as lines to compare.
 *
 * Lines are results of calls, kinds and places of traps, calls of host functions with their arguments, globals, hashes of memories and contents of
 * tables. Functions are called through their wrappers, so floats cross as bits; NaNs are written as "nan", since their bits may differ.
 */

import { I31Ref } from "../../../lib/runtime/mod.ts";
import {
  FUEL_PER_CALL,
  HOST_GLOBALS,
  HOST_MEMORY,
  HOST_MODULE,
  HOST_TABLE,
  HOST_TAG,
  moduleName,
  type Program,
} from "../generators/program.ts";
import { Random } from "../generators/random.ts";
import { EDGES, isNan } from "../generators/values.ts";
import {
  encodeModule,
  inHalves,
  isObject,
  type ModuleTree,
  shownTypes,
  type Signature,
  type TypeName,
} from "../generators/wasm_tree.ts";
import {
  type Callable,
  type Configuration,
  type GlobalLike,
  HostAbort,
  isSameTrap,
  type Session,
  TheropodSession,
  trapKind,
  trapPlaces,
  V8Session,
} from "./engines.ts";

/** The first line in which two engines differ. */
export interface Divergence {
  readonly engine: string;
  readonly line: number;
  readonly expected: string;
  readonly actual: string;
  /** The lines before, which agree. */
  readonly context: readonly string[];
}

// Enough for the deepest recursion that the fuel allows: whole backtraces are compared.
Error.stackTraceLimit = 150;

const INSTANTIATED = "instantiated";
const CALLS_PER_FUNCTION = 5;
/** Values for parameters of type externref: engines must give back the very same. */
const EXTERNS: readonly unknown[] = [null, "text", 7, { some: "object" }, undefined];

const DATA = new DataView(new ArrayBuffer(8));

function floatOf(type: "f32" | "f64", bits: bigint): number {
  if (type === "f32") {
    DATA.setUint32(0, Number(bits));
    return DATA.getFloat32(0);
  }
  DATA.setBigUint64(0, bits);
  return DATA.getFloat64(0);
}

function bitsText(type: "f32" | "f64", bits: bigint): string {
  return isNan(type, bits) ? "nan" : `0x${bits.toString(16)}`;
}

function floatText(type: "f32" | "f64", value: number): string {
  if (type === "f32") {
    DATA.setFloat32(0, value);
    return bitsText(type, BigInt(DATA.getUint32(0)));
  }
  DATA.setFloat64(0, value);
  return bitsText(type, DATA.getBigUint64(0));
}

type RunningGuest = ReturnType<Session["instantiate"]>;

/** Runs a program in a session. */
class Run {
  readonly lines: string[] = [];
  readonly #session: Session;
  readonly #program: Program;
  readonly #binaries: readonly Uint8Array<ArrayBuffer>[];
  readonly #seed: number;
  readonly #guests: RunningGuest[] = [];
  readonly #names = new Map<unknown, string>();
  /** Every tag that exceptions may be of, with its name. */
  readonly #tags: { readonly name: string; readonly tag: unknown; readonly params: readonly TypeName[] }[] = [];
  readonly #fuel: GlobalLike;
  /** Objects of the guest by the order in which they were seen: the same one is the same object. */
  readonly #objects = new Map<unknown, number>();
  #hostCalls = 0;
  #depth = 0;

  constructor(session: Session, program: Program, binaries: readonly Uint8Array<ArrayBuffer>[], seed: number) {
    this.#session = session;
    this.#program = program;
    this.#binaries = binaries;
    this.#seed = seed;
    this.#fuel = session.create({ kind: "global", type: "i32", isMutable: true, value: FUEL_PER_CALL }) as GlobalLike;
  }

  all(): void {
    const host: Record<string, unknown> = { fuel: this.#fuel };
    host[HOST_MEMORY.name] = this.#session.create({ kind: "memory", ...HOST_MEMORY });
    host[HOST_TABLE.name] = this.#session.create({ kind: "table", ...HOST_TABLE });
    host[HOST_TAG.name] = this.#session.create({ kind: "tag", params: HOST_TAG.params });
    this.#tags.push({ name: "host tag", tag: host[HOST_TAG.name], params: HOST_TAG.params });
    for (const { name, type, isMutable } of HOST_GLOBALS) {
      const value = type === "i64" ? 0x123456789abcdefn : type === "i32" ? -77 : 2.75;
      host[name] = this.#session.create({ kind: "global", type, isMutable, value });
    }
    for (let index = 0; index < this.#program.modules.length; index++) {
      const outcome = this.#instantiate(index, host);
      this.lines.push(`module ${index} ${outcome}`);
      if (outcome !== INSTANTIATED) break;
    }
    for (let round = 0; round < CALLS_PER_FUNCTION; round++) {
      this.#guests.forEach((guest, index) => this.#callAll(guest, index, round));
    }
    this.#guests.forEach((guest, index) => this.#observeTables(guest, index));
  }

  #instantiate(index: number, host: Record<string, unknown>): string {
    const module = this.#program.modules[index];
    for (const { module: from, name, signature } of module.funcImports) {
      if (from === HOST_MODULE) host[name] = this.#hostFunction(name, signature);
    }
    const imports: Record<string, Readonly<Record<string, unknown>>> = { [HOST_MODULE]: host };
    this.#guests.forEach(({ exports }, at) => imports[moduleName(at)] = exports);
    this.#fuel.value = FUEL_PER_CALL;
    return this.#attempt(() => {
      const guest = this.#session.instantiate(this.#binaries[index], imports);
      this.#guests.push(guest);
      module.funcs.forEach((_, i) => {
        this.#names.set(guest.exports[`f${i}`], `${index}.f${i}`);
        this.#names.set(guest.exports[`w${i}`], `${index}.w${i}`);
      });
      module.tags.forEach(({ signature, imported }, i) => {
        if (imported !== undefined) return;
        this.#tags.push({ name: `${index}.x${i}`, tag: guest.exports[`x${i}`], params: signature.params });
      });
      return INSTANTIATED;
    });
  }

  #callAll(guest: RunningGuest, index: number, round: number): void {
    this.#program.modules[index].funcs.forEach(({ signature }, i) => {
      const random = new Random(this.#seed * 31 + index * 1009 + i * 101 + round);
      const args = inHalves(signature.params).map((type) => this.#argument(guest, type, random));
      // Now and then small numbers, or one number for all: values that conditions tell apart.
      if (round === 1) {
        args.forEach((value, k) => typeof value === "number" ? args[k] = random.below(12) - 2 : undefined);
      }
      if (round === 3 && /number|bigint/.test(typeof args[0])) {
        args.forEach((value, k) => typeof value === typeof args[0] ? args[k] = args[0] : undefined);
      }
      this.#fuel.value = FUEL_PER_CALL;
      const outcome = this.#attempt(() => this.#resultText(signature, guest.func(`w${i}`)(...args)));
      const shown = args.map((value) => typeof value === "bigint" ? `${value}n` : this.#refText(value));
      this.lines.push(`${index}.f${i}(${shown}) ${outcome}`);
      this.#observe(guest, index);
    });
  }

  #attempt(run: () => string): string {
    try {
      return run();
    } catch (error) {
      const thrown = this.#thrown(error);
      if (thrown !== undefined) return thrown;
      const places = trapPlaces(error);
      return places === "" ? `traps: ${trapKind(error)}` : `traps: ${trapKind(error)} at ${places}`;
    }
  }

  // An exception: its tag, and its numbers.
  #thrown(error: unknown): string | undefined {
    if (!this.#session.isException(error)) return undefined;
    const found = this.#tags.find(({ tag }) => this.#session.isOf(error, tag));
    if (found === undefined) return "throws: of an unknown tag";
    const { name, tag, params } = found;
    const values = params.map((type, i) =>
      /^[if]\d\d$/.test(type) ? this.#valueText(type, this.#session.argument(error, tag, i)) : type
    );
    return `throws: ${name}(${values})`;
  }

  // An argument of a wrapper: floats as bits.
  #argument(guest: RunningGuest, type: TypeName, random: Random): unknown {
    switch (type) {
      case "i32":
      case "f32":
        return Number(random.oneIn(3) ? BigInt(random.next()) : random.pick(EDGES[type])) | 0;
      case "i64":
      case "f64":
        return BigInt.asIntN(
          64,
          random.oneIn(3) ? BigInt(random.next()) << 32n | BigInt(random.next()) : random.pick(EDGES[type]),
        );
      case "funcref":
        return random.oneIn(2) ? null : guest.exports.f0;
      case "externref":
        return random.pick(EXTERNS);
      default:
        throw new Error(`${type} does not cross`);
    }
  }

  #resultText({ results }: Signature, value: unknown): string {
    const types = shownTypes(results);
    const values = types.length === 0 ? [] : types.length === 1 ? [value] : value as unknown[];
    if (values.length !== types.length) return `returns ${values.length} values`;
    return `= ${types.map((type, i) => this.#wrappedText(type, values[i]))}`;
  }

  #wrappedText(type: TypeName, value: unknown): string {
    if (type === "f32") return bitsText(type, BigInt.asUintN(32, BigInt(value as number)));
    if (type === "f64") return bitsText(type, BigInt.asUintN(64, value as bigint));
    return this.#valueText(type, value);
  }

  #valueText(type: TypeName, value: unknown): string {
    if (type === "f32" || type === "f64") return floatText(type, value as number);
    if (isObject(type) || type === "v128") return type;
    return type === "i32" || type === "i64" ? String(value) : this.#refText(value);
  }

  #refText(reference: unknown): string {
    // Unboxed scalars are numbers in V8.
    const value = reference instanceof I31Ref ? reference.value : reference;
    if (typeof value === "function") return this.#names.get(value) ?? "a function";
    const extern = EXTERNS.indexOf(value);
    if (value === null) return "null";
    if (extern >= 0) return `extern ${extern}`;
    if (typeof value !== "object") return String(value);
    if (!this.#objects.has(value)) this.#objects.set(value, this.#objects.size);
    return `object ${this.#objects.get(value)}`;
  }

  #hostFunction(name: string, { params, results }: Signature): Callable {
    return (...args) => {
      const call = this.#hostCalls++;
      this.lines.push(`  ${name}(${params.map((type, i) => this.#valueText(type, args[i]))}), ${args.length}`);
      // Of errors that are no exceptions of its own, a guest of ours sees nothing; V8's catch_all sees them.
      const catches = this.#program.modules.some(({ tags }) => tags.length > 0);
      if (catches && call % 7 === 3) throw this.#session.exception(this.#tags[0].tag, [call, call / 4]);
      if (!catches && call % 37 === 36) throw new HostAbort(`in call ${call}`);
      if (call % 9 === 4 && this.#depth < 2 && this.#guests.length > 0) this.#reenter(call);
      const random = new Random(call * 7919 + name.charCodeAt(1));
      const values = results.map((type) => this.#hostValue(type, random));
      return results.length === 0 ? undefined : results.length === 1 ? values[0] : values;
    };
  }

  #hostValue(type: TypeName, random: Random): unknown {
    switch (type) {
      case "i32":
        return Number(random.pick(EDGES.i32)) | 0;
      case "i64":
        return BigInt.asIntN(64, random.pick(EDGES.i64));
      case "f32":
      case "f64":
        return floatOf(type, random.pick(EDGES[type]));
      case "funcref":
        return random.oneIn(2) && this.#guests.length > 0 ? this.#guests[0].exports.f0 : null;
      case "externref":
        return random.pick(EXTERNS);
      default:
        throw new Error(`${type} does not cross`);
    }
  }

  // Calls the first function while a call is under way.
  #reenter(call: number): void {
    const [guest] = this.#guests;
    const { funcs } = this.#program.modules[0];
    if (funcs.length === 0) return;
    const { signature } = funcs[0];
    const random = new Random(call);
    const args = inHalves(signature.params).map((type) => this.#argument(guest, type, random));
    this.#depth++;
    try {
      const run = () => this.#resultText(signature, guest.func("w0")(...args));
      if (call % 2 === 0) this.lines.push(`  inner ${run()}`);
      else this.lines.push(`  inner ${this.#attempt(run)}`);
    } finally {
      this.#depth--;
    }
  }

  #observe(guest: RunningGuest, index: number): void {
    const { globals, memories } = this.#program.modules[index];
    const values = globals.map(({ type }, i) =>
      isObject(type) || type === "v128" ? type : this.#valueText(type, guest.global(`g${i}`).value)
    );
    const memory = memories.map((_, i) => hash(guest.memory(i === 0 ? "m" : `m${i}`).buffer)).join(" ");
    this.lines.push(`  globals ${values} memory ${memory}`);
  }

  #observeTables(guest: RunningGuest, index: number): void {
    this.#program.modules[index].tables.forEach((_, i) => {
      const table = guest.table(`t${i}`);
      const isWide = this.#program.modules[index].tables[i].address === "i64";
      const length = Number(table.length);
      const items = Array.from({ length }, (_, at) => this.#refText(table.get(isWide ? BigInt(at) : at)));
      this.lines.push(`${index}.t${i}: ${items}`);
    });
  }
}

function hash(buffer: ArrayBufferLike): string {
  const words = new Int32Array(buffer);
  let sum = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word !== 0) sum = Math.imul(sum ^ word, 0x9e3779b1) + i | 0;
  }
  return `${buffer.byteLength / 65536} pages ${(sum >>> 0).toString(16)}`;
}

/** The lines of one engine, and the error that ended them if something else than a trap did. */
export interface Recording {
  readonly lines: readonly string[];
  readonly defect: unknown;
}

/** Runs a program and records all that can be seen. */
export function record(
  session: Session,
  program: Program,
  binaries: readonly Uint8Array<ArrayBuffer>[],
  seed: number,
): Recording {
  let run: Run | undefined;
  try {
    run = new Run(session, program, binaries, seed);
    run.all();
    return { lines: run.lines, defect: undefined };
  } catch (defect) {
    return { lines: run?.lines ?? [], defect };
  }
}

/** How a comparison ended: stack depths and host memory are not part of the specification, so running out of them decides nothing. */
export type Verdict = "same" | "inconclusive" | Divergence;

/** Binaries of a program. @throws {DanglingError} */
export function encodeProgram({ modules }: Program): Uint8Array<ArrayBuffer>[] {
  return modules.map((module: ModuleTree) => encodeModule(module));
}

/** Runs a program in V8, for any number of comparisons. @throws if V8 does not take the program: a defect of the generator. */
export function recordExpected(
  program: Program,
  binaries: readonly Uint8Array<ArrayBuffer>[],
  seed: number,
): Recording {
  using session = new V8Session();
  const expected = record(session, program, binaries, seed);
  if (expected.defect !== undefined) throw expected.defect;
  return expected;
}

/** Compares our engine in one configuration, in a session of a certain kind, with what V8 did. */
export function compareWith(
  expected: Recording,
  program: Program,
  binaries: readonly Uint8Array<ArrayBuffer>[],
  seed: number,
  configuration: Configuration,
  open: (configuration: Configuration) => Session = (configuration) => new TheropodSession(configuration),
): Verdict {
  using session = open(configuration);
  const { lines, defect } = record(session, program, binaries, seed);
  const engine = session.name;
  const length = Math.max(lines.length, expected.lines.length);
  for (let line = 0; line < length; line++) {
    const wanted = expected.lines[line] ?? "(nothing)";
    const defectText = defect === undefined ? "(nothing)" : defect instanceof Error ? defect.stack! : String(defect);
    const got = lines[line] ?? defectText;
    if (wanted === got || isSameLine(wanted, got)) continue;
    if (wanted.endsWith("traps: stack") || got.endsWith("traps: stack")) return "inconclusive";
    return { engine, line, expected: wanted, actual: got, context: expected.lines.slice(Math.max(0, line - 6), line) };
  }
  if (defect !== undefined) {
    return { engine, line: length, expected: "(nothing)", actual: String((defect as Error).stack), context: [] };
  }
  return "same";
}

// Lines with traps are the same if these are of kinds that count as one, at the same places. Of two loads that both miss memory, either may
// be found first: a load that becomes part of a later instruction may pass other loads (SEL-1).
function isSameLine(expected: string, actual: string): boolean {
  const [wanted, got] = [expected, actual].map((line) =>
    /^(.* )traps: ([a-z ]+?)(?: at (\w+)((?: \w+)*))?$/.exec(line)
  );
  if (wanted === null || got === null) return false;
  const isSamePlace = wanted[3] === got[3] || wanted[2] === "memory" && got[2] === "memory";
  return wanted[1] === got[1] && wanted[4] === got[4] && isSamePlace && isSameTrap(wanted[2], got[2]);
}
