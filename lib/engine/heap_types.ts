/**
 * Types of objects: struct and array types of modules, or made by the embedder. Types are canonical in their engine, so a type made here is the
 * same type as an equal one of a module.
 */

import { NONE } from "../base/mod.ts";
import { type EngineState, type FieldNameTable, fieldNameTable } from "../runtime/mod.ts";
import {
  ABSTRACT_HEAP_TYPES,
  type ArrayType as CanonicalArrayType,
  type DefinedType,
  type HeapType,
  heapType,
  heapTypeToString,
  I16,
  I8,
  isExact,
  isNullable,
  isRef,
  limits,
  NO_NAMES,
  refNullType,
  refType,
  type StructType as CanonicalStructType,
  type ValType,
  valTypeToString,
  withHeapType,
} from "../wasm/mod.ts";
import { type Engine, engineOf } from "./engine.ts";
import { parseValueType, type ValueType, valueTypeName } from "./values.ts";

/** The name of an abstract heap type: `"any"`, `"eq"`, `"struct"`, `"none"` and so on. */
export type HeapTypeName = typeof ABSTRACT_HEAP_TYPES[number][0];

/** A heap type: what a reference may refer to. */
export type HeapTypeSource = HeapTypeName | StructType | ArrayType;

/** A reference type beyond those that have names. */
export interface RefType {
  /** What it refers to. */
  readonly ref: HeapTypeSource;
  /** Whether null is included; true unless given. */
  readonly nullable?: boolean;
}

/** The type of a field or element: a value type, a packed integer, or a reference to something. */
export type StorageType = ValueType | "i8" | "i16" | RefType;

/** A field of a struct, or what the elements of an array are. */
export interface FieldType {
  /** What it holds. */
  readonly type: StorageType;
  /** Whether it may be set; false unless given. */
  readonly mutable?: boolean;
  /** What it is called. */
  readonly name?: string;
}

/** What types have beside their fields or elements. */
export interface SubTypeOptions<Type> {
  /** The type that the new one is a subtype of; none unless given. */
  readonly supertype?: Type;
  /** Whether no type may be its subtype; true unless given, as in the text format. */
  readonly final?: boolean;
}

const HEAP_TYPES = new Map<string, HeapType>(ABSTRACT_HEAP_TYPES.map(([name, code]) => [name, code]));

/** A type of an engine. */
interface TypeState {
  readonly engine: EngineState;
  readonly typeId: number;
}

/** Marks a constructor call that wraps a canonical type: nobody outside this file has it. */
const WRAP = {} as Engine;

let structStateOf: (value: unknown) => TypeState | undefined;
let arrayStateOf: (value: unknown) => TypeState | undefined;

/** What a type object stands for, undefined for anything else. */
function heapTypeStateOf(value: unknown): TypeState | undefined {
  return structStateOf(value) ?? arrayStateOf(value);
}

/** The canonical id of a struct or array type. @throws {TypeError} for what is none, or of another engine. */
export function typeIdOf(engine: EngineState, kind: "struct" | "array", value: unknown): number {
  const state = kind === "struct" ? structStateOf(value) : arrayStateOf(value);
  if (state === undefined) throw new TypeError(`Expected ${kind === "struct" ? "a StructType" : "an ArrayType"}`);
  if (state.engine !== engine) throw new TypeError("The type belongs to another engine");
  return state.typeId;
}

/** The struct type of a canonical id. */
export let wrapStructType: (engine: EngineState, typeId: number, names?: FieldNameTable) => StructType;

/** The array type of a canonical id. */
export let wrapArrayType: (engine: EngineState, typeId: number) => ArrayType;

/** The field names that a struct type was given with. */
export let namesOfType: (type: StructType) => FieldNameTable;

