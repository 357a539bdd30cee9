/**
 * Random sequences of calls that wait: many are parked at once, their promises settle in any order with values, exceptions or errors, they are
 * aborted, run out of time, or their store is closed; between them others call synchronously and collect. A model of each call knows what it
 * computes, and of each instance who may be in it.
 *
 * FUZZ_COUNT sequences (default 400) from FUZZ_SEED (default 1) on, in the configuration that the seed chooses.
 */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  BusyError,
  Engine,
  type EngineConfig,
  Exception,
  Instance,
  Module,
  Store,
  StructRef,
  Tag,
  Trap,
} from "../../mod.ts";
import { STRESS } from "../configurations.ts";
import { reportTally } from "../tally.ts";
import { wat } from "../wat.ts";
import { Random } from "./generators/random.ts";

const ENGINES: readonly EngineConfig[] = [
  {},
  { interruption: true },
  { interruption: true, fuel: true, bounds: "explicit" },
  STRESS,
  { bounds: "explicit", ...STRESS, stress: { ...STRESS.stress, poll: 11 } },
];

/** Sums what it is given, over exceptions; keeps objects and an external reference while it waits; and its number in a stack in memory. */
const guest = (hasStack: boolean) =>
  wat(`(module (type $box (struct (field i32) (field (ref null $box))))
  (import "m" "wait" (func $wait (param i32 i32) (result i32 externref (ref null $box))))
  (import "m" "tag" (tag $t (param i32 (ref null $box))))
  (memory 1)
  ${hasStack ? "(global $sp (mut i32) (i32.const 65536))" : ""}
  (func (export "box") (param i32) (result (ref $box)) (struct.new $box (local.get 0) (ref.null $box)))
  (func (export "twice") (param i32) (result i32) (i32.mul (i32.const 2) (local.get 0)))
  (func $value (param (ref null $box)) (result i32)
    (if (result i32) (ref.is_null (local.get 0)) (then (i32.const 0)) (else (struct.get $box 0 (local.get 0)))))
  (func $run (export "run") (param $id i32) (param $steps i32) (param $depth i32) (result i64 externref)
    (local $k i32) (local $v i32) (local $acc i64) (local $last externref) (local $box (ref null $box))
    (local $list (ref null $box)) (local $old i32)
    ${
    hasStack
      ? `(global.set $sp (i32.sub (local.tee $old (global.get $sp)) (i32.const 32)))
    (i32.store (global.get $sp) (i32.add (local.get $id) (local.get $depth)))`
      : ""
  }
    (if (local.get $depth)
      (then
        (call $run (local.get $id) (local.get $steps) (i32.sub (local.get $depth) (i32.const 1)))
        (local.set $last)
        (local.set $acc (i64.add (i64.extend_i32_u (local.get $depth)))))
      (else
        (loop $again
          (block $next
            (block $caught (result i32 (ref null $box))
              (try_table (catch $t $caught)
                (call $wait (local.get $id) (local.get $k))
                (local.set $box) (local.set $last) (local.set $v))
              (br $next))
            (local.set $box)
            (local.set $v (i32.add (i32.const 7))))
          (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.extend_i32_s (local.get $v))))
          (local.set $list (struct.new $box (call $value (local.get $box)) (local.get $list)))
          (br_if $again (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $steps))))
        (loop $sum
          (local.set $acc (i64.add (local.get $acc) (i64.extend_i32_s (struct.get $box 0 (local.get $list)))))
          (br_if $sum (i32.eqz (ref.is_null (local.tee $list (struct.get $box 1 (local.get $list)))))))))
    ${
    hasStack
      ? `(if (i32.ne (i32.load (global.get $sp)) (i32.add (local.get $id) (local.get $depth))) (then unreachable))
    (global.set $sp (local.get $old))`
      : ""
  }
    (local.get $acc) (local.get $last)))`);

/** What the host function does at a step of a call. */
type Act =
  /** Gives the values: at once, by a promise, by an object with `then`, or after a call of the guest's instance. */
  | { readonly kind: "now" | "promise" | "thenable" | "nested"; readonly value: number; readonly box: number }
  /** Throws an exception that the guest catches: at once, or by a rejection. */
  | { readonly kind: "throw" | "reject"; readonly value: number; readonly box: number }
  /** Ends the call by an error, or by a value of the wrong type. */
  | { readonly kind: "error" | "rejectError" | "wrong"; readonly value?: never; readonly box?: never };

