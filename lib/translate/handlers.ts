/**
 * Handler scopes: which calls may come back by unwinding, and what is done then (C-4, lib/abi/exceptions.ts).
 *
 * A *scope* is the body of something that catches: of a `try_table`, of a legacy `try`, of a `resume` for its suspensions. Every call in a
 * scope ends its block with an unwind edge to a pad of its own; all pads of a scope jump to one block, its *dispatch*, which reads the number
 * of the clause that the runtime has chosen, branches to that clause's code, and goes on to the dispatch of the scope around it for numbers
 * that it does not know. So a function has one copy of each handler's entry, however many calls and scopes are inside.
 *
 * Scopes form a tree (a `delegate` points its scope to another one than that around it). Clauses are numbered through the function. The
 * clauses of legacy scopes become known behind their bodies, after the calls: so unwind edges are made without a list and get it at the
 * function's end (`finishHandlers`).
 *
 * How to use it for another instruction that lands at pads: open a scope (`openScope`) with its clauses (`addClause`), call, say so
 * (`mayUnwind`), `closeScope`, and for each clause emit its code between `beginClause` and the next `beginClause` or `endDispatch`.
 *
 * HS-1  Clauses are tried in the order in which they were added, inner scopes first; none is listed behind one that catches all, or behind
 *       another that takes the same tag in the same way: nothing is left for it.
 * HS-2  A dispatch is sealed when its scope is closed, and filled at once: pads of inner scopes, and inner dispatches, exist by then.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { HANDLER_KINDS, handlerClause, HandlerKind, type HandlerKindName, TrapCode, VMRecord } from "../abi/mod.ts";
import { growInt32, IntList, NONE } from "../base/mod.ts";
import { type Block, I32, IntCond, Ir, memFlags, Region, type Value } from "../ir/mod.ts";
import type { Translator } from "./translator.ts";

/** Fields of the record, and what the value area holds: written while the guest is away. */
export const RECORD_FIELD: number = memFlags(0, Region.vm);

// What a clause takes, by kind: clauses of one way and tag leave nothing for each other.
const WAYS: Record<HandlerKindName, number> = {
  catch: 0,
  catch_ref: 0,
  catch_all: 1,
  catch_all_ref: 1,
  suspend: 2,
  switch: 3,
};
const WAY_BY_KIND = HANDLER_KINDS.map((name) => WAYS[name]);
const WAY_BITS = 2;

/** The handler scopes of one function. */
export class HandlerScopes {
  /** The innermost scope at the place of translation, NONE outside of all. */
  current: number = NONE;
  count = 0;
  /** The scope that gets what this one does not catch. */
  next: Int32Array<ArrayBuffer> = new Int32Array(16);
  /** The block that all pads of the scope jump to; NONE until there is one. */
  dispatch: Int32Array<ArrayBuffer> = new Int32Array(16);
  firstClause: Int32Array<ArrayBuffer> = new Int32Array(16);
  lastClause: Int32Array<ArrayBuffer> = new Int32Array(16);
  /** Clauses by number: kind, tag, the scope's next clause. */
  readonly clauseKind: IntList = new IntList(16);
  readonly clauseTag: IntList = new IntList(16);
  readonly clauseNext: IntList = new IntList(16);
  /** Pairs: unwind edge, scope. */
  readonly edges: IntList = new IntList(16);
  // By scope, while edges get their lists: where its list begins in the pool, and its length; NONE until it is made.
  listStart: Int32Array<ArrayBuffer> = new Int32Array(16);
  listLength: Int32Array<ArrayBuffer> = new Int32Array(16);
  // By tag and way of taking it: the last list with a clause of them. Lists are counted on from function to function.
  #listed: Int32Array<ArrayBuffer> = new Int32Array(16);
  #lists = 0;

  /** Forgets everything, for another function. */
  reset(): void {
    this.current = NONE;
    this.count = 0;
    this.clauseKind.reset();
    this.clauseTag.reset();
    this.clauseNext.reset();
    this.edges.reset();
  }

  /** Opens a scope inside the current one and returns it. */
  open(): number {
    const scope = this.count++;
    if (scope === this.next.length) {
      this.next = growInt32(this.next, scope + 1);
      this.dispatch = growInt32(this.dispatch, scope + 1);
      this.firstClause = growInt32(this.firstClause, scope + 1);
      this.lastClause = growInt32(this.lastClause, scope + 1);
      this.listStart = growInt32(this.listStart, scope + 1);
      this.listLength = growInt32(this.listLength, scope + 1);
    }
    this.next[scope] = this.current;
    this.dispatch[scope] = NONE;
    this.firstClause[scope] = NONE;
    this.lastClause[scope] = NONE;
    this.listStart[scope] = NONE;
    this.current = scope;
    return scope;
  }

  /** Adds a clause to a scope and returns its number. */
  addClause(scope: number, kind: number, tag: number): number {
    const clause = this.clauseKind.length;
    this.clauseKind.push(kind);
    this.clauseTag.push(tag);
    this.clauseNext.push(NONE);
    if (this.firstClause[scope] === NONE) this.firstClause[scope] = clause;
    else this.clauseNext.data[this.lastClause[scope]] = clause;
    this.lastClause[scope] = clause;
    return clause;
  }

