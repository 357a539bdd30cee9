/**
 * A model of the runtime around `ir_machine.ts`: instances laid out as the VM structures say, in a simulated address space. Small and slow;
 * it shares nothing with lib/runtime but the contract in lib/abi.
 */

import {
  FUNCREF_INIT_BIT,
  type LibcallName,
  LIBCALLS,
  ownedMemoryOf,
  shapeOf,
  TrapCode,
  VMContextHead,
  VMFuncRef,
  VMGlobalImport,
  VMMemoryDefinition,
  VMMemoryImport,
  type VMShape,
  VMTableDefinition,
  VMTableImport,
} from "../../../lib/abi/mod.ts";
import { bug, NONE } from "../../../lib/base/mod.ts";
import { Func, FuncBuilder, I64 } from "../../../lib/ir/mod.ts";
import {
  TranslateEnvironment,
  translateFunction,
  type TranslateOptions,
  Translator,
} from "../../../lib/translate/mod.ts";
import {
  COMPILED_FEATURES,
  type ConstExpr,
  type FeatureSet,
  type FuncType,
  type Module,
  NO_TYPES,
  TypeRegistry,
  type ValType,
  withoutFeatures,
} from "../../../lib/wasm/mod.ts";
import { AddressSpace, type Environment, finishCall, IrTrap, type Outcome, startFunc, type Val } from "./ir_machine.ts";

/** What the model knows: modules that need more are none of its business. */
export const MODEL_FEATURES: FeatureSet = withoutFeatures(
  COMPILED_FEATURES,
  "exceptions",
  "legacy-exceptions",
  "function-references",
  "gc",
  "threads",
  "simd",
  "relaxed-simd",
);

/** Anything callable. */
export type Callable = (args: Val[]) => Outcome;

/** A memory, a table: the address of the definition record and what the record does not say. */
interface MemoryModel {
  readonly definition: number;
  readonly maximumPages: number;
  readonly pageBytes: number;
}
interface TableModel {
  readonly definition: number;
  readonly maximum: number;
  readonly type: number;
  /** Elements that are not initialised yet, by index. */
  readonly lazy: Map<number, () => number>;
}

/** What an import resolves to. */
export type Extern =
  | { readonly kind: "func"; readonly funcRef: number }
  | { readonly kind: "memory"; readonly memory: MemoryModel }
  | { readonly kind: "table"; readonly table: TableModel }
  | { readonly kind: "global"; readonly definition: number };

const MAX_MODEL_PAGES = 2000;
const MAX_MODEL_ELEMENTS = 1 << 20;
const MAX_CALL_DEPTH = 300;

/** Everything that instances share. */
export class World {
  readonly space: AddressSpace = new AddressSpace();
  readonly registry: TypeRegistry = new TypeRegistry();
  readonly callables: Map<number, Callable> = new Map();
  readonly builder: FuncBuilder = new FuncBuilder();
  readonly scratch: Translator = new Translator();
  readonly options: TranslateOptions;
  /** Called with each function translated. */
  onFunc: (f: Func) => void = () => {};
  depth = 0;

  constructor(options: TranslateOptions) {
    this.options = options;
  }

  /** A VMFuncRef for a host function that takes `params` (wasm types) and returns nothing. */
  hostFunc(params: readonly ValType[], callable: Callable): number {
    const type: FuncType = {
      kind: "func",
      params: Int32Array.from(params),
      results: NO_TYPES,
      isFinal: true,
      supertype: NONE,
      groupStart: 0,
      groupSize: 1,
    };
    const address = this.space.map(VMFuncRef.sizeBytes);
    this.space.setU32(address + VMFuncRef.offsets.type, this.registry.canonicalize({ types: [type] })[0]);
    this.callables.set(address, callable);
    return address;
  }

  memory(
    minimumPages: number,
    maximumPages = MAX_MODEL_PAGES,
    definition = this.space.map(16),
    pageBytes = 65536,
  ): MemoryModel {
    this.space.setU64(definition + VMMemoryDefinition.offsets.base, this.space.map(minimumPages * pageBytes));
    this.space.setU64(definition + VMMemoryDefinition.offsets.currentLengthBytes, minimumPages * pageBytes);
    return { definition, maximumPages, pageBytes };
  }

