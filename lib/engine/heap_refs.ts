/**
 * The embedder's view of the objects in a store's heap: structs, arrays, exceptions, host values, made and read and written from JavaScript.
 *
 * A reference keeps its object alive. Give it up by `using`, by `dispose()`, or with a {@linkcode RootScope}; what is forgotten is given up when
 * V8 finds it garbage. One object is one reference: `===` is `ref.eq`. Functions cross as JavaScript functions ({@linkcode Func.of} is the view of
 * those), and any other JavaScript value as itself: the guest holds it as an external reference, and lets it go when it drops that.
 */

import {
  arrayLength,
  copyElements,
  copyElementsFrom,
  copyElementsTo,
  createArray,
  createArrayOfBytes,
  createExn,
  createFilledArray,
  createStruct,
  dynamicHeapType,
  ExternReference,
  externReference,
  fieldCount,
  fieldIndexOf,
  HeapReference,
  I31Ref,
  readElement,
  readField,
  RefError,
  RootScopeState,
  setReferenceClasses,
  storeOfReference,
  toPlain,
  typeIdOfReference,
  usedReference,
  writeElements,
  writeField,
} from "../runtime/mod.ts";
import { type HeapTypeSource, toHeapType, typeIdOf } from "./composite_type.ts";
import { type ArrayType, namesOfType, type StructType, wrapArrayType, wrapStructType } from "./heap_types.ts";
import { type Store, storeOf } from "./store.ts";
import { type Tag, tagOf, wrapTag } from "./tag.ts";
import { toU32 } from "./values.ts";

/** The reference classes by the names of their heap types, for casts. */
export interface RefOf {
  /** Of `struct`. */
  struct: StructRef;
  /** Of `array`. */
  array: ArrayRef;
  /** Of `exn`. */
  exn: ExnRef;
  /** Of `cont`. */
  cont: ContRef;
}

/** The class of references to a heap type. */
export type RefOfType<T extends HeapTypeSource> = T extends StructType ? StructRef
  : T extends ArrayType ? ArrayRef
  : T extends keyof RefOf ? RefOf[T]
  : AnyRef;

/** A reference to an object in a store's heap. */
export abstract class AnyRef extends HeapReference {
  /**
   * Whether the object is of a type, or of a subtype of it: `ref.test`.
   *
   * @param type An abstract heap type's name, or a struct or array type of the store's engine.
   * @returns Whether it is.
   * @throws {RefError} if the reference was given up.
   */
  matches(type: HeapTypeSource): boolean {
    const reference = usedReference(this);
    const store = storeOfReference(this);
    const { registry } = store.engine;
    const wanted = toHeapType(store.engine, type);
    return registry.isHeapSubtype(dynamicHeapType(store, reference), wanted);
  }

  /**
   * The reference as one to a type: `ref.cast`.
   *
   * @param type An abstract heap type's name, or a struct or array type of the store's engine.
   * @returns The reference.
   * @throws {RefError} if the object is of another type, or the reference was given up.
   */
  cast<const T extends HeapTypeSource>(type: T): RefOfType<T> {
    if (!this.matches(type)) throw new RefError("wrong_type", "The object is of another type");
    return this as unknown as RefOfType<T>;
  }

  /** What `console.log` shows: the object's fields or elements, as far as a screen has room for them. */
  [Symbol.for("Deno.customInspect")](inspect: (value: unknown, options: unknown) => string, options: unknown): string {
    const { name } = this.constructor;
    if (this.isDisposed) return `${name} (released)`;
    return this instanceof ContRef ? name : `${name} ${inspect(toPlain(this, MOST_SHOWN), options)}`;
  }

  /**
   * Whether any value that a guest may have handed out is a reference to a type: also null and unboxed scalars can be asked about.
   *
   * @param value What came from a guest.
   * @param type A heap type.
   * @returns Whether it is; false for null.
   */
  static matches(value: unknown, type: HeapTypeSource): boolean {
    if (value instanceof AnyRef || value instanceof ExternRef) return value.matches(type);
    return value instanceof I31Ref && typeof type === "string" && I31_TYPES.has(type);
  }
}

/** Objects and elements that an inspection shows. */
const MOST_SHOWN = 100;

const I31_TYPES: ReadonlySet<string> = new Set(["i31", "eq", "any"]);

