/**
 * Host references as guests hold them: 32-bit handles, 0 for null.
 *
 * A handle is an index into a table of JavaScript values. One value has one handle as long as it lives, so that equal references are equal
 * bits. Values stay until their store is closed: a guest keeps handles in memory that nobody scans yet.
 */

import { bug } from "../base/mod.ts";

/** The handles of one store. */
export class HandleTable {
  readonly #values: unknown[] = [null];
  readonly #handles = new Map<unknown, number>();
  /** Map keys do not tell -0 from 0. */
  #negativeZero = 0;

  /** Live handles, null not counted. */
  get count(): number {
    return this.#values.length - 1;
  }

  /** The handle of a value. */
  handleOf(value: unknown): number {
    if (value === null) return 0;
    if (Object.is(value, -0)) {
      if (this.#negativeZero === 0) this.#negativeZero = this.#values.push(value) - 1;
      return this.#negativeZero;
    }
    let handle = this.#handles.get(value);
    if (handle === undefined) {
      handle = this.#values.push(value) - 1;
      this.#handles.set(value, handle);
    }
    return handle;
  }

  /** The value of a handle. */
  valueOf(handle: number): unknown {
    if (!(handle >= 0 && handle < this.#values.length)) bug(`no host reference has handle ${handle}`);
    return this.#values[handle];
  }

  /** Forgets everything. */
  clear(): void {
    this.#values.length = 1;
    this.#handles.clear();
    this.#negativeZero = 0;
  }
}
