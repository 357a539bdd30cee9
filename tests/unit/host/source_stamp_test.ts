import { assert, assertEquals, assertNotEquals } from "@std/assert";

const ROOT = new URL("../../../", import.meta.url);

/** The stamp that a process takes which finds the sources in `folder`. */
async function stampIn(folder: string, permission = "--allow-read", before = ""): Promise<string> {
  const script = `${before}; const { sourceStamp } = await import("file://${folder}/lib/host/source_stamp.ts");
    console.log(sourceStamp(["base", "x64"]));`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", permission, `data:application/typescript;base64,${btoa(script)}`],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("sourceStamp() tells sources from those that were edited, and from those it cannot look at", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "theropod-stamp-" });
  try {
    const copy = (path: string) => {
      Deno.mkdirSync(`${folder}/${path}`, { recursive: true });
      for (const { name, isDirectory } of Deno.readDirSync(new URL(path, ROOT))) {
        if (isDirectory) copy(`${path}/${name}`);
        else {
          Deno.copyFileSync(new URL(`${path}/${name}`, ROOT), `${folder}/${path}/${name}`);
          Deno.utimeSync(`${folder}/${path}/${name}`, 1000, 1000);
        }
      }
    };
    for (const layer of ["base", "x64", "ir"]) copy(`lib/${layer}`);
    Deno.mkdirSync(`${folder}/lib/host`);
    Deno.copyFileSync(new URL("lib/host/source_stamp.ts", ROOT), `${folder}/lib/host/source_stamp.ts`);

    const first = await stampIn(folder);
    assert(first.startsWith(`${folder}/lib/ `), first);
    assertEquals(await stampIn(folder), first);
    // Another layer, the same text written again, and a text that is one longer.
    Deno.writeTextFileSync(`${folder}/lib/ir/mod.ts`, "// other");
    assertEquals(await stampIn(folder), first);
    const path = `${folder}/lib/x64/forms/alu.ts`;
    Deno.utimeSync(path, 1001, 1001);
    const second = await stampIn(folder);
    assertNotEquals(second, first);
    Deno.writeTextFileSync(path, " ", { append: true });
    Deno.utimeSync(path, 1000, 1000);
    const third = await stampIn(folder);
    assert(third !== first && third !== second);
    // Edited after the process has started: it may have loaded either.
    const later = `Deno.utimeSync(${JSON.stringify(path)}, Date.now() / 1000 + 10, Date.now() / 1000 + 10)`;
    assertEquals(await stampIn(folder, "--allow-all", later), "undefined");
    Deno.utimeSync(path, 1000, 1000);
    assertEquals(await stampIn(folder), third);
    assertEquals(await stampIn(folder, "--allow-read=/nowhere"), "undefined");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
