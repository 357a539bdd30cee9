/**
 * THE table of IR operations. Everything about an operation that is not its lowering derives from its row.
 *
 * Row: name, operands, result, effects.
 *
 * operands: which columns hold what, one letter per column in the order a b c imm aux:
 *   v value, ? value or NONE, L start of a value list in the pool (the next column is its length, letter n),
 *   T start of a block list in the pool (next column n), H start of a list of plain integers in the pool (next column n),
 *   k constant bits, i plain immediate, s signature id,
 *   d displacement in bytes (unsigned 32 bit), m memory flags ({@linkcode memFlags}), B block, c condition, t trap code,
 *   h lane shape ({@linkcode Lanes}), x lanes of a shuffle (c, imm, aux together: `packShuffle` of lanes.ts),
 *   . unused.
 * result: "-" none, "=" the type the builder states, "i" always i32, "l" always i64, "A" always addr, "V" always v128,
 *   "a" the type of operand a.
 * effects (bits): what the operation does besides computing its result; `canEliminate`, `canNumber`, `canHoist` are computed
 *   from them, never stated.
 */

/** Reads memory that something may write. */
export const READS = 1;
/** Writes memory, or calls something that may. */
export const WRITES = 2;
/** May leave by a trap. */
export const TRAPS = 4;
/** Ends its block. */
export const TERMINATES = 8;
/** Leaves the function for a while: is a safepoint, may do anything; clobbers every register, but for `poll` and `fuel_poll`. */
export const CALLS = 16;
/** Operands a and b may be swapped. */
export const COMMUTES = 32;
/** Bound to its place (parameters): neither moved nor numbered. */
export const PINNED = 64;

/** Atomic: an access that threads order others by. It passes no other access to memory, and lengths of memories may differ behind it. */
export const ATOMIC = 128;

type Row = readonly [name: string, operands: string, result: string, effects: number];

