/** Mutations of module binaries. */

import type { Random } from "./random.ts";

/** The size of the module header, which is left alone: a change there only says that it is not a module. */
export const HEADER_BYTES = 8;

/** A copy of a module with one to eight changed bytes, or cut short. */
export function mutate(base: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  if (random.oneIn(32)) return base.slice(0, random.below(base.length));
  const bytes = base.slice();
  for (let changes = random.oneIn(4) ? 1 + random.below(8) : 1; changes > 0; changes--) {
    const at = HEADER_BYTES + random.below(bytes.length - HEADER_BYTES);
    switch (random.below(4)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] ^= 1 << random.below(8);
        break;
      case 2:
        bytes[at]++;
        break;
      case 3:
        bytes[at]--;
        break;
    }
  }
  return bytes;
}
