/**
 * Calls from a guest to host functions: read the arguments into locals, call, coerce the results, store them.
 *
 * The guest leaves with the function's number; the store's table of callers has one closure for each, from few factories, as for calls in
 * the other direction (export_call.ts says why). An exception of the host function passes through the driver untouched: the guest's
 * frames are abandoned where they are.
 */

import type { InstanceState } from "./instance.ts";
import { type Port, port } from "./port.ts";
import { type Signature, ValueKind } from "./signature.ts";
import type { StoreState } from "./store_state.ts";
import { type BitValue, coerceResults, coerceValue, isNumeric, loadSlot, refusePromise, storeSlot } from "./values.ts";

/** A JavaScript function as a guest calls it. */
export interface HostFunction {
  readonly fn: (...args: never[]) => unknown;
  /** Makes the first argument of functions that want to know their caller; called once for each instance. */
  readonly makeCaller: ((instance: InstanceState | undefined) => unknown) | undefined;
}

/** Runs a host function on the arguments in the value area and leaves its results there. */
export type HostCaller = () => void;

/** Makes the caller of a host function. */
export function makeHostCaller(store: StoreState, signature: Signature, host: HostFunction): HostCaller {
  const fn = withCaller(store, host);
  const { params, results } = signature;
  const { byArity, generic } = openedHostCalls();
  const isPlain = params.length < byArity.length && params.every((kind) => kind === ValueKind.i32) &&
    (results.length === 0 || (results.length === 1 && results[0] === ValueKind.i32));
  if (!isPlain) return generic(store, signature, fn);
  const [ofNone, ofI32] = byArity[params.length];
  return results.length === 0 ? ofNone(fn) : ofI32(fn);
}

/** Calls a host function from JavaScript through its WebAssembly type: arguments and results are coerced as a guest's would be. */
export function callHostDirectly(
  store: StoreState,
  signature: Signature,
  host: HostFunction,
  args: unknown[],
): unknown {
  const { params, paramTypes, results, resultTypes } = signature;
  const coerced = Array.from(params, (kind, i) => {
    const bits = coerceValue(store, kind, paramTypes[i], args[i]);
    return valueOfBits(store, kind, bits);
  });
  const fn = host.fn as HostFn;
  const result = host.makeCaller === undefined ? fn(...coerced) : fn(host.makeCaller(undefined), ...coerced);
  const values = coerceResults(store, results, resultTypes, result)
    .map((bits, i) => valueOfBits(store, results[i], bits));
  return values.length < 2 ? values[0] : values;
}

function valueOfBits(store: StoreState, kind: number, bits: BitValue): unknown {
  if (isNumeric(kind)) return bits;
  return kind === ValueKind.func ? store.callableAt(bits as number) : store.handles.valueOf(bits as number);
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
  readonly generic: (store: StoreState, signature: Signature, fn: HostFn) => HostCaller;
}

let opened: HostCalls | undefined;

function openedHostCalls(): HostCalls {
  return opened ??= openHostCalls(port());
}

function openHostCalls({ i32 }: Port): HostCalls {
  /** Coerces, which may run user code, then stores. */
  function putI32(result: unknown): void {
    if (typeof result !== "number") refusePromise(result);
    const bits = (result as number) | 0;
    i32[0] = bits;
  }

  // A result where none is wanted is ignored (JS API, "run a host function"), but a Promise is somebody's mistake.
  function dropResult(result: unknown): void {
    if (result !== undefined) refusePromise(result);
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

  function generic(store: StoreState, signature: Signature, fn: HostFn): HostCaller {
    const { params, results, resultTypes } = signature;
    return () => {
      const args: unknown[] = [];
      for (let i = 0; i < params.length; i++) args.push(loadSlot(store, params[i], i));
      const bits = coerceResults(store, results, resultTypes, fn(...args));
      for (let i = 0; i < bits.length; i++) storeSlot(results[i], i, bits[i]);
    };
  }

  return { byArity, generic };
}
