import { assertEquals, assertThrows } from "@std/assert";
import { ARTIFACT_COLUMNS, ARTIFACT_SECTIONS, type CompiledModule, digestInput } from "../../../lib/abi/mod.ts";
import { sha256 } from "../../../lib/base/mod.ts";
import { encodeArtifact } from "../../../lib/compile/mod.ts";
import { ElfReader } from "../../../lib/elf/mod.ts";
import { ArtifactError, decodeArtifact, requireFit } from "../../../lib/runtime/mod.ts";
import { decodeModule, DEFAULT_FEATURES } from "../../../lib/wasm/mod.ts";
import { CompileError, Engine, Module } from "../../../mod.ts";
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

/** An artifact whose sections `change` overwrites in place, with a digest that is right again. */
function forge(bytes: Uint8Array<ArrayBuffer>, change: (section: (name: string) => Uint8Array) => void): Uint8Array {
  const elf = new ElfReader(bytes);
  const section = (name: string) => {
    const found = elf.requireSection(name);
    return new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
  };
  change(section);
  const names = [
    ...Object.values(ARTIFACT_COLUMNS).map(([name]) => name),
    ARTIFACT_SECTIONS.header,
    ARTIFACT_SECTIONS.module,
  ];
  const digested = new Map(names.map((name) => [name, section(name)]));
  section(ARTIFACT_SECTIONS.digest).set(sha256(digestInput(digested)));
  return bytes;
}

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

Deno.test("Module.deserialize() believes no digest: tables, bounds mode, definitions and features are checked", () => {
  using engine = new Engine();
  const { module, compiled } = compile(wat(SOURCE));
  const artifact = encodeArtifact(module, compiled);
  const copy = (change: Parameters<typeof forge>[1]) => forge(artifact.slice(), change);
  assertEquals(Module.deserialize(engine, copy(() => {})).exports.length, 4);
  const [thunks] = ARTIFACT_COLUMNS.entryThunks;
  assertThrows(
    () => Module.deserialize(engine, copy((section) => section(thunks).fill(0x7f))),
    ArtifactError,
    "do not fit",
  );
  assertThrows(
    () => Module.deserialize(engine, copy((section) => section(ARTIFACT_SECTIONS.header)[8] = 2)),
    ArtifactError,
    "does not say how",
  );
  const twice = new TextEncoder().encode("twice");
  const invalid = copy((section) => {
    const bytes = section(ARTIFACT_SECTIONS.module);
    const at = bytes.findIndex((_, i) => twice.every((byte, j) => bytes[i + j] === byte));
    bytes[at + twice.length + 1] = 7; // the index of the exported function
  });
  assertThrows(() => Module.deserialize(engine, invalid), CompileError);
  using without = new Engine({ features: [] });
  const { module: bulk, compiled: code } = compile(wat(`(module (memory 1) (func (export "f") (param i32)
    (memory.fill (local.get 0) (local.get 0) (local.get 0))))`));
  const bulky = encodeArtifact(bulk, code);
  assertThrows(() => Module.deserialize(without, bulky), CompileError, "bulk-memory");
});
