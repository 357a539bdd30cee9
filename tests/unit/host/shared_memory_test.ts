/** Shared linear memories, growable ones, and the lock that isolates share. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  adoptGrowableMemory,
  adoptLinearMemory,
  allocateGrowableMemory,
  allocateLinearMemory,
  claimSharedRecord,
  findSharedRecord,
  HostError,
  mapRegion,
  MOST_GROWABLE_BYTES,
  PAGE_BYTES,
  SHARED_RECORD_BYTES,
  SHARED_RECORD_COUNT,
  SYS,
  sys,
  WASM_PAGE_BYTES,
  withLock,
} from "../../../lib/host/mod.ts";

Deno.test("a shared linear memory is one memory for whoever adopts it, and grows for all", () => {
  const memory = allocateLinearMemory(1, undefined, "shared");
  assert(memory.buffer instanceof SharedArrayBuffer);
  const same = adoptLinearMemory(structuredClone(memory.transferable))!;
  assertEquals(same.baseAddress, memory.baseAddress);
  new Uint8Array(same.buffer)[7] = 42;
  assertEquals(new Uint8Array(memory.buffer)[7], 42);
  const before = memory.buffer;
  assert(same.growTo(3 * WASM_PAGE_BYTES));
  assertEquals(memory.view(3 * WASM_PAGE_BYTES).length, 3 * WASM_PAGE_BYTES);
  assertEquals([memory.byteLength, before.byteLength], [3 * WASM_PAGE_BYTES, WASM_PAGE_BYTES]);
  // What another isolate has grown to is not grown again.
  assert(memory.growTo(2 * WASM_PAGE_BYTES));
  assertEquals(memory.byteLength, 3 * WASM_PAGE_BYTES);
  for (const other of [new WebAssembly.Memory({ initial: 1 }), new SharedArrayBuffer(9), {}, null, undefined]) {
    assertEquals(adoptLinearMemory(other), undefined);
  }
});

Deno.test("allocateLinearMemory() reserves more than 8 GiB for a larger maximum, up to 16 GiB", () => {
  const memory = allocateLinearMemory(1, 1_000_000);
  assert(memory.growTo(200_000 * WASM_PAGE_BYTES));
  assertEquals(memory.growTo(300_000 * WASM_PAGE_BYTES), false);
  assertEquals(memory.byteLength, 200_000 * WASM_PAGE_BYTES);
});

Deno.test("a growable memory grows by the byte with a stable base, from zero bytes too", () => {
  const memory = allocateGrowableMemory(0, 100_000);
  const { baseAddress } = memory;
  assert(baseAddress !== 0 && baseAddress % PAGE_BYTES === 0);
  assertEquals(memory.view(0).length, 0);
  for (const length of [1, 13, 4097, 65536, 100_000]) {
    assert(memory.growTo(length));
    const bytes = memory.view(length);
    assertEquals([bytes.length, bytes[length - 1]], [length, 0]);
    bytes[length - 1] = 1;
  }
  assertEquals(memory.growTo(100_001), false);
  const same = adoptGrowableMemory(structuredClone(memory.transferable))!;
  assertEquals([same.baseAddress, same.view(13)[12]], [baseAddress, 1]);
  assertEquals(adoptGrowableMemory(new SharedArrayBuffer(9)), undefined);
  assertEquals(adoptGrowableMemory(new ArrayBuffer(9)), undefined);
  assertThrows(() => allocateGrowableMemory(MOST_GROWABLE_BYTES + 1, Infinity), HostError, "reserving");
});

Deno.test("withLock() excludes others, frees the lock whatever happens, and takes it over from a dead thread", () => {
  const region = mapRegion(8);
  const words = region.i32;
  assertEquals(
    withLock(region, 4, () => {
      assertEquals(words[1], sys(SYS.gettid));
      return 5;
    }),
    5,
  );
  assertThrows(() =>
    withLock(region, 4, () => {
      throw new RangeError("inside");
    }), RangeError);
  assertEquals(words[1], 0);
  // No thread has the largest id there can be.
  words[1] = 0x3fffffff;
  assertEquals(withLock(region, 4, () => words[1]), sys(SYS.gettid));
  assertEquals(words[1], 0);
  region.release();
});

Deno.test("a Worker that ends with the lock held does not keep it", async () => {
  const region = mapRegion(8);
  const words = region.i32;
  const host = new URL("../../../lib/host/mod.ts", import.meta.url).href;
  const source = `import { NativeRegion, SYS, sys } from "${host}";
    onmessage = ({ data }) => {
      Atomics.store(new NativeRegion(data, 4096).i32, 0, sys(SYS.gettid));
      close();
    };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
  worker.postMessage(region.addressNumber);
  const isAlive = () => sys(SYS.tgkill, Deno.pid, words[0], 0) === 0;
  while (words[0] === 0 || isAlive()) await new Promise((resolve) => setTimeout(resolve, 10));
  assert(words[0] !== sys(SYS.gettid));
  assertEquals(withLock(region, 0, () => words[0]), sys(SYS.gettid));
  worker.terminate();
});

Deno.test("claimSharedRecord() makes a record that findSharedRecord() finds by its base, and anew for a base it knows", () => {
  const bytes = mapRegion(PAGE_BYTES);
  assertEquals(findSharedRecord(bytes.addressNumber), undefined);
  const record = claimSharedRecord(bytes.addressNumber);
  const { table, offsetBytes } = record;
  assertEquals([offsetBytes > 0, offsetBytes % SHARED_RECORD_BYTES], [true, 0]);
  table.i64[(offsetBytes >> 3) + 1] = 7n;
  assertEquals(findSharedRecord(bytes.addressNumber), record);
  assertEquals(claimSharedRecord(bytes.addressNumber), record);
  assertEquals([...table.i64.subarray(offsetBytes >> 3, (offsetBytes >> 3) + 2)], [bytes.address, 0n]);
  bytes.release();
});

Deno.test("claimSharedRecord() frees the records of what is mapped no more, and of nothing else", () => {
  const live = mapRegion(PAGE_BYTES);
  const record = claimSharedRecord(live.addressNumber);
  // No process has anything mapped from 2^47 on.
  for (let i = 0; i < SHARED_RECORD_COUNT + 100; i++) claimSharedRecord(2 ** 47 + i * PAGE_BYTES);
  assertEquals(findSharedRecord(live.addressNumber), record);
  live.release();
});
