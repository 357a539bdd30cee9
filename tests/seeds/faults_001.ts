/** Document 001, typed views of structs in the heap of objects: one small fault for each row. */

import type { Fault } from "./row.ts";

const REFS = "lib/runtime/gc/refs.ts";
const STRUCT = "lib/runtime/gc/struct_ref.ts";
const DATA = "lib/runtime/gc/object_data.ts";
const HEAP = "lib/runtime/gc/heap.ts";
const HANDLES = "lib/runtime/gc/handles.ts";
const LAYOUT = "lib/abi/gc_layout.ts";

/** Every fault. */
export const FAULTS_001 = [
  { row: "1.1", file: REFS, replace: "return known ?? new", with: "return new" },
  {
    row: "1.2",
    file: "lib/engine/heap_refs.ts",
    replace: "return registry.isHeapSubtype(dynamicHeapType(store, reference), wanted);",
    with: "return dynamicHeapType(store, reference) === wanted;",
  },
  { row: "1.3", file: STRUCT, replace: "bits !== 0 && (bits & 1) === 0 &&", with: "bits !== 0 &&" },
  { row: "1.4", file: STRUCT, replace: "{ other: bits }", with: "{ other: 0 }" },
  { row: "1.5", file: STRUCT, replace: 'if (bits & 1) bug("an unboxed scalar is taken for a struct");', with: "" },
  {
    row: "1.6",
    file: STRUCT,
    replace: "return isStructRef(gc, bits) ? bits : undefined;",
    with: "return bits as VMStructRef;",
  },
  { row: "1.7", file: STRUCT, replace: "return bits as VMStructRef;\n", with: "return (bits | 4) as VMStructRef;\n" },
  {
    row: "1.8",
    file: HANDLES,
    replace: "if (this.#kinds[handle] === OBJECT) visitor.visit(this.#refs, handle);",
    with: "if (this.#kinds[handle] === OBJECT) visitor.visit(this.#refs.slice(), handle);",
  },
  { row: "1.9", file: REFS, replace: "gc.collector.cloneBarrier(reference);", with: "" },
  { row: "1.10", file: REFS, replace: "gc.collector.dropBarrier(reference);", with: "" },
  {
    row: "1.11",
    file: REFS,
    replace: "return store.gc.handles.referenceOf(value.#handle);",
    with:
      "store.gc.collector.cloneBarrier(store.gc.handles.referenceOf(value.#handle));\n      return store.gc.handles.referenceOf(value.#handle);",
  },
  { row: "1.12", file: HEAP, replace: "result[0] = data.readU8(offset);", with: "result[0] = data.readI8(offset);" },
  {
    row: "1.13",
    file: DATA,
    replace: "for (let i = 0; i < count; i++) into[i] = this.#view.getInt32(at + 4 * i, true);",
    with: "for (let i = 0; i < count; i++) into[i] = Math.fround(this.#view.getFloat32(at + 4 * i, true));",
  },
  { row: "1.14", file: REFS, replace: "if (kind === GcKind.extern) return gc.handles.externOf(handle);", with: "" },
  { row: "1.15", file: HEAP, replace: "data.writeU16(offset, value[0]);", with: "data.writeI32(offset, value[0]);" },
  {
    row: "1.16",
    file: DATA,
    replace: "for (let i = 0; i < count; i++) this.#view.setInt32(at + 4 * i, from[i], true);",
    with: "for (let i = 0; i < count; i++) this.#view.setInt32(at + 4 * i, from[i], false);",
  },
  {
    row: "1.17",
    file: HEAP,
    replace: "this.collector.writeBarrier(object, place, old, value[0]);",
    with: "if (value[0] !== 0) this.collector.writeBarrier(object, place, old, value[0]);",
  },
  {
    row: "1.18",
    file: REFS,
    replace: 'if (state.handle === 0) throw new RefError("released", "The reference is disposed");',
    with: "",
  },
  {
    row: "1.19",
    file: HEAP,
    replace: "this.collector.writeBarrier(reference, reference, 0, words[0]);",
    with:
      "this.collector.writeBarrier(reference, reference, this.structData(reference).readI32(offsets[field]), words[0]);",
  },
  { row: "1.20", file: LAYOUT, replace: "const align = Math.min(bytes, GC_ALIGN_BYTES);", with: "const align = 1;" },
  {
    row: "1.21",
    file: HEAP,
    replace: 'if (this.#holders !== 0) bug("a collection while references are held as numbers");',
    with: "",
  },
  {
    row: "1.22",
    file: DATA,
    replace: "(view, at) => view.getUint16(at, true)",
    with: "(view, at) => view.getUint16(at)",
  },
  {
    row: "1.23",
    file: DATA,
    replace: 'if (!(offset >= 0 && offset + sizeBytes <= this.#size)) bug("an access beyond its object");',
    with: 'if (!(offset + sizeBytes <= this.#size)) bug("an access beyond its object");',
  },
  {
    row: "1.24",
    file: DATA,
    replace:
      'if (!(first >= 0 && sizeBytes >= 0 && first + sizeBytes <= bytes.length)) bug("an object is outside of the heap");',
    with: "",
  },
  {
    row: "1.25",
    file: HEAP,
    replace: 'if (isRef(type) && !referenceMatches(this, bits, type)) bug("a reference of another type is stored");',
    with: "",
  },
  {
    row: "1.T1",
    file: HEAP,
    replace: "const address = this.funcAddress(data.readU32(offset));",
    with: "const address = data.readU32(offset);",
  },
  { row: "1.T2", file: HEAP, replace: "func.setGcId(id);", with: "" },
  {
    row: "1.T3",
    file: HEAP,
    replace: "if (storage[field] !== Storage.ref) return this.writeField(reference, field, words);",
    with:
      "if (storage[field] === Storage.func) return;\n    if (storage[field] !== Storage.ref) return this.writeField(reference, field, words);",
  },
] as const satisfies readonly Fault[];
