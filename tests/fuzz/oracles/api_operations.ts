/** The kinds of use that random sequences of the API are made of: a row each. */

import {
  AnyRef,
  ArrayRef,
  ArrayType,
  Budget,
  Caller,
  Engine,
  type EngineConfig,
  Epoch,
  Exception,
  ExnRef,
  ExternRef,
  Func,
  FuncRef,
  FuncType,
  Global,
  I31Ref,
  Instance,
  InstancePool,
  InstancePre,
  InterruptHandle,
  isArtifact,
  Linker,
  Memory,
  Module,
  PooledInstance,
  recGroup,
  RootScope,
  SharedMemory,
  Store,
  StructRef,
  StructType,
  Table,
  Tag,
  TextError,
  Trap,
} from "../../../mod.ts";
import { COLLECTORS } from "../../../lib/runtime/mod.ts";
import { STRESS } from "../../configurations.ts";
import { wat } from "../../wat.ts";
import { CONSUMER, HOST_SIGNATURE, RICH, STARTER } from "../generators/api_guests.ts";
import { Hostile, type OperationKind, poolOf, type World } from "./api_world.ts";

const TRUSTED = { trusted: true } as const;
const TEXTS = [RICH, CONSUMER, STARTER];
const BINARIES = TEXTS.map((text) => wat(text));

const CONFIGS: readonly EngineConfig[] = [
  {},
  { interruption: true },
  { fuel: true },
  { interruption: true, fuel: true },
  { bounds: "explicit", effort: "none" },
  { ...STRESS },
  { tables: "eager", checks: "on" },
  { tablePool: { tables: 12, elements: 20 } },
  ...COLLECTORS.map((collector) => ({ collector, stress: { gc: true } })),
];
/** What engines were made with. */
const configOf = new WeakMap<Engine, EngineConfig>();
/** Artifacts by configuration, so that most modules need no compilation. */
const artifacts = new Map<string, Uint8Array<ArrayBuffer>>();

function makeEngine(world: World, config: EngineConfig): Engine {
  const engine = world.add("engine", new Engine(config));
  configOf.set(engine, config);
  return engine;
}

/** The module of a text. */
function makeModule(world: World, engine: Engine, index: number): Module {
  const key = `${JSON.stringify(configOf.get(engine))} ${index}`;
  const known = artifacts.get(key);
  let module: Module;
  if (known === undefined) {
    module = new Module(engine, BINARIES[index]);
    if (configOf.has(engine)) artifacts.set(key, module.serialize());
  } else module = Module.deserialize(engine, known, TRUSTED);
  return world.add("module", module, { module });
}

const canSpin = (store: Store | undefined) => store !== undefined && configOf.get(store.engine)?.interruption === true;

function importsFor(world: World, store: Store | undefined): Record<string, Record<string, unknown>> {
  const { random } = world;
  const f = world.hostFunction(store);
  const x: Record<string, unknown> = {};
  const source = world.take("instance");
  if (source instanceof Instance && !world.isDead(source)) Object.assign(x, source.exports);
  return {
    m: {
      f: world.or(random.oneIn(5) ? world.take("func") : random.oneIn(8) ? world.take("callable") : f) as unknown,
      g: world.or(random.oneIn(8) ? world.take("global") : 7) as unknown,
    },
    x,
  };
}

/** Whether imports come from stores other than this one. */
function checkImports(
  world: World,
  store: Store,
  module: unknown,
  imports: Record<string, Record<string, unknown>>,
): void {
  if (!(module instanceof Module) || world.isDead(module)) return;
  for (const wanted of module.imports) world.apart(store, imports[wanted.module]?.[wanted.name]);
}

function keep(world: World, value: unknown, store: Store | undefined): unknown {
  const values = Array.isArray(value) ? value : [value];
  for (const one of values) {
    const pool = poolOf(one);
    if (pool !== undefined) world.add(pool, one, { store });
  }
  return value;
}

/** What is no time to go on for. */
const NO_TIMES = [NaN, -1, 0, 1n, "1", null, {}, Symbol("time"), true] as const;

const ELEMENTS = ["funcref", "externref", "anyref", "eqref", "structref", "arrayref", "i31ref", "exnref"] as const;
/** What a store may limit. */
const LIMITS = [
  "memoryBytes",
  "tableElements",
  "instances",
  "gcHeapBytes",
  "stackBytes",
  "totalStackBytes",
  "parkedCalls",
  "handles",
  "codeBytes",
] as const;
const VALUE_TYPES = ["i32", "i64", "f32", "f64", "v128", ...ELEMENTS] as const;
const FIELDS = ["i8", "i16", ...VALUE_TYPES] as const;
const HEAP_TYPES = ["any", "eq", "i31", "struct", "array", "none", "extern", "func", "exn", "noexn"] as const;
const CONTEXT_NAMES = ["m", "x", "env", ""] as const;
const EXPORT_NAMES = ["h", "f", "memory", "table", "refs", "anys", "global", "gext", "tag", "nothing"] as const;

const signature = (world: World) => ({
  parameters: Array.from({ length: world.random.below(4) }, () => world.random.pick(VALUE_TYPES)),
  results: Array.from({ length: world.random.below(3) }, () => world.random.pick(VALUE_TYPES)),
});
const heapType = (world: World) =>
  world.or(world.random.oneIn(3) ? world.take("structType") : world.random.pick(HEAP_TYPES));
const args = (world: World) => Array.from({ length: world.random.below(6) }, () => world.argument());

