import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { sha256 } from "../../../lib/base/mod.ts";
import { DiskCache, type DiskCacheOptions } from "../../../lib/host/mod.ts";

const key = (name: string) => sha256([new TextEncoder().encode(name)]);
const KEY = key("one");
const PAYLOAD = Uint8Array.from({ length: 5000 }, (_, i) => i * 7 + (i >> 8));

/** Runs `use` with a cache in a folder of its own, and what it complained of. */
function withCache(
  use: (cache: DiskCache, directory: string, problems: string[]) => void,
  options: Partial<DiskCacheOptions> = {},
): void {
  const folder = Deno.makeTempDirSync();
  const directory = `${folder}/a/theropod`;
  const problems: string[] = [];
  try {
    use(new DiskCache({ directory, onProblem: (problem) => problems.push(problem), ...options }), directory, problems);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The path of the only file of a folder. */
function onlyFile(directory: string): string {
  const [{ name }, ...more] = [...Deno.readDirSync(directory)];
  assertEquals(more, []);
  return `${directory}/${name}`;
}

Deno.test("DiskCache gives back what was written, to other objects too, and nothing else", () => {
  withCache((cache, directory, problems) => {
    assertEquals(cache.read(KEY), undefined);
    cache.write(KEY, PAYLOAD);
    assertEquals(cache.read(KEY), PAYLOAD);
    assertEquals(cache.read(key("two")), undefined);
    cache.write(key("two"), new Uint8Array(0));
    const again = new DiskCache({ directory: new URL(`file://${directory}/`) });
    assertEquals(again.directory, directory);
    assertEquals(again.read(KEY), PAYLOAD);
    assertEquals(again.read(key("two")), new Uint8Array(0));
    assertEquals(again.usage(), { entries: 2, bytes: PAYLOAD.length + 160 });
    cache.write(KEY, PAYLOAD.subarray(1));
    assertEquals(again.read(KEY), PAYLOAD.subarray(1));
    again.remove(KEY);
    assertEquals(cache.read(KEY), undefined);
    assertEquals(problems, []);
  });
});

Deno.test("DiskCache makes its folder and its files for the user alone", () => {
  withCache((cache, directory) => {
    cache.write(KEY, PAYLOAD);
    assertEquals(Deno.statSync(directory).mode! & 0o777, 0o700);
    assertEquals(Deno.statSync(onlyFile(directory)).mode! & 0o777, 0o600);
  });
});

Deno.test("DiskCache refuses an entry that is damaged anywhere, cut off, too long or another key's", () => {
  withCache((cache, directory) => {
    cache.write(KEY, PAYLOAD.subarray(0, 200));
    const path = onlyFile(directory);
    const bytes = Deno.readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] ^= 1 << (at & 7);
      Deno.writeFileSync(path, changed);
      assertEquals(cache.read(KEY), undefined, `byte ${at}`);
    }
    for (let length = 0; length < bytes.length; length++) {
      Deno.writeFileSync(path, bytes.subarray(0, length));
      assertEquals(cache.read(KEY), undefined, `cut at ${length}`);
    }
    Deno.writeFileSync(path, Uint8Array.of(...bytes, 0));
    assertEquals(cache.read(KEY), undefined);
    Deno.writeFileSync(path, bytes);
    assertEquals(cache.read(KEY), PAYLOAD.subarray(0, 200));
    Deno.renameSync(path, `${directory}/${key("two").toHex()}`);
    assertEquals(cache.read(key("two")), undefined);
  });
});

Deno.test("DiskCache refuses links, open modes, folders and pipes in place of an entry, and replaces them", () => {
  const changes: Record<string, (path: string, bytes: Uint8Array<ArrayBuffer>) => void> = {
    "mode 0666": (path) => Deno.chmodSync(path, 0o666),
    "mode 0620": (path) => Deno.chmodSync(path, 0o620),
    "mode 0604": (path) => Deno.chmodSync(path, 0o604),
    "a link": (path) => {
      Deno.renameSync(path, `${path}.target`);
      Deno.symlinkSync(`${path}.target`, path);
    },
    "a link to nothing": (path) => {
      Deno.removeSync(path);
      Deno.symlinkSync(`${path}.nothing`, path);
    },
    "a pipe": (path) => {
      Deno.removeSync(path);
      new Deno.Command("mkfifo", { args: ["-m", "600", path] }).outputSync();
    },
  };
  if (Deno.uid() === 0) changes["another owner"] = (path) => Deno.chownSync(path, 65534, 65534);
  for (const [what, change] of Object.entries(changes)) {
    withCache((cache, directory, problems) => {
      cache.write(KEY, PAYLOAD);
      const path = onlyFile(directory);
      change(path, Deno.readFileSync(path));
      assertEquals(cache.read(KEY), undefined, what);
      cache.write(KEY, PAYLOAD);
      assertEquals(cache.read(KEY), PAYLOAD, what);
      assert(Deno.lstatSync(path).isFile, what);
      assertEquals(problems, [], what);
    });
  }
  withCache((cache, directory, problems) => {
    cache.usage();
    Deno.mkdirSync(`${directory}/${KEY.toHex()}`);
    assertEquals(cache.read(KEY), undefined);
    cache.write(KEY, PAYLOAD);
    assertEquals(problems.length, 1);
    assertMatch(problems[0], /cannot be written/);
    assertEquals(cache.usage().entries, 1); // the folder, which `clear` leaves alone
  });
});

