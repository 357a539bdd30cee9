/**
 * Which polls at a function's entry other polls make superfluous.
 *
 * A poll at an entry is there for recursion: whoever runs for ever without a loop calls for ever. A function that polls between its entry and
 * each of its calls, at the heads of loops that it is in by then, takes part in no endless recursion that does not poll, and needs none.
 */

import { CALLS, EFFECTS, Ir, TERMINATES } from "../../ir/mod.ts";
import type { Selector } from "./selector.ts";

/** By IR operation: 1 if it leads to other code, by a call or a tail call. */
const LEADS_ON: Uint8Array = EFFECTS.map((effects, op) => {
  if (op === Ir.poll || op === Ir.fuel_poll) return 0;
  const isTailCall = op === Ir.return_call || op === Ir.return_call_import || op === Ir.return_call_indirect;
  return (effects & CALLS) !== 0 || (effects & TERMINATES) !== 0 && isTailCall ? 1 : 0;
});

/** Whether no call is reached from behind the poll of the entry without another poll on the way. */
export function isEntryCovered({ blocks, func, list }: Selector): boolean {
  const { irBlock, succs, succStart, count } = blocks;
  const { op, order, blockStart, blockEnd } = func;
  const isSeen = new Uint8Array(count);
  isSeen[0] = 1;
  list.reset();
  list.push(0);
  while (list.length > 0) {
    const k = list.pop();
    const block = irBlock[k];
    let position = blockStart[block];
    const end = blockEnd[block];
    if (k === 0) { while (op[order[position]] !== Ir.poll) position++; }
    for (position += k === 0 ? 1 : 0; position < end && op[order[position]] !== Ir.poll; position++) {
      if (LEADS_ON[op[order[position]]] === 1) return false;
    }
    if (position < end) continue;
    for (let s = succStart[k]; s < succStart[k + 1]; s++) {
      const next = succs.data[s];
      if (isSeen[next] === 1) continue;
      isSeen[next] = 1;
      list.push(next);
    }
  }
  return true;
}
