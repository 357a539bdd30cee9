/**
 * Composite types as the API's objects stand for them, and how types that users describe get into an engine's registry.
 *
 * Types are equal by structure, recursion group by recursion group (spec: "Type Equivalence"), so a type is entered with all of its group at
 * once. While a group is described, its members stand for themselves ({@linkcode GroupMember}); in packed types a member is its place in the
 * group, above all ids.
 *
 * GROUP-1  Nothing is entered before all that a user gave was read: what throws there leaves the registry as it was (ENGINE-3).
 * GROUP-2  A member comes behind its supertype, so chains of supertypes end. That it matches its supertype is asked of the registry, where each
 *          type has its identity; a group that does not match is an error, and its ids are nobody's.
 */

import { NONE } from "../base/mod.ts";
import type { EngineState, FieldNameTable } from "../runtime/mod.ts";
import {
  ABSTRACT_HEAP_TYPES,
  type DefinedType,
  EXACT_HEAP,
  type HeapType,
  heapType,
  I16,
  I8,
  isRef,
  limits,
  refNullType,
  refType,
  type TypeRegistry,
  type ValType,
  withHeapType,
} from "../wasm/mod.ts";
import { parseValueType, type ValueType } from "./values.ts";

/** The name of an abstract heap type: `"any"`, `"eq"`, `"struct"`, `"none"` and so on. */
export type HeapTypeName = typeof ABSTRACT_HEAP_TYPES[number][0];

/** A heap type: what a reference may refer to. */
export type HeapTypeSource = HeapTypeName | CompositeType | GroupMember;

/** A reference type beyond those that have names. */
export interface RefType {
  /** What it refers to. */
  readonly ref: HeapTypeSource;
  /** Whether null is included; true unless given. */
  readonly nullable?: boolean;
}

/** The type of a field or element: a value type, a packed integer, or a reference to something. */
export type StorageType = ValueType | "i8" | "i16" | RefType;

/** A type of an engine. */
export interface TypeEntry {
  readonly engine: EngineState;
  readonly typeId: number;
  readonly names?: FieldNameTable;
}

/** A type as it was described, with places of the group where it names members. */
export interface TypeDescription {
  readonly type: DefinedType;
  readonly names: FieldNameTable;
}

/** The kinds of types that an embedder can make. */
export type CompositeKind = "struct" | "array" | "func";

/** What messages say of each kind. */
const KIND_WORDS: Record<
  CompositeKind,
  { readonly one: string; readonly className: string; readonly mismatch: string }
> = {
  struct: {
    one: "a struct",
    className: "a StructType",
    mismatch: "The fields do not start with those of the supertype",
  },
  array: {
    one: "an array",
    className: "an ArrayType",
    mismatch: "The elements are not of the supertype's",
  },
  func: {
    one: "a function",
    className: "a FuncType",
    mismatch: "The parameters and results do not match those of the supertype",
  },
};

let entryOf: (value: unknown) => TypeEntry | undefined;

/** A type of structs, arrays or functions, of a module or made by the embedder. Equal types of an engine are one type. */
export abstract class CompositeType {
  readonly #engine: EngineState;
  readonly #typeId: number;

  static {
    entryOf = (value) =>
      typeof value === "object" && value !== null && #typeId in value
        ? { engine: value.#engine, typeId: value.#typeId }
        : undefined;
  }

  /** @internal */
  constructor(engine: EngineState, typeId: number) {
    this.#engine = engine;
    this.#typeId = typeId;
  }

  /** Whether no type can be its subtype. */
  get final(): boolean {
    return this.#engine.registry.types[this.#typeId].isFinal;
  }

  /** Whether it is the same type; names do not matter. */
  equals(other: CompositeType): boolean {
    const entry = entryOf(other);
    // Whoever asks is a type, whatever it asks about.
    const engine = this.#engine;
    return entry !== undefined && entry.engine === engine && entry.typeId === this.#typeId;
  }

  /** Whether objects of this type are of the other. */
  matches(other: HeapTypeSource): boolean {
    return this.#engine.registry.isHeapSubtype(this.#typeId, toHeapType(this.#engine, other));
  }
}

/** What a type object stands for. */
export function typeEntryOf(type: CompositeType): TypeEntry {
  return entryOf(type)!;
}

/** The canonical id of a type of one kind. @throws {TypeError} for what is none, or of another engine. */
export function typeIdOf(engine: EngineState, kind: CompositeKind, value: unknown): number {
  const entry = entryOf(value);
  if (entry?.engine.registry.types[entry.typeId].kind !== kind) {
    throw new TypeError(`Expected ${KIND_WORDS[kind].className}`);
  }
  if (entry.engine !== engine) throw new TypeError("The type belongs to another engine");
  return entry.typeId;
}

let memberStateOf: (value: unknown) => { readonly group: GroupState; readonly name: string } | undefined;

/** A type of a recursion group while the group is described; afterwards it is the type. */
export class GroupMember {
  readonly #group: GroupState;
  readonly #name: string;

