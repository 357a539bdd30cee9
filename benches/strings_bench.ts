/**
 * Transcoders between two memories against `TextDecoder` and `TextEncoder` over plain ArrayBuffers, on 1 MiB of ASCII and of mixed text.
 *
 * A row is the median of interleaved samples, each the best of a few calls. The JavaScript beside it is what has to happen there to get the
 * same: text that comes or goes as a string.
 *
 * usage: deno run -A benches/strings_bench.ts
 */

import { Engine, type Func, Memory, Store } from "../mod.ts";
import { createTranscoders } from "../lib/component/mod.ts";

const BYTES = 1 << 20, SAMPLES = 15, CALLS = 8;

const SENTENCES = {
  ascii: "The quick brown fox jumps over the lazy dog; 0123456789. ",
  mixed: "The quick brown fox — über den faulen Hund; Съешь ещё этих мягких булок, 色は匂へど散りぬるを 😀 and on. ",
  latin1: "Voix ambiguë d'un cœur qui, au zéphyr, préfère les jattes de kiwis. ".replaceAll("œ", "oe"),
} as const;

/** Whole sentences, as many as fit into 1 MiB of UTF-8. */
function textOf(sentence: string): string {
  return sentence.repeat(Math.floor(BYTES / new TextEncoder().encode(sentence).length));
}

const unitsOf = (text: string) => {
  const units = new Uint16Array(text.length);
  for (let k = 0; k < text.length; k++) units[k] = text.charCodeAt(k);
  return new Uint8Array(units.buffer);
};

function bestMs(run: () => void): number {
  let best = Infinity;
  for (let call = 0; call < CALLS; call++) {
    const started = performance.now();
    run();
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

using engine = new Engine();
using store = new Store(engine);
const from = new Memory(store, { minimum: 64 }), to = new Memory(store, { minimum: 64 });
const transcoders = createTranscoders(store, from, to);
let kept: unknown;

console.log("text    transcoder                        us    MB/s   JavaScript us   ratio");
for (const [name, sentence] of Object.entries(SENTENCES)) {
  const text = textOf(sentence);
  const utf8 = new TextEncoder().encode(text), wide = unitsOf(text);
  const narrow = name === "mixed" ? undefined : Uint8Array.from(text, (character) => character.charCodeAt(0));
  const copy8 = new Uint8Array(utf8), copy16 = new Uint8Array(wide), out = new Uint8Array(4 * BYTES);
  const decoder8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }),
    decoder16 = new TextDecoder("utf-16le", { fatal: true });
  const encoder = new TextEncoder();
  const flat = decoder8.decode(copy8);
  const decode8 = () => kept = decoder8.decode(copy8);
  const decode16 = () => kept = decoder16.decode(copy16);
  const encode8 = () => kept = encoder.encodeInto(flat, out);
  const rows: [keyof typeof transcoders, Uint8Array, number, number[], () => void, string][] = [
    ["utf8_to_utf16", utf8, 1, [], decode8, "decode utf-8"],
    ["utf8_to_utf8", utf8, 1, [], decode8, "decode utf-8"],
    ["utf16_to_utf8", wide, 2, [out.length], encode8, "encodeInto"],
    ["utf16_to_utf16", wide, 2, [], decode16, "decode utf-16"],
    ["utf16_to_compact_probably_utf16", wide, 2, [], decode16, "decode utf-16"],
    ...narrow === undefined ? [] : [
      ["utf8_to_latin1", utf8, 1, [], decode8, "decode utf-8"],
      ["utf16_to_latin1", wide, 2, [], decode16, "decode utf-16"],
      ["latin1_to_utf8", narrow, 1, [out.length], encode8, "encodeInto"],
      ["latin1_to_utf16", narrow, 1, [], decode8, "decode utf-8"],
    ] as never[],
  ];
  for (const [transcoder, source, unitBytes, rest, javascript] of rows) {
    from.view.set(source);
    const call = (transcoders[transcoder] as Func).callable as (...args: number[]) => unknown;
    const args = [0, source.length / unitBytes, 0, ...rest];
    const ours: number[] = [], theirs: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      ours.push(bestMs(() => kept = call(...args)));
      theirs.push(bestMs(javascript));
    }
    const us = median(ours) * 1000, other = median(theirs) * 1000;
    const cells = [
      us.toFixed(0).padStart(6),
      (source.length / us).toFixed(0).padStart(7),
      other.toFixed(0).padStart(13),
    ];
    console.log(name.padEnd(7), transcoder.padEnd(31), ...cells, (us / other).toFixed(2).padStart(10));
  }
}
if (kept === undefined) console.log("nothing ran");
