/** Operations that name files by path, each beneath the folder of a descriptor. */

import { SYS, sys } from "../../host/mod.ts";
import {
  DIRECTORY_RIGHTS,
  Errno,
  errnoOf,
  FdFlags,
  FILE_RIGHTS,
  FileType,
  LookupFlags,
  OFlags,
  Right,
  type WasiFunctionName,
  type WasiImplementation,
} from "./abi.ts";
import { type Entry, openBeneath, openParent } from "./beneath.ts";
import type { Descriptor } from "./descriptors.ts";
import { ErrnoError, fail } from "./guest_memory.ts";
import { statusFlags, timesToSet, writeFilestat } from "./filestat.ts";
import {
  AT,
  check,
  closeFd,
  fileTypeOf,
  O,
  pathAddress,
  readLink,
  setStatusFlags,
  setTimes,
  statusOf,
} from "./linux.ts";
import type { WasiState } from "./state.ts";

const WRITING = Right.fd_write | Right.fd_allocate | Right.fd_filestat_set_size;

/** Runs `work` with a descriptor and closes it. */
function withFd<T>(fd: number, work: (fd: number) => T): T {
  try {
    return work(fd);
  } finally {
    closeFd(fd);
  }
}

/** Runs `work` with the folder and name of an entry (BENEATH-2). */
function withEntry<T>(dirFd: number, path: string, work: (entry: Entry) => T): T {
  const entry = openParent(dirFd, path);
  return withFd(entry.folderFd, () => work(entry));
}

/** The file type of an entry itself, undefined where there is none. */
function entryType({ folderFd, name }: Entry): number | undefined {
  const fd = openBeneathOrUndefined(folderFd, name);
  return fd === undefined ? undefined : withFd(fd, (open) => fileTypeOf(statusOf(open).mode));
}

function openBeneathOrUndefined(folderFd: number, name: string): number | undefined {
  try {
    return openBeneath(folderFd, name, O.path | O.nofollow);
  } catch (error) {
    if (error instanceof ErrnoError) return undefined;
    throw error;
  }
}

/** "." and ".." are no names of entries: they cannot be removed, renamed or made. */
function requireName({ name }: Entry, error: number): void {
  if (name === "." || name === ".." || name === "") fail(error);
}

/** A path that ends in a slash names a folder. */
function requireFolderIfSlash(entry: Entry): void {
  if (!entry.trailingSlash) return;
  const type = entryType(entry);
  if (type === undefined) fail(Errno.noent);
  if (type !== FileType.directory) fail(Errno.notdir);
}

/** Linux's flags for opening beneath `folder`; ends the call where its rights do not suffice. */
function systemOpenFlags(folder: Descriptor, openFlags: number, wanted: bigint, fdFlags: number): number {
  const create = (openFlags & OFlags.creat) !== 0;
  const directory = (openFlags & OFlags.directory) !== 0;
  const truncate = (openFlags & OFlags.trunc) !== 0;
  if (create && directory) fail(Errno.inval);
  // A folder is never open for writing: who asks for both learns it here, as from open(2).
  if (directory && (wanted & Right.fd_write) !== 0n) fail(Errno.isdir);
  if (create && !(folder.rightsBase & Right.path_create_file)) fail(Errno.notcapable);
  if (truncate && !(folder.rightsBase & Right.path_filestat_set_size)) fail(Errno.notcapable);
  const writingRights = (wanted & WRITING) !== 0n;
  const writing = !directory && (writingRights || truncate || (fdFlags & FdFlags.append) !== 0);
  if (writing && !(folder.rightsInheriting & Right.fd_write)) fail(Errno.notcapable);
  const reading = !writingRights || (wanted & Right.fd_read) !== 0n;
  return (writing ? (reading ? O.rdwr : O.wronly) : O.rdonly) |
    (create ? O.creat : 0) |
    (directory ? O.directory : 0) |
    (openFlags & OFlags.excl ? O.excl : 0) |
    (truncate ? O.trunc : 0);
}

