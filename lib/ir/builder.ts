/**
 * SSA construction straight from structured control flow, folding and numbering values while appending.
 *
 * The client (translation of wasm) names its mutable state by dense *variables* and says `def` and `use`; the builder finds the value that
 * reaches a use and makes block parameters where several do. Algorithm: Braun, Buchwald, Hack, Leißa, Mallon, Zwinkau, "Simple and
 * Efficient Construction of Static Single Assignment Form" (2013), with block parameters in place of phis and three departures:
 *
 * - Structured control flow is filled in dominator order, so a variable last defined before the immediate dominator of a join was filled
 *   has one value there, and no parameter is made, nor are the join's predecessors visited (BUILD-3).
 * - Look-ups are loops with a work list, not recursion: functions with 20,000 blocks in a row exist.
 * - Parameters that turn out trivial are found when their block is sealed and by rounds in `finish`, not by following users: with inner
 *   loops sealed before outer ones hardly any is left for the rounds, and no use lists are kept.
 *
 * Definitions live in a hash of (block, variable) ({@linkcode VariableMap}); the current block's in a direct cache that is written to the
 * hash when the block ends. Arguments of parameters are kept per parameter, one per in-edge, until `finish` writes them as jump arguments.
 * Edges of `br_if` and `br_table` to blocks with several in-edges get a block of their own in `finish` (a jump): this makes room for
 * arguments and splits all critical edges, for register allocation.
 *
 * BUILD-1  A block is filled in one go: `switchTo`, instructions, a terminator. Its first jump comes before `switchTo`, or it is unreachable.
 * BUILD-2  A block that is switched to before it is sealed is a loop header: predecessors that come later are dominated by it. All other
 *          blocks are sealed before they are switched to.
 * BUILD-3  When a block is filled, everything between its immediate dominator and itself has been filled after that dominator and before
 *          itself (but for loops still open, whose header has a parameter then). Holds for code generated in program order.
 * BUILD-4  Code that cannot run (after a terminator, in a block nobody jumps to, after a check that always traps) is accepted and dropped:
 *          it reaches neither `order` nor the edges.
 *
 * Costs: a genuine join costs variables used times in-edges, which the jump arguments cost as well. Everything else is linear.
 */

import { bug, growInt32, growUint8, IntList, NONE } from "../base/mod.ts";
import { Emitter } from "./emitter.ts";
import { canNumber, isCall, isConstantLoad } from "./effects.ts";
import { type Block, Func, type SigId, type Signatures, type Value } from "./func.ts";
import { resolveOperands } from "./operands.ts";
import { IntCond, Ir, type IrOp } from "./ops.ts";
import { ADDR, I32, IS_FLOAT_CLASS, type Type, V128, VOID } from "./types.ts";
import { VariableMap } from "./variable_map.ts";

const EMPTY = new IntList(1);
const NUMBER_SLOTS = 1024;
// A path of look-ups longer than this is remembered for the rest of the query.
const SHORT_PATH = 4;

const OPEN = 0; // not switched to yet
const FILLING = 1;
const FILLED = 2;

/** Builds one {@linkcode Func}; reusable by `reset`. */
export class FuncBuilder extends Emitter {
  /** The block being filled, or NONE. */
  current: Block = NONE as Block;
  // Whether code appended now can run (BUILD-4).
  #live = false;

  // Variables.
  #variableCount = 0;
  #variableType = new Uint8Array(64);
  // Value in the block whose fill number is `#seenAt`.
  #variableValue = new Int32Array(64);
  #seenAt = new Int32Array(64);
  // Fill number of the block that last defined the variable.
  #definedAt = new Int32Array(64);
  // Variables whose `#variableValue` is to be written to the map when the block ends.
  readonly #touched = new IntList(64);
  readonly #ends = new VariableMap();

  // Blocks.
  #state = new Uint8Array(256);
  #sealed = new Uint8Array(256);
  // Fill number: 1, 2, ... in the order of `switchTo`; 0 before.
  #fillNumber = new Int32Array(256);
  #fills = 0;
  #edgeCount = new Int32Array(256);
  #lastEdge = new Int32Array(256);
  // Edges that were there when a loop header was switched to.
  #entryEdges = new Int32Array(256);
  #idom = new Int32Array(256);
  #depth = new Int32Array(256);
  #explicitParams = new Int32Array(256);
  #firstParam = new Int32Array(256);
  #lastParam = new Int32Array(256);
  // Path cache of the current query.
  #pathQuery = new Int32Array(256);
  #pathValue = new Int32Array(256);
  #query = 0;
  #queries = 0;

