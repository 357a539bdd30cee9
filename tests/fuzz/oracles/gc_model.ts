/**
 * A model of a store's heap: plain JavaScript objects, and everything that keeps them alive. It knows no collector; what must live follows from
 * reachability alone.
 */

import {
  ABSTRACT_TARGETS,
  type ArrayName,
  ARRAYS,
  fieldsOf,
  GLOBAL_NAMES,
  type GlobalName,
  REGISTERS,
  SIDE_REGISTERS,
  type Storage,
  type StructName,
  STRUCTS,
  TABLE_NAMES,
  type TableName,
  TABLES,
  type Target,
} from "../generators/gc_sequences.ts";

/** An unboxed scalar; equal ones are one object. */
export class Scalar {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

const scalars = new Map<number, Scalar>();

/** The unboxed scalar of 31 bits. */
export function scalar(value: number): Scalar {
  const wrapped = value << 1 >> 1;
  let known = scalars.get(wrapped);
  if (known === undefined) scalars.set(wrapped, known = new Scalar(wrapped));
  return known;
}

/** A JavaScript value in the guest's hands. */
export class HostValue {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** One of the guest's functions. */
export class FuncValue {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/** An object: what it is of, and what is in it. */
export class HeapObject {
  readonly kind: "struct" | "array" | "exn";
  readonly type: StructName | ArrayName | "t" | "u";
  readonly storages: readonly Storage[] | Storage;
  readonly contents: Value[];

  constructor(
    kind: HeapObject["kind"],
    type: HeapObject["type"],
    storages: readonly Storage[] | Storage,
    contents: Value[],
  ) {
    this.kind = kind;
    this.type = type;
    this.storages = storages;
    this.contents = contents;
  }

  /** What the field or element holds. */
  storage(index: number): Storage {
    return typeof this.storages === "string" ? this.storages : this.storages[index];
  }
}

/** Whatever a field, element, register, table or global holds. */
export type Value = null | number | bigint | Scalar | HostValue | FuncValue | HeapObject;

/** What carries exceptions of a tag. */
export const TAGS = { t: ["i32", "any", "extern"], u: ["any"] } as const satisfies Record<string, readonly Storage[]>;

/** A struct with these fields. */
export function makeStruct(type: StructName, contents: Value[]): HeapObject {
  return new HeapObject("struct", type, fieldsOf(type).map(({ storage }) => storage), contents);
}

/** An array with these elements. */
export function makeArray(type: ArrayName, contents: Value[]): HeapObject {
  return new HeapObject("array", type, ARRAYS[type], contents);
}

/** An exception that carries these values. */
export function makeExn(type: keyof typeof TAGS, contents: Value[]): HeapObject {
  return new HeapObject("exn", type, TAGS[type], contents);
}

/** What a storage holds that nobody wrote to. */
export function zeroOf(storage: Storage): Value {
  return storage === "i64" ? 0n : ["i8", "i16", "i32", "f64"].includes(storage) ? 0 : null;
}

/** A struct of zeroes. */
export function defaultStruct(type: StructName): HeapObject {
  return makeStruct(type, fieldsOf(type).map(({ storage }) => zeroOf(storage)));
}

/** Whether a value that is not null is of a heap type. */
export function isOf(value: Value, target: Target): boolean {
  if (value instanceof HostValue) return target === "any";
  if (value instanceof Scalar) return target === "any" || target === "eq" || target === "i31";
  if (!(value instanceof HeapObject) || value.kind === "exn") return false;
  if (target === "any" || target === "eq" || target === value.kind) return true;
  if ((ABSTRACT_TARGETS as readonly string[]).includes(target)) return false;
  return value.type === target || target === "node" && value.type === "leaf";
}

/** Whether a value of the any hierarchy may be in a storage of it. */
export function fits(value: Value, storage: Storage): boolean {
  return value === null || storage === "any" || storage === "extern" || isOf(value, storage as Target);
}

/** A table. */
export interface ModelTable {
  readonly storage: Storage;
  readonly maximum: number;
  readonly elements: Value[];
}

/** A call in flight: what its frames hold. */
export type Frame = Value[];

/** A store with one instance of the guest in it. */
export class HeapModel {
  readonly registers: Value[] = Array(REGISTERS).fill(null);
  readonly funcs: Value[] = Array(SIDE_REGISTERS).fill(null);
  readonly exns: Value[] = Array(SIDE_REGISTERS).fill(null);
  readonly tables = Object.fromEntries(TABLE_NAMES.map((name) => {
    const { storage, minimum, maximum } = TABLES[name];
    return [name, { storage, maximum, elements: Array(minimum).fill(null) }];
  })) as Record<TableName, ModelTable>;
  readonly globals = Object.fromEntries(GLOBAL_NAMES.map((name) => [name, null])) as Record<GlobalName, Value>;
  /** The passive element segment, empty once dropped. */
  items: Value[] = [
    defaultStruct("node"),
    scalar(7),
    makeArray("list", [null, null]),
    null,
  ];
  /** Length of the data segment. */
  isDataDropped = false;
  /** Frames of calls in flight. */
  readonly frames: Frame[] = [];
  /** Objects that JavaScript holds a reference to. */
  readonly held = new Set<HeapObject>();

  constructor() {
    this.globals.any = makeStruct("node", [42, scalar(43), null]);
    this.globals.node = defaultStruct("leaf");
  }

  /** Everything that is alive: objects, and host values that stand in the heap. */
  reachable(): { readonly objects: Set<HeapObject>; readonly hosts: Set<HostValue> } {
    const objects = new Set<HeapObject>(), hosts = new Set<HostValue>();
    const pending: HeapObject[] = [];
    const reach = (value: Value) => {
      if (value instanceof HostValue) hosts.add(value);
      else if (value instanceof HeapObject && !objects.has(value)) {
        objects.add(value);
        pending.push(value);
      }
    };
    this.registers.forEach(reach);
    this.exns.forEach(reach);
    for (const { elements } of Object.values(this.tables)) elements.forEach(reach);
    Object.values(this.globals).forEach(reach);
    this.items.forEach(reach);
    for (const frame of this.frames) frame.forEach(reach);
    this.held.forEach(reach);
    for (let object = pending.pop(); object !== undefined; object = pending.pop()) {
      if (object.kind !== "array" || typeof object.contents[0] !== "number") object.contents.forEach(reach);
    }
    return { objects, hosts };
  }
}

/** The number of fields of a struct type. */
export const fieldCount = (type: StructName): number => STRUCTS[type].length;
