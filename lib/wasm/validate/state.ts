/**
 * The state of validating one function body: operand stack, control frames, locals (spec: appendix "Validation Algorithm").
 *
 * Operand types are one Int32Array; a control frame is a row of parallel columns. After an instruction that does not return,
 * the frame is unreachable: its operands are dropped, and popping below its base gives BOTTOM, which matches every type.
 * A local whose type has no default is readable after a `local.set` until the block that holds the set ends; the sets are
 * noted on a stack, which a frame's end unwinds.
 *
 * STATE-1  One instance serves any number of functions and modules; after warm-up a body allocates nothing.
 *
 * May import: base. @module
 */
import { growInt32, IntList } from "../../base/mod.ts";
import type { Module } from "../module.ts";
import { OP, type Op } from "../opcodes.ts";
import { Reader } from "../reader.ts";
import { BlockType } from "../type_reader.ts";
import {
  asNullable,
  BOTTOM,
  BOTTOM_REF,
  type ContType,
  type DefinedType,
  type FuncType,
  HEAP_BOTTOM,
  type HeapType,
  heapType,
  inexactHeap,
  isDefaultable,
  isExact,
  isNullable,
  isRef,
  NO_TYPES,
  refType,
  type ValType,
  valTypesToString,
  valTypeToString,
} from "../types.ts";

const NO_BYTES = new Uint8Array(0);

/** Reusable state of `validateBody`; also the context that the rules work on. */
export class ValidationScratch {
  module!: Module;
  readonly reader: Reader = new Reader(NO_BYTES);
  readonly blockType: BlockType = new BlockType();
  /** The offset of the current instruction. */
  opOffset = 0;
  /** The address type of the memory that the current instruction's immediates name. */
  addressType: ValType = BOTTOM;

  #stack = new Int32Array(256);
  #height = 0;

  /** The number of open control frames; 0 after the function's last `end`. */
  frameCount = 0;
  #frameOps = new Int32Array(64);
  #frameBases = new Int32Array(64);
  #frameInits = new Int32Array(64);
  #frameUnreachable = new Int32Array(64);
  /** The `#mark` at which a frame's label was last seen. */
  #frameMarks = new Float64Array(64);
  #mark = 0;
  readonly #frameParams: Int32Array[] = [];
  readonly #frameResults: Int32Array[] = [];
  #base = 0;
  #isUnreachable = false;

  localCount = 0;
  #locals = new Int32Array(64);
  /** 1 where the local has a value. */
  #localHasValue = new Uint8Array(64);
  /** Locals that got their first value, in order. */
  readonly #inits = new IntList();

  /** Refuses the module because of the current instruction. */
  fail(reason: string): never {
    this.reader.fail(reason, this.opOffset);
  }

  /** Places the cursor on a body and opens the function's frame. */
  begin(module: Module, start: number, end: number, type: FuncType): void {
    this.module = module;
    const { reader } = this;
    reader.reset(module.bytes, start, end);
    reader.features = module.features;
    reader.typeLimit = module.types.length;
    this.opOffset = start;
    this.#height = 0;
    this.frameCount = 0;
    this.#inits.reset();
    this.localCount = 0;
    this.addLocals(type.params.length, BOTTOM);
    const { params } = type;
    for (let i = 0; i < params.length; i++) this.#locals[i] = params[i];
    this.pushFrame(OP.block, NO_TYPES, type.results);
  }

  // ---- locals ----

