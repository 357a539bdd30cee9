/**
 * Runs a sequence of operations in a store and in the model at once, and compares: each outcome, and at times the whole heap.
 *
 * A comparison has three parts. Everything that JavaScript can reach is walked beside the model, with objects of both paired one to one. What a full
 * collection leaves is counted: exactly the model's reachable objects. And the handles are exactly the references that the sequence holds, and one for each host
 * value that the model says is in the heap.
 */

import { storeOf } from "../../../lib/engine/store.ts";
import { verifyHeap } from "../../../lib/runtime/mod.ts";
import {
  AnyRef,
  ArrayRef,
  type ArrayType,
  type Engine,
  Exception,
  ExnRef,
  I31Ref,
  Instance,
  type Module,
  RefError,
  RootScope,
  Store,
  StructRef,
  type StructType,
  type Table,
  Tag,
  Trap,
} from "../../../mod.ts";
import {
  ABSTRACT_TARGETS,
  ARRAY_COPIES,
  ARRAY_NAMES,
  type ArrayName,
  ARRAYS,
  DATA,
  fieldsOf,
  FUNCTIONS,
  GLOBAL_NAMES,
  GLOBALS,
  isNumber,
  type Operation,
  REGISTERS,
  SIDE_REGISTERS,
  type Storage,
  STRUCT_NAMES,
  type StructName,
  TABLE_COPIES,
  TABLE_NAMES,
  type Target,
  TARGETS,
} from "../generators/gc_sequences.ts";
import {
  defaultStruct,
  fieldCount,
  fits,
  FuncValue,
  HeapModel,
  HeapObject,
  HostValue,
  isOf,
  makeArray,
  makeExn,
  makeStruct,
  Scalar,
  scalar,
  TAGS,
  type Value,
  zeroOf,
} from "./gc_model.ts";

/** What an operation does instead of giving a result: a kind of trap or error. */
class Refusal extends Error {
  readonly kind: string;

  constructor(kind: string) {
    super(kind);
    this.kind = kind;
  }
}

/** Thrown by host functions through guests. */
class HostAbort extends Error {}

/** The model and the store differ. */
export class Divergence extends Error {}

const refuse = (kind: string): never => {
  throw new Refusal(kind);
};
const trap = (code: string): never => refuse(`trap ${code}`);

function kindOf(error: unknown): string {
  if (error instanceof Refusal) return error.kind;
  if (error instanceof Trap) return `trap ${error.code}`;
  if (error instanceof RefError) return `RefError ${error.code}`;
  if (error instanceof HostAbort) return "HostAbort";
  if (error instanceof Exception) return "Exception";
  if (error instanceof Divergence) throw error;
  if (error instanceof TypeError || error instanceof RangeError) return error.name;
  throw error;
}

type Reference = StructRef | ArrayRef | ExnRef;
type Scope = { readonly scope: RootScope; readonly references: Set<Reference> };
type GuestFunction = (...args: unknown[]) => unknown;
type Numbers = readonly number[];

/** Calls within calls that operations make at most. */
const DEEPEST = 3;
/** References that a sequence holds at most. */
const MOST_HELD = 24;
/** Garbage that makes a collector of young objects run, in pieces that it takes for young. */
const NURSERY_BYTES = 5 << 20;
const GARBAGE_BYTES = 900_000;
const DATA_BYTES = new TextEncoder().encode(DATA);

const register = (n: number) => n % REGISTERS;
const side = (n: number) => n % SIDE_REGISTERS;
const step = (r: number, by: number) => (r + by) % REGISTERS;

/** An index into something of this size, at times beyond its end. */
const place = (n: number, size: number) => n % 9 === 0 || size === 0 ? size + n % 3 : n % size;
/** A number of elements from a place on, at times too many. */
const extent = (n: number, start: number, size: number) => n % 9 === 0 || start > size ? n % 5 : n % (size - start + 1);

/** A run of one sequence. */
export class SequenceRun implements Disposable {
  readonly model = new HeapModel();
  readonly #store: Store;
  readonly #guest: Record<string, GuestFunction>;
  readonly #exports: Record<string, unknown>;
  readonly #tags: Record<keyof typeof TAGS, Tag>;
  readonly #types: Record<string, StructType | ArrayType>;
  readonly #counts: "exact" | "none";
  /** Values of JavaScript that go into the heap. */
  readonly #hosts: readonly HostValue[];
  readonly #funcs = Array.from({ length: FUNCTIONS }, (_, i) => new FuncValue(i));
  /** What JavaScript holds, both ways. */
  readonly #references = new Map<HeapObject, Reference>();
  readonly #objects = new Map<Reference, HeapObject>();
  readonly #scopes: Scope[] = [];
  readonly #operations: readonly Operation<OperationName>[];
  #next = 0;
  #depth = 0;
  /** What the host function at the bottom of the call in flight does. */
  #mid: (object: unknown, host: unknown) => unknown = () => null;
  readonly findings: string[] = [];
  /** Whether the store collects only when it is time. */
  readonly isPlain: boolean;
  /** Objects that comparisons walked over. */
  objectsCompared = 0;
  /** Operations that gave a result, and that were refused or trapped. */
  readonly outcomes = { result: 0, refusal: 0 };

  constructor(
    engine: Engine,
    module: Module,
    types: Record<string, StructType | ArrayType>,
    counts: "exact" | "none",
    mode: "stress" | "plain",
    operations: readonly Operation<OperationName>[],
  ) {
    this.#store = new Store(engine);
    this.#types = types;
    this.#counts = counts;
    this.isPlain = mode === "plain";
    this.#operations = operations;
    const { exports } = new Instance(this.#store, module, {
      host: { mid: (object: unknown, host: unknown) => this.#mid(object, host) },
    });
    this.#exports = exports;
    this.#guest = exports as Record<string, GuestFunction>;
    this.#tags = { t: exports.t as Tag, u: exports.u as Tag };
    const values = [
      { name: "object" },
      "a string",
      Symbol("symbol"),
      1.5,
      -0,
      NaN,
      2 ** 31,
      undefined,
      10n,
      true,
      () => 0,
      Object.freeze([]),
      exports.f0,
    ] as unknown[];
    this.#hosts = values.map((value) => new HostValue(value));
  }

  /** Runs all operations. @throws {Divergence} where the store does something else than the model. */
  run(): void {
    while (this.#next < this.#operations.length) this.#step();
    this.compare();
  }

  /** The operation that is under way, or was the last. */
  get position(): number {
    return this.#next - 1;
  }

  [Symbol.dispose](): void {
    this.#store.close();
  }

  #step(): void {
    const { name, numbers } = this.#operations[this.#next++];
    OPERATIONS[name].run(this, numbers);
  }

