/**
 * Tags: what names a kind of exception. Two tags are the same when their definition is at the same address.
 */

import { VMTagDefinition } from "../abi/mod.ts";
import type { Block } from "./block.ts";
import type { Signature } from "./signature.ts";
import type { StoreState } from "./store_state.ts";

/** A tag of a store. */
export class TagState {
  readonly store: StoreState;
  /** Its function type: parameters are what exceptions carry, results what a suspension is resumed with. */
  readonly signature: Signature;
  /** Address of the VMTagDefinition. */
  readonly definitionAddress: number;
  /** What stands for it in exceptions: its place in `store.tags`, from 1. */
  readonly number: number;
  /** The API's object for this tag, once it has one. */
  wrapper: unknown = undefined;

  /** The definition is written at `offsetBytes` of `block`. */
  constructor(store: StoreState, typeId: number, block: Block, offsetBytes: number) {
    this.store = store;
    this.signature = store.engine.signature(typeId);
    this.definitionAddress = block.address + offsetBytes;
    this.number = store.tags.push(this);
    block.setI32(offsetBytes + VMTagDefinition.offsets.type, typeId);
    block.setI32(offsetBytes + VMTagDefinition.offsets.id, this.number);
  }

  /** Canonical id of its function type. */
  get typeId(): number {
    return this.signature.typeId;
  }
}

/** Makes a tag that no module defines. */
export function createTag(store: StoreState, typeId: number): TagState {
  return new TagState(store, typeId, store.allocate(VMTagDefinition.sizeBytes), 0);
}
