/**
 * Instances: a module's VMContext and everything it points to.
 *
 * ```
 * VMContext   head | imported and owned things, in the order of VMShape | canonical type ids
 * ```
 * Instantiation follows the specification ("Instantiation"): imports are checked before anything is allocated; then memories, tables and
 * globals are made, element segments are written, data segments are written, the start function runs. A trap in any of the last three
 * leaves what was written before it, also in imported tables and memories, so an instance that failed stays with its store.
 *
 * INST-A  Imports are stored in the VMContext as the pointers machine code follows, and here as the objects, in index order.
 * INST-B  A defined function's FuncState is made when its reference is first taken; only functions in `layout.escaped` have one.
 */

import {
  FunctionKind,
  ownedMemoryOf,
  type TrapName,
  typeWord,
  VMCONTEXT_MAGIC,
  VMContextHead,
  VMFunctionImport,
  VMGlobalImport,
  VMMemoryImport,
  VMStoreContext,
  VMTableImport,
  VMTagImport,
} from "../abi/mod.ts";
import { bug, NONE } from "../base/mod.ts";
import type { RootSource, RootVisitor } from "./gc/collector.ts";
import type { ConstExpr } from "../wasm/mod.ts";
import type { CallTarget } from "./activation.ts";
import type { Block } from "./block.ts";
import type { LoadedCode } from "./code.ts";
import { allocates, type ConstContext, evaluateConst } from "./const_eval.ts";
import { callTarget } from "./export_call.ts";
import { FuncState } from "./func_ref.ts";
import { GlobalState } from "./global.ts";
import type { GcHeap } from "./gc/heap.ts";
import { callHostDirectly } from "./host_call.ts";
import { checkImport, type ExternState } from "./link.ts";
import { admitInstance, askLimiter } from "./admission.ts";
import { createCountedSharedMemory, MemoryState } from "./memory.ts";
import type { ModuleState } from "./module_state.ts";
import { ValueKind, valueKindOf } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { TableState } from "./table.ts";
import { TagState } from "./tag.ts";
import { Trap } from "./traps.ts";

const HEAD = VMContextHead.offsets;
const FUNCTION_IMPORT = VMFunctionImport.offsets;

/** When a start function runs: as a part of instantiation, or when somebody has it run (`startAsync`). */
export type StartTime = "now" | "later";

/** Elements of a segment, as they were when asked for. */
export interface SegmentElements {
  readonly read: (index: number) => number;
  /** Where `read` finds references. */
  readonly roots: readonly Int32Array[];
}

/** An instance of a module in a store. */
export class InstanceState implements ConstContext, RootSource {
  /** What the embedder says about calls at the same time (INST-1); undefined: as the module looks. */
  reentry: "exclusive" | "concurrent" | undefined = undefined;
  /** What calls have to have that no other may (exclusion.ts), once somebody has asked. */
  exclusionKey: number | undefined = undefined;
  readonly store: StoreState;
  readonly state: ModuleState;
  readonly code: LoadedCode;
  /** Address of the VMContext: the instance's identity in machine code. */
  readonly address: number;
  readonly tables: TableState[] = [];
  readonly memories: MemoryState[] = [];
  readonly globals: GlobalState[] = [];
  readonly tags: TagState[] = [];
  /** The API's object for this instance, once it has one. */
  wrapper: unknown = undefined;
  readonly #block: Block;
  /** By function index: imported functions, and defined ones whose reference was taken. */
  readonly #funcs: (FuncState | undefined)[] = [];
  /**
   * By element segment: its elements, as VMFuncRef addresses or references (those are roots); undefined once dropped, or while `funcs` of the
   * segment says it all.
   */
  readonly #elements: (Float64Array | Int32Array | undefined)[] = [];
  readonly #isElementDropped: Uint8Array;
  readonly #isDataDropped: Uint8Array;

