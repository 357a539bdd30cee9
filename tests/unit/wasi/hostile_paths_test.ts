/**
 * Hostile paths: every way out of a folder that is known to have worked somewhere, through every operation that takes a path.
 *
 * What lies outside is watched by its status change times, which no operation on it leaves alone; what is opened or looked at is
 * identified by its inode. Both ways of resolving paths must agree: the kernel's, and the walk by components for kernels without it.
 */

import { assert, assertEquals } from "@std/assert";
import { setPathResolution } from "../../../lib/wasi/mod.ts";
import { Errno, errnoName, Guest, OFlags, READING, RESULT, WRITING } from "./guest.ts";

const SUFFIXES = ["", "/", "//", "/.", "/./", "/..", "/../"];

/** Builds the folders: `outside`, which nothing may touch, and `jail`, which the guest is given. */
class Scene {
  readonly root = Deno.makeTempDirSync({ prefix: "theropod-paths-" });
  readonly jail = `${this.root}/jail`;
  readonly outside = `${this.root}/outside`;
  #inodes: Set<number> = new Set();

  constructor() {
    Deno.mkdirSync(`${this.outside}/folder`, { recursive: true });
    Deno.mkdirSync(`${this.outside}/empty`);
    Deno.writeTextFileSync(`${this.outside}/secret`, "secret");
    Deno.writeTextFileSync(`${this.outside}/folder/deep`, "deep");
    this.build();
  }

  /** Makes the jail anew. */
  build(): void {
    // The folder itself stays: the guest holds a descriptor of it.
    Deno.mkdirSync(this.jail, { recursive: true });
    for (const { name } of Deno.readDirSync(this.jail)) Deno.removeSync(`${this.jail}/${name}`, { recursive: true });
    Deno.mkdirSync(`${this.jail}/dir/sub`, { recursive: true });
    Deno.mkdirSync(`${this.jail}/empty`);
    Deno.writeTextFileSync(`${this.jail}/file`, "file");
    Deno.writeTextFileSync(`${this.jail}/dir/inner`, "inner");
    const links: Record<string, string> = {
      in: "file",
      in_dir: "dir",
      in_up: "dir/../file",
      out: "../outside/secret",
      out_dir: "../outside",
      out_slash: "../outside/",
      out_dot: "../outside/.",
      absolute: `${this.outside}/secret`,
      absolute_dir: this.outside,
      absolute_in: `${this.jail}/file`,
      root: "/",
      loop: "loop",
      loop_a: "loop_b",
      loop_b: "loop_a",
      dangling: "nowhere",
      dangling_out: "../outside/created",
      dangling_absolute: `${this.outside}/created`,
      chain: "chain_2",
      chain_2: "dir/up/out_dir",
      "dir/up": "..",
      "dir/upup": "../..",
      "dir/sub/upupup": "../../..",
      proc: "/proc/self/root",
      proc_fd: "/proc/self/fd",
      cwd: "/proc/self/cwd",
    };
    for (const [name, target] of Object.entries(links)) Deno.symlinkSync(target, `${this.jail}/${name}`);
    this.#inodes = new Set(this.#walk(this.jail).map(([, info]) => info.ino!));
  }

  #walk(path: string): [string, Deno.FileInfo][] {
    const info = Deno.lstatSync(path);
    const below = info.isDirectory
      ? [...Deno.readDirSync(path)].flatMap(({ name }) => this.#walk(`${path}/${name}`))
      : [];
    return [[path, info], ...below];
  }

  /** Everything about a tree that an operation could change. */
  fingerprint(path: string): string {
    return this.#walk(path).map(([at, { ino, size, mode, nlink, ctime, mtime }]) =>
      [at, ino, size, mode, nlink, ctime?.getTime(), mtime?.getTime()].join(" ")
    ).sort().join("\n");
  }

  /** Whether an inode is the jail's, as of the last build or now. */
  isInside(inode: bigint): boolean {
    return this.#inodes.has(Number(inode)) || this.#walk(this.jail).some(([, { ino }]) => ino === Number(inode));
  }

  remove(): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

