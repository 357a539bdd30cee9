/**
 * The table of a component instance's handles: what its code names by small numbers (Canonical ABI, `class Table`).
 *
 * HTABLE-1  Index 0 is never a handle. A freed index is the next to be given out.
 * HTABLE-2  A trap changes nothing: whatever can be wrong is looked at before a slot is.
 */

import { Trap } from "../../engine/mod.ts";
import type { CopyEnd } from "./copy_end.ts";
import type { ErrorContextHandle } from "./error_context.ts";
import type { ResourceHandle } from "./resource.ts";

/** Whatever a table holds. */
export type Handle = ResourceHandle | CopyEnd | ErrorContextHandle;

/** The largest index (Canonical ABI, `Table.MAX_LENGTH`). */
export const MAX_HANDLE = 2 ** 28 - 1;

/** The handles of one component instance; also the identity of that instance where resources ask who defines them. */
export class HandleTable {
  readonly #slots: (Handle | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #maximum: number;

  /** Makes an empty table; indices go up to `maximum`. */
  constructor(maximum: number = MAX_HANDLE) {
    this.#maximum = maximum;
  }

  /** How many handles there are. */
  get size(): number {
    return this.#slots.length - 1 - this.#free.length;
  }

  /** The handle at an index. @throws {Trap} if there is none. */
  get(index: number): Handle {
    return this.#slots[index] ?? unknownHandle(index);
  }

  /** Enters a handle; returns its index. @throws {Trap} if the table is full. */
  add(handle: Handle): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#slots[free] = handle;
      return free;
    }
    this.requireRoom();
    return this.#slots.push(handle) - 1;
  }

  /** Traps unless another handle fits. */
  requireRoom(): void {
    if (this.#free.length === 0 && this.#slots.length > this.#maximum) throw new Trap("handle_table_full");
  }

  /** Takes the handle at an index out. @throws {Trap} if there is none. */
  remove(index: number): Handle {
    const handle = this.get(index);
    this.#slots[index] = undefined;
    this.#free.push(index);
    return handle;
  }
}

function unknownHandle(index: number): never {
  throw new Trap("unknown_handle", { detail: String(index) });
}
