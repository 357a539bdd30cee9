/**
 * Misuse, method by method: everything public is used after what it belongs to was disposed of, on objects that are none of its class, and with
 * things of another store or engine. The list of methods is read off the classes, so one that is new fails until it has a row.
 *
 * Also: whatever host functions return for each type of result, and what they throw through up to a hundred frames of guest and host by turns.
 * Deeper nesting, user code in getters and coercions, and random misuse are in reentrancy_test.ts, hostile_test.ts and tests/fuzz/api_test.ts.
 */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as api from "../../mod.ts";
import { DEFAULT_FEATURES, featureNames } from "../../lib/wasm/mod.ts";
import { wat } from "../wat.ts";
import { outcome, Sandbox, v8Exports } from "./sandbox.ts";

const TEXT = `(module
  (type $node (struct (field $x (mut i32)) (field $next (mut (ref null $node))))) (type $list (array (mut i32))) (type $ft (func (param i32)))
  (import "m" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1 2) (table (export "table") 2 4 funcref) (table (export "refs") 2 4 externref)
  (global (export "global") (mut i32) (i32.const 0)) (tag (export "tag") (param i32))
  (func (export "run") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "throw") (throw 0 (i32.const 1)))
  (type $ct (cont $ft)) (func $body (type $ft)) (elem declare func $body)
  (table (export "conts") 1 contref)
  (func (export "suspended") (table.set 2 (i32.const 0) (cont.new $ct (ref.func $body)))))`;
const BYTES = wat(TEXT);
const FEATURES = [...featureNames(DEFAULT_FEATURES), "stack-switching"] as const;
const FT = { parameters: ["i32"], results: ["i32"] } as const;

/** An engine with one thing of each class. */
function makeWorld() {
  const engine = new api.Engine({ features: FEATURES, fuel: true, interruption: true });
  const store = new api.Store(engine);
  store.fuel = 1e6;
  const module = new api.Module(engine, BYTES);
  const callers: api.Caller[] = [];
  const linker = new api.Linker(engine, { allowShadowing: true });
  linker.defineFunc("m", "f", FT, (caller: api.Caller, x: number) => {
    callers.push(caller);
    return x;
  }, { passCaller: true });
  const instance = linker.instantiate(store, module);
  const { run, memory, table, global, tag, suspended, conts } = instance.exports;
  run(1);
  // What it takes as `x.""` when a module's default is asked for.
  linker.define("start", "", run);
  const node = module.structType("node"), list = module.arrayType("list");
  const struct = api.StructRef.create(store, node);
  const pool = new api.InstancePool(module, { m: { f: (x: number) => x } }, { size: 2 });
  return {
    bytes: module.serialize(),
    run,
    node,
    Engine: engine,
    Store: store,
    Module: module,
    Linker: linker,
    Instance: instance,
    InstancePre: linker.instantiatePre(module),
    InstancePool: pool,
    PooledInstance: pool.acquire(),
    Caller: callers[0],
    Memory: memory as api.Memory,
    SharedMemory: new api.SharedMemory({ minimum: 1, maximum: 2 }),
    Table: table as api.Table,
    Global: global as api.Global,
    Tag: tag as api.Tag,
    Exception: new api.Exception(tag, [1]),
    Func: instance.func("run")!,
    FuncRef: api.FuncRef.of(run),
    ExternRef: api.ExternRef.of(store, { some: "value" })!,
    ExternReference: api.ExternRef.of(store, { another: "value" })!,
    HeapReference: api.StructRef.create(store, node),
    AnyRef: struct,
    StructRef: struct,
    ArrayRef: api.ArrayRef.filled(store, list, 4),
    ExnRef: api.ExnRef.create(tag, [1]),
    // Made when asked for: an instance is not reset while there is one.
    get ContRef(): api.ContRef {
      suspended();
      return conts.get(0);
    },
    I31Ref: new api.I31Ref(5),
    StructType: node,
    ArrayType: list,
    FuncType: module.funcType("ft"),
    CompositeType: node,
    RootScope: new api.RootScope(store),
    InterruptHandle: store.interruptHandle(),
    Budget: new api.Budget({ memoryBytes: 1e6, fuel: 5 }),
    Trap: new api.Trap("unreachable"),
    Epoch: engine.epoch,
  };
}

type World = ReturnType<typeof makeWorld>;
// deno-lint-ignore no-explicit-any -- each row knows what its subject is
type Any = any;