/** The heap type that a user means, in an engine. @throws {TypeError} for what is none, or of another engine. */
export function toHeapType(engine: EngineState, source: HeapTypeSource): HeapType {
  const state = heapTypeStateOf(source);
  if (state !== undefined) {
    if (state.engine !== engine) throw new TypeError("The type belongs to another engine");
    return state.typeId;
  }
  const heap = typeof source === "string" ? HEAP_TYPES.get(source) : undefined;
  if (heap === undefined) throw new TypeError(`${String(source)} is not a heap type`);
  return heap;
}

function toStorage(engine: EngineState, source: StorageType): ValType {
  if (source === "i8") return I8;
  if (source === "i16") return I16;
  if (typeof source === "object" && source !== null && "ref" in source) {
    const { ref, nullable = true } = source;
    const heap = toHeapType(engine, ref);
    return nullable ? refNullType(heap) : refType(heap);
  }
  return parseValueType(source);
}

function fromStorage(engine: EngineState, type: ValType): StorageType {
  if (type === I8) return "i8";
  if (type === I16) return "i16";
  const name = valueTypeName(type);
  if (!isRef(type) || name !== valTypeToString(type)) return name;
  const heap = heapType(type);
  // Exact types and those of functions and continuations are given in the text format's words.
  if (isExact(type)) return name;
  if (heap < 0) return { ref: heapTypeToString(heap) as HeapTypeName, nullable: isNullable(type) };
  const { kind } = engine.registry.types[heap];
  if (kind === "struct") return { ref: wrapStructType(engine, heap), nullable: isNullable(type) };
  if (kind === "array") return { ref: wrapArrayType(engine, heap), nullable: isNullable(type) };
  return name;
}

/** Whether a field may stand where the supertype has `above` (spec: match-fieldtype). */
function fieldMatches(
  { registry }: EngineState,
  type: ValType,
  above: ValType,
  mutable: boolean,
  aboveMutable: boolean,
) {
  if (mutable !== aboveMutable) return false;
  return mutable ? type === above : registry.isValSubtype(type, above);
}

/** Enters a type that is a group of its own and names canonical ids. */
function intern(engine: EngineState, type: DefinedType): number {
  const { registry } = engine;
  // In a module's numbering, types outside of a group come before it: here, one place for each that is named.
  const ids: number[] = [];
  const place = (id: number) => {
    const known = ids.indexOf(id);
    return known >= 0 ? known : ids.push(id) - 1;
  };
  const local = (t: ValType) => isRef(t) && heapType(t) >= 0 ? withHeapType(t, place(heapType(t))) : t;
  const supertype = type.supertype === NONE ? NONE : place(type.supertype);
  const rewritten: DefinedType = type.kind === "struct"
    ? { ...type, supertype, fields: type.fields.map(local) }
    : { ...type as CanonicalArrayType, supertype, element: local((type as CanonicalArrayType).element) };
  const start = ids.length;
  const types: DefinedType[] = [];
  types[start] = rewritten;
  const result = Int32Array.from([...ids, NONE]);
  registry.canonicalizeGroup(types, start, 1, result);
  engine.typesEntered();
  return result[start];
}

const SINGLE = { groupStart: 0, groupSize: 1 };

/** The canonical id of a supertype that may have subtypes. @throws {TypeError} */
function superTypeId(engine: EngineState, supertype: StructType | ArrayType | undefined, kind: "struct" | "array") {
  if (supertype === undefined) return NONE;
  const id = toHeapType(engine, supertype);
  const type = id < 0 ? undefined : engine.registry.types[id];
  if (type?.kind !== kind) {
    throw new TypeError(`The supertype of ${kind === "struct" ? "a struct" : "an array"} type is one`);
  }
  if (type.isFinal) throw new TypeError("The supertype is final");
  if (engine.registry.depth(id) >= limits.MAX_SUBTYPE_DEPTH) throw new RangeError("The type has too many supertypes");
  return id;
}

