/**
 * Calls from a guest to host functions: read the arguments into locals, call, coerce the results, store them.
 *
 * The guest leaves with the function's number; the store's table of callers has one closure for each, from few factories, as for calls in
 * the other direction (export_call.ts says why). An exception of the host function passes through the driver untouched: the guest's
 * frames are abandoned where they are. A function that returns a promise has the guest parked (parking.ts): its results are coerced and stored
 * when they are there.
 */

import type { Activation } from "./activation.ts";
import type { InstanceState } from "./instance.ts";
import { giveUp, isPromise, isThenable, park, settle } from "./parking.ts";
import { type Port, port } from "./port.ts";
import { type Signature, ValueKind } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { throwFromHost } from "./unwind.ts";
import {
  type BitValue,
  coerceResults,
  coerceValue,
  isNumeric,
  isScalar,
  loadSlot,
  storeSlot,
  toI64,
  valueOfReference,
} from "./values.ts";

const I32_KIND = ValueKind.i32, I64_KIND = ValueKind.i64, F64_KIND = ValueKind.f64;

/** A JavaScript function as a guest calls it. */
export interface HostFunction {
  readonly fn: (...args: never[]) => unknown;
  /** Makes the first argument of functions that want to know their caller; called once for each instance. */
  readonly makeCaller: ((instance: InstanceState | undefined) => unknown) | undefined;
}

/** Runs a host function on the arguments in the value area and leaves its results there, or returns what is to be awaited first (parking.ts). */
export type HostCaller = () => PromiseLike<unknown> | undefined;

/** Makes the caller of a host function. */
export function makeHostCaller(store: StoreState, signature: Signature, host: HostFunction): HostCaller {
  const fn = withCaller(store, host);
  const { params, results } = signature;
  const { byArity, ofF64, numeric, generic } = openedHostCalls();
  const count = params.length;
  const all = (wanted: number) => params.every((kind) => kind === wanted) && results.every((kind) => kind === wanted);
  if (count > 4 || results.length > 1 || !params.every(isScalar) || !results.every(isScalar)) {
    return generic(store, signature, fn);
  }
  if (all(ValueKind.i32)) return byArity[count][results.length](fn);
  if (all(ValueKind.f64) && results.length === 1 && (count === 1 || count === 2)) return ofF64[count - 1](fn);
  return numeric(signature, fn);
}

/** Calls a host function from JavaScript through its WebAssembly type: arguments and results are coerced as a guest's would be. */
export function callHostDirectly(
  store: StoreState,
  signature: Signature,
  host: HostFunction,
  args: unknown[],
): unknown {
  const result = startHostCall(store, signature, host, args);
  const thenable = awaitedOf(signature, result);
  if (thenable !== undefined) {
    void settle(thenable);
    giveUp(thenable);
    throw new TypeError(
      "The host function returned a Promise, and was called synchronously: call it by Func.callAsync",
    );
  }
  return finishHostCall(store, signature, result);
}

/** Coerces arguments and calls a host function: the first half of a call from JavaScript. */
export function startHostCall(
  store: StoreState,
  { params, paramTypes }: Signature,
  host: HostFunction,
  args: readonly unknown[],
): unknown {
  store.requireOpen();
  const coerced = Array.from(params, (kind, i) => {
    const bits = coerceValue(store, kind, paramTypes[i], args[i]);
    return valueOfBits(store, kind, bits);
  });
  const fn = host.fn as HostFn;
  return host.makeCaller === undefined ? fn(...coerced) : fn(host.makeCaller(undefined), ...coerced);
}

/** Coerces results: the other half. */
export function finishHostCall(store: StoreState, { results, resultTypes }: Signature, result: unknown): unknown {
  // The user's code may have closed the store: no guest waits for this call.
  store.requireOpen();
  const resultBits = coerceResults(store, results, resultTypes, result);
  store.requireOpen();
  const values = resultBits.map((bits, i) => valueOfBits(store, results[i], bits));
  return values.length < 2 ? values[0] : values;
}

/**
 * What has to be awaited before the results of a host function are there. Where any object is a result, an external reference, that is only a
 * Promise itself.
 */
export function awaitedOf({ results }: Signature, result: unknown): PromiseLike<unknown> | undefined {
  if (results.length === 1 && results[0] === ValueKind.extern) return isPromise(result) ? result : undefined;
  return isThenable(result) ? result : undefined;
}

/** Makes a guest wait for what a host function returned. @throws {TypeError} when it cannot. */
export function parkHostCall(activation: Activation, signature: Signature, thenable: PromiseLike<unknown>): void {
  let isGivenUp = false;
  const release = () => {
    if (isGivenUp) return;
    isGivenUp = true;
    giveUp(thenable);
  };
  park(activation, thenable, (result) => {
    try {
      release(); // code of the user's, so before there are results in the value area (AREA-1)
      storeResults(activation.store, signature, result());
    } catch (error) {
      throwFromHost(activation, error);
    }
  }, release);
}

/** Coerces a host function's results, which may run user code, and stores them for the guest. */
function storeResults(store: StoreState, { results, resultTypes }: Signature, result: unknown): void {
  const bits = coerceResults(store, results, resultTypes, result);
  for (let i = 0; i < bits.length; i++) storeSlot(store, results[i], i, bits[i]);
}

function valueOfBits(store: StoreState, kind: number, bits: BitValue): unknown {
  if (isNumeric(kind)) return bits;
  return kind === ValueKind.func ? store.callableAt(bits as number) : valueOfReference(store, kind, bits);
}

