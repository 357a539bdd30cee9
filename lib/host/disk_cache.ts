/**
 * A folder of byte strings by key, shared by processes that know nothing of each other: what was compiled once need not be compiled again.
 *
 * What is read back becomes machine code, so the folder is only used while nobody but its owner can write or read it, and an entry only
 * while it is a plain file of that owner's; and whatever a crash, a full disk or a failing one left behind must not be taken for an entry.
 * A file is therefore written whole under a name of its own and then renamed, which is atomic, so readers need no lock: they meet the old
 * file, the new one or none, and one that is evicted under them stays readable. Nothing is flushed to the disk: after a loss of power a name
 * may lead to a file without its contents, which its digest tells, and `fsync` would cost more than it saves.
 *
 * CACHE-1  What {@linkcode DiskCache.read} gives was written for that key, to the last bit: magic, key and SHA-256 over the payload agree.
 * CACHE-2  No operation throws for what a disk, a permission or another process does: an entry is a miss then, and the first trouble is told.
 * CACHE-3  Only files named as entries and temporary files of ours are ever removed, whatever folder the user has named.
 *
 * All file access goes through Deno's interfaces, so its permissions hold; they are queried, since a cache is not worth a prompt.
 */

import { sha256, SHA256_BYTES } from "../base/mod.ts";
import { scratch, SYS, sys } from "./sys.ts";

/** Where a cache is and how large it may become. */
export interface DiskCacheOptions {
  /** The folder; made, for the user alone, when the first entry is looked for. */
  readonly directory: string | URL;
  /** Bytes that all entries together may take; 512 MiB unless given. Those that were not used for longest go first. */
  readonly maximumBytes?: number;
  /** Called with a sentence when the cache cannot be used or written, at most once. */
  readonly onProblem?: (problem: string) => void;
}

/** What is in a cache. */
export interface DiskCacheUsage {
  /** The number of entries. */
  readonly entries: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** Bytes of a cache that nobody said more about. */
const DEFAULT_MAXIMUM_BYTES = 512 * 2 ** 20;

const MAGIC = new TextEncoder().encode("theropod cache 1");
const DIGEST_AT = MAGIC.length + SHA256_BYTES;
const HEADER_BYTES = DIGEST_AT + SHA256_BYTES;

const ENTRY_NAME = /^[0-9a-f]{64}$/;
const TEMPORARY_NAME = /^[0-9a-f]{64}\.\d+-[0-9a-f]{16}\.tmp$/;

/** A temporary file of this age belongs to a process that has died: writing takes milliseconds. */
const STALE_MS = 600_000;
/** How often reading an entry renews its time: more often would write to the disk at each run. */
const TOUCH_MS = 60_000;
/** Eviction goes on to this part of the maximum, so that not each new entry evicts one. */
const LOW_WATER = 0.9;

const GROUP_AND_OTHERS = 0o077;
const RLIMIT_FSIZE = 1;

/**
 * A cache on disk, for {@linkcode EngineConfig.cache}. Any number of processes and engines may use the same folder.
 *
 * @example Compile once, whatever the number of runs
 * ```ts
 * import { DiskCache, Engine, Module } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * const cache = new DiskCache({ directory: await Deno.makeTempDir() });
 * const text = `(module (func (export "run")))`;
 * for (let run = 0; run < 2; run++) {
 *   using engine = new Engine({ cache });
 *   Module.fromText(engine, text); // the second time it is read
 * }
 * assertEquals(cache.usage().entries, 1);
 * await Deno.remove(cache.directory, { recursive: true });
 * ```
 */
export class DiskCache {
  /** The folder's path. */
  readonly directory: string;
  /** Bytes that all entries together may take. */
  readonly maximumBytes: number;
  readonly #onProblem: ((problem: string) => void) | undefined;
  #problem: string | undefined;
  /** Whether the folder was looked at, and what that gave. */
  #state: "unknown" | "open" | "unreadable" = "unknown";
  #isWritable = true;
  #owner = -1;

