/** Recursion groups made by the embedder: types that refer to themselves or to each other. */

import { engineOf } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { enterGroup, GroupMember, type GroupState, type TypeDescription } from "./composite_type.ts";
import {
  ArrayType,
  describeArray,
  describeFunc,
  describeStruct,
  type FieldType,
  FuncType,
  StructType,
  type SubTypeOptions,
  type TypedSignature,
  wrapArrayType,
  wrapFuncType,
  wrapStructType,
} from "./heap_types.ts";

/** A struct type of a group. */
export interface StructDefinition extends SubTypeOptions<StructType> {
  /** Its fields, in order. */
  readonly struct: readonly FieldType[];
}

/** An array type of a group. */
export interface ArrayDefinition extends SubTypeOptions<ArrayType> {
  /** What its elements are. */
  readonly array: FieldType;
}

/** A function type of a group. */
export interface FuncDefinition extends SubTypeOptions<FuncType> {
  /** Its parameters and results. */
  readonly func: TypedSignature;
}

/** A type of a group. */
export type TypeDefinition = StructDefinition | ArrayDefinition | FuncDefinition;

/** What a type of a group becomes. */
export type TypeOfDefinition<D> = D extends StructDefinition ? StructType
  : D extends ArrayDefinition ? ArrayType
  : D extends FuncDefinition ? FuncType
  : never;

/**
 * Makes types that refer to each other, or to themselves: a recursion group, as `(rec ...)` in the text format. They are the same types as those
 * of an equal group of a module, whose members stand in the same order.
 *
 * @example A list and its nodes, which pass a guest's casts
 * ```ts
 * import { Engine, Instance, Module, recGroup, Store, StructRef } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const { list, node } = recGroup(engine, ({ list, node }) => ({
 *   list: { struct: [{ name: "first", type: { ref: node }, mutable: true }] },
 *   node: {
 *     struct: [
 *       { name: "value", type: "i32" },
 *       { name: "next", type: { ref: node }, mutable: true },
 *       { name: "owner", type: { ref: list } },
 *     ],
 *   },
 * }));
 * using mine = StructRef.create(store, list);
 * mine.set("first", StructRef.create(store, node, { value: 7, owner: mine }));
 *
 * const module = Module.fromText(engine, `(module
 *   (rec
 *     (type $list (struct (field (mut (ref null $node)))))
 *     (type $node (struct (field i32) (field (mut (ref null $node))) (field (ref null $list)))))
 *   (func (export "first") (param anyref) (result i32)
 *     (struct.get $node 0 (struct.get $list 0 (ref.cast (ref $list) (local.get 0))))))`);
 * assertEquals(new Instance(store, module).exports.first(mine), 7);
 * ```
 *
 * @param engine The engine whose types they are.
 * @param define Is given the group's types by their names, to be referred to, and returns what they are: an object whose properties, in order,
 * are the types of the group.
 * @returns The types by their names.
 * @throws {TypeError} for types that are none, a name that the group does not have, or a supertype that does not match or comes later.
 * @throws {RangeError} for too many fields, parameters, results or supertypes.
 */
export function recGroup<const D extends Readonly<Record<string, TypeDefinition>>>(
  engine: Engine,
  define: (types: Readonly<Record<string, GroupMember>>) => D,
): { readonly [K in keyof D]: TypeOfDefinition<D[K]> } {
  const { state } = engineOf(engine);
  if (typeof define !== "function") throw new TypeError("A group is defined by a function");
  const group: GroupState = { names: undefined, entries: undefined };
  const members = new Map<string, GroupMember>();
  const member = (name: string) => {
    let known = members.get(name);
    if (known === undefined) members.set(name, known = new GroupMember(group, name));
    return known;
  };
  const definitions: unknown = define(
    new Proxy({}, { get: (_, name) => typeof name === "string" ? member(name) : undefined }),
  );
  if (typeof definitions !== "object" || definitions === null) {
    throw new TypeError("A group's types are given as an object");
  }
  const given = Object.entries(definitions as Record<string, TypeDefinition>);
  if (given.length === 0) throw new TypeError("A group has at least one type");
  group.names = given.map(([name]) => name);
  const descriptions = given.map(([name, definition]): TypeDescription => {
    if (typeof definition === "object" && definition !== null) {
      if ("struct" in definition) return describeStruct(state, definition.struct, definition, group);
      if ("array" in definition) return describeArray(state, definition.array, definition, group);
      if ("func" in definition) return describeFunc(state, definition.func, definition, group);
    }
    throw new TypeError(`The type ${JSON.stringify(name)} is a struct, an array or a func`);
  });
  engineOf(engine); // user code has run
  const ids = enterGroup(state, descriptions);
  group.entries = ids.map((typeId) => ({ engine: state, typeId }));
  const types = descriptions.map(({ type: { kind }, names }, k) =>
    kind === "struct"
      ? wrapStructType(state, ids[k], names)
      : kind === "array"
      ? wrapArrayType(state, ids[k])
      : wrapFuncType(state, ids[k])
  );
  return Object.fromEntries(given.map(([name], k) => [name, types[k]])) as never;
}
