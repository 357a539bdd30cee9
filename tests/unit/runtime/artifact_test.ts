import { assertEquals, assertThrows } from "@std/assert";
import {
  ARTIFACT_COLUMNS,
  ARTIFACT_SECTIONS,
  CODE_OPTIONS,
  codeMisfit,
  type CompiledModule,
  cpuFeatureMask,
  decodeCodeOptions,
  encodeCodeOptions,
  GUARD_RESERVATION_BYTES,
} from "../../../lib/abi/mod.ts";
import { encodeArtifact } from "../../../lib/compile/mod.ts";
import { RESERVATION_BYTES } from "../../../lib/host/mod.ts";
import { ArtifactError, decodeArtifact, requireFit } from "../../../lib/runtime/mod.ts";
import { decodeModule, DEFAULT_FEATURES } from "../../../lib/wasm/mod.ts";
import { Engine, Module } from "../../../mod.ts";
import { forge } from "../../artifacts.ts";
import { wat } from "../../wat.ts";
import { compile } from "./stores.ts";

const SOURCE = `(module (type (func (param f32))) (memory 1) (tag $tag)
  (func $load (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "twice") (param i32) (result i32) (call $load (call $load (local.get 0))))
  (func (export "keep") (param externref) (result externref) (drop (call $load (i32.const 0))) (local.get 0))
  (func (export "catch") (block $h (try_table (catch $tag $h) (drop (call $load (i32.const 0)))))))`;

/** A copy of a column with one element changed. */
function changed<A extends Int32Array | Uint8Array>(column: A, index: number, value: number): A {
  const copy = column.slice() as A;
  copy[index] = value;
  return copy;
}

/** Tables whose digest is right and which are not those of the module. */
const HOSTILE: Record<string, (compiled: CompiledModule) => Partial<CompiledModule>> = {
  "too few functions": ({ functionOffsets }) => ({ functionOffsets: functionOffsets.slice(1) }),
  "too many functions": ({ functionOffsets }) => ({ functionOffsets: Int32Array.of(0, ...functionOffsets) }),
  "no functions": () => ({ functionOffsets: new Int32Array(0) }),
  "a function before the code": ({ functionOffsets }) => ({ functionOffsets: changed(functionOffsets, 0, -4096) }),
  "a function beyond the code": ({ functionOffsets }) => ({ functionOffsets: changed(functionOffsets, 3, 1 << 30) }),
  "functions in disorder": ({ functionOffsets }) => ({
    functionOffsets: changed(functionOffsets, 0, functionOffsets[2]),
  }),
  "an entry thunk beyond the code": ({ entryThunks }) => ({ entryThunks: changed(entryThunks, 0, 1 << 30) }),
  "an entry thunk that is none": ({ entryThunks }) => ({ entryThunks: changed(entryThunks, 1, -1) }),
  "a host thunk before the code": ({ hostThunks }) => ({ hostThunks: changed(hostThunks, 1, -16) }),
  "a builtin that has no stub": ({ builtinStubs }) => ({ builtinStubs: changed(builtinStubs, 3, -1) }),
  "a builtin's stub beyond the code": ({ builtinStubs }) => ({ builtinStubs: changed(builtinStubs, 0, 1 << 30) }),
  "too few builtins": ({ builtinStubs }) => ({ builtinStubs: builtinStubs.slice(1) }),
  "too few thunks": ({ entryThunks, hostThunks }) => ({
    entryThunks: entryThunks.slice(1),
    hostThunks: hostThunks.slice(1),
  }),
  "a trap code that is none": ({ trapCodes }) => ({ trapCodes: changed(trapCodes, 0, 200) }),
  "a trap that is no trap": ({ trapCodes }) => ({ trapCodes: changed(trapCodes, 0, 0) }),
  "traps in disorder": ({ trapPcs }) => ({ trapPcs: changed(trapPcs, 0, 1 << 30) }),
  "calls before the code": ({ callPcs }) => ({ callPcs: changed(callPcs, 0, -1) }),
  "too few stack maps": ({ callRootStarts }) => ({ callRootStarts: callRootStarts.slice(1) }),
  "a stack map in disorder": ({ callRootStarts }) => ({ callRootStarts: changed(callRootStarts, 0, 7) }),
  "a stack map beyond the roots": ({ callRootStarts }) => ({
    callRootStarts: changed(callRootStarts, callRootStarts.length - 1, 1 << 20),
  }),
  "roots of no call": ({ rootOffsets }) => ({ rootOffsets: Int32Array.of(...rootOffsets, -16) }),
  "a root in the caller's frame": ({ rootOffsets }) => ({ rootOffsets: changed(rootOffsets, 0, 16) }),
  "a root in the vmctx slot": ({ rootOffsets }) => ({ rootOffsets: changed(rootOffsets, 0, -8) }),
  "a root between slots": ({ rootOffsets }) => ({ rootOffsets: changed(rootOffsets, 0, -20) }),
  "a handler's call beyond the code": ({ handlerPcs }) => ({ handlerPcs: changed(handlerPcs, 0, 1 << 30) }),
  "a pad beyond the code": ({ handlerPads }) => ({ handlerPads: changed(handlerPads, 0, 1 << 30) }),
  "a pad before the code": ({ handlerPads }) => ({ handlerPads: changed(handlerPads, 0, -1) }),
  "too few pads": ({ handlerPads }) => ({ handlerPads: handlerPads.slice(1) }),
  "handler clauses beyond the lists": ({ handlerLists }) => ({ handlerLists: changed(handlerLists, 0, 1 << 20) }),
  "a list of clauses that is too long": ({ handlerClauses }) => ({ handlerClauses: changed(handlerClauses, 0, 4) }),
  "half a clause": ({ handlerClauses }) => ({ handlerClauses: changed(handlerClauses, 0, 1) }),
  "a clause of no kind": ({ handlerClauses }) => ({ handlerClauses: changed(handlerClauses, 1, 7) }),
  "a clause of a tag that is none": ({ handlerClauses }) => ({ handlerClauses: changed(handlerClauses, 1, 8) }),
  "no code": () => ({ code: new Uint8Array(0) }),
};

