/**
 * What a trap was about, beside its code: read from the instruction that trapped, and from the address of a fault. Machine code keeps no
 * operands for it, so what only a register had is not here.
 */

import { type Immediate, type Module, OPCODES, opName, Reader, readImmediates, readOp } from "../wasm/mod.ts";
import { funcTypeAt, valTypesToString } from "../wasm/mod.ts";

/** Where a fault was, in a memory. */
export interface MemoryFault {
  /** The address in the memory: the first byte of the access that is not there. */
  readonly address: number;
  /** Length of the memory at that time. */
  readonly memoryBytes: number;
}

/** What is known of the instruction that trapped; what does not apply, or is not known, is undefined. */
export interface TrapOperands {
  /** The instruction, as the text format spells it. */
  readonly instruction: string;
  /** The memory that it names. */
  readonly memoryIndex: number | undefined;
  /** Bytes that it accesses. */
  readonly accessBytes: number | undefined;
  /** The constant offset that it adds to its address. */
  readonly offset: number | undefined;
  /** The first byte that it wanted and that is not there; known with guard pages. */
  readonly address: number | undefined;
  /** Length of the memory when it trapped; known with the address. */
  readonly memoryBytes: number | undefined;
  /** The table that it names. */
  readonly tableIndex: number | undefined;
  /** The function type that it expects: `[i32] -> []`. */
  readonly expectedType: string | undefined;
}

/** Reads the instruction at an offset of a module's bytes. */
export function operandsAt(module: Module, wasmOffset: number, fault: MemoryFault | undefined): TrapOperands {
  const reader = new Reader(module.bytes, wasmOffset, module.bytes.length);
  const op = readOp(reader);
  const immediates = readImmediates(op, reader);
  const memarg = valueOf(immediates, "memarg") ?? valueOf(immediates, "atomic");
  const typeIndex = valueOf(immediates, "type");
  const type = typeIndex === undefined ? undefined : module.types[typeIndex];
  return {
    instruction: opName(op),
    memoryIndex: memarg?.memoryIndex ?? valueOf(immediates, "memory"),
    accessBytes: memarg === undefined ? undefined : accessBytesOf(op),
    offset: memarg === undefined ? undefined : memarg.offsetHi * 2 ** 32 + (memarg.offsetLo >>> 0),
    address: fault?.address,
    memoryBytes: fault?.memoryBytes,
    tableIndex: valueOf(immediates, "table"),
    expectedType: type?.kind === "func" ? functionTypeToString(module, typeIndex!) : undefined,
  };
}

function valueOf<K extends Immediate["kind"]>(
  immediates: readonly Immediate[],
  kind: K,
): Extract<Immediate, { kind: K }>["value"] | undefined {
  return immediates.find((immediate) => immediate.kind === kind)?.value as never;
}

/** The parameter of the memarg in the opcode table. */
function accessBytesOf(op: number): number {
  return Number(/(?:memarg|atomic) (\d+)/.exec(OPCODES[op][2])![1]);
}

function functionTypeToString(module: Module, typeIndex: number): string {
  const { params, results } = funcTypeAt(module, typeIndex);
  return `${valTypesToString(params)} -> ${valTypesToString(results)}`;
}
