/**
 * Typing rules, one per operation: the regular ones from the opcode table's signatures, the others written out.
 *
 * A rule reads its immediates, pops operands and pushes results on the scratch. Rows of the table with a signature share
 * two rules (with and without immediates); every row marked "*" needs an entry in a `Record`, so a forgotten one does not
 * compile. spec: valid-instr; each irregular rule is named like its section there.
 *
 * May import: base. @module
 */
import { hasFeature } from "../features.ts";
import { catchesTag, readCatchKind } from "../immediates.ts";
import { IMMEDIATE_KINDS, type ImmediateKind } from "../immediate_kinds.ts";
import { MAX_ARRAY_NEW_FIXED, MAX_BR_TABLE_LABELS, MAX_CATCHES } from "../limits.ts";
import { funcTypeAt, isExactFunc } from "../module.ts";
import {
  ADDRESS,
  IMMEDIATE_PROGRAM,
  type IrregularOpName,
  OP,
  type Op,
  OP_COUNT,
  OP_IMMEDIATES,
  OP_IRREGULAR,
  OP_OPERANDS,
  OP_RESULTS,
  OP_RESULTS_END,
  OPCODES,
  SIGNATURE_TYPES,
} from "../opcodes.ts";
import { readHeapType, readValType } from "../type_reader.ts";
import {
  type ArrayType,
  asNonNull,
  asNullable,
  BOTTOM,
  EQREF,
  exactRefType,
  EXNREF,
  FUNCREF,
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_CONT,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_I31,
  type HeapType,
  heapType,
  heapTypeToString,
  I32,
  I64,
  isDefaultable,
  isExact,
  isNullable,
  isNumericOrVector,
  isPacked,
  isRef,
  refNullType,
  refType,
  unpacked,
  type ValType,
  valTypesToString,
  valTypeToString,
} from "../types.ts";
import { bindContinuation, checkHandlers, contSignature, switchContinuation } from "./continuations.ts";
import {
  addressTypeOf,
  arrayAt,
  checkDefaultable,
  describedStructAt,
  memoryAt,
  readDataSegment,
  readElementSegment,
  readFunc,
  readGlobal,
  readMemory,
  readTable,
  structAt,
  tagParams,
  tagType,
  undescribedStructAt,
} from "./entities.ts";
import type { ValidationScratch } from "./state.ts";

/** Types one instruction, whose opcode has been read. */
export type Rule = (v: ValidationScratch, op: Op) => void;

function smallerAddressType(a: ValType, b: ValType): ValType {
  return a === I64 && b === I64 ? I64 : I32;
}

// ---- regular rows ----

type ImmediateCheck = (v: ValidationScratch, parameter: number) => void;

function checkMemarg(v: ValidationScratch): void {
  const { reader } = v;
  reader.readMemarg();
  const type = addressTypeOf(memoryAt(v, reader.memoryIndex));
  v.addressType = type;
  if (type === I32 && reader.hi !== 0) v.fail("offset out of range: more than 32 bits");
}

function irregularOnly(): never {
  throw new TypeError("an immediate of irregular rows only");
}

