/** Memory types at run time: limits, and what memory a type asks for. */

import {
  allocateGrowableMemory,
  allocateLinearMemory,
  type GrowableBytes,
  HostError,
  type Sharing,
} from "../host/mod.ts";
import { limits } from "../wasm/mod.ts";

/** A memory's type. Sizes count pages of 2^`pageSizeLog2` bytes. */
export interface MemoryLimits {
  readonly minimumPages: number;
  readonly maximumPages: number | undefined;
  readonly addressType: "i32" | "i64";
  readonly isShared: boolean;
  readonly pageSizeLog2: number;
}

/** Pages of 64 KiB, the only ones before custom page sizes. */
export const STANDARD_PAGE_LOG2 = 16;

/** The pages that a memory may have by its address type. */
export function mostPages({ addressType, pageSizeLog2 }: Pick<MemoryLimits, "addressType" | "pageSizeLog2">): number {
  const isStandard = pageSizeLog2 === STANDARD_PAGE_LOG2;
  if (addressType === "i64") return isStandard ? limits.SPEC_MAX_MEMORY64_PAGES : limits.SPEC_MAX_MEMORY64_BYTE_PAGES;
  return isStandard ? limits.SPEC_MAX_MEMORY32_PAGES : limits.SPEC_MAX_MEMORY32_BYTE_PAGES;
}

/** Allocates what the type asks for. @throws {HostError} when the system refuses, or the minimum is above what any memory here has. */
export function allocateBytes(type: MemoryLimits, sharing: Sharing): GrowableBytes {
  const { minimumPages, pageSizeLog2 } = type;
  const maximumPages = Math.min(type.maximumPages ?? Infinity, mostPages(type));
  if (pageSizeLog2 === STANDARD_PAGE_LOG2) {
    // A 32-bit memory is reserved with its guard, whatever its maximum; V8 refuses numbers that are not safe integers as it does large ones.
    if (type.addressType === "i32") return allocateLinearMemory(minimumPages, undefined, sharing);
    requireSize(minimumPages * 2 ** pageSizeLog2);
    return allocateLinearMemory(minimumPages, maximumPages, sharing);
  }
  requireSize(minimumPages * 2 ** pageSizeLog2);
  return allocateGrowableMemory(minimumPages * 2 ** pageSizeLog2, maximumPages * 2 ** pageSizeLog2);
}

/** Bytes that a 64-bit memory can have here. */
const MOST_BYTES = 2 ** 34;

function requireSize(bytes: number): void {
  if (bytes > MOST_BYTES) {
    throw new HostError(
      "out-of-memory",
      `a linear memory of ${bytes} bytes is above the ${MOST_BYTES} bytes supported`,
    );
  }
}
