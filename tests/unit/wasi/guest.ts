/** A guest without code: WASI functions called one by one on a memory of the test's own. */

import { WASI_FUNCTIONS, type WasiFunctionName, type WasiOptions, WasiPreview1 } from "../../../lib/wasi/mod.ts";
import { ERRNO_NAMES, RIGHT_NAMES, type RightName } from "../../../lib/wasi/preview1/abi.ts";

export { ALL_RIGHTS, Errno, FdFlags, FileType, OFlags, rights } from "../../../lib/wasi/preview1/abi.ts";
export type { RightName };
export { RIGHT_NAMES };

const encoder = new TextEncoder();
const decoder = new TextDecoder();
type Func = (...args: (number | bigint)[]) => number;

/** Where results go; strings and buffers are placed after it. */
export const RESULT = 16;
const HEAP = 4096;

/** The name of an error number, for messages. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES[errno] ?? `errno ${errno}`;
}

/** WASI for one guest, its memory, and the functions by name. */
export class Guest implements Disposable {
  readonly wasi: WasiPreview1;
  readonly memory: WebAssembly.Memory;
  readonly #functions = new Map<string, Func>();
  #heap = HEAP;

  constructor(options: WasiOptions = {}, pages = 4, module = "wasi_snapshot_preview1") {
    this.wasi = new WasiPreview1(options);
    this.memory = new WebAssembly.Memory({ initial: pages });
    this.wasi.bindMemory(this.memory);
    this.wasi.defineFunctions((from, name, _parameters, _results, implementation) => {
      if (from === module) this.#functions.set(name, implementation as Func);
    });
  }

  /** Calls a function; returns its error number. Memory handed out by `put` before is free again. */
  call(name: WasiFunctionName, ...args: (number | bigint)[]): number {
    this.#heap = HEAP;
    return this.#functions.get(name)!(...args);
  }

  /** Calls a function; returns the name of its error. */
  errno(name: WasiFunctionName, ...args: (number | bigint)[]): string {
    return errnoName(this.call(name, ...args));
  }

  /** Calls a function that must succeed. */
  ok(name: WasiFunctionName, ...args: (number | bigint)[]): void {
    const errno = this.call(name, ...args);
    if (errno !== 0) throw new Error(`${name}(${args.join(", ")}) failed with ${errnoName(errno)}`);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer as ArrayBuffer);
  }

  get view(): DataView<ArrayBuffer> {
    return new DataView(this.memory.buffer as ArrayBuffer);
  }

  u32(at = RESULT): number {
    return this.view.getUint32(at, true);
  }

  u64(at = RESULT): bigint {
    return this.view.getBigUint64(at, true);
  }

  text(at: number, length: number): string {
    return decoder.decode(this.bytes.slice(at, at + length));
  }

  /** Puts bytes into memory for the next call; returns pointer and length. */
  put(content: string | Uint8Array): [pointer: number, length: number] {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    const at = this.#heap;
    this.bytes.set(bytes, at);
    this.#heap += (bytes.length + 15) & ~7;
    return [at, bytes.length];
  }

  /** Puts an iovec array over fresh buffers of these sizes; returns pointer, count, and the buffers' addresses. */
  buffers(...sizes: number[]): [pointer: number, count: number, addresses: number[]] {
    const addresses = sizes.map((size) => this.put(new Uint8Array(size))[0]);
    const vector = new Uint8Array(8 * sizes.length);
    const view = new DataView(vector.buffer);
    sizes.forEach((size, index) => {
      view.setUint32(8 * index, addresses[index], true);
      view.setUint32(8 * index + 4, size, true);
    });
    return [this.put(vector)[0], sizes.length, addresses];
  }

  /** Opens a path; returns the descriptor or, negative, the error number. */
  open(fd: number, path: string | Uint8Array, options: OpenOptions = {}): number {
    const { follow = true, flags = 0, base = READING, inheriting = (1n << 64n) - 1n, fdFlags = 0 } = options;
    const errno = this.call(
      "path_open",
      fd,
      follow ? 1 : 0,
      ...this.put(path),
      flags,
      base,
      inheriting,
      fdFlags,
      RESULT,
    );
    return errno === 0 ? this.u32() : -errno;
  }

  /** Writes text to a descriptor; returns the error number. */
  write(fd: number, text: string): number {
    const bytes = encoder.encode(text);
    const [vector, count, [buffer]] = this.buffers(bytes.length);
    this.bytes.set(bytes, buffer);
    return this.call("fd_write", fd, vector, count, RESULT);
  }

  /** Reads up to `size` bytes; returns the text or, negative, the error number. */
  read(fd: number, size = 1000): string | number {
    const [vector, count, [buffer]] = this.buffers(size);
    const errno = this.call("fd_read", fd, vector, count, RESULT);
    return errno === 0 ? this.text(buffer, this.u32()) : -errno;
  }

  [Symbol.dispose](): void {
    this.wasi[Symbol.dispose]();
  }
}

/** How to open a path. */
export interface OpenOptions {
  readonly follow?: boolean;
  readonly flags?: number;
  readonly base?: bigint;
  readonly inheriting?: bigint;
  readonly fdFlags?: number;
}

/** Rights to read files and folders. */
export const READING: bigint = mask(
  "fd_read",
  "fd_seek",
  "fd_tell",
  "fd_readdir",
  "fd_filestat_get",
  "path_open",
  "path_filestat_get",
);
/** Rights to read and write files. */
export const WRITING: bigint = READING | mask("fd_write", "fd_filestat_set_size", "fd_allocate");

function mask(...names: RightName[]): bigint {
  return names.reduce((bits, name) => bits | 1n << BigInt(RIGHT_NAMES.indexOf(name)), 0n);
}

/** Every function's name. */
export const FUNCTION_NAMES: readonly WasiFunctionName[] = WASI_FUNCTIONS.map(([name]) => name);
