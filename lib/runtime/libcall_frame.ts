/** A runtime call while it is served: its arguments and result in the activation's record. */

import type { TrapName } from "../abi/mod.ts";
import { RECORD } from "../host/mod.ts";
import type { Activation } from "./activation.ts";
import { trapInCall } from "./traps.ts";

const ARGS = RECORD.libArgs >> 2;
const RESULT = RECORD.libResult >> 2;

/** A call being served: the activation's record as typed arguments and result. */
export class LibcallFrame {
  activation!: Activation;
  words!: Int32Array<ArrayBuffer>;

  /** An i32 argument, unsigned: indices and lengths. */
  u32(argument: number): number {
    return this.words[ARGS + 2 * argument] >>> 0;
  }

  /** An i64 argument, unsigned (LIBCALL-1), or an address. */
  u64(argument: number): number {
    const word = ARGS + 2 * argument;
    return (this.words[word] >>> 0) + (this.words[word + 1] >>> 0) * 0x1_0000_0000;
  }

  /** An i64 argument, signed and exact. */
  i64(argument: number): bigint {
    const word = ARGS + 2 * argument;
    return BigInt(this.words[word + 1]) << 32n | BigInt(this.words[word] >>> 0);
  }

  /** Copies a 64-bit argument into two words. */
  pair(argument: number, target: Int32Array, at: number): void {
    target[at] = this.words[ARGS + 2 * argument];
    target[at + 1] = this.words[ARGS + 2 * argument + 1];
  }

  /** Sets the result: an i64, exact below 2^53 and for -1. */
  return(value: number): void {
    returnTo(this.words, value);
  }

  /** The error of a trap in this call. */
  readonly trap = (code: TrapName): Error => trapInCall(this.activation, code);
}

/** Sets the result in a record: for handlers that poll, where nested calls have used the frame. */
export function returnTo(words: Int32Array, value: number): void {
  words[RESULT] = value;
  words[RESULT + 1] = Math.floor(value / 0x1_0000_0000);
}