/** What a struct is made of: a value for each field, or values by the fields' names. */
export type FieldValues = readonly unknown[] | Readonly<Record<string, unknown>>;

/**
 * A reference to a struct.
 *
 * @example Fields by name, objects that refer to each other
 * ```ts
 * import { Engine, Module, Store, StructRef } from "@theropod/theropod";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const node = Module.fromText(engine, `
 *   (module (rec (type $node (struct (field $value i64) (field $next (mut (ref null $node)))))))`).structType("node");
 * using first = StructRef.create(store, node, { value: 1n });
 * using second = StructRef.create(store, node, { value: 2n, next: first });
 * first.set("next", second);
 * assertStrictEquals(first.get("next"), second);
 * assertEquals(first.matches(node), true);
 * const plain = first.toObject();
 * assertStrictEquals((plain.next as typeof plain).next, plain);
 * ```
 */
export class StructRef extends AnyRef {
  /**
   * Makes a struct.
   *
   * @param store The store to make it in.
   * @param type Its type.
   * @param values A value for each field in order, or by name. What is left out is zero or null.
   * @returns The reference.
   * @throws {TypeError} for values that cannot be coerced, or names that no field has.
   * @throws {Trap} `gc_heap_exhausted` when the heap is full.
   */
  static create(store: Store, type: StructType, values: FieldValues = []): StructRef {
    const state = storeOf(store);
    const typeId = typeIdOf(state.engine, "struct", type);
    const names = namesOfType(type);
    const list: unknown[] = [];
    const { length } = type.fields;
    if (Array.isArray(values)) {
      if (values.length > length) {
        throw new TypeError(`The struct has ${length} fields, and ${values.length} are given`);
      }
      list.push(...values);
    } else {
      if (typeof values !== "object" || values === null) {
        throw new TypeError("Fields are given as an array or an object");
      }
      for (const [name, value] of Object.entries(values)) {
        const index = names.byName.get(name);
        if (index === undefined) throw new TypeError(`The struct has no field that is called ${JSON.stringify(name)}`);
        list[index] = value;
      }
    }
    const reference = createStruct(state, typeId, list) as StructRef;
    state.fieldNames.add(typeId, names);
    return reference;
  }

  /** The type of the object, which may be a subtype of what it was asked for as. */
  get type(): StructType {
    const { engine, fieldNames } = storeOfReference(this);
    const typeId = typeIdOfReference(this);
    return wrapStructType(engine, typeId, fieldNames.of(typeId));
  }

  /** The number of fields. */
  get length(): number {
    return fieldCount(this);
  }

  /**
   * Reads a field; packed ones are zero-extended.
   *
   * @param field Its number, or its name in the name section of a module of the store.
   * @returns The value: a number, a bigint for i64, bytes for v128, a reference, a function, a host value, or null.
   * @throws {RangeError} beyond the last field.
   * @throws {RefError} if no field has the name, or the reference was given up.
   */
  // deno-lint-ignore no-explicit-any -- the field's type is not known to TypeScript
  get(field: number | string): any {
    return readField(this, fieldIndexOf(this, field));
  }

  /**
   * Sets a field; what a packed one has no room for is cut off.
   *
   * @param field Its number or name.
   * @param value The value, coerced to the field's type.
   * @throws {TypeError} if the field is immutable, or the value cannot be coerced.
   * @throws {RangeError} beyond the last field.
   * @throws {RefError} as {@linkcode StructRef.get}, and for a reference of another store or type.
   */
  set(field: number | string, value: unknown): void {
    writeField(this, fieldIndexOf(this, field), value);
  }

  /** The values of all fields, in order. */
  values(): unknown[] {
    return Array.from({ length: fieldCount(this) }, (_, i) => readField(this, i));
  }

  /**
   * The object and all that it refers to, as plain objects and arrays: keys are the fields' names or numbers, unboxed scalars are numbers, and
   * an object that is referred to twice, or by itself, is one object.
   *
   * @returns A copy.
   */
  toObject(): Record<string, unknown> {
    return toPlain(this) as Record<string, unknown>;
  }
}