  /**
   * Describes a cache; nothing is touched before it is used.
   *
   * @param options Where it is, and how large it may become.
   * @throws {TypeError} for options that are none.
   */
  constructor(options: DiskCacheOptions) {
    const { directory, maximumBytes = DEFAULT_MAXIMUM_BYTES, onProblem } = options;
    if (!(typeof directory === "string" && directory !== "") && !(directory instanceof URL)) {
      throw new TypeError("directory is the path of a folder");
    }
    if (directory instanceof URL && directory.protocol !== "file:") throw new TypeError(`${directory} is no file`);
    if (!(typeof maximumBytes === "number" && maximumBytes >= 0)) {
      throw new TypeError(`maximumBytes is a number of bytes, not ${maximumBytes}`);
    }
    if (onProblem !== undefined && typeof onProblem !== "function") throw new TypeError("onProblem is a function");
    const path = directory instanceof URL ? decodeURIComponent(directory.pathname) : directory;
    this.directory = path.replace(/(?<=.)\/+$/, "");
    this.maximumBytes = maximumBytes;
    this.#onProblem = onProblem;
  }

  /**
   * Where the user keeps such things: `$XDG_CACHE_HOME/theropod`, or `~/.cache/theropod`.
   *
   * @returns The path; undefined if the environment does not tell, or may not be read.
   */
  static defaultDirectory(): string | undefined {
    // The XDG base directory specification: a relative path is to be ignored.
    const cacheHome = variable("XDG_CACHE_HOME");
    if (cacheHome?.startsWith("/")) return `${cacheHome}/theropod`;
    const home = variable("HOME");
    return home?.startsWith("/") ? `${home}/.cache/theropod` : undefined;
  }

  /** Why the cache is not used, or not written; undefined while nothing is wrong. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What was written for the key, a SHA-256; undefined if there is nothing, or nothing that is whole. @internal */
  read(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#open()) return undefined;
    try {
      const bytes = this.#readFile(this.#path(key));
      return bytes !== undefined && isIntact(bytes, key) ? bytes.subarray(HEADER_BYTES) : undefined;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#tell(`cannot be read: ${reason(error)}`);
      return undefined;
    }
  }

