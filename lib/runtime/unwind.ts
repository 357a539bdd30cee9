/**
 * Unwinding: from where an exception is thrown to the handler that wants it.
 *
 * The guest has left, so its stack is frozen memory. Every frame's return address is looked up in the handler table of its code; the clauses
 * found there are tried in order, tags by identity in the instance that the frame belongs to. The activation then goes on at the pad of
 * that call: the words from which it is resumed (REC-3) are overwritten with the pad's address and the frame's rbp, and the pad finds
 * everything else from there. Frames in between are simply not returned to. Nothing is done before something is thrown, and no table is
 * built before its code is on a stack that is unwound.
 *
 * Looking for a handler changes nothing, so an exception that nobody here wants leaves the guest as it is: for its frames, and for the
 * activation around it, whose driver catches the error and looks at its own stack (EXN-1).
 *
 * UNW-1  From the moment on when references are in the value area or an exception object has been made, up to `resume`, nothing collects and
 *        nothing of the user's runs (AREA-1, AREA-2). Where room has to be made, JavaScript holds the payload meanwhile.
 */

import { clauseKind, clauseTag, HandlerKind, VMCTX_SLOT_FROM_RBP, VMRecord } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { loadAddress, storeAddress } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import { captureFrames } from "./backtrace.ts";
import { findCode, type LoadedCode } from "./code.ts";
import { ExceptionBase, makeException, Payload } from "./exception.ts";
import type { GuestStack } from "./guest_stack.ts";
import { port } from "./port.ts";
import type { TagState } from "./tag.ts";
import { notePassed, Trap, trapInCall } from "./traps.ts";

const PAD_CLAUSE = VMRecord.offsets.padClause >> 2;
const PAD_REF = VMRecord.offsets.padRef >> 2;

/** Where an exception or a suspension lands. */
export interface Landing {
  /** Address of the pad. */
  readonly pad: number;
  /** rbp of its frame. */
  readonly framePointer: number;
  readonly kind: number;
  /** The clause's number. */
  readonly clause: number;
  /** Which of the stacks that wait (`Activation.parents`), or NONE for the current one. */
  readonly depth: number;
}

/** The clauses of a call: its row in the handler table of its code. */
interface HandlerRow {
  readonly code: LoadedCode;
  readonly row: number;
}

/** The handlers of the call with this return address. */
function handlersAt(pc: number): HandlerRow | undefined {
  const code = findCode(pc - 1);
  const row = code === undefined ? NONE : code.handlerRowAt(pc - code.address);
  return row === NONE ? undefined : { code: code!, row };
}

/** The first clause of a call that `wants` accepts, by kind and tag index; its frame's rbp is `framePointer`. */
function findClause(
  { code, row }: HandlerRow,
  framePointer: number,
  wants: (kind: number, tag: number) => boolean,
): Landing | undefined {
  const { handlerClauses, handlerLists, handlerPads } = code.compiled;
  const start = handlerLists[row] + 1;
  const end = start + handlerClauses[start - 1];
  for (let at = start; at < end; at += 2) {
    const kind = clauseKind(handlerClauses[at]);
    if (!wants(kind, clauseTag(handlerClauses[at]))) continue;
    return { pad: code.address + handlerPads[row], framePointer, kind, clause: handlerClauses[at + 1], depth: NONE };
  }
  return undefined;
}

/** The tags of the instance whose frame has this rbp. */
function tagsOf({ store }: Activation, stack: GuestStack, framePointer: number): readonly TagState[] {
  return store.instanceAt(stack.addressAt(framePointer + VMCTX_SLOT_FROM_RBP)).tags;
}

/** Words of a frame's saved rbp and return address. */
const FRAME_WORDS = 4;

/** The innermost handler on one stack, walked from the frame of the stub by which it left. */
function findHandlerOn(activation: Activation, stack: GuestStack, sp: number, tag: TagState): Landing | undefined {
  // A walk over thousands of frames is a loop over one typed array: {caller's rbp, return address} at word `at`.
  const { words, address } = stack.view(sp);
  const last = words.length - FRAME_WORDS;
  let code: LoadedCode | undefined;
  let first = 0, end = 0;
  for (let at = (stack.frameOf(sp) - address) >> 2; at >= 0 && at <= last;) {
    const pc = loadAddress(words, at + 2);
    // Frames of one module mostly stand together.
    if (pc <= first || pc > end) {
      code = findCode(pc - 1);
      first = code === undefined ? 0 : code.address;
      end = code === undefined ? 0 : first + code.byteLength;
    }
    const caller = loadAddress(words, at);
    const row = code === undefined ? NONE : code.handlerRowAt(pc - first);
    if (row !== NONE) {
      const tags = tagsOf(activation, stack, caller);
      const landing = findClause(
        { code: code!, row },
        caller,
        (kind, index) => kind <= HandlerKind.catch_all_ref && (kind > HandlerKind.catch_ref || tags[index] === tag),
      );
      if (landing !== undefined) return landing;
    }
    const next = (caller - address) >> 2;
    // The chain ends with 0, and leads to higher addresses only.
    if (caller < address || next <= at) break;
    at = next;
  }
  return undefined;
}

/**
 * The innermost handler of an activation that left for a call, for an exception of the tag: on its current stack, else on those that wait
 * for it, whose frames resumed what is above them.
 */
