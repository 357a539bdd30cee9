/** Entering, leaving, resuming and trapping, on hand-assembled guests. */

import { assert, assertEquals } from "@std/assert";
import { allocateLinearMemory, boot, freeCode, RECORD, STATUS, valueArea } from "../../../lib/host/mod.ts";
import { COND, type Cond, R12, R13, R8, R9, RBX, RDI, RDX, RSI } from "../../../lib/x64/mod.ts";
import {
  Activation,
  type Assembler,
  emitHostCall,
  emitReturn,
  emitTrap,
  F,
  memAt,
  placeCode,
  R14,
  R15,
  RAX,
  RBP,
  RCX,
  RECORD_MEM,
  RSP,
} from "./guest_code.ts";

/** Adds slots 0 and 1 of the value area into slot 0. */
function emitAdd(a: Assembler): void {
  a.rm(F.load64, RDX, RECORD_MEM, RECORD.area);
  a.rm(F.load32, RAX, memAt(RDX), 0);
  a.rm(F.load32, RCX, memAt(RDX), 16);
  a.rr(F.add32, RCX, RAX);
  a.rm(F.store32, RAX, memAt(RDX), 0);
  emitReturn(a);
}

Deno.test("enter() runs code on the guest stack and reports done", () => {
  const code = placeCode(emitAdd);
  using call = new Activation(code);
  const { enter } = boot();
  const { i32 } = valueArea();
  for (let i = 0; i < 20_000; i++) {
    i32[0] = i;
    i32[4] = 1000;
    assertEquals(enter(call.record.index), STATUS.done);
    assertEquals(i32[0], i + 1000);
    assertEquals(call.get("guestSp"), call.stack.top);
  }
  freeCode(code);
});

Deno.test("enter() passes record, vmctx and an empty frame chain, and keeps the callee-saved registers of the host", () => {
  const code = placeCode((a) => {
    a.rm(F.load64, RDX, RECORD_MEM, RECORD.area);
    a.rm(F.store64, R15, memAt(RDX), 0);
    a.rm(F.store64, R14, memAt(RDX), 8);
    a.rm(F.store64, RBP, memAt(RDX), 16);
    a.rm(F.store64, RSP, memAt(RDX), 24);
    for (const register of [RBX, R12, R13, R14, RBP]) a.ri(F.movImm32, register, 0xdead);
    emitReturn(a);
  });
  using call = new Activation(code, 0x1234_5678_9abc);
  const { i64 } = valueArea();
  for (let i = 0; i < 20_000; i++) assertEquals(boot().enter(call.record.index), STATUS.done);
  assertEquals(Number(i64[0]), call.record.addressNumber);
  assertEquals(Number(i64[1]), 0x1234_5678_9abc);
  assertEquals(i64[2], 0n);
  // The return address of the done stub is the one word on the stack: as at any function entry, rsp is 8 below alignment.
  assertEquals(Number(i64[3]), call.stack.top - 8);
  freeCode(code);
});

Deno.test("resume() continues a guest that made host calls, with its locals on its stack", () => {
  // for (rbx = slot 0; rbx != 0; rbx--) { push rbx; host call; pop rbx }
  const code = placeCode((a) => {
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
  });
  using call = new Activation(code);
  const { enter, resume } = boot();
  valueArea().i32[0] = 50_000;
  let calls = 0;
  let status = enter(call.record.index);
  while (status === STATUS.hostCall) {
    calls++;
    assertEquals(call.stack.slab.words[(call.get("guestSp") - call.stack.slab.addressNumber + 16) / 4], 50_001 - calls);
    status = resume(call.record.index);
  }
  assertEquals(status, STATUS.done);
  assertEquals(calls, 50_000);
  freeCode(code);
});

Deno.test("activations nest: a host call enters another record on another stack", () => {
  const code = placeCode((a) => {
    emitHostCall(a);
    emitReturn(a);
  });
  const { enter, resume } = boot();
  let deepest = 0;
  function call(depth: number): void {
    using activation = new Activation(code);
    assertEquals(enter(activation.record.index), STATUS.hostCall);
    deepest = Math.max(deepest, depth);
    if (depth < 300) call(depth + 1);
    assertEquals(resume(activation.record.index), STATUS.done);
  }
  call(1);
  assertEquals(deepest, 300);
  freeCode(code);
});

