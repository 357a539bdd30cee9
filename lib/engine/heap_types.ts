/**
 * Types of structs, arrays and functions: those of modules, or made by the embedder. Types are canonical in their engine, so a type made here
 * is the same type as an equal one of a module. Types that refer to themselves or each other are made together, by {@linkcode recGroup}.
 */

import { NONE } from "../base/mod.ts";
import { type EngineState, type FieldNameTable, fieldNameTable } from "../runtime/mod.ts";
import {
  type ArrayType as CanonicalArrayType,
  type FuncType as CanonicalFuncType,
  heapType,
  heapTypeToString,
  I16,
  I8,
  isExact,
  isNullable,
  isRef,
  limits,
  NO_NAMES,
  type StructType as CanonicalStructType,
  type ValType,
  valTypeToString,
} from "../wasm/mod.ts";
import {
  CompositeType,
  enterGroup,
  type GroupMember,
  type GroupState,
  type HeapTypeName,
  type RefType,
  type StorageType,
  toStorage,
  toSupertype,
  toValueType,
  type TypeDescription,
  type TypeEntry,
  typeEntryOf,
  typeIdOf,
} from "./composite_type.ts";
import { type Engine, engineOf } from "./engine.ts";
import { type FuncSignature, internSignature, type ValueType, valueTypeName } from "./values.ts";

/** A field of a struct, or what the elements of an array are. */
export interface FieldType {
  /** What it holds. */
  readonly type: StorageType;
  /** Whether it may be set; false unless given. */
  readonly mutable?: boolean;
  /** What it is called. */
  readonly name?: string;
}

/** What types have beside their fields, elements or parameters. */
export interface SubTypeOptions<Type> {
  /** The type that the new one is a subtype of; none unless given. In a group, it comes before. */
  readonly supertype?: Type | GroupMember | undefined;
  /** Whether no type may be its subtype; true unless given, as in the text format. */
  readonly final?: boolean;
}

/** A function's parameters and results, where references are to something in particular. */
export interface TypedSignature {
  /** Types of the parameters, in order. */
  readonly parameters: readonly (ValueType | RefType)[];
  /** Types of the results, in order. */
  readonly results: readonly (ValueType | RefType)[];
}

/** Marks a constructor call that wraps a canonical type: nobody outside this file has it. */
const WRAP = {} as Engine;

/** The struct type of a canonical id. */
export function wrapStructType(engine: EngineState, typeId: number, names?: FieldNameTable): StructType {
  return new StructType(WRAP, [], { engine, typeId, names } as never);
}

/** The array type of a canonical id. */
export function wrapArrayType(engine: EngineState, typeId: number): ArrayType {
  return new ArrayType(WRAP, undefined as never, { engine, typeId } as never);
}

/** The function type of a canonical id. */
export function wrapFuncType(engine: EngineState, typeId: number): FuncType {
  return new FuncType(WRAP, undefined as never, { engine, typeId } as never);
}

/** The canonical id of the type that a function is given with. @throws {TypeError} @throws {RangeError} */
export function funcTypeIdOf(engine: EngineState, type: FuncSignature | FuncType): number {
  return type instanceof FuncType ? typeIdOf(engine, "func", type) : internSignature(engine.registry, type);
}

/** The field names that a struct type was given with. */
export let namesOfType: (type: StructType) => FieldNameTable;

function fromStorage(engine: EngineState, type: ValType): StorageType {
  if (type === I8) return "i8";
  if (type === I16) return "i16";
  return fromValueType(engine, type);
}

/** A value's type as users give it. */
export function fromValueType(engine: EngineState, type: ValType): ValueType | RefType {
  const name = valueTypeName(type);
  if (!isRef(type) || name !== valTypeToString(type)) return name;
  const heap = heapType(type);
  // Exact types and those of continuations are given in the text format's words.
  if (isExact(type)) return name;
  const nullable = isNullable(type);
  if (heap < 0) return { ref: heapTypeToString(heap) as HeapTypeName, nullable };
  switch (engine.registry.types[heap].kind) {
    case "struct":
      return { ref: wrapStructType(engine, heap), nullable };
    case "array":
      return { ref: wrapArrayType(engine, heap), nullable };
    case "func":
      return { ref: wrapFuncType(engine, heap), nullable };
    default:
      return name;
  }
}

