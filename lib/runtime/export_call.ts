/**
 * Calls from JavaScript into a guest: coerce, store, enter, serve what the guest leaves for, read results.
 *
 * A call costs what an FFI call costs plus a few stores, as long as V8 knows `enter`, the views and the record fields as constants. So
 * everything hot is a function inside `openCalls`, which runs once: its variables are constants to V8 when it inlines those functions into
 * the closures that users call. There is one closure per exported function, from few factories: for up to four i32 and at most one i32 back,
 * for one or two f64 and one back (a double that passes through a variable of no one type is allocated), for up to four numbers of any kind,
 * and one that walks the signature.
 *
 * AREA-1 holds by the order of statements: coerce everything into locals, take the activation, store, enter.
 */

import { Status } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { RECORD } from "../host/mod.ts";
import type { Activation, CallTarget } from "./activation.ts";
import type { Callable, FuncState } from "./func_ref.ts";
import { callHostDirectly, parkHostCall } from "./host_call.ts";
import { serveInterrupt } from "./interrupt.ts";
import { runLibcall } from "./libcalls.ts";
import type { Deadline, Meter } from "./meter.ts";
import { deliver } from "./parking.ts";
import { type Port, port } from "./port.ts";
import { VALUE_KINDS, ValueKind, type ValueKindName } from "./signature.ts";
import { trapOfActivation } from "./traps.ts";
import { throwFromHost } from "./unwind.ts";
import { type BitValue, coerceValue, isScalar, loadResults, storeSlot, toI64 } from "./values.ts";

const WORDS_OF_KIND: Record<ValueKindName, number> = {
  i32: 1,
  i64: 2,
  f32: 1,
  f64: 2,
  v128: 4,
  func: 2,
  extern: 1,
  any: 1,
  exn: 1,
  cont: 1,
};

const I32_KIND = ValueKind.i32, I64_KIND = ValueKind.i64, F64_KIND = ValueKind.f64;

/** Makes the JavaScript function of a function of a store. */
export function makeCallable(func: FuncState): Callable {
  const { signature, host } = func;
  const callable: Callable = host === undefined
    ? guestCallable(func)
    : (...args) => callHostDirectly(func.store, signature, host, args);
  // JS API, "create an Exported Function": the name is the index, the length the number of parameters.
  Object.defineProperty(callable, "name", { value: String(func.index), configurable: true });
  const { length } = signature.params;
  if (callable.length !== length) Object.defineProperty(callable, "length", { value: length, configurable: true });
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
  const words = openedCalls().callBits(func, args, results.length);
  // What a slot holds beyond its value is left from somebody else.
  results.forEach((kind, slot) => words.fill(0, 4 * slot + WORDS_OF_KIND[VALUE_KINDS[kind]], 4 * slot + 4));
  return words;
}

/** How a turn of a call that may be parked begins: at the function, where a poll left, or where the guest left to wait for a promise. */
export type TurnStart = "enter" | "resume" | "settle";

/** Runs a detached activation until it is parked or done: returns whether it is done. */
export function runTurn(activation: Activation, start: TurnStart): boolean {
  return openedCalls().runTurn(activation, start);
}

/** Calls a function with JavaScript values under a deadline of its own. @throws {TypeError} when the engine's code cannot be interrupted. */
export function callWithDeadline(func: FuncState, args: readonly unknown[], deadline: Deadline): unknown {
  const { store } = func;
  store.addDeadline(deadline);
  try {
    return func.callable(...args);
  } finally {
    store.removeDeadline(deadline);
  }
}

function guestCallable(func: FuncState): Callable {
  const { params, results } = func.signature;
  const { byArity, ofF64, numeric, generic } = openedCalls();
  const count = params.length;
  const all = (wanted: number) => params.every((kind) => kind === wanted) && results.every((kind) => kind === wanted);
  if (count > 4 || results.length > 1 || !params.every(isScalar) || !results.every(isScalar)) return generic(func);
  if (all(I32_KIND)) return byArity[count][results.length](func);
  if (all(F64_KIND) && results.length === 1 && (count === 1 || count === 2)) return ofF64[count - 1](func);
  return numeric(func);
}

type CallableFactory = (func: FuncState) => Callable;

