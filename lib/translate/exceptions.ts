/**
 * Lowering of exceptions: `throw`, `throw_ref`, `try_table`, and the legacy `try`, `catch`, `catch_all`, `rethrow`, `delegate`.
 *
 * Throwing is a runtime call that does not return: payload goes to the value area, the unwinder finds the handler in a table and resumes at
 * the pad of some call (handlers.ts). So code that throws nothing runs as if there were no handlers, but for the values that live into one
 * being in their slots across calls, where they are anyway.
 *
 * EXN-T1  The operand stack below a handler's body is the same at every call in it, so nothing of it is carried by pads and dispatch.
 * EXN-T2  A legacy catch wants the exception itself only if something in its body rethrows it, which is known at the body's end, before
 *         lists of clauses are made.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { HandlerKind, Libcall, TrapCode, VMRecord } from "../abi/mod.ts";
import { bug, NONE } from "../base/mod.ts";
import { type Block, REF, type Value } from "../ir/mod.ts";
import { CATCH_KINDS, catchesTag, readCatchKind } from "../wasm/mod.ts";
import {
  addClause,
  beginClause,
  closeScope,
  dispatchOf,
  endDispatch,
  loadRecord,
  mayUnwind,
  openScope,
} from "./handlers.ts";
import { branchTo, endBlock, jumpToLabel } from "./labels.ts";
import { libcall } from "./libcalls.ts";
import { FrameKind, type Translator } from "./translator.ts";
import { popToArea, pushFromArea } from "./value_area.ts";

/** `throw`. */
export function throwOp(t: Translator): void {
  const tag = t.reader.readU32Leb();
  popToArea(t, t.environment.tagTypes(tag).length);
  t.args.reset();
  t.args.push(t.builder.iconst32(tag));
  leave(t, Libcall.throw);
}

/** `throw_ref`. */
export function throwRef(t: Translator): void {
  rethrowValue(t, t.pop());
}

function rethrowValue(t: Translator, exception: Value): void {
  t.args.reset();
  t.args.push(exception);
  leave(t, Libcall.throw_ref);
}

/** A runtime call that comes back at a pad or not at all, with the arguments in `t.args`. */
function leave(t: Translator, number: number): void {
  libcall(t, number);
  if (t.handlers.current !== NONE) {
    mayUnwind(t);
    t.builder.setCold(t.builder.current);
  }
  t.builder.trap(TrapCode.unreachable);
  t.setUnreachable();
}

/** `try_table`. */
export function tryTable(t: Translator): void {
  const { environment, reader } = t;
  const sig = environment.readBlockSig(reader);
  const count = reader.readU32Leb();
  // Labels are counted from outside, where the scope is not open yet.
  const scope = count === 0 ? NONE : openScope(t);
  for (let i = 0; i < count; i++) {
    const kind = HandlerKind[CATCH_KINDS[readCatchKind(reader)]];
    const tag = catchesTag(kind) ? reader.readU32Leb() : 0;
    const clause = addClause(t, scope, kind, tag);
    t.clauseTarget.reserve(clause + 1);
    t.clauseTarget.data[clause] = t.frameAt(reader.readU32Leb());
  }
  const frame = t.openFrame(FrameKind.tryTable, sig, environment.signatures.params[sig].length, NONE); // first: it may grow the columns
  t.frameScope[frame] = scope;
}

/** `end` of a `try_table`: fills the dispatch, if anything can land there. */
export function endTryTable(t: Translator, frame: number): void {
  const scope = t.frameScope[frame];
  if (scope === NONE) return;
  const { handlers } = t;
  if (handlers.dispatch[scope] === NONE) {
    handlers.current = handlers.next[scope];
    return;
  }
  leaveBody(t, frame);
  closeScope(t, scope);
  t.stack.length = t.frameHeight[frame];
  for (let clause = handlers.firstClause[scope]; clause !== NONE; clause = handlers.clauseNext.at(clause)) {
    const kind = handlers.clauseKind.at(clause);
    const otherwise = beginClause(t, clause);
    const height = t.stack.length;
    if (catchesTag(kind)) pushFromArea(t, t.environment.tagTypes(handlers.clauseTag.at(clause)));
    if (kind === HandlerKind.catch_ref || kind === HandlerKind.catch_all_ref) t.push(landedException(t));
    branchTo(t, t.clauseTarget.data[clause]);
    t.stack.length = height;
    t.builder.switchTo(otherwise);
  }
  endDispatch(t, scope);
}

