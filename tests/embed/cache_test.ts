/** The cache of compiled modules: through the API, through the command line, and what happens when it cannot be used. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { DiskCache, Engine, type EngineConfig, Instance, Module, Store } from "../../mod.ts";
import { runCli, text } from "../cli_process.ts";
import { wat } from "../wat.ts";
import { withFolder } from "./cache_folder.ts";

const ROOT = new URL("../../", import.meta.url);
const BYTES = wat(`(module (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))`);
const OTHER = wat(`(module (func (export "twice") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1))))`);

/** Makes a module; says whether it was compiled, and checks that it computes. */
function load(config: EngineConfig, bytes: Uint8Array<ArrayBuffer> = BYTES): "compiled" | "found" {
  using engine = new Engine(config);
  using store = new Store(engine);
  let how: "compiled" | "found" = "found";
  const module = new Module(engine, bytes, { onProgress: () => how = "compiled" });
  if (config.fuel) store.fuel = 1000;
  assertEquals(new Instance(store, module).exports.twice(21), 42);
  return how;
}

function entries(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

Deno.test("an engine with a cache compiles a module once, whatever the engine, as long as the options are equal", () =>
  withFolder((directory) => {
    const cache = new DiskCache({ directory });
    const configs: EngineConfig[] = [
      {},
      { bounds: "explicit" },
      { effort: "none" },
      { interruption: true },
      { fuel: true },
      { tables: "eager" },
      { stress: { poison: true } },
      { stress: { registers: 6 } },
      { features: ["mutable-globals"] },
    ];
    for (const config of configs) assertEquals(load({ ...config, cache }), "compiled", JSON.stringify(config));
    for (const config of configs) assertEquals(load({ ...config, cache }), "found", JSON.stringify(config));
    assertEquals(cache.usage().entries, configs.length);
    assertEquals(load({ cache }, OTHER), "compiled");
    assertEquals(load({ cache }, OTHER), "found");
    assertEquals(load({}), "compiled");
    // A checker that does not run checks nothing, and what an optimiser does nobody knows.
    assertEquals(load({ cache, checks: "on" }), "compiled");
    assertEquals(load({ cache, optimizer: (bytes) => bytes }), "compiled");
    assertEquals(cache.usage().entries, configs.length + 1);
    assertEquals(cache.problem, undefined);
  }));

Deno.test("a module out of the cache is the one that was compiled", () =>
  withFolder((directory) => {
    using engine = new Engine({ cache: new DiskCache({ directory }) });
    assertEquals(Module.fromCache(engine, BYTES), undefined);
    const compiled = new Module(engine, BYTES);
    const found = Module.fromCache(engine, BYTES)!;
    assertEquals(found.compiled, compiled.compiled);
    assertEquals(found.serialize(), compiled.serialize());
    assertEquals(Module.fromCache(engine, OTHER), undefined);
    using without = new Engine();
    assertEquals(Module.fromCache(without, BYTES), undefined);
    assertThrows(() => Module.fromCache(engine, "bytes" as never), TypeError);
    assertThrows(() => new Engine({ cache: directory as never }), TypeError, "cache is a DiskCache");
  }));

Deno.test("entries that are swapped, damaged or of another kind are compiled again and replaced", () =>
  withFolder((directory) => {
    const cache = new DiskCache({ directory });
    load({ cache });
    const [mine] = entries(directory);
    load({ cache }, OTHER);
    const theirs = entries(directory).find((name) => name !== mine)!;
    Deno.copyFileSync(`${directory}/${theirs}`, `${directory}/${mine}`);
    assertEquals([load({ cache }), load({ cache })], ["compiled", "found"]);
    const bytes = Deno.readFileSync(`${directory}/${mine}`);
    bytes[bytes.length >> 1] ^= 1;
    Deno.writeFileSync(`${directory}/${mine}`, bytes);
    assertEquals([load({ cache }), load({ cache })], ["compiled", "found"]);
    // Written by the cache itself, and no artifact.
    cache.write(Uint8Array.fromHex(mine), new TextEncoder().encode("not an artifact"));
    assertEquals([load({ cache }), load({ cache })], ["compiled", "found"]);
    assertEquals(cache.problem, undefined);
  }));

Deno.test("serialize() gives equal bytes in other processes, at each effort", async () => {
  const script = `
    import { Engine, Module } from ${JSON.stringify(new URL("mod.ts", ROOT).href)};
    const bytes = Deno.readFileSync(Deno.args[0]);
    for (const effort of ["none", "speed"]) {
      const artifact = new Module(new Engine({ effort }), bytes).serialize();
      console.log(artifact.length, new Uint8Array(await crypto.subtle.digest("SHA-256", artifact)).toHex());
    }`;
  const program = new URL("tests/programs/wordcount/wordcount.wasm", ROOT).pathname;
  const outputs = await Promise.all(["/tmp", ROOT.pathname].map(async (cwd) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `data:application/typescript;base64,${btoa(script)}`, program],
      cwd,
      env: { TZ: cwd === "/tmp" ? "Asia/Tokyo" : "UTC", NO_COLOR: "1" },
    }).output();
    assertEquals(code, 0, text(stderr));
    return text(stdout).trim().split("\n");
  }));
  assertEquals(outputs[0], outputs[1]);
  const here = [];
  for (const effort of ["none", "speed"] as const) {
    using engine = new Engine({ effort });
    const artifact = new Module(engine, Deno.readFileSync(program)).serialize();
    here.push(`${artifact.length} ${new Uint8Array(await crypto.subtle.digest("SHA-256", artifact)).toHex()}`);
    assert(!text(artifact).includes(ROOT.pathname), "a path");
  }
  assertEquals(here, outputs[0]);
});

