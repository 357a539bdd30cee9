/**
 * The system call function, the process's one-time initialisation, and the clean-up at a thread's exit.
 *
 * `sys(nr, a..f)` takes and returns doubles, which carry integers to 2^53 exactly and cost JavaScript no BigInt. Negative numbers
 * are calls to ourselves; one of them initialises the process. Initialisation is machine code because of what it must survive: an
 * isolate that is terminated between two lines of JavaScript would leave a lock taken for ever, one inside a native call cannot be.
 *
 * INIT-1  The state goes none -> initialising by compare-and-swap; whoever loses waits for ready or failed, yielding.
 * EXIT-1  The destructor touches only its own ledger and shared bit maps, by locked instructions.
 */

import {
  ARENA_BIT_WORDS,
  ARENA_BYTES,
  BOOT_DATA,
  BOOT_DATA_VERSION,
  BOOT_MAGIC,
  BOOT_STATE,
  FAULT_SIGNALS,
  LEDGER,
  LEDGER_BYTES,
  LEDGER_MAPPING_BYTES,
  RECORD_BIT_WORDS,
  RECORD_BYTES,
  RECORD_COUNT,
  SPECIAL_CALL,
  TICKER_SLOT_BYTES,
} from "../host/mod.ts";
import { COND, form, type Label, R10, R12, R13, R8, R9, RAX, RBX, RCX, RDI, RDX, RSI, RSP } from "../x64/mod.ts";
import type { ActivationLabels } from "./activation.ts";
import { at, atIndex, type BootAssembler } from "./boot_assembler.ts";
import { ACTION, type FaultLabels, MASK_BYTES, SYS_RT_SIGACTION } from "./faults.ts";

const DOUBLE_TO_INT = form("cvttsd2si r64, xmm/m64"), INT_TO_DOUBLE = form("cvtsi2sd xmm, rm64");
const SIGN_EXTEND = form("movsxd r64, rm32"), SYSCALL = form("syscall");
const CPUID = form("cpuid"), XGETBV = form("xgetbv"), BIT_TEST = form("bt rm32, imm8");
const COMPARE_EXCHANGE = form("lock cmpxchg m32, r32");
const LOCKED_AND = form("lock and m32, r32"), NOT = form("not rm32"), DEC = form("dec rm32");

// System call numbers.
const SYS_CLOSE = 3, SYS_MMAP = 9, SYS_MUNMAP = 11, SYS_SCHED_YIELD = 24, SYS_FTRUNCATE = 77, SYS_MEMFD_CREATE = 319;

const MFD_CLOEXEC = 0x1, MFD_EXEC = 0x10;
const PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4;
const MAP_SHARED = 0x01, MAP_PRIVATE = 0x02, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000;
const SA_SIGINFO = 4, SA_RESTORER = 0x4000000, SA_ONSTACK = 0x8000000, SA_NODEFER = 0x40000000;
const EINVAL = 22, ENOSYS = 38;
/** Results from here to -1 are errors: Linux's MAX_ERRNO. */
const LOWEST_ERROR = -4095;

/** CPUID.1:ECX bit that allows xgetbv. */
const OSXSAVE_BIT = 27;
const CPUID_EXTENDED = 0x80000001 | 0;

/** System V: integer-class argument registers of a system call, in order. */
const CALL_REGISTERS = [RDI, RSI, RDX, R10, R8, R9] as const;

/** Emits `sys`; returns its label. `initialise` is the label of {@linkcode emitInitialise}. */
export function emitSys(a: BootAssembler, initialise: Label): Label {
  const sys = a.newLabel();
  const special = a.newLabel();
  const serialise = a.newLabel();
  const stackPointer = a.newLabel();
  a.alignCode(16);
  a.bind(sys);
  a.test32(RDI);
  a.branch(COND.S, special);
  a.rr(SIGN_EXTEND, RAX, RDI);
  for (const [i, register] of CALL_REGISTERS.entries()) a.rr(DOUBLE_TO_INT, register, i);
  a.plain(SYSCALL);
  emitReturnDouble(a);

  a.bind(special);
  a.compare32(RDI, SPECIAL_CALL.initialise);
  a.branch(COND.E, initialise);
  a.compare32(RDI, SPECIAL_CALL.serialise);
  a.branch(COND.E, serialise);
  a.compare32(RDI, SPECIAL_CALL.stackPointer);
  a.branch(COND.E, stackPointer);
  a.set(RAX, -ENOSYS);
  emitReturnDouble(a);

  a.bind(serialise);
  a.push(RBX);
  a.clear(RAX);
  a.plain(CPUID);
  a.pop(RBX);
  a.clear(RAX);
  emitReturnDouble(a);

  a.bind(stackPointer);
  a.move(RAX, RSP);
  emitReturnDouble(a);
  return sys;
}

