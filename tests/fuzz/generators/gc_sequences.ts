/**
 * Random sequences of operations on a store's heap, as data; and the guest that does the half of them which is not the host's.
 *
 * An operation is a name and numbers. What the numbers mean depends on the state in which the operation runs (an index is taken modulo what there
 * is), so any part of a sequence is a sequence: that is what makes a failing one easy to reduce.
 *
 * The guest keeps references in tables that are its registers, and exports one function for each thing that can be done to them: from the types
 * below, a row each, follow allocation, access and casts.
 */

import type { Random } from "./random.ts";

/** What a field or element holds. References of the any and extern hierarchies share registers, others have theirs. */
export type Storage =
  | "i8"
  | "i16"
  | "i32"
  | "i64"
  | "f64"
  | "any"
  | "eq"
  | "extern"
  | "func"
  | "exn"
  | "node"
  | "list";

/** A field. */
export interface Field {
  readonly storage: Storage;
  readonly isMutable: boolean;
}

const mut = (storage: Storage): Field => ({ storage, isMutable: true });
const NODE: readonly Field[] = [mut("i32"), mut("any"), mut("node")];

/** Struct types; a leaf is a node. */
export const STRUCTS = {
  node: NODE,
  leaf: [...NODE, mut("extern"), mut("func"), mut("i64")],
  mix: [mut("i8"), mut("i16"), mut("f64"), mut("list"), { storage: "eq", isMutable: false }, mut("exn")],
} as const satisfies Record<string, readonly Field[]>;

/** Array types and what their elements are; all are mutable. */
export const ARRAYS = {
  bytes: "i8",
  longs: "i64",
  list: "any",
  nodes: "node",
  exts: "extern",
  funcs: "func",
} as const satisfies Record<string, Storage>;

/** The name of a struct type. */
export type StructName = keyof typeof STRUCTS;
/** The name of an array type. */
export type ArrayName = keyof typeof ARRAYS;
/** Names of all struct types. */
export const STRUCT_NAMES = Object.keys(STRUCTS) as StructName[];
/** Names of all array types. */
export const ARRAY_NAMES = Object.keys(ARRAYS) as ArrayName[];

/** The fields of a struct type. */
export const fieldsOf = (type: StructName): readonly Field[] => STRUCTS[type];

/** Arrays that `array.copy` goes between: target, source. */
export const ARRAY_COPIES: readonly (readonly [ArrayName, ArrayName])[] = [
  ...ARRAY_NAMES.map((name) => [name, name] as const),
  ["list", "nodes"],
];

/** Heap types that casts ask for: abstract ones, and the types above. */
export const ABSTRACT_TARGETS = ["any", "eq", "i31", "struct", "array", "none"] as const;
/** A heap type that casts ask for. */
export type Target = typeof ABSTRACT_TARGETS[number] | StructName | ArrayName;
/** All of them. */
export const TARGETS: readonly Target[] = [...ABSTRACT_TARGETS, ...STRUCT_NAMES, ...ARRAY_NAMES];

/** The tables that operations are about: what they hold, their size at first and at most. */
export const TABLES = {
  any: { storage: "any", minimum: 6, maximum: 24 },
  ext: { storage: "extern", minimum: 5, maximum: 20 },
  fun: { storage: "func", minimum: 4, maximum: 12 },
  nod: { storage: "node", minimum: 3, maximum: 16 },
  exns: { storage: "exn", minimum: 2, maximum: 6 },
} as const satisfies Record<string, { storage: Storage; minimum: number; maximum: number }>;
/** The name of a table. */
export type TableName = keyof typeof TABLES;
/** Names of all tables. */
export const TABLE_NAMES = Object.keys(TABLES) as TableName[];
/** Tables that `table.copy` goes between: target, source. */
export const TABLE_COPIES: readonly (readonly [TableName, TableName])[] = [
  ...TABLE_NAMES.map((name) => [name, name] as const),
  ["any", "nod"],
];

/** Globals that operations are about. */
export const GLOBALS = { any: "any", ext: "extern", node: "node", exn: "exn", func: "func" } as const satisfies Record<
  string,
  Storage
>;
/** The name of a global. */
export type GlobalName = keyof typeof GLOBALS;
/** Names of all globals. */
export const GLOBAL_NAMES = Object.keys(GLOBALS) as GlobalName[];

