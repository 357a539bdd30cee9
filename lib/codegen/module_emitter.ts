/**
 * A module's code: functions in order, then thunks, then stubs, in one buffer without relocations left.
 *
 * Calls between functions and to the stubs are rel32 fields that are patched when all offsets are known.
 */

import { type CompiledModule, LIBCALLS } from "../abi/mod.ts";
import { bug, CodeBuffer, IntList, NONE } from "../base/mod.ts";
import type { Func, Signatures } from "../ir/mod.ts";
import { Assembler } from "../x64/mod.ts";
import { FunctionCompiler } from "./compile_function.ts";
import { type FunctionCode, RelocationTarget } from "./function_code.ts";
import { CODE_ALIGNMENT_BYTES } from "./alignment.ts";
import type { CodegenOptions } from "./options.ts";
import { emitCopyStub, emitFillStub } from "./stubs/bulk_stubs.ts";
import { emitEntryThunk } from "./stubs/entry_thunk.ts";
import { emitHostThunk } from "./stubs/host_thunk.ts";
import { emitLibcallStub } from "./stubs/libcall_stub.ts";
import type { FuelCounting } from "./registers.ts";
import { emitPollStub } from "./stubs/poll_stub.ts";
import { emitTrapStub } from "./stubs/trap_stub.ts";

/** The code and the tables about it: what the artifact is made of. */
export type ModuleCode = Omit<CompiledModule, "options">;

const INT3 = 0xcc;

/** Builds a module's code function by function. */
export class ModuleEmitter {
  readonly #code: CodeBuffer = new CodeBuffer(1 << 16);
  readonly #compiler: FunctionCompiler;
  #signatures: Signatures;
  #features: number;
  #fuel: FuelCounting;
  readonly #offsets: IntList = new IntList(256);
  readonly #relocations: IntList = new IntList(256);
  readonly #traps: IntList = new IntList(256);
  readonly #subjects: IntList = new IntList(64);
  readonly #calls: IntList = new IntList(256);
  readonly #rootStarts: IntList = new IntList(256);
  readonly #roots: IntList = new IntList(256);
  readonly #handlers: IntList = new IntList(64);
  readonly #clauses: IntList = new IntList(64);

  constructor(options: CodegenOptions, signatures: Signatures) {
    this.#signatures = signatures;
    this.#features = options.features;
    this.#fuel = options.fuel ?? "no fuel";
    this.#compiler = new FunctionCompiler(options, signatures);
  }

  /** Turns to another module, keeping the storage. */
  begin(options: CodegenOptions, signatures: Signatures): void {
    this.#signatures = signatures;
    this.#features = options.features;
    this.#fuel = options.fuel ?? "no fuel";
    this.#compiler.begin(options, signatures);
    this.#code.reset();
    this.#offsets.reset();
    this.#relocations.reset();
    this.#traps.reset();
    this.#subjects.reset();
    this.#calls.reset();
    this.#rootStarts.reset();
    this.#roots.reset();
    this.#handlers.reset();
    this.#clauses.reset();
  }

