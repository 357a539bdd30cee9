/** Files and folders: positions, sizes, times, directory entries, symbolic links, in both editions of the interface. */

import { assert, assertEquals } from "@std/assert";
import { ALL_RIGHTS, Errno, errnoName, FdFlags, FileType, Guest, OFlags, RESULT, rights, WRITING } from "./guest.ts";

const FILE = WRITING | rights("fd_filestat_get", "fd_filestat_set_times", "fd_fdstat_set_flags", "fd_advise");

function withFolder(work: (guest: Guest, root: string) => void, module?: string): void {
  const root = Deno.makeTempDirSync({ prefix: "theropod-files-" });
  try {
    using guest = new Guest({ preopens: [{ host: root, guest: "/" }] }, 16, module);
    work(guest, root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("fd_seek(), fd_tell(), fd_pread() and fd_pwrite() keep to their positions", () => {
  withFolder((guest, root) => {
    const fd = guest.open(3, "file", { flags: OFlags.creat, base: FILE });
    assertEquals(guest.write(fd, "0123456789"), 0);
    const seek = (offset: bigint, whence: number) => {
      const errno = guest.call("fd_seek", fd, offset, whence, RESULT);
      return errno === 0 ? Number(guest.u64()) : errnoName(errno);
    };
    assertEquals(seek(0n, 1), 10);
    assertEquals(seek(-3n, 2), 7);
    assertEquals(guest.read(fd, 2), "78");
    assertEquals(seek(-20n, 1), "inval");
    assertEquals(seek(0n, 3), "inval");
    assertEquals(seek(0n, -1), "inval");
    assertEquals(seek(1n << 62n, 0), "inval");
    assertEquals(seek(-1n, 0), "inval");
    guest.ok("fd_tell", fd, RESULT);
    assertEquals(guest.u64(), 9n);
    const [vector, count, [first, second]] = guest.buffers(3, 4);
    guest.ok("fd_pread", fd, vector, count, 2n, RESULT);
    assertEquals([guest.u32(), guest.text(first, 3), guest.text(second, 4)], [7, "234", "5678"]);
    guest.ok("fd_pread", fd, vector, count, 8n, RESULT);
    assertEquals(guest.u32(), 2);
    guest.ok("fd_pread", fd, vector, count, 1000n, RESULT);
    assertEquals(guest.u32(), 0);
    assertEquals(guest.errno("fd_pread", fd, vector, count, -1n, RESULT), "inval");
    assertEquals(guest.errno("fd_pread", fd, vector, count, 1n << 60n, RESULT), "fbig");
    guest.bytes.set(new TextEncoder().encode("abcdefg"), 3000);
    guest.view.setUint32(vector, 3000, true);
    guest.view.setUint32(vector + 8, 3003, true);
    guest.ok("fd_pwrite", fd, vector, count, 12n, RESULT);
    guest.ok("fd_tell", fd, RESULT);
    assertEquals(guest.u64(), 9n);
    assertEquals(Deno.readTextFileSync(`${root}/file`), "0123456789\0\0abcdefg");
  });
});

Deno.test("large reads and writes arrive whole", () => {
  withFolder((guest, root) => {
    const size = 400_000;
    const content = new Uint8Array(size).map((_, index) => index * 31 >> 3);
    const fd = guest.open(3, "file", { flags: OFlags.creat, base: FILE });
    const [vector, count, [first, second]] = guest.buffers(size - 7, 7);
    guest.bytes.set(content.subarray(0, size - 7), first);
    guest.bytes.set(content.subarray(size - 7), second);
    guest.ok("fd_write", fd, vector, count, RESULT);
    assertEquals(guest.u32(), size);
    assertEquals(Deno.readFileSync(`${root}/file`), content);
    guest.bytes.fill(0, first, first + size - 7);
    guest.bytes.fill(0, second, second + 7);
    guest.ok("fd_seek", fd, 0n, 0, RESULT);
    guest.ok("fd_read", fd, vector, count, RESULT);
    assertEquals(guest.u32(), size);
    assertEquals(guest.bytes.slice(first, first + size - 7), content.slice(0, size - 7));
    assertEquals(guest.bytes.slice(second, second + 7), content.slice(size - 7));
  });
});

Deno.test("path_open() flags do what they say", () => {
  withFolder((guest, root) => {
    assertEquals(guest.open(3, "new"), -Errno.noent);
    const fd = guest.open(3, "new", { flags: OFlags.creat | OFlags.excl, base: FILE });
    assert(fd > 0);
    assertEquals(guest.open(3, "new", { flags: OFlags.creat | OFlags.excl, base: FILE }), -Errno.exist);
    assertEquals(guest.write(fd, "content"), 0);
    assert(guest.open(3, "new", { flags: OFlags.creat, base: FILE }) > 0);
    assertEquals(Deno.readTextFileSync(`${root}/new`), "content");
    const appending = guest.open(3, "new", { base: FILE, fdFlags: FdFlags.append });
    assertEquals(guest.write(appending, "!"), 0);
    guest.ok("fd_fdstat_get", appending, RESULT);
    assertEquals(guest.view.getUint16(RESULT + 2, true), FdFlags.append);
    guest.ok("fd_fdstat_set_flags", appending, 0);
    assertEquals(guest.errno("fd_fdstat_set_flags", appending, 32), "inval");
    assertEquals(guest.errno("fd_fdstat_set_flags", appending, FdFlags.sync), "notsup");
    assertEquals(Deno.readTextFileSync(`${root}/new`), "content!");
    assert(guest.open(3, "new", { flags: OFlags.trunc, base: FILE }) > 0);
    assertEquals(Deno.readTextFileSync(`${root}/new`), "");
    assertEquals(guest.open(3, "new", { flags: OFlags.directory }), -Errno.notdir);
    assertEquals(guest.open(3, "new", { flags: OFlags.directory | OFlags.creat }), -Errno.inval);
    assertEquals(guest.open(3, "new", { flags: 16 }), -Errno.inval);
    assertEquals(guest.open(3, "new", { fdFlags: 32 }), -Errno.inval);
    assertEquals(guest.open(fd, "new"), -Errno.notdir);
    // A byte order mark belongs to the name.
    assertEquals(guest.open(3, "\ufeffnew"), -Errno.noent);
  });
});

Deno.test("opening a pipe or a device in a folder does not wait", () => {
  withFolder((guest, root) => {
    new Deno.Command("mkfifo", { args: [`${root}/fifo`] }).outputSync();
    const fd = guest.open(3, "fifo");
    assert(fd > 0, errnoName(-fd));
    guest.ok("fd_close", fd);
    assertEquals(guest.open(3, "fifo", { base: rights("fd_write") }), -Errno.nxio);
  });
});

Deno.test("fd_filestat_get(), sizes and times agree with the system's", () => {
  withFolder((guest, root) => {
    const fd = guest.open(3, "file", { flags: OFlags.creat, base: FILE });
    assertEquals(guest.write(fd, "12345"), 0);
    guest.ok("fd_filestat_set_times", fd, 1_111_111_111_111_111_111n, 1_222_222_222_222_222_222n, 1 | 4);
    guest.ok("fd_filestat_get", fd, RESULT);
    const info = Deno.statSync(`${root}/file`);
    assertEquals(guest.u64(RESULT + 8), BigInt(info.ino!));
    assertEquals(guest.bytes[RESULT + 16], FileType.regularFile);
    assertEquals(guest.u64(RESULT + 24), 1n);
    assertEquals(guest.u64(RESULT + 32), 5n);
    assertEquals(guest.u64(RESULT + 40), 1_111_111_111_111_111_111n);
    assertEquals(guest.u64(RESULT + 48), 1_222_222_222_222_222_222n);
    guest.ok("fd_filestat_set_times", fd, 0n, 0n, 8);
    guest.ok("fd_filestat_get", fd, RESULT);
    assertEquals(guest.u64(RESULT + 40), 1_111_111_111_111_111_111n);
    assert(Math.abs(Number(guest.u64(RESULT + 48) / 1_000_000n) - Date.now()) < 10_000);
    assertEquals(guest.errno("fd_filestat_set_times", fd, 0n, 0n, 3), "inval");
    assertEquals(guest.errno("fd_filestat_set_times", fd, 0n, 0n, 12), "inval");
    assertEquals(guest.errno("fd_filestat_set_times", fd, 0n, 0n, 16), "inval");
    guest.ok("fd_filestat_set_size", fd, 100n);
    assertEquals(Deno.statSync(`${root}/file`).size, 100);
    assertEquals(guest.errno("fd_filestat_set_size", fd, -1n), "inval");
    guest.ok("fd_allocate", fd, 50n, 100n);
    assertEquals(Deno.statSync(`${root}/file`).size, 150);
    assertEquals(guest.errno("fd_allocate", fd, 0n, 0n), "inval");
    for (const advice of [0, 1, 2, 3, 4, 5]) guest.ok("fd_advise", fd, 0n, 10n, advice);
    assertEquals(guest.errno("fd_advise", fd, 0n, 10n, 6), "inval");
  });
});

Deno.test("snapshot 0 has its own structures and its own whence", () => {
  withFolder((guest, root) => {
    Deno.writeTextFileSync(`${root}/file`, "0123456789");
    Deno.linkSync(`${root}/file`, `${root}/second`);
    const fd = guest.open(3, "file", { base: FILE });
    guest.bytes.fill(0xee, RESULT, RESULT + 64);
    guest.ok("fd_filestat_get", fd, RESULT);
    assertEquals(guest.u32(RESULT + 20), 2);
    assertEquals(guest.u64(RESULT + 24), 10n);
    assertEquals(
      guest.u64(RESULT + 40),
      BigInt(Deno.statSync(`${root}/file`).mtime!.getTime()) * 1_000_000n + guest.u64(RESULT + 40) % 1_000_000n,
    );
    assertEquals(guest.bytes.slice(RESULT + 56, RESULT + 64), new Uint8Array(8).fill(0xee));
    guest.ok("path_filestat_get", 3, 0, ...guest.put("file"), RESULT);
    assertEquals(guest.u64(RESULT + 24), 10n);
    // cur, end, set
    guest.ok("fd_seek", fd, 4n, 2, RESULT);
    assertEquals(guest.u64(), 4n);
    guest.ok("fd_seek", fd, 1n, 0, RESULT);
    assertEquals(guest.u64(), 5n);
    guest.ok("fd_seek", fd, -1n, 1, RESULT);
    assertEquals(guest.u64(), 9n);
    const [subscription] = guest.put(new Uint8Array(56));
    const events = guest.put(new Uint8Array(64))[0];
    guest.view.setBigUint64(subscription, 77n, true);
    guest.view.setUint32(subscription + 24, 1, true);
    guest.view.setBigUint64(subscription + 32, 1000n, true);
    guest.ok("poll_oneoff", subscription, events, 1, RESULT);
    assertEquals([guest.u32(), guest.u64(events)], [1, 77n]);
  }, "wasi_unstable");
});

interface Entry {
  readonly name: string;
  readonly next: bigint;
  readonly type: number;
}

/** The whole entries in a buffer that `fd_readdir` filled. */
function entriesIn(guest: Guest, at: number, used: number): Entry[] {
  const entries: Entry[] = [];
  for (let position = 0; position + 24 <= used;) {
    const length = guest.view.getUint32(at + position + 16, true);
    if (position + 24 + length > used) break;
    entries.push({
      next: guest.u64(at + position),
      type: guest.bytes[at + position + 20],
      name: guest.text(at + position + 24, length),
    });
    position += 24 + length;
  }
  return entries;
}

Deno.test("fd_readdir() gives every entry once, with buffers of any size and from any cookie", () => {
  withFolder((guest, root) => {
    const names = [".", ".."];
    for (let index = 0; index < 60; index++) {
      const name = `${"n".repeat(index % 40)}${index}ü`;
      Deno.writeTextFileSync(`${root}/${name}`, "");
      names.push(name);
    }
    Deno.mkdirSync(`${root}/folder`);
    Deno.symlinkSync("folder", `${root}/link`);
    names.push("folder", "link");
    const BUFFER = 8192;
    for (const size of [24 + 255, 24 + 256, 300, 1000, 4096, 100_000]) {
      const found: Entry[] = [];
      let cookie = 0n;
      for (;;) {
        guest.bytes[BUFFER + size] = 0x77;
        guest.ok("fd_readdir", 3, BUFFER, size, cookie, RESULT);
        const used = guest.u32();
        assert(used <= size);
        assertEquals(guest.bytes[BUFFER + size], 0x77);
        const entries = entriesIn(guest, BUFFER, used);
        found.push(...entries);
        if (used < size) break;
        assert(entries.length > 0);
        cookie = entries.at(-1)!.next;
      }
      assertEquals(found.map(({ name }) => name).sort(), names.slice().sort(), `buffer of ${size}`);
      assertEquals(found.find(({ name }) => name === "folder")!.type, FileType.directory);
      assertEquals(found.find(({ name }) => name === "link")!.type, FileType.symbolicLink);
      // From the middle again.
      const middle = found[found.length >> 1];
      guest.ok("fd_readdir", 3, BUFFER, 100_000, middle.next, RESULT);
      assertEquals(entriesIn(guest, BUFFER, guest.u32()), found.slice((found.length >> 1) + 1));
    }
    // Too small for a record: what fits of it, and the caller asks again with more room.
    for (const size of [0, 1, 23, 24]) {
      guest.ok("fd_readdir", 3, BUFFER, size, 0n, RESULT);
      assertEquals(guest.u32(), size);
    }
    for (const cookie of [1000n, 1n << 40n, -1n]) {
      guest.ok("fd_readdir", 3, BUFFER, 1000, cookie, RESULT);
      assertEquals(guest.u32(), 0);
    }
    // Starting over sees what has changed.
    Deno.removeSync(`${root}/folder`);
    guest.ok("fd_readdir", 3, BUFFER, 100_000, 0n, RESULT);
    assertEquals(entriesIn(guest, BUFFER, guest.u32()).length, names.length - 1);
    assertEquals(guest.open(3, "link", { follow: false }), -Errno.loop);
    assertEquals(guest.errno("fd_readdir", 1, BUFFER, 100, 0n, RESULT), "notdir");
  });
});

Deno.test("path_readlink() gives the target, cut to the buffer", () => {
  withFolder((guest, root) => {
    Deno.symlinkSync("some/target", `${root}/link`);
    Deno.symlinkSync("/absolute", `${root}/absolute`);
    Deno.writeTextFileSync(`${root}/file`, "");
    guest.ok("path_readlink", 3, ...guest.put("link"), 4000, 100, RESULT);
    assertEquals(guest.text(4000, guest.u32()), "some/target");
    guest.bytes.fill(0, 4000, 4100);
    guest.ok("path_readlink", 3, ...guest.put("link"), 4000, 4, RESULT);
    assertEquals([guest.u32(), guest.text(4000, 5)], [4, "some\0"]);
    guest.ok("path_readlink", 3, ...guest.put("absolute"), 4000, 100, RESULT);
    assertEquals(guest.text(4000, guest.u32()), "/absolute");
    assertEquals(guest.errno("path_readlink", 3, ...guest.put("file"), 4000, 100, RESULT), "inval");
    assertEquals(guest.errno("path_readlink", 3, ...guest.put("none"), 4000, 100, RESULT), "noent");
  });
});

Deno.test("folders are no files: reading, writing and seeking them is refused", () => {
  withFolder((guest, root) => {
    Deno.mkdirSync(`${root}/dir`);
    const dir = guest.open(3, "dir", { flags: OFlags.directory, base: ALL_RIGHTS & ~rights("fd_write") });
    assert(dir > 0);
    const [vector, count] = guest.buffers(4);
    assertEquals(guest.errno("fd_seek", dir, 0n, 0, RESULT), "notcapable");
    assertEquals(guest.errno("fd_read", dir, vector, count, RESULT), "notcapable");
    assertEquals(guest.errno("fd_write", dir, vector, count, RESULT), "notcapable");
    assertEquals(guest.open(3, "dir", { base: WRITING }), -Errno.isdir);
    assertEquals(guest.errno("path_unlink_file", 3, ...guest.put("dir")), "isdir");
    assertEquals(guest.errno("path_remove_directory", 3, ...guest.put(".")), "inval");
  });
});
