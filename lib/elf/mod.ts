/**
 * Executable and linkable files: writing and reading what the compiler produces, writing the boot image. Knows nothing of what
 * the sections mean.
 *
 * May import: base.
 *
 * ELFW-1, ELFW-2 in writer.ts, SO-1 in shared_object.ts, ELFR-1, ELFR-2 in reader.ts.
 *
 * @module
 */
export * from "./errors.ts";
export * from "./reader.ts";
export * from "./sections.ts";
export * from "./shared_object.ts";
export { ElfWriter, type SectionKind } from "./writer.ts";
