/** The shape of one row of the form table, and the CPUID features that rows name. */

/**
 * The CPUID features a form may need. `x64` stands for all that every x86-64 processor has except SSE and SSE2, which are
 * `sse2`: the reader sees the difference, `BASELINE_FEATURES` holds both.
 */
export const FEATURES = [
  "x64",
  "sse2",
  "sse3",
  "ssse3",
  "sse4.1",
  "sse4.2",
  "popcnt",
  "lzcnt",
  "movbe",
  "cx16",
  "bmi1",
  "bmi2",
  "avx",
  "avx2",
  "fma",
  "rdtscp",
  "xsave",
] as const;

/** The name of a CPUID feature. */
export type Feature = typeof FEATURES[number];

/**
 * One line of the manual.
 *
 * 1. mnemonic, in NASM's spelling, with its `lock`, `rep` or `o16` prefix; a mnemonic ending in `cc` stands for sixteen forms.
 * 2. operands in manual order, `rm64` for the manual's r/m64. Marks: none = read, `w` = written, `rw` = read and written,
 *    `wp` = written in part or sometimes not at all (what was there before stays), `sx` = an immediate that is
 *    sign-extended to the operand size.
 * 3. the manual's opcode column. The operand-size prefix, which the manual leaves to the reader, is written out as 66;
 *    `+r` is the manual's +rb, +rw, +rd, +ro; `+cc` adds the condition code.
 * 4. the CPUID feature.
 * 5. what the operands do not say: `rax:rw` (a register that the form touches implicitly), `flags:w`, `mem:w`,
 *    `keeps` (a 32-bit destination whose upper half is not surely zeroed), `jump`, `call`, `end` (control never falls
 *    through). Undefined flags count as written.
 */
export type Row = readonly [mnemonic: string, operands: string, opcode: string, feature: Feature, effects?: string];
