/**
 * Writes object files: named sections and a symbol table, so that objdump, nm, gdb and addr2line read what we compile.
 *
 * The file is ET_REL without relocations: sections with contents, symbols as offsets into them. Nothing loads it but us, so it has
 * no segments. Linear in sections and symbols; names go straight into the string table.
 *
 * ```
 * header | section contents, each aligned | .symtab | .strtab | .shstrtab | section headers
 * ```
 * ELFW-1  Equal calls give equal bytes: no time, no path, no address is recorded.
 * ELFW-2  Section names are unique, symbols lie inside their section.
 */

import { bug, CodeBuffer } from "../base/mod.ts";
import {
  ELF_SIZE,
  ELF_TYPE,
  MACHINE_X86_64,
  SECTION_FLAG,
  SECTION_TYPE,
  SYMBOL_BINDING,
  SYMBOL_TYPE,
} from "./sections.ts";

/** What a section is for, from which type and flags follow. */
export type SectionKind =
  /** Machine code: SHF_ALLOC and SHF_EXECINSTR. */
  | "code"
  /** Constants that code reads: SHF_ALLOC. */
  | "constants"
  /** Tables for us alone, never mapped. */
  | "metadata";

const KIND_FLAGS = {
  code: SECTION_FLAG.allocate | SECTION_FLAG.execute,
  constants: SECTION_FLAG.allocate,
  metadata: 0,
} as const satisfies Record<SectionKind, number>;

interface Section {
  readonly name: string;
  readonly kind: SectionKind;
  readonly bytes: Uint8Array;
  readonly alignmentBytes: number;
  readonly address: number;
}

/** Builds one object file. */
export class ElfWriter {
  readonly #sections: Section[] = [];
  readonly #locals: CodeBuffer = new CodeBuffer(4096);
  readonly #globals: CodeBuffer = new CodeBuffer(256);
  readonly #strings: StringTable = new StringTable();

