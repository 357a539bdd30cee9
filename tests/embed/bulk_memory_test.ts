import { assertEquals, assertThrows } from "@std/assert";
import { type Memory, Trap } from "../../mod.ts";
import { Sandbox, v8Exports } from "./sandbox.ts";

const PAGE_BYTES = 65536;
/** Constant lengths up to this have a function each: inline code ends before. */
const CONSTANT_LENGTHS = 140;
const DYNAMIC_LENGTHS = 300;
const LONG_LENGTHS = [511, 512, 767, 768, 1023, 1024, 1100, 2048, 4095, 4097, 16000, 65535, 65536, 65537, 70001];
/** Bytes of the window that a sweep looks at, on either side of what it moves. */
const MARGIN_BYTES = 40;

const constants = Array.from({ length: CONSTANT_LENGTHS }, (_, length) => length);
const MODULE = `(module (memory (export "memory") 4 8)
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "zero") (param i32 i32) (memory.fill (local.get 0) (i32.const 0) (local.get 1)))
  ;; What lives across the operations: all kinds, more than there are registers.
  (func (export "around") (param $to i32) (param $from i32) (param $n i32) (param $a i64) (param $x f64) (result i64 f64)
    (local $b i64) (local $c i64) (local $d i64) (local $y f64) (local $z f64) (local $i i32)
    (local.set $b (i64.mul (local.get $a) (i64.const 3)))
    (local.set $c (i64.xor (local.get $b) (i64.const 0x123456789)))
    (local.set $d (i64.add (local.get $a) (local.get $c)))
    (local.set $y (f64.mul (local.get $x) (f64.const 0.5)))
    (local.set $z (f64.add (local.get $x) (local.get $y)))
    (loop $again
      (memory.copy (local.get $to) (local.get $from) (local.get $n))
      (local.set $a (i64.add (local.get $a) (local.get $d)))
      (local.set $x (f64.add (local.get $x) (local.get $z)))
      (memory.fill (i32.add (local.get $to) (local.get $n)) (local.get $i) (local.get $n))
      (local.set $b (i64.sub (local.get $b) (local.get $c)))
      (local.set $y (f64.sub (local.get $y) (local.get $x)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
    (i64.add (local.get $a) (i64.add (local.get $b) (local.get $d)))
    (f64.add (local.get $x) (f64.add (local.get $y) (local.get $z))))
  ${
  constants.map((length) => `
  (func (export "copy${length}") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const ${length})))
  (func (export "fill${length}") (param i32 i32) (memory.fill (local.get 0) (local.get 1) (i32.const ${length})))
  (func (export "zero${length}") (param i32) (memory.fill (local.get 0) (i32.const 0) (i32.const ${length})))`).join("")
})`;

/** A memory of a guest beside a model of it. */
class Model {
  readonly expected: Uint8Array<ArrayBuffer>;
  #seed = 1;

  constructor(readonly memory: Memory) {
    this.expected = new Uint8Array(memory.byteLength);
    this.expected.forEach((_, index, bytes) => bytes[index] = this.#random());
    memory.view.set(this.expected);
  }

  #random(): number {
    this.#seed = Math.imul(this.#seed, 0x915f77f5) + 1 | 0;
    return this.#seed >>> 24;
  }

  /** Gives `[start, end)` new contents, so that what is moved is never there already. */
  refresh(start: number, end: number): void {
    for (let i = start; i < end; i++) this.expected[i] = this.#random();
    this.memory.view.set(this.expected.subarray(start, end), start);
  }

  /** Compares from a margin below `start` to a margin above `end`. */
  compare(start: number, end: number, what: () => string): void {
    const view = this.memory.view;
    const last = Math.min(view.length, end + MARGIN_BYTES);
    for (let i = Math.max(0, start - MARGIN_BYTES); i < last; i++) {
      if (view[i] !== this.expected[i]) assertEquals(view[i], this.expected[i], `${what()}: byte ${i}`);
    }
  }

  compareAll(what: string): void {
    this.compare(0, this.expected.length, () => what);
  }
}

type Copy = (to: number, from: number) => void;

/** Copies by all distances that matter for a length, at some alignments. */
function sweepCopy(model: Model, length: number, copy: Copy): void {
  const distances = new Set([length - 1, length, length + 5]);
  for (const near of [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100]) distances.add(near);
  let alignment = 0;
  for (const distance of distances) {
    for (const signed of [distance, -distance]) {
      alignment = alignment + 5 & 63;
      const from = 70000 + alignment, to = from + signed;
      const start = Math.min(from, to), end = Math.max(from, to) + length;
      model.refresh(start, end);
      copy(to, from);
      model.expected.copyWithin(to, from, from + length);
      model.compare(start, end, () => `copy of ${length} by ${signed} to alignment ${to & 63}`);
    }
  }
}

