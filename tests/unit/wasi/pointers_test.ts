/** Pointers and lengths from a guest: whatever they are, the answer is an error number, soon, and memory outside the results is untouched. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { WASI_FUNCTIONS, WasiExit, WasiPreview1 } from "../../../lib/wasi/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";
import { errnoName, FUNCTION_NAMES, Guest, OFlags, RESULT, WRITING } from "./guest.ts";

const PAGES = 2;
const END = PAGES * 65536;

function withFolder(work: (guest: Guest, root: string) => void): void {
  const root = Deno.makeTempDirSync({ prefix: "theropod-pointers-" });
  try {
    Deno.writeTextFileSync(`${root}/file`, "some content");
    Deno.symlinkSync("file", `${root}/link`);
    using guest = new Guest({
      args: ["a", "b"],
      env: { K: "V" },
      preopens: [{ host: root }],
      stdin: new Uint8Array(100),
    }, PAGES);
    work(guest, root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("every result pointer that leaves memory by a byte answers fault", () => {
  withFolder((guest) => {
    const file = guest.open(3, "file", { base: WRITING | 1n << 21n });
    const path = guest.put("file");
    const link = guest.put("link");
    // The size of the result in bytes, and the call with the result at a place.
    const calls: [name: string, size: number, call: (at: number) => number][] = [
      ["args_sizes_get count", 4, (at) => guest.call("args_sizes_get", at, RESULT)],
      ["args_sizes_get size", 4, (at) => guest.call("args_sizes_get", RESULT, at)],
      ["args_get pointers", 8, (at) => guest.call("args_get", at, 1024)],
      ["args_get strings", 4, (at) => guest.call("args_get", 1024, at)],
      ["environ_sizes_get", 4, (at) => guest.call("environ_sizes_get", at, RESULT)],
      ["environ_get", 4, (at) => guest.call("environ_get", 1024, at)],
      ["clock_res_get", 8, (at) => guest.call("clock_res_get", 1, at)],
      ["clock_time_get", 8, (at) => guest.call("clock_time_get", 0, 0n, at)],
      ["fd_fdstat_get", 24, (at) => guest.call("fd_fdstat_get", 3, at)],
      ["fd_filestat_get", 64, (at) => guest.call("fd_filestat_get", file, at)],
      ["fd_prestat_get", 8, (at) => guest.call("fd_prestat_get", 3, at)],
      ["fd_seek", 8, (at) => guest.call("fd_seek", file, 0n, 0, at)],
      ["fd_tell", 8, (at) => guest.call("fd_tell", file, at)],
      ["fd_read", 4, (at) => guest.call("fd_read", file, ...guest.buffers(0).slice(0, 2) as [number, number], at)],
      ["fd_write", 4, (at) => guest.call("fd_write", file, ...guest.buffers(0).slice(0, 2) as [number, number], at)],
      [
        "fd_pread",
        4,
        (at) => guest.call("fd_pread", file, ...guest.buffers(0).slice(0, 2) as [number, number], 0n, at),
      ],
      [
        "fd_pwrite",
        4,
        (at) => guest.call("fd_pwrite", file, ...guest.buffers(0).slice(0, 2) as [number, number], 0n, at),
      ],
      ["fd_readdir", 4, (at) => guest.call("fd_readdir", 3, 1024, 100, 0n, at)],
      ["path_filestat_get", 64, (at) => guest.call("path_filestat_get", 3, 0, ...path, at)],
      ["path_readlink", 4, (at) => guest.call("path_readlink", 3, ...link, 1024, 100, at)],
      ["path_open", 4, (at) => guest.call("path_open", 3, 0, ...path, 0, 2n, 0n, 0, at)],
      ["random_get", 16, (at) => guest.call("random_get", at, 16)],
      ["poll_oneoff count", 4, (at) => guest.call("poll_oneoff", ...pollNow(guest), 1, at)],
      ["poll_oneoff events", 32, (at) => guest.call("poll_oneoff", pollNow(guest)[0], at, 1, RESULT)],
    ];
    for (const [name, size, call] of calls) {
      assertEquals(errnoName(call(END - size)), "success", `${name} at the end of memory`);
      for (const at of [END - size + 1, END - 1, END, END + 1, 0x7fffffff, 0x80000000, 0xfffffff0, -1, -size]) {
        assertEquals(errnoName(call(at)), "fault", `${name} at ${at}`);
        assertEquals(errnoName(call(at | 0)), "fault", `${name} at ${at | 0}`);
      }
    }
  });
});

/** A subscription to a clock that has passed; returns it and room for an event. */
function pollNow(guest: Guest): [number, number] {
  const [subscription] = guest.put(new Uint8Array(48));
  guest.view.setUint32(subscription + 16, 1, true);
  return [subscription, guest.put(new Uint8Array(32))[0]];
}