/**
 * A struct type.
 *
 * @example A type of the embedder's own, and an object of it
 * ```ts
 * import { Engine, Store, StructRef, StructType } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const point = new StructType(engine, [
 *   { name: "x", type: "f64", mutable: true },
 *   { name: "y", type: "f64", mutable: true },
 * ]);
 * using origin = StructRef.create(store, point, { x: 0, y: 0 });
 * origin.set("x", 1.5);
 * assertEquals(origin.toObject(), { x: 1.5, y: 0 });
 * ```
 */
export class StructType {
  readonly #engine: EngineState;
  readonly #typeId: number;
  readonly #names: FieldNameTable;

  static {
    structStateOf = (value) =>
      typeof value === "object" && value !== null && #typeId in value
        ? { engine: value.#engine, typeId: value.#typeId }
        : undefined;
    wrapStructType = (engine, typeId, names) => new StructType(WRAP, [], { engine, typeId, names } as never);
    namesOfType = (type) => type.#names;
  }

  /**
   * Makes a struct type. Types that refer to themselves or each other come from a module's text ({@linkcode Module.structType}).
   *
   * @param engine The engine whose type it is.
   * @param fields Its fields, in order; those of the supertype first.
   * @param options Its supertype, and whether it is final.
   * @throws {TypeError} for types that are none, or a supertype whose fields it has not.
   * @throws {RangeError} for too many fields.
   */
  constructor(engine: Engine, fields: readonly FieldType[], options: SubTypeOptions<StructType> = {}) {
    if (engine === WRAP) {
      const wrapped = options as unknown as { engine: EngineState; typeId: number; names: FieldNameTable | undefined };
      this.#engine = wrapped.engine;
      this.#typeId = wrapped.typeId;
      this.#names = wrapped.names ?? fieldNameTable(NO_NAMES);
      return;
    }
    const { state } = engineOf(engine);
    if (!Array.isArray(fields)) throw new TypeError("Fields are given as an array");
    if (fields.length > limits.MAX_STRUCT_FIELDS) {
      throw new RangeError(`A struct has at most ${limits.MAX_STRUCT_FIELDS} fields, not ${fields.length}`);
    }
    const names = new Map<number, string>();
    const types = new Int32Array(fields.length);
    const mutable = new Uint8Array(fields.length);
    fields.forEach(({ type, mutable: isMutable = false, name }: FieldType, i) => {
      types[i] = toStorage(state, type);
      mutable[i] = isMutable ? 1 : 0;
      if (name !== undefined) names.set(i, String(name));
    });
    const { supertype, final = true } = options;
    const superId = superTypeId(state, supertype, "struct");
    if (superId !== NONE) {
      const above = state.registry.types[superId] as CanonicalStructType;
      const fits = above.fields.length <= types.length &&
        above.fields.every((type, i) =>
          fieldMatches(state, types[i], type, mutable[i] !== 0, above.fieldMutable[i] !== 0)
        );
      if (!fits) throw new TypeError("The fields do not start with those of the supertype");
    }
    this.#engine = state;
    this.#names = fieldNameTable(names);
    this.#typeId = intern(state, {
      kind: "struct",
      ...SINGLE,
      isFinal: final,
      supertype: superId,
      fields: types,
      fieldMutable: mutable,
      descriptor: NONE,
      describes: NONE,
    });
  }

  /** The fields. */
  get fields(): readonly FieldType[] {
    const { fields, fieldMutable } = this.#canonical;
    return Array.from(fields, (type, i) => {
      const field = { type: fromStorage(this.#engine, type), mutable: fieldMutable[i] !== 0 };
      const name = this.#names.byIndex.get(i);
      return name === undefined ? field : { ...field, name };
    });
  }

  /** Whether no type can be its subtype. */
  get final(): boolean {
    return this.#canonical.isFinal;
  }

  /** The declared supertype. */
  get supertype(): StructType | undefined {
    const { supertype } = this.#canonical;
    return supertype === NONE ? undefined : wrapStructType(this.#engine, supertype);
  }

  /**
   * The number of the field with a name.
   *
   * @param name The name, as the type was made with or the module's name section has it.
   * @returns The number, undefined when no field has that name.
   */
  fieldIndex(name: string): number | undefined {
    return this.#names.byName.get(name);
  }

  /** Whether it is the same type; names do not matter. */
  equals(other: StructType | ArrayType): boolean {
    const state = heapTypeStateOf(other);
    return state !== undefined && state.engine === this.#engine && state.typeId === this.#typeId;
  }

  /** Whether objects of this type are of the other. */
  matches(other: HeapTypeSource): boolean {
    return this.#engine.registry.isHeapSubtype(this.#typeId, toHeapType(this.#engine, other));
  }

  get #canonical(): CanonicalStructType {
    return this.#engine.registry.types[this.#typeId] as CanonicalStructType;
  }
}

/**
 * An array type.
 *
 * @example Bytes
 * ```ts
 * import { ArrayRef, ArrayType, Engine, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const bytes = new ArrayType(engine, { type: "i8", mutable: true });
 * using array = ArrayRef.create(store, bytes, [1, 2, 300]);
 * assertEquals([...array], [1, 2, 44]);
 * ```
 */
export class ArrayType {
  readonly #engine: EngineState;
  readonly #typeId: number;

  static {
    arrayStateOf = (value) =>
      typeof value === "object" && value !== null && #typeId in value
        ? { engine: value.#engine, typeId: value.#typeId }
        : undefined;
    wrapArrayType = (engine, typeId) => new ArrayType(WRAP, undefined as never, { engine, typeId } as never);
  }

  /**
   * Makes an array type.
   *
   * @param engine The engine whose type it is.
   * @param element What its elements are, and whether they may be set.
   * @param options Its supertype, and whether it is final.
   * @throws {TypeError} for a type that is none, or a supertype that has other elements.
   */
  constructor(engine: Engine, element: FieldType, options: SubTypeOptions<ArrayType> = {}) {
    if (engine === WRAP) {
      const wrapped = options as unknown as { engine: EngineState; typeId: number };
      this.#engine = wrapped.engine;
      this.#typeId = wrapped.typeId;
      return;
    }
    const { state } = engineOf(engine);
    const { type, mutable = false } = element;
    const storage = toStorage(state, type);
    const { supertype, final = true } = options;
    const superId = superTypeId(state, supertype, "array");
    if (superId !== NONE) {
      const above = state.registry.types[superId] as CanonicalArrayType;
      if (!fieldMatches(state, storage, above.element, mutable, above.isMutable)) {
        throw new TypeError("The elements are not of the supertype's");
      }
    }
    this.#engine = state;
    this.#typeId = intern(state, {
      kind: "array",
      ...SINGLE,
      isFinal: final,
      supertype: superId,
      element: storage,
      isMutable: mutable,
    });
  }

  /** What the elements are. */
  get element(): FieldType {
    const { element, isMutable } = this.#canonical;
    return { type: fromStorage(this.#engine, element), mutable: isMutable };
  }

  /** Whether no type can be its subtype. */
  get final(): boolean {
    return this.#canonical.isFinal;
  }

  /** The declared supertype. */
  get supertype(): ArrayType | undefined {
    const { supertype } = this.#canonical;
    return supertype === NONE ? undefined : wrapArrayType(this.#engine, supertype);
  }

  /** Whether it is the same type. */
  equals(other: StructType | ArrayType): boolean {
    const state = heapTypeStateOf(other);
    return state !== undefined && state.engine === this.#engine && state.typeId === this.#typeId;
  }

  /** Whether objects of this type are of the other. */
  matches(other: HeapTypeSource): boolean {
    return this.#engine.registry.isHeapSubtype(this.#typeId, toHeapType(this.#engine, other));
  }

  get #canonical(): CanonicalArrayType {
    return this.#engine.registry.types[this.#typeId] as CanonicalArrayType;
  }
}
