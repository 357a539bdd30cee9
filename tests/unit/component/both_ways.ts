/** Transcoders in both implementations, over memories that tests write to. */

import { type TranscoderName } from "../../../lib/abi/mod.ts";
import { createTranscoders, type TranscoderOptions } from "../../../lib/component/mod.ts";
import { Engine, Memory, Store, Trap } from "../../../mod.ts";

/** Two memories of a page, and the transcoders between them. */
export interface Bench {
  readonly implementation: "code" | "reference";
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** Calls a transcoder; its results, unsigned, or the name of the trap. */
  call(name: TranscoderName, ...args: number[]): number[] | string;
}

/** Runs a test with either implementation; `memories`: strings go to another memory, or stay. */
export function bothWays(
  test: (bench: Bench) => void,
  memories: "two" | "one" = "two",
  options: TranscoderOptions = {},
): void {
  for (const implementation of ["code", "reference"] as const) {
    using engine = new Engine();
    using store = new Store(engine);
    const from = new Memory(store, { minimum: 1 });
    const to = memories === "one" ? from : new Memory(store, { minimum: 1 });
    const transcoders = createTranscoders(store, from, to, { ...options, implementation });
    test({
      implementation,
      from: from.view,
      to: to.view,
      call(name, ...args) {
        try {
          const result = (transcoders[name].callable as (...args: number[]) => number | number[])(...args);
          return (typeof result === "number" ? [result] : result).map((value) => value >>> 0);
        } catch (error) {
          if (error instanceof Trap) return error.code;
          throw error;
        }
      },
    });
  }
}

/** UTF-16, little endian, of a string, whatever the machine. */
export function utf16(text: string): Uint8Array {
  return Uint8Array.from({ length: 2 * text.length }, (_, k) => text.charCodeAt(k >> 1) >>> 8 * (k & 1));
}

/** UTF-8 of a string. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Latin1 of a string. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
