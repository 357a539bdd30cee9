/**
 * What has to hold of the two buffers of a transcoder before a byte moves.
 *
 * The numbers come from a guest, so none is believed: lengths are multiplied and added in arithmetic that cannot wrap, in bytes, against the
 * length that the memory has now.
 *
 * BUF-1  Order of the checks, which machine code keeps: length, bounds and alignment of the source; the same of the destination; overlap;
 *        room behind what was converted so far. The first that fails names the trap.
 * BUF-2  Buffers that touch are apart, and so is an empty one from everything: it has no bytes.
 * BUF-3  `*_to_compact_utf16` needs room for as many units behind `latin1_bytes_so_far` as its source has: the worst case, for which the
 *        Canonical ABI allocates (`store_string_to_latin1_or_utf16`), so nothing is ever cut off.
 */

import type { Transcoder, TranscoderBuffer, TrapName } from "../../abi/mod.ts";

/** Arguments of a transcoder by the names of its parameters; lengths as unsigned numbers. */
export type TranscoderArguments = Readonly<Record<string, number>>;

/** From here on a length has the tag bit, and is none (CBUILT-2). */
export const LENGTH_LIMIT = 2 ** 31;

function checkBuffer(buffer: TranscoderBuffer, args: TranscoderArguments, memoryBytes: number): TrapName | undefined {
  const address = args[buffer.pointer], length = args[buffer.length];
  if (length >= LENGTH_LIMIT || address + length * buffer.unitBytes > memoryBytes) return "string_out_of_bounds";
  return address % buffer.unitBytes === 0 ? undefined : "unaligned_string";
}

/** Whether [start, start + length) and [otherStart, otherStart + otherLength) have a byte in common. */
function overlap(start: number, length: number, otherStart: number, otherLength: number): boolean {
  return length > 0 && otherLength > 0 && start < otherStart + otherLength && otherStart < start + length;
}

/** The trap that the arguments deserve, or undefined if all is well. `from` and `to` may be one memory. */
export function checkBuffers(
  { source, destination, params }: Transcoder,
  args: TranscoderArguments,
  from: Uint8Array,
  to: Uint8Array,
): TrapName | undefined {
  const failed = checkBuffer(source, args, from.length) ?? checkBuffer(destination, args, to.length);
  if (failed !== undefined) return failed;
  const sourceLength = args[source.length], destinationLength = args[destination.length];
  const isOneMemory = from.buffer === to.buffer;
  if (
    isOneMemory &&
    overlap(args.src, sourceLength * source.unitBytes, args.dst, destinationLength * destination.unitBytes)
  ) return "overlapping_strings";
  const hasProgress = params[params.length - 1].name === "latin1_bytes_so_far";
  if (hasProgress && args.latin1_bytes_so_far + sourceLength > destinationLength) return "string_out_of_bounds";
  return undefined;
}