interface Calls {
  /** For i32 parameters by their number: without a result, and with an i32 result. */
  readonly byArity: readonly (readonly [ofNone: CallableFactory, ofI32: CallableFactory])[];
  /** For one and for two f64 parameters, and an f64 result. */
  readonly ofF64: readonly [CallableFactory, CallableFactory];
  /** For up to four numbers and at most one number as result. */
  readonly numeric: CallableFactory;
  readonly generic: CallableFactory;
  readonly enterAndServe: (target: CallTarget) => void;
  readonly runTurn: (activation: Activation, start: TurnStart) => boolean;
  readonly callBits: (target: CallTarget, args: Int32Array, resultCount: number) => Int32Array;
}

let opened: Calls | undefined;

function openedCalls(): Calls {
  return opened ??= openCalls(port());
}

function openCalls({ i32, i64, f32, f64, enter, resume }: Port): Calls {
  const EXIT_NUMBER = RECORD.exitNumber >> 2;
  const DONE = Status.done;
  const HOST_CALL = Status.hostCall;
  const LIBCALL = Status.libcall;
  const INTERRUPTED = Status.interrupted;
  const CONTINUATION_DONE = Status.continuationDone;
  /** No status of a guest: what it waits for has settled. */
  const SETTLED = NONE;

  /**
   * The store's next activation, aimed at `target`. It is taken only when the guest leaves for JavaScript, by `serve`: until then nobody
   * can look, so a call that is done at once has nothing to give back, whatever throws on its way.
   */
  function begin(target: CallTarget): Activation {
    const { store, lastActivation } = target;
    const { depth, activations } = store;
    if (lastActivation !== undefined && lastActivation.target === target && lastActivation.depth === depth) {
      return lastActivation;
    }
    const activation = depth < activations.length ? activations[depth] : store.addActivation();
    if (activation.target !== target) activation.aim(target);
    target.lastActivation = activation;
    return activation;
  }

  /** Serves the guest until it is done: true; or is to be parked: false. Throws what ends it: a trap, or what a host function threw. */
  function serve(activation: Activation, firstStatus: number): boolean {
    const { words, index, store, depth } = activation;
    let status = firstStatus;
    let isParked = false;
    activation.target = undefined; // ACT-C
    store.depth = depth + 1;
    try {
      do {
        if (status === HOST_CALL) {
          try {
            const thenable = store.hostCallers[words[EXIT_NUMBER]]();
            if (thenable !== undefined) {
              parkHostCall(activation, store.hostSignatures[words[EXIT_NUMBER]], thenable);
              return !(isParked = true);
            }
          } catch (error) {
            throwFromHost(activation, error);
          }
        } else if (status === LIBCALL) {
          runLibcall(activation, words[EXIT_NUMBER]);
          if (activation.pending !== undefined) return !(isParked = true);
        } else if (status === INTERRUPTED) {
          if (serveInterrupt(activation)) return !(isParked = true);
        } else if (status === CONTINUATION_DONE) store.continuations.finish(activation);
        else if (status === SETTLED) {
          deliver(activation);
          if (activation.pending !== undefined) return !(isParked = true);
        } else fail(activation, status);
        const { meter } = store;
        if (meter === undefined) status = resume(index);
        else {
          meter.start(activation);
          status = resume(index);
          if (status !== LIBCALL) meter.stop(); // METER-1
        }
      } while (status !== DONE);
      return true;
    } finally {
      store.meter?.stop();
      store.depth = depth;
      if (activation.parents.length > 0 && !isParked) store.continuations.abandon(activation);
    }
  }

  function run(activation: Activation): void {
    const { meter } = activation.store;
    if (meter !== undefined) return runMetered(activation, meter);
    const status = enter(activation.index);
    if (status !== DONE) serve(activation, status);
  }

  function runMetered(activation: Activation, meter: Meter): void {
    meter.start(activation);
    const status = enter(activation.index);
    if (status !== LIBCALL) meter.stop(); // METER-1
    if (status !== DONE) serve(activation, status);
  }

  /** One turn of a call that may be parked; returns whether it is done. */
  function runTurn(activation: Activation, start: TurnStart): boolean {
    if (start === "settle") return serve(activation, SETTLED);
    const { index, store: { meter } } = activation;
    meter?.start(activation);
    const status = start === "enter" ? enter(index) : resume(index);
    if (status !== LIBCALL) meter?.stop(); // METER-1
    return status === DONE || serve(activation, status);
  }

  function enterAndServe(target: CallTarget): void {
    const activation = begin(target);
    run(activation);
  }

  function callBits(target: CallTarget, args: Int32Array, resultCount: number): Int32Array {
    const activation = begin(target);
    i32.set(args);
    run(activation);
    return i32.slice(0, 4 * resultCount);
  }

  function call0(func: FuncState): number {
    const activation = begin(func);
    run(activation);
    return i32[0];
  }

  function call1(func: FuncState, a: number): number {
    const activation = begin(func);
    i32[0] = a;
    run(activation);
    return i32[0];
  }

  function call2(func: FuncState, a: number, b: number): number {
    const activation = begin(func);
    i32[0] = a;
    i32[4] = b;
    run(activation);
    return i32[0];
  }

  function call3(func: FuncState, a: number, b: number, c: number): number {
    const activation = begin(func);
    i32[0] = a;
    i32[4] = b;
    i32[8] = c;
    run(activation);
    return i32[0];
  }

  function call4(func: FuncState, a: number, b: number, c: number, d: number): number {
    const activation = begin(func);
    i32[0] = a;
    i32[4] = b;
    i32[8] = c;
    i32[12] = d;
    run(activation);
    return i32[0];
  }

  function callF1(func: FuncState, a: number): number {
    const activation = begin(func);
    f64[0] = a;
    run(activation);
    return f64[0];
  }

  function callF2(func: FuncState, a: number, b: number): number {
    const activation = begin(func);
    f64[0] = a;
    f64[2] = b;
    run(activation);
    return f64[0];
  }

  /** ToWebAssemblyValue for numbers, without a table: small enough to be inlined. */
  function toBits(kind: number, value: unknown): number | bigint {
    if (kind === I32_KIND) return (value as number) | 0;
    if (kind === F64_KIND) return +(value as number);
    if (kind === I64_KIND) return typeof value === "bigint" ? value : toI64(value);
    return Math.fround(value as number);
  }

  function put(kind: number, slot: number, bits: number | bigint): void {
    if (kind === I32_KIND) i32[slot << 2] = bits as number;
    else if (kind === F64_KIND) f64[slot << 1] = bits as number;
    else if (kind === I64_KIND) i64[slot << 1] = bits as bigint;
    else f32[slot << 2] = bits as number;
  }

  function take(kind: number): number | bigint {
    if (kind === I32_KIND) return i32[0];
    if (kind === F64_KIND) return f64[0];
    if (kind === I64_KIND) return i64[0];
    return f32[0];
  }

  /** Calls a function of up to four number parameters and at most one number result. */
  function callNumeric(func: FuncState, a: unknown, b: unknown, c: unknown, d: unknown): number | bigint | undefined {
    const { params, results } = func.signature;
    const count = params.length;
    const aBits = count > 0 ? toBits(params[0], a) : 0;
    const bBits = count > 1 ? toBits(params[1], b) : 0;
    const cBits = count > 2 ? toBits(params[2], c) : 0;
    const dBits = count > 3 ? toBits(params[3], d) : 0;
    const activation = begin(func);
    if (count > 0) put(params[0], 0, aBits);
    if (count > 1) put(params[1], 1, bBits);
    if (count > 2) put(params[2], 2, cBits);
    if (count > 3) put(params[3], 3, dBits);
    run(activation);
    return results.length === 0 ? undefined : take(results[0]);
  }

  function callGeneric(func: FuncState, args: readonly unknown[]): unknown {
    const { store, signature } = func;
    const { params, paramTypes, results } = signature;
    const bits: BitValue[] = [];
    for (let i = 0; i < params.length; i++) bits.push(coerceValue(store, params[i], paramTypes[i], args[i]));
    const activation = begin(func);
    for (let i = 0; i < params.length; i++) storeSlot(store, params[i], i, bits[i]);
    run(activation);
    return loadResults(store, results);
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
    ofF64: [
      (func) => (a) => callF1(func, +(a as number)),
      (func) => (a, b) => callF2(func, +(a as number), +(b as number)),
    ],
    numeric: (func) => (a, b, c, d) => callNumeric(func, a, b, c, d),
    generic: (func) => (...args) => callGeneric(func, args),
    enterAndServe,
    runTurn,
    callBits,
  };
}

/** Throws what a status other than done and the two kinds of calls means. */
function fail(activation: Activation, status: number): never {
  activation.store.requireOpen();
  // HOST-S: what V8 itself throws a moment later.
  if (status === Status.hostStackLow) throw new RangeError("Maximum call stack size exceeded");
  throw trapOfActivation(activation);
}
