/**
 * Global value numbering, with folding, redundant-load elimination and store-to-load forwarding.
 *
 * Problem: translation folds and numbers within a block, before parameters of loops are known to be trivial; equal computations, loads and
 * VM context reads remain across blocks.
 *
 * Approach: one preorder walk of the dominator tree with a scoped hash table (Briggs, Cooper, Simpson, "Value Numbering", 1997): an entry made in a
 * block is visible in the blocks it dominates and removed when the walk leaves its subtree. Every instruction is folded again on the way
 * with its operands resolved. Loads are keyed with the version of the memory they read ({@linkcode MemoryVersions}); a full-width store leaves an
 * entry that answers the load of what it wrote, and loads of the same base and index that it cannot overlap are carried over to the new
 * version (of the last RECENT ones: enough for fields of a structure and slots of a frame). Values of type addr are keyed with the version of calls, so that none comes to live
 * across one (IR-5). A check that always fails ends its block.
 *
 * Requires: control flow. Keeps: blocks, ids of surviving instructions, program order. Invalidates: control flow when it returns "edges".
 * Linear: entries are found in chains that hold only entries in scope with equal hash.
 *
 * GVN-1  An instruction that is replaced becomes a `copy` and leaves the order; operands of later instructions are resolved as the walk
 *        meets them, jump arguments that come from behind in a last round.
 */

import { growInt32, IntList, NONE } from "../../base/mod.ts";
import type { ControlFlow } from "../cfg.ts";
import { accessBytes, canNumber, isConstantLoad, isLoad, isStore, isTerminator } from "../effects.ts";
import { Emitter } from "../emitter.ts";
import type { Func, Value } from "../func.ts";
import { FOLD_RULES } from "../fold/rules.ts";
import { resolveOperands } from "../operands.ts";
import { COMMUTES, EFFECTS, Ir, type IrOp, memFlags, memRegion } from "../ops.ts";
import { ADDR, REF, type Type, VOID } from "../types.ts";
import { MemoryVersions } from "./memory_versions.ts";
import { OrderWriter } from "./order_writer.ts";

/** What a pass that may cut blocks short changed. */
export type Changed = "edges" | "instructions";

// Memory entries looked at when a store changes a version; a power of two.
const RECENT = 16;

/** Global value numbering; reusable. */
export class GlobalValueNumbering extends Emitter {
  readonly #writer = new OrderWriter();
  readonly #memory = new MemoryVersions();
  // Entries: a stack, chained by hash.
  #entryCount = 0;
  #entryValue = new Int32Array(1024);
  #entryVersion = new Int32Array(1024);
  #entryKey = new Int32Array(1024); // an instruction whose columns are the key
  #entryNext = new Int32Array(1024);
  #entrySlot = new Int32Array(1024);
  #heads = new Int32Array(1024);
  #mask = 1023;
  // The last entries made for loads and stores, a ring: they tell which other fields a store leaves alone.
  readonly #recent = new Int32Array(RECENT);
  #recentCount = 0;
  // Open blocks of the walk and the entry count before each.
  readonly #open = new IntList(64);
  readonly #marks = new IntList(64);

  /** Numbers a function's values. */
  run(func: Func, cfg: ControlFlow): Changed {
    this.func = func;
    this.#prepare(func.count);
    this.#memory.compute(func, cfg);
    this.#writer.start(func);
    let changed: Changed = "instructions";
    for (let i = 0; i < cfg.rpoCount; i++) {
      const block = cfg.domOrder[i];
      this.#leaveTo(cfg.domDepth[block]);
      this.#open.push(block);
      this.#marks.push(this.#entryCount);
      if (this.#numberBlock(block) === "edges") changed = "edges";
    }
    this.#writer.finish(func, cfg);
    this.#resolveArguments(func);
    return changed;
  }

  #prepare(count: number): void {
    let size = 256;
    while (size < count) size *= 2;
    if (size > this.#heads.length) this.#heads = new Int32Array(size);
    this.#mask = size - 1;
    this.#heads.fill(NONE, 0, size);
    this.#entryCount = 0;
    this.#recentCount = 0;
    this.#open.reset();
    this.#marks.reset();
  }

  // Closes blocks until only those above `depth` are open.
  #leaveTo(depth: number): void {
    while (this.#open.length > depth) {
      this.#open.pop();
      const mark = this.#marks.pop();
      while (this.#entryCount > mark) {
        const entry = --this.#entryCount;
        this.#heads[this.#entrySlot[entry]] = this.#entryNext[entry];
      }
    }
  }