/**
 * A reference to an array.
 *
 * @example Bytes in bulk
 * ```ts
 * import { ArrayRef, ArrayType, Engine, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const type = new ArrayType(engine, { type: "i8", mutable: true });
 * using text = ArrayRef.create(store, type, new TextEncoder().encode("hello world"));
 * text.copyFrom(new TextEncoder().encode("there"), 6);
 * const bytes = new Uint8Array(text.length);
 * text.copyTo(bytes);
 * assertEquals(new TextDecoder().decode(bytes), "hello there");
 * ```
 */
export class ArrayRef extends AnyRef {
  /**
   * Makes an array of given elements.
   *
   * @param store The store to make it in.
   * @param type Its type.
   * @param elements The elements; or, in a view, their bytes, little-endian.
   * @returns The reference.
   * @throws {TypeError} for values that cannot be coerced, and for the bytes of references.
   * @throws {RangeError} for bytes that are no whole number of elements.
   * @throws {Trap} `gc_heap_exhausted` when the heap is full.
   */
  static create(store: Store, type: ArrayType, elements: Iterable<unknown> | ArrayBufferView): ArrayRef {
    const state = storeOf(store);
    const typeId = typeIdOf(state.engine, "array", type);
    if (ArrayBuffer.isView(elements)) return createArrayOfBytes(state, typeId, bytesOf(elements)) as ArrayRef;
    return createArray(state, typeId, [...elements]) as ArrayRef;
  }

  /**
   * Makes an array of equal elements.
   *
   * @param store The store to make it in.
   * @param type Its type.
   * @param length How many elements it has.
   * @param value What they are; zero or null unless given.
   * @returns The reference.
   * @throws {TypeError} for a value that cannot be coerced.
   * @throws {Trap} `gc_heap_exhausted` when the heap is full.
   */
  static filled(store: Store, type: ArrayType, length: number, value?: unknown): ArrayRef {
    const state = storeOf(store);
    const typeId = typeIdOf(state.engine, "array", type);
    return createFilledArray(state, typeId, toU32(length, "The length"), value) as ArrayRef;
  }

  /** The type of the object. */
  get type(): ArrayType {
    return wrapArrayType(storeOfReference(this).engine, typeIdOfReference(this));
  }

  /** The number of elements. */
  get length(): number {
    return arrayLength(this);
  }

  /**
   * Reads an element; packed ones are zero-extended.
   *
   * @param index Which one, from 0.
   * @returns The value, as {@linkcode StructRef.get} gives it.
   * @throws {RangeError} beyond the last.
   * @throws {RefError} if the reference was given up.
   */
  // deno-lint-ignore no-explicit-any -- the element type is not known to TypeScript
  get(index: number): any {
    return readElement(this, index);
  }

  /**
   * Sets an element.
   *
   * @param index Which one, from 0.
   * @param value The value, coerced to the element type.
   * @throws {TypeError} if the array is immutable, or the value cannot be coerced.
   * @throws {RangeError} beyond the last.
   */
  set(index: number, value: unknown): void {
    writeElements(this, index, 1, value);
  }

  /**
   * Sets elements to one value: `array.fill`.
   *
   * @param value The value.
   * @param start The first element to be set.
   * @param end The first that is not; the end of the array unless given.
   * @throws {TypeError} if the array is immutable, or the value cannot be coerced.
   * @throws {RangeError} beyond the last element.
   */
  fill(value: unknown, start = 0, end: number = this.length): void {
    writeElements(this, start, end - start, value);
  }

  /**
   * Copies elements out as bytes, little-endian, as many as the view holds.
   *
   * @param target Where to.
   * @param start The first element.
   * @throws {TypeError} for an array of references.
   * @throws {RangeError} if the array has not so many elements, or the view's size is no whole number of them.
   */
  copyTo(target: ArrayBufferView, start = 0): void {
    copyElementsTo(this, start, bytesOf(target));
  }

  /**
   * Copies bytes, little-endian, over elements.
   *
   * @param source Where from.
   * @param start The first element.
   * @throws {TypeError} for an array of references, or an immutable one.
   * @throws {RangeError} as {@linkcode ArrayRef.copyTo}.
   */
  copyFrom(source: ArrayBufferView, start = 0): void {
    copyElementsFrom(this, start, bytesOf(source));
  }

