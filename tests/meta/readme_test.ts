/** Every shell block of the README runs; its TypeScript blocks run as documentation tests. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { CACHE_ENV } from "../cli_process.ts";

const ROOT = new URL("../../", import.meta.url);
const README = Deno.readTextFileSync(new URL("README.md", ROOT));

/** The lines of the README's `sh` blocks. */
function shellLines(): string[] {
  return [...README.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) => block.trim().split("\n"));
}

Deno.test("the README's commands run", async (t) => {
  // A folder that looks like the checkout, so that what the commands write does not land there.
  const folder = await Deno.makeTempDir();
  try {
    for (const { name, isDirectory } of Deno.readDirSync(ROOT)) {
      if (name.startsWith(".")) continue;
      // A guest does not get through a link that leads out of its folder.
      if (isDirectory) await Deno.symlink(new URL(name, ROOT), `${folder}/${name}`);
      else await Deno.copyFile(new URL(name, ROOT), `${folder}/${name}`);
    }
    const lines = shellLines();
    assertEquals(lines.length >= 5, true, "the README has lost its commands");
    for (const line of lines) {
      const [, flavour, rest] = line.match(/^(npx --yes deno@[\d.]+|deno) (.*)$/) ?? [];
      assertEquals(flavour !== undefined, true, `not a deno command: ${line}`);
      // The command that runs the tests is this run.
      if (rest === "task test") continue;
      await t.step(rest, async () => {
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: rest.split(" "),
          cwd: folder,
          env: { NO_COLOR: "1", ...CACHE_ENV },
        }).output();
        assertEquals(code, 0, new TextDecoder().decode(stderr));
        if (rest.includes("README.md")) assertStringIncludes(new TextDecoder().decode(stdout), " different\n");
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("CI runs the tests by the README's command", () => {
  const command = shellLines().find((line) => line.endsWith("task test"))!;
  assertStringIncludes(Deno.readTextFileSync(new URL(".ci/run", ROOT)), command);
});

Deno.test("the version in the README is the version that runs", () => {
  for (const [, version] of README.matchAll(/deno@([\d.]+)/g)) assertEquals(version, "2.9.6");
});
