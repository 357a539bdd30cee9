/**
 * Reads object files of our own writer, trusting nothing.
 *
 * An artifact comes from a cache or a user's disk; its code is trusted only after its digest was checked, but to find the digest
 * the file must be parsed, so parsing must be safe on any bytes. Everything that is read is checked against the file's length
 * first, 64-bit fields must be exact numbers, and what our writer never writes is refused rather than interpreted.
 *
 * ELFR-1  Any byte sequence gives a file or an ElfError, never another exception, in time linear in its length.
 * ELFR-2  Every `bytes` of a section is a view inside the file; nothing is copied.
 */

import { ElfError } from "./errors.ts";
import { ELF_SIZE, ELF_TYPE, MACHINE_X86_64, SECTION_TYPE } from "./sections.ts";

/** One section. */
export interface ElfSection {
  /** Name, unique in the file. */
  readonly name: string;
  /** sh_type. */
  readonly type: number;
  /** sh_flags. */
  readonly flags: number;
  /** sh_addr. */
  readonly address: number;
  /** Position in the file. */
  readonly offsetBytes: number;
  /** Contents; empty for SHT_NOBITS. */
  readonly bytes: Uint8Array;
  /** sh_addralign, at least 1. */
  readonly alignmentBytes: number;
  /** sh_link. */
  readonly link: number;
}

/** One symbol. */
export interface ElfSymbol {
  /** Name. */
  readonly name: string;
  /** Offset in its section, or address in a shared object. */
  readonly value: number;
  /** Size in bytes. */
  readonly byteLength: number;
  /** Index of its section in {@linkcode ElfReader.sections}. */
  readonly section: number;
  /** Low half of st_info. */
  readonly type: number;
  /** High half of st_info. */
  readonly binding: number;
}

/** More sections than any file of ours: the limit keeps the duplicate check cheap. */
const MAXIMUM_SECTIONS = 256;

/** A parsed file. */
export class ElfReader {
  /** All sections by index, the null section included. */
  readonly sections: readonly ElfSection[];
  /** e_type. */
  readonly type: number;
  readonly #byName = new Map<string, ElfSection>();
  readonly #view: DataView;

  /** Parses header and section table. @throws {ElfError} */
  constructor(bytes: Uint8Array) {
    const view = this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < ELF_SIZE.header) throw new ElfError("the file is shorter than an ELF header", bytes.length);
    // Magic, 64-bit, little-endian, version 1: two words, the second with System V and ABI version 0.
    if (view.getUint32(0) !== 0x7f454c46) throw new ElfError("not an ELF file", 0);
    if (view.getUint32(4) !== 0x02010100) throw new ElfError("not a 64-bit little-endian ELF file", 4);
    this.type = view.getUint16(16, true);
    if (this.type !== ELF_TYPE.relocatable && this.type !== ELF_TYPE.sharedObject) {
      throw new ElfError(`ELF type ${this.type} is not an object file`, 16);
    }
    if (view.getUint16(18, true) !== MACHINE_X86_64) throw new ElfError("not for x86-64", 18);
    const tableOffset = this.#word(40);
    const entryBytes = view.getUint16(58, true);
    const count = view.getUint16(60, true);
    const namesIndex = view.getUint16(62, true);
    if (entryBytes !== ELF_SIZE.sectionHeader) throw new ElfError("section headers have the wrong size", 58);
    if (count === 0 || count > MAXIMUM_SECTIONS) throw new ElfError(`${count} sections`, 60);
    this.#inside(tableOffset, count * entryBytes, 40);
    if (namesIndex >= count) throw new ElfError("the section name table does not exist", 62);

