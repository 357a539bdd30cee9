/**
 * Typing of stack switching: what handler clauses, partial application and switches ask of continuation types.
 *
 * Each check is written as the proposal's reference interpreter has it (valid.ml: check_resume_table, ContBind, Switch).
 *
 * May import: base. @module
 */
import { readHandlerHasLabel } from "../immediates.ts";
import { MAX_CATCHES } from "../limits.ts";
import { type FuncType, heapType, isRef, refNullType, refType, valTypesToString } from "../types.ts";
import { tagType } from "./entities.ts";
import type { ValidationScratch } from "./state.ts";

/** The function type behind the continuation type at `index`. */
export function contSignature(v: ValidationScratch, index: number): FuncType {
  return v.funcTypeAt(v.contTypeAt(index).func);
}

/** The continuation type index that the last of `types` names. */
function lastContinuation(v: ValidationScratch, types: Int32Array, what: string): number {
  const last = types.length === 0 ? 0 : types[types.length - 1];
  if (!isRef(last) || heapType(last) < 0) {
    v.fail(`${what} must take a concrete continuation reference last, it takes ${valTypesToString(types)}`);
  }
  return heapType(last);
}

/** Reads and checks the handler clauses of a resumption whose continuation finishes with `results`. */
export function checkHandlers(v: ValidationScratch, results: Int32Array): void {
  const { reader } = v;
  const count = reader.readU32Leb();
  if (count > MAX_CATCHES) v.fail(`${count} handler clauses, the limit is ${MAX_CATCHES}`);
  for (let i = 0; i < count; i++) {
    const hasLabel = readHandlerHasLabel(reader);
    const tag = tagType(v, v.reader.readU32Leb());
    if (hasLabel) checkSuspensionLabel(v, tag, v.labelTypes(reader.readU32Leb()), results);
    else if (tag.params.length > 0) v.fail(`the tag of a switch clause takes ${valTypesToString(tag.params)}`);
  }
}

/** The label gets the tag's operands and a continuation that takes the tag's results and finishes with `results`. */
function checkSuspensionLabel(v: ValidationScratch, tag: FuncType, label: Int32Array, results: Int32Array): void {
  const index = lastContinuation(v, label, "the label of a handler clause");
  const { params, results: finished } = contSignature(v, index);
  if (!v.areSubtypes(params, tag.results) || !v.areSubtypes(results, finished)) {
    v.fail(`continuation type ${index} of a handler clause does not match its tag and the resumed continuation`);
  }
  const last = label.length - 1;
  if (!v.isSubtype(refType(index), label[last]) || !v.areSubtypes(tag.params, label.subarray(0, last))) {
    v.fail(`a handler clause sends ${valTypesToString(tag.params)} and a continuation to ${valTypesToString(label)}`);
  }
}

/** `cont.bind`: the first operands of one continuation type are given, those of the other remain. */
export function bindContinuation(v: ValidationScratch): void {
  const fromIndex = v.reader.readU32Leb();
  const from = contSignature(v, fromIndex);
  const toIndex = v.reader.readU32Leb();
  const to = contSignature(v, toIndex);
  const boundCount = from.params.length - to.params.length;
  if (boundCount < 0) v.fail(`continuation type ${toIndex} takes more operands than ${fromIndex}`);
  if (!v.areSubtypes(to.params, from.params.subarray(boundCount)) || !v.areSubtypes(from.results, to.results)) {
    v.fail(`continuation type ${toIndex} does not match what remains of ${fromIndex}`);
  }
  v.pop(refNullType(fromIndex));
  v.popAll(from.params.subarray(0, boundCount));
  v.push(refType(toIndex));
}

/** `switch`: the target takes, as its last operand, the continuation that is switched away from. */
export function switchContinuation(v: ValidationScratch): void {
  const targetIndex = v.reader.readU32Leb();
  const target = contSignature(v, targetIndex);
  const back = contSignature(v, lastContinuation(v, target.params, `continuation type ${targetIndex}`));
  const tag = tagType(v, v.reader.readU32Leb());
  if (tag.params.length > 0) v.fail(`the tag of a switch takes ${valTypesToString(tag.params)}`);
  if (!v.areSubtypes(target.results, tag.results) || !v.areSubtypes(tag.results, back.results)) {
    v.fail(`the continuation types of a switch do not match the tag's results ${valTypesToString(tag.results)}`);
  }
  v.pop(refNullType(targetIndex));
  v.popAll(target.params.subarray(0, target.params.length - 1));
  v.pushAll(back.params);
}
