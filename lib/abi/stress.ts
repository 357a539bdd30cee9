/**
 * Stress: ways to compile and run that make rare things frequent, so that tests meet them. No program's result depends on any of them.
 *
 * Compiled code depends on some; those are packed into one word that an artifact carries, and an engine loads only what was compiled with
 * its own word. 0 is no stress.
 */

/** What is made harder than it need be. */
export interface StressOptions {
  /** ZX-2: upper halves that code may not rely on hold garbage, and those that it does rely on are compared with zero. */
  readonly poison?: boolean;
  /**
   * Registers that the allocator may choose from, a class: {@linkcode FEWEST_REGISTERS} or more. What an instruction or the calling
   * convention names stays usable for that.
   */
  readonly registers?: number;
  /** Every n-th poll leaves the guest, whether or not anybody asked. Only with interruption. */
  readonly poll?: number;
  /** The collector runs at every allocation, and at every poll that leaves by `poll`. */
  readonly gc?: boolean;
}

/** The fewest registers of a class that every instruction fits into: a comparison with memory that selects between two values. */
export const FEWEST_REGISTERS = 5;
/** The most registers of a class: 0 of a stress word stands for all. */
const MOST_REGISTERS = 255;

/** Bits of a stress word; the number of registers stands above them. */
export const Stress = { poison: 1, poll: 2 } as const;
const REGISTERS_SHIFT = 8;

/** The word of the options that code depends on. */
export function stressWord({ poison, registers, poll }: StressOptions): number {
  return (poison ? Stress.poison : 0) | (poll === undefined ? 0 : Stress.poll) |
    Math.min(registers ?? 0, MOST_REGISTERS) << REGISTERS_SHIFT;
}

/** The number of registers a class that a stress word allows, 0 for all. */
export function stressRegisters(word: number): number {
  return word >>> REGISTERS_SHIFT;
}
