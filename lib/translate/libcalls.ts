/**
 * Calls to the runtime: what is done in TypeScript while the guest waits (lib/abi/libcalls.ts has the table).
 *
 * May import: base, wasm, abi, ir. @module
 */

import { NONE } from "../base/mod.ts";
import { Ir, type SigId, type Value } from "../ir/mod.ts";
import { wide } from "./places.ts";
import type { Lower, Translator } from "./translator.ts";

/** Calls the runtime with the arguments in `t.args`; the value is the result, if the libcall has one. */
export function libcall(t: Translator, number: number): Value {
  const { args, builder, environment } = t;
  return builder.call(Ir.libcall, NONE, number, args, 0, args.length, environment.libcallSig[number] as SigId);
}

/** `memory.init`, `table.init`: the segment and the memory or table are immediates. */
export function segmentInit(number: number): Lower {
  return (t) => {
    const segment = t.reader.readU32Leb();
    const target = t.reader.readU32Leb();
    const length = t.pop();
    const source = t.pop();
    const destination = wide(t, t.pop());
    t.args.reset();
    t.args.push(t.builder.iconst32(target));
    t.args.push(t.builder.iconst32(segment));
    t.args.push(destination);
    t.args.push(source);
    t.args.push(length);
    libcall(t, number);
  };
}

/** `data.drop`, `elem.drop`. */
export function segmentDrop(number: number): Lower {
  return (t) => {
    t.args.reset();
    t.args.push(t.builder.iconst32(t.reader.readU32Leb()));
    libcall(t, number);
  };
}
