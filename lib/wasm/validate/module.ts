/**
 * Validation of a module: everything but function bodies, then the bodies (spec: valid-module).
 *
 * May import: base. @module
 */
import { NONE } from "../../base/mod.ts";
import { CompileError } from "../errors.ts";
import { hasFeature } from "../features.ts";
import {
  SPEC_MAX_MEMORY32_BYTE_PAGES,
  SPEC_MAX_MEMORY32_PAGES,
  SPEC_MAX_MEMORY64_BYTE_PAGES,
  SPEC_MAX_MEMORY64_PAGES,
} from "../limits.ts";
import {
  type DataSegment,
  type ElementSegment,
  type ExternKind,
  funcTypeAt,
  funcTypeOf,
  type Memory,
  type Module,
  type Table,
} from "../module.ts";
import { FUNCREF, funcTypeToString, I32, I64, isDefaultable, isNullable, refType, valTypeToString } from "../types.ts";
import { validateBody, ValidationScratch } from "./body.ts";
import { validateConstExpr } from "./const_expr.ts";
import { isSubtypeIn } from "./state.ts";
import { validateTypes } from "./types.ts";

/** Validates a whole module. */
export function validateModule(module: Module, scratch: ValidationScratch = new ValidationScratch()): void {
  validateDefinitions(module);
  for (let i = 0; i < module.bodies.length; i++) validateBody(module, i, scratch);
}

/** Validates everything but the function bodies; {@linkcode validateBody} requires it. */
export function validateDefinitions(module: Module): void {
  validateTypes(module);
  module.tags.forEach((tag, index) => {
    if (funcTypeAt(module, tag.typeIndex).results.length > 0 && !hasFeature(module.features, "stack-switching")) {
      fail(`tag ${index}: non-empty tag result type`, module.offsets.tags[index]);
    }
  });
  module.tables.forEach((table, index) => validateTable(module, table, index));
  module.memories.forEach((memory, index) => validateMemory(module, memory, index));
  module.globals.forEach(({ type, init }, index) => {
    if (init !== undefined) validateConstExpr(module, init, type, index);
  });
  validateExports(module);
  validateStart(module);
  for (const segment of module.elements) validateElement(module, segment);
  for (const segment of module.datas) validateData(module, segment);
}

function fail(reason: string, offsetBytes: number): never {
  throw new CompileError(reason, offsetBytes);
}

function validateTable(module: Module, { element, minimum, maximum, init }: Table, index: number): void {
  const at = module.offsets.tables[index];
  if (maximum !== undefined && minimum > maximum) {
    fail(`table ${index}: size minimum ${minimum} must not be greater than maximum ${maximum}`, at);
  }
  // Tables come before the defined globals.
  if (init !== undefined) validateConstExpr(module, init, element, module.importedGlobalCount);
  else if (index >= module.importedTableCount && !isDefaultable(element)) {
    fail(`table ${index}: elements ${valTypeToString(element)} need an initial value`, at);
  }
}

function validateMemory(module: Module, memory: Memory, index: number): void {
  const { minimumPages, maximumPages, addressType, isShared, pageSizeLog2 } = memory;
  const at = module.offsets.memories[index];
  if (pageSizeLog2 !== 0 && pageSizeLog2 !== 16) {
    fail(`memory ${index}: invalid custom page size 2**${pageSizeLog2}, only 1 and 65536 are valid`, at);
  }
  const limit = maximumPageCount(addressType, pageSizeLog2);
  if (Math.max(minimumPages, maximumPages ?? 0) > limit) {
    fail(`memory ${index}: memory size must be at most ${limit} pages`, at);
  }
  if (maximumPages !== undefined && minimumPages > maximumPages) {
    fail(`memory ${index}: size minimum ${minimumPages} must not be greater than maximum ${maximumPages}`, at);
  }
  if (isShared && maximumPages === undefined) fail(`memory ${index}: shared memory must have maximum`, at);
}

function maximumPageCount(addressType: "i32" | "i64", pageSizeLog2: 0 | 16): number {
  if (addressType === "i64") return pageSizeLog2 === 0 ? SPEC_MAX_MEMORY64_BYTE_PAGES : SPEC_MAX_MEMORY64_PAGES;
  return pageSizeLog2 === 0 ? SPEC_MAX_MEMORY32_BYTE_PAGES : SPEC_MAX_MEMORY32_PAGES;
}

function validateExports(module: Module): void {
  const sizes: Record<ExternKind, number> = {
    func: module.funcs.length,
    table: module.tables.length,
    memory: module.memories.length,
    global: module.globals.length,
    tag: module.tags.length,
  };
  const names = new Set<string>();
  module.exports.forEach(({ name, kind, index }, i) => {
    const at = module.offsets.exports[i];
    if (index >= sizes[kind]) fail(`export ${JSON.stringify(name)}: unknown ${NOUNS[kind]} ${index}`, at);
    if (names.has(name)) fail(`duplicate export name ${JSON.stringify(name)}`, at);
    names.add(name);
  });
}

const NOUNS: Record<ExternKind, string> = {
  func: "function",
  table: "table",
  memory: "memory",
  global: "global",
  tag: "tag",
};

function validateStart(module: Module): void {
  const { start } = module;
  const at = module.offsets.start;
  if (start === NONE) return;
  if (start >= module.funcs.length) fail(`start: unknown function ${start}`, at);
  const type = funcTypeOf(module, start);
  if (type.params.length + type.results.length > 0) {
    fail(`start function ${start} must have type [] -> [], has ${funcTypeToString(type)}`, at);
  }
}

function validateElement(module: Module, segment: ElementSegment): void {
  const { mode, tableIndex, offset, type, funcs, exprs, offsetBytes } = segment;
  if (mode === "active") {
    const table = module.tables[tableIndex];
    if (table === undefined) fail(`unknown table ${tableIndex}`, offsetBytes);
    if (!isSubtypeIn(module, type, table.element)) {
      const found = valTypeToString(type);
      fail(`elements ${found} do not match table elements ${valTypeToString(table.element)}`, offsetBytes);
    }
    if (offset !== undefined) validateOffset(module, offset, table.addressType);
  }
  if (funcs !== undefined) {
    for (let i = 0; i < funcs.length; i++) {
      const func = funcs[i];
      if (func === NONE) {
        if (!isNullable(type)) fail(`element ${i}: expected ${valTypeToString(type)}, found null`, offsetBytes);
      } else {
        if (func >= module.funcs.length || func < 0) fail(`element ${i}: unknown function ${func >>> 0}`, offsetBytes);
        if (type !== FUNCREF && !isSubtypeIn(module, refType(module.funcs[func]), type)) {
          fail(`element ${i}: function ${func} does not match ${valTypeToString(type)}`, offsetBytes);
        }
      }
    }
  }
  for (const expr of exprs ?? []) validateConstExpr(module, expr, type, module.globals.length);
}

function validateOffset(module: Module, offset: NonNullable<DataSegment["offset"]>, addressType: "i32" | "i64"): void {
  validateConstExpr(module, offset, addressType === "i64" ? I64 : I32, module.globals.length);
}

function validateData(module: Module, { mode, memoryIndex, offset, offsetBytes }: DataSegment): void {
  if (mode !== "active") return;
  const memory = module.memories[memoryIndex];
  if (memory === undefined) fail(`unknown memory ${memoryIndex}`, offsetBytes);
  if (offset !== undefined) validateOffset(module, offset, memory.addressType);
}
