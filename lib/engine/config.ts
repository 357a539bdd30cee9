/** Configuration of engines. */

import { FEWEST_REGISTERS, type StressOptions } from "../abi/mod.ts";
import {
  type CollectorName,
  COLLECTORS,
  DEFAULT_COLLECTOR,
  DiskCache,
  MAXIMUM_TABLE_ELEMENTS,
  type TablePoolOptions,
} from "../runtime/mod.ts";
import {
  COMPILED_FEATURES,
  DEFAULT_FEATURES,
  type FeatureName,
  FEATURES,
  type FeatureSet,
  featureSet,
} from "../wasm/mod.ts";
import type { Optimizer } from "./optimizer.ts";

/** What an engine's modules may use and how they are compiled. All modules of an engine are compiled alike. */
export interface EngineConfig {
  /**
   * The WebAssembly features that modules may use, and none that are not compiled; by default WebAssembly 3.0, threads, legacy exceptions
   * and wide arithmetic. Other proposals are for those who name them. A module that uses another feature is refused with a `CompileError`.
   */
  readonly features?: readonly FeatureName[];
  /**
   * How accesses beyond a memory's end are caught: `"guard"` (the default) by reserved address space, at no cost at run time; `"explicit"`
   * by comparing each address, for machines where 8 GiB of address space a memory are too much.
   */
  readonly bounds?: "guard" | "explicit";
  /** How much work goes into the code: `"speed"` (the default) or `"none"`. */
  readonly effort?: "none" | "speed";
  /**
   * `"on"`: each step of each compilation is verified by an independent checker, which takes longer than compiling; an error of the
   * compiler's then ends compilation instead of becoming code. For tests and bug reports; `"off"` by default.
   */
  readonly checks?: "on" | "off";
  /**
   * Rewrites each valid module before it is compiled; none by default. {@linkcode loadOptimizer} makes one of binaryen.
   */
  readonly optimizer?: Optimizer;
  /**
   * Where compiled modules are kept for the next time; none by default. A module that is found there is not compiled, and its functions are not
   * validated again: whoever can write that folder can run machine code, so it is used only while it is the user's alone. Not used by
   * engines with an optimiser or with checks.
   *
   * @example
   * ```ts
   * import { DiskCache, Engine } from "@theropod/theropod";
   *
   * const directory = DiskCache.defaultDirectory();
   * using engine = new Engine(directory === undefined ? {} : { cache: new DiskCache({ directory }) });
   * ```
   */
  readonly cache?: DiskCache;
  /**
   * Whether running code can be interrupted: loops and functions then begin with a poll, which costs a few percent. False by default.
   */
  readonly interruption?: boolean;
  /**
   * Whether running code counts what it does, down from {@linkcode Store.fuel}: exactly the same at every effort. False by default.
   */
  readonly fuel?: boolean;
  /**
   * When function tables are initialised: `"lazy"` (the default), an element when it is first read, so that a table of any size is ready at
   * once; `"eager"`, all of it at instantiation, so that an indirect call does not look whether it was.
   */
  readonly tables?: "lazy" | "eager";
  /**
   * Storage for all tables of the engine's stores, reserved once: for engines that make and drop many stores. A table that does not fit
   * its slot, or finds none, is refused with a `RangeError`. None by default: each table has storage of its own.
   */
  readonly tablePool?: TablePoolOptions;
  /**
   * What collects the objects that guests no longer reach: `"generational"` (the default) copies young objects that live on once, and the rest
   * now and then; `"copying"` copies all that is alive each time; `"refcounting"` counts references and moves nothing, so an object is freed
   * soon after it was let go of, and cycles are found by tracing when the heap has grown to a multiple of what it was, or to its limit;
   * `"null"` never collects, for guests that end soon. Code that is made for `"refcounting"` can be used with no other, and the other way
   * round.
   *
   * @example
   * ```ts
   * import { Engine, Store } from "./mod.ts";
   *
   * using engine = new Engine({ collector: "refcounting" });
   * using store = new Store(engine);
   * ```
   */
  readonly collector?: CollectorName;
  /**
   * Makes rare things frequent, for tests of the engine itself: programs run slower and compute the same.
   *
   * @internal
   */
  readonly stress?: StressOptions;
}

