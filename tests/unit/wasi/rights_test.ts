/** Rights: what a folder granted for reading lets through, and that no operation lends more rights than it has. */

import { assert, assertEquals } from "@std/assert";
import { ALL_RIGHTS, Errno, errnoName, Guest, OFlags, READING, RESULT, RIGHT_NAMES, rights, WRITING } from "./guest.ts";

/** A folder for reading (descriptor 3) and one for writing (descriptor 4), each with a file and a folder. */
class Folders implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "theropod-rights-" });
  readonly guest: Guest;

  constructor() {
    for (const name of ["ro", "rw"]) {
      Deno.mkdirSync(`${this.root}/${name}/dir/empty`, { recursive: true });
      Deno.writeTextFileSync(`${this.root}/${name}/file`, "content");
      Deno.writeTextFileSync(`${this.root}/${name}/dir/inner`, "inner");
      Deno.symlinkSync("file", `${this.root}/${name}/link`);
    }
    this.guest = new Guest({
      preopens: [{ host: `${this.root}/ro`, guest: "/ro", access: "read" }, { host: `${this.root}/rw`, guest: "/rw" }],
    });
  }

  /** Names, sizes and times below the folder for reading. */
  fingerprint(): string {
    const walk = (path: string): string[] => {
      const { size, mtime, ctime, nlink, ino, isDirectory } = Deno.lstatSync(path);
      const own = `${path} ${size} ${mtime?.getTime()} ${ctime?.getTime()} ${nlink} ${ino}`;
      return [own, ...(isDirectory ? [...Deno.readDirSync(path)].flatMap(({ name }) => walk(`${path}/${name}`)) : [])];
    };
    return walk(`${this.root}/ro`).sort().join("\n");
  }

  [Symbol.dispose](): void {
    this.guest[Symbol.dispose]();
    Deno.removeSync(this.root, { recursive: true });
  }
}

const [RO, RW] = [3, 4];

Deno.test("path_open() on a folder for reading gives no descriptor that can change anything", () => {
  using folders = new Folders();
  const { guest } = folders;
  const before = folders.fingerprint();
  const changing = rights(
    "fd_write",
    "fd_allocate",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "path_create_directory",
    "path_create_file",
    "path_filestat_set_size",
    "path_unlink_file",
    "path_rename_source",
    "path_symlink",
  );
  let opened = 0;
  // Every combination of open flags, with the rights to read, to write, all, none, and each right alone.
  const bases = [0n, READING, WRITING, ALL_RIGHTS, (1n << 64n) - 1n, ...RIGHT_NAMES.map((name) => rights(name))];
  for (const path of ["file", "dir", "dir/inner", "link", "new", "dir/new", "."]) {
    for (let flags = 0; flags < 16; flags++) {
      for (const fdFlags of [0, 1, 4]) {
        for (const base of bases) {
          const fd = guest.open(RO, path, { flags, base, fdFlags });
          if (fd < 0) continue;
          opened++;
          const what = `${path}, flags ${flags}, fdflags ${fdFlags}, rights ${base}`;
          guest.ok("fd_fdstat_get", fd, RESULT);
          assertEquals(guest.u64(RESULT + 8) & changing, 0n, what);
          assertEquals(guest.u64(RESULT + 16) & changing, 0n, what);
          assertEquals(guest.write(fd, "x") === 0, false, what);
          assert(guest.call("fd_filestat_set_size", fd, 0n) !== 0, what);
          assert(guest.call("fd_allocate", fd, 0n, 1n) !== 0, what);
          assert(guest.call("fd_filestat_set_times", fd, 1n, 1n, 5) !== 0, what);
          assert(guest.call("fd_fdstat_set_rights", fd, ALL_RIGHTS, ALL_RIGHTS) !== 0, what);
          guest.ok("fd_close", fd);
        }
      }
    }
  }
  assert(opened > 500, `only ${opened} opened`);
  assertEquals(folders.fingerprint(), before);
});

