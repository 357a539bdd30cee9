/**
 * A store's heap as the runtime sees it: allocation by type, access to fields, handles, function ids; over whichever collector does the rest.
 *
 * Address space is taken when the first object is made or the first module comes that may have any. Everything here obeys COLLECT-1: nothing
 * collects but `prepare` and `collect`.
 *
 * HEAP-1  Readers and writers go through {@linkcode ObjectData}, which checks that what they touch lies inside the object (SEEDS 1.23): a defect
 *         of ours ends in an error, not elsewhere in the heap.
 * HEAP-2  A function's id never changes or goes: functions live as long as their store (OWN-1), and each has at most one id, so the table of
 *         ids is bounded by the functions there are and needs no collection.
 * HEAP-3  While somebody holds references as numbers ({@linkcode GcHeap.holdReferences}), a collection is a defect, found at once (SEEDS 1.21).
 */

import {
  arrayBytes,
  GC_ARRAY_ELEMENTS,
  GC_HANDLE_MASK,
  GC_KIND_SHIFT,
  GC_TYPE_ID_MASK,
  GcArrayHead,
  type GcArrayLayout,
  GcCont,
  GcExnHead,
  GcKind,
  type GcStructLayout,
  Storage,
  STORAGE_BYTES,
  VMStoreContext,
} from "../../abi/mod.ts";
import { bug, NONE } from "../../base/mod.ts";
import { isRef, type ValType } from "../../wasm/mod.ts";
import type { Block, BlockAllocator } from "../block.ts";
import type { FuncState } from "../func_ref.ts";
import type { StoreUsage } from "../usage.ts";
import type { Collector, ContinuationSource, RootSource, RootVisitor, WeakSource } from "./collector.ts";
import { HandleTable } from "./handles.ts";
import { GenerationalCollector } from "./generational.ts";
import { NullCollector } from "./null_collector.ts";
import { CountingCollector } from "./counting.ts";
import type { CollectorName, HeapEnvironment, HeapOptions } from "./collector_options.ts";
import { ObjectData } from "./object_data.ts";
import { SemispaceCollector } from "./semispace.ts";
import { referenceMatches } from "./type_check.ts";
import type { GcTypes } from "./type_info.ts";

const CONTEXT = VMStoreContext.offsets;
const EXTERN_BYTES = 8;

const MAKE_COLLECTOR: Record<CollectorName, (environment: HeapEnvironment, options: HeapOptions) => Collector> = {
  generational: (environment, options) => new GenerationalCollector(environment, options),
  copying: (environment, options) => new SemispaceCollector(environment, options),
  refcounting: (environment, options) => new CountingCollector(environment, options),
  null: (environment, options) => new NullCollector(environment, options),
};

/** What a heap needs of its store. */
export interface HeapOwner extends RootSource {
  readonly types: GcTypes;
  readonly storeContext: Block;
  readonly blocks: BlockAllocator;
  readonly heapOptions: HeapOptions;
  readonly continuations: ContinuationSource;
  /** What the store may have and has. */
  readonly usage: StoreUsage;
  /** Told once, when the heap has an address. */
  heapReserved(baseAddress: number): void;
  /** Told by a collection that failed: the heap is half moved. */
  poison(reason: string): void;
  /** Throws unless the store can be used. @throws {TypeError} */
  requireOpen(): void;
  /** The function whose VMFuncRef is at the address. */
  funcAt(address: number): FuncState;
}

/** The objects of a store. */
export class GcHeap {
  readonly handles: HandleTable;
  readonly types: GcTypes;
  /** Called before each collection: for the verifier, in tests. */
  onCollecting: (() => void) | undefined = undefined;
  /** Called after each collection: for the verifier, in tests. */
  onCollected: (() => void) | undefined = undefined;
  readonly #owner: HeapOwner;
  #collector: Collector | undefined;
  /** Addresses of VMFuncRefs by id, and how many. */
  #funcTable: Block | undefined;
  #funcCount = 1;
  /** The object that is read or written. */
  readonly #data = new ObjectData();
  /** How many hold references (HEAP-3). */
  #holders = 0;
  readonly #hold: Disposable = { [Symbol.dispose]: () => void this.#holders-- };

  constructor(owner: HeapOwner) {
    this.#owner = owner;
    this.types = owner.types;
    this.handles = new HandleTable(owner.usage);
  }