  /**
   * A copy of elements as bytes, little-endian.
   *
   * @param start The first element.
   * @param end The first that is not copied; the end of the array unless given.
   * @returns The bytes.
   * @throws {TypeError} for an array of references.
   * @throws {RangeError} if the array has not so many elements.
   */
  toBytes(start = 0, end: number = this.length): Uint8Array<ArrayBuffer> {
    return copyElements(this, start, end);
  }

  /** The elements, one after the other, each as it is when its turn comes. */
  *[Symbol.iterator](): Generator<unknown, void, undefined> {
    const length = arrayLength(this);
    for (let i = 0; i < length; i++) yield readElement(this, i);
  }

  /** As {@linkcode StructRef.toObject}: the elements, and all that they refer to, as plain arrays and objects. */
  toObject(): unknown[] {
    return toPlain(this) as unknown[];
  }
}

/**
 * A reference to an exception.
 *
 * @example What an exception carries
 * ```ts
 * import { Engine, ExnRef, Store, Tag } from "@theropod/theropod";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const tag = new Tag(store, { parameters: ["i32", "externref"] });
 * using exception = ExnRef.create(tag, [404, "not found"]);
 * assertStrictEquals(exception.tag, tag);
 * assertEquals(exception.values(), [404, "not found"]);
 * ```
 */
export class ExnRef extends AnyRef {
  /**
   * Makes an exception in the tag's store, for a guest to throw.
   *
   * @param tag Its kind.
   * @param values What it carries.
   * @returns The reference.
   * @throws {TypeError} if they are not as many as the tag's parameters, or cannot be coerced.
   * @throws {Trap} `gc_heap_exhausted` when the heap is full.
   */
  static create(tag: Tag, values: readonly unknown[] = []): ExnRef {
    const state = tagOf(tag);
    if (state === undefined) throw new TypeError("Expected a Tag");
    state.store.requireOpen();
    const given = Array.from(values);
    const { length } = state.signature.params;
    if (given.length !== length) {
      throw new TypeError(`The tag's exceptions carry ${length} values, not ${given.length}`);
    }
    return createExn(state, given) as ExnRef;
  }

  /** Its kind. */
  get tag(): Tag {
    const store = storeOfReference(this);
    return wrapTag(store.tags[store.gc.exnTag(usedReference(this)) - 1]);
  }

  /** What it carries. */
  values(): unknown[] {
    return Array.from({ length: fieldCount(this) }, (_, i) => readField(this, i));
  }

  /** As {@linkcode StructRef.toObject}: the values that it carries, and all that they refer to, as plain arrays and objects. */
  toObject(): unknown[] {
    return toPlain(this) as unknown[];
  }
}

/**
 * A reference to a continuation. Guests make continuations and run them; JavaScript finds them in tables of continuations, keeps them alive, and
 * moves them between such tables.
 *
 * @example A scheduler's queue, as JavaScript sees it
 * ```ts
 * import { type ContRef, Engine, FEATURES, Instance, Module, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine({ features: FEATURES.map(([name]) => name) });
 * using store = new Store(engine);
 * const module = Module.fromText(engine, `(module
 *   (type $task (func)) (type $cont (cont $task))
 *   (table $queue (export "queue") 2 (ref null $cont))
 *   (global $done (export "done") (mut i32) (i32.const 0))
 *   (func $work (global.set $done (i32.add (global.get $done) (i32.const 1))))
 *   (elem declare func $work)
 *   (func (export "spawn") (table.set $queue (i32.const 0) (cont.new $cont (ref.func $work))))
 *   (func (export "run") (param i32) (resume $cont (table.get $queue (local.get 0)))))`);
 * const { spawn, run, queue, done } = new Instance(store, module).exports;
 * spawn();
 * using task: ContRef = queue.get(0);
 * queue.set(1, task);
 * queue.set(0, null);
 * run(1);
 * assertEquals([done.value, task.isConsumed], [1, true]);
 * ```
 */
export class ContRef extends AnyRef {
  /** Whether it was resumed, bound or thrown into: a continuation is used once. */
  get isConsumed(): boolean {
    return storeOfReference(this).gc.contNumber(usedReference(this)) === 0;
  }
}

