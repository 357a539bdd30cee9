/**
 * Constant expressions in decoded form: a short program for a stack machine.
 *
 * They are few and small (initial values of globals and tables, offsets of segments, elements), so each instruction is an
 * object of a discriminated union: whoever evaluates them handles every case, or does not compile.
 *
 * May import: base. @module
 */
import { FEATURES } from "./features.ts";
import { readOp } from "./instructions.ts";
import { OP, OP_FEATURE, OP_FLAG, OP_FLAGS, type OPCODES, opName } from "./opcodes.ts";
import type { Reader } from "./reader.ts";
import { readHeapType } from "./type_reader.ts";
import type { HeapType } from "./types.ts";

type ConstRow = Extract<
  typeof OPCODES[number],
  readonly [string, number, string, string, string, `${string}const${string}`]
>;

/** The operations that may occur in constant expressions. */
export type ConstOpName = ConstRow[0];

/** Those without immediates. */
type PlainConstOpName = Extract<ConstRow, readonly [string, number, "", string, string, string]>[0];

/** Those that make an object of the type they name. */
type AllocationName =
  | "struct.new"
  | "struct.new_default"
  | "struct.new_desc"
  | "struct.new_default_desc"
  | "array.new"
  | "array.new_default";

/** An instruction of a constant expression. */
export type ConstInstr =
  | { readonly name: "i32.const"; readonly value: number }
  | { readonly name: "i64.const"; readonly lo: number; readonly hi: number }
  | { readonly name: "f32.const"; readonly bits: number }
  | { readonly name: "f64.const"; readonly lo: number; readonly hi: number }
  | { readonly name: "v128.const"; readonly words: Int32Array }
  | { readonly name: "global.get"; readonly globalIndex: number }
  | { readonly name: "ref.null"; readonly heapType: HeapType }
  | { readonly name: "ref.func"; readonly funcIndex: number }
  | {
    readonly name: AllocationName;
    readonly typeIndex: number;
  }
  | { readonly name: "array.new_fixed"; readonly typeIndex: number; readonly count: number }
  | { readonly name: PlainConstOpName };

/** A constant expression: instructions in order, without the final `end`. */
export interface ConstExpr {
  readonly instrs: readonly ConstInstr[];
  readonly offsetBytes: number;
}

const plain = <N extends PlainConstOpName>(name: N) => () => ({ name });
const allocation = <N extends AllocationName>(name: N) => (reader: Reader) => ({
  name,
  typeIndex: reader.readU32Leb(),
});

const READ_BY_NAME: { readonly [N in ConstOpName]: (reader: Reader) => ConstInstr } = {
  "i32.const": (reader) => ({ name: "i32.const", value: reader.readS32Leb() }),
  "i64.const": (reader) => {
    reader.readS64Leb();
    return { name: "i64.const", lo: reader.lo, hi: reader.hi };
  },
  "f32.const": (reader) => ({ name: "f32.const", bits: reader.readFixed32() }),
  "f64.const": (reader) => {
    reader.readFixed64();
    return { name: "f64.const", lo: reader.lo, hi: reader.hi };
  },
  "v128.const": (reader) => ({
    name: "v128.const",
    words: Int32Array.of(reader.readFixed32(), reader.readFixed32(), reader.readFixed32(), reader.readFixed32()),
  }),
  "global.get": (reader) => ({ name: "global.get", globalIndex: reader.readU32Leb() }),
  "ref.null": (reader) => ({ name: "ref.null", heapType: readHeapType(reader) }),
  "ref.func": (reader) => ({ name: "ref.func", funcIndex: reader.readU32Leb() }),
  "i32.add": plain("i32.add"),
  "i32.sub": plain("i32.sub"),
  "i32.mul": plain("i32.mul"),
  "i64.add": plain("i64.add"),
  "i64.sub": plain("i64.sub"),
  "i64.mul": plain("i64.mul"),
  "struct.new": allocation("struct.new"),
  "struct.new_default": allocation("struct.new_default"),
  "struct.new_desc": allocation("struct.new_desc"),
  "struct.new_default_desc": allocation("struct.new_default_desc"),
  "array.new": allocation("array.new"),
  "array.new_default": allocation("array.new_default"),
  "array.new_fixed": (reader) => ({
    name: "array.new_fixed",
    typeIndex: reader.readU32Leb(),
    count: reader.readU32Leb(),
  }),
  "any.convert_extern": plain("any.convert_extern"),
  "extern.convert_any": plain("extern.convert_any"),
  "ref.i31": plain("ref.i31"),
};

/** Reads a constant expression and its `end`; refuses instructions that are not constant (spec: valid-constant). */
export function readConstExpr(reader: Reader): ConstExpr {
  const offsetBytes = reader.pos;
  const instrs: ConstInstr[] = [];
  for (;;) {
    const start = reader.pos;
    const op = readOp(reader);
    if (op === OP.end) return { instrs, offsetBytes };
    const flags = OP_FLAGS[op];
    if ((flags & (OP_FLAG.const | OP_FLAG["extended-const"])) === 0) {
      reader.fail(`constant expression required, found ${opName(op)}`, start);
    }
    const feature = OP_FEATURE[op];
    reader.needBit(1 << feature, FEATURES[feature][0], start);
    if ((flags & OP_FLAG["extended-const"]) !== 0) reader.need("extended-const", start);
    instrs.push(READ_BY_NAME[opName(op) as ConstOpName](reader));
  }
}
