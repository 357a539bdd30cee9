/**
 * THE table of component builtins: what code that connects two components calls beside core functions (SEEDS 000).
 *
 * Row: name, parameters, result. A parameter is `name:kind`. Kinds:
 *   size     a length, in units of the buffer that it belongs to
 *   ptr_u8   an address of bytes; ptr_u16 one of 16-bit units, little endian, which has to be even
 *   ptr_size last only: a second result, which goes back in a register of its own (CALL-1) instead of through memory
 *   u8 u32 u64 bool  numbers
 *   vmctx    the component instance: bound into the function, not passed
 * `src` points into the memory that a string comes from and is `src_len` (or `len`) units long, `dst` into the memory that it goes to and is
 * `dst_len` (or `len`) long.
 *
 * One list makes everything else: core signatures, checks, shims, the table of functions. A builtin is called like any imported function,
 * through the importing instance's VMContext (`mov r14, [import.vmctx]; call [import.body]`): indirectly, never patched.
 *
 * CBUILT-1  Each kind of result has a value that says "a trap is pending" ({@linkcode SENTINELS}) and that no success yields.
 * CBUILT-2  A length is below 2^31: bit 31 is the tag of a result that is UTF-16.
 */

import type { TrapName } from "./traps.ts";

/** Set in the length of a compact string: it is UTF-16, not latin1. */
export const UTF16_TAG = 0x8000_0000;

type Row = readonly [name: string, params: string, result: BuiltinResult];

/** Kinds of parameters. */
export type BuiltinParam = "size" | "ptr_u8" | "ptr_u16" | "ptr_size" | "u8" | "u32" | "u64" | "bool" | "vmctx";
/** Kinds of results; `-` is none, `drop` a representation to destroy: `rep << 1 | 1`, or 0. */
export type BuiltinResult = "-" | "bool" | "size" | "u32" | "drop";

// deno-fmt-ignore
export const COMPONENT_BUILTINS = [
  ["utf8_to_utf8",     "src:ptr_u8 len:size dst:ptr_u8",   "bool"],
  ["utf16_to_utf16",   "src:ptr_u16 len:size dst:ptr_u16", "bool"],
  ["latin1_to_latin1", "src:ptr_u8 len:size dst:ptr_u8",   "bool"],
  ["latin1_to_utf16",  "src:ptr_u8 len:size dst:ptr_u16",  "bool"],
  ["utf8_to_utf16",    "src:ptr_u8 len:size dst:ptr_u16",  "size"], // units written
  ["utf16_to_utf8",    "src:ptr_u16 src_len:size dst:ptr_u8 dst_len:size ret2:ptr_size", "size"], // units read, bytes written
  ["latin1_to_utf8",   "src:ptr_u8 src_len:size dst:ptr_u8 dst_len:size ret2:ptr_size",  "size"], // bytes read, bytes written
  ["utf16_to_compact_probably_utf16", "src:ptr_u16 len:size dst:ptr_u16", "size"], // length, tagged unless all is latin1
  ["utf8_to_latin1",   "src:ptr_u8 len:size dst:ptr_u8 ret2:ptr_size",  "size"], // bytes read, bytes written
  ["utf16_to_latin1",  "src:ptr_u16 len:size dst:ptr_u8 ret2:ptr_size", "size"], // units read, bytes written
  ["utf8_to_compact_utf16",  "src:ptr_u8 src_len:size dst:ptr_u16 dst_len:size latin1_bytes_so_far:size",  "size"], // all units
  ["utf16_to_compact_utf16", "src:ptr_u16 src_len:size dst:ptr_u16 dst_len:size latin1_bytes_so_far:size", "size"],
  ["resource_new32",         "vmctx:vmctx resource:u32 rep:u32", "u32"], // handle index
  ["resource_rep32",         "vmctx:vmctx resource:u32 idx:u32", "u32"], // representation
  ["resource_drop",          "vmctx:vmctx resource:u32 idx:u32", "drop"],
  ["resource_transfer_own",  "vmctx:vmctx src_idx:u32 src_table:u32 dst_table:u32", "u32"], // index in the other table
  ["resource_transfer_borrow", "vmctx:vmctx src_idx:u32 src_table:u32 dst_table:u32", "u32"],
  ["resource_enter_call",    "vmctx:vmctx", "-"],
  ["resource_exit_call",     "vmctx:vmctx", "bool"],
  ["future_transfer",        "vmctx:vmctx src_idx:u32 src_table:u32 dst_table:u32", "u32"],
  ["stream_transfer",        "vmctx:vmctx src_idx:u32 src_table:u32 dst_table:u32", "u32"],
  ["error_context_transfer", "vmctx:vmctx src_idx:u32 src_table:u32 dst_table:u32", "u32"],
  ["trap",                   "vmctx:vmctx code:u8", "-"], // never returns
] as const satisfies readonly Row[];

