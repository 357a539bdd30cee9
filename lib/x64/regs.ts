/**
 * Registers: numbers as the encodings have them, names by width.
 *
 * General registers and vector registers are two files of sixteen; a form's operand kind says which one is meant, so a
 * register is just its number 0 to 15. ah, ch, dh and bh do not exist here: a byte operand is always the low byte.
 */

/** Numbers of the general registers, SDM 2A table 3-1. */
export const RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7;
/** Numbers of the general registers that need a REX prefix. */
export const R8 = 8, R9 = 9, R10 = 10, R11 = 11, R12 = 12, R13 = 13, R14 = 14, R15 = 15;

/** "No register" in a packed memory operand. */
export const NO_REG = 0xff;

const LOW = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];

/** Names of the 64-bit registers. */
export const NAMES_64: readonly string[] = names((n) => `r${LOW[n]}`, (n) => `r${n}`);
/** Names of the 32-bit registers. */
export const NAMES_32: readonly string[] = names((n) => `e${LOW[n]}`, (n) => `r${n}d`);
/** Names of the 16-bit registers. */
export const NAMES_16: readonly string[] = names((n) => LOW[n], (n) => `r${n}w`);
/** Names of the 8-bit registers, all low bytes. */
export const NAMES_8: readonly string[] = names((n) => n < 4 ? `${LOW[n][0]}l` : `${LOW[n]}l`, (n) => `r${n}b`);
/** Names of the 128-bit registers. */
export const NAMES_XMM: readonly string[] = names((n) => `xmm${n}`, (n) => `xmm${n}`);
/** Names of the 256-bit registers. */
export const NAMES_YMM: readonly string[] = names((n) => `ymm${n}`, (n) => `ymm${n}`);

function names(low: (n: number) => string, high: (n: number) => string): string[] {
  return Array.from({ length: 16 }, (_, n) => n < 8 ? low(n) : high(n));
}

/** The name of general register `number` at a width of 1, 2, 4 or 8 bytes. */
export function gprName(number: number, widthBytes: number): string {
  return (widthBytes === 8 ? NAMES_64 : widthBytes === 4 ? NAMES_32 : widthBytes === 2 ? NAMES_16 : NAMES_8)[number];
}