  /** Allocates and fills the VMContext; segments and the start function are {@linkcode initialize}. */
  constructor(store: StoreState, state: ModuleState, imports: readonly ExternState[]) {
    const { module, layout: { shape }, typeIds } = state;
    this.store = store;
    this.state = state;
    this.code = state.code;
    store.holdCode(this.code);
    this.#isElementDropped = new Uint8Array(module.elements.length);
    this.#isDataDropped = new Uint8Array(module.datas.length);
    const block = store.blocks.allocate(shape.sizeBytes + 4 * typeIds.length);
    this.#block = block;
    this.address = block.address;
    block.setI32(HEAD.magic, VMCONTEXT_MAGIC);
    block.setAddress(HEAD.storeContext, store.storeContext.address);
    block.setAddress(HEAD.typeIds, block.address + shape.sizeBytes);
    block.setAddress(HEAD.builtinFunctions, this.code.builtinsAddress);
    block.setAddress(HEAD.epochPtr, store.engine.epoch.address);
    for (let i = 0; i < typeIds.length; i++) {
      block.setI32(shape.sizeBytes + 4 * i, typeWord(module.types[i], typeIds[i])); // GC-T
    }
    store.addInstance(this);
    if (state.testsTypes) store.openHeap();
    if (store.gc.isReserved) this.setHeapBase(store.gc.collector.baseAddress);
    if (module.elements.length !== 0) store.rootSources.add(this);
    module.imports.forEach(({ kind, index }, i) => this.#placeImport(kind, index, imports[i]));
    this.#makeMemories();
    this.#makeGlobals();
    this.#makeTables();
    this.#makeTags();
  }

  /** Evaluates and writes segments, then runs the start function, unless that is done later (spec: steps after allocation). @throws {Trap} */
  initialize(start: StartTime): void {
    const { module, imagedSegments } = this.state;
    module.elements.forEach((segment, i) => {
      if (segment.exprs !== undefined && segment.mode !== "declared") this.#evaluateElements(i, segment.exprs);
    });
    module.elements.forEach((segment, i) => {
      if (segment.mode === "active" && i >= imagedSegments) {
        const start = this.#offset(segment.offset);
        const { length, tableIndex } = segment;
        this.initTable(tableIndex, i, start, 0, length, (code) => new Trap(code));
      }
      if (segment.mode !== "passive") this.dropElements(i);
    });
    if (module.datas.length !== 0) this.#writeData();
    if (start === "now") this.#runStart();
  }

  /**
   * Makes it what it was right after instantiation: memories, tables, globals, segments; then the start function runs again, unless that is
   * done later. What it imports stays as it is, but that active segments are written again.
   *
   * @throws {TypeError} while calls of the store are active or parked, and for what cannot be reset; nothing has changed then.
   */
  reset(start: StartTime): void {
    const { store, state: { module } } = this;
    store.requireIdle("An instance cannot be reset");
    const memories = this.memories.slice(module.importedMemoryCount);
    const tables = this.tables.slice(module.importedTableCount);
    for (const memory of memories) {
      if (memory.shared !== undefined) throw new TypeError("An instance with a shared memory cannot be reset");
      // Who imports it relies on the size that it had then.
      if (memory.pages !== memory.type.minimumPages && store.isImported(memory)) {
        throw new TypeError("An instance cannot be reset whose memory has grown and is imported by another one");
      }
    }
    for (const table of tables) {
      if (table.size !== table.type.minimum && store.isImported(table)) {
        throw new TypeError("An instance cannot be reset whose table has grown and is imported by another one");
      }
    }
    const ready = memories.map((memory) => memory.prepareReset());
    memories.forEach((memory, i) => memory.reset(ready[i]));
    this.#elements.fill(undefined);
    this.#isElementDropped.fill(0);
    const words = new Int32Array(4);
    for (let i = module.importedGlobalCount; i < module.globals.length; i++) this.#initializeGlobal(i, words);
    tables.forEach((table, i) => {
      table.reset();
      this.#initializeTable(module.importedTableCount + i);
    });
    this.initialize(start);
  }

  /** Elements of segments that are references. */
  visitRoots(visitor: RootVisitor): void {
    for (const elements of this.#elements) {
      if (elements instanceof Int32Array) visitor.visitRange(elements, 0, elements.length);
    }
  }

  /** The store's heap has an address: what code reads and allocates through. */
  setHeapBase(address: number): void {
    this.#block.setAddress(HEAD.gcHeapBase, address);
    this.#block.setAddress(HEAD.gcHeapBound, 2 ** 32);
    this.#block.setAddress(HEAD.gcHeapData, this.store.storeContext.address + VMStoreContext.offsets.gcNext);
  }

  /** The function at an index of the function index space. */
  func(functionIndex: number): FuncState {
    return this.#funcs[functionIndex] ??= this.#makeFunc(functionIndex);
  }

  /** Address of the complete VMFuncRef of a function. */
  functionAddress(functionIndex: number): number {
    return this.func(functionIndex).referenceAddress();
  }

  get gc(): GcHeap {
    return this.store.gc;
  }

  typeId(typeIndex: number): number {
    return this.state.typeIds[typeIndex];
  }

  readGlobal(globalIndex: number, words: Int32Array): void {
    this.globals[globalIndex].readWords(words);
  }

  /** What is exported under a kind and an index. */
  exportOf(kind: "func" | "table" | "memory" | "global" | "tag", index: number): ExternState {
    switch (kind) {
      case "func":
        return this.func(index);
      case "table":
        return this.tables[index];
      case "memory":
        return this.memories[index];
      case "global":
        return this.globals[index];
      case "tag":
        return this.tags[index];
    }
  }

  /** table.init, also of active segments: validates, then writes. `trap` makes the error for its place. */
  initTable(
    tableIndex: number,
    segmentIndex: number,
    destination: number,
    source: number,
    length: number,
    trap: (code: TrapName) => Error,
  ): void {
    const table = this.tables[tableIndex];
    if (source + length > this.elementCount(segmentIndex) || !table.contains(destination, length)) {
      throw trap("table_out_of_bounds");
    }
    for (let i = 0; i < length; i++) table.set(destination + i, this.element(segmentIndex, source + i));
  }

  /** The number of elements of a segment, 0 once it was dropped. */
  elementCount(segmentIndex: number): number {
    return this.#isElementDropped[segmentIndex] ? 0 : this.state.module.elements[segmentIndex].length;
  }

  /** An element of a segment that was not dropped, as bits: a VMFuncRef address, or a reference. */
  element(segmentIndex: number, index: number): number {
    const bits = this.#elements[segmentIndex];
    if (bits !== undefined) return bits[index];
    const { funcs } = this.state.module.elements[segmentIndex];
    // Segments of nothing but null have this form too, whatever their type.
    const func = (funcs ?? bug("an element segment was not evaluated"))[index];
    return func === NONE ? 0 : this.functionAddress(func);
  }

  /**
   * Elements of a segment from `start` on, as bits, by their place behind it: whatever is dropped meanwhile. References are read from `roots`,
   * which the caller shows to the collector as long as it may run.
   */
  elementsAt(segmentIndex: number, start: number, length: number): SegmentElements {
    const held = this.#elements[segmentIndex];
    if (held instanceof Int32Array) {
      const copy = held.slice(start, start + length);
      return { read: (i) => copy[i], roots: [copy] };
    }
    if (held !== undefined) return { read: (i) => held[start + i], roots: [] };
    const { funcs } = this.state.module.elements[segmentIndex];
    return {
      read: (i) => {
        const func = (funcs ?? bug("an element segment was not evaluated"))[start + i];
        return func === NONE ? 0 : this.functionAddress(func);
      },
      roots: [],
    };
  }

  /** elem.drop. */
  dropElements(segmentIndex: number): void {
    this.#isElementDropped[segmentIndex] = 1;
    this.#elements[segmentIndex] = undefined;
  }

  /** memory.init, also of active segments: validates, then writes. */
  initMemory(
    memoryIndex: number,
    segmentIndex: number,
    destination: number,
    source: number,
    length: number,
    trap: (code: TrapName) => Error,
  ): void {
    const memory = this.memories[memoryIndex];
    const bytes = this.dataBytes(segmentIndex, source, length);
    if (bytes === undefined || !memory.contains(destination, length)) throw trap("memory_out_of_bounds");
    if (length !== 0) memory.bytes.set(bytes, destination);
  }

  /** Bytes of a data segment, undefined when they are not all in it or it was dropped. */
  dataBytes(segmentIndex: number, source: number, length: number): Uint8Array | undefined {
    const { module } = this.state;
    const { start, end } = module.datas[segmentIndex];
    const available = this.#isDataDropped[segmentIndex] ? 0 : end - start;
    return source + length > available ? undefined : module.bytes.subarray(start + source, start + source + length);
  }

  /** data.drop. */
  dropData(segmentIndex: number): void {
    this.#isDataDropped[segmentIndex] = 1;
  }

  #placeImport(kind: string, index: number, given: ExternState): void {
    const { layout: { shape }, module } = this.state;
    const block = this.#block;
    if (given instanceof FuncState) {
      const at = shape.functionImport(index);
      const typeIndex = module.funcs[index];
      given.host === undefined || given.completeHost(this.code, typeIndex);
      const isHost = given.host !== undefined;
      block.setAddress(at + FUNCTION_IMPORT.body, isHost ? this.code.hostThunk(typeIndex) : given.callee);
      block.setAddress(at + FUNCTION_IMPORT.environment, isHost ? given.hostContext : given.vmctx);
      block.setAddress(at + FUNCTION_IMPORT.handle, given.referenceAddress());
      block.setI32(at + FUNCTION_IMPORT.kind, isHost ? FunctionKind.host : FunctionKind.wasm);
      this.#funcs[index] = given;
    } else if (given instanceof TableState) {
      this.#placeDefinition(shape.tableImport(index), VMTableImport.offsets, given);
      this.tables.push(given);
    } else if (given instanceof MemoryState) {
      this.#placeDefinition(shape.memoryImport(index), VMMemoryImport.offsets, given);
      this.memories.push(given);
    } else if (given instanceof GlobalState) {
      this.#placeDefinition(shape.globalImport(index), VMGlobalImport.offsets, given);
      this.globals.push(given);
    } else if (given instanceof TagState) {
      this.#placeDefinition(shape.tagImport(index), VMTagImport.offsets, given);
      this.tags.push(given);
    } else bug(`an import of kind ${kind} was not resolved`);
  }

