/**
 * Executable memory: one process-wide arena, of which each isolate hands out ranges to its modules.
 *
 * The arena is a sparse memory file mapped twice by the boot image, readable and executable at one address, readable and writable
 * at another; nothing is ever writable and executable at one address. A module's bytes are copied in through a view of the
 * writable side (4 us for 4 KiB). The fault handler asks one question, whether the pc is in the arena, which this makes exact.
 *
 * Chunks of 64 KiB are claimed for an isolate from a bit map; inside its chunks an isolate allocates first fit from a list of free
 * ranges sorted by address, neighbours joined, so free and allocate are linear in the number of holes: tens, since modules are
 * few and large. Holes of whole chunks beyond a reserve of 1 MiB go back to the process, their pages to the system.
 *
 * SIG-3    Everything in the arena is within rel32 of everything else.
 * ARENA-1  Only the isolate that claimed a chunk writes to it or runs it.
 * ARENA-2  A range is freed only when no frame can return into it; the caller knows (OWN-1). Freed bytes are filled with int3.
 * ARENA-3  `publish` comes between the last write and the first run.
 */

import { bug } from "../base/mod.ts";
import { boot } from "./boot.ts";
import { ARENA_CHUNK_BYTES, ARENA_CHUNK_COUNT, BOOT_DATA, SPECIAL_CALL } from "./boot_data.ts";
import { ChunkMap } from "./claims.ts";
import { HostError } from "./errors.ts";
import { aliasMemory } from "./ffi.ts";
import { LEDGER } from "./ledger_layout.ts";
import { ADVICE, adviseMemory, loadAddress } from "./memory.ts";

/** Ranges start at multiples of this: what the processor's fetch and our entry alignment want. */
export const CODE_ALIGNMENT = 64;
/** Unused code memory an isolate keeps before it gives chunks back. */
const RESERVE_BYTES = 1 << 20;
/** int3: a stray jump into freed code stops at once. */
const FILLER = 0xcc;

/** A range of executable memory. */
export interface CodeRange {
  /** Where it runs. */
  readonly rxAddress: number;
  /** Usable length, as asked for. */
  readonly byteLength: number;
  /** The same bytes, writable; call {@linkcode CodeArena.publish} after writing. Detached when the range is freed. */
  readonly writeView: Uint8Array<ArrayBuffer>;
  /** Position in the arena, a multiple of {@linkcode CODE_ALIGNMENT}. */
  readonly offsetBytes: number;
}

/** The isolate's share of the arena. */
export class CodeArena {
  /** Address of the arena's first byte, executable side. */
  readonly rxBase: number;
  readonly #rwBase: number;
  readonly #map: ChunkMap;
  /** Free ranges, ascending and not adjacent: start and end offsets in pairs. */
  readonly #holes: number[] = [];
  #freeBytes = 0;
  #claimedBytes = 0;

  constructor() {
    const { data } = boot();
    this.rxBase = loadAddress(data, BOOT_DATA.arenaRx >> 2);
    this.#rwBase = loadAddress(data, BOOT_DATA.arenaRw >> 2);
    this.#map = new ChunkMap(data, BOOT_DATA.arenaBits, ARENA_CHUNK_COUNT, LEDGER.arenaBits);
  }

  /** Bytes of the chunks this isolate owns. */
  get claimedBytes(): number {
    return this.#claimedBytes;
  }

  /** Bytes of them in use, rounding included. */
  get usedBytes(): number {
    return this.#claimedBytes - this.#freeBytes;
  }

