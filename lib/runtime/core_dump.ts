/**
 * Core dumps: what a store was like when a guest ended badly, as a file that debuggers of WebAssembly read (tool-conventions, "Coredump").
 *
 * A core dump is a binary module that is not meant to be instantiated: its memories and data segments are the contents of the store's memories,
 * its globals the values of the store's globals, and custom sections say which instance has which, and where the stack was.
 *
 * DUMP-1  Compiled code does not say where locals and operands are, so each local of a frame is a _missing value_, and no operands are listed.
 * DUMP-2  A reference has no meaning outside of its store: a global that holds one is null, of its hierarchy's widest type.
 * DUMP-3  A frame whose instance is not known from its own frame (a function that keeps none) is taken for one of its code's instances.
 */

import { CodeBuffer } from "../base/mod.ts";
import {
  countLocals,
  F32,
  F64,
  funcIndexOf,
  heapType,
  I32,
  I64,
  isRef,
  LIMITS,
  type Module,
  OP,
  type Op,
  refNullType,
  type SectionName,
  SECTIONS,
  V128,
  type ValType,
  writeByteVector,
  writeHeapType,
  writeInstruction,
  writeS32Leb,
  writeS64Leb,
  writeU32Leb,
  writeU64Leb,
  writeValType,
} from "../wasm/mod.ts";
import type { FrameSite, RawFrames } from "./backtrace.ts";
import type { GlobalState } from "./global.ts";
import type { InstanceState } from "./instance.ts";
import type { MemoryState } from "./memory.ts";
import { STANDARD_PAGE_LOG2 } from "./memory_type.ts";
import type { StoreState } from "./store_state.ts";

/** In front of each entry of the custom sections. */
const ENTRY = 0;
/** A value that is not known. */
const MISSING = 1;
/** The least that is looked at for being zero. */
const LEAST_CHUNK_BYTES = 4096;
/** As many segments as any decoder accepts, with some to spare. */
const MOST_SEGMENTS = 50_000;

const MAGIC_AND_VERSION = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Numbers things in the order in which they are first asked for. */
class Numbering<T> {
  readonly all: T[] = [];
  readonly #numbers = new Map<T, number>();

  of(thing: T): number {
    let number = this.#numbers.get(thing);
    if (number === undefined) {
      number = this.all.push(thing) - 1;
      this.#numbers.set(thing, number);
    }
    return number;
  }
}

/** A core dump of a store, with the stack that an error left. `name` is that of the program. */
export function writeCoreDump(store: StoreState, frames: RawFrames | undefined, name: string): Uint8Array<ArrayBuffer> {
  const modules = new Numbering<Module>(), instances = new Numbering<InstanceState>();
  const memories = new Numbering<MemoryState>(), globals = new Numbering<GlobalState>();
  const described = new CodeBuffer();
  for (const instance of store.instances) {
    instances.of(instance);
    described.u8(ENTRY);
    writeU32Leb(described, modules.of(instance.state.module));
    writeVector(described, instance.memories, (memory) => writeU32Leb(described, memories.of(memory)));
    writeVector(described, instance.globals, (global) => writeU32Leb(described, globals.of(global)));
  }
  const parts: Uint8Array[] = [MAGIC_AND_VERSION];
  const custom = (section: string, write: (out: CodeBuffer) => void) => {
    const out = new CodeBuffer();
    writeName(out, section);
    write(out);
    addSection(parts, 0, [out.toBytes()]);
  };
  custom("core", (out) => {
    out.u8(ENTRY);
    writeName(out, name);
  });
  custom("coremodules", (out) =>
    writeVector(out, modules.all, ({ names }, index) => {
      out.u8(ENTRY);
      writeName(out, names.moduleName ?? `module ${index}`);
    }));
  custom("coreinstances", (out) => {
    writeU32Leb(out, instances.all.length);
    out.append(described.toBytes());
  });
  custom("corestack", (out) => {
    out.u8(ENTRY);
    writeName(out, "main");
    writeVector(out, frames?.sites() ?? [], (site) => writeFrame(out, site, instances.of(instanceOf(store, site))));
  });
  addSection(parts, idOf("memory"), [vectorOf(memories.all, writeMemoryType)]);
  addSection(parts, idOf("global"), [vectorOf(globals.all, writeGlobal)]);
  addSection(parts, idOf("data"), segmentsOf(memories.all));
  return concatenate(parts);
}

function instanceOf(store: StoreState, { code, vmctx }: FrameSite): InstanceState {
  const found = store.findInstance(vmctx);
  if (found !== undefined && found.code === code) return found;
  for (const instance of store.instances) if (instance.code === code) return instance;
  // A store's frames are of its instances: calls do not leave it.
  throw new TypeError("The error is not one of this store's guests");
}

function writeFrame(out: CodeBuffer, { module, definedIndex, wasmOffset }: FrameSite, instance: number): void {
  const functionIndex = funcIndexOf(module, definedIndex);
  out.u8(ENTRY);
  writeU32Leb(out, instance);
  writeU32Leb(out, functionIndex);
  writeU32Leb(out, wasmOffset - module.bodies[definedIndex].start);
  const locals = countLocals(module, functionIndex);
  writeU32Leb(out, locals);
  for (let k = 0; k < locals; k++) out.u8(MISSING); // DUMP-1
  writeU32Leb(out, 0);
}