/** Every kind of use. */
export const OPERATIONS = {
  // Engines.
  engineNew: { weight: 1, run: (w) => makeEngine(w, w.random.pick(CONFIGS)) },
  engineNewHostile: {
    weight: 1,
    run: (w) =>
      new Engine(w.or({
        bounds: w.hostile(),
        [w.random.pick(["effort", "checks", "features", "fuel", "tables", "tablePool", "collector", "stress"])]: w
          .hostile(),
      })),
  },
  engineDispose: { subject: "engine", weight: 1, run: (w, e: Engine) => w.random.oneIn(4) && e[Symbol.dispose]() },
  engineBounds: { subject: "engine", weight: 1, run: (_, e: Engine) => e.bounds },

  // Stores.
  storeNew: {
    weight: 2,
    run: (w) => {
      const engine = w.take("engine");
      return w.add("store", new Store(engine, { data: { some: "data" } }));
    },
  },
  storeNewHostile: { weight: 1, run: (w) => w.add("store", new Store(w.take("engine"), w.hostile() as never)) },
  storeNewLimited: {
    weight: 1,
    run: (w) =>
      w.add(
        "store",
        new Store(w.take("engine"), {
          limiter: {
            tableGrowing: (_current, desired) => {
              w.step();
              return w.random.oneIn(4)
                ? w.hostile() as boolean
                : w.random.oneIn(3)
                ? Promise.resolve(true)
                : desired < 9;
            },
            memoryGrowing: (_current, desired) => {
              w.step();
              return w.random.oneIn(4) ? w.hostile() as boolean : desired < 200_000;
            },
            memoryGrowFailed: () => w.step(),
            instanceCreating: () => {
              w.step();
              return !w.random.oneIn(5);
            },
            tableGrowFailed: () => w.step(),
          },
        }),
      ),
  },
  storeClose: { subject: "store", weight: 2, run: (w, s) => s instanceof Store ? w.closeStore(s) : s.close() },
  storeGc: { subject: "store", needs: "live", run: (_, s: Store) => s.gc() },
  storeUsage: { subject: "store", needs: "live", weight: 1, run: (_, s: Store) => s.usage() },
  storeData: {
    subject: "store",
    weight: 1,
    run: (w, s: Store) => {
      s.data = w.hostile();
      return s.data;
    },
  },
  storeIsDisposed: { subject: "store", weight: 1, run: (_, s: Store) => s.isDisposed },
  storeSetDeadline: {
    subject: "store",
    needs: "live",
    run: (w, s: Store) =>
      s.setDeadline(w.or(5), w.or({ onDeadline: w.or(() => (w.step(), w.small())), countHostTime: w.or(true) })),
  },
  storeClearDeadline: { subject: "store", needs: "live", run: (_, s: Store) => s.setDeadline(undefined) },
  storeFuelConsumed: { subject: "store", needs: "live", weight: 1, run: (_, s: Store) => s.fuelConsumed },
  storeRemaining: { subject: "store", needs: "live", weight: 1, run: (_, s: Store) => [s.remainingMs, s.mayInterrupt] },
  storeBlock: {
    subject: "store",
    needs: "live",
    weight: 1,
    run: (w, s: Store) => {
      let slices = 0;
      return s.blockInSlices(w.or(() => {
        w.step();
        return slices++ > 2 ? 1 : w.random.oneIn(9) ? w.hostile() : undefined;
      }) as never);
    },
  },
  storeNewWithLimits: {
    weight: 2,
    run: (w) =>
      w.add(
        "store",
        new Store(w.take("engine"), {
          limits: w.or({
            [w.random.pick(LIMITS)]: w.or(w.random.below(1000)),
            memoryBytes: w.or(w.random.below(8) * 65536),
          }),
          ...w.random.oneIn(3) ? { budget: w.take("budget") } : {},
        }),
      ),
  },
  budgetNew: {
    weight: 1,
    run: (w) =>
      w.add("budget", new Budget(w.or({ [w.random.pick(LIMITS)]: w.or(w.random.below(100_000)), fuel: w.or(10_000) }))),
  },
  budgetShare: {
    subject: "budget",
    weight: 1,
    run: (w, b: Budget) => w.add("budget", Budget.from(w.or(structuredClone(b.share())))),
  },
  budgetUsage: { subject: "budget", weight: 1, run: (_, b: Budget) => b.usage() },
  budgetAddFuel: { subject: "budget", weight: 1, run: (w, b: Budget) => b.addFuel(w.or(w.random.below(1000))) },
  storeEpochDeadline: {
    subject: "store",
    needs: "live",
    run: (w, s: Store) =>
      s.setEpochDeadline(w.or(w.random.below(3)), w.or(w.random.oneIn(2) ? "trap" : () => (w.step(), w.small()))),
  },
  storeClearEpochDeadline: { subject: "store", needs: "live", run: (_, s: Store) => s.setEpochDeadline(undefined) },
  engineEpoch: {
    subject: "engine",
    weight: 1,
    run: (
      w,
      e: Engine,
    ) => [
      e.epoch.value,
      w.random.oneIn(3) && e.epoch.increment(w.or(1)),
      Epoch.from(w.or(structuredClone(e.epoch))).value,
    ],
  },
  storeFuelGet: { subject: "store", needs: "live", weight: 1, run: (_, s: Store) => s.fuel },
  storeFuelSet: {
    subject: "store",
    needs: "live",
    run: (w, s: Store) => {
      s.fuel = w.or(w.random.below(2000));
    },
  },
  storeConsumeFuel: { subject: "store", needs: "live", run: (w, s: Store) => s.consumeFuel(w.or(w.random.below(50))) },
  storeInterruptHandle: { subject: "store", needs: "live", run: (w, s: Store) => w.add("handle", s.interruptHandle()) },
  storeCoreDump: {
    subject: "store",
    needs: "live",
    run: (w, s: Store) => s.coreDump(w.take("error"), w.or({ name: w.or("app.wasm") })),
  },

  // Modules.
  moduleNew: {
    weight: 4,
    run: (w) => {
      const engine = w.take("engine"), index = w.random.below(BINARIES.length);
      return engine instanceof Engine ? makeModule(w, engine, index) : new Module(engine, BINARIES[index]);
    },
  },
  moduleNewHostile: { weight: 1, run: (w) => new Module(w.take("engine"), w.hostile() as never, w.hostile() as never) },
  moduleNewDamaged: {
    weight: 1,
    run: (w) => {
      const bytes = w.random.pick(BINARIES).slice();
      for (let i = w.random.below(4); i >= 0; i--) bytes[w.random.below(bytes.length)] = w.random.next();
      return w.add("module", new Module(w.take("engine"), bytes));
    },
  },
  moduleFromText: { weight: 1, run: (w) => w.add("module", Module.fromText(w.take("engine"), w.or("(module)"))) },
  moduleFromTextDamaged: {
    weight: 1,
    run: (w) => {
      const at = w.random.below(RICH.length);
      try {
        return Module.fromText(w.take("engine"), RICH.slice(0, at) + w.random.pick(["(", ")", "x", '"', "$", ""]));
      } catch (error) {
        if (error instanceof TextError) error.excerpt(w.or("text"));
        throw error;
      }
    },
  },
  moduleValidate: { weight: 1, run: (w) => Module.validate(w.take("engine"), w.or(w.random.pick(BINARIES))) },
  moduleSerialize: {
    subject: "module",
    needs: "live",
    weight: 1,
    run: (w, m: Module) => w.add("bytes", m.serialize()),
  },
  moduleDeserialize: {
    weight: 1,
    run: (w) => {
      const module = Module.deserialize(w.take("engine"), w.take("bytes"), w.or(TRUSTED));
      return w.add("module", module, { module });
    },
  },
  moduleDeserializeDamaged: {
    weight: 1,
    run: (w) => {
      const bytes = w.take("bytes");
      if (!(bytes instanceof Uint8Array) || bytes.length === 0) {
        return Module.deserialize(w.take("engine"), bytes as never, TRUSTED);
      }
      const damaged = bytes.slice(0, w.random.oneIn(2) ? w.random.below(bytes.length) : bytes.length);
      if (damaged.length === bytes.length) damaged[w.random.below(damaged.length)] ^= 1 << w.random.below(8);
      w.refuse("a damaged artifact");
      return Module.deserialize(w.take("engine"), damaged, TRUSTED);
    },
  },
  isArtifact: { weight: 1, run: (w) => isArtifact(w.or(w.take("bytes")) as never) },
  moduleDispose: { subject: "module", weight: 1, run: (w, m: Module) => m instanceof Module ? w.disposeModule(m) : m },
  moduleImports: { subject: "module", needs: "live", weight: 1, run: (_, m: Module) => m.imports },
  moduleExports: { subject: "module", needs: "live", weight: 1, run: (_, m: Module) => m.exports },
  moduleName: { subject: "module", needs: "live", weight: 1, run: (_, m: Module) => m.name },
  moduleCustomSections: {
    subject: "module",
    needs: "live",
    weight: 1,
    run: (w, m: Module) => m.customSections(w.or("name")),
  },
  moduleStructType: {
    subject: "module",
    needs: "live",
    run: (w, m: Module) => w.add("structType", m.structType(w.or(w.random.oneIn(3) ? w.random.below(4) : "point"))),
  },
  moduleArrayType: {
    subject: "module",
    needs: "live",
    run: (w, m: Module) => w.add("arrayType", m.arrayType(w.or(w.random.pick(["numbers", "list", "bytes", "point"])))),
  },
  moduleSourceMap: {
    subject: "module",
    needs: "live",
    weight: 1,
    run: (w, m: Module) => [
      m.sourceMapUrl,
      m.attachSourceMap(w.or(w.random.pick(["{}", '{"version":3,"sources":["a"],"mappings":"AAAA,gBA"}', "x"]))),
    ],
  },

  // Instances.
  instanceNew: {
    weight: 8,
    run: (w) => {
      const store = w.take("store"), module = w.take("module");
      const imports = importsFor(w, store instanceof Store ? store : undefined);
      if (store instanceof Store && !w.isDead(store)) checkImports(w, store, module, imports);
      const instance = new Instance(store, module, imports as never, w.or({ reentry: w.or("concurrent") }));
      w.addExports(instance, store);
      return instance;
    },
  },
  instanceNewHostile: {
    weight: 1,
    run: (w) => new Instance(w.take("store"), w.take("module"), w.hostile() as never, w.hostile() as never),
  },
  instanceCreateAsync: {
    weight: 2,
    run: (w) => {
      const store = w.take("store");
      const imports = importsFor(w, store instanceof Store ? store : undefined);
      const created = Instance.createAsync(store, w.take("module"), imports as never, w.or({ signal: signalOf(w) }));
      return created.then((instance) => {
        w.addExports(instance, store);
        return instance;
      });
    },
  },
  instanceExports: {
    subject: "instance",
    needs: "live",
    run: (w, i: Instance) => {
      const { exports } = i;
      for (const [name, value] of Object.entries(exports)) w.addExport(name, value, w.storeOf(i));
      return exports;
    },
  },
  instanceFunc: {
    subject: "instance",
    needs: "live",
    run: (w, i: Instance) => {
      const name = w.or(w.random.pick(["h", "f", "deep", "many", "throw", "catch", "nothing"]));
      return w.add("func", i.func(name), { store: w.storeOf(i) });
    },
  },
  instanceGetTypedFunc: {
    subject: "instance",
    needs: "live",
    weight: 1,
    run: (w, i: Instance) =>
      i.getTypedFunc(w.or("h"), w.or(w.random.oneIn(2) ? signature(w) : { parameters: ["i32"], results: ["i32"] })),
  },
  instanceReset: { subject: "instance", needs: "live", run: (_, i: Instance) => i.reset() },
  instanceResetAsync: {
    subject: "instance",
    needs: "live",
    weight: 1,
    run: (w, i: Instance) => i.resetAsync(w.or({ signal: signalOf(w) })),
  },
  poolNew: {
    weight: 2,
    run: (w) => {
      const imports = { m: { f: w.hostFunction(), g: 7 } };
      const pool = w.random.oneIn(3)
        ? new InstancePool(w.take("pre"), {}, { size: w.small() })
        : new InstancePool(w.take("module"), w.or(imports), w.or({ size: w.small() }));
      return w.add("pool", pool);
    },
  },
  poolAcquire: {
    subject: "pool",
    weight: 3,
    run: (w, p: InstancePool) => {
      const tenant = p.acquire(w.or({}));
      w.add("store", tenant.store);
      w.addExports(tenant.instance, tenant.store);
      return w.add("tenant", tenant);
    },
  },
  poolAcquireAsync: {
    subject: "pool",
    weight: 1,
    run: (w, p: InstancePool) =>
      p.acquireAsync(w.or({ signal: signalOf(w) })).then((tenant) => {
        w.add("store", tenant.store);
        w.add("tenant", tenant);
      }),
  },
  poolMembers: { subject: "pool", weight: 1, run: (_, p: InstancePool) => [p.inUse, p.size] },
  poolDispose: { subject: "pool", weight: 1, run: (_, p: InstancePool) => p[Symbol.dispose]() },
  tenantRelease: {
    subject: "tenant",
    run: (w, t) => {
      if (!(t instanceof PooledInstance)) return t.release();
      t.release();
      return w.closeStore(t.store);
    },
  },
  tenantExports: { subject: "tenant", weight: 1, run: (_, t: PooledInstance) => t.exports },
  spinWithTimeout: {
    subject: "instance",
    needs: "live",
    weight: 1,
    run: (w, i: Instance) => {
      if (!canSpin(w.storeOf(i))) return w.isDead(i) ? i.exports : undefined;
      const spin = i.func("spin");
      let calls = 0;
      return spin?.call([], {
        timeout: 2,
        onDeadline: w.random.oneIn(2) ? "trap" : () => {
          if (calls++ > 2) return undefined;
          w.step();
          return w.random.oneIn(3) ? w.random.pick(NO_TIMES) as never : 1;
        },
        countHostTime: w.or(false) as boolean,
      });
    },
  },
  spinAsync: {
    subject: "instance",
    needs: "live",
    weight: 1,
    run: (w, i: Instance) => {
      if (!canSpin(w.storeOf(i))) return w.isDead(i) ? i.exports : undefined;
      return i.func("spin")?.callAsync([], { timeout: 8, signal: signalOf(w) });
    },
  },

  // Functions.
  funcNew: {
    run: (w) => {
      const store = w.take("store");
      const func = new Func(
        store,
        w.or(w.random.oneIn(2) ? HOST_SIGNATURE : signature(w)),
        w.or(w.hostFunction()),
      );
      return w.add("func", func, { store });
    },
  },
  funcOf: {
    subject: "callable",
    run: (w, c) => w.add("func", Func.of(c), { store: w.storeOf(c) }),
  },
  funcRefOf: {
    run: (w) => {
      const callable = w.take(w.random.pick(["callable", "func"]));
      return w.add("funcRef", FuncRef.of(callable), { store: w.storeOf(callable) });
    },
  },
  funcRefMembers: {
    subject: "funcRef",
    needs: "live",
    run: (w, r: FuncRef) => [w.add("funcType", r.type), r.func, r.callable, r.matches(heapType(w))],
  },
  funcRefCall: { subject: "funcRef", needs: "live", run: (w, r: FuncRef) => r.call(w.or(args(w))) },
  funcRefCast: { subject: "funcRef", needs: "live", weight: 1, run: (w, r: FuncRef) => r.cast(heapType(w)) },
  funcRefDispose: {
    subject: "funcRef",
    weight: 1,
    run: (w, r) => {
      r.dispose();
      if (r instanceof FuncRef) w.disposedReferences.add(r);
    },
  },
  funcTypeNew: {
    weight: 1,
    run: (w) => w.add("funcType", new FuncType(w.take("engine"), w.or(signature(w)), w.or({ final: w.or(false) }))),
  },
  funcTypeMembers: {
    subject: "funcType",
    weight: 1,
    run: (
      w,
      t: FuncType,
    ) => [t.parameters, t.results, t.final, t.supertype, t.equals(w.take("funcType")), t.matches(heapType(w))],
  },
  moduleFuncType: {
    subject: "module",
    needs: "live",
    weight: 1,
    run: (w, m: Module) => w.add("funcType", m.funcType(w.or(w.random.below(12)))),
  },
  recGroup: {
    weight: 1,
    run: (w) => {
      const group = recGroup(w.take("engine"), (types) =>
        w.or({
          node: { struct: [{ type: { ref: types.node }, mutable: true }, { type: w.or("i32") }] },
          list: { array: { type: { ref: w.or(types.node) as never }, mutable: w.or(true) } },
        }) as never) as Record<string, unknown>;
      return w.add("structType", group.node);
    },
  },
  externOf: {
    run: (w) => {
      const store = w.take("store");
      return w.add("extern", ExternRef.of(store, w.hostile()), { store });
    },
  },
  externMembers: {
    subject: "extern",
    needs: "live",
    run: (w, r: ExternRef) => [r.value, keep(w, r.toAny(), w.storeOf(r)), r.matches(heapType(w))],
  },
  externCast: { subject: "extern", needs: "live", weight: 1, run: (w, r: ExternRef) => r.cast(heapType(w)) },
  externDispose: {
    subject: "extern",
    weight: 1,
    run: (w, r) => {
      r.dispose();
      if (r instanceof ExternRef) w.disposedReferences.add(r);
    },
  },
  funcType: { subject: "func", weight: 1, run: (_, f: Func) => f.type },
  funcCallable: { subject: "func", run: (w, f: Func) => w.add("callable", f.callable, { store: w.storeOf(f) }) },
  funcCall: { subject: "func", needs: "live", weight: 4, run: (w, f: Func) => f.call(w.or(args(w))) },
  funcCallWithOptions: {
    subject: "func",
    needs: "live",
    run: (w, f: Func) =>
      f.call(
        w.or(args(w)),
        w.or({ timeout: w.or(3), onDeadline: w.or("trap"), ...w.random.oneIn(4) ? { signal: signalOf(w) } : {} }),
      ),
  },
  funcCallAsync: {
    subject: "func",
    needs: "live",
    weight: 4,
    run: (w, f: Func) =>
      f.callAsync(w.or(args(w)), w.or(w.random.oneIn(2) ? {} : { timeout: w.or(20), signal: w.or(signalOf(w)) })),
  },
  callExport: {
    subject: "callable",
    needs: "live",
    weight: 12,
    run: (w, c) => keep(w, c(...args(w)), w.storeOf(c)),
  },
  callExportFitting: {
    subject: "callable",
    needs: "live",
    weight: 8,
    run: (w, c) => {
      const type = Func.of(c)?.type;
      const values = type?.parameters.map((parameter) => fitting(w, parameter as string));
      // `spin` is called with a deadline only, and everything that calls what it is given could be given it.
      return keep(w, c(...values ?? []), w.storeOf(c));
    },
  },
  callExportAsync: {
    subject: "callable",
    needs: "live",
    weight: 3,
    run: (w, c) => {
      const func = Func.of(c);
      if (func === undefined) return c(1);
      return func.callAsync(func.type.parameters.map((parameter) => fitting(w, parameter as string)) as never);
    },
  },

  // Linkers.
  linkerNew: { weight: 1, run: (w) => w.add("linker", new Linker(w.take("engine"), w.or({ allowShadowing: true }))) },
  linkerDefine: {
    subject: "linker",
    run: (w, l: Linker) =>
      l.define(
        w.or(w.random.pick(CONTEXT_NAMES)),
        w.or(w.random.pick(EXPORT_NAMES)),
        w.or(w.take(w.random.pick(["func", "memory", "table", "global", "tag", "callable"]))),
      ),
  },
  linkerDefineFunc: {
    subject: "linker",
    run: (w, l: Linker) => l.defineFunc("m", w.or("f"), w.or(HOST_SIGNATURE), w.or(w.hostFunction()) as never),
  },
  linkerDefineCaller: {
    subject: "linker",
    run: (w, l: Linker) =>
      l.defineFunc("m", "f", HOST_SIGNATURE, (caller: Caller, ...rest: unknown[]) => {
        w.add("caller", caller);
        w.step();
        return w.hostFunction()(...rest) as number;
      }, { passCaller: true }),
  },
  linkerInstance: { subject: "linker", run: (w, l: Linker) => l.instance(w.or("x"), w.take("instance")) },
  linkerDefineInstance: {
    subject: "linker",
    weight: 1,
    run: (w, l: Linker) => l.defineInstance(w.or("x"), w.take("instance")),
  },
  linkerModule: {
    subject: "linker",
    weight: 1,
    run: (w, l: Linker) => l.module(w.take("store"), w.or("y"), w.take("module")),
  },
  linkerAlias: {
    subject: "linker",
    weight: 1,
    run: (w, l: Linker) => l.alias(w.or("m"), w.or("f"), w.or("env"), w.or(w.random.pick(EXPORT_NAMES))),
  },
  linkerAliasModule: { subject: "linker", weight: 1, run: (w, l: Linker) => l.aliasModule(w.or("m"), w.or("z")) },
  linkerUnknownAsTraps: {
    subject: "linker",
    weight: 1,
    run: (w, l: Linker) => l.defineUnknownImportsAsTraps(w.take("module")),
  },
  linkerUnknownAsDefaults: {
    subject: "linker",
    weight: 1,
    run: (w, l: Linker) => l.defineUnknownImportsAsDefaultValues(w.take("module")),
  },
  linkerGet: { subject: "linker", weight: 1, run: (w, l: Linker) => l.get(w.take("store"), w.or("m"), w.or("f")) },
  linkerGetDefault: { subject: "linker", weight: 1, run: (w, l: Linker) => l.getDefault(w.take("store"), w.or("x")) },
  linkerClone: { subject: "linker", weight: 1, run: (w, l: Linker) => w.add("linker", l.clone()) },
  linkerIterate: { subject: "linker", weight: 1, run: (_, l: Linker) => [...l] },
  linkerInstantiate: {
    subject: "linker",
    weight: 3,
    run: (w, l: Linker) => {
      const store = w.take("store");
      if (w.isDead(store)) w.refuse("a disposed store");
      const instance = l.instantiate(store, w.take("module"));
      w.addExports(instance, store);
      return instance;
    },
  },
  linkerInstantiateAsync: {
    subject: "linker",
    weight: 1,
    run: (w, l: Linker) => l.instantiateAsync(w.take("store"), w.take("module"), w.or({ timeout: w.or(20) })),
  },
  linkerInstantiatePre: { subject: "linker", run: (w, l: Linker) => w.add("pre", l.instantiatePre(w.take("module"))) },
  preInstantiate: {
    subject: "pre",
    run: (w, p: InstancePre) => {
      const store = w.take("store");
      if (w.isDead(store)) w.refuse("a disposed store");
      const instance = p.instantiate(store);
      w.addExports(instance, store);
      return instance;
    },
  },
  preInstantiateAsync: { subject: "pre", weight: 1, run: (w, p: InstancePre) => p.instantiateAsync(w.take("store")) },
  preNew: { weight: 1, run: (w) => new InstancePre(w.take("module"), w.or([])) },

  // Callers, kept beyond their calls.
  callerExport: {
    subject: "caller",
    run: (w, c: Caller) => keep(w, c.getExport(w.or(w.random.pick(EXPORT_NAMES))), undefined),
  },
  callerMembers: { subject: "caller", weight: 1, run: (_, c: Caller) => [c.data, c.instance, c.canWait, c.memory] },
  callerFuel: {
    subject: "caller",
    weight: 1,
    run: (w, c: Caller) => [c.remainingMs, c.consumeFuel(w.small()), c.fuel],
  },
  callerBlock: { subject: "caller", weight: 1, run: (w, c: Caller) => c.blockInSlices(w.or(() => 1) as never) },
  callerNew: {
    weight: 1,
    run: (w) => new (Caller as never as new (...args: unknown[]) => unknown)(w.hostile(), w.hostile()),
  },

  // Memories.
  memoryNew: {
    weight: 1,
    run: (w) => {
      const store = w.take("store");
      return w.add(
        "memory",
        new Memory(
          store,
          w.or({ minimum: w.small(), maximum: w.or(6), ...w.random.oneIn(4) ? { address: "i64" } : {} }),
        ),
        { store },
      );
    },
  },
  memoryRead: { subject: "memory", needs: "live", run: (w, m: Memory) => m.read(w.small(), w.small()) },
  memoryReadFar: { subject: "memory", needs: "live", weight: 1, run: (w, m: Memory) => m.read(w.or(65530), w.or(6)) },
  memoryWrite: { subject: "memory", needs: "live", run: (w, m: Memory) => m.write(w.small(), w.or(new Uint8Array(3))) },
  memoryReadString: {
    subject: "memory",
    needs: "live",
    weight: 1,
    run: (w, m: Memory) => m.readString(w.small(), w.small()),
  },
  memoryGrowAsync: {
    subject: "memory",
    needs: "live",
    weight: 1,
    run: (w, m: Memory) => m.growAsync(w.or(w.random.below(3))),
  },
  memoryGrow: { subject: "memory", needs: "live", run: (w, m: Memory) => m.grow(w.or(w.random.below(3))) },
  memoryView: {
    subject: "memory",
    needs: "live",
    run: (w, m: Memory) => {
      const { view } = m;
      if (view.length > 0) view[w.random.below(view.length)] = 7;
      return view.length;
    },
  },
  memoryBuffer: { subject: "memory", needs: "live", weight: 1, run: (_, m: Memory) => m.buffer.byteLength },
  memoryTransfer: {
    subject: "memory",
    needs: "live",
    weight: 1,
    run: (_, m: Memory) => structuredClone(m.buffer, { transfer: [m.buffer] }),
  },
  memoryMembers: {
    subject: "memory",
    needs: "live",
    weight: 1,
    run: (_, m: Memory) => [m.byteLength, m.sizePages, m.type, m.shared],
  },
  sharedNew: {
    weight: 1,
    run: (w) =>
      w.pools.shared.length < 3
        ? w.add("shared", new SharedMemory(w.or({ minimum: 1, maximum: w.or(3) })))
        : new SharedMemory(w.hostile() as never),
  },
  sharedGrow: { subject: "shared", weight: 1, run: (w, s: SharedMemory) => s.grow(w.small()) },
  sharedMembers: { subject: "shared", weight: 1, run: (_, s: SharedMemory) => [s.buffer, s.byteLength, s.type] },
  sharedFrom: { weight: 1, run: (w) => SharedMemory.from(w.or(w.take("shared"))) },
  sharedPosted: { subject: "shared", weight: 1, run: (_, s: SharedMemory) => SharedMemory.from(structuredClone(s)) },
  memoryFromShared: {
    weight: 1,
    run: (w) => {
      const store = w.take("store");
      return w.add("memory", Memory.fromShared(store, w.take("shared")), { store });
    },
  },

  // Tables.
  tableNew: {
    run: (w) => {
      const store = w.take("store");
      const type = { element: w.or(w.random.pick(ELEMENTS)), minimum: w.small(), maximum: w.or(12) };
      return w.add("table", new Table(store, w.or(type), w.argument() as never), { store });
    },
  },
  tableGet: { subject: "table", needs: "live", run: (w, t: Table) => keep(w, t.get(w.small()), w.storeOf(t)) },
  tableSet: {
    subject: "table",
    needs: "live",
    weight: 4,
    run: (w, t: Table) => {
      const value = w.argument();
      // A table of host values takes any function, as a host value.
      if (!w.isDead(t) && t instanceof Table && t.type.element !== "externref" && t.type.element !== "anyref") {
        w.apart(t, value);
      }
      return t.set(w.small(), value);
    },
  },
  tableGrow: { subject: "table", needs: "live", run: (w, t: Table) => t.grow(w.small(), w.argument()) },
  tableGrowAsync: {
    subject: "table",
    needs: "live",
    weight: 1,
    run: (w, t: Table) => t.growAsync(w.small(), w.argument()),
  },
  tableGetMaybeInit: {
    subject: "table",
    needs: "live",
    weight: 1,
    run: (w, t: Table) => keep(w, t.getMaybeInit(w.small()), w.storeOf(t)),
  },
  tableFill: { subject: "table", needs: "live", run: (w, t: Table) => t.fill(w.argument(), w.small(), w.small()) },
  tableCopyFrom: {
    subject: "table",
    needs: "live",
    run: (w, t: Table) => {
      const source = w.take("table");
      w.apart(t, source);
      return t.copyFrom(w.small(), source, w.small(), w.small());
    },
  },
  tableCopyWithin: {
    subject: "table",
    needs: "live",
    weight: 1,
    run: (w, t: Table) => t.copyWithin(w.small(), w.small(), w.small()),
  },
  tableMembers: {
    subject: "table",
    needs: "live",
    weight: 1,
    run: (_, t: Table) => [t.size, t.maximum, t.isStatic, t.type],
  },

  // Globals.
  globalNew: {
    run: (w) => {
      const store = w.take("store");
      const type = { valueType: w.or(w.random.pick(VALUE_TYPES)), mutability: w.or("var") };
      return w.add("global", new Global(store, w.or(type), w.argument()), { store });
    },
  },
  globalGet: { subject: "global", needs: "live", run: (w, g: Global) => keep(w, g.value, w.storeOf(g)) },
  globalSet: {
    subject: "global",
    needs: "live",
    weight: 3,
    run: (w, g: Global) => {
      g.value = w.argument();
    },
  },
  globalType: { subject: "global", needs: "live", weight: 1, run: (_, g: Global) => g.type },

  // Tags and exceptions.
  tagNew: {
    run: (w) => {
      const store = w.take("store");
      return w.add("tag", new Tag(store, w.or({ parameters: signature(w).parameters })), { store });
    },
  },
  tagType: { subject: "tag", weight: 1, run: (_, t: Tag) => t.type },
  exceptionNew: {
    subject: "tag",
    needs: "live",
    run: (w, t: Tag) => w.add("exception", new Exception(t, w.or([1, w.argument()])), { store: w.storeOf(t) }),
  },
  exceptionMembers: {
    subject: "exception",
    weight: 1,
    run: (_, e: Exception) => [e.tag, e.values, e.message, e.stack],
  },
  exceptionIs: { subject: "exception", weight: 1, run: (w, e: Exception) => e.is(w.take("tag")) },
  exceptionGetArg: { subject: "exception", weight: 1, run: (w, e: Exception) => e.getArg(w.small()) },
  exnCreate: {
    subject: "tag",
    needs: "live",
    run: (w, t: Tag) => w.add("exn", ExnRef.create(t, w.or([1, w.argument()])), { store: w.storeOf(t) }),
  },
  exnMembers: { subject: "exn", needs: "live", weight: 1, run: (_, e: ExnRef) => [e.tag, e.values()] },
  trapNew: { weight: 1, run: (w) => w.add("error", new Trap(w.or("unreachable") as never, w.or(undefined))) },
  trapFramesOf: { subject: "error", weight: 1, run: (_, e) => Trap.framesOf(e) },
  trapMembers: {
    subject: "error",
    weight: 1,
    run: (_, e) => e instanceof Trap ? [e.frames.map((frame) => ({ ...frame })), e.operands, e.stack] : String(e.stack),
  },

  // Types of objects.
  structTypeNew: {
    weight: 1,
    run: (w) => {
      const fields = Array.from({ length: w.random.below(4) }, (_, i) => ({
        type: w.or(w.random.oneIn(4) ? { ref: heapType(w), nullable: w.or(true) } : w.random.pick(FIELDS)),
        mutable: w.or(true) as boolean,
        name: w.or(`field${i}`) as string,
      }));
      return w.add("structType", new StructType(w.take("engine"), w.or(fields), w.or({ final: w.or(false) })));
    },
  },
  arrayTypeNew: {
    weight: 1,
    run: (w) =>
      w.add("arrayType", new ArrayType(w.take("engine"), w.or({ type: w.or(w.random.pick(FIELDS)), mutable: true }))),
  },
  structTypeMembers: {
    subject: "structType",
    weight: 1,
    run: (
      w,
      t: StructType,
    ) => [
      t.fields,
      t.final,
      t.supertype,
      t.fieldIndex(w.or("x")),
      t.equals(w.take("structType")),
      t.matches(heapType(w)),
    ],
  },
  arrayTypeMembers: {
    subject: "arrayType",
    weight: 1,
    run: (w, t: ArrayType) => [t.element, t.final, t.supertype, t.equals(w.take("arrayType")), t.matches(heapType(w))],
  },

  // Objects.
  structCreate: {
    weight: 4,
    run: (w) => {
      const store = w.take("store");
      const values = w.random.oneIn(3)
        ? { x: w.argument(), y: w.argument(), z: w.argument() }
        : [w.small(), w.argument(), w.argument(), 5n].slice(0, w.random.below(5));
      return w.add("struct", StructRef.create(store, w.take("structType"), w.or(values)), { store });
    },
  },
  structGet: {
    subject: "struct",
    needs: "live",
    run: (w, s: StructRef) => keep(w, s.get(w.or(w.random.oneIn(3) ? "x" : w.random.below(5))), w.storeOf(s)),
  },
  structSet: {
    subject: "struct",
    needs: "live",
    weight: 4,
    run: (w, s: StructRef) => s.set(w.or(w.random.oneIn(3) ? "y" : w.random.below(5)), w.argument()),
  },
  structMembers: {
    subject: "struct",
    needs: "live",
    weight: 1,
    run: (w, s: StructRef) => [w.add("structType", s.type), s.length, s.values()],
  },
  structToObject: { subject: "struct", needs: "live", weight: 1, run: (_, s: StructRef) => s.toObject() },
  arrayCreate: {
    weight: 3,
    run: (w) => {
      const store = w.take("store");
      const elements = w.random.oneIn(4) ? new Uint8Array(w.random.below(9)) : args(w);
      return w.add("array", ArrayRef.create(store, w.take("arrayType"), w.or(elements)), { store });
    },
  },
  arrayFilled: {
    run: (w) => {
      const store = w.take("store");
      const length = w.random.oneIn(10) ? w.random.pick([1 << 20, 2 ** 31, 2 ** 32 - 1]) : w.random.below(50);
      return w.add("array", ArrayRef.filled(store, w.take("arrayType"), w.or(length), w.argument()), { store });
    },
  },
  arrayGet: { subject: "array", needs: "live", run: (w, a: ArrayRef) => keep(w, a.get(w.small()), w.storeOf(a)) },
  arraySet: { subject: "array", needs: "live", run: (w, a: ArrayRef) => a.set(w.small(), w.argument()) },
  arrayFill: { subject: "array", needs: "live", run: (w, a: ArrayRef) => a.fill(w.argument(), w.small(), w.small()) },
  arrayCopy: {
    subject: "array",
    needs: "live",
    run: (w, a: ArrayRef) =>
      w.random.oneIn(2) ? a.copyFrom(w.or(new Uint8Array(4)), w.small()) : a.copyTo(w.or(new Uint8Array(4)), w.small()),
  },
  arrayMembers: {
    subject: "array",
    needs: "live",
    weight: 1,
    run: (w, a: ArrayRef) => [w.add("arrayType", a.type), a.length, [...a].length],
  },
  arrayToBytes: { subject: "array", needs: "live", weight: 1, run: (_, a: ArrayRef) => a.toBytes() },
  exnToObject: { subject: "exn", needs: "live", weight: 1, run: (_, e: ExnRef) => e.toObject() },
  arrayToObject: { subject: "array", needs: "live", weight: 1, run: (_, a: ArrayRef) => a.toObject() },
  refMatches: { subject: "struct", needs: "live", run: (w, r: AnyRef) => r.matches(heapType(w)) },
  refCast: { subject: "array", needs: "live", run: (w, r: AnyRef) => r.cast(heapType(w)) },
  anyMatches: { weight: 1, run: (w) => AnyRef.matches(w.argument(), heapType(w)) },
  refDispose: {
    run: (w) => {
      const reference = w.take(w.random.pick(["struct", "array", "exn"]));
      if (reference instanceof AnyRef) {
        reference.dispose();
        w.disposedReferences.add(reference);
        return reference.isDisposed || w.refuse("disposal");
      }
      return reference?.dispose();
    },
  },
  i31: { weight: 1, run: (w) => new I31Ref(w.hostile() as number).value },
  scopeOpen: { weight: 1, run: (w) => w.add("scope", new RootScope(w.take("store"))) },
  scopeKeep: {
    subject: "scope",
    weight: 1,
    run: (w, s: RootScope) => [s.keep(w.take(w.random.pick(["struct", "array"]))), s.size],
  },
  scopeEnd: { subject: "scope", weight: 1, run: (_, s: RootScope) => s[Symbol.dispose]() },

  // Interruption from elsewhere.
  handleInterrupt: { subject: "handle", weight: 1, run: (_, h: InterruptHandle) => h.interrupt() },
  handlePosted: {
    subject: "handle",
    weight: 1,
    run: (w, h: InterruptHandle) => w.add("handle", InterruptHandle.from(structuredClone(h))),
  },
  handleFrom: { weight: 1, run: (w) => InterruptHandle.from(w.hostile()) },
  abort: {
    weight: 1,
    run: (w) =>
      w.controllers.length > 0 &&
      w.random.pick(w.controllers).abort(w.random.oneIn(2) ? undefined : new Hostile("abort")),
  },
  settle: {
    run: (w) => w.waits.splice(w.random.below(w.waits.length + 1), 1)[0]?.(w.argument()),
  },
  turn: { weight: 6, run: () => undefined },
} as const satisfies Record<string, OperationKind>;

