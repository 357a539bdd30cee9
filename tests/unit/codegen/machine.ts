/** Runs compiled IR in this process, for tests: one module of functions given as IR text, called through its thunks. */

import {
  Status,
  TrapCode,
  TRAPS,
  VMContextHead,
  VMFunctionImport,
  VMHostFunc,
  VMRecord,
} from "../../../lib/abi/mod.ts";
import { type CodegenOptions, FunctionCompiler, type ModuleCode, ModuleEmitter } from "../../../lib/codegen/mod.ts";
import {
  acquireStack,
  allocateCode,
  boot,
  codeArena,
  type CodeRange,
  cpuFeatures,
  loadAddress,
  mapRegion,
  type NativeRegion,
  recordPool,
  storeAddress,
  valueArea,
} from "../../../lib/host/mod.ts";
import { F32, F64, type Func, I64, parseFuncs, TYPE_BYTES, verifyFunc } from "../../../lib/ir/mod.ts";
import { BASELINE_FEATURES, disassemble, type Feature, featureBit } from "../../../lib/x64/mod.ts";

/** i32 as number, i64 as signed bigint, floats as their bits: f32 number, f64 signed bigint. */
export type Val = number | bigint;

/** A trap that the code under test ended with. */
export class CodeTrap extends Error {
  constructor(readonly code: number, readonly site: number) {
    super(`trap ${TRAPS[code][0]} at ${site}`);
  }
}

/** Feature bits of the baseline that all code relies on. */
export const BASELINE: number = BASELINE_FEATURES | featureBit("sse4.1") | featureBit("popcnt");

/** The baseline and what this machine has of the features that selection knows. */
export function nativeFeatures(): number {
  let bits = BASELINE;
  for (const name of ["lzcnt", "bmi1", "bmi2"] as const satisfies readonly Feature[]) {
    if (cpuFeatures().has(name)) bits |= featureBit(name);
  }
  return bits;
}

/** Where the vmctx of test modules holds things: head, then the VMFunctionImports. */
const IMPORTS = VMContextHead.sizeBytes;
/** Where test IR finds data of its own in the vmctx. */
export const DATA_OFFSET = 1024;

/** What {@linkcode compileText} gives. */
export interface Compiled {
  readonly code: ModuleCode;
  readonly funcs: Func[];
  /** Bytes of instructions of each function, without the data behind them. */
  readonly instructionBytes: number[];
}

/** Compiles functions given as IR text; they share one table of signatures. */
export function compileText(
  text: string,
  features: number = BASELINE,
  memoryDefinition: (index: number) => number = () => DATA_OFFSET,
): Compiled {
  const funcs = parseFuncs(text);
  for (const func of funcs) verifyFunc(func);
  const { signatures } = funcs[0];
  const options: CodegenOptions = {
    features,
    // Whatever names fuel counts it.
    fuel: /^ *fuel/m.test(text) ? "fuel" : "no fuel",
    checks: "on",
    functionImportOffset: (index) => IMPORTS + index * VMFunctionImport.sizeBytes,
    memoryDefinition,
  };
  const compiler = new FunctionCompiler(options, signatures);
  const emitter = new ModuleEmitter(options, signatures);
  const instructionBytes = funcs.map((func) => {
    const compiled = compiler.compile(func);
    emitter.append(compiled);
    return compiled.instructionBytes;
  });
  return { code: emitter.finish(signatures.params.map((_, index) => index)), funcs, instructionBytes };
}

/** The disassembly of function `index`: local addresses count from its start, other functions are named, traps annotated. */
export function listing({ code, instructionBytes }: Compiled, index: number): string {
  const start = code.functionOffsets[index];
  const body = code.code.slice(start, start + instructionBytes[index]);
  const lines: string[] = [];
  for (let at = 0; at < body.length;) {
    const { text, length } = disassemble(body, at);
    const isBranch = /^(call|j\w+) -?0x/.test(text) || /^(call|jmp) \d/.test(text);
    const shown = isBranch ? nameTarget(code, start, body.length, text) : text;
    // A call of the trap stub is keyed by its return address.
    const trap = code.trapPcs.indexOf(start + at + (shown === "call stub" ? length : 0));
    lines.push(`${at.toString(16).padStart(4)}: ${shown}${trap < 0 ? "" : `   ; ${TRAPS[code.trapCodes[trap]][0]}`}`);
    at += length;
  }
  return lines.join("\n");
}

function nameTarget(code: ModuleCode, start: number, bytes: number, text: string): string {
  const [mnemonic, target] = text.split(" ");
  const offset = Number(BigInt.asIntN(64, BigInt(target)));
  if (!/^(call|jmp)$/.test(mnemonic) || mnemonic === "jmp" && offset >= 0 && offset < bytes) return text;
  const callee = code.functionOffsets.indexOf(start + offset);
  return callee >= 0 && callee < code.functionOffsets.length - 1 ? `${mnemonic} func ${callee}` : `${mnemonic} stub`;
}

/** Answers a host call or libcall: gets its number and the machine (arguments and results are in the value area or the record). */
export type Handler = (number: number, machine: Machine) => void;

/** A loaded module. */
export class Machine {
  readonly range: CodeRange;
  readonly vmctx: NativeRegion;
  readonly words: Int32Array;
  readonly #record = recordPool().acquire();
  readonly #stack = acquireStack();
  readonly #host: NativeRegion = mapRegion(4096);
  onHostCall: Handler = () => {
    throw new Error("unexpected host call");
  };
  onLibcall: Handler = this.onHostCall;