/** How immediates of rows with a signature are checked. */
const CHECKS: Readonly<Record<ImmediateKind, ImmediateCheck>> = {
  memarg(v, widthBytes) {
    checkMemarg(v);
    if (2 ** v.reader.alignLog2 > widthBytes) {
      v.fail(`alignment 2**${v.reader.alignLog2} must not be larger than natural, ${widthBytes}`);
    }
  },
  atomic(v, widthBytes) {
    checkMemarg(v);
    if (2 ** v.reader.alignLog2 !== widthBytes) {
      v.fail(`alignment 2**${v.reader.alignLog2} of an atomic access must be natural, ${widthBytes}`);
    }
  },
  memory: (v) => {
    v.addressType = readMemory(v);
  },
  data: readDataSegment,
  elem: readElementSegment,
  i32: (v) => void v.reader.readS32Leb(),
  i64: (v) => v.reader.readS64Leb(),
  f32: (v) => v.reader.skipBytes(4),
  f64: (v) => v.reader.skipBytes(8),
  v128: (v) => v.reader.skipBytes(16),
  lane(v, count) {
    const lane = v.reader.readU8();
    if (lane >= count) v.fail(`invalid lane index ${lane}, there are ${count} lanes`);
  },
  lanes(v) {
    for (let i = 0; i < 16; i++) {
      const lane = v.reader.readU8();
      if (lane >= 32) v.fail(`invalid lane index ${lane}, there are 32 lanes`);
    }
  },
  zero(v) {
    if (v.reader.readU8() !== 0) v.fail("zero byte expected");
  },
  block: irregularOnly,
  label: irregularOnly,
  labels: irregularOnly,
  catches: irregularOnly,
  func: irregularOnly,
  type: irregularOnly,
  table: irregularOnly,
  global: irregularOnly,
  local: irregularOnly,
  tag: irregularOnly,
  field: irregularOnly,
  count: irregularOnly,
  heap: irregularOnly,
  types: irregularOnly,
  handlers: irregularOnly,
  castflags: irregularOnly,
};

const CHECK_BY_KIND: readonly ImmediateCheck[] = IMMEDIATE_KINDS.map((kind) => CHECKS[kind]);

/** The rule of rows with a signature and no immediates: pop the operands, push the results. */
function plain(v: ValidationScratch, op: Op): void {
  const results = OP_RESULTS[op];
  for (let i = results - 1, first = OP_OPERANDS[op]; i >= first; i--) {
    const type = SIGNATURE_TYPES[i];
    v.pop(type === ADDRESS ? v.addressType : type);
  }
  for (let i = results, end = OP_RESULTS_END[op]; i < end; i++) {
    const type = SIGNATURE_TYPES[i];
    v.push(type === ADDRESS ? v.addressType : type);
  }
}

/** The rule of rows with a signature and immediates. */
function withImmediates(v: ValidationScratch, op: Op): void {
  for (let i = OP_IMMEDIATES[op], end = OP_IMMEDIATES[op + 1]; i < end; i += 2) {
    CHECK_BY_KIND[IMMEDIATE_PROGRAM[i]](v, IMMEDIATE_PROGRAM[i + 1]);
  }
  plain(v, op);
}

// ---- families of irregular rows ----

function openBlock(v: ValidationScratch, op: Op): void {
  const { blockType } = v;
  blockType.read(v.reader, v.module.types);
  const { params, results } = blockType;
  v.popAll(params);
  v.pushFrame(op, params, results);
  v.pushAll(params);
}

/** Closes the frame and opens another with the same label. */
function reopen(v: ValidationScratch, op: Op, operands: Int32Array): void {
  const frame = v.frameCount - 1;
  v.popFrame();
  v.pushFrame(op, v.frameParams(frame), v.frameResults(frame));
  v.pushAll(operands);
}

function callType(v: ValidationScratch, params: Int32Array, results: Int32Array): void {
  v.popAll(params);
  v.pushAll(results);
}

function returnCallType(v: ValidationScratch, params: Int32Array, results: Int32Array): void {
  if (!v.areSubtypes(results, v.functionResults)) {
    v.fail(
      `the callee returns ${valTypesToString(results)}, the function ${valTypesToString(v.functionResults)}`,
    );
  }
  v.popAll(params);
  v.setUnreachable();
}

/** Reads the immediates and pops the index of an indirect call; returns the callee's type index. */
function indirectCallee(v: ValidationScratch) {
  const type = v.funcTypeAt(v.reader.readU32Leb());
  const table = readTable(v);
  if (!v.isSubtype(table.element, FUNCREF)) {
    v.fail(`indirect call through a table of ${valTypeToString(table.element)}`);
  }
  v.pop(addressTypeOf(table));
  return type;
}