/** Registers of the any and extern hierarchies; a power of two. */
export const REGISTERS = 16;
/** Registers for functions, and for exceptions. */
export const SIDE_REGISTERS = 4;
/** Functions that references refer to. */
export const FUNCTIONS = 3;
/** What the guest's data segment holds. */
export const DATA = "twenty-five bytes of data";

const NUMBERS: Partial<Record<Storage, string>> = { i8: "i32", i16: "i32", i32: "i32", i64: "i64", f64: "f64" };

/** Whether a storage holds numbers. */
export const isNumber = (storage: Storage): boolean => storage in NUMBERS;

const TYPE: Record<Storage, string> = {
  i8: "i8",
  i16: "i16",
  i32: "i32",
  i64: "i64",
  f64: "f64",
  any: "anyref",
  eq: "eqref",
  extern: "externref",
  func: "funcref",
  exn: "exnref",
  node: "(ref null $node)",
  list: "(ref null $list)",
};

/** The operand in parameter `index`: a number, or what the register of that number holds. */
function load(storage: Storage, index: number): string {
  const register = `(local.get ${index})`;
  switch (storage) {
    case "any":
      return `(table.get $regs ${register})`;
    case "extern":
      return `(extern.convert_any (table.get $regs ${register}))`;
    case "func":
      return `(table.get $fregs ${register})`;
    case "exn":
      return `(table.get $xregs ${register})`;
    case "eq":
    case "node":
    case "list":
      return `(ref.cast ${TYPE[storage]} (table.get $regs ${register}))`;
    default:
      return register;
  }
}

/** The first result goes into the register that parameter 0 names; numbers are returned. */
function store(storage: Storage, value: string): string {
  switch (storage) {
    case "func":
      return `(table.set $fregs (local.get 0) ${value})`;
    case "exn":
      return `(table.set $xregs (local.get 0) ${value})`;
    case "extern":
      return `(table.set $regs (local.get 0) (any.convert_extern ${value}))`;
    default:
      return isNumber(storage) ? value : `(table.set $regs (local.get 0) ${value})`;
  }
}

const param = (storage: Storage) => `(param ${NUMBERS[storage] ?? "i32"})`;
const params = (count: number) => "(param i32)".repeat(count);
const result = (storage: Storage) => isNumber(storage) ? `(result ${NUMBERS[storage]})` : "";
/** A register cast to a type of objects, null included. */
const object = (type: string, index: number) => `(ref.cast (ref null $${type}) (table.get $regs (local.get ${index})))`;
const exported = (name: string, rest: string) => `(func (export "${name}") ${rest})`;
const get = (kind: "struct" | "array", storage: Storage) =>
  `${kind}.get${storage === "i8" || storage === "i16" ? "_u" : ""}`;
const locals = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => `(local.get ${first + i})`).join(" ");

function structFunctions(name: StructName): string[] {
  const fields = fieldsOf(name);
  const functions = [
    exported(
      `new_${name}`,
      `(param i32) ${fields.map(({ storage }) => param(storage)).join(" ")} ${
        store("any", `(struct.new $${name} ${fields.map(({ storage }, i) => load(storage, i + 1)).join(" ")})`)
      }`,
    ),
    exported(`default_${name}`, `(param i32) ${store("any", `(struct.new_default $${name})`)}`),
  ];
  fields.forEach(({ storage, isMutable }, field) => {
    functions.push(exported(
      `get_${name}_${field}`,
      `${params(2)} ${result(storage)} ${
        store(storage, `(${get("struct", storage)} $${name} ${field} ${object(name, 1)})`)
      }`,
    ));
    if (!isMutable) return;
    functions.push(exported(
      `set_${name}_${field}`,
      `(param i32) ${param(storage)} (struct.set $${name} ${field} ${object(name, 0)} ${load(storage, 1)})`,
    ));
  });
  return functions;
}

