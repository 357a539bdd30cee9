/**
 * Raw system calls from JavaScript, and the native scratch space that their structures and paths live in.
 *
 * `sys` is one FFI call whose integers travel as f64 (exact below 2^53, so every user address fits): no BigInt, about 4 ns over
 * the system call itself. A 64-bit argument beyond that (a mask) goes through memory, as system calls expect it anyway.
 *
 * SYS-1  A result is the kernel's: at least 0, or `-errno`. Nothing here throws for a failed call.
 * SYS-2  The scratch space belongs to one synchronous piece of code: nothing in it survives a line that is not ours.
 */

import { boot } from "./boot.ts";
import { HostError } from "./errors.ts";
import { mapRegion, type NativeRegion } from "./memory.ts";

/** Makes system call `nr` (x86-64 numbering); returns its result or `-errno`. */
export function sys(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  return boot().systemCall(nr, a, b, c, d, e, f);
}

/** System call numbers that the host and WASI use: arch/x86/entry/syscalls/syscall_64.tbl. */
export const SYS = {
  read: 0,
  write: 1,
  open: 2,
  close: 3,
  stat: 4,
  fstat: 5,
  lstat: 6,
  poll: 7,
  lseek: 8,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  readv: 19,
  writev: 20,
  sched_yield: 24,
  mremap: 25,
  mincore: 27,
  madvise: 28,
  nanosleep: 35,
  getpid: 39,
  geteuid: 107,
  prlimit64: 302,
  sendto: 44,
  recvfrom: 45,
  shutdown: 48,
  fcntl: 72,
  fsync: 74,
  fdatasync: 75,
  ftruncate: 77,
  getdents64: 217,
  clock_gettime: 228,
  clock_getres: 229,
  clock_nanosleep: 230,
  tgkill: 234,
  openat: 257,
  mkdirat: 258,
  fstatat: 262,
  unlinkat: 263,
  linkat: 265,
  symlinkat: 266,
  readlinkat: 267,
  ppoll: 271,
  utimensat: 280,
  accept4: 288,
  pipe2: 293,
  preadv: 295,
  pwritev: 296,
  fallocate: 285,
  gettid: 186,
  futex: 202,
  fadvise64: 221,
  renameat2: 316,
  getrandom: 318,
  memfd_create: 319,
  copy_file_range: 326,
  statx: 332,
  openat2: 437,
  dup3: 292,
  dup: 32,
} as const satisfies Record<string, number>;

/** Size of the scratch space: room for the longest path twice (PATH_MAX is 4,096) and for directory entries. */
export const SCRATCH_BYTES = 64 * 1024;

let scratchRegion: NativeRegion | undefined;

/** The isolate's scratch space, 64 KiB of native memory (SYS-2). */
export function scratch(): NativeRegion {
  return scratchRegion ??= mapRegion(SCRATCH_BYTES);
}

const encoder = new TextEncoder();

/**
 * Writes `text` as a zero-terminated UTF-8 string into the scratch space at `offsetBytes` and returns its address.
 *
 * @throws {HostError} if the text holds a zero character or does not fit.
 */
export function scratchString(text: string, offsetBytes = 0): number {
  const region = scratch();
  const target = region.bytes.subarray(offsetBytes);
  const { read, written } = encoder.encodeInto(text, target);
  if (read !== text.length || written >= target.length) throw new HostError("limit", "the string is too long");
  if (text.includes("\0")) throw new HostError("system", "the string contains a zero character");
  target[written] = 0;
  return region.addressNumber + offsetBytes;
}
