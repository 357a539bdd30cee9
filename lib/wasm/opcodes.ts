/**
 * The opcode table: every instruction of WebAssembly, once. Everything that is done per instruction derives from it.
 *
 * A row is name, code, immediates, signature, feature, flags.
 * - name: the specification's spelling; `select t` and the names with ` null` are the second encodings of theirs.
 * - code: one byte, or prefix and sub-opcode (0xfc08, and 0xfd100 for sub-opcodes from 0x100).
 * - immediates: kinds (see immediates.ts) in binary order; a number after a kind is its parameter.
 * - signature: operands ":" results, one letter each: i i32, l i64, f f32, d f64, v v128, p the address type of the memory
 *   that the immediates name. "*" marks the rows that a rule of the validator types (see validate/rules.ts).
 * - flags: `const` may occur in constant expressions, `extended-const` with that feature; `traps` may trap; `throws`,
 *   `calls`, `branches` (to a label), `jumps` (the next instruction is unreachable), `opens` a block, `closes` one.
 *
 * The row number is the dense id of the operation (`Op`), the index of all tables derived here and of {@linkcode perOp}'s.
 *
 * May import: base. @module
 */
import { bug } from "../base/mod.ts";
import { type FeatureName, FEATURES } from "./features.ts";
import { IMMEDIATE_KINDS, type ImmediateKind } from "./immediate_kinds.ts";
import { F32, F64, I32, I64, V128 } from "./types.ts";

type Row = readonly [
  name: string,
  code: number,
  immediates: string,
  signature: string,
  feature: FeatureName,
  flags: string,
];