const KINDS: readonly Act["kind"][] = [
  ...["now", "promise", "promise", "promise", "thenable", "nested", "throw", "reject", "promise"] as const,
  ...["now", "promise", "thenable", "promise", "reject", "promise", "error", "rejectError", "wrong"] as const,
];

const waits = ({ kind }: Act) => kind !== "now" && kind !== "throw" && kind !== "error";

/** An instance, and the calls in it that have not ended, in the order of their begin. */
interface Place {
  readonly instance: Instance;
  readonly isExclusive: boolean;
  readonly calls: Call[];
}

/** A call, as the model knows it. */
interface Call {
  readonly id: number;
  readonly place: Place;
  readonly acts: readonly Act[];
  readonly depth: number;
  readonly controller: AbortController;
  /** Whether time may end it at any moment. */
  readonly isTimed: boolean;
  /** The step that it waits at; -1 before the first. */
  at: number;
  /** Settles what it waits for. */
  settle: (() => void) | undefined;
  outcome: { readonly value: unknown } | { readonly error: unknown } | undefined;
  /** Why it must end, if somebody stopped it. */
  aborted: Error | undefined;
}

const ERROR = new Error("the host's own");

function randomAct(random: Random): Act {
  const kind = random.pick(KINDS);
  if (kind === "error" || kind === "rejectError" || kind === "wrong") {
    return random.oneIn(3) ? { kind } : { kind: "promise", value: random.below(1000), box: random.below(100) };
  }
  return { kind, value: (random.next() | 0) >> 4, box: random.below(1000) };
}

/** The step that a call stops at, from `step` on: where it waits, or its end. */
function nextStop({ acts }: Call, step: number): number {
  while (step < acts.length && !waits(acts[step]) && acts[step].kind !== "error") step++;
  return step;
}

/** What a call computes that nobody stops. */
function expected({ acts, depth, id }: Call): { sum: bigint; last: string | undefined } | { error: "host" | "type" } {
  let sum = 0n, boxes = 0n, last: string | undefined;
  for (const [step, act] of acts.entries()) {
    if (act.value === undefined) return { error: act.kind === "wrong" ? "type" : "host" };
    const isThrown = act.kind === "throw" || act.kind === "reject";
    const value = act.kind === "nested" ? act.value * 2 | 0 : act.value;
    sum = BigInt.asIntN(64, sum * 31n + BigInt(isThrown ? value + 7 | 0 : value));
    boxes += BigInt(act.box);
    if (!isThrown) last = `${id}.${step}`;
  }
  return { sum: BigInt.asIntN(64, sum + boxes + BigInt(depth * (depth + 1) / 2)), last };
}

const DISPOSED = new Error("the store is closed");

const isLive = ({ outcome, aborted }: Call) => outcome === undefined && aborted === undefined;

/** What sequences are run on. */
interface Subject {
  readonly config: EngineConfig;
  readonly engine: Engine;
  readonly tag: Module;
  /** Without and with a stack in memory. */
  readonly guests: readonly [Module, Module];
}

const TAG = wat(
  `(module (type $box (struct (field i32) (field (ref null $box)))) (tag (export "tag") (param i32 (ref null $box))))`,
);

class Sequence {
  readonly #random: Random;
  readonly #config: EngineConfig;
  readonly #store: Store;
  readonly #places: Place[] = [];
  readonly #calls: Call[] = [];
  readonly #tag: Tag;
  readonly #results: Promise<void>[] = [];
  readonly ended = { value: 0, host: 0, type: 0, aborted: 0, timed: 0, disposed: 0 };

