/**
 * Entering, leaving and resuming guests.
 *
 * ```
 * JavaScript --call enter--> push host registers, rsp = guestSp, push done, jmp code
 *            <--ret-- status  leave: guestSp = rsp, rsp = hostSp, pop host registers
 *            --call resume--> push host registers, rsp = guestSp, pop pc, jmp pc
 * ```
 * The processor predicts returns by a stack of its own. Each crossing keeps it paired: the guest is entered by a jump and left by
 * the `ret` that belongs to JavaScript's `call`, and the entry thunk returns to `done` by `pop rcx; jmp rcx`. Unpaired, a host
 * call costs 26 ns instead of 6.
 *
 * ACTIV-1  r15 is the record from the first instruction of the guest to the last (SIG-2).
 * ACTIV-2  Nothing runs on the host's stack meanwhile (signals have their own), so it is left without C's alignment.
 * ACTIV-4  r13 is what is left of the fuel in guests that count it (FUELREG-1 of lib/codegen/emit_poll.ts), so it travels with them: in
 *          others it holds nothing that anybody reads again.
 * ACTIV-3  The guest keeps no host register: all six callee-saved ones are on the host stack while it runs (REG-1).
 */

import { BOOT_DATA, RECORD, RECORD_SHIFT, STATUS } from "../host/mod.ts";
import { COND, type Label, R12, R13, R14, R15, RAX, RBP, RBX, RCX, RDI, RSP } from "../x64/mod.ts";
import { at, type BootAssembler } from "./boot_assembler.ts";

/** The registers that the System V ABI lets a caller keep values in, besides rsp. */
const CALLEE_SAVED = [RBP, RBX, R12, R13, R14, R15] as const;

/**
 * How much more host stack `enter` asks for than `resume`: the same JavaScript frame reaches one through compiled code and the other
 * through the interpreter, some KiB further down, and what could be entered must be resumable.
 */
const ENTER_MARGIN_BYTES = 16384;

/** Size of a cache line: where the two hot functions start. */
const LINE_BYTES = 64;

/** The places in this code that others name. */
export interface ActivationLabels {
  /** `enter(recordIndex)`. */
  readonly enter: Label;
  /** `resume(recordIndex)`. */
  readonly resume: Label;
  /** Leaves with the status in eax; {resume pc, rbp} are pushed. */
  readonly leave: Label;
  /** Traps explicitly; exitPc is stored. */
  readonly trap: Label;
  /** Where the stack of a new continuation is resumed: enters what the record names, on that stack. */
  readonly continuation: Label;
  /** Traps after a signal; the handler has stored everything but fp and sp. */
  readonly fault: Label;
}

/** Emits the code; `data` is the boot data. */
export function emitActivation(a: BootAssembler, data: Label): ActivationLabels {
  const labels: ActivationLabels = {
    enter: a.newLabel(),
    resume: a.newLabel(),
    leave: a.newLabel(),
    trap: a.newLabel(),
    continuation: a.newLabel(),
    fault: a.newLabel(),
  };
  const continuationDone = a.newLabel();
  const done = a.newLabel();
  const low = a.newLabel();

  a.alignCode(LINE_BYTES);
  a.bind(labels.enter);
  emitSwitchToGuest(a, data, low, ENTER_MARGIN_BYTES);
  a.load(R14, at(R15, RECORD.vmctx));
  a.clear(RBP); // ends the frame chain
  a.leaLabel(RAX, done);
  a.push(RAX);
  a.jumpThrough(at(R15, RECORD.code));

  a.alignCode(16);
  a.bind(done);
  a.set(RAX, STATUS.done);
  a.bind(labels.leave);
  a.store(RSP, at(R15, RECORD.guestSp));
  emitReturnToHost(a);

  a.alignCode(LINE_BYTES);
  a.bind(labels.resume);
  emitSwitchToGuest(a, data, low, 0);
  a.pop(RAX);
  a.jumpTo(RAX);

  a.bind(low);
  a.set(RAX, STATUS.hostStackLow);
  emitPopHost(a);

  // A continuation is entered like a guest, but by `resume` and on a stack of its own; its function returns to what follows.
  a.alignCode(16);
  a.bind(labels.continuation);
  a.load(R14, at(R15, RECORD.vmctx));
  a.clear(RBP); // ends the frame chain
  a.leaLabel(RAX, continuationDone);
  a.push(RAX);
  a.jumpThrough(at(R15, RECORD.code));

  a.alignCode(16);
  a.bind(continuationDone);
  a.set(RAX, STATUS.continuationDone);
  a.store(RSP, at(R15, RECORD.guestSp));
  emitReturnToHost(a);

  a.alignCode(16);
  a.bind(labels.trap);
  a.storeConstant32(0, at(R15, RECORD.signal));
  a.bind(labels.fault);
  a.store(RBP, at(R15, RECORD.exitFp));
  a.store(RSP, at(R15, RECORD.exitSp));
  a.set(RAX, STATUS.trap);
  emitReturnToHost(a);
  return labels;
}

/** From a C caller with the record index in edi to the guest's stack with the record in r15. */
function emitSwitchToGuest(a: BootAssembler, data: Label, low: Label, marginBytes: number): void {
  a.push(...CALLEE_SAVED);
  a.leaLabel(RAX, data);
  a.move32(R15, RDI);
  a.shiftLeft(R15, RECORD_SHIFT);
  a.addLoaded(R15, at(RAX, BOOT_DATA.recordBase));
  if (marginBytes !== 0) a.address(RCX, at(RSP, -marginBytes));
  a.compareLoaded(marginBytes === 0 ? RSP : RCX, at(R15, RECORD.hostStackLimit)); // HOST-S
  a.branch(COND.B, low);
  a.store(RSP, at(R15, RECORD.hostSp));
  a.load(RSP, at(R15, RECORD.guestSp));
  a.load(R13, at(R15, RECORD.fuel)); // ACTIV-4
}

/** Back to the host's stack and to JavaScript, with the status in eax. */
function emitReturnToHost(a: BootAssembler): void {
  a.store(R13, at(R15, RECORD.fuel)); // ACTIV-4
  a.load(RSP, at(R15, RECORD.hostSp));
  emitPopHost(a);
}

function emitPopHost(a: BootAssembler): void {
  a.pop(...CALLEE_SAVED.toReversed());
  a.ret();
}
