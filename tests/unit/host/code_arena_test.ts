/** The code arena: allocation against a model, reuse, limits. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  allocateCode,
  ARENA_BYTES,
  ARENA_CHUNK_BYTES,
  boot,
  CODE_ALIGNMENT,
  codeArena,
  type CodeRange,
  freeCode,
  HostError,
  STATUS,
  valueArea,
} from "../../../lib/host/mod.ts";
import { RECORD } from "../../../lib/host/mod.ts";
import { Activation, emitReturn, F, memAt, placeCode, RAX, RECORD_MEM } from "./guest_code.ts";

Deno.test("allocateCode() gives aligned, disjoint ranges with live write views", () => {
  const ranges: CodeRange[] = [];
  let state = 99;
  const random = (n: number) => ((state = Math.imul(state, 1103515245) + 12345 >>> 0) >>> 8) % n;
  for (let i = 0; i < 2000; i++) {
    if (ranges.length < 40 || random(2) === 0) {
      const range = allocateCode(1 + random(random(8) === 0 ? 200_000 : 3000));
      assertEquals(range.rxAddress % CODE_ALIGNMENT, 0);
      assertEquals(range.rxAddress, codeArena().rxBase + range.offsetBytes);
      range.writeView.fill(i);
      ranges.push(range);
    } else {
      freeCode(ranges.splice(random(ranges.length), 1)[0]);
    }
    for (const range of ranges) {
      const { writeView } = range;
      assertEquals(writeView[0], writeView[writeView.length - 1]);
    }
  }
  const sorted = ranges.toSorted((a, b) => a.offsetBytes - b.offsetBytes);
  for (let i = 1; i < sorted.length; i++) {
    assert(sorted[i - 1].offsetBytes + sorted[i - 1].byteLength <= sorted[i].offsetBytes);
  }
  for (const range of ranges) freeCode(range);
});

Deno.test("CodeArena gives chunks back when much is free, and takes them again", () => {
  const arena = codeArena();
  const before = arena.usedBytes;
  const range = allocateCode(8 << 20);
  assert(arena.claimedBytes >= 8 << 20);
  freeCode(range);
  assertEquals(arena.usedBytes, before);
  assert(arena.claimedBytes <= before + (2 << 20), `${arena.claimedBytes}`);
  const again = allocateCode(8 << 20);
  assert(again.writeView.subarray(0, 100 * ARENA_CHUNK_BYTES).every((byte) => byte === 0 || byte === 0xcc));
  freeCode(again);
});

Deno.test("freeCode() detaches the view, fills with int3 and refuses a second time", () => {
  const range = allocateCode(100);
  const alias = placeCode((a) => a.buffer.append(new Uint8Array(64)));
  const { writeView } = range;
  freeCode(range);
  assertEquals(writeView.length, 0);
  assertThrows(() => freeCode(range), Error, "freed twice");
  freeCode(alias);
});

Deno.test("code in a reused range runs as what was written last", () => {
  for (let i = 0; i < 200; i++) {
    const code = placeCode((a) => {
      a.rm(F.load64, 2, RECORD_MEM, RECORD.area);
      a.ri(F.movImm32, RAX, i);
      a.rm(F.store32, RAX, memAt(2), 0);
      emitReturn(a);
    });
    using call = new Activation(code);
    assertEquals(boot().enter(call.record.index), STATUS.done);
    assertEquals(valueArea().i32[0], i);
    freeCode(code);
  }
});

Deno.test("allocateCode() refuses more than the arena has", () => {
  const error = assertThrows(() => allocateCode(ARENA_BYTES + 1), HostError);
  assertEquals(error.code, "limit");
});