/** The name of a kind of use. */
export type UseName = keyof typeof OPERATIONS;

/** The kinds, for lookups by any name. */
export const KINDS: Readonly<Record<string, OperationKind>> = OPERATIONS;

function signalOf(world: World): AbortSignal {
  const controller = new AbortController();
  world.controllers.push(controller);
  return controller.signal;
}

/** A value for a parameter of a type, mostly. */
function fitting(world: World, type: string): unknown {
  switch (type) {
    case "i32":
    case "f32":
    case "f64":
      return world.small();
    case "i64":
      return world.or(5n);
    case "v128":
      return world.or(new Uint8Array(16));
    case "funcref":
      return world.take("callable");
    case "exnref":
      return world.take("exn");
    default:
      return type.includes("list")
        ? world.take("array")
        : type.includes("point")
        ? world.take("struct")
        : world.argument();
  }
}

/** What every sequence starts with: an engine or two, stores in them, the guests, an instance. */
export function prepare(world: World, seed: number): void {
  const first = makeEngine(world, CONFIGS[seed % CONFIGS.length]);
  const second = makeEngine(world, {});
  for (const engine of [first, first, second]) {
    const store = world.add("store", new Store(engine));
    if (configOf.get(engine)?.fuel) store.fuel = 100_000;
    const module = makeModule(world, engine, 0);
    if (engine === first) makeModule(world, engine, 1);
    const instance = new Instance(store, module, { m: { f: world.hostFunction(store) as never, g: 7 } });
    world.addExports(instance, store);
    world.add("structType", module.structType("point"));
    world.add("arrayType", module.arrayType("list"));
    world.add("arrayType", module.arrayType("numbers"));
  }
  const linker = world.add("linker", new Linker(first, { allowShadowing: true }));
  linker.defineFunc("m", "f", HOST_SIGNATURE, world.hostFunction() as never);
  linker.define("m", "g", 7);
  world.add("pre", linker.instantiatePre(world.pools.module[0] as Module));
}
