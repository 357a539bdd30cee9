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
 */

import { addressOf } from "./ffi.ts";
import { noteFile, strikeFile } from "./ledger.ts";
import type { LinearMemory } from "./linear_memory.ts";
import { scratchString, SYS, sys } from "./sys.ts";

const MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** No more seals, no shrinking, no growing, no writing. */
const ALL_SEALS = 1 | 2 | 4 | 8;

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
    strikeFile(this.#fd);
    sys(SYS.close, this.#fd);
    this.#fd = -1;
  }
}

/**
 * Makes an image of a range; `contents`, all inside of it, are written in order over zeroes that take no memory. Undefined when the system
 * refuses the file or the memory for it.
 */
export function makeMemoryImage(range: ImageRange, contents: readonly ImageBytes[]): MemoryImage | undefined {
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