  #numberBlock(block: number): Changed {
    const { func } = this;
    const memory = this.#memory;
    const writer = this.#writer;
    writer.startBlock(block);
    memory.enter(block);
    const end = func.blockEnd[block];
    let changed: Changed = "instructions";
    for (let i = func.blockStart[block]; i < end; i++) {
      const value = func.order[i];
      resolveOperands(func, value);
      this.site = func.site[value];
      const op = func.op[value];
      if (isTerminator(op)) writer.push(value);
      else if (this.#alwaysTraps(value)) {
        func.op[value] = Ir.trap;
        func.a[value] = NONE;
        writer.push(value);
        changed = "edges";
        break;
      } else this.#number(value);
    }
    memory.leave(block);
    return changed;
  }

  #alwaysTraps(value: number): boolean {
    const { func } = this;
    const op = func.op[value];
    if (op !== Ir.trap_if && op !== Ir.trap_unless) return false;
    const condition = func.a[value];
    return func.op[condition] === Ir.iconst && (func.imm[condition] !== 0) === (op === Ir.trap_if);
  }

  // Folds, looks up, or keeps one instruction.
  #number(value: number): void {
    const { func } = this;
    const op = func.op[value];
    const rule = FOLD_RULES[op];
    if (rule !== null) {
      const folded = rule(
        this,
        func.type[value],
        func.a[value],
        func.b[value],
        func.c[value],
        func.imm[value],
        func.aux[value],
      );
      if (folded !== NONE) {
        if (func.type[value] !== VOID) func.replaceWith(value as Value, folded as Value);
        return; // an effect was emitted in its place, or dropped
      }
    }
    if (!this.#isKeyed(op, func.aux[value])) {
      this.#keep(value);
      return;
    }
    const version = this.#version(op, func.type[value], func.aux[value]);
    const known = this.#find(
      op,
      func.type[value],
      func.a[value],
      func.b[value],
      func.c[value],
      func.imm[value],
      func.aux[value],
      version,
    );
    if (known !== NONE) {
      if (func.type[value] !== VOID) func.replaceWith(value as Value, known as Value);
      return;
    }
    this.#keep(value);
    this.#insert(value, value, version);
  }

  #keep(value: number): void {
    const { func } = this;
    const op = func.op[value];
    this.#writer.push(value);
    if (!isStore(op)) return this.#memory.pass(op, func.aux[value]);
    const region = memRegion(func.aux[value]);
    const before = this.#memory.current[region];
    this.#memory.pass(op, func.aux[value]);
    this.#carryOver(value, before, this.#memory.current[region]);
    if (op === Ir.store) this.#forward(value);
  }

  // What was loaded from, or stored to, other bytes at the same base and index is known in the new version as well; so is what stands at
  // another place of any object, if the indices are references: each is where an object begins, and objects do not overlap.
  #carryOver(store: number, before: number, after: number): void {
    const { func } = this;
    const recent = this.#recent;
    const low = func.imm[store] >>> 0;
    const high = low + accessBytes(func, store);
    const end = this.#recentCount;
    for (let i = Math.max(0, end - RECENT); i < end; i++) {
      const entry = recent[i & (RECENT - 1)];
      // An entry that went out of scope may have been overwritten by any other.
      if (entry >= this.#entryCount || this.#entryVersion[entry] !== before) continue;
      const key = this.#entryKey[entry];
      if (!isLoad(func.op[key]) || memRegion(func.aux[key]) !== memRegion(func.aux[store])) continue;
      if (func.a[key] !== func.a[store]) continue;
      if (func.b[key] !== func.b[store] && !(this.#isReference(func.b[key]) && this.#isReference(func.b[store]))) {
        continue;
      }
      const from = func.imm[key] >>> 0;
      if (from < high && low < from + accessBytes(func, key)) continue;
      this.#insert(key, this.#entryValue[entry], after);
    }
  }

  #isReference(index: number): boolean {
    return index !== NONE && this.func.type[index] === REF;
  }

  // A full-width store answers the load of the same type that follows it. The load that serves as the key stands nowhere.
  #forward(store: number): void {
    const { func } = this;
    const stored = func.c[store];
    if (func.type[stored] === ADDR) return; // its definition may lie before a call (IR-5)
    const key = func.add(
      Ir.load,
      func.type[stored],
      func.a[store],
      func.b[store],
      NONE,
      func.imm[store],
      func.aux[store],
      func.site[store],
    );
    this.#insert(key, stored, this.#version(Ir.load, func.type[stored], func.aux[store]));
  }

  override append(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number): Value {
    const { func } = this;
    if (!this.#isKeyed(op, aux)) {
      const value = func.add(op, type, a, b, c, imm, aux, this.site);
      this.#keep(value);
      return value;
    }
    const version = this.#version(op, type, aux);
    const known = this.#find(op, type, a, b, c, imm, aux, version);
    if (known !== NONE) return known as Value;
    const value = func.add(op, type, a, b, c, imm, aux, this.site);
    this.#keep(value);
    this.#insert(value, value, version);
    return value;
  }

  #isKeyed(op: IrOp, aux: number): boolean {
    return canNumber(op) || isLoad(op) || isConstantLoad(op, aux);
  }

  // The memory version that is part of the key.
  #version(op: IrOp, type: Type, aux: number): number {
    const { current } = this.#memory;
    if (isLoad(op)) {
      const region = memRegion(aux);
      if (region !== 0) return current[region]; // changes at calls as well
      return type === ADDR ? current[0] : 0;
    }
    return type === ADDR && op !== Ir.vmctx && op !== Ir.vmctx_addr ? current[0] : 0;
  }

  #find(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number, version: number): number {
    const { func } = this;
    if (isLoad(op)) aux = memFlags(0, memRegion(aux)); // which trap it would have been does not matter: the first access did not
    const commutes = (EFFECTS[op] & COMMUTES) !== 0;
    for (
      let entry = this.#heads[this.#slot(op, type, a, b, c, imm, aux, version)];
      entry !== NONE;
      entry = this.#entryNext[entry]
    ) {
      const key = this.#entryKey[entry];
      if (this.#entryVersion[entry] !== version || func.op[key] !== op || func.type[key] !== type) continue;
      if (func.imm[key] !== imm || func.c[key] !== c) continue;
      const keyAux = func.aux[key];
      if ((isLoad(op) ? memFlags(0, memRegion(keyAux)) : keyAux) !== aux) continue;
      if (func.a[key] === a && func.b[key] === b || commutes && func.a[key] === b && func.b[key] === a) {
        return this.#entryValue[entry];
      }
    }
    return NONE;
  }

  #insert(key: number, value: number, version: number): void {
    const { func } = this;
    const op = func.op[key];
    const aux = isLoad(op) ? memFlags(0, memRegion(func.aux[key])) : func.aux[key];
    const slot = this.#slot(op, func.type[key], func.a[key], func.b[key], func.c[key], func.imm[key], aux, version);
    const entry = this.#entryCount++;
    if (entry === this.#entryValue.length) {
      this.#entryValue = growInt32(this.#entryValue, entry + 1);
      this.#entryVersion = growInt32(this.#entryVersion, entry + 1);
      this.#entryKey = growInt32(this.#entryKey, entry + 1);
      this.#entryNext = growInt32(this.#entryNext, entry + 1);
      this.#entrySlot = growInt32(this.#entrySlot, entry + 1);
    }
    this.#entryValue[entry] = value;
    this.#entryVersion[entry] = version;
    this.#entryKey[entry] = key;
    this.#entryNext[entry] = this.#heads[slot];
    this.#entrySlot[entry] = slot;
    this.#heads[slot] = entry;
    if (isLoad(op)) this.#recent[this.#recentCount++ & (RECENT - 1)] = entry;
  }

  #slot(op: IrOp, type: Type, a: number, b: number, c: number, imm: number, aux: number, version: number): number {
    if ((EFFECTS[op] & COMMUTES) !== 0 && a > b) {
      const swap = a;
      a = b;
      b = swap;
    }
    let hash = Math.imul(op << 4 | type, 0x9e3779b1) ^ Math.imul(a, 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35);
    hash = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d) ^ Math.imul(c, 0x27d4eb2f) ^ Math.imul(imm, 0x165667b1) ^
      Math.imul(aux, 0x9e3779b1);
    hash = Math.imul(hash ^ hash >>> 13 ^ version, 0x297a2d39);
    return (hash ^ hash >>> 15) & this.#mask;
  }

  // GVN-1: a back edge's arguments were resolved before their definitions, further down the dominator tree, were numbered.
  #resolveArguments(func: Func): void {
    for (let i = 0; i < func.orderLength; i++) {
      const value = func.order[i];
      if (func.op[value] === Ir.jump) resolveOperands(func, value);
    }
  }
}