  /** Gives the collector's memory back, and knows nothing else of the heap: for stores that nobody closed. */
  get releaser(): { close(): void } {
    const { memory } = this.collector;
    return { close: () => memory.release() };
  }

  /** Whether the heap has an address. */
  get isReserved(): boolean {
    return this.#collector !== undefined;
  }

  /** The collector, made when first asked for. @throws {HostError} when the address space is refused. @throws {TypeError} when the store is closed. */
  get collector(): Collector {
    return this.#collector ?? this.#open();
  }

  #open(): Collector {
    // The heap of a closed store would never be given back.
    this.#owner.requireOpen();
    const { types, storeContext, heapOptions } = this.#owner;
    const roots: RootSource = {
      visitRoots: (visitor: RootVisitor) => {
        if (!this.collector.countsHandles) this.handles.visitRoots(visitor);
        this.#owner.visitRoots(visitor);
      },
    };
    const { continuations, usage } = this.#owner;
    const weak: WeakSource = {
      visitWeak: (moved) => {
        this.handles.visitWeak(moved);
        continuations.sweep();
      },
      externDied: (handle) => this.handles.freeExtern(handle),
    };
    const { handles } = this;
    const beginCollection = () => this.onCollecting?.();
    const environment = {
      types,
      storeContext,
      roots,
      handles,
      weak,
      continuations,
      account: usage,
      beginCollection,
    };
    this.#collector = MAKE_COLLECTOR[heapOptions.collector](environment, heapOptions);
    this.#growFuncTable(); // code reads entry 0 for null
    this.#owner.heapReserved(this.#collector.baseAddress);
    return this.#collector;
  }

  /** A point where no raw reference is held: collects if it is time, so that `sizeBytes` can be allocated. */
  prepare(sizeBytes = EXTERN_BYTES): void {
    this.#requireUnheld();
    const { collector } = this;
    const before = collector.collections;
    try {
      collector.prepare(sizeBytes);
    } catch (error) {
      this.#fail(error);
    }
    if (collector.collections !== before) this.onCollected?.();
  }

  /** As {@linkcode GcHeap.prepare}, for a value that is to get an object: host values that no guest refers to any more are found by collections only. */
  prepareExtern(value: unknown): void {
    if (this.handles.isFull && this.handles.findExtern(value) === 0) this.collect();
    else this.prepare();
  }

  /** Collects now, if there is anything; no raw reference is held. */
  collect(): void {
    this.#requireUnheld();
    try {
      this.#collector?.collect();
    } catch (error) {
      this.#fail(error);
    }
    this.onCollected?.();
  }

  /** Machine code has filled the log of stores (GC-L). Collects nothing. */
  logFull(): void {
    try {
      this.collector.logFull();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Says that references are held as numbers from here to the end of the scope: `using _ = gc.holdReferences()`. What would collect meanwhile
   * fails (HEAP-3).
   */
  holdReferences(): Disposable {
    this.#holders++;
    return this.#hold;
  }

  #requireUnheld(): void {
    if (this.#holders !== 0) bug("a collection while references are held as numbers");
  }

  #fail(error: unknown): never {
    this.#owner.poison(`a collection failed: ${error instanceof Error ? error.message : String(error)}`);
    throw error;
  }

  /** A struct of zeroes, or 0 when the heap is full. */
  newStruct(typeId: number): number {
    const layout = this.types.layouts.struct(typeId);
    return this.collector.allocate(GcKind.struct << GC_KIND_SHIFT | typeId, layout.sizeBytes);
  }

  /** Bytes of an array of this type. */
  arrayBytes(typeId: number, length: number): number {
    return arrayBytes(this.types.layouts.array(typeId), length);
  }

  /** An array of zeroes, or 0 when the heap is full. */
  newArray(typeId: number, length: number): number {
    const { collector } = this;
    const sizeBytes = this.arrayBytes(typeId, length);
    const reference = collector.allocate(GcKind.array << GC_KIND_SHIFT | typeId, sizeBytes);
    if (reference !== 0) collector.words[this.#word(reference + GcArrayHead.offsets.length)] = length;
    return reference;
  }

  /** An exception with a payload of zeroes, or 0 when the heap is full; `typeId` is that of the tag's function type. */
  newExn(typeId: number, tagNumber: number): number {
    this.types.coverExn(typeId);
    const { collector } = this;
    const { sizeBytes } = this.types.layouts.exn(typeId);
    const reference = collector.allocate(GcKind.exn << GC_KIND_SHIFT | typeId, sizeBytes);
    if (reference !== 0) collector.words[this.#word(reference + GcExnHead.offsets.tag)] = tagNumber;
    return reference;
  }

  /** A continuation reference, or 0 when the heap is full. */
  newCont(typeId: number, number: number): number {
    const { collector } = this;
    const reference = collector.allocate(GcKind.cont << GC_KIND_SHIFT | typeId, 16);
    if (reference !== 0) collector.words[this.#word(reference + GcCont.offsets.number)] = number;
    return reference;
  }

  /** The object that stands for a JavaScript value; one for each while it lives. 0 when the heap is full. @throws {LimitError} when there are too many. */
  externOf(value: unknown): number {
    const known = this.handles.findExtern(value);
    if (known !== 0) return known;
    this.handles.requireRoom();
    const reference = this.collector.allocate(GcKind.extern << GC_KIND_SHIFT, EXTERN_BYTES);
    if (reference !== 0) this.setHandle(reference, this.handles.addExtern(value, reference));
    return reference;
  }

  /** The kind of the object: a {@linkcode GcKind}. */
  kindOf(reference: number): number {
    return this.typeWordOf(reference) >>> GC_KIND_SHIFT;
  }

  /** The canonical id in an object's header. */
  typeIdOf(reference: number): number {
    return this.typeWordOf(reference) & GC_TYPE_ID_MASK;
  }

  /** The type word of an object. */
  typeWordOf(reference: number): number {
    return this.collector.words[this.#word(reference)] ?? bug("a reference is outside of the heap");
  }

  /** The handle in an object's header, 0 for none. */
  handleOf(reference: number): number {
    return this.collector.words[this.#word(reference) + 1] & GC_HANDLE_MASK;
  }

  /** Writes the handle into an object's header. */
  setHandle(reference: number, handle: number): void {
    const { words } = this.collector;
    const word = this.#word(reference) + 1;
    words[word] = words[word] & ~GC_HANDLE_MASK | handle;
  }

  /** The number of elements of an array. */
  arrayLength(reference: number): number {
    if (this.kindOf(reference) !== GcKind.array) bug("not an array");
    return this.collector.words[this.#word(reference + GcArrayHead.offsets.length)] >>> 0;
  }

  /** The tag number of an exception. */
  exnTag(reference: number): number {
    if (this.kindOf(reference) !== GcKind.exn) bug("not an exception");
    return this.collector.words[this.#word(reference + GcExnHead.offsets.tag)] >>> 0;
  }

  /** The number of a continuation reference. */
  contNumber(reference: number): number {
    if (this.kindOf(reference) !== GcKind.cont) bug("not a continuation");
    return this.collector.words[this.#word(reference + GcCont.offsets.number)] >>> 0;
  }

  /** Notes the type of a continuation. */
  nameCont(reference: number, typeId: number): void {
    if (this.kindOf(reference) !== GcKind.cont) bug("not a continuation");
    this.collector.words[this.#word(reference)] = GcKind.cont << GC_KIND_SHIFT | typeId;
  }

  /** Marks a continuation reference as consumed: its number is 0. */
  consumeCont(reference: number): void {
    if (this.kindOf(reference) !== GcKind.cont) bug("not a continuation");
    this.collector.words[this.#word(reference + GcCont.offsets.number)] = 0;
  }

  /** The layout of an array. */
  arrayLayout(reference: number): GcArrayLayout {
    if (this.kindOf(reference) !== GcKind.array) bug("not an array");
    return this.types.layouts.array(this.typeIdOf(reference));
  }

  /** The layout of a struct or an exception. */
  structLayout(reference: number): GcStructLayout {
    const kind = this.kindOf(reference);
    if (kind === GcKind.struct) return this.types.layouts.struct(this.typeIdOf(reference));
    if (kind === GcKind.exn) return this.types.layouts.exn(this.typeIdOf(reference));
    return bug("not a struct");
  }

  /** Writes the descriptor of a new struct (custom descriptors). */
  setDescriptor(reference: number, descriptor: number): void {
    const { descriptorOffset } = this.structLayout(reference);
    if (descriptorOffset === NONE) bug("a struct of a type without descriptor gets one");
    this.collector.writeBarrier(reference, reference, 0, descriptor);
    this.collector.words[this.#word(reference + descriptorOffset)] = descriptor;
  }

  /** The bytes of a struct or an exception, until the next allocation (DATA-2). */
  structData(reference: number): ObjectData {
    return this.#data.aim(this.collector, reference, this.structLayout(reference).sizeBytes);
  }

  /** The bytes of an array, its head included. */
  #arrayData(reference: number, elementBytes: number): ObjectData {
    const sizeBytes = GC_ARRAY_ELEMENTS + this.arrayLength(reference) * elementBytes;
    return this.#data.aim(this.collector, reference, sizeBytes);
  }

  /** Reads a field into the first words of `words`, packed ones zero-extended (SEEDS 1.12 to 1.14), a function as its VMFuncRef's address. */
  readField(reference: number, field: number, words: Int32Array): void {
    const { offsets, storage } = this.structLayout(reference);
    this.#checkField(field, offsets.length);
    this.#read(this.structData(reference), offsets[field], storage[field], words);
  }

  /** Writes a field from the first words of `words` (SEEDS 1.15 to 1.17). */
  writeField(reference: number, field: number, words: Int32Array): void {
    const { offsets, storage } = this.structLayout(reference);
    this.#checkField(field, offsets.length);
    if (this.#checksTypes && storage[field] === Storage.ref) {
      this.#checkType(this.#fieldType(reference, field), words[0]);
    }
    this.#write(this.structData(reference), offsets[field], storage[field], words, reference, reference);
  }

  /** Writes a field of a new object: what it overwrites is no reference, whatever is there (SEEDS 1.19). */
  initializeField(reference: number, field: number, words: Int32Array): void {
    const { offsets, storage } = this.structLayout(reference);
    if (storage[field] !== Storage.ref) return this.writeField(reference, field, words);
    this.#checkField(field, offsets.length);
    if (this.#checksTypes) this.#checkType(this.#fieldType(reference, field), words[0]);
    this.collector.writeBarrier(reference, reference, 0, words[0]);
    this.structData(reference).writeI32(offsets[field], words[0]);
  }

  /** Reads an element; the caller checked the bounds. */
  readElement(reference: number, index: number, words: Int32Array): void {
    const { storage, elementBytes } = this.arrayLayout(reference);
    const data = this.#arrayData(reference, elementBytes);
    this.#read(data, GC_ARRAY_ELEMENTS + index * elementBytes, storage, words);
  }

  /** Writes an element; the caller checked the bounds. */
  writeElement(reference: number, index: number, words: Int32Array): void {
    const { storage, elementBytes } = this.arrayLayout(reference);
    if (this.#checksTypes && storage === Storage.ref) this.#checkType(this.#elementType(reference), words[0]);
    const data = this.#arrayData(reference, elementBytes);
    const offset = index * elementBytes;
    this.#write(data, GC_ARRAY_ELEMENTS + offset, storage, words, reference, reference + offset);
  }

  /** Writes one value to elements [start, start + length); the caller checked the bounds. */
  fillElements(reference: number, start: number, length: number, words: Int32Array): void {
    if (length === 0) return;
    this.writeElement(reference, start, words);
    const { collector } = this;
    const { elementBytes, storage } = this.arrayLayout(reference);
    if (collector.hasBarriers && storage === Storage.ref) {
      for (let i = start + 1; i < start + length; i++) this.writeElement(reference, i, words);
      return;
    }
    const { bytes } = collector;
    const first = reference + GC_ARRAY_ELEMENTS + start * elementBytes - collector.start;
    const total = length * elementBytes;
    // What is written doubles each time.
    for (let done = elementBytes; done < total; done *= 2) {
      bytes.copyWithin(first + done, first, first + Math.min(done, total - done));
    }
  }

  /** Copies elements between arrays with elements of one size, overlap-safe; the caller checked the bounds. */
  copyElements(target: number, targetStart: number, source: number, sourceStart: number, length: number): void {
    const { collector } = this;
    const { elementBytes, storage } = this.arrayLayout(target);
    if (elementBytes !== this.arrayLayout(source).elementBytes) bug("arrays of different elements are copied");
    const to = target + GC_ARRAY_ELEMENTS + targetStart * elementBytes - collector.start;
    const from = source + GC_ARRAY_ELEMENTS + sourceStart * elementBytes - collector.start;
    if (storage === Storage.ref) this.#copyBarriers(target, targetStart, to, from, length);
    collector.bytes.copyWithin(to, from, from + length * elementBytes);
  }

  /** Writes bytes over the elements from `start` on; the caller checked the bounds. */
  writeElementBytes(reference: number, start: number, source: Uint8Array): void {
    const { collector } = this;
    const { elementBytes } = this.arrayLayout(reference);
    collector.bytes.set(source, reference + GC_ARRAY_ELEMENTS + start * elementBytes - collector.start);
  }

  /** The id of a function for objects, given by its VMFuncRef's address; 0 for 0. */
  internFunc(address: number): number {
    if (address === 0) return 0;
    const func = this.#owner.funcAt(address);
    if (func.gcId === 0) {
      const id = this.#funcCount++;
      this.#growFuncTable();
      this.#funcTable!.setAddress(8 * id, address);
      func.setGcId(id);
    }
    return func.gcId;
  }

  /** The VMFuncRef address of a function id. */
  funcAddress(id: number): number {
    if (id === 0) return 0;
    if (!(id < this.#funcCount)) bug(`no function has id ${id}`);
    return this.#funcTable!.getAddress(8 * id);
  }

  /** Gives everything back. */
  close(): void {
    this.handles.clear();
    this.#collector?.release();
    this.#collector = undefined;
  }

  #growFuncTable(): void {
    const { blocks, storeContext } = this.#owner;
    const old = this.#funcTable;
    if (old === undefined || 8 * this.#funcCount > old.byteLength) {
      const table = blocks.allocate(Math.max(1024, old === undefined ? 0 : 2 * old.byteLength));
      if (old !== undefined) {
        table.words.set(old.words);
        blocks.free(old);
      }
      this.#funcTable = table;
      storeContext.setAddress(CONTEXT.funcTable, table.address);
    }
    storeContext.setAddress(CONTEXT.funcTableLength, this.#funcCount);
  }

  #copyBarriers(target: number, start: number, to: number, from: number, length: number): void {
    const { collector } = this;
    if (!collector.hasBarriers) return;
    const { words } = collector;
    for (let i = 0; i < length; i++) {
      collector.writeBarrier(target, target + 4 * (start + i), words[(to >>> 2) + i], words[(from >>> 2) + i]);
    }
  }

  #checkField(field: number, count: number): void {
    if (!(field >= 0 && field < count)) bug(`an object has no field ${field}`);
  }

  /** Index into the collector's words. */
  #word(index: number): number {
    return (index - this.collector.start) >>> 2;
  }

  /** Whether what is stored is compared with the type of its place: where everything else is checked as well. */
  get #checksTypes(): boolean {
    return this.#owner.heapOptions.collectAlways;
  }

  #checkType(type: ValType, bits: number): void {
    if (isRef(type) && !referenceMatches(this, bits, type)) bug("a reference of another type is stored");
  }

  #fieldType(reference: number, field: number): ValType {
    const type = this.types.registry.types[this.typeIdOf(reference)];
    return type.kind === "struct"
      ? type.fields[field]
      : type.kind === "func"
      ? type.params[field]
      : bug("not a struct");
  }

  #elementType(reference: number): ValType {
    const type = this.types.registry.types[this.typeIdOf(reference)];
    return type.kind === "array" ? type.element : bug("not an array");
  }

  #read(data: ObjectData, offset: number, storage: number, result: Int32Array): void {
    result[1] = result[2] = result[3] = 0;
    switch (storage) {
      case Storage.i8:
        result[0] = data.readU8(offset);
        break;
      case Storage.i16:
        result[0] = data.readU16(offset);
        break;
      case Storage.func: {
        const address = this.funcAddress(data.readU32(offset));
        result[0] = address;
        result[1] = Math.floor(address / 0x1_0000_0000);
        break;
      }
      default:
        data.readWords(offset, STORAGE_BYTES[storage] >> 2, result);
    }
  }

  #write(
    data: ObjectData,
    offset: number,
    storage: number,
    value: Int32Array,
    object: number,
    place: number,
  ): void {
    switch (storage) {
      case Storage.i8:
        data.writeU8(offset, value[0]);
        break;
      case Storage.i16:
        data.writeU16(offset, value[0]);
        break;
      case Storage.func:
        data.writeU32(offset, this.internFunc((value[0] >>> 0) + value[1] * 0x1_0000_0000));
        break;
      case Storage.ref: {
        // A copy of the old one, the barrier, then the store; null is stored like any other (SEEDS 1.17).
        const old = data.readI32(offset);
        this.collector.writeBarrier(object, place, old, value[0]);
        data.writeI32(offset, value[0]);
        break;
      }
      default:
        data.writeWords(offset, STORAGE_BYTES[storage] >> 2, value);
    }
  }
}
