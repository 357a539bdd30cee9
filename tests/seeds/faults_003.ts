/** Document 003, tables: one small fault for each row. */

import type { Fault } from "./row.ts";

const TABLE = "lib/runtime/table.ts";
const LAYOUT = "lib/abi/table_layout.ts";
const POOL = "lib/runtime/table_pool.ts";
const LIBCALLS = "lib/runtime/libcalls.ts";
const TRANSLATE = "lib/translate/tables.ts";

/** Every fault. */
export const FAULTS_003 = [
  { row: "3.1", file: LAYOUT, replace: '[HEAP_CONT, "cont"]', with: '[HEAP_CONT, "gcref"]' },
  { row: "3.2", file: LAYOUT, replace: "cont: 16 }", with: "cont: 8 }" },
  { row: "3.3", file: LAYOUT, replace: "eager: 0 }", with: "eager: 1 }" },
  { row: "3.4", file: LAYOUT, replace: "element - FUNC_ELEMENT_TAG[mode]", with: "element" },
  { row: "3.5", file: TABLE, replace: "const word = index * this.#stride;", with: "const word = index * 2;" },
  { row: "3.6", file: LAYOUT, replace: "NOMINAL_TABLE_ELEMENT_BYTES = 8", with: "NOMINAL_TABLE_ELEMENT_BYTES = 16" },
  { row: "3.7", file: POOL, replace: "zeroPages(region.addressNumber", with: "void (region.addressNumber" },
  { row: "3.8", file: TABLE, replace: "words.set(this.#words.subarray(0, this.#size * this.#stride));", with: "" },
  { row: "3.9", file: TABLE, replace: "this.isStatic = tablePool !== undefined;", with: "this.isStatic = false;" },
  { row: "3.10", file: LAYOUT, replace: '[HEAP_NOFUNC, "func"],', with: "" },
  { row: "3.11", file: TABLE, replace: "this.#size = minimum;", with: "this.#size = minimum + 1;" },
  { row: "3.12", file: TABLE, replace: "(0, type.minimum, declaredMaximum(type))", with: "(type.minimum, 1, 1)" },
  { row: "3.13", file: TABLE, replace: "if (minimum > capacity) {", with: "if (minimum > capacity + 1) {" },
  { row: "3.14", file: TABLE, replace: "i64: 2 ** 64 }", with: "i64: 2 ** 32 - 1 }" },
  { row: "3.15a", file: LAYOUT, replace: 'kind === "func" || kind === "cont" ? kind', with: 'kind === "func" ? kind' },
  { row: "3.15b", file: "lib/engine/table.ts", replace: "this.#open().isStatic", with: "!this.#open().isStatic" },
  { row: "3.15c", file: TABLE, replace: "    this.#size = size;", with: "" },
  { row: "3.16", file: TABLE, replace: "Math.min(declaredMaximum(type), capacity,", with: "Math.min(capacity," },
  {
    row: "3.17",
    file: LIBCALLS,
    replace: 'if (!table.contains(start, length)) throw call.trap("table_out_of_bounds");',
    with: "",
  },
  {
    row: "3.18",
    file: TABLE,
    replace: 'if (this.elementType === "gcref" && this.#barrierCollector() === undefined) {',
    with: 'if (this.elementType === "gcref") {',
  },
  {
    row: "3.19",
    file: TABLE,
    replace: "for (let i = start; i < start + length; i++) this.set(i, bits);",
    with: "for (let i = start; i < start + length; i++) this.set(start, bits);",
  },
  {
    row: "3.20",
    file: TABLE,
    replace: "return start + length <= this.#size;",
    with: "return ((start + length) >>> 0) <= this.#size;",
  },
  {
    row: "3.21",
    file: TABLE,
    replace: "if (bits() !== 0) this.fill(at, bits(), Math.min(step, size - at));",
    with: "",
  },
  {
    row: "3.22",
    file: TABLE,
    replace: "this.#barrierCollector()?.rootBarrier(this.#words[index], reference);",
    with: "",
  },
  {
    row: "3.23",
    file: TABLE,
    replace: "words.set(this.#words.subarray(0, this.#size * this.#stride));\n    this.store",
    with: "this.store",
  },
  { row: "3.24", file: TABLE, replace: "limiter.tableGrowFailed(reason);", with: "void 0;" },
  {
    row: "3.24",
    file: "lib/runtime/growth.ts",
    replace: "await answerLater(thing.askToGrow(delta))",
    with: "isThenable(thing.askToGrow(delta))",
  },
  { row: "3.28", file: "lib/engine/table.ts", replace: "state.getFuncMaybeInit(", with: "state.getFunc(" },
  {
    row: "3.25",
    file: TABLE,
    replace: "if (bits() !== 0) this.fill(at, bits(), Math.min(step, size - at));",
    with: "this.fill(at, bits() + 1, Math.min(step, size - at));",
  },
  {
    row: "3.26",
    file: TABLE,
    replace: "    if (delta === 0) return this.#size;",
    with: "    if (delta === 0) this.#reserve(this.#size * 2 + 1000);",
  },
  {
    row: "3.27",
    file: TABLE,
    replace: "    this.setFunc(index, address);\n    return address;",
    with: "    return address;",
  },
  { row: "3.28", file: TABLE, replace: '?? "uninitialized"', with: "?? this.getFunc(index)" },
  {
    row: "3.29",
    file: TRANSLATE,
    replace: "checkIndex(t, table, index, TrapCode.table_out_of_bounds);\n    t.push(builder.load(Ir.load, REF",
    with: "t.push(builder.load(Ir.load, REF",
  },
  {
    row: "3.30",
    file: TABLE,
    replace: "this.#words.copyWithin(to, from, from + length * this.#stride)",
    with: "this.#words.copyWithin(to, from, from + length - 1)",
  },
  {
    row: "3.31",
    file: TRANSLATE,
    replace: "const element = tag === 0 ? value :",
    with: "const element = tag !== 0 ? value :",
  },
  {
    row: "3.32",
    file: TABLE,
    replace: "this.#barrierCollector()?.rootBarrier(this.#words[word], reference);",
    with: "",
  },
  {
    row: "3.32",
    file: "lib/engine/table.ts",
    replace: "if (kind === ValueKind.cont) return coerceContinuation(store, element, value);",
    with: "",
  },
  {
    row: "3.33",
    file: TABLE,
    replace: "const to = destinationStart * this.#stride;",
    with: "const to = destinationStart;",
  },
  {
    row: "3.34",
    file: TABLE,
    replace: "if (source === this) this.#words.copyWithin(to, from, from + length * this.#stride);",
    with:
      "if (source === this) for (let i = 0; i < length * this.#stride; i++) this.#words[to + i] = this.#words[from + i];",
  },
  {
    row: "3.35",
    file: LIBCALLS,
    replace:
      'if (!to.contains(destination, length) || !from.contains(source, length)) throw call.trap("table_out_of_bounds");',
    with: 'if (!to.contains(destination, length)) throw call.trap("table_out_of_bounds");',
  },
  {
    row: "3.36",
    file: TABLE,
    replace: "DEFINITION.currentElements, this.#size",
    with: "DEFINITION.currentElements, this.type.minimum",
  },
  {
    row: "3.37a",
    file: TABLE,
    replace: 'if (this.elementType !== "func") store.rootSources',
    with: "if (this.#stride !== 0) store.rootSources",
  },
  {
    row: "3.37b",
    file: TABLE,
    replace: "visitor.visitRange(this.#words, 0, end)",
    with: "visitor.visitRange(this.#words.slice(), 0, end)",
  },
  {
    row: "3.37c",
    file: TABLE,
    replace: "visitor.visit(this.#words, i * this.#stride)",
    with: "visitor.visit(this.#words, i)",
  },
  {
    row: "3.38a",
    file: TABLE,
    replace: "for (let i = sourceStart; i < sourceStart + length; i++) source.getFunc(i);",
    with: "",
  },
  {
    row: "3.38b",
    file: TABLE,
    replace: "const isForward = destinationStart < sourceStart;",
    with: "const isForward = destinationStart > sourceStart;",
  },
  { row: "3.39", file: TABLE, replace: "minimum: 0, maximum: 0,", with: "minimum: 0, maximum: undefined," },
] as const satisfies readonly Fault[];
