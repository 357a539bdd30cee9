/**
 * Types as text.
 *
 * May import: wasm. @module
 */
import {
  ABSTRACT_HEAP_TYPES,
  type DefinedType,
  fullHeapType,
  type HeapType,
  inexactHeap,
  isExactHeap,
  isNullable,
  isRef,
  type ValType,
  valTypeToString,
} from "../wasm/mod.ts";
import type { Identifiers } from "./identifiers.ts";
import { nullableRefKeyword } from "./keywords.ts";

const HEAP_NAMES = new Map<HeapType, string>(ABSTRACT_HEAP_TYPES.map(([name, code]) => [code, name]));

/** Prints the types of one module. */
export class TypePrinter {
  readonly #types: readonly DefinedType[];
  readonly #ids: Identifiers;

  constructor(types: readonly DefinedType[], ids: Identifiers) {
    this.#types = types;
    this.#ids = ids;
  }

  /** How the text refers to a type. */
  ref(typeIndex: number): string {
    return this.#ids.ref(typeIndex);
  }

  /** A heap type: `any`, `$t`, `(exact $t)`. */
  heap(heap: HeapType): string {
    const abstract = HEAP_NAMES.get(heap);
    if (abstract !== undefined) return abstract;
    const ref = this.#ids.ref(inexactHeap(heap));
    return isExactHeap(heap) ? `(exact ${ref})` : ref;
  }

  /** A reference type given by its parts. */
  reference(heap: HeapType, nullable: "null" | "non-null"): string {
    return `(ref ${nullable === "null" ? "null " : ""}${this.heap(heap)})`;
  }

  /** A value or storage type. */
  value(type: ValType): string {
    if (!isRef(type)) return valTypeToString(type);
    const heap = fullHeapType(type);
    if (!isNullable(type)) return this.reference(heap, "non-null");
    const abstract = HEAP_NAMES.get(heap);
    return abstract === undefined ? this.reference(heap, "null") : nullableRefKeyword(abstract);
  }

  /** ` (keyword t1 t2)` with a space before it; empty for no types. */
  list(keyword: "param" | "result" | "local", types: ArrayLike<ValType>): string {
    if (types.length === 0) return "";
    return ` (${keyword} ${Array.from(types, (type) => this.value(type)).join(" ")})`;
  }

  /** ` (type $t)` and, where it is a function type, its parameters and results for the reader. */
  use(typeIndex: number): string {
    const type = this.#types[typeIndex];
    const use = ` (type ${this.ref(typeIndex)})`;
    return type?.kind === "func" ? use + this.list("param", type.params) + this.list("result", type.results) : use;
  }

  /** A composite type: `(func (param i32))`. `fields` names the fields of a struct type. */
  composite(type: DefinedType, fields: Identifiers): string {
    switch (type.kind) {
      case "func":
        return `(func${this.list("param", type.params)}${this.list("result", type.results)})`;
      case "array":
        return `(array ${this.#field(type.element, type.isMutable)})`;
      case "cont":
        return `(cont ${this.ref(type.func)})`;
      case "struct": {
        const text = Array.from(
          type.fields,
          (field, index) =>
            ` (field${fields.declaration(index)} ${this.#field(field, type.fieldMutable[index] === 1)})`,
        );
        return `(struct${text.join("")})`;
      }
    }
  }

  /** What stands after the identifier in a type definition: the composite type inside its `sub` form where it needs one. */
  definition(type: DefinedType, fields: Identifiers): string {
    let text = this.composite(type, fields);
    if (type.kind === "struct") {
      if (type.descriptor >= 0) text = `(descriptor ${this.ref(type.descriptor)}) ${text}`;
      if (type.describes >= 0) text = `(describes ${this.ref(type.describes)}) ${text}`;
    }
    if (type.isFinal && type.supertype < 0) return text;
    const final = type.isFinal ? "final " : "";
    const supertype = type.supertype < 0 ? "" : `${this.ref(type.supertype)} `;
    return `(sub ${final}${supertype}${text})`;
  }

  #field(type: ValType, isMutable: boolean): string {
    return isMutable ? `(mut ${this.value(type)})` : this.value(type);
  }
}