  /** Fails unless it holds. */
  #require(holds: boolean, message: string): void {
    if (!holds) throw new Divergence(message);
  }

  /** Does something in the model and in the store; both must give the same, or refuse alike. */
  attempt<T>(model: () => T, actual: () => unknown, compare: (expected: T, actual: unknown) => void = () => {}): void {
    let expected: T | undefined, actually: unknown;
    let expectedKind = "result", actualKind = "result";
    try {
      expected = model();
    } catch (error) {
      expectedKind = kindOf(error);
    }
    try {
      actually = actual();
    } catch (error) {
      actualKind = kindOf(error);
      if (actualKind !== expectedKind) {
        throw new Divergence(`${expectedKind} expected, not ${actualKind}: ${(error as Error).message}`);
      }
    }
    this.#require(expectedKind === actualKind, `${expectedKind} expected, not ${actualKind}`);
    this.outcomes[expectedKind === "result" ? "result" : "refusal"]++;
    if (expectedKind === "result") compare(expected as T, actually);
  }

  /** A call of the guest. `model` gives the result, or nothing. */
  call(name: string, args: readonly unknown[], model: () => Value | undefined | void): void {
    this.attempt(model, () => this.#guest[name](...args), (expected, actual) => {
      this.#require(Object.is(actual, expected), `${name} gives ${String(actual)} instead of ${String(expected)}`);
    });
  }

  /** The guest's operand for a storage: what it is passed, and what that is in the model. */
  operand(storage: Storage, n: number): { readonly arg: unknown; readonly value: () => Value } {
    const { model } = this;
    if (isNumber(storage)) {
      const { arg, value } = numberFor(storage, n);
      return { arg, value: () => value };
    }
    if (storage === "func") return { arg: side(n), value: () => model.funcs[side(n)] };
    if (storage === "exn") return { arg: side(n), value: () => model.exns[side(n)] };
    return { arg: register(n), value: () => this.cast(register(n), storage) };
  }

  /** A register's value, which must fit. */
  cast(index: number, storage: Storage): Value {
    const value = this.model.registers[index];
    return fits(value, storage) ? value : trap("cast_failure");
  }

  /** The object in a register, as one of a type; null is given for null. */
  object(index: number, type: StructName | ArrayName): HeapObject | null {
    const value = this.model.registers[index];
    return value === null || isOf(value, type) ? value as HeapObject | null : trap("cast_failure");
  }

  /** Stores what a guest function read: into a register, or as its result. */
  put(storage: Storage, n: number, value: Value): Value | undefined {
    if (isNumber(storage)) return value;
    if (storage === "func") this.model.funcs[side(n)] = value;
    else if (storage === "exn") this.model.exns[side(n)] = value;
    else this.model.registers[register(n)] = value;
    return undefined;
  }

  /** The number of a target register for results of a storage. */
  target(storage: Storage, n: number): number {
    return storage === "func" || storage === "exn" ? side(n) : register(n);
  }

  /** A value that the host passes where a storage is: in JavaScript, and in the model; or what passing it is refused as. */
  hostOperand(storage: Storage, n: number): { readonly js: unknown; readonly value: () => Value } {
    if (isNumber(storage)) {
      const { arg, value } = numberFor(storage, n);
      return { js: arg, value: () => value };
    }
    const m = n >>> 4;
    if (storage === "func") {
      if (n % 5 === 0) return { js: null, value: () => null };
      if (n % 11 === 0) return { js: () => 1, value: () => refuse("TypeError") };
      const func = this.#funcs[m % FUNCTIONS];
      return { js: this.#guest[`f${func.index}`], value: () => func };
    }
    const held = [...this.#references];
    const wrong = () => refuse("RefError wrong_type");
    if (storage === "exn") {
      const exns = held.filter(([object]) => object.kind === "exn");
      if (n % 11 === 0) return { js: "no exception", value: wrong };
      if (n % 3 === 0 || exns.length === 0) return { js: null, value: () => null };
      const [object, js] = exns[m % exns.length];
      return { js, value: () => object };
    }
    const checked = (value: Value) => () => fits(value, storage) ? value : wrong();
    switch (n % 6) {
      case 0:
        return { js: null, value: () => null };
      case 1: {
        const value = scalar(m);
        return { js: m % 2 === 0 ? value.value : new I31Ref(m), value: checked(value) };
      }
      case 2: {
        const host = this.#hosts[m % this.#hosts.length];
        return { js: host.value, value: checked(host) };
      }
      default: {
        const usable = held.filter(([object]) => object.kind !== "exn");
        // Mostly something that fits.
        const fitting = n % 13 === 0 ? usable : usable.filter(([object]) => fits(object, storage));
        if (fitting.length === 0) return { js: null, value: () => null };
        const [object, js] = fitting[m % fitting.length];
        return { js, value: checked(object) };
      }
    }
  }

  /** Checks that what JavaScript was given is a value of the model, as a storage gives it; a reference that it did not have is new. */
  same(storage: Storage, actual: unknown, expected: Value): void {
    const differs = () => new Divergence(`${show(actual)} instead of ${show(expected)}`);
    if (expected instanceof HeapObject) {
      if (!(actual instanceof AnyRef)) throw differs();
      const known = this.#references.get(expected);
      this.#require(known === undefined || known === actual, `two references to one object of type ${expected.type}`);
      const other = this.#objects.get(actual as Reference);
      this.#require(other === undefined || other === expected, `one reference to two objects`);
    } else if (expected instanceof Scalar) {
      if (storage === "extern" ? actual !== expected.value : !(actual instanceof I31Ref)) throw differs();
      if (actual instanceof I31Ref && actual.value !== expected.value) throw differs();
    } else if (expected instanceof HostValue) {
      if (!Object.is(actual, expected.value)) throw differs();
    } else if (expected instanceof FuncValue) {
      if (actual !== this.#guest[`f${expected.index}`]) throw differs();
    } else if (!Object.is(actual, expected)) throw differs();
  }

  /** As {@linkcode SequenceRun.same}, and a new reference is held from now on, or given up at once. */
  receive(storage: Storage, actual: unknown, expected: Value, keep: number): void {
    this.receiveAll([storage], [actual], [expected], keep);
  }

  /** As {@linkcode SequenceRun.receive} for several values that came at once, among which may be one object twice. */
  receiveAll(storages: readonly Storage[], actual: readonly unknown[], expected: readonly Value[], keep: number): void {
    this.#require(actual.length === expected.length, `${actual.length} values instead of ${expected.length}`);
    const news = new Map<HeapObject, Reference>();
    expected.forEach((value, i) => {
      this.same(storages[i], actual[i], value);
      if (!(value instanceof HeapObject) || this.#references.has(value)) return;
      const reference = actual[i] as Reference;
      this.#require((news.get(value) ?? reference) === reference, "an object that came twice is two");
      this.#require(!reference.isDisposed, "a new reference is disposed");
      news.set(value, reference);
    });
    for (const [object, reference] of news) {
      // What is disposed of stays in its scope all the same.
      this.#scopes.at(-1)?.references.add(reference);
      if (keep++ % 4 === 0 || this.#references.size >= MOST_HELD) {
        reference.dispose();
        continue;
      }
      this.#references.set(object, reference);
      this.#objects.set(reference, object);
      this.model.held.add(object);
    }
  }

  #forget(reference: Reference): void {
    const object = this.#objects.get(reference);
    if (object === undefined) return;
    this.#objects.delete(reference);
    this.#references.delete(object);
    this.model.held.delete(object);
  }

  /** A held reference, of a kind if one is asked for. */
  held(n: number, kind?: HeapObject["kind"]): readonly [HeapObject, Reference] | undefined {
    const all = [...this.#references].filter(([object]) => kind === undefined || object.kind === kind);
    return all.length === 0 ? undefined : all[n % all.length];
  }

  /** Gives a reference up. */
  dispose(n: number): void {
    const held = this.held(n);
    if (held === undefined) return;
    const [, reference] = held;
    reference.dispose();
    this.#forget(reference);
    this.attempt(() => refuse("RefError released"), () => reference.matches("any"));
    this.#require(reference.isDisposed, "a disposed reference is not disposed");
  }

  /** Opens a scope. */
  openScope(): void {
    if (this.#scopes.length < 4) this.#scopes.push({ scope: new RootScope(this.#store), references: new Set() });
  }

  /** Ends any scope. */
  closeScope(n: number): void {
    if (this.#scopes.length === 0) return;
    const [{ scope, references }] = this.#scopes.splice(n % this.#scopes.length, 1);
    this.#require(scope.size === references.size, `a scope of ${references.size} has ${scope.size}`);
    scope[Symbol.dispose]();
    for (const reference of references) {
      this.#require(reference.isDisposed, "a reference outlives its scope");
      this.#forget(reference);
    }
  }

  /** Hands a held reference from a scope to the one around it. */
  keepInScope(n: number): void {
    const held = this.held(n);
    if (held === undefined || this.#scopes.length === 0) return;
    const index = (n >>> 8) % this.#scopes.length;
    const { scope, references } = this.#scopes[index];
    scope.keep(held[1]);
    if (references.delete(held[1])) this.#scopes[index - 1]?.references.add(held[1]);
  }

  /** The type object of a struct or array type. */
  type<T extends StructType | ArrayType>(name: StructName | ArrayName): T {
    return this.#types[name] as T;
  }

  /** The store, for objects to be made in. */
  get store(): Store {
    return this.#store;
  }

  /** The tag. */
  tag(name: keyof typeof TAGS): Tag {
    return this.#tags[name];
  }

  /** An exported table or global. */
  exported<T>(name: string): T {
    return this.#exports[name] as T;
  }

  /** One of the guest's functions. */
  func(index: number): FuncValue {
    return this.#funcs[index];
  }

  /** A call that ends with an exception for JavaScript, which carries these values. */
  caught(name: string, args: readonly unknown[], tag: keyof typeof TAGS, values: readonly Value[], keep: number): void {
    try {
      this.#guest[name](...args);
    } catch (error) {
      if (!(error instanceof Exception)) throw new Divergence(`${name} throws ${kindOf(error)}`);
      this.#require(error.is(this.#tags[tag]), `an exception of another tag than ${tag}`);
      this.receiveAll(TAGS[tag], error.values, values, keep);
      return;
    }
    throw new Divergence(`${name} throws nothing`);
  }

  /** A heap type as JavaScript names it. */
  heapTypeOf(target: Target): string | StructType | ArrayType {
    return (ABSTRACT_TARGETS as readonly string[]).includes(target) ? target : this.#types[target];
  }

  /**
   * A call into `deep` or `guard`: frames that hold references, operations at their bottom, and one of four ends.
   */
  descend(guard: "guarded" | "plain", [n, r0, operations, ending, a, b, keep]: Numbers): void {
    if (this.#depth >= DEEPEST) return;
    const { model } = this;
    const levels = n % 5, r = register(r0);
    const base = model.frames.length;
    const kept = model.registers[r];
    if (guard === "guarded") model.frames.push([kept]);
    const frames: { readonly index: number; readonly frame: Value[] }[] = [];
    let previous: HeapObject | null = null;
    for (let level = levels, index = r; level >= 0; level--, index = step(index, 3)) {
      const node: HeapObject = makeStruct("node", [level, model.registers[index], previous]);
      const frame: Value[] = [
        node,
        makeArray("list", [scalar(level), scalar(level)]),
        model.registers[step(index, 1)],
      ];
      model.frames.push(frame);
      frames.push({ index, frame });
      previous = node;
    }
    const bottom = frames[frames.length - 1];
    const outer = this.#mid;
    let thrown: HeapObject | undefined;
    this.#depth++;
    this.#mid = (object, host) => {
      const { index, frame } = bottom;
      this.receiveAll(["any", "extern"], [object, host], [frame[0], frame[2]], keep);
      const end = Math.min(this.#operations.length, this.#next + operations % 6);
      while (this.#next < end) this.#step();
      // What is thrown or returned is looked up now.
      switch (ending % 6) {
        case 0:
          throw new HostAbort();
        case 1: {
          const payload = this.hostOperand("any", a), extern = this.hostOperand("extern", b);
          thrown = makeExn("t", [b | 0, payload.value(), extern.value()]);
          throw new Exception(this.#tags.t, [b | 0, payload.js, extern.js]);
        }
        case 2: {
          const payload = this.hostOperand("any", b);
          thrown = makeExn("u", [payload.value()]);
          throw new Exception(this.#tags.u, [payload.js]);
        }
        case 3: {
          // A trap of a nested call.
          return this.#guest.i31s(this.#nullRegister());
        }
        default: {
          const { js, value } = this.hostOperand("any", a);
          model.registers[index] = value();
          return js;
        }
      }
    };
    const finish = () => {
      for (let level = frames.length - 1; level >= 0; level--) {
        const { index, frame: [node, list, extern] } = frames[level];
        (list as HeapObject).contents[0] = node;
        (list as HeapObject).contents[1] = extern;
        model.registers[step(index, 5)] = list;
      }
    };
    let actual: unknown, actualKind = "result";
    try {
      actual = this.#guest[guard === "guarded" ? "guard" : "deep"](levels, r);
    } catch (error) {
      actualKind = kindOf(error);
    } finally {
      this.#mid = outer;
      this.#depth--;
      model.frames.length = base;
    }
    let expectedKind = ["HostAbort", "Exception", "Exception", "trap null_i31_reference"][ending % 6] ?? "result";
    let expected: number | undefined;
    if (expectedKind === "result") {
      finish();
      if (guard === "guarded") {
        model.registers[r] = kept;
        expected = -1;
      }
    } else if (expectedKind === "Exception" && guard === "guarded") {
      expectedKind = "result";
      const { type, contents } = thrown!;
      if (type === "t") {
        model.registers[step(r, 1)] = contents[2];
        model.registers[r] = contents[1];
        model.registers[step(r, 2)] = kept;
        expected = contents[0] as number;
      } else {
        model.registers[step(r, 1)] = kept;
        model.registers[r] = contents[0];
        model.exns[side(r)] = thrown!;
        expected = -2;
      }
    }
    this.#require(actualKind === expectedKind, `a deep call ends with ${actualKind} instead of ${expectedKind}`);
    this.#require(actual === expected, `a deep call gives ${actual} instead of ${expected}`);
  }

  /** Makes register 0 null and gives its index. */
  #nullRegister(): number {
    this.#guest.clear(0);
    this.model.registers[0] = null;
    return 0;
  }

  /** Compares the whole heap with the model. */
  compare(): void {
    this.#compareGraph();
    this.#store.gc();
    const { gc } = storeOf(this.#store);
    this.findings.push(...verifyHeap(gc, storeOf(this.#store)));
    this.#require(this.findings.length === 0, `the heap is damaged: ${this.findings.join("; ")}`);
    if (this.#counts === "none") return;
    const { objects, hosts } = this.model.reachable();
    let count = 0;
    const kinds = new Map<string, number>();
    gc.collector.forEachObject((reference) => {
      count++;
      const kind = `kind ${gc.kindOf(reference)} type ${gc.typeIdOf(reference)}`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    });
    const alive = objects.size + hosts.size;
    this.#require(
      count === alive,
      `${count} objects are alive (${
        JSON.stringify([...kinds])
      }), and ${alive} are reachable: ${objects.size} objects and ${hosts.size} host values`,
    );
    const handles = this.#references.size + hosts.size;
    this.#require(gc.handles.count === handles, `${gc.handles.count} handles are taken, not ${handles}`);
    for (const host of this.#hosts) {
      const isKnown = gc.handles.findExtern(host.value) !== 0;
      this.#require(isKnown === hosts.has(host), `host value ${show(host)} is ${isKnown ? "held" : "lost"}`);
    }
  }

  #compareGraph(): void {
    const { model } = this;
    using scope = new RootScope(this.#store);
    void scope;
    const references = new Map(this.#references), objects = new Map(this.#objects);
    const pending: [HeapObject, Reference][] = [...references];
    const look = (storage: Storage, actual: unknown, expected: Value, where: string) => {
      try {
        this.same(storage, actual, expected);
        if (!(expected instanceof HeapObject)) return;
        const reference = actual as Reference, known = references.get(expected), other = objects.get(reference);
        this.#require(known === undefined || known === reference, "an object has become two");
        this.#require(other === undefined || other === expected, "two objects have become one");
        if (known !== undefined) return;
        references.set(expected, reference);
        objects.set(reference, expected);
        pending.push([expected, reference]);
      } catch (error) {
        if (error instanceof Divergence) throw new Divergence(`${where}: ${error.message}`);
        throw error;
      }
    };
    const table = (name: string, storage: Storage, elements: readonly Value[]) => {
      const actual = this.exported<Table>(name);
      this.#require(actual.size === elements.length, `table ${name} has ${actual.size} elements`);
      elements.forEach((value, i) => look(storage, actual.get(i), value, `${name}[${i}]`));
    };
    table("regs", "any", model.registers);
    table("fregs", "func", model.funcs);
    table("xregs", "exn", model.exns);
    for (const name of TABLE_NAMES) table(`table_${name}`, model.tables[name].storage, model.tables[name].elements);
    for (const name of GLOBAL_NAMES) {
      const { value } = this.exported<{ value: unknown }>(`global_${name}`);
      look(GLOBALS[name], value, model.globals[name], `global ${name}`);
    }
    for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
      const [object, reference] = pair;
      this.objectsCompared++;
      this.#compareObject(object, reference, look);
    }
  }

  #compareObject(
    object: HeapObject,
    reference: Reference,
    look: (storage: Storage, actual: unknown, expected: Value, where: string) => void,
  ): void {
    const where = `${object.kind} ${object.type}`;
    const { contents } = object;
    if (reference instanceof ExnRef) {
      this.#require(
        object.kind === "exn" && reference.tag === this.#tags[object.type as "t"],
        `${where} has another tag`,
      );
      reference.values().forEach((value, i) => look(object.storage(i), value, contents[i], `${where} value ${i}`));
      return;
    }
    this.#require(reference.length === contents.length, `${where} has length ${reference.length}`);
    this.#require(object.kind === (reference instanceof StructRef ? "struct" : "array"), `${where} is of another kind`);
    this.#require(reference.matches(this.#types[object.type]), `${where} is of another type`);
    if (reference instanceof ArrayRef && typeof object.storages === "string" && isNumber(object.storages)) {
      // Large ones are compared in one go.
      if (object.storages === "i8") {
        const bytes = new Uint8Array(contents.length);
        reference.copyTo(bytes);
        const differs = bytes.findIndex((byte, i) => byte !== contents[i]);
        this.#require(differs < 0, `${where} differs at ${differs}`);
        return;
      }
    }
    for (let i = 0; i < contents.length; i++) {
      look(object.storage(i), reference.get(i), contents[i], `${where} at ${i}`);
    }
  }
}

function show(value: unknown): string {
  if (value instanceof HeapObject) return `${value.kind} ${value.type}`;
  if (value instanceof Scalar || value instanceof I31Ref) return `i31 ${value.value}`;
  if (value instanceof HostValue) return `host value ${show(value.value)}`;
  if (value instanceof FuncValue) return `function ${value.index}`;
  if (value instanceof AnyRef) return value.constructor.name;
  return typeof value === "object" ? JSON.stringify(value) : `${typeof value} ${String(value)}`;
}

/** A number for a storage, and what is read from there afterwards. */
function numberFor(storage: Storage, n: number): { readonly arg: number | bigint; readonly value: number | bigint } {
  switch (storage) {
    case "i8":
      return { arg: n | 0, value: n & 0xff };
    case "i16":
      return { arg: n | 0, value: n & 0xffff };
    case "i32":
      return { arg: n | 0, value: n | 0 };
    case "i64": {
      const value = BigInt.asIntN(64, BigInt(n) * 0x1_2345_6789n);
      return { arg: value, value };
    }
    default:
      return { arg: n / 7, value: n / 7 };
  }
}

/** A length of an array: small, at times large where elements are small. */
function lengthFor(type: ArrayName, n: number): number {
  return type === "bytes" && n % 97 === 0 ? 50_000 + n % 200_000 : n % 12;
}

interface OperationKind {
  /** How often it comes. */
  readonly weight: number;
  run(run: SequenceRun, numbers: Numbers): void;
}

const pick = <T>(items: readonly T[], n: number): T => items[n % items.length];

/** Bounds of an array that is not null. */
function inArray(array: HeapObject | null, start: number, length: number): HeapObject {
  if (array === null) return trap("null_array_reference");
  return start + length > array.contents.length ? trap("array_out_of_bounds") : array;
}

/** Length of the array in a register, for choosing a place in it. */
function lengthIn(run: SequenceRun, index: number): number {
  const value = run.model.registers[index];
  return value instanceof HeapObject && value.kind === "array" ? value.contents.length : 3;
}

/** Mostly the type of what is in the register, at times any. */
function typeIn<T extends string>(
  run: SequenceRun,
  index: number,
  kind: "struct" | "array",
  all: readonly T[],
  n: number,
): T {
  const value = run.model.registers[index];
  return n % 6 !== 0 && value instanceof HeapObject && value.kind === kind ? value.type as T : pick(all, n);
}

/** A register with something of a kind in it, if there is one. */
function registerWith(run: SequenceRun, kind: "struct" | "array", n: number): number {
  const found = run.model.registers.flatMap((value, i) =>
    value instanceof HeapObject && value.kind === kind ? [i] : []
  );
  return n % 10 === 0 || found.length === 0 ? register(n) : found[n % found.length];
}

const OPERATION_TABLE = {
  // The guest's.
  newStruct: {
    weight: 6,
    run(run, [t, dst, ...ns]) {
      const type = pick(STRUCT_NAMES, t);
      const operands = fieldsOf(type).map(({ storage }, i) => run.operand(storage, ns[i]));
      run.call(`new_${type}`, [register(dst), ...operands.map(({ arg }) => arg)], () => {
        run.model.registers[register(dst)] = makeStruct(type, operands.map(({ value }) => value()));
      });
    },
  },
  defaultStruct: {
    weight: 3,
    run(run, [t, dst]) {
      const type = pick(STRUCT_NAMES, t);
      run.call(`default_${type}`, [register(dst)], () => {
        run.model.registers[register(dst)] = defaultStruct(type);
      });
    },
  },
  getField: {
    weight: 5,
    run(run, [t, f, dst, o]) {
      const index = registerWith(run, "struct", o);
      const type = typeIn(run, index, "struct", STRUCT_NAMES, t), field = f % fieldCount(type);
      const { storage } = fieldsOf(type)[field];
      run.call(`get_${type}_${field}`, [run.target(storage, dst), index], () => {
        const object = run.object(index, type) ?? trap("null_struct_reference");
        return run.put(storage, dst, object.contents[field]);
      });
    },
  },
  setField: {
    weight: 8,
    run(run, [t, f, o, v]) {
      const index = registerWith(run, "struct", o);
      const type = typeIn(run, index, "struct", STRUCT_NAMES, t), field = f % fieldCount(type);
      const { storage, isMutable } = fieldsOf(type)[field];
      if (!isMutable) return;
      const operand = run.operand(storage, v);
      run.call(`set_${type}_${field}`, [index, operand.arg], () => {
        const object = run.object(index, type), value = operand.value();
        if (object === null) return trap("null_struct_reference");
        object.contents[field] = value;
      });
    },
  },
  newArray: {
    weight: 4,
    run(run, [t, dst, n, v]) {
      const type = pick(ARRAY_NAMES, t), length = lengthFor(type, n);
      const operand = run.operand(ARRAYS[type], v);
      run.call(`new_${type}`, [register(dst), length, operand.arg], () => {
        run.model.registers[register(dst)] = makeArray(type, Array(length).fill(operand.value()));
      });
    },
  },
  defaultArray: {
    weight: 3,
    run(run, [t, dst, n]) {
      const type = pick(ARRAY_NAMES, t), length = n % 67 === 0 ? 0xffff_ffff : lengthFor(type, n);
      run.call(`default_${type}`, [register(dst), length | 0], () => {
        if (length === 0xffff_ffff) return trap("gc_heap_exhausted");
        run.model.registers[register(dst)] = makeArray(type, Array(length).fill(zeroOf(ARRAYS[type])));
      });
    },
  },
  fixedArray: {
    weight: 3,
    run(run, [t, dst, ...ns]) {
      const type = pick(ARRAY_NAMES, t);
      const operands = [0, 1, 2].map((i) => run.operand(ARRAYS[type], ns[i]));
      run.call(`fixed_${type}`, [register(dst), ...operands.map(({ arg }) => arg)], () => {
        run.model.registers[register(dst)] = makeArray(type, operands.map(({ value }) => value()));
      });
    },
  },
  getElement: {
    weight: 4,
    run(run, [t, dst, o, i]) {
      const index = registerWith(run, "array", o);
      const type = typeIn(run, index, "array", ARRAY_NAMES, t), at = place(i, lengthIn(run, index));
      const storage = ARRAYS[type];
      run.call(`get_${type}`, [run.target(storage, dst), index, at], () => {
        const array = inArray(run.object(index, type), at, 1);
        return run.put(storage, dst, array.contents[at]);
      });
    },
  },
  setElement: {
    weight: 6,
    run(run, [t, o, i, v]) {
      const index = registerWith(run, "array", o);
      const type = typeIn(run, index, "array", ARRAY_NAMES, t), at = place(i, lengthIn(run, index));
      const operand = run.operand(ARRAYS[type], v);
      run.call(`set_${type}`, [index, at, operand.arg], () => {
        const object = run.object(index, type), value = operand.value();
        inArray(object, at, 1).contents[at] = value;
      });
    },
  },
  fillArray: {
    weight: 3,
    run(run, [t, o, i, v, n]) {
      const index = registerWith(run, "array", o);
      const type = typeIn(run, index, "array", ARRAY_NAMES, t), size = lengthIn(run, index);
      const at = place(i, size), length = extent(n, at, size);
      const operand = run.operand(ARRAYS[type], v);
      run.call(`fill_${type}`, [index, at, operand.arg, length], () => {
        const object = run.object(index, type), value = operand.value();
        inArray(object, at, length).contents.fill(value, at, at + length);
      });
    },
  },
  copyArray: {
    weight: 4,
    run(run, [t, a, i, b, j, n]) {
      const target = registerWith(run, "array", a), source = registerWith(run, "array", b);
      const value = run.model.registers[target];
      const fitting = ARRAY_COPIES.filter(([to]) => value instanceof HeapObject && value.type === to);
      const [to, from] = pick(fitting.length > 0 && t % 6 !== 0 ? fitting : ARRAY_COPIES, t >>> 3);
      const at = place(i, lengthIn(run, target)), read = place(j, lengthIn(run, source));
      const length = extent(n, read, lengthIn(run, source));
      run.call(`copy_${to}_${from}`, [target, at, source, read, length], () => {
        const object = run.object(target, to), other = run.object(source, from);
        if (object === null || other === null) return trap("null_array_reference");
        inArray(object, at, length);
        const copied = inArray(other, read, length).contents.slice(read, read + length);
        copied.forEach((element, k) => object.contents[at + k] = element);
      });
    },
  },
  arrayOfData: {
    weight: 2,
    run(run, [t, dst, i, n]) {
      const type = t % 2 === 0 ? "bytes" : "longs", width = type === "bytes" ? 1 : 8;
      const size = DATA_BYTES.length, start = place(i, size), length = n % 4;
      run.call(`data_${type}`, [register(dst), start, length], () => {
        const end = start + length * width;
        if (end > (run.model.isDataDropped ? 0 : size)) return trap("memory_out_of_bounds");
        run.model.registers[register(dst)] = makeArray(type, elementsOfBytes(type, DATA_BYTES.slice(start, end)));
      });
    },
  },
  initOfData: {
    weight: 2,
    run(run, [t, o, i, s, n]) {
      const index = registerWith(run, "array", o), type = t % 2 === 0 ? "bytes" : "longs";
      const at = place(i, lengthIn(run, index)), start = place(s, DATA_BYTES.length), length = n % 4;
      run.call(`initdata_${type}`, [index, at, start, length], () => {
        const array = inArray(run.object(index, type), at, length);
        const end = start + length * (type === "bytes" ? 1 : 8);
        if (end > (run.model.isDataDropped ? 0 : DATA_BYTES.length)) return trap("memory_out_of_bounds");
        elementsOfBytes(type, DATA_BYTES.slice(start, end)).forEach((value, k) => array.contents[at + k] = value);
      });
    },
  },
  arrayOfItems: {
    weight: 2,
    run(run, [dst, i, n]) {
      const start = place(i, 4), length = extent(n, start, 4);
      run.call("elem_list", [register(dst), start, length], () => {
        const { items } = run.model;
        if (start + length > items.length) return trap("table_out_of_bounds");
        run.model.registers[register(dst)] = makeArray("list", items.slice(start, start + length));
      });
    },
  },
  initOfItems: {
    weight: 2,
    run(run, [o, i, s, n]) {
      const index = registerWith(run, "array", o);
      const at = place(i, lengthIn(run, index)), start = place(s, 4), length = extent(n, start, 4);
      run.call("initelem_list", [index, at, start, length], () => {
        const array = inArray(run.object(index, "list"), at, length);
        const { items } = run.model;
        if (start + length > items.length) return trap("table_out_of_bounds");
        items.slice(start, start + length).forEach((value, k) => array.contents[at + k] = value);
      });
    },
  },
  dropItems: {
    weight: 1,
    run(run, [n]) {
      if (n % 3 !== 0) return;
      run.call("dropitems", [], () => {
        run.model.items = [];
      });
    },
  },
  dropData: {
    weight: 1,
    run(run, [n]) {
      if (n % 3 !== 0) return;
      run.call("dropdata", [], () => {
        run.model.isDataDropped = true;
      });
    },
  },
  arrayLength: {
    weight: 1,
    run(run, [o]) {
      const index = registerWith(run, "array", o);
      run.call("len", [index], () => {
        const value = run.model.registers[index];
        if (value === null) return trap("null_array_reference");
        return isOf(value, "array") ? (value as HeapObject).contents.length : trap("cast_failure");
      });
    },
  },
  tableGet: {
    weight: 3,
    run(run, [t, dst, i]) {
      const name = pick(TABLE_NAMES, t), { storage, elements } = run.model.tables[name], at = place(i, elements.length);
      run.call(`tget_${name}`, [run.target(storage, dst), at], () => {
        if (at >= elements.length) return trap("table_out_of_bounds");
        run.put(storage, dst, elements[at]);
      });
    },
  },
  tableSet: {
    weight: 5,
    run(run, [t, i, v]) {
      const name = pick(TABLE_NAMES, t), { storage, elements } = run.model.tables[name], at = place(i, elements.length);
      const operand = run.operand(storage, v);
      run.call(`tset_${name}`, [at, operand.arg], () => {
        const value = operand.value();
        if (at >= elements.length) return trap("table_out_of_bounds");
        elements[at] = value;
      });
    },
  },
  tableGrow: {
    weight: 2,
    run(run, [t, n, v]) {
      const name = pick(TABLE_NAMES, t), { storage, elements, maximum } = run.model.tables[name], by = n % 5;
      const operand = run.operand(storage, v);
      run.call(`tgrow_${name}`, [by, operand.arg], () => {
        const value = operand.value(), size = elements.length;
        if (size + by > maximum) return -1;
        for (let i = 0; i < by; i++) elements.push(value);
        return size;
      });
    },
  },
  tableFill: {
    weight: 2,
    run(run, [t, i, v, n]) {
      const name = pick(TABLE_NAMES, t), { storage, elements } = run.model.tables[name];
      const at = place(i, elements.length), length = extent(n, at, elements.length);
      const operand = run.operand(storage, v);
      run.call(`tfill_${name}`, [at, operand.arg, length], () => {
        const value = operand.value();
        if (at + length > elements.length) return trap("table_out_of_bounds");
        elements.fill(value, at, at + length);
      });
    },
  },
  tableCopy: {
    weight: 3,
    run(run, [t, i, j, n]) {
      const [to, from] = pick(TABLE_COPIES, t), { tables } = run.model;
      const target = tables[to].elements, source = tables[from].elements;
      const at = place(i, target.length), read = place(j, source.length), length = extent(n, read, source.length);
      run.call(`tcopy_${to}_${from}`, [at, read, length], () => {
        if (at + length > target.length || read + length > source.length) return trap("table_out_of_bounds");
        source.slice(read, read + length).forEach((value, k) => target[at + k] = value);
      });
    },
  },
  tableInit: {
    weight: 2,
    run(run, [i, s, n]) {
      const { elements } = run.model.tables.any;
      const at = place(i, elements.length), start = place(s, 4), length = extent(n, start, 4);
      run.call("tinit", [at, start, length], () => {
        const { items } = run.model;
        if (start + length > items.length || at + length > elements.length) return trap("table_out_of_bounds");
        items.slice(start, start + length).forEach((value, k) => elements[at + k] = value);
      });
    },
  },
  globalGet: {
    weight: 2,
    run(run, [g, dst]) {
      const name = pick(GLOBAL_NAMES, g), storage = GLOBALS[name];
      run.call(`gget_${name}`, [run.target(storage, dst)], () => {
        run.put(storage, dst, run.model.globals[name]);
      });
    },
  },
  globalSet: {
    weight: 3,
    run(run, [g, v]) {
      const name = pick(GLOBAL_NAMES, g), operand = run.operand(GLOBALS[name], v);
      run.call(`gset_${name}`, [operand.arg], () => {
        run.model.globals[name] = operand.value();
      });
    },
  },
  test: {
    weight: 2,
    run(run, [t, n, r]) {
      const target = pick(TARGETS, t), value = run.model.registers[register(r)];
      const nullable = n % 2 === 0 ? "" : "null";
      run.call(
        `test${nullable}_${target}`,
        [register(r)],
        () => value === null ? Number(nullable !== "") : Number(isOf(value, target)),
      );
    },
  },
  castTo: {
    weight: 2,
    run(run, [t, n, dst, r]) {
      const target = pick(TARGETS, t), value = run.model.registers[register(r)];
      const nullable = n % 2 === 0 ? "" : "null";
      run.call(`cast${nullable}_${target}`, [register(dst), register(r)], () => {
        if (value === null ? nullable === "" : !isOf(value, target)) return trap("cast_failure");
        run.model.registers[register(dst)] = value;
      });
    },
  },
  branchOnCast: {
    weight: 2,
    run(run, [t, n, dst, r]) {
      const target = pick(TARGETS, t), value = run.model.registers[register(r)];
      const nullable = n % 2 === 0 ? "" : "null";
      run.call(`branch${nullable}_${target}`, [register(dst), register(r)], () => {
        run.model.registers[register(dst)] = value;
        return Number(value === null ? nullable !== "" : isOf(value, target));
      });
    },
  },
  equal: {
    weight: 2,
    run(run, [a, b]) {
      run.call(
        "eq",
        [register(a), register(b)],
        () => Number(run.cast(register(a), "eq") === run.cast(register(b), "eq")),
      );
    },
  },
  makeScalar: {
    weight: 2,
    run(run, [dst, n]) {
      run.call("i31", [register(dst), n | 0], () => {
        run.model.registers[register(dst)] = scalar(n);
      });
    },
  },
  readScalar: {
    weight: 1,
    run(run, [r, n]) {
      const signed = n % 2 === 0, value = run.model.registers[register(r)];
      run.call(signed ? "i31s" : "i31u", [register(r)], () => {
        if (value === null) return trap("null_i31_reference");
        if (!(value instanceof Scalar)) return trap("cast_failure");
        return signed ? value.value : value.value & 0x7fff_ffff;
      });
    },
  },
  move: {
    weight: 2,
    run(run, [dst, r]) {
      run.call("move", [register(dst), register(r)], () => {
        run.model.registers[register(dst)] = run.model.registers[register(r)];
      });
    },
  },
  clear: {
    weight: 4,
    run(run, [r, n]) {
      if (n % 4 === 0) {
        run.call("clearx", [side(r)], () => {
          run.model.exns[side(r)] = null;
        });
      } else {
        run.call("clear", [register(r)], () => {
          run.model.registers[register(r)] = null;
        });
      }
    },
  },
  refFunc: {
    weight: 1,
    run(run, [dst, n]) {
      run.call(`ref_f${n % FUNCTIONS}`, [side(dst)], () => {
        run.model.funcs[side(dst)] = run.func(n % FUNCTIONS);
      });
    },
  },
  callFunc: {
    weight: 1,
    run(run, [n, f]) {
      const func = run.model.funcs[side(f)] as FuncValue | null;
      run.call(
        "callf",
        [n | 0, side(f)],
        () => func === null ? trap("null_function_reference") : n + func.index + 1 | 0,
      );
    },
  },
  throwAndCatch: {
    weight: 2,
    run(run, [x, a, b, n]) {
      const { registers, exns } = run.model;
      const first = register(a), second = register(b);
      run.call("throwcatch", [x & 0xff, first, second, n | 0], () => {
        const payload = registers[first], extern = registers[second];
        exns[side(x & 0xff)] = makeExn("t", [n | 0, payload, extern]);
        registers[first] = extern;
        registers[second] = payload;
        return n | 0;
      });
    },
  },
  throwToHost: {
    weight: 1,
    run(run, [n, a, b, keep]) {
      const { registers } = run.model;
      run.caught("throwout", [n | 0, register(a), register(b)], "t", [
        n | 0,
        registers[register(a)],
        registers[register(b)],
      ], keep);
    },
  },
  rethrow: {
    weight: 2,
    run(run, [dst, x]) {
      const exn = run.model.exns[side(x)];
      run.call("rethrow", [side(dst), side(x)], () => {
        if (exn === null) return trap("null_exception_reference");
        run.model.exns[side(dst)] = exn;
      });
    },
  },
  rethrowToHost: {
    weight: 1,
    run(run, [x, keep]) {
      const exn = run.model.exns[side(x)] as HeapObject | null;
      if (exn === null) run.call("rethrowout", [side(x)], () => trap("null_exception_reference"));
      else run.caught("rethrowout", [side(x)], exn.type as "t", exn.contents, keep);
    },
  },
  deep: { weight: 3, run: (run, numbers) => run.descend("plain", numbers) },
  guarded: { weight: 3, run: (run, numbers) => run.descend("guarded", numbers) },

  // The host's.
  hostStruct: {
    weight: 4,
    run(run, [t, keep, ...ns]) {
      const type = pick(STRUCT_NAMES, t);
      const operands = fieldsOf(type).map(({ storage }, i) => run.hostOperand(storage, ns[i]));
      // What is undefined is left out.
      const valueOf = ({ js, value }: typeof operands[number], i: number) =>
        js === undefined ? zeroOf(fieldsOf(type)[i].storage) : value();
      run.attempt(
        () => makeStruct(type, operands.map(valueOf)),
        () => StructRef.create(run.store, run.type(type), operands.map(({ js }) => js)),
        (expected, actual) => run.receive("any", actual, expected, keep | 1),
      );
    },
  },
  hostArray: {
    weight: 3,
    run(run, [t, keep, n, ...ns]) {
      const type = pick(ARRAY_NAMES, t);
      const operands = Array.from({ length: n % 5 }, (_, i) => run.hostOperand(ARRAYS[type], ns[i]));
      run.attempt(
        () => makeArray(type, operands.map(({ value }) => value())),
        () => ArrayRef.create(run.store, run.type<ArrayType>(type), operands.map(({ js }) => js)),
        (expected, actual) => run.receive("any", actual, expected, keep | 1),
      );
    },
  },
  hostFilledArray: {
    weight: 2,
    run(run, [t, keep, n, v]) {
      const type = pick(ARRAY_NAMES, t), length = lengthFor(type, n), operand = run.hostOperand(ARRAYS[type], v);
      run.attempt(
        () => makeArray(type, Array(length).fill(operand.js === undefined ? null : operand.value())),
        () => ArrayRef.filled(run.store, run.type<ArrayType>(type), length, operand.js),
        (expected, actual) => run.receive("any", actual, expected, keep | 1),
      );
    },
  },
  hostBytes: {
    weight: 1,
    run(run, [t, keep, n]) {
      const type = t % 2 === 0 ? "bytes" : "longs";
      const bytes = Uint8Array.from({ length: n % 4 * 8 }, (_, i) => n >>> i);
      run.attempt(
        () => makeArray(type, elementsOfBytes(type, bytes)),
        () => ArrayRef.create(run.store, run.type<ArrayType>(type), bytes),
        (expected, actual) => run.receive("any", actual, expected, keep | 1),
      );
    },
  },
  hostExn: {
    weight: 1,
    run(run, [t, keep, ...ns]) {
      const type = t % 2 === 0 ? "t" : "u";
      const operands = TAGS[type].map((storage, i) => run.hostOperand(storage, ns[i]));
      run.attempt(
        () => makeExn(type, operands.map(({ value }) => value())),
        () => ExnRef.create(run.tag(type), operands.map(({ js }) => js)),
        (expected, actual) => run.receive("exn", actual, expected, keep | 1),
      );
    },
  },
  hostGet: {
    weight: 4,
    run(run, [h, i, keep]) {
      const held = run.held(h);
      if (held === undefined) return;
      const [object, reference] = held;
      const at = place(i, object.contents.length);
      if (reference instanceof ExnRef) {
        if (at >= object.contents.length) return;
        run.receiveAll(TAGS[object.type as "t"], reference.values(), object.contents, keep);
        return;
      }
      run.attempt(
        () => at < object.contents.length ? object.contents[at] : refuse("RangeError"),
        () => reference.get(at),
        (expected, actual) => run.receive(object.storage(at), actual, expected, keep),
      );
    },
  },
  hostSet: {
    weight: 5,
    run(run, [h, i, v]) {
      const held = run.held(h);
      if (held === undefined || held[1] instanceof ExnRef) return;
      const [object, reference] = held;
      const at = place(i, object.contents.length);
      if (object.type === "mix" && at === 4) {
        run.attempt(() => refuse("TypeError"), () => reference.set(at, null));
        return;
      }
      if (at >= object.contents.length) {
        run.attempt(() => refuse("RangeError"), () => reference.set(at, zeroOf(object.storage(0))));
        return;
      }
      const operand = run.hostOperand(object.storage(at), v);
      run.attempt(() => {
        object.contents[at] = operand.value();
      }, () => reference.set(at, operand.js));
    },
  },
  hostFill: {
    weight: 2,
    run(run, [h, i, n, v]) {
      const held = run.held(h, "array");
      if (held === undefined) return;
      const [object, reference] = held;
      const { length } = object.contents;
      const at = place(i, length), end = at + extent(n, at, length);
      const operand = run.hostOperand(ARRAYS[object.type as ArrayName], v);
      run.attempt(() => {
        // Bounds are asked before and after user code may run.
        if (end > length) return refuse("RangeError");
        object.contents.fill(operand.value(), at, end);
      }, () => (reference as ArrayRef).fill(operand.js, at, end));
    },
  },
  hostCopy: {
    weight: 1,
    run(run, [h, i, n]) {
      const held = run.held(h, "array");
      if (held === undefined) return;
      const [object, reference] = held as [HeapObject, ArrayRef];
      const { contents, type } = object, at = place(i, contents.length), length = extent(n, at, contents.length) % 40;
      const width = type === "bytes" ? 1 : 8;
      const bytes = Uint8Array.from({ length: length * width }, (_, k) => n >>> k);
      run.attempt(() => {
        if (type !== "bytes" && type !== "longs") return refuse("TypeError");
        if (at + length > contents.length) return refuse("RangeError");
        elementsOfBytes(type, bytes).forEach((value, k) => contents[at + k] = value);
      }, () => reference.copyFrom(bytes, at));
    },
  },
  hostCast: {
    weight: 2,
    run(run, [h, t]) {
      const held = run.held(h);
      if (held === undefined) return;
      const [object, reference] = held;
      const target = pick(TARGETS, t);
      const type = run.heapTypeOf(target) as "any";
      run.attempt(() => isOf(object, target), () => reference.matches(type), (expected, actual) => {
        if (expected !== actual) throw new Divergence(`a ${object.type} matches ${target}: ${actual}`);
      });
      run.attempt(
        () => isOf(object, target) || refuse("RefError wrong_type"),
        () => reference.cast(type),
        (_, actual) => run.same("any", actual, object),
      );
    },
  },
  hold: {
    weight: 5,
    run(run, [r, keep]) {
      const value = run.exported<Table>("regs").get(register(r));
      run.receive("any", value, run.model.registers[register(r)], keep | 1);
    },
  },
  holdExn: {
    weight: 1,
    run(run, [x, keep]) {
      const value = run.exported<Table>("xregs").get(side(x));
      run.receive("exn", value, run.model.exns[side(x)], keep | 1);
    },
  },
  release: { weight: 6, run: (run, [h]) => run.dispose(h) },
  openScope: { weight: 3, run: (run) => run.openScope() },
  closeScope: { weight: 2, run: (run, [n]) => run.closeScope(n) },
  keepInScope: { weight: 4, run: (run, [n]) => run.keepInScope(n) },
  hostTableGet: {
    weight: 2,
    run(run, [t, i, keep]) {
      const name = pick(TABLE_NAMES, t), { storage, elements } = run.model.tables[name], at = place(i, elements.length);
      run.attempt(
        () => at < elements.length ? elements[at] : refuse("RangeError"),
        () => run.exported<Table>(`table_${name}`).get(at),
        (expected, actual) => run.receive(storage, actual, expected, keep),
      );
    },
  },
  hostTableSet: {
    weight: 4,
    run(run, [t, i, v]) {
      const name = pick(TABLE_NAMES, t), { storage, elements } = run.model.tables[name], at = place(i, elements.length);
      const operand = run.hostOperand(storage, v);
      run.attempt(() => {
        const value = operand.value();
        if (at >= elements.length) return refuse("RangeError");
        elements[at] = value;
      }, () => run.exported<Table>(`table_${name}`).set(at, operand.js));
    },
  },
  hostTableGrow: {
    weight: 2,
    run(run, [t, n, v]) {
      const name = pick(TABLE_NAMES, t), { storage, elements, maximum } = run.model.tables[name], by = n % 5;
      const operand = run.hostOperand(storage, v);
      run.attempt(
        () => {
          const value = operand.value(), size = elements.length;
          if (size + by > maximum) return refuse("RangeError");
          for (let i = 0; i < by; i++) elements.push(value);
          return size;
        },
        () => run.exported<Table>(`table_${name}`).grow(by, operand.js),
        (expected, actual) => {
          if (expected !== actual) throw new Divergence(`grow gives ${actual} instead of ${expected}`);
        },
      );
    },
  },
  hostTableFill: {
    weight: 2,
    run(run, [t, i, n, v]) {
      const name = pick(TABLE_NAMES, t), { storage, elements } = run.model.tables[name];
      const at = place(i, elements.length), length = extent(n, at, elements.length);
      const operand = run.hostOperand(storage, v);
      run.attempt(() => {
        const value = operand.value();
        if (at + length > elements.length) return refuse("RangeError");
        elements.fill(value, at, at + length);
      }, () => run.exported<Table>(`table_${name}`).fill(operand.js, at, length));
    },
  },
  hostTableCopy: {
    weight: 2,
    run(run, [t, i, j, n]) {
      const [to, from] = n % 7 === 0 ? ["nod", "any"] as const : pick(TABLE_COPIES, t), { tables } = run.model;
      const target = tables[to].elements, source = tables[from].elements;
      const at = place(i, target.length), read = place(j, source.length), length = extent(n, read, source.length);
      run.attempt(() => {
        if (to === "nod" && from === "any") return refuse("TypeError");
        if (at + length > target.length || read + length > source.length) return refuse("RangeError");
        source.slice(read, read + length).forEach((value, k) => target[at + k] = value);
      }, () => run.exported<Table>(`table_${to}`).copyFrom(at, run.exported<Table>(`table_${from}`), read, length));
    },
  },
  hostGlobalGet: {
    weight: 2,
    run(run, [g, keep]) {
      const name = pick(GLOBAL_NAMES, g);
      const { value } = run.exported<{ value: unknown }>(`global_${name}`);
      run.receive(GLOBALS[name], value, run.model.globals[name], keep);
    },
  },
  hostGlobalSet: {
    weight: 3,
    run(run, [g, v]) {
      const name = pick(GLOBAL_NAMES, g), operand = run.hostOperand(GLOBALS[name], v);
      run.attempt(() => {
        run.model.globals[name] = operand.value();
      }, () => {
        run.exported<{ value: unknown }>(`global_${name}`).value = operand.js;
      });
    },
  },
  passThrough: {
    weight: 3,
    run(run, [a, b, c, d, keep]) {
      const storages = ["any", "extern", "node", "eq"] as const;
      const operands = [a, b, c, d].map((n, i) => run.hostOperand(storages[i], n));
      run.attempt(
        () => operands.map(({ value }) => value()).reverse(),
        () => run.exported<GuestFunction>("pass")(...operands.map(({ js }) => js)),
        (expected, actual) => run.receiveAll(["eq", "node", "extern", "any"], actual as unknown[], expected, keep),
      );
    },
  },
  fillNursery: {
    weight: 4,
    run(run, [dst]) {
      // Where every allocation collects, this would only take time.
      if (!run.isPlain) return;
      for (let total = 0; total < NURSERY_BYTES; total += GARBAGE_BYTES) {
        run.call("default_bytes", [register(dst), GARBAGE_BYTES], () => {});
      }
      run.call("clear", [register(dst)], () => {
        run.model.registers[register(dst)] = null;
      });
    },
  },
  collect: { weight: 2, run: (run) => run.store.gc() },
  compare: { weight: 3, run: (run) => run.compare() },
} as const satisfies Record<string, OperationKind>;

/** The name of an operation. */
export type OperationName = keyof typeof OPERATION_TABLE;

const OPERATIONS: Readonly<Record<OperationName, OperationKind>> = OPERATION_TABLE;

/** How often each operation comes. */
export const OPERATION_WEIGHTS = Object.fromEntries(
  Object.entries(OPERATIONS).map(([name, { weight }]) => [name, weight]),
) as Record<OperationName, number>;

function elementsOfBytes(type: "bytes" | "longs", bytes: Uint8Array): Value[] {
  if (type === "bytes") return [...bytes];
  return [...new BigInt64Array(bytes.slice().buffer)];
}