function findHandler(activation: Activation, tag: TagState): Landing | undefined {
  const landing = findHandlerOn(activation, activation.current, activation.sp, tag);
  if (landing !== undefined) return landing;
  const { parents } = activation;
  for (let depth = parents.length - 1; depth >= 0; depth--) {
    const parent = parents[depth];
    const outer = findHandlerOn(activation, parent, parent.parkedSp, tag);
    if (outer !== undefined) return { ...outer, depth };
  }
  return undefined;
}

/**
 * The innermost resumption around the current stack with a clause of the kind for the tag: which of the waiting stacks it is on, and where
 * a suspension lands.
 */
export function findSuspension(activation: Activation, kind: number, tag: TagState): Landing | undefined {
  const { parents } = activation;
  for (let depth = parents.length - 1; depth >= 0; depth--) {
    const parent = parents[depth];
    // A resumption's own clauses stand in the row of its call; no other call of the stack has any.
    const fp = parent.frameOf(parent.parkedSp);
    const caller = parent.addressAt(fp);
    const found = handlersAt(parent.addressAt(fp + 8));
    if (found === undefined) continue;
    const tags = tagsOf(activation, parent, caller);
    const landing = findClause(found, caller, (clause, index) => clause === kind && tags[index] === tag);
    if (landing !== undefined) return { ...landing, depth };
  }
  return undefined;
}

/** Makes the activation go on at a handler when it is resumed; the continuations above it have ended. */
function land(activation: Activation, landing: Landing): void {
  if (landing.depth !== NONE) activation.store.continuations.unwindTo(activation, landing.depth);
  landOnCurrent(activation, landing);
}

/** Makes the activation go on at a pad of its current stack. */
export function landOnCurrent(activation: Activation, { pad, framePointer, clause }: Landing): void {
  const { current, sp } = activation;
  const { words: stack, address } = current.view(sp);
  const at = (sp - address) >> 2;
  storeAddress(stack, at, pad);
  storeAddress(stack, at + 2, framePointer);
  activation.words[PAD_CLAUSE] = clause;
}

/** Whether the clause wants what the exception carries in the value area, and the exception itself. */
const wantsPayload = (kind: number) => kind === HandlerKind.catch || kind === HandlerKind.catch_ref;
const wantsException = (kind: number) => kind === HandlerKind.catch_ref || kind === HandlerKind.catch_all_ref;

/** Throws an exception of `tag`, whose payload is in the value area, in an activation that left for a runtime call. */
export function throwFromArea(activation: Activation, tag: TagState): void {
  const landing = findHandler(activation, tag);
  if (landing === undefined) throw makeException(Payload.fromArea(tag), captureFrames(activation, "parked"));
  if (wantsException(landing.kind)) {
    let exception = newException(tag);
    if (exception === 0) {
      // The heap is full: what is carried is held by JavaScript while it is collected.
      const payload = Payload.fromArea(tag);
      exception = collectAndMake(payload);
    }
    activation.words[PAD_REF] = exception;
  }
  // A handler that wants no payload reads none, so it may stay where it is.
  land(activation, landing);
}

/** Throws the exception that a reference refers to, in an activation that left for a runtime call. */
export function throwReference(activation: Activation, reference: number): void {
  const { store } = activation;
  if (reference === 0) throw trapInCall(activation, "null_exception_reference");
  const tag = store.tags[store.gc.exnTag(reference) - 1];
  const landing = findHandler(activation, tag);
  if (landing === undefined || wantsPayload(landing.kind)) loadPayload(tag, reference);
  if (landing === undefined) throw makeException(Payload.fromArea(tag), captureFrames(activation, "parked"));
  if (wantsException(landing.kind)) activation.words[PAD_REF] = reference;
  land(activation, landing);
}

/**
 * What a host function threw: if it is an exception that the activation's guest wants, the guest goes on with it, else it is thrown on. Any
 * other error is none of the guest's business (EXN-2).
 */
export function throwFromHost(activation: Activation, error: unknown): void {
  const payload = ExceptionBase.payloadOf(error);
  if (payload === undefined || payload.tag.store !== activation.store) {
    notePassed(activation, error);
    throw error;
  }
  activation.store.requireOpen();
  const landing = findHandler(activation, payload.tag);
  if (landing === undefined) throw error;
  if (wantsException(landing.kind)) activation.words[PAD_REF] = collectAndMake(payload);
  else if (wantsPayload(landing.kind)) payload.toArea();
  land(activation, landing);
}

/** Makes an exception object out of what is in the value area, without a collection; 0 when the heap is full. */
function newException({ store: { gc }, signature, number }: TagState): number {
  const exception = gc.newExn(signature.typeId, number);
  if (exception === 0) return 0;
  const { i32 } = port();
  for (let i = 0; i < signature.params.length; i++) {
    gc.writeField(exception, i, i32.subarray(4 * i, 4 * i + 4));
  }
  return exception;
}

/** Puts what an exception object carries into the value area. */
function loadPayload({ store: { gc }, signature }: TagState, exception: number): void {
  const { i32 } = port();
  for (let i = 0; i < signature.params.length; i++) {
    gc.readField(exception, i, i32.subarray(4 * i, 4 * i + 4));
  }
}

/** Makes room, puts the payload into the value area, and makes an exception object out of it. @throws {Trap} when the heap is full. */
function collectAndMake(payload: Payload): number {
  const { tag } = payload;
  const { gc } = tag.store;
  gc.prepare(gc.types.layouts.exn(tag.typeId).sizeBytes);
  payload.toArea();
  const exception = newException(tag);
  if (exception === 0) throw new Trap("gc_heap_exhausted");
  return exception;
}
