/** Standard streams, arguments, environment, clocks, randomness: what a guest is given, byte for byte. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { WasiPreview1 } from "../../../lib/wasi/mod.ts";
import { FileType, Guest, RESULT, rights } from "./guest.ts";

/** The strings that a pair of functions gives. */
function strings(guest: Guest, kind: "args" | "environ"): string[] {
  guest.ok(`${kind}_sizes_get`, RESULT, RESULT + 4);
  const [count, size] = [guest.u32(), guest.u32(RESULT + 4)];
  const [pointers, buffer] = [2048, 16384];
  // A byte after the strings that must stay.
  guest.bytes[buffer + size] = 0xaa;
  guest.ok(`${kind}_get`, pointers, buffer);
  assertEquals(guest.bytes[buffer + size], 0xaa);
  return Array.from({ length: count }, (_, index) => {
    const at = guest.u32(pointers + 4 * index);
    return guest.text(at, guest.bytes.indexOf(0, at) - at);
  });
}

Deno.test("args_get() and environ_get() give the strings in order, in UTF-8", () => {
  const args = ["program", "", "two words", "größe", "日本語", "🦖", "-x=y"];
  using guest = new Guest({ args, env: { A: "1", EMPTY: "", EQUALS: "a=b", "Ü": "ü\n" } });
  assertEquals(strings(guest, "args"), args);
  assertEquals(strings(guest, "environ"), ["A=1", "EMPTY=", "EQUALS=a=b", "Ü=ü\n"]);
  using bare = new Guest();
  assertEquals(strings(bare, "args"), []);
  assertEquals(strings(bare, "environ"), []);
});

Deno.test("arguments and variables that no guest could read are refused", () => {
  assertThrows(() => new WasiPreview1({ args: ["a\0b"] }), TypeError, "zero character");
  assertThrows(() => new WasiPreview1({ env: { A: "b\0c" } }), TypeError, "zero character");
  assertThrows(() => new WasiPreview1({ env: { "A=B": "c" } }), TypeError, "name of a variable");
  assertThrows(() => new WasiPreview1({ env: { "": "c" } }), TypeError, "name of a variable");
});

Deno.test("streams that are none of the choices are refused", () => {
  for (const wrong of ["inherited", "", 0, {}, [1, 2]]) {
    assertThrows(() => new WasiPreview1({ stdin: wrong as never }), TypeError, "standard input is");
    assertThrows(() => new WasiPreview1({ stdout: wrong as never }), TypeError, "an output stream is");
    assertThrows(() => new WasiPreview1({ stderr: wrong as never }), TypeError, "an output stream is");
  }
});

Deno.test("fd_read() of standard input gives the bytes across buffers, then the end", () => {
  const stdin = new Uint8Array(1000).map((_, index) => index * 3);
  using guest = new Guest({ stdin });
  const [vector, count, [first, second]] = guest.buffers(10, 90);
  guest.ok("fd_read", 0, vector, count, RESULT);
  assertEquals(guest.u32(), 100);
  assertEquals(guest.bytes.slice(first, first + 10), stdin.slice(0, 10));
  assertEquals(guest.bytes.slice(second, second + 90), stdin.slice(10, 100));
  const [rest, one, [at]] = guest.buffers(5000);
  guest.ok("fd_read", 0, rest, one, RESULT);
  assertEquals(guest.u32(), 900);
  assertEquals(guest.bytes.slice(at, at + 900), stdin.slice(100));
  guest.ok("fd_read", 0, rest, one, RESULT);
  assertEquals(guest.u32(), 0);
  using none = new Guest();
  assertEquals(none.read(0), "");
});

Deno.test("fd_write() gives the output function copies, and what it throws reaches the caller", () => {
  const out: Uint8Array[] = [];
  using guest = new Guest({
    stdout: (chunk) => out.push(chunk),
    stderr: () => {
      throw new RangeError("full");
    },
  });
  assertEquals(guest.write(1, "hello"), 0);
  guest.bytes.fill(0, 4096);
  assertEquals(new TextDecoder().decode(out[0]), "hello");
  assertThrows(() => guest.write(2, "x"), RangeError, "full");
  assertEquals(guest.write(1, ""), 0);
  assertEquals(out.length, 1);
  using silent = new Guest();
  assertEquals(silent.write(1, "nobody"), 0);
  assertEquals(silent.u32(), 6);
});

