/**
 * Every row of the opcode table with a signature is swept over edge values by some test, in all forms of operands; here is which. A new row
 * that none of them takes up fails.
 */

import { assert, assertEquals } from "@std/assert";
import { OPCODES, type OpName } from "../../lib/wasm/mod.ts";
import { ACCESS_ROWS, PURE_ROWS } from "./generators/numeric_rows.ts";
import { VECTOR_ROWS } from "./generators/vector_rows.ts";

type Row = typeof OPCODES[number];

const named = (rows: readonly { readonly name: OpName }[]) => {
  const names = new Set<string>(rows.map(({ name }) => name));
  return ([name]: Row) => names.has(name);
};

/** Who sweeps what: the rows that the test derives from the table. */
const SWEEPS: Readonly<Record<string, (row: Row) => boolean>> = {
  "single_op_test.ts": named(PURE_ROWS),
  "address_test.ts": named(ACCESS_ROWS),
  "vector_op_test.ts": ([name, , immediates, , feature]) =>
    feature === "relaxed-simd" || named(VECTOR_ROWS)([name] as unknown as Row) && !immediates.startsWith("memarg"),
  "memory_kinds_test.ts, vectors": ([, , immediates, , feature]) =>
    feature === "simd" && immediates.startsWith("memarg"),
  "memory_kinds_test.ts, atomics": ([name, , , , feature]) => feature === "threads" && /\.(load|store|rmw)/.test(name),
  "../embed/threads_test.ts": ([name, , , , feature]) => feature === "threads" && /wait|notify|fence/.test(name),
  "memory_kinds_test.ts, bulk": ([, , immediates]) => /^(data )?memory$/.test(immediates),
  "../embed/wide_arithmetic_test.ts": ([, , , , feature]) => feature === "wide-arithmetic",
  "every test, as operands": ([name]) => /\.const$/.test(name),
};

/** Rows without operands and results, and those that only drop a segment. */
const NOTHING_TO_SWEEP: readonly OpName[] = ["nop", "data.drop", "elem.drop"];

Deno.test("every regular row of the opcode table is in exactly one sweep", () => {
  const wrong: string[] = [];
  const counts: Record<string, number> = {};
  for (const row of OPCODES) {
    const [name, , , signature] = row;
    if (signature === "*") continue;
    const takers = Object.keys(SWEEPS).filter((sweep) => SWEEPS[sweep](row));
    for (const sweep of takers) counts[sweep] = (counts[sweep] ?? 0) + 1;
    const isNothing = (NOTHING_TO_SWEEP as readonly string[]).includes(name);
    if (takers.length !== (isNothing ? 0 : 1)) wrong.push(`${name}: ${takers.length === 0 ? "none" : takers}`);
  }
  assertEquals(wrong, []);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  assert(total > 400, `${total} rows: ${JSON.stringify(counts)}`);
  for (const sweep of Object.keys(SWEEPS)) assert(counts[sweep] > 0, `${sweep} sweeps nothing`);
});
