/** Refusals of the reader. */

/** A file is not an ELF file that this project writes, or is damaged. */
export class ElfError extends Error {
  override name = "ElfError";
  /** Where in the file the contradiction is, in bytes. */
  readonly offsetBytes: number;

  constructor(message: string, offsetBytes: number) {
    super(`${message} (at byte ${offsetBytes})`);
    this.offsetBytes = offsetBytes;
  }
}
