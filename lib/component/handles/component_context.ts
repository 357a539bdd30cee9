/**
 * What the builtins of handles work on: the typed tables of a component's instances and the calls between them (SEEDS 0.29 to 0.37, 0.T1 to
 * 0.T3).
 *
 * Compiled code names a table by a number that stands for an instance and a type. Behind it is the instance's one table of handles, in which
 * a handle is found through the number of its own type only: to code, each type has a table of its own. What traps when is the Canonical
 * ABI's (`lift_own`, `lift_borrow`, `lower_borrow`, `lift_async_value`, `canon_resource_*`).
 *
 * CTX-1  A transfer looks at everything that can fail on both sides before it changes either (HTABLE-2).
 * CTX-2  Table numbers come from code that we make: one that is none is a defect of ours.
 */

import { bug } from "../../base/mod.ts";
import { Trap, type TrapName } from "../../engine/mod.ts";
import { CallScope } from "./call_scope.ts";
import { type Channel, CopyEnd } from "./copy_end.ts";
import { type ErrorContext, ErrorContextHandle } from "./error_context.ts";
import type { HandleTable } from "./handle_table.ts";
import { ResourceHandle, type ResourceType } from "./resource.ts";

declare const brand: unique symbol;
type TableIndex<Name extends string> = number & { readonly [brand]: Name };

/** The number of a table of resources of one type in one instance. */
export type TypeResourceTableIndex = TableIndex<"resource">;
/** The number of a table of futures of one type in one instance. */
export type TypeFutureTableIndex = TableIndex<"future">;
/** The number of a table of streams of one type in one instance. */
export type TypeStreamTableIndex = TableIndex<"stream">;
/** The number of an instance's table of error contexts. */
export type TypeErrorContextTableIndex = TableIndex<"error_context">;

interface TypedTable<Type> {
  readonly handles: HandleTable;
  readonly type: Type;
}

type ChannelKind = Channel["kind"];

/** The tables of a component's instances, and its calls under way. */
export class ComponentContext {
  readonly #resources: TypedTable<ResourceType>[] = [];
  readonly #channels: Record<ChannelKind, TypedTable<object>[]> = { future: [], stream: [] };
  readonly #errorContexts: TypedTable<undefined>[] = [];
  readonly #scopes: CallScope[] = [];

  /** Numbers the table of a type's resources in an instance. */
  defineResources(handles: HandleTable, type: ResourceType): TypeResourceTableIndex {
    return this.#resources.push({ handles, type }) - 1 as TypeResourceTableIndex;
  }

  /** Numbers the table of futures of a payload in an instance. */
  defineFutures(handles: HandleTable, payload: object): TypeFutureTableIndex {
    return this.#channels.future.push({ handles, type: payload }) - 1 as TypeFutureTableIndex;
  }

  /** Numbers the table of streams of a payload in an instance. */
  defineStreams(handles: HandleTable, payload: object): TypeStreamTableIndex {
    return this.#channels.stream.push({ handles, type: payload }) - 1 as TypeStreamTableIndex;
  }

  /** Numbers the table of error contexts in an instance. */
  defineErrorContexts(handles: HandleTable): TypeErrorContextTableIndex {
    return this.#errorContexts.push({ handles, type: undefined }) - 1 as TypeErrorContextTableIndex;
  }

  /** How many calls are under way. */
  get depth(): number {
    return this.#scopes.length;
  }

