/**
 * What collectors are chosen and configured by, what they work on, and the figures that they share.
 */

import { type BarrierKind, GC_MAX_OFFSET_BYTES, GC_OBJECTS_START, GC_RESERVATION_BYTES } from "../../abi/mod.ts";
import { PAGE_BYTES } from "../../host/mod.ts";
import type { Block } from "../block.ts";
import type { ContinuationSource, RootSource, WeakSource } from "./collector.ts";
import type { GcTypes } from "./type_info.ts";

/** The name of a collector. */
export type CollectorName = "generational" | "copying" | "refcounting" | "null";
/** What code does at stores for each collector. */
export const BARRIER_OF_COLLECTOR: Readonly<Record<CollectorName, BarrierKind>> = {
  generational: "cards",
  copying: "cards",
  refcounting: "log",
  null: "cards",
};
/** The collectors there are. */
export const COLLECTORS = Object.keys(BARRIER_OF_COLLECTOR) as readonly CollectorName[];

/** What a collector is configured by. */
export interface HeapOptions {
  readonly collector: CollectorName;
  /** Bytes of objects that a heap may hold. */
  readonly limitBytes: number;
  /** Collect at every allocation, so that every reference that somebody failed to report is stale at once. */
  readonly collectAlways: boolean;
}

/**
 * Where a collector says how many bytes objects have. With a budget behind it, machine code is handed memory only after that was charged; what is
 * charged is what objects may fill before the next call here, so a little more than what they have.
 */
export interface HeapAccount {
  /** Objects have this many bytes, which will be less after a collection. */
  noteHeap(usedBytes: number): void;
  /** Charges for what objects may fill, `bytes` in all; false, and nothing is changed, when there is not as much. */
  chargeHeap(bytes: number): boolean;
  /** Whether that much could be charged. */
  allowsHeap(bytes: number): boolean;
  /** How many bytes more could be charged; Infinity for a heap that only has its own limit. */
  readonly heapBytesLeft: number;
}

/** Everything that a collector works on. */
export interface HeapEnvironment {
  readonly types: GcTypes;
  /** The VMStoreContext. */
  readonly storeContext: Block;
  /** Handles included, unless the collector counts those. */
  readonly roots: RootSource;
  readonly handles: RootSource;
  readonly weak: WeakSource;
  readonly continuations: ContinuationSource;
  readonly account: HeapAccount;
  /** Called before a collection, when nothing has been changed yet. */
  readonly beginCollection: () => void;
}

/** Spaces of a heap that collects always: a reference that was not updated stays recognisable for so many collections. */
const STRESS_SPACES = 16;
/** Zeroed in advance: what a second-level cache holds. */
export const CHUNK_BYTES = 512 * 1024;
/** Soft limit over live bytes after a collection. */
export const GROWTH = 3;
/** A collection that leaves less than this part of the heap free has found it full: the next ones would come ever faster, for ever less. */
const LEAST_FREE = 1 / 32;
/** An empty space keeps this much memory; beyond, it is given back. */
export const KEEP_BYTES = 64 << 20;

/** Whether a collection that left `liveBytes` has found the heap full: its own limit is near, or what the account still gives is little. */
export function isHeapFull(liveBytes: number, limitBytes: number, account: HeapAccount): boolean {
  return liveBytes > Math.min(limitBytes, liveBytes + account.heapBytesLeft) * (1 - LEAST_FREE);
}

/** The number of spaces of a collector that copies from one to the next. */
export function spaceCountOf({ collectAlways }: HeapOptions): number {
  return collectAlways ? STRESS_SPACES : 2;
}

/** Bytes of one of so many spaces, whole pages: all of them share what of the reservation is for objects. */
export function spaceBytesOf(spaceCount: number): number {
  const spacesBytes = GC_RESERVATION_BYTES - GC_MAX_OFFSET_BYTES - GC_OBJECTS_START;
  return Math.floor(spacesBytes / spaceCount / PAGE_BYTES) * PAGE_BYTES;
}
