/** Operations on open descriptors. */

import { SYS, sys } from "../../host/mod.ts";
import { Errno, FdFlags, FileType, Right, type WasiFunctionName, type WasiImplementation } from "./abi.ts";
import type { Descriptor } from "./descriptors.ts";
import { descriptorFlags, statusFlags, timesToSet, writeFilestat } from "./filestat.ts";
import { fail } from "./guest_memory.ts";
import {
  check,
  type FileStatus,
  readDirectory,
  readInto,
  readSome,
  setStatusFlags,
  setTimes,
  statusOf,
  writeFrom,
} from "./linux.ts";
import type { WasiState } from "./state.ts";
import { waitUntilReady, writerWhenReady } from "./waiting.ts";

const MAX_OFFSET = 0x7fff_ffff_ffff_ffffn;
const DIRENT_BYTES = 24;
const encoder = new TextEncoder();

/** An unsigned 64-bit guest value as a file offset or length. */
function toOffset(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value);
  if (unsigned > MAX_OFFSET) fail(Errno.inval);
  // Offsets beyond 2^53 exceed every file system's limit.
  return unsigned > BigInt(Number.MAX_SAFE_INTEGER) ? fail(Errno.fbig) : Number(unsigned);
}

/** The status of a stream that only the embedder knows. */
const NO_STATUS: FileStatus = {
  device: 0n,
  inode: 0n,
  links: 0n,
  mode: 0,
  size: 0n,
  accessNs: 0n,
  modifyNs: 0n,
  changeNs: 0n,
};

/** Whether reading waits for somebody else: terminals, pipes, sockets. */
function isStream({ fileType, input }: Descriptor): boolean {
  return fileType !== FileType.regularFile && input === undefined;
}

function read(descriptor: Descriptor, bytes: Uint8Array): number {
  const { input } = descriptor;
  if (!input) return isStream(descriptor) ? readSome(systemFd(descriptor), bytes) : readInto(descriptor.fd, bytes);
  const part = input.bytes.subarray(input.position, input.position + bytes.length);
  bytes.set(part);
  input.position += part.length;
  return part.length;
}

function write(descriptor: Descriptor, bytes: Uint8Array): number {
  if (!descriptor.output) return writeFrom(systemFd(descriptor), bytes);
  // A copy: the receiver may keep it, and the guest's memory goes on changing.
  const { length } = bytes;
  descriptor.output(bytes.slice());
  return length;
}

/** The system descriptor of a file-like descriptor. */
function systemFd(descriptor: Descriptor): number {
  return descriptor.fd < 0 ? fail(Errno.badf) : descriptor.fd;
}

function seekable(descriptor: Descriptor): number {
  if (descriptor.fileType === FileType.directory) fail(Errno.isdir);
  if (descriptor.fileType === FileType.characterDevice) fail(Errno.spipe);
  return descriptor.fd < 0 ? fail(Errno.spipe) : descriptor.fd;
}

