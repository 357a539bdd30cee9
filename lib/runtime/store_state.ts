/**
 * A store: everything that lives and dies together. Native memory, functions, instances, activations, host references.
 *
 * What must be given back to the system is gathered in `StoreResources`, which knows nothing of the store, so that a store nobody disposed
 * of is cleaned up once it is garbage: a net for leaks, not the way to free things.
 */

import { VMStoreContext } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import {
  acquireStack,
  type ActivationRecord,
  clearStack,
  RECORD,
  recordPool,
  releaseStack,
  type Stack,
  storeAddress,
} from "../host/mod.ts";
import { Activation } from "./activation.ts";
import { type Block, BlockAllocator } from "./block.ts";
import type { LoadedCode } from "./code.ts";
import { Continuations } from "./continuations.ts";
import type { EngineState } from "./engine_state.ts";
import type { EpochDeadline } from "./epoch.ts";
import type { Callable, FuncState } from "./func_ref.ts";
import type { RootSource, RootVisitor } from "./gc/collector.ts";
import { FieldNames } from "./gc/field_names.ts";
import { GcHeap, type HeapOwner } from "./gc/heap.ts";
import type { RootScopeState } from "./gc/root_scope.ts";
import type { HeapOptions } from "./gc/collector_options.ts";
import { StackRoots } from "./gc/stack_roots.ts";
import type { GcTypes } from "./gc/type_info.ts";
import type { HostCaller } from "./host_call.ts";
import type { InstanceState } from "./instance.ts";
import { InterruptState } from "./interrupt_request.ts";
import type { BudgetState } from "./budget.ts";
import type { ResourceLimiter } from "./limiter.ts";
import { type ResolvedLimits, resolveLimits, type StoreLimits } from "./limits.ts";
import type { MemoryState } from "./memory.ts";
import type { MemoryRecycler } from "./memory_recycler.ts";
import type { TablePool, TableSlot } from "./table_pool.ts";
import { type Deadline, Meter } from "./meter.ts";
import type { Signature } from "./signature.ts";
import type { TagState } from "./tag.ts";
import { parkedVmctx } from "./backtrace.ts";
import { exclusionKey } from "./exclusion.ts";
import { ParkedCalls } from "./parked_calls.ts";
import { Trap } from "./traps.ts";
import { LimitError, Resource, StoreUsage } from "./usage.ts";

/** What an activation has of the isolate's pools. */
interface CallResources {
  readonly record: ActivationRecord;
  readonly stack: Stack;
}

function releaseCall({ record, stack }: CallResources): void {
  recordPool().release(record);
  clearStack(stack); // STACK-3
  releaseStack(stack);
}

/** Detached activations that nobody uses are kept up to this number; the stacks of others go back to the isolate's pool. */
const KEPT_ACTIVATIONS = 256;

/** What a store took from the system and from the isolate's pools. */
class StoreResources {
  readonly blocks = new BlockAllocator();
  /** Gives the heap back, once there is one. */
  heap: { close(): void } | undefined;
  readonly codes = new Set<LoadedCode>();
  /** Storage of static tables. */
  readonly tableSlots: TableSlot[] = [];
  /** Stacks of continuations. */
  readonly stacks = new Set<Stack>();
  readonly calls = new Set<CallResources>();
  readonly usage: StoreUsage;

  constructor(usage: StoreUsage) {
    this.usage = usage;
  }

  release(): void {
    for (const call of this.calls) releaseCall(call);
    this.calls.clear();
    for (const stack of this.stacks) {
      clearStack(stack);
      releaseStack(stack);
    }
    this.stacks.clear();
    for (const code of this.codes) code.release();
    this.codes.clear();
    this.heap?.close();
    this.heap = undefined;
    for (const slot of this.tableSlots) slot.release();
    this.tableSlots.length = 0;
    this.blocks.release();
    this.usage.close();
  }
}

const leaks = new FinalizationRegistry<StoreResources>((resources) => resources.release());