  /** Enters a handle that owns a resource; returns its index. */
  resourceNew(table: number, rep: number): number {
    const { handles, type } = tableAt(this.#resources, table);
    return handles.add(new ResourceHandle(type, rep, undefined));
  }

  /** The representation behind a handle. */
  resourceRep(table: number, index: number): number {
    return this.#resource(table, index).rep;
  }

  /** Drops a handle; returns the representation to destroy if it owned the resource. */
  resourceDrop(table: number, index: number): number | undefined {
    const handle = this.#resource(table, index);
    requireNotLent(handle);
    tableAt(this.#resources, table).handles.remove(index);
    if (handle.borrowScope === undefined) return handle.rep;
    handle.borrowScope.borrows--;
    return undefined;
  }

  /** Drops a handle and, if it owned the resource, destroys it: for callers that are not compiled code. */
  resourceDropAndDestroy(table: number, index: number): void {
    const rep = this.resourceDrop(table, index);
    if (rep !== undefined) tableAt(this.#resources, table).type.destructor?.(rep);
  }

  /** Moves an owning handle to another table; returns its index there. */
  transferOwn(index: number, from: number, to: number): number {
    const handle = this.#resource(from, index);
    requireNotLent(handle);
    if (!handle.isOwn) throw new Trap("resource_not_owned");
    const target = tableAt(this.#resources, to);
    requireSame(handle.type, target.type, "resource");
    const source = tableAt(this.#resources, from).handles;
    if (source !== target.handles) target.handles.requireRoom();
    source.remove(index);
    return target.handles.add(new ResourceHandle(target.type, handle.rep, undefined));
  }

  /** Lends a resource to the current call: its index in the other table, or its representation where that is whose resource it is. */
  transferBorrow(index: number, from: number, to: number): number {
    const handle = this.#resource(from, index);
    const target = tableAt(this.#resources, to);
    requireSame(handle.type, target.type, "resource");
    const scope = this.#scopes.at(-1) ?? bug("a resource is lent to a call");
    const isDefiner = target.handles === target.type.definedBy;
    if (!isDefiner) target.handles.requireRoom();
    scope.addLender(handle);
    if (isDefiner) return handle.rep;
    scope.borrows++;
    return target.handles.add(new ResourceHandle(target.type, handle.rep, scope));
  }

  /** Begins a call. */
  enterCall(): void {
    this.#scopes.push(new CallScope());
  }

  /** Ends the current call. @throws {Trap} if borrowed handles remain. */
  exitCall(): void {
    const scope = this.#scopes.at(-1) ?? bug("a call that ends has begun");
    scope.end();
    this.#scopes.pop();
  }

  /** Moves the readable end of a future to another table; returns its index there. */
  futureTransfer(index: number, from: number, to: number): number {
    return this.#transferEnd("future", index, from, to);
  }

  /** Moves the readable end of a stream to another table; returns its index there. */
  streamTransfer(index: number, from: number, to: number): number {
    return this.#transferEnd("stream", index, from, to);
  }

  /** Enters an error context; returns its index. */
  errorContextNew(table: number, context: ErrorContext): number {
    const index = tableAt(this.#errorContexts, table).handles.add(new ErrorContextHandle(context));
    context.retain();
    return index;
  }

  /** Copies a handle of an error context to another table; the first stays. */
  errorContextTransfer(index: number, from: number, to: number): number {
    return this.errorContextNew(to, this.#errorContext(from, index));
  }

  /** Drops a handle of an error context. */
  errorContextDrop(table: number, index: number): void {
    const context = this.#errorContext(table, index);
    tableAt(this.#errorContexts, table).handles.remove(index);
    context.release();
  }

  #transferEnd(kind: ChannelKind, index: number, from: number, to: number): number {
    const source = tableAt(this.#channels[kind], from), target = tableAt(this.#channels[kind], to);
    const end = source.handles.get(index);
    if (
      end.kind !== "end" || end.side !== "readable" || end.channel.kind !== kind || end.channel.payload !== source.type
    ) {
      wrongType(kind);
    }
    end.requireTransferable();
    requireSame(source.type, target.type, kind);
    if (source.handles !== target.handles) target.handles.requireRoom();
    source.handles.remove(index);
    return target.handles.add(new CopyEnd(end.channel, "readable"));
  }

  #resource(table: number, index: number): ResourceHandle {
    const { handles, type } = tableAt(this.#resources, table);
    const handle = handles.get(index);
    return handle.kind === "resource" && handle.type === type ? handle : wrongType(type.name);
  }

  #errorContext(table: number, index: number): ErrorContext {
    const handle = tableAt(this.#errorContexts, table).handles.get(index);
    return handle.kind === "error_context" ? handle.context : wrongType("error-context");
  }
}

function tableAt<Type>(tables: readonly TypedTable<Type>[], index: number): TypedTable<Type> {
  return tables[index] ?? bug(`there is no table ${index} of this kind`);
}

function requireNotLent({ lends }: ResourceHandle): void {
  if (lends !== 0) throw new Trap("resource_lent");
}

function wrongType(wanted: string): never {
  throw new Trap("wrong_handle_type" satisfies TrapName, { detail: `expected a handle of ${wanted}` });
}

function requireSame(from: object, to: object, what: string): void {
  if (from !== to) bug(`a ${what} is transferred between tables of different types`);
}
