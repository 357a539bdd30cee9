/** Chunk maps against a plain model. */

import { assert, assertEquals } from "@std/assert";
import { ChunkMap } from "../../../lib/host/claims.ts";
import { LEDGER } from "../../../lib/host/mod.ts";

const COUNT = 256;

function makeMap(): { map: ChunkMap; words: Int32Array } {
  const words = new Int32Array(4 + COUNT / 32 + 4);
  return { map: new ChunkMap(words, 16, COUNT, LEDGER.arenaBits), words };
}

Deno.test("ChunkMap.claim() gives the first run that fits and release() gives it back", () => {
  const { map, words } = makeMap();
  assertEquals([map.claim(1), map.claim(40), map.claim(1)], [0, 1, 41]);
  map.release(1, 40);
  assertEquals(map.isClaimed(0), true);
  assertEquals(map.isClaimed(1), false);
  assertEquals(map.isClaimed(41), true);
  assertEquals(map.claim(41), 42);
  assertEquals(map.claim(40), 1);
  assertEquals(map.claim(COUNT), -1);
  assertEquals([...words.subarray(0, 4), ...words.subarray(-4)], [0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("ChunkMap.claim() fills the map exactly", () => {
  const { map, words } = makeMap();
  for (let i = 0; i < COUNT; i++) assertEquals(map.claim(1), i);
  assertEquals(map.claim(1), -1);
  assert(words.subarray(4, 4 + COUNT / 32).every((word) => word === -1));
  map.release(0, COUNT);
  assertEquals(map.claim(COUNT), 0);
});

Deno.test("ChunkMap agrees with a model over random claims and releases", () => {
  const { map, words } = makeMap();
  const model = new Uint8Array(COUNT);
  const runs: [number, number][] = [];
  let state = 7;
  const random = (n: number) => ((state = Math.imul(state, 1103515245) + 12345 >>> 0) >>> 8) % n;
  for (let i = 0; i < 20_000; i++) {
    if (random(2) === 0) {
      const length = 1 + random(random(4) === 0 ? 70 : 5);
      const start = map.claim(length);
      let expected = -1;
      for (let at = 0, run = 0; at < COUNT && expected < 0; at++) {
        run = model[at] ? 0 : run + 1;
        if (run === length) expected = at - length + 1;
      }
      assertEquals(start, expected);
      if (start >= 0) {
        model.fill(1, start, start + length);
        runs.push([start, length]);
      }
    } else if (runs.length > 0) {
      const [start, length] = runs.splice(random(runs.length), 1)[0];
      map.release(start, length);
      model.fill(0, start, start + length);
    }
    for (let bit = 0; bit < COUNT; bit += 17) {
      assertEquals((words[4 + (bit >> 5)] >>> (bit & 31)) & 1, model[bit]);
    }
  }
});
