/**
 * The ticker: one thread of the process that ends the time of guests while JavaScript is blocked in them.
 *
 * A blocked thread fires no timer and sees no `AbortSignal`, and a Worker as timer would keep the process from exiting. So the boot image has a
 * thread function. It sleeps for about a tick, counts how many ticks have passed, and compares each isolate's armed deadline with the
 * count; where it has passed, the flag of the record that runs is raised, and the guest leaves at its next poll. An isolate runs one guest
 * at a time, so one slot an isolate is enough, whatever is parked.
 *
 * TICK-1  Whoever finds no ticker makes a thread; the first one moves `state` from none to running, any other returns at once. So no
 *         termination of a Worker between two steps leaves the process without one.
 * TICK-2  Parking: state goes running -> parked by a locked instruction, then all slots are looked at again. Who arms does it the other way
 *         round: first the slot, then the state. One of them sees the other.
 * TICK-3  A raised flag is a hint: slots are read without a lock, so it may hit a record whose call has just left. Records are mapped for
 *         the life of the process, and who leaves at a poll asks for the reason (POLL-2 of lib/runtime/interrupt.ts).
 * TICK-4  All signals are blocked, nothing is called, nothing but its own stack and boot data is written.
 */

import {
  BOOT_DATA,
  RAISED,
  RECORD,
  RECORD_SHIFT,
  TICK_NS_LOG2,
  TICKER_SLOT,
  TICKER_SLOT_BYTES,
  TICKER_SLOT_COUNT,
  TICKER_STATE,
} from "../host/mod.ts";
import { COND, form, type Label, R10, R12, R13, R14, RAX, RBX, RCX, RDI, RDX, RSI, RSP } from "../x64/mod.ts";
import { at, type BootAssembler } from "./boot_assembler.ts";
import { MASK_BYTES } from "./faults.ts";

const COMPARE_EXCHANGE = form("lock cmpxchg m32, r32");
const MULTIPLY = form("imul r64, rm64"), SHIFT_RIGHT = form("shr rm64, imm8");
const ADD = form("add r64, rm64"), SUBTRACT = form("sub r64, rm64");
const SUBTRACT32_LOAD = form("sub r32, rm32"), DEC = form("dec rm32"), INC = form("inc rm32");

// System call numbers and their constants.
const SYS_RT_SIGPROCMASK = 14, SYS_NANOSLEEP = 35, SYS_FUTEX = 202, SYS_CLOCK_GETTIME = 228;
const SIG_BLOCK = 0, CLOCK_MONOTONIC = 1, FUTEX_WAIT_PRIVATE = 128;
const NS_PER_SECOND = 1_000_000_000;

/** Ticks without an armed deadline after which the thread parks: arming soon again then needs no system call. */
const IDLE_TICKS = 200;

/** In the thread's frame: a timespec, then a signal mask. */
const TIME = 0, MASK = 16, FRAME_BYTES = 32;

