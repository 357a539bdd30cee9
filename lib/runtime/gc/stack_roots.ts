/**
 * The references on the frozen stacks of a store's activations: found by stack maps, shown to a collector.
 *
 * Every activation in use is frozen while JavaScript runs, parked in the call by which it left the guest. Stacks of suspended continuations
 * are shown when their objects are reached (continuations.ts).
 */

import { IntList } from "../../base/mod.ts";
import type { Activation } from "../activation.ts";
import type { GuestStack } from "../guest_stack.ts";
import { collectRootSlots, collectSavedRoots } from "../stack_maps.ts";
import type { RootVisitor } from "./collector.ts";

/** Finds the roots on stacks; keeps its list between collections. */
export class StackRoots {
  readonly #slots = new IntList(256);

  /** Shows the references of the first `depth` activations: on their current stacks, in saved registers, and on the stacks that wait. */
  visit(activations: readonly Activation[], depth: number, visitor: RootVisitor): void {
    for (let i = 0; i < depth; i++) {
      const activation = activations[i];
      const { current, sp, parents, words } = activation;
      this.visitStack(current, sp, visitor);
      for (const parent of parents) this.visitStack(parent, parent.parkedSp, visitor);
      const slots = this.#slots;
      slots.length = 0;
      collectSavedRoots(current.view(sp), current.frameOf(sp), slots);
      for (let k = 0; k < slots.length; k++) visitor.visit(words, slots.data[k]);
    }
  }

  /** Shows the references of one parked stack. */
  visitStack(stack: GuestStack, sp: number, visitor: RootVisitor): void {
    const slots = this.#slots;
    slots.length = 0;
    const view = stack.view(sp);
    collectRootSlots(view, stack.frameOf(sp), slots);
    const { data, length } = slots;
    for (let i = 0; i < length; i++) visitor.visit(view.words, data[i]);
  }
}