function refCallee(v: ValidationScratch) {
  const index = v.reader.readU32Leb();
  const type = v.funcTypeAt(index);
  v.pop(refNullType(index));
  return type;
}

type FieldAccess = "plain" | "extending";

/** Reads type and field, checks that packed fields, and no others, are extended. */
function fieldGet(access: FieldAccess): Rule {
  return (v) => {
    const typeIndex = v.reader.readU32Leb();
    const { fields } = structAt(v, typeIndex);
    const field = v.reader.readU32Leb();
    if (field >= fields.length) v.fail(`unknown field ${field} of type ${typeIndex}`);
    checkPacking(v, fields[field], access);
    v.pop(refNullType(typeIndex));
    v.push(unpacked(fields[field]));
  };
}

function arrayGet(access: FieldAccess): Rule {
  return (v) => {
    const typeIndex = v.reader.readU32Leb();
    const { element } = arrayAt(v, typeIndex);
    checkPacking(v, element, access);
    v.pop(I32);
    v.pop(refNullType(typeIndex));
    v.push(unpacked(element));
  };
}

function checkPacking(v: ValidationScratch, type: ValType, access: FieldAccess): void {
  if (isPacked(type) && access === "plain") v.fail(`reading ${valTypeToString(type)} needs _s or _u`);
  if (!isPacked(type) && access === "extending") v.fail(`reading ${valTypeToString(type)} must not have _s or _u`);
}

function readMutableArray(v: ValidationScratch, typeIndex: number): ArrayType {
  const type = arrayAt(v, typeIndex);
  if (!type.isMutable) v.fail(`immutable array type ${typeIndex}`);
  return type;
}

function checkBytesElement(v: ValidationScratch, { element }: ArrayType): void {
  if (isRef(element)) v.fail(`array elements ${valTypeToString(element)} are not numeric or vector`);
}

function checkElementSegment(v: ValidationScratch, segment: ValType, element: ValType): void {
  if (!v.isSubtype(segment, element)) {
    v.fail(`elements ${valTypeToString(segment)} do not match ${valTypeToString(element)}`);
  }
}

/** Continuations have no type at run time (spec of stack switching: casts). */
function checkCastTarget(v: ValidationScratch, heap: HeapType): ValType {
  const top = v.topRefType(heap);
  if (heapType(top) === HEAP_CONT) v.fail(`invalid cast to the continuation type ${heapTypeToString(heap)}`);
  return top;
}

function refTest(result: "i32" | "ref", nullability: "null" | "non-null"): Rule {
  return (v) => {
    const heap = readHeapType(v.reader);
    v.pop(checkCastTarget(v, heap));
    v.push(result === "i32" ? I32 : nullability === "null" ? refNullType(heap) : refType(heap));
  };
}

/** Pops the descriptor that a cast to `target` compares with: of the exact type when `target` is exact. */
function popDescriptor(v: ValidationScratch, target: ValType): void {
  const index = heapType(target);
  if (index < 0) v.fail(`${heapTypeToString(index)} has no descriptor`);
  const { descriptor } = describedStructAt(v, index);
  v.pop(isExact(target) ? asNullable(exactRefType(descriptor)) : refNullType(descriptor));
}

function castDescriptor(nullability: "null" | "non-null"): Rule {
  return (v) => {
    const heap = readHeapType(v.reader);
    const target = nullability === "null" ? refNullType(heap) : refType(heap);
    popDescriptor(v, target);
    v.pop(v.topRefType(heap));
    v.push(target);
  };
}

/**
 * Branches on cast: the label gets the cast type, or on failure the rest (spec: "type difference"). With custom descriptors
 * the two types need only be of one hierarchy.
 */
