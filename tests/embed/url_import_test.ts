/** Embedding by URL: no import map applies there, so only relative and inline `npm:` specifiers may be reachable from the entry points. */

import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** Serves the repository's files on a free port while `work` runs. */
async function withServer(work: (origin: string) => Promise<void>): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    try {
      const body = await Deno.readFile(new URL("." + pathname, ROOT));
      return new Response(body, { headers: { "content-type": "application/typescript" } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  try {
    await work(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

async function runScript(flags: readonly string[], script: string, args: readonly string[] = []): Promise<string> {
  // A cache of its own: the port is new at each run, and what is fetched must not pile up.
  const cache = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-config", "--no-lock", ...flags, script, ...args],
      env: { DENO_DIR: cache, NO_COLOR: "1" },
      cwd: cache,
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

Deno.test("mod.ts is imported by URL and runs a guest with --allow-ffi alone", async () => {
  await withServer(async (origin) => {
    const source = `import { Engine, Instance, Module, Store } from ${JSON.stringify(`${origin}/mod.ts`)};
      const bytes = Uint8Array.fromBase64("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=");
      using engine = new Engine();
      using store = new Store(engine);
      console.log(new Instance(store, new Module(engine, bytes)).exports.add(40, 2));`;
    const host = new URL(origin).host;
    const output = await runScript(
      ["--allow-ffi", `--allow-import=${host}`],
      `data:application/typescript;base64,${btoa(source)}`,
    );
    assertEquals(output, "42\n");
  });
});

Deno.test("cli.ts runs from a URL", async () => {
  await withServer(async (origin) => {
    const program = new URL("tests/programs/wordcount/", ROOT).pathname;
    const output = await runScript(
      ["--allow-all"],
      `${origin}/cli.ts`,
      ["--dir", `${program}::.`, `${program}wordcount.wasm`, "sample.txt"],
    );
    assertEquals(output.split("\n")[0], "12 words, 7 different");
  });
});