Deno.test("parked activations are resumed in any order", () => {
  const code = placeCode((a) => {
    emitHostCall(a);
    emitReturn(a);
  });
  const { enter, resume } = boot();
  const parked = Array.from({ length: 100 }, () => new Activation(code));
  for (const activation of parked) assertEquals(enter(activation.record.index), STATUS.hostCall);
  for (let i = 0; i < 100; i++) assertEquals(resume(parked[(i * 37) % 100].record.index), STATUS.done);
  for (const activation of parked) activation[Symbol.dispose]();
  freeCode(code);
});

Deno.test("an explicit trap reports status 3 with pc, fp and sp, and signal 0", () => {
  let trapOffset = 0;
  const code = placeCode((a) => {
    a.r(F.push, RBP);
    a.rr(F.move64, RSP, RBP);
    emitTrap(a);
    trapOffset = a.offset;
  });
  using call = new Activation(code);
  for (let i = 0; i < 20_000; i++) {
    call.record.words[RECORD.signal >> 2] = 99;
    call.set("guestSp", call.stack.top);
    assertEquals(boot().enter(call.record.index), STATUS.trap);
    assertEquals(call.get32("signal"), 0);
  }
  assert(call.get("exitPc") > code.rxAddress && call.get("exitPc") < code.rxAddress + trapOffset);
  assertEquals(call.get("exitFp"), call.stack.top - 16);
  assertEquals(call.get("exitSp"), call.stack.top - 16);
  freeCode(code);
});

Deno.test("a store past the length of a linear memory is a trap with the fault address and all registers", () => {
  const memory = allocateLinearMemory(1);
  // r14 = base; store eax at [r14 + rcx], rcx from slot 0
  let faultOffset = 0;
  const code = placeCode((a) => {
    a.rm(F.load64, RDX, RECORD_MEM, RECORD.area);
    a.rm(F.load32, RCX, memAt(RDX), 0);
    a.rr(F.add64, R14, RCX);
    for (const register of [RAX, RBX, RSI, RDI, R8, R9, 10, 11, R12, R13]) {
      a.ri(F.movImm32, register, 0x1000 + register);
    }
    faultOffset = a.offset;
    a.rm(F.store32, RAX, memAt(RCX), 0);
    emitReturn(a);
  });
  const { enter } = boot();
  const { u32 } = valueArea();
  using call = new Activation(code, memory.baseAddress);
  const run = (index: number): number => {
    call.set("guestSp", call.stack.top);
    u32[0] = index;
    return enter(call.record.index);
  };
  assertEquals(run(65532), STATUS.done);
  assertEquals(new Int32Array(memory.buffer)[65532 / 4], 0x1000);
  for (const index of [65533, 65536, 0x7fff_ffff, 0xffff_fffc, 0xffff_ffff]) {
    assertEquals(run(index), STATUS.trap);
    assertEquals(call.get32("signal"), 11);
    assertEquals(call.get("exitPc"), code.rxAddress + faultOffset);
    // An access that straddles the end faults at its first inaccessible byte.
    assertEquals(call.get("faultAddress"), memory.baseAddress + Math.max(index, 65536));
    const saved = RECORD.savedRegisters >> 2;
    for (const register of [RAX, RBX, RSI, RDI, R8, R9, 10, 11, R12, R13]) {
      assertEquals(call.record.words[saved + register * 2], 0x1000 + register);
    }
    assertEquals(call.record.words[saved + RSP * 2], (call.stack.top - 8) | 0);
    assertEquals(call.record.words[saved + R15 * 2], call.record.addressNumber | 0);
    assertEquals(call.get("exitSp"), call.stack.top - 8);
  }
  assertEquals(memory.grow(1), 1);
  assertEquals(run(65536), STATUS.done);
  freeCode(code);
});

Deno.test("division by zero and overflow are traps by SIGFPE", () => {
  const code = placeCode((a) => {
    a.rm(F.load64, RSI, RECORD_MEM, RECORD.area);
    a.rm(F.load32, RAX, memAt(RSI), 0);
    a.rm(F.load32, RCX, memAt(RSI), 16);
    a.op(F.cdq);
    a.r(F.idiv32, RCX);
    a.rm(F.store32, RAX, memAt(RSI), 0);
    emitReturn(a);
  });
  using call = new Activation(code);
  const { i32 } = valueArea();
  const divide = (dividend: number, divisor: number): number => {
    call.set("guestSp", call.stack.top);
    i32[0] = dividend;
    i32[4] = divisor;
    return boot().enter(call.record.index);
  };
  assertEquals(divide(-7, 2), STATUS.done);
  assertEquals(i32[0], -3);
  for (let i = 0; i < 1000; i++) {
    assertEquals(divide(1, 0), STATUS.trap);
    assertEquals(call.get32("signal"), 8);
    assertEquals(divide(-0x8000_0000, -1), STATUS.trap);
    assertEquals(call.get32("signal"), 8);
  }
  freeCode(code);
});