/** The `path_*` functions. */
export function pathFunctions(state: WasiState): WasiImplementation<Extract<WasiFunctionName, `path_${string}`>> {
  const { memory, descriptors } = state;
  const folderFd = (fd: number, needed: bigint) => descriptors.getFolder(fd, needed).fd;
  return {
    path_create_directory(fd, pointer, length) {
      const folder = folderFd(fd, Right.path_create_directory);
      return withEntry(folder, memory.path(pointer, length), (entry) => {
        requireName(entry, Errno.exist);
        check(sys(SYS.mkdirat, entry.folderFd, pathAddress(entry.name), 0o777));
        return Errno.success;
      });
    },
    path_filestat_get(fd, flags, pointer, length, result) {
      const folder = folderFd(fd, Right.path_filestat_get);
      const nofollow = flags & LookupFlags.symlinkFollow ? 0 : O.nofollow;
      withFd(
        openBeneath(folder, memory.path(pointer, length), O.path | nofollow),
        (open) => writeFilestat(state, result, statusOf(open)),
      );
      return Errno.success;
    },
    path_filestat_set_times(fd, flags, pointer, length, access, modify, timeFlags) {
      const folder = folderFd(fd, Right.path_filestat_set_times);
      const [accessTime, modifyTime] = timesToSet(access, modify, timeFlags);
      const nofollow = flags & LookupFlags.symlinkFollow ? 0 : O.nofollow;
      withFd(
        openBeneath(folder, memory.path(pointer, length), O.path | nofollow),
        (open) => setTimes(open, "", accessTime, modifyTime, AT.emptyPath),
      );
      return Errno.success;
    },
    path_link(oldFd, oldFlags, oldPointer, oldLength, newFd, newPointer, newLength) {
      const oldFolder = folderFd(oldFd, Right.path_link_source);
      const newFolder = folderFd(newFd, Right.path_link_target);
      // Following would let the kernel walk a link unconfined; nobody's libc asks for it.
      if (oldFlags & LookupFlags.symlinkFollow) return Errno.inval;
      const oldPath = memory.path(oldPointer, oldLength);
      const newPath = memory.path(newPointer, newLength);
      return withEntry(oldFolder, oldPath, (from) =>
        withEntry(newFolder, newPath, (to) => {
          requireName(from, Errno.perm);
          requireName(to, Errno.exist);
          requireFolderIfSlash(from);
          if (to.trailingSlash) return entryType(to) === undefined ? Errno.noent : Errno.notdir;
          check(sys(SYS.linkat, from.folderFd, pathAddress(from.name, 0), to.folderFd, pathAddress(to.name, 1), 0));
          return Errno.success;
        }));
    },
    path_open(fd, lookup, pointer, length, openFlags, base, inheriting, fdFlags, result) {
      const folder = descriptors.getFolder(fd, Right.path_open);
      const path = memory.path(pointer, length);
      if (openFlags & ~15 || fdFlags & ~31) return Errno.inval;
      // HOST-R: were the result refused after the opening, its descriptor would be closed and still stand in the table.
      memory.requireRange(result, 4);
      const wanted = BigInt.asUintN(64, base) & folder.rightsInheriting;
      const flags = systemOpenFlags(folder, openFlags, wanted, fdFlags) | statusFlags(fdFlags) |
        (lookup & LookupFlags.symlinkFollow ? 0 : O.nofollow);
      // Without O_NONBLOCK, opening a FIFO would block the whole process; without O_NOCTTY, a terminal could become the process's own.
      const open = openBeneath(folder.fd, path, flags | O.noctty | O.nonblock, 0o666);
      try {
        if (!(fdFlags & FdFlags.nonblock)) setStatusFlags(open, statusFlags(fdFlags));
        const fileType = fileTypeOf(statusOf(open).mode);
        const mask = fileType === FileType.directory ? DIRECTORY_RIGHTS : FILE_RIGHTS;
        const rightsInheriting = BigInt.asUintN(64, inheriting) & folder.rightsInheriting;
        const number = descriptors.add({
          fd: open,
          fileType,
          rightsBase: wanted & mask,
          rightsInheriting,
          owned: true,
        });
        memory.setU32(result, number);
        return Errno.success;
      } catch (error) {
        closeFd(open);
        throw error;
      }
    },
    path_readlink(fd, pointer, length, buffer, bufferLength, result) {
      const folder = folderFd(fd, Right.path_readlink);
      const target = memory.range(buffer, bufferLength);
      memory.requireRange(result, 4);
      return withFd(openBeneath(folder, memory.path(pointer, length), O.path | O.nofollow), (open) => {
        if (fileTypeOf(statusOf(open).mode) !== FileType.symbolicLink) return Errno.inval;
        const part = readLink(open).subarray(0, target.length);
        target.set(part);
        memory.setU32(result, part.length);
        return Errno.success;
      });
    },
    path_remove_directory(fd, pointer, length) {
      const folder = folderFd(fd, Right.path_remove_directory);
      return withEntry(folder, memory.path(pointer, length), (entry) => {
        requireName(entry, entry.name === ".." ? Errno.notempty : Errno.inval);
        check(sys(SYS.unlinkat, entry.folderFd, pathAddress(entry.name), AT.removedir));
        return Errno.success;
      });
    },
    path_rename(oldFd, oldPointer, oldLength, newFd, newPointer, newLength) {
      const oldFolder = folderFd(oldFd, Right.path_rename_source);
      const newFolder = folderFd(newFd, Right.path_rename_target);
      const oldPath = memory.path(oldPointer, oldLength);
      const newPath = memory.path(newPointer, newLength);
      return withEntry(oldFolder, oldPath, (from) =>
        withEntry(newFolder, newPath, (to) => {
          requireName(from, Errno.busy);
          requireName(to, Errno.busy);
          requireFolderIfSlash(from);
          if (to.trailingSlash && entryType(from) !== FileType.directory) return Errno.notdir;
          check(sys(SYS.renameat2, from.folderFd, pathAddress(from.name, 0), to.folderFd, pathAddress(to.name, 1), 0));
          return Errno.success;
        }));
    },
    path_symlink(targetPointer, targetLength, fd, pointer, length) {
      const folder = folderFd(fd, Right.path_symlink);
      const target = memory.path(targetPointer, targetLength);
      if (target.length === 0) return Errno.noent;
      // A link that leads out is refused when it is made as well as when it is walked.
      if (target.startsWith("/")) return Errno.notcapable;
      return withEntry(folder, memory.path(pointer, length), (entry) => {
        requireName(entry, Errno.exist);
        if (entry.trailingSlash) {
          const type = entryType(entry);
          return type === undefined ? Errno.noent : type === FileType.directory ? Errno.exist : Errno.notdir;
        }
        check(sys(SYS.symlinkat, pathAddress(target, 0), entry.folderFd, pathAddress(entry.name, 1)));
        return Errno.success;
      });
    },
    path_unlink_file(fd, pointer, length) {
      const folder = folderFd(fd, Right.path_unlink_file);
      return withEntry(folder, memory.path(pointer, length), (entry) => {
        requireName(entry, Errno.isdir);
        requireFolderIfSlash(entry);
        const result = sys(SYS.unlinkat, entry.folderFd, pathAddress(entry.name), 0);
        return result < 0 ? errnoOf(result) : Errno.success;
      });
    },
  };
}
