/** Small guests in machine code for the host's tests: what generated code will do, by hand. */

import { allocateCode, codeArena, type CodeRange, RECORD, STATUS } from "../../../lib/host/mod.ts";
import { type ActivationRecord, recordPool, type Stack, stackPool, storeAddress } from "../../../lib/host/mod.ts";
import { Assembler, COND, form, memAt, R14, R15, RAX, RBP, RCX, RSP } from "../../../lib/x64/mod.ts";

/** Forms that the guests use, by what they do. */
export const F = {
  load64: form("mov r64, rm64"),
  load32: form("mov r32, rm32"),
  store64: form("mov rm64, r64"),
  store32: form("mov rm32, r32"),
  storeImm32: form("mov rm32, imm32"),
  movImm32: form("mov r32, imm32"),
  move64: form("mov rm64, r64"),
  push: form("push r64"),
  pop: form("pop r64"),
  lea: form("lea r64, m"),
  jmp: form("jmp rm64"),
  ret: form("ret"),
  sub32: form("sub rm32, imm8"),
  add32: form("add rm32, r32"),
  add64: form("add rm64, r64"),
  sub64: form("sub rm64, imm32"),
  compare64: form("cmp r64, rm64"),
  xor32: form("xor rm32, r32"),
  idiv32: form("idiv rm32"),
  cdq: form("cdq"),
};

/** The record. */
export const RECORD_MEM = memAt(R15);

/** Assembles with `emit` and places the code in the arena. */
export function placeCode(emit: (a: Assembler) => void): CodeRange {
  const a = new Assembler();
  emit(a);
  a.finish();
  const range = allocateCode(a.offset);
  range.writeView.set(a.buffer.bytes.subarray(0, a.offset));
  codeArena().publish(range);
  return range;
}

/** A host call as a thunk makes it: parks {resume pc, rbp}, leaves with status 1, and continues here when resumed. */
export function emitHostCall(a: Assembler, status: number = STATUS.hostCall): void {
  const resumed = a.newLabel();
  a.r(F.push, RBP);
  a.leaLabel(RAX, resumed);
  a.r(F.push, RAX);
  a.ri(F.movImm32, RAX, status);
  a.m(F.jmp, RECORD_MEM, RECORD.leaveStub);
  a.bind(resumed);
  a.r(F.pop, RBP);
}

/**
 * Returns from the entry function to `enter`'s stub. QUIRK: by `pop; jmp`, because `enter` jumped: a `ret` would take the return
 * prediction of the JavaScript frame below and cost 20 ns.
 */
export function emitReturn(a: Assembler): void {
  a.r(F.pop, RCX);
  a.r(F.jmp, RCX);
}

/** An explicit trap. */
export function emitTrap(a: Assembler): void {
  const here = a.newLabel();
  a.leaLabel(RCX, here);
  a.bind(here);
  a.rm(F.store64, RCX, RECORD_MEM, RECORD.exitPc);
  a.m(F.jmp, RECORD_MEM, RECORD.trapStub);
}

/** A record and a stack, ready to run `code`. */
export class Activation implements Disposable {
  readonly record: ActivationRecord = recordPool().acquire();
  readonly stack: Stack;
  readonly pool = stackPool();

  constructor(code: CodeRange, vmctx = 0) {
    this.stack = this.pool.acquire();
    this.set("guestSp", this.stack.top);
    this.set("stackLimit", this.stack.limit);
    this.set("code", code.rxAddress);
    this.set("vmctx", vmctx);
  }

  /** Reads a 64-bit field. */
  get(field: keyof typeof RECORD): number {
    const at = RECORD[field] >> 2;
    return (this.record.words[at] >>> 0) + this.record.words[at + 1] * 2 ** 32;
  }

  /** Reads a 32-bit field. */
  get32(field: keyof typeof RECORD): number {
    return this.record.words[RECORD[field] >> 2];
  }

  /** Writes a 64-bit field. */
  set(field: keyof typeof RECORD, value: number): void {
    storeAddress(this.record.words, RECORD[field] >> 2, value);
  }

  [Symbol.dispose](): void {
    this.pool.release(this.stack);
    recordPool().release(this.record);
  }
}

export { Assembler, COND, memAt, R14, R15, RAX, RBP, RCX, RSP };