Deno.test("every path pointer and length that leaves memory answers fault, and long paths are not even copied", () => {
  withFolder((guest) => {
    const good = guest.put("file");
    const calls: Record<string, (pointer: number, length: number) => number> = {
      path_create_directory: (p, n) => guest.call("path_create_directory", 3, p, n),
      path_filestat_get: (p, n) => guest.call("path_filestat_get", 3, 0, p, n, RESULT),
      path_filestat_set_times: (p, n) => guest.call("path_filestat_set_times", 3, 0, p, n, 0n, 0n, 0),
      "path_link from": (p, n) => guest.call("path_link", 3, 0, p, n, 3, ...good),
      "path_link to": (p, n) => guest.call("path_link", 3, 0, ...good, 3, p, n),
      path_open: (p, n) => guest.call("path_open", 3, 0, p, n, 0, 2n, 0n, 0, RESULT),
      path_readlink: (p, n) => guest.call("path_readlink", 3, p, n, 1024, 100, RESULT),
      path_remove_directory: (p, n) => guest.call("path_remove_directory", 3, p, n),
      "path_rename from": (p, n) => guest.call("path_rename", 3, p, n, 3, ...good),
      "path_rename to": (p, n) => guest.call("path_rename", 3, ...good, 3, p, n),
      "path_symlink target": (p, n) => guest.call("path_symlink", p, n, 3, ...good),
      "path_symlink at": (p, n) => guest.call("path_symlink", ...good, 3, p, n),
      path_unlink_file: (p, n) => guest.call("path_unlink_file", 3, p, n),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (
        const [pointer, length] of [[END, 1], [END - 3, 4], [-1, 1], [0, END + 1], [0, -1], [1, -1], [-1, -1], [
          0x80000000,
          0x80000000,
        ]]
      ) {
        assertEquals(errnoName(call(pointer, length)), "fault", `${name}(${pointer}, ${length})`);
      }
      guest.bytes.fill(0x61, 8192, END);
      assertEquals(errnoName(call(8192, END - 8192)), "nametoolong", name);
      assertEquals(errnoName(call(8192, 4096)), "nametoolong", name);
    }
  });
});

Deno.test("iovecs and buffers outside of memory answer fault, and counts without end do not hang", () => {
  withFolder((guest, root) => {
    const file = guest.open(3, "file", { base: WRITING });
    const operations = {
      fd_read: (v: number, n: number) => guest.call("fd_read", file, v, n, RESULT),
      fd_write: (v: number, n: number) => guest.call("fd_write", file, v, n, RESULT),
      fd_pread: (v: number, n: number) => guest.call("fd_pread", file, v, n, 0n, RESULT),
      fd_pwrite: (v: number, n: number) => guest.call("fd_pwrite", file, v, n, 0n, RESULT),
      sock_recv: (v: number, n: number) => guest.call("sock_recv", 0, v, n, 0, RESULT, RESULT + 4),
    };
    for (const [name, call] of Object.entries(operations)) {
      if (name === "sock_recv") continue;
      for (const [vector, count] of [[END - 7, 1], [END, 1], [-1, 1], [0, -1], [0, 0x20000000], [8, 0x1fffffff]]) {
        assertEquals(errnoName(call(vector, count)), "fault", `${name}(${vector}, ${count})`);
      }
      const [vector] = guest.buffers(4);
      for (const [pointer, length] of [[END, 1], [END - 3, 4], [-1, 1], [0, -1]]) {
        guest.view.setUint32(vector, pointer >>> 0, true);
        guest.view.setUint32(vector + 4, length >>> 0, true);
        assertEquals(errnoName(call(vector, 1)), "fault", `${name} of ${pointer}, ${length}`);
      }
      assertEquals(errnoName(call(END, 0)), "success", `${name} of nothing`);
    }
    assertEquals(Deno.readTextFileSync(`${root}/file`), "some content");
    // The vector inside the buffer that it describes: each entry is read once, before its buffer is filled.
    const [vector] = guest.put(new Uint8Array(16));
    guest.view.setUint32(vector, vector, true);
    guest.view.setUint32(vector + 4, 8, true);
    guest.view.setUint32(vector + 8, 2000, true);
    guest.view.setUint32(vector + 12, 100, true);
    guest.ok("fd_pread", file, vector, 2, 0n, RESULT);
    assertEquals(guest.text(vector, 8), "some con");
    assertEquals(guest.text(2000, 4), "tent");
    assertEquals(guest.u32(), 12);
  });
});

