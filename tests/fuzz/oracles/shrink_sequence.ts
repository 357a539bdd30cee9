/** Makes a failing sequence short: any part of it is a sequence too. */

/**
 * The operations that a failure needs: parts are left out while it stays, halves first (ddmin; Zeller and Hildebrandt, "Simplifying and isolating
 * failure-inducing input", 2002).
 */
export async function shrinkSequence<Operation>(
  operations: readonly Operation[],
  fails: (operations: readonly Operation[]) => boolean | Promise<boolean>,
): Promise<readonly Operation[]> {
  let shrunk = operations;
  for (let size = Math.ceil(shrunk.length / 2); size >= 1;) {
    let hasRemoved = false;
    for (let start = 0; start < shrunk.length;) {
      const candidate = [...shrunk.slice(0, start), ...shrunk.slice(start + size)];
      if (await fails(candidate)) {
        shrunk = candidate;
        hasRemoved = true;
      } else start += size;
    }
    if (!hasRemoved) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return shrunk;
}