/** How one method, or accessor, is misused. */
interface Row {
  /** Uses it; `w` is the world that the subject is of. */
  use(subject: Any, w: World): unknown;
  /** What it does once store, module and engine are disposed of. */
  readonly disposed: "refused" | "answers";
  /** Uses it with something of another engine: refused. */
  foreign?(subject: Any, other: World): unknown;
  /** Whether it is asynchronous: the promise is rejected instead. */
  readonly isAsync?: true;
}

const refused = (use: Row["use"], foreign?: Row["foreign"]): Row => ({
  use,
  disposed: "refused",
  ...foreign === undefined ? {} : { foreign },
});
const answers = (use: Row["use"], foreign?: Row["foreign"]): Row => ({ ...refused(use, foreign), disposed: "answers" });
const later = (row: Row): Row => ({ ...row, isAsync: true });

const IMPORTS = { m: { f: (x: number) => x } };

/** Every method, accessor and static function of the public classes. */
const ROWS: Record<string, Row> = {
  "Engine.bounds": answers((s) => s.bounds),
  "Engine.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),

  "Engine.epoch": answers((s) => s.epoch),
  "Epoch.from": answers((s) => api.Epoch.from(structuredClone(s))),
  "Epoch.value": answers((s) => s.value),
  "Epoch.increment": answers((s) => s.increment()),

  "Store.isDisposed": answers((s) => s.isDisposed),
  "Store.setDeadline": refused((s) => s.setDeadline(undefined)),
  "Store.setEpochDeadline": refused((s) => s.setEpochDeadline(undefined)),
  "Store.fuel": refused((s) => s.fuel),
  "Store.fuelConsumed": refused((s) => s.fuelConsumed),
  "Store.consumeFuel": refused((s) => s.consumeFuel(0)),
  "Store.remainingMs": refused((s) => s.remainingMs),
  "Store.mayInterrupt": refused((s) => s.mayInterrupt),
  "Store.blockInSlices": refused((s) => s.blockInSlices(() => 1)),
  "Store.interruptHandle": refused((s) => s.interruptHandle()),
  "Store.usage": refused((s) => s.usage()),
  "Store.coreDump": refused(
    (s) => s.coreDump(new Error("x")),
    (s, o) => s.coreDump(outcomeOf(() => o.Instance.exports.throw())),
  ),
  "Store.gc": refused((s) => s.gc()),
  "Store.close": answers((s) => s.close()),
  "Store.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),

  "Module.fromText": refused((_, w) => api.Module.fromText(w.Engine, "(module)")),
  "Module.validate": refused((_, w) => api.Module.validate(w.Engine, BYTES)),
  "Module.deserialize": refused((_, w) => api.Module.deserialize(w.Engine, w.bytes, { trusted: true })),
  "Module.fromCache": refused((_, w) => api.Module.fromCache(w.Engine, BYTES)),
  "Module.name": refused((s) => s.name),
  "Module.imports": refused((s) => s.imports),
  "Module.exports": refused((s) => s.exports),
  "Module.structType": refused((s) => s.structType("node")),
  "Module.arrayType": refused((s) => s.arrayType("list")),
  "Module.funcType": refused((s) => s.funcType("ft")),
  "Module.customSections": refused((s) => s.customSections("name")),
  "Module.sourceMapUrl": refused((s) => s.sourceMapUrl),
  "Module.attachSourceMap": refused((s) => s.attachSourceMap(`{"version":3,"sources":[],"mappings":""}`)),
  "Module.serialize": refused((s) => s.serialize()),
  "Module.wasm": refused((s) => s.wasm),
  "Module.compiled": refused((s) => s.compiled),
  "Module.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),

  "Linker.define": answers((s, w) => s.define("x", "y", w.Memory), (s, o) => s.instantiate(o.Store, o.Module)),
  "Linker.defineFunc": refused((s) => s.defineFunc("x", "y", FT, (x: number) => x)),
  "Linker.instance": refused((s, w) => s.instance("x", w.Instance)),
  "Linker.defineInstance": refused((s, w) => s.defineInstance("x", w.Instance)),
  "Linker.module": refused((s, w) => s.module(w.Store, "x", w.Module), (s, o) => s.module(o.Store, "x", o.Module)),
  "Linker.alias": answers((s) => s.alias("m", "f", "x", "z")),
  "Linker.aliasModule": answers((s) => s.aliasModule("m", "mm")),
  "Linker.defineUnknownImportsAsTraps": refused(
    (s, w) => s.defineUnknownImportsAsTraps(w.Module),
    (s, o) => s.defineUnknownImportsAsTraps(o.Module),
  ),
  "Linker.defineUnknownImportsAsDefaultValues": refused(
    (s, w) => s.defineUnknownImportsAsDefaultValues(w.Module),
    (s, o) => s.defineUnknownImportsAsDefaultValues(o.Module),
  ),
  "Linker.get": refused((s, w) => s.get(w.Store, "m", "f"), (s, o) => s.get(o.Store, "m", "f")),
  "Linker.instantiate": refused((s, w) => s.instantiate(w.Store, w.Module), (s, o) => s.instantiate(o.Store, o.Module)),
  "Linker.instantiateAsync": later(
    refused((s, w) => s.instantiateAsync(w.Store, w.Module), (s, o) => s.instantiateAsync(o.Store, o.Module)),
  ),
  "Linker.instantiatePre": refused((s, w) => s.instantiatePre(w.Module), (s, o) => s.instantiatePre(o.Module)),
  "Linker.getDefault": refused((s, w) => s.getDefault(w.Store, "start"), (s, o) => s.getDefault(o.Store, "start")),
  "Linker.clone": refused((s) => s.clone()),
  "Linker.[Symbol.iterator]": answers((s) => [...s]),

  "Instance.createAsync": later(refused(
    (_, w) => api.Instance.createAsync(w.Store, w.Module, IMPORTS),
    (_, o) => api.Instance.createAsync(o.Store, otherModule, IMPORTS),
  )),
  "Instance.exports": refused((s) => s.exports),
  "Instance.func": refused((s) => s.func("run")),
  "Instance.getTypedFunc": refused((s) => s.getTypedFunc("run", FT)),
  "Instance.reset": refused((s) => s.reset()),
  "Instance.resetAsync": later(refused((s) => s.resetAsync())),
  "InstancePre.instantiate": refused((s, w) => s.instantiate(w.Store), (s, o) => s.instantiate(o.Store)),
  "InstancePre.instantiateAsync": later(
    refused((s, w) => s.instantiateAsync(w.Store), (s, o) => s.instantiateAsync(o.Store)),
  ),
  "InstancePool.inUse": answers((s) => s.inUse),
  "InstancePool.acquire": refused((s) => s.acquire().release()),
  "InstancePool.acquireAsync": later(
    refused((s) => s.acquireAsync().then((tenant: api.PooledInstance) => tenant.release())),
  ),
  "InstancePool.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),
  "PooledInstance.exports": refused((s) => s.exports),
  "PooledInstance.release": answers((s) => s.release()),
  "PooledInstance.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),

  "Caller.instance": answers((s) => s.instance),
  "Caller.data": answers((s) => s.data),
  "Caller.canWait": answers((s) => s.canWait),
  "Caller.remainingMs": refused((s) => s.remainingMs),
  "Caller.fuel": refused((s) => s.fuel),
  "Caller.consumeFuel": refused((s) => s.consumeFuel(0)),
  "Caller.blockInSlices": refused((s) => s.blockInSlices(() => 1)),
  "Caller.memory": refused((s) => s.memory?.byteLength),
  "Caller.getExport": refused((s) => s.getExport("memory").byteLength),

  "Memory.createAsync": later(refused((_, w) => api.Memory.createAsync(w.Store, { minimum: 1 }))),
  "Memory.fromShared": refused((_, w) => api.Memory.fromShared(w.Store, w.SharedMemory)),
  "Memory.shared": refused((s) => s.shared),
  "Memory.buffer": refused((s) => s.buffer),
  "Memory.view": refused((s) => s.view),
  "Memory.byteLength": refused((s) => s.byteLength),
  "Memory.sizePages": refused((s) => s.sizePages),
  "Memory.type": refused((s) => s.type),
  "Memory.grow": refused((s) => s.grow(0)),
  "Memory.growAsync": later(refused((s) => s.growAsync(0))),
  "Memory.read": refused((s) => s.read(0, 1)),
  "Memory.write": refused((s) => s.write(0, new Uint8Array(1))),
  "Memory.readString": refused((s) => s.readString(0, 1)),
  // Shared memories belong to no store.
  "SharedMemory.from": answers((s) => api.SharedMemory.from(s)),
  "SharedMemory.buffer": answers((s) => s.buffer),
  "SharedMemory.byteLength": answers((s) => s.byteLength),
  "SharedMemory.type": answers((s) => s.type),
  "SharedMemory.grow": answers((s) => s.grow(0)),

  "Table.createAsync": later(
    refused(
      (_, w) => api.Table.createAsync(w.Store, { element: "funcref", minimum: 1 }),
      (s, o) => api.Table.createAsync(o.Store, { element: s.type.element, minimum: 1 }, o.node),
    ),
  ),
  "Table.size": refused((s) => s.size),
  "Table.maximum": refused((s) => s.maximum),
  "Table.isStatic": refused((s) => s.isStatic),
  "Table.type": refused((s) => s.type),
  "Table.get": refused((s) => s.get(0)),
  "Table.set": refused((s) => s.set(0, null), (s, o) => s.set(0, o.run)),
  "Table.getMaybeInit": refused((s) => s.getMaybeInit(0)),
  "Table.grow": refused((s) => s.grow(0), (s, o) => s.grow(1, o.run)),
  "Table.growAsync": later(refused((s) => s.growAsync(0), (s, o) => s.growAsync(1, o.run))),
  "Table.fill": refused((s) => s.fill(null), (s, o) => s.fill(o.run)),
  "Table.copyFrom": refused((s) => s.copyFrom(0, s, 0, 1), (s, o) => s.copyFrom(0, o.Table, 0, 1)),
  "Table.copyWithin": refused((s) => s.copyWithin(0, 0, 1)),

  "Global.type": refused((s) => s.type),
  "Global.value": refused((s) => [s.value, s.value = 1]),
  "Tag.type": answers((s) => s.type),
  "Exception.tag": answers((s) => s.tag),
  "Exception.values": answers((s) => s.values),
  "Exception.is": answers((s, w) => s.is(w.Tag)),
  "Exception.getArg": answers((s) => s.getArg(0)),

  "Func.of": answers((_, w) => api.Func.of(w.run)),
  "Func.type": answers((s) => s.type),
  "Func.callable": answers((s) => s.callable),
  "Func.call": refused((s) => s.call([1])),
  "Func.callAsync": later(refused((s) => s.callAsync([1]))),
  "FuncRef.of": refused((_, w) => api.FuncRef.of(w.run)),
  "FuncRef.type": refused((s) => s.type),
  "FuncRef.func": refused((s) => s.func),
  "FuncRef.callable": refused((s) => s.callable),
  "FuncRef.call": refused((s) => s.call([1])),
  "FuncRef.matches": refused((s) => s.matches("func"), (s, o) => s.matches(o.FuncType)),
  "FuncRef.cast": refused((s) => s.cast("func"), (s, o) => s.cast(o.FuncType)),
  "FuncRef.isDisposed": answers((s) => s.isDisposed),
  "FuncRef.dispose": answers((s) => s.dispose()),
  "FuncRef.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),
  "FuncRef.[Deno.customInspect]": answers((s) => Deno.inspect(s)),

  "ExternRef.of": refused((_, w) => api.ExternRef.of(w.Store, 5.5), (s, o) => api.ExternRef.of(o.Store, s)),
  "ExternRef.matches": refused((s) => s.matches("extern")),
  "ExternRef.cast": refused((s) => s.cast("extern")),
  "ExternReference.value": refused((s) => s.value),
  "ExternReference.toAny": refused((s) => s.toAny()),
  "ExternReference.isDisposed": answers((s) => s.isDisposed),
  "ExternReference.dispose": answers((s) => s.dispose()),
  "ExternReference.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),
  "ExternReference.[Deno.customInspect]": answers((s) => Deno.inspect(s)),
  "HeapReference.isDisposed": answers((s) => s.isDisposed),
  "HeapReference.dispose": answers((s) => s.dispose()),
  "HeapReference.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),
  "AnyRef.matches": refused((s) => s.matches("any"), (s, o) => s.matches(o.node)),
  "AnyRef.cast": refused((s) => s.cast("any"), (s, o) => s.cast(o.node)),
  "AnyRef.[Deno.customInspect]": answers((s) => Deno.inspect(s)),
  "StructRef.create": refused(
    (_, w) => api.StructRef.create(w.Store, w.node),
    (s, o) => api.StructRef.create(o.Store, s.type),
  ),
  "StructRef.type": refused((s) => s.type),
  "StructRef.length": refused((s) => s.length),
  "StructRef.get": refused((s) => s.get(0)),
  "StructRef.set": refused((s) => s.set(0, 1), (s, o) => s.set("next", o.StructRef)),
  "StructRef.values": refused((s) => s.values()),
  "StructRef.toObject": refused((s) => s.toObject()),
  "ArrayRef.create": refused(
    (_, w) => api.ArrayRef.create(w.Store, w.ArrayType, [1]),
    (s, o) => api.ArrayRef.create(o.Store, s.type, [1]),
  ),
  "ArrayRef.filled": refused(
    (_, w) => api.ArrayRef.filled(w.Store, w.ArrayType, 1),
    (s, o) => api.ArrayRef.filled(o.Store, s.type, 1),
  ),
  "ArrayRef.type": refused((s) => s.type),
  "ArrayRef.length": refused((s) => s.length),
  "ArrayRef.get": refused((s) => s.get(0)),
  "ArrayRef.set": refused((s) => s.set(0, 1)),
  "ArrayRef.fill": refused((s) => s.fill(1)),
  "ArrayRef.copyTo": refused((s) => s.copyTo(new Int32Array(1))),
  "ArrayRef.copyFrom": refused((s) => s.copyFrom(new Int32Array(1))),
  "ArrayRef.toBytes": refused((s) => s.toBytes()),
  "ArrayRef.toObject": refused((s) => s.toObject()),
  "ArrayRef.[Symbol.iterator]": refused((s) => [...s]),
  "ExnRef.create": refused((_, w) => api.ExnRef.create(w.Tag, [1])),
  "ExnRef.tag": refused((s) => s.tag),
  "ExnRef.values": refused((s) => s.values()),
  "ExnRef.toObject": refused((s) => s.toObject()),
  "ContRef.isConsumed": refused((s) => s.isConsumed),
  "I31Ref.value": answers((s) => s.value),

  // Types belong to their engine, which knows them as long as anybody has one.
  "StructType.fields": answers((s) => s.fields),
  "StructType.supertype": answers((s) => s.supertype),
  "StructType.fieldIndex": answers((s) => s.fieldIndex("x")),
  "ArrayType.element": answers((s) => s.element),
  "ArrayType.supertype": answers((s) => s.supertype),
  "FuncType.parameters": answers((s) => s.parameters),
  "FuncType.results": answers((s) => s.results),
  "FuncType.supertype": answers((s) => s.supertype),
  "CompositeType.final": answers((s) => s.final),
  "CompositeType.equals": answers((s, w) => s.equals(w.node)),
  "CompositeType.matches": answers((s) => s.matches("struct"), (s, o) => s.matches(o.node)),
  "RootScope.size": answers((s) => s.size),
  "RootScope.keep": answers((s, w) => s.keep(w.StructRef)),
  "RootScope.[Symbol.dispose]": answers((s) => s[Symbol.dispose]()),

  "InterruptHandle.from": answers((s) => api.InterruptHandle.from(structuredClone(s))),
  "InterruptHandle.interrupt": answers((s) => s.interrupt()),
  "Budget.from": answers((s) => api.Budget.from(s.share())),
  "Budget.share": answers((s) => s.share()),
  "Budget.usage": answers((s) => s.usage()),
  "Budget.addFuel": answers((s) => s.addFuel(1)),
  "Trap.framesOf": answers((s) => api.Trap.framesOf(s)),
  "Trap.frames": answers((s) => s.frames),
  "Trap.operands": answers((s) => s.operands),
};

