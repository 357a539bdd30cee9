/**
 * What data segments put into the memories of a module before anything runs: laid out once a module, mapped or copied for each instance.
 *
 * The leading active segments whose place is known and inside the memory are laid out together (the first other one ends it: it may trap,
 * and no later one may be visible then). Of each memory the pages that are not all zero are found; if they are many, they become a
 * copy-on-write image ({@linkcode MemoryImage}), so instantiating costs the same for any amount of data; a few that lie alone, or are all
 * there is, are copied.
 *
 * DATA-1  Segments are written in order, so later ones win where they overlap.
 * DATA-2  Contents are written to a memory that is all zero, or whose pages were restored to these contents' own image.
 */

import { bug, NONE } from "../base/mod.ts";
import { type ImageBytes, LinearMemory, makeMemoryImage, type MemoryImage, PAGE_BYTES } from "../host/mod.ts";
import type { Module } from "../wasm/mod.ts";
import { constantOffset } from "./constant_offset.ts";
import type { MemoryState } from "./memory.ts";
import { STANDARD_PAGE_LOG2 } from "./memory_type.ts";

/**
 * Pages that are copied rather than mapped. Copying 4 of them into fresh memory takes 9 us; mapping takes 2, and 3 to 5 more for the first
 * that is read or written, for which the module keeps a file open. Where all is written, copying is as good up to 8 pages.
 */
const MOST_COPIED_PAGES = 4;
/** Pages that lie closer than this belong together. */
const GAP_BYTES = 16 * PAGE_BYTES;

/** The initial contents of one memory. */
export class MemoryContents {
  readonly image: MemoryImage | undefined;
  readonly #parts: readonly ImageBytes[];
  /** The parts that are not in the image. */
  readonly #copies: readonly ImageBytes[];

  constructor(parts: readonly ImageBytes[], image?: MemoryImage, copies: readonly ImageBytes[] = parts) {
    this.#parts = parts;
    this.image = image;
    this.#copies = copies;
  }

  /** Gives a memory these contents (DATA-2). @throws {HostError} when the system refuses the mapping. */
  writeTo(memory: MemoryState): void {
    const { image } = this;
    let parts = this.#copies;
    if (image !== undefined && memory.image !== image) {
      // An instance that outlives its module is reset: what there was no memory for before is copied.
      if (image.isClosed) parts = this.#parts;
      else {
        if (!(memory.linear instanceof LinearMemory)) bug("an image is laid over a memory that takes none");
        image.mapOver(memory.linear);
        memory.image = image;
      }
    }
    for (const { offsetBytes, bytes } of parts) memory.bytes.set(bytes, offsetBytes);
  }
}

/** The initial contents of a module's memories. */
export interface DataImage {
  /** The number of leading data segments that they account for. */
  readonly segments: number;
  /** By segment: 1 for those of them that are active, and so dropped. */
  readonly dropped: Uint8Array;
  /** By defined memory; undefined for one that has none. */
  readonly memories: readonly (MemoryContents | undefined)[];
}

/** Lays out a module's data. Where the system refuses an image, its segments are copied. */
export function layOutData(module: Module): DataImage {
  const { datas, memories, importedMemoryCount } = module;
  const contents: ImageBytes[][] = [];
  const dropped = new Uint8Array(datas.length);
  let segments = 0;
  for (; segments < datas.length; segments++) {
    const { mode, memoryIndex, offset, start, end } = datas[segments];
    if (mode !== "active") continue;
    const offsetBytes = offset === undefined ? NONE : constantOffset(offset);
    if (memoryIndex < importedMemoryCount || offsetBytes === NONE) break;
    const { minimumPages, pageSizeLog2 } = memories[memoryIndex];
    if (offsetBytes + (end - start) > minimumPages * 2 ** pageSizeLog2) break;
    dropped[segments] = 1;
    if (end === start) continue;
    (contents[memoryIndex - importedMemoryCount] ??= []).push({
      offsetBytes,
      bytes: module.bytes.subarray(start, end),
    });
  }
  return {
    segments,
    dropped,
    memories: Array.from(contents, (parts, defined) => {
      if (parts === undefined) return undefined;
      const { isShared, pageSizeLog2 } = memories[importedMemoryCount + defined];
      // Shared memories are mapped by other isolates too, and growable ones end anywhere in a page.
      return isShared || pageSizeLog2 !== STANDARD_PAGE_LOG2 ? new MemoryContents(parts) : layOut(parts);
    }),
  };
}

