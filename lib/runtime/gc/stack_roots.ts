/**
 * The references on the frozen stacks of a store's activations: found by stack maps, shown to a collector.
 *
 * Every activation in use is frozen while JavaScript runs, parked in the call by which it left the guest.
 */

import { IntList } from "../../base/mod.ts";
import type { Activation } from "../activation.ts";
import { parkedFrame } from "../backtrace.ts";
import { collectRootSlots, collectSavedRoots } from "../stack_maps.ts";
import type { RootVisitor } from "./collector.ts";

/** Finds the roots on stacks; keeps its list between collections. */
export class StackRoots {
  readonly #slots = new IntList(256);

  /** Shows the references of the first `depth` activations. */
  visit(activations: readonly Activation[], depth: number, visitor: RootVisitor): void {
    for (let i = 0; i < depth; i++) this.visitStack(activations[i], visitor);
  }

  /** Shows the references of one parked stack. */
  visitStack(activation: Activation, visitor: RootVisitor): void {
    const slots = this.#slots;
    slots.length = 0;
    const view = activation.stackView();
    collectRootSlots(view, parkedFrame(activation), slots);
    const { data, length } = slots;
    for (let i = 0; i < length; i++) visitor.visit(view.words, data[i]);
    slots.length = 0;
    collectSavedRoots(view, parkedFrame(activation), slots);
    for (let i = 0; i < slots.length; i++) visitor.visit(activation.words, slots.data[i]);
  }
}
