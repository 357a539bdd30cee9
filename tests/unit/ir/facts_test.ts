/** Facts never contradict the values they were learnt from, and decide what follows from them. */

import { assert, assertEquals } from "@std/assert";
import { NONE } from "../../../lib/base/mod.ts";
import { FuncBuilder, I32, I64, INT_COND_NAMES, IntCond, Ir, Signatures, type Value } from "../../../lib/ir/mod.ts";
import { Facts } from "../../../lib/ir/passes/facts.ts";
import { Random } from "../../fuzz/generators/random.ts";

const INTERESTING = [0, 1, 2, 3, 10, 11, 0x7ffffffe, 0x7fffffff, -0x80000000, -0x7fffffff, -1, -2, -10];
const signatures = new Signatures();
const signature = signatures.add([I32, I32, I32, I64, I64], []);

function holds(cond: number, x: bigint, y: bigint, bits: number): boolean {
  const [u, v] = [BigInt.asUintN(bits, x), BigInt.asUintN(bits, y)];
  const [s, t] = [BigInt.asIntN(bits, x), BigInt.asIntN(bits, y)];
  return [s === t, s !== t, s < t, s >= t, s > t, s <= t, u < v, u >= v, u > v, u <= v][cond];
}

/** A builder with unknown values, whose actual numbers only the test knows. */
class World {
  readonly b = new FuncBuilder();
  readonly numbers = new Map<Value, bigint>();
  readonly narrow: Value[];
  readonly wide: Value[];

  constructor(random: Random) {
    this.b.reset(signatures, signature, 0);
    this.narrow = [0, 1, 2].map((index) => this.#set(this.b.param(index, I32), BigInt(random.pick(INTERESTING))));
    this.wide = [3, 4].map((index) => {
      const low = BigInt(random.pick(INTERESTING));
      return this.#set(this.b.param(index, I64), random.oneIn(2) ? BigInt.asUintN(10, low) : low);
    });
    const extended = this.b.unary(Ir.uextend, this.narrow[0], I64);
    this.wide.push(this.#set(extended, BigInt.asUintN(32, this.numbers.get(this.narrow[0])!)));
    for (const base of [...this.wide]) {
      for (const addend of [4, 8, 100]) {
        const sum = this.b.binary(Ir.iadd, base, this.b.iconst64(addend, 0));
        this.wide.push(this.#set(sum, BigInt.asUintN(64, this.numbers.get(base)! + BigInt(addend))));
      }
    }
    for (const constant of [0, 3, 10, -1]) this.narrow.push(this.#set(this.b.iconst32(constant), BigInt(constant)));
  }

  #set(value: Value, number: bigint): Value {
    this.numbers.set(value, number);
    return value;
  }

  /** A condition on two of the values, and whether it holds. */
  condition(random: Random): [condition: Value, isTrue: boolean] {
    const cond = random.below(INT_COND_NAMES.length);
    const values = random.oneIn(2) ? this.narrow : this.wide;
    const [x, y] = [random.pick(values), random.pick(values)];
    const isTrue = holds(cond, this.numbers.get(x)!, this.numbers.get(y)!, values === this.narrow ? 32 : 64);
    // Appended as it is: folding would decide some of them.
    return [this.b.append(Ir.icmp, I32, x, y, NONE, cond, 0), isTrue];
  }
}

Deno.test("Facts.decide() never contradicts the values that were learnt from", () => {
  const facts = new Facts();
  let decided = 0;
  for (let seed = 0; seed < 1500; seed++) {
    const random = new Random(seed);
    const world = new World(random);
    facts.start(world.b.func);
    facts.enter();
    const say = (isTrue: boolean) => isTrue ? "nonzero" : "zero";
    for (let i = 0; i < 12; i++) {
      const [condition, isTrue] = world.condition(random);
      facts.learn(condition, say(isTrue));
      for (let k = 0; k < 25; k++) {
        const [other, otherTrue] = world.condition(random);
        const decision = facts.decide(other);
        if (decision === "unknown") continue;
        decided++;
        const { func } = world.b;
        assertEquals(
          decision,
          say(otherTrue),
          `seed ${seed}: ${INT_COND_NAMES[func.imm[other]]} ${func.a[other]} ${func.b[other]}`,
        );
      }
    }
    facts.leave();
  }
  assert(decided > 50_000, `${decided} decided`);
});

Deno.test("Facts.leave() forgets", () => {
  const facts = new Facts();
  const b = new FuncBuilder();
  b.reset(signatures, signature, 0);
  const [x, y] = [b.param(0, I32), b.param(1, I32)];
  const less = b.icmp(IntCond.slt, x, y);
  facts.start(b.func);
  facts.enter();
  facts.learn(less, "nonzero");
  assertEquals(facts.decide(b.icmp(IntCond.ne, x, y)), "nonzero");
  assertEquals(facts.decide(b.icmp(IntCond.sgt, y, x)), "nonzero");
  assertEquals(facts.decide(b.icmp(IntCond.ult, x, y)), "unknown");
  facts.enter();
  facts.learn(x, "zero");
  assertEquals(facts.decide(b.icmp(IntCond.ult, x, b.iconst32(5))), "nonzero");
  facts.leave();
  assertEquals(facts.decide(b.icmp(IntCond.ult, x, b.iconst32(5))), "unknown");
  assertEquals(facts.decide(less), "nonzero");
  facts.leave();
  assertEquals(facts.decide(less), "unknown");
});

Deno.test("Facts follow conjunctions and disjunctions", () => {
  const facts = new Facts();
  const b = new FuncBuilder();
  b.reset(signatures, signature, 0);
  const [x, y] = [b.param(0, I32), b.param(1, I32)];
  const p = b.icmp(IntCond.slt, x, y);
  const q = b.icmp(IntCond.ult, y, b.iconst32(7));
  facts.start(b.func);
  facts.enter();
  facts.learn(b.binary(Ir.band, p, q), "nonzero");
  assertEquals([facts.decide(p), facts.decide(q)], ["nonzero", "nonzero"]);
  facts.leave();
  facts.enter();
  facts.learn(b.binary(Ir.bor, p, q), "zero");
  assertEquals([facts.decide(p), facts.decide(q), facts.decide(b.binary(Ir.band, p, q))], ["zero", "zero", "zero"]);
  facts.leave();
});
