/**
 * The canonical bytes of a module: the same module in the shortest encoding, for comparing modules that were encoded differently.
 *
 * A transcription of the binary grammar (spec: binary) that shares nothing with the printer and the parser but the codecs of
 * immediates. What it changes: integers take their least number of bytes; local declarations of one type are joined; segments
 * and blocks, limits, references and recursion groups use their short forms; empty sections go, and a data count section
 * nobody needs; the name section stands last.
 */
import { CodeBuffer } from "../../../lib/base/mod.ts";
import {
  ALL_FEATURES,
  OP,
  type Op,
  Reader,
  readHeapType,
  readImmediates,
  readOp,
  readRefType,
  readStorageType,
  readValType,
  type ValType,
  writeHeapType,
  writeInstruction,
  writeU32Leb,
  writeU64Leb,
  writeValType,
} from "../../../lib/wasm/mod.ts";

const FUNCREF_CODE = 0x70;
const DATA_COUNT = 12;
const NAME = "name";
const HINTS = "metadata.code.branch_hint";

/** The canonical bytes of a well-formed module. */
export function canonicalBytes(bytes: Uint8Array): Uint8Array {
  return new Canonicalizer(bytes).run();
}

class Canonicalizer {
  readonly #in: Reader;
  readonly #bytes: Uint8Array;
  #out = new CodeBuffer();
  #usesDataIndices = false;
  #funcCount = 0;
  /** Per defined function: offsets of instructions relative to the body, before and after. */
  readonly #moved: Map<number, number>[] = [];
  #importedFuncs = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#in = new Reader(bytes, 8);
    this.#in.features = ALL_FEATURES;
  }

  run(): Uint8Array {
    const sections: { id: number; content: Uint8Array; name?: string }[] = [];
    const reader = this.#in;
    const hints: { at: number; start: number; end: number }[] = [];
    while (!reader.atEnd) {
      const id = reader.readU8();
      const size = reader.readU32Leb();
      const end = reader.pos + size;
      const start = reader.pos;
      this.#out = new CodeBuffer();
      if (id === 0) {
        const name = this.#name();
        if (name === HINTS) hints.push({ at: sections.length, start: reader.pos, end });
        if (name === NAME) this.#names(end);
        else this.#out.append(reader.readBytes(end - reader.pos));
        sections.push({ id, content: this.#out.bytes.slice(0, this.#out.length), name });
      } else {
        const isEmpty = id !== 8 && id !== DATA_COUNT && new Reader(this.#bytes, start, end).readU32Leb() === 0;
        this.#section(id);
        if (!isEmpty) sections.push({ id, content: this.#out.bytes.slice(0, this.#out.length) });
      }
      if (reader.pos !== end) throw new Error(`section ${id} ends at ${reader.pos}, not ${end}`);
    }
    for (const { at, start, end } of hints) sections[at].content = this.#hintSection(start, end);
    const kept = sections.filter(({ id }) => id !== DATA_COUNT || this.#usesDataIndices);
    // A name section is last, behind customs that follow the data; hints stand before the code.
    const ordered = [
      ...kept.filter(({ name }) => name !== NAME && name !== HINTS),
      ...kept.filter(({ name }) => name === NAME),
    ];
    const hint = kept.find(({ name }) => name === HINTS);
    if (hint !== undefined) ordered.splice(ordered.findIndex(({ id }) => id === 10), 0, hint);
    const out = new CodeBuffer();
    out.append(this.#bytes.subarray(0, 8));
    for (const { id, content } of ordered) {
      out.u8(id);
      writeU32Leb(out, content.length);
      out.append(content);
    }
    return out.bytes.slice(0, out.length);
  }

  #u32(): number {
    const value = this.#in.readU32Leb();
    writeU32Leb(this.#out, value);
    return value;
  }

  #byte(): number {
    const value = this.#in.readU8();
    this.#out.u8(value);
    return value;
  }

  #name(): string {
    const length = this.#u32();
    const bytes = this.#in.readBytes(length);
    this.#out.append(bytes);
    return new TextDecoder().decode(bytes);
  }

  #vector(item: () => void): number {
    const count = this.#u32();
    for (let i = 0; i < count; i++) item();
    return count;
  }

  #valType(): void {
    writeValType(this.#out, readValType(this.#in));
  }

  #refType(): void {
    writeValType(this.#out, readRefType(this.#in));
  }

  #section(id: number): void {
    switch (id) {
      case 1:
        this.#vectorOfGroups();
        break;
      case 2:
        this.#vector(() => {
          this.#name();
          this.#name();
          const kind = this.#byte();
          if (kind === 0 || kind === 0x20) this.#importedFuncs++;
          this.#externType(kind);
        });
        break;
      case 3:
        this.#funcCount = this.#vector(() => this.#u32());
        break;
      case 4:
        this.#vector(() => this.#table());
        break;
      case 5:
        this.#vector(() => this.#limits());
        break;
      case 6:
        this.#vector(() => {
          this.#valType();
          this.#byte();
          this.#expression();
        });
        break;
      case 7:
        this.#vector(() => {
          this.#name();
          this.#byte();
          this.#u32();
        });
        break;
      case 8:
      case DATA_COUNT:
        this.#u32();
        break;
      case 9:
        this.#vector(() => this.#elements());
        break;
      case 10:
        this.#vector(() => this.#body());
        break;
      case 11:
        this.#vector(() => this.#data());
        break;
      case 13:
        this.#vector(() => {
          this.#byte();
          this.#u32();
        });
        break;
      default:
        throw new Error(`section ${id}`);
    }
  }

  #vectorOfGroups(): void {
    const count = this.#in.readU32Leb();
    const outer = this.#out;
    const content = new CodeBuffer();
    let groups = 0;
    this.#out = content;
    for (let i = 0; i < count; i++) {
      if (this.#in.bytes[this.#in.pos] !== 0x4e) {
        this.#subType();
        groups++;
        continue;
      }
      this.#in.readU8();
      const size = this.#in.readU32Leb();
      if (size === 0) continue;
      groups++;
      if (size > 1) {
        content.u8(0x4e);
        writeU32Leb(content, size);
      }
      for (let k = 0; k < size; k++) this.#subType();
    }
    this.#out = outer;
    writeU32Leb(outer, groups);
    outer.append(content.bytes.subarray(0, content.length));
  }

  #subType(): void {
    const { bytes, pos } = this.#in;
    if (bytes[pos] === 0x4f || bytes[pos] === 0x50) {
      const code = this.#in.readU8();
      const supertypes = this.#in.readU32Leb();
      if (code === 0x50 || supertypes > 0) {
        this.#out.u8(code);
        writeU32Leb(this.#out, supertypes);
      }
      for (let i = 0; i < supertypes; i++) this.#u32();
    }
    for (let code = bytes[this.#in.pos]; code === 0x4c || code === 0x4d; code = bytes[this.#in.pos]) {
      this.#byte();
      this.#u32();
    }
    const form = this.#byte();
    const field = () => {
      const type = readStorageType(this.#in);
      writeValType(this.#out, type);
      this.#byte();
    };
    if (form === 0x60) {
      this.#vector(() => this.#valType());
      this.#vector(() => this.#valType());
    } else if (form === 0x5f) this.#vector(field);
    else if (form === 0x5e) field();
    else if (form === 0x5d) writeHeapType(this.#out, readHeapType(this.#in));
    else throw new Error(`type form ${form}`);
  }

  #externType(kind: number): void {
    if (kind === 0 || kind === 0x20) this.#u32();
    else if (kind === 1) {
      this.#refType();
      this.#limits();
    } else if (kind === 2) this.#limits();
    else if (kind === 3) {
      this.#valType();
      this.#byte();
    } else {
      this.#byte();
      this.#u32();
    }
  }

  #table(): void {
    const hasInit = this.#in.bytes[this.#in.pos] === 0x40;
    if (hasInit) {
      this.#byte();
      this.#byte();
    }
    this.#refType();
    this.#limits();
    if (hasInit) this.#expression();
  }

  #limits(): void {
    const reader = this.#in;
    const flags = reader.readU8();
    const values: [number, number][] = [];
    for (let i = 0; i <= (flags & 1); i++) {
      reader.readU64Leb();
      values.push([reader.lo, reader.hi]);
    }
    const pageSize = (flags & 8) !== 0 ? reader.readU32Leb() : 16;
    this.#out.u8(flags & 7 | (pageSize === 16 ? 0 : 8));
    for (const [lo, hi] of values) writeU64Leb(this.#out, lo, hi);
    if (pageSize !== 16) writeU32Leb(this.#out, pageSize);
  }

  /** An instruction; returns its operation. */
  #instruction(): Op {
    const op = readOp(this.#in);
    const immediates = readImmediates(op, this.#in);
    if (immediates.some(({ kind }) => kind === "data")) this.#usesDataIndices = true;
    writeInstruction(this.#out, op, immediates);
    return op;
  }

  #expression(): void {
    while (this.#instruction() !== OP.end);
  }

  #elements(): void {
    const reader = this.#in;
    const flags = reader.readU32Leb();
    const isActive = (flags & 1) === 0;
    const table = isActive && (flags & 2) !== 0 ? reader.readU32Leb() : 0;
    const offset = new CodeBuffer();
    const out = this.#out;
    this.#out = offset;
    if (isActive) this.#expression();
    this.#out = out;
    const hasType = (flags & 3) !== 0;
    let type: ValType | undefined;
    if ((flags & 4) !== 0) type = hasType ? readRefType(reader) : undefined;
    else if (hasType) reader.readU8();
    const typeBytes = new CodeBuffer();
    if (type !== undefined) writeValType(typeBytes, type);
    const isFuncref = type === undefined || typeBytes.length === 1 && typeBytes.bytes[0] === FUNCREF_CODE;
    const needsExplicit = isActive && (table !== 0 || (flags & 4) !== 0 && !isFuncref);
    writeU32Leb(out, isActive ? flags & 4 | (needsExplicit ? 2 : 0) : flags);
    if (needsExplicit) writeU32Leb(out, table);
    out.append(offset.bytes.subarray(0, offset.length));
    if (!isActive || needsExplicit) {
      if ((flags & 4) === 0) out.u8(0);
      else if (type === undefined) out.u8(FUNCREF_CODE);
      else out.append(typeBytes.bytes.subarray(0, typeBytes.length));
    }
    this.#vector(() => {
      if ((flags & 4) === 0) this.#u32();
      else this.#expression();
    });
  }

  #data(): void {
    const flags = this.#in.readU32Leb();
    const memory = flags === 2 ? this.#in.readU32Leb() : 0;
    writeU32Leb(this.#out, flags === 2 && memory === 0 ? 0 : flags);
    if (memory !== 0) writeU32Leb(this.#out, memory);
    if (flags !== 1) this.#expression();
    const length = this.#u32();
    this.#out.append(this.#in.readBytes(length));
  }

  #body(): void {
    const reader = this.#in;
    const end = reader.readU32Leb() + reader.pos;
    const start = reader.pos;
    const moved = new Map<number, number>();
    const outer = this.#out;
    const body = this.#out = new CodeBuffer();
    const groups: [number, ValType][] = [];
    for (let count = reader.readU32Leb(); count > 0; count--) {
      const locals = reader.readU32Leb();
      const type = readValType(reader);
      const last = groups[groups.length - 1];
      if (locals === 0) continue;
      if (last !== undefined && last[1] === type) last[0] += locals;
      else groups.push([locals, type]);
    }
    writeU32Leb(body, groups.length);
    for (const [count, type] of groups) {
      writeU32Leb(body, count);
      writeValType(body, type);
    }
    while (reader.pos < end) {
      moved.set(reader.pos - start, body.length);
      this.#instruction();
    }
    this.#moved.push(moved);
    this.#out = outer;
    writeU32Leb(outer, body.length);
    outer.append(body.bytes.subarray(0, body.length));
  }

  #hintSection(start: number, end: number): Uint8Array {
    const reader = new Reader(this.#bytes, start, end);
    const out = new CodeBuffer();
    const name = new TextEncoder().encode(HINTS);
    writeU32Leb(out, name.length);
    out.append(name);
    const funcs = reader.readU32Leb();
    writeU32Leb(out, funcs);
    for (let i = 0; i < funcs; i++) {
      const funcIndex = reader.readU32Leb();
      writeU32Leb(out, funcIndex);
      const moved = this.#moved[funcIndex - this.#importedFuncs];
      const count = reader.readU32Leb();
      writeU32Leb(out, count);
      for (let k = 0; k < count; k++) {
        const offset = reader.readU32Leb();
        writeU32Leb(out, moved?.get(offset) ?? offset);
        const size = reader.readU32Leb();
        writeU32Leb(out, size);
        out.append(reader.readBytes(size));
      }
    }
    return out.bytes.slice(0, out.length);
  }

  /** Subsections with their maps re-encoded; one that does not follow the grammar stays as it is. */
  #names(end: number): void {
    const reader = this.#in;
    const outer = this.#out;
    while (reader.pos < end) {
      const id = reader.readU8();
      const size = reader.readU32Leb();
      const content = reader.readBytes(size);
      const inner = new Reader(content);
      const part = new CodeBuffer();
      const copy = () => {
        const value = inner.readU32Leb();
        writeU32Leb(part, value);
        return value;
      };
      const copyName = () => part.append(inner.readBytes(copy()));
      const map = () => {
        for (let count = copy(); count > 0; count--) {
          copy();
          copyName();
        }
      };
      let entries = 1;
      try {
        if (id === 0) copyName();
        else {
          entries = new Reader(content).readU32Leb();
          if (id === 2 || id === 3 || id === 10) {
            for (let count = copy(); count > 0; count--) {
              copy();
              map();
            }
          } else map();
        }
      } catch {
        part.reset();
        part.append(content);
      }
      if (entries === 0) continue;
      outer.u8(id);
      writeU32Leb(outer, part.length);
      outer.append(part.bytes.subarray(0, part.length));
    }
  }
}

/** What differs first between two byte strings, for messages. */
export function firstDifference(a: Uint8Array, b: Uint8Array): string {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  const hex = (bytes: Uint8Array) =>
    Array.from(bytes.subarray(Math.max(0, at - 12), at + 12), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `at ${at} of ${a.length} and ${b.length}: ${hex(a)} | ${hex(b)}`;
}
