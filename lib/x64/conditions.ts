/** Condition codes: the low nibble of jcc, setcc and cmovcc, SDM 2 appendix B.1.4.7. */
import { bug } from "../base/mod.ts";

/** Suffixes in code order. ORDER cond: `code ^ 1` negates. */
export const CONDITION_NAMES = [
  "o",
  "no",
  "b",
  "ae",
  "e",
  "ne",
  "be",
  "a",
  "s",
  "ns",
  "p",
  "np",
  "l",
  "ge",
  "le",
  "g",
] as const;

/** The condition codes by name. */
export const COND = {
  /** overflow */ O: 0,
  /** no overflow */ NO: 1,
  /** below, carry */ B: 2,
  /** above or equal, no carry */ AE: 3,
  /** equal, zero */ E: 4,
  /** not equal */ NE: 5,
  /** below or equal */ BE: 6,
  /** above */ A: 7,
  /** sign */ S: 8,
  /** no sign */ NS: 9,
  /** parity; unordered after ucomis */ P: 10,
  /** no parity; ordered after ucomis */ NP: 11,
  /** less, signed */ L: 12,
  /** greater or equal, signed */ GE: 13,
  /** less or equal, signed */ LE: 14,
  /** greater, signed */ G: 15,
} as const;

/** A condition code, 0 to 15. */
export type Cond = typeof COND[keyof typeof COND];

const NEGATIONS = { O: "NO", B: "AE", E: "NE", BE: "A", S: "NS", P: "NP", L: "GE", LE: "G" } as const;
for (const [cond, negation] of Object.entries(NEGATIONS)) {
  const code = COND[cond as keyof typeof COND];
  if ((code ^ 1) !== COND[negation] || CONDITION_NAMES[code] !== cond.toLowerCase()) bug(`condition order: ${cond}`);
}

/** The condition that holds exactly when `cond` does not. */
export function negate(cond: Cond): Cond {
  return (cond ^ 1) as Cond;
}

// Exchanging the operands of a comparison: B and A, AE and BE, L and G, GE and LE trade places; the rest read one operand's
// property only, or are symmetric.
const SWAPPED = [0, 1, 7, 6, 4, 5, 3, 2, 8, 9, 10, 11, 15, 14, 13, 12] as readonly Cond[];

/** The condition that holds after `cmp b, a` exactly when `cond` holds after `cmp a, b` (not for O, NO, S, NS). */
export function swapOperands(cond: Cond): Cond {
  return SWAPPED[cond];
}