    const nameTable = this.#contents(bytes, tableOffset + namesIndex * entryBytes);
    const sections: ElfSection[] = [];
    for (let i = 0; i < count; i++) {
      const at = tableOffset + i * entryBytes;
      const type = view.getUint32(at + 4, true);
      if (i === 0 && type !== SECTION_TYPE.none) throw new ElfError("section 0 is not the null section", at);
      const name = stringAt(nameTable, view.getUint32(at, true), at);
      const alignmentBytes = Math.max(1, this.#word(at + 48));
      if (!Number.isInteger(Math.log2(alignmentBytes))) throw new ElfError("alignment is not a power of two", at + 48);
      const section: ElfSection = {
        name,
        type,
        flags: this.#word(at + 8),
        address: this.#word(at + 16),
        offsetBytes: this.#word(at + 24),
        bytes: type === SECTION_TYPE.none ? bytes.subarray(0, 0) : this.#contents(bytes, at),
        alignmentBytes,
        link: view.getUint32(at + 40, true),
      };
      if (i > 0) {
        if (this.#byName.has(name)) throw new ElfError(`two sections are named ${name}`, at);
        this.#byName.set(name, section);
      }
      sections.push(section);
    }
    this.sections = sections;
  }

  /** The section named `name`, if there is one. */
  section(name: string): ElfSection | undefined {
    return this.#byName.get(name);
  }

  /** The contents of section `name`. @throws {ElfError} if there is no such section. */
  requireSection(name: string): Uint8Array {
    const section = this.#byName.get(name);
    if (section === undefined) throw new ElfError(`section ${name} is missing`, 0);
    return section.bytes;
  }

  /** The symbols of `.symtab`, in file order, without the null symbol. @throws {ElfError} */
  symbols(): ElfSymbol[] {
    const table = this.#byName.get(".symtab") ?? this.#byName.get(".dynsym");
    if (table === undefined) return [];
    if (table.bytes.length % ELF_SIZE.symbol !== 0) throw new ElfError("a symbol is cut off", table.offsetBytes);
    const names = this.sections[table.link];
    if (names === undefined || names.type !== SECTION_TYPE.strings) {
      throw new ElfError("the symbol table has no string table", table.offsetBytes);
    }
    // ELFR-1: our writer gives each symbol a name of its own, so all names together are no longer than their table.
    let nameBytes = names.bytes.length;
    const symbols: ElfSymbol[] = [];
    const end = table.offsetBytes + table.bytes.length;
    for (let at = table.offsetBytes + ELF_SIZE.symbol; at < end; at += ELF_SIZE.symbol) {
      const info = this.#view.getUint8(at + 4);
      const sectionIndex = this.#view.getUint16(at + 6, true);
      const section = this.sections[sectionIndex];
      if (section === undefined) throw new ElfError("a symbol is in no section", at + 6);
      const value = this.#word(at + 8);
      const byteLength = this.#word(at + 16);
      if (this.type === ELF_TYPE.relocatable && value + byteLength > section.bytes.length) {
        throw new ElfError("a symbol leaves its section", at + 8);
      }
      const name = stringAt(names.bytes, this.#view.getUint32(at, true), at);
      nameBytes -= name.length;
      if (nameBytes < 0) throw new ElfError("symbol names overlap", at);
      symbols.push({
        name,
        value,
        byteLength,
        section: sectionIndex,
        type: info & 15,
        binding: info >> 4,
      });
    }
    return symbols;
  }

  #word(at: number): number {
    const hi = this.#view.getUint32(at + 4, true);
    if (hi >= 1 << 21) throw new ElfError("a 64-bit field is out of range", at);
    return hi * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  #inside(offsetBytes: number, byteLength: number, at: number): void {
    if (offsetBytes + byteLength > this.#view.byteLength) throw new ElfError("the file is cut off", at);
  }

  #contents(bytes: Uint8Array, header: number): Uint8Array {
    const offsetBytes = this.#word(header + 24);
    if (this.#view.getUint32(header + 4, true) === SECTION_TYPE.noBits) return bytes.subarray(0, 0);
    const byteLength = this.#word(header + 32);
    this.#inside(offsetBytes, byteLength, header + 24);
    return bytes.subarray(offsetBytes, offsetBytes + byteLength);
  }
}

const decoder = new TextDecoder();

function stringAt(table: Uint8Array, offsetBytes: number, at: number): string {
  if (offsetBytes >= table.length) throw new ElfError("a name is outside its table", at);
  const end = table.indexOf(0, offsetBytes);
  if (end < 0) throw new ElfError("a name does not end", at);
  return decoder.decode(table.subarray(offsetBytes, end));
}