/** What a store is made with. */
export interface StoreStateOptions {
  /** What it may have; the defaults unless given. */
  readonly limits?: StoreLimits | undefined;
  /** Asked before anything grows. */
  readonly limiter?: ResourceLimiter | undefined;
  /** Shared with other stores. */
  readonly budget?: BudgetState | undefined;
}

/** A store below the API. */
export class StoreState implements HeapOwner {
  readonly engine: EngineState;
  /** The store's native memory. */
  readonly blocks: BlockAllocator;
  /** VMStoreContext. */
  readonly storeContext: Block;
  /** Objects, and host values as guests hold them. */
  readonly gc: GcHeap;
  /** What holds references outside of the heap, beside handles and stacks: globals, tables, instances, and whoever enters himself. */
  readonly rootSources: Set<RootSource> = new Set();
  /** By nesting depth (ACT-A). */
  readonly activations: Activation[] = [];
  /** Activations in use. */
  depth = 0;
  /** What runs a host function, by its number. */
  readonly hostCallers: HostCaller[] = [];
  /** The type of each. */
  readonly hostSignatures: Signature[] = [];
  readonly memories: MemoryState[] = [];
  /** Where memories of its instances come from, and go to. */
  recycler: MemoryRecycler | undefined = undefined;
  /** Asked before anything grows. */
  limiter: ResourceLimiter | undefined;
  /** What the store may have. */
  readonly limits: ResolvedLimits;
  /** What it has (USAGE-1): whoever takes something tells first. */
  readonly usage: StoreUsage;
  /** Called when an interrupt stops a guest of the store: returning resumes it, throwing ends the call. Without it, it traps. */
  onInterrupt: ((activation: Activation) => void) | undefined = undefined;
  /** Called at polls that leave for stress alone. */
  onStressPoll: ((activation: Activation) => void) | undefined = undefined;
  /** Set once somebody may want to interrupt the store from outside ({@linkcode openInterrupt}). */
  interrupt: InterruptState | undefined = undefined;
  /** Calls that are parked between turns of the event loop. */
  readonly parkedCalls: ParkedCalls = new ParkedCalls();
  /** Set while guests have deadlines, and always if their fuel is counted. */
  meter: Meter | undefined = undefined;
  /** By number less one: exceptions name their tags so. */
  readonly tags: TagState[] = [];
  /** The engine's types and options, for the heap. */
  readonly types: GcTypes;
  readonly heapOptions: HeapOptions;
  /** What fields are called. */
  readonly fieldNames: FieldNames = new FieldNames();
  /** Open root scopes, the innermost last. */
  readonly rootScopes: RootScopeState[] = [];
  /** The API's object for this store. */
  wrapper: unknown = undefined;
  readonly #funcs = new Map<number, FuncState>();
  readonly #instances = new Map<number, InstanceState>();
  readonly #handles = new Map<object, number>();
  readonly #resources: StoreResources;
  readonly #resourcesOf = new WeakMap<Activation, CallResources>();
  #state: "open" | "closed" | "poisoned" = "open";
  #poison = "";
  #deadline: Deadline | undefined;
  #epochDeadline: EpochDeadline | undefined;
  readonly #stackRoots = new StackRoots();
  readonly continuations: Continuations;

