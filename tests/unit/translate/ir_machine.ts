/**
 * A reference interpreter of the IR: each operation by its definition, nothing else. It executes what translation built, so tests can hold
 * results against the specification suite and V8 without any code generation; passes can be held against it as well.
 *
 * Values: v128 is an unsigned bigint (ir_vectors.ts), i32 and ref are int32 numbers, i64 a signed bigint, f32 its bits as int32, f64 its bits as a signed bigint, addr a number.
 * Addresses name a flat space of segments 2^40 bytes apart; what lies between segments, and page zero, faults.
 */

import { TrapCode } from "../../../lib/abi/mod.ts";
import { NONE } from "../../../lib/base/mod.ts";
import {
  atomicWidthLog2,
  calleeNullTrap,
  calleeTag,
  F32,
  F64,
  type Func,
  I32,
  I64,
  Ir,
  type IrOpName,
  memTrap,
  perIrOp,
  REF,
  type Type,
  V128,
  valueColumns,
  VOID,
} from "../../../lib/ir/mod.ts";
import { VECTOR_OPS, type VectorOpName } from "./ir_vectors.ts";

/** A value of the machine. */
export type Val = number | bigint;

/** A trap with its code of the trap table. */
export class IrTrap extends Error {
  constructor(readonly code: number, readonly site: number) {
    super(`trap ${code} at ${site}`);
  }
}

const SEGMENT = 2 ** 40;

/** A simulated address space. */
export class AddressSpace {
  readonly #views: DataView<ArrayBuffer>[] = [new DataView(new ArrayBuffer(0))];

  /** Reserves a segment and returns its address. */
  map(sizeBytes: number): number {
    this.#views.push(new DataView(new ArrayBuffer(sizeBytes)));
    return (this.#views.length - 1) * SEGMENT;
  }

  /** Makes a segment larger in place, keeping its contents. */
  grow(address: number, sizeBytes: number): void {
    const grown = new Uint8Array(sizeBytes);
    grown.set(this.bytes(address));
    this.#views[address / SEGMENT] = new DataView(grown.buffer);
  }

  /** Makes all accesses to a segment fault. */
  unmap(address: number): void {
    this.#views[address / SEGMENT] = new DataView(new ArrayBuffer(0));
  }

  /** The bytes of the segment at `address`. */
  bytes(address: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#views[address / SEGMENT].buffer);
  }

  /** The view that holds `sizeBytes` bytes at `address`, or undefined: a fault. */
  at(address: number, sizeBytes: number): DataView | undefined {
    const view = this.#views[Math.floor(address / SEGMENT)];
    return view !== undefined && address % SEGMENT + sizeBytes <= view.byteLength ? view : undefined;
  }

  #mustHold(address: number, sizeBytes: number): DataView {
    const view = this.at(address, sizeBytes);
    if (view === undefined) throw new Error(`model: no ${sizeBytes} bytes at ${address.toString(16)}`);
    return view;
  }