function arrayFunctions(name: ArrayName): string[] {
  const storage = ARRAYS[name];
  const functions = [
    exported(
      `new_${name}`,
      `${params(2)} ${param(storage)} ${store("any", `(array.new $${name} ${load(storage, 2)} (local.get 1))`)}`,
    ),
    exported(`default_${name}`, `${params(2)} ${store("any", `(array.new_default $${name} (local.get 1))`)}`),
    exported(
      `fixed_${name}`,
      `(param i32) ${param(storage).repeat(3)} ${
        store("any", `(array.new_fixed $${name} 3 ${load(storage, 1)} ${load(storage, 2)} ${load(storage, 3)})`)
      }`,
    ),
    exported(
      `get_${name}`,
      `${params(3)} ${result(storage)} ${
        store(storage, `(${get("array", storage)} $${name} ${object(name, 1)} (local.get 2))`)
      }`,
    ),
    exported(
      `set_${name}`,
      `${params(2)} ${param(storage)} (array.set $${name} ${object(name, 0)} (local.get 1) ${load(storage, 2)})`,
    ),
    exported(
      `fill_${name}`,
      `${params(2)} ${param(storage)} (param i32) (array.fill $${name} ${object(name, 0)} (local.get 1) ${
        load(storage, 2)
      } (local.get 3))`,
    ),
  ];
  if (storage === "i8" || storage === "i64") {
    functions.push(
      exported(`data_${name}`, `${params(3)} ${store("any", `(array.new_data $${name} $data ${locals(1, 2)})`)}`),
      exported(`initdata_${name}`, `${params(4)} (array.init_data $${name} $data ${object(name, 0)} ${locals(1, 3)})`),
    );
  }
  if (storage === "any") {
    functions.push(
      exported(`elem_${name}`, `${params(3)} ${store("any", `(array.new_elem $${name} $items ${locals(1, 2)})`)}`),
      exported(`initelem_${name}`, `${params(4)} (array.init_elem $${name} $items ${object(name, 0)} ${locals(1, 3)})`),
    );
  }
  return functions;
}

function tableFunctions(name: TableName): string[] {
  const { storage } = TABLES[name];
  return [
    exported(`tget_${name}`, `${params(2)} ${store(storage, `(table.get $${name} (local.get 1))`)}`),
    exported(`tset_${name}`, `${params(2)} (table.set $${name} (local.get 0) ${load(storage, 1)})`),
    exported(`tgrow_${name}`, `${params(2)} (result i32) (table.grow $${name} ${load(storage, 1)} (local.get 0))`),
    exported(`tfill_${name}`, `${params(3)} (table.fill $${name} (local.get 0) ${load(storage, 1)} (local.get 2))`),
  ];
}

function castFunctions(target: Target): string[] {
  const heap = (ABSTRACT_TARGETS as readonly string[]).includes(target) ? target : `$${target}`;
  return ["", "null "].flatMap((nullable) => {
    const type = `(ref ${nullable}${heap})`, suffix = `${nullable.trim()}_${target}`;
    return [
      exported(`test${suffix}`, `(param i32) (result i32) (ref.test ${type} ${load("any", 0)})`),
      exported(`cast${suffix}`, `${params(2)} ${store("any", `(ref.cast ${type} ${load("any", 1)})`)}`),
      exported(
        `branch${suffix}`,
        `${params(2)} (result i32) (local $hit ${type.replace("(ref ", "(ref null ").replace("null null", "null")})
  (block $yes (result ${type})
    (table.set $regs (local.get 0) (br_on_cast $yes anyref ${type} ${load("any", 1)}))
    (return (i32.const 0)))
  (local.set $hit)
  (table.set $regs (local.get 0) (local.get $hit)) (i32.const 1)`,
      ),
    ];
  });
}

