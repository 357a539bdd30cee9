/**
 * Lowering of stack switching: `cont.new`, `cont.bind`, `suspend`, `resume`, `resume_throw`, `resume_throw_ref`, `switch`.
 *
 * All of them are runtime calls: changing stacks is done in TypeScript while the guest is away (lib/runtime/continuations.ts). Values travel in
 * the value area, in both directions. A `resume` is a handler scope around one call: its clauses are where suspensions land, at the pads that
 * exceptions use (handlers.ts). The code behind the call runs when the continuation is done; that of a clause when it has suspended.
 *
 * CONT-T1  The area is read first thing behind the call and in each clause (HANDLER-1, AREA-T1).
 *
 * May import: base, wasm, abi, ir. @module
 */

import { HandlerKind, Libcall, VMRecord } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { REF, type Value } from "../ir/mod.ts";
import { contTypeAt, funcTypeAt, heapType, readHandlerHasLabel } from "../wasm/mod.ts";
import { addClause, beginClause, closeScope, endDispatch, loadRecord, mayUnwind, openScope } from "./handlers.ts";
import { branchTo } from "./labels.ts";
import { libcall } from "./libcalls.ts";
import type { Translator } from "./translator.ts";
import { popToArea, pushFromArea } from "./value_area.ts";

/** The function type index of a continuation type. */
function funcOf(t: Translator, contType: number): number {
  return contTypeAt(t.environment.module, contType).func;
}

/** IR types of what resuming a continuation of the type takes, and of what its end gives. */
function paramsOf(t: Translator, contType: number): Uint8Array {
  const { signatures, typeSig } = t.environment;
  return signatures.params[typeSig[funcOf(t, contType)]];
}

function resultsOf(t: Translator, contType: number): Uint8Array {
  const { signatures, typeSig } = t.environment;
  return signatures.results[typeSig[funcOf(t, contType)]];
}

/** Calls the runtime with up to two immediates and then values. */
function call(t: Translator, number: number, immediates: readonly number[], ...values: readonly Value[]): Value {
  t.args.reset();
  for (const immediate of immediates) t.args.push(t.builder.iconst32(immediate));
  for (const value of values) t.args.push(value);
  return libcall(t, number);
}

/** `cont.new`. */
export function contNew(t: Translator): void {
  const type = t.reader.readU32Leb();
  t.push(call(t, Libcall.cont_new, [type], t.pop()));
}

/** `cont.bind`. */
export function contBind(t: Translator): void {
  const type = t.reader.readU32Leb();
  const resultType = t.reader.readU32Leb();
  const continuation = t.pop();
  popToArea(t, paramsOf(t, type).length - paramsOf(t, resultType).length);
  t.push(call(t, Libcall.cont_bind, [type, resultType], continuation));
}

/** `suspend`. */
export function suspend(t: Translator): void {
  const tag = t.reader.readU32Leb();
  popToArea(t, t.environment.tagTypes(tag).length);
  call(t, Libcall.cont_suspend, [tag]);
  mayUnwind(t);
  pushFromArea(t, t.environment.tagResults(tag));
}

/** `switch`. */
export function switchTo(t: Translator): void {
  const type = t.reader.readU32Leb();
  const tag = t.reader.readU32Leb();
  const continuation = t.pop();
  const { params } = funcTypeAt(t.environment.module, funcOf(t, type));
  popToArea(t, params.length - 1); // The last one is this stack's continuation: the runtime adds it.
  call(t, Libcall.cont_switch, [type, tag], continuation);
  mayUnwind(t);
  pushFromArea(t, paramsOf(t, heapType(params[params.length - 1])));
}

/** `resume`. */
export function resume(t: Translator): void {
  const type = t.reader.readU32Leb();
  const scope = readClauses(t);
  const continuation = t.pop();
  popToArea(t, paramsOf(t, type).length);
  call(t, Libcall.cont_resume, [type], continuation);
  land(t, type, scope);
}

/** `resume_throw`. */
export function resumeThrow(t: Translator): void {
  const type = t.reader.readU32Leb();
  const tag = t.reader.readU32Leb();
  const scope = readClauses(t);
  const continuation = t.pop();
  popToArea(t, t.environment.tagTypes(tag).length);
  call(t, Libcall.cont_resume_throw, [tag], continuation);
  land(t, type, scope);
}

/** `resume_throw_ref`. */
export function resumeThrowRef(t: Translator): void {
  const type = t.reader.readU32Leb();
  const scope = readClauses(t);
  const continuation = t.pop();
  const exception = t.pop();
  call(t, Libcall.cont_resume_throw_ref, [], exception, continuation);
  land(t, type, scope);
}

/** Opens the scope of a resumption; NONE when it has no clauses. */
function readClauses(t: Translator): number {
  const { reader } = t;
  const count = reader.readU32Leb();
  if (count === 0) return NONE;
  const scope = openScope(t);
  for (let i = 0; i < count; i++) {
    const hasLabel = readHandlerHasLabel(reader);
    const tag = reader.readU32Leb();
    const clause = addClause(t, scope, hasLabel ? HandlerKind.suspend : HandlerKind.switch, tag);
    t.clauseTarget.reserve(clause + 1);
    t.clauseTarget.data[clause] = hasLabel ? t.frameAt(reader.readU32Leb()) : NONE;
  }
  return scope;
}

/** Behind the call of a resumption: its clauses, then its results. */
function land(t: Translator, type: number, scope: number): void {
  const { builder, handlers } = t;
  mayUnwind(t);
  if (scope !== NONE) {
    const done = builder.createBlock();
    builder.jump(done);
    if (closeScope(t, scope)) {
      for (let clause = handlers.firstClause[scope]; clause !== NONE; clause = handlers.clauseNext.at(clause)) {
        // A switch is served by the runtime: nothing lands.
        if (handlers.clauseKind.at(clause) === HandlerKind.suspend) suspended(t, clause);
      }
      endDispatch(t, scope);
    }
    builder.seal(done);
    builder.switchTo(done);
  }
  pushFromArea(t, resultsOf(t, type));
}

/** The code of a clause: payload and continuation go to the label. */
function suspended(t: Translator, clause: number): void {
  const { handlers, stack, environment } = t;
  const otherwise = beginClause(t, clause);
  const height = stack.length;
  pushFromArea(t, environment.tagTypes(handlers.clauseTag.at(clause)));
  t.push(loadRecord(t, VMRecord.offsets.padRef, REF));
  branchTo(t, t.clauseTarget.data[clause]);
  stack.length = height;
  t.builder.switchTo(otherwise);
}