function emitReturnDouble(a: BootAssembler): void {
  a.rr(INT_TO_DOUBLE, 0, RAX);
  a.ret();
}

/** What initialisation publishes. */
export interface ProcessLabels {
  /** The boot data. */
  readonly data: Label;
  /** Bound here. */
  readonly initialise: Label;
  /** Name of the arena's memory file, zero-terminated. */
  readonly arenaName: Label;
  /** The thread-exit destructor. */
  readonly exit: Label;
  /** The ticker's thread function. */
  readonly ticker: Label;
  /** See activation.ts. */
  readonly activation: ActivationLabels;
  /** See faults.ts. */
  readonly faults: FaultLabels;
}

/** Emits `initialise`, a continuation of `sys`. The steps are those that `BOOT_STEPS` names. */
export function emitInitialise(a: BootAssembler, labels: ProcessLabels): void {
  const first = a.newLabel(), wait = a.newLabel(), fail = a.newLabel(), finish = a.newLabel(), install = a.newLabel();
  const DATA = R12, STEP = R13, FD = RBX;
  /** Room for one sigaction structure. */
  const FRAME_BYTES = ACTION.byteLength;

  a.alignCode(16);
  a.bind(labels.initialise);
  a.push(RBX, R12, R13);
  a.subtract(RSP, FRAME_BYTES);
  a.leaLabel(DATA, labels.data);
  a.clear(RAX);
  a.set(RCX, BOOT_STATE.initialising);
  a.rm(COMPARE_EXCHANGE, RCX, at(DATA).mem, BOOT_DATA.state); // INIT-1
  a.branch(COND.E, first);
  a.bind(wait);
  a.compareMemory32(at(DATA, BOOT_DATA.state), BOOT_STATE.initialising);
  a.branch(COND.NE, finish);
  a.systemCall(SYS_SCHED_YIELD);
  a.jmp(wait);

  a.bind(first);
  a.set64(RAX, BOOT_MAGIC[0], BOOT_MAGIC[1]);
  a.store(RAX, at(DATA, BOOT_DATA.magic));
  a.storeConstant32(BOOT_DATA_VERSION, at(DATA, BOOT_DATA.version));

  const tableBytes = RECORD_BYTES * RECORD_COUNT;
  a.set(STEP, 1);
  emitMap(a, tableBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, () => a.set(R8, -1));
  emitCheck(a, fail);
  a.store(RAX, at(DATA, BOOT_DATA.recordBase));
  a.storeConstant(tableBytes, at(DATA, BOOT_DATA.recordTableBytes));

  a.set(STEP, 2);
  const named = a.newLabel();
  a.leaLabel(RDI, labels.arenaName);
  a.set(RSI, MFD_CLOEXEC | MFD_EXEC);
  a.systemCall(SYS_MEMFD_CREATE);
  a.compare(RAX, -EINVAL);
  a.branch(COND.NE, named);
  a.set(RSI, MFD_CLOEXEC); // Linux before 6.3 knows no MFD_EXEC, and needs none
  a.systemCall(SYS_MEMFD_CREATE);
  a.bind(named);
  emitCheck(a, fail);
  a.move32(FD, RAX);

  a.set(STEP, 3);
  a.move32(RDI, FD);
  a.set(RSI, ARENA_BYTES);
  a.systemCall(SYS_FTRUNCATE);
  emitCheck(a, fail);

  a.set(STEP, 4);
  emitMap(a, ARENA_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, () => a.move32(R8, FD));
  emitCheck(a, fail);
  a.store(RAX, at(DATA, BOOT_DATA.arenaRx));

  a.set(STEP, 5);
  emitMap(a, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, () => a.move32(R8, FD));
  emitCheck(a, fail);
  a.store(RAX, at(DATA, BOOT_DATA.arenaRw));
  a.storeConstant(ARENA_BYTES, at(DATA, BOOT_DATA.arenaBytes));
  a.move32(RDI, FD);
  a.systemCall(SYS_CLOSE);

  for (
    const [label, field] of [
      [labels.activation.leave, BOOT_DATA.leaveStub],
      [labels.activation.trap, BOOT_DATA.trapStub],
      [labels.exit, BOOT_DATA.exitStub],
      [labels.ticker, BOOT_DATA.tickerStub],
      [labels.activation.continuation, BOOT_DATA.continuationStub],
    ] as const
  ) {
    a.leaLabel(RAX, label);
    a.store(RAX, at(DATA, field));
  }
  emitCpuFeatures(a, DATA);

  a.set(STEP, 6);
  a.leaLabel(RAX, labels.faults.handler);
  a.store(RAX, at(RSP, ACTION.handler));
  a.storeConstant(SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_NODEFER, at(RSP, ACTION.flags));
  a.leaLabel(RAX, labels.faults.restorer);
  a.store(RAX, at(RSP, ACTION.restorer));
  a.storeConstant(0, at(RSP, ACTION.mask));
  for (const { number, oldAction } of FAULT_SIGNALS) {
    a.set(RDI, number);
    a.leaLabel(RDX, labels.data);
    a.add(RDX, oldAction);
    a.call(install);
    emitCheck(a, fail);
  }
  a.storeConstant32(BOOT_STATE.ready, at(DATA, BOOT_DATA.state));
  a.jmp(finish);

  a.bind(fail);
  a.store32(RAX, at(DATA, BOOT_DATA.error));
  a.store32(STEP, at(DATA, BOOT_DATA.errorStep));
  a.storeConstant32(BOOT_STATE.failed, at(DATA, BOOT_DATA.state));
  a.bind(finish);
  a.load32(RAX, at(DATA, BOOT_DATA.state));
  a.add(RSP, FRAME_BYTES);
  a.pop(R13, R12, RBX);
  emitReturnDouble(a);

  // rt_sigaction(edi, the structure in the caller's frame, rdx)
  a.bind(install);
  a.move(RSI, RSP);
  a.add(RSI, 8);
  a.set(R10, MASK_BYTES);
  a.systemCall(SYS_RT_SIGACTION);
  a.ret();
}