/** Calls that keep references on the stack while the host function at the bottom does whatever it likes. */
const CALLS = `
(func $deep (param $n i32) (param $r i32) (param $prev (ref null $node))
  (local $x (ref null $node)) (local $l (ref null $list)) (local $e externref)
  (local.set $x (struct.new $node (local.get $n) (table.get $regs (local.get $r)) (local.get $prev)))
  (local.set $l (array.new $list (ref.i31 (local.get $n)) (i32.const 2)))
  (local.set $e (extern.convert_any (table.get $regs (call $step (local.get $r) (i32.const 1)))))
  (if (i32.eqz (local.get $n))
    (then (table.set $regs (local.get $r) (call $mid (local.get $x) (local.get $e))))
    (else (call $deep (i32.sub (local.get $n) (i32.const 1)) (call $step (local.get $r) (i32.const 3)) (local.get $x))))
  (array.set $list (local.get $l) (i32.const 0) (local.get $x))
  (array.set $list (local.get $l) (i32.const 1) (any.convert_extern (local.get $e)))
  (table.set $regs (call $step (local.get $r) (i32.const 5)) (local.get $l)))
(func $step (param i32 i32) (result i32)
  (i32.and (i32.add (local.get 0) (local.get 1)) (i32.const ${REGISTERS - 1})))
(func (export "deep") (param i32 i32) (call $deep (local.get 0) (local.get 1) (ref.null $node)))
(func (export "guard") (param $n i32) (param $r i32) (result i32)
  (local $kept anyref) (local $a anyref) (local $e externref) (local $x exnref)
  (local.set $kept (table.get $regs (local.get $r)))
  (block $u (result anyref exnref)
    (block $t (result i32 anyref externref)
      (try_table (catch $t $t) (catch_ref $u $u) (call $deep (local.get $n) (local.get $r) (ref.null $node)))
      (table.set $regs (local.get $r) (local.get $kept))
      (return (i32.const -1)))
    (local.set $e)
    (table.set $regs (call $step (local.get $r) (i32.const 1)) (any.convert_extern (local.get $e)))
    (local.set $e (extern.convert_any (local.get $kept)))
    (local.set $kept)
    (table.set $regs (local.get $r) (local.get $kept))
    (table.set $regs (call $step (local.get $r) (i32.const 2)) (any.convert_extern (local.get $e)))
    (return))
  (local.set $x)
  (local.set $a)
  (table.set $regs (call $step (local.get $r) (i32.const 1)) (local.get $kept))
  (table.set $regs (local.get $r) (local.get $a))
  (table.set $xregs (i32.and (local.get $r) (i32.const ${SIDE_REGISTERS - 1})) (local.get $x))
  (i32.const -2))
(func (export "throwcatch") (param i32 i32 i32 i32) (result i32) (local $x exnref) (local $e externref) (local $a anyref)
  (block $h (result i32 anyref externref exnref)
    (try_table (catch_ref $t $h)
      (throw $t (local.get 3) (table.get $regs (local.get 1)) (extern.convert_any (table.get $regs (local.get 2)))))
    (unreachable))
  (local.set $x) (local.set $e) (local.set $a)
  (table.set $xregs (i32.and (local.get 0) (i32.const ${SIDE_REGISTERS - 1})) (local.get $x))
  (table.set $regs (local.get 1) (any.convert_extern (local.get $e)))
  (table.set $regs (local.get 2) (local.get $a)))
(func (export "throwout") (param i32 i32 i32)
  (throw $t (local.get 0) (table.get $regs (local.get 1)) (extern.convert_any (table.get $regs (local.get 2)))))
(func (export "rethrow") (param i32 i32)
  (table.set $xregs (local.get 0)
    (block $h (result exnref) (try_table (catch_all_ref $h) (throw_ref (table.get $xregs (local.get 1)))) (unreachable))))
(func (export "rethrowout") (param i32) (throw_ref (table.get $xregs (local.get 0))))
(func (export "pass") (param anyref externref (ref null $node) eqref) (result eqref (ref null $node) externref anyref)
  (local $garbage (ref null $list))
  (local.set $garbage (array.new_default $list (i32.const 3)))
  (array.set $list (local.get $garbage) (i32.const 0) (local.get 2))
  (drop (struct.new $node (i32.const 1) (local.get 0) (local.get 2)))
  (local.get 3) (local.get 2) (local.get 1) (local.get 0))
(func (export "callf") (param i32 i32) (result i32) (local $f funcref)
  (local.set $f (table.get $fregs (local.get 1)))
  (call_ref $ft (local.get 0) (ref.cast (ref null $ft) (local.get $f))))
`;

const REST = [
  exported("eq", `${params(2)} (result i32) (ref.eq ${load("eq", 0)} ${load("eq", 1)})`),
  exported("i31", `${params(2)} (table.set $regs (local.get 0) (ref.i31 (local.get 1)))`),
  exported("i31s", `(param i32) (result i32) (i31.get_s (ref.cast i31ref ${load("any", 0)}))`),
  exported("i31u", `(param i32) (result i32) (i31.get_u (ref.cast i31ref ${load("any", 0)}))`),
  exported("move", `${params(2)} (table.set $regs (local.get 0) ${load("any", 1)})`),
  exported("movex", `${params(2)} (table.set $xregs (local.get 0) ${load("exn", 1)})`),
  exported("clear", `(param i32) (table.set $regs (local.get 0) (ref.null any))`),
  exported("clearx", `(param i32) (table.set $xregs (local.get 0) (ref.null exn))`),
  exported("len", `(param i32) (result i32) (array.len (ref.cast arrayref ${load("any", 0)}))`),
  exported("tinit", `${params(3)} (table.init $any $items ${locals(0, 3)})`),
  exported("dropitems", `(elem.drop $items)`),
  exported("dropdata", `(data.drop $data)`),
];

