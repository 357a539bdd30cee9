/**
 * Linux as WASI needs it: system calls with paths, status structures and times, through the host's scratch space.
 *
 * Scratch layout (SYS-2: nothing in it outlives one call here): two paths, an `open_how`, a structure, then data up to the end.
 */

import { scratch, SCRATCH_BYTES, SYS, sys } from "../../host/mod.ts";
import { Errno, errnoOf, FileType } from "./abi.ts";
import { fail } from "./guest_memory.ts";

const SECOND_PATH_OFFSET = 4608;
const STRUCT_OFFSET = 9216;
const DATA_OFFSET = 12288;
/** Room of a path with its terminating zero (PATH_MAX). */
const PATH_BYTES = 4096;
const encoder = new TextEncoder();

/** Most bytes that one read or write moves through the scratch space. */
const DATA_BYTES: number = SCRATCH_BYTES - DATA_OFFSET;

/** open(2) flags: include/uapi/asm-generic/fcntl.h. */
export const O = {
  rdonly: 0,
  wronly: 1,
  rdwr: 2,
  creat: 0o100,
  excl: 0o200,
  trunc: 0o1000,
  append: 0o2000,
  noctty: 0o400,
  nonblock: 0o4000,
  dsync: 0o10000,
  directory: 0o200000,
  nofollow: 0o400000,
  cloexec: 0o2000000,
  sync: 0o4010000,
  path: 0o10000000,
} as const;
/** at-flags. */
export const AT = {
  symlinkNofollow: 0x100,
  removedir: 0x200,
  symlinkFollow: 0x400,
  emptyPath: 0x1000,
  fdcwd: -100,
} as const;
/** openat2(2) resolution flags: never above the starting folder, never through magic links of /proc. */
const RESOLVE_BENEATH_NO_MAGIC = 0x08 | 0x02;

/** Result of a system call that returns a number; a negative one ends the WASI call with its error. */
export function check(result: number): number {
  return result < 0 ? fail(errnoOf(result)) : result;
}

const EINTR = -4;

/** A system call that waits, made again when a signal that the host handles interrupted it. */
function uninterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result !== EINTR) return result;
  }
}

/** Puts a path into the scratch space; `which` is 0 or 1, so that two fit. */
export function pathAddress(path: string, which: 0 | 1 = 0): number {
  const region = scratch();
  const offset = which * SECOND_PATH_OFFSET;
  const { read, written } = encoder.encodeInto(path, region.bytes.subarray(offset, offset + PATH_BYTES - 1));
  if (read < path.length) fail(Errno.nametoolong);
  // A zero inside would end the kernel's path early: the host's names come from users, the guest's are checked where they are read.
  if (path.includes("\0")) fail(Errno.ilseq);
  region.bytes[offset + written] = 0;
  return region.addressNumber + offset;
}

/** openat2 beneath `dirFd`: the file descriptor or `-errno`. */
export function openBeneathDirect(dirFd: number, path: string, flags: number, mode: number): number {
  const address = pathAddress(path);
  const region = scratch();
  const how = new DataView(region.bytes.buffer, region.bytes.byteOffset + STRUCT_OFFSET, 24);
  how.setUint32(0, flags | O.cloexec, true);
  how.setUint32(4, 0, true);
  how.setUint32(8, flags & O.creat ? mode : 0, true);
  how.setUint32(12, 0, true);
  how.setUint32(16, RESOLVE_BENEATH_NO_MAGIC, true);
  how.setUint32(20, 0, true);
  return sys(SYS.openat2, dirFd, address, region.addressNumber + STRUCT_OFFSET, 24);
}

/** openat of one component or an absolute path: the file descriptor or `-errno`. */
export function openAt(dirFd: number, path: string, flags: number, mode: number): number {
  return sys(SYS.openat, dirFd, pathAddress(path), flags | O.cloexec, mode);
}

/** Closes a file descriptor; errors of close are not actionable. */
export function closeFd(fd: number): void {
  sys(SYS.close, fd);
}

/** A file's status, the fields WASI reports. */
export interface FileStatus {
  readonly device: bigint;
  readonly inode: bigint;
  readonly links: bigint;
  readonly mode: number;
  readonly size: bigint;
  readonly accessNs: bigint;
  readonly modifyNs: bigint;
  readonly changeNs: bigint;
}

/** fstatat: status of `path` beneath `dirFd`, or of `dirFd` itself when `path` is empty and flags hold emptyPath. */
export function statusAt(dirFd: number, path: string, flags: number): FileStatus {
  const address = pathAddress(path);
  const region = scratch();
  check(sys(SYS.fstatat, dirFd, address, region.addressNumber + STRUCT_OFFSET, flags));
  const stat = new DataView(region.bytes.buffer, region.bytes.byteOffset + STRUCT_OFFSET, 144);
  const time = (offset: number) => stat.getBigInt64(offset, true) * 1_000_000_000n + stat.getBigInt64(offset + 8, true);
  return {
    device: stat.getBigUint64(0, true),
    inode: stat.getBigUint64(8, true),
    links: stat.getBigUint64(16, true),
    mode: stat.getUint32(24, true),
    size: stat.getBigUint64(48, true),
    accessNs: time(72),
    modifyNs: time(88),
    changeNs: time(104),
  };
}

