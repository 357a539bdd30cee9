/** Memories: a guest's bytes. */

import { attachSharedMemory, createMemory, createMemoryLater, type Growth, type MemoryState } from "../runtime/mod.ts";
import { type MemoryType, memoryTypeOf, toMemoryLimits } from "./memory_type.ts";
import { SharedMemory, sharedMemoryOf, wrapSharedMemory } from "./shared_memory.ts";
import { growError } from "./errors.ts";
import { type Store, storeOf } from "./store.ts";
import { type AddressType, type AddressValue, fromAddress, toAddress } from "./values.ts";

/** Marks a constructor call that wraps an existing memory: nobody outside this file has it. */
const WRAP = {} as MemoryType<never>;

/** The memory object of a memory of a store; always the same. */
export let wrapMemory: (state: MemoryState) => Memory<AddressType>;
/** The memory behind a memory object, undefined for anything else. */
export let memoryOf: (value: unknown) => MemoryState | undefined;

/**
 * A linear memory. Guests and JavaScript see the same bytes.
 *
 * Sizes and offsets of a memory with 64-bit addresses are given back as bigints, and taken as bigints or numbers. A shared memory belongs to
 * several stores, of one Worker or of many, each of which has a `Memory` of its own for it ({@linkcode SharedMemory}).
 *
 * @example Bytes for a guest
 * ```ts
 * import { Engine, Memory, Store } from "@theropod/theropod";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = new Engine();
 * using store = new Store(engine);
 * const memory = new Memory(store, { minimum: 1, maximum: 4 });
 * memory.write(16, Uint8Array.of(1, 2, 3));
 * assertEquals(memory.read(17, 2), Uint8Array.of(2, 3));
 * assertEquals(memory.grow(1), 1);
 * assertEquals(memory.sizePages, 2);
 * ```
 */
export class Memory<Address extends AddressType = "i32"> {
  readonly #state: MemoryState;

  static {
    wrapMemory = (state) => {
      state.wrapper ??= new Memory(state as never, WRAP);
      return state.wrapper as Memory<AddressType>;
    };
    memoryOf = (value) => typeof value === "object" && value !== null && #state in value ? value.#state : undefined;
  }

  /**
   * Makes a memory of zeros.
   *
   * @param store The store it belongs to.
   * @param type Its limits.
   * @throws {TypeError} for limits that are no integers.
   * @throws {RangeError} for limits beyond what addresses of the type reach, or a maximum below the minimum.
   * @throws {HostError} if the system has no address space left.
   */
  constructor(store: Store, type: MemoryType<Address>) {
    if (type as unknown === WRAP) {
      this.#state = store as unknown as MemoryState;
      return;
    }
    const state = storeOf(store);
    this.#state = createMemory(state, toMemoryLimits(type as MemoryType));
    this.#state.wrapper = this;
  }

  /**
   * Makes a memory of zeros in a store whose limiter may answer by a promise.
   *
   * @param store The store it belongs to.
   * @param type Its limits.
   * @returns The memory.
   * @throws {TypeError} for limits that are no integers, and when the store was disposed meanwhile.
   * @throws {RangeError} for limits beyond what addresses of the type reach, a maximum below the minimum, or when the limiter or the store's
   * limits refuse it.
   * @throws {HostError} if the system has no address space left.
   */
  static async createAsync<Address extends AddressType = "i32">(
    store: Store,
    type: MemoryType<Address>,
  ): Promise<Memory<Address>> {
    const state = storeOf(store);
    return wrapMemory(await createMemoryLater(state, toMemoryLimits(type as MemoryType))) as Memory<Address>;
  }

  /**
   * A store's memory for a shared one, which may come from another Worker. Code of the store and everybody else who has it see the same bytes.
   *
   * @param store The store it belongs to.
   * @param shared The shared memory.
   * @returns The memory, to be imported by instances.
   * @throws {TypeError} if it is no shared memory.
   */
  static fromShared(store: Store, shared: SharedMemory): Memory<AddressType> {
    const state = storeOf(store);
    const sharedState = sharedMemoryOf(shared);
    if (sharedState === undefined) throw new TypeError("Expected a SharedMemory");
    return wrapMemory(attachSharedMemory(state, sharedState));
  }

  /** The shared memory behind it, to be posted to a Worker; undefined for a memory that is not shared. */
  get shared(): SharedMemory | undefined {
    const { shared } = this.#open();
    return shared === undefined ? undefined : wrapSharedMemory(shared);
  }