function landedException(t: Translator): Value {
  return loadRecord(t, VMRecord.offsets.padRef, REF);
}

/** Ends the body of a frame by a jump to its label, which then exists in any case. */
function leaveBody(t: Translator, frame: number): void {
  t.labelBlock(frame);
  if (t.reachable) jumpToLabel(t, frame);
  t.reachable = false;
}

/** `try`. */
export function tryLegacy(t: Translator): void {
  const sig = t.environment.readBlockSig(t.reader);
  const scope = openScope(t);
  const frame = t.openFrame(FrameKind.try, sig, t.environment.signatures.params[sig].length, NONE);
  t.frameScope[frame] = scope;
}

/** `catch`. */
export function catchTag(t: Translator): void {
  enterCatch(t, HandlerKind.catch, t.reader.readU32Leb());
}

/** `catch_all`. */
export function catchAll(t: Translator): void {
  enterCatch(t, HandlerKind.catch_all, 0);
}

/** Ends what was before, body or catch, and begins a catch: `frameElse` is where the dispatch goes on, NONE if nobody lands here. */
function enterCatch(t: Translator, kind: number, tag: number): void {
  const { handlers, builder } = t;
  const frame = t.depth - 1;
  const scope = t.frameScope[frame];
  leaveBody(t, frame);
  if (t.frameKind[frame] === FrameKind.try) {
    t.frameKind[frame] = FrameKind.catch;
    t.frameElse[frame] = handlers.dispatch[scope];
    closeScope(t, scope);
    t.frameInside[frame] = handlers.current;
  } else if (t.frameElse[frame] !== NONE) builder.switchTo(t.frameElse[frame] as Block);
  t.stack.length = t.frameHeight[frame];
  if (t.frameElse[frame] === NONE) return;
  const clause = addClause(t, scope, kind, tag);
  t.frameClause[frame] = clause;
  t.frameElse[frame] = beginClause(t, clause);
  t.reachable = true;
  // Nobody reads it unless something rethrows.
  t.frameException[frame] = landedException(t);
  if (kind === HandlerKind.catch) pushFromArea(t, t.environment.tagTypes(tag));
}

/** `end` of a legacy `try` without, or behind, its catches. */
export function endTry(t: Translator, frame: number): void {
  const scope = t.frameScope[frame];
  if (t.frameKind[frame] === FrameKind.try) {
    if (t.handlers.dispatch[scope] === NONE) {
      t.handlers.current = t.handlers.next[scope];
      return;
    }
    leaveBody(t, frame);
    closeScope(t, scope);
  } else {
    leaveBody(t, frame);
    if (t.frameElse[frame] === NONE) return;
    t.builder.switchTo(t.frameElse[frame] as Block);
  }
  endDispatch(t, scope);
}

/** `rethrow`. */
export function rethrow(t: Translator): void {
  const frame = t.frameAt(t.reader.readU32Leb());
  if (t.frameKind[frame] !== FrameKind.catch) bug("rethrow outside of a catch");
  const { clauseKind } = t.handlers;
  clauseKind.data[t.frameClause[frame]] |= 1; // EXN-T2: the forms that want the exception are the odd ones
  rethrowValue(t, t.frameException[frame] as Value);
}

/** `delegate`: ends a `try` whose exceptions are those of the label's block. */
export function delegate(t: Translator): void {
  const { handlers } = t;
  const label = t.reader.readU32Leb();
  const frame = t.depth - 1;
  const scope = t.frameScope[frame];
  // The label is counted from outside the `try`; the function's own is beyond all handlers.
  const target = t.frameInside[t.frameAt(label + 1)];
  const around = handlers.next[scope];
  if (handlers.dispatch[scope] === NONE) handlers.current = around;
  else {
    leaveBody(t, frame);
    closeScope(t, scope);
    if (target === NONE) t.builder.trap(TrapCode.unreachable);
    else t.builder.jump(dispatchOf(t, target));
  }
  handlers.next[scope] = target;
  t.frameKind[frame] = FrameKind.block;
  endBlock(t, frame);
}
