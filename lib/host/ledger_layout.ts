/**
 * The ledger: what an isolate in a Worker owns of the process, in native memory, so that its thread's exit can free it.
 *
 * A terminated Worker runs no JavaScript any more. Its thread does run the destructors of its pthread keys: ours, in the boot
 * image, walks this structure. The table is shared by the JavaScript side (ledger.ts) and the builder of the boot image.
 *
 * ```
 *    0 header, 16 files: descriptor + 1 each, 0 = free entry | 1024 record bits | 2048 arena bits | 4096 mappings: address, length; 0 = free entry
 * ```
 */

import { ARENA_CHUNK_COUNT, RECORDS_PER_CHUNK } from "./boot_data.ts";
import { RECORD_COUNT } from "./record.ts";

/** Byte offsets of the fields. */
export const LEDGER = {
  /** u32: entries in use are below this. */
  mappingCount: 0,
  /** u32: the isolate's slot of the ticker plus 1, 0 while it has none. */
  tickerSlot: 4,
  /** u32: file entries in use are below this. */
  fileCount: 8,
  /** u32 each: a file descriptor plus 1. */
  files: 16,
  /** Bit map of the record chunks this isolate owns. */
  recordBits: 1024,
  /** Bit map of the arena chunks this isolate owns. */
  arenaBits: 2048,
  /** Pairs of 64-bit address and length. */
  mappings: 4096,
} as const satisfies Record<string, number>;

/** Size of the ledger. */
export const LEDGER_BYTES = 65536;
/** Bytes of one mapping entry. */
export const LEDGER_MAPPING_BYTES = 16;
/** Mappings that fit; what does not fit is leaked when the Worker is terminated. */
export const LEDGER_MAPPING_COUNT = (LEDGER_BYTES - LEDGER.mappings) / LEDGER_MAPPING_BYTES;
/** Files that fit; what does not fit stays open when the Worker is terminated. */
export const LEDGER_FILE_COUNT = (LEDGER.recordBits - LEDGER.files) / 4;
/** Words of the record bit map. */
export const RECORD_BIT_WORDS = RECORD_COUNT / RECORDS_PER_CHUNK / 32;
/** Words of the arena bit map. */
export const ARENA_BIT_WORDS = ARENA_CHUNK_COUNT / 32;
