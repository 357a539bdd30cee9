/**
 * What the transcoders of components have to do, said with JavaScript's own strings, and cases for them.
 *
 * Nothing here shares code or method with lib/component: validity is asked of `TextDecoder` and `isWellFormed`, characters are those of
 * JavaScript's string iterator, prefixes are found by regular expressions over bytes as characters, bounds are BigInts.
 */

import { Engine, type EngineConfig, type Func, Memory, Store, Trap } from "../../../mod.ts";
import { createTranscoders, type Transcoders } from "../../../lib/component/mod.ts";
import { type Transcoder, type TranscoderName, TRANSCODERS } from "../../../lib/abi/mod.ts";
import { Random } from "../generators/random.ts";

/** What a transcoder should answer: the name of a trap, or results and the start of the destination. */
export type Expected = { readonly trap: string } | { readonly results: readonly number[]; readonly bytes: Uint8Array };

const TAG = 2 ** 31;
const invalid8 = { trap: "invalid_utf8" }, invalid16 = { trap: "invalid_utf16" };

function binary(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** The bytes of a string in which each character is a byte. */
export function fromBinary(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** UTF-16, little endian. */
export function toUtf16(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2 * text.length), view = new DataView(bytes.buffer);
  for (let k = 0; k < text.length; k++) view.setUint16(2 * k, text.charCodeAt(k), true);
  return bytes;
}

function fromUtf16(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = "";
  for (let k = 0; k + 1 < bytes.length; k += 2) text += String.fromCharCode(view.getUint16(k, true));
  return text;
}

function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const toUtf8 = (text: string) => new TextEncoder().encode(text);

/** Characters while their UTF-8 fits. */
function partial(text: string, room: number): Expected {
  let read = 0, written = "";
  for (const character of text) {
    if (!character.isWellFormed()) return invalid16;
    if (toUtf8(written + character).length > room) break;
    written += character;
    read += character.length;
  }
  const bytes = toUtf8(written);
  return { results: [read, bytes.length], bytes };
}

interface Situation {
  readonly source: Uint8Array;
  readonly roomUnits: number;
  /** The latin1 that the destination begins with. */
  readonly before: string;
}

/** What each transcoder does with buffers that are as they should be. */
export const STRING_MODEL: Record<TranscoderName, (situation: Situation) => Expected> = {
  utf8_to_utf8: ({ source }) => fromUtf8(source) === undefined ? invalid8 : { results: [1], bytes: source },
  utf16_to_utf16: ({ source }) => fromUtf16(source).isWellFormed() ? { results: [1], bytes: source } : invalid16,
  latin1_to_latin1: ({ source }) => ({ results: [1], bytes: source }),
  latin1_to_utf16: ({ source }) => ({ results: [1], bytes: toUtf16(binary(source)) }),
  utf8_to_utf16: ({ source }) => {
    const text = fromUtf8(source);
    return text === undefined ? invalid8 : { results: [text.length], bytes: toUtf16(text) };
  },
  utf16_to_utf8: ({ source, roomUnits }) => partial(fromUtf16(source), roomUnits),
  latin1_to_utf8: ({ source, roomUnits }) => partial(binary(source), roomUnits),
  utf16_to_compact_probably_utf16: ({ source }) => {
    const text = fromUtf16(source);
    if (!text.isWellFormed()) return invalid16;
    // deno-lint-ignore no-control-regex -- latin1 is what the class says
    if (/^[\x00-\xff]*$/.test(text)) return { results: [text.length], bytes: fromBinary(text) };
    return { results: [text.length + TAG], bytes: source };
  },
  utf8_to_latin1: ({ source }) => {
    // deno-lint-ignore no-control-regex -- what latin1 has, in UTF-8
    const [prefix] = /^(?:[\x00-\x7f]|[\xc2\xc3][\x80-\xbf])*/.exec(binary(source))!;
    const text = fromUtf8(fromBinary(prefix))!;
    return { results: [prefix.length, text.length], bytes: fromBinary(text) };
  },
  utf16_to_latin1: ({ source }) => {
    // deno-lint-ignore no-control-regex -- latin1 is what the class says
    const [prefix] = /^[\x00-\xff]*/.exec(fromUtf16(source))!;
    return { results: [prefix.length, prefix.length], bytes: fromBinary(prefix) };
  },
  utf8_to_compact_utf16: ({ source, before }) => {
    const text = fromUtf8(source);
    return text === undefined ? invalid8 : { results: [before.length + text.length], bytes: toUtf16(before + text) };
  },
  utf16_to_compact_utf16: ({ source, before }) => {
    const text = fromUtf16(source);
    return text.isWellFormed() ? { results: [before.length + text.length], bytes: toUtf16(before + text) } : invalid16;
  },
};

/** Characters of every length in every encoding, at their edges. */
const POINTS = [
  0,
  0x41,
  0x7f,
  0x80,
  0xe9,
  0xff,
  0x100,
  0x7ff,
  0x800,
  0x20ac,
  0xd7ff,
  0xe000,
  0xffff,
  0x10000,
  0x1f600,
  0x10ffff,
];

function randomText(random: Random, characters: number, points: readonly number[]): string {
  let text = "";
  while (text.length < characters) {
    if (random.oneIn(3)) text += "The quick brown fox jumps over".slice(0, random.below(31));
    else text += String.fromCodePoint(random.pick(points));
  }
  return text;
}

/** Bytes that UTF-8 has at the edges of its ranges, or not at all. */
const SPOILERS = [0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff];

/** Sequences just outside of UTF-8: overlong, surrogates, beyond Unicode, too short, too long. */
const ILL_FORMED = [
  [0xc1, 0xbf],
  [0xe0, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x98],
  [0xc3, 0xa9, 0xa9],
];

/** Text as a source's bytes; a third of them with a byte spoilt. */
function sourceBytes(random: Random, transcoder: Transcoder): Uint8Array {
  const length = random.pick([0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 40, 64, 100]);
  const points = random.pick([[0x41], POINTS.slice(0, 3), POINTS.slice(0, 6), POINTS.slice(0, 13), POINTS, POINTS]);
  const text = randomText(random, length, points);
  const { name } = transcoder;
  const bytes = name.startsWith("utf8")
    ? toUtf8(text)
    : name.startsWith("utf16")
    ? toUtf16(text)
    : fromBinary(text.replace(/[^\0-\xff]/gu, "\xff"));
  if (name.startsWith("utf8") && random.oneIn(4)) {
    // Between two characters, so that nothing else is wrong.
    const characters = [...text], at = random.below(characters.length + 1);
    const [head, tail] = [characters.slice(0, at), characters.slice(at)].map((part) => toUtf8(part.join("")));
    return Uint8Array.of(...head, ...random.pick(ILL_FORMED), ...tail);
  }
  if (bytes.length > 0 && random.oneIn(3)) {
    const at = random.below(bytes.length);
    // The high byte of a unit, to make surrogates that stand alone.
    if (name.startsWith("utf16")) bytes[at | 1] = random.pick([0xd8, 0xdb, 0xdc, 0xdf, random.below(256)]);
    else bytes[at] = random.pick([...SPOILERS, random.below(256)]);
  }
  // A unit less, or all: texts that end inside a character.
  const unit = transcoder.source.unitBytes;
  return random.oneIn(4)
    ? bytes.subarray(0, bytes.length - bytes.length % unit - (bytes.length >= unit ? unit : 0))
    : bytes;
}

const HOSTILE = [0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff, 0x4000_0000, 65536, 32768, 65535];
const GUARD_BYTES = 48;

function expectedTrap(
  transcoder: Transcoder,
  args: Readonly<Record<string, number>>,
  bytes: { readonly from: number; readonly to: number },
  isOneMemory: boolean,
): string | undefined {
  const range = (buffer: Transcoder["source"]) => {
    const start = BigInt(args[buffer.pointer]);
    return { start, end: start + BigInt(args[buffer.length]) * BigInt(buffer.unitBytes) };
  };
  const { source, destination } = transcoder;
  for (const [buffer, size] of [[source, bytes.from], [destination, bytes.to]] as const) {
    if (args[buffer.length] >= TAG || range(buffer).end > BigInt(size)) return "string_out_of_bounds";
    if (args[buffer.pointer] % buffer.unitBytes !== 0) return "unaligned_string";
  }
  const one = range(source), other = range(destination);
  const low = one.start > other.start ? one.start : other.start, high = one.end < other.end ? one.end : other.end;
  if (isOneMemory && low < high) return "overlapping_strings";
  if (
    (args.latin1_bytes_so_far ?? 0) + ("latin1_bytes_so_far" in args ? args[source.length] : 0) >
      args[destination.length]
  ) {
    return "string_out_of_bounds";
  }
  return undefined;
}

/** A run of cases. */
export interface StringRun {
  /** Each case has a seed: this, and those that follow. */
  readonly first: number;
  readonly cases: number;
  readonly config?: EngineConfig;
  readonly implementation?: "code" | "reference";
}

/** Runs random cases; returns what went wrong, and how many cases ended in what. */
export function runStringCases({ first, cases, config = {}, implementation = "code" }: StringRun): {
  readonly failures: string[];
  readonly outcomes: Map<string, number>;
} {
  const failures: string[] = [], outcomes = new Map<string, number>();
  using engine = new Engine(config);
  using store = new Store(engine);
  const memories = [new Memory(store, { minimum: 1 }), new Memory(store, { minimum: 1 })];
  const between = [0, 1].map((to) => createTranscoders(store, memories[0], memories[to], { implementation }));
  for (let seed = first; seed < first + cases && failures.length < 20; seed++) {
    const random = new Random(seed);
    const transcoder = random.pick(TRANSCODERS);
    const to = random.below(2);
    const outcome = runCase(random, transcoder, memories[0], memories[to], between[to], (message) => {
      failures.push(`seed ${seed}: ${transcoder.name}${to === 0 ? " in one memory" : ""}: ${message}`);
    });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return { failures, outcomes };
}

function runCase(
  random: Random,
  transcoder: Transcoder,
  from: Memory,
  to: Memory,
  funcs: Transcoders,
  fail: (message: string) => void,
): string {
  const { source, destination } = transcoder;
  const text = sourceBytes(random, transcoder);
  const units = Math.floor(text.length / source.unitBytes);
  const isSame = source.length === destination.length;
  const hasProgress = transcoder.params[transcoder.params.length - 1].name === "latin1_bytes_so_far";
  const before = hasProgress ? random.below(random.pick([1, 3, 20, 70])) : 0;
  const room = isSame
    ? units
    : hasProgress
    ? Math.max(0, units + before + random.pick([0, 0, 0, 5, -1]))
    : random.below(3 * units + 4);
  const args: Record<string, number> = { [source.length]: units, [destination.length]: room };
  if (hasProgress) args.latin1_bytes_so_far = before;
  // Most buffers end where their memory ends, or next to one another.
  const sourceSize = units * source.unitBytes, roomSize = room * destination.unitBytes;
  args.src = random.oneIn(2) ? 65536 - sourceSize : 1024 + random.below(200);
  args.dst = from !== to && random.oneIn(2)
    ? 65536 - roomSize
    : random.oneIn(8)
    ? args.src + random.below(8) - 4
    : random.oneIn(2) && args.src + sourceSize + roomSize <= 65536
    ? args.src + sourceSize
    : Math.max(0, args.src - roomSize);
  if (!random.oneIn(8)) {
    args.src -= args.src % source.unitBytes;
    args.dst -= args.dst % destination.unitBytes;
  }
  if (random.oneIn(12)) args[random.pick(Object.keys(args))] = random.pick(HOSTILE);

  const fromView = from.view, toView = to.view;
  const dstEnd = Math.min(65536, args.dst + args[destination.length] * destination.unitBytes);
  const trap = expectedTrap(transcoder, args, { from: 65536, to: 65536 }, from === to);
  for (let k = Math.max(0, args.dst - GUARD_BYTES); k < Math.min(65536, dstEnd + GUARD_BYTES); k++) {
    toView[k] = random.next();
  }
  if (args.src + sourceSize <= 65536) fromView.set(text.subarray(0, sourceSize), args.src);
  const window = {
    start: Math.max(0, Math.min(args.dst, 65536) - GUARD_BYTES),
    end: Math.min(65536, dstEnd + GUARD_BYTES),
  };
  const untouched = toView.slice(window.start, window.end);
  let expected: Expected;
  if (trap !== undefined) expected = { trap };
  else {
    const input = fromView.slice(args.src, args.src + args[source.length] * source.unitBytes);
    const latin1 = hasProgress ? binary(toView.slice(args.dst, args.dst + args.latin1_bytes_so_far)) : "";
    expected = STRING_MODEL[transcoder.name]({ source: input, roomUnits: args[destination.length], before: latin1 });
  }
  const sourceBefore = trap === undefined
    ? fromView.slice(args.src, args.src + args[source.length] * source.unitBytes)
    : undefined;

  const actual = call(funcs[transcoder.name], transcoder, args);
  const said = JSON.stringify(args);
  const wanted = "trap" in expected ? expected.trap : JSON.stringify(expected.results);
  if (actual !== wanted) fail(`${actual} instead of ${wanted}: ${said}`);
  if (sourceBefore !== undefined) {
    sourceBefore.forEach((byte, k) => {
      if (fromView[args.src + k] !== byte) fail(`source byte ${k} changed: ${said}`);
    });
  }
  const reach = trap === undefined ? dstEnd : args.dst;
  for (let k = window.start; k < window.end; k++) {
    const isOutside = trap !== undefined || k < args.dst || k >= reach;
    if (isOutside && toView[k] !== untouched[k - window.start]) {
      fail(`byte ${k - args.dst} of the destination, outside, changed: ${said}`);
      break;
    }
  }
  if ("bytes" in expected) {
    const { bytes } = expected;
    const wrong = bytes.findIndex((byte, k) => toView[args.dst + k] !== byte);
    if (wrong >= 0) fail(`byte ${wrong} is ${toView[args.dst + wrong]}, not ${bytes[wrong]}: ${said}`);
  }
  return "trap" in expected ? expected.trap : "converted";
}

/** Calls a transcoder by named arguments; its results as JSON, unsigned, or the name of the trap. */
function call(func: Func, { params }: Transcoder, args: Readonly<Record<string, number>>): string {
  const passed = params.filter(({ kind }) => kind !== "ptr_size").map(({ name }) => args[name]);
  try {
    const result = (func.callable as (...args: number[]) => number | number[])(...passed);
    return JSON.stringify((typeof result === "number" ? [result] : result).map((value) => value >>> 0));
  } catch (error) {
    if (error instanceof Trap) return error.code;
    throw error;
  }
}
