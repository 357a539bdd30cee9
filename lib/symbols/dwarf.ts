/**
 * DWARF (versions 2 to 5): which functions an address of code is in, inlined ones included, and where in the sources.
 *
 * Addresses are offsets in the contents of the module's code section ("DWARF for WebAssembly"). A first question reads the heads of all
 * units and the ranges of their root entries; a unit is read when an address lies in it, all of its entries once, of which those remain that
 * are functions or inlined calls and have code. Names are found when they are asked for, through the chain of abstract origins.
 *
 * ```
 * .debug_info   units of entries (DIEs), each by a code of .debug_abbrev: tag, attributes and their forms
 * .debug_line   lines, see line_table.ts          .debug_ranges, .debug_rnglists   code in several pieces
 * .debug_str, .debug_line_str, .debug_str_offsets, .debug_addr                     what forms refer to
 * ```
 */

import { LineTable } from "./line_table.ts";
import { Malformed, SectionReader, stringAt } from "./section_reader.ts";

/** The sections by their names, without the dot; those that are missing are empty. */
export interface DwarfSections {
  readonly debug_info: Uint8Array;
  readonly debug_abbrev: Uint8Array;
  readonly debug_line: Uint8Array;
  readonly debug_str: Uint8Array;
  readonly debug_line_str: Uint8Array;
  readonly debug_str_offsets: Uint8Array;
  readonly debug_addr: Uint8Array;
  readonly debug_ranges: Uint8Array;
  readonly debug_rnglists: Uint8Array;
}

/** A function that an address is in, and where. Line and column count from 1, 0 is unknown. */
export interface SourceFrame {
  /** The function's name, as a linker knows it if that is given. */
  readonly name: string | undefined;
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
}

const TAG_COMPILE_UNIT = 0x11, TAG_SUBPROGRAM = 0x2e, TAG_INLINED_SUBROUTINE = 0x1d;
const TAG_PARTIAL_UNIT = 0x3c, TAG_SKELETON_UNIT = 0x4a;

const AT_NAME = 0x03, AT_STMT_LIST = 0x10, AT_LOW_PC = 0x11, AT_HIGH_PC = 0x12, AT_COMP_DIR = 0x1b;
const AT_ABSTRACT_ORIGIN = 0x31, AT_SPECIFICATION = 0x47, AT_RANGES = 0x55;
const AT_CALL_COLUMN = 0x57, AT_CALL_FILE = 0x58, AT_CALL_LINE = 0x59;
const AT_LINKAGE_NAME = 0x6e, AT_MIPS_LINKAGE_NAME = 0x2007;
const AT_STR_OFFSETS_BASE = 0x72, AT_ADDR_BASE = 0x73, AT_RNGLISTS_BASE = 0x74;

/** Attributes whose values are kept; all others are skipped over. */
const KEPT = new Set([
  AT_NAME,
  AT_STMT_LIST,
  AT_LOW_PC,
  AT_HIGH_PC,
  AT_COMP_DIR,
  AT_ABSTRACT_ORIGIN,
  AT_SPECIFICATION,
  AT_RANGES,
  AT_CALL_COLUMN,
  AT_CALL_FILE,
  AT_CALL_LINE,
  AT_LINKAGE_NAME,
  AT_MIPS_LINKAGE_NAME,
  AT_STR_OFFSETS_BASE,
  AT_ADDR_BASE,
  AT_RNGLISTS_BASE,
]);

/** What a value is, once its form is read: the forms that matter here fall into these classes. */
type Value =
  | { readonly class: "address" | "constant" | "offset" | "reference" | "addrx" | "strx" | "rnglistx"; n: number }
  | { readonly class: "string"; readonly text: string }
  | { readonly class: "strp" | "line_strp"; readonly n: number };

interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Attribute, form, and the value of `DW_FORM_implicit_const`, in turn. */
  readonly attributes: readonly number[];
}

interface Unit {
  /** Where it starts in `.debug_info`: what references inside it count from. */
  readonly offset: number;
  readonly entries: number;
  readonly end: number;
  readonly version: number;
  readonly addressSize: number;
  readonly offsetSize: number;
  readonly abbreviations: number;
  root: Map<number, Value> | undefined;
  scopes: Scope[] | undefined;
  lines: LineTable | "none" | undefined;
}

/** Code of a function, or of an inlined call in one. */
interface Scope {
  readonly tag: number;
  readonly entry: number;
  readonly values: Map<number, Value>;
  /** Start and end in turn. */
  readonly ranges: readonly number[];
}

