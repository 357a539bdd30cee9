/**
 * A cursor over a module's bytes: fixed and LEB128 integers with the checks that make a module malformed.
 *
 * The decoder, the validator and the translator read through the same class. Results that do not fit one int32 are left in
 * fields (`lo`, `hi`, `memoryIndex` ...), so reading allocates nothing.
 *
 * READ-1  No method reads at or beyond `end`: each checks before it reads, or reads zero and checks before it returns.
 * READ-2  An integer encoding longer than its type allows, or with unused bits that are not zero (unsigned) or not copies
 *         of the sign (signed), is malformed (spec: binary-int).
 *
 * May import: nothing above this folder's errors and features. @module
 */
import { CompileError } from "./errors.ts";
import { DEFAULT_FEATURES, featureBit, type FeatureName, type FeatureSet } from "./features.ts";

/** A cursor over bytes. {@linkcode BodyReader} is the same class under the name that function bodies use. */
export class Reader {
  bytes: Uint8Array;
  /** The offset of the next byte. */
  pos: number;
  /** The offset after the last byte that may be read. */
  end: number;
  /** Low half of the last 64-bit integer read; for a memarg, of its offset. */
  lo = 0;
  /** High half of the last 64-bit integer read; for a memarg, of its offset. */
  hi = 0;
  /** The last memarg's alignment, as a power of two. */
  alignLog2 = 0;
  /** The last memarg's memory. */
  memoryIndex = 0;
  /** What may be used; forms outside it are refused where they are read. */
  features: FeatureSet = DEFAULT_FEATURES;
  /** What was used by the forms read so far. */
  usedFeatures: FeatureSet = 0 as FeatureSet;
  /** The number of types that type indices may name. */
  typeLimit = 0x7fffffff;

  constructor(bytes: Uint8Array, pos = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  /** Moves the cursor to a range of `bytes`. */
  reset(bytes: Uint8Array, pos: number, end: number): void {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  /** Refuses the module: malformed or invalid at `offsetBytes`. */
  fail(reason: string, offsetBytes: number = this.pos): never {
    throw new CompileError(reason, offsetBytes);
  }

  /** Notes the use of a feature and refuses the module when it is not enabled. */
  need(feature: FeatureName, offsetBytes: number = this.pos): void {
    this.needBit(featureBit(feature), feature, offsetBytes);
  }

  /** As {@linkcode need}, when the feature's bit is at hand. */
  needBit(bit: number, feature: FeatureName, offsetBytes: number): void {
    this.usedFeatures = (this.usedFeatures | bit) as FeatureSet;
    if ((this.features & bit) === 0) this.fail(`the feature ${feature} is not enabled`, offsetBytes);
  }

  /** Whether all bytes were read. */
  get atEnd(): boolean {
    return this.pos >= this.end;
  }

  /** Refuses an index, size or range that leads past the end. */
  #unexpectedEnd(): never {
    this.fail("unexpected end", this.end);
  }

  /** Reads one byte. */
  readU8(): number {
    if (this.pos >= this.end) this.#unexpectedEnd();
    return this.bytes[this.pos++];
  }

  /** Reads `count` bytes as a view. */
  readBytes(count: number): Uint8Array {
    const start = this.pos;
    this.skipBytes(count);
    return this.bytes.subarray(start, start + count);
  }

  /** Moves over `count` bytes. */
  skipBytes(count: number): void {
    if (count > this.end - this.pos) this.#unexpectedEnd();
    this.pos += count;
  }

  /** Reads four little-endian bytes as an int32. */
  readFixed32(): number {
    if (this.end - this.pos < 4) this.#unexpectedEnd();
    const { bytes, pos } = this;
    this.pos = pos + 4;
    return bytes[pos] | bytes[pos + 1] << 8 | bytes[pos + 2] << 16 | bytes[pos + 3] << 24;
  }

  /** Reads eight little-endian bytes into `lo` and `hi`. */
  readFixed64(): void {
    this.lo = this.readFixed32();
    this.hi = this.readFixed32();
  }

  /** Reads an unsigned 32-bit LEB128 integer, as a non-negative number. */
  readU32Leb(): number {
    const { bytes, pos } = this;
    if (pos < this.end) {
      const byte = bytes[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        return byte;
      }
    }
    return this.#readLongU32();
  }

  #readLongU32(): number {
    const start = this.pos;
    let result = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.readU8();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    const last = this.readU8();
    if (last >= 0x80) this.fail("integer representation too long", start);
    if (last > 0x0f) this.fail("integer too large", start); // READ-2
    return (result | last << 28) >>> 0;
  }

  /** Reads a signed 32-bit LEB128 integer. */
  readS32Leb(): number {
    const { bytes, pos } = this;
    if (pos < this.end) {
      const byte = bytes[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        return byte << 25 >> 25;
      }
    }
    return this.#readLongS32();
  }

