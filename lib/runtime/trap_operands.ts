/**
 * What a trap was about, beside its code: read from the instruction that trapped, and from the address of a fault, or the trap's subject, which
 * machine code says the place of (traps.ts of lib/abi). Of an operand in memory only, such as the length of an array, nothing is known.
 */

import type { TrapName } from "../abi/mod.ts";
import {
  ALL_FEATURES,
  type DefinedType,
  type FuncType,
  heapTypeToString,
  type Immediate,
  type Module,
  OPCODES,
  opName,
  Reader,
  readImmediates,
  readOp,
  valTypesToString,
} from "../wasm/mod.ts";

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
  /** The first byte that it wanted and that is not there, if below 2^53. */
  readonly address: number | undefined;
  /** Length of the memory when it trapped; known with the address. */
  readonly memoryBytes: number | undefined;
  /** The table that it names. */
  readonly tableIndex: number | undefined;
  /** The element of the table or array that it wanted and that is not there; above 2^53 the nearest number that there is. */
  readonly index: number | undefined;
  /** Elements of the table when it trapped; known with the index. */
  readonly tableElements: number | undefined;
  /** The type that it expects: of a function, `[i32] -> []`; of a reference that is cast, `(ref 3)`, where a number is an index of the module's types. */
  readonly expectedType: string | undefined;
  /** The type of the function that it found instead. */
  readonly foundType: string | undefined;
}

/** What is known of a trap but for its instruction. */
export interface TrapEvidence {
  readonly fault: MemoryFault | undefined;
  /** The 64 bits of the trap's subject, as two halves. */
  readonly subject: readonly [lo: number, hi: number] | undefined;
  /** Whose code trapped. */
  readonly instance: TrappedInstance | undefined;
}

/** An instance as far as operands depend on it: sizes are those when it trapped. */
export interface TrappedInstance {
  readonly memoryBytes: readonly number[];
  readonly tableElements: readonly number[];
  /** Types by canonical id. */
  readonly types: readonly DefinedType[];
}

/** Reads the instruction at an offset of a module's bytes, and what the evidence says of its operands. */
export function operandsAt(module: Module, wasmOffset: number, code: TrapName, evidence: TrapEvidence): TrapOperands {
  const reader = new Reader(module.bytes, wasmOffset, module.bytes.length);
  reader.features = ALL_FEATURES; // The module was accepted with those that it uses.
  const op = readOp(reader);
  const immediates = readImmediates(op, reader);
  const memarg = valueOf(immediates, "memarg") ?? valueOf(immediates, "atomic");
  const typeIndex = valueOf(immediates, "type");
  const type = typeIndex === undefined ? undefined : module.types[typeIndex];
  const known: KnownOperands = {
    memoryIndex: memarg?.memoryIndex ?? valueOf(immediates, "memory"),
    accessBytes: memarg === undefined ? undefined : accessBytesOf(op),
    tableIndex: valueOf(immediates, "table"),
    isElementAccess: ELEMENT_ACCESS.test(opName(op)),
    isFinalType: type?.isFinal === true,
    castType: castTypeOf(op, immediates),
  };
  return {
    instruction: opName(op),
    memoryIndex: known.memoryIndex,
    accessBytes: known.accessBytes,
    offset: memarg === undefined ? undefined : memarg.offsetHi * 2 ** 32 + (memarg.offsetLo >>> 0),
    address: evidence.fault?.address,
    memoryBytes: evidence.fault?.memoryBytes,
    tableIndex: known.tableIndex,
    index: undefined,
    tableElements: undefined,
    expectedType: type?.kind === "func" ? functionTypeToString(type) : undefined,
    foundType: undefined,
    ...EXPLAIN[code]?.(known, evidence),
  };
}

/** What the instruction says. */
interface KnownOperands {
  readonly memoryIndex: number | undefined;
  readonly accessBytes: number | undefined;
  readonly tableIndex: number | undefined;
  readonly isElementAccess: boolean;
  readonly isFinalType: boolean;
  /** The type that a cast asks for. */
  readonly castType: string | undefined;
}

const ELEMENT_ACCESS = /^array\.(get|set)/;

type Explanation = (known: KnownOperands, evidence: TrapEvidence) => Partial<TrapOperands> | undefined;

const explainIndex: Explanation = ({ tableIndex }, { subject, instance }) =>
  subject === undefined ? undefined : {
    index: unsigned(subject),
    tableElements: tableIndex === undefined ? undefined : instance?.tableElements[tableIndex],
  };

/** What the subject of each trap that has one means. */
const EXPLAIN: { readonly [N in TrapName]?: Explanation } = {
  // The end of the access.
  memory_out_of_bounds: ({ memoryIndex, accessBytes }, { subject, instance }) => {
    if (subject === undefined || memoryIndex === undefined || accessBytes === undefined) return undefined;
    const memoryBytes = instance?.memoryBytes[memoryIndex];
    const end = unsigned(subject);
    if (memoryBytes === undefined || end > Number.MAX_SAFE_INTEGER) return undefined;
    return { address: Math.max(end - accessBytes, memoryBytes), memoryBytes };
  },
  table_out_of_bounds: explainIndex,
  indirect_call_out_of_bounds: explainIndex,
  array_out_of_bounds: ({ isElementAccess }, { subject }) =>
    isElementAccess && subject !== undefined ? { index: subject[0] >>> 0 } : undefined,
  cast_failure: ({ castType }) => ({ expectedType: castType }),
  // Of a type that may have subtypes an ancestor of the found one is compared, which says nothing.
  indirect_call_type_mismatch: ({ isFinalType }, { subject, instance }) => {
    const found = isFinalType && subject !== undefined ? instance?.types[subject[0]] : undefined;
    return found?.kind === "func" ? { foundType: functionTypeToString(found) } : undefined;
  },
};

function unsigned([lo, hi]: readonly [lo: number, hi: number]): number {
  return (lo >>> 0) + (hi >>> 0) * 2 ** 32;
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

function castTypeOf(op: number, immediates: readonly Immediate[]): string | undefined {
  const heap = valueOf(immediates, "heap");
  // The table has two rows of one name (opName), as the binary format has two opcodes.
  return heap === undefined
    ? undefined
    : `(ref ${OPCODES[op][0].endsWith(" null") ? "null " : ""}${heapTypeToString(heap)})`;
}

function functionTypeToString({ params, results }: FuncType): string {
  return `${valTypesToString(params)} -> ${valTypesToString(results)}`;
}
