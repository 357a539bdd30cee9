/** Document 000, the libcalls of components: a small fault for each row. */

import type { Fault } from "./row.ts";

const TABLE = "lib/abi/component_builtins.ts";
const BUILTINS = "lib/component/builtins.ts";
const TRANSCODERS = "lib/component/transcode/transcoders.ts";
const REFERENCE = "lib/component/transcode/reference.ts";
const CODE = "lib/component/transcode/code/module_text.ts";
const UTF8 = "lib/component/transcode/code/utf8_kernels.ts";
const UTF8_DECODE = "lib/component/transcode/code/utf8_decode.ts";
const UTF8_VALIDATE = "lib/component/transcode/code/utf8_validate.ts";
const UTF16 = "lib/component/transcode/code/utf16_kernels.ts";
const LATIN1 = "lib/component/transcode/code/latin1_kernels.ts";
const CONTEXT = "lib/component/handles/component_context.ts";

/** Every fault. */
export const FAULTS_000 = [
  { row: "0.1", file: TABLE, replace: "UTF16_TAG = 0x8000_0000", with: "UTF16_TAG = 0x4000_0000" },
  { row: "0.2", file: TRANSCODERS, replace: 'result === "drop" ? "i64"', with: 'result === "drop" ? "i32"' },
  { row: "0.3", file: BUILTINS, replace: "if (func === undefined) throw", with: "if (name === undefined) throw" },
  {
    row: "0.4",
    file: BUILTINS,
    replace: "handler(context, a >>> 0, b >>> 0, c >>> 0);",
    with: "{ try { return handler(context, a >>> 0, b >>> 0, c >>> 0); } catch { return 0; } };",
  },
  { row: "0.5", file: CODE, replace: '${isPair ? get("$r2") : ""})`', with: '${isPair ? get("$r") : ""})`' },
  { row: "0.6", file: CODE, replace: "(i32.and ${low} (i32.const 1))", with: "(i32.and ${low} (i32.const 0))" },
  { row: "0.7", file: CODE, replace: '${unless(invalid, `(i32.ne ${get("$r")} ${sentinel})`)}', with: "" },
  { row: "0.8", file: REFERENCE, replace: "const PENDING_SIZE = SENTINELS.size", with: "const PENDING_SIZE = 0" },
  {
    row: "0.9",
    file: REFERENCE,
    replace: "{ read: SENTINELS.size, written: 0 }",
    with: "{ read: SENTINELS.size, written: 1 }",
  },
  { row: "0.10", file: BUILTINS, replace: "BigInt(rep) << 1n | 1n", with: "BigInt(rep) << 1n" },
  {
    row: "0.11",
    file: CODE,
    replace: "`(i64.ge_u ${start(buffer.pointer)}",
    with: "`(i64.gt_u ${start(buffer.pointer)}",
  },
  { row: "0.12", file: UTF8_VALIDATE, replace: "LARGE | SURROGATE", with: "LARGE" },
  { row: "0.13", file: UTF16, replace: "(i32.const ${0xdc00d800 | 0})", with: "(i32.const ${0xd800d800 | 0})" },
  { row: "0.14", file: UTF16, replace: '${set("$seen", 0xffff)}', with: "" },
  {
    row: "0.15",
    file: CODE,
    replace: '${get("$dst")} ${get("$src")} ${copyLength(from, to, get("$len"))}',
    with: '${get("$dst")} ${get("$dst")} ${copyLength(from, to, get("$len"))}',
  },
  {
    row: "0.16",
    file: LATIN1,
    replace: 'store("i32.store16", to, "$d", load("i32.load8_u", from, "$s"))',
    with: 'store("i32.store16", to, "$d", load("i32.load8_s", from, "$s"))',
  },
  {
    row: "0.17",
    file: UTF8,
    replace: '(return (i32.shr_u ${distance(to, "$d", "$start")} (i32.const 1)))',
    with: '(return ${distance(to, "$d", "$start")})',
  },
  { row: "0.18", file: UTF8_DECODE, replace: "(i32.const 0x800)", with: "(i32.const 0x80)" },
  { row: "0.19", file: UTF16, replace: "${put(3, threeBytes)}", with: "${put(2, threeBytes)}" },
  { row: "0.20", file: LATIN1, replace: '(br_if $done (i32.lt_u ${get("$m")} (i32.const 2)))', with: "" },
  { row: "0.21", file: CODE, replace: '(else (call $deflate_latin1 ${get("$dst")} ${get("$len")}) ', with: "(else " },
  {
    row: "0.22",
    file: UTF8,
    replace: '(i32.gt_u ${get("$c")} (i32.const 0xff))',
    with: '(i32.gt_u ${get("$c")} (i32.const 0x1ff))',
  },
  {
    row: "0.23",
    file: UTF16,
    replace: '${load("i32.load16_u", from, "$s")}) (i32.const 0xff))',
    with: '${load("i32.load16_u", from, "$s")}) (i32.const 0x1ff))',
  },
  { row: "0.24", file: CODE, replace: '(call $inflate_latin1 ${get("$dst")} ${soFar})', with: "" },
  {
    row: "0.25",
    file: CODE,
    replace: 'goOn(to, "$run_utf16_to_utf16", get("$src_len"))',
    with: 'goOn(to, "$run_utf16_to_utf16", get("$r"))',
  },
  { row: "0.26", file: LATIN1, replace: "offset=16 ${at(twice)}", with: "offset=15 ${at(twice)}" },
  {
    row: "0.27",
    file: "lib/component/transcode/code_points.ts",
    replace: "return bytes[2 * index] | bytes[2 * index + 1] << 8",
    with: "return bytes[2 * index] << 8 | bytes[2 * index + 1]",
  },
  {
    row: "0.28",
    file: CODE,
    replace: '(call $trace (i32.const ${number}) ${lengths} ${get("$r")} ${get("$r2")})',
    with: "",
  },
  { row: "0.29", file: "lib/component/handles/handle_table.ts", replace: "[] = [undefined];", with: "[] = [];" },
  {
    row: "0.30",
    file: CONTEXT,
    replace: "return this.#resource(table, index).rep;",
    with: "return this.#resource(table, index).rep & 0x7fff_ffff;",
  },
  { row: "0.31", file: CONTEXT, replace: "tableAt(this.#resources, table).handles.remove(index);", with: "" },
  { row: "0.32", file: CONTEXT, replace: 'if (!handle.isOwn) throw new Trap("resource_not_owned");', with: "" },
  { row: "0.33", file: CONTEXT, replace: "if (isDefiner) return handle.rep;", with: "" },
  {
    row: "0.34",
    file: "lib/component/handles/call_scope.ts",
    replace: "for (const handle of this.#lenders) handle.lends--;",
    with: "",
  },
  {
    row: "0.35",
    file: "lib/component/handles/call_scope.ts",
    replace: 'if (this.borrows > 0) throw new Trap("borrows_remain");',
    with: "",
  },
  { row: "0.36", file: TRANSCODERS, replace: "throw new Trap(row[0]);", with: "return;" },
  {
    row: "0.37",
    file: CONTEXT,
    replace: 'handle.kind === "resource" && handle.type === type',
    with: 'handle.kind === "resource"',
  },
  { row: "0.T1", file: CONTEXT, replace: "end.requireTransferable();", with: "" },
  { row: "0.T2", file: CONTEXT, replace: 'end.side !== "readable" ||', with: "" },
  { row: "0.T3", file: CONTEXT, replace: "context.retain();", with: "" },
] as const satisfies readonly Fault[];
