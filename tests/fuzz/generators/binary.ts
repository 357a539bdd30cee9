/** Writing module binaries by hand: integers, vectors, sections, instructions. For tests that need exact bytes. */

import { CodeBuffer } from "../../../lib/base/mod.ts";
import { OP, OP_PREFIX, OP_SUBCODE, type OpName, writeU32Leb } from "../../../lib/wasm/mod.ts";

/** Bytes, nested as is convenient to write. */
export type Bytes = readonly (number | Bytes)[];

/** An unsigned LEB128 integer. */
export function u32(value: number): number[] {
  const out = new CodeBuffer(8);
  writeU32Leb(out, value);
  return [...out.toBytes()];
}

/** A vector: its length, then its items. */
export function vector(...items: readonly Bytes[]): Bytes {
  return [u32(items.length), ...items];
}

/** A name. */
export function name(text: string): Bytes {
  const bytes = [...new TextEncoder().encode(text)];
  return [u32(bytes.length), bytes];
}

/** Bytes prefixed by their length. */
export function sized(content: Bytes): Bytes {
  const bytes = flat(content);
  return [u32(bytes.length), bytes];
}

/** An opcode and the bytes of its immediates. */
export function instr(op: OpName, ...immediates: Bytes): Bytes {
  const id = OP[op];
  return OP_PREFIX[id] === 0 ? [OP_SUBCODE[id], immediates] : [OP_PREFIX[id], u32(OP_SUBCODE[id]), immediates];
}

/** A code entry: runs of locals as [count, type], instructions, and the final `end`. */
export function code(locals: readonly (readonly [number, Bytes])[], ...instructions: readonly Bytes[]): Bytes {
  return sized([vector(...locals.map(([count, type]) => [u32(count), type])), ...instructions, 0x0b]);
}

/** A module from sections: id and content, in the order given. */
export function moduleBytes(...sections: readonly (readonly [id: number, content: Bytes])[]): Uint8Array<ArrayBuffer> {
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  return Uint8Array.from(flat([header, sections.map(([id, content]) => [id, sized(content)])]));
}

/** The numbers in order. */
export function flat(bytes: Bytes): number[] {
  return (bytes as unknown[]).flat(Infinity) as number[];
}
