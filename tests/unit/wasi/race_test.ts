/** A path that changes while it is walked: a folder is exchanged for a link that leads out, thousands of times, between any two steps. */

import { assert, assertEquals } from "@std/assert";
import { setPathResolution } from "../../../lib/wasi/mod.ts";
import { Guest, OFlags, RESULT, WRITING } from "./guest.ts";

const MILLISECONDS = 800;

for (const mode of ["kernel", "components"] as const) {
  Deno.test(`no race leads out of a folder when paths are resolved by ${mode}`, async () => {
    const root = Deno.makeTempDirSync({ prefix: "theropod-race-" });
    const [jail, outside] = [`${root}/jail`, `${root}/outside`];
    for (const folder of [`${jail}/swap/sub`, `${outside}/sub`]) Deno.mkdirSync(folder, { recursive: true });
    for (const path of ["swap/file", "swap/sub/file"]) {
      Deno.writeTextFileSync(`${jail}/${path}`, "inside");
      Deno.writeTextFileSync(`${root}/${path.replace("swap", "outside")}`, "outside");
    }
    Deno.symlinkSync("../outside", `${jail}/evil`);
    const fingerprint = () =>
      ["", "/file", "/sub", "/sub/file"].map((path) => {
        const { ctime, size, ino } = Deno.lstatSync(outside + path);
        return `${path} ${ctime?.getTime()} ${size} ${ino}`;
      }).join("\n");
    const before = fingerprint();
    const control = new SharedArrayBuffer(8);
    const state = new Int32Array(control);
    const attacker = new Worker(new URL("./race_attacker.ts", import.meta.url).href, { type: "module" });
    const stopped = new Promise((resolve) => attacker.onmessage = resolve);
    attacker.postMessage({ jail, control });
    try {
      setPathResolution(mode);
      using guest = new Guest({ preopens: [{ host: jail }] });
      // The Worker starts in its own time.
      for (const start = performance.now(); Atomics.load(state, 1) === 0 && performance.now() - start < 10_000;) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const read = (path: string) => {
        const fd = guest.open(3, path);
        if (fd < 0) return;
        assertEquals(guest.read(fd), "inside", path);
        guest.ok("fd_close", fd);
        opened++;
      };
      let [opened, tries] = [0, 0];
      for (const start = performance.now(); performance.now() - start < MILLISECONDS; tries++) {
        read("swap/file");
        read("swap/sub/../file");
        read("swap/sub/file");
        read("swap/../swap/sub/file");
        const created = guest.open(3, "swap/created", { flags: OFlags.creat, base: WRITING });
        if (created >= 0) guest.ok("fd_close", created);
        guest.call("path_unlink_file", 3, ...guest.put("swap/created"));
        guest.call("path_create_directory", 3, ...guest.put("swap/made"));
        guest.call("path_remove_directory", 3, ...guest.put("swap/made"));
        guest.call("path_symlink", ...guest.put("file"), 3, ...guest.put("swap/link"));
        guest.call("path_rename", 3, ...guest.put("swap/link"), 3, ...guest.put("swap/sub/link"));
        guest.call("path_unlink_file", 3, ...guest.put("swap/sub/link"));
        guest.call("path_filestat_set_times", 3, 1, ...guest.put("swap/file"), 5n, 5n, 5);
        guest.call("path_filestat_get", 3, 1, ...guest.put("swap/file"), RESULT);
      }
      const exchanges = Atomics.load(state, 1);
      assert(exchanges > 50 && tries > 50 && opened > 0, `${exchanges} exchanges, ${tries} tries, ${opened} opened`);
    } finally {
      setPathResolution("automatic");
      Atomics.store(state, 0, 1);
      await stopped;
      attacker.terminate();
    }
    assertEquals(fingerprint(), before);
    assertEquals([...Deno.readDirSync(outside)].map(({ name }) => name).sort(), ["file", "sub"]);
    Deno.removeSync(root, { recursive: true });
  });
}