function branchOnCast(taken: "success" | "failure", by: "type" | "descriptor"): Rule {
  return (v) => {
    const { reader } = v;
    const flags = reader.readU8();
    if (flags > 3) v.fail(`malformed br_on_cast flags ${flags}`);
    const label = v.labelTypes(reader.readU32Leb());
    const from = readCastType(v, flags & 1);
    const to = readCastType(v, flags & 2);
    const top = checkCastTarget(v, heapType(to));
    const isRelaxed = hasFeature(v.module.features, "custom-descriptors");
    if (isRelaxed ? top !== v.topRefType(heapType(from)) : !v.isSubtype(to, from)) {
      v.fail(`cast from ${valTypeToString(from)} to the unrelated ${valTypeToString(to)}`);
    }
    const rest = isNullable(to) ? asNonNull(from) : from;
    const sent = taken === "success" ? to : rest;
    const kept = taken === "success" ? rest : to;
    if (label.length === 0) v.fail("the label of a branch on cast takes no operand");
    if (by === "descriptor") popDescriptor(v, to);
    v.pop(from);
    v.push(sent);
    v.popAll(label);
    for (let i = 0; i < label.length - 1; i++) v.push(label[i]);
    v.push(kept);
  };
}

function readCastType(v: ValidationScratch, nullable: number): ValType {
  const heap = readHeapType(v.reader);
  return nullable === 0 ? refType(heap) : refNullType(heap);
}

function convertRef(from: number, to: number): Rule {
  return (v) => {
    const operand = v.pop(refNullType(from));
    v.push(operand !== BOTTOM && isNullable(operand) ? refNullType(to) : refType(to));
  };
}

function i31Get(v: ValidationScratch): void {
  v.pop(refNullType(HEAP_I31));
  v.push(I32);
}

