/**
 * Ends of futures and streams, as handles.
 *
 * END-1  A future or stream has one readable end at any time: who transfers it has it no longer. The end that arrives is a new one, idle, of
 *        the same shared state.
 * END-2  Only a readable end that is idle and in no waitable set can be transferred (Canonical ABI, `lift_async_value`): one that is
 *        copying belongs to its copy, and one that is done has nothing left to read.
 */

import { Trap } from "../../engine/mod.ts";

/** What an end is doing (Canonical ABI, `class CopyState`). */
export type CopyState = "idle" | "copying" | "cancelling" | "done";

/** What both ends of a future or stream share. Who it is made for may add to it. */
export interface Channel {
  readonly kind: "future" | "stream";
  /** The type of what goes through it; two are the same if they are one object. */
  readonly payload: object;
}

/** One end. */
export class CopyEnd {
  readonly kind = "end";
  readonly channel: Channel;
  readonly side: "readable" | "writable";
  state: CopyState = "idle";
  /** The set that waits for it, if one does. */
  waitableSet: object | undefined = undefined;

  constructor(channel: Channel, side: "readable" | "writable") {
    this.channel = channel;
    this.side = side;
  }

  /** Traps unless the end may be given away (END-2). */
  requireTransferable(): void {
    if (this.state !== "idle") throw new Trap("end_not_idle", { detail: `the ${this.channel.kind} is ${this.state}` });
    if (this.waitableSet !== undefined) throw new Trap("end_in_waitable_set");
  }
}