/** A module that is of no engine under test: each use of it with another engine's store is one of a foreign module. */
const otherEngine = new api.Engine({ features: FEATURES });
const otherModule = new api.Module(otherEngine, BYTES);

function outcomeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

/** Classes whose members have nothing to do with engines, stores and modules, and what says what they do. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  DiskCache: "tests/unit/runtime and tests/embed: caches",
  TextError: "tests/unit/text",
};

const nameOf = (key: string | symbol) => typeof key === "string" ? key : `[${key.description}]`;

/** The members of all public classes, in words. */
function publicMembers(): string[] {
  return Object.entries(api).flatMap(([name, value]) => {
    if (typeof value !== "function" || !value.prototype || name in ELSEWHERE) return [];
    const statics = Reflect.ownKeys(value).filter((key) =>
      typeof (value as Any)[key] === "function" && !["length", "name", "prototype"].includes(String(key))
    );
    const members = Reflect.ownKeys(value.prototype).filter((key) => key !== "constructor");
    // Errors have a name and a code of their own, and nothing to be called.
    return [...new Set([...statics, ...members])].map((key) => `${name}.${nameOf(key)}`);
  });
}

/** Casts that stand on the class, too, have the row of the method. */
Deno.test("every public method has a row that says how it is misused", () => {
  assertEquals(publicMembers().filter((name) => !(name in ROWS)).sort(), [], "methods without a row");
  const members = new Set(publicMembers());
  assertEquals(Object.keys(ROWS).filter((name) => !members.has(name)), [], "rows without a method");
});