const SINGLE = { groupStart: 0, groupSize: 1 };
const UNNAMED: FieldNameTable = fieldNameTable(NO_NAMES);

/** Reads the description of a struct type. */
export function describeStruct(
  engine: EngineState,
  fields: readonly FieldType[],
  { supertype, final = true }: SubTypeOptions<StructType>,
  group?: GroupState,
): TypeDescription {
  if (!Array.isArray(fields)) throw new TypeError("Fields are given as an array");
  const { length } = fields;
  if (length > limits.MAX_STRUCT_FIELDS) {
    throw new RangeError(`A struct has at most ${limits.MAX_STRUCT_FIELDS} fields, not ${length}`);
  }
  const names = new Map<number, string>();
  const types = new Int32Array(length);
  const mutable = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const { type, mutable: isMutable = false, name } = fields[i] as FieldType;
    types[i] = toStorage(engine, type, group);
    mutable[i] = isMutable ? 1 : 0;
    if (name !== undefined) names.set(i, String(name));
  }
  const type: CanonicalStructType = {
    kind: "struct",
    ...SINGLE,
    isFinal: final,
    supertype: toSupertype(engine, "struct", supertype, group),
    fields: types,
    fieldMutable: mutable,
    descriptor: NONE,
    describes: NONE,
  };
  return { type, names: fieldNameTable(names) };
}

/** Reads the description of an array type. */
export function describeArray(
  engine: EngineState,
  { type, mutable = false }: FieldType,
  { supertype, final = true }: SubTypeOptions<ArrayType>,
  group?: GroupState,
): TypeDescription {
  return {
    type: {
      kind: "array",
      ...SINGLE,
      isFinal: final,
      element: toStorage(engine, type, group),
      isMutable: mutable,
      supertype: toSupertype(engine, "array", supertype, group),
    },
    names: UNNAMED,
  };
}

/** Reads the description of a function type. */
export function describeFunc(
  engine: EngineState,
  { parameters, results }: TypedSignature,
  { supertype, final = true }: SubTypeOptions<FuncType>,
  group?: GroupState,
): TypeDescription {
  const types = (list: TypedSignature["parameters"], what: string, most: number) => {
    if (!Array.isArray(list)) throw new TypeError(`The ${what} of a function are given as an array of value types`);
    const { length } = list;
    if (length > most) throw new RangeError(`A function has at most ${most} ${what}, not ${length}`);
    return Int32Array.from({ length }, (_, i) => toValueType(engine, list[i], group));
  };
  return {
    type: {
      kind: "func",
      ...SINGLE,
      isFinal: final,
      params: types(parameters, "parameters", limits.MAX_PARAMS),
      results: types(results, "results", limits.MAX_RESULTS),
      supertype: toSupertype(engine, "func", supertype, group),
    },
    names: UNNAMED,
  };
}

