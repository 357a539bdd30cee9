/**
 * Root scopes: references that live as long as a piece of work.
 *
 * A reference that JavaScript sees for the first time while a scope is open belongs to the innermost one, and is given up with it. What was
 * known before stays with whoever has it: one object has one reference.
 */

import type { StoreState } from "../store_state.ts";
import type { HeapReference } from "./refs.ts";

/** The references of one piece of work. */
export class RootScopeState {
  readonly #store: StoreState;
  readonly #references = new Set<HeapReference>();

  constructor(store: StoreState) {
    this.#store = store;
    store.rootScopes.push(this);
  }

  /** References that are given up when the scope ends. */
  get size(): number {
    return this.#references.size;
  }

  /** Takes a reference in. */
  add(reference: HeapReference): void {
    this.#references.add(reference);
  }

  /** Hands a reference of this scope to the scope around it, or to nobody if there is none. */
  keep(reference: HeapReference): void {
    if (!this.#references.delete(reference)) return;
    const { rootScopes } = this.#store;
    rootScopes[rootScopes.indexOf(this) - 1]?.add(reference);
  }

  /** Gives up what the scope holds. Scopes may end in any order. */
  end(): void {
    const { rootScopes } = this.#store;
    const place = rootScopes.indexOf(this);
    if (place >= 0) rootScopes.splice(place, 1);
    for (const reference of this.#references) reference.dispose();
    this.#references.clear();
  }
}
