/**
 * Random IR functions made to tempt the passes: few variables, few addresses, few constants, so that the same check, load, comparison and
 * sum recurs in dominating and in unrelated places, with stores, calls and traps between.
 *
 * They run in this environment: VMCONTEXT_BYTES of VM context with the base of a memory at `BASE` and its length at `LENGTH`, two globals from
 * `GLOBALS` on; function 0 of the module, which may change any of them. Loops end: each counts a variable of its own down.
 */

import { IntList, NONE } from "../../../lib/base/mod.ts";
import {
  ADDR,
  type Block,
  FuncBuilder,
  I32,
  I64,
  INT_COND_NAMES,
  IntCond,
  Ir,
  memFlags,
  Region,
  Signatures,
  type Value,
} from "../../../lib/ir/mod.ts";
import type { Random } from "./random.ts";

/** Layout of the VM context; `cause` is a field of the record, which calls that unwind have written. */
export const VmContext = { base: 64, length: 72, globals: 80, sizeBytes: 128, cause: 16 } as const;

/** Trap codes of the program: faults of accesses, explicit checks. */
export const Trap = { fault: 2, bounds: 3, check: 4, divide: 5 } as const;

const VARIABLES = 5;
const MAX_DEPTH = 4;
const GUARDED = memFlags(Trap.fault, Region.memory);
const CHECKED = memFlags(0, Region.memory);
const GLOBAL = memFlags(0, Region.global);
const VM = memFlags(0, Region.vm);
const CONSTANTS = [0, 1, 2, 3, 8, 20, -1];
const BINARY = [Ir.iadd, Ir.iadd, Ir.isub, Ir.band, Ir.bor, Ir.imul];

interface Label {
  readonly block: Block;
  /** Variable that a jump back counts down; NONE for a jump forward. */
  readonly counter: number;
}

/** Generates functions `(i32 x VARIABLES) -> i32`; reusable. */
export class IrProgram {
  readonly builder = new FuncBuilder();
  static readonly PARAMS: number = VARIABLES;
  readonly #signatures = new Signatures();
  readonly #signature = this.#signatures.add(new Array(VARIABLES).fill(I32), [I32]);
  readonly #calleeSignature = this.#signatures.add([I32], [I32]);
  readonly #list = new IntList();
  #random!: Random;
  #labels: Label[] = [];
  #variables = 0;
  #budget = 0;

  /** Builds a function; it is the builder's until the next. */
  make(random: Random): void {
    const b = this.builder;
    this.#random = random;
    this.#labels = [];
    this.#budget = 60;
    b.reset(this.#signatures, this.#signature, 0);
    this.#variables = 0;
    this.#declare(VARIABLES);
    for (let i = 0; i < VARIABLES; i++) b.def(i, b.param(i, I32));
    this.#statements(MAX_DEPTH);
    if (b.current !== NONE) {
      let sum = b.use(0);
      for (let i = 1; i < VARIABLES; i++) sum = b.binary(Ir.iadd, b.binary(Ir.imul, sum, b.iconst32(31)), b.use(i));
      this.#return(sum);
    }
    b.finish();
  }

  #declare(count: number): void {
    this.builder.declareVariables(count);
    for (let i = 0; i < count; i++) this.builder.setVariableType(this.#variables++, I32);
  }

  #return(value: Value): void {
    this.#list.reset();
    this.#list.push(value);
    this.builder.return_(this.#list);
  }

  #statements(depth: number): void {
    const b = this.builder;
    for (let n = 2 + this.#random.below(6); n > 0 && this.#budget > 0 && b.current !== NONE; n--) {
      this.#budget--;
      this.#statement(depth);
    }
  }