/** f() { push frame; check limit unless unchecked; f() } */
function emitRecursion(a: Assembler, check: "check" | "no check"): void {
  const top = a.newLabel();
  const overflow = a.newLabel();
  a.bind(top);
  if (check === "check") {
    a.rm(F.compare64, RSP, RECORD_MEM, RECORD.stackLimit);
    a.jcc(COND.B as Cond, overflow);
  }
  a.r(F.push, RBP);
  a.rr(F.move64, RSP, RBP);
  a.ri(F.sub64, RSP, 1000);
  a.call(top);
  a.bind(overflow);
  emitTrap(a);
}

Deno.test("a stack overflow is caught by the limit", () => {
  const code = placeCode((a) => emitRecursion(a, "check"));
  using call = new Activation(code);
  for (let i = 0; i < 5; i++) {
    call.set("guestSp", call.stack.top);
    assertEquals(boot().enter(call.record.index), STATUS.trap);
    assertEquals(call.get32("signal"), 0);
    assert(call.get("exitSp") < call.stack.limit && call.get("exitSp") > call.stack.limit - 2048);
  }
  freeCode(code);
});

Deno.test("a stack overflow that nothing checks ends in the guard, and is a trap", () => {
  const code = placeCode((a) => emitRecursion(a, "no check"));
  using call = new Activation(code);
  for (let i = 0; i < 5; i++) {
    call.set("guestSp", call.stack.top);
    assertEquals(boot().enter(call.record.index), STATUS.trap);
    assertEquals(call.get32("signal"), 11);
    const fault = call.get("faultAddress");
    assert(fault >= call.stack.low && fault < call.stack.low + 65536);
  }
  freeCode(code);
});

Deno.test("enter() and resume() refuse when the host stack is low, and touch nothing", () => {
  const code = placeCode((a) => {
    emitHostCall(a);
    emitReturn(a);
  });
  using call = new Activation(code);
  const { enter, resume } = boot();
  const usual = call.get("hostStackLimit");
  call.set("hostStackLimit", 2 ** 47);
  assertEquals(enter(call.record.index), STATUS.hostStackLow);
  assertEquals(call.get("guestSp"), call.stack.top);
  call.set("hostStackLimit", usual);
  assertEquals(enter(call.record.index), STATUS.hostCall);
  call.set("hostStackLimit", 2 ** 47);
  assertEquals(resume(call.record.index), STATUS.hostStackLow);
  call.set("hostStackLimit", usual);
  assertEquals(resume(call.record.index), STATUS.done);
  freeCode(code);
});

Deno.test("host recursion through guests meets 'host stack low' before V8's own limit", () => {
  const code = placeCode((a) => {
    emitHostCall(a);
    emitReturn(a);
  });
  const { enter, resume } = boot();
  let refused = 0;
  let depth = 0;
  function recurse(): void {
    using activation = new Activation(code);
    depth++;
    const status = enter(activation.record.index);
    if (status === STATUS.hostStackLow) {
      refused++;
      return;
    }
    recurse();
    assertEquals(resume(activation.record.index), STATUS.done);
  }
  recurse();
  assertEquals(refused, 1);
  assert(depth > 500, `${depth}`);
  freeCode(code);
});

Deno.test("V8's own traps and stack overflows still work beside ours", () => {
  const wasm = new Uint8Array([
    ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1],
    ...[7, 5, 1, 1, 102, 0, 0, 10, 12, 1, 10, 0, 65, 255, 255, 255, 31, 40, 2, 0, 11],
  ]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  boot();
  let message = "";
  try {
    (instance.exports.f as () => number)();
  } catch (error) {
    message = String(error);
  }
  assert(message.includes("out of bounds"), message);
  const forever = (): number => forever() + 1;
  try {
    forever();
  } catch (error) {
    message = String(error);
  }
  assert(message.includes("RangeError"), message);
});
