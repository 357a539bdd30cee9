/**
 * The driver: one function body from bytes to IR, in one pass, one handler call per instruction.
 *
 * The body has been validated, so nothing is checked here. Dead code is not translated: after a branch that is always taken, instructions
 * are skipped up to what continues or ends the innermost open frame, counting the blocks opened in between (TR-1). The work is linear in
 * the body's bytes; nothing recurses on nesting, and with a warm `Translator` nothing is allocated.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { NONE } from "../base/mod.ts";
import type { Func, FuncBuilder, SigId } from "../ir/mod.ts";
import { funcIndexOf, OP_FLAG, OP_FLAGS, readOp, readValType, skipImmediates } from "../wasm/mod.ts";
import type { TranslateEnvironment } from "./environment.ts";
import { beginPolledRegion, ENDS_REGION, FUEL_COST, turnRegion } from "./fuel.ts";
import { finishHandlers } from "./handlers.ts";
import { LOWER } from "./table.ts";
import { FrameKind, type Translator } from "./translator.ts";

/**
 * Translates the body of a validated module's function number `definedFuncIndex` (imports not counted). The IR is the builder's function,
 * complete until the builder's next `reset`.
 */
export function translateFunction(
  environment: TranslateEnvironment,
  definedFuncIndex: number,
  builder: FuncBuilder,
  scratch: Translator,
): Func {
  const { module } = environment;
  const { start, end } = module.bodies[definedFuncIndex];
  const sig = environment.funcSig[funcIndexOf(module, definedFuncIndex)] as SigId;
  builder.reset(environment.signatures, sig, definedFuncIndex);
  scratch.begin(environment, builder, start, end);
  builder.site = start;
  declareLocals(scratch, environment.signatures.params[sig]);
  if (environment.options.interruption === true) builder.poll();
  if (environment.options.fuel === true) beginPolledRegion(scratch);
  scratch.openFrame(FrameKind.func, sig, 0, NONE);
  translateBody(scratch);
  finishHandlers(scratch);
  builder.finish();
  return builder.func;
}

/** Parameters become variables with a value, other locals variables that are zero until set. */
function declareLocals(t: Translator, params: Uint8Array): void {
  const { builder, environment, reader } = t;
  builder.declareVariables(params.length);
  for (let i = 0; i < params.length; i++) {
    builder.setVariableType(i, params[i]);
    builder.def(i, builder.param(i, params[i]));
  }
  let variable = params.length;
  for (let groups = reader.readU32Leb(); groups > 0; groups--) {
    const count = reader.readU32Leb();
    const type = environment.irType(readValType(reader));
    builder.declareVariables(count);
    for (const end = variable + count; variable < end; variable++) builder.setVariableType(variable, type);
  }
}

function translateBody(t: Translator): void {
  const { builder, reader } = t;
  const hasFuel = t.environment.options.fuel === true;
  while (t.depth > 0) {
    if (!t.reachable) skipDeadCode(t);
    builder.site = reader.pos;
    const op = readOp(reader);
    t.fuelCost += FUEL_COST[op];
    LOWER[op](t);
    if (hasFuel && ENDS_REGION[op] === 1) turnRegion(t);
  }
}

/** Moves the reader to the `else`, `catch`, `catch_all`, `delegate` or `end` of the innermost open frame. */
function skipDeadCode(t: Translator): void {
  const { reader } = t;
  let nested = 0;
  for (;;) {
    const pos = reader.pos;
    const op = readOp(reader);
    const flags = OP_FLAGS[op];
    if ((flags & OP_FLAG.closes) !== 0) {
      if (nested === 0) {
        reader.pos = pos;
        return;
      }
      nested--;
    }
    if ((flags & OP_FLAG.opens) !== 0) nested++;
    skipImmediates(op, reader);
  }
}