  /** Where the definition of something imported is, and its number in the store. */
  #placeDefinition(
    at: number,
    offsets: { readonly definition: number; readonly handle: number },
    given: { readonly definitionAddress: number },
  ): void {
    this.#block.setAddress(at + offsets.definition, given.definitionAddress);
    this.#block.setAddress(at + offsets.handle, this.store.handleOf(given));
  }

  #makeMemories(): void {
    const { module, layout: { shape } } = this.state;
    for (let i = module.importedMemoryCount; i < module.memories.length; i++) {
      const defined = i - module.importedMemoryCount;
      const type = module.memories[i];
      const owned = ownedMemoryOf(module, i);
      const memory = new MemoryState(
        this.store,
        type,
        owned === NONE
          ? createCountedSharedMemory(this.store, type)
          : { block: this.#block, offsetBytes: shape.ownedMemory(owned) },
        this.store.recycler?.memoriesOf(this.state, defined),
      );
      this.#block.setAddress(shape.memoryPointer(defined), memory.definitionAddress);
      this.memories.push(memory);
    }
  }

  #makeGlobals(): void {
    const { state } = this;
    const { module, layout: { shape } } = state;
    const words = new Int32Array(4);
    for (let i = module.importedGlobalCount; i < module.globals.length; i++) {
      const offset = shape.global(i - module.importedGlobalCount);
      const global = new GlobalState(this.store, state.globalType(i), this.#block, offset);
      this.globals.push(global);
      this.#initializeGlobal(i, words);
    }
  }

  #initializeGlobal(globalIndex: number, words: Int32Array): void {
    const { module } = this.state;
    this.#evaluate(module.globals[globalIndex].init ?? bug("a global has no initial value"), words);
    this.globals[globalIndex].writeWords(words);
  }

  #makeTables(): void {
    const { state } = this;
    const { module, layout: { shape }, tableImages } = state;
    for (let i = module.importedTableCount; i < module.tables.length; i++) {
      const defined = i - module.importedTableCount;
      const funcs = tableImages[defined];
      const image = funcs === undefined ? undefined : { funcs, instance: this };
      const table = new TableState(this.store, state.tableType(i), this.#block, shape.table(defined), image);
      this.tables.push(table);
      this.#initializeTable(i);
    }
  }

  #initializeTable(tableIndex: number): void {
    const { init } = this.state.module.tables[tableIndex];
    const table = this.tables[tableIndex];
    if (init !== undefined) table.fill(0, this.#evaluateReference(init), table.size);
  }

  #makeTags(): void {
    const { module, layout: { shape }, typeIds } = this.state;
    for (let i = module.importedTagCount; i < module.tags.length; i++) {
      const offset = shape.tag(i - module.importedTagCount);
      this.tags.push(new TagState(this.store, typeIds[module.tags[i].typeIndex], this.#block, offset));
    }
  }

  #makeFunc(functionIndex: number): FuncState {
    const { module, layout: { shape, escaped }, typeIds } = this.state;
    const place = escaped[functionIndex];
    if (place === undefined || place === NONE) bug(`function ${functionIndex} has no reference`);
    const typeIndex = module.funcs[functionIndex];
    const signature = this.store.engine.signature(typeIds[typeIndex]);
    const origin = { instance: this, index: functionIndex };
    const func = new FuncState(this.store, signature, this.#block, shape.funcRef(place), origin);
    const callee = this.code.functionAddress(functionIndex - module.importedFuncCount);
    func.complete(callee, this.code.entryThunk(typeIndex), this.address);
    this.store.addFunc(func);
    return func;
  }

  /** The start function, if there is one: an imported one, or how to call the instance's own. */
  startFunction(): FuncState | CallTarget | undefined {
    const { module } = this.state;
    const functionIndex = module.start;
    if (functionIndex === NONE) return undefined;
    return this.#funcs[functionIndex] ?? {
      store: this.store,
      entryThunk: this.code.entryThunk(module.funcs[functionIndex]),
      callee: this.code.functionAddress(functionIndex - module.importedFuncCount),
      vmctx: this.address,
    };
  }

  #runStart(): void {
    const start = this.startFunction();
    if (start instanceof FuncState && start.host !== undefined) {
      callHostDirectly(this.store, start.signature, start.host, []);
    } else if (start !== undefined) callTarget(start);
  }

  /** Writes active data segments in order, those that the module has laid out already at once. */
  #writeData(): void {
    const { module, dataImage } = this.state;
    dataImage.memories.forEach((contents, i) => contents?.writeTo(this.memories[module.importedMemoryCount + i]));
    this.#isDataDropped.set(dataImage.dropped);
    for (let i = dataImage.segments; i < module.datas.length; i++) {
      const segment = module.datas[i];
      if (segment.mode !== "active") continue;
      const start = this.#offset(segment.offset);
      this.initMemory(segment.memoryIndex, i, start, 0, segment.end - segment.start, (code) => new Trap(code));
      this.dropData(i);
    }
  }

  /** What was evaluated already is a root while the rest is. */
  #evaluateElements(segmentIndex: number, exprs: readonly ConstExpr[]): void {
    const type = this.state.canonical(this.state.module.elements[segmentIndex].type);
    const isFunc = valueKindOf(this.store.engine.registry, type) === ValueKind.func;
    const elements = isFunc ? new Float64Array(exprs.length) : new Int32Array(exprs.length);
    this.#elements[segmentIndex] = elements;
    for (let i = 0; i < exprs.length; i++) elements[i] = this.#evaluateReference(exprs[i]);
  }

  /** Evaluates a constant expression. What it makes is unknown to the collector until it is stored: the caller does that at once. */
  #evaluate(expr: ConstExpr, words: Int32Array): void {
    if (allocates(expr)) {
      // An expression never collects (COLLECT-1). One that finds the heap full gets a second chance.
      this.store.gc.prepare();
      if (evaluateConst(expr, this, words)) return;
      this.store.gc.collect();
    }
    if (!evaluateConst(expr, this, words)) throw new Trap("gc_heap_exhausted");
  }

  /** A reference as bits: a VMFuncRef address or an object's. */
  #evaluateReference(expr: ConstExpr): number {
    const words = new Int32Array(4);
    this.#evaluate(expr, words);
    return (words[0] >>> 0) + words[1] * 0x1_0000_0000;
  }

  /** The offset of an active segment, unsigned. */
  #offset(expr: ConstExpr | undefined): number {
    const words = new Int32Array(4);
    this.#evaluate(expr ?? bug("an active segment has no offset"), words);
    return (words[0] >>> 0) + (words[1] >>> 0) * 0x1_0000_0000;
  }
}

/**
 * Instantiates a module. `onMade` gets the instance before any of its code runs.
 *
 * @throws {LinkError} and {@linkcode LimitError} before anything is made; {@linkcode Trap} and what a start function throws, after.
 */
export function instantiate(
  store: StoreState,
  state: ModuleState,
  imports: readonly ExternState[],
  onMade: (instance: InstanceState) => void = () => {},
  start: StartTime = "now",
): InstanceState {
  store.requireOpen();
  const checkImports = () => state.module.imports.forEach((_, i) => checkImport(store, state, i, imports[i]));
  checkImports();
  // Who starts it later has time to wait for the limiter (askLimiterAsync).
  if (store.limiter !== undefined && start === "now") {
    askLimiter(store, state);
    checkImports(); // It may have reset an instance whose memory had grown.
  }
  admitInstance(store, state);
  const instance = new InstanceState(store, state, imports);
  onMade(instance);
  instance.initialize(start);
  return instance;
}
