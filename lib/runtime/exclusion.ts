/**
 * Which instances share a stack in memory, and who has it (INST-1).
 *
 * C and Rust keep a stack in linear memory, whose pointer is a global. A call that is parked has its frames there, so no other may begin: they
 * would come and go in another order than a stack allows, and find data structures in the middle of a change. What is exclusive is thus not
 * the instance but that global: instances that are linked with each other share it. It is named by a number, its _key_.
 *
 * PARK-3  While a call is parked, the keys of the exclusive instances on its stacks are its own: other calls into one of them wait
 *         (`callAsync`) or are refused. The check is made where an activation is aimed, so parking forgets all targets (ACT-C).
 * PARK-5  A call of this kind has the key of the instance that it enters from before its begin to its end; those of instances that it
 *         reaches by calls between instances, while it is parked in them. Nobody can look when such a call is made, so who finds itself
 *         there, in an instance that somebody else is parked in, is not parked: it runs on, and has an error when it is to wait.
 */

import { VMCTX_SLOT_FROM_RBP } from "../abi/mod.ts";
import { isRef } from "../wasm/mod.ts";
import type { Activation } from "./activation.ts";
import { parkedFrame } from "./backtrace.ts";
import type { GlobalState } from "./global.ts";
import type { GuestStack } from "./guest_stack.ts";
import type { InstanceState } from "./instance.ts";

/** The key of instances that any number of calls may be in. */
export const NO_KEY = 0;

/** The key of an instance. */
export function exclusionKey(instance: InstanceState): number {
  return instance.exclusionKey ??= findKey(instance);
}

function findKey(instance: InstanceState): number {
  const { reentry, memories, address } = instance;
  if (reentry === "concurrent") return NO_KEY;
  const pointer = stackPointer(instance);
  if (reentry === undefined && (memories.length === 0 || pointer === undefined)) return NO_KEY;
  return pointer?.definitionAddress ?? address;
}

const STACK_POINTER = "__stack_pointer";

/** The global that looks like a pointer to a stack in memory. */
function stackPointer({ state: { module }, globals }: InstanceState): GlobalState | undefined {
  const { imports, exports } = module;
  const named = imports.find(({ kind, name }) => kind === "global" && name === STACK_POINTER) ??
    exports.find(({ kind, name }) => kind === "global" && name === STACK_POINTER);
  if (named !== undefined) return globals[named.index];
  // What LLVM's linker puts first: a mutable integer.
  const index = module.importedGlobalCount;
  const first = module.globals[index];
  return first !== undefined && first.isMutable && !isRef(first.type) ? globals[index] : undefined;
}

/** The keys of the instances whose frames are on the stacks of a parked activation. */
export function keysOnStacks(activation: Activation): Set<number> {
  const keys = new Set<number>();
  addKeys(activation, activation.current, parkedFrame(activation), keys);
  for (const parent of activation.parents) addKeys(activation, parent, parent.frameOf(parent.parkedSp), keys);
  return keys;
}

function addKeys({ store }: Activation, stack: GuestStack, leaver: number, keys: Set<number>): void {
  let last = 0;
  // The innermost frame is that of the thunk or stub by which the guest left, which belongs to no instance.
  for (let fp = stack.addressAt(leaver); stack.onStack(fp); fp = stack.addressAt(fp)) {
    const vmctx = stack.addressAt(fp + VMCTX_SLOT_FROM_RBP);
    if (vmctx === last) continue;
    last = vmctx;
    const instance = store.findInstance(vmctx);
    const key = instance === undefined ? NO_KEY : exclusionKey(instance);
    if (key !== NO_KEY) keys.add(key);
  }
}