  getU64(address: number): number {
    return Number(this.#mustHold(address, 8).getBigUint64(address % SEGMENT, true));
  }
  setU64(address: number, value: number): void {
    this.#mustHold(address, 8).setBigUint64(address % SEGMENT, BigInt(value), true);
  }
  setU32(address: number, value: number): void {
    this.#mustHold(address, 4).setUint32(address % SEGMENT, value, true);
  }
  get(type: Type, address: number): Val {
    return readTyped(this.#mustHold(address, SIZE(type)), type, address % SEGMENT);
  }
  set(type: Type, address: number, value: Val): void {
    writeTyped(this.#mustHold(address, SIZE(type)), type, address % SEGMENT, value);
  }
}

function readTyped(view: DataView, type: Type, offset: number): Val {
  switch (type) {
    case I32:
    case F32:
    case REF:
      return view.getInt32(offset, true);
    case I64:
    case F64:
      return view.getBigInt64(offset, true);
    case V128:
      return view.getBigUint64(offset, true) | view.getBigUint64(offset + 8, true) << 64n;
    default:
      return Number(view.getBigUint64(offset, true));
  }
}

function writeTyped(view: DataView, type: Type, offset: number, value: Val): void {
  switch (type) {
    case I32:
    case F32:
    case REF:
      return view.setInt32(offset, value as number, true);
    case V128:
      view.setBigUint64(offset, BigInt.asUintN(64, value as bigint), true);
      return view.setBigUint64(offset + 8, BigInt.asUintN(64, value as bigint >> 64n), true);
    default:
      return view.setBigInt64(offset, BigInt(value), true);
  }
}

/** A call that comes back by unwinding: to its pad, if it has one, else to its caller's. What the pad reads has been written already. */
export class IrUnwind extends Error {}

/** A function that has ended in a tail call, which is still to be made. */
export class TailCall {
  constructor(readonly make: () => Outcome) {}
}

/** The results of a function, or the tail call that it ended in. */
export type Outcome = Val[] | TailCall;

/** Makes tail calls, one after the other, until there are results. */
export function finishCall(outcome: Outcome): Val[] {
  while (outcome instanceof TailCall) outcome = outcome.make();
  return outcome;
}

/** What surrounds a function: its instance, seen through calls. */
export interface Environment {
  readonly space: AddressSpace;
  readonly vmctx: number;
  readonly record?: number;
  call(definedFuncIndex: number, args: Val[]): Val[];
  /** What a tail call comes to: the callee's results, or the tail call that it ends in. Functions without tail calls need none. */
  tailCall?(definedFuncIndex: number, args: Val[]): Outcome;
  tailCallImport?(funcIndex: number, args: Val[]): Outcome;
  tailCallIndirect?(funcRefAddress: number, args: Val[]): Outcome;
  callImport(funcIndex: number, args: Val[]): Val[];
  callIndirect(funcRefAddress: number, args: Val[]): Val[];
  libcall(number: number, args: Val[]): Val[];
}

const SCRATCH = new DataView(new ArrayBuffer(8));

/** The number that f32 or f64 bits stand for. */
export function toFloat(type: Type, bits: Val): number {
  if (type === F32) {
    SCRATCH.setInt32(0, bits as number);
    return SCRATCH.getFloat32(0);
  }
  SCRATCH.setBigInt64(0, bits as bigint);
  return SCRATCH.getFloat64(0);
}

/** The bits of a number rounded to f32 or f64. */
export function fromFloat(type: Type, value: number): Val {
  if (type === F32) {
    SCRATCH.setFloat32(0, value);
    return SCRATCH.getInt32(0);
  }
  SCRATCH.setFloat64(0, value);
  return SCRATCH.getBigInt64(0);
}

interface Activation {
  readonly f: Func;
  readonly values: Val[];
  readonly args: readonly Val[];
  readonly environment: Environment;
  /** Results of calls beyond the first, by call. */
  readonly projections: Map<number, Val[]>;
}

type Exec = (m: Activation, v: number) => Val;

const wrap64 = (value: bigint) => BigInt.asIntN(64, value);
const unsigned64 = (value: bigint) => BigInt.asUintN(64, value);
const a = (m: Activation, v: number) => m.values[m.f.a[v]];
const b = (m: Activation, v: number) => m.values[m.f.b[v]];

function int(on32: (x: number, y: number) => number, on64: (x: bigint, y: bigint) => bigint): Exec {
  return (m, v) =>
    m.f.type[v] === I64
      ? wrap64(on64(a(m, v) as bigint, b(m, v) as bigint))
      : on32(a(m, v) as number, b(m, v) as number) | 0;
}

function divide(on32: (x: number, y: number) => number, on64: (x: bigint, y: bigint) => bigint): Exec {
  const compute = int(on32, on64);
  return (m, v) => {
    if (Number(b(m, v)) === 0) throw new IrTrap(m.f.imm[v], m.f.site[v]);
    const result = compute(m, v);
    return result;
  };
}

function shift(on32: (x: number, y: number) => number, on64: (x: bigint, y: bigint) => bigint): Exec {
  return int((x, y) => on32(x, y & 31), (x, y) => on64(x, y & 63n));
}

function intUnary(op: (x: bigint, width: number) => bigint): Exec {
  return (m, v) => {
    const x = a(m, v);
    return typeof x === "bigint" ? wrap64(op(unsigned64(x), 64)) : Number(BigInt.asIntN(32, op(BigInt(x >>> 0), 32)));
  };
}

function bitLength(x: bigint): number {
  return x === 0n ? 0 : x.toString(2).length;
}

function float(op: (x: number, y: number) => number): Exec {
  return (m, v) => {
    const type = m.f.type[v];
    return fromFloat(type, op(toFloat(type, a(m, v)), toFloat(type, b(m, v))));
  };
}

function floatUnary(op: (x: number) => number): Exec {
  return (m, v) => fromFloat(m.f.type[v], op(toFloat(m.f.type[m.f.a[v]], a(m, v))));
}

/** Changes the sign bit; payloads of NaNs stay. */
function sign(op: (sign: boolean, other: boolean) => boolean): Exec {
  return (m, v) => {
    const x = a(m, v);
    const other = m.f.b[v] === NONE ? x : b(m, v);
    const isSet = op(x < 0, other < 0);
    if (typeof x === "bigint") return wrap64(x & 0x7fff_ffff_ffff_ffffn | (isSet ? 1n << 63n : 0n));
    return x & 0x7fff_ffff | (isSet ? 0x8000_0000 : 0);
  };
}

function nearest(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const low = Math.floor(x);
  const result = x - low === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
  return result === 0 ? (x < 0 || Object.is(x, -0) ? -0 : 0) : result;
}

function intCompare(cond: number, x: Val, y: Val): boolean {
  const isUnsigned = cond >= 6;
  const widen = (value: Val) => {
    if (typeof value === "bigint") return isUnsigned ? unsigned64(value) : value;
    return isUnsigned && value < 0 ? value >>> 0 : value;
  };
  const [p, q] = [widen(x), widen(y)];
  return [p === q, p !== q, p < q, p >= q, p > q, p <= q, p < q, p >= q, p > q, p <= q][cond];
}

function toInt(isSigned: boolean, isSaturating: boolean): Exec {
  return (m, v) => {
    const type = m.f.type[v];
    const width = type === I64 ? 64 : 32;
    const x = toFloat(m.f.type[m.f.a[v]], a(m, v));
    const lowest = isSigned ? -(1n << BigInt(width - 1)) : 0n;
    const highest = isSigned ? (1n << BigInt(width - 1)) - 1n : (1n << BigInt(width)) - 1n;
    let result: bigint;
    if (Number.isNaN(x)) {
      if (!isSaturating) throw new IrTrap(TrapCode.invalid_conversion_to_integer, m.f.site[v]);
      result = 0n;
    } else {
      result = x === Infinity ? highest + 1n : x === -Infinity ? lowest - 1n : BigInt(Math.trunc(x));
      if (result < lowest || result > highest) {
        if (!isSaturating) throw new IrTrap(TrapCode.integer_overflow, m.f.site[v]);
        result = result < lowest ? lowest : highest;
      }
    }
    return type === I64 ? wrap64(result) : Number(BigInt.asIntN(32, result));
  };
}

function fromInt(isSigned: boolean): Exec {
  return (m, v) => {
    let x = BigInt(a(m, v));
    if (!isSigned) x = BigInt.asUintN(m.f.type[m.f.a[v]] === I64 ? 64 : 32, x);
    // Bits that neither format keeps are jammed, so that rounding to 53 bits and then to 24 rounds once.
    if (m.f.type[v] === F32 && (x >= 1n << 53n || x <= -(1n << 53n))) {
      const jammed = x >> 11n | ((x & 2047n) === 0n ? 0n : 1n);
      return fromFloat(F32, Number(jammed) * 2048);
    }
    return fromFloat(m.f.type[v], Number(x));
  };
}

function address(m: Activation, v: number): number {
  const { f } = m;
  const index = f.b[v] === NONE || f.op[v] === Ir.atomic_cmpxchg ? 0 : Number(unsigned64(b(m, v) as bigint));
  return (a(m, v) as number) + index + (f.imm[v] >>> 0);
}

function access(m: Activation, v: number, sizeBytes: number): [DataView, number] {
  const at = address(m, v);
  const view = m.environment.space.at(at, sizeBytes);
  if (view !== undefined) return [view, at % SEGMENT];
  const code = memTrap(m.f.aux[v]);
  if (code === 0) throw new Error(`model: access at ${at.toString(16)} faults without a trap code`);
  throw new IrTrap(code, m.f.site[v]);
}

function load(sizeBytes: number, read: (view: DataView, offset: number) => number): Exec {
  return (m, v) => {
    const [view, offset] = access(m, v, sizeBytes);
    const value = read(view, offset);
    return m.f.type[v] === I64 ? BigInt(value) : value | 0;
  };
}

function store(sizeBytes: number): Exec {
  return (m, v) => {
    const [view, offset] = access(m, v, sizeBytes);
    const value = BigInt.asUintN(8 * sizeBytes, BigInt(m.values[m.f.c[v]]));
    for (let i = 0; i < sizeBytes; i++) view.setUint8(offset + i, Number(value >> BigInt(8 * i) & 255n));
    return 0;
  };
}

/** One thread: the old contents, zero-extended; the new ones are what `next` makes of them, undefined to leave them. */
function atomic(next: (old: bigint, m: Activation, v: number) => bigint | undefined): Exec {
  return (m, v) => {
    const sizeBytes = 1 << atomicWidthLog2(m.f.aux[v]);
    const [view, offset] = access(m, v, sizeBytes);
    let old = 0n;
    for (let i = sizeBytes - 1; i >= 0; i--) old = old << 8n | BigInt(view.getUint8(offset + i));
    const value = next(old, m, v);
    if (value !== undefined) {
      for (let i = 0; i < sizeBytes; i++) view.setUint8(offset + i, Number(value >> BigInt(8 * i) & 255n));
    }
    return m.f.type[v] === I64 ? BigInt.asIntN(64, old) : Number(BigInt.asIntN(32, old));
  };
}
const operandC = (m: Activation, v: number) => BigInt(m.values[m.f.c[v]]);

const SIZE = (type: Type) => type === I32 || type === F32 || type === REF ? 4 : type === V128 ? 16 : 8;

function listOf(m: Activation, v: number): Val[] {
  const { f, values } = m;
  return Array.from(f.pool.data.subarray(f.b[v], f.b[v] + f.c[v]), (value) => values[value]);
}

function calls(invoke: (m: Activation, v: number, args: Val[]) => Val[]): Exec {
  return (m, v) => {
    const results = invoke(m, v, listOf(m, v));
    m.projections.set(v, results);
    return results[0] ?? 0;
  };
}

function calleeOf(m: Activation, v: number): number {
  const address = Number(unsigned64(a(m, v) as bigint)) - calleeTag(m.f.imm[v]);
  if (address === 0) throw new IrTrap(calleeNullTrap(m.f.imm[v]), m.f.site[v]);
  return address;
}

function notStraight(): never {
  throw new Error("model: control flow is not computed");
}

const EXEC = perIrOp<Exec>({
  param: (m, v) => m.args[m.f.imm[v]],
  block_param: notStraight,
  proj: (m, v) => m.projections.get(m.f.a[v])![m.f.imm[v]],
  iconst: (m, v) => m.f.type[v] === I64 ? constant64(m, v) : m.f.imm[v],
  fconst: (m, v) => m.f.type[v] === F64 ? constant64(m, v) : m.f.imm[v],
  copy: (m, v) => a(m, v),
  ...vectors(),
  iadd: int((x, y) => x + y, (x, y) => x + y),
  isub: int((x, y) => x - y, (x, y) => x - y),
  imul: int(Math.imul, (x, y) => x * y),
  umulh: (m, v) => BigInt.asIntN(64, unsigned64(a(m, v) as bigint) * unsigned64(b(m, v) as bigint) >> 64n),
  smulh: (m, v) => BigInt.asIntN(64, (a(m, v) as bigint) * (b(m, v) as bigint) >> 64n),
  sdiv: divide((x, y) => x / y, (x, y) => x / y),
  udiv: divide((x, y) => (x >>> 0) / (y >>> 0), (x, y) => unsigned64(x) / unsigned64(y)),
  srem: divide((x, y) => x % y, (x, y) => x % y),
  urem: divide((x, y) => (x >>> 0) % (y >>> 0), (x, y) => unsigned64(x) % unsigned64(y)),
  band: int((x, y) => x & y, (x, y) => x & y),
  bor: int((x, y) => x | y, (x, y) => x | y),
  bxor: int((x, y) => x ^ y, (x, y) => x ^ y),
  ishl: shift((x, y) => x << y, (x, y) => x << y),
  ushr: shift((x, y) => x >>> y, (x, y) => unsigned64(x) >> y),
  sshr: shift((x, y) => x >> y, (x, y) => x >> y),
  rotl: shift((x, y) => x << y | x >>> (32 - y & 31), (x, y) => x << y | unsigned64(x) >> (64n - y)),
  rotr: shift((x, y) => x >>> y | x << (32 - y & 31), (x, y) => unsigned64(x) >> y | x << (64n - y)),
  clz: intUnary((x, width) => BigInt(width - bitLength(x))),
  ctz: intUnary((x, width) => BigInt(x === 0n ? width : bitLength(x & -x) - 1)),
  popcnt: intUnary((x) => BigInt(x.toString(2).replaceAll("0", "").length)),
  sext8: intUnary((x) => BigInt.asIntN(8, x)),
  sext16: intUnary((x) => BigInt.asIntN(16, x)),
  sext32: intUnary((x) => BigInt.asIntN(32, x)),
  uextend: (m, v) => BigInt((a(m, v) as number) >>> 0),
  sextend: (m, v) => BigInt(a(m, v)),
  wrap: (m, v) => Number(BigInt.asIntN(32, a(m, v) as bigint)),
  icmp: (m, v) => intCompare(m.f.imm[v], a(m, v), b(m, v)) ? 1 : 0,
  fadd: float((x, y) => x + y),
  fsub: float((x, y) => x - y),
  fmul: float((x, y) => x * y),
  fdiv: float((x, y) => x / y),
  fmin: float(Math.min),
  fmax: float(Math.max),
  fcopysign: sign((_x, y) => y),
  fneg: sign((x) => !x),
  fabs: sign(() => false),
  fsqrt: floatUnary(Math.sqrt),
  fceil: floatUnary(Math.ceil),
  ffloor: floatUnary(Math.floor),
  ftrunc: floatUnary(Math.trunc),
  fnearest: floatUnary(nearest),
  fcmp: (m, v) => {
    const type = m.f.type[m.f.a[v]];
    const x = toFloat(type, a(m, v));
    const y = toFloat(type, b(m, v));
    return [x === y, x !== y, x < y, x > y, x <= y, x >= y][m.f.imm[v]] ? 1 : 0;
  },
  fpromote: floatUnary((x) => x),
  fdemote: floatUnary((x) => x),
  fcvt_from_sint: fromInt(true),
  fcvt_from_uint: fromInt(false),
  fcvt_to_sint: toInt(true, false),
  fcvt_to_uint: toInt(false, false),
  fcvt_to_sint_sat: toInt(true, true),
  fcvt_to_uint_sat: toInt(false, true),
  bitcast: (m, v) => {
    const x = a(m, v);
    if (m.f.type[v] !== I64 && m.f.type[v] !== F64 && typeof x === "bigint") return Number(unsigned64(x));
    return m.f.type[v] === I64 && typeof x === "number" ? BigInt(x) : x;
  },
  select: (m, v) => a(m, v) !== 0 ? b(m, v) : m.values[m.f.c[v]],
  load: (m, v) => {
    const [view, offset] = access(m, v, SIZE(m.f.type[v]));
    return readTyped(view, m.f.type[v], offset);
  },
  load8_u: load(1, (view, offset) => view.getUint8(offset)),
  load8_s: load(1, (view, offset) => view.getInt8(offset)),
  load16_u: load(2, (view, offset) => view.getUint16(offset, true)),
  load16_s: load(2, (view, offset) => view.getInt16(offset, true)),
  load32_u: load(4, (view, offset) => view.getUint32(offset, true)),
  load32_s: load(4, (view, offset) => view.getInt32(offset, true)),
  store: (m, v) => store(SIZE(m.f.type[m.f.c[v]]))(m, v),
  store8: store(1),
  store16: store(2),
  store32: store(4),
  atomic_load: atomic(() => undefined),
  atomic_store: atomic((_, m, v) => operandC(m, v)),
  atomic_add: atomic((old, m, v) => old + operandC(m, v)),
  atomic_sub: atomic((old, m, v) => old - operandC(m, v)),
  atomic_and: atomic((old, m, v) => old & operandC(m, v)),
  atomic_or: atomic((old, m, v) => old | operandC(m, v)),
  atomic_xor: atomic((old, m, v) => old ^ operandC(m, v)),
  atomic_xchg: atomic((_, m, v) => operandC(m, v)),
  atomic_cmpxchg: atomic((old, m, v) => {
    const bits = 8 << atomicWidthLog2(m.f.aux[v]);
    return BigInt.asUintN(bits, BigInt(b(m, v))) === old ? operandC(m, v) : undefined;
  }),
  fence: () => 0,
  vmctx: (m) => m.environment.vmctx,
  record: (m) => m.environment.record ?? 0,
  vmctx_addr: (m, v) => {
    const { space, vmctx } = m.environment;
    const first = space.getU64(vmctx + m.f.imm[v]);
    return m.f.aux[v] === NONE ? first : space.getU64(first + m.f.aux[v]);
  },
  ref_add: (m, v) => ((a(m, v) as number) + (b(m, v) as number)) >>> 0,
  addr_add: (m, v) => (a(m, v) as number) + Number(b(m, v)),
  call: calls((m, v, args) => m.environment.call(m.f.imm[v], args)),
  call_import: calls((m, v, args) => m.environment.callImport(m.f.imm[v], args)),
  call_indirect: calls((m, v, args) => m.environment.callIndirect(calleeOf(m, v), args)),
  libcall: calls((m, v, args) => m.environment.libcall(m.f.imm[v], args)),
  poll: () => 0,
  fuel_poll: () => 0,
  fuel: () => 0,
  trap_if: (m, v) => {
    if (a(m, v) !== 0) throw new IrTrap(m.f.imm[v], m.f.site[v]);
    return 0;
  },
  trap_unless: (m, v) => {
    if (a(m, v) === 0) throw new IrTrap(m.f.imm[v], m.f.site[v]);
    return 0;
  },
  jump: notStraight,
  br_if: notStraight,
  br_table: notStraight,
  unwind_edge: notStraight,
  return: notStraight,
  return_call: notStraight,
  return_call_import: notStraight,
  return_call_indirect: notStraight,
  trap: (m, v) => {
    throw new IrTrap(m.f.imm[v], m.f.site[v]);
  },
});

/** The vector operations, which see their operands and the other columns. */
function vectors(): Record<VectorOpName, Exec> {
  const entries = VECTOR_OPS.map(([name, exec]): [IrOpName, Exec] => {
    const columns = valueColumns(Ir[name]);
    return [name, ({ f, values }, v) => {
      const operands = [f.a[v], f.b[v], f.c[v]].filter((_, column) => (columns >> column & 1) !== 0);
      return exec(operands.map((operand) => values[operand]), { b: f.b[v], c: f.c[v], imm: f.imm[v], aux: f.aux[v] });
    }];
  });
  return Object.fromEntries(entries) as Record<VectorOpName, Exec>;
}

function constant64(m: Activation, v: number): bigint {
  return BigInt.asIntN(64, BigInt(m.f.aux[v]) << 32n | BigInt(m.f.imm[v] >>> 0));
}

/** Whether only projections stand between a place and its block's terminator. */
function isLastCall(f: Func, block: number, at: number): boolean {
  for (let place = at + 1; place < f.blockEnd[block] - 1; place++) if (f.op[f.order[place]] !== Ir.proj) return false;
  return true;
}

/** Runs a function; returns its results. */
export function runFunc(f: Func, args: readonly Val[], environment: Environment): Val[] {
  return finishCall(startFunc(f, args, environment));
}

/** Runs a function up to its results or its tail call. */
export function startFunc(f: Func, args: readonly Val[], environment: Environment): Outcome {
  const m: Activation = { f, values: [], args, environment, projections: new Map() };
  let block = 0;
  for (;;) {
    let next = NONE;
    instructions:
    for (let at = f.blockStart[block]; at < f.blockEnd[block]; at++) {
      const v = f.order[at];
      switch (f.op[v]) {
        case Ir.jump: {
          next = f.imm[v];
          const passed = listOf(m, v);
          if (passed.length !== f.paramCount[next]) throw new Error("model: argument count");
          passed.forEach((value, i) => m.values[f.pool.data[f.paramStart[next] + i]] = value);
          break;
        }
        case Ir.br_if:
          next = a(m, v) !== 0 ? f.imm[v] : f.aux[v];
          break;
        case Ir.br_table:
          next = f.pool.data[f.b[v] + Math.min((a(m, v) as number) >>> 0, f.c[v] - 1)];
          break;
        case Ir.unwind_edge:
          next = f.imm[v];
          break;
        case Ir.return:
          return listOf(m, v);
        case Ir.return_call: {
          const passed = listOf(m, v);
          return new TailCall(() => environment.tailCall!(f.imm[v], passed));
        }
        case Ir.return_call_import: {
          const passed = listOf(m, v);
          return new TailCall(() => environment.tailCallImport!(f.imm[v], passed));
        }
        case Ir.return_call_indirect: {
          const callee = calleeOf(m, v), passed = listOf(m, v);
          return new TailCall(() => environment.tailCallIndirect!(callee, passed));
        }
        default: {
          const edge = f.terminator(block);
          let value: Val;
          try {
            value = EXEC[f.op[v]](m, v);
          } catch (error) {
            if (!(error instanceof IrUnwind) || f.op[edge] !== Ir.unwind_edge || !isLastCall(f, block, at)) throw error;
            next = f.aux[edge];
            break instructions;
          }
          if (f.type[v] !== VOID) checkKind(f.type[v], value, f, v);
          m.values[v] = value;
        }
      }
    }
    if (next === NONE) throw new Error(`model: block ${block} ends without a terminator`);
    block = next;
  }
}

function checkKind(type: Type, value: Val, f: Func, v: number): void {
  if ((type === I64 || type === F64 || type === V128) !== (typeof value === "bigint")) {
    throw new Error(`model: value ${v} of op ${f.op[v]} has the wrong kind`);
  }
}
