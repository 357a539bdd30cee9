/** Arguments, environment, clocks, randomness, the end of the process. */

import { SYS, sys } from "../../host/mod.ts";
import { Errno, type WasiImplementation } from "./abi.ts";
import { stringsSize } from "./guest_memory.ts";
import { clockValue, randomInto } from "./linux.ts";
import { WasiExit, type WasiState } from "./state.ts";
import { WouldBlock } from "./waiting.ts";

/** Clock ids are Linux's: realtime, monotonic, process CPU time, thread CPU time. */
const CLOCKS = 4;
/** The 16-bit signal number space of preview 1. */
const SIGNALS = 31;

type Names =
  | "args_get"
  | "args_sizes_get"
  | "environ_get"
  | "environ_sizes_get"
  | "clock_res_get"
  | "clock_time_get"
  | "proc_exit"
  | "proc_raise"
  | "sched_yield"
  | "random_get";

/** The functions about the process itself. */
export function processFunctions({ args, env, memory, context }: WasiState): WasiImplementation<Names> {
  const sizes = (strings: readonly string[], countPointer: number, sizePointer: number) => {
    memory.setU32(countPointer, strings.length);
    memory.setU32(sizePointer, stringsSize(strings));
    return Errno.success;
  };
  return {
    args_get(pointers, buffer) {
      memory.writeStrings(args, pointers, buffer);
      return Errno.success;
    },
    args_sizes_get: (count, size) => sizes(args, count, size),
    environ_get(pointers, buffer) {
      memory.writeStrings(env, pointers, buffer);
      return Errno.success;
    },
    environ_sizes_get: (count, size) => sizes(env, count, size),
    clock_res_get(clock, result) {
      if (clock >>> 0 >= CLOCKS) return Errno.inval;
      memory.setU64(result, clockValue("resolution", clock));
      return Errno.success;
    },
    clock_time_get(clock, _precision, result) {
      if (clock >>> 0 >= CLOCKS) return Errno.inval;
      memory.setU64(result, clockValue("time", clock));
      return Errno.success;
    },
    proc_exit(code) {
      throw new WasiExit(code >>> 0);
    },
    proc_raise(signal) {
      // A signal without a handler ends the process or is ignored; guests have no handlers, and none of these may end the host.
      return signal >>> 0 >= SIGNALS ? Errno.inval : Errno.notsup;
    },
    sched_yield() {
      // A turn of the event loop lets more go on than other threads.
      if (context.canWait && !context.isRetry) throw new WouldBlock([], 0n, () => Errno.success);
      sys(SYS.sched_yield);
      return Errno.success;
    },
    random_get(pointer, length) {
      randomInto(memory.range(pointer, length));
      return Errno.success;
    },
  };
}
