/**
 * Globals: cells that machine code reads and writes (SEEDS 2.14), in a VMContext as large as the value, of their own 16 bytes.
 */

import { globalBytesOf, VMGlobalDefinition } from "../abi/mod.ts";
import type { ValType } from "../wasm/mod.ts";
import type { Block } from "./block.ts";
import type { RootSource, RootVisitor } from "./gc/collector.ts";
import { ValueKind, valueKindOf } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { type BitValue, coerceValue, loadCell, storeCell } from "./values.ts";

/** A global's type; it names canonical ids. */
export interface GlobalType {
  readonly type: ValType;
  readonly isMutable: boolean;
}

/** A global of a store. */
export class GlobalState implements RootSource {
  readonly store: StoreState;
  readonly type: GlobalType;
  /** Kind of the value. */
  readonly valueKind: number;
  /** Address of the VMGlobalDefinition. */
  readonly definitionAddress: number;
  /** The API's object for this global, once it has one. */
  wrapper: unknown = undefined;
  readonly #block: Block;
  readonly #offsetBytes: number;
  /** Int32 words of the value. */
  readonly #wordCount: number;

  /** The value is the cell at `offsetBytes` of `block`. */
  constructor(store: StoreState, type: GlobalType, block: Block, offsetBytes: number) {
    this.store = store;
    this.type = type;
    this.valueKind = valueKindOf(store.engine.registry, type.type);
    this.#wordCount = globalBytesOf(type.type, store.engine.registry.types) >> 2;
    this.#block = block;
    this.#offsetBytes = offsetBytes;
    this.definitionAddress = block.address + offsetBytes;
    if (this.valueKind > ValueKind.func) store.rootSources.add(this);
  }

  /** The value as JavaScript sees it. */
  get(): unknown {
    return loadCell(this.store, this.valueKind, this.#block.region, this.#block.offsetBytes + this.#offsetBytes);
  }

  /** Coerces and stores a value. @throws {TypeError} */
  set(value: unknown): void {
    const bits = coerceValue(this.store, this.valueKind, this.type.type, value);
    this.store.requireOpen();
    this.setBits(bits);
  }

  /** Stores a coerced value. */
  setBits(bits: BitValue): void {
    storeCell(this.store, this.valueKind, this.#block.region, this.#block.offsetBytes + this.#offsetBytes, bits);
  }

  /** A global that holds a reference to an object is a root. */
  visitRoots(visitor: RootVisitor): void {
    visitor.visit(this.#block.region.i32, (this.#block.offsetBytes + this.#offsetBytes) >> 2);
  }

  /** Copies the raw bits out, as four words; what the value does not have is zero. */
  readWords(words: Int32Array): void {
    for (let i = 0; i < 4; i++) words[i] = i < this.#wordCount ? this.#block.getI32(this.#offsetBytes + 4 * i) : 0;
  }

  /** Stores raw bits. */
  writeWords(words: Int32Array): void {
    for (let i = 0; i < this.#wordCount; i++) this.#block.setI32(this.#offsetBytes + 4 * i, words[i]);
  }
}

/** Makes a global that no module defines. */
export function createGlobal(store: StoreState, type: GlobalType): GlobalState {
  return new GlobalState(store, type, store.allocate(VMGlobalDefinition.sizeBytes), 0);
}