  /** Allocates `byteLength` bytes. @throws {HostError} code "limit" when the arena has no such run left. */
  allocate(byteLength: number): CodeRange {
    if (!(byteLength > 0)) bug("a code range needs a length");
    const length = roundUp(byteLength);
    const offsetBytes = this.#take(length) ?? this.#claimFor(length);
    // Safety: per HOST-3 (the writable side is mapped for the life of the process; pages appear when touched).
    const writeView = new Uint8Array(aliasMemory(this.#rwBase + offsetBytes, byteLength));
    return { rxAddress: this.rxBase + offsetBytes, byteLength, writeView, offsetBytes };
  }

  /** Makes written code fit to run (ARENA-3). */
  publish(_range: CodeRange): void {
    // Writing through one linear address and fetching through another needs a serialising instruction in between (SDM 3A 12.1.3).
    boot().systemCall(SPECIAL_CALL.serialise, 0, 0, 0, 0, 0, 0);
  }

  /** Frees a range (ARENA-2). */
  free(range: CodeRange): void {
    if (range.writeView.buffer.detached) bug("a code range is freed twice");
    range.writeView.fill(FILLER);
    range.writeView.buffer.transfer(0);
    this.#give(range.offsetBytes, range.offsetBytes + roundUp(range.byteLength));
    if (this.#freeBytes > RESERVE_BYTES) this.#trim();
  }

  /** Whether `address` is inside the arena. */
  contains(address: number): boolean {
    return address >= this.rxBase && address < this.rxBase + ARENA_CHUNK_BYTES * ARENA_CHUNK_COUNT;
  }

  #take(length: number): number | undefined {
    const holes = this.#holes;
    for (let i = 0; i < holes.length; i += 2) {
      if (holes[i + 1] - holes[i] < length) continue;
      const start = holes[i];
      holes[i] += length;
      if (holes[i] === holes[i + 1]) holes.splice(i, 2);
      this.#freeBytes -= length;
      return start;
    }
    return undefined;
  }

  #claimFor(length: number): number {
    const chunks = Math.ceil(length / ARENA_CHUNK_BYTES);
    const first = this.#map.claim(chunks);
    if (first < 0) throw new HostError("limit", `the code arena has no ${length} bytes left`);
    this.#claimedBytes += chunks * ARENA_CHUNK_BYTES;
    this.#give(first * ARENA_CHUNK_BYTES, (first + chunks) * ARENA_CHUNK_BYTES);
    return this.#take(length) ?? bug("a claimed run of chunks is too short");
  }

  #give(start: number, end: number): void {
    const holes = this.#holes;
    let i = 0;
    while (i < holes.length && holes[i] < start) i += 2;
    if ((i > 0 && holes[i - 1] > start) || (i < holes.length && holes[i] < end)) bug("a code range is freed twice");
    this.#freeBytes += end - start;
    const joinsLeft = i > 0 && holes[i - 1] === start;
    const joinsRight = i < holes.length && holes[i] === end;
    if (joinsLeft && joinsRight) {
      holes[i - 1] = holes[i + 1];
      holes.splice(i, 2);
    } else if (joinsLeft) holes[i - 1] = end;
    else if (joinsRight) holes[i] = start;
    else holes.splice(i, 0, start, end);
  }

  /** Gives whole free chunks back to the process, from the highest down, until the reserve is left. */
  #trim(): void {
    const holes = this.#holes;
    for (let i = holes.length - 2; i >= 0 && this.#freeBytes > RESERVE_BYTES; i -= 2) {
      const first = Math.ceil(holes[i] / ARENA_CHUNK_BYTES);
      const end = Math.floor(holes[i + 1] / ARENA_CHUNK_BYTES);
      if (end <= first) continue;
      const holeStart = holes[i];
      const holeEnd = holes[i + 1];
      const start = first * ARENA_CHUNK_BYTES;
      const byteLength = (end - first) * ARENA_CHUNK_BYTES;
      const left = holeStart < start ? [holeStart, start] : [];
      const right = start + byteLength < holeEnd ? [start + byteLength, holeEnd] : [];
      holes.splice(i, 2, ...left, ...right);
      this.#freeBytes -= byteLength;
      this.#claimedBytes -= byteLength;
      adviseMemory(this.#rwBase + start, byteLength, ADVICE.remove);
      this.#map.release(first, end - first);
    }
  }
}

function roundUp(byteLength: number): number {
  return Math.ceil(byteLength / CODE_ALIGNMENT) * CODE_ALIGNMENT;
}

let arena: CodeArena | undefined;

/** The isolate's code arena. */
export function codeArena(): CodeArena {
  return arena ??= new CodeArena();
}

/** Allocates code memory from the isolate's arena. */
export function allocateCode(byteLength: number): CodeRange {
  return codeArena().allocate(byteLength);
}

/** Frees what {@linkcode allocateCode} gave (ARENA-2). */
export function freeCode(range: CodeRange): void {
  codeArena().free(range);
}
