/** Native regions, the value area and system calls. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  aliasMemory,
  AREA_SLOT_BYTES,
  AREA_SLOTS,
  HostError,
  loadAddress,
  mapRegion,
  NativeRegion,
  PAGE_BYTES,
  PROTECTION,
  protectMemory,
  scratch,
  SCRATCH_BYTES,
  scratchString,
  storeAddress,
  SYS,
  sys,
  unmapMemory,
  valueArea,
} from "../../../lib/host/mod.ts";

Deno.test("mapRegion() gives zeroed memory whose views alias each other", () => {
  const region = mapRegion(PAGE_BYTES + 1);
  assertEquals(region.byteLength, 2 * PAGE_BYTES);
  assertEquals(region.addressNumber % PAGE_BYTES, 0);
  assertEquals(region.address, BigInt(region.addressNumber));
  assertEquals(region.addressHi * 2 ** 32 + (region.addressLo >>> 0), region.addressNumber);
  assert(region.bytes.every((byte) => byte === 0));
  region.i32[0] = 0x3f80_0000;
  assertEquals(region.f32[0], 1);
  region.i64[1] = -1n;
  assertEquals(region.u32[3], 0xffff_ffff);
  region.f64[2] = 1;
  assertEquals(region.i32[5], 0x3ff0_0000);
  const alias = new NativeRegion(region.addressNumber + 16, 8);
  assertEquals(alias.f64[0], 1);
  alias.release();
  assertEquals(region.f64[2], 1);
  region.release();
});

Deno.test("NativeRegion.release() detaches every view before the memory goes (HOST-2)", () => {
  const region = mapRegion(PAGE_BYTES);
  const { bytes, i32, buffer } = region;
  bytes[0] = 1;
  region.release();
  assertEquals([bytes.length, i32.length, buffer.byteLength], [0, 0, 0]);
  assertEquals(bytes[0], undefined);
  assert(region.released);
  region.release();
});

Deno.test("mapping, protecting and unmapping report the system's refusal", () => {
  const error = assertThrows(() => mapRegion(2 ** 47), HostError);
  assertEquals([error.code, error.errno], ["out-of-memory", 12]);
  assertThrows(() => protectMemory(1, PAGE_BYTES, PROTECTION.none), HostError, "EINVAL");
  assertThrows(() => unmapMemory(1, PAGE_BYTES), HostError, "EINVAL");
  assertThrows(() => aliasMemory(0, 1), HostError);
});

Deno.test("storeAddress() and loadAddress() keep 53 bits", () => {
  const words = new Int32Array(2);
  for (const value of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x7fff_ffff_f000, 2 ** 53 - 1]) {
    storeAddress(words, 0, value);
    assertEquals(loadAddress(words, 0), value);
    assertEquals(new BigUint64Array(words.buffer)[0], BigInt(value));
  }
});

Deno.test("valueArea() is one area with views of every type", () => {
  const area = valueArea();
  assertEquals(area, valueArea());
  assertEquals(area.bytes.length, AREA_SLOTS * AREA_SLOT_BYTES);
  assertEquals(area.addressNumber % AREA_SLOT_BYTES, 0);
  area.i64[2 * 1023] = 0x7ff0_0000_0000_0001n;
  assertEquals(area.u32[4 * 1023 + 1], 0x7ff0_0000);
});

Deno.test("sys() makes system calls and returns -errno", () => {
  assertEquals(sys(SYS.getpid), Deno.pid);
  assertEquals(sys(SYS.close, -1), -9);
  assertEquals(sys(SYS.lseek, 999_999, -1, 0), -9);
  assertEquals(sys(9999), -38);
  assertEquals(sys(-99), -38);
  const path = scratchString("/proc/self/status");
  const fd = sys(SYS.open, path, 0, 0);
  assert(fd >= 0);
  const count = sys(SYS.read, fd, scratch().addressNumber + 4096, 64);
  assertEquals(count, 64);
  assertEquals(new TextDecoder().decode(scratch().bytes.slice(4096, 4101)), "Name:");
  assertEquals(sys(SYS.close, fd), 0);
});

Deno.test("sys() passes all six arguments", () => {
  // mmap uses them all; a file offset of one page shows that the sixth arrives.
  const fd = sys(SYS.memfd_create, scratchString("test"), 1);
  assertEquals(sys(SYS.ftruncate, fd, 2 * PAGE_BYTES), 0);
  scratch().bytes[0] = 77;
  assertEquals(sys(SYS.pwrite64, fd, scratch().addressNumber, 1, PAGE_BYTES), 1);
  const address = sys(SYS.mmap, 0, PAGE_BYTES, PROTECTION.read, 2, fd, PAGE_BYTES);
  assertEquals(new Uint8Array(aliasMemory(address, 1))[0], 77);
  unmapMemory(address, PAGE_BYTES);
  sys(SYS.close, fd);
});

Deno.test("scratchString() refuses what is no path", () => {
  assertThrows(() => scratchString("a\0b"), HostError, "zero character");
  assertThrows(() => scratchString("x".repeat(SCRATCH_BYTES)), HostError, "too long");
  const address = scratchString("ü", 100);
  assertEquals(address, scratch().addressNumber + 100);
  assertEquals([...scratch().bytes.subarray(100, 103)], [0xc3, 0xbc, 0]);
});
