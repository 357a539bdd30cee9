/**
 * The keywords of the text format as dense numbers.
 *
 * Three sources, none repeated: the opcode table (a keyword per operation), the abstract heap types (`any`, and `anyref`
 * for the nullable reference), and the words of the grammar below. A word may come from several (`func` is a word and a
 * heap type), so each meaning is a column.
 *
 * May import: base, wasm. @module
 */
import {
  ABSTRACT_HEAP_TYPES,
  F32,
  F64,
  I16,
  I32,
  I64,
  I8,
  OPCODES,
  refNullType,
  V128,
  type ValType,
} from "../wasm/mod.ts";
import { hashBytes } from "./symbols.ts";

/** The words of the grammar, beside operations and heap types. */
const WORDS = [
  ...["module", "definition", "instance", "binary", "quote", "type", "rec", "sub", "final", "func", "struct", "array"],
  ...[
    "cont",
    "field",
    "mut",
    "param",
    "result",
    "local",
    "global",
    "table",
    "memory",
    "tag",
    "elem",
    "data",
    "declare",
  ],
  ...[
    "offset",
    "item",
    "import",
    "export",
    "start",
    "then",
    "do",
    "on",
    "shared",
    "pagesize",
    "describes",
    "descriptor",
  ],
  ...["exact", "null", "ref", "catch_ref", "catch_all_ref", "offset=", "align=", "i32", "i64", "f32", "f64", "v128"],
  ...["i8", "i16", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"],
  ...["register", "invoke", "get", "assert_return", "assert_trap", "assert_exhaustion", "assert_malformed"],
  ...["assert_invalid", "assert_unlinkable", "assert_exception", "assert_suspension", "assert_malformed_custom"],
  ...["assert_invalid_custom", "nan:canonical", "nan:arithmetic", "either", "ref.extern", "ref.host", "ref.struct"],
  ...["ref.array", "ref.exn", "ref.cont", "thread", "wait", "before", "after", "first", "last", "code", "datacount"],
] as const;

/** A word of the grammar. */
export type Word = typeof WORDS[number];

/** The number of a keyword; the first ones are the operations, by their `Op`. */
export type Keyword = number;

/** No keyword of this language. */
export const UNKNOWN_KEYWORD = -1;

/** Operations whose name is no keyword of its own: a second encoding of another one. */
function isSecondEncoding(name: string): boolean {
  return name.includes(" ");
}

/** The keyword of the nullable reference to an abstract heap type: `anyref`, and `nullref` for a bottom type. */
export function nullableRefKeyword(heapName: string): string {
  if (heapName === "none") return "nullref";
  return heapName.startsWith("no") ? `null${heapName.slice(2)}ref` : `${heapName}ref`;
}

const names: string[] = OPCODES.map(([name]) => isSecondEncoding(name) ? "" : name);
const byName = new Map<string, Keyword>(names.map((name, op) => [name, op]));
byName.delete("");

function define(name: string): Keyword {
  let keyword = byName.get(name);
  if (keyword === undefined) {
    keyword = names.length;
    names.push(name);
    byName.set(name, keyword);
  }
  return keyword;
}

/** The keyword of each word. */
export const WORD: Readonly<Record<Word, Keyword>> = Object.fromEntries(
  WORDS.map((word) => [word, define(word)]),
) as Record<Word, Keyword>;

const heapKeywords = ABSTRACT_HEAP_TYPES.map(([name, code]) => [define(name), code] as const);
const refKeywords = ABSTRACT_HEAP_TYPES.map(([name, code]) => [define(nullableRefKeyword(name)), code] as const);

/** The number of keywords. */
const KEYWORD_COUNT: number = names.length;

/** The operation that a keyword names; -1 where it names none. */
export const KEYWORD_OP: Int16Array = new Int16Array(KEYWORD_COUNT).fill(-1);
/** The abstract heap type that a keyword names, a negative number; 0 where it names none. */
export const KEYWORD_HEAP_TYPE: Int8Array = new Int8Array(KEYWORD_COUNT);
/** The value or packed type that a keyword names; 0 where it names none. */
export const KEYWORD_VALUE_TYPE: Int32Array = new Int32Array(KEYWORD_COUNT);

OPCODES.forEach(([name], op) => {
  if (!isSecondEncoding(name)) KEYWORD_OP[op] = op;
});
for (const [keyword, code] of heapKeywords) KEYWORD_HEAP_TYPE[keyword] = code;
for (const [keyword, code] of refKeywords) KEYWORD_VALUE_TYPE[keyword] = refNullType(code);

/** The keywords of the types that are no references. */
const NUMERIC_KEYWORDS = [
  ["i32", I32],
  ["i64", I64],
  ["f32", F32],
  ["f64", F64],
  ["v128", V128],
  ["i8", I8],
  ["i16", I16],
] as const satisfies readonly (readonly [Word, ValType])[];
for (const [word, type] of NUMERIC_KEYWORDS) KEYWORD_VALUE_TYPE[WORD[word]] = type;

// Open addressing over the bytes of the keywords: a lookup makes no string.
const SLOTS = 1 << Math.ceil(Math.log2(4 * KEYWORD_COUNT));
const slots = new Int16Array(SLOTS).fill(-1);
const nameBytes = names.map((name) => new TextEncoder().encode(name));
for (const keyword of byName.values()) {
  const bytes = nameBytes[keyword];
  let slot = hashBytes(bytes, 0, bytes.length) & SLOTS - 1;
  while (slots[slot] >= 0) slot = slot + 1 & SLOTS - 1;
  slots[slot] = keyword;
}

/** The keyword that stands in `source`, or UNKNOWN_KEYWORD. */
export function findKeyword(source: Uint8Array, start: number, end: number): Keyword {
  const length = end - start;
  for (let slot = hashBytes(source, start, end) & SLOTS - 1;; slot = slot + 1 & SLOTS - 1) {
    const keyword = slots[slot];
    if (keyword < 0) return UNKNOWN_KEYWORD;
    const bytes = nameBytes[keyword];
    if (bytes.length !== length) continue;
    let i = 0;
    while (i < length && bytes[i] === source[start + i]) i++;
    if (i === length) return keyword;
  }
}
