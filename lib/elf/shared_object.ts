/**
 * Writes a shared object that the system's loader accepts: the boot image.
 *
 * The smallest useful one: code and loader tables in one executable segment, the dynamic section and zeroed data in a writable
 * one, no relocations (code reaches its data rip-relative), no dependencies. It names itself (DT_SONAME) and stays loaded when
 * closed (DF_1_NODELETE).
 *
 * ```
 * segment 0  R X   0  header, program headers, .hash, .dynsym, .dynstr | textAddress  .text
 * segment 1  RW       .dynamic | dataAddress  .bss (no file contents)
 * GNU_STACK  RW       says that no executable stack is wanted; without it the loader makes all stacks executable
 * ```
 * SO-1  File offset and address are equal in segment 0, and equal modulo the page size in segment 1 (gABI 5, p_align).
 */

import { bug, CodeBuffer } from "../base/mod.ts";
import {
  DYNAMIC_TAG,
  ELF_SIZE,
  ELF_TYPE,
  FLAG_1_NO_DELETE,
  SECTION_FLAG,
  SECTION_TYPE,
  SEGMENT_FLAG,
  SEGMENT_TYPE,
  SYMBOL_BINDING,
  SYMBOL_TYPE,
} from "./sections.ts";
import { putElfHeader, putSymbol, putWord, SectionHeaders, StringTable } from "./writer.ts";

const PAGE_BYTES = 4096;
const SEGMENT_COUNT = 4;

/** An exported symbol. */
export interface SharedSymbol {
  /** What `dlsym` finds it by. */
  readonly name: string;
  /** Where it is. */
  readonly section: "text" | "data";
  /** Offset in that section. */
  readonly offsetBytes: number;
  /** Its size. */
  readonly byteLength: number;
}

/** What goes into a shared object. */
export interface SharedObject {
  /** The name it is found by once loaded. */
  readonly soname: string;
  /** Machine code, assembled for `textAddress` and `dataAddress` as far as their distance goes. */
  readonly text: Uint8Array;
  /** Address of the code relative to the load address: a multiple of 64 behind the loader tables. */
  readonly textAddress: number;
  /** Address of the zeroed data: a multiple of the page size, at least two pages behind the end of the code. */
  readonly dataAddress: number;
  /** Size of the zeroed data. */
  readonly dataBytes: number;
  /** What it exports. */
  readonly symbols: readonly SharedSymbol[];
}