/** Enters a type that is a group of its own. */
function enterSingle(engine: EngineState, description: TypeDescription): TypeEntry {
  const [typeId] = enterGroup(engine, [description]);
  return { engine, typeId, names: description.names };
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
export class StructType extends CompositeType {
  readonly #names: FieldNameTable;

  static {
    namesOfType = (type) => type.#names;
  }

  /**
   * Makes a struct type. Types that refer to themselves or each other are made by {@linkcode recGroup}.
   *
   * @param engine The engine whose type it is.
   * @param fields Its fields, in order; those of the supertype first.
   * @param options Its supertype, and whether it is final.
   * @throws {TypeError} for types that are none, or a supertype whose fields it has not.
   * @throws {RangeError} for too many fields.
   */
  constructor(engine: Engine, fields: readonly FieldType[], options: SubTypeOptions<StructType> = {}) {
    const entry = engine === WRAP ? options as unknown as TypeEntry : makeStruct(engine, fields, options);
    super(entry.engine, entry.typeId);
    this.#names = entry.names ?? UNNAMED;
  }

  /** The fields. */
  get fields(): readonly FieldType[] {
    const { engine, typeId } = typeEntryOf(this);
    const { fields, fieldMutable } = engine.registry.types[typeId] as CanonicalStructType;
    return Array.from(fields, (type, i) => {
      const field = { type: fromStorage(engine, type), mutable: fieldMutable[i] !== 0 };
      const name = this.#names.byIndex.get(i);
      return name === undefined ? field : { ...field, name };
    });
  }

  /** The declared supertype. */
  get supertype(): StructType | undefined {
    return supertypeOf(this, wrapStructType);
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
}

function makeStruct(engine: Engine, fields: readonly FieldType[], options: SubTypeOptions<StructType>): TypeEntry {
  const { state } = engineOf(engine);
  return enterSingle(state, describeStruct(state, fields, options));
}

function supertypeOf<Type>(
  type: CompositeType,
  wrap: (engine: EngineState, typeId: number) => Type,
): Type | undefined {
  const { engine, typeId } = typeEntryOf(type);
  const supertype = engine.registry.supertype(typeId);
  return supertype === NONE ? undefined : wrap(engine, supertype);
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
export class ArrayType extends CompositeType {
  /**
   * Makes an array type.
   *
   * @param engine The engine whose type it is.
   * @param element What its elements are, and whether they may be set.
   * @param options Its supertype, and whether it is final.
   * @throws {TypeError} for a type that is none, or a supertype that has other elements.
   */
  constructor(engine: Engine, element: FieldType, options: SubTypeOptions<ArrayType> = {}) {
    const entry = engine === WRAP ? options as unknown as TypeEntry : makeArray(engine, element, options);
    super(entry.engine, entry.typeId);
  }

  /** What the elements are. */
  get element(): FieldType {
    const { engine, typeId } = typeEntryOf(this);
    const { element, isMutable } = engine.registry.types[typeId] as CanonicalArrayType;
    return { type: fromStorage(engine, element), mutable: isMutable };
  }

  /** The declared supertype. */
  get supertype(): ArrayType | undefined {
    return supertypeOf(this, wrapArrayType);
  }
}

function makeArray(engine: Engine, element: FieldType, options: SubTypeOptions<ArrayType>): TypeEntry {
  const { state } = engineOf(engine);
  return enterSingle(state, describeArray(state, element, options));
}

/**
 * A function type, for functions whose parameters or results are references to something in particular, or that have a supertype. Where a
 * function's signature is asked for, such a type can be given as well.
 *
 * @example A host function of a type that a guest calls by reference
 * ```ts
 * import { Engine, Func, FuncType, Instance, Module, Store, StructRef } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const module = Module.fromText(engine, `(module
 *   (type $point (struct (field $x f64) (field $y f64)))
 *   (type $measure (func (param (ref $point)) (result f64)))
 *   (func (export "run") (param (ref $measure)) (result f64)
 *     (call_ref $measure (struct.new $point (f64.const 3) (f64.const 4)) (local.get 0))))`);
 * const measure = new FuncType(engine, {
 *   parameters: [{ ref: module.structType("point"), nullable: false }],
 *   results: ["f64"],
 * });
 * const length = new Func(store, measure, (point: StructRef) => Math.hypot(point.get("x"), point.get("y")));
 * assertEquals(new Instance(store, module).exports.run(length), 5);
 * ```
 */
export class FuncType extends CompositeType {
  /**
   * Makes a function type.
   *
   * @param engine The engine whose type it is.
   * @param signature Its parameters and results.
   * @param options Its supertype, and whether it is final.
   * @throws {TypeError} for types that are none, or a supertype that it does not match.
   * @throws {RangeError} for too many parameters or results.
   */
  constructor(engine: Engine, signature: TypedSignature, options: SubTypeOptions<FuncType> = {}) {
    const entry = engine === WRAP ? options as unknown as TypeEntry : makeFunc(engine, signature, options);
    super(entry.engine, entry.typeId);
  }

  /** Types of the parameters, in order. */
  get parameters(): readonly (ValueType | RefType)[] {
    return valueTypesOf(this, "params");
  }

  /** Types of the results, in order. */
  get results(): readonly (ValueType | RefType)[] {
    return valueTypesOf(this, "results");
  }

  /** The declared supertype. */
  get supertype(): FuncType | undefined {
    return supertypeOf(this, wrapFuncType);
  }
}

function makeFunc(engine: Engine, signature: TypedSignature, options: SubTypeOptions<FuncType>): TypeEntry {
  const { state } = engineOf(engine);
  return enterSingle(state, describeFunc(state, signature, options));
}

function valueTypesOf(type: FuncType, list: "params" | "results"): (ValueType | RefType)[] {
  const { engine, typeId } = typeEntryOf(type);
  const canonical: CanonicalFuncType = engine.registry.funcType(typeId);
  return Array.from(canonical[list], (t) => fromValueType(engine, t));
}
