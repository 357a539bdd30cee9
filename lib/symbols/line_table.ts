/**
 * Line tables (DWARF 2 to 5, "Line Number Information"): a program for a small machine, whose run gives rows of address, file, line and
 * column. It is run once for each unit that is asked about; the rows are columns of typed arrays, and an address is found by bisection in its sequence.
 */

import { Malformed, SectionReader, stringAt } from "./section_reader.ts";

/** A place in a source file; line and column count from 1, 0 is unknown. */
export interface LinePosition {
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
}

/** The strings that a line table refers to. */
export interface LineStrings {
  readonly str: Uint8Array;
  readonly lineStr: Uint8Array;
}

const CONTENT_PATH = 1, CONTENT_DIRECTORY = 2;
const FORM_DATA16 = 0x1e, FORM_STRING = 0x08, FORM_STRP = 0x0e, FORM_LINE_STRP = 0x1f, FORM_UDATA = 0x0f;
const FORM_BLOCK = 0x09;
const FIXED_FORMS = new Map([[0x0b, 1], [0x05, 2], [0x06, 4], [0x07, 8]]);

/** A contiguous range of addresses with its rows. */
interface Sequence {
  readonly start: number;
  readonly end: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

interface Entry {
  path: string;
  directory: number;
}

/** The line table of a unit. */
export class LineTable {
  readonly #files: string[] = [];
  readonly #firstFile: number;
  readonly #addresses: number[] = [];
  readonly #rowFiles: number[] = [];
  readonly #lines: number[] = [];
  readonly #columns: number[] = [];
  readonly #sequences: Sequence[] = [];

