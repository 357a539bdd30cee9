/**
 * Filetests: a module in text form, options, and the expected output, in one file.
 *
 *     ;;! test = "ir"
 *     ;;! bounds = "explicit"
 *     (module ...)
 *
 *     ;; func 0 sig0 {
 *     ;; ...
 *
 * Header lines start with `;;!`; unknown keys fail. The lines that start with `;; ` at the end of the file are the expectation. With
 * THEROPOD_BLESS=1 in the environment a run rewrites them instead of comparing.
 */

import { assertEquals } from "@std/assert";
import { wat } from "../wat.ts";

const BLESS = Deno.env.get("THEROPOD_BLESS") === "1";
const OUTPUT_PREFIX = ";;";
const HEADER_PREFIX = ";;!";

/** A filetest: its options, and the module as bytes. */
export interface FileTest {
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

interface Parts {
  readonly input: string;
  readonly expected: string;
}

function split(text: string): Parts {
  const lines = text.trimEnd().split("\n");
  let start = lines.length;
  while (start > 0 && lines[start - 1].startsWith(OUTPUT_PREFIX) && !lines[start - 1].startsWith(HEADER_PREFIX)) {
    start--;
  }
  const expected = lines.slice(start).map((line) => line.slice(OUTPUT_PREFIX.length + 1)).join("\n");
  return { input: lines.slice(0, start).join("\n").trimEnd(), expected };
}

function readOptions(input: string, keys: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (const line of input.split("\n")) {
    if (!line.startsWith(HEADER_PREFIX)) continue;
    const match = line.match(/^;;! (\w+) = "(.*)"$/);
    if (match === null || !keys.includes(match[1])) throw new Error(`not a filetest option: ${line}`);
    options.set(match[1], match[2]);
  }
  return options;
}

/** Registers a test per `.wat` file in `folder` (beside this file); `run` gives the output. `keys`: the options it knows. */
export function registerFileTests(folder: string, keys: readonly string[], run: (test: FileTest) => string): void {
  const root = new URL(`./${folder}/`, import.meta.url);
  const names = Array.from(Deno.readDirSync(root), ({ name }) => name).filter((name) => name.endsWith(".wat")).sort();
  for (const name of names) {
    Deno.test(`filetest ${folder}/${name}`, () => {
      const path = new URL(name, root);
      const { input, expected } = split(Deno.readTextFileSync(path));
      const options = readOptions(input, ["test", ...keys]);
      assertEquals(options.get("test"), folder, "the option `test` names the folder");
      const bytes = wat(input);
      const actual = run({ name, options, bytes }).trimEnd();
      if (BLESS) {
        const lines = actual.split("\n").map((line) => `${OUTPUT_PREFIX} ${line}`.trimEnd());
        Deno.writeTextFileSync(path, `${input}\n\n${lines.join("\n")}\n`);
      } else assertEquals(expected, actual, "set THEROPOD_BLESS=1 to accept the output");
    });
  }
}
