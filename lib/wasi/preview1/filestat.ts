/** Files in the guest's terms: status structures, times to set, descriptor flags. */

import { Errno, FdFlags, FstFlags } from "./abi.ts";
import { fail } from "./guest_memory.ts";
import { type FileStatus, fileTypeOf, getStatusFlags, O, type TimeToSet } from "./linux.ts";
import type { WasiState } from "./state.ts";

/** Writes a filestat structure. */
export function writeFilestat(
  { memory, layout: { filestat } }: WasiState,
  pointer: number,
  status: FileStatus,
  fileType = fileTypeOf(status.mode),
): void {
  const base = pointer >>> 0;
  memory.range(base, filestat.bytes).fill(0);
  memory.setU64(base, status.device);
  memory.setU64(base + 8, status.inode);
  memory.setU8(base + 16, fileType);
  if (filestat.linksBytes === 8) memory.setU64(base + filestat.links, status.links);
  else memory.setU32(base + filestat.links, Number(BigInt.asUintN(32, status.links)));
  memory.setU64(base + filestat.size, status.size);
  [status.accessNs, status.modifyNs, status.changeNs].forEach((time, index) =>
    memory.setU64(base + filestat.times + 8 * index, BigInt.asUintN(64, time))
  );
}

/** Decodes the time arguments of the set_times functions. */
export function timesToSet(access: bigint, modify: bigint, flags: number): [TimeToSet, TimeToSet] {
  const one = (time: bigint, explicit: number, now: number): TimeToSet => {
    if (flags & explicit && flags & now) fail(Errno.inval);
    if (flags & explicit) return BigInt.asUintN(64, time);
    return flags & now ? "now" : "omit";
  };
  if (flags & ~15) fail(Errno.inval);
  return [one(access, FstFlags.atim, FstFlags.atimNow), one(modify, FstFlags.mtim, FstFlags.mtimNow)];
}

/** Linux status flags of WASI descriptor flags. */
export function statusFlags(flags: number): number {
  return (flags & FdFlags.append ? O.append : 0) |
    (flags & FdFlags.nonblock ? O.nonblock : 0) |
    (flags & FdFlags.dsync ? O.dsync : 0) |
    (flags & (FdFlags.sync | FdFlags.rsync) ? O.sync : 0);
}

/** The WASI descriptor flags of an open system descriptor. */
export function descriptorFlags(fd: number): number {
  const flags = getStatusFlags(fd);
  return (flags & O.append ? FdFlags.append : 0) |
    (flags & O.nonblock ? FdFlags.nonblock : 0) |
    ((flags & O.sync) === O.sync ? FdFlags.sync : flags & O.dsync ? FdFlags.dsync : 0);
}
