/**
 * Evaluation of constant expressions, on bits: floats keep their NaN payloads, i64 is two words, references are references.
 *
 * A stack machine over one array of four-word slots. Objects are allocated without a collection (COLLECT-1), so references on the stack stay
 * what they are; an expression that finds the heap full says so, and has left nothing but garbage.
 */

import { bug } from "../base/mod.ts";
import type { ConstExpr, ConstInstr } from "../wasm/mod.ts";
import type { GcHeap } from "./gc/heap.ts";
import { Trap } from "./traps.ts";

/** What constant expressions refer to. */
export interface ConstContext {
  /** Where objects are made. */
  readonly gc: GcHeap;
  /** The canonical id of a type of the module. */
  typeId(typeIndex: number): number;
  /** Copies the bits of a global, which is initialised. */
  readGlobal(globalIndex: number, words: Int32Array): void;
  /** Address of the VMFuncRef of a function. */
  functionAddress(functionIndex: number): number;
}

/** Words of a stack slot. */
const SLOT = 4;

/** The machine: `words` from 0 up to `top` are the stack. One serves all, since expressions do not nest. */
class ConstMachine {
  words = new Int32Array(64);
  top = 0;

  /** A zeroed slot on top; its first word. */
  push(): number {
    const at = this.top;
    if (at + SLOT > this.words.length) {
      const grown = new Int32Array(this.words.length * 2);
      grown.set(this.words);
      this.words = grown;
    }
    this.words.fill(0, at, at + SLOT);
    this.top = at + SLOT;
    return at;
  }

  pushPair(lo: number, hi: number): void {
    const at = this.push();
    this.words[at] = lo;
    this.words[at + 1] = hi;
  }

  /** The slot that was on top. */
  pop(): Int32Array {
    if (this.top < SLOT) bug("a constant expression pops from an empty stack");
    this.top -= SLOT;
    return this.words.subarray(this.top, this.top + SLOT);
  }

  popI64(): bigint {
    const [lo, hi] = this.pop();
    return BigInt(hi) << 32n | BigInt(lo >>> 0);
  }
}

const machine = new ConstMachine();

/** Evaluates `expr` into the four words of `result`; false when the heap has no room for what it makes. */
export function evaluateConst(expr: ConstExpr, context: ConstContext, result: Int32Array): boolean {
  machine.top = 0;
  for (const instr of expr.instrs) if (!step(instr, context)) return false;
  result.set(machine.pop());
  return true;
}

/** Whether evaluating may make objects. */
export function allocates(expr: ConstExpr): boolean {
  return expr.instrs.some(({ name }) => name.startsWith("struct.") || name.startsWith("array."));
}

function step(instr: ConstInstr, context: ConstContext): boolean {
  switch (instr.name) {
    case "i32.const":
      machine.pushPair(instr.value, 0);
      return true;
    case "f32.const":
      machine.pushPair(instr.bits, 0);
      return true;
    case "i64.const":
    case "f64.const":
      machine.pushPair(instr.lo, instr.hi);
      return true;
    case "v128.const": {
      const at = machine.push();
      machine.words.set(instr.words, at);
      return true;
    }
    case "global.get": {
      const at = machine.push();
      context.readGlobal(instr.globalIndex, machine.words.subarray(at, at + SLOT));
      return true;
    }
    case "ref.null":
      machine.push();
      return true;
    case "ref.func": {
      const address = context.functionAddress(instr.funcIndex);
      machine.pushPair(address, Math.floor(address / 0x1_0000_0000));
      return true;
    }
    case "ref.i31": {
      const [value] = machine.pop();
      machine.pushPair(value << 1 | 1, 0);
      return true;
    }
    case "any.convert_extern":
    case "extern.convert_any":
      return true; // one encoding for both hierarchies (GC-2)
    case "i32.add":
    case "i32.sub":
    case "i32.mul": {
      const [right] = machine.pop();
      const [left] = machine.pop();
      machine.pushPair(I32_OPERATIONS[instr.name](left, right), 0);
      return true;
    }
    case "i64.add":
    case "i64.sub":
    case "i64.mul": {
      const right = machine.popI64();
      const left = machine.popI64();
      const value = I64_OPERATIONS[instr.name](left, right);
      machine.pushPair(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
      return true;
    }
    case "struct.new_default":
      return pushReference(context.gc.newStruct(context.typeId(instr.typeIndex)));
    case "struct.new_default_desc": {
      const descriptor = popDescriptor();
      const reference = context.gc.newStruct(context.typeId(instr.typeIndex));
      if (reference !== 0) context.gc.setDescriptor(reference, descriptor);
      return pushReference(reference);
    }
    case "struct.new":
    case "struct.new_desc": {
      const descriptor = instr.name === "struct.new_desc" ? popDescriptor() : 0;
      const reference = context.gc.newStruct(context.typeId(instr.typeIndex));
      if (reference === 0) return false;
      if (descriptor !== 0) context.gc.setDescriptor(reference, descriptor);
      for (let field = context.gc.structLayout(reference).offsets.length - 1; field >= 0; field--) {
        context.gc.writeField(reference, field, machine.pop());
      }
      return pushReference(reference);
    }
    case "array.new_default": {
      const [length] = machine.pop();
      return pushReference(context.gc.newArray(context.typeId(instr.typeIndex), length >>> 0));
    }
    case "array.new": {
      const [length] = machine.pop();
      const value = machine.pop();
      const reference = context.gc.newArray(context.typeId(instr.typeIndex), length >>> 0);
      if (reference === 0) return false;
      context.gc.fillElements(reference, 0, length >>> 0, value);
      return pushReference(reference);
    }
    case "array.new_fixed": {
      const reference = context.gc.newArray(context.typeId(instr.typeIndex), instr.count);
      if (reference === 0) return false;
      for (let i = instr.count - 1; i >= 0; i--) context.gc.writeElement(reference, i, machine.pop());
      return pushReference(reference);
    }
    default:
      return unknownInstruction(instr);
  }
}

/** The descriptor on top of the stack (custom descriptors). */
function popDescriptor(): number {
  const [descriptor] = machine.pop();
  if (descriptor === 0) throw new Trap("null_descriptor_reference");
  return descriptor;
}

function unknownInstruction(instr: ConstInstr): never {
  return bug(`constant expressions with ${instr.name} are not compiled`);
}

function pushReference(reference: number): boolean {
  if (reference === 0) return false;
  machine.pushPair(reference, 0);
  return true;
}

const I32_OPERATIONS = {
  "i32.add": (left: number, right: number) => left + right | 0,
  "i32.sub": (left: number, right: number) => left - right | 0,
  "i32.mul": Math.imul,
};

const I64_OPERATIONS = {
  "i64.add": (left: bigint, right: bigint) => left + right,
  "i64.sub": (left: bigint, right: bigint) => left - right,
  "i64.mul": (left: bigint, right: bigint) => left * right,
};
