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

import { Errno, errnoOf } from "./abi.ts";
import { fail } from "./guest_memory.ts";
import { AT, check, closeFd, fileTypeOf, O, openAt, openBeneathDirect, readLink, statusAt, statusOf } from "./linux.ts";
import { FileType } from "./abi.ts";

const MOST_LINKS = 40;
const ENOSYS = -38;
const EPERM = -1;
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

/** The walk by hand (BENEATH-1). Descriptors of the folders passed are kept, so ".." never asks the kernel. */
function openByComponents(dirFd: number, path: string, flags: number, mode: number): number {
  const folders = [dirFd];
  let links = 0;
  let pending = path.split("/").reverse();
  const leave = () => folders.splice(1).forEach(closeFd);
  try {
    for (;;) {
      const component = pending.pop();
      if (component === undefined) {
        // The path ended on a folder: "." , "..", a trailing slash.
        const fd = openAt(folders.at(-1)!, ".", flags & ~(O.creat | O.excl), mode);
        return flags & O.creat && flags & O.excl ? (fd >= 0 && closeFd(fd), fail(Errno.exist)) : check(fd);
      }
      if (component === "" || component === ".") continue;
      if (component === "..") {
        if (folders.length === 1) fail(Errno.perm);
        closeFd(folders.pop()!);
        continue;
      }
      const last = pending.every((rest) => rest === "");
      const slash = last && pending.length > 0;
      const folder = folders.at(-1)!;
      if (last && !slash) {
        const fd = openAt(folder, component, flags | O.nofollow, mode);
        const isLink = fd === ELOOP || (fd >= 0 && fileTypeOf(statusOf(fd).mode) === FileType.symbolicLink);
        if (!isLink || flags & O.nofollow || (flags & O.creat && flags & O.excl)) return check(fd);
        if (fd >= 0) closeFd(fd);
      } else {
        const fd = openAt(folder, component, O.path | O.directory | O.nofollow, 0);
        if (fd >= 0) {
          folders.push(fd);
          continue;
        }
        if (fileTypeOf(statusAt(folder, component, AT.symlinkNofollow).mode) !== FileType.symbolicLink) {
          fail(errnoOf(fd));
        }
      }
      if (++links > MOST_LINKS) fail(Errno.loop);
      const linkFd = check(openAt(folder, component, O.path | O.nofollow, 0));
      const target = new TextDecoder().decode(readLink(linkFd));
      closeFd(linkFd);
      if (target.startsWith("/")) fail(Errno.perm);
      pending = pending.concat(target.split("/").reverse());
    }
  } finally {
    leave();
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
