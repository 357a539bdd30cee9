/**
 * Validation of constant expressions (spec: valid-constant); that only constant instructions occur, the decoder has seen.
 *
 * May import: base. @module
 */
import { NONE } from "../../base/mod.ts";
import type { ConstExpr, ConstInstr } from "../const_expr.ts";
import { CompileError } from "../errors.ts";
import { MAX_ARRAY_NEW_FIXED } from "../limits.ts";
import { isExactFunc, type Module } from "../module.ts";
import {
  asNullable,
  exactRefType,
  F32,
  F64,
  HEAP_ANY,
  HEAP_EXTERN,
  HEAP_I31,
  I32,
  I64,
  isDefaultable,
  isNullable,
  refNullType,
  refType,
  type StructType,
  unpacked,
  V128,
  type ValType,
  valTypeToString,
} from "../types.ts";
import { isSubtypeIn } from "./state.ts";

/** Checks that `expr` leaves one value that matches `expected`; it may read the first `globalLimit` globals. */
export function validateConstExpr(module: Module, expr: ConstExpr, expected: ValType, globalLimit: number): void {
  new Checker(module, expr, globalLimit).check(expected);
}

class Checker {
  readonly #module: Module;
  readonly #expr: ConstExpr;
  readonly #globalLimit: number;
  readonly #stack: ValType[] = [];

  constructor(module: Module, expr: ConstExpr, globalLimit: number) {
    this.#module = module;
    this.#expr = expr;
    this.#globalLimit = globalLimit;
  }

  #fail(reason: string): never {
    throw new CompileError(reason, this.#expr.offsetBytes);
  }

  check(expected: ValType): void {
    for (const instr of this.#expr.instrs) this.#instr(instr);
    const stack = this.#stack;
    if (stack.length !== 1) this.#fail(`constant expression leaves ${stack.length} values instead of 1`);
    this.#pop(expected);
  }

  #pop(expected: ValType): ValType {
    const actual = this.#stack.pop();
    if (actual === undefined) this.#fail(`expected ${valTypeToString(expected)}, found an empty stack`);
    if (!isSubtypeIn(this.#module, actual, expected)) {
      this.#fail(`expected ${valTypeToString(expected)}, found ${valTypeToString(actual)}`);
    }
    return actual;
  }

  #push(type: ValType): void {
    this.#stack.push(type);
  }

  #binary(type: ValType): void {
    this.#pop(type);
    this.#pop(type);
    this.#push(type);
  }

  #struct(index: number): StructType {
    const type = this.#module.types[index];
    if (type === undefined) this.#fail(`unknown type ${index}`);
    return type.kind === "struct" ? type : this.#fail(`type ${index} is not a struct type`);
  }

  #describedStruct(index: number): StructType {
    const type = this.#struct(index);
    return type.descriptor === NONE ? this.#fail(`type ${index} has no descriptor`) : type;
  }

  #undescribedStruct(index: number): StructType {
    const type = this.#struct(index);
    return type.descriptor === NONE ? type : this.#fail(`objects of type ${index} are made with their descriptor only`);
  }

  #checkDefaultable(fields: Int32Array, typeIndex: number): void {
    const field = fields.findIndex((type) => !isDefaultable(type));
    if (field >= 0) this.#fail(`field ${field} of type ${typeIndex} has no default value`);
  }

  #arrayElement(index: number): ValType {
    const type = this.#module.types[index];
    if (type === undefined) this.#fail(`unknown type ${index}`);
    return type.kind === "array" ? type.element : this.#fail(`type ${index} is not an array type`);
  }

  #instr(instr: ConstInstr): void {
    switch (instr.name) {
      case "i32.const":
        return this.#push(I32);
      case "i64.const":
        return this.#push(I64);
      case "f32.const":
        return this.#push(F32);
      case "f64.const":
        return this.#push(F64);
      case "v128.const":
        return this.#push(V128);
      case "i32.add":
      case "i32.sub":
      case "i32.mul":
        return this.#binary(I32);
      case "i64.add":
      case "i64.sub":
      case "i64.mul":
        return this.#binary(I64);
      case "global.get": {
        const { globalIndex } = instr;
        const global = this.#module.globals[globalIndex];
        if (global === undefined || globalIndex >= this.#globalLimit) this.#fail(`unknown global ${globalIndex}`);
        if (global.isMutable) this.#fail(`constant expression required, global ${globalIndex} is mutable`);
        return this.#push(global.type);
      }
      case "ref.null":
        return this.#push(refNullType(instr.heapType));
      case "ref.func": {
        const { funcs } = this.#module;
        const { funcIndex } = instr;
        if (funcIndex >= funcs.length) this.#fail(`unknown function ${funcIndex}`);
        return this.#push((isExactFunc(this.#module, funcIndex) ? exactRefType : refType)(funcs[funcIndex]));
      }
      case "ref.i31":
        this.#pop(I32);
        return this.#push(refType(HEAP_I31));
      case "any.convert_extern":
        return this.#convert(HEAP_EXTERN, HEAP_ANY);
      case "extern.convert_any":
        return this.#convert(HEAP_ANY, HEAP_EXTERN);
      case "struct.new": {
        const { fields } = this.#undescribedStruct(instr.typeIndex);
        for (let i = fields.length - 1; i >= 0; i--) this.#pop(unpacked(fields[i]));
        return this.#push(exactRefType(instr.typeIndex));
      }
      case "struct.new_default": {
        const { fields } = this.#undescribedStruct(instr.typeIndex);
        this.#checkDefaultable(fields, instr.typeIndex);
        return this.#push(exactRefType(instr.typeIndex));
      }
      case "struct.new_desc": {
        const { fields, descriptor } = this.#describedStruct(instr.typeIndex);
        this.#pop(asNullable(exactRefType(descriptor)));
        for (let i = fields.length - 1; i >= 0; i--) this.#pop(unpacked(fields[i]));
        return this.#push(exactRefType(instr.typeIndex));
      }
      case "struct.new_default_desc": {
        const { fields, descriptor } = this.#describedStruct(instr.typeIndex);
        this.#checkDefaultable(fields, instr.typeIndex);
        this.#pop(asNullable(exactRefType(descriptor)));
        return this.#push(exactRefType(instr.typeIndex));
      }
      case "array.new":
        this.#pop(I32);
        this.#pop(unpacked(this.#arrayElement(instr.typeIndex)));
        return this.#push(exactRefType(instr.typeIndex));
      case "array.new_default":
        if (!isDefaultable(this.#arrayElement(instr.typeIndex))) {
          this.#fail(`elements of type ${instr.typeIndex} have no default value`);
        }
        this.#pop(I32);
        return this.#push(exactRefType(instr.typeIndex));
      case "array.new_fixed": {
        const element = unpacked(this.#arrayElement(instr.typeIndex));
        if (instr.count > MAX_ARRAY_NEW_FIXED) {
          this.#fail(`array.new_fixed of ${instr.count} operands, the limit is ${MAX_ARRAY_NEW_FIXED}`);
        }
        for (let i = 0; i < instr.count; i++) this.#pop(element);
        return this.#push(exactRefType(instr.typeIndex));
      }
    }
  }

  #convert(from: number, to: number): void {
    const operand = this.#pop(refNullType(from));
    this.#push(isNullable(operand) ? refNullType(to) : refType(to));
  }
}
