/**
 * One function from IR to bytes: select, allocate, emit. All storage is kept from function to function.
 */

import { type SignatureLayout, stressRegisters } from "../abi/mod.ts";
import type { Func, Signatures } from "../ir/mod.ts";
import { Allocation, Allocator, checkAllocation, type RegisterFile } from "../regalloc/mod.ts";
import { Emitter } from "./emit.ts";
import type { FunctionCode } from "./function_code.ts";
import { type SelectionTarget, Selector } from "./isel/selector.ts";
import { selectInstructions } from "./isel/select.ts";
import { LayoutCache } from "./layout_cache.ts";
import type { CodegenOptions, DirectCalls } from "./options.ts";
import { registerFile, REGISTERS } from "./registers.ts";

/** Compiles functions, one after the other, of one module after the other: the storage of all phases is kept. */
export class FunctionCompiler implements SelectionTarget {
  features: number;
  directCalls: DirectCalls;
  stress: number;
  readonly selector: Selector = new Selector();
  readonly allocation: Allocation = new Allocation();
  /** By number of registers to choose from, 0 for all, and whether one holds the fuel. */
  readonly #allocators = new Map<string, Allocator>();
  #registers: RegisterFile = REGISTERS;
  #allocator!: Allocator;
  readonly #emitter: Emitter = new Emitter();
  #options: CodegenOptions;
  #signatures: Signatures;
  readonly #cache = new LayoutCache();
  /** Layouts of the module's signatures, as far as asked for. */
  readonly #layouts: SignatureLayout[] = [];

  constructor(options: CodegenOptions, signatures: Signatures) {
    this.#options = options;
    this.#signatures = signatures;
    this.features = options.features;
    this.directCalls = options.directCalls ?? "keep vmctx";
    this.stress = options.stress ?? 0;
    this.#useRegisters();
  }

  #useRegisters(): void {
    const count = stressRegisters(this.stress);
    const { fuel = "no fuel" } = this.#options;
    const key = `${count} ${fuel}`;
    this.#registers = registerFile(count, fuel);
    let allocator = this.#allocators.get(key);
    if (allocator === undefined) this.#allocators.set(key, allocator = new Allocator(this.#registers));
    this.#allocator = allocator;
  }

  /** Turns to another module. */
  begin(options: CodegenOptions, signatures: Signatures): void {
    this.#options = options;
    this.#signatures = signatures;
    this.features = options.features;
    this.directCalls = options.directCalls ?? "keep vmctx";
    this.stress = options.stress ?? 0;
    this.#layouts.length = 0;
    this.#useRegisters();
  }

  /** Compiles `func`; the result is valid until the next call. */
  compile(func: Func): FunctionCode {
    const { code } = this.selector;
    selectInstructions(this.selector, func, this);
    this.#allocator.allocate(code.input, this.allocation);
    if (this.#options.checks === "on") checkAllocation(code.input, this.allocation, this.#registers);
    this.#emitter.emit(this.selector, this.allocation);
    return this.#emitter.out;
  }

  functionImportOffset(index: number): number {
    return this.#options.functionImportOffset(index);
  }

  memoryDefinition(index: number): number | undefined {
    return this.#options.memoryDefinition?.(index);
  }

  layout(signature: number): SignatureLayout {
    return this.#layouts[signature] ??= this.#cache.layoutOf(
      this.#signatures.params[signature],
      this.#signatures.results[signature],
    );
  }
}
