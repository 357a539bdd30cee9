/**
 * Source maps (ECMA-426) of WebAssembly modules: everything is on one generated line, whose columns are offsets in the module's bytes.
 *
 * A segment holds differences to the one before as base64 VLQ digits. All are decoded once into columns, and an offset is found by bisection.
 */

import { joinPath } from "./line_table.ts";

/** A place in a source file; line and column count from 1. */
export interface SourcePosition {
  readonly name: string | undefined;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGIT_VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < DIGITS.length; i++) DIGIT_VALUES[DIGITS.charCodeAt(i)] = i;

/** Words of a segment: offset, source, line, column, name. */
const WIDTH = 5;

/** A source map. */
export class SourceMap {
  readonly #sources: readonly (string | null)[];
  readonly #names: readonly string[];
  readonly #root: string;
  readonly #segments: Int32Array;

  /** @throws {SyntaxError} for what is no source map. */
  constructor(text: string) {
    // The first line may be a guard against inclusion as a script (ECMA-426, "JSON over HTTP").
    const map: unknown = JSON.parse(text.startsWith(")]}'") ? text.slice(text.indexOf("\n") + 1) : text);
    const { version, mappings, sources, names, sourceRoot } = Object(map) as Record<string, unknown>;
    if (version !== 3 || typeof mappings !== "string" || !Array.isArray(sources)) {
      throw new SyntaxError("not a source map of version 3");
    }
    this.#sources = sources.map((source) => typeof source === "string" ? source : null);
    this.#names = Array.isArray(names) ? names.map(String) : [];
    this.#root = typeof sourceRoot === "string" ? sourceRoot : "";
    this.#segments = decode(mappings);
  }

  /** The place of the instruction at an offset in the module's bytes. */
  find(offset: number): SourcePosition | undefined {
    let low = 0;
    let high = this.#segments.length / WIDTH;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle * WIDTH] <= offset) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const [, source, line, column, name] = this.#segments.subarray((low - 1) * WIDTH, low * WIDTH);
    const file = source < 0 ? undefined : this.#sources[source];
    if (typeof file !== "string") return undefined;
    return { name: this.#names[name], file: joinPath(this.#root, file), line: line + 1, column: column + 1 };
  }
}

/** The segments of the first line, ascending by offset; source -1 where nothing is mapped. */
function decode(mappings: string): Int32Array {
  const rows: number[][] = [];
  let offset = 0, source = 0, line = 0, column = 0, name = 0;
  const firstLine = mappings.split(";", 1)[0];
  for (const segment of firstLine.split(",")) {
    const fields = decodeFields(segment);
    if (fields === undefined) throw new SyntaxError("the mappings of the source map are malformed");
    if (fields.length === 0) continue;
    offset += fields[0];
    if (fields.length < 4) {
      rows.push([offset, -1, 0, 0, -1]);
      continue;
    }
    source += fields[1];
    line += fields[2];
    column += fields[3];
    if (fields.length > 4) name += fields[4];
    rows.push([offset, source, line, column, fields.length > 4 ? name : -1]);
  }
  return Int32Array.from(rows.sort((a, b) => a[0] - b[0]).flat());
}

function decodeFields(segment: string): number[] | undefined {
  const fields: number[] = [];
  let value = 0, shift = 0;
  for (let i = 0; i < segment.length; i++) {
    const digit = DIGIT_VALUES[segment.charCodeAt(i) & 127];
    if (digit < 0 || shift > 30) return undefined;
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    fields.push(value & 1 ? -(value >>> 1) : value >>> 1);
    value = shift = 0;
  }
  return shift === 0 ? fields : undefined;
}