type HostFn = (...args: unknown[]) => unknown;

function withCaller(store: StoreState, { fn, makeCaller }: HostFunction): HostFn {
  const plain = fn as HostFn;
  if (makeCaller === undefined) return plain;
  const callers = new Map<InstanceState | undefined, unknown>();
  let last: InstanceState | undefined;
  let lastCaller: unknown;
  return (...args) => {
    const instance = store.callingInstance();
    if (instance !== last || lastCaller === undefined) {
      last = instance;
      lastCaller = callers.get(instance);
      if (lastCaller === undefined) callers.set(instance, lastCaller = makeCaller(instance));
    }
    return plain(lastCaller, ...args);
  };
}

interface HostCalls {
  /** For i32 parameters by their number: without a result, and with an i32 result. */
  readonly byArity: readonly (readonly [(fn: HostFn) => HostCaller, (fn: HostFn) => HostCaller])[];
  /** For one and for two f64 parameters, and an f64 result. */
  readonly ofF64: readonly [(fn: HostFn) => HostCaller, (fn: HostFn) => HostCaller];
  /** For up to four numbers and at most one number as result. */
  readonly numeric: (signature: Signature, fn: HostFn) => HostCaller;
  readonly generic: (store: StoreState, signature: Signature, fn: HostFn) => HostCaller;
}

let opened: HostCalls | undefined;

function openedHostCalls(): HostCalls {
  return opened ??= openHostCalls(port());
}

/** What a host caller returns. */
type Awaited = PromiseLike<unknown> | undefined;

function openHostCalls({ i32, i64, f32, f64 }: Port): HostCalls {
  /** Coerces, which may run user code, then stores. */
  function putI32(result: unknown): Awaited {
    if (typeof result !== "number" && isThenable(result)) return result;
    const bits = (result as number) | 0;
    i32[0] = bits;
    return undefined;
  }

  // A result where none is wanted is ignored (JS API, "run a host function"), but a promise is awaited.
  function dropResult(result: unknown): Awaited {
    return result !== undefined && isThenable(result) ? result : undefined;
  }

  const byArity: HostCalls["byArity"] = [
    [(fn) => () => dropResult(fn()), (fn) => () => putI32(fn())],
    [(fn) => () => dropResult(fn(i32[0])), (fn) => () => putI32(fn(i32[0]))],
    [(fn) => () => dropResult(fn(i32[0], i32[4])), (fn) => () => putI32(fn(i32[0], i32[4]))],
    [
      (fn) => () => dropResult(fn(i32[0], i32[4], i32[8])),
      (fn) => () => putI32(fn(i32[0], i32[4], i32[8])),
    ],
    [
      (fn) => () => dropResult(fn(i32[0], i32[4], i32[8], i32[12])),
      (fn) => () => putI32(fn(i32[0], i32[4], i32[8], i32[12])),
    ],
  ];

  function putF64(result: unknown): Awaited {
    if (typeof result !== "number" && isThenable(result)) return result;
    const bits = +(result as number);
    f64[0] = bits;
    return undefined;
  }

  function putI64(result: unknown): Awaited {
    if (typeof result !== "bigint" && isThenable(result)) return result;
    const bits = typeof result === "bigint" ? result : toI64(result);
    i64[0] = bits;
    return undefined;
  }

  function argument(kind: number, slot: number): number | bigint {
    if (kind === I32_KIND) return i32[slot << 2];
    if (kind === F64_KIND) return f64[slot << 1];
    if (kind === I64_KIND) return i64[slot << 1];
    return f32[slot << 2];
  }

  function putF32(result: unknown): Awaited {
    if (typeof result !== "number" && isThenable(result)) return result;
    const bits = Math.fround(result as number);
    f32[0] = bits;
    return undefined;
  }

  function putNumber(kind: number, result: unknown): Awaited {
    if (kind === I32_KIND) return putI32(result);
    if (kind === F64_KIND) return putF64(result);
    return kind === I64_KIND ? putI64(result) : putF32(result);
  }

  function callNumeric(params: Uint8Array, fn: HostFn): unknown {
    switch (params.length) {
      case 0:
        return fn();
      case 1:
        return fn(argument(params[0], 0));
      case 2:
        return fn(argument(params[0], 0), argument(params[1], 1));
      case 3:
        return fn(argument(params[0], 0), argument(params[1], 1), argument(params[2], 2));
      default:
        return fn(argument(params[0], 0), argument(params[1], 1), argument(params[2], 2), argument(params[3], 3));
    }
  }

  function numeric({ params, results }: Signature, fn: HostFn): HostCaller {
    if (results.length === 0) return () => dropResult(callNumeric(params, fn));
    const [result] = results;
    return () => putNumber(result, callNumeric(params, fn));
  }

  const ofF64: HostCalls["ofF64"] = [(fn) => () => putF64(fn(f64[0])), (fn) => () => putF64(fn(f64[0], f64[2]))];

  function generic(store: StoreState, signature: Signature, fn: HostFn): HostCaller {
    const { params } = signature;
    return () => {
      const args: unknown[] = [];
      for (let i = 0; i < params.length; i++) args.push(loadSlot(store, params[i], i));
      const result = fn(...args);
      const thenable = awaitedOf(signature, result);
      if (thenable === undefined) storeResults(store, signature, result);
      return thenable;
    };
  }

  return { byArity, ofF64, numeric, generic };
}
