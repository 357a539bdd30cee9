/**
 * Folding rules of loads and stores: constants move into the displacement, address additions into the index, and stores look through
 * extensions whose upper bits they do not write.
 *
 * A 32-bit addition under `uextend` wraps at 2^32 and never moves into the displacement; `addr_add` and i64 additions are 64-bit sums like the
 * address itself. ZX-3: no displacement of 2^31 or more is made here.
 */

import { NONE } from "../../base/mod.ts";
import type { Emitter } from "../emitter.ts";
import { Ir, type IrOp } from "../ops.ts";
import { VOID } from "../types.ts";
import { isConst } from "./fold_int.ts";
import type { FoldRule } from "./rule.ts";

// Displacements into objects stay below this, so that no access leaves a heap's reservation (GC-1).
const OBJECT_DISPLACEMENT = 0x10000 - 16;

// The displacement plus an i64 constant, or NONE when that is no displacement to fold (ZX-3).
function foldedDisplacement(f: Emitter, dispBytes: number, value: number): number {
  const { func } = f;
  if (dispBytes < 0 || func.op[value] !== Ir.iconst || func.aux[value] !== func.imm[value] >> 31) return NONE;
  const sum = dispBytes + func.imm[value];
  return sum >= 0 && sum < 0x80000000 ? sum : NONE;
}

function address(op: IrOp): FoldRule {
  return (f, type, a, b, c, dispBytes, flags) => {
    const { func } = f;
    if (func.op[a] === Ir.addr_add) {
      const base = func.resolve(func.a[a]);
      const offset = func.resolve(func.b[a]);
      const disp = foldedDisplacement(f, dispBytes, offset);
      if (disp !== NONE) return f.emit(op, type, base, b, c, disp, flags);
      if (b === NONE && !isConst(f, offset)) return f.emit(op, type, base, offset, c, dispBytes, flags);
    }
    if (b === NONE) return NONE;
    if (func.op[b] === Ir.ref_add) {
      const offset = func.resolve(func.b[b]);
      const sum = dispBytes + func.imm[offset];
      if (!isConst(f, offset) || func.imm[offset] < 0 || dispBytes < 0 || sum >= OBJECT_DISPLACEMENT) return NONE;
      return f.emit(op, type, a, func.resolve(func.a[b]), c, sum, flags);
    }
    const disp = foldedDisplacement(f, dispBytes, b);
    if (disp !== NONE) return f.emit(op, type, a, NONE, c, disp, flags);
    if (func.op[b] === Ir.iadd) {
      const disp = foldedDisplacement(f, dispBytes, func.resolve(func.b[b]));
      if (disp !== NONE) return f.emit(op, type, a, func.resolve(func.a[b]), c, disp, flags);
    }
    return NONE;
  };
}

// A narrow store of a value whose operation only changes bits above `bits`.
function narrowStore(op: IrOp, bits: number): FoldRule {
  const base = address(op);
  return (f, type, a, b, c, dispBytes, flags) => {
    const { func } = f;
    const inner = func.op[c];
    if (inner === Ir.band && isConst(f, func.resolve(func.b[c]))) {
      const mask = func.imm[func.resolve(func.b[c])];
      const low = bits === 32 ? -1 : (1 << bits) - 1;
      if ((mask & low) === low) return f.emit(op, VOID, a, b, func.resolve(func.a[c]), dispBytes, flags);
    }
    if (extendedBits(inner) >= bits) return f.emit(op, VOID, a, b, func.resolve(func.a[c]), dispBytes, flags);
    if (inner === Ir.uextend || inner === Ir.sextend) {
      const narrow = bits === 32 ? Ir.store : op;
      return f.emit(narrow, VOID, a, b, func.resolve(func.a[c]), dispBytes, flags);
    }
    return base(f, type, a, b, c, dispBytes, flags);
  };
}

// Width from which an operation extends the sign; 0 for others.
function extendedBits(op: IrOp): number {
  return op === Ir.sext8 ? 8 : op === Ir.sext16 ? 16 : op === Ir.sext32 ? 32 : 0;
}

/** Rules by operation name. */
export const MEMORY_RULES = {
  load: address(Ir.load),
  load8_u: address(Ir.load8_u),
  load8_s: address(Ir.load8_s),
  load16_u: address(Ir.load16_u),
  load16_s: address(Ir.load16_s),
  load32_u: address(Ir.load32_u),
  load32_s: address(Ir.load32_s),
  store: address(Ir.store),
  store8: narrowStore(Ir.store8, 8),
  store16: narrowStore(Ir.store16, 16),
  store32: narrowStore(Ir.store32, 32),
} as const;
