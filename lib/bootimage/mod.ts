/**
 * The builder of the boot image: run by a test, never by a program.
 *
 * May import: base, host (its layout tables), x64, elf.
 *
 * ACTIV-n in activation.ts, SIG-1, SIG-2, SIG-4 in faults.ts, INIT-1, EXIT-1 in process.ts.
 *
 * @module
 */
export * from "./build.ts";
