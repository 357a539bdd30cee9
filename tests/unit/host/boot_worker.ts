/** A Worker for the host's tests: boots, owns some of everything, runs a guest, and reports. */

import {
  acquireStack,
  allocateLinearMemory,
  boot,
  BOOT_DATA,
  codeArena,
  HeapReservation,
  loadAddress,
  makeMemoryImage,
  mapRegion,
  PAGE_BYTES,
  recordPool,
  STATUS,
  valueArea,
} from "../../../lib/host/mod.ts";
import { RECORD } from "../../../lib/host/mod.ts";
import { Activation, emitReturn, emitTrap, F, memAt, placeCode, RAX, RECORD_MEM } from "./guest_code.ts";

/** What the Worker tells. */
export interface WorkerReport {
  readonly dataAddress: number;
  readonly arenaRx: number;
  readonly recordIndex: number;
  readonly codeAddress: number;
  /** Addresses at which the Worker wrote {@linkcode MARKER}: in a region, in a guest stack and twice in a heap. */
  readonly marked: readonly number[];
  readonly result: number;
  readonly badTraps: number;
}

/** What a Worker leaves in its memory, to see whether it is still there. */
export const MARKER = 0x5eed_1234;

const HEAP_BYTES = 2 ** 32 + 65536;

const worker = self as unknown as { postMessage(message: unknown): void; onmessage: unknown };

function run(traps: number): WorkerReport {
  const region = mapRegion(1 << 20);
  // A bigger stack pool, memory and code than a single guest needs, to have something to leave behind.
  const memory = allocateLinearMemory(3);
  const stack = acquireStack();
  region.i32[0] = MARKER;
  // Its last page too: more than 32 bits of length.
  const heap = new HeapReservation(HEAP_BYTES, 65536);
  const heapMarks = [65536, HEAP_BYTES - PAGE_BYTES].map((start) => {
    heap.commit(start, PAGE_BYTES);
    new Int32Array(heap.view(start, PAGE_BYTES))[0] = MARKER;
    return heap.address + start;
  });
  stack.slab.words[(stack.limit - stack.slab.addressNumber) / 4] = MARKER;
  mapRegion(4096).release();
  const range = { offsetBytes: 0, byteLength: PAGE_BYTES };
  const files = [1, 2, 3].map((n) => makeMemoryImage(range, [{ offsetBytes: 0, bytes: Uint8Array.of(n) }])!);
  files[1].close();
  codeArena().free(codeArena().allocate(200_000));
  const code = placeCode((a) => {
    a.rm(F.load64, 2, RECORD_MEM, RECORD.area);
    a.ri(F.movImm32, RAX, 4711);
    a.rm(F.store32, RAX, memAt(2), 0);
    emitReturn(a);
  });
  const call = new Activation(code);
  if (boot().enter(call.record.index) !== STATUS.done) throw new Error("the guest did not return");
  const faulting = new Activation(placeCode((a) => a.rm(F.load32, RAX, memAt(14), 3 * 65536)), memory.baseAddress);
  const explicit = new Activation(placeCode(emitTrap));
  let badTraps = 0;
  for (let i = 0; i < traps; i++) {
    for (const [activation, signal] of [[faulting, 11], [explicit, 0]] as const) {
      activation.set("guestSp", activation.stack.top);
      const status = boot().enter(activation.record.index);
      if (status !== STATUS.trap || activation.get32("signal") !== signal) badTraps++;
    }
  }
  return {
    dataAddress: boot().dataAddress,
    arenaRx: loadAddress(boot().data, BOOT_DATA.arenaRx >> 2),
    recordIndex: recordPool().acquire().index,
    codeAddress: code.rxAddress,
    marked: [region.addressNumber, stack.limit, ...heapMarks],
    result: valueArea().i32[0],
    badTraps,
  };
}

if ("DedicatedWorkerGlobalScope" in globalThis) {
  worker.onmessage = (event: MessageEvent<{ traps: number }>) => worker.postMessage(run(event.data.traps));
  worker.postMessage("ready");
}