/** Status of an open file descriptor. */
export function statusOf(fd: number): FileStatus {
  return statusAt(fd, "", AT.emptyPath);
}

const S_IFMT = 0o170000;
const FILE_TYPE_BY_MODE: Record<number, number> = {
  0o060000: FileType.blockDevice,
  0o020000: FileType.characterDevice,
  0o040000: FileType.directory,
  0o100000: FileType.regularFile,
  0o140000: FileType.socketStream,
  0o120000: FileType.symbolicLink,
};

/** The WASI file type of a mode; pipes have none. */
export function fileTypeOf(mode: number): number {
  return FILE_TYPE_BY_MODE[mode & S_IFMT] ?? FileType.unknown;
}

/** Reads what there is, at most `bytes.length` bytes, in one system call: a stream must not be waited for once it gave something. */
export function readSome(fd: number, bytes: Uint8Array): number {
  const region = scratch();
  const want = Math.min(bytes.length, DATA_BYTES);
  const got = check(uninterrupted(() => sys(SYS.read, fd, region.addressNumber + DATA_OFFSET, want)));
  bytes.set(region.bytes.subarray(DATA_OFFSET, DATA_OFFSET + got));
  return got;
}

/** Reads `bytes.length` bytes or up to the end; `offset` undefined: at the file position. Returns the count. */
export function readInto(fd: number, bytes: Uint8Array, offset?: number): number {
  const region = scratch();
  const address = region.addressNumber + DATA_OFFSET;
  return inChunks(bytes.length, (done, want) => {
    const got = offset === undefined
      ? uninterrupted(() => sys(SYS.read, fd, address, want))
      : sys(SYS.pread64, fd, address, want, offset + done);
    if (got > 0) bytes.set(region.bytes.subarray(DATA_OFFSET, DATA_OFFSET + got), done);
    return got;
  });
}

/** Writes `bytes`; `offset` undefined: at the file position. Returns the count written, short only at an error after a part. */
export function writeFrom(fd: number, bytes: Uint8Array, offset?: number): number {
  const region = scratch();
  const address = region.addressNumber + DATA_OFFSET;
  return inChunks(bytes.length, (done, want) => {
    region.bytes.set(bytes.subarray(done, done + want), DATA_OFFSET);
    return offset === undefined
      ? uninterrupted(() => sys(SYS.write, fd, address, want))
      : sys(SYS.pwrite64, fd, address, want, offset + done);
  });
}

/** Moves `length` bytes through the scratch space until a chunk comes up short; an error counts only if nothing was moved before it. */
function inChunks(length: number, move: (done: number, want: number) => number): number {
  let total = 0;
  while (total < length) {
    const want = Math.min(length - total, DATA_BYTES);
    const moved = move(total, want);
    if (moved < 0) return total > 0 ? total : check(moved);
    total += moved;
    if (moved < want) break;
  }
  return total;
}

/** An entry of a directory. */
export interface DirectoryEntry {
  readonly name: Uint8Array;
  readonly inode: bigint;
  readonly fileType: number;
}

const FILE_TYPE_BY_DT: Record<number, number> = {
  2: FileType.characterDevice,
  4: FileType.directory,
  6: FileType.blockDevice,
  8: FileType.regularFile,
  10: FileType.symbolicLink,
  12: FileType.socketStream,
};

/** Reads a whole directory, "." and ".." included. */
export function readDirectory(fd: number): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const region = scratch();
  check(sys(SYS.lseek, fd, 0, 0));
  for (;;) {
    const length = check(sys(SYS.getdents64, fd, region.addressNumber + DATA_OFFSET, DATA_BYTES));
    if (length === 0) return entries;
    const view = new DataView(region.bytes.buffer, region.bytes.byteOffset + DATA_OFFSET, length);
    for (let at = 0; at < length;) {
      const recordBytes = view.getUint16(at + 16, true);
      const nameStart = DATA_OFFSET + at + 19;
      let nameEnd = nameStart;
      while (region.bytes[nameEnd] !== 0) nameEnd++;
      entries.push({
        inode: view.getBigUint64(at, true),
        fileType: FILE_TYPE_BY_DT[view.getUint8(at + 18)] ?? FileType.unknown,
        name: region.bytes.slice(nameStart, nameEnd),
      });
      at += recordBytes;
    }
  }
}

/** readlinkat of an O_PATH descriptor of the link itself. */
export function readLink(linkFd: number): Uint8Array {
  const region = scratch();
  const length = check(sys(SYS.readlinkat, linkFd, pathAddress(""), region.addressNumber + DATA_OFFSET, DATA_BYTES));
  return region.bytes.slice(DATA_OFFSET, DATA_OFFSET + length);
}

