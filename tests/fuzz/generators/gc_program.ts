/**
 * Random programs over garbage-collected objects, as text: types in subtype chains, allocation, fields and elements, casts and branches on
 * them, i31, references in locals, globals, tables and objects, and calls that pass all of these.
 *
 * They end (a global counts down at every call and round) and compute without NaNs, so that their results are defined to the bit. Most
 * operands are made harmless (a reference that may be null is replaced by a new object where it is, an index is taken modulo the length),
 * the rest may trap: null, bounds and cast failures are part of what is compared.
 */

import type { Random } from "./random.ts";

/** A struct type and what stands above it. */
interface StructShape {
  readonly supertype: number | undefined;
  readonly fields: readonly { readonly storage: string; readonly isMutable: boolean }[];
}

/** A type of values: as it is written. */
type ValueType = string;

const NUMBERS: readonly ValueType[] = ["i32", "i32", "i64", "f64", "f32"];
const TOPS: readonly ValueType[] = ["eqref", "anyref", "structref", "arrayref", "i31ref", "funcref", "externref"];
/** Fuel that one call of an export has. */
export const FUEL_PER_CALL = 250;
/** Exports of a program: "t0" to "t3", each of two i32 that gives an i64. */
export const EXPORTS = 4;

/** The text of a random program. */
export function generateGcProgram(random: Random): string {
  return new Generator(random).module();
}

class Generator {
  readonly #random: Random;
  readonly #structs: StructShape[] = [];
  /** Element storage types; all elements are mutable but those of every fifth array. */
  readonly #arrays: { readonly storage: string; readonly isMutable: boolean }[] = [];
  readonly #signatures: { readonly params: ValueType[]; readonly result: ValueType }[] = [];
  readonly #globals: ValueType[] = [];
  #locals: ValueType[] = [];
  #budget = 0;
  #label = 0;

