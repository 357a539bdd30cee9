/** Asking V8 to collect garbage: what dropped objects hold of the system's comes back by that only. */

/** The whole user address space: never to be had. */
const UNOBTAINABLE_BYTES = 2 ** 47;

/** Makes V8 collect all garbage, memories included: it does so before it gives up on a buffer that cannot be. */
export function collectGarbage(): void {
  try {
    new ArrayBuffer(0, { maxByteLength: UNOBTAINABLE_BYTES });
  } catch {
    // That was the purpose.
  }
}
