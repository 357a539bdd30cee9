/**
 * Calls from JavaScript into a guest: coerce, store, enter, serve what the guest leaves for, read results.
 *
 * A call costs what an FFI call costs plus a few stores, as long as V8 knows `enter`, the views and the record fields as constants. So
 * everything hot is a function inside `openCalls`, which runs once: its variables are constants to V8 when it inlines those functions into
 * the closures that users call. There is one closure per exported function, from few factories: functions of up to four i32 parameters
 * and at most one i32 result have their own, all others share one that walks the signature.
 *
 * AREA-1 holds by the order of statements: coerce everything into locals, take the activation, store, enter.
 */

import { Status } from "../abi/mod.ts";
import { RECORD } from "../host/mod.ts";
import type { Activation, CallTarget } from "./activation.ts";
import type { Callable, FuncState } from "./func_ref.ts";
import { callHostDirectly } from "./host_call.ts";
import { runLibcall } from "./libcalls.ts";
import { type Port, port } from "./port.ts";
import { ValueKind } from "./signature.ts";
import { trapOfActivation } from "./traps.ts";
import { type BitValue, coerceValue, loadResults, storeSlot } from "./values.ts";

const I32_KIND = ValueKind.i32;

/** Makes the JavaScript function of a function of a store. */
export function makeCallable(func: FuncState): Callable {
  const { signature, host } = func;
  const callable: Callable = host === undefined
    ? guestCallable(func)
    : (...args) => callHostDirectly(func.store, signature, host, args);
  // JS API, "create an Exported Function": the name is the index, the length the number of parameters.
  Object.defineProperty(callable, "name", { value: String(func.index), configurable: true });
  Object.defineProperty(callable, "length", { value: signature.params.length, configurable: true });
  return callable;
}

/** Calls a function with values as JavaScript gives them; the slow way, for start functions and the API's own calls. */
export function callTarget(target: CallTarget): void {
  openedCalls().enterAndServe(target);
}

/**
 * Calls a function with arguments as raw slots of four words, and returns its results so: for tools that care for every bit.
 *
 * @throws {RangeError} for a wrong number of words.
 */
export function callBits(func: FuncState, args: Int32Array): Int32Array {
  const { signature, host } = func;
  const { params, results } = signature;
  if (args.length !== 4 * params.length) throw new RangeError(`${params.length} arguments are needed`);
  if (host !== undefined) func.referenceAddress();
  return openedCalls().callBits(func, args, results.length);
}

function guestCallable(func: FuncState): Callable {
  const { params, results } = func.signature;
  const { byArity, generic } = openedCalls();
  const isPlain = params.length < byArity.length && params.every((kind) => kind === I32_KIND) &&
    (results.length === 0 || (results.length === 1 && results[0] === I32_KIND));
  if (!isPlain) return generic(func);
  const [ofNone, ofI32] = byArity[params.length];
  return results.length === 0 ? ofNone(func) : ofI32(func);
}

type CallableFactory = (func: FuncState) => Callable;

interface Calls {
  /** For i32 parameters by their number: without a result, and with an i32 result. */
  readonly byArity: readonly (readonly [ofNone: CallableFactory, ofI32: CallableFactory])[];
  readonly generic: CallableFactory;
  readonly enterAndServe: (target: CallTarget) => void;
  readonly callBits: (target: CallTarget, args: Int32Array, resultCount: number) => Int32Array;
}

let opened: Calls | undefined;

function openedCalls(): Calls {
  return opened ??= openCalls(port());
}