/** The guest as text. */
export function gcSequenceGuest(): string {
  const field = ({ storage, isMutable }: Field) => `(field ${isMutable ? `(mut ${TYPE[storage]})` : TYPE[storage]})`;
  const fields = (name: StructName) => fieldsOf(name).map(field).join(" ");
  return `(module (rec
(type $node (sub (struct ${fields("node")})))
(type $leaf (sub final $node (struct ${fields("leaf")})))
(type $mix (struct ${fields("mix")}))
${ARRAY_NAMES.map((name) => `(type $${name} (array (mut ${TYPE[ARRAYS[name]]})))`).join("\n")})
(type $ft (func (param i32) (result i32)))
(import "host" "mid" (func $mid (param anyref externref) (result anyref)))
(tag $t (export "t") (param i32 anyref externref)) (tag $u (export "u") (param anyref))
(table $regs (export "regs") ${REGISTERS} ${REGISTERS} anyref)
(table $fregs (export "fregs") ${SIDE_REGISTERS} ${SIDE_REGISTERS} funcref)
(table $xregs (export "xregs") ${SIDE_REGISTERS} ${SIDE_REGISTERS} exnref)
${
    TABLE_NAMES.map((name) => {
      const { storage, minimum, maximum } = TABLES[name];
      return `(table $${name} (export "table_${name}") ${minimum} ${maximum} ${TYPE[storage]})`;
    }).join("\n")
  }
${
    GLOBAL_NAMES.map((name) => {
      const type = TYPE[GLOBALS[name]];
      const init = name === "any"
        ? "(struct.new $node (i32.const 42) (ref.i31 (i32.const 43)) (ref.null $node))"
        : name === "node"
        ? "(struct.new_default $leaf)"
        : `(ref.null ${GLOBALS[name]})`;
      return `(global $g_${name} (export "global_${name}") (mut ${type}) ${init})`;
    }).join("\n")
  }
(elem $items anyref (item (struct.new_default $node)) (item (ref.i31 (i32.const 7)))
  (item (array.new_default $list (i32.const 2))) (item (ref.null any)))
(elem declare func ${Array.from({ length: FUNCTIONS }, (_, i) => `$f${i}`).join(" ")})
(data $data "${DATA}")
${
    Array.from(
      { length: FUNCTIONS },
      (_, i) =>
        `(func $f${i} (export "f${i}") (type $ft) (i32.add (local.get 0) (i32.const ${i + 1})))
${exported(`ref_f${i}`, `(param i32) (table.set $fregs (local.get 0) (ref.func $f${i}))`)}`,
    ).join("\n")
  }
${STRUCT_NAMES.flatMap(structFunctions).join("\n")}
${ARRAY_NAMES.flatMap(arrayFunctions).join("\n")}
${
    ARRAY_COPIES.map(([to, from]) =>
      exported(
        `copy_${to}_${from}`,
        `${params(5)} (array.copy $${to} $${from} ${object(to, 0)} (local.get 1) ${object(from, 2)} ${locals(3, 2)})`,
      )
    ).join("\n")
  }
${TABLE_NAMES.flatMap(tableFunctions).join("\n")}
${
    TABLE_COPIES.map(([to, from]) =>
      exported(`tcopy_${to}_${from}`, `${params(3)} (table.copy $${to} $${from} ${locals(0, 3)})`)
    )
      .join("\n")
  }
${
    GLOBAL_NAMES.map((name) =>
      `${exported(`gget_${name}`, `(param i32) ${store(GLOBALS[name], `(global.get $g_${name})`)}`)}
${exported(`gset_${name}`, `(param i32) (global.set $g_${name} ${load(GLOBALS[name], 0)})`)}`
    ).join("\n")
  }
${TARGETS.flatMap(castFunctions).join("\n")}
${CALLS}
${REST.join("\n")})`;
}

/** An operation: what is done, and numbers that say to what. */
export interface Operation<Name extends string = string> {
  readonly name: Name;
  readonly numbers: readonly number[];
}

/** Numbers that an operation has. */
const NUMBERS_EACH = 8;

/** A random sequence of operations with these names, each of which comes as often as its weight says. */
export function generateSequence<Name extends string>(
  random: Random,
  weights: Readonly<Record<Name, number>>,
  length: number,
): Operation<Name>[] {
  const names = (Object.keys(weights) as Name[]).flatMap((name) => Array<Name>(weights[name]).fill(name));
  return Array.from({ length }, () => ({
    name: random.pick(names),
    numbers: Array.from({ length: NUMBERS_EACH }, () => random.next()),
  }));
}