/** Errors of misuse. */
const isRefusal = (error: unknown) =>
  error instanceof TypeError || error instanceof RangeError || error instanceof api.LinkError;

async function attempt(row: Row, use: () => unknown): Promise<unknown> {
  try {
    const result = use();
    return { result: row.isAsync ? await result : result };
  } catch (error) {
    return { error };
  }
}

Deno.test("after disposal each method throws a TypeError, or answers without what is gone", async () => {
  const wrong: string[] = [];
  for (const [name, row] of Object.entries(ROWS)) {
    const [className] = name.split(".");
    const world = makeWorld();
    const subject = (world as Any)[className];
    if (row.disposed === "answers") {
      world.Store.close();
    } else {
      // Once alive, so that a row cannot be right by being wrong.
      const alive = await attempt(row, () => row.use(subject, world)) as { error?: Error };
      if (alive.error !== undefined) {
        wrong.push(`${name} of a live world: ${alive.error}`);
      }
      world.PooledInstance.release();
      world.Store.close();
    }
    world.Module[Symbol.dispose]();
    world.Engine[Symbol.dispose]();
    const { error } = await attempt(row, () => row.use(subject, world)) as { error?: Error };
    if (row.disposed === "answers") {
      if (error !== undefined) wrong.push(`${name}: ${error}`);
    } else if (!(error instanceof TypeError)) wrong.push(`${name}: ${error ?? "a result"}`);
    else if (!/dispos/.test(error.message)) wrong.push(`${name} does not say why: ${error.message}`);
  }
  assertEquals(wrong, []);
});