  constructor(readonly code: ModuleCode, readonly funcs: Func[]) {
    this.range = allocateCode(code.code.length);
    this.range.writeView.set(code.code);
    codeArena().publish(this.range);
    this.vmctx = mapRegion(4096);
    this.words = this.vmctx.i32;
  }

  /** Makes import `index` a host function with a number, of signature `sig`; its body is the host thunk. */
  importHost(index: number, sig: number, number: number): void {
    const at = IMPORTS + index * VMFunctionImport.sizeBytes;
    const host = this.#host.addressNumber + 16 * index;
    this.#host.i32[(16 * index + VMHostFunc.offsets.number) >> 2] = number;
    storeAddress(
      this.words,
      (at + VMFunctionImport.offsets.body) >> 2,
      this.range.rxAddress + this.code.hostThunks[sig],
    );
    storeAddress(this.words, (at + VMFunctionImport.offsets.environment) >> 2, host);
    this.words[(at + VMFunctionImport.offsets.kind) >> 2] = 1;
  }

  /** Makes import `index` function `target` of this module, called with this vmctx. */
  importFunction(index: number, target: number): void {
    const at = IMPORTS + index * VMFunctionImport.sizeBytes;
    storeAddress(this.words, (at + VMFunctionImport.offsets.body) >> 2, this.address(target));
    storeAddress(this.words, (at + VMFunctionImport.offsets.environment) >> 2, this.vmctx.addressNumber);
    this.words[(at + VMFunctionImport.offsets.kind) >> 2] = 0;
  }

  /** Address of function `index`. */
  address(index: number): number {
    return this.range.rxAddress + this.code.functionOffsets[index];
  }

  /** Argument `k` of the libcall in flight. */
  libArg(k: number): bigint {
    const { words } = this.#record;
    const at = (VMRecord.offsets.libArg0 >> 2) + 2 * k;
    return BigInt(words[at + 1]) << 32n | BigInt(words[at] >>> 0);
  }

  /** Answers the libcall in flight. */
  setLibResult(value: bigint): void {
    const { words } = this.#record;
    words[VMRecord.offsets.libResult >> 2] = Number(BigInt.asIntN(32, value));
    words[(VMRecord.offsets.libResult >> 2) + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }

  /** Calls function `index`. */
  call(index: number, ...args: Val[]): Val[] {
    const func = this.funcs[index];
    const params = func.signatures.params[func.signature], results = func.signatures.results[func.signature];
    const area = valueArea();
    const { words } = this.#record;
    args.forEach((value, i) => writeValue(i, params[i], value));
    storeAddress(words, VMRecord.offsets.code >> 2, this.range.rxAddress + this.code.entryThunks[func.signature]);
    storeAddress(words, VMRecord.offsets.vmctx >> 2, this.vmctx.addressNumber);
    storeAddress(words, VMRecord.offsets.callee >> 2, this.address(index));
    storeAddress(words, VMRecord.offsets.guestSp >> 2, this.#stack.top);
    storeAddress(words, VMRecord.offsets.stackLimit >> 2, this.#stack.limit);
    void area;
    let status = boot().enter(this.#record.index);
    for (;;) {
      if (status === Status.done) break;
      else if (status === Status.trap) throw this.#trap();
      else if (status === Status.hostCall) this.onHostCall(words[VMRecord.offsets.exitNumber >> 2], this);
      else if (status === Status.libcall) this.onLibcall(words[VMRecord.offsets.exitNumber >> 2], this);
      else throw new Error(`status ${status}`);
      status = boot().resume(this.#record.index);
    }
    return Array.from(results, (type, i) => readValue(i, type));
  }

  #trap(): CodeTrap {
    const { words } = this.#record;
    const pc = loadAddress(words, VMRecord.offsets.exitPc >> 2) - this.range.rxAddress;
    const at = this.code.trapPcs.indexOf(pc);
    if (at < 0) {
      throw new Error(`no trap entry for pc ${pc.toString(16)}, signal ${words[VMRecord.offsets.signal >> 2]}`);
    }
    return new CodeTrap(this.code.trapCodes[at], this.code.trapSites[at]);
  }
}

/** Writes a value to the value area. */
export function writeValue(slot: number, type: number, value: Val): void {
  const area = valueArea();
  if (TYPE_BYTES[type] === 8) area.i64[slot * 2] = BigInt.asIntN(64, BigInt(value));
  else area.i32[slot * 4] = Number(value);
}

/** Reads a value from the value area. */
export function readValue(slot: number, type: number): Val {
  const area = valueArea();
  return TYPE_BYTES[type] === 8 ? area.i64[slot * 2] : area.i32[slot * 4];
}

/** Bits of floats as values of the machine. */
export function f64(value: number): bigint {
  return new BigInt64Array(new Float64Array([value]).buffer)[0];
}
export function f32(value: number): number {
  return new Int32Array(new Float32Array([value]).buffer)[0];
}

/** Compiles and loads. */
export function machine(
  text: string,
  features: number = BASELINE,
  memoryDefinition?: (index: number) => number,
): Machine {
  const { code, funcs } = compileText(text, features, memoryDefinition);
  return new Machine(code, funcs);
}

export { F32, F64, I64, TrapCode };