  static {
    memberStateOf = (value) =>
      typeof value === "object" && value !== null && #group in value
        ? { group: value.#group, name: value.#name }
        : undefined;
  }

  /** @internal */
  constructor(group: GroupState, name: string) {
    this.#group = group;
    this.#name = name;
  }
}

/** A recursion group that is being described. */
export interface GroupState {
  /** The members' names in order; undefined until all are described. */
  names: readonly string[] | undefined;
  /** What they have become; undefined until they are entered. */
  entries: readonly TypeEntry[] | undefined;
}

/** A member's place in packed types: above every id that a registry gives out, below the mark of exact types. */
const FIRST_PLACE = EXACT_HEAP - limits.MAX_TYPES;

const HEAP_TYPES = new Map<string, HeapType>(ABSTRACT_HEAP_TYPES.map(([name, code]) => [name, code]));

/** The heap type that a user means, in an engine; `group` is the one that is being described. @throws {TypeError} for what is none, or of another engine. */
export function toHeapType(engine: EngineState, source: HeapTypeSource, group?: GroupState): HeapType {
  const member = memberStateOf(source);
  if (member !== undefined) return memberHeapType(engine, member, group);
  const entry = entryOf(source);
  if (entry !== undefined) {
    if (entry.engine !== engine) throw new TypeError("The type belongs to another engine");
    return entry.typeId;
  }
  const heap = typeof source === "string" ? HEAP_TYPES.get(source) : undefined;
  if (heap === undefined) throw new TypeError(`${String(source)} is not a heap type`);
  return heap;
}

function memberHeapType(
  engine: EngineState,
  { group, name }: { readonly group: GroupState; readonly name: string },
  current: GroupState | undefined,
): HeapType {
  const place = group.names?.indexOf(name) ?? NONE;
  if (group.names !== undefined && place === NONE) {
    throw new TypeError(`The group has no type that is called ${JSON.stringify(name)}`);
  }
  const entry = group.entries?.[place];
  if (entry !== undefined) {
    if (entry.engine !== engine) throw new TypeError("The type belongs to another engine");
    return entry.typeId;
  }
  if (group !== current || place === NONE) {
    throw new TypeError(`The type ${JSON.stringify(name)} is of a group that is not made yet`);
  }
  return FIRST_PLACE + place;
}

/** The packed type of a field or element that a user means. @throws {TypeError} */
export function toStorage(engine: EngineState, source: StorageType, group?: GroupState): ValType {
  if (source === "i8") return I8;
  if (source === "i16") return I16;
  return toValueType(engine, source, group);
}

/** The packed type of a value that a user means. @throws {TypeError} */
export function toValueType(engine: EngineState, source: ValueType | RefType, group?: GroupState): ValType {
  if (typeof source === "object" && source !== null && "ref" in source) {
    const { ref, nullable = true } = source;
    const heap = toHeapType(engine, ref, group);
    return nullable ? refNullType(heap) : refType(heap);
  }
  return parseValueType(source);
}

/** The supertype that a user means: an id, a place, or NONE. @throws {TypeError} unless it is of the kind, and may have subtypes. */
export function toSupertype(
  engine: EngineState,
  kind: CompositeKind,
  supertype: CompositeType | GroupMember | undefined,
  group?: GroupState,
): number {
  if (supertype === undefined) return NONE;
  const heap = toHeapType(engine, supertype, group);
  if (heap >= FIRST_PLACE) return heap;
  const type = heap < 0 ? undefined : engine.registry.types[heap];
  if (type?.kind !== kind) throw new TypeError(`The supertype of ${KIND_WORDS[kind].one} type is one`);
  if (type.isFinal) throw new TypeError("The supertype is final");
  return heap;
}

/**
 * Enters the types of one group; returns their ids.
 *
 * @throws {TypeError} for a type that does not match its supertype.
 * @throws {RangeError} for too many supertypes.
 */
export function enterGroup(engine: EngineState, descriptions: readonly TypeDescription[]): number[] {
  const { registry } = engine;
  if (registry.count >= FIRST_PLACE - descriptions.length) throw new RangeError("The engine has too many types");
  checkSupertypes(registry, descriptions);
  // In a module's numbering, types outside of a group come before it: here, one place for each that is named.
  const outside: number[] = [];
  const place = (id: number) => {
    const known = outside.indexOf(id);
    return known >= 0 ? known : outside.push(id) - 1;
  };
  const rewritten = descriptions.map(({ type }) => mapHeapTypes(type, (id) => id >= FIRST_PLACE ? id : place(id)));
  const start = outside.length;
  const types: DefinedType[] = [];
  rewritten.forEach((type, k) => {
    types[start + k] = {
      ...mapHeapTypes(type, (id) => id >= FIRST_PLACE ? start + id - FIRST_PLACE : id),
      groupStart: start,
      groupSize: rewritten.length,
    };
  });
  const ids = new Int32Array(types.length);
  ids.set(outside);
  registry.canonicalizeGroup(types, start, rewritten.length, ids);
  for (let i = start; i < ids.length; i++) {
    const { types: known } = registry;
    const { supertype, kind } = known[ids[i]];
    if (supertype !== NONE && !compositeMatches(registry, known[ids[i]], known[supertype])) {
      throw new TypeError(KIND_WORDS[kind as CompositeKind].mismatch);
    }
  }
  engine.typesEntered();
  return [...ids.subarray(start)];
}

/** Checks what must be right before types are entered (GROUP-2). */
function checkSupertypes(registry: TypeRegistry, descriptions: readonly TypeDescription[]): void {
  const depths: number[] = [];
  descriptions.forEach(({ type: { kind, supertype } }, k) => {
    if (supertype < FIRST_PLACE) depths[k] = supertype === NONE ? 0 : registry.depth(supertype) + 1;
    else {
      const above = supertype - FIRST_PLACE;
      if (above >= k) throw new TypeError("In a group a supertype comes before its subtypes");
      const { type } = descriptions[above];
      if (type.kind !== kind) {
        throw new TypeError(`The supertype of ${KIND_WORDS[kind as CompositeKind].one} type is one`);
      }
      if (type.isFinal) throw new TypeError("The supertype is final");
      depths[k] = depths[above] + 1;
    }
    if (depths[k] > limits.MAX_SUBTYPE_DEPTH) throw new RangeError("The type has too many supertypes");
  });
}

/** A type with other indices for the defined types that it names. */
function mapHeapTypes(type: DefinedType, map: (id: number) => number): DefinedType {
  const mapType = (t: ValType) => isRef(t) && heapType(t) >= 0 ? withHeapType(t, map(heapType(t))) : t;
  const supertype = type.supertype === NONE ? NONE : map(type.supertype);
  switch (type.kind) {
    case "struct":
      return { ...type, supertype, fields: type.fields.map(mapType) };
    case "array":
      return { ...type, supertype, element: mapType(type.element) };
    case "func":
      return { ...type, supertype, params: type.params.map(mapType), results: type.results.map(mapType) };
    case "cont":
      return { ...type, supertype, func: map(type.func) };
  }
}

/** Whether a type may be declared below another (spec: match-comptype); both name canonical ids. */
function compositeMatches(registry: TypeRegistry, below: DefinedType, above: DefinedType): boolean {
  const fits = (from: ValType, to: ValType, isMutable: boolean) =>
    isMutable ? from === to : registry.isValSubtype(from, to);
  const allFit = (from: Int32Array, to: Int32Array) =>
    from.length === to.length && from.every((t, i) => fits(t, to[i], false));
  if (below.kind === "struct" && above.kind === "struct") {
    return above.fields.length <= below.fields.length &&
      above.fields.every((t, i) =>
        above.fieldMutable[i] === below.fieldMutable[i] && fits(below.fields[i], t, above.fieldMutable[i] !== 0)
      );
  }
  if (below.kind === "array" && above.kind === "array") {
    return above.isMutable === below.isMutable && fits(below.element, above.element, above.isMutable);
  }
  return below.kind === "func" && above.kind === "func" && allFit(above.params, below.params) &&
    allFit(below.results, above.results);
}
