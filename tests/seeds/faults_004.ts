/** Document 004, the shape of a VMContext: one small fault for each row. */

import type { Fault } from "./row.ts";

const SHAPE = "lib/abi/vm_shape.ts";
const MODULE = "lib/abi/module_shape.ts";
const STRUCTS = "lib/abi/vm_structs.ts";
const INSTANCE = "lib/runtime/instance.ts";

/** Every fault. */
export const FAULTS_004 = [
  { row: "4.1a", file: INSTANCE, replace: "block.setI32(HEAD.magic, VMCONTEXT_MAGIC);", with: "" },
  {
    row: "4.1b",
    file: INSTANCE,
    replace: "store.storeContext.address);\n    block.setAddress(HEAD.typeIds",
    with: "0);\n    block.setAddress(HEAD.typeIds",
  },
  {
    row: "4.1b",
    file: "lib/runtime/epoch.ts",
    replace: "storeContext.setI32(VMStoreContext.offsets.epochDeadline, Number(BigInt.asIntN(32, end)));",
    with: "",
  },
  {
    row: "4.1b",
    file: "lib/runtime/traps.ts",
    replace: "store.storeContext.setAddress(LAST_EXIT_PC, pc);",
    with: "",
  },
  {
    row: "4.1c",
    file: "lib/runtime/code.ts",
    replace: "BigInt(range.rxAddress + offset)",
    with: "BigInt(range.rxAddress)",
  },
  {
    row: "4.1d",
    file: "lib/codegen/stubs/entry_thunk.ts",
    replace: "asm.rm(F.MOV_STORE[1], RAX, packMem(R14, NO_REG, 0), VMContextHead.offsets.callee);",
    with: "",
  },
  {
    row: "4.1e",
    file: INSTANCE,
    replace: "block.setAddress(HEAD.epochPtr, store.engine.epoch.address);",
    with: "block.setAddress(HEAD.epochPtr, store.storeContext.address);",
  },
  { row: "4.1f", file: INSTANCE, replace: "this.#block.setAddress(HEAD.gcHeapBase, address);", with: "" },
  { row: "4.1g", file: INSTANCE, replace: "+ VMStoreContext.offsets.gcNext", with: "" },
  { row: "4.1h", file: INSTANCE, replace: "shape.sizeBytes + 4 * i, typeWord", with: "shape.sizeBytes, typeWord" },
  {
    row: "4.1i",
    file: SHAPE,
    replace: "let offset = VMContextHead.sizeBytes;",
    with: "let offset = VMContextHead.sizeBytes + 8;",
  },
  { row: "4.2", file: SHAPE, replace: "VMGlobalDefinition.sizeBytes, 16]", with: "VMGlobalDefinition.sizeBytes, 4]" },
  { row: "4.3", file: SHAPE, replace: "offset = alignUp(offset, alignBytes);", with: "offset = alignUp(offset, 64);" },
  { row: "4.4", file: STRUCTS, replace: '  epochPtr: "ptr",', with: '  epochPtr: "ptr",\n  more: "ptr",' },
  {
    row: "4.5",
    file: MODULE,
    replace: "importedTags: module.importedTagCount,",
    with: "importedTags: module.tags.length,",
  },
  { row: "4.6", file: MODULE, replace: "if (!memories[index].isShared) ownedMemories++;", with: "ownedMemories++;" },
  {
    row: "4.7",
    file: INSTANCE,
    replace: "this.#block.setAddress(shape.memoryPointer(defined), memory.definitionAddress);",
    with: "",
  },
  { row: "4.8", file: MODULE, replace: "if (module.declaredFuncs.has(index)) escaped", with: "escaped" },
  { row: "4.9", file: SHAPE, replace: "    checkCounts(counts);\n", with: "" },
  { row: "4.10", file: SHAPE, replace: "    begin[array] = offset;", with: "    begin[array] = offset += 16;" },
  {
    row: "4.11",
    file: SHAPE,
    replace: "this.#begin[row[0]] + index * row[2]",
    with: "this.#begin[row[0]] + index * 8",
  },
  { row: "4.12", file: SHAPE, replace: "index < this.counts[count])", with: "index < this.sizeBytes)" },
] as const satisfies readonly Fault[];
