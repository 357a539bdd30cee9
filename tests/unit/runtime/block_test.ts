import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { BlockAllocator, TablePool } from "../../../lib/runtime/mod.ts";

Deno.test("BlockAllocator.allocate() gives zeroed blocks at multiples of 16 that do not overlap", () => {
  const allocator = new BlockAllocator();
  const blocks = [1, 15, 16, 17, 4000, 20_000, 33].map((bytes) => allocator.allocate(bytes));
  for (const [i, block] of blocks.entries()) {
    assertEquals(block.address % 16, 0);
    assert(block.words.every((word) => word === 0));
    block.words.fill(i + 1);
  }
  for (const [i, block] of blocks.entries()) assert(block.words.every((word) => word === i + 1));
  allocator.release();
});

Deno.test("BlockAllocator.allocate() cuts small blocks from one region and maps large ones apart", () => {
  const allocator = new BlockAllocator();
  const [a, b] = [allocator.allocate(64), allocator.allocate(64)];
  assertStrictEquals(a.region, b.region);
  const large = allocator.allocate(1 << 20);
  assertNotStrictEquals(large.region, a.region);
  allocator.free(large);
  assert(large.region.released);
  allocator.free(a);
  assert(!a.region.released);
  allocator.release();
  assert(a.region.released);
});

Deno.test("Block.clear() makes all of a block zero, and nothing beside it", () => {
  const allocator = new BlockAllocator();
  const pooled = new TablePool({ tables: 2, elements: 10_000 });
  for (const bytes of [4, 4000, 65_520, 65_536, 800_004]) {
    const [before, block, after] = [16, bytes, 16].map((length) => allocator.allocate(length));
    for (const { words } of [before, block, after]) words.fill(-1);
    block.clear();
    assert(block.words.every((word) => word === 0));
    assert([...before.words, ...after.words].every((word) => word === -1));
  }
  const [slot, next] = [pooled.acquire(), pooled.acquire()];
  for (const { block } of [slot, next]) block.words.fill(-1);
  slot.block.clear();
  assert(slot.block.words.every((word) => word === 0));
  assert(next.block.words.every((word) => word === -1));
  for (const { release } of [slot, next]) release();
  pooled.close();
  allocator.release();
});

Deno.test("Block.setAddress() stores all 64 bits of an address", () => {
  const allocator = new BlockAllocator();
  const block = allocator.allocate(32);
  for (const value of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x7fff_1234_5678]) {
    block.setAddress(8, value);
    assertEquals(block.getAddress(8), value);
    assertEquals(block.getI32(8), value | 0);
  }
  allocator.release();
});