/** Emits `void* ticker(void*)`; returns its label. */
export function emitTicker(a: BootAssembler, data: Label): Label {
  const ticker = a.newLabel(), restart = a.newLabel(), loop = a.newLabel(), out = a.newLabel(), now = a.newLabel();
  const next = a.newLabel(), skip = a.newLabel(), look = a.newLabel(), wait = a.newLabel(), busy = a.newLabel();
  const DATA = RBX, LAST = R12, IDLE = R13, EPOCH = R14;
  const STATE = at(DATA, BOOT_DATA.tickerState);

  a.alignCode(16);
  a.bind(ticker);
  a.push(RBX, R12, R13, R14);
  a.subtract(RSP, FRAME_BYTES);
  a.leaLabel(DATA, data);
  a.set(RAX, TICKER_STATE.none);
  a.set(RCX, TICKER_STATE.running);
  a.rm(COMPARE_EXCHANGE, RCX, STATE.mem, STATE.disp); // TICK-1
  a.branch(COND.NE, out);
  a.storeConstant(-1, at(RSP, MASK)); // TICK-4
  a.set(RDI, SIG_BLOCK);
  a.address(RSI, at(RSP, MASK));
  a.clear(RDX);
  a.set(R10, MASK_BYTES);
  a.systemCall(SYS_RT_SIGPROCMASK);

  a.bind(restart);
  a.call(now);
  a.move(LAST, RAX);
  a.clear(IDLE);

  a.bind(loop);
  a.storeConstant(0, at(RSP, TIME));
  a.storeConstant(2 ** TICK_NS_LOG2, at(RSP, TIME + 8));
  a.address(RDI, at(RSP, TIME));
  a.clear(RSI);
  a.systemCall(SYS_NANOSLEEP);
  a.call(now);
  a.load32(EPOCH, at(DATA, BOOT_DATA.tickerEpoch));
  a.rr(ADD, EPOCH, RAX);
  a.rr(SUBTRACT, EPOCH, LAST);
  a.move(LAST, RAX);
  a.store32(EPOCH, at(DATA, BOOT_DATA.tickerEpoch));
  a.r(INC, IDLE);

  a.address(RSI, at(DATA, BOOT_DATA.tickerSlots));
  a.set(RCX, TICKER_SLOT_COUNT);
  a.bind(next);
  a.load32(RDI, at(RSI, TICKER_SLOT.record));
  a.test32(RDI);
  a.branch(COND.E, skip);
  a.clear(IDLE);
  a.move32(RAX, EPOCH);
  a.rm(SUBTRACT32_LOAD, RAX, at(RSI).mem, TICKER_SLOT.deadline);
  a.branch(COND.S, skip); // modulo 2^32: the deadline is ahead
  a.r(DEC, RDI);
  a.shiftLeft(RDI, RECORD_SHIFT);
  a.addLoaded(RDI, at(DATA, BOOT_DATA.recordBase));
  a.storeConstant32(RAISED, at(RDI, RECORD.interruptFlag)); // TICK-3
  a.bind(skip);
  a.add(RSI, TICKER_SLOT_BYTES);
  a.r(DEC, RCX);
  a.branch(COND.NE, next);
  a.compare32(IDLE, IDLE_TICKS);
  a.branch(COND.B, loop);

  // TICK-2
  a.set(RAX, TICKER_STATE.running);
  a.set(RCX, TICKER_STATE.parked);
  a.rm(COMPARE_EXCHANGE, RCX, STATE.mem, STATE.disp);
  a.address(RSI, at(DATA, BOOT_DATA.tickerSlots));
  a.set(RCX, TICKER_SLOT_COUNT);
  a.bind(look);
  a.compareMemory32(at(RSI, TICKER_SLOT.record), 0);
  a.branch(COND.NE, busy);
  a.add(RSI, TICKER_SLOT_BYTES);
  a.r(DEC, RCX);
  a.branch(COND.NE, look);
  a.bind(wait);
  a.address(RDI, STATE);
  a.set(RSI, FUTEX_WAIT_PRIVATE);
  a.set(RDX, TICKER_STATE.parked);
  a.clear(R10);
  a.systemCall(SYS_FUTEX);
  a.compareMemory32(STATE, TICKER_STATE.parked);
  a.branch(COND.E, wait);
  a.jmp(restart);
  a.bind(busy);
  a.storeConstant32(TICKER_STATE.running, STATE);
  a.jmp(restart);

  a.bind(out);
  a.add(RSP, FRAME_BYTES);
  a.pop(R14, R13, R12, RBX);
  a.clear(RAX);
  a.ret();

  // rax = the monotonic time in ticks; uses the timespec of the caller's frame.
  a.bind(now);
  a.set(RDI, CLOCK_MONOTONIC);
  a.address(RSI, at(RSP, TIME + 8));
  a.systemCall(SYS_CLOCK_GETTIME);
  a.load(RAX, at(RSP, TIME + 8));
  a.set(RCX, NS_PER_SECOND);
  a.rr(MULTIPLY, RAX, RCX);
  a.addLoaded(RAX, at(RSP, TIME + 16));
  a.ri(SHIFT_RIGHT, RAX, TICK_NS_LOG2);
  a.ret();
  return ticker;
}
