/**
 * Random programs over objects: our engine, plain and collecting at every allocation, against V8. `FUZZ_SEED` and `FUZZ_COUNT` choose
 * others.
 */

import { assert, assertEquals } from "@std/assert";
import { wat } from "../wat.ts";
import { reportTally } from "../tally.ts";
import { EXPORTS, generateGcProgram } from "./generators/gc_program.ts";
import { Random } from "./generators/random.ts";
import {
  type Configuration,
  configurationName,
  CONFIGURATIONS,
  COUNTING_CONFIGURATIONS,
  type Session,
  TheropodSession,
  V8Session,
} from "./oracles/engines.ts";

const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const COUNT = Number(Deno.env.get("FUZZ_COUNT") ?? 150);
const BUDGET_MS = Deno.env.has("FUZZ_COUNT") ? Infinity : 15_000;
const ARGUMENTS: readonly (readonly [number, number])[] = [[0, 0], [1, 2], [-1, 77], [12345, -9], [3, 3]];

/** Messages of traps, ours and V8's, by what they mean. */
const KINDS: readonly (readonly [part: string, kind: string])[] = [
  ["null", "null"],
  ["illegal cast", "cast"],
  ["cast failure", "cast"],
  ["array element access out of bounds", "bounds"],
  ["out of bounds array access", "bounds"],
  ["array", "bounds"],
  ["data segment", "segment"],
  ["element segment", "table"],
  ["out of bounds memory access", "segment"],
  ["memory access out of bounds", "segment"],
  ["table", "table"],
  ["unreachable", "unreachable"],
  ["Maximum call stack", "stack"],
  ["call stack exhausted", "stack"],
];

function kindOf(error: unknown): string {
  const { message } = error as Error;
  const found = KINDS.find(([part]) => message.includes(part));
  if (found === undefined) throw error;
  return found[1];
}

/** What the exports give, call after call: the program's globals and tables live on. */
function run(session: Session, bytes: Uint8Array<ArrayBuffer>): string[] {
  const guest = session.instantiate(bytes, {});
  const lines: string[] = [];
  for (const args of ARGUMENTS) {
    for (let k = 0; k < EXPORTS; k++) {
      guest.func("start")();
      try {
        lines.push(`t${k}(${args}) = ${guest.func(`t${k}`)(...args)}`);
      } catch (error) {
        lines.push(`t${k}(${args}) traps: ${kindOf(error)}`);
      }
    }
  }
  return lines;
}

Deno.test("random programs over objects do what V8 does", () => {
  const started = performance.now();
  let same = 0, results = 0;
  const failures: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT && performance.now() - started < BUDGET_MS; seed++) {
    const bytes = wat(generateGcProgram(new Random(seed)));
    const expected = run(new V8Session(), bytes);
    results += expected.filter((line) => line.includes("=")).length;
    const others: readonly Configuration[] = [
      CONFIGURATIONS[0],
      CONFIGURATIONS[1 + seed % (CONFIGURATIONS.length - 1)],
      COUNTING_CONFIGURATIONS[seed % COUNTING_CONFIGURATIONS.length],
    ];
    for (const configuration of others) {
      using session = new TheropodSession(configuration);
      const actual = run(session, bytes);
      const line = expected.findIndex((text, i) => text !== actual[i]);
      if (line < 0) same++;
      else {
        failures.push(
          `seed ${seed}, ${configurationName(configuration)}:\nV8:   ${expected[line]}\nours: ${actual[line]}`,
        );
      }
    }
    if (failures.length > 5) break;
  }
  reportTally({ suite: "random programs over objects", passed: same, failed: failures.length, skipped: 0 });
  assertEquals(failures, []);
  // Programs that mostly trap would say little.
  assert(results > same * 2, `${results} results in ${same} runs`);
});
