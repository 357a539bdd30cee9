/** What one guest's WASI functions share. */

import type { Layout } from "./abi.ts";
import type { DescriptorTable } from "./descriptors.ts";
import type { GuestMemory } from "./guest_memory.ts";
import type { CallContext } from "./waiting.ts";

/** Arguments, environment, descriptors and memory of one guest. */
export interface WasiState {
  readonly args: readonly string[];
  /** "NAME=value" strings. */
  readonly env: readonly string[];
  readonly memory: GuestMemory;
  readonly descriptors: DescriptorTable;
  /** The edition's numbers and structures. */
  readonly layout: Layout;
  /** Who called the function that runs. */
  readonly context: CallContext;
}

/** Thrown by `proc_exit`: not a failure, the way a program ends. It passes through the guest untouched. */
export class WasiExit extends Error {
  /** `"WasiExit"`. */
  override name = "WasiExit";
  /** The exit code, 0 to 2^32 - 1. */
  readonly code: number;

  /** Makes the error for an exit code. */
  constructor(code: number) {
    super(`the program ended with exit code ${code}`);
    this.code = code;
  }
}
