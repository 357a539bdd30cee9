/** Document 000, the libcalls of components: its rows. */

import type { Row } from "./row.ts";

/** Every row. */
export const ROWS_000 = [
  { id: "0.1", contract: 'UTF16_TAG: 1<<31, set in a returned length = "result is utf16"' },
  {
    id: "0.2",
    contract: "signature!: libcall param kinds: size, ptr_u8, ptr_u16, ptr_size, u8, u32, u64, bool, vmctx",
  },
  {
    id: "0.3",
    contract:
      "VMComponentBuiltins: a table of functions; one list makes table and shims; code calls indirectly, never patched",
  },
  {
    id: "0.4",
    contract:
      "shims: one for each builtin; an error is caught, recorded as a trap, and unwinds to the entry of the guest",
  },
  { id: "0.5", contract: "ptr_size as last parameter: the second result of a pair" },
  { id: "0.6", contract: "ptr_u16: an address of 16-bit units is checked to be even" },
  { id: "0.7", contract: 'HostResultHasUnwindSentinel: each result type has a value meaning "trap pending"' },
  { id: "0.8", contract: "CopySizeReturn: usize, sentinel MAX" },
  { id: "0.9", contract: "SizePair{src_read,dst_written}: pair, sentinel (MAX,0)" },
  { id: "0.10", contract: "ResourceDropRet(Option<u32>): u64: (rep<<1)|1 = run dtor on rep, 0 = none, sentinel MAX" },
  { id: "0.11", contract: "assert_no_overlap: src and dst do not overlap; touching buffers are apart" },
  { id: "0.12", contract: 'utf8_to_utf8: same len both sides; validates, copies; invalid → "invalid utf8 encoding"' },
  { id: "0.13", contract: "utf16_to_utf16: validates surrogates, copies" },
  { id: "0.14", contract: 'run_utf16_to_utf16: also returns "all code points ≤ 0xff"' },
  { id: "0.15", contract: "latin1_to_latin1: plain copy (always valid)" },
  { id: "0.16", contract: "latin1_to_utf16: widen each byte" },
  { id: "0.17", contract: "utf8_to_utf16: returns u16 units written (≤ len)" },
  { id: "0.18", contract: "run_utf8_to_utf16: validating core shared by 0.17/0.24" },
  {
    id: "0.19",
    contract:
      "utf16_to_utf8: partial: stops when next char does not fit; returns units read + bytes written, resumable",
  },
  { id: "0.20", contract: "latin1_to_utf8: partial, both counts" },
  {
    id: "0.21",
    contract: "utf16_to_compact_probably_utf16: latin1 if possible (deflate in place, plain len) else len|UTF16_TAG",
  },
  { id: "0.22", contract: "utf8_to_latin1: converts up to first non-latin1 char; both counts" },
  { id: "0.23", contract: "utf16_to_latin1: same for utf16" },
  {
    id: "0.24",
    contract:
      "utf8_to_compact_utf16: inflate latin1_bytes_so_far in place, then transcode rest; returns total u16 units",
  },
  { id: "0.25", contract: "utf16_to_compact_utf16: same for utf16 source" },
  {
    id: "0.26",
    contract: "inflate_latin1_bytes: backwards in-place widen; byte count used as u16 index; returns rest",
  },
  { id: "0.27", contract: "little-endian rule: all u16 stored LE on any host" },
  { id: "0.28", contract: "trace: every transcode reports its lengths" },
  { id: "0.29", contract: "resource_new32(resource, rep): → handle index in that resource type's table" },
  { id: "0.30", contract: "resource_rep32(resource, idx): → rep" },
  { id: "0.31", contract: "resource_drop(resource, idx): removes handle; own → dtor rep (0.10); borrow → none" },
  { id: "0.32", contract: "resource_transfer_own: lift own from src table, lower into dst table (source gone)" },
  { id: "0.33", contract: "resource_transfer_borrow: lend to dst; identity when dst defines the resource" },
  { id: "0.34", contract: "resource_enter_call: push a call scope tracking borrows/lends" },
  { id: "0.35", contract: "resource_exit_call: pop scope; error if borrows remain" },
  { id: "0.36", contract: "trap(code): raise Trap::from_u8(code); never returns" },
  {
    id: "0.37",
    contract: "TypeResourceTableIndex, from_vmctx: intrinsics belong to a component instance and take typed indices",
  },
  { id: "0.T1", contract: "future_transfer: move the readable end of a future between tables of components" },
  { id: "0.T2", contract: "stream_transfer: move the readable end of a stream between tables of components" },
  { id: "0.T3", contract: "error_context_transfer: copy a reference-counted handle of an error context" },
] as const satisfies readonly Row[];
