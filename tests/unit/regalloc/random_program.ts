/**
 * Random allocation problems: structured control flow in SSA form with all kinds of operands, and a program builder for tests by hand.
 *
 * A program is a function of its seed and options alone.
 */

import {
  type AllocationInput,
  Constraint,
  DEF,
  LATE,
  operandInfo,
  type RegisterFile,
  Safepoint,
  type VReg,
} from "../../../lib/regalloc/mod.ts";
import { NONE } from "../../../lib/base/mod.ts";

/** A register file of the first `ints` and `floats` registers; f15 is scratch. `more` of each class serve fixed operands only. */
export function registerFile(ints: number, floats: number, more = 0): RegisterFile {
  return {
    fixedOnly: Uint8Array.from({ length: 2 * more }, (_, k) => k < more ? ints + k : 16 + floats + k - more),
    intOrder: Uint8Array.from({ length: ints }, (_, k) => k),
    floatOrder: Uint8Array.from({ length: floats }, (_, k) => 16 + k),
    scratchFloat: 31,
  };
}

/** The mask of all registers of a file. */
export function allOf(file: RegisterFile): number {
  let mask = 0;
  for (const r of [...file.intOrder, ...file.floatOrder, ...file.fixedOnly ?? []]) mask |= 1 << r;
  return mask;
}

