/**
 * Calls to the runtime: what is done in TypeScript while the guest waits (lib/abi/libcalls.ts has the table).
 *
 * May import: base, wasm, abi, ir. @module
 */

import { NONE } from "../base/mod.ts";
import { Ir, type SigId, type Value } from "../ir/mod.ts";
import type { Translator } from "./translator.ts";

/** Calls the runtime with the arguments in `t.args`; the value is the result, if the libcall has one. */
export function libcall(t: Translator, number: number): Value {
  const { args, builder, environment } = t;
  return builder.call(Ir.libcall, NONE, number, args, 0, args.length, environment.libcallSig[number] as SigId);
}
