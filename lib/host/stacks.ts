/**
 * Guest stacks: pooled native stacks with a guard, each in a slot of a larger reservation.
 *
 * ```
 * low                    limit                                    top
 *  | guard 64 KiB | 32 KiB | ............ usable ................. |
 * ```
 * Prologues compare rsp with `limit`; what runs below it unchecked is a frame of up to 4 KiB, a leaf, and a signal frame (up to
 * 11 KiB with all vector state) of a listener that does not use the alternate stack. The guard catches what is wrong anyway.
 *
 * Between limit and top is exactly what the stack was asked for. Each size has a pool of its own, whose slots are carved from slabs. A guard by `MADV_GUARD_INSTALL` (Linux 6.13) splits no mapping, so 10,000 stacks are a handful of
 * mappings; the fallback by mprotect costs two mappings a stack, and mappings that run out kill V8: the pool is capped then.
 *
 * STACK-1  Slots are handed out last in, first out: the hottest pages first.
 * STACK-2  No huge pages: with them 1,000 parked calls cost 1,000 MiB and 2.7 s, without 3.9 MiB and 2.5 ms.
 * STACK-3  A stack keeps its content across release; whoever hands it to another store clears it first (`clearStack`).
 * STACK-4  The view of a slab covers the slots' guards too, which no walk touches: it stays above `limit`. It is made on first use,
 *          because it counts as external memory.
 */

import { bug } from "../base/mod.ts";
import { HostError } from "./errors.ts";
import {
  ADVICE,
  adviseMemory,
  giveBackMemory,
  NativeRegion,
  PROTECTION,
  protectMemory,
  takeMemory,
  zeroPages,
} from "./memory.ts";

/** What a guest can use of a stack unless somebody says otherwise. */
export const DEFAULT_STACK_BYTES = 1 << 20;
/** The least that a stack may have. */
export const MINIMUM_STACK_BYTES = 64 * 1024;
/** The most that a stack may have. */
export const MAXIMUM_STACK_BYTES = 512 << 20;
/** Inaccessible bytes at the low end. */
export const STACK_GUARD_BYTES = 64 * 1024;
/** Bytes between guard and limit. */
export const STACK_RESERVE_BYTES = 32 * 1024;
/** Address space of one slab. */
const SLAB_BYTES = 64 << 20;
/** Live stacks of one pool when each guard costs two mappings: a quarter of the usual vm.max_map_count of 65,530. */
const MAXIMUM_SPLIT_STACKS = 8192;

/** A guest stack. Addresses are below 2^47, so exact as numbers. */
export interface Stack {
  /** Lowest address of the slot: where the guard starts. */
  readonly low: number;
  /** What goes into `record.stackLimit`: what a guest can use starts here. */
  readonly limit: number;
  /** What goes into `record.guestSp` before `enter`: one past the highest byte, 16-aligned. */
  readonly top: number;
  /** The slab the slot is in. */
  readonly slab: StackSlab;
  /** Whoever used it last, for STACK-3: any number the runtime chooses, 0 when clean. */
  owner: number;
}

/** Several stacks in one mapping. */
export class StackSlab {
  /** Address of the slab. */
  readonly addressNumber: number;
  /** Length of the slab. */
  readonly byteLength: number;
  #region: NativeRegion | undefined;

  constructor(addressNumber: number, byteLength: number) {
    this.addressNumber = addressNumber;
    this.byteLength = byteLength;
  }

  /**
   * The slab as words, for walking frozen stacks. A word's index is `(addressLo - slab.addressLo) >>> 2`: 32-bit arithmetic is
   * exact because a slab is smaller than 2 GiB.
   */
  get words(): Int32Array<ArrayBuffer> {
    // Safety: per STACK-4 (never read below a stack's limit).
    return (this.#region ??= new NativeRegion(this.addressNumber, this.byteLength)).i32;
  }

  /** Low word of the slab's address, as an int32. */
  get addressLo(): number {
    return this.addressNumber | 0;
  }

  /** Unmaps the slab; none of its stacks may be in use. */
  release(): void {
    this.#region?.release();
    giveBackMemory(this.addressNumber, this.byteLength);
  }
}

/** How a pool makes guards: by advice where the kernel knows it, else, or when asked for, by mprotect. */
export type GuardKind = "automatic" | "mprotect";

/** Whether this kernel knows the advice: found out at the first guard. */
let adviceWorks: boolean | undefined;

/** Stacks of one size. */
export class StackPool {
  /** What a guest can use of each stack. */
  readonly stackBytes: number;
  /** Address space of each stack: that, reserve and guard. */
  readonly slotBytes: number;
  readonly #guardKind: GuardKind;
  readonly #free: Stack[] = [];
  readonly #slabs: StackSlab[] = [];
  #nextSlot = 0;
  #slotsInSlab = 0;
  #total = 0;