Deno.test("path operations on a folder for reading answer notcapable and change nothing", () => {
  using folders = new Folders();
  const { guest } = folders;
  const before = folders.fingerprint();
  const path = (text: string) => guest.put(text);
  const cases: Record<string, () => string> = {
    create_directory: () => guest.errno("path_create_directory", RO, ...path("new")),
    set_times: () => guest.errno("path_filestat_set_times", RO, 0, ...path("file"), 1n, 1n, 5),
    "link within": () => guest.errno("path_link", RO, 0, ...path("file"), RO, ...path("linked")),
    // A second name in a writable folder would lift the protection.
    "link out to a writable folder": () => guest.errno("path_link", RO, 0, ...path("file"), RW, ...path("linked")),
    "link in from a writable folder": () => guest.errno("path_link", RW, 0, ...path("file"), RO, ...path("linked")),
    remove_directory: () => guest.errno("path_remove_directory", RO, ...path("dir/empty")),
    "rename within": () => guest.errno("path_rename", RO, ...path("file"), RO, ...path("renamed")),
    "rename out": () => guest.errno("path_rename", RO, ...path("file"), RW, ...path("renamed")),
    "rename in": () => guest.errno("path_rename", RW, ...path("file"), RO, ...path("renamed")),
    symlink: () => guest.errno("path_symlink", ...path("file"), RO, ...path("made")),
    unlink_file: () => guest.errno("path_unlink_file", RO, ...path("file")),
    sync: () => guest.errno("fd_sync", RO),
  };
  for (const [name, run] of Object.entries(cases)) assertEquals(run(), "notcapable", name);
  for (const flags of [OFlags.creat, OFlags.creat | OFlags.excl, OFlags.trunc, OFlags.creat | OFlags.trunc]) {
    assertEquals(errnoName(-guest.open(RO, "file", { flags, base: READING })), "notcapable");
  }
  // Also below a folder that was opened from it, and after its number was changed.
  const dir = guest.open(RO, "dir", { flags: OFlags.directory, base: ALL_RIGHTS & ~rights("fd_write") });
  assert(dir > 0);
  assertEquals(guest.errno("path_unlink_file", dir, ...path("inner")), "notcapable");
  assertEquals(guest.open(dir, "inner", { flags: OFlags.trunc, base: WRITING }), -Errno.notcapable);
  guest.ok("fd_renumber", dir, RW);
  assertEquals(guest.errno("path_create_directory", RW, ...path("new")), "notcapable");
  assertEquals(folders.fingerprint(), before);
});

Deno.test("the same operations work on a folder for writing", () => {
  using folders = new Folders();
  const { guest } = folders;
  const path = (text: string) => guest.put(text);
  guest.ok("path_create_directory", RW, ...path("new"));
  guest.ok("path_filestat_set_times", RW, 0, ...path("file"), 1_000_000_000n, 2_000_000_000n, 5);
  assertEquals(Deno.statSync(`${folders.root}/rw/file`).mtime?.getTime(), 2000);
  guest.ok("path_link", RW, 0, ...path("file"), RW, ...path("linked"));
  guest.ok("path_rename", RW, ...path("linked"), RW, ...path("new/renamed"));
  guest.ok("path_symlink", ...path("../file"), RW, ...path("new/made"));
  const fd = guest.open(RW, "new/made", { base: WRITING, flags: OFlags.trunc });
  assert(fd > 0);
  assertEquals(guest.write(fd, "hello"), 0);
  guest.ok("fd_allocate", fd, 0n, 100n);
  guest.ok("fd_filestat_set_size", fd, 3n);
  assertEquals(Deno.readTextFileSync(`${folders.root}/rw/new/renamed`), "hel");
  guest.ok("path_unlink_file", RW, ...path("new/made"));
  guest.ok("path_unlink_file", RW, ...path("new/renamed"));
  guest.ok("path_remove_directory", RW, ...path("new"));
  guest.ok("path_remove_directory", RW, ...path("dir/empty"));
});

