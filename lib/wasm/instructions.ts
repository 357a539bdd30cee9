/**
 * Instructions in the binary format: from bytes to operation ids and back.
 *
 * May import: base. @module
 */
import type { CodeBuffer } from "../base/mod.ts";
import { type Immediate, writeImmediate, writeU32Leb } from "./immediates.ts";
import { FIRST_PREFIX, type Op, OP_BY_CODE, OP_PREFIX, OP_SUBCODE, PAGE_SIZE } from "./opcodes.ts";
import type { Reader } from "./reader.ts";

/** Reads an opcode, one byte or prefix and sub-opcode, and returns its operation. */
export function readOp(reader: Reader): Op {
  const { pos } = reader;
  const code = reader.readU8();
  if (code < FIRST_PREFIX) {
    const op = OP_BY_CODE[code];
    if (op < 0) reader.fail(`illegal opcode 0x${hex(code)}`, pos);
    return op;
  }
  const subcode = reader.readU32Leb();
  const op = code < 0xff && subcode < PAGE_SIZE ? OP_BY_CODE[256 + (code - FIRST_PREFIX) * PAGE_SIZE + subcode] : -1;
  if (op < 0) reader.fail(`illegal opcode 0x${hex(code)} 0x${hex(subcode)}`, pos);
  return op;
}

function hex(value: number): string {
  return value.toString(16).padStart(2, "0");
}

/** Appends an instruction. */
export function writeInstruction(out: CodeBuffer, op: Op, immediates: readonly Immediate[]): void {
  const prefix = OP_PREFIX[op];
  if (prefix === 0) out.u8(OP_SUBCODE[op]);
  else {
    out.u8(prefix);
    writeU32Leb(out, OP_SUBCODE[op]);
  }
  for (const immediate of immediates) writeImmediate(out, immediate);
}