for (const bounds of ["guard", "explicit"] as const) {
  Deno.test(`memory.copy copies any length by any distance (${bounds} bounds)`, () => {
    using sandbox = new Sandbox({ bounds });
    const { exports } = sandbox.instance(MODULE);
    const model = new Model(exports.memory);
    for (const length of constants) sweepCopy(model, length, exports[`copy${length}`]);
    for (let length = 0; length <= DYNAMIC_LENGTHS; length++) {
      sweepCopy(model, length, (to, from) => exports.copy(to, from, length));
    }
    for (const length of LONG_LENGTHS) sweepCopy(model, length, (to, from) => exports.copy(to, from, length));
    model.compareAll("all copies");
  });

  Deno.test(`memory.fill fills any length with any byte (${bounds} bounds)`, () => {
    using sandbox = new Sandbox({ bounds });
    const { exports } = sandbox.instance(MODULE);
    const model = new Model(exports.memory);
    const check = (to: number, byte: number, length: number, fill: () => void) => {
      model.refresh(to, to + length);
      fill();
      model.expected.fill(byte, to, to + length);
      model.compare(to, to + length, () => `fill of ${length} with ${byte} at ${to & 63}`);
    };
    for (const length of [...Array(DYNAMIC_LENGTHS + 1).keys(), ...LONG_LENGTHS]) {
      for (let alignment = 0; alignment < 64; alignment += 7) {
        const to = 3000 + alignment, byte = length * 37 + alignment * 0x1234501;
        check(to, byte, length, () => exports.fill(to, byte, length));
        check(to, 0, length, () => exports.zero(to, length));
        if (length >= CONSTANT_LENGTHS) continue;
        check(to, byte, length, () => exports[`fill${length}`](to, byte));
        check(to, 0, length, () => exports[`zero${length}`](to));
      }
    }
    model.compareAll("all fills");
  });

  Deno.test(`bulk operations reach the last byte, and write nothing when they reach further (${bounds} bounds)`, () => {
    using sandbox = new Sandbox({ bounds });
    const { exports } = sandbox.instance(MODULE);
    const model = new Model(exports.memory);
    const size = 4 * PAGE_BYTES;
    const traps = (run: () => void) => assertEquals(assertThrows(run, Trap).code, "memory_out_of_bounds");
    for (const length of [...constants, 200, 768, 5000, 65536, 65537, 200000]) {
      const copy = length < CONSTANT_LENGTHS
        ? exports[`copy${length}`]
        : (to: number, from: number) => exports.copy(to, from, length);
      const fill = length < CONSTANT_LENGTHS
        ? exports[`fill${length}`]
        : (to: number, byte: number) => exports.fill(to, byte, length);
      const end = size - length;
      model.refresh(0, length);
      copy(end, 0);
      model.expected.copyWithin(end, 0, length);
      model.compare(end, size, () => `copy of ${length} to the end`);
      model.refresh(end, size);
      copy(0, end);
      model.expected.copyWithin(0, end);
      model.compare(0, length, () => `copy of ${length} from the end`);
      fill(end, length);
      model.expected.fill(length, end);
      model.compare(end, size, () => `fill of ${length} to the end`);
      model.refresh(end, size);
      for (const start of [end + 1, size, size + 1, 0x7fffffff, -length - 1, -1]) {
        if (length === 0 && start === size) continue;
        if (start + length <= size && start >= 0) continue;
        traps(() => copy(start, 0));
        traps(() => copy(0, start));
        traps(() => copy(start, start));
        traps(() => fill(start, 7));
        traps(() => exports.copy(start, 8, length));
        traps(() => exports.copy(8, start, length));
        traps(() => exports.fill(start, 7, length));
        model.compare(end, size, () => `trap of ${length} at ${start}`);
      }
    }
    traps(() => exports.copy(0, 0, -1));
    traps(() => exports.copy(-1, -1, 2));
    traps(() => exports.fill(-1, 0, 2));
    model.compareAll("all traps");
    // The bounds are those of now.
    exports.memory.grow(1);
    exports.copy(size, 0, PAGE_BYTES);
    exports.fill(size + PAGE_BYTES - 60, 1, 60);
    exports.copy60(size + PAGE_BYTES - 60, size);
    traps(() => exports.copy60(size + PAGE_BYTES - 59, size));
  });

  Deno.test(`values live across copies and fills (${bounds} bounds)`, () => {
    using sandbox = new Sandbox({ bounds });
    const { around } = sandbox.instance(MODULE).exports;
    const { around: oracle } = v8Exports(MODULE);
    for (const length of [0, 1, 5, 16, 24, 40, 100, 800, 70000]) {
      const args = [100, 50, length, 0x1234_5678_9abcn, 1.5];
      assertEquals(around(...args), oracle(...args));
    }
  });
}
