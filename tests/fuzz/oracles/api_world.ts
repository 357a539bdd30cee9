/**
 * What random uses of the API are made on: objects of every class, the arguments that hostile callers have, and a model of what was disposed of.
 *
 * An operation has a seed of its own, from which everything that it chooses follows; so leaving others out of a sequence changes it as little as
 * can be. User code that the API runs (host functions, `valueOf`, getters, limiters) goes on with the sequence: operations nest.
 *
 * Judged is: what is thrown is of a kind that the API documents; what belongs to a disposed store or module gives no result; what belongs to
 * different stores does not mix; a store is not disposed of under an active call; every promise settles.
 */

import {
  ArtifactError,
  BusyError,
  Engine,
  Exception,
  type Func,
  HostError,
  I31Ref,
  type Instance,
  Module,
  OptimizerError,
  Store,
  type Tag,
  TextError,
  Trap,
  WasmError,
} from "../../../mod.ts";
import { stackPool } from "../../../lib/host/mod.ts";
import { Random } from "../generators/random.ts";

/** Pools of objects, by what they are. */
export const POOLS = [
  "engine",
  "store",
  "module",
  "instance",
  "linker",
  "pre",
  "func",
  "callable",
  "memory",
  "shared",
  "table",
  "global",
  "tag",
  "exception",
  "struct",
  "array",
  "exn",
  "scope",
  "handle",
  "structType",
  "arrayType",
  "caller",
  "bytes",
  "budget",
  "pool",
  "tenant",
  "funcRef",
  "funcType",
  "extern",
  "error",
] as const;
/** What an object is. */
export type Pool = typeof POOLS[number];

/** What an object lives and dies with. */
export interface Owner {
  readonly store?: Store | undefined;
  readonly module?: Module | undefined;
}

/** A use of the API. */
export interface Use {
  readonly name: string;
  readonly seed: number;
}

/** One kind of use. */
export interface OperationKind {
  /** What it is done to, if anything. */
  readonly subject?: Pool;
  /** Whether it gives no result once what the subject belongs to is disposed of. */
  readonly needs?: "live";
  /** How often it comes; 2 unless given. */
  readonly weight?: number;
  // deno-lint-ignore no-explicit-any -- the subject is of the class that the pool has, or something hostile
  run(world: World, subject: any): unknown;
}

/** What hostile arguments throw themselves. */
export class Hostile extends Error {
  override readonly name = "Hostile";
}

/** The API did what it must not do. */
export class Violation extends Error {}

/** What may be thrown. An `InternalError` is none of them. */
const ALLOWED = [
  TypeError,
  RangeError,
  SyntaxError,
  WasmError,
  HostError,
  ArtifactError,
  BusyError,
  TextError,
  OptimizerError,
  Hostile,
];

const CODES_OF_OUR_OWN = new Set(["internal_check"]);
const DEEPEST = 4;
const MOST_OF_A_POOL = 24;
/** One argument in so many is none that fits. */
const HOSTILE = 12;

/** The state of a sequence. */
export class World {
  readonly pools = Object.fromEntries(POOLS.map((name) => [name, []])) as unknown as Record<Pool, object[]>;
  random = new Random(0);
  readonly #owners = new WeakMap<object, Owner>();
  readonly #closedStores = new WeakSet<Store>();
  readonly #disposedModules = new WeakSet<Module>();
  readonly disposedReferences = new WeakSet<object>();
  /** How many calls into each store have a host function on top. */
  readonly #active = new Map<Store, number>();
  readonly #pending: Promise<void>[] = [];
  /** The uses that gave promises which have not settled. */
  readonly #unsettled = new Set<object>();
  readonly controllers: AbortController[] = [];
  /** Promises that host functions gave, to be settled. */
  readonly waits: ((value: unknown) => void)[] = [];
  readonly #uses: readonly Use[];
  readonly #kinds: Readonly<Record<string, OperationKind>>;
  readonly #onUse: (use: Use) => void;
  #next = 0;
  #depth = 0;
  #mustRefuse: string | undefined;
  /** Found in a promise or a nested use, where throwing it would not get far. */
  violation: Violation | undefined;
  /** Results and errors by kind of use. */
  readonly outcomes = new Map<string, { results: number; errors: number }>();

  constructor(
    uses: readonly Use[],
    kinds: Readonly<Record<string, OperationKind>>,
    onUse: (use: Use) => void,
  ) {
    this.#uses = uses;
    this.#kinds = kinds;
    this.#onUse = onUse;
  }