  // Edges: source block, next edge of the same target, position among the target's edges, start of explicit arguments in `#args`.
  #edgeTotal = 0;
  #edgeSource = new Int32Array(256);
  #edgeNext = new Int32Array(256);
  #edgePosition = new Int32Array(256);
  #edgeArgs = new Int32Array(256);
  // Split edges of a br_table, chained by `finish`: the edge's block, and the table's next split edge + 1.
  #edgeBlock = new Int32Array(256);
  #edgeChain = new Int32Array(256);
  // Explicit arguments by edge, arguments of implicit parameters by parameter.
  readonly #args = new IntList(1024);
  // Parameters whose arguments are to be found.
  readonly #pending = new IntList(64);

  // Local value numbering: a direct-mapped table of values; entries before `#blockFirst` belong to other blocks.
  readonly #numbers = new Int32Array(NUMBER_SLOTS);
  #blockFirst = 0;
  // First value after the last call: addresses are not numbered across calls (ADDR-1).
  #callFirst = 0;
  // Zeros for variables read before they are defined, by type; placed at the head of the entry block.
  readonly #zeros = new Int32Array(8);
  readonly #prelude = new IntList(8);

  // Stamps for br_table targets.
  #tableStamp = new Int32Array(256);
  #tableValue = new Int32Array(256);
  #tables = 0;
  readonly #list = new IntList(64);

  /** Starts a function: creates its entry block, sealed, and switches to it. */
  reset(signatures: Signatures, signature: SigId, index: number, func: Func = this.func): void {
    this.func = func;
    func.reset(signatures, signature, index);
    this.site = 0;
    this.#ends.reset();
    this.#touched.reset();
    this.#args.reset();
    this.#pending.reset();
    this.#prelude.reset();
    this.#variableCount = 0;
    this.#edgeTotal = 0;
    this.#fills = 0;
    this.#zeros.fill(NONE);
    this.current = NONE as Block;
    this.createBlock();
    this.seal(Func.ENTRY);
    this.switchTo(Func.ENTRY);
  }

  // ---------------------------------------------------------------------------------------------------------------- variables

  /** Adds `count` variables, numbered on from those there are. One that is read before it is defined is zero. */
  declareVariables(count: number): void {
    const first = this.#variableCount;
    const end = first + count;
    this.#variableCount = end;
    this.#variableType = growUint8(this.#variableType, end);
    this.#variableValue = growInt32(this.#variableValue, end);
    this.#seenAt = growInt32(this.#seenAt, end);
    this.#definedAt = growInt32(this.#definedAt, end);
    this.#variableType.fill(VOID, first, end);
    this.#seenAt.fill(0, first, end);
    this.#definedAt.fill(0, first, end);
  }

  /** States the type of a variable, before its first use. */
  setVariableType(variable: number, type: Type): void {
    this.#variableType[variable] = type;
  }

  /** Gives the variable a value from here on in the current block. */
  def(variable: number, value: Value): void {
    if (this.#seenAt[variable] !== this.#fills) {
      this.#seenAt[variable] = this.#fills;
      this.#touched.push(variable);
    }
    this.#variableValue[variable] = value;
    this.#definedAt[variable] = this.#fills;
  }