  /**
   * Adds a section and returns its index, which symbols name. `bytes` is read when the file is written. `address` is where the
   * section was loaded, for the symbol file of a debugger; 0 in a file on disk.
   */
  addSection(name: string, kind: SectionKind, bytes: Uint8Array, alignmentBytes = 1, address = 0): number {
    for (const other of this.#sections) if (other.name === name) bug(`two sections are named ${name}`); // ELFW-2
    this.#sections.push({ name, kind, bytes, alignmentBytes, address });
    return this.#sections.length;
  }

  /** Adds a symbol of `byteLength` bytes at `offsetBytes` of a section. */
  addSymbol(
    name: string,
    section: number,
    offsetBytes: number,
    byteLength: number,
    type: keyof typeof SYMBOL_TYPE = "function",
    binding: keyof typeof SYMBOL_BINDING = "local",
  ): void {
    if (offsetBytes + byteLength > this.#sections[section - 1].bytes.length) bug(`symbol ${name} leaves its section`); // ELFW-2
    const table = binding === "local" ? this.#locals : this.#globals;
    putSymbol(
      table,
      this.#strings.add(name),
      SYMBOL_BINDING[binding] << 4 | SYMBOL_TYPE[type],
      section,
      offsetBytes,
      byteLength,
    );
  }

  /** The file. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const sections = this.#sections;
    const symbols = new CodeBuffer(this.#locals.length + this.#globals.length + ELF_SIZE.symbol);
    putSymbol(symbols, 0, 0, 0, 0, 0);
    symbols.append(this.#locals.bytes.subarray(0, this.#locals.length));
    const firstGlobal = symbols.length / ELF_SIZE.symbol;
    symbols.append(this.#globals.bytes.subarray(0, this.#globals.length));

    const headers = new SectionHeaders();
    const contents = sections.reduce((sum, section) => sum + section.bytes.length + section.alignmentBytes, 0);
    const out = new CodeBuffer(contents + symbols.length + this.#strings.buffer.length + 4096);
    out.reserve(ELF_SIZE.header);
    out.length = ELF_SIZE.header;
    for (const { name, kind, bytes, alignmentBytes, address } of sections) {
      out.align(alignmentBytes);
      headers.add(name, SECTION_TYPE.programBits, KIND_FLAGS[kind], address, out.length, bytes.length, alignmentBytes);
      out.append(bytes);
    }
    out.align(8);
    const stringsIndex = sections.length + 2;
    headers.add(".symtab", SECTION_TYPE.symbols, 0, 0, out.length, symbols.length, 8, {
      link: stringsIndex,
      info: firstGlobal,
      entryBytes: ELF_SIZE.symbol,
    });
    out.append(symbols.bytes.subarray(0, symbols.length));
    const strings = this.#strings.buffer;
    headers.add(".strtab", SECTION_TYPE.strings, 0, 0, out.length, strings.length, 1);
    out.append(strings.bytes.subarray(0, strings.length));
    headers.finish(out);
    putElfHeader(out, ELF_TYPE.relocatable, 0, headers);
    return out.toBytes();
  }

  /** Forgets sections and symbols and keeps the storage. */
  reset(): void {
    this.#sections.length = 0;
    this.#locals.reset();
    this.#globals.reset();
    this.#strings.reset();
  }
}

const encoder = new TextEncoder();

/** Zero-terminated strings, offset 0 being the empty one. */
export class StringTable {
  /** The table so far. */
  readonly buffer: CodeBuffer = new CodeBuffer(4096);

  constructor() {
    this.buffer.u8(0);
  }

  /** Appends a string and returns its offset. A zero character, which would end it, becomes U+FFFD. */
  add(text: string): number {
    if (text === "") return 0;
    const buffer = this.buffer;
    const offset = buffer.length;
    const clean = text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    buffer.reserve(clean.length * 3 + 1);
    buffer.length += encoder.encodeInto(clean, buffer.bytes.subarray(offset)).written;
    buffer.u8(0);
    return offset;
  }

  /** Forgets all strings but the empty one. */
  reset(): void {
    this.buffer.length = 1;
  }
}

/** Appends one Elf64_Sym. */
export function putSymbol(
  table: CodeBuffer,
  name: number,
  info: number,
  section: number,
  value: number,
  byteLength: number,
): void {
  table.u32(name);
  table.u8(info);
  table.u8(0); // st_other: default visibility
  table.u16(section);
  putWord(table, value);
  putWord(table, byteLength);
}

/** Appends a 64-bit word given as an exact number. */
export function putWord(out: CodeBuffer, value: number): void {
  out.u64(value, Math.floor(value / 0x1_0000_0000));
}

/** Section headers in the making; the null one is there from the start. */
export class SectionHeaders {
  /** Where the headers are in the file, after {@linkcode SectionHeaders.finish}. */
  offsetBytes = 0;
  /** How many there are. */
  count = 0;
  readonly #table: CodeBuffer = new CodeBuffer(1024);
  readonly #names: StringTable = new StringTable();

  constructor() {
    this.add("", SECTION_TYPE.none, 0, 0, 0, 0, 0);
  }

  /** Adds one Elf64_Shdr and returns its index. */
  add(
    name: string,
    type: number,
    flags: number,
    address: number,
    offsetBytes: number,
    byteLength: number,
    alignmentBytes: number,
    extra: { link?: number; info?: number; entryBytes?: number } = {},
  ): number {
    const table = this.#table;
    table.u32(this.#names.add(name));
    table.u32(type);
    putWord(table, flags);
    putWord(table, address);
    putWord(table, offsetBytes);
    putWord(table, byteLength);
    table.u32(extra.link ?? 0);
    table.u32(extra.info ?? 0);
    putWord(table, alignmentBytes);
    putWord(table, extra.entryBytes ?? 0);
    return this.count++;
  }

  /** Appends the name table and the headers to `out`. */
  finish(out: CodeBuffer): void {
    const names = this.#names;
    // The header of the name table names itself, so its name is added before its length is taken.
    const before = names.buffer.length;
    const byteLength = before + ".shstrtab".length + 1;
    this.add(".shstrtab", SECTION_TYPE.strings, 0, 0, out.length, byteLength, 1);
    out.append(names.buffer.bytes.subarray(0, names.buffer.length));
    out.align(8);
    this.offsetBytes = out.length;
    out.append(this.#table.bytes.subarray(0, this.#table.length));
  }
}

/** Writes the Elf64_Ehdr over the first 64 bytes of `out`. */
export function putElfHeader(out: CodeBuffer, type: number, segmentCount: number, headers: SectionHeaders): void {
  const header = new CodeBuffer(ELF_SIZE.header);
  header.append(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0)); // 64-bit, little-endian, version 1, System V
  header.u64(0, 0);
  header.u16(type);
  header.u16(MACHINE_X86_64);
  header.u32(1);
  header.u64(0, 0); // e_entry
  putWord(header, segmentCount === 0 ? 0 : ELF_SIZE.header);
  putWord(header, headers.offsetBytes);
  header.u32(0); // e_flags
  header.u16(ELF_SIZE.header);
  header.u16(segmentCount === 0 ? 0 : ELF_SIZE.programHeader);
  header.u16(segmentCount);
  header.u16(ELF_SIZE.sectionHeader);
  header.u16(headers.count);
  header.u16(headers.count - 1); // the name table is the last one
  out.bytes.set(header.bytes.subarray(0, ELF_SIZE.header));
}