function openCalls({ i32, enter, resume }: Port): Calls {
  const GUEST_SP = RECORD.guestSp >> 2;
  const EXIT_NUMBER = RECORD.exitNumber >> 2;
  const DONE = Status.done;
  const HOST_CALL = Status.hostCall;
  const LIBCALL = Status.libcall;

  /** Takes the store's next activation for a call of `target`. The caller gives it back by `depth--`, whatever happens. */
  function begin(target: CallTarget): Activation {
    const { store } = target;
    const { depth, activations } = store;
    const activation = depth < activations.length ? activations[depth] : store.addActivation();
    if (activation.target !== target) activation.aim(target);
    const { words } = activation;
    words[GUEST_SP] = activation.topLo;
    words[GUEST_SP + 1] = activation.topHi;
    store.depth = depth + 1;
    return activation;
  }

  /** Serves the guest until it is done. Throws what ends it: a trap, or what a host function threw. */
  function serve(activation: Activation, status: number): void {
    const { words, index, store } = activation;
    do {
      if (status === HOST_CALL) store.hostCallers[words[EXIT_NUMBER]]();
      else if (status === LIBCALL) runLibcall(activation, words[EXIT_NUMBER]);
      else fail(activation, status);
      status = resume(index);
    } while (status !== DONE);
  }

  function run(activation: Activation): void {
    const status = enter(activation.index);
    if (status !== DONE) serve(activation, status);
  }

  function enterAndServe(target: CallTarget): void {
    const activation = begin(target);
    try {
      run(activation);
    } finally {
      target.store.depth--;
    }
  }

  function callBits(target: CallTarget, args: Int32Array, resultCount: number): Int32Array {
    const activation = begin(target);
    try {
      i32.set(args);
      run(activation);
      return i32.slice(0, 4 * resultCount);
    } finally {
      target.store.depth--;
    }
  }

  function call0(func: FuncState): number {
    const activation = begin(func);
    try {
      run(activation);
      return i32[0];
    } finally {
      func.store.depth--;
    }
  }

  function call1(func: FuncState, a: number): number {
    const activation = begin(func);
    try {
      i32[0] = a;
      run(activation);
      return i32[0];
    } finally {
      func.store.depth--;
    }
  }

  function call2(func: FuncState, a: number, b: number): number {
    const activation = begin(func);
    try {
      i32[0] = a;
      i32[4] = b;
      run(activation);
      return i32[0];
    } finally {
      func.store.depth--;
    }
  }

  function call3(func: FuncState, a: number, b: number, c: number): number {
    const activation = begin(func);
    try {
      i32[0] = a;
      i32[4] = b;
      i32[8] = c;
      run(activation);
      return i32[0];
    } finally {
      func.store.depth--;
    }
  }

  function call4(func: FuncState, a: number, b: number, c: number, d: number): number {
    const activation = begin(func);
    try {
      i32[0] = a;
      i32[4] = b;
      i32[8] = c;
      i32[12] = d;
      run(activation);
      return i32[0];
    } finally {
      func.store.depth--;
    }
  }

  function callGeneric(func: FuncState, args: readonly unknown[]): unknown {
    const { store, signature } = func;
    const { params, paramTypes, results } = signature;
    const bits: BitValue[] = [];
    for (let i = 0; i < params.length; i++) bits.push(coerceValue(store, params[i], paramTypes[i], args[i]));
    const activation = begin(func);
    try {
      for (let i = 0; i < params.length; i++) storeSlot(params[i], i, bits[i]);
      run(activation);
      return loadResults(store, results);
    } finally {
      store.depth--;
    }
  }

  // `v | 0` is ToInt32(ToNumber(v)), and throws a TypeError for a BigInt, as ToWebAssemblyValue asks.
  type I = number;
  const byArity: readonly (readonly [(func: FuncState) => unknown, (func: FuncState) => unknown])[] = [
    [(func) => () => void call0(func), (func) => () => call0(func)],
    [(func) => (a: I) => void call1(func, a | 0), (func) => (a: I) => call1(func, a | 0)],
    [
      (func) => (a: I, b: I) => void call2(func, a | 0, b | 0),
      (func) => (a: I, b: I) => call2(func, a | 0, b | 0),
    ],
    [
      (func) => (a: I, b: I, c: I) => void call3(func, a | 0, b | 0, c | 0),
      (func) => (a: I, b: I, c: I) => call3(func, a | 0, b | 0, c | 0),
    ],
    [
      (func) => (a: I, b: I, c: I, d: I) => void call4(func, a | 0, b | 0, c | 0, d | 0),
      (func) => (a: I, b: I, c: I, d: I) => call4(func, a | 0, b | 0, c | 0, d | 0),
    ],
  ];
  return {
    byArity: byArity as Calls["byArity"],
    generic: (func) => (...args) => callGeneric(func, args),
    enterAndServe,
    callBits,
  };
}

/** Throws what a status other than done and the two kinds of calls means. */
function fail(activation: Activation, status: number): never {
  // HOST-S: what V8 itself throws a moment later.
  if (status === Status.hostStackLow) throw new RangeError("Maximum call stack size exceeded");
  throw trapOfActivation(activation);
}
