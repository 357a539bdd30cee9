/**
 * Random programs of continuations, as text: workers that suspend, throw, call each other and start continuations of their own; drivers that
 * resume them with handlers, bind arguments, throw into them, drop them, or leave a suspension to the driver around theirs; rings of
 * continuations that switch among themselves.
 *
 * Everything is i32 and terminates: every call takes fuel from a global, and no fuel means return. The export `run` mixes all that happens,
 * in order, into its result, so two engines agree on the result only if they agree on the order of everything.
 */

import type { Random } from "./random.ts";

const PRELUDE = `
  (type $f (func (param i32) (result i32))) (type $c (cont $f))
  (type $f0 (func (result i32))) (type $c0 (cont $f0))
  (rec (type $fs (func (param i32 (ref null $cs)) (result i32))) (type $cs (cont $fs)))
  (tag $ask (param i32) (result i32))
  (tag $tell (param i32 i32) (result i32))
  (tag $boom (param i32))
  (tag $turn (result i32))
  (global $fuel (mut i32) (i32.const 0))
  (global $log (mut i32) (i32.const 0))
  (memory 1)
  (func $note (param i32)
    (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 0x01000193)) (local.get 0)))
    (i32.store (i32.and (global.get $log) (i32.const 0xfffc)) (local.get 0)))
  (func $spent (result i32)
    (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
    (i32.lt_s (global.get $fuel) (i32.const 0)))`;

/** Makes one program. */
export function continuationProgram(random: Random): string {
  return new Generator(random).program();
}

/** Statements of workers and drivers work on `$x`, and have `$k` for a continuation. */
class Generator {
  readonly #random: Random;
  readonly #workers: number;
  readonly #drivers: number;
  readonly #ring: number;

  constructor(random: Random) {
    this.#random = random;
    this.#workers = 2 + random.below(4);
    this.#drivers = 1 + random.below(4);
    this.#ring = random.below(3);
  }