Deno.test("fd_fdstat_set_rights() takes rights away for good, in every operation that needs them", () => {
  using folders = new Folders();
  const { guest } = folders;
  const path = (text: string) => guest.put(text);
  const needs: [right: Parameters<typeof rights>[0], run: (fd: number) => string][] = [
    ["path_create_directory", (fd) => guest.errno("path_create_directory", fd, ...path("made"))],
    ["path_filestat_get", (fd) => guest.errno("path_filestat_get", fd, 0, ...path("inner"), RESULT)],
    ["path_filestat_set_times", (fd) => guest.errno("path_filestat_set_times", fd, 0, ...path("inner"), 1n, 1n, 1)],
    ["path_link_source", (fd) => guest.errno("path_link", fd, 0, ...path("inner"), RW, ...path("l1"))],
    ["path_link_target", (fd) => guest.errno("path_link", RW, 0, ...path("file"), fd, ...path("l2"))],
    ["path_open", (fd) => errnoName(Math.max(0, -guest.open(fd, "inner")))],
    [
      "path_create_file",
      (fd) => errnoName(Math.max(0, -guest.open(fd, "new", { flags: OFlags.creat, base: WRITING }))),
    ],
    ["path_filestat_set_size", (fd) => errnoName(Math.max(0, -guest.open(fd, "inner", { flags: OFlags.trunc })))],
    ["path_readlink", (fd) => guest.errno("path_readlink", fd, ...path("up"), 100, 100, RESULT)],
    ["path_rename_source", (fd) => guest.errno("path_rename", fd, ...path("inner"), RW, ...path("r1"))],
    ["path_rename_target", (fd) => guest.errno("path_rename", RW, ...path("file"), fd, ...path("r2"))],
    ["path_symlink", (fd) => guest.errno("path_symlink", ...path("x"), fd, ...path("s"))],
    ["path_unlink_file", (fd) => guest.errno("path_unlink_file", fd, ...path("inner"))],
    ["path_remove_directory", (fd) => guest.errno("path_remove_directory", fd, ...path("empty"))],
    ["fd_readdir", (fd) => guest.errno("fd_readdir", fd, 100, 100, 0n, RESULT)],
    ["fd_filestat_get", (fd) => guest.errno("fd_filestat_get", fd, RESULT)],
    ["fd_filestat_set_times", (fd) => guest.errno("fd_filestat_set_times", fd, 1n, 1n, 1)],
    ["fd_sync", (fd) => guest.errno("fd_sync", fd)],
    ["fd_datasync", (fd) => guest.errno("fd_datasync", fd)],
  ];
  Deno.symlinkSync("..", `${folders.root}/rw/dir/up`);
  for (const [right, run] of needs) {
    const dir = guest.open(RW, "dir", { flags: OFlags.directory, base: ALL_RIGHTS & ~rights("fd_write") });
    assert(dir > 0, errnoName(-dir));
    guest.ok("fd_fdstat_get", dir, RESULT);
    const [base, inheriting] = [guest.u64(RESULT + 8), guest.u64(RESULT + 16)];
    guest.ok("fd_fdstat_set_rights", dir, base & ~rights(right), inheriting);
    assertEquals(run(dir), "notcapable", right);
    assertEquals(guest.errno("fd_fdstat_set_rights", dir, base, inheriting), "notcapable", `${right} came back`);
    guest.ok("fd_close", dir);
  }
  // With the right they work, so it was the right that was missing.
  for (const [right, run] of needs) {
    const dir = guest.open(RW, "dir", { flags: OFlags.directory, base: ALL_RIGHTS & ~rights("fd_write") });
    assertEquals(run(dir) === "notcapable", false, right);
    guest.ok("fd_close", dir);
  }
});

Deno.test("rights of files: reading, writing and seeking need theirs", () => {
  using folders = new Folders();
  const { guest } = folders;
  const readOnly = guest.open(RW, "file", { base: rights("fd_read") });
  assertEquals(guest.read(readOnly), "content");
  assertEquals(guest.write(readOnly, "x"), Errno.notcapable);
  assertEquals(guest.errno("fd_seek", readOnly, 0n, 0, RESULT), "notcapable");
  assertEquals(guest.errno("fd_tell", readOnly, RESULT), "notcapable");
  const [vector, count] = guest.buffers(4);
  assertEquals(guest.errno("fd_pread", readOnly, vector, count, 0n, RESULT), "notcapable");
  const writeOnly = guest.open(RW, "file", { base: rights("fd_write") });
  assertEquals(guest.read(writeOnly), -Errno.notcapable);
  assertEquals(guest.write(writeOnly, "X"), 0);
  assertEquals(Deno.readTextFileSync(`${folders.root}/rw/file`), "Xontent");
});
