/** Document 002, the structures that compiled code reads: one small fault for each row. */

import type { Fault } from "./row.ts";

const INSTANCE = "lib/runtime/instance.ts";
const STRUCTS = "lib/abi/vm_structs.ts";
const LIBCALLS = "lib/runtime/libcalls.ts";
const WAIT = "lib/runtime/atomic_wait.ts";
const FUNC = "lib/runtime/func_ref.ts";
const PLACED = "this.#block.setAddress(at + offsets.definition, given.definitionAddress);";

/** Every fault. */
export const FAULTS_002 = [
  { row: "2.1", file: FUNC, replace: "block.setI32(VMFuncRef.sizeBytes + HOST.magic, VMHOSTFUNC_MAGIC);", with: "" },
  {
    row: "2.2",
    file: INSTANCE,
    replace: "block.setAddress(at + FUNCTION_IMPORT.handle, given.referenceAddress());",
    with: "given.referenceAddress();",
  },
  {
    row: "2.3",
    file: FUNC,
    replace: "const number = store.hostCallers.length;",
    with: "const number = store.hostCallers.length + 1;",
  },
  { row: "2.4", file: INSTANCE, replace: "isHost ? FunctionKind.host : FunctionKind.wasm", with: "FunctionKind.wasm" },
  {
    row: "2.5",
    file: INSTANCE,
    replace: PLACED,
    with: "this.#block.setAddress(at + offsets.definition, this.address);",
  },
  {
    row: "2.6",
    file: INSTANCE,
    replace: PLACED,
    with: "this.#block.setAddress(at + offsets.definition, this.address);",
  },
  {
    row: "2.7",
    file: INSTANCE,
    replace: PLACED,
    with: "this.#block.setAddress(at + offsets.definition, this.address);",
  },
  { row: "2.8", file: INSTANCE, replace: "this.store.handleOf(given)", with: "given.definitionAddress" },
  {
    row: "2.9",
    file: LIBCALLS,
    replace:
      'if (!to.contains(destination, length) || !from.contains(source, length)) throw call.trap("memory_out_of_bounds");',
    with: 'if (!to.contains(destination, length)) throw call.trap("memory_out_of_bounds");',
  },
  {
    row: "2.10",
    file: LIBCALLS,
    replace: 'if (!memory.contains(destination, length)) throw call.trap("memory_out_of_bounds");',
    with: "",
  },
  { row: "2.11", file: WAIT, replace: "refuseAtomic(memory, address, 4);", with: "refuseAtomic(memory, address, 1);" },
  { row: "2.12", file: WAIT, replace: "refuseAtomic(memory, address, 8);", with: "refuseAtomic(memory, address, 4);" },
  {
    row: "2.13",
    file: STRUCTS,
    replace: '{ base: "ptr", currentElements: "u64" }',
    with: '{ currentElements: "u64", base: "ptr" }',
  },
  { row: "2.14", file: STRUCTS, replace: '{ value: "v128" }', with: '{ value: "u64" }' },
  { row: "2.15", file: FUNC, replace: "block.setI32(offsetBytes + REF.type, VM_NO_TYPE);", with: "" },
  { row: "2.16", file: FUNC, replace: "block.setI32(offset + REF.type, this.signature.typeId);", with: "" },
  {
    row: "2.17",
    file: LIBCALLS,
    replace: "handlers[name] ?? bug(`runtime call ${name} has no handler`)",
    with: "handlers[name]",
  },
  {
    row: "2.17",
    file: "lib/runtime/artifact.ts",
    replace: "return stubs.length === LIBCALLS.length && stubs.every((offset) => offset >= 0 && offset < length);",
    with: "return stubs.length <= LIBCALLS.length && length > 0;",
  },
  { row: "2.18", file: INSTANCE, replace: "this.#isDataDropped[segmentIndex] = 1;", with: "" },
  { row: "2.19", file: INSTANCE, replace: "this.#isElementDropped[segmentIndex] = 1;", with: "" },
  { row: "2.20", file: "lib/runtime/parked_wait.ts", replace: "timedOut: 2 }", with: "timedOut: 0 }" },
  {
    row: "2.21",
    file: "lib/translate/refs.ts",
    replace: "t.push(libcall(t, Libcall.ref_func));",
    with: "t.push(t.builder.zero(2));",
  },
  {
    row: "2.22",
    file: "lib/runtime/block.ts",
    replace: "const length = Math.ceil(byteLength / 16) * 16;",
    with: "const length = Math.ceil(byteLength / 8) * 8;",
  },
  {
    row: "2.23",
    file: "lib/abi/calling.ts",
    replace: "AREA_SLOT_BYTES = 16",
    with: "AREA_SLOT_BYTES = 8",
  },
  {
    row: "2.24",
    file: "lib/runtime/memory.ts",
    replace: "    this.#block!.setAddress(this.#offsetBytes + DEFINITION.currentLengthBytes, byteLength);\n",
    with: "",
  },
  {
    row: "2.25",
    file: STRUCTS,
    replace: '  hostSp: "u64",\n  guestSp: "u64",',
    with: '  guestSp: "u64",\n  hostSp: "u64",',
  },
  {
    row: "2.T1",
    file: "lib/abi/vm_shape.ts",
    replace: "for (const bytes of [16, 8, 4]) {",
    with: "for (const bytes of [4, 8, 16]) {",
  },
  {
    row: "2.T2",
    file: "lib/runtime/global.ts",
    replace: "    this.#offsetBytes = offsetBytes;",
    with: "    this.#offsetBytes = offsetBytes & ~15;",
  },
] as const satisfies readonly Fault[];
