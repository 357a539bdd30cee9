/**
 * Canonical type ids: equal types get one id, so that type equality across modules is an integer comparison.
 *
 * Type equality is structural per recursion group (spec: "Type Equivalence", iso-recursive): two groups are equal when they
 * are the same after types inside the group are named relative to it and types outside by their own identity. Each group is
 * written as a key in that form, with outside types as canonical ids, and hash-consed; a group that is not known gets the
 * next ids, in order. So ids of a group are consecutive, and a supertype's id is smaller than its subtype's or in its group.
 *
 * An engine owns one registry for all its modules; a module's own (see module.ts) serves its validation.
 *
 * REGISTRY-1  Types stored here name canonical ids, never module type indices.
 * REGISTRY-2  Ids are never reused: code and stores may keep them.
 *
 * Cost: linear in the size of the types, plus one string per group.
 *
 * May import: base. @module
 */
import { bug, growInt32, NONE } from "../base/mod.ts";
import {
  type ArrayType,
  type ContType,
  type DefinedType,
  fullHeapType,
  type FuncType,
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_BOTTOM,
  HEAP_CONT,
  HEAP_EQ,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_I31,
  HEAP_NOCONT,
  HEAP_NOEXN,
  HEAP_NOEXTERN,
  HEAP_NOFUNC,
  HEAP_NONE,
  HEAP_STRUCT,
  type HeapType,
  heapType,
  inexactHeap,
  isExact,
  isExactHeap,
  isNullable,
  isRef,
  type StructType,
  type ValType,
  withHeapType,
} from "./types.ts";

/** The tops that the abstract heap types below `any` belong to; the others are their own tops. */
function isBelowAny(heap: HeapType): boolean {
  return heap <= HEAP_ANY && heap >= HEAP_ARRAY;
}

const IDENTITY = (heap: HeapType) => heap;

/** The canonical types of all modules that were entered, with equality (`===` on ids) and subtyping. */
export class TypeRegistry {
  /** The types by id; types inside name ids (REGISTRY-1). */
  readonly types: DefinedType[] = [];
  #supers = new Int32Array(64);
  #depths = new Int32Array(64);
  readonly #groups = new Map<string, number>();

  /** The number of canonical types. */
  get count(): number {
    return this.types.length;
  }

  /** Enters a module's types; returns the canonical id of each type index. */
  canonicalize(module: { readonly types: readonly DefinedType[] }): Int32Array {
    const { types } = module;
    const ids = new Int32Array(types.length);
    for (let start = 0; start < types.length; start += types[start].groupSize) {
      this.canonicalizeGroup(types, start, types[start].groupSize, ids);
    }
    return ids;
  }

  /** Enters the group at `start`; sets its ids in `ids`, which holds those of all earlier types. */
  canonicalizeGroup(types: readonly DefinedType[], start: number, size: number, ids: Int32Array): void {
    const key = groupKey(types, start, size, ids);
    const known = this.#groups.get(key);
    const first = known ?? this.types.length;
    for (let i = 0; i < size; i++) ids[start + i] = first + i;
    if (known !== undefined) return;
    this.#groups.set(key, first);
    const toId = (heap: HeapType) => heap >= 0 ? ids[heap] : heap;
    for (let i = 0; i < size; i++) this.#append(rewrite(types[start + i], toId, first, size));
  }