/** The `fd_*` functions. */
export function fileFunctions(state: WasiState): WasiImplementation<Extract<WasiFunctionName, `fd_${string}`>> {
  const { memory, descriptors, layout, context } = state;
  /** pread and pwrite: moves buffers from or to a position that is not the descriptor's own. */
  const transferAt = (
    move: typeof readInto,
    fd: number,
    right: bigint,
    iovecs: number,
    count: number,
    offset: bigint,
    result: number,
  ): number => {
    const systemDescriptor = seekable(descriptors.get(fd, right | Right.fd_seek));
    memory.requireRange(result, 4);
    let position = toOffset(offset);
    const total = memory.forEachBuffer(iovecs, count, (bytes) => {
      const moved = move(systemDescriptor, bytes, position);
      position += moved;
      return moved;
    });
    memory.setU32(result, total);
    return Errno.success;
  };
  return {
    fd_advise(fd, offset, length, advice) {
      const descriptor = descriptors.get(fd, Right.fd_advise);
      if (advice >>> 0 > 5) return Errno.inval;
      const start = toOffset(offset);
      const size = toOffset(length);
      if (descriptor.fileType === FileType.directory) return Errno.badf;
      // Linux numbers: normal 0, random 1, sequential 2, willneed 3, dontneed 4, noreuse 5; WASI has sequential before random.
      const linuxAdvice = advice === 1 ? 2 : advice === 2 ? 1 : advice;
      check(sys(SYS.fadvise64, systemFd(descriptor), start, size, linuxAdvice));
      return Errno.success;
    },
    fd_allocate(fd, offset, length) {
      const descriptor = descriptors.get(fd, Right.fd_allocate);
      if (BigInt.asUintN(64, length) === 0n) return Errno.inval;
      check(sys(SYS.fallocate, systemFd(descriptor), 0, toOffset(offset), toOffset(length)));
      return Errno.success;
    },
    fd_close(fd) {
      descriptors.close(fd);
      return Errno.success;
    },
    fd_datasync(fd) {
      const descriptor = descriptors.get(fd, Right.fd_datasync);
      check(sys(SYS.fdatasync, systemFd(descriptor)));
      return Errno.success;
    },
    fd_fdstat_get(fd, result) {
      const descriptor = descriptors.get(fd);
      const base = result >>> 0;
      memory.range(base, 24).fill(0);
      memory.setU8(base, descriptor.fileType);
      memory.setU16(base + 2, descriptor.fd < 0 ? 0 : descriptorFlags(descriptor.fd));
      memory.setU64(base + 8, descriptor.rightsBase);
      memory.setU64(base + 16, descriptor.rightsInheriting);
      return Errno.success;
    },
    fd_fdstat_set_flags(fd, flags) {
      const descriptor = descriptors.get(fd, Right.fd_fdstat_set_flags);
      if (flags & ~31) return Errno.inval;
      // Linux ignores changes of the synchronisation flags; saying so beats pretending.
      if ((flags & (FdFlags.dsync | FdFlags.rsync | FdFlags.sync)) !== 0) return Errno.notsup;
      const system = systemFd(descriptor);
      // An inherited stream is open in other processes too: a terminal that stops blocking breaks the shell it belongs to.
      if (!descriptor.owned) return flags === descriptorFlags(system) ? Errno.success : Errno.notsup;
      setStatusFlags(system, statusFlags(flags));
      return Errno.success;
    },
    fd_fdstat_set_rights(fd, base, inheriting) {
      const descriptor = descriptors.get(fd);
      const newBase = BigInt.asUintN(64, base);
      const newInheriting = BigInt.asUintN(64, inheriting);
      if ((newBase & ~descriptor.rightsBase) !== 0n || (newInheriting & ~descriptor.rightsInheriting) !== 0n) {
        return Errno.notcapable;
      }
      descriptor.rightsBase = newBase;
      descriptor.rightsInheriting = newInheriting;
      return Errno.success;
    },
    fd_filestat_get(fd, result) {
      const descriptor = descriptors.get(fd, Right.fd_filestat_get);
      const status = descriptor.fd < 0 ? NO_STATUS : statusOf(descriptor.fd);
      writeFilestat(state, result, status, descriptor.fileType);
      return Errno.success;
    },
    fd_filestat_set_size(fd, size) {
      const descriptor = descriptors.get(fd, Right.fd_filestat_set_size);
      check(sys(SYS.ftruncate, systemFd(descriptor), toOffset(size)));
      return Errno.success;
    },
    fd_filestat_set_times(fd, access, modify, flags) {
      const descriptor = descriptors.get(fd, Right.fd_filestat_set_times);
      const [accessTime, modifyTime] = timesToSet(access, modify, flags);
      setTimes(systemFd(descriptor), undefined, accessTime, modifyTime, 0);
      return Errno.success;
    },
    fd_pread: (fd, ...rest) => transferAt(readInto, fd, Right.fd_read, ...rest),
    fd_prestat_get(fd, result) {
      const { preopenName } = descriptors.get(fd);
      if (preopenName === undefined) return Errno.badf;
      memory.setU32(result, 0);
      memory.setU32((result >>> 0) + 4, encoder.encode(preopenName).length);
      return Errno.success;
    },
    fd_prestat_dir_name(fd, pointer, length) {
      const { preopenName } = descriptors.get(fd);
      if (preopenName === undefined) return Errno.badf;
      const bytes = encoder.encode(preopenName);
      if (bytes.length > length >>> 0) return Errno.nametoolong;
      memory.write(pointer, bytes);
      return Errno.success;
    },
    fd_pwrite: (fd, ...rest) => transferAt(writeFrom, fd, Right.fd_write, ...rest),
    fd_read(fd, iovecs, count, result) {
      const descriptor = descriptors.get(fd, Right.fd_read);
      if (descriptor.fileType === FileType.directory) return Errno.isdir;
      memory.requireRange(result, 4);
      waitUntilReady(context, descriptor, "read");
      let ended = false;
      const total = memory.forEachBuffer(iovecs, count, (bytes) => {
        if (ended) return 0;
        ended = isStream(descriptor);
        return read(descriptor, bytes);
      });
      memory.setU32(result, total);
      return Errno.success;
    },
    fd_readdir(fd, buffer, length, cookie, result) {
      const descriptor = descriptors.getFolder(fd, Right.fd_readdir);
      const target = memory.range(buffer, length);
      memory.requireRange(result, 4);
      const start = Number(BigInt.asUintN(64, cookie));
      if (start === 0 || !descriptor.entries) descriptor.entries = readDirectory(descriptor.fd);
      let used = 0;
      for (let index = start; index < descriptor.entries.length && used < target.length; index++) {
        const { name, inode, fileType } = descriptor.entries[index];
        const record = new Uint8Array(DIRENT_BYTES + name.length);
        const view = new DataView(record.buffer);
        view.setBigUint64(0, BigInt(index + 1), true);
        view.setBigUint64(8, inode, true);
        view.setUint32(16, name.length, true);
        view.setUint8(20, fileType);
        record.set(name, DIRENT_BYTES);
        const part = record.subarray(0, target.length - used);
        target.set(part, used);
        used += part.length;
      }
      memory.setU32(result, used);
      return Errno.success;
    },
    fd_renumber(from, to) {
      descriptors.renumber(from, to);
      return Errno.success;
    },
    fd_seek(fd, offset, whence, result) {
      const descriptor = descriptors.get(fd, Right.fd_seek);
      const linuxWhence = layout.whence[whence];
      if (linuxWhence === undefined) return Errno.inval;
      const signed = BigInt.asIntN(64, offset);
      if (signed > BigInt(Number.MAX_SAFE_INTEGER) || signed < BigInt(Number.MIN_SAFE_INTEGER)) return Errno.inval;
      memory.requireRange(result, 8);
      memory.setU64(result, BigInt(check(sys(SYS.lseek, seekable(descriptor), Number(signed), linuxWhence))));
      return Errno.success;
    },
    fd_sync(fd) {
      const descriptor = descriptors.get(fd, Right.fd_sync);
      check(sys(SYS.fsync, systemFd(descriptor)));
      return Errno.success;
    },
    fd_tell(fd, result) {
      const descriptor = descriptors.get(fd, Right.fd_tell);
      const SEEK_CUR = 1;
      memory.setU64(result, BigInt(check(sys(SYS.lseek, seekable(descriptor), 0, SEEK_CUR))));
      return Errno.success;
    },
    fd_write(fd, iovecs, count, result) {
      const descriptor = descriptors.get(fd, Right.fd_write);
      if (descriptor.fileType === FileType.directory) return Errno.isdir;
      memory.requireRange(result, 4);
      const writer = writerWhenReady(context, descriptor, (bytes) => write(descriptor, bytes));
      memory.setU32(result, memory.forEachBuffer(iovecs, count, writer));
      return Errno.success;
    },
  };
}
