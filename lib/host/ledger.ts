/**
 * The ledger of a Worker's isolate: notes what it owns of the process, so that the thread's exit frees it.
 *
 * `worker.terminate()` ends an isolate between two instructions, with guest stacks mapped and arena chunks claimed; no finaliser runs. What does run is the thread's pthread-key destructor: the boot image's `exit` stub, with the ledger
 * as its argument. On the main thread the process's end does all that, and these functions do nothing.
 *
 * LIFE-1  Everything owned is noted after it is taken and struck out before it is given back: a termination in between leaks, and
 *         never frees what somebody else has taken since.
 * LIFE-3  No call separates the stores that make up an entry, so no termination does.
 */

import { boot } from "./boot.ts";
import { BOOT_DATA } from "./boot_data.ts";
import { systemError } from "./errors.ts";
import { aliasMemory, isWorker, registerThreadExit } from "./ffi.ts";
import { LEDGER, LEDGER_BYTES, LEDGER_FILE_COUNT, LEDGER_MAPPING_COUNT } from "./ledger_layout.ts";

const SYS_MMAP = 9;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAPPINGS = LEDGER.mappings >> 2;

/** The isolate's ledger as words; undefined until it is needed, null where it never is. */
let words: Int32Array<ArrayBuffer> | null | undefined;
const slotByAddress = new Map<number, number>();
const freeSlots: number[] = [];

function ledger(): Int32Array<ArrayBuffer> | null {
  return words === undefined ? words = open() : words;
}

function open(): Int32Array<ArrayBuffer> | null {
  if (!isWorker()) return null;
  const { systemCall, data } = boot();
  const address = systemCall(SYS_MMAP, 0, LEDGER_BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (address < 0) throw systemError("mapping the ledger of a Worker", address);
  const view = new Int32Array(aliasMemory(address, LEDGER_BYTES));
  registerThreadExit(data, BOOT_DATA.exitKey >> 2, BOOT_DATA.exitStub >> 2, address);
  return view;
}

/** Notes a mapping of this isolate. */
export function noteMapping(address: number, byteLength: number): void {
  const w = ledger();
  if (w === null) return;
  const slot = freeSlots.pop() ?? w[LEDGER.mappingCount >> 2];
  if (slot === LEDGER_MAPPING_COUNT) return; // a full ledger leaks at termination only
  slotByAddress.set(address, slot);
  const at = MAPPINGS + slot * 4;
  const hi = Math.floor(address / 0x1_0000_0000);
  w[at + 2] = byteLength;
  w[at + 3] = Math.floor(byteLength / 0x1_0000_0000);
  if (slot === w[LEDGER.mappingCount >> 2]) w[LEDGER.mappingCount >> 2] = slot + 1;
  w[at] = address; // LIFE-3
  w[at + 1] = hi;
}

/** Strikes a mapping out, before it is unmapped. */
export function strikeMapping(address: number): void {
  const w = ledger();
  if (w === null) return;
  const slot = slotByAddress.get(address);
  if (slot === undefined) return;
  const at = MAPPINGS + slot * 4;
  w[at] = 0;
  w[at + 1] = 0;
  slotByAddress.delete(address);
  freeSlots.push(slot);
}

/** Notes an open file of this isolate. */
export function noteFile(fd: number): void {
  const w = ledger();
  if (w === null) return;
  const count = w[LEDGER.fileCount >> 2];
  const files = LEDGER.files >> 2;
  let slot = 0;
  while (slot < count && w[files + slot] !== 0) slot++;
  if (slot === LEDGER_FILE_COUNT) return; // a full ledger leaks at termination only
  if (slot === count) w[LEDGER.fileCount >> 2] = slot + 1;
  w[files + slot] = fd + 1;
}

/** Strikes a file out, before it is closed. */
export function strikeFile(fd: number): void {
  const w = ledger();
  if (w === null) return;
  const files = LEDGER.files >> 2;
  for (let slot = 0; slot < w[LEDGER.fileCount >> 2]; slot++) if (w[files + slot] === fd + 1) w[files + slot] = 0;
}

/** The bit maps that a ledger keeps its own copy of: byte offset in the ledger. */
export type LedgerBits = typeof LEDGER.recordBits | typeof LEDGER.arenaBits;

/** Notes chunks claimed from a shared bit map. */
export function noteChunks(bits: LedgerBits, start: number, length: number): void {
  const w = ledger();
  if (w === null) return;
  for (let bit = start; bit < start + length; bit++) w[(bits >> 2) + (bit >> 5)] |= 1 << (bit & 31);
}

/** Notes the isolate's slot of the ticker, which it keeps. */
export function noteTickerSlot(slot: number): void {
  const w = ledger();
  if (w !== null) w[LEDGER.tickerSlot >> 2] = slot + 1;
}

/** Strikes chunks out, before they are given back. */
export function strikeChunks(bits: LedgerBits, start: number, length: number): void {
  const w = ledger();
  if (w === null) return;
  for (let bit = start; bit < start + length; bit++) w[(bits >> 2) + (bit >> 5)] &= ~(1 << (bit & 31));
}