  table(type: number, minimum: number, maximum = 2 ** 32 - 1, definition = this.space.map(16)): TableModel {
    if (minimum > MAX_MODEL_ELEMENTS) throw new Error("model: table too large");
    const base = this.space.map(minimum * elementBytes(type));
    this.space.setU64(definition + VMTableDefinition.offsets.base, base);
    this.space.setU64(definition + VMTableDefinition.offsets.currentElements, minimum);
    const table = { definition, maximum, type, lazy: new Map<number, () => number>() };
    if (type === I64) { for (let i = 0; i < minimum; i++) this.setElement(table, i, 0); }
    return table;
  }

  tableSize({ definition }: TableModel): number {
    return this.space.getU64(definition + VMTableDefinition.offsets.currentElements);
  }

  #elementAddress(table: TableModel, index: number): number {
    return this.space.getU64(table.definition + VMTableDefinition.offsets.base) + index * elementBytes(table.type);
  }

  /** An element in its untagged form. */
  element(table: TableModel, index: number): number {
    const address = this.#elementAddress(table, index);
    if (table.type !== I64) return this.space.get(table.type, address) as number;
    const tagged = this.space.getU64(address);
    return (tagged === 0 ? this.initialise(table, index) : tagged) - FUNCREF_INIT_BIT;
  }

  setElement(table: TableModel, index: number, untagged: number): void {
    const address = this.#elementAddress(table, index);
    if (table.type === I64) this.space.setU64(address, untagged + FUNCREF_INIT_BIT);
    else this.space.set(table.type, address, untagged);
  }

  /** Leaves the element uninitialised: it becomes what `make` says when somebody looks. */
  setLazyElement(table: TableModel, index: number, make: () => number): void {
    this.space.setU64(this.#elementAddress(table, index), 0);
    table.lazy.set(index, make);
  }

  /** Initialises an element; returns its tagged form. */
  initialise(table: TableModel, index: number): number {
    const make = table.lazy.get(index) ?? bug(`model: element ${index} is 0 without reason`);
    this.setElement(table, index, make());
    return this.space.getU64(this.#elementAddress(table, index));
  }
}

function elementBytes(type: number): number {
  return type === I64 ? 8 : 4;
}

const asNumber = (value: Val) => typeof value === "bigint" ? Number(BigInt.asUintN(64, value)) : value;

/** An instance of a module. */
export class InstanceModel implements Environment {
  readonly world: World;
  readonly module: Module;
  readonly space: AddressSpace;
  readonly vmctx: number;
  readonly exports: Map<string, Extern> = new Map();
  readonly #shape: VMShape;
  readonly #escaped: Int32Array;
  readonly #translation: TranslateEnvironment;
  readonly #funcs: (Func | undefined)[];
  readonly #importRefs: number[] = [];
  readonly #memories: MemoryModel[] = [];
  readonly #tables: TableModel[] = [];
  readonly #globals: number[] = [];
  readonly #droppedData: Set<number> = new Set();
  readonly #droppedElements: Set<number> = new Set();

  constructor(world: World, module: Module, resolve: (module: string, name: string) => Extern) {
    this.world = world;
    this.module = module;
    this.space = world.space;
    const { shape, escaped } = shapeOf(module);
    this.#shape = shape;
    this.#escaped = escaped;
    this.#translation = new TranslateEnvironment(module, shape, world.options);
    this.#funcs = new Array(module.bodies.length).fill(undefined);
    this.vmctx = this.space.map(shape.sizeBytes);
    this.#placeTypeIds();
    this.#linkImports(resolve);
    this.#define();
    this.#export();
  }

  #placeTypeIds(): void {
    const ids = this.world.registry.canonicalize(this.module);
    const address = this.space.map(ids.length * 4);
    ids.forEach((id, index) => this.space.setU32(address + index * 4, id));
    this.space.setU64(this.vmctx + VMContextHead.offsets.typeIds, address);
    for (let index = 0; index < this.module.funcs.length; index++) {
      const slot = this.#escaped[index];
      if (slot === NONE) continue;
      const ref = this.vmctx + this.#shape.funcRef(slot);
      this.space.setU32(ref + VMFuncRef.offsets.type, ids[this.module.funcs[index]]);
      this.world.callables.set(ref, (args) => this.tailCall(index - this.module.importedFuncCount, args));
    }
  }

  #linkImports(resolve: (module: string, name: string) => Extern): void {
    const { vmctx, space } = this;
    for (const { module, name, kind, index } of this.module.imports) {
      const extern = resolve(module, name);
      if (extern.kind !== kind) throw new Error(`model: import ${module}.${name} is no ${kind}`);
      switch (extern.kind) {
        case "func":
          this.#importRefs[index] = extern.funcRef;
          break;
        case "memory":
          this.#memories[index] = extern.memory;
          space.setU64(
            vmctx + this.#shape.memoryImport(index) + VMMemoryImport.offsets.definition,
            extern.memory.definition,
          );
          break;
        case "table":
          this.#tables[index] = extern.table;
          space.setU64(
            vmctx + this.#shape.tableImport(index) + VMTableImport.offsets.definition,
            extern.table.definition,
          );
          break;
        case "global":
          this.#globals[index] = extern.definition;
          space.setU64(vmctx + this.#shape.globalImport(index) + VMGlobalImport.offsets.definition, extern.definition);
          break;
      }
    }
  }

  #define(): void {
    const { module, world, vmctx } = this;
    for (let i = module.importedMemoryCount; i < module.memories.length; i++) {
      const { minimumPages, maximumPages, pageSizeLog2 } = module.memories[i];
      const owned = ownedMemoryOf(module, i);
      const definition = owned === NONE ? undefined : vmctx + this.#shape.ownedMemory(owned);
      const memory = world.memory(minimumPages, maximumPages ?? 2 ** 32, definition, 2 ** pageSizeLog2);
      this.#memories[i] = memory;
      world.space.setU64(vmctx + this.#shape.memoryPointer(i - module.importedMemoryCount), memory.definition);
    }
    for (let i = module.importedTableCount; i < module.tables.length; i++) {
      const { minimum, maximum } = module.tables[i];
      const definition = vmctx + this.#shape.table(i - module.importedTableCount);
      this.#tables[i] = world.table(this.#translation.irType(module.tables[i].element), minimum, maximum, definition);
    }
    for (let i = module.importedGlobalCount; i < module.globals.length; i++) {
      const definition = this.#globals[i] = vmctx + this.#shape.global(i - module.importedGlobalCount);
      this.space.set(this.#translation.globalType[i], definition, this.#evaluate(module.globals[i].init!));
    }
    for (let i = module.importedTableCount; i < module.tables.length; i++) {
      const { minimum, init } = module.tables[i];
      if (init === undefined) continue;
      const value = asNumber(this.#evaluate(init));
      for (let k = 0; k < minimum; k++) world.setElement(this.#tables[i], k, value);
    }
  }

  #export(): void {
    for (const { name, kind, index } of this.module.exports) {
      if (kind === "func") this.exports.set(name, { kind, funcRef: this.funcRef(index) });
      else if (kind === "memory") this.exports.set(name, { kind, memory: this.#memories[index] });
      else if (kind === "table") this.exports.set(name, { kind, table: this.#tables[index] });
      else if (kind === "global") this.exports.set(name, { kind, definition: this.#globals[index] });
    }
  }

  /** Applies active segments and calls the start function. */
  start(): void {
    const { module } = this;
    module.elements.forEach((segment, index) => {
      if (segment.mode === "active") {
        const start = asNumber(this.#evaluate(segment.offset!)) >>> 0;
        this.#initTable(segment.tableIndex, index, start, 0, segment.length, "lazy");
      }
      if (segment.mode !== "passive") this.#droppedElements.add(index);
    });
    module.datas.forEach((segment, index) => {
      if (segment.mode !== "active") return;
      const start = asNumber(this.#evaluate(segment.offset!)) >>> 0;
      this.#initMemory(segment.memoryIndex, index, start, 0, segment.end - segment.start);
      this.#droppedData.add(index);
    });
    if (module.start !== NONE) finishCall(this.world.callables.get(this.#refOf(module.start))!([]));
  }

  #refOf(index: number): number {
    if (index < this.module.importedFuncCount) return this.#importRefs[index];
    const ref = -1 - index - this.vmctx; // No VMFuncRef is needed to call it.
    this.world.callables.set(ref, (args) => this.tailCall(index - this.module.importedFuncCount, args));
    return ref;
  }

  /** The address of a function's VMFuncRef. */
  funcRef(index: number): number {
    if (index < this.module.importedFuncCount) return this.#importRefs[index];
    const slot = this.#escaped[index];
    if (slot === NONE) bug(`model: reference to function ${index}, which has none`);
    return this.vmctx + this.#shape.funcRef(slot);
  }

  #evaluate({ instrs }: ConstExpr): Val {
    const stack: Val[] = [];
    for (const instr of instrs) {
      switch (instr.name) {
        case "i32.const":
          stack.push(instr.value);
          break;
        case "f32.const":
          stack.push(instr.bits);
          break;
        case "i64.const":
        case "f64.const":
          stack.push(BigInt.asIntN(64, BigInt(instr.hi) << 32n | BigInt(instr.lo >>> 0)));
          break;
        case "v128.const":
          stack.push(instr.words.reduce((bits, word, i) => bits | BigInt(word >>> 0) << BigInt(32 * i), 0n));
          break;
        case "ref.null":
          stack.push(0);
          break;
        case "ref.func":
          stack.push(this.funcRef(instr.funcIndex));
          break;
        case "global.get":
          stack.push(this.space.get(this.#translation.globalType[instr.globalIndex], this.#globals[instr.globalIndex]));
          break;
        case "i32.add":
        case "i32.sub":
        case "i32.mul": {
          const [x, y] = stack.splice(-2) as number[];
          stack.push(instr.name === "i32.add" ? x + y | 0 : instr.name === "i32.sub" ? x - y | 0 : Math.imul(x, y));
          break;
        }
        case "i64.add":
        case "i64.sub":
        case "i64.mul": {
          const [x, y] = stack.splice(-2) as bigint[];
          const result = instr.name === "i64.add" ? x + y : instr.name === "i64.sub" ? x - y : x * y;
          stack.push(BigInt.asIntN(64, result));
          break;
        }
        default:
          throw new Error(`model: ${instr.name} in a constant expression`);
      }
    }
    return stack[0];
  }

  /** The IR type of a global. */
  globalType(index: number): number {
    return this.#translation.globalType[index];
  }

  // Environment

  call(definedFuncIndex: number, args: Val[]): Val[] {
    return this.#deeper(() => this.tailCall(definedFuncIndex, args));
  }

  tailCall(definedFuncIndex: number, args: Val[]): Outcome {
    return startFunc(this.#funcs[definedFuncIndex] ??= this.#translate(definedFuncIndex), args, this);
  }

  #deeper(start: () => Outcome): Val[] {
    const { world } = this;
    if (world.depth >= MAX_CALL_DEPTH) throw new IrTrap(TrapCode.stack_overflow, 0);
    world.depth++;
    try {
      return finishCall(start());
    } finally {
      world.depth--;
    }
  }

  #translate(definedFuncIndex: number): Func {
    const { world } = this;
    world.builder.func = new Func(); // kept: the builder's own is reused
    const func = translateFunction(this.#translation, definedFuncIndex, world.builder, world.scratch);
    world.onFunc(func);
    return func;
  }

  /** Translates all functions. */
  translateAll(): void {
    for (let i = 0; i < this.#funcs.length; i++) this.#funcs[i] ??= this.#translate(i);
  }

  callImport(funcIndex: number, args: Val[]): Val[] {
    return this.callIndirect(this.#importRefs[funcIndex], args);
  }

  tailCallImport(funcIndex: number, args: Val[]): Outcome {
    return this.tailCallIndirect(this.#importRefs[funcIndex], args);
  }

  callIndirect(funcRefAddress: number, args: Val[]): Val[] {
    return this.#deeper(() => this.tailCallIndirect(funcRefAddress, args));
  }

  tailCallIndirect(funcRefAddress: number, args: Val[]): Outcome {
    const callable = this.world.callables.get(funcRefAddress) ?? bug(`model: no function at ${funcRefAddress}`);
    return callable(args);
  }

  libcall(number: number, args: Val[]): Val[] {
    const [name, , result] = LIBCALLS[number];
    const value = (this.#libcalls[name] ?? bug(`model: no runtime call ${name}`))(args.map(asNumber));
    if (result === "-") return [];
    return [result === "l" ? BigInt.asIntN(64, BigInt(value)) : value];
  }

  /** Those that the model has; modules that need others are none of its business. */
  readonly #libcalls: Partial<Record<LibcallName, (args: number[]) => number>> = {
    memory_grow: ([memory, delta]) => {
      const { definition, maximumPages, pageBytes } = this.#memories[memory];
      const length = definition + VMMemoryDefinition.offsets.currentLengthBytes;
      const pages = this.space.getU64(length) / pageBytes;
      if (pages + delta > Math.min(maximumPages, MAX_MODEL_PAGES * 65536 / pageBytes)) return -1;
      this.space.grow(this.space.getU64(definition + VMMemoryDefinition.offsets.base), (pages + delta) * pageBytes);
      this.space.setU64(length, (pages + delta) * pageBytes);
      return pages;
    },
    memory_copy: ([to, from, destination, source, length]) => {
      const target = this.#memoryBytes(to, destination, length);
      target.set(this.#memoryBytes(from, source, length).slice());
      return 0;
    },
    memory_fill: ([memory, destination, byte, length]) => {
      this.#memoryBytes(memory, destination, length).fill(byte);
      return 0;
    },
    memory_init: ([memory, segment, destination, source, length]) => {
      this.#initMemory(memory, segment, destination, source >>> 0, length >>> 0);
      return 0;
    },
    data_drop: ([segment]) => {
      this.#droppedData.add(segment);
      return 0;
    },
    table_grow_func: ([table, value, delta]) => this.#growTable(table, value, delta),
    table_grow_ref: ([table, value, delta]) => this.#growTable(table, value, delta),
    table_fill_func: ([table, start, value, length]) => this.#fillTable(table, start, value, length),
    table_fill_ref: ([table, start, value, length]) => this.#fillTable(table, start, value, length),
    table_copy: ([to, from, destination, source, length]) => {
      const { world } = this;
      const [target, origin] = [this.#tables[to], this.#tables[from]];
      if (source + length > world.tableSize(origin) || destination + length > world.tableSize(target)) {
        this.#tableTrap();
      }
      const values = Array.from({ length }, (_, i) => world.element(origin, source + i));
      values.forEach((value, i) => world.setElement(target, destination + i, value));
      return 0;
    },
    table_init: ([table, segment, destination, source, length]) => {
      this.#initTable(table, segment, destination, source >>> 0, length >>> 0, "now");
      return 0;
    },
    elem_drop: ([segment]) => {
      this.#droppedElements.add(segment);
      return 0;
    },
    table_get_lazy: ([table, index]) => this.world.initialise(this.#tables[table], index),
    ref_func: ([index]) => this.funcRef(index),
    // One thread: whoever waits is never woken, and wakes nobody.
    memory_atomic_wait32: () => 2,
    memory_atomic_wait64: () => 2,
    memory_atomic_notify: () => 0,
  };

  #memoryBytes(memory: number, start: number, length: number): Uint8Array {
    const bytes = this.space.bytes(this.space.getU64(this.#memories[memory].definition));
    if (start + length > bytes.length) throw new IrTrap(TrapCode.memory_out_of_bounds, 0);
    return bytes.subarray(start, start + length);
  }

  #initMemory(memory: number, segment: number, destination: number, source: number, length: number): void {
    const { start, end } = this.module.datas[segment];
    const data = this.module.bytes.subarray(start, this.#droppedData.has(segment) ? start : end);
    const target = this.#memoryBytes(memory, destination, length);
    if (source + length > data.length) throw new IrTrap(TrapCode.memory_out_of_bounds, 0);
    target.set(data.subarray(source, source + length));
  }

  #tableTrap(): never {
    throw new IrTrap(TrapCode.table_out_of_bounds, 0);
  }

  #initTable(index: number, number: number, to: number, from: number, length: number, when: "lazy" | "now"): void {
    const { world } = this;
    const table = this.#tables[index];
    const segment = this.module.elements[number];
    const available = this.#droppedElements.has(number) ? 0 : segment.length;
    if (from + length > available || to + length > world.tableSize(table)) this.#tableTrap();
    for (let i = 0; i < length; i++) {
      const element = () => {
        if (segment.funcs === undefined) return asNumber(this.#evaluate(segment.exprs![from + i]));
        return segment.funcs[from + i] === NONE ? 0 : this.funcRef(segment.funcs[from + i]);
      };
      if (when === "lazy" && table.type === I64) world.setLazyElement(table, to + i, element);
      else world.setElement(table, to + i, element());
    }
  }

  #growTable(index: number, value: number, delta: number): number {
    const { space, world } = this;
    const table = this.#tables[index];
    const size = world.tableSize(table);
    if (size + delta > Math.min(table.maximum, MAX_MODEL_ELEMENTS)) return -1;
    if (delta === 0) return size;
    const { base, currentElements } = VMTableDefinition.offsets;
    const moved = space.map((size + delta) * elementBytes(table.type)); // the base moves: stale ones are noticed
    space.bytes(moved).set(space.bytes(space.getU64(table.definition + base)));
    space.unmap(space.getU64(table.definition + base));
    space.setU64(table.definition + base, moved);
    space.setU64(table.definition + currentElements, size + delta);
    for (let i = 0; i < delta; i++) world.setElement(table, size + i, value);
    return size;
  }

  #fillTable(index: number, start: number, value: number, length: number): number {
    const table = this.#tables[index];
    if (start + length > this.world.tableSize(table)) this.#tableTrap();
    for (let i = 0; i < length; i++) this.world.setElement(table, start + i, value);
    return 0;
  }
}
