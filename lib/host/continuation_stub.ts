/** Where the stack of a new continuation is resumed (lib/bootimage/activation.ts). */

import { boot } from "./boot.ts";
import { BOOT_DATA } from "./boot_data.ts";
import { loadAddress } from "./memory.ts";

/** The address to put on top of a fresh stack: `resume` enters there what the record names, and its return is `continuationDone`. */
export function continuationStub(): number {
  return loadAddress(boot().data, BOOT_DATA.continuationStub >> 2);
}
