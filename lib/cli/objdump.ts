/** `objdump`: the machine code of a module with what only we know: wasm offsets, traps, callees. */

import { TRAPS } from "../abi/mod.ts";
import type { CompiledModule } from "../abi/mod.ts";
import { functionSymbol } from "../compile/mod.ts";
import { funcIndexOf, type Module as WasmModule } from "../wasm/mod.ts";
import { disassemble } from "../x64/mod.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { loadModule, makeEngine } from "./load.ts";
import type { ParsedCommand } from "./options.ts";
import { writeText } from "./output.ts";

const BYTES_COLUMN = 30;
const TEXT_COLUMN = 44;
/** Lines are written in blocks: a module can have a million of them. */
const BLOCK_CHARACTERS = 64 * 1024;

/** Runs the command; returns the exit code. */
export async function objdump({ options, operands }: ParsedCommand): Promise<number> {
  const [path, ...rest] = operands;
  if (path === undefined) throw new UsageError("no file to print", "objdump");
  if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}: one file at a time`, "objdump");
  using engine = await makeEngine(options);
  const module = await loadModule(engine, path, "allowed");
  let block = "";
  for (const line of listing(module.wasm, module.compiled, options.function as string | undefined)) {
    block += line + "\n";
    if (block.length < BLOCK_CHARACTERS) continue;
    writeText(block);
    block = "";
  }
  writeText(block);
  return EXIT.ok;
}

/** The lines of a listing, of all functions or of the one named or numbered `only`. */
export function* listing(module: WasmModule, compiled: CompiledModule, only?: string): Generator<string> {
  const { functionOffsets, code } = compiled;
  let printed = 0;
  for (let defined = 0; defined + 1 < functionOffsets.length; defined++) {
    const index = funcIndexOf(module, defined);
    const name = functionSymbol(module, index);
    if (only !== undefined && only !== name && only !== String(index)) continue;
    printed++;
    yield `${hex(functionOffsets[defined], 8)} <func[${index}] ${name}>:`;
    yield* instructions(compiled, code, functionOffsets[defined], functionOffsets[defined + 1]);
    yield "";
  }
  if (printed === 0 && only !== undefined) throw new CliError(`no defined function is named or numbered ${only}`);
}

function* instructions(compiled: CompiledModule, code: Uint8Array, start: number, end: number): Generator<string> {
  const { trapPcs, trapCodes, trapSites, callPcs, callSites } = compiled;
  let trap = lowerBound(trapPcs, start);
  let call = lowerBound(callPcs, start);
  for (let at = start; at < end;) {
    const { text, length } = disassemble(code, at);
    const next = at + length;
    const notes: string[] = [];
    for (; trap < trapPcs.length && trapPcs[trap] < next; trap++) {
      if (trapPcs[trap] === at) notes.push(`@0x${trapSites[trap].toString(16)} trap: ${TRAPS[trapCodes[trap]][1]}`);
    }
    // The trap of a call is known by its return address, which belongs to the call, not to what follows it.
    for (; trap < trapPcs.length && trapPcs[trap] === next && text.startsWith("call"); trap++) {
      notes.push(`@0x${trapSites[trap].toString(16)} trap: ${TRAPS[trapCodes[trap]][1]}`);
    }
    while (call < callPcs.length && callPcs[call] < next) call++;
    if (call < callPcs.length && callPcs[call] === next) notes.push(`@0x${callSites[call].toString(16)}`);
    const bytes = Array.from(code.subarray(at, next), (byte) => hex(byte, 2)).join(" ");
    const line = `${hex(at, 8)}: ${bytes.padEnd(BYTES_COLUMN)} ${text}`;
    yield notes.length > 0 ? `${line.padEnd(BYTES_COLUMN + TEXT_COLUMN)} ; ${notes.join(", ")}` : line;
    at = next;
  }
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}

function lowerBound(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