  program(): string {
    const count = (length: number, make: (index: number) => string) =>
      Array.from({ length }, (_, i) => make(i)).join("\n");
    const names = [
      ...Array.from({ length: this.#workers }, (_, i) => `$worker${i}`),
      ...Array.from({ length: this.#drivers }, (_, i) => `$driver${i}`),
      ...Array.from({ length: this.#ring }, (_, i) => `$ring${i}`),
    ];
    return `(module ${PRELUDE}
      ${
      count(this.#workers, (i) =>
        `(func $worker${i} (type $f) (local $x i32) (local $i i32)
        (local.set $x (local.get 0)) (if (call $spent) (then (return (local.get $x))))
        ${this.#statements(1 + this.#random.below(5), 0)}
        (local.get $x))`)
    }
      ${count(this.#drivers, () => this.#driver())}
      ${count(this.#ring, () => this.#ringMember())}
      (elem declare func ${names.join(" ")})
      (func (export "run") (param $x i32) (result i32) (local $i i32)
        (global.set $fuel (i32.const ${50 + this.#random.below(400)}))
        (global.set $log (i32.const 0))
        ${this.#top()}
        (i32.xor (global.get $log) (local.get $x))))`;
  }

  #pick(limit: number): number {
    return this.#random.below(limit);
  }

  /** What the export does: drives, with or without something that catches. */
  #top(): string {
    const call = `(local.set $x (call $driver${this.#pick(this.#drivers)} (local.get $x)))`;
    if (this.#pick(4) === 0) return call;
    return `(block $caught (result i32) (try_table (catch $boom $caught) ${call} ${call}) (i32.const 0)) (local.set $x (i32.add (local.get $x)))`;
  }

  #func(): string {
    return this.#pick(5) === 0 ? `$driver${this.#pick(this.#drivers)}` : `$worker${this.#pick(this.#workers)}`;
  }

  #statements(count: number, depth: number): string {
    return Array.from({ length: count }, () => this.#statement(depth)).join("\n");
  }

  #statement(depth: number): string {
    const constant = `(i32.const ${this.#pick(1000) - 500})`;
    switch (this.#pick(depth < 2 ? 10 : 6)) {
      case 0:
        return `(local.set $x (suspend $ask (i32.add (local.get $x) ${constant})))`;
      case 1:
        return `(local.set $x (suspend $tell (local.get $x) ${constant}))`;
      case 2:
        return `(call $note (local.get $x))`;
      case 3:
        return `(local.set $x (i32.rotl (i32.add (local.get $x) ${constant}) (i32.const ${1 + this.#pick(30)})))`;
      case 4:
        return `(local.set $x (call ${this.#func()} (local.get $x)))`;
      case 5:
        return this.#pick(3) > 0
          ? `(call $note ${constant})`
          : `(if (i32.eqz (i32.and (local.get $x) (i32.const ${
            7 + this.#pick(2) * 8
          }))) (then (throw $boom (local.get $x))))`;
      case 6:
        return `(block $out (result i32) (try_table (catch $boom $out) ${
          this.#statements(1 + this.#pick(3), depth + 1)
        })
          (local.get $x)) (local.set $x (i32.xor ${constant}))`;
      case 7:
        return `(if (i32.and (local.get $x) (i32.const 1)) (then ${this.#statements(1 + this.#pick(2), depth + 1)})
          (else ${this.#statements(1 + this.#pick(2), depth + 1)}))`;
      case 8:
        return `(local.set $i (i32.const ${1 + this.#pick(3)}))
          (loop $again ${this.#statements(1 + this.#pick(2), depth + 1)}
            (br_if $again (i32.gt_s (local.tee $i (i32.sub (local.get $i) (i32.const 1))) (i32.const 0))))`;
      default:
        return `(local.set $x (call $driver${this.#pick(this.#drivers)} (local.get $x)))`;
    }
  }

  /** A continuation of a random function that takes one i32, or none with the argument bound. */
  #driver(): string {
    const start = `(cont.new $c (ref.func ${this.#func()}))`;
    const first = this.#ring > 0 && this.#pick(3) === 0
      ? `(local.set $x (resume $cs (on $turn switch) (local.get $x) (ref.null $cs) (cont.new $cs (ref.func $ring${
        this.#pick(this.#ring)
      }))))`
      : "";
    const clauses = ["(on $ask $ask)", "(on $tell $tell)"].filter(() => this.#pick(5) > 0);
    const resume = this.#pick(3) === 0
      ? `(resume $c0 ${clauses.join(" ")} (cont.bind $c $c0 (local.get $x) (local.get $k)))`
      : `(resume $c ${clauses.join(" ")} (local.get $x) (local.get $k))`;
    const next = () => {
      switch (this.#pick(6)) {
        case 0: // gives up on it
          return `(call $note (local.get $x)) (return (local.get $x))`;
        case 1: // throws into it, and leaves what it suspends with to somebody else
          return `(return (resume_throw $c $boom (local.get $x) (local.get $k)))`;
        case 2:
          return `(local.set $x (i32.mul (local.get $x) (i32.const ${3 + 2 * this.#pick(50)})))`;
        case 3:
          return `(call $note (local.get $x))`;
        case 4: // a continuation is one-shot: the second time traps
          return this.#pick(8) === 0 ? `(drop (resume $c (local.get $x) (local.get $k)))` : "";
        default:
          return `(local.set $x (i32.add (local.get $x) (i32.const ${this.#pick(100)})))`;
      }
    };
    const number = this.#driverNumber++;
    return `(func $driver${number} (type $f) (local $x i32) (local $y i32) (local $k (ref null $c)) (local $turns i32)
      (local.set $x (local.get 0)) (if (call $spent) (then (return (local.get $x))))
      ${first}
      (local.set $k ${start})
      (loop $again
        (block $done (result i32)
          (block $tell (result i32 i32 (ref $c))
            (block $ask (result i32 (ref $c))
              ${resume}
              (br $done))
            (local.set $k) (local.set $x)
            ${
      clauses.includes("(on $ask $ask)") && this.#pick(4) === 0 ? this.#giveUpOrGoOn(next()) : this.#plain(next())
    }
            (br $again))
          (local.set $k) (local.set $y) (local.set $x (i32.xor (local.get $y)))
          (call $note (local.get $y))
          (if (call $spent) (then (return (local.get $x))))
          (br $again))
        (return))
      (unreachable))`;
  }

  #driverNumber = 0;

  #plain(next: string): string {
    return `(if (call $spent) (then (return (local.get $x)))) ${next}`;
  }

  #giveUpOrGoOn(next: string): string {
    return `(local.set $turns (i32.add (local.get $turns) (i32.const 1)))
      (if (i32.gt_s (local.get $turns) (i32.const ${this.#pick(6)})) (then ${next})) ${this.#plain("")}`;
  }

  /** One of several that hand control around. */
  #ringMember(): string {
    const number = this.#ringNumber++;
    const other = this.#pick(this.#ring);
    return `(func $ring${number} (type $fs) (local $n i32) (local $k (ref null $cs))
      (local.set $n (local.get 0)) (local.set $k (local.get 1))
      (loop $again
        (call $note (local.get $n))
        (if (call $spent) (then (return (local.get $n))))
        (if (i32.eqz (i32.and (local.get $n) (i32.const ${this.#pick(2) * 8 + 7}))) (then (return (local.get $n))))
        (if (ref.is_null (local.get $k)) (then (local.set $k (cont.new $cs (ref.func $ring${other})))))
        (switch $cs $turn (i32.add (i32.mul (local.get $n) (i32.const 5)) (i32.const ${number + 1})) (local.get $k))
        (local.set $k) (local.set $n)
        (br $again))
      (unreachable))`;
  }

  #ringNumber = 0;
}
