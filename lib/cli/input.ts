/** Reading the file to run: bytes as they are, `.wat` through binaryen. */

import { CliError, fileFailure } from "./errors.ts";

// In a variable: a literal specifier is fetched (100 MB) on the first run even when it is never reached.
const BINARYEN = "npm:binaryen@132.0.0";

/** The part of binaryen's API used here. */
interface Binaryen {
  parseText(text: string): { setFeatures(features: number): void; emitBinary(): Uint8Array; dispose(): void };
  readonly Features: { readonly All: number };
  /** Whether names of functions and locals are kept, for backtraces. */
  setDebugInfo(on: boolean): void;
}

/**
 * Reads a module's bytes.
 *
 * @throws {CliError} if the file cannot be read, is empty, or is text that does not parse.
 */
export async function readInput(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    throw new CliError(`cannot read ${path}: ${fileFailure(error, "read")}`);
  }
  if (bytes.length === 0) throw new CliError(`${path} is empty: expected a WebAssembly module`);
  return path.endsWith(".wat") ? await textToBinary(path, bytes) : bytes;
}

async function textToBinary(path: string, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  let binaryen: Binaryen;
  try {
    binaryen = (await import(BINARYEN)).default;
  } catch (error) {
    throw new CliError(`cannot load binaryen to read ${path}: ${error instanceof Error ? error.message : error}`);
  }
  try {
    binaryen.setDebugInfo(true);
    const module = binaryen.parseText(new TextDecoder().decode(bytes));
    module.setFeatures(binaryen.Features.All);
    const binary = module.emitBinary();
    module.dispose();
    return new Uint8Array(binary);
  } catch (error) {
    throw new CliError(
      `${path} does not parse: ${String(error instanceof Error ? error.message : error).split("\n")[0]}`,
    );
  }
}