Deno.test("random arguments never throw, and proc_exit() alone throws its code", () => {
  withFolder((guest) => {
    const random = new Random(31);
    const kinds = new Map(WASI_FUNCTIONS.map(([name, parameters]) => [name as string, parameters as string]));
    const interesting = [
      0,
      1,
      2,
      3,
      4,
      5,
      8,
      16,
      100,
      4096,
      END - 8,
      END - 1,
      END,
      -1,
      0x7fffffff,
      0x80000000 | 0,
      65535,
    ];
    const names = FUNCTION_NAMES.filter((name) => name !== "proc_exit" && name !== "poll_oneoff");
    let calls = 0;
    const start = performance.now();
    for (let round = 0; round < 20_000; round++) {
      const name = random.pick(names);
      const args = [...kinds.get(name)!].map((kind) => {
        const value = random.pick(interesting);
        return kind === "i" ? value : random.oneIn(3) ? BigInt.asIntN(64, BigInt(value) << 32n) : BigInt(value);
      });
      // Descriptors 0 to 3 stay, or nothing would be left to call on.
      if ((name === "fd_close" || name === "fd_renumber") && (args[0] as number) < 4) continue;
      if (name === "fd_renumber" && (args[1] as number) < 4) continue;
      // Files may grow to what their offsets say: not here.
      if (name === "fd_allocate" || name === "fd_filestat_set_size" || name === "fd_pwrite") continue;
      const errno = guest.call(name, ...args);
      assert(Number.isInteger(errno) && errno >= 0 && errno <= 76, `${name}(${args}) returned ${errno}`);
      calls++;
    }
    assert(calls > 10_000);
    assert(performance.now() - start < 60_000, "some call took very long");
    for (const [code, expected] of [[0, 0], [7, 7], [-1, 0xffffffff]]) {
      const exit = assertThrows(() => guest.call("proc_exit", code), WasiExit);
      assertEquals(exit.code, expected);
    }
  });
});

Deno.test("functions that need a memory answer fault before one is bound", () => {
  const wasi = new WasiPreview1();
  const functions = new Map<string, (...args: (number | bigint)[]) => number | void>();
  wasi.defineFunctions((module, name, _parameters, _results, implementation) =>
    functions.set(`${module}.${name}`, implementation)
  );
  assertEquals(functions.size, 2 * 46);
  assertEquals(errnoName(functions.get("wasi_snapshot_preview1.args_sizes_get")!(0, 4) as number), "fault");
  assertEquals(errnoName(functions.get("wasi_snapshot_preview1.sched_yield")!() as number), "success");
  assertThrows(() => functions.get("wasi_unstable.proc_exit")!(3), WasiExit);
  wasi[Symbol.dispose]();
});

Deno.test("a memory that grows is seen with its new end", () => {
  withFolder((guest) => {
    assertEquals(guest.errno("random_get", END, 4), "fault");
    guest.memory.grow(1);
    assertEquals(guest.errno("random_get", END, 4), "success");
    assertEquals(guest.errno("random_get", END + 65533, 4), "fault");
    assertEquals(guest.open(3, "file", { flags: OFlags.creat, base: WRITING }) > 0, true);
  });
});

Deno.test("an output function that grows the guest's memory does not confuse the write around it", () => {
  const chunks: string[] = [];
  using guest: Guest = new Guest({
    stdout: (chunk) => {
      chunks.push(new TextDecoder().decode(chunk));
      guest.memory.grow(1);
    },
  }, PAGES);
  const [vector, count, [first, second]] = guest.buffers(3, 4);
  guest.bytes.set(new TextEncoder().encode("one"), first);
  guest.bytes.set(new TextEncoder().encode("two!"), second);
  guest.ok("fd_write", 1, vector, count, RESULT);
  assertEquals(chunks, ["one", "two!"]);
  assertEquals(guest.u32(), 7);
});