/** The name of a component builtin. */
export type ComponentBuiltinName = typeof COMPONENT_BUILTINS[number][0];
/** The builtins that change the encoding of a string. */
export type TranscoderName = Extract<ComponentBuiltinName, `${"utf8" | "utf16" | "latin1"}_to_${string}`>;

/** What says "a trap is pending", by kind of result; of a pair the first, beside a zero. None where nothing is returned. */
export const SENTINELS = {
  bool: 0,
  size: 0xffff_ffff,
  u32: 0xffff_ffff,
  drop: 0xffff_ffff_ffff_ffffn,
} as const satisfies Record<Exclude<BuiltinResult, "-">, number | bigint>;

/** A buffer of a transcoder, as its parameters describe it. */
export interface TranscoderBuffer {
  /** The parameter with its address. */
  readonly pointer: "src" | "dst";
  /** The parameter with its length in units. */
  readonly length: string;
  /** Bytes of a unit. */
  readonly unitBytes: 1 | 2;
}

/** A builtin, taken apart. */
export interface ComponentBuiltin {
  readonly name: ComponentBuiltinName;
  readonly params: readonly { readonly name: string; readonly kind: BuiltinParam }[];
  readonly result: BuiltinResult;
  /** Whether a second result, `ptr_size`, follows the first. */
  readonly isPair: boolean;
}

/** A transcoder, taken apart. */
export interface Transcoder extends ComponentBuiltin {
  readonly name: TranscoderName;
  readonly source: TranscoderBuffer;
  readonly destination: TranscoderBuffer;
  /** The trap of text that is not in the encoding it is said to be in. */
  readonly invalid: TrapName;
}

/** All builtins, in the order of the table. */
export const COMPONENT_BUILTIN_LIST: readonly ComponentBuiltin[] = COMPONENT_BUILTINS.map(([name, text, result]) => {
  const params = text.split(" ").map((param) => {
    const [name, kind] = param.split(":");
    return { name, kind: kind as BuiltinParam };
  });
  return { name, params, result, isPair: params.some(({ kind }) => kind === "ptr_size") };
});

function buffer({ params }: ComponentBuiltin, pointer: "src" | "dst"): TranscoderBuffer {
  const own = `${pointer}_len`;
  const length = params.some(({ name }) => name === own) ? own : "len";
  return { pointer, length, unitBytes: params.find(({ name }) => name === pointer)!.kind === "ptr_u16" ? 2 : 1 };
}

/** The transcoders, in the order of the table. */
export const TRANSCODERS: readonly Transcoder[] = COMPONENT_BUILTIN_LIST
  .filter(({ params }) => params[0].name === "src")
  .map((builtin) => ({
    ...builtin,
    name: builtin.name as TranscoderName,
    source: buffer(builtin, "src"),
    destination: buffer(builtin, "dst"),
    invalid: builtin.name.startsWith("utf16") ? "invalid_utf16" : "invalid_utf8",
  }));