/** xorshift32. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
    for (let k = 0; k < 4; k++) this.next();
  }
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
  /** 0 to `count` - 1. */
  below(count: number): number {
    return this.next() % count;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

interface Block {
  first: number;
  end: number;
  params: VReg[];
  args: VReg[];
  succs: number[];
  preds: number[];
  depth: number;
  loopEnd: number;
  cold: number;
}

/** Builds an `AllocationInput` block by block; edges are given as they become known. */
export class ProgramBuilder {
  readonly blocks: Block[] = [];
  /** Pads: block and instruction (RA-IN-6). */
  readonly pads: [block: number, call: number][] = [];
  depth = 0;
  cold = 0;

  constructor(readonly input: AllocationInput) {
    input.reset();
  }

  vreg(registerClass = 0, options: { bytes?: number; remat?: number; root?: boolean } = {}): VReg {
    return this.input.addVreg(registerClass, options.bytes ?? 8, options.remat ?? NONE, options.root === true ? 1 : 0);
  }

  /** Begins the next block; it ends where the following one begins. */
  block(...params: VReg[]): number {
    const id = this.blocks.length;
    this.blocks.push({
      first: this.input.instCount,
      end: -1,
      params,
      args: [],
      succs: [],
      preds: [],
      depth: this.depth,
      loopEnd: NONE,
      cold: this.cold,
    });
    return id;
  }

  get current(): number {
    return this.blocks.length - 1;
  }

  /** Adds an instruction: `operands` are pairs of vreg and info. */
  inst(operands: [VReg, number][], clobbers = 0, safepoint = 0): number {
    const id = this.input.addInst(clobbers);
    for (const [v, info] of operands) this.input.addOperand(v, info);
    this.input.safepoint[id] = safepoint;
    return id;
  }

  edge(from: number, to: number, args: VReg[] = []): void {
    this.blocks[from].succs.push(to);
    this.blocks[to].preds.push(from);
    if (args.length > 0) this.blocks[from].args = args;
  }

  /** Ends the current block with a jump. */
  jump(): number {
    this.inst([]);
    return this.current;
  }

  finish(): AllocationInput {
    const { input, blocks } = this;
    input.blockCount = blocks.length;
    input.reserveBlocks(blocks.length);
    const put = (list: { push(x: number): void }, values: number[]) => values.forEach((x) => list.push(x));
    for (const [b, block] of blocks.entries()) {
      input.blockFirst[b] = block.first;
      input.succStart[b] = input.succs.length;
      input.predStart[b] = input.preds.length;
      input.paramStart[b] = input.params.length;
      input.argStart[b] = input.args.length;
      put(input.succs, block.succs);
      put(input.preds, block.preds);
      put(input.params, block.params);
      put(input.args, block.args);
      input.loopDepth[b] = block.depth;
      input.loopEnd[b] = block.loopEnd;
      input.cold[b] = block.cold;
    }
    for (const [block, call] of this.pads) input.padCall[block] = call;
    const n = blocks.length;
    input.blockFirst[n] = input.instCount;
    input.succStart[n] = input.succs.length;
    input.predStart[n] = input.preds.length;
    input.paramStart[n] = input.params.length;
    input.argStart[n] = input.args.length;
    return input;
  }
}

export const USE = operandInfo(Constraint.reg, 0);
export const USE_ANY = operandInfo(Constraint.any, 0);
export const USE_LATE = operandInfo(Constraint.reg, LATE);
export const DEF_REG = operandInfo(Constraint.reg, DEF | LATE);
export const TEMPORARY = operandInfo(Constraint.reg, DEF);
export const useFixed = (register: number) => operandInfo(Constraint.fixed, 0, register);
export const defFixed = (register: number) => operandInfo(Constraint.fixed, DEF | LATE, register);
export const defReuse = (operand: number) => operandInfo(Constraint.reuse, DEF | LATE, operand);

/** What a random program looks like. */
export interface RandomOptions {
  /** About how many statements. */
  size: number;
  file: RegisterFile;
  /** Percent of instructions that are calls. */
  calls?: number;
  /** Percent of instructions that are safepoints and keep all registers. */
  polls?: number;
  /** Percent of integers that are roots. */
  roots?: number;
  /** Percent of calls that may unwind to a pad. */
  unwinding?: number;
  /** Percent of statements that are control flow. */
  branching?: number;
  /** Whether loops are left from their middle by blocks numbered inside them. */
  exitsInside?: boolean;
}

/** Values at hand, by class. */
type Env = [VReg[], VReg[]];
const copyEnv = (env: Env): Env => [[...env[0]], [...env[1]]];

class Generator {
  readonly #b: ProgramBuilder;
  readonly #all: number;
  #budget: number;
  /** Exit edges of the loops around, innermost last: blocks waiting for their target. */
  readonly #exits: { from: number; env: Env }[][] = [];

  constructor(input: AllocationInput, readonly random: Random, readonly options: RandomOptions) {
    this.#b = new ProgramBuilder(input);
    this.#all = allOf(options.file);
    this.#budget = options.size;
  }

  run(): AllocationInput {
    const b = this.#b;
    b.block();
    const env: Env = [[], []];
    // Parameters of the function arrive in registers.
    const intOrder = this.#fixedOf(0), floatOrder = this.#fixedOf(1);
    const ints = 1 + this.random.below(Math.min(4, intOrder.length));
    const operands: [VReg, number][] = [];
    for (let k = 0; k < ints; k++) operands.push([this.#fresh(env, 0, true), defFixed(intOrder[k])]);
    operands.push([this.#fresh(env, 1, true), defFixed(floatOrder[0])]);
    b.inst(operands);
    while (this.#budget > 0) this.#statements(env, 0);
    b.inst(this.#pick(env, 0, 1).map((v) => [v, useFixed(intOrder[0])]));
    return b.finish();
  }

  #fresh(env: Env, registerClass: number, plain = false): VReg {
    const { random } = this;
    const options: { bytes?: number; remat?: number; root?: boolean } = {};
    if (registerClass === 1 && random.chance(30)) options.bytes = 16;
    if (!plain && random.chance(this.options.roots ?? 10)) options.root = registerClass === 0;
    const v = this.#b.vreg(registerClass, options);
    env[registerClass].push(v);
    return v;
  }

  /** Some values, recent ones more often. */
  #pick(env: Env, registerClass: number, count: number): VReg[] {
    const list = env[registerClass];
    const out: VReg[] = [];
    for (let k = 0; k < count; k++) {
      const recent = this.random.chance(60) ? Math.min(list.length, 6) : list.length;
      out.push(list[list.length - 1 - this.random.below(recent)]);
    }
    return out;
  }

  /** As `#pick` for two values, the second of which can be in a slot if registers are few (a rematerialisable one cannot). */
  #pickPair(env: Env, registerClass: number): VReg[] {
    const pair = this.#pick(env, registerClass, 2);
    if (this.options.file.intOrder.length <= 5 && this.#b.input.vregRemat[pair[1]] !== NONE) {
      pair[1] = env[registerClass][0];
    }
    return pair;
  }

  #class(env: Env): number {
    return env[1].length > 0 && this.random.chance(30) ? 1 : 0;
  }

  #statements(env: Env, depth: number): void {
    const count = 1 + this.random.below(6);
    for (let k = 0; k < count && this.#budget > 0; k++) {
      this.#budget--;
      if (depth < 6 && this.random.chance(this.options.branching ?? 25)) {
        const kind = this.random.below(10);
        if (kind < 4) this.#if(env, depth);
        else if (kind < 8) this.#loop(env, depth);
        else this.#switch(env, depth);
      } else this.#inst(env, depth);
    }
  }

  /** A call that returns to one block, and unwinds to another, where nothing of what it defines exists. */
  #unwindingCall(env: Env, depth: number): void {
    const b = this.#b;
    const before = copyEnv(env);
    const call = this.#call(env);
    // What stands between the call and the end of its block has not happened in the pad either.
    if (this.random.chance(30)) b.inst([[this.#fresh(env, 0), DEF_REG]]);
    const from = b.jump();
    const outerCold = b.cold;
    const padFirst = this.random.chance(50);
    const ways: { from: number; env: Env }[] = [];
    const returned = () => {
      const id = b.block();
      const mine = copyEnv(env);
      if (this.random.chance(50)) this.#statements(mine, depth + 1);
      ways.push({ from: b.jump(), env: mine });
      return id;
    };
    const pad = () => {
      if (this.random.chance(70)) b.cold = 1;
      const id = b.block();
      b.pads.push([id, call]);
      const mine = copyEnv(before);
      if (this.random.chance(70)) this.#statements(mine, depth + 1);
      ways.push({ from: b.jump(), env: mine });
      b.cold = outerCold;
      return id;
    };
    if (padFirst) {
      const id = pad();
      b.edge(from, returned());
      b.edge(from, id);
    } else {
      b.edge(from, returned());
      b.edge(from, pad());
    }
    // What only one side knows is gone.
    [env[0], env[1]] = before;
    this.#merge(env, ways);
  }

  #inst(env: Env, depth: number): void {
    const { random, options } = this;
    const b = this.#b;
    const c = this.#class(env);
    const order = c === 0 ? options.file.intOrder : options.file.floatOrder;
    const few = order.length <= 3;
    if (random.chance(options.calls ?? 10)) {
      if (options.unwinding !== undefined && random.chance(options.unwinding)) this.#unwindingCall(env, depth);
      else this.#call(env);
      return;
    }
    if (random.chance(options.polls ?? 0)) return void b.inst([], 0, Safepoint.registers);
    const kind = random.below(100);
    if (kind < 8) {
      const v = b.vreg(c, { remat: random.below(1000) });
      b.inst([[v, DEF_REG]]);
      env[c].push(v);
    } else if (kind < 30) {
      const [x, y] = this.#pickPair(env, c);
      b.inst([[x, USE], [y, random.chance(50) ? USE_ANY : USE], [this.#fresh(env, c), DEF_REG]]);
    } else if (kind < 60) {
      const [x, y] = this.#pickPair(env, c);
      const def = this.#fresh(env, c);
      if (random.chance(50)) b.inst([[x, USE], [y, random.chance(50) ? USE_ANY : USE], [def, defReuse(0)]]);
      else b.inst([[def, defReuse(2)], [y, USE_ANY], [x, random.chance(30) ? USE_ANY : USE]]);
    } else if (kind < 66) {
      const [x, y] = this.#pickPair(env, c);
      const second = order.length < 3 || random.chance(50) ? USE_ANY : USE;
      b.inst([[x, USE], [y, second], [b.vreg(c), TEMPORARY], [this.#fresh(env, c), DEF_REG]]);
    } else if (kind < 72) {
      const [x, y] = this.#pickPair(env, c);
      b.inst([[x, USE_LATE], [y, random.chance(50) ? USE_ANY : USE], [this.#fresh(env, c), DEF_REG]]);
    } else if (kind < 84) {
      // As a shift: one operand in a register of its own.
      const [x, y] = this.#pickPair(env, c);
      const fixed = this.#fixedOf(c), r = fixed[random.below(fixed.length)];
      b.inst([[x, USE], [y, useFixed(r)], [this.#fresh(env, c), defReuse(0)]]);
    } else if (kind < 94) {
      // As a division: two registers read, written or destroyed.
      const [x, y] = this.#pickPair(env, c);
      const fixed = this.#fixedOf(c), r = fixed[random.below(fixed.length)], s = fixed[random.below(fixed.length)];
      const operands: [VReg, number][] = [[x, useFixed(r)], [y, !few && random.chance(50) ? USE : USE_ANY]];
      if (r !== s && random.chance(40)) operands.push([this.#pick(env, c, 1)[0], useFixed(s)]);
      operands.push([this.#fresh(env, c), defFixed(r)]);
      b.inst(operands, r !== s ? 1 << s : 0);
    } else if (kind < 97) {
      const [x, y] = this.#pickPair(env, 0);
      b.inst([[x, USE_ANY], [y, USE]]);
    } else b.inst([[b.vreg(c), DEF_REG]]);
  }

  /** The registers that operands of a class can be fixed to. */
  #fixedOf(registerClass: number): number[] {
    const { intOrder, floatOrder, fixedOnly = [] } = this.options.file;
    return [
      ...(registerClass === 0 ? intOrder : floatOrder),
      ...Array.from(fixedOnly).filter((r) => r >> 4 === registerClass),
    ];
  }

  #call(env: Env): number {
    const { random, options } = this;
    const operands: [VReg, number][] = [];
    for (let c = 0; c < 2; c++) {
      if (env[c].length === 0) continue;
      const order = this.#fixedOf(c);
      const fixed = random.below(Math.min(order.length, 6));
      const values = this.#pick(env, c, fixed + 1);
      for (let k = 0; k < fixed; k++) operands.push([values[k], useFixed(order[k])]);
      if (random.chance(30)) {
        if (fixed >= (c === 0 ? options.file.intOrder : options.file.floatOrder).length || random.chance(50)) {
          operands.push([this.#pickPair(env, c)[1], USE_ANY]);
        } else operands.push([values[fixed], USE]);
      }
    }
    for (let k = random.below(3); k > 0; k--) operands.push([this.#pickPair(env, 0)[1], USE_ANY]);
    for (let c = 0; c < 2; c++) {
      const order = this.#fixedOf(c);
      if (random.chance(50)) operands.push([this.#fresh(env, c), defFixed(order[0])]);
    }
    return this.#b.inst(operands, this.#all, random.chance(70) ? 1 : 0);
  }

  /** Merge parameters and what each way in passes for them. */
  #merge(env: Env, ways: { from: number; env: Env }[]): void {
    const b = this.#b;
    const params: VReg[] = [];
    const args: VReg[][] = ways.map(() => []);
    for (let k = this.random.below(4); k > 0; k--) {
      const c = this.#class(env);
      const bytes = c === 1 && this.random.chance(30) ? 16 : 8;
      // Arguments are as wide as the parameter.
      const fits = (v: VReg) => b.input.vregSlotBytes[v] === bytes;
      const choices = ways.map((w) => w.env[c].filter(fits));
      if (choices.some((list) => list.length === 0)) continue;
      params.push(b.vreg(c, { bytes, root: choices[0].every((v) => b.input.vregIsRoot[v] !== 0) }));
      choices.forEach((list, w) => {
        const last = Math.min(list.length, 8);
        args[w].push(list[list.length - 1 - this.random.below(last)]);
      });
    }
    const id = b.block(...params);
    ways.forEach((w, k) => b.edge(w.from, id, args[k]));
    for (const p of params) env[b.input.vregClass[p]].push(p);
  }

  #branchUses(env: Env): [VReg, number][] {
    return this.#pick(env, 0, 1 + this.random.below(2)).map((v, k) => [v, k === 0 ? USE : USE_ANY]);
  }

  #if(env: Env, depth: number): void {
    const b = this.#b;
    b.inst(this.#branchUses(env));
    const from = b.current;
    const ways: { from: number; env: Env }[] = [];
    const coldSide = this.random.below(6);
    const outerCold = b.cold;
    for (let side = 0; side < 2; side++) {
      const mine = copyEnv(env);
      b.cold = outerCold || (coldSide === side ? 1 : 0);
      const id = b.block();
      b.edge(from, id);
      if (b.cold !== outerCold && this.random.chance(70)) this.#call(mine);
      if (side === 0 || this.random.chance(60)) this.#statements(mine, depth + 1);
      ways.push({ from: b.jump(), env: mine });
      b.cold = outerCold;
    }
    this.#merge(env, ways);
  }

  #switch(env: Env, depth: number): void {
    const b = this.#b;
    b.inst(this.#branchUses(env));
    const from = b.current;
    const ways: { from: number; env: Env }[] = [];
    for (let k = 2 + this.random.below(4); k > 0; k--) {
      const mine = copyEnv(env);
      b.edge(from, b.block());
      if (this.random.chance(50)) this.#statements(mine, depth + 1);
      ways.push({ from: b.jump(), env: mine });
    }
    this.#merge(env, ways);
  }

  #loop(env: Env, depth: number): void {
    const b = this.#b;
    const { random } = this;
    const preheader = b.jump();
    const params: VReg[] = [], initial: VReg[] = [];
    const inside = copyEnv(env);
    for (let k = random.below(4); k > 0; k--) {
      const c = this.#class(env);
      const [v] = this.#pick(env, c, 1);
      const p = b.vreg(c, { bytes: b.input.vregSlotBytes[v] });
      initial.push(v);
      params.push(p);
      inside[c].push(p);
    }
    b.depth++;
    const header = b.block(...params);
    b.edge(preheader, header, initial);
    this.#exits.push([]);
    this.#statements(inside, depth + 1);
    if (this.options.exitsInside === true && random.chance(50)) {
      b.inst(this.#branchUses(inside));
      const from = b.current;
      b.depth--;
      const exit = b.block();
      b.edge(from, exit);
      this.#exits[this.#exits.length - 1].push({ from: b.jump(), env: copyEnv(inside) });
      b.depth++;
      b.edge(from, b.block());
      this.#statements(inside, depth + 1);
    }
    b.inst(this.#branchUses(inside));
    const from = b.current;
    const latch = b.block();
    b.edge(from, latch);
    b.jump();
    const next = params.map((p, k) => {
      const c = b.input.vregClass[p];
      const same = inside[c].filter((v) => b.input.vregSlotBytes[v] === b.input.vregSlotBytes[p]);
      // Sometimes the parameters change places.
      const other = params[(k + 1) % params.length];
      if (random.chance(20) && same.includes(other)) return other;
      return same[same.length - 1 - random.below(Math.min(same.length, 8))];
    });
    b.edge(latch, header, next);
    b.blocks[header].loopEnd = latch;
    b.depth--;
    const exits = this.#exits.pop()!;
    const exit = b.block();
    b.edge(from, exit);
    if (exits.length === 0) {
      env[0] = inside[0];
      env[1] = inside[1];
    } else {
      exits.push({ from: b.jump(), env: inside });
      this.#merge(env, exits);
    }
  }
}

/** Fills `input` with a random program. */
export function randomProgram(input: AllocationInput, seed: number, options: RandomOptions): AllocationInput {
  return new Generator(input, new Random(seed), options).run();
}