Deno.test("requireFit() accepts what the compiler made", () => {
  const { module, compiled } = compile(wat(SOURCE));
  const decoded = decodeArtifact(encodeArtifact(module, compiled));
  requireFit(decodeModule(decoded.moduleBytes, DEFAULT_FEATURES), decoded.compiled);
  assertEquals(decoded.compiled, compiled);
});

Deno.test("requireFit() refuses tables that do not fit the module", () => {
  const { module, compiled } = compile(wat(SOURCE));
  for (const [what, change] of Object.entries(HOSTILE)) {
    assertThrows(() => requireFit(module, { ...compiled, ...change(compiled) }), ArtifactError, "do not fit", what);
  }
});

/** Words of the header before those of the options. */
const FIRST_OPTION = 2;

/** A word of the header by the name of its option. */
function optionAt(section: (name: string) => Uint8Array, name: keyof typeof CODE_OPTIONS): DataView {
  const { buffer, byteOffset } = section(ARTIFACT_SECTIONS.header);
  return new DataView(buffer, byteOffset + 4 * (FIRST_OPTION + Object.keys(CODE_OPTIONS).indexOf(name)), 4);
}

Deno.test("Module.deserialize() believes no digest: tables, definitions, features and every option are checked", () => {
  using engine = new Engine();
  const { module, compiled } = compile(wat(SOURCE));
  const artifact = encodeArtifact(module, compiled);
  const load = (change: Parameters<typeof forge>[1], into = engine) =>
    Module.deserialize(into, forge(artifact, change), { trusted: true });
  const refuses = (message: string, change: Parameters<typeof forge>[1]) =>
    assertThrows(() => load(change), ArtifactError, message);
  assertEquals(load(() => {}).exports.length, 4);
  const [thunks] = ARTIFACT_COLUMNS.entryThunks;
  refuses("do not fit", (section) => section(thunks).fill(0x7f));
  refuses("do not fit", (section) => section(ARTIFACT_COLUMNS.callSites[0]).fill(0x7f));
  refuses("another version", (section) => section(ARTIFACT_SECTIONS.header)[0]++);
  refuses("another version", (section) => section(ARTIFACT_SECTIONS.header)[4]++);
  refuses("another version", (section) => section(ARTIFACT_SECTIONS.producer)[10]++);

  // By option: a word that is none, and one that does not fit this engine.
  const words: Record<keyof typeof CODE_OPTIONS, { none: number | undefined; other: number; message: string }> = {
    bounds: { none: 2, other: 1, message: "compiled with explicit bounds" },
    reservationBytes: {
      none: -1,
      other: 2 ** 17 + 2,
      message: "reserve 8590065664 bytes, and here they reserve 8590000128",
    },
    interruption: { none: 2, other: 1, message: "with interruption" },
    fuel: { none: 3, other: 1, message: "with fuel" },
    tables: { none: 2, other: 1, message: "eager tables" },
    barrier: { none: 2, other: 1, message: "a collector that counts references" },
    stress: { none: undefined, other: 1, message: "other stress" },
    features: { none: -1, other: 1 << 21, message: "uses the feature stack-switching" },
    cpuFeatures: { none: 1 << 6, other: -1, message: "" },
  };
  for (const [name, { none, other, message }] of Object.entries(words)) {
    const option = name as keyof typeof CODE_OPTIONS;
    if (none !== undefined) {
      refuses("does not say how", (section) => optionAt(section, option).setInt32(0, none, true));
    }
    if (message !== "") refuses(message, (section) => optionAt(section, option).setInt32(0, other, true));
  }

  const twice = new TextEncoder().encode("twice");
  refuses("the module in the compiled module is damaged", (section) => {
    const bytes = section(ARTIFACT_SECTIONS.module);
    const at = bytes.findIndex((_, i) => twice.every((byte, j) => bytes[i + j] === byte));
    bytes[at + twice.length + 1] = 7; // the index of the exported function
  });
  using without = new Engine({ features: [] });
  const { module: bulk, compiled: code } = compile(wat(`(module (memory 1) (func (export "f") (param i32)
    (memory.fill (local.get 0) (local.get 0) (local.get 0))))`));
  const bulky = encodeArtifact(bulk, code);
  assertThrows(
    () => Module.deserialize(without, bulky, { trusted: true }),
    ArtifactError,
    "uses the feature bulk-memory",
  );
});

Deno.test("codeMisfit() refuses code for a processor with more, and accepts it for one with less", () => {
  const { compiled: { options } } = compile(wat(SOURCE));
  const with2 = { ...options, cpuFeatures: cpuFeatureMask(["bmi2", "avx2"]) };
  assertEquals(codeMisfit(with2, options), "the module was compiled for a processor with bmi2, avx2");
  assertEquals(codeMisfit(options, with2), undefined);
  assertEquals(codeMisfit(options, options), undefined);
  assertEquals(codeMisfit({ ...options, reservationBytes: 0 }, options), undefined);
});

Deno.test("encodeCodeOptions() and decodeCodeOptions() are inverse, and GUARD_RESERVATION_BYTES is what memories reserve", () => {
  const { compiled: { options } } = compile(wat(SOURCE));
  assertEquals(decodeCodeOptions(Int32Array.from(encodeCodeOptions(options))), options);
  const other = {
    ...options,
    bounds: "explicit",
    interruption: true,
    fuel: true,
    tables: "eager",
    stress: 77,
  } as const;
  assertEquals(decodeCodeOptions(Int32Array.from(encodeCodeOptions(other))), other);
  assertEquals(GUARD_RESERVATION_BYTES, RESERVATION_BYTES);
});
