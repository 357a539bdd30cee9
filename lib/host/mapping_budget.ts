/**
 * How many mappings the process has left.
 *
 * The kernel gives a process no more than `vm.max_map_count` mappings, 65,530 unless set otherwise, and V8 dies when it is refused one. A heap
 * or a linear memory is several: what is readable, what is not, and what has other advice lie side by side. So whoever makes mappings that are
 * not bounded otherwise asks here first, and gets a typed error while V8 still has enough. A small heap has two, as neighbours that are alike
 * merge, a large one a few more; what the kernel refuses to a heap that grows is a full heap, never a crash.
 *
 * MAPS-1  The process has at most `vm.max_map_count` less {@linkcode SPARED_MAPPINGS} mappings through this library. The kernel's own list is counted,
 *         which takes tens of milliseconds when it is long, so only when half of what was left last time may be used up: other isolates
 *         make mappings as well.
 */

import { HostError } from "./errors.ts";
import { collectGarbage } from "./garbage.ts";
import { scratch, scratchString, SYS, sys } from "./sys.ts";

/** What V8, the allocator and other libraries may still need. */
const SPARED_MAPPINGS = 6000;
/** The kernel's default. */
const USUAL_LIMIT = 65_530;
const NEWLINE = 10;

const decoder = new TextDecoder();
let limit = 0;
/** Mappings that may be made before it is time to count again. */
let unmeasured = 0;

/** Opens a file of the kernel's and shows its bytes piece by piece; nothing where there is no such file. */
function readPieces(path: string, see: (piece: Uint8Array) => void): void {
  const fd = sys(SYS.open, scratchString(path), 0, 0);
  if (fd < 0) return;
  const { addressNumber, bytes } = scratch();
  try {
    for (let count = 1; count > 0;) {
      count = sys(SYS.read, fd, addressNumber, bytes.length);
      if (count > 0) see(bytes.subarray(0, count));
    }
  } finally {
    sys(SYS.close, fd);
  }
}

/** The mappings that the process has; 0 where the kernel does not say. */
export function countMappings(): number {
  let count = 0;
  readPieces("/proc/self/maps", (piece) => {
    for (let i = 0; i < piece.length; i++) if (piece[i] === NEWLINE) count++;
  });
  return count;
}

function mappingLimit(): number {
  if (limit === 0) {
    let text = "";
    // `slice` copies: TextDecoder is not given native memory (HOST-4).
    readPieces("/proc/sys/vm/max_map_count", (piece) => text += decoder.decode(piece.slice()));
    limit = Number(text) || USUAL_LIMIT;
  }
  return limit;
}

function mappingsLeft(): number {
  return mappingLimit() - SPARED_MAPPINGS - countMappings();
}

/** To be called before something is made that takes about so many mappings (MAPS-1). @throws {HostError} code "limit". */
export function requireMappings(count: number): void {
  if (unmeasured < count) {
    let left = mappingsLeft();
    if (left < count) {
      // Dropped memories are mapped until V8 collects them.
      collectGarbage();
      left = mappingsLeft();
    }
    if (left < count) {
      throw new HostError("limit", `the process has nearly as many mappings as the system allows (${mappingLimit()})`);
    }
    unmeasured = Math.max(count, left >> 1);
  }
  unmeasured -= count;
}