  /** The variable's value here. */
  use(variable: number): Value {
    if (this.#seenAt[variable] === this.#fills) return this.func.resolve(this.#variableValue[variable]);
    const block = this.current;
    if (block === NONE) bug("use outside a block");
    const value = this.#live
      ? this.#resolvePending(this.#valueAtEnd(block, variable), variable)
      : this.zero(this.#variableType[variable]);
    // The look-up has remembered the value at the end of some block; this block's own entry is made when it ends.
    this.#seenAt[variable] = this.#fills;
    this.#touched.push(variable);
    this.#variableValue[variable] = value;
    return value;
  }

  // ------------------------------------------------------------------------------------------------------------------- blocks

  /** Adds a block. */
  createBlock(): Block {
    const { func } = this;
    const block = func.addBlock();
    if (block >= this.#state.length) this.#growBlocks(block + 1);
    this.#state[block] = OPEN;
    this.#sealed[block] = 0;
    this.#fillNumber[block] = 0;
    this.#edgeCount[block] = 0;
    this.#lastEdge[block] = NONE;
    this.#entryEdges[block] = NONE;
    this.#idom[block] = NONE;
    this.#depth[block] = 0;
    this.#explicitParams[block] = 0;
    this.#firstParam[block] = NONE;
    this.#lastParam[block] = NONE;
    this.#pathQuery[block] = 0;
    this.#tableStamp[block] = 0;
    return block;
  }

  /** Adds an explicit parameter to a block; every `jump` to it passes an argument for it. Comes before the first jump to the block. */
  createBlockParam(block: Block, type: Type): Value {
    if (this.#edgeCount[block] !== 0) bug("explicit block parameter after the first jump");
    this.#explicitParams[block]++;
    return this.#addParam(block, type, this.#explicitParams[block] - 1);
  }

  /** The number of explicit parameters. */
  explicitParamCount(block: Block): number {
    return this.#explicitParams[block];
  }

  /** Whether anything jumps to the block (or it is the entry). */
  isReachable(block: Block): boolean {
    return block === Func.ENTRY || this.#edgeCount[block] !== 0;
  }

  /** Whether code appended now can run. */
  get reachable(): boolean {
    return this.#live;
  }

  /** Starts to fill a block. */
  switchTo(block: Block): void {
    if (this.current !== NONE) bug("switchTo before the current block is terminated");
    if (this.#state[block] !== OPEN) bug("a block is filled twice");
    const { func } = this;
    this.current = block;
    this.#live = this.isReachable(block);
    this.#state[block] = FILLING;
    this.#fillNumber[block] = ++this.#fills;
    func.blockStart[block] = func.orderLength;
    func.blockEnd[block] = func.orderLength;
    this.#blockFirst = func.count;
    this.#callFirst = func.count;
    if (this.#sealed[block] === 0) {
      // BUILD-2: a loop header; its dominator is known from the edges that enter.
      this.#entryEdges[block] = this.#edgeCount[block];
      this.#computeDominator(block);
    }
  }

  /** States that all jumps to the block have been made. */
  seal(block: Block): void {
    if (this.#sealed[block] === 1) bug("a block is sealed twice");
    this.#sealed[block] = 1;
    if (block === Func.ENTRY) return;
    const isHeader = this.#state[block] !== OPEN;
    if (!isHeader) this.#computeDominator(block);
    const { func } = this;
    for (let param = this.#firstParam[block]; param !== NONE;) {
      const next = func.aux[param];
      if (this.#edgeCount[block] === 0) this.#replaceByZero(param);
      else if (func.a[param] < 0) {
        if (isHeader) this.#completeParam(param, block);
      } else this.#removeTrivial(param as Value);
      param = next;
    }
  }

  /** Marks a block as unlikely to run. */
  setCold(block: Block): void {
    this.func.cold[block] = 1;
  }

  // -------------------------------------------------------------------------------------------------------------- terminators

  /** Ends the block with a jump; the target's explicit parameters get the values from `start` of `args` on. */
  jump(target: Block, args: IntList = EMPTY, start = 0): void {
    if (this.#live) {
      const edge = this.#addEdge(target);
      const count = this.#explicitParams[target];
      if (start + count > args.length) bug("too few jump arguments");
      for (let i = 0; i < count; i++) this.#args.push(args.data[start + i]);
      this.#edgeArgs[edge] = this.#args.length - count;
      this.#append(Ir.jump, VOID, NONE, 0, 0, target, 0);
    }
    this.#endBlock();
  }

  /** Ends the block: to `whenTrue` if the i32 `condition` is not zero. Targets have no explicit parameters. */
  brIf(condition: Value, whenTrue: Block, whenFalse: Block): void {
    const { func } = this;
    condition = func.resolve(condition);
    // if (x != 0) is if (x), if (x == 0) is if (x) with targets swapped.
    while (
      func.op[condition] === Ir.icmp && func.type[func.a[condition]] === I32 &&
      this.#isZero(func.resolve(func.b[condition]))
    ) {
      if (func.imm[condition] === IntCond.eq) {
        const other = whenTrue;
        whenTrue = whenFalse;
        whenFalse = other;
      } else if (func.imm[condition] !== IntCond.ne) break;
      condition = func.resolve(func.a[condition]);
    }
    if (whenTrue === whenFalse) return this.jump(whenTrue);
    if (func.op[condition] === Ir.iconst) return this.jump(func.imm[condition] !== 0 ? whenTrue : whenFalse);
    if (this.#live) {
      if (this.#explicitParams[whenTrue] + this.#explicitParams[whenFalse] !== 0) {
        bug("br_if to a block with parameters");
      }
      this.#addEdge(whenTrue);
      this.#addEdge(whenFalse);
      this.#append(Ir.br_if, VOID, condition, NONE, NONE, whenTrue, whenFalse);
    }
    this.#endBlock();
  }

  /** Ends the block: to `targets[index]`, or to the last target when the i32 `index` is `count` - 1 or more. No explicit parameters. */
  brTable(index: Value, targets: Int32Array, count: number): void {
    const { func } = this;
    index = func.resolve(index);
    if (count === 1) return this.jump(targets[0] as Block);
    if (func.op[index] === Ir.iconst) return this.jump(targets[Math.min(func.imm[index] >>> 0, count - 1)] as Block);
    if (this.#live) {
      const start = func.pool.length;
      const stamp = ++this.#tables;
      for (let i = 0; i < count; i++) {
        const target = targets[i] as Block;
        func.pool.push(target);
        if (this.#tableStamp[target] === stamp) continue;
        this.#tableStamp[target] = stamp;
        if (this.#explicitParams[target] !== 0) bug("br_table to a block with parameters");
        this.#addEdge(target);
      }
      this.#append(Ir.br_table, VOID, index, start, count, 0, 0);
    }
    this.#endBlock();
  }

  /** Ends the block: returns `length` values from `start` of `values` on. */
  return_(values: IntList = EMPTY, start = 0, length = values.length - start): void {
    if (this.#live) this.#append(Ir.return, VOID, NONE, this.#copyList(values, start, length), length, 0, 0);
    this.#endBlock();
  }

  /**
   * Ends the block behind a call (and its projections) that may unwind into this frame (IR-9): to `returned`, or to `pad`, blocks made for
   * this call alone. The handler clauses (columns b and c) are the caller's to set, until `finish`. NONE if the call cannot run (BUILD-4).
   */
  unwindEdge(returned: Block, pad: Block): number {
    let edge: number = NONE;
    if (this.#live) {
      this.#addEdge(returned);
      this.#addEdge(pad);
      edge = this.#append(Ir.unwind_edge, VOID, NONE, 0, 0, returned, pad);
    }
    this.#endBlock();
    return edge;
  }

  /** Ends the block: a tail call; `op` one of return_call, return_call_import, return_call_indirect, the rest as for {@linkcode call}. */
  returnCall(op: IrOp, callee: number, imm: number, args: IntList, start: number, length: number, sig: SigId): void {
    if (this.#live) {
      const list = this.#copyList(args, start, length);
      this.#append(op, VOID, callee === NONE ? NONE : this.func.resolve(callee), list, length, imm, sig);
    }
    this.#endBlock();
  }

  /** Ends the block: traps. */
  trap(trapCode: number): void {
    if (this.#live) this.#append(Ir.trap, VOID, NONE, NONE, NONE, trapCode, 0);
    this.#endBlock();
  }

  // ------------------------------------------------------------------------------------------------------------- instructions

  /** The function's parameter `index`, in the entry block. */
  param(index: number, type: Type): Value {
    return this.#append(Ir.param, type, NONE, NONE, NONE, index, 0);
  }

  /** The VM context. */
  vmctx(): Value {
    return this.append(Ir.vmctx, ADDR, NONE, NONE, NONE, 0, 0);
  }

  /** The activation's record. */
  record(): Value {
    return this.append(Ir.record, ADDR, NONE, NONE, NONE, 0, 0);
  }

  /** An address that is constant for the instance's life: `[vmctx + offset1]`, then `[that + offset2]` unless NONE. */
  vmctxAddr(offset1: number, offset2: number): Value {
    return this.append(Ir.vmctx_addr, ADDR, NONE, NONE, NONE, offset1, offset2);
  }

  /** `addr + i64`. */
  addrAdd(address: Value, offset: Value): Value {
    return this.emit(Ir.addr_add, ADDR, this.func.resolve(address), this.func.resolve(offset), NONE, 0, 0);
  }

  /** `ref + i32`, an index into the heap. */
  refAdd(ref: Value, offset: Value): Value {
    return this.emit(Ir.ref_add, ADDR, this.func.resolve(ref), this.func.resolve(offset), NONE, 0, 0);
  }

  /** Traps if the i32 is not zero. What follows a check that always fails is dropped. */
  trapIf(condition: Value, trapCode: number): void {
    const { func } = this;
    condition = func.resolve(condition);
    if (func.op[condition] === Ir.iconst) this.#trapAlways(func.imm[condition] !== 0, trapCode);
    else this.emit(Ir.trap_if, VOID, condition, NONE, NONE, trapCode, 0);
  }

  /** Traps if the i32 is zero. */
  trapUnless(condition: Value, trapCode: number): void {
    const { func } = this;
    condition = func.resolve(condition);
    if (func.op[condition] === Ir.iconst) this.#trapAlways(func.imm[condition] === 0, trapCode);
    else this.emit(Ir.trap_unless, VOID, condition, NONE, NONE, trapCode, 0);
  }

  /**
   * A call: `op` one of call, call_import, call_indirect (with `callee`, else NONE), libcall; arguments from `start` of `args` on.
   * The value is result 0, if there is one; the others follow by {@linkcode proj}.
   */
  call(op: IrOp, callee: number, imm: number, args: IntList, start: number, length: number, signature: SigId): Value {
    const { func } = this;
    const results = func.signatures.results[signature];
    const type = results.length === 0 ? VOID : results[0];
    const list = this.#copyList(args, start, length);
    const value = this.#append(op, type, callee === NONE ? NONE : func.resolve(callee), list, length, imm, signature);
    this.#callFirst = func.count;
    return value;
  }

  /** Leaves here if an interrupt was asked for. */
  poll(): void {
    this.append(Ir.poll, VOID, NONE, NONE, NONE, 0, 0);
  }

  /** Takes fuel, an amount that may be added to until the end (`charge`), and leaves if there is none. */
  fuelPoll(): Value {
    return this.append(Ir.fuel_poll, VOID, NONE, NONE, NONE, 0, 0);
  }

  /** Takes fuel: an i64, or without one ({@linkcode NONE}) an amount that may be added to until the end (`charge`). */
  fuel(amount: number): Value {
    return this.append(Ir.fuel, VOID, amount, NONE, NONE, 0, 0);
  }

  /** Adds to what a `fuel` or `fuel_poll` takes. */
  charge(taker: Value, amount: number): void {
    const { imm } = this.func;
    imm[taker] = Math.min(imm[taker] + amount, 0x7fffffff);
  }

  /** Result `index` (1 or more) of a call, right after it. */
  proj(call: Value, index: number, type: Type): Value {
    return this.#append(Ir.proj, type, call, NONE, NONE, index, 0);
  }

  override append(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number): Value {
    if (!canNumber(op) && !isConstantLoad(op, aux)) {
      const value = this.#append(op, type, a, b, c, imm, aux);
      if (isCall(op)) this.#callFirst = this.func.count;
      return value;
    }
    const { func } = this;
    let hash = Math.imul(op << 8 | type, 0x9e3779b1) ^ Math.imul(a, 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35) ^
      Math.imul(c, 0x27d4eb2f) ^ Math.imul(imm, 0x165667b1) ^ aux;
    hash = (hash ^ hash >>> 13) & (NUMBER_SLOTS - 1);
    const known = this.#numbers[hash];
    if (
      known >= this.#blockFirst && known < func.count && func.op[known] === op && func.a[known] === a &&
      func.b[known] === b &&
      func.c[known] === c && func.imm[known] === imm && func.aux[known] === aux && func.type[known] === type &&
      (type !== ADDR || known >= this.#callFirst || op === Ir.vmctx || op === Ir.record || op === Ir.vmctx_addr)
    ) return known as Value;
    const value = this.#append(op, type, a, b, c, imm, aux);
    this.#numbers[hash] = value;
    return value;
  }

  // ------------------------------------------------------------------------------------------------------------------- finish

  /** Completes the function: every block is filled and sealed; writes arguments, splits edges, resolves copies. */
  finish(): void {
    const { func } = this;
    if (this.current !== NONE) bug("finish before the last block is terminated");
    const blockCount = func.blockCount;
    for (let block = 0; block < blockCount; block++) {
      if (this.#sealed[block] === 0) bug(`block ${block} is not sealed`);
      if (this.#state[block] !== FILLED && this.isReachable(block as Block)) bug(`block ${block} is not filled`);
    }
    this.#removeTrivialParams(blockCount);
    this.#placePrelude();
    for (let block = 0; block < blockCount; block++) this.#writeEdges(block as Block);
    this.#retargetTables();
    this.#resolveOperands();
  }

  // Rounds of trivial parameter removal: one that removes nothing ends them. The bound keeps contrived chains linear; what is left over
  // is correct, only redundant.
  #removeTrivialParams(blockCount: number): void {
    for (let round = 0, changed = true; changed && round < 8; round++) {
      changed = false;
      for (let block = 1; block < blockCount; block++) if (this.#removeTrivialOf(block)) changed = true;
    }
  }

  // A block at a time: a loop of loops would be optimised while it runs, over and over (V8 leaves such code with the inner loop).
  #removeTrivialOf(block: number): boolean {
    const { func } = this;
    let changed = false;
    for (let param = this.#firstParam[block]; param !== NONE; param = func.aux[param]) {
      if (func.op[param] === Ir.block_param && this.#removeTrivial(param as Value)) changed = true;
    }
    return changed;
  }

  // Moves the entry block to the end of the order, with the zeros after its parameters.
  #placePrelude(): void {
    const { func } = this;
    if (this.#prelude.length === 0) return;
    const start = func.orderLength;
    let from = func.blockStart[0];
    const end = func.blockEnd[0];
    while (from < end && func.op[func.order[from]] === Ir.param) func.appendOrder(func.order[from++]);
    for (let i = 0; i < this.#prelude.length; i++) func.appendOrder(this.#prelude.data[i]);
    while (from < end) func.appendOrder(func.order[from++]);
    func.blockStart[0] = start;
    func.blockEnd[0] = func.orderLength;
  }

  #writeEdges(block: Block): void {
    const { func } = this;
    const list = this.#list;
    list.reset();
    for (let param = this.#firstParam[block]; param !== NONE; param = func.aux[param]) {
      if (func.op[param] === Ir.block_param) list.push(param);
    }
    func.paramStart[block] = func.pool.length;
    func.paramCount[block] = list.length;
    for (let i = 0; i < list.length; i++) func.pool.push(list.data[i]);
    for (let edge = this.#lastEdge[block]; edge !== NONE; edge = this.#edgeNext[edge]) {
      const source = this.#edgeSource[edge];
      let terminator: number = func.terminator(source);
      if (func.op[terminator] !== Ir.jump) {
        if (this.#edgeCount[block] === 1) continue;
        const edgeBlock = this.#splitEdge(terminator, source, block, edge);
        terminator = func.terminator(edgeBlock);
      }
      const start = func.pool.length;
      for (let i = 0; i < list.length; i++) func.pool.push(func.resolve(this.#argument(list.data[i], edge)));
      func.b[terminator] = start;
      func.c[terminator] = list.length;
    }
  }

  // Gives the edge a block of its own. br_table targets are rewritten by `#retargetTables`.
  #splitEdge(terminator: number, source: number, target: Block, edge: number): Block {
    const { func } = this;
    const block = func.addBlock();
    func.cold[block] = func.cold[target] | func.cold[source];
    func.blockStart[block] = func.orderLength;
    func.appendOrder(func.add(Ir.jump, VOID, NONE, 0, 0, target, 0, func.site[terminator]));
    func.blockEnd[block] = func.orderLength;
    if (func.op[terminator] === Ir.br_if) {
      if (func.imm[terminator] === target) func.imm[terminator] = block;
      else func.aux[terminator] = block;
    } else if (func.op[terminator] === Ir.unwind_edge) bug("the successor of an unwind edge has another predecessor");
    else {
      // Until `#retargetTables`, the terminator's `aux` holds its last split edge + 1.
      this.#edgeBlock[edge] = block;
      this.#edgeChain[edge] = func.aux[terminator];
      func.aux[terminator] = edge + 1;
    }
    return block;
  }

  #retargetTables(): void {
    const { func } = this;
    for (let block = 0; block < func.blockCount; block++) {
      if (func.blockStart[block] === func.blockEnd[block]) continue;
      const terminator = func.terminator(block);
      if (func.op[terminator] !== Ir.br_table || func.aux[terminator] === 0) continue;
      const stamp = ++this.#tables;
      for (let edge = func.aux[terminator] - 1; edge >= 0; edge = this.#edgeChain[edge] - 1) {
        const edgeBlock = this.#edgeBlock[edge];
        const target = func.imm[func.terminator(edgeBlock)];
        this.#tableStamp[target] = stamp;
        this.#tableValue[target] = edgeBlock;
      }
      func.aux[terminator] = 0;
      const end = func.b[terminator] + func.c[terminator];
      const { data } = func.pool;
      for (let i = func.b[terminator]; i < end; i++) {
        if (this.#tableStamp[data[i]] === stamp) data[i] = this.#tableValue[data[i]];
      }
    }
  }

  #resolveOperands(): void {
    const { func } = this;
    const { op, a, b, c, aux } = func;
    for (let value = 0; value < func.count; value++) {
      if (op[value] === Ir.block_param) {
        a[value] = NONE;
        b[value] = NONE;
        c[value] = NONE;
        aux[value] = 0;
      } else resolveOperands(func, value);
    }
  }

  // ------------------------------------------------------------------------------------------------------------------ look-up

  // The value at the end of a block (for the current one: at its start, since its own entries are made when it ends). May create
  // parameters and leave them on `#pending`.
  #valueAtEnd(start: number, variable: number): Value {
    const { func } = this;
    let block = start;
    let steps = 0;
    let value: number;
    for (;;) {
      value = this.#ends.get(block, variable);
      if (value !== NONE) break;
      if (this.#pathQuery[block] === this.#query && this.#query !== 0) {
        value = this.#pathValue[block];
        break;
      }
      if (block === Func.ENTRY) {
        value = this.#zeroAtEntry(this.#variableType[variable]);
        break;
      }
      if (this.#sealed[block] === 0) {
        value = this.#addParam(block as Block, this.#variableType[variable], NONE);
        func.b[value] = variable;
        this.#ends.set(block, variable, value);
        break;
      }
      if (this.#edgeCount[block] === 1) {
        block = this.#edgeSource[this.#lastEdge[block]];
      } else if (this.#definedAt[variable] <= this.#fillNumber[this.#idom[block]]) {
        block = this.#idom[block]; // BUILD-3
      } else {
        value = this.#addParam(block as Block, this.#variableType[variable], NONE);
        func.b[value] = variable;
        this.#ends.set(block, variable, value);
        this.#pending.push(value);
        break;
      }
      steps++;
    }
    if (steps > SHORT_PATH && this.#query !== 0) this.#rememberPath(start, block, variable, value);
    return func.resolve(value);
  }

  // Walks the path of `#valueAtEnd` again and notes the value in each block.
  #rememberPath(start: number, end: number, variable: number, value: number): void {
    for (let block = start; block !== end;) {
      this.#pathQuery[block] = this.#query;
      this.#pathValue[block] = value;
      if (this.#edgeCount[block] === 1) block = this.#edgeSource[this.#lastEdge[block]];
      else if (this.#definedAt[variable] <= this.#fillNumber[this.#idom[block]]) block = this.#idom[block];
      else return;
    }
  }

  // Finds the arguments of all pending parameters (all of one variable); returns what `value` has become.
  #resolvePending(value: Value, variable: number): Value {
    if (this.#pending.length === 0) return value;
    const pending = this.#pending;
    this.#query = ++this.#queries;
    for (let i = 0; i < pending.length; i++) this.#findArguments(pending.data[i], variable);
    for (let i = pending.length - 1; i >= 0; i--) this.#removeTrivial(pending.data[i] as Value);
    pending.reset();
    this.#query = 0;
    return this.func.resolve(value);
  }

  // Looks the variable up at the end of every predecessor.
  #findArguments(param: number, variable: number): void {
    const { func } = this;
    const block = func.imm[param];
    const count = this.#edgeCount[block];
    const args = this.#args;
    const start = args.length;
    args.reserve(start + count);
    args.length = start + count;
    func.a[param] = start;
    func.b[param] = NONE;
    for (let edge = this.#lastEdge[block]; edge !== NONE; edge = this.#edgeNext[edge]) {
      const value = this.#valueAtEnd(this.#edgeSource[edge], variable);
      args.data[start + this.#edgePosition[edge]] = value;
    }
  }

  // A loop header's implicit parameter when the header is sealed.
  #completeParam(param: number, block: Block): void {
    const { func } = this;
    const variable = func.b[param];
    // No definition inside the loop, and one way in: the value is the one that enters.
    if (this.#definedAt[variable] < this.#fillNumber[block] && this.#entryEdges[block] === 1) {
      const entry = this.#edgeSource[this.#firstEdge(block)];
      const value = this.#resolvePending(this.#valueAtEnd(entry, variable), variable);
      func.replaceWith(param as Value, value);
      return;
    }
    this.#pending.push(param);
    this.#resolvePending(param as Value, variable);
  }

  #firstEdge(block: number): number {
    let edge = this.#lastEdge[block];
    while (this.#edgePosition[edge] !== 0) edge = this.#edgeNext[edge];
    return edge;
  }

  // Replaces a parameter all of whose arguments are one value or itself.
  #removeTrivial(param: Value): boolean {
    const { func } = this;
    if (func.op[param] !== Ir.block_param) return false;
    let same: number = NONE;
    for (let edge = this.#lastEdge[func.imm[param]]; edge !== NONE; edge = this.#edgeNext[edge]) {
      const argument = func.resolve(this.#argument(param, edge));
      if (argument === param || argument === same) continue;
      if (same !== NONE) return false;
      same = argument;
    }
    if (same === NONE) return false;
    const next = func.aux[param];
    func.replaceWith(param, same as Value);
    func.aux[param] = next;
    return true;
  }

  // What an edge passes for a parameter: explicit arguments are kept by edge, those of implicit parameters by parameter.
  #argument(param: number, edge: number): number {
    const { func } = this;
    const explicit = func.c[param];
    return explicit !== NONE
      ? this.#args.data[this.#edgeArgs[edge] + explicit]
      : this.#args.data[func.a[param] + this.#edgePosition[edge]];
  }

  // -------------------------------------------------------------------------------------------------------------------- parts

  // While building, a block_param's columns hold: a start of its arguments (NONE: incomplete), b its variable while incomplete, c its
  // number among the explicit parameters or NONE, aux the next parameter of the block.
  #addParam(block: Block, type: Type, explicit: number): Value {
    const { func } = this;
    const param = func.add(Ir.block_param, type, explicit === NONE ? NONE : 0, NONE, explicit, block, NONE, this.site);
    const last = this.#lastParam[block];
    if (last === NONE) this.#firstParam[block] = param;
    else func.aux[last] = param;
    this.#lastParam[block] = param;
    return param;
  }

  // The parameter of a block that cannot run: its uses cannot run either (BUILD-4), so the zero stands nowhere.
  #replaceByZero(param: number): void {
    const { func } = this;
    const next = func.aux[param];
    const type = func.type[param];
    func.replaceWith(param as Value, this.#addZero(type));
    func.aux[param] = next;
  }

  #addZero(type: Type): Value {
    const { func } = this;
    if (type === V128) return func.add(Ir.vconst, type, NONE, 0, 0, 0, 0, this.site);
    return func.add(IS_FLOAT_CLASS[type] === 0 ? Ir.iconst : Ir.fconst, type, NONE, NONE, NONE, 0, 0, this.site);
  }

  #zeroAtEntry(type: Type): Value {
    if (this.#zeros[type] === NONE) {
      const value = this.#addZero(type);
      this.#zeros[type] = value;
      this.#prelude.push(value);
    }
    return this.#zeros[type] as Value;
  }

  #isZero(value: number): boolean {
    return this.func.op[value] === Ir.iconst && this.func.imm[value] === 0;
  }

  #trapAlways(fails: boolean, trapCode: number): void {
    if (!fails || !this.#live) return;
    this.#append(Ir.trap, VOID, NONE, NONE, NONE, trapCode, 0);
    this.func.blockEnd[this.current] = this.func.orderLength;
    this.#live = false; // BUILD-4
  }

  #append(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number): Value {
    const value = this.func.add(op, type, a, b, c, imm, aux, this.site);
    if (this.#live) this.func.appendOrder(value);
    else if (this.current === NONE) bug("instruction outside a block");
    return value;
  }

  #copyList(list: IntList, start: number, length: number): number {
    const { func } = this;
    const { pool } = func;
    const at = pool.length;
    for (let i = 0; i < length; i++) pool.push(func.resolve(list.data[start + i]));
    return at;
  }

  #addEdge(target: Block): number {
    if (this.#sealed[target] === 1) bug(`jump to sealed block ${target}`);
    const edge = this.#edgeTotal++;
    if (edge === this.#edgeSource.length) {
      this.#edgeSource = growInt32(this.#edgeSource, edge + 1);
      this.#edgeNext = growInt32(this.#edgeNext, edge + 1);
      this.#edgePosition = growInt32(this.#edgePosition, edge + 1);
      this.#edgeArgs = growInt32(this.#edgeArgs, edge + 1);
      this.#edgeBlock = growInt32(this.#edgeBlock, edge + 1);
      this.#edgeChain = growInt32(this.#edgeChain, edge + 1);
    }
    this.#edgeSource[edge] = this.current;
    this.#edgeNext[edge] = this.#lastEdge[target];
    this.#edgePosition[edge] = this.#edgeCount[target]++;
    this.#edgeArgs[edge] = 0;
    this.#lastEdge[target] = edge;
    return edge;
  }

  #endBlock(): void {
    const { func } = this;
    const block = this.current;
    if (block === NONE) bug("terminator outside a block");
    if (this.#live) func.blockEnd[block] = func.orderLength;
    const touched = this.#touched;
    for (let i = 0; i < touched.length; i++) {
      const variable = touched.data[i];
      this.#ends.set(block, variable, this.#variableValue[variable]);
    }
    touched.reset();
    this.#state[block] = FILLED;
    this.current = NONE as Block;
    this.#live = false;
  }

  // The nearest common dominator of the sources of all edges. Edges are met latest first, so that the candidate moves up only.
  #computeDominator(block: Block): void {
    let dominator: number = NONE;
    for (let edge = this.#lastEdge[block]; edge !== NONE; edge = this.#edgeNext[edge]) {
      let source = this.#edgeSource[edge];
      if (dominator === NONE) dominator = source;
      while (dominator !== source) {
        if (this.#depth[dominator] >= this.#depth[source]) dominator = this.#idom[dominator];
        else source = this.#idom[source];
      }
    }
    this.#idom[block] = dominator;
    this.#depth[block] = dominator === NONE ? 0 : this.#depth[dominator] + 1;
  }

  #growBlocks(needed: number): void {
    this.#state = growUint8(this.#state, needed);
    this.#sealed = growUint8(this.#sealed, needed);
    this.#fillNumber = growInt32(this.#fillNumber, needed);
    this.#edgeCount = growInt32(this.#edgeCount, needed);
    this.#lastEdge = growInt32(this.#lastEdge, needed);
    this.#entryEdges = growInt32(this.#entryEdges, needed);
    this.#idom = growInt32(this.#idom, needed);
    this.#depth = growInt32(this.#depth, needed);
    this.#explicitParams = growInt32(this.#explicitParams, needed);
    this.#firstParam = growInt32(this.#firstParam, needed);
    this.#lastParam = growInt32(this.#lastParam, needed);
    this.#pathQuery = growInt32(this.#pathQuery, needed);
    this.#pathValue = growInt32(this.#pathValue, needed);
    this.#tableStamp = growInt32(this.#tableStamp, needed);
    this.#tableValue = growInt32(this.#tableValue, needed);
  }
}
