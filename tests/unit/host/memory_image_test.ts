/** Images of memories: sealed, sparse, kept by what maps them. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  allocateLinearMemory,
  makeMemoryImage,
  mapRegion,
  PAGE_BYTES,
  scratch,
  SYS,
  sys,
} from "../../../lib/host/mod.ts";

/** Descriptors of images that this process has open. */
function imageFiles(): number[] {
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).filter((fd) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${fd}`).includes("theropod-image");
    } catch {
      return false; // what the listing itself used
    }
  });
}

Deno.test("makeMemoryImage() writes contents in order, and mapOver() shows them", () => {
  const range = { offsetBytes: 3 * PAGE_BYTES, byteLength: 4 * PAGE_BYTES };
  const contents = [[3 * PAGE_BYTES, [1, 1, 1]], [3 * PAGE_BYTES + 1, [0, 2]], [7 * PAGE_BYTES - 1, [9]]] as const;
  const image = makeMemoryImage(
    range,
    contents.map(([offsetBytes, bytes]) => ({ offsetBytes, bytes: Uint8Array.from(bytes) })),
  )!;
  const memories = [1, 2].map(() => allocateLinearMemory(1));
  for (const memory of memories) {
    const bytes = new Uint8Array(memory.buffer);
    bytes[3 * PAGE_BYTES - 1] = 5;
    image.mapOver(memory);
    assertEquals([...bytes.subarray(3 * PAGE_BYTES - 1, 3 * PAGE_BYTES + 4)], [5, 1, 0, 2, 0]);
    assertEquals([...bytes.subarray(7 * PAGE_BYTES - 2, 7 * PAGE_BYTES + 1)], [0, 9, 0]);
    bytes[3 * PAGE_BYTES] = 77;
  }
  assertThrows(() => image.mapOver(allocateLinearMemory(0)), Error, "whole pages");
  image.close();
  assert(image.isClosed);
  image.close();
  assertEquals(memories.map((memory) => new Uint8Array(memory.buffer)[7 * PAGE_BYTES - 1]), [9, 9], "IMAGE-3");
});

Deno.test("an image's file cannot be changed (IMAGE-1)", () => {
  const before = new Set(imageFiles());
  const image = makeMemoryImage({ offsetBytes: 0, byteLength: PAGE_BYTES }, [])!;
  const [fd] = imageFiles().filter((file) => !before.has(file));
  const EPERM = -1;
  assertEquals(sys(SYS.pwrite64, fd, scratch().addressNumber, 1, 0), EPERM);
  assertEquals(sys(SYS.ftruncate, fd, 0), EPERM);
  assertEquals(sys(SYS.ftruncate, fd, 2 * PAGE_BYTES), EPERM);
  image.close();
});

Deno.test("what lies between contents takes no memory", () => {
  const before = new Set(imageFiles());
  const range = { offsetBytes: 0, byteLength: 2 ** 33 };
  const bytes = new Uint8Array(PAGE_BYTES).fill(1);
  const image = makeMemoryImage(
    range,
    [0, 2 ** 32, 2 ** 33 - PAGE_BYTES].map((offsetBytes) => ({ offsetBytes, bytes })),
  )!;
  const [fd] = imageFiles().filter((file) => !before.has(file));
  const stat = mapRegion(PAGE_BYTES);
  assertEquals(sys(SYS.fstat, fd, stat.addressNumber), 0);
  const SIZE = 48, BLOCKS = 64;
  assertEquals(Number(stat.i64[SIZE / 8]), 2 ** 33);
  assertEquals(Number(stat.i64[BLOCKS / 8]) * 512, 3 * PAGE_BYTES);
  stat.release();
  image.close();
});

Deno.test("makeMemoryImage() gives none when the system refuses", () => {
  assertEquals(makeMemoryImage({ offsetBytes: 0, byteLength: 2 ** 63 }, []), undefined);
  const before = imageFiles().length;
  assertEquals(makeMemoryImage({ offsetBytes: 0, byteLength: -PAGE_BYTES }, []), undefined);
  assertEquals(imageFiles().length, before);
});
