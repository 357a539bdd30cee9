/** An instance of a module laid out in native memory by the contract alone, for tests of generated code: memory, tables, globals; no imports. */

import {
  FUNCREF_INIT_BIT,
  LIBCALLS,
  shapeOf,
  Status,
  VMContextHead,
  VMFuncRef,
  VMMemoryDefinition,
  VMRecord,
  type VMShape,
  VMTableDefinition,
} from "../../../lib/abi/mod.ts";
import { NONE } from "../../../lib/base/mod.ts";
import { type ModuleCode, ModuleEmitter } from "../../../lib/codegen/mod.ts";
import {
  acquireStack,
  addressOf,
  allocateCode,
  allocateLinearMemory,
  boot,
  codeArena,
  type CodeRange,
  freeCode,
  type LinearMemory,
  loadAddress,
  mapRegion,
  type NativeRegion,
  recordPool,
  storeAddress,
} from "../../../lib/host/mod.ts";
import { type Func, FuncBuilder, TYPE_BYTES } from "../../../lib/ir/mod.ts";
import {
  TranslateEnvironment,
  translateFunction,
  type TranslateOptions,
  Translator,
} from "../../../lib/translate/mod.ts";
import { type ConstExpr, type Module, TypeRegistry } from "../../../lib/wasm/mod.ts";
import { CodeTrap, readValue, type Val, writeValue } from "./machine.ts";

const record = recordPool().acquire();
const stack = acquireStack();

/** A compiled and laid-out module. */
export class NativeInstance {
  readonly code: ModuleCode;
  readonly #module: Module;
  readonly #shape: VMShape;
  readonly #environment: TranslateEnvironment;
  readonly #range: CodeRange;
  readonly #vmctx: NativeRegion;
  readonly #regions: NativeRegion[] = [];
  readonly memory: LinearMemory | undefined;