  /** Runs the program at an offset of `.debug_line`; rows before a fault count. */
  constructor(section: Uint8Array, offset: number, strings: LineStrings, compilationDirectory: string) {
    const reader = new SectionReader(section, offset);
    reader.end = reader.unitEnd();
    const version = reader.u16();
    if (version < 2 || version > 5) throw new Malformed();
    this.#firstFile = version >= 5 ? 0 : 1;
    if (version >= 5) reader.skip(2);
    const headerLength = reader.offset();
    const programStart = reader.pos + headerLength;
    const minimumLength = reader.u8();
    if (version >= 4) reader.skip(1);
    reader.skip(1);
    const lineBase = reader.i8();
    const lineRange = reader.u8();
    const opcodeBase = reader.u8();
    const operandCounts: number[] = [];
    for (let i = 1; i < opcodeBase; i++) operandCounts.push(reader.u8());
    const directories: string[] = [];
    const entries: Entry[] = [];
    if (version >= 5) {
      for (const { path } of readEntries(reader, strings)) directories.push(path);
      entries.push(...readEntries(reader, strings));
    } else {
      directories.push(compilationDirectory);
      for (let path = reader.string(); path !== ""; path = reader.string()) directories.push(path);
      for (let path = reader.string(); path !== ""; path = reader.string()) entries.push(readOldEntry(reader, path));
    }
    const toPath = ({ path, directory }: Entry) =>
      joinPath(compilationDirectory, joinPath(directories[directory] ?? "", path));
    for (const entry of entries) this.#files.push(toPath(entry));
    if (lineRange === 0 || !(programStart <= reader.end)) throw new Malformed();
    reader.pos = programStart;
    try {
      this.#run(reader, { minimumLength, lineBase, lineRange, opcodeBase, operandCounts }, (entry) => toPath(entry));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
    this.#sequences.sort((a, b) => a.start - b.start);
  }

  /** The path of a file by its number in the table. */
  file(index: number): string | undefined {
    return this.#files[index - this.#firstFile];
  }

  /** The place of the instruction at an address. */
  find(address: number): LinePosition | undefined {
    for (const { start, end, firstRow, lastRow } of this.#sequences) {
      if (start > address) break;
      if (address >= end) continue;
      let low = firstRow;
      let high = lastRow;
      while (low < high) {
        const middle = (low + high + 1) >>> 1;
        if (this.#addresses[middle] <= address) low = middle;
        else high = middle - 1;
      }
      return { file: this.file(this.#rowFiles[low]), line: this.#lines[low], column: this.#columns[low] };
    }
    return undefined;
  }

  #run(
    reader: SectionReader,
    { minimumLength, lineBase, lineRange, opcodeBase, operandCounts }: {
      readonly minimumLength: number;
      readonly lineBase: number;
      readonly lineRange: number;
      readonly opcodeBase: number;
      readonly operandCounts: readonly number[];
    },
    toPath: (entry: Entry) => string,
  ): void {
    let address = 0, file = 1, line = 1, column = 0;
    let sequenceStart = this.#addresses.length;
    const addRow = () => {
      this.#addresses.push(address);
      this.#rowFiles.push(file);
      this.#lines.push(line);
      this.#columns.push(column);
    };
    while (reader.pos < reader.end) {
      const opcode = reader.u8();
      if (opcode >= opcodeBase) {
        const adjusted = opcode - opcodeBase;
        address += Math.floor(adjusted / lineRange) * minimumLength;
        line += lineBase + adjusted % lineRange;
        addRow();
        continue;
      }
      switch (opcode) {
        case 0: {
          const length = reader.uleb();
          const next = reader.pos + length;
          if (!(next <= reader.end)) throw new Malformed();
          if (length > 0) {
            const extended = reader.u8();
            if (extended === 1) {
              this.#endSequence(sequenceStart, address);
              sequenceStart = this.#addresses.length;
              address = 0, file = 1, line = 1, column = 0;
            } else if (extended === 2) address = reader.unsigned(length - 1);
            else if (extended === 3) this.#files.push(toPath(readOldEntry(reader, reader.string())));
          }
          reader.pos = next;
          break;
        }
        case 1:
          addRow();
          break;
        case 2:
          address += reader.uleb() * minimumLength;
          break;
        case 3:
          line += reader.sleb();
          break;
        case 4:
          file = reader.uleb();
          break;
        case 5:
          column = reader.uleb();
          break;
        case 6:
        case 7:
        case 10:
        case 11:
          break;
        case 8:
          address += Math.floor((255 - opcodeBase) / lineRange) * minimumLength;
          break;
        case 9:
          address += reader.u16();
          break;
        default:
          for (let count = operandCounts[opcode - 1] ?? 0; count > 0; count--) reader.uleb();
      }
    }
  }

  /** Rows of code that the linker left out start at 0, where no function can be, or at the top of the address space. */
  #endSequence(firstRow: number, end: number): void {
    const lastRow = this.#addresses.length - 1;
    if (lastRow < firstRow) return;
    const start = this.#addresses[firstRow];
    if (start > 0 && end > start) this.#sequences.push({ start, end, firstRow, lastRow });
  }
}

function readOldEntry(reader: SectionReader, path: string): Entry {
  const directory = reader.uleb();
  reader.uleb();
  reader.uleb();
  return { path, directory };
}

function readEntries(reader: SectionReader, { str, lineStr }: LineStrings): Entry[] {
  const formats: [content: number, form: number][] = [];
  for (let count = reader.u8(); count > 0; count--) formats.push([reader.uleb(), reader.uleb()]);
  const count = reader.uleb();
  const entries: Entry[] = [];
  // Without formats an entry has no bytes, and a count alone could ask for any number of them.
  if (formats.length === 0) return entries;
  for (let i = 0; i < count; i++) {
    const entry: Entry = { path: "", directory: 0 };
    for (const [content, form] of formats) {
      const start = reader.pos;
      let value: string | number = 0;
      const size = FIXED_FORMS.get(form);
      if (form === FORM_STRING) value = reader.string();
      else if (form === FORM_STRP) value = stringAt(str, reader.offset());
      else if (form === FORM_LINE_STRP) value = stringAt(lineStr, reader.offset());
      else if (form === FORM_UDATA) value = reader.uleb();
      else if (form === FORM_DATA16) reader.skip(16);
      else if (form === FORM_BLOCK) reader.skip(reader.uleb());
      else if (size !== undefined) value = reader.unsigned(size);
      else throw new Malformed();
      if (reader.pos === start) throw new Malformed();
      if (content === CONTENT_PATH && typeof value === "string") entry.path = value;
      else if (content === CONTENT_DIRECTORY && typeof value === "number") entry.directory = value;
    }
    entries.push(entry);
  }
  return entries;
}

/** A path relative to a folder; absolute ones, also of Windows or with a scheme, stay. */
export function joinPath(folder: string, path: string): string {
  if (folder === "" || /^(?:[/\\]|[a-z]:[/\\]|[a-z][a-z0-9+.-]+:\/\/)/i.test(path)) return path;
  return path === "" ? folder : `${folder.replace(/\/$/, "")}/${path}`;
}