  /** @throws {HostError} code "limit" for a size out of range. */
  constructor(stackBytes: number = DEFAULT_STACK_BYTES, guardKind: GuardKind = "automatic") {
    this.#guardKind = guardKind;
    if (!(stackBytes >= MINIMUM_STACK_BYTES && stackBytes <= MAXIMUM_STACK_BYTES)) {
      throw new HostError(
        "limit",
        `a guest stack has between ${MINIMUM_STACK_BYTES} and ${MAXIMUM_STACK_BYTES} bytes, not ${stackBytes}`,
      );
    }
    this.stackBytes = Math.ceil(stackBytes / 16) * 16;
    this.slotBytes = Math.ceil((this.stackBytes + STACK_GUARD_BYTES + STACK_RESERVE_BYTES) / 65536) * 65536;
  }

  /** Stacks made so far. */
  get total(): number {
    return this.#total;
  }

  /** Stacks in use. */
  get inUse(): number {
    return this.#total - this.#free.length;
  }

  /** Takes a stack. @throws {HostError} when the system or the cap refuses one more. */
  acquire(): Stack {
    return this.#free.pop() ?? this.#make();
  }

  /** Gives a stack back. */
  release(stack: Stack): void {
    if (this.#free.length === this.#total) bug("a stack is released twice");
    this.#free.push(stack);
  }

  /** Unmaps everything; no stack may be in use. */
  dispose(): void {
    if (this.inUse !== 0) bug("a stack pool is disposed while a stack is in use");
    for (const slab of this.#slabs) slab.release();
    this.#slabs.length =
      this.#free.length =
      this.#total =
      this.#nextSlot =
      this.#slotsInSlab =
        0;
  }

  #make(): Stack {
    if (this.#nextSlot === this.#slotsInSlab) this.#addSlab();
    const slab = this.#slabs[this.#slabs.length - 1];
    const low = slab.addressNumber + this.#nextSlot * this.slotBytes;
    installGuard(low, this.#guardKind, this.#total);
    this.#nextSlot++;
    this.#total++;
    const top = low + this.slotBytes;
    return { low, limit: top - this.stackBytes, top, slab, owner: 0 };
  }

  #addSlab(): void {
    const slots = Math.max(1, Math.floor(SLAB_BYTES / this.slotBytes));
    const byteLength = slots * this.slotBytes;
    const address = takeMemory(byteLength);
    // Without transparent huge pages in the kernel this fails, and there is nothing to forbid: STACK-2 holds anyway.
    adviseMemory(address, byteLength, ADVICE.noHugePage);
    this.#slabs.push(new StackSlab(address, byteLength));
    this.#slotsInSlab = slots;
    this.#nextSlot = 0;
  }
}

function installGuard(low: number, guardKind: GuardKind, stacksBefore: number): void {
  if (guardKind === "automatic" && adviceWorks !== false) {
    adviceWorks = adviseMemory(low, STACK_GUARD_BYTES, ADVICE.guardInstall) === 0;
    if (adviceWorks) return;
  }
  if (stacksBefore >= MAXIMUM_SPLIT_STACKS) {
    throw new HostError("limit", `more than ${MAXIMUM_SPLIT_STACKS} guest stacks need Linux 6.13 or later`);
  }
  protectMemory(low, STACK_GUARD_BYTES, PROTECTION.none);
}

/** Makes a stack's content zero and gives its pages back to the system (3 to 14 us). */
export function clearStack(stack: Stack): void {
  const start = stack.low + STACK_GUARD_BYTES;
  zeroPages(start, stack.top - start);
  stack.owner = 0;
}

/** The isolate's pools, by what a guest can use of their stacks. */
const pools = new Map<number, StackPool>();

/** The isolate's pool of stacks of a size. @throws {HostError} code "limit" for a size out of range. */
export function stackPool(stackBytes: number = DEFAULT_STACK_BYTES): StackPool {
  const size = Math.ceil(stackBytes / 16) * 16;
  let pool = pools.get(size);
  if (pool === undefined) pools.set(size, pool = new StackPool(size));
  return pool;
}

/** Takes a stack. @throws {HostError} when the system or the cap refuses one more. */
export function acquireStack(stackBytes: number = DEFAULT_STACK_BYTES): Stack {
  return stackPool(stackBytes).acquire();
}

/** Gives back a stack of {@linkcode acquireStack}. */
export function releaseStack(stack: Stack): void {
  stackPool(stack.top - stack.limit).release(stack);
}