const PROGRAM = new URL("tests/programs/wordcount/wordcount.wasm", ROOT).pathname;
const SAMPLE = ["--dir", `${new URL("tests/programs/wordcount", ROOT).pathname}::.`, PROGRAM, "sample.txt"];

Deno.test("cli keeps what it compiles, reads it back, and manages the folder", () =>
  withFolder(async (directory) => {
    const here = ["--cache-dir", directory];
    const first = await runCli([...here, ...SAMPLE]);
    assertEquals([first.code, text(first.stderr)], [0, ""]);
    const [name, ...more] = entries(directory);
    assertEquals(more, []);
    const { ino } = Deno.statSync(`${directory}/${name}`);
    const second = await runCli([...here, ...SAMPLE]);
    assertEquals([second.code, text(second.stdout), text(second.stderr)], [0, text(first.stdout), ""]);
    assertEquals(Deno.statSync(`${directory}/${name}`).ino, ino, "it was written again");
    assertEquals((await runCli([...here, "--bounds", "explicit", ...SAMPLE])).code, 0);
    assertEquals(entries(directory).length, 2);

    const bytes = entries(directory).reduce((sum, entry) => sum + Deno.statSync(`${directory}/${entry}`).size, 0);
    const command = async (action: string, options: string[] = here) => {
      const result = await runCli(["cache", ...options, action]);
      return [result.code, text(result.stdout), text(result.stderr)];
    };
    assertEquals(await command("path"), [0, `${directory}\n`, ""]);
    assertEquals(await command("size"), [0, `2 modules, ${bytes} bytes\n`, ""]);
    assertEquals(await command("clear"), [0, "", ""]);
    assertEquals(await command("size"), [0, "0 modules, 0 bytes\n", ""]);
    assertMatch(`${await command("burn")}`, /^2,,error: cache burn: expected path, size, clear/);

    // Where the platform says, unless the user says otherwise; and not at all.
    const env = { XDG_CACHE_HOME: `${directory}/home` };
    assertEquals((await runCli(["--no-cache", ...SAMPLE], { env })).code, 0);
    assertEquals(entries(directory), []);
    assertEquals((await runCli(SAMPLE, { env })).code, 0);
    assertEquals(entries(`${directory}/home/theropod`).length, 1);
  }));

Deno.test("cli runs without the cache that it may not use, with one warning", () =>
  withFolder(async (directory) => {
    const folder = new URL("tests/programs/wordcount", ROOT).pathname;
    const permissions = ["--allow-ffi", `--allow-read=${ROOT.pathname},${folder}`, `--allow-write=${folder}`];
    const cases: [string[], string[], RegExp][] = [
      [permissions, [], /^warning: there is no cache: .*--allow-env does not cover them; --no-cache does without\n$/],
      [permissions, ["--cache-dir", directory], /^warning: the cache .* needs the permission --allow-read=.*\n$/],
      [
        [...permissions, `--allow-read=${ROOT.pathname},${folder},${directory}`],
        ["--cache-dir", directory],
        /--allow-write=/,
      ],
      [
        ["--allow-all"],
        ["--cache-dir", "/proc/theropod"],
        /^warning: the cache \/proc\/theropod cannot be used: .*\n$/,
      ],
      [permissions, ["--no-cache"], /^$/],
    ];
    for (const [granted, options, expected] of cases) {
      const { code, stdout, stderr } = await runCli([...options, ...SAMPLE], { permissions: granted });
      assertEquals(code, 0, text(stderr));
      assertStringIncludes(text(stdout), " different\n");
      assertMatch(text(stderr), expected);
      assert(text(stderr).split("\n").length <= 2, text(stderr));
    }
  }));

Deno.test("cli runs machine code only if it is told to", () =>
  withFolder(async (directory) => {
    const path = `${directory}.wasm`;
    assertEquals((await runCli(["compile", "-o", path, PROGRAM])).code, 0);
    const [, , , file] = [...SAMPLE.slice(0, 2), "", "sample.txt"];
    const args = [...SAMPLE.slice(0, 2), path, file];
    const refused = await runCli(args);
    assertEquals([refused.code, text(refused.stdout)], [1, ""]);
    assertMatch(text(refused.stderr), /^error: .*is compiled already, .*--allow-precompiled.*\n$/);
    assertEquals((await runCli(["--allow-precompiled", ...args])).code, 0);
  }));

Deno.test("a run whose module the cache has imports nothing of the compiler", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "lib/cli/run.ts"],
    cwd: ROOT,
  }).output();
  assertEquals(code, 0);
  const modules = new Map<string, string[]>();
  for (const { specifier, dependencies = [] } of JSON.parse(text(stdout)).modules) {
    const fixed = dependencies.filter(({ isDynamic, code }: { isDynamic?: boolean; code?: unknown }) =>
      !isDynamic && code
    );
    modules.set(specifier, fixed.map(({ code }: { code: { specifier: string } }) => code.specifier));
  }
  const seen = new Set<string>();
  const visit = (specifier: string): void => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    modules.get(specifier)?.forEach(visit);
  };
  visit(new URL("lib/cli/run.ts", ROOT).href);
  assert(seen.size > 100, `${seen.size} files`);
  const compiler = new RegExp(`^${ROOT.href}lib/(?:ir|x64|regalloc|translate|codegen|compile|text|symbols)/`);
  assertEquals([...seen].filter((specifier) => compiler.test(specifier)), []);
});
