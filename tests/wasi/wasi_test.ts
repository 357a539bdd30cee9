/** The WASI preview 1 conformance programs, run from the command line as their .json files say. */

import { assertEquals } from "@std/assert";
import { runCli, text } from "../cli_process.ts";
import { reportTally } from "../tally.ts";
import { sharedRoot } from "../testdata.ts";

const SHARED = sharedRoot();

/** The fields of a program's .json file. */
interface Expectation {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly root?: string;
  readonly stdout?: string;
  readonly exit_code?: number;
}

function expectation(path: string): Expectation {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.writeFile(`${to}/${name}`, await Deno.readFile(`${from}/${name}`));
  }
}

Deno.test({
  name: "WASI programs behave as their descriptions say",
  ignore: SHARED === undefined,
  async fn(t) {
    let passed = 0;
    let failed = 0;
    for (const suite of ["p1-assemblyscript", "p1-c", "p1-rust"]) {
      const folder = `${SHARED}/wasi/${suite}`;
      const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".wasm"))
        .sort();
      for (const file of files) {
        const ok = await t.step(`${suite}/${file}`, async () => {
          const { args = [], env = {}, root, stdout: wanted, exit_code = 0 } = expectation(
            `${folder}/${file.replace(/\.wasm$/, ".json")}`,
          );
          const temporary = await Deno.makeTempDir();
          try {
            const options = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
            if (root !== undefined) {
              await copyFolder(`${folder}/${root}`, `${temporary}/root`);
              options.push("--dir", `${temporary}/root::/`);
            }
            const { code, stdout, stderr } = await runCli([...options, `${folder}/${file}`, ...args]);
            assertEquals(code, exit_code, text(stderr));
            if (wanted !== undefined) assertEquals(text(stdout), wanted);
          } finally {
            await Deno.remove(temporary, { recursive: true });
          }
        });
        if (ok) passed++;
        else failed++;
      }
    }
    reportTally({ suite: "WASI programs", passed, failed, skipped: 0 });
    assertEquals(passed + failed, 56, "not all programs were found");
  },
});