/** The table. */
// deno-fmt-ignore
export const OPCODES = [
  // Control
  ["unreachable", 0x00, "", "*", "mvp", "traps jumps"],
  ["nop", 0x01, "", ":", "mvp", ""],
  ["block", 0x02, "block", "*", "mvp", "opens"],
  ["loop", 0x03, "block", "*", "mvp", "opens"],
  ["if", 0x04, "block", "*", "mvp", "opens"],
  ["else", 0x05, "", "*", "mvp", "closes opens"],
  ["try", 0x06, "block", "*", "legacy-exceptions", "opens"],
  ["catch", 0x07, "tag", "*", "legacy-exceptions", "closes opens"],
  ["throw", 0x08, "tag", "*", "exceptions", "throws jumps"],
  ["rethrow", 0x09, "label", "*", "legacy-exceptions", "throws jumps"],
  ["throw_ref", 0x0a, "", "*", "exceptions", "throws traps jumps"],
  ["end", 0x0b, "", "*", "mvp", "closes"],
  ["br", 0x0c, "label", "*", "mvp", "branches jumps"],
  ["br_if", 0x0d, "label", "*", "mvp", "branches"],
  ["br_table", 0x0e, "labels", "*", "mvp", "branches jumps"],
  ["return", 0x0f, "", "*", "mvp", "jumps"],
  ["call", 0x10, "func", "*", "mvp", "calls"],
  ["call_indirect", 0x11, "type table", "*", "mvp", "calls traps"],
  ["return_call", 0x12, "func", "*", "tail-call", "calls jumps"],
  ["return_call_indirect", 0x13, "type table", "*", "tail-call", "calls traps jumps"],
  ["call_ref", 0x14, "type", "*", "function-references", "calls traps"],
  ["return_call_ref", 0x15, "type", "*", "function-references", "calls traps jumps"],
  ["delegate", 0x18, "label", "*", "legacy-exceptions", "closes"],
  ["catch_all", 0x19, "", "*", "legacy-exceptions", "closes opens"],
  ["try_table", 0x1f, "block catches", "*", "exceptions", "opens"],
  // Parametric
  ["drop", 0x1a, "", "*", "mvp", ""],
  ["select", 0x1b, "", "*", "mvp", ""],
  ["select t", 0x1c, "types", "*", "reference-types", ""],
  // Variables
  ["local.get", 0x20, "local", "*", "mvp", ""],
  ["local.set", 0x21, "local", "*", "mvp", ""],
  ["local.tee", 0x22, "local", "*", "mvp", ""],
  ["global.get", 0x23, "global", "*", "mvp", "const"],
  ["global.set", 0x24, "global", "*", "mvp", ""],
  // Tables
  ["table.get", 0x25, "table", "*", "reference-types", "traps"],
  ["table.set", 0x26, "table", "*", "reference-types", "traps"],
  // Memory
  ["i32.load", 0x28, "memarg 4", "p:i", "mvp", "traps"],
  ["i64.load", 0x29, "memarg 8", "p:l", "mvp", "traps"],
  ["f32.load", 0x2a, "memarg 4", "p:f", "mvp", "traps"],
  ["f64.load", 0x2b, "memarg 8", "p:d", "mvp", "traps"],
  ["i32.load8_s", 0x2c, "memarg 1", "p:i", "mvp", "traps"],
  ["i32.load8_u", 0x2d, "memarg 1", "p:i", "mvp", "traps"],
  ["i32.load16_s", 0x2e, "memarg 2", "p:i", "mvp", "traps"],
  ["i32.load16_u", 0x2f, "memarg 2", "p:i", "mvp", "traps"],
  ["i64.load8_s", 0x30, "memarg 1", "p:l", "mvp", "traps"],
  ["i64.load8_u", 0x31, "memarg 1", "p:l", "mvp", "traps"],
  ["i64.load16_s", 0x32, "memarg 2", "p:l", "mvp", "traps"],
  ["i64.load16_u", 0x33, "memarg 2", "p:l", "mvp", "traps"],
  ["i64.load32_s", 0x34, "memarg 4", "p:l", "mvp", "traps"],
  ["i64.load32_u", 0x35, "memarg 4", "p:l", "mvp", "traps"],
  ["i32.store", 0x36, "memarg 4", "pi:", "mvp", "traps"],
  ["i64.store", 0x37, "memarg 8", "pl:", "mvp", "traps"],
  ["f32.store", 0x38, "memarg 4", "pf:", "mvp", "traps"],
  ["f64.store", 0x39, "memarg 8", "pd:", "mvp", "traps"],
  ["i32.store8", 0x3a, "memarg 1", "pi:", "mvp", "traps"],
  ["i32.store16", 0x3b, "memarg 2", "pi:", "mvp", "traps"],
  ["i64.store8", 0x3c, "memarg 1", "pl:", "mvp", "traps"],
  ["i64.store16", 0x3d, "memarg 2", "pl:", "mvp", "traps"],
  ["i64.store32", 0x3e, "memarg 4", "pl:", "mvp", "traps"],
  ["memory.size", 0x3f, "memory", ":p", "mvp", ""],
  ["memory.grow", 0x40, "memory", "p:p", "mvp", ""],
  // Constants
  ["i32.const", 0x41, "i32", ":i", "mvp", "const"],
  ["i64.const", 0x42, "i64", ":l", "mvp", "const"],
  ["f32.const", 0x43, "f32", ":f", "mvp", "const"],
  ["f64.const", 0x44, "f64", ":d", "mvp", "const"],
  // Comparisons
  ["i32.eqz", 0x45, "", "i:i", "mvp", ""],
  ["i32.eq", 0x46, "", "ii:i", "mvp", ""],
  ["i32.ne", 0x47, "", "ii:i", "mvp", ""],
  ["i32.lt_s", 0x48, "", "ii:i", "mvp", ""],
  ["i32.lt_u", 0x49, "", "ii:i", "mvp", ""],
  ["i32.gt_s", 0x4a, "", "ii:i", "mvp", ""],
  ["i32.gt_u", 0x4b, "", "ii:i", "mvp", ""],
  ["i32.le_s", 0x4c, "", "ii:i", "mvp", ""],
  ["i32.le_u", 0x4d, "", "ii:i", "mvp", ""],
  ["i32.ge_s", 0x4e, "", "ii:i", "mvp", ""],
  ["i32.ge_u", 0x4f, "", "ii:i", "mvp", ""],
  ["i64.eqz", 0x50, "", "l:i", "mvp", ""],
  ["i64.eq", 0x51, "", "ll:i", "mvp", ""],
  ["i64.ne", 0x52, "", "ll:i", "mvp", ""],
  ["i64.lt_s", 0x53, "", "ll:i", "mvp", ""],
  ["i64.lt_u", 0x54, "", "ll:i", "mvp", ""],
  ["i64.gt_s", 0x55, "", "ll:i", "mvp", ""],
  ["i64.gt_u", 0x56, "", "ll:i", "mvp", ""],
  ["i64.le_s", 0x57, "", "ll:i", "mvp", ""],
  ["i64.le_u", 0x58, "", "ll:i", "mvp", ""],
  ["i64.ge_s", 0x59, "", "ll:i", "mvp", ""],
  ["i64.ge_u", 0x5a, "", "ll:i", "mvp", ""],
  ["f32.eq", 0x5b, "", "ff:i", "mvp", ""],
  ["f32.ne", 0x5c, "", "ff:i", "mvp", ""],
  ["f32.lt", 0x5d, "", "ff:i", "mvp", ""],
  ["f32.gt", 0x5e, "", "ff:i", "mvp", ""],
  ["f32.le", 0x5f, "", "ff:i", "mvp", ""],
  ["f32.ge", 0x60, "", "ff:i", "mvp", ""],
  ["f64.eq", 0x61, "", "dd:i", "mvp", ""],
  ["f64.ne", 0x62, "", "dd:i", "mvp", ""],
  ["f64.lt", 0x63, "", "dd:i", "mvp", ""],
  ["f64.gt", 0x64, "", "dd:i", "mvp", ""],
  ["f64.le", 0x65, "", "dd:i", "mvp", ""],
  ["f64.ge", 0x66, "", "dd:i", "mvp", ""],
  // Integer arithmetic
  ["i32.clz", 0x67, "", "i:i", "mvp", ""],
  ["i32.ctz", 0x68, "", "i:i", "mvp", ""],
  ["i32.popcnt", 0x69, "", "i:i", "mvp", ""],
  ["i32.add", 0x6a, "", "ii:i", "mvp", "extended-const"],
  ["i32.sub", 0x6b, "", "ii:i", "mvp", "extended-const"],
  ["i32.mul", 0x6c, "", "ii:i", "mvp", "extended-const"],
  ["i32.div_s", 0x6d, "", "ii:i", "mvp", "traps"],
  ["i32.div_u", 0x6e, "", "ii:i", "mvp", "traps"],
  ["i32.rem_s", 0x6f, "", "ii:i", "mvp", "traps"],
  ["i32.rem_u", 0x70, "", "ii:i", "mvp", "traps"],
  ["i32.and", 0x71, "", "ii:i", "mvp", ""],
  ["i32.or", 0x72, "", "ii:i", "mvp", ""],
  ["i32.xor", 0x73, "", "ii:i", "mvp", ""],
  ["i32.shl", 0x74, "", "ii:i", "mvp", ""],
  ["i32.shr_s", 0x75, "", "ii:i", "mvp", ""],
  ["i32.shr_u", 0x76, "", "ii:i", "mvp", ""],
  ["i32.rotl", 0x77, "", "ii:i", "mvp", ""],
  ["i32.rotr", 0x78, "", "ii:i", "mvp", ""],
  ["i64.clz", 0x79, "", "l:l", "mvp", ""],
  ["i64.ctz", 0x7a, "", "l:l", "mvp", ""],
  ["i64.popcnt", 0x7b, "", "l:l", "mvp", ""],
  ["i64.add", 0x7c, "", "ll:l", "mvp", "extended-const"],
  ["i64.sub", 0x7d, "", "ll:l", "mvp", "extended-const"],
  ["i64.mul", 0x7e, "", "ll:l", "mvp", "extended-const"],
  ["i64.div_s", 0x7f, "", "ll:l", "mvp", "traps"],
  ["i64.div_u", 0x80, "", "ll:l", "mvp", "traps"],
  ["i64.rem_s", 0x81, "", "ll:l", "mvp", "traps"],
  ["i64.rem_u", 0x82, "", "ll:l", "mvp", "traps"],
  ["i64.and", 0x83, "", "ll:l", "mvp", ""],
  ["i64.or", 0x84, "", "ll:l", "mvp", ""],
  ["i64.xor", 0x85, "", "ll:l", "mvp", ""],
  ["i64.shl", 0x86, "", "ll:l", "mvp", ""],
  ["i64.shr_s", 0x87, "", "ll:l", "mvp", ""],
  ["i64.shr_u", 0x88, "", "ll:l", "mvp", ""],
  ["i64.rotl", 0x89, "", "ll:l", "mvp", ""],
  ["i64.rotr", 0x8a, "", "ll:l", "mvp", ""],
  // Float arithmetic
  ["f32.abs", 0x8b, "", "f:f", "mvp", ""],
  ["f32.neg", 0x8c, "", "f:f", "mvp", ""],
  ["f32.ceil", 0x8d, "", "f:f", "mvp", ""],
  ["f32.floor", 0x8e, "", "f:f", "mvp", ""],
  ["f32.trunc", 0x8f, "", "f:f", "mvp", ""],
  ["f32.nearest", 0x90, "", "f:f", "mvp", ""],
  ["f32.sqrt", 0x91, "", "f:f", "mvp", ""],
  ["f32.add", 0x92, "", "ff:f", "mvp", ""],
  ["f32.sub", 0x93, "", "ff:f", "mvp", ""],
  ["f32.mul", 0x94, "", "ff:f", "mvp", ""],
  ["f32.div", 0x95, "", "ff:f", "mvp", ""],
  ["f32.min", 0x96, "", "ff:f", "mvp", ""],
  ["f32.max", 0x97, "", "ff:f", "mvp", ""],
  ["f32.copysign", 0x98, "", "ff:f", "mvp", ""],
  ["f64.abs", 0x99, "", "d:d", "mvp", ""],
  ["f64.neg", 0x9a, "", "d:d", "mvp", ""],
  ["f64.ceil", 0x9b, "", "d:d", "mvp", ""],
  ["f64.floor", 0x9c, "", "d:d", "mvp", ""],
  ["f64.trunc", 0x9d, "", "d:d", "mvp", ""],
  ["f64.nearest", 0x9e, "", "d:d", "mvp", ""],
  ["f64.sqrt", 0x9f, "", "d:d", "mvp", ""],
  ["f64.add", 0xa0, "", "dd:d", "mvp", ""],
  ["f64.sub", 0xa1, "", "dd:d", "mvp", ""],
  ["f64.mul", 0xa2, "", "dd:d", "mvp", ""],
  ["f64.div", 0xa3, "", "dd:d", "mvp", ""],
  ["f64.min", 0xa4, "", "dd:d", "mvp", ""],
  ["f64.max", 0xa5, "", "dd:d", "mvp", ""],
  ["f64.copysign", 0xa6, "", "dd:d", "mvp", ""],
  // Conversions
  ["i32.wrap_i64", 0xa7, "", "l:i", "mvp", ""],
  ["i32.trunc_f32_s", 0xa8, "", "f:i", "mvp", "traps"],
  ["i32.trunc_f32_u", 0xa9, "", "f:i", "mvp", "traps"],
  ["i32.trunc_f64_s", 0xaa, "", "d:i", "mvp", "traps"],
  ["i32.trunc_f64_u", 0xab, "", "d:i", "mvp", "traps"],
  ["i64.extend_i32_s", 0xac, "", "i:l", "mvp", ""],
  ["i64.extend_i32_u", 0xad, "", "i:l", "mvp", ""],
  ["i64.trunc_f32_s", 0xae, "", "f:l", "mvp", "traps"],
  ["i64.trunc_f32_u", 0xaf, "", "f:l", "mvp", "traps"],
  ["i64.trunc_f64_s", 0xb0, "", "d:l", "mvp", "traps"],
  ["i64.trunc_f64_u", 0xb1, "", "d:l", "mvp", "traps"],
  ["f32.convert_i32_s", 0xb2, "", "i:f", "mvp", ""],
  ["f32.convert_i32_u", 0xb3, "", "i:f", "mvp", ""],
  ["f32.convert_i64_s", 0xb4, "", "l:f", "mvp", ""],
  ["f32.convert_i64_u", 0xb5, "", "l:f", "mvp", ""],
  ["f32.demote_f64", 0xb6, "", "d:f", "mvp", ""],
  ["f64.convert_i32_s", 0xb7, "", "i:d", "mvp", ""],
  ["f64.convert_i32_u", 0xb8, "", "i:d", "mvp", ""],
  ["f64.convert_i64_s", 0xb9, "", "l:d", "mvp", ""],
  ["f64.convert_i64_u", 0xba, "", "l:d", "mvp", ""],
  ["f64.promote_f32", 0xbb, "", "f:d", "mvp", ""],
  ["i32.reinterpret_f32", 0xbc, "", "f:i", "mvp", ""],
  ["i64.reinterpret_f64", 0xbd, "", "d:l", "mvp", ""],
  ["f32.reinterpret_i32", 0xbe, "", "i:f", "mvp", ""],
  ["f64.reinterpret_i64", 0xbf, "", "l:d", "mvp", ""],
  ["i32.extend8_s", 0xc0, "", "i:i", "sign-extension", ""],
  ["i32.extend16_s", 0xc1, "", "i:i", "sign-extension", ""],
  ["i64.extend8_s", 0xc2, "", "l:l", "sign-extension", ""],
  ["i64.extend16_s", 0xc3, "", "l:l", "sign-extension", ""],
  ["i64.extend32_s", 0xc4, "", "l:l", "sign-extension", ""],
  // References
  ["ref.null", 0xd0, "heap", "*", "reference-types", "const"],
  ["ref.is_null", 0xd1, "", "*", "reference-types", ""],
  ["ref.func", 0xd2, "func", "*", "reference-types", "const"],
  ["ref.eq", 0xd3, "", "*", "gc", ""],
  ["ref.as_non_null", 0xd4, "", "*", "function-references", "traps"],
  ["br_on_null", 0xd5, "label", "*", "function-references", "branches"],
  ["br_on_non_null", 0xd6, "label", "*", "function-references", "branches"],
  // Stack switching
  ["cont.new", 0xe0, "type", "*", "stack-switching", "traps"],
  ["cont.bind", 0xe1, "type type", "*", "stack-switching", "traps"],
  ["suspend", 0xe2, "tag", "*", "stack-switching", "traps throws calls"],
  ["resume", 0xe3, "type handlers", "*", "stack-switching", "traps throws calls branches"],
  ["resume_throw", 0xe4, "type tag handlers", "*", "stack-switching", "traps throws calls branches"],
  ["resume_throw_ref", 0xe5, "type handlers", "*", "stack-switching", "traps throws calls branches"],
  ["switch", 0xe6, "type tag", "*", "stack-switching", "traps throws calls"],
  // Garbage collection (prefix 0xfb)
  ["struct.new", 0xfb00, "type", "*", "gc", "const"],
  ["struct.new_default", 0xfb01, "type", "*", "gc", "const"],
  ["struct.get", 0xfb02, "type field", "*", "gc", "traps"],
  ["struct.get_s", 0xfb03, "type field", "*", "gc", "traps"],
  ["struct.get_u", 0xfb04, "type field", "*", "gc", "traps"],
  ["struct.set", 0xfb05, "type field", "*", "gc", "traps"],
  ["array.new", 0xfb06, "type", "*", "gc", "const traps"],
  ["array.new_default", 0xfb07, "type", "*", "gc", "const traps"],
  ["array.new_fixed", 0xfb08, "type count", "*", "gc", "const"],
  ["array.new_data", 0xfb09, "type data", "*", "gc", "traps"],
  ["array.new_elem", 0xfb0a, "type elem", "*", "gc", "traps"],
  ["array.get", 0xfb0b, "type", "*", "gc", "traps"],
  ["array.get_s", 0xfb0c, "type", "*", "gc", "traps"],
  ["array.get_u", 0xfb0d, "type", "*", "gc", "traps"],
  ["array.set", 0xfb0e, "type", "*", "gc", "traps"],
  ["array.len", 0xfb0f, "", "*", "gc", "traps"],
  ["array.fill", 0xfb10, "type", "*", "gc", "traps"],
  ["array.copy", 0xfb11, "type type", "*", "gc", "traps"],
  ["array.init_data", 0xfb12, "type data", "*", "gc", "traps"],
  ["array.init_elem", 0xfb13, "type elem", "*", "gc", "traps"],
  ["ref.test", 0xfb14, "heap", "*", "gc", ""],
  ["ref.test null", 0xfb15, "heap", "*", "gc", ""],
  ["ref.cast", 0xfb16, "heap", "*", "gc", "traps"],
  ["ref.cast null", 0xfb17, "heap", "*", "gc", "traps"],
  ["br_on_cast", 0xfb18, "castflags label heap heap", "*", "gc", "branches"],
  ["br_on_cast_fail", 0xfb19, "castflags label heap heap", "*", "gc", "branches"],
  ["any.convert_extern", 0xfb1a, "", "*", "gc", "const"],
  ["extern.convert_any", 0xfb1b, "", "*", "gc", "const"],
  ["ref.i31", 0xfb1c, "", "*", "gc", "const"],
  ["i31.get_s", 0xfb1d, "", "*", "gc", "traps"],
  ["i31.get_u", 0xfb1e, "", "*", "gc", "traps"],
  ["struct.new_desc", 0xfb20, "type", "*", "custom-descriptors", "const traps"],
  ["struct.new_default_desc", 0xfb21, "type", "*", "custom-descriptors", "const traps"],
  ["ref.get_desc", 0xfb22, "type", "*", "custom-descriptors", "traps"],
  ["ref.cast_desc_eq", 0xfb23, "heap", "*", "custom-descriptors", "traps"],
  ["ref.cast_desc_eq null", 0xfb24, "heap", "*", "custom-descriptors", "traps"],
  ["br_on_cast_desc_eq", 0xfb25, "castflags label heap heap", "*", "custom-descriptors", "traps branches"],
  ["br_on_cast_desc_eq_fail", 0xfb26, "castflags label heap heap", "*", "custom-descriptors", "traps branches"],
  // Saturating conversions, bulk operations and wide arithmetic (prefix 0xfc)
  ["i32.trunc_sat_f32_s", 0xfc00, "", "f:i", "saturating-conversions", ""],
  ["i32.trunc_sat_f32_u", 0xfc01, "", "f:i", "saturating-conversions", ""],
  ["i32.trunc_sat_f64_s", 0xfc02, "", "d:i", "saturating-conversions", ""],
  ["i32.trunc_sat_f64_u", 0xfc03, "", "d:i", "saturating-conversions", ""],
  ["i64.trunc_sat_f32_s", 0xfc04, "", "f:l", "saturating-conversions", ""],
  ["i64.trunc_sat_f32_u", 0xfc05, "", "f:l", "saturating-conversions", ""],
  ["i64.trunc_sat_f64_s", 0xfc06, "", "d:l", "saturating-conversions", ""],
  ["i64.trunc_sat_f64_u", 0xfc07, "", "d:l", "saturating-conversions", ""],
  ["memory.init", 0xfc08, "data memory", "pii:", "bulk-memory", "traps"],
  ["data.drop", 0xfc09, "data", ":", "bulk-memory", ""],
  ["memory.copy", 0xfc0a, "memory memory", "*", "bulk-memory", "traps"],
  ["memory.fill", 0xfc0b, "memory", "pip:", "bulk-memory", "traps"],
  ["table.init", 0xfc0c, "elem table", "*", "bulk-memory", "traps"],
  ["elem.drop", 0xfc0d, "elem", ":", "bulk-memory", ""],
  ["table.copy", 0xfc0e, "table table", "*", "bulk-memory", "traps"],
  ["table.grow", 0xfc0f, "table", "*", "reference-types", ""],
  ["table.size", 0xfc10, "table", "*", "reference-types", ""],
  ["table.fill", 0xfc11, "table", "*", "reference-types", "traps"],
  ["i64.add128", 0xfc13, "", "llll:ll", "wide-arithmetic", ""],
  ["i64.sub128", 0xfc14, "", "llll:ll", "wide-arithmetic", ""],
  ["i64.mul_wide_s", 0xfc15, "", "ll:ll", "wide-arithmetic", ""],
  ["i64.mul_wide_u", 0xfc16, "", "ll:ll", "wide-arithmetic", ""],
  // Vectors (prefix 0xfd)
  ["v128.load", 0xfd00, "memarg 16", "p:v", "simd", "traps"],
  ["v128.load8x8_s", 0xfd01, "memarg 8", "p:v", "simd", "traps"],
  ["v128.load8x8_u", 0xfd02, "memarg 8", "p:v", "simd", "traps"],
  ["v128.load16x4_s", 0xfd03, "memarg 8", "p:v", "simd", "traps"],
  ["v128.load16x4_u", 0xfd04, "memarg 8", "p:v", "simd", "traps"],
  ["v128.load32x2_s", 0xfd05, "memarg 8", "p:v", "simd", "traps"],
  ["v128.load32x2_u", 0xfd06, "memarg 8", "p:v", "simd", "traps"],
  ["v128.load8_splat", 0xfd07, "memarg 1", "p:v", "simd", "traps"],
  ["v128.load16_splat", 0xfd08, "memarg 2", "p:v", "simd", "traps"],
  ["v128.load32_splat", 0xfd09, "memarg 4", "p:v", "simd", "traps"],
  ["v128.load64_splat", 0xfd0a, "memarg 8", "p:v", "simd", "traps"],
  ["v128.store", 0xfd0b, "memarg 16", "pv:", "simd", "traps"],
  ["v128.const", 0xfd0c, "v128", ":v", "simd", "const"],
  ["i8x16.shuffle", 0xfd0d, "lanes", "vv:v", "simd", ""],
  ["i8x16.swizzle", 0xfd0e, "", "vv:v", "simd", ""],
  ["i8x16.splat", 0xfd0f, "", "i:v", "simd", ""],
  ["i16x8.splat", 0xfd10, "", "i:v", "simd", ""],
  ["i32x4.splat", 0xfd11, "", "i:v", "simd", ""],
  ["i64x2.splat", 0xfd12, "", "l:v", "simd", ""],
  ["f32x4.splat", 0xfd13, "", "f:v", "simd", ""],
  ["f64x2.splat", 0xfd14, "", "d:v", "simd", ""],
  ["i8x16.extract_lane_s", 0xfd15, "lane 16", "v:i", "simd", ""],
  ["i8x16.extract_lane_u", 0xfd16, "lane 16", "v:i", "simd", ""],
  ["i8x16.replace_lane", 0xfd17, "lane 16", "vi:v", "simd", ""],
  ["i16x8.extract_lane_s", 0xfd18, "lane 8", "v:i", "simd", ""],
  ["i16x8.extract_lane_u", 0xfd19, "lane 8", "v:i", "simd", ""],
  ["i16x8.replace_lane", 0xfd1a, "lane 8", "vi:v", "simd", ""],
  ["i32x4.extract_lane", 0xfd1b, "lane 4", "v:i", "simd", ""],
  ["i32x4.replace_lane", 0xfd1c, "lane 4", "vi:v", "simd", ""],
  ["i64x2.extract_lane", 0xfd1d, "lane 2", "v:l", "simd", ""],
  ["i64x2.replace_lane", 0xfd1e, "lane 2", "vl:v", "simd", ""],
  ["f32x4.extract_lane", 0xfd1f, "lane 4", "v:f", "simd", ""],
  ["f32x4.replace_lane", 0xfd20, "lane 4", "vf:v", "simd", ""],
  ["f64x2.extract_lane", 0xfd21, "lane 2", "v:d", "simd", ""],
  ["f64x2.replace_lane", 0xfd22, "lane 2", "vd:v", "simd", ""],
  ["i8x16.eq", 0xfd23, "", "vv:v", "simd", ""],
  ["i8x16.ne", 0xfd24, "", "vv:v", "simd", ""],
  ["i8x16.lt_s", 0xfd25, "", "vv:v", "simd", ""],
  ["i8x16.lt_u", 0xfd26, "", "vv:v", "simd", ""],
  ["i8x16.gt_s", 0xfd27, "", "vv:v", "simd", ""],
  ["i8x16.gt_u", 0xfd28, "", "vv:v", "simd", ""],
  ["i8x16.le_s", 0xfd29, "", "vv:v", "simd", ""],
  ["i8x16.le_u", 0xfd2a, "", "vv:v", "simd", ""],
  ["i8x16.ge_s", 0xfd2b, "", "vv:v", "simd", ""],
  ["i8x16.ge_u", 0xfd2c, "", "vv:v", "simd", ""],
  ["i16x8.eq", 0xfd2d, "", "vv:v", "simd", ""],
  ["i16x8.ne", 0xfd2e, "", "vv:v", "simd", ""],
  ["i16x8.lt_s", 0xfd2f, "", "vv:v", "simd", ""],
  ["i16x8.lt_u", 0xfd30, "", "vv:v", "simd", ""],
  ["i16x8.gt_s", 0xfd31, "", "vv:v", "simd", ""],
  ["i16x8.gt_u", 0xfd32, "", "vv:v", "simd", ""],
  ["i16x8.le_s", 0xfd33, "", "vv:v", "simd", ""],
  ["i16x8.le_u", 0xfd34, "", "vv:v", "simd", ""],
  ["i16x8.ge_s", 0xfd35, "", "vv:v", "simd", ""],
  ["i16x8.ge_u", 0xfd36, "", "vv:v", "simd", ""],
  ["i32x4.eq", 0xfd37, "", "vv:v", "simd", ""],
  ["i32x4.ne", 0xfd38, "", "vv:v", "simd", ""],
  ["i32x4.lt_s", 0xfd39, "", "vv:v", "simd", ""],
  ["i32x4.lt_u", 0xfd3a, "", "vv:v", "simd", ""],
  ["i32x4.gt_s", 0xfd3b, "", "vv:v", "simd", ""],
  ["i32x4.gt_u", 0xfd3c, "", "vv:v", "simd", ""],
  ["i32x4.le_s", 0xfd3d, "", "vv:v", "simd", ""],
  ["i32x4.le_u", 0xfd3e, "", "vv:v", "simd", ""],
  ["i32x4.ge_s", 0xfd3f, "", "vv:v", "simd", ""],
  ["i32x4.ge_u", 0xfd40, "", "vv:v", "simd", ""],
  ["f32x4.eq", 0xfd41, "", "vv:v", "simd", ""],
  ["f32x4.ne", 0xfd42, "", "vv:v", "simd", ""],
  ["f32x4.lt", 0xfd43, "", "vv:v", "simd", ""],
  ["f32x4.gt", 0xfd44, "", "vv:v", "simd", ""],
  ["f32x4.le", 0xfd45, "", "vv:v", "simd", ""],
  ["f32x4.ge", 0xfd46, "", "vv:v", "simd", ""],
  ["f64x2.eq", 0xfd47, "", "vv:v", "simd", ""],
  ["f64x2.ne", 0xfd48, "", "vv:v", "simd", ""],
  ["f64x2.lt", 0xfd49, "", "vv:v", "simd", ""],
  ["f64x2.gt", 0xfd4a, "", "vv:v", "simd", ""],
  ["f64x2.le", 0xfd4b, "", "vv:v", "simd", ""],
  ["f64x2.ge", 0xfd4c, "", "vv:v", "simd", ""],
  ["v128.not", 0xfd4d, "", "v:v", "simd", ""],
  ["v128.and", 0xfd4e, "", "vv:v", "simd", ""],
  ["v128.andnot", 0xfd4f, "", "vv:v", "simd", ""],
  ["v128.or", 0xfd50, "", "vv:v", "simd", ""],
  ["v128.xor", 0xfd51, "", "vv:v", "simd", ""],
  ["v128.bitselect", 0xfd52, "", "vvv:v", "simd", ""],
  ["v128.any_true", 0xfd53, "", "v:i", "simd", ""],
  ["v128.load8_lane", 0xfd54, "memarg 1 lane 16", "pv:v", "simd", "traps"],
  ["v128.load16_lane", 0xfd55, "memarg 2 lane 8", "pv:v", "simd", "traps"],
  ["v128.load32_lane", 0xfd56, "memarg 4 lane 4", "pv:v", "simd", "traps"],
  ["v128.load64_lane", 0xfd57, "memarg 8 lane 2", "pv:v", "simd", "traps"],
  ["v128.store8_lane", 0xfd58, "memarg 1 lane 16", "pv:", "simd", "traps"],
  ["v128.store16_lane", 0xfd59, "memarg 2 lane 8", "pv:", "simd", "traps"],
  ["v128.store32_lane", 0xfd5a, "memarg 4 lane 4", "pv:", "simd", "traps"],
  ["v128.store64_lane", 0xfd5b, "memarg 8 lane 2", "pv:", "simd", "traps"],
  ["v128.load32_zero", 0xfd5c, "memarg 4", "p:v", "simd", "traps"],
  ["v128.load64_zero", 0xfd5d, "memarg 8", "p:v", "simd", "traps"],
  ["f32x4.demote_f64x2_zero", 0xfd5e, "", "v:v", "simd", ""],
  ["f64x2.promote_low_f32x4", 0xfd5f, "", "v:v", "simd", ""],
  ["i8x16.abs", 0xfd60, "", "v:v", "simd", ""],
  ["i8x16.neg", 0xfd61, "", "v:v", "simd", ""],
  ["i8x16.popcnt", 0xfd62, "", "v:v", "simd", ""],
  ["i8x16.all_true", 0xfd63, "", "v:i", "simd", ""],
  ["i8x16.bitmask", 0xfd64, "", "v:i", "simd", ""],
  ["i8x16.narrow_i16x8_s", 0xfd65, "", "vv:v", "simd", ""],
  ["i8x16.narrow_i16x8_u", 0xfd66, "", "vv:v", "simd", ""],
  ["f32x4.ceil", 0xfd67, "", "v:v", "simd", ""],
  ["f32x4.floor", 0xfd68, "", "v:v", "simd", ""],
  ["f32x4.trunc", 0xfd69, "", "v:v", "simd", ""],
  ["f32x4.nearest", 0xfd6a, "", "v:v", "simd", ""],
  ["i8x16.shl", 0xfd6b, "", "vi:v", "simd", ""],
  ["i8x16.shr_s", 0xfd6c, "", "vi:v", "simd", ""],
  ["i8x16.shr_u", 0xfd6d, "", "vi:v", "simd", ""],
  ["i8x16.add", 0xfd6e, "", "vv:v", "simd", ""],
  ["i8x16.add_sat_s", 0xfd6f, "", "vv:v", "simd", ""],
  ["i8x16.add_sat_u", 0xfd70, "", "vv:v", "simd", ""],
  ["i8x16.sub", 0xfd71, "", "vv:v", "simd", ""],
  ["i8x16.sub_sat_s", 0xfd72, "", "vv:v", "simd", ""],
  ["i8x16.sub_sat_u", 0xfd73, "", "vv:v", "simd", ""],
  ["f64x2.ceil", 0xfd74, "", "v:v", "simd", ""],
  ["f64x2.floor", 0xfd75, "", "v:v", "simd", ""],
  ["i8x16.min_s", 0xfd76, "", "vv:v", "simd", ""],
  ["i8x16.min_u", 0xfd77, "", "vv:v", "simd", ""],
  ["i8x16.max_s", 0xfd78, "", "vv:v", "simd", ""],
  ["i8x16.max_u", 0xfd79, "", "vv:v", "simd", ""],
  ["f64x2.trunc", 0xfd7a, "", "v:v", "simd", ""],
  ["i8x16.avgr_u", 0xfd7b, "", "vv:v", "simd", ""],
  ["i16x8.extadd_pairwise_i8x16_s", 0xfd7c, "", "v:v", "simd", ""],
  ["i16x8.extadd_pairwise_i8x16_u", 0xfd7d, "", "v:v", "simd", ""],
  ["i32x4.extadd_pairwise_i16x8_s", 0xfd7e, "", "v:v", "simd", ""],
  ["i32x4.extadd_pairwise_i16x8_u", 0xfd7f, "", "v:v", "simd", ""],
  ["i16x8.abs", 0xfd80, "", "v:v", "simd", ""],
  ["i16x8.neg", 0xfd81, "", "v:v", "simd", ""],
  ["i16x8.q15mulr_sat_s", 0xfd82, "", "vv:v", "simd", ""],
  ["i16x8.all_true", 0xfd83, "", "v:i", "simd", ""],
  ["i16x8.bitmask", 0xfd84, "", "v:i", "simd", ""],
  ["i16x8.narrow_i32x4_s", 0xfd85, "", "vv:v", "simd", ""],
  ["i16x8.narrow_i32x4_u", 0xfd86, "", "vv:v", "simd", ""],
  ["i16x8.extend_low_i8x16_s", 0xfd87, "", "v:v", "simd", ""],
  ["i16x8.extend_high_i8x16_s", 0xfd88, "", "v:v", "simd", ""],
  ["i16x8.extend_low_i8x16_u", 0xfd89, "", "v:v", "simd", ""],
  ["i16x8.extend_high_i8x16_u", 0xfd8a, "", "v:v", "simd", ""],
  ["i16x8.shl", 0xfd8b, "", "vi:v", "simd", ""],
  ["i16x8.shr_s", 0xfd8c, "", "vi:v", "simd", ""],
  ["i16x8.shr_u", 0xfd8d, "", "vi:v", "simd", ""],
  ["i16x8.add", 0xfd8e, "", "vv:v", "simd", ""],
  ["i16x8.add_sat_s", 0xfd8f, "", "vv:v", "simd", ""],
  ["i16x8.add_sat_u", 0xfd90, "", "vv:v", "simd", ""],
  ["i16x8.sub", 0xfd91, "", "vv:v", "simd", ""],
  ["i16x8.sub_sat_s", 0xfd92, "", "vv:v", "simd", ""],
  ["i16x8.sub_sat_u", 0xfd93, "", "vv:v", "simd", ""],
  ["f64x2.nearest", 0xfd94, "", "v:v", "simd", ""],
  ["i16x8.mul", 0xfd95, "", "vv:v", "simd", ""],
  ["i16x8.min_s", 0xfd96, "", "vv:v", "simd", ""],
  ["i16x8.min_u", 0xfd97, "", "vv:v", "simd", ""],
  ["i16x8.max_s", 0xfd98, "", "vv:v", "simd", ""],
  ["i16x8.max_u", 0xfd99, "", "vv:v", "simd", ""],
  ["i16x8.avgr_u", 0xfd9b, "", "vv:v", "simd", ""],
  ["i16x8.extmul_low_i8x16_s", 0xfd9c, "", "vv:v", "simd", ""],
  ["i16x8.extmul_high_i8x16_s", 0xfd9d, "", "vv:v", "simd", ""],
  ["i16x8.extmul_low_i8x16_u", 0xfd9e, "", "vv:v", "simd", ""],
  ["i16x8.extmul_high_i8x16_u", 0xfd9f, "", "vv:v", "simd", ""],
  ["i32x4.abs", 0xfda0, "", "v:v", "simd", ""],
  ["i32x4.neg", 0xfda1, "", "v:v", "simd", ""],
  ["i32x4.all_true", 0xfda3, "", "v:i", "simd", ""],
  ["i32x4.bitmask", 0xfda4, "", "v:i", "simd", ""],
  ["i32x4.extend_low_i16x8_s", 0xfda7, "", "v:v", "simd", ""],
  ["i32x4.extend_high_i16x8_s", 0xfda8, "", "v:v", "simd", ""],
  ["i32x4.extend_low_i16x8_u", 0xfda9, "", "v:v", "simd", ""],
  ["i32x4.extend_high_i16x8_u", 0xfdaa, "", "v:v", "simd", ""],
  ["i32x4.shl", 0xfdab, "", "vi:v", "simd", ""],
  ["i32x4.shr_s", 0xfdac, "", "vi:v", "simd", ""],
  ["i32x4.shr_u", 0xfdad, "", "vi:v", "simd", ""],
  ["i32x4.add", 0xfdae, "", "vv:v", "simd", ""],
  ["i32x4.sub", 0xfdb1, "", "vv:v", "simd", ""],
  ["i32x4.mul", 0xfdb5, "", "vv:v", "simd", ""],
  ["i32x4.min_s", 0xfdb6, "", "vv:v", "simd", ""],
  ["i32x4.min_u", 0xfdb7, "", "vv:v", "simd", ""],
  ["i32x4.max_s", 0xfdb8, "", "vv:v", "simd", ""],
  ["i32x4.max_u", 0xfdb9, "", "vv:v", "simd", ""],
  ["i32x4.dot_i16x8_s", 0xfdba, "", "vv:v", "simd", ""],
  ["i32x4.extmul_low_i16x8_s", 0xfdbc, "", "vv:v", "simd", ""],
  ["i32x4.extmul_high_i16x8_s", 0xfdbd, "", "vv:v", "simd", ""],
  ["i32x4.extmul_low_i16x8_u", 0xfdbe, "", "vv:v", "simd", ""],
  ["i32x4.extmul_high_i16x8_u", 0xfdbf, "", "vv:v", "simd", ""],
  ["i64x2.abs", 0xfdc0, "", "v:v", "simd", ""],
  ["i64x2.neg", 0xfdc1, "", "v:v", "simd", ""],
  ["i64x2.all_true", 0xfdc3, "", "v:i", "simd", ""],
  ["i64x2.bitmask", 0xfdc4, "", "v:i", "simd", ""],
  ["i64x2.extend_low_i32x4_s", 0xfdc7, "", "v:v", "simd", ""],
  ["i64x2.extend_high_i32x4_s", 0xfdc8, "", "v:v", "simd", ""],
  ["i64x2.extend_low_i32x4_u", 0xfdc9, "", "v:v", "simd", ""],
  ["i64x2.extend_high_i32x4_u", 0xfdca, "", "v:v", "simd", ""],
  ["i64x2.shl", 0xfdcb, "", "vi:v", "simd", ""],
  ["i64x2.shr_s", 0xfdcc, "", "vi:v", "simd", ""],
  ["i64x2.shr_u", 0xfdcd, "", "vi:v", "simd", ""],
  ["i64x2.add", 0xfdce, "", "vv:v", "simd", ""],
  ["i64x2.sub", 0xfdd1, "", "vv:v", "simd", ""],
  ["i64x2.mul", 0xfdd5, "", "vv:v", "simd", ""],
  ["i64x2.eq", 0xfdd6, "", "vv:v", "simd", ""],
  ["i64x2.ne", 0xfdd7, "", "vv:v", "simd", ""],
  ["i64x2.lt_s", 0xfdd8, "", "vv:v", "simd", ""],
  ["i64x2.gt_s", 0xfdd9, "", "vv:v", "simd", ""],
  ["i64x2.le_s", 0xfdda, "", "vv:v", "simd", ""],
  ["i64x2.ge_s", 0xfddb, "", "vv:v", "simd", ""],
  ["i64x2.extmul_low_i32x4_s", 0xfddc, "", "vv:v", "simd", ""],
  ["i64x2.extmul_high_i32x4_s", 0xfddd, "", "vv:v", "simd", ""],
  ["i64x2.extmul_low_i32x4_u", 0xfdde, "", "vv:v", "simd", ""],
  ["i64x2.extmul_high_i32x4_u", 0xfddf, "", "vv:v", "simd", ""],
  ["f32x4.abs", 0xfde0, "", "v:v", "simd", ""],
  ["f32x4.neg", 0xfde1, "", "v:v", "simd", ""],
  ["f32x4.sqrt", 0xfde3, "", "v:v", "simd", ""],
  ["f32x4.add", 0xfde4, "", "vv:v", "simd", ""],
  ["f32x4.sub", 0xfde5, "", "vv:v", "simd", ""],
  ["f32x4.mul", 0xfde6, "", "vv:v", "simd", ""],
  ["f32x4.div", 0xfde7, "", "vv:v", "simd", ""],
  ["f32x4.min", 0xfde8, "", "vv:v", "simd", ""],
  ["f32x4.max", 0xfde9, "", "vv:v", "simd", ""],
  ["f32x4.pmin", 0xfdea, "", "vv:v", "simd", ""],
  ["f32x4.pmax", 0xfdeb, "", "vv:v", "simd", ""],
  ["f64x2.abs", 0xfdec, "", "v:v", "simd", ""],
  ["f64x2.neg", 0xfded, "", "v:v", "simd", ""],
  ["f64x2.sqrt", 0xfdef, "", "v:v", "simd", ""],
  ["f64x2.add", 0xfdf0, "", "vv:v", "simd", ""],
  ["f64x2.sub", 0xfdf1, "", "vv:v", "simd", ""],
  ["f64x2.mul", 0xfdf2, "", "vv:v", "simd", ""],
  ["f64x2.div", 0xfdf3, "", "vv:v", "simd", ""],
  ["f64x2.min", 0xfdf4, "", "vv:v", "simd", ""],
  ["f64x2.max", 0xfdf5, "", "vv:v", "simd", ""],
  ["f64x2.pmin", 0xfdf6, "", "vv:v", "simd", ""],
  ["f64x2.pmax", 0xfdf7, "", "vv:v", "simd", ""],
  ["i32x4.trunc_sat_f32x4_s", 0xfdf8, "", "v:v", "simd", ""],
  ["i32x4.trunc_sat_f32x4_u", 0xfdf9, "", "v:v", "simd", ""],
  ["f32x4.convert_i32x4_s", 0xfdfa, "", "v:v", "simd", ""],
  ["f32x4.convert_i32x4_u", 0xfdfb, "", "v:v", "simd", ""],
  ["i32x4.trunc_sat_f64x2_s_zero", 0xfdfc, "", "v:v", "simd", ""],
  ["i32x4.trunc_sat_f64x2_u_zero", 0xfdfd, "", "v:v", "simd", ""],
  ["f64x2.convert_low_i32x4_s", 0xfdfe, "", "v:v", "simd", ""],
  ["f64x2.convert_low_i32x4_u", 0xfdff, "", "v:v", "simd", ""],
  // Relaxed vectors (prefix 0xfd, sub-opcodes from 0x100)
  ["i8x16.relaxed_swizzle", 0xfd100, "", "vv:v", "relaxed-simd", ""],
  ["i32x4.relaxed_trunc_f32x4_s", 0xfd101, "", "v:v", "relaxed-simd", ""],
  ["i32x4.relaxed_trunc_f32x4_u", 0xfd102, "", "v:v", "relaxed-simd", ""],
  ["i32x4.relaxed_trunc_f64x2_s_zero", 0xfd103, "", "v:v", "relaxed-simd", ""],
  ["i32x4.relaxed_trunc_f64x2_u_zero", 0xfd104, "", "v:v", "relaxed-simd", ""],
  ["f32x4.relaxed_madd", 0xfd105, "", "vvv:v", "relaxed-simd", ""],
  ["f32x4.relaxed_nmadd", 0xfd106, "", "vvv:v", "relaxed-simd", ""],
  ["f64x2.relaxed_madd", 0xfd107, "", "vvv:v", "relaxed-simd", ""],
  ["f64x2.relaxed_nmadd", 0xfd108, "", "vvv:v", "relaxed-simd", ""],
  ["i8x16.relaxed_laneselect", 0xfd109, "", "vvv:v", "relaxed-simd", ""],
  ["i16x8.relaxed_laneselect", 0xfd10a, "", "vvv:v", "relaxed-simd", ""],
  ["i32x4.relaxed_laneselect", 0xfd10b, "", "vvv:v", "relaxed-simd", ""],
  ["i64x2.relaxed_laneselect", 0xfd10c, "", "vvv:v", "relaxed-simd", ""],
  ["f32x4.relaxed_min", 0xfd10d, "", "vv:v", "relaxed-simd", ""],
  ["f32x4.relaxed_max", 0xfd10e, "", "vv:v", "relaxed-simd", ""],
  ["f64x2.relaxed_min", 0xfd10f, "", "vv:v", "relaxed-simd", ""],
  ["f64x2.relaxed_max", 0xfd110, "", "vv:v", "relaxed-simd", ""],
  ["i16x8.relaxed_q15mulr_s", 0xfd111, "", "vv:v", "relaxed-simd", ""],
  ["i16x8.relaxed_dot_i8x16_i7x16_s", 0xfd112, "", "vv:v", "relaxed-simd", ""],
  ["i32x4.relaxed_dot_i8x16_i7x16_add_s", 0xfd113, "", "vvv:v", "relaxed-simd", ""],
  // Atomics (prefix 0xfe)
  ["memory.atomic.notify", 0xfe00, "atomic 4", "pi:i", "threads", "traps"],
  ["memory.atomic.wait32", 0xfe01, "atomic 4", "pil:i", "threads", "traps"],
  ["memory.atomic.wait64", 0xfe02, "atomic 8", "pll:i", "threads", "traps"],
  ["atomic.fence", 0xfe03, "zero", ":", "threads", ""],
  ["i32.atomic.load", 0xfe10, "atomic 4", "p:i", "threads", "traps"],
  ["i64.atomic.load", 0xfe11, "atomic 8", "p:l", "threads", "traps"],
  ["i32.atomic.load8_u", 0xfe12, "atomic 1", "p:i", "threads", "traps"],
  ["i32.atomic.load16_u", 0xfe13, "atomic 2", "p:i", "threads", "traps"],
  ["i64.atomic.load8_u", 0xfe14, "atomic 1", "p:l", "threads", "traps"],
  ["i64.atomic.load16_u", 0xfe15, "atomic 2", "p:l", "threads", "traps"],
  ["i64.atomic.load32_u", 0xfe16, "atomic 4", "p:l", "threads", "traps"],
  ["i32.atomic.store", 0xfe17, "atomic 4", "pi:", "threads", "traps"],
  ["i64.atomic.store", 0xfe18, "atomic 8", "pl:", "threads", "traps"],
  ["i32.atomic.store8", 0xfe19, "atomic 1", "pi:", "threads", "traps"],
  ["i32.atomic.store16", 0xfe1a, "atomic 2", "pi:", "threads", "traps"],
  ["i64.atomic.store8", 0xfe1b, "atomic 1", "pl:", "threads", "traps"],
  ["i64.atomic.store16", 0xfe1c, "atomic 2", "pl:", "threads", "traps"],
  ["i64.atomic.store32", 0xfe1d, "atomic 4", "pl:", "threads", "traps"],
  ["i32.atomic.rmw.add", 0xfe1e, "atomic 4", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw.add", 0xfe1f, "atomic 8", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw8.add_u", 0xfe20, "atomic 1", "pi:i", "threads", "traps"],
  ["i32.atomic.rmw16.add_u", 0xfe21, "atomic 2", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw8.add_u", 0xfe22, "atomic 1", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw16.add_u", 0xfe23, "atomic 2", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw32.add_u", 0xfe24, "atomic 4", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw.sub", 0xfe25, "atomic 4", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw.sub", 0xfe26, "atomic 8", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw8.sub_u", 0xfe27, "atomic 1", "pi:i", "threads", "traps"],
  ["i32.atomic.rmw16.sub_u", 0xfe28, "atomic 2", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw8.sub_u", 0xfe29, "atomic 1", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw16.sub_u", 0xfe2a, "atomic 2", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw32.sub_u", 0xfe2b, "atomic 4", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw.and", 0xfe2c, "atomic 4", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw.and", 0xfe2d, "atomic 8", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw8.and_u", 0xfe2e, "atomic 1", "pi:i", "threads", "traps"],
  ["i32.atomic.rmw16.and_u", 0xfe2f, "atomic 2", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw8.and_u", 0xfe30, "atomic 1", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw16.and_u", 0xfe31, "atomic 2", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw32.and_u", 0xfe32, "atomic 4", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw.or", 0xfe33, "atomic 4", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw.or", 0xfe34, "atomic 8", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw8.or_u", 0xfe35, "atomic 1", "pi:i", "threads", "traps"],
  ["i32.atomic.rmw16.or_u", 0xfe36, "atomic 2", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw8.or_u", 0xfe37, "atomic 1", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw16.or_u", 0xfe38, "atomic 2", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw32.or_u", 0xfe39, "atomic 4", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw.xor", 0xfe3a, "atomic 4", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw.xor", 0xfe3b, "atomic 8", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw8.xor_u", 0xfe3c, "atomic 1", "pi:i", "threads", "traps"],
  ["i32.atomic.rmw16.xor_u", 0xfe3d, "atomic 2", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw8.xor_u", 0xfe3e, "atomic 1", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw16.xor_u", 0xfe3f, "atomic 2", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw32.xor_u", 0xfe40, "atomic 4", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw.xchg", 0xfe41, "atomic 4", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw.xchg", 0xfe42, "atomic 8", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw8.xchg_u", 0xfe43, "atomic 1", "pi:i", "threads", "traps"],
  ["i32.atomic.rmw16.xchg_u", 0xfe44, "atomic 2", "pi:i", "threads", "traps"],
  ["i64.atomic.rmw8.xchg_u", 0xfe45, "atomic 1", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw16.xchg_u", 0xfe46, "atomic 2", "pl:l", "threads", "traps"],
  ["i64.atomic.rmw32.xchg_u", 0xfe47, "atomic 4", "pl:l", "threads", "traps"],
  ["i32.atomic.rmw.cmpxchg", 0xfe48, "atomic 4", "pii:i", "threads", "traps"],
  ["i64.atomic.rmw.cmpxchg", 0xfe49, "atomic 8", "pll:l", "threads", "traps"],
  ["i32.atomic.rmw8.cmpxchg_u", 0xfe4a, "atomic 1", "pii:i", "threads", "traps"],
  ["i32.atomic.rmw16.cmpxchg_u", 0xfe4b, "atomic 2", "pii:i", "threads", "traps"],
  ["i64.atomic.rmw8.cmpxchg_u", 0xfe4c, "atomic 1", "pll:l", "threads", "traps"],
  ["i64.atomic.rmw16.cmpxchg_u", 0xfe4d, "atomic 2", "pll:l", "threads", "traps"],
  ["i64.atomic.rmw32.cmpxchg_u", 0xfe4e, "atomic 4", "pll:l", "threads", "traps"],
] as const satisfies readonly Row[];

/** The name of an operation: the exhaustive key of every table about instructions. */
export type OpName = typeof OPCODES[number][0];

/** The dense id of an operation: its row number in {@linkcode OPCODES}. */
export type Op = number;

type RowOfFeature<F extends FeatureName> = Extract<
  typeof OPCODES[number],
  readonly [string, number, string, string, F, string]
>;

/** The names of the operations of the features `F`. */
export type OpNameOf<F extends FeatureName> = RowOfFeature<F>[0];

/** The names of the operations whose signature is "*". */
export type IrregularOpName = Extract<
  typeof OPCODES[number],
  readonly [string, number, string, "*", FeatureName, string]
>[0];

/** The number of operations. */
export const OP_COUNT: number = OPCODES.length;

/** The id of each operation. */
export const OP: Readonly<Record<OpName, Op>> = Object.fromEntries(
  OPCODES.map(([name], op) => [name, op]),
) as Record<OpName, Op>;

/** The name of an operation. */
export function opName(op: Op): OpName {
  return OPCODES[op][0];
}

/** Makes a table indexed by operation out of one entry per name. */
export function perOp<T>(by: Readonly<Record<OpName, T>>): readonly T[] {
  return OPCODES.map(([name]) => by[name]);
}

/** The bits of {@linkcode OP_FLAGS}, by the words of the table's flags column. */
export const OP_FLAG = {
  const: 1,
  "extended-const": 2,
  traps: 4,
  throws: 8,
  calls: 16,
  branches: 32,
  jumps: 64,
  opens: 128,
  closes: 256,
  /** Derived: an immediate names a memory. */
  memory: 512,
  /** Derived: an immediate is or may be a value or heap type. */
  types: 1024,
} as const;

/** Flag bits per operation. */
export const OP_FLAGS: Uint16Array = new Uint16Array(OP_COUNT);
/** The prefix byte per operation; 0 for one-byte opcodes. */
export const OP_PREFIX: Uint8Array = new Uint8Array(OP_COUNT);
/** The one-byte opcode, or the sub-opcode after the prefix, per operation. */
export const OP_SUBCODE: Uint16Array = new Uint16Array(OP_COUNT);
/** The feature's row in FEATURES, per operation. */
export const OP_FEATURE: Uint8Array = new Uint8Array(OP_COUNT);

/** Immediates of all operations: kind (row of IMMEDIATE_KINDS) and parameter, alternating. */
export const IMMEDIATE_PROGRAM: Uint8Array = new Uint8Array(4 * OP_COUNT);
/** Where an operation's immediates start in {@linkcode IMMEDIATE_PROGRAM}; they end where the next operation's start. */
export const OP_IMMEDIATES: Uint16Array = new Uint16Array(OP_COUNT + 1);

/** In signatures: the address type of the memory. */
export const ADDRESS = 0x7f;
/** Operand types of all regular operations, then result types, one after the other. */
export const SIGNATURE_TYPES: Uint8Array = new Uint8Array(6 * OP_COUNT);
/** Where an operation's operand types start in {@linkcode SIGNATURE_TYPES}. */
export const OP_OPERANDS: Uint16Array = new Uint16Array(OP_COUNT);
/** Where an operation's result types start in {@linkcode SIGNATURE_TYPES}: after the operands. */
export const OP_RESULTS: Uint16Array = new Uint16Array(OP_COUNT);
/** Where an operation's result types end in {@linkcode SIGNATURE_TYPES}. */
export const OP_RESULTS_END: Uint16Array = new Uint16Array(OP_COUNT);
/** 1 where the signature is "*". */
export const OP_IRREGULAR: Uint8Array = new Uint8Array(OP_COUNT);

/** The lowest prefix byte; prefixes are this one to 0xfe. */
export const FIRST_PREFIX = 0xfb;
/** Sub-opcodes that a page of {@linkcode OP_BY_CODE} holds. */
export const PAGE_SIZE = 512;
/** Operation by code, -1 where none is: one-byte opcodes at 0 to 255, then a page per prefix. */
export const OP_BY_CODE: Int16Array = new Int16Array(256 + 4 * PAGE_SIZE).fill(-1);

const SIGNATURE_LETTERS: Record<string, number> = { i: I32, l: I64, f: F32, d: F64, v: V128, p: ADDRESS };
const TYPE_IMMEDIATES: readonly ImmediateKind[] = ["block", "types", "heap"];
const MEMORY_IMMEDIATES: readonly ImmediateKind[] = ["memory", "memarg", "atomic"];

function deriveTables(): void {
  const kinds: readonly string[] = IMMEDIATE_KINDS;
  const featureRows = new Map<string, number>(FEATURES.map(([name], row) => [name, row]));
  let immediate = 0;
  let signature = 0;
  for (let op = 0; op < OP_COUNT; op++) {
    const [name, code, immediates, types, feature, flags]: Row = OPCODES[op];
    const prefix = code < 0x100 ? 0 : code < 0x10000 ? code >> 8 : code >> 12;
    const subcode = code < 0x100 ? code : code < 0x10000 ? code & 0xff : code & 0xfff;
    OP_PREFIX[op] = prefix;
    OP_SUBCODE[op] = subcode;
    const slot = prefix === 0 ? code : 256 + (prefix - FIRST_PREFIX) * PAGE_SIZE + subcode;
    if (OP_BY_CODE[slot] !== -1) bug(`two operations have the code of ${name}`);
    OP_BY_CODE[slot] = op;
    OP_FEATURE[op] = featureRows.get(feature)!;

    for (const word of flags === "" ? [] : flags.split(" ")) {
      OP_FLAGS[op] |= OP_FLAG[word as keyof typeof OP_FLAG] ?? bug(`unknown flag ${word} of ${name}`);
    }

    for (const word of immediates === "" ? [] : immediates.split(" ")) {
      const kind = kinds.indexOf(word);
      if (kind >= 0) {
        IMMEDIATE_PROGRAM[immediate++] = kind;
        IMMEDIATE_PROGRAM[immediate++] = 0;
        if (TYPE_IMMEDIATES.includes(word as ImmediateKind)) OP_FLAGS[op] |= OP_FLAG.types;
        if (MEMORY_IMMEDIATES.includes(word as ImmediateKind)) OP_FLAGS[op] |= OP_FLAG.memory;
      } else {
        IMMEDIATE_PROGRAM[immediate - 1] = Number(word) || bug(`unknown immediate ${word} of ${name}`);
      }
    }
    OP_IMMEDIATES[op + 1] = immediate;

    OP_OPERANDS[op] = OP_RESULTS[op] = signature;
    if (types === "*") OP_IRREGULAR[op] = 1;
    else {
      for (const letter of types) {
        if (letter === ":") OP_RESULTS[op] = signature;
        else SIGNATURE_TYPES[signature++] = SIGNATURE_LETTERS[letter] ?? bug(`unknown type ${letter} of ${name}`);
      }
    }
    OP_RESULTS_END[op] = signature;
  }
}

deriveTables();
