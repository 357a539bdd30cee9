/**
 * Lowering of tables: element access, sizes, bulk operations.
 *
 * How elements are stored is written in lib/abi/table_layout.ts. A funcref on the operand stack is untagged: 0 null, else the address.
 *
 * TAB-1  An index is compared with the table's size before the element's address is formed. A table whose limits are equal has a constant
 *        size and a base that never moves; otherwise both are read each time, since calls may grow the table.
 * TAB-2  A function element loaded from a lazy table is tested for "not initialised" before anything else is done with it; the test's slow side
 *        is cold. Elements of eager tables are funcrefs as they are.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { Libcall, TABLE_ELEMENT_BYTES, TrapCode, VMTableDefinition } from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import { ADDR, type Block, I64, IntCond, Ir, memFlags, REF, Region, type Value } from "../ir/mod.ts";
import { storeRef } from "./gc_heap.ts";
import { libcall, segmentDrop, segmentInit } from "./libcalls.ts";
import { constantField, fieldBase, fieldDisp, narrow, wide } from "./places.ts";
import type { Lower, Translator } from "./translator.ts";

const { base: BASE, currentElements: ELEMENTS } = VMTableDefinition.offsets;
const VM_FIELD = memFlags(0, Region.vm);
const ELEMENT = memFlags(0, Region.table);

/** The number of elements, as an i64. */
function elementCount(t: Translator, table: number): Value {
  const { tableFixedSize, tables } = t.environment;
  const fixed = tableFixedSize[table];
  if (fixed !== NONE) return t.builder.iconst64(fixed, 0);
  return t.builder.load(Ir.load, I64, fieldBase(t, tables, table), NONE, fieldDisp(tables, table, ELEMENTS), VM_FIELD);
}

/** Traps unless `index` (i64) is an element's (TAB-1). */
function checkIndex(t: Translator, table: number, index: Value, trapCode: number): void {
  t.builder.trapIf(t.builder.icmp(IntCond.uge, index, elementCount(t, table)), trapCode);
}

function tableBase(t: Translator, table: number): Value {
  const { tableFixedSize, tables } = t.environment;
  if (tableFixedSize[table] !== NONE) return constantField(t, tables, table, BASE);
  return t.builder.load(Ir.load, ADDR, fieldBase(t, tables, table), NONE, fieldDisp(tables, table, BASE), VM_FIELD);
}

/** The offset of element `index` (i64) from the table's base. */
function scaled(t: Translator, table: number, index: Value): Value {
  const log2 = Math.log2(TABLE_ELEMENT_BYTES[t.environment.tableElement[table]]);
  return t.builder.binary(Ir.ishl, index, t.builder.iconst64(log2, 0));
}

/** Loads a function element, bounds checked and initialised, as it is stored: its tag added to the address, or to 0. */
export function loadTaggedElement(t: Translator, table: number, index: Value, trapCode: number): Value {
  const { builder } = t;
  checkIndex(t, table, index, trapCode);
  const element = builder.load(Ir.load, I64, tableBase(t, table), scaled(t, table, index), 0, ELEMENT);
  if (t.environment.funcElementTag === 0) return element;
  // TAB-2
  const lazy = builder.createBlock();
  const ready = builder.createBlock();
  const done = builder.createBlock();
  const result = builder.createBlockParam(done, I64);
  builder.brIf(builder.icmp(IntCond.eq, element, builder.iconst64(0, 0)), lazy, ready);
  builder.seal(lazy);
  builder.seal(ready);
  builder.setCold(lazy);

  builder.switchTo(lazy);
  t.args.reset();
  t.args.push(builder.iconst32(table));
  t.args.push(index);
  jumpWith(t, done, libcall(t, Libcall.table_get_lazy));

  builder.switchTo(ready);
  jumpWith(t, done, element);

  builder.seal(done);
  builder.switchTo(done);
  return result;
}

function jumpWith(t: Translator, target: Block, value: Value): void {
  t.args.reset();
  t.args.push(value);
  t.builder.jump(target, t.args);
}

/** `table.get`. */
export function tableGet(t: Translator): void {
  const { builder, environment } = t;
  const table = t.reader.readU32Leb();
  const index = wide(t, t.pop());
  if (environment.tableElement[table] === "func") {
    const element = loadTaggedElement(t, table, index, TrapCode.table_out_of_bounds);
    const tag = environment.funcElementTag;
    t.push(tag === 0 ? element : builder.binary(Ir.isub, element, builder.iconst64(tag, 0)));
  } else {
    checkIndex(t, table, index, TrapCode.table_out_of_bounds);
    t.push(builder.load(Ir.load, REF, tableBase(t, table), scaled(t, table, index), 0, ELEMENT));
  }
}

/** `table.set`. */
export function tableSet(t: Translator): void {
  const { builder, environment } = t;
  const table = t.reader.readU32Leb();
  const value = t.pop();
  const index = wide(t, t.pop());
  checkIndex(t, table, index, TrapCode.table_out_of_bounds);
  if (environment.tableElement[table] !== "func") {
    storeRef(t, tableBase(t, table), scaled(t, table, index), value, 0, ELEMENT);
    return;
  }
  const tag = environment.funcElementTag;
  const element = tag === 0 ? value : builder.binary(Ir.iadd, value, builder.iconst64(tag, 0));
  builder.store(Ir.store, tableBase(t, table), scaled(t, table, index), element, 0, ELEMENT);
}

/** `table.size`. */
export function tableSize(t: Translator): void {
  const table = t.reader.readU32Leb();
  t.push(narrow(t, elementCount(t, table), t.environment.tableIs64[table]));
}

/** `table.grow`. */
export function tableGrow(t: Translator): void {
  const { environment } = t;
  const table = t.reader.readU32Leb();
  const delta = wide(t, t.pop());
  const value = t.pop();
  t.args.reset();
  t.args.push(t.builder.iconst32(table));
  t.args.push(value);
  t.args.push(delta);
  const callee = environment.tableElement[table] === "func" ? Libcall.table_grow_func : Libcall.table_grow_ref;
  t.push(narrow(t, libcall(t, callee), environment.tableIs64[table]));
}

/** `table.fill`. */
export function tableFill(t: Translator): void {
  const table = t.reader.readU32Leb();
  const length = wide(t, t.pop());
  const value = t.pop();
  const start = wide(t, t.pop());
  t.args.reset();
  t.args.push(t.builder.iconst32(table));
  t.args.push(start);
  t.args.push(value);
  t.args.push(length);
  libcall(t, t.environment.tableElement[table] === "func" ? Libcall.table_fill_func : Libcall.table_fill_ref);
}

/** `table.copy`. */
export function tableCopy(t: Translator): void {
  const destinationTable = t.reader.readU32Leb();
  const sourceTable = t.reader.readU32Leb();
  const length = wide(t, t.pop());
  const source = wide(t, t.pop());
  const destination = wide(t, t.pop());
  t.args.reset();
  t.args.push(t.builder.iconst32(destinationTable));
  t.args.push(t.builder.iconst32(sourceTable));
  t.args.push(destination);
  t.args.push(source);
  t.args.push(length);
  libcall(t, Libcall.table_copy);
}

/** `table.init`. */
export const tableInit: Lower = segmentInit(Libcall.table_init);

/** `elem.drop`. */
export const elemDrop: Lower = segmentDrop(Libcall.elem_drop);
