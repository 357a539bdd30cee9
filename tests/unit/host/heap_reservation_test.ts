/** Reservations of heaps: committed and given back by range, recycled empty. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { HeapReservation, HostError, PAGE_BYTES } from "../../../lib/host/mod.ts";

const LENGTH = 2 ** 32 + 65536;
const GUARD = 65536;

Deno.test("HeapReservation commits zeroed memory, and gives it back by range", () => {
  const reservation = new HeapReservation(LENGTH, GUARD);
  reservation.commit(GUARD, 4 * PAGE_BYTES);
  const last = LENGTH - PAGE_BYTES;
  reservation.commit(last, PAGE_BYTES);
  for (const start of [GUARD, last]) {
    const view = new Uint8Array(reservation.view(start, PAGE_BYTES));
    assert(view.every((byte) => byte === 0));
    view.fill(7);
    view.buffer.transfer(0);
  }
  reservation.clear(GUARD, PAGE_BYTES);
  const cleared = new Uint8Array(reservation.view(GUARD, PAGE_BYTES));
  assertEquals(cleared[0], 0);
  cleared[0] = 9;
  cleared.buffer.transfer(0);
  reservation.decommit(GUARD, 4 * PAGE_BYTES);
  reservation.commit(GUARD, PAGE_BYTES);
  const again = new Uint8Array(reservation.view(GUARD, PAGE_BYTES));
  assertEquals(again[0], 0);
  again.buffer.transfer(0);
  reservation.release();
  reservation.release();
});

Deno.test("HeapReservation recycles address space, and nothing that was in it", () => {
  const first = new HeapReservation(LENGTH, GUARD);
  const { address } = first;
  first.commit(GUARD, PAGE_BYTES);
  const view = new Uint8Array(first.view(GUARD, PAGE_BYTES));
  view.fill(0xee);
  view.buffer.transfer(0);
  first.release();
  const others = Array.from({ length: 9 }, () => new HeapReservation(LENGTH, GUARD));
  const again = others.find((reservation) => reservation.address === address)!;
  assert(again, "the address is used again");
  again.commit(GUARD, PAGE_BYTES);
  const zero = new Uint8Array(again.view(GUARD, PAGE_BYTES));
  assert(zero.every((byte) => byte === 0));
  zero.buffer.transfer(0);
  for (const reservation of others) reservation.release();
});

Deno.test("HeapReservation refuses its guard, what lies beyond, and parts of pages (HEAPRES-2)", () => {
  const reservation = new HeapReservation(LENGTH, GUARD);
  for (
    const [start, length] of [[0, PAGE_BYTES], [GUARD - PAGE_BYTES, 2 * PAGE_BYTES], [LENGTH, PAGE_BYTES], [GUARD, 1]]
  ) {
    assertThrows(() => reservation.commit(start, length), HostError, "no range");
    assertThrows(() => reservation.view(start, length), HostError, "no range");
  }
  reservation.release();
  assertThrows(() => reservation.commit(GUARD, PAGE_BYTES), HostError, "no range");
});