  constructor(module: Module, options: TranslateOptions, features: number, onFunc: (func: Func) => void = () => {}) {
    this.#module = module;
    const { shape, escaped } = shapeOf(module);
    this.#shape = shape;
    this.#environment = new TranslateEnvironment(module, shape, options);
    const emitter = new ModuleEmitter(
      { features, checks: "on", functionImportOffset: (index) => shape.functionImport(index) },
      this.#environment.signatures,
    );
    const builder = new FuncBuilder(), scratch = new Translator();
    for (let i = 0; i < module.bodies.length; i++) {
      const func = translateFunction(this.#environment, i, builder, scratch);
      onFunc(func);
      emitter.compileFunction(func);
    }
    this.code = emitter.finish(this.#environment.typeSig);
    this.#range = allocateCode(this.code.code.length);
    this.#range.writeView.set(this.code.code);
    codeArena().publish(this.#range);

    this.#vmctx = mapRegion(shape.sizeBytes);
    const words = this.#vmctx.i32;
    const ids = new TypeRegistry().canonicalize(module);
    const typeIds = this.#map(ids.length * 4);
    typeIds.i32.set(ids);
    storeAddress(words, VMContextHead.offsets.typeIds >> 2, typeIds.addressNumber);
    for (let index = 0; index < module.funcs.length; index++) {
      if (escaped[index] === NONE) continue;
      const at = shape.funcRef(escaped[index]);
      storeAddress(
        words,
        (at + VMFuncRef.offsets.wasmCall) >> 2,
        this.#range.rxAddress + this.code.functionOffsets[index],
      );
      storeAddress(words, (at + VMFuncRef.offsets.vmctx) >> 2, this.#vmctx.addressNumber);
      words[(at + VMFuncRef.offsets.type) >> 2] = ids[module.funcs[index]];
    }
    module.tables.forEach(({ minimum }, index) => {
      const base = this.#map(Math.max(8, minimum * 8));
      base.i32.fill(0);
      for (let i = 0; i < minimum; i++) base.i32[2 * i] = FUNCREF_INIT_BIT;
      storeAddress(words, (shape.table(index) + VMTableDefinition.offsets.base) >> 2, base.addressNumber);
      storeAddress(words, (shape.table(index) + VMTableDefinition.offsets.currentElements) >> 2, minimum);
    });
    module.globals.forEach((global, index) => {
      this.setGlobal(index, constantOf(global.init!));
    });
    if (module.memories.length > 0) {
      this.memory = allocateLinearMemory(module.memories[0].minimumPages);
      const at = shape.ownedMemory(0);
      storeAddress(
        words,
        (at + VMMemoryDefinition.offsets.base) >> 2,
        Number(addressOf(new Uint8Array(this.memory.buffer))),
      );
      storeAddress(words, (at + VMMemoryDefinition.offsets.currentLengthBytes) >> 2, this.memory.byteLength);
    }
    for (const segment of module.elements) {
      if (segment.mode !== "active") continue;
      const start = Number(constantOf(segment.offset!));
      const base = loadAddress(words, (shape.table(segment.tableIndex) + VMTableDefinition.offsets.base) >> 2);
      const elements = this.#regions.find((region) => region.addressNumber === base)!;
      for (let i = 0; i < segment.length; i++) {
        const func = segment.funcs![i];
        const ref = this.#vmctx.addressNumber + shape.funcRef(escaped[func]);
        storeAddress(elements.i32, 2 * (start + i), ref + FUNCREF_INIT_BIT);
      }
    }
  }

  #map(bytes: number): NativeRegion {
    const region = mapRegion(bytes);
    this.#regions.push(region);
    return region;
  }

  /** Sets the bits of a defined global. */
  setGlobal(index: number, value: Val): void {
    const at = this.#shape.global(index);
    const type = this.#environment.globalType[index];
    if (TYPE_BYTES[type] === 8) this.#vmctx.i64[at >> 3] = BigInt(value);
    else this.#vmctx.i32[at >> 2] = Number(value);
  }

  /** The bits of a defined global. */
  global(index: number): Val {
    const at = this.#shape.global(index);
    return TYPE_BYTES[this.#environment.globalType[index]] === 8 ? this.#vmctx.i64[at >> 3] : this.#vmctx.i32[at >> 2];
  }

  /** Calls a defined function. @throws {CodeTrap} */
  call(index: number, args: readonly Val[]): Val[] {
    const { signatures, funcSig } = this.#environment;
    const params = signatures.params[funcSig[index]], results = signatures.results[funcSig[index]];
    const { words } = record;
    args.forEach((value, i) => writeValue(i, params[i], value));
    const thunk = this.code.entryThunks[this.#module.funcs[index]];
    storeAddress(words, VMRecord.offsets.code >> 2, this.#range.rxAddress + thunk);
    storeAddress(words, VMRecord.offsets.vmctx >> 2, this.#vmctx.addressNumber);
    storeAddress(words, VMRecord.offsets.callee >> 2, this.#range.rxAddress + this.code.functionOffsets[index]);
    storeAddress(words, VMRecord.offsets.guestSp >> 2, stack.top);
    storeAddress(words, VMRecord.offsets.stackLimit >> 2, stack.limit);
    let status = boot().enter(record.index);
    while (status !== Status.done) {
      if (status === Status.trap) throw this.#trap();
      if (status !== Status.libcall) throw new Error(`status ${status}`);
      this.#libcall(words);
      status = boot().resume(record.index);
    }
    return Array.from(results, (type, i) => readValue(i, type));
  }

  #libcall(words: Int32Array): void {
    const [name] = LIBCALLS[words[VMRecord.offsets.exitNumber >> 2]];
    if (name !== "memory_grow") throw new Error(`libcall ${name}`);
    const delta = words[(VMRecord.offsets.libArg0 + 8) >> 2] >>> 0;
    const old = this.memory!.pages;
    // The memory's maximum is one page: growing by nothing is all that succeeds.
    const result = old + delta > this.#module.memories[0].maximumPages! ? -1 : old;
    words[VMRecord.offsets.libResult >> 2] = result;
    words[(VMRecord.offsets.libResult + 4) >> 2] = result >> 31;
  }

  #trap(): CodeTrap {
    const { words } = record;
    const pc = loadAddress(words, VMRecord.offsets.exitPc >> 2) - this.#range.rxAddress;
    const at = this.code.trapPcs.indexOf(pc);
    if (at < 0) {
      throw new Error(`no trap entry for pc ${pc.toString(16)}, signal ${words[VMRecord.offsets.signal >> 2]}`);
    }
    return new CodeTrap(this.code.trapCodes[at], this.code.trapSites[at]);
  }

  /** Frees the code. */
  dispose(): void {
    freeCode(this.#range);
    for (const region of this.#regions) region.release();
    this.#vmctx.release();
  }
}

function constantOf({ instrs }: ConstExpr): Val {
  const instr = instrs[0];
  switch (instr.name) {
    case "i32.const":
      return instr.value;
    case "f32.const":
      return instr.bits;
    case "i64.const":
    case "f64.const":
      return BigInt.asIntN(64, BigInt(instr.hi) << 32n | BigInt(instr.lo >>> 0));
    default:
      throw new Error(`${instr.name} in a constant expression`);
  }
}
