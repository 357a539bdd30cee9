/** Tags: kinds of exceptions. */

import { createTag, type TagState } from "../runtime/mod.ts";
import { type Store, storeOf } from "./store.ts";
import { internSignature, signatureNames, type ValueType } from "./values.ts";

/** A tag's type: what its exceptions carry. */
export interface TagType {
  /** Types of the values. */
  readonly parameters: readonly ValueType[];
}

/** Marks a constructor call that wraps an existing tag: nobody outside this file has it. */
const WRAP = {} as TagType;

/** The tag object of a tag of a store; always the same. */
export let wrapTag: (state: TagState) => Tag;
/** The tag behind a tag object, undefined for anything else. */
export let tagOf: (value: unknown) => TagState | undefined;

/**
 * Names a kind of exception by its identity.
 *
 * @example Throwing from a host function, catching what a guest throws
 * ```ts
 * import { Engine, Exception, Store, Tag } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const tag = new Tag(store, { parameters: ["i32"] });
 * const exception = new Exception(tag, [42]);
 * assertEquals(exception.is(tag), true);
 * assertEquals(exception.values, [42]);
 * ```
 */
export class Tag {
  readonly #state: TagState;

  static {
    wrapTag = (state) => {
      state.wrapper ??= new Tag(state as never, WRAP);
      return state.wrapper as Tag;
    };
    tagOf = (value) => typeof value === "object" && value !== null && #state in value ? value.#state : undefined;
  }

  /**
   * Makes a tag.
   *
   * @param store The store it belongs to.
   * @param type What its exceptions carry.
   * @throws {TypeError} for types that are none.
   */
  constructor(store: Store, type: TagType) {
    if (type === WRAP) {
      this.#state = store as unknown as TagState;
      return;
    }
    const state = storeOf(store);
    const typeId = internSignature(state.engine.registry, { parameters: type.parameters, results: [] });
    this.#state = createTag(state, typeId);
    this.#state.wrapper = this;
  }

  /** The type. */
  get type(): TagType {
    const { store, typeId } = this.#state;
    const { parameters } = signatureNames(store.engine.registry.funcType(typeId));
    return { parameters };
  }
}
