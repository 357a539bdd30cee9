/** Programs that print little: the whole linear memory at `bench.end` must be what it is on V8. */

import { assertEquals } from "@std/assert";
import { sharedRoot } from "../testdata.ts";

const SHARED = sharedRoot();

const SILENT = [
  "shootout/shootout-ed25519",
  "shootout/shootout-gimli",
  "shootout/shootout-heapsort",
  "shootout/shootout-keccak",
  "shootout/shootout-memmove",
  "shootout/shootout-minicsv",
  "richards/benchmark",
];

async function memoryHash(runner: string, program: string, ...flags: string[]): Promise<number> {
  const path = `${SHARED}/programs/${program}.wasm`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      new URL(`../../benches/${runner}`, import.meta.url).pathname,
      "--hash",
      ...flags,
      path,
      path.slice(0, path.lastIndexOf("/")),
    ],
    stdout: "null",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stderr).trimEnd();
  assertEquals(code, 0, text);
  const { hash } = JSON.parse(text.split("\n").at(-1)!);
  assertEquals(typeof hash, "number");
  return hash;
}

for (const program of SILENT) {
  Deno.test({
    name: `${program} leaves the memory that V8 leaves`,
    ignore: SHARED === undefined,
    async fn() {
      const expected = await memoryHash("v8_runner.ts", program);
      assertEquals(await memoryHash("theropod_runner.ts", program), expected, "guard pages");
      assertEquals(
        await memoryHash("theropod_runner.ts", program, "--bounds", "explicit"),
        expected,
        "explicit checks",
      );
      assertEquals(await memoryHash("theropod_runner.ts", program, "--stress"), expected, "stress");
    },
  });
}