/** The paths: bases with each suffix, then those that are hostile as they are. */
function hostilePaths(scene: Scene): (string | Uint8Array)[] {
  const bases = [
    "..",
    "../outside",
    "../outside/secret",
    "../outside/created",
    "../jail/file",
    "../../etc/passwd",
    "dir/../..",
    "dir/../../outside/secret",
    "dir/../../jail/file",
    "dir/sub/../../../outside/secret",
    "./../outside/secret",
    "dir/./.././../outside",
    "nowhere/../../outside/secret",
    "file/../../outside/secret",
    "in",
    "in_dir",
    "in_dir/inner",
    "in_dir/../file",
    "in_up",
    "out",
    "out_dir",
    "out_dir/secret",
    "out_dir/created",
    "out_dir/folder/deep",
    "out_dir/empty",
    "out_slash",
    "out_slash/secret",
    "out_dot",
    "out_dot/secret",
    "absolute",
    "absolute_dir",
    "absolute_dir/secret",
    "absolute_in",
    "root",
    "root/etc/passwd",
    "loop",
    "loop/x",
    "loop_a",
    "dangling",
    "dangling/x",
    "dangling_out",
    "dangling_absolute",
    "chain",
    "chain/secret",
    "dir/up",
    "dir/up/file",
    "dir/upup",
    "dir/upup/outside/secret",
    "dir/up/../outside/secret",
    "dir/sub/upupup",
    "dir/sub/upupup/outside/secret",
    "proc",
    "proc/etc/passwd",
    "proc_fd",
    "proc_fd/0",
    "cwd",
    "cwd/etc",
    "file",
    "dir",
    "empty",
    "dir/inner",
    "new",
    "new/x",
  ];
  const absolute = [
    `${scene.outside}/secret`,
    `${scene.jail}/file`,
    "/",
    "//",
    "/etc/passwd",
    "/proc/self/fd/0",
    "///etc",
  ];
  const bytes = (text: string) => new TextEncoder().encode(text);
  return [
    ...bases.flatMap((base) => SUFFIXES.map((suffix) => base + suffix)),
    ...absolute,
    "",
    ".",
    "./",
    "././.",
    "file\0",
    "../outside/secret\0",
    "file\0/../../outside",
    "dir/".repeat(1024),
    "../".repeat(1000) + "etc/passwd",
    "x".repeat(255),
    "x".repeat(256),
    "x".repeat(4095),
    "x".repeat(4096),
    "x".repeat(4097),
    "é".repeat(2048) + "/../../outside",
    Uint8Array.of(0xff, 0xfe),
    Uint8Array.of(...bytes("file"), 0x80),
    Uint8Array.of(...bytes("../outside/"), 0xc0, 0xaf),
    Uint8Array.of(0x2e, 0x2e, 0xc0, 0xaf, 0x2e, 0x2e),
    Uint8Array.of(0xed, 0xa0, 0x80),
    // A byte order mark is part of the name.
    "\ufefffile",
    "..\\outside\\secret",
    "COM¹",
    "dir/..\u200b/x",
  ];
}

type PathBytes = string | Uint8Array;

/** Each operation with the path in each of its places; the result is the error number. */
const OPERATIONS: Readonly<Record<string, (guest: Guest, path: PathBytes, scene: Scene) => number>> = {
  path_create_directory: (guest, path) => guest.call("path_create_directory", 3, ...guest.put(path)),
  "path_filestat_get, followed": (guest, path, scene) => status(guest, path, scene, 1),
  "path_filestat_get": (guest, path, scene) => status(guest, path, scene, 0),
  "path_filestat_set_times, followed": (guest, path) =>
    guest.call("path_filestat_set_times", 3, 1, ...guest.put(path), 1000n, 2000n, 5),
  path_filestat_set_times: (guest, path) =>
    guest.call("path_filestat_set_times", 3, 0, ...guest.put(path), 1000n, 2000n, 5),
  "path_link from": (guest, path) => guest.call("path_link", 3, 0, ...guest.put(path), 3, ...guest.put("linked")),
  "path_link from, followed": (guest, path) =>
    guest.call("path_link", 3, 1, ...guest.put(path), 3, ...guest.put("linked")),
  "path_link to": (guest, path) => guest.call("path_link", 3, 0, ...guest.put("file"), 3, ...guest.put(path)),
  "path_open to read": (guest, path, scene) => open(guest, path, scene, {}),
  "path_open to read, not followed": (guest, path, scene) => open(guest, path, scene, { follow: false }),
  "path_open of a folder": (guest, path, scene) => open(guest, path, scene, { flags: OFlags.directory }),
  "path_open of a folder, not followed": (guest, path, scene) =>
    open(guest, path, scene, { flags: OFlags.directory, follow: false }),
  "path_open to write": (guest, path, scene) => open(guest, path, scene, { base: WRITING }),
  "path_open to create": (guest, path, scene) => open(guest, path, scene, { base: WRITING, flags: OFlags.creat }),
  "path_open to create, not followed": (guest, path, scene) =>
    open(guest, path, scene, { base: WRITING, flags: OFlags.creat, follow: false }),
  "path_open to create anew": (guest, path, scene) =>
    open(guest, path, scene, { base: WRITING, flags: OFlags.creat | OFlags.excl }),
  "path_open to truncate": (guest, path, scene) => open(guest, path, scene, { base: READING, flags: OFlags.trunc }),
  path_readlink: (guest, path) =>
    guest.call("path_readlink", 3, ...guest.put(path), ...guest.put(new Uint8Array(300)), RESULT),
  path_remove_directory: (guest, path) => guest.call("path_remove_directory", 3, ...guest.put(path)),
  "path_rename from": (guest, path) => guest.call("path_rename", 3, ...guest.put(path), 3, ...guest.put("renamed")),
  "path_rename file to": (guest, path) => guest.call("path_rename", 3, ...guest.put("file"), 3, ...guest.put(path)),
  "path_rename folder to": (guest, path) => guest.call("path_rename", 3, ...guest.put("empty"), 3, ...guest.put(path)),
  "path_symlink at": (guest, path) => guest.call("path_symlink", ...guest.put("file"), 3, ...guest.put(path)),
  "path_symlink to, then walked": (guest, path, scene) => {
    const errno = guest.call("path_symlink", ...guest.put(path), 3, ...guest.put("made"));
    if (errno !== 0) return errno;
    open(guest, "made", scene, {});
    open(guest, "made/secret", scene, {});
    open(guest, "made", scene, { base: WRITING, flags: OFlags.creat | OFlags.trunc });
    guest.call("path_create_directory", 3, ...guest.put("made/created"));
    return 0;
  },
  path_unlink_file: (guest, path) => guest.call("path_unlink_file", 3, ...guest.put(path)),
};