  /** Does everything; promises have some time to settle afterwards. @throws {Violation} */
  async run(settleMs: number): Promise<void> {
    while (this.#next < this.#uses.length) {
      const { name } = this.#uses[this.#next];
      this.step();
      this.#throwViolation();
      if (name === "turn") await new Promise((resolve) => setTimeout(resolve, 0));
    }
    for (const settle of this.waits) settle(1);
    for (const controller of this.controllers) controller.abort();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), settleMs));
    const ended = await Promise.race([Promise.all(this.#pending), timeout]);
    clearTimeout(timer);
    this.#throwViolation();
    if (ended === "late") throw new Violation(`never settle: ${[...this.#unsettled].join(", ")}`);
    for (const store of this.pools.store as Store[]) this.closeStore(store);
    this.#throwViolation();
  }

  #throwViolation(): void {
    if (this.violation !== undefined) throw this.violation;
  }

  /** The next use of the sequence; from within user code, too. */
  step(): void {
    if (this.#depth > DEEPEST || this.#next >= this.#uses.length) return;
    const use = this.#uses[this.#next++];
    const outer = { random: this.random, mustRefuse: this.#mustRefuse };
    this.random = new Random(use.seed);
    this.#mustRefuse = undefined;
    this.#depth++;
    this.#onUse(use);
    try {
      this.#use(use.name, this.#kinds[use.name]);
    } finally {
      this.#depth--;
      this.random = outer.random;
      this.#mustRefuse = outer.mustRefuse;
    }
  }

  #use(name: string, kind: OperationKind): void {
    const subject = kind.subject === undefined ? undefined : this.take(kind.subject);
    const isOfPool = kind.subject !== undefined && this.pools[kind.subject].includes(subject);
    const isDead = kind.needs === "live" && isOfPool && this.isDead(subject);
    let outcome = this.outcomes.get(name);
    if (outcome === undefined) this.outcomes.set(name, outcome = { results: 0, errors: 0 });
    try {
      const result = kind.run(this, subject);
      if (result instanceof Promise) {
        const forbidden = isDead ? "something that was disposed of" : this.#mustRefuse;
        const label = { toString: () => name };
        this.#unsettled.add(label);
        this.#pending.push(
          result.finally(() => this.#unsettled.delete(label)).then(
            () => {
              outcome.results++;
              if (forbidden !== undefined) this.violation ??= new Violation(`${name} resolves for ${forbidden}`);
            },
            (error) => {
              outcome.errors++;
              this.judge(name, error);
            },
          ),
        );
        return;
      }
      outcome.results++;
      if (isDead) this.violation ??= new Violation(`${name} gives ${show(result)} for something that was disposed of`);
      else if (this.#mustRefuse !== undefined) {
        this.violation ??= new Violation(`${name} gives ${show(result)} for ${this.#mustRefuse}`);
      }
    } catch (error) {
      outcome.errors++;
      this.judge(name, error);
    }
  }

  /** Whether what was thrown is of a kind that the API may throw. */
  judge(name: string, error: unknown): void {
    if (error instanceof Violation) {
      this.violation ??= error;
      return;
    }
    const isAllowed = ALLOWED.some((allowed) => error instanceof allowed) ||
      error instanceof DOMException && ["AbortError", "DataCloneError", "TimeoutError"].includes(error.name);
    const isOurs = error instanceof Trap && CODES_OF_OUR_OWN.has(error.code);
    if (!isAllowed || isOurs) {
      this.violation ??= new Violation(`${name} throws ${error instanceof Error ? error.stack : show(error)}`);
    }
    if (error instanceof Error) this.add("error", error);
  }

  /** From here on, this use must be refused. */
  refuse(because: string): void {
    this.#mustRefuse ??= because;
  }

  /** The use must be refused if these are of different stores. */
  apart(...things: unknown[]): void {
    const stores = new Set(things.flatMap((thing) => this.storeOf(thing) ?? []));
    if (stores.size > 1) this.refuse("things of different stores");
  }

  /** The store of a thing: itself, or what it belongs to. */
  storeOf(thing: unknown): Store | undefined {
    if (thing instanceof Store) return thing;
    return isObject(thing) ? this.#owners.get(thing)?.store : undefined;
  }

  /** Whether what a thing belongs to, or itself, was disposed of. */
  isDead(thing: unknown): boolean {
    if (!isObject(thing)) return false;
    const store = this.storeOf(thing);
    if (store !== undefined && this.#closedStores.has(store)) return true;
    const module = thing instanceof Module ? thing : this.#owners.get(thing)?.module;
    if (module !== undefined && this.#disposedModules.has(module)) return true;
    return this.disposedReferences.has(thing);
  }

  /** Puts an object into a pool. */
  add<T>(pool: Pool, object: T, owner: Owner = {}): T {
    if (!isObject(object)) return object;
    if (!this.#owners.has(object)) this.#owners.set(object, owner);
    const objects = this.pools[pool];
    if (objects.includes(object)) return object;
    if (objects.length < MOST_OF_A_POOL || pool === "store") objects.push(object);
    else objects[this.random.below(objects.length)] = object;
    return object;
  }

  /** An object of a pool; at times something else. */
  // deno-lint-ignore no-explicit-any -- what is asked for, or not
  take(pool: Pool): any {
    const objects = this.pools[pool];
    if (objects.length === 0 || this.random.oneIn(HOSTILE * 2)) return this.hostile();
    return this.random.pick(objects);
  }

  /** The value, or something hostile. */
  // deno-lint-ignore no-explicit-any -- what is asked for, or not
  or(value: unknown): any {
    return this.random.oneIn(HOSTILE) ? this.hostile() : value;
  }

  /** A small number; at times something else. */
  // deno-lint-ignore no-explicit-any -- what is asked for, or not
  small(): any {
    return this.or(this.random.below(6));
  }

  /** Any value that an argument could be. */
  hostile(): unknown {
    const { random } = this;
    switch (random.below(14)) {
      case 0:
        return { valueOf: () => (this.step(), 1) };
      case 1:
        return {
          valueOf: () => {
            throw new Hostile("valueOf");
          },
        };
      case 2:
        return new Proxy({}, {
          get: (_, name) => {
            // A promise that never settles would be waited for.
            if (typeof name === "symbol" || name === "then") return undefined;
            this.step();
            return () => 1;
          },
        });
      case 3:
        return {
          get minimum() {
            throw new Hostile("getter");
          },
          get parameters() {
            throw new Hostile("getter");
          },
        };
      case 4: {
        // Disposes of something while it is looked at.
        const close = () => {
          const store = this.pools.store[0] as Store | undefined;
          if (store !== undefined && random.oneIn(4)) this.closeStore(store);
          return 1;
        };
        return {
          get minimum() {
            return close();
          },
          get element() {
            close();
            return "externref";
          },
          get valueType() {
            close();
            return "i32";
          },
          get f() {
            return close;
          },
          get timeout() {
            return close();
          },
          get length() {
            return close();
          },
          [Symbol.toPrimitive]: close,
        };
      }
      case 5:
        return Object.freeze([1, "x", null]);
      case 6:
        return new Proxy([1, 2], {
          get: (target, name) => name === "length" ? random.below(5) : Reflect.get(target, name),
        });
      case 7:
        return random.pick(Object.values(this.pools).flat());
      default:
        return random.pick(CONSTANTS);
    }
  }

  /** A value for a parameter of any type. */
  argument(): unknown {
    const { random } = this;
    switch (random.below(9)) {
      case 0:
        return this.hostile();
      case 1:
        return BigInt(random.next()) << 20n;
      case 2:
        return this.take("callable");
      case 3:
        return this.take("struct");
      case 4:
        return this.take("array");
      case 5:
        return null;
      default:
        return random.below(5);
    }
  }

  /** Disposes of a store, if it can be. */
  closeStore(store: Store): unknown {
    const isActive = (this.#active.get(store) ?? 0) > 0;
    const wasClosed = this.#closedStores.has(store);
    store.close();
    if (isActive && !wasClosed) throw new Violation("a store is disposed of under an active call");
    this.#closedStores.add(store);
    if (!store.isDisposed) throw new Violation("a store that was disposed of is not");
    return undefined;
  }

  /** Disposes of a module. */
  disposeModule(module: Module): unknown {
    module[Symbol.dispose]();
    this.#disposedModules.add(module);
    return undefined;
  }

  /**
   * A host function for `m.f`, that does whatever comes to its mind. As an import, of an instance in `store`, only guests call it: the store is
   * active then.
   */
  hostFunction(store?: Store): (...args: unknown[]) => unknown {
    return (...args) => {
      const { random } = this;
      const active = store === undefined || !(store instanceof Store) ? undefined : store;
      if (active !== undefined) this.#active.set(active, (this.#active.get(active) ?? 0) + 1);
      try {
        for (let i = random.below(4); i > 0; i--) this.step();
        switch (random.below(10)) {
          case 0:
            return this.hostile();
          case 1:
            throw new Hostile("host function");
          case 2: {
            const tag = this.take("tag") as Tag;
            const mine = this.storeOf(tag) === store ? tag : this.take("tag") as Tag;
            throw new Exception(mine, [this.small(), this.argument()]);
          }
          case 3: {
            const error = this.take("error");
            if (error instanceof Error && !(error instanceof Violation)) throw error;
            return 2;
          }
          case 4:
            return new Promise((resolve) => {
              this.waits.push(resolve);
              setTimeout(() => resolve(3), 1);
            });
          case 5:
            return {
              then: (resolve: (value: unknown) => void) => {
                if (random.oneIn(2)) throw new Hostile("then");
                resolve(this.hostile());
              },
            };
          case 6:
            return Promise.reject(new Hostile("rejected"));
          case 7:
            if (active === undefined) return 4;
            try {
              this.closeStore(active);
            } catch (error) {
              if (error instanceof Violation) this.violation ??= error;
            }
            return 5;
          default:
            return args[0];
        }
      } finally {
        if (active !== undefined) this.#active.set(active, this.#active.get(active)! - 1);
      }
    };
  }

  /** Takes apart what an instance exports. */
  addExports(instance: Instance, store: Store | undefined): void {
    this.add("instance", instance, { store });
    for (const [name, value] of Object.entries(instance.exports)) this.addExport(name, value, store);
  }

  /** Puts an export into its pool. */
  addExport(name: string, value: unknown, store: Store | undefined): void {
    const pool = poolOf(value);
    if (pool !== undefined && name !== "spin") this.add(pool, value, { store });
  }

  /** A function that is known by name, such as one that is called with a deadline only. */
  spinOf(instance: Instance): Func | undefined {
    return instance.func("spin");
  }

  /** Whether what a store has was given back. */
  static stacksInUse(): number {
    return stackPool().inUse;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null || typeof value === "function";

const CLASS_POOLS: Record<string, Pool> = {
  Memory: "memory",
  Table: "table",
  Global: "global",
  Tag: "tag",
  SharedMemory: "shared",
  StructRef: "struct",
  ArrayRef: "array",
  ExnRef: "exn",
  Func: "func",
  FuncRef: "funcRef",
  ExternRef: "extern",
};

/** The pool for something that the API gave. */
export function poolOf(value: unknown): Pool | undefined {
  if (typeof value === "function") return "callable";
  return isObject(value) ? CLASS_POOLS[value.constructor?.name] : undefined;
}

function show(value: unknown): string {
  try {
    return isObject(value) ? `${typeof value} ${value.constructor?.name}` : `${typeof value} ${String(value)}`;
  } catch {
    return typeof value;
  }
}

const CONSTANTS: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -0,
  1,
  -1,
  0.5,
  NaN,
  Infinity,
  65536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  Number.MAX_VALUE,
  0n,
  -1n,
  2n ** 63n,
  2n ** 64n,
  "",
  "funcref",
  "i32",
  "m",
  "memory",
  "x".repeat(1000),
  "\ud800",
  Symbol("s"),
  [],
  {},
  new Uint8Array(4),
  new ArrayBuffer(8),
  new SharedArrayBuffer(8),
  new DataView(new ArrayBuffer(3)),
  new I31Ref(5),
  new Date(0),
  Object.create(null),
  Object.create(Store.prototype),
  Object.create(Engine.prototype),
  { minimum: 1 },
  { minimum: 2, maximum: 3 },
  { minimum: 3, maximum: 1 },
  { minimum: 1, maximum: 2 ** 40 },
  { element: "externref", minimum: 1, maximum: 5 },
  { valueType: "externref", mutability: "var" },
  { parameters: ["i32", "f64"], results: ["i64"] },
  { parameters: "x", results: 5 },
  { parameters: Array(2000).fill("i32"), results: [] },
  () => 1,
  Promise.resolve(1),
  new AbortController().signal,
  AbortSignal.abort(),
];