  #statement(depth: number): void {
    const b = this.builder;
    const random = this.#random;
    switch (random.below(depth === 0 ? 9 : 14)) {
      case 0:
      case 1:
        return b.def(random.below(VARIABLES), b.binary(random.pick(BINARY), this.#operand(), this.#operand()));
      case 2:
        return b.trapIf(this.#condition(), Trap.check);
      case 3:
        return b.trapUnless(this.#condition(), Trap.check);
      case 4:
        return this.#access("checked");
      case 5:
        return this.#access("guarded");
      case 6:
        return this.#global();
      case 7:
        return this.#other();
      case 8:
        return this.#leave();
      case 9:
      case 10:
        return this.#ifElse(depth);
      case 11:
        return this.#block(depth);
      default:
        return this.#loop(depth);
    }
  }

  #operand(): Value {
    const random = this.#random;
    return random.oneIn(3) ? this.builder.iconst32(random.pick(CONSTANTS)) : this.builder.use(random.below(VARIABLES));
  }

  #condition(): Value {
    const b = this.builder;
    const random = this.#random;
    if (random.oneIn(5)) return this.#operand();
    if (random.oneIn(6)) return b.binary(random.oneIn(2) ? Ir.band : Ir.bor, this.#condition(), this.#condition());
    const cond = random.below(INT_COND_NAMES.length);
    if (!random.oneIn(4)) return b.icmp(cond, this.#operand(), this.#operand());
    const extend = random.oneIn(2) ? Ir.uextend : Ir.sextend;
    return b.icmp(cond, b.unary(extend, this.#operand(), I64), b.unary(extend, this.#operand(), I64));
  }

  // Loads and stores at a variable's value plus a small offset: behind an explicit check of their bounds, or left to fault.
  #access(kind: "checked" | "guarded"): void {
    const b = this.builder;
    const random = this.#random;
    const index = b.unary(Ir.uextend, b.use(random.below(2)), I64);
    for (let n = random.below(4); n >= 0; n--) {
      const offset = random.pick([0, 2, 4, 8]);
      if (kind === "checked") {
        const length = b.load(Ir.load, I64, b.vmctx(), NONE, VmContext.length, VM);
        const end = b.binary(Ir.iadd, index, b.iconst64(offset + 4, 0));
        b.trapIf(b.icmp(IntCond.ugt, end, length), Trap.bounds);
      }
      const base = random.oneIn(8)
        ? b.load(Ir.load, ADDR, b.vmctx(), NONE, VmContext.base, VM)
        : b.vmctxAddr(VmContext.base, NONE);
      const flags = kind === "checked" ? CHECKED : GUARDED;
      const isNarrow = random.oneIn(4);
      const address = random.oneIn(8) ? b.addrAdd(base, index) : base;
      const rest = address === base ? index : NONE;
      if (random.oneIn(2)) b.store(isNarrow ? Ir.store8 : Ir.store, address, rest, this.#operand(), offset, flags);
      else {
        const value = b.load(isNarrow ? Ir.load8_u : Ir.load, I32, address, rest, offset, flags);
        b.def(2 + random.below(VARIABLES - 2), value); // not an index: what follows may be at the same place
      }
    }
  }

  #global(): void {
    const b = this.builder;
    const random = this.#random;
    const disp = VmContext.globals + 4 * random.below(2);
    if (random.oneIn(2)) b.store(Ir.store, b.vmctx(), NONE, this.#operand(), disp, GLOBAL);
    else b.def(random.below(VARIABLES), b.load(Ir.load, I32, b.vmctx(), NONE, disp, GLOBAL));
  }

  #other(): void {
    const b = this.builder;
    const random = this.#random;
    const variable = random.below(VARIABLES);
    switch (random.below(4)) {
      case 0:
        return b.def(variable, b.select(this.#condition(), this.#operand(), this.#operand()));
      case 1:
        return b.def(
          variable,
          b.divide(random.pick([Ir.udiv, Ir.urem]), this.#operand(), this.#operand(), Trap.divide),
        );
      case 2:
        return b.def(variable, this.#condition());
      default:
        return this.#call(variable);
    }
  }

  // A call, half of them with a pad that loads what the record says and goes on where the call returns to.
  #call(variable: number): void {
    const b = this.builder;
    const random = this.#random;
    this.#list.reset();
    this.#list.push(this.#operand());
    const result = b.call(Ir.call, NONE, 0, this.#list, 0, 1, this.#calleeSignature);
    if (random.oneIn(2)) return b.def(variable, result);
    const [returned, pad, join] = [b.createBlock(), b.createBlock(), b.createBlock()];
    b.setCold(pad);
    b.unwindEdge(returned, pad);
    b.seal(returned);
    b.seal(pad);
    b.switchTo(pad);
    const cause = b.load(Ir.load, I32, b.record(), NONE, VmContext.cause, VM);
    b.def(random.below(VARIABLES), random.oneIn(2) ? cause : b.binary(Ir.iadd, cause, this.#operand()));
    if (random.oneIn(8)) this.#return(this.#operand());
    else b.jump(join);
    b.switchTo(returned);
    b.def(variable, result);
    b.jump(join);
    b.seal(join);
    b.switchTo(join);
  }

  // A branch out of, or back to the start of, a construct around; sometimes a table, a return or a trap.
  #leave(): void {
    const b = this.builder;
    const random = this.#random;
    const next = b.createBlock();
    if (this.#labels.length === 0 || random.oneIn(6)) {
      const end = b.createBlock();
      b.brIf(this.#condition(), end, next);
      b.seal(end);
      b.switchTo(end);
      if (random.oneIn(2)) b.trap(Trap.check);
      else this.#return(this.#operand());
    } else if (random.oneIn(4)) {
      const targets = Array.from({ length: 2 + random.below(3) }, () => this.#forwardTarget(next));
      targets.push(next);
      b.brTable(this.#operand(), Int32Array.from(targets), targets.length);
    } else {
      const label = random.pick(this.#labels);
      if (label.counter === NONE) b.brIf(this.#condition(), label.block, next);
      else {
        const again = b.createBlock();
        b.brIf(this.#condition(), again, next);
        b.seal(again);
        b.switchTo(again);
        this.#jumpBack(label, next);
      }
    }
    b.seal(next);
    b.switchTo(next);
  }

  #forwardTarget(otherwise: Block): Block {
    const label = this.#random.pick(this.#labels);
    return label.counter === NONE ? label.block : otherwise;
  }

  // Counts down, and goes on at `otherwise` when the loop has run its times.
  #jumpBack(label: Label, otherwise: Block): void {
    const b = this.builder;
    const left = b.binary(Ir.isub, b.use(label.counter), b.iconst32(1));
    b.def(label.counter, left);
    b.brIf(b.icmp(IntCond.sgt, left, b.iconst32(0)), label.block, otherwise);
  }

  #ifElse(depth: number): void {
    const b = this.builder;
    const [then, otherwise, join] = [b.createBlock(), b.createBlock(), b.createBlock()];
    b.brIf(this.#condition(), then, otherwise);
    for (const arm of [then, otherwise]) {
      b.seal(arm);
      b.switchTo(arm);
      if (arm === then || this.#random.oneIn(2)) this.#statements(depth - 1);
      if (b.current !== NONE) b.jump(join);
    }
    b.seal(join);
    b.switchTo(join);
  }

  #block(depth: number): void {
    const b = this.builder;
    const end = b.createBlock();
    this.#labels.push({ block: end, counter: NONE });
    this.#statements(depth - 1);
    this.#labels.pop();
    if (b.current !== NONE) b.jump(end);
    b.seal(end);
    b.switchTo(end);
  }

  #loop(depth: number): void {
    const b = this.builder;
    const [header, end] = [b.createBlock(), b.createBlock()];
    const label = { block: header, counter: this.#variables };
    this.#declare(1);
    b.def(label.counter, b.iconst32(1 + this.#random.below(3)));
    b.jump(header);
    b.switchTo(header);
    this.#labels.push(label);
    this.#statements(depth - 1);
    this.#labels.pop();
    if (b.current !== NONE) this.#jumpBack(label, end);
    b.seal(header);
    b.seal(end);
    b.switchTo(end);
  }
}
