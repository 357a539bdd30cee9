/** Exceptions: what guests throw and JavaScript catches, and the other way round. */

import { ExceptionBase, Payload, type RawFrames, setExceptionFactory } from "../runtime/mod.ts";
import { type Tag, tagOf, wrapTag } from "./tag.ts";

/** Marks a constructor call that wraps a payload: nobody outside this file has it. */
const WRAP = {} as Tag;

/**
 * A WebAssembly exception. One that a guest throws and nobody in it catches leaves the call as this error; one that a host function throws is
 * the guest's to catch. Any other error that a host function throws passes through guests unseen.
 */
export class Exception extends ExceptionBase {
  /** `"Exception"`. */
  override readonly name: string = "Exception";
  readonly #payload: Payload;

  static {
    setExceptionFactory((payload, frames) => new Exception(WRAP, { payload, frames } as never));
  }

  /**
   * Makes an exception for a host function to throw.
   *
   * @param tag What kind it is.
   * @param values What it carries, coerced to the tag's types.
   * @throws {TypeError} if they are not as many as the tag's parameters, or of other types.
   */
  constructor(tag: Tag, values: readonly unknown[] = []) {
    const wrapped = tag === WRAP ? values as unknown as { payload: Payload; frames: RawFrames } : undefined;
    const payload = wrapped?.payload ?? payloadFor(tag, values);
    super(payload, wrapped?.frames);
    this.#payload = payload;
  }

  /** What kind it is. */
  get tag(): Tag {
    return wrapTag(this.#payload.tag);
  }

  /** What it carries. */
  get values(): readonly unknown[] {
    return Array.from(this.#payload.signature.params, (_, i) => this.#payload.valueAt(i));
  }

  /** Whether it is of the kind. @throws {TypeError} for what is no tag. */
  is(tag: Tag): boolean {
    return requireTag(tag) === this.#payload.tag;
  }

  /**
   * One of the values it carries.
   *
   * @param index Which one, from 0.
   * @throws {RangeError} beyond the last.
   */
  getArg(index: number): unknown {
    const count = this.#payload.signature.params.length;
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new RangeError(`The exception carries ${count} values; there is none at ${String(index)}`);
    }
    return this.#payload.valueAt(index);
  }
}

function requireTag(tag: Tag): Payload["tag"] {
  const state = tagOf(tag);
  if (state === undefined) throw new TypeError("A Tag is needed");
  return state;
}

function payloadFor(tag: Tag, values: readonly unknown[]): Payload {
  const state = requireTag(tag);
  state.store.requireOpen();
  return Payload.of(state, values);
}