  #readLongS32(): number {
    const start = this.pos;
    let result = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.readU8();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result << (25 - shift) >> (25 - shift);
    }
    const last = this.readU8();
    if (last >= 0x80) this.fail("integer representation too long", start);
    if (last > 0x07 && last < 0x78) this.fail("integer too large", start); // READ-2: bits 4 to 6 copy bit 3
    return result | last << 28;
  }

  /** Reads a signed 33-bit LEB128 integer, the form of heap and block types: a type index, or a negative type code. */
  readS33Leb(): number {
    const start = this.pos;
    let result = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.readU8();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result << (25 - shift) >> (25 - shift);
    }
    const last = this.readU8();
    if (last >= 0x80) this.fail("integer representation too long", start);
    if (last > 0x0f && last < 0x70) this.fail("integer too large", start); // READ-2: bits 5 and 6 copy bit 4
    const magnitude = (result | last << 28) >>> 0;
    return (last & 0x10) === 0 ? magnitude : magnitude - 0x1_0000_0000;
  }

  /** Reads a signed 64-bit LEB128 integer into `lo` and `hi`. */
  readS64Leb(): void {
    const { bytes, pos } = this;
    if (pos < this.end) {
      const byte = bytes[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        this.lo = byte << 25 >> 25;
        this.hi = this.lo >> 31;
        return;
      }
    }
    const start = this.pos;
    let shift = this.#readLong64(start);
    if (shift === 63) {
      const last = bytes[this.pos - 1];
      if (last !== 0 && last !== 0x7f) this.fail("integer too large", start); // READ-2
      return;
    }
    // The number of bits read is shift + 7: the highest of them is the sign.
    shift += 7;
    if (shift <= 32) {
      if (shift < 32) this.lo = this.lo << (32 - shift) >> (32 - shift);
      this.hi = this.lo >> 31;
    } else {
      this.hi = this.hi << (64 - shift) >> (64 - shift);
    }
  }

  /** Reads an unsigned 64-bit LEB128 integer into `lo` and `hi` (as int32 halves). */
  readU64Leb(): void {
    const { bytes, pos } = this;
    if (pos < this.end) {
      const byte = bytes[pos];
      if (byte < 0x80) {
        this.pos = pos + 1;
        this.lo = byte;
        this.hi = 0;
        return;
      }
    }
    const start = this.pos;
    if (this.#readLong64(start) === 63 && bytes[this.pos - 1] > 1) this.fail("integer too large", start); // READ-2
  }

  /** Reads up to ten groups of seven bits into `lo` and `hi`; returns the last group's shift. */
  #readLong64(start: number): number {
    let lo = 0;
    let hi = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.readU8();
      const group = byte & 0x7f;
      if (shift < 28) lo |= group << shift;
      else if (shift === 28) {
        lo |= group << 28;
        hi = group >> 4;
      } else hi |= group << (shift - 32);
      if (byte < 0x80) {
        this.lo = lo;
        this.hi = hi;
        return shift;
      }
    }
    this.fail("integer representation too long", start);
  }

  /** Reads an unsigned 64-bit LEB128 integer as a number, rounded to 53 bits. */
  readU64LebAsNumber(): number {
    this.readU64Leb();
    return (this.hi >>> 0) * 0x1_0000_0000 + (this.lo >>> 0);
  }

  /** Reads a memarg into `alignLog2`, `memoryIndex`, `lo` and `hi` (spec: binary-memarg). */
  readMemarg(): void {
    const start = this.pos;
    let flags = this.readU32Leb();
    let memoryIndex = 0;
    if (flags >= 0x40) {
      if (flags >= 0x80) this.fail("malformed memop flags", start);
      this.need("multi-memory", start);
      flags -= 0x40;
      memoryIndex = this.readU32Leb();
    }
    this.alignLog2 = flags;
    this.memoryIndex = memoryIndex;
    this.readU64Leb();
  }

  /** Reads a UTF-8 string prefixed by its length. */
  readName(): string {
    const length = this.readU32Leb();
    const { bytes, pos } = this;
    this.skipBytes(length);
    if (length <= 24) { // Short ASCII names are the rule, and a decoder call costs more than they do.
      let text = "";
      let i = pos;
      for (; i < this.pos && bytes[i] < 0x80; i++) text += String.fromCharCode(bytes[i]);
      if (i === this.pos) return text;
    }
    try {
      // decode() refuses views of shared memory in some hosts; a copy of a name is cheap.
      return UTF8.decode(bytes.slice(pos, this.pos));
    } catch {
      this.fail("malformed UTF-8 encoding", pos);
    }
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A {@linkcode Reader} placed on a function body. */
export { Reader as BodyReader };