Deno.test("methods refuse objects that are not of their class", () => {
  const wrong: string[] = [];
  // What is known of an error is known by identity, and nothing is known of these.
  const harmless = new Set(["Trap.frames"]);
  const imposters: readonly unknown[] = [undefined, null, 1, {}, () => {}, new Proxy({}, {})];
  for (const name of Object.keys(ROWS)) {
    const [className, member] = name.split(/\.(.*)/s);
    const { prototype } = (api as Any)[className];
    const key = Reflect.ownKeys(prototype).find((key) => nameOf(key) === member);
    if (key === undefined || member.includes("customInspect") || harmless.has(name)) continue;
    const { get, value } = Object.getOwnPropertyDescriptor(prototype, key)!;
    for (const imposter of [...imposters, Object.create(prototype)]) {
      try {
        let result = (get ?? value).call(imposter, 1, 1, 1);
        // A generator's body runs when it is asked.
        if (typeof result?.next === "function") result = result.next();
        if (result instanceof Promise) result.catch(() => {});
        else wrong.push(`${name} of ${typeof imposter}: a result`);
      } catch (error) {
        if (!(error instanceof TypeError)) wrong.push(`${name} of ${typeof imposter}: ${error}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("methods refuse what belongs to another engine", async () => {
  const wrong: string[] = [];
  const mine = makeWorld(), other = makeWorld();
  let rows = 0;
  for (const [name, row] of Object.entries(ROWS)) {
    if (row.foreign === undefined) continue;
    rows++;
    const { foreign } = row;
    const { error } = await attempt(row, () => foreign((mine as Any)[name.split(".")[0]], other)) as { error?: Error };
    if (!isRefusal(error)) wrong.push(`${name}: ${error ?? "a result"}`);
  }
  assert(rows >= 25, `${rows} rows`);
  assertEquals(wrong, []);
  // Both go on.
  assertEquals([mine.run(4), other.run(5)], [4, 5]);
  for (const world of [mine, other]) {
    world.PooledInstance.release();
    world.Store.close();
  }
});

/** What host functions return that is not what was asked for. */
const RESULTS: readonly (readonly [what: string, make: () => unknown])[] = [
  ["nothing", () => undefined],
  ["null", () => null],
  ["true", () => true],
  ["false", () => false],
  ["-0", () => -0],
  ["a fraction", () => 2.5],
  ["a negative fraction", () => -2.5],
  ["NaN", () => NaN],
  ["infinity", () => Infinity],
  ["2^31", () => 2 ** 31],
  ["2^32 + 5", () => 2 ** 32 + 5],
  ["2^63", () => 2 ** 63],
  ["the largest number", () => Number.MAX_VALUE],
  ["the smallest number", () => Number.MIN_VALUE],
  ["a bigint", () => 7n],
  ["a negative bigint", () => -7n],
  ["a bigint of 70 bits", () => 2n ** 70n + 3n],
  ["an empty string", () => ""],
  ["a number in a string", () => " 12 "],
  ["a hexadecimal string", () => "0x10"],
  ["a word", () => "word"],
  ["a symbol", () => Symbol("s")],
  ["a registered symbol", () => Symbol.for("s")],
  ["an object", () => ({})],
  ["an object without prototype", () => Object.create(null)],
  ["an empty array", () => []],
  ["an array of one", () => [5]],
  ["an array of two", () => [5, 6]],
  ["an array of bigints", () => [5n, 6n]],
  ["an array of arrays", () => [[1], [2]]],
  ["a function", () => () => 1],
  ["a class", () => class {}],
  ["a date", () => new Date(5)],
  ["valueOf of a number", () => ({ valueOf: () => 9 })],
  ["valueOf of a bigint", () => ({ valueOf: () => 9n })],
  ["valueOf of a symbol", () => ({ valueOf: () => Symbol("s") })],
  ["valueOf of an object", () => ({ valueOf: () => ({}), toString: () => ({}) })],
  ["valueOf that throws", () => ({
    valueOf: () => {
      throw new EvalError("valueOf");
    },
  })],
  ["toPrimitive", () => ({ [Symbol.toPrimitive]: () => 11 })],
  ["toPrimitive that is none", () => ({ [Symbol.toPrimitive]: 5 })],
  ["a set", () => new Set([1, 2])],
  ["an iterable that throws", () => ({
    *[Symbol.iterator]() {
      yield 1;
      throw new EvalError("iterator");
    },
  })],
  ["an iterable of too many", () => ({
    *[Symbol.iterator]() {
      yield* [1, 2, 3];
    },
  })],
  ["a revoked proxy", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }],
  ["typed bytes", () => new Uint8Array([3])],
  ["an error", () => new EvalError("returned")],
];

const RESULT_TYPES = ["i32", "i64", "f32", "f64", "externref", "funcref", "i32 i32", "i64 externref", ""];

Deno.test("whatever a host function returns, it is what V8 makes of it: 46 values for 9 result types", () => {
  let compared = 0;
  for (const types of RESULT_TYPES) {
    const text = `(module (import "m" "f" (func $f (result ${types}))) (func (export "run") (result ${types}) (call $f))
      (func (export "ok") (result i32) (i32.const 4)))`;
    for (const [what, make] of RESULTS) {
      using sandbox = new Sandbox();
      const value = make();
      const ours = sandbox.instance(text, { m: { f: () => value } }).exports;
      const theirs = v8Exports(text, { m: { f: () => value } });
      // A result where none is wanted is looked at all the same: it could be a promise. V8 looks at nothing.
      if (types === "" && what === "a revoked proxy") continue;
      // One value is one object: what both give is compared by identity.
      const [expected, actual] = [outcome(() => theirs.run()), outcome(() => ours.run())];
      const place = `${what} for (${types})`;
      if (types.includes(" ") && typeof expected === "object") {
        const values = expected as unknown[];
        assertEquals((actual as unknown[]).length, values.length, place);
        values.forEach((one, i) => assertStrictEquals((actual as unknown[])[i], one, place));
      } else assert(Object.is(actual, expected), `${place}: ${describe(actual)} instead of ${describe(expected)}`);
      assertEquals(ours.ok(), 4);
      compared++;
    }
  }
  assert(compared >= 40 * 9);
});

const describe = (value: unknown) => {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
};

Deno.test("promises and what is like them are a TypeError in calls that cannot wait, for each result type", () => {
  const thenables: readonly { readonly isPromise: boolean; make(): unknown }[] = [
    { isPromise: true, make: () => Promise.resolve(1) },
    { isPromise: true, make: () => Promise.reject(new Error("rejected")) },
    { isPromise: false, make: () => ({ then: () => {} }) },
    { isPromise: false, make: () => Object.assign(() => 1, { then: () => {} }) },
  ];
  for (const types of RESULT_TYPES) {
    const text =
      `(module (import "m" "f" (func $f (result ${types}))) (func (export "run") (result ${types}) (call $f)))`;
    for (const { isPromise, make } of thenables) {
      // An external reference may be any object: only what surely is a promise is taken for one.
      if (types === "externref" && !isPromise) continue;
      using sandbox = new Sandbox();
      const { run } = sandbox.instance(text, { m: { f: make as () => number } }).exports;
      assertThrows(() => run(), TypeError, "callAsync", `${make} for (${types})`);
    }
  }
});

const DEEPEST = 100;
/** Guests count frames in a global on the way in and on the way out: an exception that passes leaves no frame half done. */
const ALTERNATING = `(module (import "m" "f" (func $f (param i32) (result i32)))
  (global $in (export "in") (mut i32) (i32.const 0)) (global $out (export "out") (mut i32) (i32.const 0))
  (tag $mine)
  (func (export "run") (param i32) (result i32) (local $result i32)
    (global.set $in (i32.add (global.get $in) (i32.const 1)))
    (block $caught
      (try_table (catch $mine $caught) (local.set $result (call $f (local.get 0)))))
    (global.set $out (i32.add (global.get $out) (i32.const 1)))
    (local.get $result)))`;

Deno.test("what is thrown passes 1 to 100 alternating frames of guest and host, and is the same object", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const tag = new api.Tag(store, { parameters: ["i32"] });
  const thrown: readonly unknown[] = [
    new Error("error"),
    Object.freeze(new TypeError("frozen")),
    { no: "error" },
    null,
    undefined,
    "a string",
    Symbol("symbol"),
    12n,
    new api.Exception(tag, [5]),
    new api.Trap("unreachable"),
    () => 1,
  ];
  let depth = 0, what: unknown;
  const { exports } = sandbox.instance(ALTERNATING, {
    m: {
      f: (n: number) => {
        if (n === 0) throw what;
        depth++;
        return exports.run(n - 1);
      },
    },
  });
  for (let levels = 1; levels <= DEEPEST; levels++) {
    what = thrown[levels % thrown.length];
    depth = 0;
    exports.in.value = exports.out.value = 0;
    let caught: unknown = "nothing";
    try {
      exports.run(levels - 1);
    } catch (error) {
      caught = error;
    }
    assertStrictEquals(caught, what, `${levels} levels`);
    assertEquals([depth, exports.in.value, exports.out.value], [levels - 1, levels, 0]);
  }
  assertEquals(store.isDisposed, false);
});

Deno.test("an exception that a level in the middle catches leaves the levels around it whole", () => {
  using sandbox = new Sandbox();
  const tag = new api.Tag(sandbox.store, { parameters: ["i32"] });
  const exception = new api.Exception(tag, [7]);
  for (const catching of [0, 1, 17, 50, 98]) {
    const { exports } = sandbox.instance(ALTERNATING, {
      m: {
        f: (n: number) => {
          if (n === 0) throw exception;
          if (n !== catching) return exports.run(n - 1);
          try {
            return exports.run(n - 1);
          } catch (error) {
            assertStrictEquals(error, exception);
            return 1000 + n;
          }
        },
      },
    });
    if (catching === 0) assertStrictEquals(assertThrows(() => exports.run(99), api.Exception), exception);
    else assertEquals(exports.run(99), 1000 + catching);
    assertEquals(exports.in.value, 100);
    assertEquals(exports.out.value, catching === 0 ? 0 : 100 - catching);
  }
});

Deno.test("a store cannot be disposed of from a start function, a limiter, onDeadline or a parked call's host function", async () => {
  using engine = new api.Engine({ interruption: true });
  const tries: string[] = [];
  const closing = (store: api.Store, from: string) => {
    assertThrows(() => store.close(), TypeError, "active");
    tries.push(from);
  };
  using store = new api.Store(engine, {
    limiter: {
      tableGrowing: () => {
        if (tries.length > 0) closing(store, "limiter");
        return true;
      },
    },
  });
  const module = api.Module.fromText(
    engine,
    `(module (import "m" "f" (func $f)) (table $t (export "t") 1 9 funcref) (start $g)
      (func (export "grow") (result i32) (table.grow $t (ref.null func) (i32.const 1)))
      (func $g (export "f") (call $f)) (func (export "spin") (loop (br 0))))`,
  );
  let from = "start function";
  const parked: { wait?: Promise<void> } = {};
  const instance = new api.Instance(store, module, {
    m: {
      f: (() => {
        closing(store, from);
        return parked.wait;
      }) as () => void,
    },
  });
  assertEquals(instance.exports.grow(), 1);
  assertThrows(
    () => instance.func("spin")!.call([], { timeout: 2, onDeadline: () => closing(store, "onDeadline") }),
    api.Trap,
    "deadline",
  );
  from = "parked call's host function";
  parked.wait = new Promise((resolve) => setTimeout(resolve, 1));
  await instance.func("f")!.callAsync([]);
  assertEquals(tries, ["start function", "limiter", "onDeadline", "parked call's host function"]);
});
