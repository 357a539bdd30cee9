/**
 * The ground floor: data structures that know nothing of WebAssembly, machines or Deno.
 *
 * May import: nothing.
 *
 * BASE-1  Storage classes (`CodeBuffer`, `IntList`, `BitSet`) keep their storage across `reset`: a pass that reuses one
 *         allocates nothing after warm-up.
 * BASE-2  Typed-array fields move when they grow; whoever hoists one re-reads it after anything that appends.
 *
 * @module
 */
export * from "./bug.ts";
export * from "./ids.ts";
export * from "./columns.ts";
export * from "./code_buffer.ts";
export * from "./bitset.ts";
export * from "./sha256.ts";
export * from "./version.ts";