const F_GETFL = 3;
const F_SETFL = 4;

/** The status flags of an open file descriptor ({@linkcode O} bits). */
export function getStatusFlags(fd: number): number {
  return check(sys(SYS.fcntl, fd, F_GETFL));
}

/** Sets the status flags that can change while a file is open. */
export function setStatusFlags(fd: number, flags: number): void {
  check(sys(SYS.fcntl, fd, F_SETFL, flags));
}

/** A time to set: nanoseconds, the present, or leave as it is. */
export type TimeToSet = bigint | "now" | "omit";

const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

/** utimensat; an empty path with `flags` 0 and a null path address means the descriptor itself. */
export function setTimes(
  fd: number,
  path: string | undefined,
  access: TimeToSet,
  modify: TimeToSet,
  flags: number,
): void {
  const address = path === undefined ? 0 : pathAddress(path);
  const region = scratch();
  const times = new DataView(region.bytes.buffer, region.bytes.byteOffset + STRUCT_OFFSET, 32);
  [access, modify].forEach((time, index) => {
    const [seconds, nanoseconds] = typeof time === "bigint"
      ? [time / 1_000_000_000n, time % 1_000_000_000n]
      : [0n, BigInt(time === "now" ? UTIME_NOW : UTIME_OMIT)];
    times.setBigInt64(index * 16, seconds, true);
    times.setBigInt64(index * 16 + 8, nanoseconds, true);
  });
  check(sys(SYS.utimensat, fd, address, region.addressNumber + STRUCT_OFFSET, flags));
}

/** clock_gettime or clock_getres in nanoseconds. */
export function clockValue(call: "time" | "resolution", clock: number): bigint {
  const region = scratch();
  const number = call === "time" ? SYS.clock_gettime : SYS.clock_getres;
  check(sys(number, clock, region.addressNumber + STRUCT_OFFSET));
  const time = new DataView(region.bytes.buffer, region.bytes.byteOffset + STRUCT_OFFSET, 16);
  return time.getBigInt64(0, true) * 1_000_000_000n + time.getBigInt64(8, true);
}

/** One descriptor to wait for. */
export interface PollRequest {
  readonly fd: number;
  readonly events: number;
}

/** Events of poll(2). */
export const POLL = { in: 1, out: 4, err: 8, hup: 16, nval: 32 } as const;

const CLOCK_MONOTONIC = 1;

/** Waits for any of `requests` or until `timeoutNs` (undefined: for ever) passed; returns the events seen by request. */
export function pollDescriptors(requests: readonly PollRequest[], timeoutNs: bigint | undefined): number[] {
  const region = scratch();
  if (requests.length * 8 > DATA_BYTES) fail(Errno.inval);
  const fds = new DataView(region.bytes.buffer, region.bytes.byteOffset + DATA_OFFSET, requests.length * 8);
  requests.forEach(({ fd, events }, index) => {
    fds.setInt32(index * 8, fd, true);
    fds.setInt16(index * 8 + 4, events, true);
    fds.setInt16(index * 8 + 6, 0, true);
  });
  const deadline = timeoutNs === undefined ? undefined : clockValue("time", CLOCK_MONOTONIC) + timeoutNs;
  const timeoutAddress = deadline === undefined ? 0 : region.addressNumber + STRUCT_OFFSET;
  const time = new DataView(region.bytes.buffer, region.bytes.byteOffset + STRUCT_OFFSET, 16);
  // An interrupted wait goes on for what is left of it.
  check(uninterrupted(() => {
    if (deadline !== undefined) {
      const left = deadline - clockValue("time", CLOCK_MONOTONIC);
      const wait = left > 0n ? left : 0n;
      time.setBigInt64(0, wait / 1_000_000_000n, true);
      time.setBigInt64(8, wait % 1_000_000_000n, true);
    }
    return sys(SYS.ppoll, region.addressNumber + DATA_OFFSET, requests.length, timeoutAddress, 0, 8);
  }));
  return requests.map((_, index) => fds.getInt16(index * 8 + 6, true));
}

/** Bytes that can be read from `fd` at once (FIONREAD), 0 where that has no meaning. */
export function readableBytes(fd: number): number {
  const region = scratch();
  const view = new DataView(region.bytes.buffer, region.bytes.byteOffset + STRUCT_OFFSET, 4);
  view.setInt32(0, 0, true);
  const FIONREAD = 0x541b;
  return sys(SYS.ioctl, fd, FIONREAD, region.addressNumber + STRUCT_OFFSET) < 0 ? 0 : view.getInt32(0, true);
}

/** Fills `bytes` from the system's random source. */
export function randomInto(bytes: Uint8Array): void {
  const MOST_PER_CALL = 65536;
  for (let at = 0; at < bytes.length; at += MOST_PER_CALL) {
    const part = new Uint8Array(Math.min(MOST_PER_CALL, bytes.length - at));
    bytes.set(crypto.getRandomValues(part), at);
  }
}
