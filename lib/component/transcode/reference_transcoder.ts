/** A transcoder in TypeScript between two memories, as code calls it: checks first, then the reference, then the trap of a sentinel. */

import { SENTINELS, type Transcoder } from "../../abi/mod.ts";
import { type Memory, Trap } from "../../engine/mod.ts";
import { checkBuffers } from "./buffers.ts";
import { REFERENCE_TRANSCODERS, type SizePair } from "./reference.ts";

/** The bytes of a memory, as they are when a transcoder is called. */
export type BytesOf = Pick<Memory, "view">;

/**
 * Converts between two memories; arguments are unsigned numbers in the order of the parameters, without `ptr_size`.
 *
 * @throws {Trap} for buffers that are not as they should be and for invalid text.
 */
export function runReference(
  transcoder: Transcoder,
  from: BytesOf,
  to: BytesOf,
  args: readonly number[],
): number | SizePair {
  const named: Record<string, number> = {};
  args.forEach((value, index) => named[transcoder.params[index].name] = value);
  const fromBytes = from.view, toBytes = to.view;
  const failed = checkBuffers(transcoder, named, fromBytes, toBytes);
  if (failed !== undefined) throw new Trap(failed);
  const { source, destination } = transcoder;
  const result = REFERENCE_TRANSCODERS[transcoder.name](
    fromBytes.subarray(named.src, named.src + named[source.length] * source.unitBytes),
    toBytes.subarray(named.dst, named.dst + named[destination.length] * destination.unitBytes),
    named.latin1_bytes_so_far ?? 0,
  );
  if ((typeof result === "number" ? result : result.read) === sentinelOf(transcoder)) {
    throw new Trap(transcoder.invalid);
  }
  return result;
}

function sentinelOf({ result }: Transcoder): number {
  return result === "bool" ? SENTINELS.bool : SENTINELS.size;
}
