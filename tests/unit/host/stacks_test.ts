/** Stack and record pools. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  acquireStack,
  clearStack,
  DEFAULT_STACK_BYTES,
  HostError,
  RECORD,
  RecordPool,
  recordPool,
  RECORDS_PER_CHUNK,
  releaseStack,
  scratchString,
  STACK_GUARD_BYTES,
  STACK_RESERVE_BYTES,
  StackPool,
  stackPool,
  SYS,
  sys,
  valueArea,
} from "../../../lib/host/mod.ts";

Deno.test("acquireStack() gives aligned stacks, last in first out", () => {
  const first = acquireStack();
  const second = acquireStack();
  for (const stack of [first, second]) {
    assertEquals(stack.top % 16, 0);
    assertEquals(stack.top - stack.limit, DEFAULT_STACK_BYTES);
    assert(stack.limit - stack.low >= STACK_GUARD_BYTES + STACK_RESERVE_BYTES);
  }
  assert(Math.abs(first.low - second.low) >= DEFAULT_STACK_BYTES);
  releaseStack(first);
  releaseStack(second);
  assertEquals(acquireStack(), second);
  assertEquals(acquireStack(), first);
  releaseStack(first);
  releaseStack(second);
});

Deno.test("a slab's words show the stacks, by 32-bit arithmetic", () => {
  const stack = acquireStack();
  const { words, addressLo } = stack.slab;
  const index = ((stack.top | 0) - addressLo) >>> 2;
  words[index - 1] = 1234;
  assertEquals(words[(stack.top - stack.slab.addressNumber) / 4 - 1], 1234);
  clearStack(stack);
  assertEquals(words[index - 1], 0);
  releaseStack(stack);
});

Deno.test("clearStack() clears pages that the process has locked", () => {
  const MLOCK = 149, PAGE_BYTES = 4096;
  const stack = acquireStack();
  const { words, addressLo } = stack.slab;
  const index = ((stack.top | 0) - addressLo) >>> 2;
  words[index - 1] = 1234;
  assertEquals(sys(MLOCK, stack.top - PAGE_BYTES, PAGE_BYTES), 0);
  clearStack(stack);
  assertEquals(words[index - 1], 0);
  words[index - 1] = 99;
  clearStack(stack);
  assertEquals(words[index - 1], 0);
  releaseStack(stack);
});

Deno.test("StackPool makes stacks of any size in bounds and unmaps them", () => {
  const pool = new StackPool(300_000);
  assertEquals([pool.stackBytes, pool.slotBytes], [300_000, 458_752]);
  const stacks = Array.from({ length: 500 }, () => pool.acquire());
  assertEquals([pool.total, pool.inUse], [500, 500]);
  assertEquals(new Set(stacks.map((stack) => stack.low)).size, 500);
  assertThrows(() => pool.dispose(), Error, "in use");
  for (const stack of stacks) pool.release(stack);
  assertThrows(() => pool.release(stacks[0]), Error, "twice");
  const { slab } = stacks[0];
  const { words } = slab;
  pool.dispose();
  assertEquals(words.length, 0);
  assertEquals(pool.total, 0);
  const big = new StackPool(512 << 20);
  big.release(big.acquire());
  big.dispose();
  assertThrows(() => new StackPool(64 * 1024 - 1), HostError);
  assertThrows(() => new StackPool(2 ** 40), HostError);
  assertThrows(() => new StackPool(NaN), HostError);
});

Deno.test("acquireStack() keeps stacks of different sizes apart", () => {
  const small = acquireStack(64 * 1024);
  const large = acquireStack(16 << 20);
  assertEquals([small.top - small.limit, large.top - large.limit], [64 * 1024, 16 << 20]);
  assertEquals([small.top % 16, stackPool(64 * 1024).inUse, stackPool(16 << 20).inUse], [0, 1, 1]);
  releaseStack(small);
  releaseStack(large);
  assertEquals([acquireStack(16 << 20), acquireStack(64 * 1024)], [large, small]);
  releaseStack(small);
  releaseStack(large);
});

Deno.test("10,000 parked stacks cost few mappings", () => {
  const maps = () => Deno.readTextFileSync("/proc/self/maps").split("\n").length;
  const before = maps();
  const pool = new StackPool();
  const stacks = Array.from({ length: 10_000 }, () => {
    try {
      return pool.acquire();
    } catch (error) {
      // Kernels before 6.13 split a mapping per guard, and the pool is capped.
      assert(error instanceof HostError && error.code === "limit");
      return undefined;
    }
  });
  const made = stacks.filter((stack) => stack !== undefined);
  if (made.length === 10_000) assert(maps() - before < 500, `${maps() - before} mappings`);
  for (const stack of made) pool.release(stack);
  pool.dispose();
  assert(maps() - before < 200, `${maps() - before} mappings stay`);
});

Deno.test("StackPool guards by mprotect where the kernel knows nothing better, and caps the pool", () => {
  const pool = new StackPool(96 * 1024, "mprotect");
  const first = pool.acquire();
  // The kernel refuses to read the guard, and reads right above it.
  const fd = sys(SYS.memfd_create, scratchString("sink"), 1);
  assertEquals(sys(SYS.write, fd, first.low + STACK_GUARD_BYTES - 1, 1), -14);
  assertEquals(sys(SYS.write, fd, first.low + STACK_GUARD_BYTES, 1), 1);
  const stacks = [first];
  const error = assertThrows(() => {
    for (;;) stacks.push(pool.acquire());
  }, HostError);
  assertEquals([error.code, stacks.length], ["limit", 8192]);
  for (const stack of stacks) pool.release(stack);
  pool.dispose();
  const usual = acquireStack();
  assertEquals(sys(SYS.write, fd, usual.low + STACK_GUARD_BYTES - 1, 1), -14);
  releaseStack(usual);
  sys(SYS.close, fd);
});

Deno.test("RecordPool hands out records with their constant fields set", () => {
  const pool = recordPool();
  const records = Array.from({ length: RECORDS_PER_CHUNK + 1 }, () => pool.acquire());
  assertEquals(new Set(records.map((record) => record.index)).size, records.length);
  for (const { words, index, addressNumber } of records) {
    assertEquals(words.length, 256);
    assertEquals(words[RECORD.area >> 2], valueArea().addressNumber | 0);
    assert(
      words[RECORD.leaveStub >> 2] !== 0 && words[RECORD.trapStub >> 2] !== 0 && words[RECORD.bootData >> 2] !== 0,
    );
    assertEquals(addressNumber - records[0].addressNumber, (index - records[0].index) * 1024);
  }
  for (const record of records) pool.release(record);
  assertEquals(pool.acquire(), records[records.length - 1]);
  pool.release(records[records.length - 1]);
});

Deno.test("two record pools never share a record", () => {
  const other = new RecordPool();
  const mine = recordPool().acquire();
  const theirs = other.acquire();
  assert((mine.index / RECORDS_PER_CHUNK | 0) !== (theirs.index / RECORDS_PER_CHUNK | 0));
  recordPool().release(mine);
  other.release(theirs);
});
