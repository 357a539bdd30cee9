/**
 * Memories of closed stores for the next ones: what makes a pool of instances cheaper than V8's garbage collector, which learns late that
 * reservations are garbage.
 *
 * RECYCLE-1  A memory that is kept is as it was when it was made, but for its module's own image that lies under it: its pages are zero or the
 *            image's, and the buffers that JavaScript had of it are detached.
 * RECYCLE-2  It is given to the same memory of another instance of the same module only. The module's element segments cannot trap, which
 *            would show an instance whose memories have no data yet.
 */

import type { LinearMemory, MemoryImage } from "../host/mod.ts";
import type { ModuleState } from "./module_state.ts";

/** A memory without an owner. */
export interface KeptMemory {
  readonly linear: LinearMemory;
  readonly image: MemoryImage | undefined;
}

/** The memories that are kept for one memory of a module. */
export class RecycledMemories {
  readonly #kept: KeptMemory[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** The one that was given last, if any is kept. */
  take(): KeptMemory | undefined {
    return this.#kept.pop();
  }

  /** Keeps a memory, unless there are enough. */
  give(memory: KeptMemory): void {
    if (this.#kept.length < this.#most) this.#kept.push(memory);
  }

  /** Leaves them to V8. */
  clear(): void {
    this.#kept.length = 0;
  }
}

/** What is kept for the instances of one module. */
export class MemoryRecycler {
  readonly #state: ModuleState;
  readonly #memories: readonly RecycledMemories[];

  /** Keeps at most `most` of each memory that the module defines. */
  constructor(state: ModuleState, most: number) {
    this.#state = state;
    const { module, imagedSegments } = state;
    const count = imagedSegments === module.elements.length ? module.memories.length - module.importedMemoryCount : 0;
    this.#memories = Array.from({ length: count }, () => new RecycledMemories(most));
  }

  /** What is kept for a memory that a module defines; undefined where nothing is (RECYCLE-2). */
  memoriesOf(state: ModuleState, defined: number): RecycledMemories | undefined {
    return state === this.#state ? this.#memories[defined] : undefined;
  }

  /** Leaves all to V8. */
  clear(): void {
    for (const memories of this.#memories) memories.clear();
  }
}