// deno-fmt-ignore
export const IR_OPS = [
  // values that are not computed
  ["param",         "...i.",  "=", PINNED],          // imm: parameter index; entry block only
  ["block_param",   "...i.",  "=", PINNED],          // imm: its block
  ["proj",          "v..i.",  "=", PINNED],          // imm: result index (>= 1) of the call a; result 0 is the call itself
  ["iconst",        "...kk",  "=", 0],               // i32, i64, ref: bits, low word in imm, high word in aux
  ["fconst",        "...kk",  "=", 0],               // f32, f64: bits
  ["copy",          "v....",  "a", 0],               // left by passes that replace a value; none reaches selection
  // integer arithmetic: i32 and i64
  ["iadd",          "vv...",  "a", COMMUTES],
  ["isub",          "vv...",  "a", 0],
  ["imul",          "vv...",  "a", COMMUTES],
  ["umulh",         "vv...",  "a", COMMUTES],        // i64 only: the high half of the 128-bit product, unsigned and signed
  ["smulh",         "vv...",  "a", COMMUTES],
  ["sdiv",          "vv.t.",  "a", TRAPS],           // imm: trap code for a zero divisor; overflow is checked by trap_if before it
  ["udiv",          "vv.t.",  "a", TRAPS],
  ["srem",          "vv.t.",  "a", TRAPS],           // x rem -1 is 0: the lowering takes care of it
  ["urem",          "vv.t.",  "a", TRAPS],
  ["band",          "vv...",  "a", COMMUTES],
  ["bor",           "vv...",  "a", COMMUTES],
  ["bxor",          "vv...",  "a", COMMUTES],
  ["ishl",          "vv...",  "a", 0],               // shift counts are taken modulo the width; count has the type of a
  ["ushr",          "vv...",  "a", 0],
  ["sshr",          "vv...",  "a", 0],
  ["rotl",          "vv...",  "a", 0],
  ["rotr",          "vv...",  "a", 0],
  ["clz",           "v....",  "a", 0],
  ["ctz",           "v....",  "a", 0],
  ["popcnt",        "v....",  "a", 0],
  ["sext8",         "v....",  "a", 0],
  ["sext16",        "v....",  "a", 0],
  ["sext32",        "v....",  "a", 0],               // i64 only
  ["uextend",       "v....",  "l", 0],               // i32 to i64, zero-extending
  ["sextend",       "v....",  "l", 0],               // i32 to i64, sign-extending
  ["wrap",          "v....",  "i", 0],               // i64 to i32
  ["icmp",          "vv.c.",  "i", 0],               // imm: integer condition; operands i32, i64, ref or addr of one type
  // floats: f32 and f64
  ["fadd",          "vv...",  "a", COMMUTES],
  ["fsub",          "vv...",  "a", 0],
  ["fmul",          "vv...",  "a", COMMUTES],
  ["fdiv",          "vv...",  "a", 0],
  ["fmin",          "vv...",  "a", 0],               // wasm semantics: NaN propagates, -0 < +0
  ["fmax",          "vv...",  "a", 0],
  ["fcopysign",     "vv...",  "a", 0],
  ["fneg",          "v....",  "a", 0],
  ["fabs",          "v....",  "a", 0],
  ["fsqrt",         "v....",  "a", 0],
  ["fceil",         "v....",  "a", 0],
  ["ffloor",        "v....",  "a", 0],
  ["ftrunc",        "v....",  "a", 0],
  ["fnearest",      "v....",  "a", 0],
  ["fcmp",          "vv.c.",  "i", 0],               // imm: float condition
  ["fpromote",      "v....",  "=", 0],
  ["fdemote",       "v....",  "=", 0],
  ["fcvt_from_sint", "v....", "=", 0],               // from i32 or i64 (type of a) to the stated float type
  ["fcvt_from_uint", "v....", "=", 0],
  ["fcvt_to_sint",  "v....",  "=", TRAPS],           // traps: invalid conversion (NaN), integer overflow
  ["fcvt_to_uint",  "v....",  "=", TRAPS],
  ["fcvt_to_sint_sat", "v....", "=", 0],
  ["fcvt_to_uint_sat", "v....", "=", 0],
  ["bitcast",       "v....",  "=", 0],               // i32 <-> f32, i64 <-> f64, i64 <-> addr, i32 <-> ref
  ["select",        "vvv..",  "=", 0],               // a ? b : c, a is i32
  // vectors: one operation for all lane shapes, the shape in imm. What x64 has no instruction for is a sequence of the lowering
  ["vconst",        ".kkkk",  "V", 0],               // 128 bits: four words, the lowest in b
  ["vsplat",        "v..h.",  "V", 0],               // a scalar in every lane: i32 for lanes of 8, 16 and 32 bits
  ["vzext",         "v..h.",  "V", 0],               // a scalar in lane 0, zero in the others; lanes of 32 and 64 bits
  ["vextract",      "v..hi",  "=", 0],               // lane aux; lanes of 8 and 16 bits zero-extended to i32
  ["vinsert",       "vv.hi",  "V", 0],               // a with lane aux replaced by the scalar b
  ["vshuffle",      "vvxxx",  "V", 0],               // bytes by number: 0 to 15 those of a, 16 to 31 those of b
  ["vswizzle",      "vv...",  "V", 0],               // bytes of a by the numbers in b, 0 for those from 16 on
  ["vand",          "vv...",  "V", COMMUTES],
  ["vandn",         "vv...",  "V", 0],               // a and not b
  ["vor",           "vv...",  "V", COMMUTES],
  ["vxor",          "vv...",  "V", COMMUTES],
  ["vbitselect",    "vvv..",  "V", 0],               // bits of a where c has ones, of b where it has zeros
  ["vany_true",     "v....",  "i", 0],
  ["vall_true",     "v..h.",  "i", 0],
  ["vbitmask",      "v..h.",  "i", 0],               // the lanes' sign bits
  ["viadd",         "vv.h.",  "V", COMMUTES],
  ["visub",         "vv.h.",  "V", 0],
  ["vimul",         "vv.h.",  "V", COMMUTES],
  ["vineg",         "v..h.",  "V", 0],
  ["viabs",         "v..h.",  "V", 0],
  ["vpopcnt",       "v..h.",  "V", 0],               // i8x16 only
  ["vadd_sat_s",    "vv.h.",  "V", COMMUTES],        // i8x16, i16x8
  ["vadd_sat_u",    "vv.h.",  "V", COMMUTES],
  ["vsub_sat_s",    "vv.h.",  "V", 0],
  ["vsub_sat_u",    "vv.h.",  "V", 0],
  ["vmin_s",        "vv.h.",  "V", COMMUTES],        // i8x16, i16x8, i32x4
  ["vmin_u",        "vv.h.",  "V", COMMUTES],
  ["vmax_s",        "vv.h.",  "V", COMMUTES],
  ["vmax_u",        "vv.h.",  "V", COMMUTES],
  ["vavgr_u",       "vv.h.",  "V", COMMUTES],        // i8x16, i16x8
  ["vq15mulr",      "vv.h.",  "V", COMMUTES],        // i16x8: (a * b + 2^14) >> 15, saturated
  ["vdot",          "vv.h.",  "V", COMMUTES],        // i32x4 from i16x8: sums of pairs of signed products
  ["vishl",         "vv.h.",  "V", 0],               // b is i32, taken modulo the lane's width
  ["vushr",         "vv.h.",  "V", 0],
  ["vsshr",         "vv.h.",  "V", 0],
  ["vicmp",         "vv.hc",  "V", 0],               // aux: integer condition; lanes of ones or zeros
  ["vnarrow_s",     "vv.h.",  "V", 0],               // signed lanes of twice the width, a's below b's, saturated; imm: the result's shape
  ["vnarrow_u",     "vv.h.",  "V", 0],
  ["vextend_low_s", "v..h.",  "V", 0],               // the lower (upper) half of the lanes of half the width; imm: the result's shape
  ["vextend_low_u", "v..h.",  "V", 0],
  ["vextend_high_s", "v..h.", "V", 0],
  ["vextend_high_u", "v..h.", "V", 0],
  ["vextadd_s",     "v..h.",  "V", 0],               // sums of pairs of extended lanes; imm: the result's shape, i16x8 or i32x4
  ["vextadd_u",     "v..h.",  "V", 0],
  ["vextmul_low_s", "vv.h.",  "V", COMMUTES],        // products of extended lanes; imm: the result's shape
  ["vextmul_low_u", "vv.h.",  "V", COMMUTES],
  ["vextmul_high_s", "vv.h.", "V", COMMUTES],
  ["vextmul_high_u", "vv.h.", "V", COMMUTES],
  ["vfadd",         "vv.h.",  "V", COMMUTES],
  ["vfsub",         "vv.h.",  "V", 0],
  ["vfmul",         "vv.h.",  "V", COMMUTES],
  ["vfdiv",         "vv.h.",  "V", 0],
  ["vfmin",         "vv.h.",  "V", COMMUTES],        // wasm semantics, as fmin; which NaN comes of two is open
  ["vfmax",         "vv.h.",  "V", COMMUTES],
  ["vfpmin",        "vv.h.",  "V", 0],               // b < a ? b : a
  ["vfpmax",        "vv.h.",  "V", 0],               // a < b ? b : a
  ["vfneg",         "v..h.",  "V", 0],
  ["vfabs",         "v..h.",  "V", 0],
  ["vfsqrt",        "v..h.",  "V", 0],
  ["vfceil",        "v..h.",  "V", 0],
  ["vffloor",       "v..h.",  "V", 0],
  ["vftrunc",       "v..h.",  "V", 0],
  ["vfnearest",     "v..h.",  "V", 0],
  ["vfcmp",         "vv.hc",  "V", 0],               // aux: float condition
  ["vtrunc_sat_s",  "v..h.",  "V", 0],               // to i32x4 from imm: f32x4, or f64x2 with zero in the upper lanes
  ["vtrunc_sat_u",  "v..h.",  "V", 0],
  ["vcvt_from_sint", "v..h.", "V", 0],               // from i32x4 to imm: f32x4, or f64x2 from the lower lanes
  ["vcvt_from_uint", "v..h.", "V", 0],
  ["vdemote",       "v....",  "V", 0],               // f64x2 to the lower lanes of f32x4, zero in the upper ones
  ["vpromote",      "v....",  "V", 0],               // the lower lanes of f32x4 to f64x2
  // memory: address = a + b + disp; a addr, b i64 or NONE (a 32-bit index is uextended first: ZX-1), or for objects a ref (zero-extended)
  // or a ref_add; imm disp, aux memFlags
  ["load",          "v?.dm",  "=", READS | TRAPS],   // full width of the type
  ["load8_u",       "v?.dm",  "=", READS | TRAPS],
  ["load8_s",       "v?.dm",  "=", READS | TRAPS],
  ["load16_u",      "v?.dm",  "=", READS | TRAPS],
  ["load16_s",      "v?.dm",  "=", READS | TRAPS],
  ["load32_u",      "v?.dm",  "=", READS | TRAPS],   // to i64
  ["load32_s",      "v?.dm",  "=", READS | TRAPS],
  ["store",         "v?vdm",  "-", WRITES | TRAPS],
  ["store8",        "v?vdm",  "-", WRITES | TRAPS],
  ["store16",       "v?vdm",  "-", WRITES | TRAPS],
  ["store32",       "v?vdm",  "-", WRITES | TRAPS],  // low half of an i64
  // atomic accesses, sequentially consistent: aux says the width too ({@linkcode atomicFlags}); results are zero-extended, and the old contents
  ["atomic_load",   "v?.dm",  "=", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_store",  "v?vdm",  "-", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_add",    "v?vdm",  "=", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_sub",    "v?vdm",  "=", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_and",    "v?vdm",  "=", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_or",     "v?vdm",  "=", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_xor",    "v?vdm",  "=", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_xchg",   "v?vdm",  "=", ATOMIC | READS | WRITES | TRAPS],
  ["atomic_cmpxchg", "vvvdm", "=", ATOMIC | READS | WRITES | TRAPS], // at a + disp: if it holds b, of which bits beyond the width are not looked at, stores c
  ["fence",         ".....",  "-", ATOMIC | READS | WRITES],
  // the VM context
  ["vmctx",         ".....",  "A", 0],               // the current instance's context register
  ["record",        ".....",  "A", 0],               // the activation's record register
  ["vmctx_addr",    "...ii",  "A", 0],               // constant for the instance's life: [vmctx + imm], then, if aux != NONE, [that + aux]
  ["addr_add",      "vv...",  "A", 0],               // addr + i64
  ["ref_add",       "vv...",  "A", 0],               // ref + i32, modulo 2^32, zero-extended: an index for accesses, as short-lived as an address
  // calls: b, c argument list; aux signature; value 0 is the call itself, others by proj
  ["call",          ".Lnis",  "=", CALLS | READS | WRITES | TRAPS], // imm: defined function index of this module
  ["call_import",   ".Lnis",  "=", CALLS | READS | WRITES | TRAPS], // imm: imported function index
  ["call_indirect", "vLnis",  "=", CALLS | READS | WRITES | TRAPS], // a: VMFuncRef address plus tag (i64), imm: {@linkcode calleeImm}; its type is already checked
  ["libcall",       ".Lnis",  "=", CALLS | READS | WRITES | TRAPS], // imm: libcall number of abi
  ["poll",          ".....",  "-", CALLS | READS | WRITES | TRAPS], // leaves if an interrupt was asked for; every register keeps its value
  ["fuel_poll",     "...i.",  "-", CALLS | READS | WRITES | TRAPS], // takes imm from the fuel; leaves as poll does if less than 0 is left
  ["fuel",          "?..i.",  "-", TRAPS | PINNED],  // takes a (i64) from the fuel, or imm if there is none: nothing looks before the next fuel_poll
  // control; a block's last instruction, and only that, terminates
  ["trap_if",       "v..t.",  "-", TRAPS],           // a is i32: non-zero traps
  ["trap_unless",   "v..t.",  "-", TRAPS],
  ["jump",          ".LnB.",  "-", TERMINATES],      // the only terminator with arguments, for the target's parameters
  ["br_if",         "v..BB",  "-", TERMINATES],      // a is i32: imm when non-zero, aux when zero; targets have no parameters
  ["br_table",      "vTn..",  "-", TERMINATES],      // a is i32, targets in the pool, the last is the default; targets have no parameters
  ["unwind_edge",   ".HnBB",  "-", TERMINATES],      // behind a call and its projections: imm when it returns, aux (the pad) when it unwinds into
                                                     // this frame (IR-9); b, c: handler clauses (lib/abi/exceptions.ts). Targets have no parameters
  ["return",        ".Ln..",  "-", TERMINATES],
  // tail calls: the callee takes the place of this function's frame and returns to its caller, whose results they share
  ["return_call",   ".Lnis",  "-", TERMINATES | READS | WRITES | TRAPS], // imm: defined function index of this module
  ["return_call_import", ".Lnis", "-", TERMINATES | READS | WRITES | TRAPS], // imm: imported function index
  ["return_call_indirect", "vLnis", "-", TERMINATES | READS | WRITES | TRAPS], // a, imm: as call_indirect
  ["trap",          "...t.",  "-", TERMINATES | TRAPS],
] as const satisfies readonly Row[];

/** The name of an IR operation. */
export type IrOpName = typeof IR_OPS[number][0];
/** A dense operation number: its row in {@linkcode IR_OPS}. */
export type IrOp = number;

/** Operation numbers by name. */
export const Ir = Object.fromEntries(IR_OPS.map(([name], index) => [name, index])) as {
  readonly [N in IrOpName]: IrOp;
};

/** Effect bits by operation. */
export const EFFECTS: Uint8Array = Uint8Array.from(IR_OPS, (row) => row[3]);

/** Builds a handler array from a record that must name every operation. */
export function perIrOp<T>(by: Record<IrOpName, T>): readonly T[] {
  return IR_OPS.map(([name]) => by[name]);
}

// Operand column classes, derived: bit 0..2 say that a, b, c hold a value (or NONE).
const VALUE_COLUMNS = Uint8Array.from(IR_OPS, ([, operands]) => {
  let mask = 0;
  for (let column = 0; column < 3; column++) {
    if (operands[column] === "v" || operands[column] === "?") mask |= 1 << column;
  }
  return mask;
});

/** Bit 0, 1, 2 set: column a, b, c holds a value id (or NONE). */
export function valueColumns(op: IrOp): number {
  return VALUE_COLUMNS[op];
}

// 1: columns b, c are {start, length} of a value list in the pool.
const HAS_LIST = Uint8Array.from(IR_OPS, ([, operands]) => operands[1] === "L" ? 1 : 0);

/** Whether columns b and c are a value list in the pool. */
export function hasValueList(op: IrOp): boolean {
  return HAS_LIST[op] === 1;
}

/** Integer conditions; ORDER: `cond ^ 1` negates (asserted by a test). */
export const IntCond = { eq: 0, ne: 1, slt: 2, sge: 3, sgt: 4, sle: 5, ult: 6, uge: 7, ugt: 8, ule: 9 } as const;
/** Printed names, by integer condition. */
export const INT_COND_NAMES = ["eq", "ne", "slt", "sge", "sgt", "sle", "ult", "uge", "ugt", "ule"] as const;
/** The condition for swapped operands, by integer condition. */
export const INT_COND_SWAPPED: Uint8Array = new Uint8Array([0, 1, 4, 5, 2, 3, 8, 9, 6, 7]);

/** Float conditions: false on NaN, but `ne`. */
export const FloatCond = { eq: 0, ne: 1, lt: 2, gt: 3, le: 4, ge: 5 } as const;
/** Printed names, by float condition. */
export const FLOAT_COND_NAMES = ["eq", "ne", "lt", "gt", "le", "ge"] as const;

/** What memory an access touches: accesses of different regions never alias. */
export const Region = {
  /** Constant while the function runs (VM context fields fixed after instantiation). */
  readonly: 0,
  /** Linear memory contents. */
  memory: 1,
  /** Globals. */
  global: 2,
  /** Table elements. */
  table: 3,
  /** Bases, lengths and other VM structures that calls and grow operations change. */
  vm: 4,
  /** Contents of collected objects. */
  heap: 5,
  /** Where the next object goes, or the next entry of the log of stores: only allocations, such entries and calls change it. */
  allocation: 6,
  /** The collector's card table or log, which code never reads. */
  cards: 7,
} as const;
/** Printed names, by region. */
export const REGION_NAMES = ["readonly", "memory", "global", "table", "vm", "heap", "allocation", "cards"] as const;

/** Packs the `imm` column of an indirect call: the tag to take off the address (1 or 0), the trap code of a null callee (0: it is none). */
export function calleeImm(tag: number, nullTrap: number): number {
  return tag | nullTrap << 8;
}
/** The tag in an indirect call's `imm`. */
export function calleeTag(imm: number): number {
  return imm & 0xff;
}
/** The trap code in an indirect call's `imm`; 0 when the callee is known not to be null. */
export function calleeNullTrap(imm: number): number {
  return imm >>> 8;
}

/** Packs the `aux` column of a memory access: trap code when it faults (0: cannot fault) and region. */
export function memFlags(trapCode: number, region: number): number {
  return trapCode | region << 8;
}
/** The trap code of a memory access's flags; 0 when it cannot fault. */
export function memTrap(flags: number): number {
  return flags & 0xff;
}
/** The region of a memory access's flags. */
export function memRegion(flags: number): number {
  return flags >>> 8 & 0xff;
}

const WIDTH_SHIFT = 16;

/** Packs the `aux` column of an atomic access: {@linkcode memFlags}, and the width of 2^`widthLog2` bytes. */
export function atomicFlags(trapCode: number, region: number, widthLog2: number): number {
  return memFlags(trapCode, region) | widthLog2 + 1 << WIDTH_SHIFT;
}
/** Log2 of the bytes that an atomic access touches; -1 for flags of other accesses. */
export function atomicWidthLog2(flags: number): number {
  return (flags >>> WIDTH_SHIFT) - 1;
}
