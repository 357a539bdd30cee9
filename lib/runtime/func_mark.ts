/**
 * Which function a JavaScript object stands for: callables, and the API's function objects.
 *
 * A private field costs a tenth of a WeakMap entry to make, and nothing in garbage collection: instances with hundreds of exports are made
 * and dropped by the thousand.
 *
 * MARK-1  Only this file gives the field, so no object can pretend to stand for a function.
 */

import type { FuncState } from "./func_ref.ts";
import { RefError } from "./gc/refs.ts";

/** A constructor that returns what it is given, so that a subclass adds its private field to that. */
const Identity = class {
  constructor(object: object) {
    return object;
  }
} as new (object: object) => object;

class FuncMark extends Identity {
  /** Undefined once the object was given up. */
  #func: FuncState | undefined;

  constructor(object: object, func: FuncState) {
    super(object);
    this.#func = func;
  }

  static funcOf(object: object): FuncState | undefined {
    return #func in object ? object.#func ?? released() : undefined;
  }

  static release(object: object): void {
    if (#func in object) object.#func = undefined;
  }
}

function released(): never {
  throw new RefError("released", "The reference is disposed");
}

/** Makes an object stand for a function, until it is given up. */
export function markAsFunc(object: object, func: FuncState): void {
  new FuncMark(object, func);
}

/** Makes an object stand for nothing any more: it is an error wherever it is used. */
export function releaseFuncMark(object: object): void {
  FuncMark.release(object);
}

/** Makes `wrapper` the API's object for a function. */
export function setFuncWrapper(func: FuncState, wrapper: object): void {
  func.wrapper = wrapper;
  markAsFunc(wrapper, func);
}

/** The function that a value stands for; undefined for what was never marked. @throws {RefError} for what was given up. */
export function funcStateOf(value: unknown): FuncState | undefined {
  return (typeof value === "function" || typeof value === "object") && value !== null
    ? FuncMark.funcOf(value)
    : undefined;
}