  /**
   * The bytes. A memory that grows gets another buffer, and this one is detached.
   *
   * The buffer of a shared memory is a `SharedArrayBuffer`, which is not detached but stays as long as it is. So is that of a memory whose
   * pages are 1 byte; it may be longer than the memory.
   */
  get buffer(): ArrayBuffer {
    return this.#open().buffer;
  }

  /** All bytes as a view of the current {@linkcode Memory.buffer}; take it anew after guest code ran, which may have grown the memory. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#open().bytes;
  }

  /** Size in bytes. */
  get byteLength(): number {
    return this.#open().bytes.length;
  }

  /** Size in pages. */
  get sizePages(): AddressValue<Address> {
    return this.#size(this.#open().pages);
  }

  /** The current size and the declared maximum, in pages, and what else is not as usual. */
  get type(): MemoryType<Address> {
    const { pages, type } = this.#open();
    return memoryTypeOf(type, pages) as MemoryType<Address>;
  }

  /**
   * Makes the memory larger.
   *
   * @param delta Pages to add.
   * @returns The size before, in pages.
   * @throws {RangeError} if the maximum, the store's limiter, its limits (a {@linkcode LimitError}) or the system do not allow it.
   */
  grow(delta: AddressValue<Address>): AddressValue<Address> {
    const pages = toAddress(delta, this.#state.type.addressType, "The growth of a memory");
    return this.#grown(pages, this.#open().grow(pages));
  }

  /**
   * As {@linkcode Memory.grow}, for stores whose limiter may answer by a promise, which is awaited.
   *
   * @example A limiter that takes its time
   * ```ts
   * import { Engine, Memory, Store } from "@theropod/theropod";
   * import { assertEquals } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine, {
   *   limiter: { memoryGrowing: (current) => current === 0 || Promise.resolve(true) },
   * });
   * const memory = new Memory(store, { minimum: 1 });
   * assertEquals([await memory.growAsync(2), memory.sizePages], [1, 3]);
   * ```
   */
  async growAsync(delta: AddressValue<Address>): Promise<AddressValue<Address>> {
    const pages = toAddress(delta, this.#state.type.addressType, "The growth of a memory");
    return this.#grown(pages, await this.#open().growLater(pages));
  }

  #grown(pages: number, before: Growth): AddressValue<Address> {
    if (typeof before !== "number") throw growError(`The memory cannot grow by ${pages} pages`, before);
    return this.#size(before);
  }

  /**
   * Copies bytes out.
   *
   * @param offsetBytes Where they start.
   * @param length How many.
   * @returns A copy.
   * @throws {RangeError} if they are not all inside the memory.
   */
  read(offsetBytes: number | bigint, length: number): Uint8Array<ArrayBuffer> {
    const start = toAddress(offsetBytes, this.#state.type.addressType, "An offset");
    const count = toAddress(length, this.#state.type.addressType, "A length");
    this.#require(start, count);
    return this.#state.bytes.slice(start, start + count);
  }

  /**
   * Copies bytes in.
   *
   * @param offsetBytes Where they go.
   * @param bytes What to write.
   * @throws {RangeError} if they do not all fit; nothing is written then.
   */
  write(offsetBytes: number | bigint, bytes: Uint8Array): void {
    const start = toAddress(offsetBytes, this.#state.type.addressType, "An offset");
    this.#require(start, bytes.length);
    this.#state.bytes.set(bytes, start);
  }

  /**
   * Reads UTF-8 text.
   *
   * @param offsetBytes Where it starts.
   * @param length Its length in bytes.
   * @returns The text; malformed bytes become U+FFFD.
   * @throws {RangeError} if it is not all inside the memory.
   */
  readString(offsetBytes: number | bigint, length: number): string {
    return new TextDecoder().decode(this.read(offsetBytes, length));
  }

  #size(pages: number): AddressValue<Address> {
    return fromAddress(pages, this.#state.type.addressType as Address);
  }

  #open(): MemoryState {
    this.#state.store.requireOpen();
    return this.#state;
  }

  #require(start: number, length: number): void {
    if (!this.#open().contains(start, length)) {
      throw new RangeError(`Bytes ${start} to ${start + length} are not inside the memory of ${this.byteLength} bytes`);
    }
  }
}
