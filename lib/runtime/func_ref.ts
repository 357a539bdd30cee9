/**
 * Functions: their VMFuncRef, which machine code calls, and their one object on this side.
 *
 * A VMFuncRef is filled when somebody first takes the reference. For a module's function that is the moment its address is asked for; for
 * a host function the thunk by which machine code calls it must be found first, in the code of a module that imports it or, when the
 * reference goes by another way, in a thunk made for its type.
 *
 * FUNC-1  A VMFuncRef's address identifies the function for the life of its store: `ref.eq`, table elements, JavaScript's `===`.
 * FUNC-2  An address is handed to a guest only when its VMFuncRef is complete (`referenceAddress`).
 */

import type { Activation } from "./activation.ts";
import { FunctionKind, VM_NO_TYPE, VMFuncRef, VMHostFunc, VMHOSTFUNC_MAGIC } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import type { Block } from "./block.ts";
import type { LoadedCode } from "./code.ts";
import { makeCallable } from "./export_call.ts";
import { markAsFunc } from "./func_mark.ts";
import { type HostFunction, makeHostCaller } from "./host_call.ts";
import type { InstanceState } from "./instance.ts";
import type { Signature } from "./signature.ts";
import type { StoreState } from "./store_state.ts";

const REF = VMFuncRef.offsets;
const HOST = VMHostFunc.offsets;

/** JavaScript's form of a function. */
export type Callable = (...args: unknown[]) => unknown;

/** A function of a store. */
export class FuncState {
  /** The activation that it was called on last: calling it again finds it aimed. */
  lastActivation: Activation | undefined = undefined;
  readonly store: StoreState;
  readonly signature: Signature;
  /** Address of the VMFuncRef: the function's identity (FUNC-1). */
  readonly address: number;
  /** The instance that defines the function; undefined for host functions. */
  readonly instance: InstanceState | undefined;
  /** Index in that instance's function index space, or the host function's number. */
  readonly index: number;
  /** The JavaScript function behind a host function. */
  readonly host: HostFunction | undefined;
  /** What an entry thunk calls and with which r14; 0 while a host function has no thunk. */
  callee = 0;
  vmctx = 0;
  /** Address of the entry thunk of its type. */
  entryThunk = 0;
  /** What stands for it in objects (HEAP-2), 0 for nothing yet. */
  gcId = 0;
  /** The API's object for this function, once it has one. */
  wrapper: unknown = undefined;
  /** The API's reference to it that nobody has given up. */
  reference: object | undefined = undefined;
  readonly #block: Block;
  readonly #offsetBytes: number;
  #callable: Callable | undefined;

  constructor(
    store: StoreState,
    signature: Signature,
    block: Block,
    offsetBytes: number,
    origin: { instance: InstanceState; index: number } | { host: HostFunction; index: number },
  ) {
    this.store = store;
    this.signature = signature;
    this.#block = block;
    this.#offsetBytes = offsetBytes;
    this.address = block.address + offsetBytes;
    this.instance = "instance" in origin ? origin.instance : undefined;
    this.host = "host" in origin ? origin.host : undefined;
    this.index = origin.index;
    block.setI32(offsetBytes + REF.type, VM_NO_TYPE);
  }

  /** The JavaScript function that calls this one; always the same. */
  get callable(): Callable {
    if (this.#callable === undefined) {
      this.#callable = makeCallable(this);
      markAsFunc(this.#callable, this);
    }
    return this.#callable;
  }

  /** Completes the VMFuncRef: code, type, context. */
  complete(callee: number, entryThunk: number, vmctx: number): void {
    const block = this.#block;
    const offset = this.#offsetBytes;
    this.callee = callee;
    this.entryThunk = entryThunk;
    this.vmctx = vmctx;
    block.setI32(offset + REF.type, this.signature.typeId);
    block.setI32(offset + REF.kind, this.host === undefined ? FunctionKind.wasm : FunctionKind.host);
    block.setAddress(offset + REF.vmctx, vmctx);
    block.setAddress(offset + REF.entryThunk, entryThunk);
    block.setAddress(offset + REF.wasmCall, callee);
  }

  /** Completes a host function by the thunks of `code`, whose type `typeIndex` is this function's type. */
  completeHost(code: LoadedCode, typeIndex: number): void {
    if (this.callee === 0) this.complete(code.hostThunk(typeIndex), code.entryThunk(typeIndex), this.#hostContext());
  }

  /** Gives the function its id. */
  setGcId(id: number): void {
    this.gcId = id;
    this.#block.setI32(this.#offsetBytes + REF.id, id);
  }

  /** The address to give to a guest (FUNC-2). */
  referenceAddress(): number {
    if (this.callee === 0) {
      if (this.host === undefined) bug("a module's function has no VMFuncRef");
      this.completeHost(this.store.engine.thunksFor(this.store, this.signature.typeId), 0);
    }
    return this.address;
  }

  /** Address of the VMHostFunc, which follows the VMFuncRef of a host function. */
  #hostContext(): number {
    return this.address + VMFuncRef.sizeBytes;
  }

  /** What r14 is while a host function's thunk runs. */
  get hostContext(): number {
    return this.#hostContext();
  }
}

/** Makes a function of a store out of a JavaScript function. */
export function createHostFunc(store: StoreState, typeId: number, host: HostFunction): FuncState {
  const signature = store.engine.signature(typeId);
  const block = store.allocate(VMFuncRef.sizeBytes + VMHostFunc.sizeBytes);
  const number = store.hostCallers.length;
  block.setI32(VMFuncRef.sizeBytes + HOST.magic, VMHOSTFUNC_MAGIC);
  block.setI32(VMFuncRef.sizeBytes + HOST.number, number);
  const func = new FuncState(store, signature, block, 0, { host, index: number });
  store.hostCallers.push(makeHostCaller(store, signature, host));
  store.hostSignatures.push(signature);
  store.addFunc(func);
  return func;
}
