/**
 * Records of what isolates share, in a native table of the process: what machine code believes never lies in a buffer that JavaScript
 * outside this library can reach.
 *
 * A record describes the bytes at a base address, those of a buffer that several isolates have, and is found by that address, which each
 * isolate takes from V8's own buffer. So nothing about the record is posted, and nothing posted can lead to another one.
 *
 * The first isolate that needs the table maps it and puts its address into the boot data by compare-and-swap; it is never unmapped and
 * in nobody's ledger. Row 0 is the header. A record is 64 bytes: the base address, the rest its user's.
 *
 * SREC-1  A record's base is constant while bytes are mapped there: whoever can run code on it holds the buffer, which keeps them mapped.
 * SREC-2  A record is free when it has no base, and is dead when nothing is mapped at its base: the kernel is asked, so it does not matter
 *         how the isolates that had it ended. The dead are freed when the table is full.
 * SREC-3  Who has just made a buffer claims the record of its base anew: one that is there already was a dead buffer's.
 * SREC-4  Rows are taken and freed under the table's lock; the base is stored last, so an owner of the lock that dies leaves a free row.
 */

import { boot } from "./boot.ts";
import { BOOT_DATA } from "./boot_data.ts";
import { HostError } from "./errors.ts";
import { collectGarbage } from "./garbage.ts";
import { MAP, mapMemory, NativeRegion, PROTECTION, unmapMemory } from "./memory.ts";
import { withLock } from "./shared_lock.ts";
import { scratch, SYS, sys } from "./sys.ts";

/** Size of a record. */
export const SHARED_RECORD_BYTES = 64;
/** Rows of the table, with the header. */
export const SHARED_RECORD_COUNT = 16384;

const TABLE_BYTES = SHARED_RECORD_BYTES * SHARED_RECORD_COUNT;
const ROW_LONGS = SHARED_RECORD_BYTES >> 3;
/** In the header, as byte offset and word index. */
const TABLE_LOCK = 0;
const ROWS_USED = 1;
const ENOMEM = 12;

/** A record as one isolate sees it. */
export interface SharedRecord {
  /** The table. Internal only, per HOST-4. */
  readonly table: NativeRegion;
  /** Where in it the record is; a multiple of 64. */
  readonly offsetBytes: number;
}

let table: NativeRegion | undefined;

function sharedTable(): NativeRegion {
  return table ??= new NativeRegion(tableAddress(), TABLE_BYTES);
}

function tableAddress(): number {
  const field = new BigInt64Array(boot().data.buffer, BOOT_DATA.sharedRecords, 1);
  const there = Atomics.load(field, 0);
  if (there !== 0n) return Number(there);
  const flags = MAP.private | MAP.anonymous | MAP.noReserve;
  const mine = mapMemory(0, TABLE_BYTES, PROTECTION.readWrite, flags);
  const first = Atomics.compareExchange(field, 0, 0n, BigInt(mine));
  if (first === 0n) return mine;
  unmapMemory(mine, TABLE_BYTES);
  return Number(first);
}

/** The row whose base it is, or 0. */
function findRow({ i32, i64 }: NativeRegion, base: bigint): number {
  const end = i32[ROWS_USED] + 1;
  for (let row = 1; row < end; row++) if (i64[row * ROW_LONGS] === base) return row;
  return 0;
}

/** A row for a new base, or 0 when the table is full. */
function freeRow(region: NativeRegion): number {
  const free = findRow(region, 0n);
  if (free !== 0) return free;
  const { i32 } = region;
  if (i32[ROWS_USED] < SHARED_RECORD_COUNT - 1) return ++i32[ROWS_USED];
  freeDeadRows(region);
  return findRow(region, 0n);
}

/** SREC-2. */
function freeDeadRows({ i64 }: NativeRegion): void {
  const { addressNumber } = scratch();
  for (let row = 1; row < SHARED_RECORD_COUNT; row++) {
    const base = i64[row * ROW_LONGS];
    if (base !== 0n && sys(SYS.mincore, Number(base), 1, addressNumber) === -ENOMEM) i64[row * ROW_LONGS] = 0n;
  }
}

/**
 * A record of zeros, but for its base, for bytes that nobody else has yet (SREC-3).
 *
 * @throws {HostError} code "limit" when 16,383 are in use.
 */
export function claimSharedRecord(baseAddress: number): SharedRecord {
  const found = tryClaim(baseAddress);
  if (found !== undefined) return found;
  collectGarbage(); // buffers that were dropped are mapped until they are collected
  const second = tryClaim(baseAddress);
  if (second !== undefined) return second;
  throw new HostError("limit", `more than ${SHARED_RECORD_COUNT - 1} shared memories are live in this process`);
}

function tryClaim(baseAddress: number): SharedRecord | undefined {
  const region = sharedTable();
  const base = BigInt(baseAddress);
  return withLock(region, TABLE_LOCK, () => {
    const row = findRow(region, base) || freeRow(region);
    if (row === 0) return undefined;
    region.i64.fill(0n, row * ROW_LONGS, (row + 1) * ROW_LONGS);
    Atomics.store(region.i64, row * ROW_LONGS, base); // SREC-4
    return { table: region, offsetBytes: row * SHARED_RECORD_BYTES };
  });
}

/** The record of the bytes at an address, undefined if they have none. */
export function findSharedRecord(baseAddress: number): SharedRecord | undefined {
  const region = sharedTable();
  const row = withLock(region, TABLE_LOCK, () => findRow(region, BigInt(baseAddress)));
  return row === 0 ? undefined : { table: region, offsetBytes: row * SHARED_RECORD_BYTES };
}
