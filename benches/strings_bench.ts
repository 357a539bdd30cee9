/**
 * Transcoders between two memories against `TextDecoder` and `TextEncoder` over plain ArrayBuffers: sources of 1 MiB, of ASCII, of text in many
 * scripts, and of latin1.
 *
 * A row is the median of interleaved samples, each the best of a few calls. The JavaScript beside it is one step of what has to happen there
 * to get the same: text that comes, or goes, as a string that is there already. An ASCII string has one byte a character in V8, so its
 * `encodeInto` copies half of what `utf16_to_utf8` reads.
 *
 * usage: deno run -A benches/strings_bench.ts
 */

import type { TranscoderName } from "../lib/abi/mod.ts";
import { createTranscoders } from "../lib/component/mod.ts";
import { Engine, Memory, Store } from "../mod.ts";

const BYTES = 1 << 20, SAMPLES = 15, CALLS = 8;

const SENTENCES = {
  ascii: "The quick brown fox jumps over the lazy dog; 0123456789. ",
  mixed: "The quick brown fox — über den faulen Hund; Съешь ещё этих мягких булок, 色は匂へど散りぬるを 😀 and on. ",
  latin1: "Voix ambigu\xeb d'un coeur qui, au z\xe9phyr, pr\xe9f\xe8re les jattes de kiwis. ",
} as const;

const ENCODE = {
  utf8: (text: string) => new TextEncoder().encode(text),
  utf16: (text: string) => {
    const bytes = new Uint8Array(2 * text.length), view = new DataView(bytes.buffer);
    for (let k = 0; k < text.length; k++) view.setUint16(2 * k, text.charCodeAt(k), true);
    return bytes;
  },
  latin1: (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0)),
} as const;

type Encoding = keyof typeof ENCODE;

/** What is measured, and whether a string is what comes of it in JavaScript, or what it is made from. */
const ROWS: readonly (readonly [name: TranscoderName, from: Encoding, javascript: "decode" | "encode"])[] = [
  ["utf8_to_utf8", "utf8", "decode"],
  ["utf8_to_utf16", "utf8", "decode"],
  ["utf8_to_latin1", "utf8", "decode"],
  ["utf16_to_utf8", "utf16", "encode"],
  ["utf16_to_utf16", "utf16", "decode"],
  ["utf16_to_latin1", "utf16", "decode"],
  ["utf16_to_compact_probably_utf16", "utf16", "decode"],
  ["latin1_to_utf8", "latin1", "encode"],
];

function bestUs(run: () => void): number {
  let best = Infinity;
  for (let call = 0; call < CALLS; call++) {
    const started = performance.now();
    run();
    best = Math.min(best, performance.now() - started);
  }
  return 1000 * best;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

using engine = new Engine();
using store = new Store(engine);
const from = new Memory(store, { minimum: 64 }), to = new Memory(store, { minimum: 64 });
const transcoders = createTranscoders(store, from, to);
const encoder = new TextEncoder(), out = new Uint8Array(4 * BYTES);
let kept: unknown;

console.log("text    transcoder                           us    MB/s   JavaScript us   ratio");
for (const [name, sentence] of Object.entries(SENTENCES)) {
  for (const [transcoder, encoding, javascript] of ROWS) {
    // Latin1 has no text but its own, and what stops at the first other character is not measured on such text.
    if (name === "mixed" && transcoder.includes("latin1")) continue;
    const text = sentence.repeat(Math.floor(BYTES / ENCODE[encoding](sentence).length));
    const source = ENCODE[encoding](text);
    from.view.set(source);
    const decoder = new TextDecoder(encoding === "utf16" ? "utf-16le" : "utf-8", { fatal: true, ignoreBOM: true });
    const flat = new TextDecoder().decode(ENCODE.utf8(text));
    const theirs = javascript === "decode"
      ? () => kept = decoder.decode(source)
      : () => kept = encoder.encodeInto(flat, out);
    const call = transcoders[transcoder].callable as (...args: number[]) => unknown;
    const args = [
      0,
      encoding === "utf16" ? text.length : source.length,
      0,
      ...javascript === "encode" ? [out.length] : [],
    ];
    const samples: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
    for (let sample = 0; sample < SAMPLES; sample++) {
      samples.ours.push(bestUs(() => kept = call(...args)));
      samples.theirs.push(bestUs(theirs));
    }
    const us = median(samples.ours), other = median(samples.theirs);
    const cells = [
      us.toFixed(0).padStart(6),
      (source.length / us).toFixed(0).padStart(7),
      other.toFixed(0).padStart(15),
    ];
    console.log(name.padEnd(7), transcoder.padEnd(32), ...cells, (us / other).toFixed(2).padStart(7));
  }
}
if (kept === undefined) console.log("nothing ran");
