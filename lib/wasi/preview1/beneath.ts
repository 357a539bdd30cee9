/**
 * Opening files beneath a folder, and nowhere else.
 *
 * The kernel does it where it can: `openat2` with RESOLVE_BENEATH checks each step of the walk, symbolic links and renames in flight
 * included. Where a kernel or a seccomp filter lacks it, the walk is done here, one component at a time with O_NOFOLLOW, each symbolic
 * link read and spliced in by hand, so that no path string ever reaches the kernel whole.
 *
 * BENEATH-1  The kernel sees a guest's path only through `openat2` with RESOLVE_BENEATH, or as single components with O_NOFOLLOW.
 * BENEATH-2  Operations that name an entry (unlink, rename, link, mkdir, symlink) run on a descriptor of its folder, opened by BENEATH-1,
 *            and one component that is neither ".." nor followed.
 */

import { Errno, errnoOf, FileType } from "./abi.ts";
import { decodePath, fail } from "./guest_memory.ts";
import { AT, check, closeFd, fileTypeOf, O, openAt, openBeneathDirect, readLink, statusAt, statusOf } from "./linux.ts";

const MOST_LINKS = 40;
const ENOSYS = -38;
const EPERM = -1;
const ENOTDIR = -20;
const ELOOP = -40;
const EAGAIN = -11;

let kernelResolves: boolean | undefined;

/** Chooses the walk for tests: "kernel", "components", or by what the kernel has. */
export function setPathResolution(mode: "kernel" | "components" | "automatic"): void {
  kernelResolves = mode === "automatic" ? undefined : mode === "kernel";
}

/** Opens `path` beneath `dirFd`; returns a new descriptor or ends the WASI call with the error. */
export function openBeneath(dirFd: number, path: string, flags: number, mode = 0o666): number {
  if (path.length === 0) fail(Errno.noent);
  if (path.startsWith("/")) fail(Errno.perm);
  kernelResolves ??= probeKernel(dirFd);
  if (!kernelResolves) return openByComponents(dirFd, path, flags, mode);
  for (let attempt = 0;; attempt++) {
    const fd = openBeneathDirect(dirFd, path, flags, mode);
    // A rename in flight makes the kernel give up with EAGAIN; it asks for another try.
    if (fd === EAGAIN && attempt < 100) continue;
    return check(fd);
  }
}

function probeKernel(dirFd: number): boolean {
  const fd = openBeneathDirect(dirFd, ".", O.path | O.directory, 0);
  if (fd >= 0) closeFd(fd);
  return fd !== ENOSYS && fd !== EPERM;
}

/**
 * The walk by hand (BENEATH-1). Descriptors of the folders passed are kept, so ".." never asks the kernel.
 *
 * `pending` holds the components still to walk, the next one last. A symbolic link is replaced by the components of its target.
 */
function openByComponents(dirFd: number, path: string, flags: number, mode: number): number {
  const folders = [dirFd];
  let links = 0;
  let pending = path.split("/").reverse();
  try {
    for (;;) {
      const component = pending.pop();
      const folder = folders[folders.length - 1];
      if (component === undefined) return openFolderItself(folder, flags);
      if (component === "" || component === ".") continue;
      if (component === "..") {
        if (folders.length === 1) fail(Errno.perm);
        closeFd(folders.pop()!);
        continue;
      }
      if (pending.length === 0) {
        const fd = openAt(folder, component, flags | O.nofollow, mode);
        if (!leadsOn(fd, folder, component, flags)) return check(fd);
      } else {
        // No file is created under a name that says folder, whether there is something or not.
        if (flags & O.creat && pending.every((rest) => rest === "")) fail(Errno.isdir);
        const fd = openAt(folder, component, O.path | O.directory | O.nofollow, 0);
        if (fd >= 0) {
          folders.push(fd);
          continue;
        }
        if (!isLink(folder, component)) fail(errnoOf(fd));
      }
      if (++links > MOST_LINKS) fail(Errno.loop);
      const target = linkTarget(folder, component);
      if (target.startsWith("/")) fail(Errno.perm);
      pending = pending.concat(target.split("/").reverse());
    }
  } finally {
    folders.splice(1).forEach(closeFd);
  }
}

/** Opens the folder that a path ended on: with ".", "..", or a slash. */
function openFolderItself(folder: number, flags: number): number {
  if (flags & O.creat) fail(flags & O.excl ? Errno.exist : Errno.isdir);
  return check(openAt(folder, ".", flags, 0));
}

/** Whether opening the last component found a symbolic link that has to be followed; closes what was opened of it. */
function leadsOn(fd: number, folder: number, component: string, flags: number): boolean {
  if (flags & O.nofollow || (flags & O.creat && flags & O.excl)) return false;
  if (fd === ELOOP || (fd === ENOTDIR && flags & O.directory)) return isLink(folder, component);
  if (fd < 0 || !(flags & O.path) || fileTypeOf(statusOf(fd).mode) !== FileType.symbolicLink) return false;
  closeFd(fd);
  return true;
}

function isLink(folder: number, component: string): boolean {
  return fileTypeOf(statusAt(folder, component, AT.symlinkNofollow).mode) === FileType.symbolicLink;
}

function linkTarget(folder: number, component: string): string {
  const fd = check(openAt(folder, component, O.path | O.nofollow, 0));
  try {
    return decodePath(readLink(fd));
  } finally {
    closeFd(fd);
  }
}

/** An entry of a folder: what BENEATH-2 works on. */
export interface Entry {
  /** Descriptor of the folder; the caller closes it. */
  readonly folderFd: number;
  readonly name: string;
  /** Whether the path ended in a slash, which says that the entry is a folder. */
  readonly trailingSlash: boolean;
}

/** Splits `path` into its folder, opened beneath `dirFd`, and its last component. */
export function openParent(dirFd: number, path: string): Entry {
  if (path.length === 0) fail(Errno.noent);
  if (path.startsWith("/")) fail(Errno.perm);
  const trimmed = path.replace(/\/+$/, "");
  const cut = trimmed.lastIndexOf("/");
  const name = trimmed.slice(cut + 1);
  const folder = cut < 0 ? "." : trimmed.slice(0, cut) || ".";
  return {
    folderFd: openBeneath(dirFd, folder, O.path | O.directory),
    name,
    trailingSlash: trimmed.length < path.length,
  };
}
