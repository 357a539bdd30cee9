/** Memories: a guest's bytes. */

import { createMemory, type MemoryState } from "../runtime/mod.ts";
import { limits } from "../wasm/mod.ts";
import { type Store, storeOf } from "./store.ts";
import { toOptionalU32, toU32 } from "./values.ts";

/** A memory's limits, in pages of 64 KiB. */
export interface MemoryType {
  /** Pages that the memory starts with. */
  readonly minimum: number;
  /** Pages that it may grow to. */
  readonly maximum?: number | undefined;
}

/** Marks a constructor call that wraps an existing memory: nobody outside this file has it. */
const WRAP = {} as MemoryType;

/** The memory object of a memory of a store; always the same. */
export let wrapMemory: (state: MemoryState) => Memory;
/** The memory behind a memory object, undefined for anything else. */
export let memoryOf: (value: unknown) => MemoryState | undefined;

/**
 * A linear memory. Guests and JavaScript see the same bytes.
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
export class Memory {
  readonly #state: MemoryState;

  static {
    wrapMemory = (state) => {
      state.wrapper ??= new Memory(state as never, WRAP);
      return state.wrapper as Memory;
    };
    memoryOf = (value) => typeof value === "object" && value !== null && #state in value ? value.#state : undefined;
  }

  /**
   * Makes a memory of zeros.
   *
   * @param store The store it belongs to.
   * @param type Its limits.
   * @throws {TypeError} for limits that are no integers.
   * @throws {RangeError} for limits beyond 65,536 pages, or a maximum below the minimum.
   * @throws {HostError} if the system has no address space left.
   */
  constructor(store: Store, type: MemoryType) {
    if (type === WRAP) {
      this.#state = store as unknown as MemoryState;
      return;
    }
    const state = storeOf(store);
    const minimumPages = toU32(type?.minimum, "The minimum of a memory");
    const maximumPages = toOptionalU32(type?.maximum, "The maximum of a memory");
    const most = limits.SPEC_MAX_MEMORY32_PAGES;
    if (minimumPages > (maximumPages ?? most) || (maximumPages ?? 0) > most) {
      throw new RangeError(`A memory has at most ${most} pages, and its minimum is not above its maximum`);
    }
    this.#state = createMemory(state, { minimumPages, maximumPages });
    this.#state.wrapper = this;
  }

  /** The bytes. A memory that grows gets another buffer, and this one is detached. */
  get buffer(): ArrayBuffer {
    return this.#open().linear.buffer;
  }

  /** All bytes as a view of the current {@linkcode Memory.buffer}; take it anew after guest code ran, which may have grown the memory. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#open().bytes;
  }

  /** Size in bytes. */
  get byteLength(): number {
    return this.#open().bytes.length;
  }

  /** Size in pages of 64 KiB. */
  get sizePages(): number {
    return this.#open().pages;
  }

  /** The current size and the declared maximum, in pages. */
  get type(): MemoryType {
    const { pages, maximumPages } = this.#open();
    return maximumPages === undefined ? { minimum: pages } : { minimum: pages, maximum: maximumPages };
  }

  /**
   * Makes the memory larger.
   *
   * @param delta Pages to add.
   * @returns The size before, in pages.
   * @throws {RangeError} if the maximum or the system does not allow it.
   */
  grow(delta: number): number {
    const pages = toU32(delta, "The growth of a memory");
    const before = this.#open().grow(pages);
    if (before < 0) throw new RangeError(`The memory cannot grow by ${pages} pages`);
    return before;
  }

  /**
   * Copies bytes out.
   *
   * @param offsetBytes Where they start.
   * @param length How many.
   * @returns A copy.
   * @throws {RangeError} if they are not all inside the memory.
   */
  read(offsetBytes: number, length: number): Uint8Array<ArrayBuffer> {
    const start = toU32(offsetBytes, "An offset");
    const count = toU32(length, "A length");
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
  write(offsetBytes: number, bytes: Uint8Array): void {
    const start = toU32(offsetBytes, "An offset");
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
  readString(offsetBytes: number, length: number): string {
    return new TextDecoder().decode(this.read(offsetBytes, length));
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
