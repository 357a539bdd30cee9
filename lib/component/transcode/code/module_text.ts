/**
 * The transcoders as a WebAssembly module over two imported memories, from which the engine makes machine code.
 *
 * Why a module: its code is made by the pipeline that makes all code, vectors included, and checked by the same checkers; it is called by a
 * direct call from the code of other instances, polls when the engine wants polls, and a wrong address in it is a trap like any other
 * instead of a hole. What a shim finds wrong it hands to the imported `trap`, which does not return.
 *
 * A module serves one pair of kinds of memories; a string that stays in its memory is a kind of its own, where buffers may overlap.
 * Each export is a shim around a kernel: it checks the buffers (BUF-1, in the same order as buffers.ts), calls, and looks for the sentinel.
 */

import {
  type Transcoder,
  type TranscoderBuffer,
  type TranscoderName,
  TRANSCODERS,
  TrapCode,
  type TrapName,
  UTF16_TAG,
} from "../../../abi/mod.ts";
import { deflateLatin1, inflateLatin1, latin1ToUtf16, latin1ToUtf8 } from "./latin1_kernels.ts";
import { get, offset, type Place, set } from "./places.ts";
import { runUtf16ToUtf16, utf16ToLatin1, utf16ToUtf8 } from "./utf16_kernels.ts";
import { runUtf8ToUtf16, utf8ToLatin1 } from "./utf8_kernels.ts";
import { utf8ToUtf8, validateUtf8 } from "./utf8_validate.ts";

/** What a memory's kind is, as far as the text depends on it. */
export interface MemoryKind {
  readonly address: "i32" | "i64";
  readonly pageSizeLog2: number;
}

/** What a module's text depends on. */
export interface ModuleKind {
  readonly from: MemoryKind;
  /** The other memory's kind; none if strings stay in their memory. */
  readonly to: MemoryKind | undefined;
  /** Whether each call reports its lengths to the import `trace`. */
  readonly trace: "off" | "on";
}

interface Places {
  readonly from: Place;
  readonly to: Place;
}

/** How a shim calls its kernel, by transcoder: text that leaves the results, two if the transcoder has two. */
const BODIES: Record<TranscoderName, (places: Places) => string> = {
  utf8_to_utf8: () => plain("$utf8_to_utf8"),
  utf16_to_utf16: () => `(i32.ne ${plain("$run_utf16_to_utf16")} (i32.const -1))`,
  latin1_to_latin1: ({ from, to }) => `
  (memory.copy ${to.memory} ${from.memory} ${get("$dst")} ${get("$src")} ${copyLength(from, to, get("$len"))})
  (i32.const 1)`,
  latin1_to_utf16: () => plain("$latin1_to_utf16"),
  utf8_to_utf16: () => plain("$run_utf8_to_utf16"),
  utf16_to_utf8: () => partial("$utf16_to_utf8"),
  latin1_to_utf8: () => partial("$latin1_to_utf8"),
  utf16_to_compact_probably_utf16: () => `
  ${set("$r", plain("$run_utf16_to_utf16"))}
  (if (result i32) (i32.gt_u ${get("$r")} (i32.const 0xff))
    (then (select (i32.const -1) (i32.or ${get("$len")} (i32.const ${UTF16_TAG | 0})) (i32.eq ${
    get("$r")
  } (i32.const -1))))
    (else (call $deflate_latin1 ${get("$dst")} ${get("$len")}) ${get("$len")}))`,
  utf8_to_latin1: () => plain("$utf8_to_latin1"),
  utf16_to_latin1: () => plain("$utf16_to_latin1"),
  utf8_to_compact_utf16: ({ to }) => goOn(to, "$run_utf8_to_utf16", get("$r")),
  utf16_to_compact_utf16: ({ to }) => goOn(to, "$run_utf16_to_utf16", get("$src_len")),
};

function plain(kernel: string): string {
  return `(call ${kernel} ${get("$src")} ${get("$len")} ${get("$dst")})`;
}

function partial(kernel: string): string {
  return `(call ${kernel} ${get("$src")} ${get("$src_len")} ${get("$dst")} ${get("$dst_len")})`;
}

function goOn(to: Place, kernel: string, units: string): string {
  const soFar = get("$latin1_bytes_so_far");
  return `
  (call $inflate_latin1 ${get("$dst")} ${soFar})
  ${
    set(
      "$r",
      `(call ${kernel} ${get("$src")} ${get("$src_len")} ${offset(to, "$dst", `(i32.shl ${soFar} (i32.const 1))`)})`,
    )
  }
  (select (i32.const -1) (i32.add ${units} ${soFar}) (i32.eq ${get("$r")} (i32.const -1)))`;
}

/** The length of `memory.copy`: 64 bits wide only between two memories that are. */
function copyLength(from: Place, to: Place, length: string): string {
  return from.address === "i64" && to.address === "i64" ? `(i64.extend_i32_u ${length})` : length;
}

function wide(address: "i32" | "i64", value: string): string {
  return address === "i64" ? value : `(i64.extend_i32_u ${value})`;
}

function unless(trap: TrapName, condition: string): string {
  return `
  (if (i32.eqz ${condition}) (then (call $trap (i32.const ${TrapCode[trap]})) (unreachable)))`;
}

function bytes(length: string, unitBytes: 1 | 2): string {
  return `(i64.shl (i64.extend_i32_u ${get("$" + length)}) (i64.const ${unitBytes - 1}))`;
}