  /** @throws {TypeError} @throws {RangeError} for limits that are none. */
  constructor(engine: EngineState, { limits, limiter, budget }: StoreStateOptions = {}) {
    this.engine = engine;
    this.limits = resolveLimits(limits);
    this.limiter = limiter;
    this.usage = new StoreUsage(this.limits, budget);
    this.#resources = new StoreResources(this.usage);
    this.continuations = new Continuations(
      this,
      this.#resources.stacks,
      (stack, sp, visitor) => this.#stackRoots.visitStack(stack, sp, visitor),
    );
    if (engine.fuel) this.meter = new Meter(engine, budget);
    this.types = engine.gcTypes;
    this.heapOptions = { ...engine.heapOptions, limitBytes: this.limits.gcHeapBytes };
    this.blocks = this.#resources.blocks;
    this.storeContext = this.blocks.allocate(VMStoreContext.sizeBytes);
    this.gc = new GcHeap(this);
    engine.storeOpened();
    leaks.register(this, this.#resources, this);
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Throws unless the store can be used. @throws {TypeError} */
  requireOpen(): void {
    if (this.#state === "closed") throw new TypeError("The store is disposed");
    if (this.#state === "poisoned") {
      throw new TypeError(`The store cannot be used after an internal failure: ${this.#poison}`);
    }
  }

  /**
   * Refuses all further use, after machine code did something that nothing explains: no call is entered, and none that is parked goes on,
   * even if a host function in between catches the error.
   */
  poison(reason: string): void {
    this.#state = "poisoned";
    this.#poison = reason;
    // A parked guest finds the host stack too low for it, whatever its depth (HOST-S).
    for (const { words } of this.activations) storeAddress(words, RECORD.hostStackLimit >> 2, Number.MAX_SAFE_INTEGER);
    this.#retireActivations();
    // Whatever was written where it should not be may have hit the records: nobody gets them again.
    this.#resources.calls.clear();
    this.#resources.stacks.clear();
  }

  /** Native memory that lives as long as the store. @throws {TypeError} when the store is closed. */
  allocate(byteLength: number): Block {
    this.requireOpen();
    return this.blocks.allocate(byteLength);
  }

  /** The number of a table, memory, global or tag that an instance imports, in this store; from 1 on (SEEDS 2.8). */
  handleOf(state: object): number {
    let handle = this.#handles.get(state);
    if (handle === undefined) {
      handle = this.#handles.size + 1;
      this.#handles.set(state, handle);
    }
    return handle;
  }

  /** Whether an instance imports a table, memory, global or tag. */
  isImported(state: object): boolean {
    return this.#handles.has(state);
  }

  /** Throws unless nothing of the store is in the middle of anything. @throws {TypeError} */
  requireIdle(what: string): void {
    this.requireOpen();
    if (this.depth !== 0) throw new TypeError(`${what} while a call into the store is active`);
    if (this.parkedCalls.parked.size !== 0) throw new TypeError(`${what} while a call into the store is parked`);
    if (this.continuations.count === 0) return;
    this.gc.collect();
    if (this.continuations.count !== 0) throw new TypeError(`${what} while continuations of the store are suspended`);
  }

  /** Storage for a table, a slot of the pool. @throws {RangeError} when it has none left. */
  takeTableSlot(pool: TablePool): Block {
    this.requireOpen();
    const slot = pool.acquire();
    this.#resources.tableSlots.push(slot);
    return slot.block;
  }

  /** A stack of the store's size. @throws {LimitError} @throws {HostError} */
  takeStack(): Stack {
    const { stackBytes } = this.limits;
    this.usage.require(Resource.totalStackBytes, stackBytes);
    try {
      return acquireStack(stackBytes);
    } catch (error) {
      this.usage.cancel(Resource.totalStackBytes, stackBytes);
      throw error;
    }
  }

  /** Gives a stack of {@linkcode takeStack} back, empty. */
  giveStack(stack: Stack): void {
    clearStack(stack);
    releaseStack(stack);
    this.usage.give(Resource.totalStackBytes, this.limits.stackBytes);
  }

  /** Makes the activation of the next depth. @throws {TypeError} when the store is closed. @throws {Trap} when it has no stack for it. */
  addActivation(): Activation {
    this.requireOpen();
    let activation: Activation;
    try {
      activation = this.#makeActivation(this.activations.length);
    } catch (error) {
      if (error instanceof LimitError) throw new Trap("stack_overflow", { detail: error.message, cause: error });
      throw error;
    }
    this.activations.push(activation);
    this.interrupt?.list(activation.depth, activation.index);
    return activation;
  }

  /** @throws {TypeError} when the engine's code cannot be interrupted. */
  requireInterruption(): void {
    if (!this.engine.interruption) {
      throw new TypeError("A deadline needs code that can be interrupted: use new Engine({ interruption: true })");
    }
  }

  /** Charges guests to a deadline. @throws {TypeError} when the engine's code cannot be interrupted, or the store is closed. */
  addDeadline(deadline: Deadline): void {
    this.requireOpen();
    this.requireInterruption();
    (this.meter ??= new Meter(this.engine, this.usage.budget)).deadlines.push(deadline);
  }

  /** Sets, replaces or removes the deadline that all calls are charged to. @throws {TypeError} as {@linkcode addDeadline} does. */
  setDeadline(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.addDeadline(deadline);
    if (this.#deadline !== undefined) this.removeDeadline(this.#deadline);
    this.#deadline = deadline;
  }

  /** Sets, replaces or removes the count of the engine's epoch at which guests stop. @throws {TypeError} as {@linkcode addDeadline} does. */
  setEpochDeadline(deadline: EpochDeadline | undefined): void {
    if (deadline !== undefined) this.addDeadline(deadline);
    if (this.#epochDeadline !== undefined) this.removeDeadline(this.#epochDeadline);
    this.#epochDeadline = deadline;
  }

  /** Takes a deadline back. */
  removeDeadline(deadline: Deadline): void {
    const { meter } = this;
    if (meter === undefined) return;
    meter.remove(deadline);
    if (meter.deadlines.length === 0 && !this.engine.fuel) {
      meter.stop();
      this.meter = undefined;
    }
  }

  /** What counts the fuel. @throws {TypeError} when the engine's code has no fuel, or the store is closed. */
  fuelMeter(): Meter {
    this.requireOpen();
    if (!this.engine.fuel) throw new TypeError("Fuel needs code that counts it: use new Engine({ fuel: true })");
    return this.meter!;
  }

  #makeActivation(depth: number | "detached"): Activation {
    this.requireOpen();
    const activation = new Activation(this, depth);
    // Not the activation: it knows the store, which would never become garbage.
    const resources = { record: activation.record, stack: activation.base.stack };
    this.#resources.calls.add(resources);
    this.#resourcesOf.set(activation, resources);
    return activation;
  }

  /** An activation that is at no depth (PARK-1), to take the place of the outermost one at times. @throws {HostError} */
  takeDetached(): Activation {
    this.requireOpen();
    return this.parkedCalls.free.pop() ?? this.#makeActivation("detached");
  }

  /** Gives a detached activation back, and up what it was doing. */
  giveDetached(activation: Activation): void {
    // What is closed has given everything back, what is poisoned keeps it.
    if (this.#state !== "open") return;
    activation.target = undefined;
    if (activation.parents.length > 0) this.continuations.abandon(activation);
    const { free } = this.parkedCalls;
    if (free.length < KEPT_ACTIVATIONS) {
      free.push(activation);
      return;
    }
    const resources = this.#resourcesOf.get(activation)!;
    this.#resources.calls.delete(resources);
    releaseCall(resources);
    this.usage.give(Resource.totalStackBytes, this.limits.stackBytes);
  }

  /** PARK-3: whether the instance with this VMContext, if it is one, must not be entered. */
  isBusy(vmctx: number): boolean {
    const { busy } = this.parkedCalls;
    if (busy.size === 0) return false;
    const instance = this.#instances.get(vmctx);
    return instance !== undefined && busy.has(exclusionKey(instance));
  }

  /** Makes every call aim anew (ACT-C). */
  forgetTargets(): void {
    for (const activation of this.activations) activation.target = undefined;
  }

  /** What other isolates interrupt the store's guests by. */
  openInterrupt(): InterruptState {
    if (this.interrupt === undefined) {
      this.interrupt = new InterruptState();
      for (const { depth, index } of this.activations) this.interrupt.list(depth, index);
    }
    return this.interrupt;
  }

  /** The innermost activation, during a host or runtime call. */
  get innermost(): Activation | undefined {
    return this.depth === 0 ? undefined : this.activations[this.depth - 1];
  }

  /**
   * The instance whose code called the host function that is running, if a guest called it: that of the innermost frame. A function that
   * called in its own place (a tail call) is there no more, so then it is its caller's.
   */
  callingInstance(): InstanceState | undefined {
    const activation = this.innermost;
    return activation === undefined ? undefined : this.#instances.get(parkedVmctx(activation));
  }

  /** What keeping a module's code would add to what the store has. */
  codeBytesOf(code: LoadedCode): number {
    return code.module === undefined || this.#resources.codes.has(code) ? 0 : code.byteLength;
  }

  /** Keeps code until the store is closed. @throws {LimitError} */
  holdCode(code: LoadedCode): void {
    if (this.#resources.codes.has(code)) return;
    this.usage.require(Resource.codeBytes, this.codeBytesOf(code));
    code.hold();
    this.#resources.codes.add(code);
  }

  /** Lets compiled code test types and make objects: the type table's and the heap's addresses go into the context. @throws {HostError} */
  openHeap(): void {
    const { storeContext, engine, gc } = this;
    if (storeContext.getAddress(VMStoreContext.offsets.typeTable) !== 0) return;
    storeContext.setAddress(VMStoreContext.offsets.typeTable, engine.typeTable.address);
    void gc.collector;
  }

  /** The heap has its address: code of instances made before finds it too. */
  heapReserved(baseAddress: number): void {
    this.#resources.heap = this.gc.releaser;
    for (const instance of this.#instances.values()) instance.setHeapBase(baseAddress);
  }

  /** Shows the roots outside of the heap (GC-3), handles excepted. */
  visitRoots(visitor: RootVisitor): void {
    for (const source of this.rootSources) source.visitRoots(visitor);
    this.continuations.visitRoots(visitor);
    this.#stackRoots.visit(this.activations, this.depth, visitor);
    for (const activation of this.parkedCalls.parked) this.#stackRoots.visit([activation], 1, visitor);
  }

  addFunc(func: FuncState): void {
    this.#funcs.set(func.address, func);
  }

  addInstance(instance: InstanceState): void {
    this.#instances.set(instance.address, instance);
    this.fieldNames.addModule(instance.state);
  }

  /** The function whose VMFuncRef is at the address. */
  funcAt(address: number): FuncState {
    return this.#funcs.get(address) ?? bug(`no function is at 0x${address.toString(16)}`);
  }

  /** The JavaScript function for a funcref, null for 0. */
  callableAt(address: number): Callable | null {
    return address === 0 ? null : this.funcAt(address).callable;
  }

  /** The instance whose VMContext is at the address. */
  instanceAt(address: number): InstanceState {
    return this.#instances.get(address) ?? bug(`no instance is at 0x${address.toString(16)}`);
  }

  /** The store's instances, those that failed included. */
  get instances(): Iterable<InstanceState> {
    return this.#instances.values();
  }

  /** The instance whose VMContext is at the address, if that is one. */
  findInstance(address: number): InstanceState | undefined {
    return this.#instances.get(address);
  }

  /** Gives everything back. @throws {TypeError} while a call is active. */
  close(): void {
    if (this.#state === "closed") return;
    if (this.depth !== 0) throw new TypeError("The store cannot be disposed while a call into it is active");
    const isSound = this.#state === "open";
    this.#state = "closed";
    leaks.unregister(this);
    this.#retireActivations();
    this.interrupt?.close();
    this.gc.close();
    this.#resources.release();
    this.rootSources.clear();
    this.engine.storeClosed();
    this.#funcs.clear();
    this.#instances.clear();
    this.#handles.clear();
    if (isSound) { for (const memory of this.memories) memory.recycle(); }
    this.memories.length = 0;
    this.tags.length = 0;
    this.fieldNames.clear();
    for (const { wake } of this.parkedCalls.calls) wake(); // PARK-2
  }

  /** ACT-D: whoever calls finds no activation aimed and none in reserve, and is told why. */
  #retireActivations(): void {
    for (const activation of this.activations) activation.target = undefined;
    this.activations.length = 0;
  }
}