  /** Writes what {@linkcode DiskCache.read} will give for the key, if that is possible. @internal */
  write(key: Uint8Array, payload: Uint8Array): void {
    const byteLength = HEADER_BYTES + payload.length;
    if (!this.#open() || !this.#isWritable || byteLength > this.maximumBytes) return;
    const path = this.#path(key);
    const temporary = `${path}.${Deno.pid}-${crypto.getRandomValues(new Uint8Array(8)).toHex()}.tmp`;
    try {
      // Past that limit the system does not refuse: it ends the process (SIGXFSZ).
      if (byteLength > fileSizeLimit()) throw new Error(`files may not be longer than ${fileSizeLimit()} bytes`);
      try {
        using file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
        for (const part of [MAGIC, key, sha256([payload]), payload]) writeAll(file, part);
        Deno.renameSync(temporary, path);
      } catch (error) {
        this.#remove(temporary);
        throw error;
      }
      this.#evict();
    } catch (error) {
      this.#isWritable = false;
      this.#tell(`cannot be written: ${reason(error)}`);
    }
  }

  /** Says why somebody who was given the cache does not use it. @internal */
  decline(why: string): void {
    this.#tell(`is not used: ${why}`);
  }

  /** Removes an entry that turned out to be of no use. @internal */
  remove(key: Uint8Array): void {
    if (this.#open()) this.#remove(this.#path(key));
  }

  /**
   * Counts what is there.
   *
   * @returns The number and size of all entries.
   */
  usage(): DiskCacheUsage {
    const entries = this.#open() ? this.#list().filter(({ isEntry }) => isEntry) : [];
    return { entries: entries.length, bytes: entries.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  }

  /** Removes all entries. Processes that read one go on. */
  clear(): void {
    if (!this.#open()) return;
    for (const { path } of this.#list()) this.#remove(path);
  }

  #path(key: Uint8Array): string {
    return `${this.directory}/${key.toHex()}`;
  }

  /** Looks at the folder once; returns whether it may be used. */
  #open(): boolean {
    if (this.#state === "unknown") {
      const problem = this.#prepare();
      this.#state = problem === undefined ? "open" : "unreadable";
      if (problem !== undefined) this.#tell(problem);
    }
    return this.#state === "open";
  }

  #prepare(): string | undefined {
    const { directory } = this;
    if (!isGranted({ name: "read", path: directory })) return `needs the permission --allow-read=${directory}`;
    if (!isGranted({ name: "write", path: directory })) return `needs the permission --allow-write=${directory}`;
    try {
      try {
        Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
      const { isDirectory, uid, mode } = Deno.statSync(directory);
      if (!isDirectory) return "is not a folder";
      this.#owner = sys(SYS.geteuid);
      if (uid !== this.#owner) return "belongs to another user";
      if ((mode! & GROUP_AND_OTHERS) !== 0) return `is open to other users; chmod 700 ${directory} closes it`;
      return undefined;
    } catch (error) {
      return `cannot be used: ${reason(error)}`;
    }
  }

  /** The bytes of a file, or undefined if it is no file that only its owner could have written. */
  #readFile(path: string): Uint8Array<ArrayBuffer> | undefined {
    const named = Deno.lstatSync(path);
    if (!this.#isOwn(named)) return undefined;
    using file = Deno.openSync(path);
    // Another file may have the name by now, and opening follows links.
    const { ino, dev, size, mtime } = file.statSync();
    if (ino !== named.ino || dev !== named.dev || size < HEADER_BYTES || size > this.maximumBytes) return undefined;
    const bytes = new Uint8Array(size);
    for (let done = 0; done < size;) {
      const count = file.readSync(bytes.subarray(done));
      if (count === null) return undefined;
      done += count;
    }
    const now = Date.now();
    if (!(Math.abs(now - (mtime?.getTime() ?? 0)) < TOUCH_MS)) {
      try {
        file.utimeSync(now / 1000, now / 1000);
      } catch {
        // A disk that is not written any more can still be read.
      }
    }
    return bytes;
  }

  #isOwn({ isFile, uid, mode }: Deno.FileInfo): boolean {
    return isFile && uid === this.#owner && (mode! & GROUP_AND_OTHERS) === 0;
  }

  #list(): CacheFile[] {
    const files: CacheFile[] = [];
    try {
      for (const { name } of Deno.readDirSync(this.directory)) {
        const isEntry = ENTRY_NAME.test(name);
        if (!isEntry && !TEMPORARY_NAME.test(name)) continue;
        const path = `${this.directory}/${name}`;
        try {
          const { size, mtime } = Deno.lstatSync(path);
          files.push({ path, isEntry, byteLength: size, usedMs: mtime?.getTime() ?? 0 });
        } catch {
          // Another process was faster.
        }
      }
    } catch (error) {
      this.#tell(`cannot be read: ${reason(error)}`);
    }
    return files;
  }

  /** Removes what dead processes left, then the entries that were not used for longest, until the rest is well below the maximum. */
  #evict(): void {
    const files = this.#list();
    let bytes = 0;
    for (const { path, isEntry, byteLength, usedMs } of files) {
      if (isEntry) bytes += byteLength;
      else if (Date.now() - usedMs > STALE_MS) this.#remove(path);
    }
    if (bytes <= this.maximumBytes) return;
    const entries = files.filter(({ isEntry }) => isEntry).sort((a, b) => a.usedMs - b.usedMs);
    for (const { path, byteLength } of entries) {
      if (bytes <= this.maximumBytes * LOW_WATER) break;
      this.#remove(path);
      bytes -= byteLength;
    }
  }

  #remove(path: string): void {
    try {
      Deno.removeSync(path);
    } catch {
      // It is gone already, or stays.
    }
  }

  /** Tells the first problem. */
  #tell(what: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = `the cache ${this.directory} ${what}`;
    this.#onProblem?.(this.#problem);
  }
}

interface CacheFile {
  readonly path: string;
  readonly isEntry: boolean;
  readonly byteLength: number;
  readonly usedMs: number;
}

/** CACHE-1. */
function isIntact(bytes: Uint8Array, key: Uint8Array): boolean {
  return isEqual(bytes.subarray(0, MAGIC.length), MAGIC) && isEqual(bytes.subarray(MAGIC.length, DIGEST_AT), key) &&
    isEqual(bytes.subarray(DIGEST_AT, HEADER_BYTES), sha256([bytes.subarray(HEADER_BYTES)]));
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

/** The longest file that this process may write. */
function fileSizeLimit(): number {
  const region = scratch();
  if (sys(SYS.prlimit64, 0, RLIMIT_FSIZE, 0, region.addressNumber) < 0) return Infinity;
  const [low, high] = new Uint32Array(region.buffer, 0, 2);
  return high >>> 0 === 0xffff_ffff ? Infinity : low + high * 0x1_0000_0000;
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

function variable(name: string): string | undefined {
  return isGranted({ name: "env", variable: name }) ? Deno.env.get(name) : undefined;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0] : String(error);
}
