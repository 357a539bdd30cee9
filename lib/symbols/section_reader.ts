/** A reader over one DWARF section: little-endian, bounds-checked, positions are offsets in the section. */

/** Thrown at the end of a section or at what cannot be; caught at the entry points of this folder (SYM-1). */
export class Malformed extends Error {}

const UTF8 = new TextDecoder();

/** The string that starts at an offset and ends with a zero byte. */
export function stringAt(bytes: Uint8Array, offset: number): string {
  if (!(offset < bytes.length)) throw new Malformed();
  const end = bytes.indexOf(0, offset);
  return UTF8.decode(bytes.subarray(offset, end < 0 ? bytes.length : end));
}

/** Reads one section. */
export class SectionReader {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;
  /** Bytes of an offset: 4, or 8 in the 64-bit format. */
  offsetSize = 4;

  constructor(bytes: Uint8Array, pos = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = Math.min(end, bytes.length);
  }

  u8(): number {
    if (this.pos >= this.end) throw new Malformed();
    return this.bytes[this.pos++];
  }

  i8(): number {
    return this.u8() << 24 >> 24;
  }

  u16(): number {
    return this.u8() | this.u8() << 8;
  }

  u32(): number {
    return this.u16() + this.u16() * 0x1_0000;
  }

  /** Inexact above 2^53, where nothing of ours is. */
  u64(): number {
    return this.u32() + this.u32() * 0x1_0000_0000;
  }

  unsigned(size: number): number {
    switch (size) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 3:
        return this.u16() + this.u8() * 0x1_0000;
      case 4:
        return this.u32();
      case 8:
        return this.u64();
      default:
        throw new Malformed();
    }
  }

  offset(): number {
    return this.unsigned(this.offsetSize);
  }

  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  sleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
  }

  skip(count: number): void {
    // A negation, so that NaN is refused too.
    if (!(count >= 0 && count <= this.end - this.pos)) throw new Malformed();
    this.pos += count;
  }

  string(): string {
    const text = stringAt(this.bytes, this.pos);
    const end = this.bytes.indexOf(0, this.pos);
    this.pos = end < 0 ? this.end : end + 1;
    return text;
  }

  /** An initial length: sets the offset size, returns where the unit ends. */
  unitEnd(): number {
    let length = this.u32();
    this.offsetSize = 4;
    if (length === 0xffff_ffff) {
      length = this.u64();
      this.offsetSize = 8;
    }
    if (!(length <= this.end - this.pos)) throw new Malformed();
    return this.pos + length;
  }
}
