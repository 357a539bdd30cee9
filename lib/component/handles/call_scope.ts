/**
 * The scope of one call between components: which handles it was lent, and how many borrowed handles it made.
 *
 * SCOPE-1  A handle that was lent stays where it is until the call is over: it can be neither dropped nor given away.
 * SCOPE-2  A call is over when none of its borrowed handles is left.
 */

import { Trap } from "../../engine/mod.ts";
import type { ResourceHandle } from "./resource.ts";

/** A call under way. */
export class CallScope {
  /** Borrowed handles that the callee has not dropped. */
  borrows = 0;
  readonly #lenders: ResourceHandle[] = [];

  /** Remembers that a handle was lent to the call. */
  addLender(handle: ResourceHandle): void {
    handle.lends++;
    this.#lenders.push(handle);
  }

  /** Ends the call: gives back what was lent. @throws {Trap} if borrowed handles remain; nothing is given back then. */
  end(): void {
    if (this.borrows > 0) throw new Trap("borrows_remain");
    for (const handle of this.#lenders) handle.lends--;
    this.#lenders.length = 0;
  }
}