function status(guest: Guest, path: PathBytes, scene: Scene, follow: number): number {
  const errno = guest.call("path_filestat_get", 3, follow, ...guest.put(path), RESULT);
  if (errno === 0) assert(scene.isInside(guest.u64(RESULT + 8)), `looked outside through ${show(path)}`);
  return errno;
}

function open(guest: Guest, path: PathBytes, scene: Scene, options: Parameters<Guest["open"]>[2]): number {
  const fd = guest.open(3, path, options);
  if (fd < 0) return -fd;
  guest.ok("fd_filestat_get", fd, RESULT);
  assert(scene.isInside(guest.u64(RESULT + 8)), `opened outside through ${show(path)}`);
  guest.ok("fd_close", fd);
  return 0;
}

function show(path: PathBytes): string {
  return typeof path === "string" ? JSON.stringify(path.slice(0, 100)) : `bytes ${path}`;
}

/** Runs every operation on every path; returns the errors by operation and path. */
function runAll(mode: "kernel" | "components", access: "read" | "readwrite"): Map<string, string> {
  const scene = new Scene();
  const results = new Map<string, string>();
  try {
    setPathResolution(mode);
    using guest = new Guest({ preopens: [{ host: scene.jail, guest: "/", access }] });
    const outside = scene.fingerprint(scene.outside);
    const rootTime = Deno.statSync(scene.root).mtime!.getTime();
    let inside = scene.fingerprint(scene.jail);
    for (const [operation, run] of Object.entries(OPERATIONS)) {
      for (const path of hostilePaths(scene)) {
        const errno = run(guest, path, scene);
        const key = `${operation} ${show(path).replaceAll(scene.root, "ROOT")}`;
        results.set(key, errnoName(errno));
        assertEquals(scene.fingerprint(scene.outside), outside, `${key} changed what is outside`);
        assertEquals(Deno.statSync(scene.root).mtime!.getTime(), rootTime, `${key} changed the folder above`);
        // What failed changed nothing; where nothing may change at all, that is not taken on trust.
        if (errno !== 0 && access === "readwrite") continue;
        const after = scene.fingerprint(scene.jail);
        if (after === inside) continue;
        assertEquals(access, "readwrite", `${key} changed a folder that was granted for reading`);
        scene.build();
        inside = scene.fingerprint(scene.jail);
      }
    }
  } finally {
    setPathResolution("automatic");
    scene.remove();
  }
  return results;
}

for (const access of ["read", "readwrite"] as const) {
  Deno.test(`no hostile path leaves a folder granted for ${access}, whoever resolves it`, () => {
    const kernel = runAll("kernel", access);
    const components = runAll("components", access);
    assert(kernel.size >= 400 * 13, `only ${kernel.size} cases`);
    const different = [...kernel].filter(([key, errno]) => components.get(key) !== errno)
      .map(([key, errno]) => `${key}: ${errno} by the kernel, ${components.get(key)} by components`);
    assertEquals(different, []);
    if (access === "read") return;
    // The scene is not so hostile that nothing works.
    for (const key of ['path_open to read "in_dir/inner"', 'path_open to create "new"', 'path_unlink_file "file"']) {
      assertEquals(kernel.get(key), "success", key);
    }
    assertEquals(kernel.get('path_open to read "../outside/secret"'), errnoName(Errno.perm));
    assertEquals(kernel.get('path_open to read "/etc/passwd"'), errnoName(Errno.perm));
  });
}
