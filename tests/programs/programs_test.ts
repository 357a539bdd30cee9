/** Real programs, run from the command line: exit code and every byte of what they print. */

import { assertEquals } from "@std/assert";
import { runCli, text } from "../cli_process.ts";
import { reportTally } from "../tally.ts";
import { sharedRoot } from "../testdata.ts";
import { programs } from "./collection.ts";

const SHARED = sharedRoot();

async function expected(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch {
    return undefined;
  }
}

Deno.test({
  name: "programs print what they should and exit with 0",
  ignore: SHARED === undefined,
  async fn(t) {
    const root = SHARED!;
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    for (const { folder, file, waitsFor } of programs(root)) {
      if (waitsFor !== undefined) {
        skipped++;
        continue;
      }
      const ok = await t.step(`${folder}/${file}`, async () => {
        const cwd = `${root}/programs/${folder}`;
        const stem = `${cwd}/${file.replace(/\.wasm$/, "")}`;
        const { code, stdout, stderr } = await runCli(["--dir", ".", file], { cwd });
        assertEquals(code, 0, text(stderr).slice(-2000));
        const wantedOut = await expected(`${stem}.stdout.expected`);
        const wantedErr = await expected(`${stem}.stderr.expected`);
        if (wantedOut) {
          assertEquals(text(stdout) === text(wantedOut) && stdout.length === wantedOut.length, true, "stdout differs");
        }
        if (wantedErr) {
          assertEquals(text(stderr) === text(wantedErr) && stderr.length === wantedErr.length, true, "stderr differs");
        }
      });
      if (ok) passed++;
      else failed++;
    }
    reportTally({ suite: "real programs", passed, failed, skipped });
    assertEquals(passed + failed, 24, "not all programs were found");
  },
});

Deno.test("the program of the README reads a file, allocates and prints", async () => {
  const folder = new URL("./wordcount/", import.meta.url).pathname;
  const { code, stdout, stderr } = await runCli(["--dir", ".", "wordcount.wasm", "sample.txt"], { cwd: folder });
  assertEquals(text(stderr), "");
  assertEquals(text(stdout), "12 words, 7 different\n     3 guest\n     3 the\n     2 stack\n     1 a\n     1 its\n");
  assertEquals(code, 0);
});

Deno.test("a program's own exit code passes through", async () => {
  const folder = new URL("./wordcount/", import.meta.url).pathname;
  const { code, stderr } = await runCli(["--dir", ".", "wordcount.wasm"], { cwd: folder });
  assertEquals(text(stderr), "usage: wordcount FILE...\n");
  assertEquals(code, 2);
});
