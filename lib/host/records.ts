/**
 * Activation records: indices into the process-wide table, handed out last in, first out.
 *
 * Each isolate claims chunks of 16 records (four pages, so no page is shared between isolates) and never gives them back while
 * it lives: a record costs 1 KiB once, and there are as many as calls were ever in flight at once.
 *
 * RPOOL-1  A record's constant fields (area, stubs, boot data, host stack limit) are written once, when it is made.
 * RPOOL-3  No record's address is a multiple of 4 GiB: one that were is never handed out.
 * RPOOL-2  Whoever acquires a record sets guestSp, stackLimit, code and vmctx before `enter`.
 */

import { bug } from "../base/mod.ts";
import { boot } from "./boot.ts";
import { BOOT_DATA, RECORDS_PER_CHUNK } from "./boot_data.ts";
import { ChunkMap } from "./claims.ts";
import { HostError } from "./errors.ts";
import { aliasMemory } from "./ffi.ts";
import { LEDGER } from "./ledger_layout.ts";
import { loadAddress, storeAddress } from "./memory.ts";
import { RAISED, RECORD, RECORD_BYTES, RECORD_COUNT } from "./record.ts";
import { valueArea } from "./value_area.ts";

/** One activation record as JavaScript sees it. */
export interface ActivationRecord {
  /** What `enter` and `resume` take. */
  readonly index: number;
  /** Address of the record: r15 while its guest runs. */
  readonly addressNumber: number;
  /** The record's 1,024 bytes as words: `words[RECORD.signal >> 2]`. */
  readonly words: Int32Array<ArrayBuffer>;
}

const CHUNK_BYTES = RECORDS_PER_CHUNK * RECORD_BYTES;

/** The isolate's records. */
export class RecordPool {
  readonly #map: ChunkMap;
  readonly #free: ActivationRecord[] = [];
  #total = 0;
  /** The chunk that new records are made in: its bytes, and how many of its records exist. */
  #chunk: ArrayBuffer | undefined;
  #chunkNumber = 0;
  #made = RECORDS_PER_CHUNK;

  constructor() {
    this.#map = new ChunkMap(boot().data, BOOT_DATA.recordBits, RECORD_COUNT / RECORDS_PER_CHUNK, LEDGER.recordBits);
  }

  /** Records made so far, in use or not. */
  get total(): number {
    return this.#total;
  }

  /** Records in use. */
  get inUse(): number {
    return this.#total - this.#free.length;
  }

  /** Takes a record. @throws {HostError} code "limit" when all 65,536 of the process are claimed. */
  acquire(): ActivationRecord {
    return this.#free.pop() ?? this.#make();
  }

  /** Gives a record back; nothing may be parked on it. */
  release(record: ActivationRecord): void {
    if (this.#free.length === this.#total) bug("a record is released twice");
    this.#free.push(record);
  }

  #make(): ActivationRecord {
    if (this.#made === RECORDS_PER_CHUNK) this.#claim();
    const { data, dataAddress, hostStackLimit } = boot();
    const base = loadAddress(data, BOOT_DATA.recordBase >> 2);
    const chunkAddress = base + this.#chunkNumber * CHUNK_BYTES;
    if ((chunkAddress + this.#made * RECORD_BYTES) % 2 ** 32 === 0) this.#made++; // RPOOL-3: the first of its chunk, so there is a next
    const offsetBytes = this.#made++ * RECORD_BYTES;
    const index = this.#chunkNumber * RECORDS_PER_CHUNK + offsetBytes / RECORD_BYTES;
    const words = new Int32Array(this.#chunk!, offsetBytes, RECORD_BYTES >> 2);
    words.fill(0); // a terminated Worker may have used it
    storeAddress(words, RECORD.area >> 2, valueArea().addressNumber);
    storeAddress(words, RECORD.bootData >> 2, dataAddress);
    storeAddress(words, RECORD.hostStackLimit >> 2, hostStackLimit);
    storeAddress(words, RECORD.leaveStub >> 2, loadAddress(data, BOOT_DATA.leaveStub >> 2));
    storeAddress(words, RECORD.trapStub >> 2, loadAddress(data, BOOT_DATA.trapStub >> 2));
    this.#total++;
    return { index, addressNumber: base + index * RECORD_BYTES, words };
  }

  #claim(): void {
    const chunk = this.#map.claim(1);
    if (chunk < 0) throw new HostError("limit", `more than ${RECORD_COUNT} calls are in flight`);
    const address = loadAddress(boot().data, BOOT_DATA.recordBase >> 2) + chunk * CHUNK_BYTES;
    // Safety: per HOST-3 (the whole table is mapped readable and writable for the life of the process).
    this.#chunk = aliasMemory(address, CHUNK_BYTES);
    this.#chunkNumber = chunk;
    this.#made = 0;
  }
}

let pool: RecordPool | undefined;

/** The isolate's record pool. */
export function recordPool(): RecordPool {
  return pool ??= new RecordPool();
}

/**
 * Asks the guest of a record, of whichever isolate, to leave at its next poll. Numbers that name no record are ignored.
 *
 * @throws {HostError} when this isolate may not use native memory.
 */
export function raiseInterruptFlag(recordIndex: number): void {
  if (!(recordIndex >= 0 && recordIndex < RECORD_COUNT)) return;
  const address = loadAddress(boot().data, BOOT_DATA.recordBase >> 2) + recordIndex * RECORD_BYTES;
  // Safety: per HOST-3 (the whole table is mapped readable and writable for the life of the process).
  const words = new Int32Array(aliasMemory(address, RECORD_BYTES));
  Atomics.store(words, RECORD.interruptFlag >> 2, RAISED);
}
