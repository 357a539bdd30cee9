/** THE table of traps: code, the API's message, the specification test suite's message. */

type Row = readonly [name: string, message: string, specMessage: string];

/** Row number is the trap code; code 0 means "no trap here". */
export const TRAPS = [
  ["none", "no trap", ""],
  ["unreachable", "unreachable instruction executed", "unreachable"],
  ["memory_out_of_bounds", "out of bounds memory access", "out of bounds memory access"],
  ["table_out_of_bounds", "out of bounds table access", "out of bounds table access"],
  ["indirect_call_out_of_bounds", "undefined element: out of bounds table access", "undefined element"],
  ["indirect_call_to_null", "uninitialized element", "uninitialized element"],
  ["indirect_call_type_mismatch", "indirect call type mismatch", "indirect call type mismatch"],
  ["integer_overflow", "integer overflow", "integer overflow"],
  ["integer_divide_by_zero", "integer divide by zero", "integer divide by zero"],
  ["invalid_conversion_to_integer", "invalid conversion to integer", "invalid conversion to integer"],
  ["stack_overflow", "call stack exhausted", "call stack exhausted"],
  ["null_reference", "null reference", "null reference"],
  ["interrupted", "interrupted", "interrupt"],
  ["out_of_fuel", "all fuel consumed", "all fuel consumed"],
  ["null_function_reference", "null function reference", "null function reference"],
  ["null_struct_reference", "null structure reference", "null structure reference"],
  ["null_array_reference", "null array reference", "null array reference"],
  ["null_i31_reference", "null i31 reference", "null i31 reference"],
  ["array_out_of_bounds", "out of bounds array access", "out of bounds array access"],
  ["cast_failure", "cast failure", "cast failure"],
  ["internal_check", "BUG: a check of the compiler's own failed", ""],
  ["null_descriptor_reference", "null descriptor reference", "null descriptor reference"],
  ["descriptor_cast_failure", "descriptor cast failure", "descriptor cast failure"],
  ["gc_heap_exhausted", "garbage-collected heap exhausted", "out of memory"],
  ["unaligned_atomic", "unaligned atomic access", "unaligned atomic"],
  ["expected_shared_memory", "expected shared memory: nobody could wake the guest", "expected shared memory"],
  ["null_exception_reference", "null exception reference", "null exception reference"],
  ["null_continuation_reference", "null continuation reference", "null continuation reference"],
  ["continuation_consumed", "continuation already consumed", "continuation already consumed"],
  ["unhandled_tag", "unhandled tag: no resume around the suspension handles it", "unhandled tag"],
  ["growth_failed", "a memory or a table did not grow", "out of memory"],
  // Components (lib/component).
  ["invalid_utf8", "invalid utf8 encoding", "invalid utf8"],
  ["invalid_utf16", "invalid utf16 encoding", "invalid utf16"],
  ["string_out_of_bounds", "string content out-of-bounds", "string content out-of-bounds"],
  ["unaligned_string", "unaligned 16-bit pointer", "unaligned pointer"],
  ["overlapping_strings", "string buffers overlap", "string buffers overlap"],
  ["unknown_handle", "unknown handle index", "unknown handle index"],
  ["wrong_handle_type", "handle index used with the wrong type", "handle index used with the wrong type"],
  ["resource_lent", "cannot remove owned resource while borrowed", "cannot remove owned resource while borrowed"],
  ["resource_not_owned", "cannot lift own resource from a borrow", "cannot lift own resource from a borrow"],
  [
    "borrows_remain",
    "borrow handles still remain at the end of the call",
    "borrow handles still remain at the end of the call",
  ],
  ["handle_table_full", "cannot allocate another handle", "cannot allocate another handle"],
  ["end_not_idle", "cannot transfer a future or stream that is busy or done", "cannot transfer a future or stream"],
  [
    "end_in_waitable_set",
    "cannot transfer a future or stream that is in a waitable set",
    "cannot transfer a future or stream",
  ],
] as const satisfies readonly Row[];

/** The name of a trap. */
export type TrapName = typeof TRAPS[number][0];
/** A trap code: a row number of {@linkcode TRAPS}. */
export type TrapCode = number;

/**
 * Traps that a comparison leads to one of whose sides explains them, their _subject_: the end of the access, the index, the type that was found.
 * Code says where the subject is (`subjectPcs` of a compiled module).
 */
const SUBJECT_TRAPS: readonly TrapName[] = [
  "memory_out_of_bounds",
  "table_out_of_bounds",
  "indirect_call_out_of_bounds",
  "indirect_call_type_mismatch",
  "array_out_of_bounds",
];

/** Trap codes by name. */
export const TrapCode = Object.fromEntries(TRAPS.map(([name], code) => [name, code])) as {
  readonly [N in TrapName]: number;
};

/** By trap code: 1 if it has a subject. */
export const HAS_SUBJECT: Uint8Array = Uint8Array.from(TRAPS, ([name]) => Number(SUBJECT_TRAPS.includes(name)));
