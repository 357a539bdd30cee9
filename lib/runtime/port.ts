/**
 * The port between JavaScript and machine code: the isolate's value area and the two functions that run a guest.
 *
 * Hot code takes these as constants of an enclosing function that runs once (`openCalls`, `openHostCalls`): V8 then folds views, addresses
 * and call targets into the machine code it makes. It is opened by the first use, because that takes the permission to use FFI.
 */

import { boot, valueArea } from "../host/mod.ts";

/** Views of the value area by element type (slot `i` starts at byte `16 * i`), and the ways into a guest. */
export interface Port {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly i64: BigInt64Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
  /** Runs the record's code; returns a status. */
  readonly enter: (recordIndex: number) => number;
  /** Continues a guest that left; returns a status. */
  readonly resume: (recordIndex: number) => number;
}

let opened: Port | undefined;

/** The isolate's port. @throws {HostError} when this machine or Deno's permissions do not allow running guests. */
export function port(): Port {
  return opened ??= open();
}

function open(): Port {
  const { enter, resume } = boot();
  const { bytes, i32, i64, f32, f64 } = valueArea();
  return { bytes, i32, i64, f32, f64, enter, resume };
}