  /** Starts a list of clauses. */
  startList(): void {
    this.#lists++;
  }

  /** Whether the list has no clause yet that leaves nothing for one of this kind and tag; from now on it has. */
  isFirstInList(kind: number, tag: number): boolean {
    const key = tag << WAY_BITS | WAY_BY_KIND[kind];
    this.#listed = growInt32(this.#listed, key + 1);
    if (this.#listed[key] === this.#lists) return false;
    this.#listed[key] = this.#lists;
    return true;
  }
}

/** Opens a scope inside the current one. */
export function openScope(t: Translator): number {
  return t.handlers.open();
}

/** Adds a clause (`HandlerKind`, index of a tag or 0) to a scope; what it has been chosen by is its number. */
export function addClause(t: Translator, scope: number, kind: number, tag: number): number {
  return t.handlers.addClause(scope, kind, tag);
}

/** Ends the block behind a call just emitted, with its projections, if a scope is open: the call may unwind. */
export function mayUnwind(t: Translator): void {
  const { builder, handlers } = t;
  const scope = handlers.current;
  if (scope === NONE) return;
  const returned = builder.createBlock();
  const pad = builder.createBlock();
  builder.setCold(pad);
  const edge = builder.unwindEdge(returned, pad);
  if (edge !== NONE) {
    handlers.edges.push(edge);
    handlers.edges.push(scope);
  }
  builder.seal(returned);
  builder.seal(pad);
  builder.switchTo(pad);
  builder.jump(dispatchOf(t, scope));
  builder.switchTo(returned);
}

/** The dispatch of a scope that is still open (or was pointed at by a `delegate`). */
export function dispatchOf(t: Translator, scope: number): Block {
  const { builder, handlers } = t;
  if (handlers.dispatch[scope] === NONE) {
    const block = builder.createBlock();
    builder.setCold(block);
    handlers.dispatch[scope] = block;
  }
  return handlers.dispatch[scope] as Block;
}

/**
 * Closes a scope, at the end of its body, in no block: returns whether anything may land in it. If so the dispatch is entered, and
 * `beginClause` for each clause, then `endDispatch`, fill it.
 */
export function closeScope(t: Translator, scope: number): boolean {
  const { builder, handlers } = t;
  handlers.current = handlers.next[scope];
  const dispatch = handlers.dispatch[scope];
  if (dispatch === NONE) return false;
  builder.seal(dispatch as Block);
  builder.switchTo(dispatch as Block);
  return true;
}

/** In a dispatch: enters the code of clause number `clause`. Returns the block that the others go on in, which is entered afterwards. */
export function beginClause(t: Translator, clause: number): Block {
  const { builder } = t;
  const hit = builder.createBlock();
  const miss = builder.createBlock();
  builder.setCold(hit);
  builder.setCold(miss);
  const chosen = loadRecord(t, VMRecord.offsets.padClause, I32);
  builder.brIf(builder.icmp(IntCond.eq, chosen, builder.iconst32(clause)), hit, miss);
  builder.seal(hit);
  builder.seal(miss);
  builder.switchTo(hit);
  return miss;
}

/** Ends a dispatch behind its last clause: what the scope does not catch is for the one it is in, or for no one here. */
export function endDispatch(t: Translator, scope: number): void {
  const next = t.handlers.next[scope];
  if (next === NONE) t.builder.trap(TrapCode.unreachable);
  else t.builder.jump(dispatchOf(t, next));
}

/** A field of the record. */
export function loadRecord(t: Translator, offset: number, type: number): Value {
  return t.builder.load(Ir.load, type, t.builder.record(), NONE, offset, RECORD_FIELD);
}

/** Gives every unwind edge its list of clauses: pairs of clause and number (HS-1). At the end of a function. */
export function finishHandlers(t: Translator): void {
  const { handlers, func } = t;
  const { edges } = handlers;
  for (let i = 0; i < edges.length; i += 2) {
    const scope = edges.at(i + 1);
    if (handlers.listStart[scope] === NONE) makeList(t, scope);
    func.b[edges.at(i)] = handlers.listStart[scope];
    func.c[edges.at(i)] = handlers.listLength[scope];
  }
}

function makeList(t: Translator, scope: number): void {
  const { handlers, func: { pool } } = t;
  const start = pool.length;
  let catchesAll = false;
  handlers.startList();
  for (let at = scope; at !== NONE && !catchesAll; at = handlers.next[at]) {
    for (let c = handlers.firstClause[at]; c !== NONE && !catchesAll; c = handlers.clauseNext.at(c)) {
      const kind = handlers.clauseKind.at(c), tag = handlers.clauseTag.at(c);
      if (!handlers.isFirstInList(kind, tag)) continue;
      pool.push(handlerClause(kind, tag));
      pool.push(c);
      catchesAll = kind === HandlerKind.catch_all || kind === HandlerKind.catch_all_ref;
    }
  }
  handlers.listStart[scope] = start;
  handlers.listLength[scope] = pool.length - start;
}
