/**
 * A function in SSA form with block parameters, as columns.
 *
 * A value is the number of the instruction that defines it. What an instruction's columns mean is its row of the operation table. Blocks
 * own ranges of `order`, the only place that says where an instruction stands, so a pass moves or drops instructions by writing a new
 * order, never by touching columns of others.
 *
 * IR-1  Ids are append-only. Columns of an appended instruction change only by `replaceWith` (it becomes a `copy`) or by a pass that
 *       rewrites operands through `resolve`.
 * IR-2  A value's definition dominates its uses; operands of everything but block parameters come earlier in reverse postorder.
 * IR-3  A block's last instruction, and only that, terminates. Only `jump` carries arguments, as many as its target has parameters.
 *       `br_if` and `br_table` lead to blocks without parameters.
 * IR-4  Every block in `blockCount` that is unreachable has an empty range or is skipped by rpo; passes iterate rpo only.
 * IR-5  A value of type addr is not live across an instruction that CALLS (ADDR-1), unless its definition is `vmctx`, `record` or
 *       `vmctx_addr`, which are rematerialised.
 * IR-8  A target of `br_if`, `br_table` or `unwind_edge` has one predecessor: critical edges are split by a block that jumps.
 * IR-9  A call that may unwind into its own frame ends its block: only its projections and an `unwind_edge` follow it. It has a *pad* of its
 *       own, the block where control comes when it unwinds: before the call's results exist, so that they are used only where the other
 *       successor dominates; after everything that the call may have written. What a pad finds out about the cause it loads from the record.
 */

import { type Id, IntList, NONE } from "../base/mod.ts";
import { growInt32, growUint16, growUint8 } from "../base/mod.ts";
import { Ir, type IrOp } from "./ops.ts";
import { type Type, VOID } from "./types.ts";

/** An instruction, and the value it defines. */
export type Value = Id<"value">;
/** A basic block. */
export type Block = Id<"block">;
/** A signature of a {@linkcode Signatures} table. */
export type SigId = Id<"sig">;

/** Parameter and result types of the functions a module can call, shared by all its functions' IR. */
export class Signatures {
  readonly params: Uint8Array[] = [];
  readonly results: Uint8Array[] = [];

  /** Adds a signature and returns its id; equal signatures are not merged. */
  add(params: ArrayLike<Type>, results: ArrayLike<Type>): SigId {
    return this.adopt(Uint8Array.from(params), Uint8Array.from(results));
  }

  /** Adds a signature made of the very arrays, which nobody may change any more. */
  adopt(params: Uint8Array, results: Uint8Array): SigId {
    this.params.push(params);
    this.results.push(results);
    return (this.params.length - 1) as SigId;
  }
}

/** One function's IR. Reusable: `reset` keeps the storage. */
export class Func {
  /** Number of instructions. */
  count = 0;
  op: Uint16Array<ArrayBuffer> = new Uint16Array(1024);
  type: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  a: Int32Array<ArrayBuffer> = new Int32Array(1024);
  b: Int32Array<ArrayBuffer> = new Int32Array(1024);
  c: Int32Array<ArrayBuffer> = new Int32Array(1024);
  imm: Int32Array<ArrayBuffer> = new Int32Array(1024);
  aux: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Byte offset of the wasm instruction that each IR instruction stems from, counted from the start of the module. */
  site: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Lists: call and jump arguments, return values, br_table targets. */
  readonly pool: IntList = new IntList(1024);

  /** Instructions in block order: block `k` owns `order[blockStart[k] .. blockEnd[k])`; ranges need not be adjacent or sorted. */
  order: Int32Array<ArrayBuffer> = new Int32Array(1024);
  orderLength = 0;
  blockCount = 0;
  blockStart: Int32Array<ArrayBuffer> = new Int32Array(256);
  blockEnd: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** Block parameters: `block_param` values at `pool[paramStart .. paramStart + paramCount)`. They stand in no order range. */
  paramStart: Int32Array<ArrayBuffer> = new Int32Array(256);
  paramCount: Int32Array<ArrayBuffer> = new Int32Array(256);
  /** 1: the block is unlikely to run (leads to a trap or slow path); code generation puts it out of line. */
  cold: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** The function's own signature. */
  signature: SigId = NONE as SigId;
  /** Defined function index, for messages and dumps. */
  index = 0;
  signatures: Signatures = new Signatures();

  /** The entry block: always 0, without predecessors and block parameters. */
  static readonly ENTRY: Block = 0 as Block;

  /** Empties the function for reuse. */
  reset(signatures: Signatures, signature: SigId, index: number): void {
    this.count = 0;
    this.pool.reset();
    this.orderLength = 0;
    this.blockCount = 0;
    this.signatures = signatures;
    this.signature = signature;
    this.index = index;
  }

  /** Appends an instruction to the columns (not to any block) and returns its value. */
  add(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number, site: number): Value {
    const id = this.count;
    if (id === this.op.length) this.#growInstructions(id + 1);
    this.count = id + 1;
    this.op[id] = op;
    this.type[id] = type;
    this.a[id] = a;
    this.b[id] = b;
    this.c[id] = c;
    this.imm[id] = imm;
    this.aux[id] = aux;
    this.site[id] = site;
    return id as Value;
  }

  /** Adds a block with an empty range and no parameters. */
  addBlock(): Block {
    const id = this.blockCount;
    if (id === this.blockStart.length) this.#growBlocks(id + 1);
    this.blockCount = id + 1;
    this.blockStart[id] = 0;
    this.blockEnd[id] = 0;
    this.paramStart[id] = 0;
    this.paramCount[id] = 0;
    this.cold[id] = 0;
    return id as Block;
  }

  /** Appends an instruction number to `order`; the caller maintains the block ranges. */
  appendOrder(value: number): void {
    if (this.orderLength === this.order.length) this.order = growInt32(this.order, this.orderLength + 1);
    this.order[this.orderLength++] = value;
  }

  /** The last instruction of a block. */
  terminator(block: number): Value {
    return this.order[this.blockEnd[block] - 1] as Value;
  }

  /** Makes `value` a copy of `other`: later reads go through {@linkcode resolve}. */
  replaceWith(value: Value, other: Value): void {
    this.op[value] = Ir.copy;
    this.a[value] = other;
    this.b[value] = NONE;
    this.c[value] = NONE;
  }

  /** Follows copies to the value meant, shortening the path. */
  resolve(value: number): Value {
    let target = value;
    const { op, a } = this;
    while (op[target] === Ir.copy) target = a[target];
    while (op[value] === Ir.copy && a[value] !== target) {
      const next = a[value];
      a[value] = target;
      value = next;
    }
    return target as Value;
  }

  /** Whether the instruction defines a value. */
  hasResult(value: number): boolean {
    return this.type[value] !== VOID;
  }

  #growInstructions(needed: number): void {
    this.op = growUint16(this.op, needed);
    this.type = growUint8(this.type, needed);
    this.a = growInt32(this.a, needed);
    this.b = growInt32(this.b, needed);
    this.c = growInt32(this.c, needed);
    this.imm = growInt32(this.imm, needed);
    this.aux = growInt32(this.aux, needed);
    this.site = growInt32(this.site, needed);
  }

  #growBlocks(needed: number): void {
    this.blockStart = growInt32(this.blockStart, needed);
    this.blockEnd = growInt32(this.blockEnd, needed);
    this.paramStart = growInt32(this.paramStart, needed);
    this.paramCount = growInt32(this.paramCount, needed);
    this.cold = growUint8(this.cold, needed);
  }
}
