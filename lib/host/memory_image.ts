/**
 * Copy-on-write images of linear memories: what a memory holds at first, once in a sealed memory file, mapped privately over the pages of
 * each memory that starts so.
 *
 * Mapping costs the same whatever the size (1 to 2 us), pages are shared between all memories, none is read before somebody looks, and one
 * is copied when it is first written. An image is one range of pages: V8 needs two mappings for a reservation and an image adds two, so
 * that as many memories as there may be (LMEM-3) stay below the 65,530 mappings that a process has. What nothing was written to in
 * between is a hole of the file, which takes no memory until somebody reads it.
 *
 * IMAGE-1  A file is sealed before it is mapped: its length and its bytes never change under a memory.
 * IMAGE-2  An image is whole pages, in the file and inside the memory's length: reading past a file's end would be SIGBUS, and what is mapped
 *          past the length would be memory that the guest must not have.
 * IMAGE-3  Mappings keep what they show: the file is closed while memories of it live on, and V8, who unmaps whole reservations, takes
 *          them along. Nothing of an image is ever unmapped by itself.
 * IMAGE-4  Images have no more than a quarter of the files that the process may open: the rest is the embedder's.
 */

import { addressOf } from "./ffi.ts";
import { noteFile, strikeFile } from "./ledger.ts";
import type { LinearMemory } from "./linear_memory.ts";
import { scratch, scratchString, SYS, sys } from "./sys.ts";

const MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** No more seals, no shrinking, no growing, no writing. */
const ALL_SEALS = 1 | 2 | 4 | 8;

const RLIMIT_NOFILE = 7;

/** Files that are open. */
let openFiles = 0;
/** IMAGE-4; 0 until it was asked for. */
let mostFiles = 0;

function mayOpen(): boolean {
  if (mostFiles === 0) {
    const { addressNumber, i32 } = scratch();
    const isKnown = sys(SYS.prlimit64, 0, RLIMIT_NOFILE, 0, addressNumber) === 0;
    // A limit above 2^31, or none, is more than anybody has files.
    const limit = isKnown && i32[1] === 0 && i32[0] >= 0 ? i32[0] : isKnown ? 2 ** 31 : 256;
    mostFiles = Math.max(1, Math.floor(limit / 4));
  }
  return openFiles < mostFiles;
}

/** A range of a memory in whole pages. */
export interface ImageRange {
  readonly offsetBytes: number;
  readonly byteLength: number;
}

/** Bytes at a place of a memory. */
export interface ImageBytes {
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
}

/** The initial contents of a range of memories, in a file. */
export class MemoryImage implements ImageRange {
  readonly offsetBytes: number;
  readonly byteLength: number;
  #fd: number;

  /** Use {@linkcode makeMemoryImage}. */
  constructor(fd: number, { offsetBytes, byteLength }: ImageRange) {
    this.#fd = fd;
    this.offsetBytes = offsetBytes;
    this.byteLength = byteLength;
    openFiles++;
    noteFile(fd);
  }

  /** Whether its file is closed, so that no further memory can get it. */
  get isClosed(): boolean {
    return this.#fd < 0;
  }

  /** Lays the image over a memory, whose pages there are still as they were made. @throws {HostError} when the system refuses. */
  mapOver(memory: LinearMemory): void {
    memory.mapImage(this.#fd, this.offsetBytes, this.byteLength);
  }

  /** Closes the file (IMAGE-3). */
  close(): void {
    if (this.#fd < 0) return;
    openFiles--;
    strikeFile(this.#fd);
    sys(SYS.close, this.#fd);
    this.#fd = -1;
  }
}

/**
 * Makes an image of a range; `contents`, all inside of it, are written in order over zeroes that take no memory. Undefined when the system
 * refuses the file or the memory for it, or there are as many as there may be (IMAGE-4).
 */
export function makeMemoryImage(range: ImageRange, contents: readonly ImageBytes[]): MemoryImage | undefined {
  if (!mayOpen()) return undefined;
  const fd = sys(SYS.memfd_create, scratchString("theropod-image"), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return undefined;
  const image = new MemoryImage(fd, range);
  const isWritten = sys(SYS.ftruncate, fd, range.byteLength) === 0 &&
    contents.every(({ offsetBytes, bytes }) => writeAt(fd, offsetBytes - range.offsetBytes, bytes));
  if (isWritten && sys(SYS.fcntl, fd, F_ADD_SEALS, ALL_SEALS) === 0) return image;
  image.close();
  return undefined;
}

function writeAt(fd: number, fileOffset: number, bytes: Uint8Array): boolean {
  const address = Number(addressOf(bytes as Uint8Array<ArrayBuffer>));
  for (let done = 0; done < bytes.length;) {
    const count = sys(SYS.pwrite64, fd, address + done, bytes.length - done, fileOffset + done);
    if (count <= 0) return false;
    done += count;
  }
  return true;
}
