/**
 * What all stores of an engine share below the API: canonical types, signatures, and thunks for types that no module of a store mentions.
 */

import { TypeRegistry } from "../wasm/mod.ts";
import { loadCode, type LoadedCode } from "./code.ts";
import type { CompiledModule, StressOptions, TableMode } from "../abi/mod.ts";
import { EpochState } from "./epoch.ts";
import type { CollectorName, HeapOptions } from "./gc/collector_options.ts";
import { GcTypes } from "./gc/type_info.ts";
import { TypeTable } from "./gc/type_table.ts";
import { Signature } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { TablePool, type TablePoolOptions } from "./table_pool.ts";

/** Compiles a module whose type 0 is the given type and nothing else: the compiler is above this layer. */
export type ThunkCompiler = (signature: Signature, registry: TypeRegistry) => CompiledModule;

/** What stores must know of an engine's configuration. */
export interface EngineOptions {
  readonly bounds: "guard" | "explicit";
  readonly stress?: StressOptions;
  /** Whether function tables are initialised when they are read or at instantiation: "lazy" unless given. */
  readonly tables?: TableMode;
  /** Storage of all tables; none unless given: each has its own. */
  readonly tablePool?: TablePoolOptions | undefined;
  /** What collects each store's heap. */
  readonly collector?: CollectorName;
  /** Whether loops and functions have polls. */
  readonly interruption?: boolean;
  /** Whether code counts what it does. */
  readonly fuel?: boolean;
}

/** What collects the heaps of an engine that does not say. */
export const DEFAULT_COLLECTOR: CollectorName = "generational";

/** An engine, as stores see it. */
export class EngineState {
  /** The engine's canonical types (TYPES). */
  readonly registry: TypeRegistry = new TypeRegistry();
  /** Whether code compares indices with the length, or relies on reservations; one way for all modules of an engine. */
  readonly bounds: "guard" | "explicit";
  /** What is made harder than it need be. */
  readonly stress: StressOptions;
  /** Whether loops and functions have polls. */
  readonly interruption: boolean;
  /** How function tables of its stores and modules are initialised. */
  readonly tableMode: TableMode;
  /** Storage for the tables of its stores, which are static then. */
  readonly tablePool: TablePool | undefined;
  /** Whether code counts what it does. */
  readonly fuel: boolean;
  /** How the heaps of its stores behave. */
  readonly heapOptions: Omit<HeapOptions, "limitBytes">;
  /** The types as collectors see them. */
  readonly gcTypes: GcTypes = new GcTypes(this.registry);
  /** What embedders count by themselves. */
  readonly epoch: EpochState = new EpochState();
  readonly #signatures: (Signature | undefined)[] = [];
  /** By canonical type id. */
  readonly #thunks = new Map<number, LoadedCode>();
  readonly #compileThunks: ThunkCompiler;
  #typeTable: TypeTable | undefined;
  /** Stores that are not closed: their contexts hold the type table's address. */
  #stores = 0;
  #isClosed = false;

  constructor(options: EngineOptions, compileThunks: ThunkCompiler) {
    const { bounds, stress = {}, collector = DEFAULT_COLLECTOR } = options;
    this.bounds = bounds;
    this.stress = stress;
    this.tableMode = options.tables ?? "lazy";
    this.tablePool = options.tablePool === undefined ? undefined : new TablePool(options.tablePool);
    this.interruption = options.interruption ?? false;
    this.fuel = options.fuel ?? false;
    this.heapOptions = { collector, collectAlways: stress.gc ?? false };
    this.#compileThunks = compileThunks;
    leaks.register(this, this.#thunks, this);
  }

  /** The table that compiled code tests types against, made when first asked for. @throws {HostError} */
  get typeTable(): TypeTable {
    if (this.#typeTable === undefined) {
      this.#typeTable = new TypeTable(this.registry);
      leakedTables.register(this, this.#typeTable, this);
      this.#typeTable.sync();
    }
    return this.#typeTable;
  }

  /** To be called whenever types were entered, before anything of such a type exists (TYPETAB-1). */
  typesEntered(): void {
    this.#typeTable?.sync();
  }

  /** Counts a store of this engine. */
  storeOpened(): void {
    this.#stores++;
  }

  /** Counts a store that has closed. */
  storeClosed(): void {
    this.#stores--;
    this.#releaseTable();
  }

  /** The last of engine and stores gives the type table back. */
  #releaseTable(): void {
    if (!this.#isClosed || this.#stores !== 0 || this.#typeTable === undefined) return;
    leakedTables.unregister(this);
    this.#typeTable.release();
    this.#typeTable = undefined;
  }

  /** The signature of a canonical function type. */
  signature(typeId: number): Signature {
    this.typesEntered();
    return this.#signatures[typeId] ??= new Signature(this.registry, typeId, this.registry.funcType(typeId));
  }

  /** Code with the thunks of a type at its type index 0, held by the store; made when first asked for. */
  thunksFor(store: StoreState, typeId: number): LoadedCode {
    const code = this.#loadThunks(typeId);
    store.holdCode(code);
    // A closed engine keeps nothing: the store's hold is the only one left.
    if (this.#isClosed) releaseAll(this.#thunks);
    return code;
  }

  #loadThunks(typeId: number): LoadedCode {
    let code = this.#thunks.get(typeId);
    if (code === undefined) {
      code = loadCode(this.#compileThunks(this.signature(typeId), this.registry), undefined);
      this.#thunks.set(typeId, code);
    }
    return code;
  }

  /** Gives the engine's own code back; stores that use it hold it. */
  close(): void {
    this.#isClosed = true;
    leaks.unregister(this);
    releaseAll(this.#thunks);
    this.tablePool?.close();
    this.#releaseTable();
  }
}

function releaseAll(codes: Map<number, LoadedCode>): void {
  for (const code of codes.values()) code.release();
  codes.clear();
}

/** Type tables of engines that nobody disposed of. */
const leakedTables = new FinalizationRegistry<TypeTable>((table) => table.release());

/** Thunks of engines that nobody disposed of. */
const leaks = new FinalizationRegistry<Map<number, LoadedCode>>(releaseAll);