/** Builds the file. Equal input gives equal bytes. */
export function buildSharedObject(object: SharedObject): Uint8Array<ArrayBuffer> {
  const { text, textAddress, dataAddress, dataBytes, symbols } = object;
  const strings = new StringTable();
  const soname = strings.add(object.soname);
  const symbolTable = new CodeBuffer(512);
  putSymbol(symbolTable, 0, 0, 0, 0, 0);
  for (const { name, section, offsetBytes, byteLength } of symbols) {
    const isText = section === "text";
    const info = SYMBOL_BINDING.global << 4 | (isText ? SYMBOL_TYPE.function : SYMBOL_TYPE.object);
    const address = (isText ? textAddress : dataAddress) + offsetBytes;
    putSymbol(symbolTable, strings.add(name), info, isText ? TEXT_INDEX : DATA_INDEX, address, byteLength);
  }

  const out = new CodeBuffer(PAGE_BYTES);
  out.reserve(ELF_SIZE.header + SEGMENT_COUNT * ELF_SIZE.programHeader);
  out.length = ELF_SIZE.header + SEGMENT_COUNT * ELF_SIZE.programHeader;
  const hashAddress = out.length;
  putHash(out, symbols.map((symbol) => symbol.name));
  out.align(8);
  const symbolsAddress = out.length;
  out.append(symbolTable.bytes.subarray(0, symbolTable.length));
  const stringsAddress = out.length;
  out.append(strings.buffer.bytes.subarray(0, strings.buffer.length));
  if (out.length > textAddress) bug(`loader tables take ${out.length} bytes, the code starts at ${textAddress}`);
  while (out.length < textAddress) out.u8(0);
  out.append(text);
  const textEnd = out.length;
  out.align(16);
  const dynamicOffset = out.length;
  // SO-1: same position in the page, some page behind the code.
  const dynamicAddress = Math.ceil(textEnd / PAGE_BYTES) * PAGE_BYTES + dynamicOffset % PAGE_BYTES;
  const dynamic: readonly (readonly [number, number])[] = [
    [DYNAMIC_TAG.soname, soname],
    [DYNAMIC_TAG.hash, hashAddress],
    [DYNAMIC_TAG.strings, stringsAddress],
    [DYNAMIC_TAG.symbols, symbolsAddress],
    [DYNAMIC_TAG.stringsBytes, strings.buffer.length],
    [DYNAMIC_TAG.symbolBytes, ELF_SIZE.symbol],
    [DYNAMIC_TAG.flags1, FLAG_1_NO_DELETE],
    [DYNAMIC_TAG.end, 0],
  ];
  for (const [tag, value] of dynamic) {
    putWord(out, tag);
    putWord(out, value);
  }
  const dynamicBytes = out.length - dynamicOffset;
  if (dynamicAddress + dynamicBytes > dataAddress) bug("the dynamic section runs into the data");

  const headers = new SectionHeaders();
  const { allocate, execute, write } = SECTION_FLAG;
  headers.add(".text", SECTION_TYPE.programBits, allocate | execute, textAddress, textAddress, text.length, 64);
  headers.add(".bss", SECTION_TYPE.noBits, allocate | write, dataAddress, out.length, dataBytes, PAGE_BYTES);
  headers.add(".hash", SECTION_TYPE.hash, allocate, hashAddress, hashAddress, symbolsAddress - hashAddress, 8, {
    link: DYNSYM_INDEX,
    entryBytes: 4,
  });
  headers.add(".dynsym", SECTION_TYPE.dynamicSymbols, allocate, symbolsAddress, symbolsAddress, symbolTable.length, 8, {
    link: DYNSYM_INDEX + 1,
    info: 1,
    entryBytes: ELF_SIZE.symbol,
  });
  headers.add(".dynstr", SECTION_TYPE.strings, allocate, stringsAddress, stringsAddress, strings.buffer.length, 1);
  headers.add(".dynamic", SECTION_TYPE.dynamic, allocate | write, dynamicAddress, dynamicOffset, dynamicBytes, 8, {
    link: DYNSYM_INDEX + 1,
    entryBytes: ELF_SIZE.dynamic,
  });
  headers.finish(out);
  putElfHeader(out, ELF_TYPE.sharedObject, SEGMENT_COUNT, headers);

  const segments = new CodeBuffer(SEGMENT_COUNT * ELF_SIZE.programHeader);
  const { read, write: writable, execute: executable } = SEGMENT_FLAG;
  putSegment(segments, SEGMENT_TYPE.load, read | executable, 0, 0, textEnd, textEnd, PAGE_BYTES);
  const writableBytes = dataAddress + dataBytes - dynamicAddress;
  putSegment(
    segments,
    SEGMENT_TYPE.load,
    read | writable,
    dynamicOffset,
    dynamicAddress,
    dynamicBytes,
    writableBytes,
    PAGE_BYTES,
  );
  putSegment(
    segments,
    SEGMENT_TYPE.dynamic,
    read | writable,
    dynamicOffset,
    dynamicAddress,
    dynamicBytes,
    dynamicBytes,
    8,
  );
  putSegment(segments, SEGMENT_TYPE.gnuStack, read | writable, 0, 0, 0, 0, 16);
  out.bytes.set(segments.bytes.subarray(0, segments.length), ELF_SIZE.header);
  return out.toBytes();
}

// Section indices, in the order of the `headers.add` calls; 0 is the null section.
const TEXT_INDEX = 1;
const DATA_INDEX = 2;
const DYNSYM_INDEX = 4;

function putSegment(
  out: CodeBuffer,
  type: number,
  flags: number,
  offsetBytes: number,
  address: number,
  fileBytes: number,
  memoryBytes: number,
  alignmentBytes: number,
): void {
  out.u32(type);
  out.u32(flags);
  putWord(out, offsetBytes);
  putWord(out, address);
  putWord(out, address);
  putWord(out, fileBytes);
  putWord(out, memoryBytes);
  putWord(out, alignmentBytes);
}

/** DT_HASH with one bucket: a chain through all symbols, which are a handful. */
function putHash(out: CodeBuffer, names: readonly string[]): void {
  out.u32(1);
  out.u32(names.length + 1);
  out.u32(names.length === 0 ? 0 : 1);
  out.u32(0);
  for (let i = 1; i <= names.length; i++) out.u32(i === names.length ? 0 : i + 1);
}