  /** Compiles the next defined function and appends it. */
  compileFunction(func: Func): void {
    if (func.index !== this.#offsets.length) bug(`function ${func.index} compiled out of order`);
    this.append(this.#compiler.compile(func));
  }

  /** Appends the code of the next defined function. */
  append(compiled: FunctionCode): void {
    const code = this.#code;
    code.align(compiled.alignmentBytes, INT3);
    const start = code.length;
    this.#offsets.push(start);
    code.reserve(compiled.buffer.length);
    code.bytes.set(compiled.buffer.bytes.subarray(0, compiled.buffer.length), start);
    code.length = start + compiled.buffer.length;
    const { relocations, traps, subjects, calls, rootStarts, roots, handlers, clauses } = compiled;
    for (let r = 0; r < relocations.length; r += 2) {
      this.#relocations.push(relocations.data[r] + start);
      this.#relocations.push(relocations.data[r + 1]);
    }
    for (let t = 0; t < traps.length; t += 3) {
      this.#traps.push(traps.data[t] + start);
      this.#traps.push(traps.data[t + 1]);
      this.#traps.push(traps.data[t + 2]);
    }
    for (let s = 0; s < subjects.length; s += 2) {
      this.#subjects.push(subjects.data[s] + start);
      this.#subjects.push(subjects.data[s + 1]);
    }
    for (let c = 0; c < calls.length; c += 2) {
      this.#calls.push(calls.data[c] + start);
      this.#calls.push(calls.data[c + 1]);
    }
    for (let c = 0; c < rootStarts.length; c++) this.#rootStarts.push(rootStarts.data[c] + this.#roots.length);
    for (let r = 0; r < roots.length; r++) this.#roots.push(roots.data[r]);
    for (let h = 0; h < handlers.length; h += 3) {
      this.#handlers.push(handlers.data[h] + start);
      this.#handlers.push(handlers.data[h + 1] + start);
      this.#handlers.push(this.#clauseList(clauses.data, handlers.data[h + 2]));
    }
  }

  // Calls inside one handler's body have equal lists and mostly stand together: the last list serves again.
  #clauseList(data: Int32Array, at: number): number {
    const lists = this.#clauses, handlers = this.#handlers;
    const count = data[at];
    const last = handlers.length > 2 ? handlers.data[handlers.length - 3] : NONE;
    if (last !== NONE) {
      let k = 0;
      while (k <= count && lists.data[last + k] === data[at + k]) k++;
      if (k > count) return last;
    }
    const start = lists.length;
    for (let k = 0; k <= count; k++) lists.push(data[at + k]);
    return start;
  }

  /** Appends thunks for the module's types (signature id by type index, NONE: not a function type) and stubs, and links everything. */
  finish(types: ArrayLike<number>): ModuleCode {
    const code = this.#code;
    code.align(CODE_ALIGNMENT_BYTES, INT3);
    this.#offsets.push(code.length);
    const asm = new Assembler(code);
    const entryThunks = new Int32Array(types.length).fill(NONE);
    const hostThunks = new Int32Array(types.length).fill(NONE);
    // Types with the same parameters and results share thunks.
    const thunks = new Map<string, number>();
    for (let type = 0; type < types.length; type++) {
      const signature = types[type];
      if (signature === NONE) continue;
      const params = this.#signatures.params[signature], results = this.#signatures.results[signature];
      const key = `${params.join()}:${results.join()}`;
      const twin = thunks.get(key);
      if (twin !== undefined) {
        entryThunks[type] = entryThunks[twin];
        hostThunks[type] = hostThunks[twin];
        continue;
      }
      thunks.set(key, type);
      const layout = this.#compiler.layout(signature);
      code.align(CODE_ALIGNMENT_BYTES, INT3);
      entryThunks[type] = code.length;
      emitEntryThunk(asm, layout, params, results);
      code.align(CODE_ALIGNMENT_BYTES, INT3);
      hostThunks[type] = code.length;
      emitHostThunk(asm, layout, params, results);
    }
    code.align(CODE_ALIGNMENT_BYTES, INT3);
    const trapStub = code.length;
    emitTrapStub(asm);
    code.align(CODE_ALIGNMENT_BYTES, INT3);
    const libcall = asm.newLabel();
    asm.bind(libcall);
    emitLibcallStub(asm);
    const stubs = new Map<number, number>([
      [RelocationTarget.trapStub, trapStub],
      [RelocationTarget.libcallStub, asm.labelOffset(libcall)],
    ]);
    if (this.#isTarget(RelocationTarget.copyStub)) {
      code.align(CODE_ALIGNMENT_BYTES, INT3);
      stubs.set(RelocationTarget.copyStub, code.length);
      emitCopyStub(asm, libcall, this.#features);
    }
    if (this.#isTarget(RelocationTarget.fillStub)) {
      code.align(CODE_ALIGNMENT_BYTES, INT3);
      stubs.set(RelocationTarget.fillStub, code.length);
      emitFillStub(asm, libcall, this.#features);
    }
    if (this.#isTarget(RelocationTarget.pollStub)) {
      code.align(CODE_ALIGNMENT_BYTES, INT3);
      stubs.set(RelocationTarget.pollStub, code.length);
      emitPollStub(asm, this.#fuel);
    }
    asm.finish();
    this.#link(stubs);
    this.#rootStarts.push(this.#roots.length);
    return {
      code: code.toBytes(),
      functionOffsets: this.#offsets.data.slice(0, this.#offsets.length),
      entryThunks,
      hostThunks,
      builtinStubs: new Int32Array(LIBCALLS.length).fill(asm.labelOffset(libcall)),
      trapPcs: column(this.#traps, 0, 3, Int32Array),
      trapCodes: column(this.#traps, 1, 3, Uint8Array),
      trapSites: column(this.#traps, 2, 3, Int32Array),
      subjectPcs: column(this.#subjects, 0, 2, Int32Array),
      subjectPlaces: column(this.#subjects, 1, 2, Int32Array),
      callPcs: column(this.#calls, 0, 2, Int32Array),
      callSites: column(this.#calls, 1, 2, Int32Array),
      callRootStarts: column(this.#rootStarts, 0, 1, Int32Array),
      rootOffsets: column(this.#roots, 0, 1, Int32Array),
      handlerPcs: column(this.#handlers, 0, 3, Int32Array),
      handlerPads: column(this.#handlers, 1, 3, Int32Array),
      handlerLists: column(this.#handlers, 2, 3, Int32Array),
      handlerClauses: column(this.#clauses, 0, 1, Int32Array),
    };
  }

  #isTarget(target: number): boolean {
    const { data, length } = this.#relocations;
    for (let r = 0; r < length; r += 2) if (data[r + 1] === target) return true;
    return false;
  }

  #link(stubs: ReadonlyMap<number, number>): void {
    const { data, length } = this.#relocations;
    for (let r = 0; r < length; r += 2) {
      const at = data[r], target = data[r + 1];
      const offset = target >= 0 ? this.#offsets.data[target] : stubs.get(target) ?? bug(`no stub ${target}`);
      this.#code.patchU32(at, offset - (at + 4));
    }
  }
}

function column<T extends Int32Array | Uint8Array>(
  list: IntList,
  first: number,
  stride: number,
  type: new (length: number) => T,
): T {
  const values = new type(list.length / stride);
  for (let i = 0; i < values.length; i++) values[i] = list.data[i * stride + first];
  return values;
}
