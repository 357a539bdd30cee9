/**
 * The twelve transcoders in TypeScript, one code point at a time: what they mean, and what their machine code is held against.
 *
 * They work on exactly the bytes of the two buffers, which {@linkcode checkBuffers} of buffers.ts has found to be inside their memories,
 * aligned and apart. Invalid text yields the sentinel of the result (CBUILT-1); `reference_transcoder.ts` makes a trap of it.
 *
 * TRANS-1  Counts of a partial transcoder name a whole number of code points on both sides, so whoever calls again, with the rest of the
 *          source and a larger destination, goes on where it stopped.
 * TRANS-2  A character that does not fit is not an error, invalid text before that place is: it is decoded first, then measured.
 * TRANS-3  `*_to_latin1` never fails: it stops at the first character that latin1 has not, or that is none.
 * TRANS-4  What is behind the written part of a destination, and all of it at a trap, is unspecified; nothing outside a buffer changes.
 */

import { SENTINELS, type TranscoderName, UTF16_TAG } from "../../abi/mod.ts";
import {
  INVALID,
  readUtf16,
  readUtf8,
  setUnit,
  unitAt,
  utf16Units,
  utf8Bytes,
  writeUtf16,
  writeUtf8,
} from "./code_points.ts";

/** How much of a source was read, and how much was written, each in units of its buffer (SEEDS 0.9). */
export interface SizePair {
  readonly read: number;
  readonly written: number;
}

const PENDING_PAIR: SizePair = { read: SENTINELS.size, written: 0 };
const PENDING_SIZE = SENTINELS.size;
const OK = 1, PENDING = SENTINELS.bool;

/** A transcoder over its two buffers; `latin1BytesSoFar` is for those that go on from latin1. */
type ReferenceTranscoder = (source: Uint8Array, destination: Uint8Array, latin1BytesSoFar: number) => number | SizePair;

/** Units written, or INVALID. */
function decodeUtf8ToUtf16(source: Uint8Array, destination: Uint8Array, firstUnit: number): number {
  let written = firstUnit;
  for (let read = 0; read < source.length;) {
    const codePoint = readUtf8(source, read);
    if (codePoint === INVALID) return INVALID;
    read += utf8Bytes(codePoint);
    written += writeUtf16(destination, written, codePoint);
  }
  return written - firstUnit;
}

/** 1 if every code point is in latin1, 0 if not, or INVALID. */
function copyUtf16(source: Uint8Array, destination: Uint8Array, firstUnit: number): number {
  const length = source.length / 2;
  let allLatin1 = 1;
  for (let read = 0; read < length;) {
    const codePoint = readUtf16(source, read, length);
    if (codePoint === INVALID) return INVALID;
    if (codePoint > 0xff) allLatin1 = 0;
    read += writeUtf16(destination, firstUnit + read, codePoint);
  }
  return allLatin1;
}

/** Turns `count` bytes of latin1 at the start of a buffer into as many units, in place: from the end, since unit k covers byte 2k. */
function inflateLatin1(destination: Uint8Array, count: number): void {
  for (let k = count - 1; k >= 0; k--) setUnit(destination, k, destination[k]);
}

/** The transcoders (SEEDS 0.12 to 0.26). */
export const REFERENCE_TRANSCODERS: Record<TranscoderName, ReferenceTranscoder> = {
  utf8_to_utf8: (source, destination) => {
    for (let read = 0; read < source.length;) {
      const codePoint = readUtf8(source, read);
      if (codePoint === INVALID) return PENDING;
      read += writeUtf8(destination, read, codePoint);
    }
    return OK;
  },

  utf16_to_utf16: (source, destination) => copyUtf16(source, destination, 0) === INVALID ? PENDING : OK,

  latin1_to_latin1: (source, destination) => {
    destination.set(source);
    return OK;
  },

  latin1_to_utf16: (source, destination) => {
    for (let k = 0; k < source.length; k++) setUnit(destination, k, source[k]);
    return OK;
  },

  utf8_to_utf16: (source, destination) => {
    const written = decodeUtf8ToUtf16(source, destination, 0);
    return written === INVALID ? PENDING_SIZE : written;
  },

  utf16_to_utf8: (source, destination) => {
    const length = source.length / 2;
    let read = 0, written = 0;
    while (read < length) {
      const codePoint = readUtf16(source, read, length);
      if (codePoint === INVALID) return PENDING_PAIR;
      if (written + utf8Bytes(codePoint) > destination.length) break;
      read += utf16Units(codePoint);
      written += writeUtf8(destination, written, codePoint);
    }
    return { read, written };
  },

  latin1_to_utf8: (source, destination) => {
    let read = 0, written = 0;
    while (read < source.length && written + utf8Bytes(source[read]) <= destination.length) {
      written += writeUtf8(destination, written, source[read++]);
    }
    return { read, written };
  },

  utf16_to_compact_probably_utf16: (source, destination) => {
    const length = source.length / 2;
    const allLatin1 = copyUtf16(source, destination, 0);
    if (allLatin1 === INVALID) return PENDING_SIZE;
    if (allLatin1 === 0) return length + UTF16_TAG;
    for (let k = 0; k < length; k++) destination[k] = destination[2 * k];
    return length;
  },

  utf8_to_latin1: (source, destination) => {
    let read = 0, written = 0;
    while (read < source.length) {
      const codePoint = readUtf8(source, read);
      if (codePoint === INVALID || codePoint > 0xff) break;
      read += utf8Bytes(codePoint);
      destination[written++] = codePoint;
    }
    return { read, written };
  },

  utf16_to_latin1: (source, destination) => {
    const length = source.length / 2;
    let read = 0;
    for (; read < length && unitAt(source, read) <= 0xff; read++) destination[read] = unitAt(source, read);
    return { read, written: read };
  },

  utf8_to_compact_utf16: (source, destination, latin1BytesSoFar) => {
    inflateLatin1(destination, latin1BytesSoFar);
    const written = decodeUtf8ToUtf16(source, destination, latin1BytesSoFar);
    return written === INVALID ? PENDING_SIZE : latin1BytesSoFar + written;
  },

  utf16_to_compact_utf16: (source, destination, latin1BytesSoFar) => {
    inflateLatin1(destination, latin1BytesSoFar);
    if (copyUtf16(source, destination, latin1BytesSoFar) === INVALID) return PENDING_SIZE;
    return latin1BytesSoFar + source.length / 2;
  },
};
