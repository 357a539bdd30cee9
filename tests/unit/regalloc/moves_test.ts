import { assertEquals } from "@std/assert";
import { REMATERIALISE } from "../../../lib/regalloc/mod.ts";
import { EditLog, IN_SLOT, IN_SPARE, Phase } from "../../../lib/regalloc/edit_log.ts";
import { ParallelMoves } from "../../../lib/regalloc/moves.ts";
import { Random } from "./random_program.ts";

const SCRATCH = 31;
const INT_REGISTERS = 0b1111;

/** Vreg s lives in slot s: locations as they are written in the log. */
interface Move {
  from: number;
  to: number;
  value: string;
}

/** Runs the sequence and returns the final contents by location. */
function replay(log: EditLog, initial: Map<number, string>, slotOf: (v: number) => number): Map<number, string> {
  const state = new Map(initial);
  for (let n = 0; n < log.count; n++) {
    const at = (x: number) => x === IN_SLOT ? -1 - slotOf(log.vreg[n]) : x === IN_SPARE ? -1000 : x;
    const from = at(log.from[n]), to = at(log.to[n]);
    if (from < 0 && to < 0) throw new Error("slot to slot");
    state.set(to, from === REMATERIALISE ? `remat ${log.vreg[n]}` : state.get(from)!);
  }
  return state;
}

Deno.test("ParallelMoves.resolve() equals simultaneous assignment for random sets", () => {
  const random = new Random(11);
  const log = new EditLog();
  // Vregs 0 to 7 have slots 0 to 7, so a slot is named by a vreg; 8 and 9 are rematerialisable.
  const slots = 8;
  const classes = new Uint8Array(16);
  for (let round = 0; round < 5000; round++) {
    const moves = new ParallelMoves(SCRATCH, INT_REGISTERS);
    log.reset();
    log.at(0, Phase.before);
    const locations = [0, 1, 2, 3, ...Array.from({ length: slots }, (_, s) => -1 - s)];
    const initial = new Map<number, string>(locations.map((l) => [l, `in ${l}`]));
    const expected = new Map(initial);
    let free = INT_REGISTERS;
    const set: Move[] = [];
    for (const to of locations) {
      if (random.chance(40)) continue;
      if (random.chance(10)) set.push({ from: REMATERIALISE, to, value: `remat 8` });
      else {
        const from = locations[random.below(locations.length)];
        set.push({ from, to, value: initial.get(from)! });
      }
    }
    for (const { from, to, value } of set) {
      expected.set(to, value);
      for (const l of [from, to]) if (l >= 0 && l < 32) free &= ~(1 << l);
      const fromVreg = from === REMATERIALISE ? 8 : from < 0 ? -1 - from : 0;
      moves.add(fromVreg, from, to < 0 ? -1 - to : 0, to);
    }
    // A register is free only if nobody minds that it changes.
    moves.resolve(log, free, classes);
    const state = replay(log, initial, (v) => v);
    for (const l of locations) {
      if (l >= 0 && (free & (1 << l)) !== 0) continue;
      assertEquals(state.get(l), expected.get(l), `round ${round}, location ${l}: ${JSON.stringify(set)}`);
    }
  }
});

Deno.test("ParallelMoves.resolve() swaps two registers through a free one", () => {
  const log = new EditLog();
  const moves = new ParallelMoves(SCRATCH, INT_REGISTERS);
  log.at(0, Phase.before);
  moves.add(5, 0, 5, 1);
  moves.add(6, 1, 6, 0);
  moves.resolve(log, 1 << 3, new Uint8Array(8));
  assertEquals(log.count, 3);
  assertEquals(replay(log, new Map([[0, "a"], [1, "b"]]), (v) => v).get(0), "b");
});

Deno.test("ParallelMoves.resolve() swaps two slots through the spare one", () => {
  const log = new EditLog();
  const moves = new ParallelMoves(SCRATCH, INT_REGISTERS);
  log.at(0, Phase.before);
  moves.add(0, -1, 1, -2);
  moves.add(1, -2, 0, -1);
  moves.resolve(log, 0, new Uint8Array(8));
  const state = replay(log, new Map([[-1, "a"], [-2, "b"]]), (v) => v);
  assertEquals([state.get(-1), state.get(-2)], ["b", "a"]);
  assertEquals(moves.spareUsed, true);
});

Deno.test("ParallelMoves.resolve() saves a value of a cycle over both classes in a register of its own class", () => {
  const log = new EditLog();
  const moves = new ParallelMoves(SCRATCH, INT_REGISTERS);
  const F0 = 16;
  const vregClass = Uint8Array.of(0, 1, 1, 0);
  log.at(0, Phase.before);
  // Slots 0 and 1 change from one class to the other.
  moves.add(0, 0, 0, -1);
  moves.add(1, -1, 1, F0);
  moves.add(2, F0, 2, -2);
  moves.add(3, -2, 3, 0);
  moves.resolve(log, 1 << 3, vregClass);
  for (let n = 0; n < log.count; n++) {
    for (const place of [log.from[n], log.to[n]]) {
      if (place >= 0 && place !== SCRATCH) assertEquals(place >> 4, vregClass[log.vreg[n]], `edit ${n}`);
    }
  }
});
