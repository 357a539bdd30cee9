/** The descriptor table against a model of a few lines, under long random sequences of operations. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../fuzz/generators/random.ts";
import { Errno, errnoName, Guest, OFlags, RESULT } from "./guest.ts";

/** Open system descriptors of this process. */
function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** What the model knows of a descriptor: a name that identifies what was opened, and the guest's name of a preopen. */
interface Modelled {
  readonly name: string;
  readonly preopen?: string;
}

Deno.test("descriptors behave as a table of lowest free numbers, whatever is opened, closed and renumbered", () => {
  const root = Deno.makeTempDirSync({ prefix: "theropod-fds-" });
  try {
    for (const name of ["a", "b"]) {
      Deno.mkdirSync(`${root}/${name}`);
      for (let index = 0; index < 5; index++) Deno.writeTextFileSync(`${root}/${name}/${index}`, `${name}${index}`);
    }
    const before = openDescriptors();
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      using guest = new Guest({ preopens: [{ host: `${root}/a` }, { host: `${root}/b`, guest: "b" }] });
      const model: (Modelled | undefined)[] = [
        { name: "stdin" },
        { name: "stdout" },
        { name: "stderr" },
        { name: "a", preopen: `${root}/a` },
        { name: "b", preopen: "b" },
      ];
      const number = () =>
        random.oneIn(12) ? random.pick([-1, 1000, 0x7fffffff, 0x80000000 | 0]) : random.below(model.length + 2);
      for (let step = 0; step < 300; step++) {
        const [fd, other] = [number(), number()];
        const known = model[fd];
        const what = `seed ${seed}, step ${step}`;
        switch (random.below(6)) {
          case 0: {
            const expected = known === undefined ? Errno.badf : 0;
            assertEquals(guest.call("fd_close", fd), expected, `${what}: close ${fd}`);
            if (known) model[fd] = undefined;
            break;
          }
          case 1: {
            const expected = known === undefined || model[other] === undefined ? Errno.badf : 0;
            assertEquals(guest.call("fd_renumber", fd, other), expected, `${what}: renumber ${fd} to ${other}`);
            if (expected === 0 && fd !== other) {
              model[other] = known;
              model[fd] = undefined;
            }
            break;
          }
          case 2:
          case 3: {
            const file = String(random.below(5));
            const opened = guest.open(fd, file);
            if (known === undefined) assertEquals(opened, -Errno.badf, what);
            else if (!/^[ab]$/.test(known.name)) assertEquals(opened, -Errno.notdir, what);
            else {
              let lowest = model.indexOf(undefined);
              if (lowest < 0) lowest = model.length;
              assertEquals(opened, lowest, `${what}: open`);
              model[lowest] = { name: known.name + file };
            }
            break;
          }
          case 4: {
            const errno = guest.call("fd_prestat_get", fd, RESULT);
            assertEquals(errnoName(errno), known?.preopen === undefined ? "badf" : "success", what);
            if (errno !== 0) break;
            const length = guest.u32(RESULT + 4);
            assertEquals(length, known!.preopen!.length);
            guest.ok("fd_prestat_dir_name", fd, 2048, length);
            assertEquals(guest.text(2048, length), known!.preopen);
            assertEquals(guest.call("fd_prestat_dir_name", fd, 2048, length - 1), Errno.nametoolong);
            break;
          }
          default:
            // What a descriptor reads says which file it is.
            if (known && known.name.length === 2) {
              guest.ok("fd_seek", fd, 0n, 0, RESULT);
              assertEquals(guest.read(fd), known.name, what);
            } else if (known === undefined) assertEquals(guest.read(fd), -Errno.badf, what);
        }
      }
    }
    assertEquals(openDescriptors(), before, "a closed descriptor must be closed in the system");
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("path_open() with a result outside of memory opens nothing", () => {
  const root = Deno.makeTempDirSync({ prefix: "theropod-fds-" });
  try {
    Deno.writeTextFileSync(`${root}/file`, "x");
    using guest = new Guest({ preopens: [{ host: root }] });
    const before = openDescriptors();
    const path = guest.put("file");
    for (const pointer of [guest.bytes.length, guest.bytes.length - 3, -1, 0x80000000]) {
      assertEquals(guest.errno("path_open", 3, 1, ...path, 0, 2n, 0n, 0, pointer), "fault");
      assertEquals(guest.errno("path_open", 3, 1, ...path, OFlags.trunc, 64n, 0n, 0, pointer), "fault");
    }
    // The next descriptor is the first: none is left in the table that stands for a number the system has reused.
    assertEquals(guest.errno("fd_fdstat_get", 4, RESULT), "badf");
    assertEquals(openDescriptors(), before);
    assertEquals(Deno.readTextFileSync(`${root}/file`), "x");
    assertEquals(guest.open(3, "file"), 4);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("disposing closes every descriptor, and the functions answer badf after it", () => {
  const root = Deno.makeTempDirSync({ prefix: "theropod-fds-" });
  try {
    Deno.writeTextFileSync(`${root}/file`, "x");
    const before = openDescriptors();
    const guest = new Guest({ preopens: [{ host: root }] });
    for (let index = 0; index < 50; index++) assert(guest.open(3, "file") > 0);
    assertEquals(openDescriptors(), before + 51);
    guest[Symbol.dispose]();
    assertEquals(openDescriptors(), before);
    for (const fd of [0, 1, 3, 4]) assertEquals(guest.errno("fd_fdstat_get", fd, RESULT), "badf");
    assertEquals(guest.open(3, "file"), -Errno.badf);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
