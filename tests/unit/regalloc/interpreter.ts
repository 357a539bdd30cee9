/**
 * Runs an allocation problem as if its instructions computed hashes of their uses: once over vregs, once over the registers and slots of
 * an allocation. Both runs must read the same values in the same order.
 */

import {
  type Allocation,
  type AllocationInput,
  DEF,
  isSlot,
  LATE,
  REMATERIALISE,
  slotIndex,
} from "../../../lib/regalloc/mod.ts";
import { NONE } from "../../../lib/base/mod.ts";

const STEPS = 4000;

function mix(hash: number, value: number): number {
  let h = Math.imul(hash ^ value, 0x85ebca6b);
  h ^= h >>> 13;
  return Math.imul(h, 0xc2b2ae35) ^ h >>> 16;
}

/** Where values are kept during a run. */
interface Store {
  read(o: number): number;
  write(o: number, value: number): void;
  before(inst: number): void;
  clobber(inst: number): void;
  after(inst: number): void;
  pass(block: number, succ: number): void;
  /** Control goes on in a pad: what registers held is gone. */
  unwind(): void;
}

function run(input: AllocationInput, seed: number, store: Store): number[] {
  const trace: number[] = [];
  const padOf = new Map<number, number>();
  for (let b = 0; b < input.blockCount; b++) if (input.padCall[b] !== NONE) padOf.set(input.padCall[b], b);
  let block = 0;
  nextBlock:
  for (let step = 0; step < STEPS;) {
    let hash = 0;
    for (let i = input.blockFirst[block]; i < input.blockFirst[block + 1]; i++, step++) {
      const start = input.operandStart[i], end = input.operandStart[i + 1];
      hash = mix(i, 77);
      let position = 0;
      store.before(i);
      // The hash depends on early and late uses, the order on operands only.
      const isUse = (o: number, flag: number) => (input.operandInfo[o] & (DEF | LATE)) === flag;
      for (let o = start; o < end; o++) if (isUse(o, 0)) hash = mix(hash, store.read(o));
      for (let o = start; o < end; o++) if (isUse(o, DEF)) store.write(o, mix(i, 123));
      store.clobber(i);
      for (let o = start; o < end; o++) if (isUse(o, LATE)) hash = mix(hash, store.read(o));
      const pad = padOf.get(i);
      if (pad !== undefined && (mix(mix(hash, step), seed) & 3) === 0) {
        trace.push(~hash);
        store.unwind();
        block = pad;
        continue nextBlock;
      }
      for (let o = start; o < end; o++) {
        if (!isUse(o, DEF | LATE)) continue;
        const token = input.vregRemat[input.operandVreg[o]];
        store.write(o, token !== NONE ? mix(token, 31) : mix(hash, position++));
      }
      store.after(i);
      trace.push(hash);
    }
    const first = input.succStart[block], count = input.succStart[block + 1] - first;
    if (count === 0) break;
    let succ = input.succs.at(first + (mix(mix(hash, step), seed) >>> 0) % count);
    if (input.padCall[succ] !== NONE) succ = input.succs.at(first);
    store.pass(block, succ);
    block = succ;
  }
  return trace;
}

/** The trace of the program itself. */
export function traceProgram(input: AllocationInput, seed: number): number[] {
  const values = new Map<number, number>();
  return run(input, seed, {
    read: (o) => values.get(input.operandVreg[o])!,
    write: (o, value) => values.set(input.operandVreg[o], value),
    before: () => {},
    clobber: () => {},
    after: () => {},
    unwind: () => {},
    pass: (block, succ) => {
      const start = input.argStart[block], count = input.argStart[block + 1] - start;
      const passed = Array.from({ length: count }, (_, k) => values.get(input.args.at(start + k))!);
      passed.forEach((value, k) => values.set(input.params.at(input.paramStart[succ] + k), value));
    },
  });
}

/** The trace of the allocated program. A slot of a 16-byte value holds it twice, the second time complemented. */
export function traceAllocated(input: AllocationInput, output: Allocation, seed: number): number[] {
  const registers = new Int32Array(32);
  const slots = new Int32Array(output.slotCount);
  let edit = 0, garbage = 1;
  const isWide = (v: number) => input.vregSlotBytes[v] === 16;
  const load = (v: number, location: number): number => {
    if (!isSlot(location)) return registers[location];
    const s = slotIndex(location);
    return isWide(v) && slots[s + 1] !== ~slots[s] ? garbage++ : slots[s];
  };
  const save = (v: number, location: number, value: number) => {
    if (!isSlot(location)) {
      registers[location] = value;
      return;
    }
    slots[slotIndex(location)] = value;
    if (isWide(v)) slots[slotIndex(location) + 1] = ~value;
  };
  const edits = (inst: number, after: number) => {
    // Jumps make the cursor useless in general; the search is by bisection.
    let low = 0, high = output.editCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      const isBefore = output.editInst[middle] < inst ||
        (output.editInst[middle] === inst && output.editAfter[middle] < after);
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    for (
      edit = low;
      edit < output.editCount && output.editInst[edit] === inst && output.editAfter[edit] === after;
      edit++
    ) {
      const v = output.editVreg[edit], from = output.editFrom[edit];
      save(v, output.editTo[edit], from === REMATERIALISE ? mix(input.vregRemat[v], 31) : load(v, from));
    }
  };
  return run(input, seed, {
    read: (o) => load(input.operandVreg[o], output.operandLocation[o]),
    write: (o, value) => save(input.operandVreg[o], output.operandLocation[o], value),
    before: (inst) => edits(inst, 0),
    clobber: (inst) => {
      for (let r = 0; r < 32; r++) if ((input.clobbers[inst] & (1 << r)) !== 0) registers[r] = mix(garbage++, r);
    },
    after: (inst) => edits(inst, 1),
    pass: () => {},
    unwind: () => {
      for (let r = 0; r < 32; r++) registers[r] = mix(garbage++, r);
    },
  });
}
