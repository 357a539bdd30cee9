/**
 * The functions that code between components imports: one for each row of `COMPONENT_BUILTINS` (SEEDS 0.3, 0.4).
 *
 * Transcoders belong to a pair of memories, the others to a component: two parts of one table, of which each row has to be in one. Those of
 * handles are host functions, whose thunk and driver are the shim: what they throw ends the guest's call at its entry, a trap as a trap.
 */

import { COMPONENT_BUILTIN_LIST, type ComponentBuiltinName, type TranscoderName } from "../abi/mod.ts";
import { Func, type Store } from "../engine/mod.ts";
import type { ComponentContext } from "./handles/component_context.ts";
import { signatureOf, type Transcoders, trapFunc } from "./transcode/transcoders.ts";

/** Builtins that belong to a component. */
export type IntrinsicName = Exclude<ComponentBuiltinName, TranscoderName>;
/** A function for each of them. */
export type Intrinsics = Readonly<Record<IntrinsicName, Func>>;
/** A function for each builtin. */
export type ComponentBuiltins = Transcoders & Intrinsics;

type Handler = (context: ComponentContext, a: number, b: number, c: number) => number | bigint | void;

const HANDLERS: Record<Exclude<IntrinsicName, "trap">, Handler> = {
  resource_new32: (context, resource, rep) => context.resourceNew(resource, rep),
  resource_rep32: (context, resource, index) => context.resourceRep(resource, index),
  resource_drop: (context, resource, index) => dropResult(context.resourceDrop(resource, index)),
  resource_transfer_own: (context, index, from, to) => context.transferOwn(index, from, to),
  resource_transfer_borrow: (context, index, from, to) => context.transferBorrow(index, from, to),
  resource_enter_call: (context) => context.enterCall(),
  resource_exit_call: (context) => {
    context.exitCall();
    return 1;
  },
  future_transfer: (context, index, from, to) => context.futureTransfer(index, from, to),
  stream_transfer: (context, index, from, to) => context.streamTransfer(index, from, to),
  error_context_transfer: (context, index, from, to) => context.errorContextTransfer(index, from, to),
};

/** What `resource_drop` returns: `rep << 1 | 1`, or 0 if there is nothing to destroy (SEEDS 0.10). */
export function dropResult(rep: number | undefined): bigint {
  return rep === undefined ? 0n : BigInt(rep) << 1n | 1n;
}

/** Makes the builtins of a component's handles. Arguments arrive as unsigned numbers. */
export function createIntrinsics(store: Store, context: ComponentContext): Intrinsics {
  const funcs: Partial<Record<IntrinsicName, Func>> = { trap: trapFunc(store) };
  for (const builtin of COMPONENT_BUILTIN_LIST) {
    const handler = HANDLERS[builtin.name as keyof typeof HANDLERS];
    if (handler === undefined) continue;
    // No builtin has more than three; what a call does not pass is not looked at.
    const shim = (a: number, b: number, c: number) => handler(context, a >>> 0, b >>> 0, c >>> 0);
    funcs[builtin.name as IntrinsicName] = new Func(store, signatureOf(builtin), shim as never);
  }
  return funcs as Intrinsics;
}

/** The whole table, in the order of the rows. @throws {TypeError} if a row has no function. */
export function componentBuiltins(transcoders: Transcoders, intrinsics: Intrinsics): ComponentBuiltins {
  const all: Partial<Record<ComponentBuiltinName, Func>> = { ...transcoders, ...intrinsics };
  return Object.freeze(Object.fromEntries(COMPONENT_BUILTIN_LIST.map(({ name }) => {
    const func = all[name];
    if (func === undefined) throw new TypeError(`There is no function for the builtin ${name}`);
    return [name, func];
  }))) as unknown as ComponentBuiltins;
}