  #append(type: DefinedType): void {
    const id = this.types.length;
    this.#supers = growInt32(this.#supers, id + 1);
    this.#depths = growInt32(this.#depths, id + 1);
    this.#supers[id] = type.supertype;
    this.#depths[id] = type.supertype === NONE ? 0 : this.#depths[type.supertype] + 1;
    this.types.push(type);
  }

  /** The id of a function type that no module defines, from parameter and result types with canonical ids. */
  internFuncType(params: ArrayLike<ValType>, results: ArrayLike<ValType>): number {
    // A group of one final function type; its outside types are canonical already.
    const type: FuncType = {
      kind: "func",
      isFinal: true,
      supertype: NONE,
      groupStart: 0,
      groupSize: 1,
      params: Int32Array.from(params),
      results: Int32Array.from(results),
    };
    const key = `f1:${NONE}:${[...type.params].map((t) => keyOfType(t, IDENTITY))}>${
      [...type.results].map((t) => keyOfType(t, IDENTITY))
    }`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const id = this.types.length;
    this.#groups.set(key, id);
    this.#append({ ...type, groupStart: id });
    return id;
  }

  /** The function type with this id. */
  funcType(id: number): FuncType {
    const type = this.types[id];
    return type?.kind === "func" ? type : bug(`canonical type ${id} is not a function type`);
  }

  /** The id of the declared supertype, or NONE. */
  supertype(id: number): number {
    return this.#supers[id];
  }

  /** The number of declared supertypes above a type. */
  depth(id: number): number {
    return this.#depths[id];
  }

  /** Whether type `a` is `b` or declares it, directly or not, as its supertype. */
  isSubtype(a: number, b: number): boolean {
    const supers = this.#supers;
    while (a !== b) {
      a = supers[a];
      if (a === NONE) return false;
    }
    return true;
  }

  /** Whether heap type `a` matches `b` (spec: match-heaptype); concrete ones are canonical ids. */
  isHeapSubtype(a: HeapType, b: HeapType): boolean {
    if (a === b || a === HEAP_BOTTOM) return true;
    if (isExactHeap(b)) {
      // Only bottoms are below an exact type (spec: match-heaptype of custom descriptors).
      if (a >= 0) return false;
      b = inexactHeap(b);
    }
    a = inexactHeap(a);
    if (a >= 0) {
      if (b >= 0) return this.isSubtype(a, b);
      switch (this.types[a].kind) {
        case "func":
          return b === HEAP_FUNC;
        case "struct":
          return b === HEAP_STRUCT || b === HEAP_EQ || b === HEAP_ANY;
        case "array":
          return b === HEAP_ARRAY || b === HEAP_EQ || b === HEAP_ANY;
        case "cont":
          return b === HEAP_CONT;
      }
    }
    switch (a) {
      case HEAP_EQ:
        return b === HEAP_ANY;
      case HEAP_I31:
      case HEAP_STRUCT:
      case HEAP_ARRAY:
        return b === HEAP_EQ || b === HEAP_ANY;
      case HEAP_NONE:
        return b >= 0 ? this.topOf(b) === HEAP_ANY : isBelowAny(b);
      case HEAP_NOFUNC:
        return b >= 0 ? this.types[b].kind === "func" : b === HEAP_FUNC;
      case HEAP_NOEXTERN:
        return b === HEAP_EXTERN;
      case HEAP_NOEXN:
        return b === HEAP_EXN;
      case HEAP_NOCONT:
        return b >= 0 ? this.types[b].kind === "cont" : b === HEAP_CONT;
      default:
        return false;
    }
  }

  /** Whether a value of type `a` may stand where `b` is asked for; concrete types are canonical ids. */
  isValSubtype(a: ValType, b: ValType): boolean {
    if (a === b || a === 0) return true;
    if (!isRef(a) || !isRef(b)) return false;
    if (isNullable(a) && !isNullable(b)) return false;
    return this.isHeapSubtype(fullHeapType(a), fullHeapType(b));
  }

  /** The top of the hierarchy of a heap type; concrete types are canonical ids. */
  topOf(heap: HeapType): HeapType {
    if (heap >= 0) {
      const { kind } = this.types[inexactHeap(heap)];
      return kind === "func" ? HEAP_FUNC : kind === "cont" ? HEAP_CONT : HEAP_ANY;
    }
    switch (heap) {
      case HEAP_FUNC:
      case HEAP_NOFUNC:
        return HEAP_FUNC;
      case HEAP_EXTERN:
      case HEAP_NOEXTERN:
        return HEAP_EXTERN;
      case HEAP_EXN:
      case HEAP_NOEXN:
        return HEAP_EXN;
      case HEAP_CONT:
      case HEAP_NOCONT:
        return HEAP_CONT;
      default:
        return HEAP_ANY;
    }
  }
}

/** `type` with its type indices replaced by canonical ids. */
export function toCanonical(type: ValType, ids: Int32Array): ValType {
  const heap = heapType(type);
  if (!isRef(type) || heap < 0) return type;
  return withHeapType(type, ids[heap]);
}

function mapType(type: ValType, toId: (heap: HeapType) => HeapType): ValType {
  return isRef(type) ? withHeapType(type, toId(heapType(type))) : type;
}

function rewrite(type: DefinedType, toId: (heap: HeapType) => HeapType, groupStart: number, size: number): DefinedType {
  const { kind, isFinal } = type;
  const facts = {
    isFinal,
    supertype: type.supertype === NONE ? NONE : toId(type.supertype),
    groupStart,
    groupSize: size,
  };
  switch (kind) {
    case "func": {
      const { params, results } = type;
      return {
        kind,
        ...facts,
        params: params.map((t) => mapType(t, toId)),
        results: results.map((t) => mapType(t, toId)),
      };
    }
    case "struct": {
      const { fields, fieldMutable } = type;
      return {
        kind,
        ...facts,
        fields: fields.map((t) => mapType(t, toId)),
        fieldMutable,
        descriptor: type.descriptor === NONE ? NONE : toId(type.descriptor),
        describes: type.describes === NONE ? NONE : toId(type.describes),
      } satisfies StructType;
    }
    case "array": {
      const { element, isMutable } = type;
      return { kind, ...facts, element: mapType(element, toId), isMutable } satisfies ArrayType;
    }
    case "cont":
      return { kind, ...facts, func: toId(type.func) } satisfies ContType;
  }
}

/** Group-relative references become `r<n>`, all others the packed type with its canonical id. */
function keyOfType(type: ValType, toKey: (heap: HeapType) => HeapType | string): string {
  if (!isRef(type)) return String(type);
  const heap = toKey(heapType(type));
  if (typeof heap !== "string") return String(withHeapType(type, heap));
  return `${isNullable(type) ? "n" : ""}${isExact(type) ? "x" : ""}${heap}`;
}

function groupKey(types: readonly DefinedType[], start: number, size: number, ids: Int32Array): string {
  const toKey = (heap: HeapType) => heap < 0 ? heap : heap >= start ? `r${heap - start}` : ids[heap];
  const ofType = (type: ValType) => keyOfType(type, toKey);
  let key = "";
  for (let i = start; i < start + size; i++) {
    const type = types[i];
    if (i > start) key += ";";
    const head = `${type.isFinal ? 1 : 0}:${type.supertype === NONE ? NONE : toKey(type.supertype)}:`;
    switch (type.kind) {
      case "func":
        key += `f${head}${Array.from(type.params, ofType)}>${Array.from(type.results, ofType)}`;
        break;
      case "struct":
        key += `s${head}${Array.from(type.fields, ofType)}>${type.fieldMutable}`;
        if (type.descriptor !== NONE) key += `>d${toKey(type.descriptor)}`;
        if (type.describes !== NONE) key += `>o${toKey(type.describes)}`;
        break;
      case "array":
        key += `a${head}${ofType(type.element)}>${type.isMutable ? 1 : 0}`;
        break;
      case "cont":
        key += `c${head}${toKey(type.func)}`;
        break;
    }
  }
  return key;
}
