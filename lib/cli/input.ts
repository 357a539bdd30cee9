/** Reading the file to run: bytes as they are, `.wat` through the text format's parser. */

import { CliError, fileFailure, textFailure } from "./errors.ts";

/**
 * Reads a module's bytes.
 *
 * @throws {CliError} if the file cannot be read, is empty, or is text that does not parse.
 */
export async function readInput(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(path);
  return path.endsWith(".wat") ? await textToBinary(path, bytes) : bytes;
}

/** Reads a module's text, whatever the file is called, as bytes of the binary format. @throws {CliError} as {@linkcode readInput}. */
export async function readText(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await textToBinary(path, await readFile(path));
}

async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    throw new CliError(`cannot read ${path}: ${fileFailure(error, "read")}`);
  }
  if (bytes.length === 0) throw new CliError(`${path} is empty: expected a WebAssembly module`);
  return bytes;
}

/** Loaded for text only: every file of a plain run costs time. */
async function textToBinary(path: string, text: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { parseModule, TextError } = await import("../text/mod.ts");
  try {
    return parseModule(text);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    throw textFailure(path, error);
  }
}
