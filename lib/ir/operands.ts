/** Walking and rewriting the operands of one instruction. */

import { NONE } from "../base/mod.ts";
import type { Func } from "./func.ts";
import { hasValueList, valueColumns } from "./ops.ts";

/** Replaces operands that became copies by what they mean (IR-1). */
export function resolveOperands(func: Func, value: number): void {
  const op = func.op[value];
  const columns = valueColumns(op);
  if ((columns & 1) !== 0 && func.a[value] !== NONE) func.a[value] = func.resolve(func.a[value]);
  if ((columns & 2) !== 0 && func.b[value] !== NONE) func.b[value] = func.resolve(func.b[value]);
  if ((columns & 4) !== 0 && func.c[value] !== NONE) func.c[value] = func.resolve(func.c[value]);
  if (!hasValueList(op)) return;
  const { data } = func.pool;
  const end = func.b[value] + func.c[value];
  for (let i = func.b[value]; i < end; i++) data[i] = func.resolve(data[i]);
}

/** Resolves the operands of every instruction that stands in a block. */
export function resolveAllOperands(func: Func): void {
  for (let i = 0; i < func.orderLength; i++) resolveOperands(func, func.order[i]);
}