/** The rules of the rows whose signature is "*". */
const IRREGULAR: Readonly<Record<IrregularOpName, Rule>> = {
  // ---- control ----
  unreachable: (v) => v.setUnreachable(),
  block: openBlock,
  loop: openBlock,
  if(v, op) {
    v.blockType.read(v.reader, v.module.types);
    const { params, results } = v.blockType;
    v.pop(I32);
    v.popAll(params);
    v.pushFrame(op, params, results);
    v.pushAll(params);
  },
  else(v, op) {
    if (v.frameOp !== OP.if) v.fail("else without if");
    reopen(v, op, v.frameParams(v.frameCount - 1));
  },
  end(v) {
    const op = v.frameOp;
    v.popFrame();
    const params = v.frameParams(v.frameCount);
    const results = v.frameResults(v.frameCount);
    // An if without else has an empty one.
    if (op === OP.if && !v.areSubtypes(params, results)) {
      v.fail(`if without else must leave ${valTypesToString(results)}, it is given ${valTypesToString(params)}`);
    }
    if (v.frameCount > 0) v.pushAll(results);
  },
  br(v) {
    v.popAll(v.labelTypes(v.reader.readU32Leb()));
    v.setUnreachable();
  },
  br_if(v) {
    const types = v.labelTypes(v.reader.readU32Leb());
    v.pop(I32);
    v.popAll(types);
    v.pushAll(types);
  },
  br_table(v) {
    const { reader } = v;
    const count = reader.readU32Leb();
    if (count > MAX_BR_TABLE_LABELS) v.fail(`br_table of ${count} labels, the limit is ${MAX_BR_TABLE_LABELS}`);
    v.pop(I32);
    let arity = -1;
    v.forgetLabels();
    for (let i = 0; i <= count; i++) {
      const depth = reader.readU32Leb();
      if (!v.isNewLabel(depth)) continue; // Big tables have few targets: checking each once keeps this linear.
      const types = v.labelTypes(depth);
      if (arity !== -1 && types.length !== arity) {
        v.fail(`labels of br_table take ${arity} and ${types.length} operands`);
      }
      arity = types.length;
      v.peekAll(types);
    }
    v.setUnreachable();
  },
  return(v) {
    v.popAll(v.functionResults);
    v.setUnreachable();
  },
  call(v) {
    const { params, results } = funcTypeAt(v.module, v.module.funcs[readFunc(v)]);
    callType(v, params, results);
  },
  call_indirect(v) {
    const { params, results } = indirectCallee(v);
    callType(v, params, results);
  },
  call_ref(v) {
    const { params, results } = refCallee(v);
    callType(v, params, results);
  },
  return_call(v) {
    const { params, results } = funcTypeAt(v.module, v.module.funcs[readFunc(v)]);
    returnCallType(v, params, results);
  },
  return_call_indirect(v) {
    const { params, results } = indirectCallee(v);
    returnCallType(v, params, results);
  },
  return_call_ref(v) {
    const { params, results } = refCallee(v);
    v.reader.need("tail-call", v.opOffset);
    returnCallType(v, params, results);
  },

  // ---- exceptions ----
  throw(v) {
    v.popAll(tagParams(v, v.reader.readU32Leb()));
    v.setUnreachable();
  },
  throw_ref(v) {
    v.pop(EXNREF);
    v.setUnreachable();
  },
  try_table(v, op) {
    const { reader, blockType } = v;
    blockType.read(reader, v.module.types);
    const { params, results } = blockType;
    v.popAll(params);
    const count = reader.readU32Leb();
    if (count > MAX_CATCHES) v.fail(`${count} catch clauses, the limit is ${MAX_CATCHES}`);
    for (let i = 0; i < count; i++) {
      // The clause's label gets the payload, and the exception itself in the ref forms.
      const kind = readCatchKind(reader);
      v.pushFrame(op, params, results);
      if (catchesTag(kind)) v.pushAll(tagParams(v, reader.readU32Leb()));
      if ((kind & 1) !== 0) v.push(refType(HEAP_EXN));
      // The frame just opened is not one of the labels that a clause sees.
      const types = v.labelTypes(reader.readU32Leb() + 1);
      v.popAll(types);
      v.dropFrame();
    }
    v.pushFrame(op, params, results);
    v.pushAll(params);
  },
  try: openBlock,
  catch(v, op) {
    const params = tagParams(v, v.reader.readU32Leb());
    if (v.frameOp !== OP.try && v.frameOp !== OP.catch) v.fail("catch without try");
    reopen(v, op, params);
  },
  catch_all(v, op) {
    if (v.frameOp !== OP.try && v.frameOp !== OP.catch) v.fail("catch_all without try");
    reopen(v, op, NO_OPERANDS);
  },
  delegate(v) {
    const depth = v.reader.readU32Leb();
    if (v.frameOp !== OP.try) v.fail("delegate without try");
    v.frameOfLabel(depth + 1); // Labels are counted from outside the try.
    v.popFrame();
    v.pushAll(v.frameResults(v.frameCount));
  },
  rethrow(v) {
    const op = v.labelOp(v.reader.readU32Leb());
    if (op !== OP.catch && op !== OP.catch_all) v.fail("rethrow to a label that is not of a catch");
    v.setUnreachable();
  },

  // ---- parametric and variables ----
  drop: (v) => void v.popAny(),
  select(v) {
    v.pop(I32);
    const second = v.popAny();
    const first = v.popAny();
    if ((second !== BOTTOM && !isNumericOrVector(second)) || (first !== BOTTOM && !isNumericOrVector(first))) {
      v.fail(`select of ${valTypesToString([first, second])} needs a type`);
    }
    if (first !== second && first !== BOTTOM && second !== BOTTOM) {
      v.fail(`select of different types ${valTypesToString([first, second])}`);
    }
    v.push(first === BOTTOM ? second : first);
  },
  "select t"(v) {
    const { reader } = v;
    const count = reader.readU32Leb();
    if (count !== 1) v.fail(`invalid result arity of select: ${count}`);
    const type = readValType(reader);
    v.pop(I32);
    v.pop(type);
    v.pop(type);
    v.push(type);
  },
  "local.get"(v) {
    const index = v.reader.readU32Leb();
    const type = v.localType(index);
    v.checkLocalHasValue(index);
    v.push(type);
  },
  "local.set"(v) {
    const index = v.reader.readU32Leb();
    v.pop(v.localType(index));
    v.setLocalHasValue(index);
  },
  "local.tee"(v) {
    const index = v.reader.readU32Leb();
    const type = v.localType(index);
    v.pop(type);
    v.push(type);
    v.setLocalHasValue(index);
  },
  "global.get": (v) => v.push(readGlobal(v).type),
  "global.set"(v) {
    const { type, isMutable } = readGlobal(v);
    if (!isMutable) v.fail("global is immutable");
    v.pop(type);
  },

  // ---- tables and memories ----
  "table.get"(v) {
    const table = readTable(v);
    v.pop(addressTypeOf(table));
    v.push(table.element);
  },
  "table.set"(v) {
    const table = readTable(v);
    v.pop(table.element);
    v.pop(addressTypeOf(table));
  },
  "table.size": (v) => v.push(addressTypeOf(readTable(v))),
  "table.grow"(v) {
    const table = readTable(v);
    v.pop(addressTypeOf(table));
    v.pop(table.element);
    v.push(addressTypeOf(table));
  },
  "table.fill"(v) {
    const table = readTable(v);
    v.pop(addressTypeOf(table));
    v.pop(table.element);
    v.pop(addressTypeOf(table));
  },
  "table.copy"(v) {
    const to = readTable(v);
    const from = readTable(v);
    checkElementSegment(v, from.element, to.element);
    v.pop(smallerAddressType(addressTypeOf(to), addressTypeOf(from)));
    v.pop(addressTypeOf(from));
    v.pop(addressTypeOf(to));
  },
  "table.init"(v) {
    const segment = readElementSegment(v);
    const table = readTable(v);
    checkElementSegment(v, segment, table.element);
    v.pop(I32);
    v.pop(I32);
    v.pop(addressTypeOf(table));
  },
  "memory.copy"(v) {
    const to = readMemory(v);
    const from = readMemory(v);
    v.pop(smallerAddressType(to, from));
    v.pop(from);
    v.pop(to);
  },

  // ---- references ----
  "ref.null": (v) => v.push(refNullType(readHeapType(v.reader))),
  "ref.is_null"(v) {
    v.popRef();
    v.push(I32);
  },
  "ref.func"(v) {
    const index = readFunc(v);
    const { declaredFuncs, funcs } = v.module;
    if (declaredFuncs.wordCount === 0 || !declaredFuncs.has(index)) v.fail(`undeclared function reference ${index}`);
    v.push((isExactFunc(v.module, index) ? exactRefType : refType)(funcs[index]));
  },
  "ref.eq"(v) {
    v.pop(EQREF);
    v.pop(EQREF);
    v.push(I32);
  },
  "ref.as_non_null": (v) => v.push(asNonNull(v.popRef())),
  br_on_null(v) {
    const types = v.labelTypes(v.reader.readU32Leb());
    const operand = v.popRef();
    v.popAll(types);
    v.pushAll(types);
    v.push(asNonNull(operand));
  },
  br_on_non_null(v) {
    const types = v.labelTypes(v.reader.readU32Leb());
    const last = types.length - 1;
    if (last < 0 || !isRef(types[last])) v.fail("the label of br_on_non_null takes no reference");
    v.pop(asNullable(types[last]));
    for (let i = last - 1; i >= 0; i--) v.pop(types[i]);
    for (let i = 0; i < last; i++) v.push(types[i]);
  },

  // ---- garbage collection ----
  "struct.new"(v) {
    const index = v.reader.readU32Leb();
    const { fields } = undescribedStructAt(v, index);
    for (let i = fields.length - 1; i >= 0; i--) v.pop(unpacked(fields[i]));
    v.push(exactRefType(index));
  },
  "struct.new_default"(v) {
    const index = v.reader.readU32Leb();
    checkDefaultable(v, index, undescribedStructAt(v, index).fields);
    v.push(exactRefType(index));
  },
  "struct.get": fieldGet("plain"),
  "struct.get_s": fieldGet("extending"),
  "struct.get_u": fieldGet("extending"),
  "struct.set"(v) {
    const typeIndex = v.reader.readU32Leb();
    const { fields, fieldMutable } = structAt(v, typeIndex);
    const field = v.reader.readU32Leb();
    if (field >= fields.length) v.fail(`unknown field ${field} of type ${typeIndex}`);
    if (fieldMutable[field] === 0) v.fail(`immutable field ${field} of type ${typeIndex}`);
    v.pop(unpacked(fields[field]));
    v.pop(refNullType(typeIndex));
  },
  "array.new"(v) {
    const index = v.reader.readU32Leb();
    const { element } = arrayAt(v, index);
    v.pop(I32);
    v.pop(unpacked(element));
    v.push(exactRefType(index));
  },
  "array.new_default"(v) {
    const index = v.reader.readU32Leb();
    const { element } = arrayAt(v, index);
    if (!isDefaultable(element)) v.fail(`elements of type ${index} have no default value`);
    v.pop(I32);
    v.push(exactRefType(index));
  },
  "array.new_fixed"(v) {
    const index = v.reader.readU32Leb();
    const { element } = arrayAt(v, index);
    const count = v.reader.readU32Leb();
    if (count > MAX_ARRAY_NEW_FIXED) {
      v.fail(`array.new_fixed of ${count} operands, the limit is ${MAX_ARRAY_NEW_FIXED}`);
    }
    for (let i = 0; i < count; i++) v.pop(unpacked(element));
    v.push(exactRefType(index));
  },
  "array.new_data"(v) {
    const index = v.reader.readU32Leb();
    checkBytesElement(v, arrayAt(v, index));
    readDataSegment(v);
    v.pop(I32);
    v.pop(I32);
    v.push(exactRefType(index));
  },
  "array.new_elem"(v) {
    const index = v.reader.readU32Leb();
    const { element } = arrayAt(v, index);
    checkElementSegment(v, readElementSegment(v), element);
    v.pop(I32);
    v.pop(I32);
    v.push(exactRefType(index));
  },
  "array.get": arrayGet("plain"),
  "array.get_s": arrayGet("extending"),
  "array.get_u": arrayGet("extending"),
  "array.set"(v) {
    const index = v.reader.readU32Leb();
    const { element } = readMutableArray(v, index);
    v.pop(unpacked(element));
    v.pop(I32);
    v.pop(refNullType(index));
  },
  "array.len"(v) {
    v.pop(refNullType(HEAP_ARRAY));
    v.push(I32);
  },
  "array.fill"(v) {
    const index = v.reader.readU32Leb();
    const { element } = readMutableArray(v, index);
    v.pop(I32);
    v.pop(unpacked(element));
    v.pop(I32);
    v.pop(refNullType(index));
  },
  "array.copy"(v) {
    const toIndex = v.reader.readU32Leb();
    const to = readMutableArray(v, toIndex);
    const fromIndex = v.reader.readU32Leb();
    const from = arrayAt(v, fromIndex);
    checkElementSegment(v, from.element, to.element);
    v.pop(I32);
    v.pop(I32);
    v.pop(refNullType(fromIndex));
    v.pop(I32);
    v.pop(refNullType(toIndex));
  },
  "array.init_data"(v) {
    const index = v.reader.readU32Leb();
    checkBytesElement(v, readMutableArray(v, index));
    readDataSegment(v);
    v.pop(I32);
    v.pop(I32);
    v.pop(I32);
    v.pop(refNullType(index));
  },
  "array.init_elem"(v) {
    const index = v.reader.readU32Leb();
    const { element } = readMutableArray(v, index);
    checkElementSegment(v, readElementSegment(v), element);
    v.pop(I32);
    v.pop(I32);
    v.pop(I32);
    v.pop(refNullType(index));
  },
  "ref.test": refTest("i32", "non-null"),
  "ref.test null": refTest("i32", "null"),
  "ref.cast": refTest("ref", "non-null"),
  "ref.cast null": refTest("ref", "null"),
  br_on_cast: branchOnCast("success", "type"),
  br_on_cast_fail: branchOnCast("failure", "type"),
  "any.convert_extern": convertRef(HEAP_EXTERN, HEAP_ANY),
  "extern.convert_any": convertRef(HEAP_ANY, HEAP_EXTERN),
  "ref.i31"(v) {
    v.pop(I32);
    v.push(refType(HEAP_I31));
  },
  "i31.get_s": i31Get,
  "i31.get_u": i31Get,

  // ---- custom descriptors ----
  "struct.new_desc"(v) {
    const index = v.reader.readU32Leb();
    const { fields, descriptor } = describedStructAt(v, index);
    v.pop(asNullable(exactRefType(descriptor)));
    for (let i = fields.length - 1; i >= 0; i--) v.pop(unpacked(fields[i]));
    v.push(exactRefType(index));
  },
  "struct.new_default_desc"(v) {
    const index = v.reader.readU32Leb();
    const { fields, descriptor } = describedStructAt(v, index);
    checkDefaultable(v, index, fields);
    v.pop(asNullable(exactRefType(descriptor)));
    v.push(exactRefType(index));
  },
  "ref.get_desc"(v) {
    const index = v.reader.readU32Leb();
    const { descriptor } = describedStructAt(v, index);
    const operand = v.pop(refNullType(index));
    const isOfExact = v.isSubtype(operand, asNullable(exactRefType(index)));
    v.push(isOfExact ? exactRefType(descriptor) : refType(descriptor));
  },
  "ref.cast_desc_eq": castDescriptor("non-null"),
  "ref.cast_desc_eq null": castDescriptor("null"),
  br_on_cast_desc_eq: branchOnCast("success", "descriptor"),
  br_on_cast_desc_eq_fail: branchOnCast("failure", "descriptor"),

  // ---- stack switching ----
  "cont.new"(v) {
    const index = v.reader.readU32Leb();
    v.pop(refNullType(v.contTypeAt(index).func));
    v.push(refType(index));
  },
  "cont.bind": bindContinuation,
  suspend(v) {
    const { params, results } = tagType(v, v.reader.readU32Leb());
    callType(v, params, results);
  },
  resume(v) {
    const index = v.reader.readU32Leb();
    const { params, results } = contSignature(v, index);
    checkHandlers(v, results);
    v.pop(refNullType(index));
    callType(v, params, results);
  },
  resume_throw(v) {
    const index = v.reader.readU32Leb();
    const { results } = contSignature(v, index);
    const params = tagParams(v, v.reader.readU32Leb());
    checkHandlers(v, results);
    v.pop(refNullType(index));
    callType(v, params, results);
  },
  resume_throw_ref(v) {
    const index = v.reader.readU32Leb();
    const { results } = contSignature(v, index);
    checkHandlers(v, results);
    v.pop(refNullType(index));
    v.pop(EXNREF);
    v.pushAll(results);
  },
  switch: switchContinuation,
};

const NO_OPERANDS = new Int32Array(0);

/** The rule of each operation. */
export const RULES: readonly Rule[] = Array.from({ length: OP_COUNT }, (_, op) => {
  if (OP_IRREGULAR[op] !== 0) return IRREGULAR[OPCODES[op][0] as IrregularOpName];
  return OP_IMMEDIATES[op] === OP_IMMEDIATES[op + 1] ? plain : withImmediates;
});