/** mmap at any address; `setFd` puts the file into r8. */
function emitMap(a: BootAssembler, byteLength: number, protection: number, flags: number, setFd: () => void): void {
  a.clear(RDI);
  a.set(RSI, byteLength);
  a.set(RDX, protection);
  a.set(R10, flags);
  setFd();
  a.clear(R9);
  a.systemCall(SYS_MMAP);
}

/** Goes to `fail` when rax is an error. */
function emitCheck(a: BootAssembler, fail: Label): void {
  a.compare(RAX, LOWEST_ERROR);
  a.branch(COND.AE, fail);
}

/** CPUID leaves 1, 7 and 80000001H, and XCR0 (SDM 2A, CPUID and XGETBV). Destroys rbx. */
function emitCpuFeatures(a: BootAssembler, data: number): void {
  const noXgetbv = a.newLabel();
  a.set(RAX, 1);
  a.plain(CPUID);
  a.store32(RCX, at(data, BOOT_DATA.cpu1Ecx));
  a.store32(RDX, at(data, BOOT_DATA.cpu1Edx));
  a.ri(BIT_TEST, RCX, OSXSAVE_BIT);
  a.branch(COND.AE, noXgetbv);
  a.clear(RCX);
  a.plain(XGETBV);
  a.store32(RAX, at(data, BOOT_DATA.xcr0));
  a.bind(noXgetbv);
  a.set(RAX, 7);
  a.clear(RCX);
  a.plain(CPUID);
  a.store32(RBX, at(data, BOOT_DATA.cpu7Ebx));
  a.store32(RCX, at(data, BOOT_DATA.cpu7Ecx));
  a.set(RAX, CPUID_EXTENDED);
  a.plain(CPUID);
  a.store32(RCX, at(data, BOOT_DATA.cpuExtEcx));
}

