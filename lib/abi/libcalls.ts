/**
 * THE table of runtime calls: slow paths that leave the guest with status `libcall` and are done in TypeScript.
 *
 * Row: name, parameter kinds, result kind. i: i32, l: i64, r: ref, - none. At most six parameters, all in integer registers (CALL-1);
 * the stub stores them to VMRecord.libArg0.., the number to exitNumber. The result arrives in rax. Any of them may trap. All of them run
 * at a safepoint with every live value in a frame slot.
 */

type Row = readonly [name: string, params: string, result: string];

// deno-fmt-ignore
export const LIBCALLS = [
  ["memory_grow",   "il",     "l"], // memory index, delta in pages -> old size in pages or -1
  ["memory_copy",   "iilll",  "-"], // destination memory, source memory, destination, source, length in bytes
  ["memory_fill",   "ilil",   "-"], // memory, destination, byte, length
  ["memory_init",   "iilii",  "-"], // memory, data segment, destination, source, length
  ["data_drop",     "i",      "-"],
  ["table_grow_func", "ill",  "l"], // table, initial funcref (untagged VMFuncRef address or 0), delta -> old size or -1
  ["table_grow_ref",  "irl",  "l"],
  ["table_fill_func", "illl", "-"], // table, start, untagged funcref, length
  ["table_fill_ref",  "ilrl", "-"],
  ["table_copy",    "iilll",  "-"], // destination table, source table, destination, source, length
  ["table_init",    "iilii",  "-"], // table, element segment, destination, source, length
  ["elem_drop",     "i",      "-"],
  ["table_get_lazy", "il",    "l"], // table, index of an uninitialised element in bounds -> its tagged value, now stored (never 0)
  ["ref_func",      "i",      "l"], // function index -> address of its VMFuncRef
  // Exceptions (exceptions.ts). They come back at a pad, or not at all.
  ["throw",         "i",      "-"], // tag index; payload in the value area, slot k value k
  ["throw_ref",     "r",      "-"], // an exn object; traps on null
  // Objects (gc_layout.ts). "type" is a type index of the module. All of them may collect unless they say otherwise; those on ranges
  // do so at polls between chunks only (BULK-1).
  ["struct_new",    "i",      "r"], // type -> a struct of zeroes: slow path of inline allocation
  ["array_new",     "ii",     "r"], // type, length -> an array of zeroes, of any length: traps when it does not fit
  ["array_new_data", "iiii",  "r"], // type, data segment, offset, length
  ["array_new_elem", "iiii",  "r"], // type, element segment, offset, length
  ["array_fill",    "rilil",  "-"], // array, start, value, length, high half of a v128. Value: bits in the low part, or an untagged funcref.
  ["array_fill_ref", "riri",  "-"], // array, start, REF, length
  ["array_copy",    "ririi",  "-"], // destination, its index, source, its index, length
  ["array_init_data", "iriii", "-"], // data segment, array, index, offset, length
  ["array_init_elem", "iriii", "-"], // element segment, array, index, offset, length
  ["gc_log_full",   "",       "-"], // the log of stores is full (GC-L): empties it. No collection
  ["func_intern",   "l",      "i"], // funcref -> its id, not 0 (0 for null): when VMFuncRef.id is 0. No collection
  ["type_is_subtype", "ii",   "i"], // type word of an object or VMFuncRef.type, type -> 1 if it is that type or below it: displays do not reach. No collection
  // Threads. Addresses are aligned and in bounds.
  ["memory_atomic_wait32", "ilil", "i"], // memory, address, expected, timeout in nanoseconds (negative: none) -> 0 woken, 1 not equal, 2 timed out
  ["memory_atomic_wait64", "illl", "i"],
  ["memory_atomic_notify", "ili",  "i"], // memory, address, how many at most -> how many were woken
  // Continuations (lib/runtime/continuations.ts). "type" is that of the continuation; values go through the value area in both directions.
  ["cont_new",      "il",     "r"], // type, function
  ["cont_bind",     "iir",    "r"], // type, type of the result, continuation; the values that are bound in the area
  ["cont_resume",   "ir",     "-"], // type, continuation. Comes back when it is done, or at a pad
  ["cont_resume_throw", "ir", "-"], // tag, continuation; payload in the area. Likewise
  ["cont_resume_throw_ref", "rr", "-"], // exception, continuation. Likewise
  ["cont_suspend",  "i",      "-"], // tag; payload in the area. Comes back when it is resumed, or at a pad
  ["cont_switch",   "iir",    "-"], // type, tag, continuation; values in the area. Likewise
] as const satisfies readonly Row[];

/** The name of a runtime call. */
export type LibcallName = typeof LIBCALLS[number][0];

/** Libcall numbers by name. */
export const Libcall = Object.fromEntries(LIBCALLS.map(([name], number) => [name, number])) as {
  readonly [N in LibcallName]: number;
};