  constructor(seed: number, { engine, config, tag, guests }: Subject) {
    this.#random = new Random(seed);
    this.#config = config;
    this.#store = new Store(engine);
    if (config.fuel) this.#store.fuel = 2 ** 50;
    const store = this.#store;
    this.#tag = new Instance(store, tag).exports.tag;
    const imports = { m: { wait: (id: number, step: number) => this.#wait(id, step), tag: this.#tag } };
    for (const isExclusive of [false, false, true, true]) {
      const instance = new Instance(store, guests[isExclusive ? 1 : 0], imports as never);
      this.#places.push({ instance, isExclusive, calls: [] });
    }
  }

  /** The host function. */
  #wait(id: number, step: number): unknown {
    const call = this.#calls[id];
    const act = call.acts[step];
    assertEquals(call.at < step, true);
    const others = call.place.calls.filter((other) => other !== call && other.settle !== undefined && isLive(other));
    assert(!call.place.isExclusive || others.length === 0, "two calls are in an exclusive instance");
    call.at = step;
    if (act.kind === "error") throw ERROR;
    if (act.kind === "now") return this.#values(call, step);
    if (act.kind === "throw") throw this.#exception(act);
    let value = 0;
    if (act.kind === "nested") value = call.place.instance.exports.twice(act.value);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    call.settle = () => {
      call.settle = undefined;
      if (act.kind === "rejectError") reject(ERROR);
      else if (act.kind === "wrong") resolve([1, null, {}]);
      else if (act.kind === "reject") reject(this.#exception(act));
      else if (act.kind === "nested") resolve([value, ...this.#values(call, step).slice(1)]);
      else resolve(this.#values(call, step));
    };
    return act.kind === "thenable" ? { then: promise.then.bind(promise) } : promise;
  }

  #values(call: Call, step: number): unknown[] {
    const act = call.acts[step] as { readonly value: number; readonly box: number };
    return [act.value, `${call.id}.${step}`, this.#box(act.box)];
  }

  #exception(act: { readonly value: number; readonly box: number }): Exception {
    return new Exception(this.#tag, [act.value, this.#box(act.box)] as never);
  }

  /** Null for 0. Made by an instance that any number of calls may be in. */
  #box(value: number): StructRef | null {
    return value === 0 ? null : this.#places[0].instance.exports.box(value);
  }

  async run(): Promise<void> {
    const random = this.#random;
    for (let count = 10 + random.below(40); count > 0; count--) {
      await this.#operate(random.below(12));
    }
    if (random.oneIn(3)) {
      // What is not done is told.
      for (const call of this.#live()) call.aborted ??= DISPOSED;
      this.#store.close();
    } else {
      while (this.#live().length > 0) {
        const waiting = this.#waiting();
        assert(waiting.length > 0, "calls are left that wait for nothing");
        await this.#advance(random.pick(waiting));
      }
    }
    await Promise.all(this.#results);
    for (const call of this.#calls) this.#check(call);
    this.#store.close();
  }

  #live(): Call[] {
    return this.#calls.filter(({ outcome }) => outcome === undefined);
  }

  #waiting(): Call[] {
    return this.#live().filter(({ settle }) => settle !== undefined);
  }

  async #operate(kind: number): Promise<void> {
    const random = this.#random;
    const waiting = this.#waiting();
    if (kind <= 3 || waiting.length === 0) await this.#start();
    else if (kind <= 7) await this.#advance(random.pick(waiting));
    else if (kind === 8) await this.#abort(random.pick(this.#live()));
    else if (kind === 9) this.#store.gc();
    else if (kind === 10) this.#callNow(random.pick(this.#places));
    else {
      // Several at once, in one turn of the event loop.
      const some = waiting.filter(() => random.oneIn(2));
      const stops = some.map((call) => this.#settle(call));
      for (const [i, call] of some.entries()) await this.#until(() => this.#hasStopped(call, stops[i]));
      for (const { place } of some) await this.#untilNextBegan(place);
    }
  }

  async #start(): Promise<void> {
    const random = this.#random;
    const place = random.pick(this.#places);
    const isTimed = !place.isExclusive && this.#config.interruption === true && random.oneIn(10);
    const call: Call = {
      id: this.#calls.length,
      place,
      acts: Array.from({ length: 1 + random.below(6) }, () => randomAct(random)),
      depth: random.below(4),
      controller: new AbortController(),
      isTimed,
      at: -1,
      settle: undefined,
      outcome: undefined,
      aborted: undefined,
    };
    this.#calls.push(call);
    place.calls.push(call);
    const options = {
      signal: call.controller.signal,
      ...isTimed ? { timeout: random.below(3), countHostTime: true } : {},
    };
    const args = [call.id, call.acts.length, call.depth];
    const promise = place.instance.func("run")!.callAsync(args, options) as Promise<unknown>;
    const ended = () => void place.calls.splice(place.calls.indexOf(call), 1);
    this.#results.push(promise.then((value) => {
      call.outcome = { value };
      ended();
    }, (error) => {
      call.outcome = { error };
      ended();
    }));
    const stop = nextStop(call, 0);
    // In an exclusive instance it begins when those before it have ended.
    if (!place.isExclusive || place.calls[0] === call) await this.#until(() => this.#hasStopped(call, stop));
  }

  /** Settles what a call waits for; returns where it stops next. */
  #settle(call: Call): number {
    const act = call.acts[call.at];
    const stop = act.kind === "rejectError" || act.kind === "wrong" ? call.acts.length : nextStop(call, call.at + 1);
    call.settle!();
    return stop;
  }

  async #advance(call: Call): Promise<void> {
    const stop = this.#settle(call);
    await this.#until(() => this.#hasStopped(call, stop));
    await this.#untilNextBegan(call.place);
  }

