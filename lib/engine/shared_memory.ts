/** Shared memories, as isolates hand them to each other. */

import { adoptSharedMemory, createSharedMemory, type PostedMemory, SharedMemoryState } from "../runtime/mod.ts";
import { type MemoryType, memoryTypeOf, toMemoryLimits } from "./memory_type.ts";
import { type AddressType, fromAddress, toAddress } from "./values.ts";

/** The state of a shared memory, undefined for anything else. */
export let sharedMemoryOf: (value: unknown) => SharedMemoryState | undefined;
/** The object of a shared memory. */
export let wrapSharedMemory: (state: SharedMemoryState) => SharedMemory;

const wrappers = new WeakMap<SharedMemoryState, SharedMemory>();

/**
 * A memory that several Workers can have at once. It belongs to no store and no engine: `Memory.fromShared` makes a store's memory of
 * it, and it can be imported as it is.
 *
 * It is made for `postMessage`: post it, and let the Worker call {@linkcode SharedMemory.from} on what arrives. Whoever has it keeps it alive,
 * and nothing takes it from anybody. Guests wait and notify in it with `memory.atomic.wait32` and its like, JavaScript with `Atomics.wait`
 * and `Atomics.notify` on its buffer, and each wakes the other.
 *
 * @example One memory, two stores
 * ```ts
 * import { Engine, Memory, SharedMemory, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using here = new Store(engine);
 * using there = new Store(engine); // as a rule in a Worker
 * const shared = new SharedMemory({ minimum: 1, maximum: 16 });
 * const posted = structuredClone(shared); // as worker.postMessage(shared) does
 * const memory = Memory.fromShared(here, shared);
 * const sameMemory = Memory.fromShared(there, SharedMemory.from(posted));
 * memory.write(8, Uint8Array.of(42));
 * assertEquals(sameMemory.read(8, 1), Uint8Array.of(42));
 * assertEquals(sameMemory.grow(1), 1);
 * assertEquals(memory.sizePages, 2);
 * ```
 */
export class SharedMemory {
  /** What is posted; not for use. */
  readonly bytes: unknown;
  readonly #state: SharedMemoryState;

  static {
    sharedMemoryOf = (value) =>
      typeof value === "object" && value !== null && #state in value ? value.#state : undefined;
    wrapSharedMemory = (state) => wrappers.get(state) ?? new SharedMemory(state as never);
  }

  /**
   * Makes a shared memory of zeros.
   *
   * @param type Its limits; there must be a maximum. It is shared whether the type says so or not.
   * @throws {TypeError} for limits that are none, or without a maximum.
   * @throws {RangeError} for limits beyond what addresses of the type reach, or a maximum below the minimum.
   * @throws {HostError} if the system has no address space left.
   */
  constructor(type: MemoryType) {
    const given: unknown = type;
    this.#state = given instanceof SharedMemoryState
      ? given
      : createSharedMemory(toMemoryLimits({ ...type, shared: true }));
    this.bytes = this.#state.posted.bytes;
    wrappers.set(this.#state, this);
  }

  /**
   * The shared memory that another Worker posted.
   *
   * @param posted What arrived.
   * @returns The same memory.
   * @throws {TypeError} if it is something else.
   */
  static from(posted: unknown): SharedMemory {
    if (sharedMemoryOf(posted) !== undefined) return posted as SharedMemory;
    if (typeof posted === "object" && posted !== null) {
      const { bytes } = posted as PostedMemory;
      const state = adoptSharedMemory({ bytes });
      if (state !== undefined) return wrapSharedMemory(state);
    }
    throw new TypeError("Expected a SharedMemory as another Worker posted it");
  }

  /** The bytes, for `Atomics`. After the memory has grown there is another, longer buffer; this one stays as it is. */
  get buffer(): SharedArrayBuffer {
    const { bytes, byteLength } = this.#state;
    return bytes.view(byteLength).buffer as unknown as SharedArrayBuffer;
  }

  /** Size in bytes. */
  get byteLength(): number {
    return this.#state.byteLength;
  }

  /** The current size and the maximum, in pages, and what else is not as usual. */
  get type(): MemoryType {
    const { type, byteLength } = this.#state;
    return memoryTypeOf(type, byteLength / 2 ** type.pageSizeLog2);
  }

  /**
   * Makes the memory larger, for everybody who has it.
   *
   * @param delta Pages to add.
   * @returns The size before, in pages.
   * @throws {RangeError} if the maximum or the system does not allow it.
   */
  grow(delta: number | bigint): number | bigint {
    const { addressType } = this.#state.type;
    const pages = toAddress(delta, addressType, "The growth of a memory");
    const before = this.#state.grow(pages);
    if (before < 0) throw new RangeError(`The memory cannot grow by ${pages} pages`);
    return fromAddress<AddressType>(before, addressType);
  }
}
