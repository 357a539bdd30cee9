/**
 * The fault handlers: SIGSEGV, SIGBUS and SIGFPE, which guest code raises on purpose.
 *
 * Generated code checks neither bounds nor divisors where the processor does. The handler asks whether the faulting pc is in the
 * code arena; if so the fault is the guest's: it notes everything in the record and lets the kernel return to the trap exit
 * instead. TypeScript classifies the fault afterwards, on its own stack, with its own tables. Any other pc belongs to somebody else,
 * and whoever handled the signal before us gets it.
 *
 * SIG-1  The decision is made by the pc alone. SIG-2 then gives the record; an r15 outside the record table is not ours after all.
 * SIG-4  The handler calls nothing, locks nothing and uses no stack but to chain.
 */

import { BOOT_DATA, FAULT_SIGNALS, RECORD, RECORD_BYTES } from "../host/mod.ts";
import { COND, form, type Label, R10, R8, RAX, RCX, RDI, RDX, RSI } from "../x64/mod.ts";
import { at, type BootAssembler } from "./boot_assembler.ts";

const TEST_IMM = form("test rm32, imm32");
const COMPARE_MEMORY_8 = form("cmp rm32, imm8");

/** siginfo_t (asm-generic/siginfo.h). */
const SIGINFO = { code: 8, address: 16 } as const;

/** ucontext_t.uc_mcontext.gregs (sys/ucontext.h): offset of each general register by number, and of rip. */
const CONTEXT_REGISTERS = [144, 152, 136, 128, 160, 120, 112, 104, 40, 48, 56, 64, 72, 80, 88, 96] as const;
const CONTEXT_RIP = 168;
const CONTEXT_R15 = CONTEXT_REGISTERS[15];

/** struct sigaction of the kernel: handler, flags, restorer, mask. */
export const ACTION = { handler: 0, flags: 8, restorer: 16, mask: 24, byteLength: 32 } as const;
/** Highest `handler` that is no address: SIG_DFL is 0, SIG_IGN 1. */
const HIGHEST_SPECIAL_HANDLER = 1;
/** Size of the kernel's signal mask. */
export const MASK_BYTES = 8;

// System call numbers.
/** rt_sigaction. */
export const SYS_RT_SIGACTION = 13;
const SYS_RT_SIGRETURN = 15;
const SYS_GETPID = 39;
const SYS_GETTID = 186;
const SYS_TGKILL = 234;

/** The handler and the restorer that the kernel returns through. */
export interface FaultLabels {
  /** void handler(int signal, siginfo_t*, ucontext_t*). */
  readonly handler: Label;
  /** Makes the sigreturn call. */
  readonly restorer: Label;
}

/** Emits the code; `fault` is the trap exit. */
export function emitFaultHandlers(a: BootAssembler, data: Label, fault: Label): FaultLabels {
  const handler = a.newLabel();
  const restorer = a.newLabel();
  const chain = a.newLabel();

  a.alignCode(16);
  a.bind(handler);
  a.leaLabel(R8, data);
  a.load(RAX, at(RDX, CONTEXT_RIP));
  a.move(RCX, RAX);
  a.subtractLoaded(RCX, at(R8, BOOT_DATA.arenaRx));
  a.compareLoaded(RCX, at(R8, BOOT_DATA.arenaBytes));
  a.branch(COND.AE, chain); // SIG-1: unsigned, so below the arena is beyond it too
  a.load(R10, at(RDX, CONTEXT_R15));
  a.move(RCX, R10);
  a.subtractLoaded(RCX, at(R8, BOOT_DATA.recordBase));
  a.compareLoaded(RCX, at(R8, BOOT_DATA.recordTableBytes));
  a.branch(COND.AE, chain);
  a.ri(TEST_IMM, RCX, RECORD_BYTES - 1);
  a.branch(COND.NE, chain);
  a.store32(RDI, at(R10, RECORD.signal));
  a.store(RAX, at(R10, RECORD.exitPc));
  a.load(RCX, at(RSI, SIGINFO.address));
  a.store(RCX, at(R10, RECORD.faultAddress));
  a.load32(RCX, at(RSI, SIGINFO.code));
  a.store32(RCX, at(R10, RECORD.faultCode));
  for (const [register, offset] of CONTEXT_REGISTERS.entries()) {
    a.load(RCX, at(RDX, offset));
    a.store(RCX, at(R10, RECORD.savedRegisters + register * 8));
  }
  a.leaLabel(RAX, fault);
  a.store(RAX, at(RDX, CONTEXT_RIP));
  a.ret();

  a.bind(restorer);
  a.systemCall(SYS_RT_SIGRETURN);

  a.bind(chain);
  emitChain(a, data);
  return { handler, restorer };
}

/** Gives a signal (edi, rsi, rdx as the kernel passed them) to the previous action. */
function emitChain(a: BootAssembler, data: Label): void {
  const found = a.newLabel();
  const special = a.newLabel();
  const sent = a.newLabel();
  a.leaLabel(RAX, data);
  for (const [i, { number }] of FAULT_SIGNALS.entries()) {
    if (i === 0) a.add(RAX, FAULT_SIGNALS[0].oldAction);
    else a.add(RAX, ACTION.byteLength);
    a.compare32(RDI, number);
    a.branch(COND.E, found);
  }
  a.bind(found);
  a.load(RCX, at(RAX, ACTION.handler));
  a.compare(RCX, HIGHEST_SPECIAL_HANDLER);
  a.branch(COND.BE, special);
  a.jumpTo(RCX); // its `ret` goes to our restorer

  // The default, or to be ignored, which the kernel does not do for a fault: put the action back and let the instruction fault again.
  a.bind(special);
  a.push(RDI, RSI);
  a.move(RSI, RAX);
  a.clear(RDX);
  a.set(R10, MASK_BYTES);
  a.systemCall(SYS_RT_SIGACTION);
  a.pop(RSI, RDI);
  a.mi(COMPARE_MEMORY_8, at(RSI).mem, SIGINFO.code, 0);
  a.branch(COND.LE, sent);
  a.ret();

  // Sent by kill or tgkill (si_code <= 0): no instruction repeats it, so send it again.
  a.bind(sent);
  a.push(RDI);
  a.systemCall(SYS_GETTID);
  a.move(RSI, RAX);
  a.systemCall(SYS_GETPID);
  a.move(RDI, RAX);
  a.pop(RDX);
  a.systemCall(SYS_TGKILL);
  a.ret();
}
