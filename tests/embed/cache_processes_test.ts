/**
 * Several processes and one cache: they write the same keys while they are killed at random moments, they read while others evict, the disk is full
 * or read-only. Whatever happens, an entry is absent or right, and nobody fails.
 *
 * FUZZ_COUNT says how many are killed.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { DiskCache, Engine, Instance, Module, Store } from "../../mod.ts";
import { Random } from "../fuzz/generators/random.ts";
import { reportTally } from "../tally.ts";
import { wat } from "../wat.ts";
import { withFolder } from "./cache_folder.ts";
import { keyOf, KEYS, payloadOf } from "./cache_process.ts";

const SCRIPT = new URL("cache_process.ts", import.meta.url).pathname;
const DENO = [Deno.execPath(), "run", "--allow-all", "--no-check", SCRIPT];
const PROCESSES = 8;
/** A name of an entry, and one of a file that is being written. */
const ENTRY = /^[0-9a-f]{64}$/, TEMPORARY = /^[0-9a-f]{64}\.\d+-[0-9a-f]{16}\.tmp$/;

function isEntry({ name }: Deno.DirEntry): boolean {
  return ENTRY.test(name);
}

/** Runs a script of the shell in a mount namespace of its own; undefined where that is not possible. */
async function inNamespace(
  script: string,
  ...args: string[]
): Promise<{ code: number; lines: string[]; errors: string } | undefined> {
  try {
    const probe = await new Deno.Command("unshare", { args: ["-rm", "mount", "-t", "tmpfs", "none", "/mnt"] }).output();
    if (probe.code !== 0) return undefined;
  } catch {
    return undefined;
  }
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["-rm", "sh", "-ec", script, "sh", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  return { code, lines: text.decode(stdout).trim().split("\n"), errors: text.decode(stderr) };
}

async function run(...args: string[]): Promise<Record<string, unknown>> {
  const { code, signal, stdout, stderr } = await new Deno.Command(DENO[0], { args: [...DENO.slice(1), ...args] })
    .output();
  assertEquals([code, signal], [0, null], new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("processes that write the same keys and are killed at random moments leave only whole entries", () =>
  withFolder(async (directory) => {
    const kills = Number(Deno.env.get("FUZZ_COUNT") ?? 24);
    const random = new Random(Number(Deno.env.get("FUZZ_SEED") ?? 1));
    let left = kills;
    let killedWriting = 0;
    const work = async () => {
      while (left-- > 0) {
        const writer = new Deno.Command(DENO[0], {
          args: [...DENO.slice(1), "writer", directory, String(random.next())],
          stdout: "piped",
          stderr: "inherit",
        }).spawn();
        const lines = writer.stdout.getReader();
        const { value } = await lines.read();
        assertEquals(new TextDecoder().decode(value), "ready\n");
        await new Promise((resolve) => setTimeout(resolve, random.below(40)));
        // On a busy machine nobody may have come as far as an entry: the last one has the time that it takes.
        for (let wait = 0; left <= 0 && wait < 3000 && ![...Deno.readDirSync(directory)].some(isEntry); wait++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        writer.kill("SIGKILL");
        const { signal } = await writer.status;
        assertEquals(signal, "SIGKILL");
        await lines.cancel();
      }
    };
    await Promise.all(Array.from({ length: PROCESSES }, work));

    let found = 0;
    const cache = new DiskCache({ directory });
    for (let index = 0; index < KEYS; index++) {
      const payload = cache.read(keyOf(index));
      if (payload === undefined) continue;
      assertEquals(payload.toHex() === payloadOf(index).toHex(), true, `key ${index}`);
      found++;
    }
    for (const { name } of Deno.readDirSync(directory)) {
      assert(ENTRY.test(name) || TEMPORARY.test(name), name);
      if (TEMPORARY.test(name)) killedWriting++;
    }
    // Each name of an entry leads to one: a file is renamed when it is whole.
    assertEquals(cache.usage().entries, found);
    assert(found > 0);
    if (kills >= 100) assert(killedWriting > 0, "nobody was killed in the middle of writing");
    // What the dead left goes with the first write after a while.
    for (const { name } of Deno.readDirSync(directory)) {
      if (TEMPORARY.test(name)) Deno.utimeSync(`${directory}/${name}`, 1, 1);
    }
    cache.write(keyOf(0), payloadOf(0));
    assert([...Deno.readDirSync(directory)].every(isEntry));
    assertEquals(cache.problem, undefined);
    reportTally({ suite: "writers of the cache killed", passed: kills, failed: 0, skipped: 0 });
  }));

Deno.test("processes read right entries or none while others write and evict them", () =>
  withFolder(async (directory) => {
    const maximumBytes = String(1_200_000);
    const writers = [1, 2].map((seed) =>
      new Deno.Command(DENO[0], {
        args: [...DENO.slice(1), "writer", directory, String(seed), maximumBytes],
        stdout: "null",
        stderr: "inherit",
      }).spawn()
    );
    try {
      const readers = await Promise.all([3, 4].map((seed) => run("reader", directory, String(seed), maximumBytes)));
      for (const { found, missing, wrong, problem } of readers) {
        assertEquals([wrong, problem], [0, undefined]);
        assert(found as number > 0 && missing as number > 0, JSON.stringify(readers));
      }
    } finally {
      for (const writer of writers) {
        writer.kill("SIGKILL");
        await writer.status;
      }
    }
    assert(new DiskCache({ directory }).usage().bytes <= Number(maximumBytes) + 300_000);
  }));

Deno.test("a process that may not write long files keeps the short ones and lives", () =>
  withFolder(async (directory) => {
    const { found, missing, wrong, problem } = await run("limited", directory, "1");
    assertEquals(wrong, 0);
    assertEquals(found as number + (missing as number), KEYS);
    assert(missing as number > 0);
    assertMatch(String(problem), /cannot be written: files may not be longer than 65536 bytes/);
    assert([...Deno.readDirSync(directory)].every(({ name }) => ENTRY.test(name)));
  }));

Deno.test("a full disk and a disk that is read only are told once, and what was kept is read", async (t) => {
  const full = await inNamespace(
    `mount -t tmpfs -o size=1m,mode=700 none /mnt; "$@" filler /mnt 1; ls /mnt | grep -c tmp || true
     mount -o remount,ro /mnt; "$@" filler /mnt 1`,
    ...DENO,
  );
  await t.step({
    name: "in a file system of one MiB",
    ignore: full === undefined,
    fn: () => {
      const { code, lines, errors } = full!;
      assertEquals(code, 0, errors);
      const [first, temporaries, second] = lines.map((line) => JSON.parse(line));
      assertEquals([first.wrong, second.wrong, temporaries], [0, 0, 0]);
      assert(first.found > 0 && first.missing > 0, JSON.stringify(first));
      assertEquals(second.found, first.found);
      assertMatch(first.problem, /cannot be written: No space left on device/);
      assertMatch(second.problem, /cannot be written: Read-only file system/);
    },
  });
});

Deno.test("compilation goes on when the cache stops working", () =>
  withFolder((directory) => {
    const problems: string[] = [];
    const cache = new DiskCache({ directory, onProblem: (problem) => problems.push(problem) });
    using engine = new Engine({ cache });
    using store = new Store(engine);
    const answer = (value: number) => {
      const module = new Module(engine, wat(`(module (func (export "f") (result i32) (i32.const ${value})))`));
      return new Instance(store, module).exports.f();
    };
    assertEquals(answer(1), 1);
    Deno.removeSync(directory, { recursive: true });
    assertEquals([answer(1), answer(2), answer(2)], [1, 2, 2]);
    assertEquals(problems.length, 1);
    assertMatch(problems[0], /cannot be written/);
  }));
