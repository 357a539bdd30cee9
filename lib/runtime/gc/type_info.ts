/**
 * What a collector knows of types, as columns by canonical id: sizes and the offsets of references (trace maps).
 *
 * Derived from the layouts of `lib/abi/gc_layout.ts`, for struct and array types when they are entered, for function types when a tag of that
 * type exists, since exceptions have such a type id.
 *
 * May import: base, wasm, abi. @module
 */

import { GcKind, GcLayouts, Storage, typeDepth } from "../../abi/mod.ts";
import { bug, growInt32 } from "../../base/mod.ts";
import type { TypeRegistry } from "../../wasm/mod.ts";

/** The types of an engine as its collectors see them. */
export class GcTypes {
  readonly registry: TypeRegistry;
  /** Layouts by canonical id. */
  readonly layouts: GcLayouts;
  /** Kind of the objects of a type; GcKind.none for function types. */
  kinds: Uint8Array = new Uint8Array(64);
  /** Size of a struct or exception, 0 where the type is not known to be one; log2 of the element size of an array. */
  sizes: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Where a type's offsets start in `refOffsets`; for arrays of references, any place with one entry. */
  refStarts: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** How many offsets there are; for arrays 1 if elements are references. */
  refCounts: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Byte offsets of references inside objects. */
  refOffsets: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Types that the columns cover. */
  count = 0;
  #offsetCount = 0;

  constructor(registry: TypeRegistry) {
    // External objects have type id 0 in their headers: a function type, of which no object is an instance (GC-T).
    if (registry.internFuncType([], []) !== 0) bug("a registry had types before its collectors knew them");
    this.registry = registry;
    this.layouts = new GcLayouts(registry.types);
  }

  /** Covers all types of the registry. */
  sync(): void {
    const { registry, layouts } = this;
    const { count } = registry;
    if (count === this.count) return;
    if (this.kinds.length < count) {
      const kinds = new Uint8Array(count * 2);
      kinds.set(this.kinds);
      this.kinds = kinds;
    }
    this.sizes = growInt32(this.sizes, count);
    this.refStarts = growInt32(this.refStarts, count);
    this.refCounts = growInt32(this.refCounts, count);
    for (let id = this.count; id < count; id++) {
      const { kind } = registry.types[id];
      this.kinds[id] = kind === "func" ? GcKind.none : GcKind[kind];
      if (kind === "struct") {
        const { sizeBytes, refOffsets } = layouts.struct(id);
        this.#setRefs(id, sizeBytes, refOffsets);
      } else if (kind === "array") {
        const { elementLog2, storage } = layouts.array(id);
        this.sizes[id] = elementLog2;
        this.refCounts[id] = storage === Storage.ref ? 1 : 0;
      }
    }
    this.count = count;
  }

  /** Learns the layout of exceptions whose tag has this function type. */
  coverExn(id: number): void {
    this.sync();
    if (this.sizes[id] !== 0) return;
    const { sizeBytes, refOffsets } = this.layouts.exn(id);
    this.#setRefs(id, sizeBytes, refOffsets);
  }

  /** The number of declared supertypes above a type. */
  depth(id: number): number {
    return typeDepth(this.registry.types, id);
  }

  #setRefs(id: number, sizeBytes: number, offsets: Int32Array): void {
    this.sizes[id] = sizeBytes;
    this.refStarts[id] = this.#offsetCount;
    this.refCounts[id] = offsets.length;
    this.refOffsets = growInt32(this.refOffsets, this.#offsetCount + offsets.length);
    this.refOffsets.set(offsets, this.#offsetCount);
    this.#offsetCount += offsets.length;
  }
}
