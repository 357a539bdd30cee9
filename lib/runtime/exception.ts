/**
 * Exceptions outside of guests: what a tag's exception carries, as bits and JavaScript values, and the error that JavaScript sees.
 *
 * Numbers stay bits, so that a signalling NaN comes back as it left; references become JavaScript values the moment the exception leaves
 * the guest, and references again when it enters one: nothing here has to be told to the collector.
 *
 * EXC-1  What an exception carries never changes, and has the types of its tag.
 */

import { AREA_SLOT_BYTES } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import { WasmError } from "../wasm/mod.ts";
import { type Frame, framesNoted, noteFrames, type RawFrames } from "./backtrace.ts";
import { port } from "./port.ts";
import type { Signature } from "./signature.ts";
import type { TagState } from "./tag.ts";
import {
  type BitValue,
  type CellViews,
  coerceValue,
  isNumeric,
  loadCell,
  loadSlot,
  makeCells,
  storeCell,
  storeSlot,
} from "./values.ts";

/** What an exception carries, away from any guest. */
export class Payload {
  readonly tag: TagState;
  /** Numbers, a slot each. */
  readonly #cells: CellViews;
  /** References, by the value's index. */
  readonly #references: unknown[] = [];

  private constructor(tag: TagState) {
    this.tag = tag;
    this.#cells = makeCells(tag.signature.params.length);
  }

  /** Coerces values to the tag's types; may run user code. @throws {TypeError} for a wrong number of values, or one of a wrong type. */
  static of(tag: TagState, values: readonly unknown[]): Payload {
    const { params, paramTypes } = tag.signature;
    const given = Array.from(values);
    if (given.length !== params.length) {
      throw new TypeError(`The tag's exceptions carry ${params.length} values, not ${given.length}`);
    }
    const payload = new Payload(tag);
    given.forEach((value, i) => {
      const bits = coerceValue(tag.store, params[i], paramTypes[i], value);
      if (isNumeric(params[i])) storeCell(tag.store, params[i], payload.#cells, i * AREA_SLOT_BYTES, bits);
      else payload.#references[i] = value;
    });
    return payload;
  }

  /** Takes the values out of the value area. */
  static fromArea(tag: TagState): Payload {
    const payload = new Payload(tag);
    const { params } = tag.signature;
    payload.#cells.i32.set(port().i32.subarray(0, 4 * params.length));
    params.forEach((kind, i) => {
      if (!isNumeric(kind)) payload.#references[i] = loadSlot(tag.store, kind, i);
    });
    return payload;
  }

  /** Puts the values into the value area. */
  toArea(): void {
    const { tag: { store, signature: { params, paramTypes } } } = this;
    const references: BitValue[] = [];
    params.forEach((kind, i) => {
      if (!isNumeric(kind)) references[i] = coerceValue(store, kind, paramTypes[i], this.#references[i]);
    });
    const { i32 } = port();
    params.forEach((kind, i) => {
      if (isNumeric(kind)) i32.set(this.#cells.i32.subarray(4 * i, 4 * i + 4), 4 * i);
      else storeSlot(store, kind, i, references[i]);
    });
  }

  get signature(): Signature {
    return this.tag.signature;
  }

  /** A value as JavaScript sees it. */
  valueAt(index: number): unknown {
    const kind = this.tag.signature.params[index];
    return isNumeric(kind)
      ? loadCell(this.tag.store, kind, this.#cells, index * AREA_SLOT_BYTES)
      : this.#references[index];
  }
}

/** The error that an exception is in JavaScript; the API's class extends it. */
export class ExceptionBase extends WasmError {
  readonly #payload: Payload;

  /**
   * Made by the runtime and by the API's class.
   *
   * @internal
   */
  constructor(payload: Payload, frames: RawFrames | undefined) {
    super("a WebAssembly exception was not caught");
    this.#payload = payload;
    if (frames !== undefined) noteFrames(this, frames);
  }

  /** The guest's frames where it was thrown, innermost first, at most 100; none for one made in JavaScript. */
  get frames(): readonly Frame[] {
    return framesNoted(this)?.symbolize() ?? [];
  }

  /**
   * What a value carries if it is an exception.
   *
   * @internal
   */
  static payloadOf(value: unknown): Payload | undefined {
    return typeof value === "object" && value !== null && #payload in value ? value.#payload : undefined;
  }
}

/** Makes the API's object for an exception that leaves a guest. */
export type ExceptionFactory = (payload: Payload, frames: RawFrames) => ExceptionBase;

let factory: ExceptionFactory = () => bug("nobody makes exceptions");

/** Sets what makes the API's objects. */
export function setExceptionFactory(make: ExceptionFactory): void {
  factory = make;
}

/** The error for an exception that leaves a guest. */
export function makeException(payload: Payload, frames: RawFrames): ExceptionBase {
  return factory(payload, frames);
}