/**
 * A reference to a JavaScript value as a guest has it: an external reference.
 *
 * JavaScript values cross as they are, and a guest that drops one lets it go, so most programs need no `ExternRef`. It keeps the value in the
 * store's heap from JavaScript's side, until it is given up, and converts between the external and the internal view of a reference. Wherever it
 * is passed to a guest, its value is what is passed.
 *
 * @example A value that stays the same reference, and is given up
 * ```ts
 * import { Engine, ExternRef, Instance, Module, Store, StructRef } from "@theropod/theropod";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const module = Module.fromText(engine, `(module
 *   (type $box (struct (field $value (mut externref))))
 *   (func (export "same") (param externref) (result externref) (local.get 0)))`);
 * const { same } = new Instance(store, module).exports;
 * const request = { path: "/" };
 * {
 *   using held = ExternRef.of(store, request);
 *   assertStrictEquals(same(held), request);
 *   assertStrictEquals(ExternRef.of(store, request), held);
 * }
 * // An object of the heap is its own external reference, and back.
 * using box = StructRef.create(store, module.structType("box"), { value: request });
 * assertStrictEquals(ExternRef.of(store, box).toAny(), box);
 * assertEquals(box.get("value"), request);
 * ```
 */
export class ExternRef extends ExternReference {
  /**
   * The external reference to a value: `extern.convert_any` for a reference to an object or an unboxed scalar, an object of the heap that stands
   * for the value for anything else.
   *
   * @param store The store in whose heap it is.
   * @param value Any value.
   * @returns The reference, always the same for one object while it is not given up; null for null.
   * @typeParam Value What the value is known to be.
   * @throws {RefError} for a reference that was given up, or is of another store.
   * @throws {Trap} `gc_heap_exhausted` when the heap is full.
   */
  static of<Value>(store: Store, value: Value): 0 extends 1 & Value ? ExternRef : Value extends null ? null : ExternRef;
  static of(store: Store, value: unknown): ExternRef | null {
    const state = storeOf(store);
    return value === null ? null : externReference(ExternRef, state, value) as ExternRef;
  }

  /**
   * Whether the reference is of a heap type: of `"extern"`, and of no other.
   *
   * @param type A heap type.
   * @returns Whether it is.
   * @throws {RefError} if the reference was given up.
   */
  matches(type: HeapTypeSource): boolean {
    void super.value; // asks whose it is, and whether it is still good
    return type === "extern";
  }

  /**
   * The reference as one to a heap type: `ref.cast`, which has no way from the external to the internal ones ({@linkcode ExternRef.toAny} is it).
   *
   * @param type A heap type.
   * @returns The reference.
   * @throws {RefError} if it is another type than `"extern"`, or the reference was given up.
   */
  cast(type: HeapTypeSource): this {
    if (!this.matches(type)) throw new RefError("wrong_type", "The reference is external");
    return this;
  }
}

setReferenceClasses({ struct: StructRef, array: ArrayRef, exn: ExnRef, cont: ContRef });

function bytesOf(view: ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(view)) throw new TypeError("Bytes are given as a view of a buffer");
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Gives up, at its end, all references that JavaScript saw for the first time since it was made.
 *
 * @example References for a piece of work
 * ```ts
 * import { ArrayRef, ArrayType, Engine, RootScope, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const longs = new ArrayType(engine, { type: "i64" });
 * let kept: ArrayRef;
 * let lost: ArrayRef;
 * {
 *   using scope = new RootScope(store);
 *   kept = scope.keep(ArrayRef.filled(store, longs, 10));
 *   lost = ArrayRef.filled(store, longs, 1000);
 * }
 * assertEquals([kept.isDisposed, lost.isDisposed], [false, true]);
 * ```
 */
export class RootScope implements Disposable {
  readonly #state: RootScopeState;

  /**
   * Opens a scope. Scopes nest.
   *
   * @param store The store whose references it takes.
   */
  constructor(store: Store) {
    this.#state = new RootScopeState(storeOf(store));
  }

  /** How many references it holds. */
  get size(): number {
    return this.#state.size;
  }

  /**
   * Takes a reference out of the scope, into the one around it if there is one.
   *
   * @param reference A reference.
   * @returns The same.
   */
  keep<R extends AnyRef>(reference: R): R {
    this.#state.keep(reference);
    return reference;
  }

  /** Ends the scope. Does nothing the second time. */
  [Symbol.dispose](): void {
    this.#state.end();
  }
}
