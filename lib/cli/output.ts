/** Writing what a command makes: to a file, or whole to standard output. */

import { CliError, fileFailure } from "./errors.ts";

/** Writes a file. @throws {CliError} if it cannot be written. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await Deno.writeFile(path, bytes);
  } catch (error) {
    throw new CliError(`cannot write ${path}: ${fileFailure(error, "write")}`);
  }
}

/** Writes text to standard output, all of it: a pipe takes a part at a time. */
export function writeText(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += Deno.stdout.writeSync(bytes.subarray(written));
}
