/**
 * The boundary between JavaScript and machine code, in nanoseconds: entering a guest, and a host call's way out and back.
 *
 * Run with `deno run --allow-ffi benches/boundary_bench.ts`. Figures are the minimum and the median of several rounds.
 */

import { allocateLinearMemory, boot, RECORD, STATUS, valueArea } from "../lib/host/mod.ts";
import {
  Activation,
  emitHostCall,
  emitReturn,
  emitTrap,
  F,
  memAt,
  placeCode,
  RAX,
  RCX,
  RECORD_MEM,
} from "../tests/unit/host/guest_code.ts";
import { COND, RBX, RDX } from "../lib/x64/mod.ts";

const ROUNDS = 9;

function measure(name: string, operations: number, run: (operations: number) => void): void {
  run(operations);
  const samples = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    run(operations);
    return ((performance.now() - start) * 1e6) / operations;
  }).sort((a, b) => a - b);
  const median = samples[ROUNDS >> 1];
  console.log(`${name.padEnd(44)} ${samples[0].toFixed(2).padStart(9)} ${median.toFixed(2).padStart(9)}`);
}

const start = performance.now();
const { enter, resume, systemCall } = boot();
console.log(`boot ${((performance.now() - start) * 1000).toFixed(0)} us`);
console.log(`${"ns per operation".padEnd(44)} ${"min".padStart(9)} ${"median".padStart(9)}`);

const { i32 } = valueArea();

const add = new Activation(placeCode((a) => {
  a.rm(F.load64, RDX, RECORD_MEM, RECORD.area);
  a.rm(F.load32, RAX, memAt(RDX), 0);
  a.rm(F.load32, RCX, memAt(RDX), 16);
  a.rr(F.add32, RCX, RAX);
  a.rm(F.store32, RAX, memAt(RDX), 0);
  emitReturn(a);
}));
const addIndex = add.record.index;

measure("enter and return, 2 arguments, 1 result", 1e6, (operations) => {
  let sum = 0;
  for (let i = 0; i < operations; i++) {
    i32[0] = i;
    i32[4] = 3;
    if (enter(addIndex) !== STATUS.done) throw new Error("unexpected status");
    sum = (sum + i32[0]) | 0;
  }
  i32[8] = sum;
});

const loop = new Activation(placeCode((a) => {
  const top = a.newLabel();
  a.rm(F.load64, RDX, RECORD_MEM, RECORD.area);
  a.rm(F.load32, RBX, memAt(RDX), 0);
  a.bind(top);
  a.r(F.push, RBX);
  emitHostCall(a);
  a.r(F.pop, RBX);
  a.ri(F.sub32, RBX, 1);
  a.jcc(COND.NE, top);
  emitReturn(a);
}));
const loopIndex = loop.record.index;

measure("host call: leave and resume", 1e6, (operations) => {
  i32[0] = operations;
  let calls = 0;
  let status = enter(loopIndex);
  while (status === STATUS.hostCall) {
    calls++;
    status = resume(loopIndex);
  }
  if (calls !== operations) throw new Error("lost calls");
});

const trap = new Activation(placeCode(emitTrap));
measure("explicit trap: enter and status", 1e6, (operations) => {
  for (let i = 0; i < operations; i++) {
    trap.set("guestSp", trap.stack.top);
    if (enter(trap.record.index) !== STATUS.trap) throw new Error("no trap");
  }
});

const memory = allocateLinearMemory(0);
const fault = new Activation(
  placeCode((a) => {
    a.rm(F.load32, RAX, memAt(14), 0);
    emitReturn(a);
  }),
  memory.baseAddress,
);
measure("trap by SIGSEGV: enter and status", 1e5, (operations) => {
  for (let i = 0; i < operations; i++) {
    fault.set("guestSp", fault.stack.top);
    if (enter(fault.record.index) !== STATUS.trap) throw new Error("no trap");
  }
});

measure("system call (getpid)", 1e6, (operations) => {
  for (let i = 0; i < operations; i++) systemCall(39, 0, 0, 0, 0, 0, 0);
});

measure("allocate a linear memory of 1 page", 1000, (operations) => {
  for (let i = 0; i < operations; i++) allocateLinearMemory(1);
});