  /** Appends `count` locals of one type; those with a default have a value. */
  addLocals(count: number, type: ValType): void {
    const start = this.localCount;
    const total = start + count;
    this.#locals = growInt32(this.#locals, total);
    if (this.#localHasValue.length < total) {
      const grown = new Uint8Array(this.#locals.length);
      grown.set(this.#localHasValue);
      this.#localHasValue = grown;
    }
    this.#locals.fill(type, start, total);
    this.#localHasValue.fill(isDefaultable(type) ? 1 : 0, start, total);
    this.localCount = total;
  }

  /** The type of a local. */
  localType(index: number): ValType {
    if (index >= this.localCount) this.fail(`unknown local ${index}`);
    return this.#locals[index];
  }

  /** Refuses reading a local without a value. */
  checkLocalHasValue(index: number): void {
    if (this.#localHasValue[index] === 0) this.fail(`uninitialized local ${index}`);
  }

  /** Notes that a local has a value from here to the end of the block. */
  setLocalHasValue(index: number): void {
    if (this.#localHasValue[index] !== 0) return;
    this.#localHasValue[index] = 1;
    this.#inits.push(index);
  }

  // ---- operands ----

  /** Pushes an operand. */
  push(type: ValType): void {
    if (this.#height === this.#stack.length) this.#stack = growInt32(this.#stack, this.#height + 1);
    this.#stack[this.#height++] = type;
  }

  /** Pushes operands in order. */
  pushAll(types: Int32Array): void {
    for (let i = 0; i < types.length; i++) this.push(types[i]);
  }

  /** Pops an operand of any type. */
  popAny(): ValType {
    if (this.#height === this.#base) {
      if (this.#isUnreachable) return BOTTOM;
      this.fail("expected an operand, found an empty stack");
    }
    return this.#stack[--this.#height];
  }

  /** Pops an operand that matches `expected`. */
  pop(expected: ValType): ValType {
    if (this.#height === this.#base) {
      if (this.#isUnreachable) return BOTTOM;
      this.fail(`expected ${valTypeToString(expected)}, found an empty stack`);
    }
    const actual = this.#stack[--this.#height];
    if (actual !== expected && !this.isSubtype(actual, expected)) {
      this.fail(`expected ${valTypeToString(expected)}, found ${valTypeToString(actual)}`);
    }
    return actual;
  }

  /** Pops operands that match `types`, the last first. */
  popAll(types: Int32Array): void {
    for (let i = types.length - 1; i >= 0; i--) this.pop(types[i]);
  }

  /** Pops a reference of any type; BOTTOM_REF when it comes from an unreachable stack. */
  popRef(): ValType {
    const type = this.popAny();
    if (type === BOTTOM) return BOTTOM_REF;
    if (!isRef(type)) this.fail(`expected a reference, found ${valTypeToString(type)}`);
    return type;
  }

  /** Checks that the top operands match `types`, and leaves them. */
  peekAll(types: Int32Array): void {
    let at = this.#height;
    for (let i = types.length - 1; i >= 0; i--) {
      if (at === this.#base) {
        if (this.#isUnreachable) return;
        this.fail(`expected ${valTypesToString(types)}, found an empty stack`);
      }
      const actual = this.#stack[--at];
      if (actual !== types[i] && !this.isSubtype(actual, types[i])) {
        this.fail(`expected ${valTypeToString(types[i])}, found ${valTypeToString(actual)}`);
      }
    }
  }

  // ---- control frames ----

  /** Opens a frame; operands below it are out of reach. */
  pushFrame(op: Op, params: Int32Array, results: Int32Array): void {
    const frame = this.frameCount++;
    if (frame > 0) this.#frameUnreachable[frame - 1] = this.#isUnreachable ? 1 : 0;
    if (frame === this.#frameOps.length) {
      this.#frameOps = growInt32(this.#frameOps, frame + 1);
      this.#frameBases = growInt32(this.#frameBases, frame + 1);
      this.#frameInits = growInt32(this.#frameInits, frame + 1);
      this.#frameUnreachable = growInt32(this.#frameUnreachable, frame + 1);
    }
    if (frame >= this.#frameMarks.length) this.#frameMarks = new Float64Array(2 * frame);
    this.#frameMarks[frame] = -1;
    this.#frameOps[frame] = op;
    this.#frameBases[frame] = this.#base = this.#height;
    this.#frameInits[frame] = this.#inits.length;
    this.#frameParams[frame] = params;
    this.#frameResults[frame] = results;
    this.#isUnreachable = false;
  }

  /** Closes the innermost frame: its results, and nothing else, must be on the stack; they are popped. */
  popFrame(): void {
    const frame = this.frameCount - 1;
    const results = this.#frameResults[frame];
    this.popAll(results);
    if (this.#height !== this.#base) {
      const extra = this.#stack.subarray(this.#base, this.#height);
      this.fail(`operands ${valTypesToString(extra)} remain on the stack at the end of the block`);
    }
    const inits = this.#inits;
    while (inits.length > this.#frameInits[frame]) this.#localHasValue[inits.pop()] = 0;
    this.frameCount = frame;
    if (frame > 0) {
      this.#base = this.#frameBases[frame - 1];
      this.#isUnreachable = this.#frameUnreachable[frame - 1] !== 0;
    }
  }

  /** Closes the innermost frame, which has no operands left and set no locals, without looking at its results. */
  dropFrame(): void {
    if (this.#height !== this.#base) {
      const extra = this.#stack.subarray(this.#base, this.#height);
      this.fail(`${valTypesToString(extra)} are more than the label takes`);
    }
    const frame = --this.frameCount;
    this.#base = this.#frameBases[frame - 1];
    this.#isUnreachable = this.#frameUnreachable[frame - 1] !== 0;
  }

  /** Drops the frame's operands: what follows is unreachable. */
  setUnreachable(): void {
    this.#height = this.#base;
    this.#isUnreachable = true;
  }

  /** The operation that opened the innermost frame. */
  get frameOp(): Op {
    return this.#frameOps[this.frameCount - 1];
  }

  /** The parameters of a frame; still valid right after it was closed. */
  frameParams(frame: number): Int32Array {
    return this.#frameParams[frame];
  }

  /** The results of a frame; still valid right after it was closed. */
  frameResults(frame: number): Int32Array {
    return this.#frameResults[frame];
  }

  /** The frame that a label depth names. */
  frameOfLabel(depth: number): number {
    if (depth >= this.frameCount) this.fail(`unknown label ${depth}`);
    return this.frameCount - 1 - depth;
  }

  /** The operation that opened the frame of a label. */
  labelOp(depth: number): Op {
    return this.#frameOps[this.frameOfLabel(depth)];
  }

  /** The types that a branch to a label takes. */
  labelTypes(depth: number): Int32Array {
    const frame = this.frameOfLabel(depth);
    return this.#frameOps[frame] === OP.loop ? this.#frameParams[frame] : this.#frameResults[frame];
  }

  /** Whether this is the first time that a label is asked for since {@linkcode forgetLabels}. */
  isNewLabel(depth: number): boolean {
    const frame = this.frameOfLabel(depth);
    if (this.#frameMarks[frame] === this.#mark) return false;
    this.#frameMarks[frame] = this.#mark;
    return true;
  }

  /** Starts afresh for {@linkcode isNewLabel}. */
  forgetLabels(): void {
    this.#mark++;
  }

  /** The results of the function. */
  get functionResults(): Int32Array {
    return this.#frameResults[0];
  }

  // ---- types and index spaces ----

  /** Whether type `a` matches `b`; both name types of the module. */
  isSubtype(a: ValType, b: ValType): boolean {
    return isSubtypeIn(this.module, a, b);
  }

  /** Whether each of `from` matches its counterpart in `to`. */
  areSubtypes(from: Int32Array, to: Int32Array): boolean {
    if (from.length !== to.length) return false;
    for (let i = 0; i < from.length; i++) if (!this.isSubtype(from[i], to[i])) return false;
    return true;
  }

  /** The nullable top type of the hierarchy of `heap`. */
  topRefType(heap: HeapType): ValType {
    const { registry, typeIds } = this.module;
    return asNullable(refType(registry.topOf(heap >= 0 ? typeIds[inexactHeap(heap)] : heap)));
  }

  /** The type at an index. */
  typeAt(index: number): DefinedType {
    const type = this.module.types[index];
    if (type === undefined) this.fail(`unknown type ${index}`);
    return type;
  }

  /** The function type at an index. */
  funcTypeAt(index: number): FuncType {
    const type = this.typeAt(index);
    return type.kind === "func" ? type : this.fail(`type ${index} is not a function type`);
  }

  /** The continuation type at an index. */
  contTypeAt(index: number): ContType {
    const type = this.typeAt(index);
    return type.kind === "cont" ? type : this.fail(`type ${index} is not a continuation type`);
  }
}

/** Whether type `a` matches `b` (spec: match-valtype); both name types of `module`, or are bottom. */
export function isSubtypeIn(module: Module, a: ValType, b: ValType): boolean {
  if (a === b || a === BOTTOM) return true;
  if (!isRef(a) || !isRef(b) || (isNullable(a) && !isNullable(b))) return false;
  const { registry, typeIds } = module;
  const heapA = heapType(a);
  const heapB = heapType(b);
  if (heapA === HEAP_BOTTOM) return true;
  const idA = heapA >= 0 ? typeIds[heapA] : heapA;
  const idB = heapB >= 0 ? typeIds[heapB] : heapB;
  if (isExact(b)) return isExact(a) ? idA === idB : heapA < 0 && registry.isHeapSubtype(idA, idB);
  return heapA === heapB || registry.isHeapSubtype(idA, idB);
}