Deno.test("DiskCache does without a folder that others can use, that is none or cannot be made, and says so once", () => {
  const cases: Record<string, [(directory: string) => void, RegExp]> = {
    "open to the group": [
      (path) => Deno.mkdirSync(path, { recursive: true, mode: 0o750 }),
      /open to other users; chmod 700/,
    ],
    "a file": [(path) => {
      Deno.mkdirSync(path.replace(/\/theropod$/, ""));
      Deno.writeTextFileSync(path, "");
    }, /is not a folder|cannot be used/],
    "below a file": [(path) => {
      Deno.writeTextFileSync(path.replace(/\/theropod$/, ""), "");
    }, /cannot be used/],
  };
  if (Deno.uid() === 0) {
    cases["another owner"] = [(path) => {
      Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
      Deno.chownSync(path, 65534, 65534);
    }, /belongs to another user/];
  }
  for (const [what, [prepare, expected]] of Object.entries(cases)) {
    withCache((cache, directory, problems) => {
      prepare(directory);
      cache.write(KEY, PAYLOAD);
      assertEquals(cache.read(KEY), undefined, what);
      assertEquals(cache.usage(), { entries: 0, bytes: 0 });
      cache.clear();
      assertEquals(problems.length, 1, what);
      assertMatch(problems[0], expected, what);
      assertEquals(cache.problem, problems[0]);
    });
  }
});

Deno.test("DiskCache evicts what was not used for longest, and what dead processes left", () => {
  const entryBytes = PAYLOAD.length + 80;
  withCache((cache, directory) => {
    for (let i = 0; i < 10; i++) {
      cache.write(key(`${i}`), PAYLOAD);
      // The first is the one used last.
      const time = 1_000_000 + (i === 0 ? 100 : i);
      Deno.utimeSync(`${directory}/${key(`${i}`).toHex()}`, time, time);
    }
    const temporary = (name: string) => `${directory}/${key(name).toHex()}.1234-0123456789abcdef.tmp`;
    Deno.writeTextFileSync(temporary("dead"), "half");
    Deno.utimeSync(temporary("dead"), 1, 1);
    Deno.writeTextFileSync(temporary("alive"), "half");
    Deno.writeTextFileSync(`${directory}/notes.txt`, "mine");
    assertEquals(cache.usage(), { entries: 10, bytes: 10 * entryBytes });
    cache.write(key("new"), PAYLOAD);
    // Eleven are too many, and nine are nine tenths of the maximum.
    const kept = ["0", "3", "4", "5", "6", "7", "8", "9", "new"];
    for (let i = 0; i < 10; i++) {
      assertEquals(cache.read(key(`${i}`)) !== undefined, kept.includes(`${i}`), `${i}`);
    }
    assertEquals(cache.read(key("new")), PAYLOAD);
    assertThrows(() => Deno.lstatSync(temporary("dead")), Deno.errors.NotFound);
    assert(Deno.lstatSync(temporary("alive")).isFile);
    cache.clear();
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["notes.txt"]);
  }, { maximumBytes: 10 * entryBytes });
  withCache((cache) => {
    cache.write(KEY, PAYLOAD);
    assertEquals(cache.usage().entries, 0, "what is larger than the cache is not kept");
  }, { maximumBytes: 1000 });
});

Deno.test("DiskCache renews the time of an entry that is used", () => {
  withCache((cache, directory) => {
    cache.write(KEY, PAYLOAD);
    const path = onlyFile(directory);
    Deno.utimeSync(path, 1000, 1000);
    assertEquals(cache.read(KEY), PAYLOAD);
    assert(Date.now() - Deno.statSync(path).mtime!.getTime() < 60_000);
  });
});

Deno.test("new DiskCache() refuses options that are none", () => {
  for (const directory of ["", 5, undefined, null, {}, new URL("https://example.com/x")]) {
    assertThrows(() => new DiskCache({ directory: directory as never }), TypeError);
  }
  for (const maximumBytes of [-1, NaN, "1" as never]) {
    assertThrows(() => new DiskCache({ directory: "/x", maximumBytes }), TypeError);
  }
  assertThrows(() => new DiskCache({ directory: "/x", onProblem: 1 as never }), TypeError);
});

Deno.test("DiskCache.defaultDirectory() is the platform's", () => {
  const before = { home: Deno.env.get("HOME"), cache: Deno.env.get("XDG_CACHE_HOME") };
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  try {
    set("HOME", "/home/somebody");
    for (
      const [cacheHome, expected] of [
        [undefined, "/home/somebody/.cache/theropod"],
        ["", "/home/somebody/.cache/theropod"],
        ["relative", "/home/somebody/.cache/theropod"],
        ["/var/cache", "/var/cache/theropod"],
      ] as const
    ) {
      set("XDG_CACHE_HOME", cacheHome);
      assertEquals(DiskCache.defaultDirectory(), expected);
    }
    set("XDG_CACHE_HOME", undefined);
    set("HOME", undefined);
    assertEquals(DiskCache.defaultDirectory(), undefined);
  } finally {
    set("HOME", before.home);
    set("XDG_CACHE_HOME", before.cache);
  }
});