/** A configuration with every choice made. */
export interface ResolvedConfig {
  readonly features: FeatureSet;
  readonly bounds: "guard" | "explicit";
  readonly effort: "none" | "speed";
  readonly checks: "on" | "off";
  readonly optimizer: Optimizer | undefined;
  readonly cache: DiskCache | undefined;
  readonly interruption: boolean;
  readonly fuel: boolean;
  readonly tables: "lazy" | "eager";
  readonly tablePool: TablePoolOptions | undefined;
  readonly collector: CollectorName;
  readonly stress: StressOptions;
}

/** Checks a configuration. @throws {TypeError} for a value that is none. */
export function resolveConfig(config: EngineConfig): ResolvedConfig {
  const { features, bounds = "guard", effort = "speed", checks = "off", interruption = false, stress = {} } = config;
  const {
    fuel = false,
    collector = DEFAULT_COLLECTOR,
    optimizer,
    cache,
    tables = "lazy",
    tablePool,
  } = config;
  if (bounds !== "guard" && bounds !== "explicit") {
    throw new TypeError(`bounds is "guard" or "explicit", not ${bounds}`);
  }
  if (effort !== "none" && effort !== "speed") throw new TypeError(`effort is "none" or "speed", not ${effort}`);
  if (checks !== "on" && checks !== "off") throw new TypeError(`checks is "on" or "off", not ${checks}`);
  if (tables !== "lazy" && tables !== "eager") throw new TypeError(`tables is "lazy" or "eager", not ${tables}`);
  checkPool(tablePool);
  if (typeof interruption !== "boolean") throw new TypeError(`interruption is true or false, not ${interruption}`);
  if (typeof fuel !== "boolean") throw new TypeError(`fuel is true or false, not ${fuel}`);
  if (!COLLECTORS.includes(collector)) {
    throw new TypeError(`collector is one of ${COLLECTORS.join(", ")}, not ${collector}`);
  }
  if (optimizer !== undefined && typeof optimizer !== "function") throw new TypeError("optimizer is a function");
  if (cache !== undefined && !(cache instanceof DiskCache)) throw new TypeError("cache is a DiskCache");
  checkStress(stress, interruption);
  for (const name of features ?? []) {
    if (!FEATURES.some((row) => row[0] === name)) throw new TypeError(`${name} is not a WebAssembly feature`);
  }
  const wanted = features === undefined ? DEFAULT_FEATURES : featureSet("mvp", ...features);
  // What is not compiled cannot be allowed: a module that uses it is refused by name.
  const allowed = (wanted & COMPILED_FEATURES) as FeatureSet;
  return {
    features: allowed,
    bounds,
    effort,
    checks,
    optimizer,
    cache,
    interruption,
    fuel,
    collector,
    tables,
    tablePool,
    stress,
  };
}

function checkStress({ registers, poll }: StressOptions, interruption: boolean): void {
  if (registers !== undefined && !(Number.isInteger(registers) && registers >= FEWEST_REGISTERS)) {
    throw new TypeError(`stress.registers is an integer from ${FEWEST_REGISTERS} on, not ${registers}`);
  }
  if (poll === undefined) return;
  if (!(Number.isInteger(poll) && poll > 0 && poll < 2 ** 31)) {
    throw new TypeError(`stress.poll is a positive integer, not ${poll}`);
  }
  if (!interruption) throw new TypeError("stress.poll needs interruption");
}

/** The most tables of a pool: what address space allows anywhere. */
const MAXIMUM_POOL_TABLES = 100_000;

function checkPool(pool: TablePoolOptions | undefined): void {
  if (pool === undefined) return;
  const { tables, elements } = pool;
  if (!(Number.isInteger(tables) && tables >= 1 && tables <= MAXIMUM_POOL_TABLES)) {
    throw new TypeError(`tablePool.tables is an integer from 1 to ${MAXIMUM_POOL_TABLES}, not ${tables}`);
  }
  if (!(Number.isInteger(elements) && elements >= 1 && elements <= MAXIMUM_TABLE_ELEMENTS)) {
    throw new TypeError(`tablePool.elements is an integer from 1 to ${MAXIMUM_TABLE_ELEMENTS}, not ${elements}`);
  }
}
