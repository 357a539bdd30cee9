/** Memory types of the API. */

import { type MemoryLimits, mostPages, STANDARD_PAGE_LOG2 } from "../runtime/mod.ts";
import { type AddressType, type AddressValue, fromAddress, toAddress, toAddressType } from "./values.ts";

/** A memory's type. Sizes are in pages. */
export interface MemoryType<Address extends AddressType = AddressType> {
  /** Pages that the memory starts with. */
  readonly minimum: AddressValue<Address>;
  /** Pages that it may grow to; a shared memory must say. */
  readonly maximum?: AddressValue<Address> | undefined;
  /** How wide addresses are: `"i32"` unless given. */
  readonly address?: Address | undefined;
  /** Whether several Workers can have the memory; not unless given. */
  readonly shared?: boolean | undefined;
  /** Bytes of a page: 65,536 unless given, or 1. */
  readonly pageSize?: number | undefined;
}

/** Checks a type. @throws {TypeError} or {@linkcode RangeError}. */
export function toMemoryLimits(type: MemoryType): MemoryLimits {
  const addressType = toAddressType(type?.address);
  const isShared = Boolean(type.shared);
  const { pageSize = 65536, minimum, maximum } = type;
  if (pageSize !== 65536 && pageSize !== 1) throw new TypeError(`A page has 65536 bytes or 1, not ${String(pageSize)}`);
  const pageSizeLog2 = pageSize === 1 ? 0 : STANDARD_PAGE_LOG2;
  const minimumPages = toAddress(minimum, addressType, "The minimum of a memory");
  const maximumPages = maximum === undefined ? undefined : toAddress(maximum, addressType, "The maximum of a memory");
  const limits = { minimumPages, maximumPages, addressType, isShared, pageSizeLog2 };
  const most = mostPages(limits);
  if (minimumPages > (maximumPages ?? most) || (maximumPages ?? 0) > most) {
    throw new RangeError(`A memory has at most ${most} pages, and its minimum is not above its maximum`);
  }
  if (isShared && maximumPages === undefined) throw new TypeError("A shared memory must have a maximum");
  return limits;
}

/** The type of a memory of `pages` pages; what is as usual is left out. */
export function memoryTypeOf(limits: MemoryLimits, pages: number): MemoryType {
  const { maximumPages, addressType, isShared, pageSizeLog2 } = limits;
  return {
    minimum: fromAddress<AddressType>(pages, addressType),
    ...maximumPages === undefined ? {} : { maximum: fromAddress<AddressType>(maximumPages, addressType) },
    ...addressType === "i64" ? { address: addressType } : {},
    ...isShared ? { shared: true } : {},
    ...pageSizeLog2 === STANDARD_PAGE_LOG2 ? {} : { pageSize: 2 ** pageSizeLog2 },
  };
}