  constructor(random: Random) {
    this.#random = random;
    const structs = 3 + random.below(5);
    for (let i = 0; i < structs; i++) this.#structs.push(this.#structShape(structs));
    const refs = () => this.#someRef(structs, 1);
    for (const storage of ["i8", "i16", "i32", "i64", "f64", "eqref", refs(), refs(), "funcref"]) {
      this.#arrays.push({ storage, isMutable: !random.oneIn(5) });
    }
    for (let i = 2 + random.below(4); i > 0; i--) {
      this.#signatures.push({
        params: Array.from({ length: random.below(random.oneIn(4) ? 12 : 4) }, () => this.#someType()),
        result: this.#someType(),
      });
    }
    this.#globals.push("eqref", "anyref", "(ref null $s0)", ...Array.from({ length: 3 }, () => this.#someType()));
  }

  #structShape(count: number): StructShape {
    const random = this.#random;
    const above = this.#structs.length;
    const supertype = above > 0 && !random.oneIn(3) ? random.below(above) : undefined;
    const inherited = supertype === undefined ? [] : this.#structs[supertype].fields;
    const own = Array.from({ length: random.below(4) }, () => ({
      storage: random.pick(["i8", "i16", "i32", "i64", "f32", "f64", this.#someRef(count, 0), this.#someRef(count, 0)]),
      isMutable: !random.oneIn(3),
    }));
    return { supertype, fields: [...inherited, ...own] };
  }

  /** A nullable reference type; arrays are named once there are some. */
  #someRef(structs: number, depth: number): ValueType {
    const random = this.#random;
    if (random.oneIn(2)) return `(ref null $s${random.below(structs)})`;
    return depth > 0 && random.oneIn(3) ? "anyref" : random.pick(TOPS);
  }

  #someType(): ValueType {
    const random = this.#random;
    if (random.oneIn(2)) return random.pick(NUMBERS);
    if (random.oneIn(3)) return `(ref null $a${random.below(this.#arrays.length)})`;
    return this.#someRef(this.#structs.length, 0);
  }

  module(): string {
    const types: string[] = [];
    this.#structs.forEach(({ supertype, fields }, i) => {
      const list = fields.map(({ storage, isMutable }) => `(field ${isMutable ? `(mut ${storage})` : storage})`);
      types.push(`(type $s${i} (sub ${supertype === undefined ? "" : `$s${supertype} `}(struct ${list.join(" ")})))`);
    });
    this.#arrays.forEach(({ storage, isMutable }, i) => {
      types.push(`(type $a${i} (array ${isMutable ? `(mut ${storage})` : storage}))`);
    });
    const globals = this.#globals.map((type, i) => `(global $g${i} (mut ${type}) ${this.#constant(type)})`);
    const funcs = this.#signatures.map(({ params, result }, i) => {
      const list = params.map((type) => `(param ${type})`).join(" ");
      return `(func $f${i} ${list} (result ${result})\n${this.#body(params, result)})`;
    });
    for (let i = 0; i < EXPORTS; i++) {
      funcs.push(`(func (export "t${i}") (param i32 i32) (result i64)\n${this.#body(["i32", "i32"], "i64")})`);
    }
    const names = this.#signatures.map((_, i) => `$f${i}`).join(" ");
    return `(module (rec\n${types.join("\n")})
(global $fuel (mut i32) (i32.const 0)) (global $sum (mut i64) (i64.const 0))
(func (export "start") (global.set $fuel (i32.const ${FUEL_PER_CALL})) (global.set $sum (i64.const 0)))
${globals.join("\n")}
(table $t 8 anyref) (table $e 4 externref) (elem declare func ${names}) (elem $el func ${names})
(data $d "some bytes for arrays, forty of them, here.")
${funcs.join("\n")})`;
  }

  #constant(type: ValueType): string {
    return NUMBERS.includes(type) ? `(${type}.const 0)` : `(ref.null ${heapOf(type)})`;
  }

  #body(params: readonly ValueType[], result: ValueType): string {
    const random = this.#random;
    const own = ["i32", "i64", "f64", "eqref", "anyref", ...Array.from({ length: 6 }, () => this.#someType())];
    this.#locals = [...params, ...own];
    this.#budget = 30 + random.below(random.oneIn(5) ? 200 : 60);
    const statements = Array.from({ length: 3 + random.below(8) }, () => this.#statement(5));
    // Whatever lives to the end is looked at there.
    const shown = this.#locals.map((type, i) => this.#mix(type, `(local.get ${i})`));
    const last = result === "i64" ? "(global.get $sum)" : this.#expression(result, 4);
    return `${own.map((type) => `(local ${type})`).join(" ")}\n${this.#fuel()}\n${statements.join("\n")}\n${
      shown.join("\n")
    }\n${last}`;
  }

  #fuel(): string {
    return `(global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
(if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (unreachable)))`;
  }

  /** Takes a value into the checksum. */
  #mix(type: ValueType, value: string): string {
    return `(global.set $sum (i64.add (i64.rotl (global.get $sum) (i64.const 7)) ${this.#bits(type, value)}))`;
  }

  #bits(type: ValueType, value: string): string {
    switch (type) {
      case "i64":
        return value;
      case "i32":
        return `(i64.extend_i32_s ${value})`;
      case "f64":
        return `(i64.reinterpret_f64 ${value})`;
      case "f32":
        return `(i64.extend_i32_s (i32.reinterpret_f32 ${value}))`;
      default:
        return `(i64.extend_i32_u ${this.#look(type, value)})`;
    }
  }

  /** What a reference is, as an i32. */
  #look(type: ValueType, value: string): string {
    if (hierarchyOf(type) !== "any" || this.#random.oneIn(4)) return `(ref.is_null ${value})`;
    return `(ref.test ${
      this.#random.oneIn(2) ? `(ref null ${this.#someHeap()})` : `(ref ${this.#someHeap()})`
    } ${value})`;
  }

  /** A heap type below any. */
  #someHeap(): string {
    const random = this.#random;
    switch (random.below(4)) {
      case 0:
        return random.pick(["eq", "struct", "array", "i31", "any", "none"]);
      case 1:
        return `$a${random.below(this.#arrays.length)}`;
      default:
        return `$s${random.below(this.#structs.length)}`;
    }
  }

  #statement(depth: number): string {
    const random = this.#random;
    if (depth <= 0 || this.#budget-- <= 0) return "(nop)";
    switch (random.below(14)) {
      case 0:
      case 1:
      case 2: {
        const local = random.below(this.#locals.length);
        return `(local.set ${local} ${this.#expression(this.#locals[local], depth - 1)})`;
      }
      case 3: {
        const global = random.below(this.#globals.length);
        return `(global.set $g${global} ${this.#expression(this.#globals[global], depth - 1)})`;
      }
      case 4:
      case 5:
        return this.#structSet(depth);
      case 6:
      case 7:
        return this.#arraySet(depth);
      case 8:
        return this.#arrayBulk(depth);
      case 9: {
        const index = `(i32.and ${this.#expression("i32", depth - 1)} (i32.const ${random.oneIn(20) ? 15 : 7}))`;
        return `(table.set $t ${index} ${this.#expression("anyref", depth - 1)})`;
      }
      case 10:
        return this.#loop(depth);
      case 11:
        return `(if ${this.#expression("i32", depth - 1)} (then ${this.#statement(depth - 1)} ${
          this.#statement(depth - 1)
        }) (else ${this.#statement(depth - 1)}))`;
      case 12: {
        const type = this.#someType();
        return this.#mix(type, this.#expression(type, depth - 1));
      }
      default: {
        const type = this.#someType();
        return `(drop ${this.#expression(type, depth - 1)})`;
      }
    }
  }

  #loop(depth: number): string {
    const label = `$l${this.#label++}`;
    return `(loop ${label} ${this.#fuel()} ${this.#statement(depth - 1)} ${this.#statement(depth - 1)}
(br_if ${label} (i32.lt_u (i32.rem_u (global.get $fuel) (i32.const ${3 + this.#random.below(9)})) (i32.const 2))))`;
  }

  #structSet(depth: number): string {
    const random = this.#random;
    const struct = random.below(this.#structs.length);
    const { fields } = this.#structs[struct];
    const settable = fields.map((_, i) => i).filter((i) => fields[i].isMutable);
    if (settable.length === 0) return "(nop)";
    const field = random.pick(settable);
    const object = this.#object(`$s${struct}`, depth - 1);
    return `(struct.set $s${struct} ${field} ${object} ${
      this.#expression(unpacked(fields[field].storage), depth - 1)
    })`;
  }

  /** An array in a local of its type, and what uses it: mostly only if it is that long. */
  #withArray(array: number, least: number, depth: number, use: (get: string) => string): string {
    const local = this.#locals.indexOf(`(ref null $a${array})`);
    if (local < 0) return this.#random.oneIn(20) ? use(this.#object(`$a${array}`, depth)) : "(nop)";
    const get = `(local.get ${local})`;
    const made = `(local.set ${local} ${this.#object(`$a${array}`, depth)})`;
    if (this.#random.oneIn(20)) return `${made} ${use(get)}`;
    return `${made} (if (i32.ge_u (array.len ${this.#some(get)}) (i32.const ${least})) (then ${use(get)}))`;
  }

  /** A reference that is not null, nearly always. */
  #some(get: string): string {
    return this.#random.oneIn(40) ? get : `(ref.as_non_null ${get})`;
  }

  /** An index that is mostly one of the array's, which is not empty. */
  #index(get: string, depth: number): string {
    const value = this.#expression("i32", depth - 1);
    if (this.#random.oneIn(30) || !get.startsWith("(local.get")) return `(i32.and ${value} (i32.const 3))`;
    return `(i32.rem_u ${value} (i32.or (array.len ${get}) (i32.eqz (array.len ${get}))))`;
  }

  #arraySet(depth: number): string {
    const array = this.#random.below(this.#arrays.length);
    const { storage, isMutable } = this.#arrays[array];
    if (!isMutable) return "(nop)";
    return this.#withArray(
      array,
      1,
      depth - 1,
      (get) =>
        `(array.set $a${array} ${get} ${this.#index(get, depth)} ${this.#expression(unpacked(storage), depth - 1)})`,
    );
  }

  #arrayBulk(depth: number): string {
    const random = this.#random;
    const array = random.below(this.#arrays.length);
    const { storage, isMutable } = this.#arrays[array];
    if (!isMutable) return "(nop)";
    const small = () => `(i32.const ${random.below(4)})`;
    return this.#withArray(array, 6, depth - 1, (get) => {
      switch (random.below(3)) {
        case 0:
          return `(array.fill $a${array} ${get} ${small()} ${
            this.#expression(unpacked(storage), depth - 1)
          } ${small()})`;
        case 1:
          return `(array.copy $a${array} $a${array} ${get} ${small()} ${
            random.oneIn(10) ? this.#object(`$a${array}`, depth - 1) : get
          } ${small()} ${small()})`;
        default:
          if (storage === "funcref") return `(array.init_elem $a${array} $el ${get} ${small()} ${small()} ${small()})`;
          return isNumeric(storage)
            ? `(array.init_data $a${array} $d ${get} ${small()} ${small()} ${small()})`
            : "(nop)";
      }
    });
  }

  /** A new object of a type below any. */
  #fresh(heap: string, depth: number): string {
    const random = this.#random;
    const number = Number(heap.slice(2));
    if (heap.startsWith("$s")) {
      if (depth <= 0 || random.oneIn(4)) return `(struct.new_default ${heap})`;
      const fields = this.#structs[number].fields.map(({ storage }) => this.#expression(unpacked(storage), depth - 1));
      return `(struct.new ${heap} ${fields.join(" ")})`;
    }
    const { storage } = this.#arrays[number];
    const length = random.oneIn(30) ? 300 : random.below(9);
    if (depth <= 0) return `(array.new_default ${heap} (i32.const ${length}))`;
    const value = () => this.#expression(unpacked(storage), depth - 2);
    switch (random.below(5)) {
      case 0:
        return `(array.new_default ${heap} (i32.and ${this.#expression("i32", depth - 1)} (i32.const 15)))`;
      case 1:
        return `(array.new ${heap} ${value()} (i32.and ${this.#expression("i32", depth - 1)} (i32.const 31)))`;
      case 2:
        return `(array.new ${heap} ${value()} (i32.const ${length}))`;
      case 3:
        if (isNumeric(storage)) return `(array.new_data ${heap} $d (i32.const ${random.below(4)}) (i32.const 3))`;
        return storage === "funcref"
          ? `(array.new_elem ${heap} $el (i32.const ${random.below(2)}) (i32.const 1))`
          : `(array.new_default ${heap} (i32.const ${length}))`;
      default: {
        const elements = Array.from({ length: random.below(6) }, value);
        return `(array.new_fixed ${heap} ${elements.length} ${elements.join(" ")})`;
      }
    }
  }

  /** An object of the type: mostly not null. */
  #object(heap: string, depth: number): string {
    const random = this.#random;
    const nullable = () => this.#expression(`(ref null ${heap})`, depth - 1);
    if (depth <= 0 || this.#budget-- <= 0) return this.#fresh(heap, 0);
    const label = `$b${this.#label++}`;
    switch (random.below(8)) {
      case 0:
        return random.oneIn(3) ? nullable() : this.#fresh(heap, depth);
      case 1:
        return random.oneIn(4) ? `(ref.as_non_null ${nullable()})` : this.#fresh(heap, depth);
      case 2:
      case 3:
        return `(block ${label} (result (ref ${heap})) (br_on_non_null ${label} ${nullable()}) ${
          this.#fresh(heap, 1)
        })`;
      case 4:
        return `(block ${label} (result (ref ${heap}))
(drop (br_on_cast ${label} anyref (ref ${heap}) ${this.#expression("anyref", depth - 1)})) ${this.#fresh(heap, 1)})`;
      case 5: {
        const rest = `$b${this.#label++}`;
        return `(block ${label} (result (ref ${heap})) (drop (block ${rest} (result eqref)
(br ${label} (br_on_cast_fail ${rest} eqref (ref ${heap}) ${this.#expression("eqref", depth - 1)}))))
${this.#fresh(heap, 1)})`;
      }
      case 6:
        return `(if (result (ref ${heap})) ${this.#expression("i32", depth - 1)} (then ${this.#fresh(heap, depth - 1)})
(else ${this.#fresh(heap, 1)}))`;
      default:
        return this.#fresh(heap, depth);
    }
  }

  #expression(type: ValueType, depth: number): string {
    const random = this.#random;
    if (depth <= 0 || this.#budget-- <= 0) return this.#leaf(type);
    if (random.oneIn(12)) {
      return `(if (result ${type}) ${this.#expression("i32", depth - 1)} (then ${this.#expression(type, depth - 1)})
(else ${this.#expression(type, depth - 1)}))`;
    }
    if (random.oneIn(12)) {
      const fitting = this.#signatures.map((_, i) => i).filter((i) => this.#signatures[i].result === type);
      if (fitting.length > 0) {
        const callee = random.pick(fitting);
        const args = this.#signatures[callee].params.map((param) => this.#expression(param, depth - 1));
        return `(call $f${callee} ${args.join(" ")})`;
      }
    }
    const stored = this.#stored(type, depth);
    if (stored !== undefined && random.oneIn(2)) return stored;
    switch (type) {
      case "i32":
        return this.#int(depth);
      case "i64":
        return random.oneIn(2)
          ? `(i64.extend_i32_s ${this.#expression("i32", depth - 1)})`
          : `(i64.add ${this.#expression("i64", depth - 1)} ${this.#expression("i64", depth - 1)})`;
      case "f64":
        return `(f64.convert_i32_s ${this.#expression("i32", depth - 1)})`;
      case "f32":
        return `(f32.convert_i32_s ${this.#expression("i32", depth - 1)})`;
      default:
        return this.#reference(type, depth);
    }
  }

  /** A field or element of the type. */
  #stored(type: ValueType, depth: number): string | undefined {
    const random = this.#random;
    const places: [heap: string, access: string][] = [];
    this.#structs.forEach(({ fields }, s) =>
      fields.forEach(({ storage }, f) => {
        if (unpacked(storage) !== type) return;
        const suffix = storage === type ? "" : random.pick(["_s", "_u"]);
        places.push([`$s${s}`, `struct.get${suffix} $s${s} ${f}`]);
      })
    );
    this.#arrays.forEach(({ storage }, a) => {
      if (unpacked(storage) !== type) return;
      places.push([`$a${a}`, `array.get${storage === type ? "" : random.pick(["_s", "_u"])} $a${a}`]);
    });
    if (places.length === 0) return undefined;
    const [heap, access] = random.pick(places);
    if (heap.startsWith("$s")) return `(${access} ${this.#object(heap, depth - 1)})`;
    const local = this.#locals.indexOf(`(ref null ${heap})`);
    if (local < 0) return random.oneIn(10) ? `(${access} ${this.#object(heap, depth - 1)} (i32.const 0))` : undefined;
    const get = `(local.get ${local})`;
    const made = `(local.tee ${local} ${this.#object(heap, depth - 1)})`;
    if (random.oneIn(20)) return `(${access} ${made} ${this.#index(get, depth)})`;
    return `(if (result ${type}) (array.len ${made}) (then (${access} ${get} ${this.#index(get, depth)}))
(else ${this.#leaf(type)}))`;
  }

  #int(depth: number): string {
    const random = this.#random;
    const some = () => this.#expression("i32", depth - 1);
    switch (random.below(7)) {
      case 0:
        return `(i32.${random.pick(["add", "sub", "mul", "and", "xor", "shr_u"])} ${some()} ${some()})`;
      case 1:
        return `(i32.${random.pick(["lt_s", "eq", "gt_u"])} ${some()} ${some()})`;
      case 2:
        return `(ref.eq ${this.#expression("eqref", depth - 1)} ${this.#expression("eqref", depth - 1)})`;
      case 3:
        return this.#look("anyref", this.#expression("anyref", depth - 1));
      case 4:
        return `(i31.get_${random.pick(["s", "u"])} ${
          random.oneIn(8) ? this.#expression("i31ref", depth - 1) : `(ref.i31 ${some()})`
        })`;
      case 5:
        return `(array.len ${this.#object(`$a${random.below(this.#arrays.length)}`, depth - 1)})`;
      default: {
        const type = this.#someType();
        return NUMBERS.includes(type) ? some() : this.#look(type, this.#expression(type, depth - 1));
      }
    }
  }

  #reference(type: ValueType, depth: number): string {
    const random = this.#random;
    const heap = heapOf(type);
    const any = () => this.#expression("anyref", depth - 1);
    switch (type) {
      case "funcref":
        return this.#leaf(type);
      case "externref":
        return `(extern.convert_any ${any()})`;
      case "anyref":
        if (random.oneIn(4)) return `(any.convert_extern ${this.#expression("externref", depth - 1)})`;
        if (random.oneIn(4)) return `(table.get $t (i32.and ${this.#expression("i32", depth - 1)} (i32.const 7)))`;
        break;
      case "i31ref":
        return `(ref.i31 ${this.#expression("i32", depth - 1)})`;
    }
    const below = heap.startsWith("$") ? heap : this.#below(heap);
    switch (random.below(6)) {
      case 0:
        // A cast that is mostly right, since most casts are.
        return random.oneIn(4)
          ? `(ref.cast ${type === heap ? type : `(ref null ${heap})`} ${any()})`
          : `(ref.cast (ref null ${heap}) ${this.#expression(`(ref null ${below})`, depth - 1)})`;
      case 1:
        return `(select (result ${type}) ${this.#expression(type, depth - 1)} ${this.#expression(type, depth - 1)} ${
          this.#expression("i32", depth - 1)
        })`;
      case 2:
        if (heap === "any" || heap === "eq") return `(ref.i31 ${this.#expression("i32", depth - 1)})`;
        return this.#object(below, depth - 1);
      default:
        return this.#object(below, depth - 1);
    }
  }

  /** A concrete type below an abstract one, or below a struct type. */
  #below(heap: string): string {
    const random = this.#random;
    const isArray = heap === "array" || heap !== "struct" && random.oneIn(3);
    return isArray ? `$a${random.below(this.#arrays.length)}` : `$s${random.below(this.#structs.length)}`;
  }

  #leaf(type: ValueType): string {
    const random = this.#random;
    const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type);
    if (locals.length > 0 && !random.oneIn(3)) return `(local.get ${random.pick(locals)})`;
    const globals = this.#globals.map((_, i) => i).filter((i) => this.#globals[i] === type);
    if (globals.length > 0 && random.oneIn(2)) return `(global.get $g${random.pick(globals)})`;
    switch (type) {
      case "i32":
      case "i64":
        return `(${type}.const ${random.pick([0, 1, 2, 3, 7, -1, 255, 65537, 0x3fffffff, 0x40000000, -0x40000001])})`;
      case "f32":
      case "f64":
        return `(${type}.const ${random.pick([0, 1, -2.5, 1e6])})`;
      case "funcref":
        return random.oneIn(4) ? "(ref.null func)" : `(ref.func $f${random.below(this.#signatures.length)})`;
      case "i31ref":
        return `(ref.i31 (i32.const ${random.below(100) - 50}))`;
    }
    const heap = heapOf(type);
    if (heap.startsWith("$") && !random.oneIn(3)) return this.#fresh(heap, 0);
    if ((heap === "any" || heap === "eq") && random.oneIn(2)) return `(ref.i31 (i32.const ${random.below(9)}))`;
    return `(ref.null ${heap})`;
  }
}

function isNumeric(storage: string): boolean {
  return NUMBERS.includes(storage) || storage === "i8" || storage === "i16";
}

function unpacked(storage: string): ValueType {
  return storage === "i8" || storage === "i16" ? "i32" : storage;
}

/** The heap type of a nullable reference type. */
function heapOf(type: ValueType): string {
  return type.startsWith("(ref null ") ? type.slice("(ref null ".length, -1) : type.slice(0, -"ref".length);
}

function hierarchyOf(type: ValueType): "any" | "func" | "extern" {
  return type === "funcref" ? "func" : type === "externref" ? "extern" : "any";
}
