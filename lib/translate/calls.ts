/**
 * Lowering of calls: direct, through tables, through references, and tail calls of each kind.
 *
 * `call_indirect` ends in one compare per condition that the specification traps on: index in bounds, element initialised (TAB-2), not
 * null, right type.
 *
 * CALL-I1  Null is not compared: null is 1 or 0, so the load of the callee's type reads a few bytes above address 0, where nothing is
 *          ever mapped, and the fault means null.
 * CALL-I2  Code holds no canonical type id (TYPES): the expected one is read from the instance's `typeIds`.
 * CALL-I3  Nor is it by `call_ref`: the call's first load from the VMFuncRef faults.
 * CALL-I4  A tail call leaves every handler of this function behind, so it is a terminator wherever it stands.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { TrapCode, VMFuncRef } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { ADDR, calleeImm, I32, Ir, type IrOp, memFlags, Region, type SigId, type Value } from "../ir/mod.ts";
import { concreteCondition } from "./gc_casts.ts";
import { mayUnwind } from "./handlers.ts";
import { wide } from "./places.ts";
import { loadTaggedElement } from "./tables.ts";
import type { Translator } from "./translator.ts";

const TYPE_FIELD = memFlags(TrapCode.indirect_call_to_null, Region.readonly);
/** An element of a function table, whose type has been read: it is not null. */
const checkedElement = (t: Translator): number => calleeImm(t.environment.funcElementTag, 0);
/** A reference on the operand stack: no tag, perhaps null. */
const FUNCTION_REFERENCE = calleeImm(0, TrapCode.null_function_reference);

/** Calls with the topmost operands as arguments and replaces them by the results. */
function callWithOperands(t: Translator, op: IrOp, callee: number, imm: number, sig: SigId): void {
  const { builder, environment, stack } = t;
  const results = environment.signatures.results[sig];
  const argCount = environment.signatures.params[sig].length;
  const start = stack.length - argCount;
  const value = builder.call(op, callee, imm, stack, start, argCount, sig);
  stack.length = start;
  if (results.length !== 0) {
    stack.push(value);
    for (let i = 1; i < results.length; i++) stack.push(builder.proj(value, i, results[i]));
  }
  mayUnwind(t);
}

/** `call`. */
export function call(t: Translator): void {
  const { environment } = t;
  const index = t.reader.readU32Leb();
  const sig = environment.funcSig[index] as SigId;
  const defined = index - environment.module.importedFuncCount;
  if (defined >= 0) callWithOperands(t, Ir.call, NONE, defined, sig);
  else callWithOperands(t, Ir.call_import, NONE, index, sig);
}

/**
 * Pops the index of a `call_indirect` and finds the callee in its table: the tagged address of a VMFuncRef whose type has been checked. The
 * type index, which stands before the table's, is left in `calleeType`.
 */
function checkedCallee(t: Translator): Value {
  const { builder } = t;
  const typeIndex = t.reader.readU32Leb();
  const table = t.reader.readU32Leb();
  const index = wide(t, t.pop());
  const callee = loadTaggedElement(t, table, index, TrapCode.indirect_call_out_of_bounds);
  const record = builder.unary(Ir.bitcast, callee, ADDR);
  const typeDisp = VMFuncRef.offsets.type - t.environment.funcElementTag;
  const actual = builder.load(Ir.load, I32, record, NONE, typeDisp, TYPE_FIELD); // CALL-I1
  // CALL-I2. A type that may have subtypes is looked for among the ancestors of the callee's.
  builder.trapUnless(concreteCondition(t, actual, typeIndex), TrapCode.indirect_call_type_mismatch);
  calleeType = typeIndex;
  return callee;
}

let calleeType: number = NONE;

/** `call_indirect`. */
export function callIndirect(t: Translator): void {
  const callee = checkedCallee(t);
  callWithOperands(t, Ir.call_indirect, callee, checkedElement(t), t.environment.typeSig[calleeType] as SigId);
}

/** `call_ref`: validation knows the callee's type, so only null is left to be found out (CALL-I3). */
export function callRef(t: Translator): void {
  const sig = t.environment.typeSig[t.reader.readU32Leb()] as SigId;
  callWithOperands(t, Ir.call_indirect, t.pop(), FUNCTION_REFERENCE, sig);
}

/** Ends the function by a call with the topmost operands as arguments (CALL-I4). */
function tailCallWithOperands(t: Translator, op: IrOp, callee: number, imm: number, sig: SigId): void {
  const { builder, environment, stack } = t;
  const argCount = environment.signatures.params[sig].length;
  builder.returnCall(op, callee, imm, stack, stack.length - argCount, argCount, sig);
  t.setUnreachable();
}

/** `return_call`. */
export function returnCall(t: Translator): void {
  const { environment } = t;
  const index = t.reader.readU32Leb();
  const sig = environment.funcSig[index] as SigId;
  const defined = index - environment.module.importedFuncCount;
  if (defined >= 0) tailCallWithOperands(t, Ir.return_call, NONE, defined, sig);
  else tailCallWithOperands(t, Ir.return_call_import, NONE, index, sig);
}

/** `return_call_indirect`. */
export function returnCallIndirect(t: Translator): void {
  const callee = checkedCallee(t);
  const sig = t.environment.typeSig[calleeType] as SigId;
  tailCallWithOperands(t, Ir.return_call_indirect, callee, checkedElement(t), sig);
}

/** `return_call_ref`. */
export function returnCallRef(t: Translator): void {
  const sig = t.environment.typeSig[t.reader.readU32Leb()] as SigId;
  tailCallWithOperands(t, Ir.return_call_indirect, t.pop(), FUNCTION_REFERENCE, sig);
}
