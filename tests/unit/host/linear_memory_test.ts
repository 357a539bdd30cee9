/** Linear memories: base, growth, detaching, images, limits. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  allocateLinearMemory,
  HostError,
  type LinearMemory,
  mapRegion,
  PAGE_BYTES,
  RESERVATION_BYTES,
  reservedBytes,
  scratch,
  scratchString,
  SYS,
  sys,
  WASM_PAGE_BYTES,
} from "../../../lib/host/mod.ts";

function reservedRange(address: number): number {
  // Bytes of adjacent mappings from `address` on, as the kernel lists them.
  let end = address;
  for (const line of Deno.readTextFileSync("/proc/self/maps").split("\n")) {
    const [from, to] = line.split(" ")[0].split("-").map((text) => Number.parseInt(text, 16));
    if (from <= end && to > end) end = to;
  }
  return end - address;
}

Deno.test("allocateLinearMemory() reserves 8 GiB and 64 KiB, from zero pages too", () => {
  for (const pages of [0, 1, 17]) {
    const memory = allocateLinearMemory(pages);
    assertEquals([memory.pages, memory.byteLength, memory.buffer.byteLength], [
      pages,
      pages * WASM_PAGE_BYTES,
      pages * WASM_PAGE_BYTES,
    ]);
    assertEquals(memory.baseAddress % WASM_PAGE_BYTES, 0);
    assert(reservedRange(memory.baseAddress) >= RESERVATION_BYTES);
  }
});

Deno.test("LinearMemory.grow() keeps the base, zeroes the pages, and detaches the buffer before", () => {
  const memory = allocateLinearMemory(0);
  const { baseAddress } = memory;
  let before = memory.buffer;
  for (let pages = 0; pages < 20; pages++) {
    assertEquals(memory.grow(1), pages);
    assert(before.detached);
    before = memory.buffer;
    const bytes = new Uint8Array(before);
    assertEquals(bytes[bytes.length - 1], 0);
    bytes[bytes.length - 1] = pages;
    scratch().bytes[0] = 0;
    // Through the address, as machine code sees it: the kernel copies the byte into a pipe.
    const fd = sys(SYS.memfd_create, scratchString("byte"), 1);
    assertEquals(sys(SYS.write, fd, baseAddress + bytes.length - 1, 1), 1);
    assertEquals(sys(SYS.pread64, fd, scratch().addressNumber, 1, 0), 1);
    assertEquals(scratch().bytes[0], pages);
    sys(SYS.close, fd);
  }
  assertEquals(memory.grow(0), 20);
  assert(before.detached);
  assertEquals(memory.grow(131_073), -1);
  assertEquals(memory.pages, 20);
});

Deno.test("LinearMemory.grow() reaches 4 GiB", () => {
  const memory = allocateLinearMemory(1);
  assertEquals(memory.grow(65_535), 1);
  assertEquals(memory.byteLength, 2 ** 32);
  const bytes = new Uint8Array(memory.buffer);
  bytes[2 ** 32 - 1] = 5;
  assertEquals(bytes[2 ** 32 - 1], 5);
});

Deno.test("the buffer refuses to be transferred, and web interfaces take its views", async () => {
  const memory = allocateLinearMemory(1);
  assertThrows(() => structuredClone(memory.buffer, { transfer: [memory.buffer] }));
  assertThrows(() => memory.buffer.transfer());
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(memory.buffer, 0, 16));
  assertEquals(digest.byteLength, 32);
  assertEquals(await new Response(new Uint8Array(memory.buffer, 0, 3)).bytes(), new Uint8Array(3));
});

Deno.test("mapImage() lays a copy-on-write image that survives growth and is restored by resetContents()", () => {
  const image = mapRegion(PAGE_BYTES);
  image.bytes.fill(7);
  const fd = sys(SYS.memfd_create, scratchString("image"), 1);
  assertEquals(sys(SYS.write, fd, image.addressNumber, PAGE_BYTES), PAGE_BYTES);
  const memory = allocateLinearMemory(1);
  memory.mapImage(fd, 0, PAGE_BYTES);
  sys(SYS.close, fd);
  let bytes = new Uint8Array(memory.buffer);
  assertEquals([bytes[0], bytes[PAGE_BYTES - 1], bytes[PAGE_BYTES]], [7, 7, 0]);
  bytes[0] = 8;
  bytes[PAGE_BYTES] = 9;
  memory.grow(1);
  bytes = new Uint8Array(memory.buffer);
  assertEquals([bytes[0], bytes[PAGE_BYTES - 1], bytes[PAGE_BYTES], bytes[65536]], [8, 7, 9, 0]);
  bytes[65536] = 10;
  assertEquals(memory.resetContents(), true);
  assertEquals(bytes.length, 0, "the buffer is detached");
  bytes = new Uint8Array(memory.buffer);
  assertEquals([bytes[0], bytes[PAGE_BYTES - 1], bytes[PAGE_BYTES], bytes[65536]], [7, 7, 0, 0]);
  assertThrows(() => memory.mapImage(fd, 0, 100), Error, "whole pages");
  image.release();
});

Deno.test("resetContents() replaces pages that the system keeps, and says that the image is gone", () => {
  const fd = sys(SYS.memfd_create, scratchString("image"), 1);
  sys(SYS.ftruncate, fd, PAGE_BYTES);
  const memory = allocateLinearMemory(1);
  memory.mapImage(fd, 0, PAGE_BYTES);
  sys(SYS.close, fd);
  new Uint8Array(memory.buffer).fill(5);
  const MLOCK = 149;
  assertEquals(sys(MLOCK, memory.baseAddress + 2 * PAGE_BYTES, PAGE_BYTES), 0);
  assertEquals(memory.resetContents(), false);
  assertEquals(new Uint8Array(memory.buffer), new Uint8Array(65536));
  assertEquals(memory.resetContents(), true);
});

Deno.test("allocateLinearMemory() refuses what V8 refuses, with a typed error", () => {
  assertEquals(assertThrows(() => allocateLinearMemory(131_074), HostError).code, "out-of-memory");
  assertEquals(assertThrows(() => allocateLinearMemory(-1), HostError).code, "out-of-memory");
});

Deno.test("memories that were dropped do not count, in one synchronous loop (LMEM-3)", () => {
  for (let i = 0; i < 30_000; i++) allocateLinearMemory(1);
  assert(reservedBytes() < 12_100 * RESERVATION_BYTES);
});

/** Holds as many memories as there may be. A function of its own: no frame refers to them when it has returned. */
function exhaust(): void {
  const memories: LinearMemory[] = [];
  const error = assertThrows(() => {
    for (;;) memories.push(allocateLinearMemory(0));
  }, HostError);
  assertEquals(error.code, "limit");
  assert(memories.length > 11_500 && memories.length <= 12_000, `${memories.length}`);
  assertEquals(new Set(memories.map((memory) => memory.baseAddress)).size, memories.length);
}

Deno.test("12,000 live memories are the limit, and dropping them lifts it (LMEM-3)", () => {
  exhaust();
  allocateLinearMemory(0);
});