/** Emits the destructor `void exit(ledger*)` at label `exit`: frees what a Worker's isolate owned (LIFE-1). */
export function emitThreadExit(a: BootAssembler, data: Label, exit: Label): void {
  const LEDGER_ADDRESS = RBX, DATA = R12, COUNT = R13;
  a.alignCode(16);
  a.bind(exit);
  a.push(RBX, R12, R13);
  a.move(LEDGER_ADDRESS, RDI);
  a.leaLabel(DATA, data);
  emitClearBits(a, DATA, BOOT_DATA.recordBits, LEDGER_ADDRESS, LEDGER.recordBits, RECORD_BIT_WORDS);
  emitClearBits(a, DATA, BOOT_DATA.arenaBits, LEDGER_ADDRESS, LEDGER.arenaBits, ARENA_BIT_WORDS);

  const next = a.newLabel(), last = a.newLabel(), untimed = a.newLabel();
  a.load32(RAX, at(LEDGER_ADDRESS, LEDGER.tickerSlot));
  a.test32(RAX);
  a.branch(COND.E, untimed);
  a.shiftLeft(RAX, Math.log2(TICKER_SLOT_BYTES));
  // Owner and record at once.
  a.storeConstant(0, atIndex(DATA, RAX, 0, BOOT_DATA.tickerSlots - TICKER_SLOT_BYTES));
  a.bind(untimed);
  a.load32(COUNT, at(LEDGER_ADDRESS, LEDGER.mappingCount));
  a.bind(next);
  a.test32(COUNT);
  a.branch(COND.E, last);
  a.r(DEC, COUNT);
  a.move32(RAX, COUNT);
  a.shiftLeft(RAX, Math.log2(LEDGER_MAPPING_BYTES));
  a.load(RDI, atIndex(LEDGER_ADDRESS, RAX, 0, LEDGER.mappings));
  a.load(RSI, atIndex(LEDGER_ADDRESS, RAX, 0, LEDGER.mappings + 8));
  a.test(RDI);
  a.branch(COND.E, next);
  a.systemCall(SYS_MUNMAP);
  a.jmp(next);
  a.bind(last);

  const nextFile = a.newLabel(), lastFile = a.newLabel();
  a.load32(COUNT, at(LEDGER_ADDRESS, LEDGER.fileCount));
  a.bind(nextFile);
  a.test32(COUNT);
  a.branch(COND.E, lastFile);
  a.r(DEC, COUNT);
  a.load32(RDI, atIndex(LEDGER_ADDRESS, COUNT, 2, LEDGER.files));
  a.test32(RDI);
  a.branch(COND.E, nextFile);
  a.r(DEC, RDI);
  a.systemCall(SYS_CLOSE);
  a.jmp(nextFile);
  a.bind(lastFile);
  a.move(RDI, LEDGER_ADDRESS);
  a.set(RSI, LEDGER_BYTES);
  a.systemCall(SYS_MUNMAP);
  a.pop(R13, R12, RBX);
  a.ret();
}

/** `shared[i] &= ~own[i]` for `words` words, each step locked. */
function emitClearBits(
  a: BootAssembler,
  sharedBase: number,
  sharedOffset: number,
  ownBase: number,
  ownOffset: number,
  words: number,
): void {
  const next = a.newLabel();
  a.set(RCX, words);
  a.bind(next);
  a.load32(RAX, atIndex(ownBase, RCX, 2, ownOffset - 4));
  a.r(NOT, RAX);
  const { mem, disp } = atIndex(sharedBase, RCX, 2, sharedOffset - 4);
  a.rm(LOCKED_AND, RAX, mem, disp);
  a.r(DEC, RCX);
  a.branch(COND.NE, next);
}