/** Checks one buffer: its length, its end, its alignment. */
function checkBuffer({ pointer, length, unitBytes }: TranscoderBuffer, place: Place, kind: MemoryKind): string {
  const size = `(i64.shl ${wide(kind.address, `(memory.size ${place.memory})`)} (i64.const ${kind.pageSizeLog2}))`;
  const address = get("$" + pointer);
  const isInside = `(i32.and (i64.le_u ${bytes(length, unitBytes)} ${size})
    (i64.le_u ${wide(place.address, address)} (i64.sub ${size} ${bytes(length, unitBytes)})))`;
  const low = place.address === "i32" ? address : `(i32.wrap_i64 ${address})`;
  return unless("string_out_of_bounds", `(i32.ge_s ${get("$" + length)} (i32.const 0))`) +
    unless("string_out_of_bounds", isInside) +
    (unitBytes === 2 ? unless("unaligned_string", `(i32.eqz (i32.and ${low} (i32.const 1)))`) : "");
}

/** Addresses and lengths are known to be in bounds: their sums do not wrap. */
function checkApart({ source, destination }: Transcoder, { address }: Place): string {
  const start = (pointer: string) => wide(address, get("$" + pointer));
  const isBehind = (buffer: TranscoderBuffer, other: TranscoderBuffer) =>
    `(i64.ge_u ${start(buffer.pointer)} (i64.add ${start(other.pointer)} ${bytes(other.length, other.unitBytes)}))`;
  const isEmpty = `(i32.or (i32.eqz ${get("$" + source.length)}) (i32.eqz ${get("$" + destination.length)}))`;
  return unless(
    "overlapping_strings",
    `(i32.or ${isEmpty} (i32.or ${isBehind(source, destination)} ${isBehind(destination, source)}))`,
  );
}

function checkRoom({ source, destination, params }: Transcoder): string {
  const last = params[params.length - 1].name;
  if (last !== "latin1_bytes_so_far") return "";
  const wanted = `(i64.add ${bytes(last, 1)} ${bytes(source.length, 1)})`;
  return unless("string_out_of_bounds", `(i64.le_u ${wanted} ${bytes(destination.length, 1)})`);
}

function shim(transcoder: Transcoder, number: number, places: Places, kind: ModuleKind): string {
  const { name, params, source, destination, isPair, result, invalid } = transcoder;
  const { from, to } = places;
  const typeOf = (param: string) => param === "src" ? from.address : param === "dst" ? to.address : "i32";
  const declared = params.filter((param) => param.kind !== "ptr_size")
    .map((param) => `(param $${param.name} ${typeOf(param.name)})`).join(" ");
  const sentinel = result === "bool" ? "(i32.const 0)" : "(i32.const -1)";
  const lengths = `${get("$" + source.length)} ${get("$" + destination.length)}`;
  return `
(func (export "${name}") ${declared} (result ${isPair ? "i32 i32" : "i32"})
  (local $r i32) (local $r2 i32)
  ${checkBuffer(source, from, kind.from)}
  ${checkBuffer(destination, to, kind.to ?? kind.from)}
  ${kind.to === undefined ? checkApart(transcoder, from) : ""}
  ${checkRoom(transcoder)}
  ${BODIES[name](places)}
  ${isPair ? "(local.set $r2)" : ""}
  (local.set $r)
  ${unless(invalid, `(i32.ne ${get("$r")} ${sentinel})`)}
  ${kind.trace === "on" ? `(call $trace (i32.const ${number}) ${lengths} ${get("$r")} ${get("$r2")})` : ""}
  ${get("$r")} ${isPair ? get("$r2") : ""})`;
}

function memory(name: string, identifier: string, { address, pageSizeLog2 }: MemoryKind): string {
  const pageSize = pageSizeLog2 === 16 ? "" : `(pagesize ${2 ** pageSizeLog2})`;
  return `(import "memory" "${name}" (memory ${identifier} ${address} 0 ${pageSize}))`;
}

/** The text of the module. It imports `memory.from`, unless strings stay `memory.to`, `env.trap` and, to trace, `env.trace`. */
export function transcoderModuleText(kind: ModuleKind): string {
  const from: Place = { memory: "$from", address: kind.from.address };
  const to: Place = kind.to === undefined ? from : { memory: "$to", address: kind.to.address };
  const places = { from, to };
  return `(module $transcoders
${memory("from", "$from", kind.from)}
${kind.to === undefined ? "" : memory("to", "$to", kind.to)}
(import "env" "trap" (func $trap (param i32)))
${kind.trace === "on" ? `(import "env" "trace" (func $trace (param i32 i32 i32 i32 i32)))` : ""}
${validateUtf8(from)}
${utf8ToUtf8(from, to, copyLength(from, to, get("$n")))}
${runUtf8ToUtf16(from, to)}
${utf8ToLatin1(from, to)}
${runUtf16ToUtf16(from, to)}
${utf16ToLatin1(from, to)}
${utf16ToUtf8(from, to)}
${latin1ToUtf16(from, to)}
${latin1ToUtf8(from, to)}
${inflateLatin1(to)}
${deflateLatin1(to)}
${TRANSCODERS.map((transcoder, number) => shim(transcoder, number, places, kind)).join("\n")}
)`;
}