/** Ranges of code and the unit that they belong to. */
interface UnitRange {
  readonly start: number;
  readonly end: number;
  readonly unit: Unit;
}

/** Origins of origins that are followed. */
const MAXIMUM_ORIGINS = 16;
/** Ranges that one entry may have. */
const MAXIMUM_RANGES = 1 << 16;

/** Debugging information of a module. */
export class Dwarf {
  readonly #sections: DwarfSections;
  readonly #units: Unit[] = [];
  #ranges: UnitRange[] | undefined;
  readonly #abbreviations = new Map<number, Map<number, Abbreviation>>();

  constructor(sections: DwarfSections) {
    this.#sections = sections;
  }

  /** The functions that an address is in, innermost first: inlined ones, then the one that has the code. Empty when nothing is known. */
  locate(address: number): SourceFrame[] {
    try {
      this.#ranges ??= this.#readUnits();
      for (const { start, end, unit } of this.#ranges) {
        if (address < start || address >= end) continue;
        const frames = this.#framesIn(unit, address);
        if (frames.length > 0) return frames;
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
    return [];
  }

  #framesIn(unit: Unit, address: number): SourceFrame[] {
    const scopes = this.#scopesOf(unit).filter(({ ranges }) => covers(ranges, address));
    const first = scopes.findLastIndex(({ tag }) => tag === TAG_SUBPROGRAM);
    const nested = scopes.slice(Math.max(first, 0));
    const lines = this.#linesOf(unit);
    const position = lines?.find(address);
    if (nested.length === 0) return position === undefined ? [] : [{ name: undefined, ...position }];
    const frames: SourceFrame[] = [];
    let place = position ?? { file: undefined, line: 0, column: 0 };
    for (let i = nested.length - 1; i >= 0; i--) {
      const { values } = nested[i];
      frames.push({ name: this.#nameOf(unit, values), ...place });
      place = {
        file: lines?.file(constant(values.get(AT_CALL_FILE))),
        line: constant(values.get(AT_CALL_LINE)),
        column: constant(values.get(AT_CALL_COLUMN)),
      };
    }
    return frames;
  }

  #linesOf(unit: Unit): LineTable | undefined {
    if (unit.lines === undefined) {
      unit.lines = "none";
      const list = unit.root?.get(AT_STMT_LIST);
      if (list !== undefined && "n" in list) {
        const { debug_line, debug_str, debug_line_str } = this.#sections;
        const folder = this.#text(unit, unit.root?.get(AT_COMP_DIR)) ?? "";
        try {
          unit.lines = new LineTable(debug_line, list.n, { str: debug_str, lineStr: debug_line_str }, folder);
        } catch (error) {
          if (!(error instanceof Malformed)) throw error;
        }
      }
    }
    return unit.lines === "none" ? undefined : unit.lines;
  }

  #readUnits(): UnitRange[] {
    const ranges: UnitRange[] = [];
    const reader = new SectionReader(this.#sections.debug_info);
    try {
      while (reader.pos < reader.bytes.length) {
        reader.end = reader.bytes.length;
        const unit = readUnitHead(reader);
        reader.pos = unit.end;
        this.#units.push(unit);
        this.#readRoot(unit, ranges);
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
    return ranges;
  }

  #readRoot(unit: Unit, into: UnitRange[]): void {
    try {
      const reader = readerOf(this.#sections.debug_info, unit);
      const abbreviation = this.#abbreviationsOf(unit).get(reader.uleb());
      if (abbreviation === undefined) return;
      const { tag } = abbreviation;
      if (tag !== TAG_COMPILE_UNIT && tag !== TAG_PARTIAL_UNIT && tag !== TAG_SKELETON_UNIT) return;
      unit.root = readValues(reader, unit, abbreviation);
      const pieces = this.#rangesOf(unit, unit.root);
      for (let i = 0; i < pieces.length; i += 2) into.push({ start: pieces[i], end: pieces[i + 1], unit });
      // Without ranges of its own a unit is asked about every address: its functions have theirs.
      if (pieces.length === 0 && unit.root.has(AT_STMT_LIST)) into.push({ start: 0, end: Infinity, unit });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
  }

  /** Functions and inlined calls with code, in the order of the unit, so that what is nested comes later. */
  #scopesOf(unit: Unit): Scope[] {
    if (unit.scopes !== undefined) return unit.scopes;
    const scopes: Scope[] = unit.scopes = [];
    const reader = readerOf(this.#sections.debug_info, unit);
    const abbreviations = this.#abbreviationsOf(unit);
    try {
      while (reader.pos < reader.end) {
        const entry = reader.pos;
        const code = reader.uleb();
        if (code === 0) continue;
        const abbreviation = abbreviations.get(code);
        if (abbreviation === undefined) throw new Malformed();
        const { tag } = abbreviation;
        if (tag !== TAG_SUBPROGRAM && tag !== TAG_INLINED_SUBROUTINE) {
          skipValues(reader, unit, abbreviation);
          continue;
        }
        const values = readValues(reader, unit, abbreviation);
        const ranges = this.#rangesOf(unit, values);
        if (ranges.length > 0) scopes.push({ tag, entry, values, ranges });
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
    return scopes;
  }

  #nameOf(unit: Unit, start: Map<number, Value>): string | undefined {
    let values: Map<number, Value> | undefined = start;
    let home = unit;
    let name: string | undefined;
    for (let i = 0; i < MAXIMUM_ORIGINS && values !== undefined; i++) {
      const linkage = this.#text(home, values.get(AT_LINKAGE_NAME) ?? values.get(AT_MIPS_LINKAGE_NAME));
      if (linkage !== undefined) return linkage;
      name ??= this.#text(home, values.get(AT_NAME));
      const origin: Value | undefined = values.get(AT_ABSTRACT_ORIGIN) ?? values.get(AT_SPECIFICATION);
      if (origin === undefined || origin.class !== "reference") break;
      const at: number = origin.n;
      const found: Unit | undefined = this.#units.find(({ offset, end }) => at > offset && at < end);
      if (found === undefined) break;
      home = found;
      values = this.#entryAt(home, at);
    }
    return name;
  }

  #entryAt(unit: Unit, offset: number): Map<number, Value> | undefined {
    try {
      const reader = readerOf(this.#sections.debug_info, unit);
      reader.pos = offset;
      const abbreviation = this.#abbreviationsOf(unit).get(reader.uleb());
      return abbreviation === undefined ? undefined : readValues(reader, unit, abbreviation);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return undefined;
    }
  }

  #text({ root, offsetSize }: Unit, value: Value | undefined): string | undefined {
    const { debug_str, debug_line_str, debug_str_offsets } = this.#sections;
    try {
      switch (value?.class) {
        case "string":
          return value.text;
        case "strp":
          return stringAt(debug_str, value.n);
        case "line_strp":
          return stringAt(debug_line_str, value.n);
        case "strx": {
          const base = constant(root?.get(AT_STR_OFFSETS_BASE)) || 2 * offsetSize;
          const reader = new SectionReader(debug_str_offsets, base + value.n * offsetSize);
          return stringAt(debug_str, reader.unsigned(offsetSize));
        }
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
    return undefined;
  }

  #address({ root, addressSize }: Unit, value: Value | undefined): number | undefined {
    if (value?.class === "address") return value.n;
    if (value?.class !== "addrx") return undefined;
    const base = constant(root?.get(AT_ADDR_BASE)) || 8;
    return new SectionReader(this.#sections.debug_addr, base + value.n * addressSize).unsigned(addressSize);
  }

  /** The code of an entry: start and end in turn. What the linker left out starts at 0 or ends at the top, and is none. */
  #rangesOf(unit: Unit, values: Map<number, Value>): number[] {
    const ranges = values.get(AT_RANGES);
    if (ranges !== undefined) {
      const base = this.#address(unit, unit.root?.get(AT_LOW_PC) ?? values.get(AT_LOW_PC)) ?? 0;
      return unit.version >= 5 ? this.#rangeList(unit, ranges, base) : this.#oldRanges(unit, ranges, base);
    }
    const low = this.#address(unit, values.get(AT_LOW_PC));
    const high = values.get(AT_HIGH_PC);
    if (low === undefined || high === undefined) return [];
    const end = high.class === "constant" ? low + high.n : this.#address(unit, high);
    const pieces: number[] = [];
    if (end !== undefined) addRange(pieces, low, end);
    return pieces;
  }

  #oldRanges({ addressSize }: Unit, value: Value, first: number): number[] {
    const pieces: number[] = [];
    if (!("n" in value)) return pieces;
    const reader = new SectionReader(this.#sections.debug_ranges, value.n);
    const top = addressSize === 8 ? 2 ** 64 : 2 ** 32 - 1;
    let base = first;
    for (let i = 0; i < MAXIMUM_RANGES; i++) {
      const start = reader.unsigned(addressSize);
      const end = reader.unsigned(addressSize);
      if (start === 0 && end === 0) break;
      if (start === top) base = end;
      else addRange(pieces, base + start, base + end);
    }
    return pieces;
  }

  #rangeList(unit: Unit, value: Value, first: number): number[] {
    const pieces: number[] = [];
    if (!("n" in value)) return pieces;
    const { debug_rnglists } = this.#sections;
    let at = value.n;
    if (value.class === "rnglistx") {
      const base = constant(unit.root?.get(AT_RNGLISTS_BASE)) || 12;
      at = base + new SectionReader(debug_rnglists, base + value.n * unit.offsetSize).unsigned(unit.offsetSize);
    }
    const reader = new SectionReader(debug_rnglists, at);
    const address = () => reader.unsigned(unit.addressSize);
    const indexed = () => this.#address(unit, { class: "addrx", n: reader.uleb() }) ?? 0;
    let base = first;
    for (let i = 0; i < MAXIMUM_RANGES; i++) {
      const kind = reader.u8();
      if (kind === 0) break;
      if (kind === 1) base = indexed();
      else if (kind === 2) addRange(pieces, indexed(), indexed());
      else if (kind === 3) {
        const start = indexed();
        addRange(pieces, start, start + reader.uleb());
      } else if (kind === 4) addRange(pieces, base + reader.uleb(), base + reader.uleb());
      else if (kind === 5) base = address();
      else if (kind === 6) addRange(pieces, address(), address());
      else if (kind === 7) {
        const start = address();
        addRange(pieces, start, start + reader.uleb());
      } else throw new Malformed();
    }
    return pieces;
  }

  #abbreviationsOf({ abbreviations }: Unit): Map<number, Abbreviation> {
    let table = this.#abbreviations.get(abbreviations);
    if (table === undefined) {
      table = readAbbreviations(new SectionReader(this.#sections.debug_abbrev, abbreviations));
      this.#abbreviations.set(abbreviations, table);
    }
    return table;
  }
}

function constant(value: Value | undefined): number {
  return value !== undefined && "n" in value ? value.n : 0;
}

function covers(ranges: readonly number[], address: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (address >= ranges[i] && address < ranges[i + 1]) return true;
  return false;
}

function addRange(pieces: number[], start: number, end: number): void {
  if (start > 0 && end > start) pieces.push(start, end);
}

function readerOf(info: Uint8Array, { entries, end, offsetSize }: Unit): SectionReader {
  const reader = new SectionReader(info, entries, end);
  reader.offsetSize = offsetSize;
  return reader;
}

const UNIT_TYPE = 2, UNIT_SPLIT_TYPE = 6, UNIT_SKELETON = 4, UNIT_SPLIT_COMPILE = 5;

function readUnitHead(reader: SectionReader): Unit {
  const offset = reader.pos;
  const end = reader.unitEnd();
  const { offsetSize } = reader;
  const version = reader.u16();
  let addressSize: number;
  let abbreviations: number;
  if (version >= 5) {
    const type = reader.u8();
    addressSize = reader.u8();
    abbreviations = reader.offset();
    if (type === UNIT_SKELETON || type === UNIT_SPLIT_COMPILE) reader.skip(8);
    else if (type === UNIT_TYPE || type === UNIT_SPLIT_TYPE) reader.skip(8 + offsetSize);
  } else {
    abbreviations = reader.offset();
    addressSize = reader.u8();
  }
  const entries = reader.pos;
  return {
    offset,
    entries,
    end,
    version,
    addressSize,
    offsetSize,
    abbreviations,
    root: undefined,
    scopes: undefined,
    lines: undefined,
  };
}

function readAbbreviations(reader: SectionReader): Map<number, Abbreviation> {
  const table = new Map<number, Abbreviation>();
  try {
    for (let code = reader.uleb(); code !== 0; code = reader.uleb()) {
      const tag = reader.uleb();
      const hasChildren = reader.u8() !== 0;
      const attributes: number[] = [];
      for (;;) {
        const name = reader.uleb();
        const form = reader.uleb();
        const implicit = form === FORM_IMPLICIT_CONST ? reader.sleb() : 0;
        if (name === 0 && form === 0) break;
        attributes.push(name, form, implicit);
      }
      table.set(code, { tag, hasChildren, attributes });
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
  return table;
}

function readValues(reader: SectionReader, unit: Unit, { attributes }: Abbreviation): Map<number, Value> {
  const values = new Map<number, Value>();
  for (let i = 0; i < attributes.length; i += 3) {
    const value = readForm(reader, unit, attributes[i + 1], attributes[i + 2]);
    if (value !== undefined && KEPT.has(attributes[i])) values.set(attributes[i], value);
  }
  return values;
}

function skipValues(reader: SectionReader, unit: Unit, { attributes }: Abbreviation): void {
  for (let i = 0; i < attributes.length; i += 3) readForm(reader, unit, attributes[i + 1], attributes[i + 2]);
}

const FORM_IMPLICIT_CONST = 0x21, FORM_INDIRECT = 0x16;

/** Reads a value (DWARF 5, table 7.5 "Attribute form encodings"); undefined for those that nobody here needs. */
function readForm(reader: SectionReader, unit: Unit, form: number, implicit: number): Value | undefined {
  switch (form) {
    case 0x01: // addr
      return { class: "address", n: reader.unsigned(unit.addressSize) };
    case 0x03: // block2
      return reader.skip(reader.u16()) as undefined;
    case 0x04: // block4
      return reader.skip(reader.u32()) as undefined;
    case 0x05: // data2
      return { class: "constant", n: reader.u16() };
    case 0x06: // data4
      return { class: "constant", n: reader.u32() };
    case 0x07: // data8
      return { class: "constant", n: reader.u64() };
    case 0x08: // string
      return { class: "string", text: reader.string() };
    case 0x09: // block
    case 0x18: // exprloc
      return reader.skip(reader.uleb()) as undefined;
    case 0x0a: // block1
      return reader.skip(reader.u8()) as undefined;
    case 0x0b: // data1
      return { class: "constant", n: reader.u8() };
    case 0x0c: // flag
      return reader.skip(1) as undefined;
    case 0x0d: // sdata
      return { class: "constant", n: reader.sleb() };
    case 0x0e: // strp
      return { class: "strp", n: reader.offset() };
    case 0x0f: // udata
      return { class: "constant", n: reader.uleb() };
    case 0x10: // ref_addr: an address in version 2
      return { class: "reference", n: unit.version <= 2 ? reader.unsigned(unit.addressSize) : reader.offset() };
    case 0x11: // ref1
      return { class: "reference", n: unit.offset + reader.u8() };
    case 0x12: // ref2
      return { class: "reference", n: unit.offset + reader.u16() };
    case 0x13: // ref4
      return { class: "reference", n: unit.offset + reader.u32() };
    case 0x14: // ref8
      return { class: "reference", n: unit.offset + reader.u64() };
    case 0x15: // ref_udata
      return { class: "reference", n: unit.offset + reader.uleb() };
    case FORM_INDIRECT: {
      const actual = reader.uleb();
      if (actual === FORM_INDIRECT || actual === FORM_IMPLICIT_CONST) throw new Malformed();
      return readForm(reader, unit, actual, 0);
    }
    case 0x17: // sec_offset
      return { class: "offset", n: reader.offset() };
    case 0x19: // flag_present
      return undefined;
    case 0x1a: // strx
      return { class: "strx", n: reader.uleb() };
    case 0x1b: // addrx
      return { class: "addrx", n: reader.uleb() };
    case 0x1c: // ref_sup4
      return reader.skip(4) as undefined;
    case 0x1d: // strp_sup
      return reader.skip(unit.offsetSize) as undefined;
    case 0x1e: // data16
      return reader.skip(16) as undefined;
    case 0x1f: // line_strp
      return { class: "line_strp", n: reader.offset() };
    case 0x20: // ref_sig8
      return reader.skip(8) as undefined;
    case FORM_IMPLICIT_CONST:
      return { class: "constant", n: implicit };
    case 0x22: // loclistx
      return void reader.uleb();
    case 0x23: // rnglistx
      return { class: "rnglistx", n: reader.uleb() };
    case 0x24: // ref_sup8
      return reader.skip(8) as undefined;
    case 0x25: // strx1
    case 0x26: // strx2
    case 0x27: // strx3
    case 0x28: // strx4
      return { class: "strx", n: reader.unsigned(form - 0x24) };
    case 0x29: // addrx1
    case 0x2a: // addrx2
    case 0x2b: // addrx3
    case 0x2c: // addrx4
      return { class: "addrx", n: reader.unsigned(form - 0x28) };
    default:
      throw new Malformed();
  }
}