function writeMemoryType(out: CodeBuffer, { type, pages }: MemoryState): void {
  const { maximumPages, pageSizeLog2 } = type;
  out.u8(
    (maximumPages === undefined ? 0 : LIMITS.maximum) | (type.isShared ? LIMITS.shared : 0) |
      (type.addressType === "i64" ? LIMITS.address64 : 0) | (pageSizeLog2 === STANDARD_PAGE_LOG2 ? 0 : LIMITS.pageSize),
  );
  writeNatural(out, pages);
  if (maximumPages !== undefined) writeNatural(out, maximumPages);
  if (pageSizeLog2 !== STANDARD_PAGE_LOG2) writeU32Leb(out, pageSizeLog2);
}

/** Writes the constant of a type with the bits in `words`. */
const CONSTANTS: ReadonlyMap<ValType, (out: CodeBuffer, words: Int32Array) => void> = new Map([
  [I32, (out, words) => writeS32Leb(opcode(out, OP["i32.const"]), words[0])],
  [I64, (out, words) => writeS64Leb(opcode(out, OP["i64.const"]), words[0], words[1])],
  [F32, (out, words) => opcode(out, OP["f32.const"]).u32(words[0])],
  [F64, (out, words) => opcode(out, OP["f64.const"]).u64(words[0], words[1])],
  [V128, (out, words) => {
    opcode(out, OP["v128.const"]);
    for (const word of words) out.u32(word);
  }],
]);

function writeGlobal(out: CodeBuffer, global: GlobalState): void {
  const { type } = global.type;
  const write = CONSTANTS.get(type);
  if (write !== undefined) {
    const words = new Int32Array(4);
    global.readWords(words);
    writeValType(out, type);
    out.u8(0);
    write(out, words);
  } else {
    const top = isRef(type) ? global.store.engine.registry.topOf(heapType(type)) : 0; // DUMP-2
    writeValType(out, refNullType(top));
    out.u8(0);
    writeHeapType(opcode(out, OP["ref.null"]), top);
  }
  opcode(out, OP.end);
}

/** Segments for what is not zero in memories: pieces of the section, to be joined. */
function segmentsOf(memories: readonly MemoryState[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let total = 0, count = 0;
  for (const { bytes } of memories) total += bytes.length;
  let chunkBytes = LEAST_CHUNK_BYTES;
  while (total / chunkBytes > MOST_SEGMENTS) chunkBytes *= 2;
  memories.forEach(({ bytes, type }, index) => {
    for (let start = 0; start < bytes.length;) {
      if (isZero(bytes, start, Math.min(start + chunkBytes, bytes.length))) {
        start += chunkBytes;
        continue;
      }
      let end = Math.min(start + chunkBytes, bytes.length);
      while (end < bytes.length && !isZero(bytes, end, Math.min(end + chunkBytes, bytes.length))) {
        end = Math.min(end + chunkBytes, bytes.length);
      }
      const header = new CodeBuffer(32);
      writeU32Leb(header, 2);
      writeU32Leb(header, index);
      const [lo, hi] = halves(start);
      if (type.addressType === "i64") writeS64Leb(opcode(header, OP["i64.const"]), lo, hi);
      else writeS32Leb(opcode(header, OP["i32.const"]), lo);
      opcode(header, OP.end);
      writeU32Leb(header, end - start);
      pieces.push(header.toBytes(), bytes.subarray(start, end));
      count++;
      start = end;
    }
  });
  const length = new CodeBuffer(8);
  writeU32Leb(length, count);
  return [length.toBytes(), ...pieces];
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  const words = end - start >> 2;
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + start, words);
  for (let k = 0; k < words; k++) if (view[k] !== 0) return false;
  for (let k = start + 4 * words; k < end; k++) if (bytes[k] !== 0) return false;
  return true;
}

function writeVector<T>(out: CodeBuffer, things: readonly T[], write: (thing: T, index: number) => void): void {
  writeU32Leb(out, things.length);
  things.forEach(write);
}

function vectorOf<T>(things: readonly T[], write: (out: CodeBuffer, thing: T) => void): Uint8Array {
  const out = new CodeBuffer();
  writeVector(out, things, (thing) => write(out, thing));
  return out.toBytes();
}

function writeName(out: CodeBuffer, name: string): void {
  writeByteVector(out, new TextEncoder().encode(name));
}

function writeNatural(out: CodeBuffer, value: number): void {
  const [lo, hi] = halves(value);
  writeU64Leb(out, lo, hi);
}

function halves(value: number): [lo: number, hi: number] {
  return [value | 0, Math.floor(value / 2 ** 32)];
}

/** Appends an opcode; returns what its immediates go to. */
function opcode(out: CodeBuffer, op: Op): CodeBuffer {
  writeInstruction(out, op, []);
  return out;
}

function idOf(name: SectionName): number {
  return SECTIONS.find((row) => row[0] === name)![1];
}

function addSection(parts: Uint8Array[], id: number, pieces: readonly Uint8Array[]): void {
  const header = new CodeBuffer(8);
  header.u8(id);
  writeU32Leb(header, pieces.reduce((sum, { length }) => sum + length, 0));
  parts.push(header.toBytes(), ...pieces);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