Deno.test("streams have no positions, no rights on paths, and neither do they read and write both", () => {
  using guest = new Guest({ stdin: new Uint8Array(3) });
  for (const fd of [0, 1, 2]) {
    assertEquals(guest.errno("fd_seek", fd, 0n, 0, RESULT), "notcapable");
    assertEquals(guest.errno("fd_tell", fd, RESULT), "notcapable");
    assertEquals(guest.errno("fd_prestat_get", fd, RESULT), "badf");
    assertEquals(guest.errno("path_open", fd, 0, ...guest.put("x"), 0, 2n, 0n, 0, RESULT), "notdir");
    assertEquals(guest.errno("fd_allocate", fd, 0n, 1n), "notcapable");
    assertEquals(guest.errno("fd_filestat_set_size", fd, 0n), "notcapable");
    assertEquals(guest.errno("sock_accept", fd, 0, RESULT), "notcapable");
    assertEquals(guest.errno("sock_shutdown", fd, 1), "notsock");
    guest.ok("fd_fdstat_get", fd, RESULT);
    assertEquals(guest.bytes[RESULT], FileType.unknown);
    assertEquals(guest.u64(RESULT + 8) & rights("path_open", "fd_seek", "fd_filestat_set_times"), 0n);
    assertEquals(guest.u64(RESULT + 16), 0n);
    guest.ok("fd_filestat_get", fd, RESULT);
    assertEquals(guest.u64(RESULT + 32), 0n);
  }
  assertEquals(guest.write(0, "x"), 76);
  assertEquals(guest.read(1), -76);
});

Deno.test("an inherited stream keeps its flags, and one that is a folder gives nothing away", async () => {
  const program = `
    import { Guest, RESULT, FdFlags, OFlags } from ${JSON.stringify(new URL("./guest.ts", import.meta.url).href)};
    using guest = new Guest({ stdin: "inherit", stdout: "inherit" });
    const answers = [
      guest.errno("fd_fdstat_set_flags", 1, FdFlags.nonblock),
      guest.errno("fd_fdstat_set_flags", 1, FdFlags.append),
      guest.errno("fd_fdstat_set_flags", 1, 0),
      guest.errno("path_open", 0, 1, ...guest.put("etc/hostname"), 0, 2n, 0n, 0, RESULT),
      guest.errno("fd_readdir", 0, 1024, 100, 0n, RESULT),
      guest.errno("path_filestat_get", 0, 1, ...guest.put("etc"), RESULT),
    ];
    guest.write(1, answers.join(" ") + "\\n");
  `;
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(path, program);
    const child = new Deno.Command("sh", {
      args: ["-c", '"$0" run --allow-all --no-check "$1" < /', Deno.execPath(), path],
      stdout: "piped",
      stderr: "piped",
    });
    const { stdout, stderr } = await child.output();
    assertEquals(
      new TextDecoder().decode(stdout),
      "notsup notsup success notcapable notcapable notcapable\n",
      new TextDecoder().decode(stderr),
    );
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("reading a pipe gives what is there and does not wait for buffers to fill", async () => {
  const program = `
    import { Guest, RESULT } from ${JSON.stringify(new URL("./guest.ts", import.meta.url).href)};
    using guest = new Guest({ stdin: "inherit", stdout: "inherit" });
    const [vector, count, [first]] = guest.buffers(5, 1000);
    guest.ok("fd_read", 0, vector, count, RESULT);
    guest.write(1, guest.text(first, guest.u32()));
  `;
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(path, program);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", path],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("12345"));
    // The pipe stays open: a second read would wait for ever.
    let text = "";
    for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
    assertEquals(text, "12345");
    await writer.close();
    await child.status;
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("clocks go on, have a resolution, and only four exist", () => {
  using guest = new Guest();
  for (const clock of [0, 1, 2, 3]) {
    guest.ok("clock_res_get", clock, RESULT);
    const resolution = guest.u64();
    assert(resolution > 0n && resolution <= 1_000_000_000n, `clock ${clock} has resolution ${resolution}`);
    guest.ok("clock_time_get", clock, 0n, RESULT);
    const first = guest.u64();
    guest.ok("clock_time_get", clock, 1n, RESULT);
    assert(guest.u64() >= first);
  }
  guest.ok("clock_time_get", 0, 0n, RESULT);
  assert(Math.abs(Number(guest.u64() / 1_000_000n) - Date.now()) < 10_000);
  for (const clock of [4, 100, -1]) {
    assertEquals(guest.errno("clock_time_get", clock, 0n, RESULT), "inval");
    assertEquals(guest.errno("clock_res_get", clock, RESULT), "inval");
  }
});

Deno.test("random_get() fills the range and nothing else, at any size", () => {
  using guest = new Guest({}, 8);
  for (const size of [0, 1, 7, 65536, 65537, 300_000]) {
    guest.bytes.fill(0);
    guest.ok("random_get", 100, size);
    const { bytes } = guest;
    assert(
      bytes.subarray(0, 100).every((byte) => byte === 0) && bytes.subarray(100 + size).every((byte) => byte === 0),
    );
    // A run of 16 zeros in random bytes would be a miracle; a part that was not filled has one.
    if (size >= 64) {
      assert(!new TextDecoder("latin1").decode(bytes.subarray(100, 100 + size)).includes("\0".repeat(16)));
    }
  }
  guest.ok("random_get", 0, 32);
  guest.ok("random_get", 32, 32);
  assertNotEquals(guest.bytes.slice(0, 32), guest.bytes.slice(32, 64));
});

Deno.test("proc_raise() never signals the host, sched_yield() returns", () => {
  using guest = new Guest();
  for (const signal of [0, 6, 9, 15, 30]) assertEquals(guest.errno("proc_raise", signal), "notsup");
  for (const signal of [31, 255, -1]) assertEquals(guest.errno("proc_raise", signal), "inval");
  guest.ok("sched_yield");
});
