/**
 * The transcoders between two memories of a store, as functions that code imports.
 *
 * They come as machine code, or as the reference in TypeScript: the same checks, results and traps, for tests and for engines whose
 * configuration leaves vectors out. A module of machine code is compiled once per engine and kind of memories.
 *
 * TRANSCODE-1  Memories are not shared (the Canonical ABI takes no others): text that was found valid is still the same when it is used.
 */

import {
  type BuiltinParam,
  COMPONENT_BUILTIN_LIST,
  type Transcoder,
  type TranscoderName,
  TRANSCODERS,
  TRAPS,
} from "../../abi/mod.ts";
import { bug } from "../../base/mod.ts";
import {
  type AddressType,
  type Engine,
  Func,
  type FuncSignature,
  Instance,
  type Memory,
  Module,
  type Store,
  Trap,
} from "../../engine/mod.ts";
import { parseModule } from "../../text/mod.ts";
import { type MemoryKind, type ModuleKind, transcoderModuleText } from "./code/module_text.ts";
import { runReference } from "./reference_transcoder.ts";

/** What a call of a transcoder did: lengths and results in units. */
export interface TranscodeTrace {
  readonly name: TranscoderName;
  readonly sourceLength: number;
  readonly destinationLength: number;
  /** The results as the transcoder returns them. */
  readonly results: readonly number[];
}

/** How transcoders are made. */
export interface TranscoderOptions {
  /** `"code"` (the default) or the `"reference"`. */
  readonly implementation?: "code" | "reference";
  /** Told of each call that succeeds. */
  readonly onTrace?: (trace: TranscodeTrace) => void;
}

/** A function for each transcoder. */
export type Transcoders = Readonly<Record<TranscoderName, Func>>;

const I32 = "i32";

/** Makes the transcoders from one memory to another, or within one. @throws {TypeError} for a shared memory. */
export function createTranscoders(
  store: Store,
  from: Memory<AddressType>,
  to: Memory<AddressType>,
  options: TranscoderOptions = {},
): Transcoders {
  if (from.type.shared || to.type.shared) throw new TypeError("Strings are not passed through shared memories");
  return options.implementation === "reference"
    ? referenceTranscoders(store, from, to, options)
    : codeTranscoders(store, from, to, options);
}

function codeTranscoders(
  store: Store,
  from: Memory<AddressType>,
  to: Memory<AddressType>,
  { onTrace }: TranscoderOptions,
): Transcoders {
  const kind: ModuleKind = {
    from: kindOf(from),
    to: from === to ? undefined : kindOf(to),
    trace: onTrace === undefined ? "off" : "on",
  };
  const trace = (number: number, sourceLength: number, destinationLength: number, ...results: number[]) =>
    report(onTrace!, TRANSCODERS[number], sourceLength, destinationLength, results);
  const instance = new Instance(store, moduleFor(store.engine, kind), {
    memory: { from: from as Memory, to: to as Memory },
    env: { trap: trapFunc(store), trace },
  });
  return Object.fromEntries(
    TRANSCODERS.map(({ name }) => [name, instance.func(name) ?? bug(`no code for ${name}`)]),
  ) as unknown as Transcoders;
}

function report(
  onTrace: (trace: TranscodeTrace) => void,
  { name, isPair }: Transcoder,
  sourceLength: number,
  destinationLength: number,
  results: readonly number[],
): void {
  const unsigned = results.slice(0, isPair ? 2 : 1).map((result) => result >>> 0);
  onTrace({ name, sourceLength, destinationLength, results: unsigned });
}

function referenceTranscoders(
  store: Store,
  from: Memory<AddressType>,
  to: Memory<AddressType>,
  { onTrace }: TranscoderOptions,
): Transcoders {
  const make = (transcoder: Transcoder): Func => {
    const type = signatureOf(transcoder, from.type.address, to.type.address);
    return new Func(
      store,
      type,
      ((...args: (number | bigint)[]) => {
        const numbers = args.map((value) =>
          typeof value === "bigint" ? Number(BigInt.asUintN(64, value)) : value >>> 0
        );
        const result = runReference(transcoder, from as Memory, to as Memory, numbers);
        const results = typeof result === "number" ? [result] : [result.read, result.written];
        if (onTrace !== undefined) {
          const lengthOf = (name: string) => numbers[transcoder.params.findIndex((param) => param.name === name)];
          const { source, destination } = transcoder;
          report(onTrace, transcoder, lengthOf(source.length), lengthOf(destination.length), results);
        }
        return results.length === 1 ? results[0] : results;
      }) as never,
    );
  };
  return Object.fromEntries(
    TRANSCODERS.map((transcoder) => [transcoder.name, make(transcoder)]),
  ) as unknown as Transcoders;
}

const CORE_TYPES: Record<Exclude<BuiltinParam, "vmctx" | "ptr_size" | "ptr_u8" | "ptr_u16">, "i32" | "i64"> = {
  size: "i32",
  u8: "i32",
  u32: "i32",
  u64: "i64",
  bool: "i32",
};

/** The core signature of a builtin: `vmctx` is bound, `ptr_size` is a second result. */
export function signatureOf(
  { params, result, isPair }: Pick<Transcoder, "params" | "result" | "isPair">,
  from: AddressType = I32,
  to: AddressType = I32,
): FuncSignature {
  const parameters = params.filter(({ kind }) => kind !== "vmctx" && kind !== "ptr_size").map(({ name, kind }) =>
    name === "src" ? from : name === "dst" ? to : CORE_TYPES[kind as keyof typeof CORE_TYPES]
  );
  const first = result === "-" ? [] : [result === "drop" ? "i64" as const : I32 as "i32"];
  return { parameters, results: isPair ? [...first, I32] : first };
}

function kindOf(memory: Memory<AddressType>): MemoryKind {
  const { address = I32, pageSize = 65536 } = memory.type;
  return { address, pageSizeLog2: Math.log2(pageSize) };
}

const modules = new WeakMap<Engine, Map<string, Module>>();

function moduleFor(engine: Engine, kind: ModuleKind): Module {
  let byKind = modules.get(engine);
  if (byKind === undefined) modules.set(engine, byKind = new Map());
  const key = JSON.stringify(kind);
  let module = byKind.get(key);
  if (module === undefined) byKind.set(key, module = new Module(engine, parseModule(transcoderModuleText(kind))));
  return module;
}

/** The builtin `trap`: raises the trap of a code (SEEDS 0.36). */
export function trapFunc(store: Store): Func {
  const builtin = COMPONENT_BUILTIN_LIST.find(({ name }) => name === "trap")!;
  return new Func(
    store,
    signatureOf(builtin),
    ((code: number) => {
      const row = TRAPS[code];
      if (code === 0 || row === undefined) bug(`${code} is not the code of a trap`);
      throw new Trap(row[0]);
    }) as never,
  );
}