  async #abort(call: Call): Promise<void> {
    call.aborted = new Error(`call ${call.id} is aborted`);
    call.controller.abort(call.aborted);
    await this.#until(() => call.outcome !== undefined);
    await this.#untilNextBegan(call.place);
    // What it waited for may still become something.
    if (this.#random.oneIn(2)) call.settle?.();
  }

  /** Who is first now has begun. */
  async #untilNextBegan({ isExclusive, calls }: Place): Promise<void> {
    if (isExclusive) await this.#until(() => calls.length === 0 || calls[0].settle !== undefined);
  }

  #hasStopped(call: Call, stop: number): boolean {
    if (call.outcome !== undefined) return true;
    return stop < call.acts.length && call.at === stop && call.settle !== undefined;
  }

  #callNow({ instance, isExclusive, calls }: Place): void {
    const isBusy = isExclusive && calls.length > 0;
    try {
      assertEquals(instance.exports.twice(21), 42);
      assert(!isBusy, "an instance that is busy was entered");
    } catch (error) {
      if (!(error instanceof BusyError) || !isBusy) throw error;
    }
  }

  async #until(isDone: () => boolean): Promise<void> {
    for (let turns = 0; !isDone(); turns++) {
      assert(turns < 20_000, "nothing happens any more");
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #check(call: Call): void {
    const { outcome, aborted } = call;
    const wanted = expected(call);
    if (aborted === DISPOSED) {
      const { error } = outcome as { error: unknown };
      assert(error instanceof TypeError && error.message.includes("disposed"), String(error));
      this.ended.disposed++;
    } else if (aborted !== undefined) {
      assertStrictEquals((outcome as { error: unknown }).error, aborted);
      this.ended.aborted++;
    } else if (call.isTimed && "error" in outcome! && outcome.error instanceof Trap) {
      assertEquals(outcome.error.code, "interrupted");
      this.ended.timed++;
    } else if ("error" in wanted) {
      const { error } = outcome as { error: unknown };
      if (wanted.error === "host") assertStrictEquals(error, ERROR);
      else assert(error instanceof TypeError, String(error));
      this.ended[wanted.error]++;
    } else {
      assertEquals(outcome, { value: [wanted.sum, wanted.last ?? null] });
      this.ended.value++;
    }
  }
}

Deno.test("calls that wait in any number and end in any order do what each does alone", async () => {
  const count = Number(Deno.env.get("FUZZ_COUNT") ?? 400);
  const firstSeed = Number(Deno.env.get("FUZZ_SEED") ?? 1);
  const progress = Deno.env.get("FUZZ_PROGRESS");
  const subjects: Subject[] = ENGINES.map((config) => {
    const engine = new Engine({ ...config, checks: "on" });
    return {
      config,
      engine,
      tag: new Module(engine, TAG),
      guests: [new Module(engine, guest(false)), new Module(engine, guest(true))],
    };
  });
  const wrong: string[] = [];
  const ended: Record<string, number> = {};
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    if (progress !== undefined) Deno.writeTextFileSync(progress, String(seed));
    try {
      const sequence = new Sequence(seed, subjects[seed % subjects.length]);
      await sequence.run();
      for (const [kind, calls] of Object.entries(sequence.ended)) ended[kind] = (ended[kind] ?? 0) + calls;
    } catch (error) {
      wrong.push(`seed ${seed}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  for (const { engine } of subjects) engine[Symbol.dispose]();
  reportTally({ suite: "sequences of waiting calls", passed: count - wrong.length, failed: wrong.length, skipped: 0 });
  assertEquals(wrong, []);
  // Otherwise the sequences test little.
  if (count >= 100) {
    for (const [kind, calls] of Object.entries(ended)) {
      assert(calls > 0, `no call ended so: ${kind}`);
    }
  }
});