/** Pages near each other, and how many of them something is written to. */
interface Extent {
  readonly start: number;
  end: number;
  pages: number;
}

/** Divides what is written, in order, into an image and copies. */
function layOut(written: readonly ImageBytes[]): MemoryContents {
  const ascending = written.toSorted((a, b) => a.offsetBytes - b.offsetBytes);
  // Zeroes count only where they overwrite something.
  const parts = overlap(ascending) ? written : written.flatMap(withoutZeroes);
  const extents = findExtents(parts === written ? ascending : parts.toSorted((a, b) => a.offsetBytes - b.offsetBytes));
  let copiedPages = 0;
  const copied = new Set<Extent>();
  for (const extent of extents.toSorted((a, b) => a.pages - b.pages)) {
    copiedPages += extent.pages;
    if (copiedPages > MOST_COPIED_PAGES) break;
    copied.add(extent);
  }
  if (copied.size === extents.length) return new MemoryContents(parts);
  const mapped = extents.filter((extent) => !copied.has(extent));
  const offsetBytes = mapped[0].start;
  const end = mapped[mapped.length - 1].end;
  const isMapped = (part: ImageBytes) => part.offsetBytes >= offsetBytes && part.offsetBytes < end;
  const image = makeMemoryImage({ offsetBytes, byteLength: end - offsetBytes }, parts.filter(isMapped));
  if (image === undefined) return new MemoryContents(parts);
  return new MemoryContents(parts, image, parts.filter((part) => !isMapped(part)));
}

/** Whether any two of ascending parts have a byte in common. */
function overlap(ascending: readonly ImageBytes[]): boolean {
  return ascending.some(({ offsetBytes }, i) => {
    if (i === 0) return false;
    const before = ascending[i - 1];
    return before.offsetBytes + before.bytes.length > offsetBytes;
  });
}

/** The parts of a part that are left without the pages of the memory that it leaves zero. */
function withoutZeroes({ offsetBytes, bytes }: ImageBytes): ImageBytes[] {
  const parts: ImageBytes[] = [];
  const { length } = bytes;
  /** Where what is not zero began; NONE in zeroes. */
  let first = NONE;
  for (let at = 0; at < length;) {
    const next = Math.min(length, at + PAGE_BYTES - (offsetBytes + at) % PAGE_BYTES);
    const isZero = isAllZero(bytes, at, next);
    if (!isZero && first === NONE) first = at;
    else if (isZero && first !== NONE) {
      parts.push({ offsetBytes: offsetBytes + first, bytes: bytes.subarray(first, at) });
      first = NONE;
    }
    at = next;
  }
  if (first !== NONE) parts.push({ offsetBytes: offsetBytes + first, bytes: bytes.subarray(first) });
  return parts;
}

function isAllZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** The pages that ascending parts touch. */
function findExtents(ascending: readonly ImageBytes[]): Extent[] {
  const extents: Extent[] = [];
  let last: Extent | undefined;
  for (const { offsetBytes, bytes } of ascending) {
    const start = Math.floor(offsetBytes / PAGE_BYTES) * PAGE_BYTES;
    const end = Math.ceil((offsetBytes + bytes.length) / PAGE_BYTES) * PAGE_BYTES;
    if (last === undefined || start > last.end + GAP_BYTES) {
      last = { start, end, pages: (end - start) / PAGE_BYTES };
      extents.push(last);
    } else if (end > last.end) {
      last.pages += (end - Math.max(start, last.end)) / PAGE_BYTES;
      last.end = end;
    }
  }
  return extents;
}
