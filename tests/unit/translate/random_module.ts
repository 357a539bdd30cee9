/**
 * Random valid modules with much control flow: every regular numeric and memory row of the opcode table, locals, globals, structured control
 * with parameters and results, branches of all kinds, dead code, calls. They end: each loop counts down a shared global and traps below one.
 *
 * Left out: whatever makes the bits of a NaN visible, since the specification leaves them open.
 */

import { CodeBuffer } from "../../../lib/base/mod.ts";
import {
  COMPILED_FEATURES,
  F32,
  F64,
  type FeatureName,
  featureNames,
  I32,
  I64,
  type Immediate,
  OP,
  OPCODES,
  type OpName,
  type ValType,
  writeInstruction,
  writeS64Leb,
  writeU32Leb,
  writeValType,
} from "../../../lib/wasm/mod.ts";

const TYPES: readonly ValType[] = [I32, I64, F32, F64];
const LETTERS: Record<string, ValType> = { i: I32, l: I64, f: F32, d: F64, p: I32 };
const CONST: Record<ValType, OpName> = {
  [I32]: "i32.const",
  [I64]: "i64.const",
  [F32]: "f32.const",
  [F64]: "f64.const",
};
const SHOWS_NANS: readonly OpName[] = [
  "i32.reinterpret_f32",
  "i64.reinterpret_f64",
  "f32.store",
  "f64.store",
  "f32.copysign",
  "f64.copysign",
];
const INTERESTING = [0, 1, 2, -1, 31, 32, 63, 64, 127, 255, 65535, 0x7fffffff, -0x80000000, 1 << 16, 1 << 30];
const FLOATS = [0, 0x3f800000, 0xbf800000, 0x4f000000, 0xcf000000, 0x7f800000, 0x80000000, 0x3f000000, 0x4b800001];

interface Row {
  readonly op: number;
  readonly operands: readonly ValType[];
  readonly isAccess: boolean;
}

/** Regular rows by result type; the ones without result at 0. */
const ROWS: Record<ValType, Row[]> = { 0: [], [I32]: [], [I64]: [], [F32]: [], [F64]: [] };
OPCODES.forEach(([name, , immediates, signature, feature], op) => {
  const known: readonly FeatureName[] = featureNames(COMPILED_FEATURES);
  const isAccess = immediates.startsWith("memarg");
  if (!known.includes(feature) || !/^[ilfdp]*:[ilfd]?$/.test(signature)) return;
  if (immediates !== "" && !isAccess || SHOWS_NANS.includes(name)) return;
  const [operands, result] = signature.split(":");
  if (operands === "") return;
  ROWS[result === "" ? 0 : LETTERS[result]].push({
    op,
    operands: Array.from(operands, (letter) => LETTERS[letter]),
    isAccess,
  });
});

interface Signature {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/** Makes modules from a seed. */
export class RandomModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The signatures of the exported functions "f0", "f1" ... */
  readonly functions: Signature[] = [];
  /** The number of exported mutable globals "g0", "g1" ...: the first is the fuel. */
  static readonly GLOBAL_TYPES: readonly ValType[] = [I32, I32, I64, F64];

  /** Rounds of loops until a trap; to be set anew before each call. */
  static readonly FUEL = 100;

  #state: number;
  #out = new CodeBuffer();
  readonly #types: Signature[] = [];
  #locals: ValType[] = [];
  #labels: (readonly ValType[])[] = [];
  #budget = 0;

  constructor(seed: number) {
    this.#state = seed * 2654435761 + 1 | 0;
    const bodies: Uint8Array[] = [];
    const count = 1 + this.below(3);
    for (let i = 0; i < count; i++) bodies.push(this.#body());
    this.bytes = this.#module(bodies);
  }

  /** A random integer from 0 to `limit` - 1. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }

  /** One of the elements. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  #someTypes(limit: number): ValType[] {
    return Array.from({ length: this.below(limit + 1) }, () => this.pick(TYPES));
  }

  #typeIndex(signature: Signature): number {
    const key = JSON.stringify(signature);
    const known = this.#types.findIndex((type) => JSON.stringify(type) === key);
    return known >= 0 ? known : this.#types.push(signature) - 1;
  }

  #emit(name: OpName, ...immediates: Immediate[]): void {
    writeInstruction(this.#out, OP[name], immediates);
  }

  #index(kind: "local" | "global" | "label" | "func", value: number): Immediate {
    return { kind, value };
  }

  // A body: local declarations and code.
  #body(): Uint8Array {
    const signature = { params: this.#someTypes(4), results: this.#someTypes(3) };
    const extra = [I32, ...this.#someTypes(8)];
    this.#locals = [...signature.params, ...extra];
    this.#labels = [signature.results];
    this.#budget = 100 + this.below(900);
    this.#out = new CodeBuffer();
    writeU32Leb(this.#out, extra.length);
    for (const type of extra) {
      writeU32Leb(this.#out, 1);
      writeValType(this.#out, type);
    }
    for (let i = 0; i < 4; i++) this.#statements(10);
    for (const type of signature.results) this.#expression(type, 4);
    this.#emit("end");
    this.functions.push(signature);
    return this.#out.toBytes();
  }

  #statements(depth: number): void {
    for (let count = this.below(5); count > 0; count--) this.#statement(depth);
  }

  #statement(depth: number): void {
    if (this.#budget-- <= 0 || depth <= 0) return;
    switch (this.below(14)) {
      case 0:
      case 1:
      case 2:
        return this.#localSet(depth);
      case 3: {
        const row = this.pick(ROWS[0]);
        return this.#row(row, depth - 1);
      }
      case 4: {
        const global = 1 + this.below(RandomModule.GLOBAL_TYPES.length - 1);
        this.#expression(RandomModule.GLOBAL_TYPES[global], depth - 1);
        return this.#emit("global.set", this.#index("global", global));
      }
      case 5:
      case 6:
        return this.#block("block", { params: [], results: [] }, depth);
      case 7:
      case 8:
        return this.#block("loop", { params: [], results: [] }, depth);
      case 9:
      case 10:
        return this.#if({ params: [], results: [] }, depth);
      case 11:
        return this.below(4) === 0 ? this.#branch(depth) : this.#localSet(depth);
      case 12:
        return this.#branchIf(depth);
      default:
        this.#expression(this.pick(TYPES), depth - 1);
        return this.#emit("drop");
    }
  }

  #localSet(depth: number): void {
    const local = this.below(this.#locals.length);
    this.#expression(this.#locals[local], depth - 1);
    this.#emit("local.set", this.#index("local", local));
  }

  // Pushes a value of each type.
  #values(types: readonly ValType[], depth: number): void {
    for (const type of types) this.#expression(type, depth);
  }

  // Blocks: operands for the parameters come first; the results stay.
  #block(name: "block" | "loop", signature: Signature, depth: number): void {
    this.#values(signature.params, depth - 2);
    this.#emit(name, { kind: "block", value: { typeIndex: this.#typeIndex(signature) } });
    this.#labels.push(name === "loop" ? signature.params : signature.results);
    if (name === "loop") this.#burnFuel();
    this.#arm(signature, depth);
    this.#labels.pop();
    this.#emit("end");
  }

  // Code from a block's parameters to its results.
  #arm({ params, results }: Signature, depth: number): void {
    for (let i = params.length - 1; i >= 0; i--) this.#consume(params[i]);
    this.#statements(depth - 1);
    this.#values(results, depth - 2);
  }

  // Pops a value, into a local of its type if there is one.
  #consume(type: ValType): void {
    const candidates = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type);
    if (candidates.length === 0) this.#emit("drop");
    else this.#emit("local.set", this.#index("local", this.pick(candidates)));
  }

  #burnFuel(): void {
    this.#emit("global.get", this.#index("global", 0));
    this.#emit("i32.const", { kind: "i32", value: 1 });
    this.#emit("i32.sub");
    this.#emit("global.set", this.#index("global", 0));
    this.#emit("global.get", this.#index("global", 0));
    this.#emit("i32.const", { kind: "i32", value: 0 });
    this.#emit("i32.le_s");
    this.#emit("if", { kind: "block", value: { result: 0 } });
    this.#emit("unreachable");
    this.#emit("end");
  }

  #if(signature: Signature, depth: number): void {
    this.#values(signature.params, depth - 2);
    this.#expression(I32, depth - 2);
    this.#emit("if", { kind: "block", value: { typeIndex: this.#typeIndex(signature) } });
    this.#labels.push(signature.results);
    this.#arm(signature, depth);
    const isNeutral = signature.params.join() === signature.results.join();
    if (!isNeutral || this.below(2) === 0) {
      this.#emit("else");
      this.#arm(signature, depth);
    }
    this.#labels.pop();
    this.#emit("end");
  }

  #label(depth: number): readonly ValType[] {
    return this.#labels[this.#labels.length - 1 - depth];
  }

  // An unconditional branch of some kind; what follows is dead.
  #branch(depth: number): void {
    const label = this.below(this.#labels.length);
    switch (this.below(4)) {
      case 0:
        this.#values(this.#labels[0], depth - 2);
        return this.#emit("return");
      case 1: {
        const key = this.#label(label).join();
        const alike = this.#labels.map((_, i) => i).filter((i) => this.#label(i).join() === key);
        this.#values(this.#label(label), depth - 2);
        this.#expression(I32, depth - 2);
        const value = Array.from({ length: 1 + this.below(5) }, () => this.pick(alike));
        return this.#emit("br_table", { kind: "labels", value });
      }
      default:
        this.#values(this.#label(label), depth - 2);
        return this.#emit("br", this.#index("label", label));
    }
  }

  #branchIf(depth: number): void {
    const label = this.below(this.#labels.length);
    const types = this.#label(label);
    this.#values(types, depth - 2);
    this.#expression(I32, depth - 2);
    this.#emit("br_if", this.#index("label", label));
    for (let i = types.length - 1; i >= 0; i--) this.#consume(types[i]);
  }

  // Leaves one value of `type`.
  #expression(type: ValType, depth: number): void {
    if (this.#budget-- <= 0 || depth <= 0) return this.#leaf(type);
    switch (this.below(12)) {
      case 0:
      case 1:
        return this.#leaf(type);
      case 2: {
        const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type);
        if (locals.length === 0) return this.#leaf(type);
        this.#expression(type, depth - 1);
        return this.#emit("local.tee", this.#index("local", this.pick(locals)));
      }
      case 3:
        this.#values([type, type, I32], depth - 1);
        return this.#emit("select");
      case 4:
        return this.#block(
          this.pick(["block", "loop"] as const),
          { params: this.#someTypes(2), results: [type] },
          depth,
        );
      case 5:
        return this.#if({ params: this.#someTypes(2), results: [type] }, depth);
      case 6:
        return this.#call(type, depth);
      case 7:
        this.#block("block", { params: [], results: [type, type] }, depth);
        this.#expression(I32, depth - 1);
        return this.#emit("select");
      default:
        return this.#row(this.pick(ROWS[type]), depth - 1);
    }
  }

  #call(type: ValType, depth: number): void {
    const callees = this.functions.map((_, i) => i).filter((i) => this.functions[i].results.at(-1) === type);
    if (callees.length === 0) return this.#leaf(type);
    const callee = this.pick(callees);
    const { params, results } = this.functions[callee];
    this.#values(params, depth - 1);
    if (this.below(2) === 0) this.#emit("call", this.#index("func", callee));
    else {
      // The last two of four elements are of another type, and null.
      this.#emit("i32.const", { kind: "i32", value: this.below(30) === 0 ? this.below(8) : callee });
      this.#emit("call_indirect", { kind: "type", value: this.#typeIndex({ params, results }) }, {
        kind: "table",
        value: 0,
      });
    }
    // All results but the last lie below it.
    this.#consumeBelow(results, type);
  }

  #consumeBelow(results: readonly ValType[], type: ValType): void {
    if (results.length === 1) return;
    const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type);
    if (locals.length === 0) {
      for (let i = 0; i < results.length; i++) this.#emit("drop");
      return this.#leaf(type);
    }
    const kept = this.pick(locals);
    this.#emit("local.set", this.#index("local", kept));
    for (let i = 1; i < results.length; i++) this.#emit("drop");
    this.#emit("local.get", this.#index("local", kept));
  }

  #row({ op, operands, isAccess }: Row, depth: number): void {
    operands.forEach((type, i) => {
      if (isAccess && i === 0) this.#address(depth);
      else this.#expression(type, depth);
    });
    const offsetLo = this.below(20) === 0 ? this.pick(INTERESTING) : this.below(64);
    const memarg = { alignLog2: 0, memoryIndex: 0, offsetLo, offsetHi: 0 };
    writeInstruction(this.#out, op, isAccess ? [{ kind: "memarg", value: memarg }] : []);
  }

  // Mostly in bounds.
  #address(depth: number): void {
    this.#expression(I32, depth);
    if (this.below(12) === 0) return;
    this.#emit("i32.const", { kind: "i32", value: 0xfff });
    this.#emit("i32.and");
  }

  #leaf(type: ValType): void {
    const locals = this.#locals.map((_, i) => i).filter((i) => this.#locals[i] === type);
    if (locals.length > 0 && this.below(3) !== 0) {
      return this.#emit("local.get", this.#index("local", this.pick(locals)));
    }
    const global = RandomModule.GLOBAL_TYPES.indexOf(type, 1);
    if (global > 0 && this.below(4) === 0) return this.#emit("global.get", this.#index("global", global));
    const name = CONST[type];
    switch (type) {
      case I32:
        return this.#emit(name, { kind: "i32", value: this.#number() });
      case I64:
        return this.#emit(name, { kind: "i64", value: { lo: this.#number(), hi: this.below(2) ? this.#number() : 0 } });
      case F32:
        return this.#emit(name, { kind: "f32", value: this.pick(FLOATS) });
      default:
        return this.#emit(name, {
          kind: "f64",
          value: { lo: 0, hi: this.pick([0, 0x3ff00000, 0xc0000000, 0x41e00000, 0x43e00000]) },
        });
    }
  }

  #number(): number {
    return this.below(2) === 0 ? this.pick(INTERESTING) : this.below(2 ** 31) | 0;
  }

  #module(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    const funcTypes = this.functions.map((signature) => this.#typeIndex(signature));
    const other = this.#typeIndex({ params: [F32, F32, F32], results: [F32, F32] });
    const count = bodies.length;
    const out = new CodeBuffer();
    out.append(new TextEncoder().encode("\0asm"));
    out.u32(1);
    const section = (id: number, write: (content: CodeBuffer) => void) => {
      const content = new CodeBuffer();
      write(content);
      out.u8(id);
      writeU32Leb(out, content.length);
      out.append(content.toBytes());
    };
    const vector = <T>(content: CodeBuffer, items: readonly T[], write: (item: T, index: number) => void) => {
      writeU32Leb(content, items.length);
      items.forEach(write);
    };
    const name = (content: CodeBuffer, text: string) => {
      writeU32Leb(content, text.length);
      content.append(new TextEncoder().encode(text));
    };
    section(1, (s) =>
      vector(s, this.#types, ({ params, results }) => {
        s.u8(0x60);
        vector(s, params, (type) => writeValType(s, type));
        vector(s, results, (type) => writeValType(s, type));
      }));
    section(3, (s) => vector(s, [...funcTypes, other], (type) => writeU32Leb(s, type)));
    section(4, (s) => s.append(Uint8Array.of(1, 0x70, 0, count + 2))); // a table with a null at its end
    section(5, (s) => s.append(Uint8Array.of(1, 1, 1, 1)));
    section(6, (s) =>
      vector(s, RandomModule.GLOBAL_TYPES, (type, index) => {
        writeValType(s, type);
        s.u8(1);
        if (type === I32) {
          s.u8(0x41);
          writeS64Leb(s, index === 0 ? RandomModule.FUEL : 7, 0);
        } else if (type === I64) s.append(Uint8Array.of(0x42, 5));
        else s.append(Uint8Array.of(0x44, 0, 0, 0, 0, 0, 0, 0, 0));
        s.u8(0x0b);
      }));
    section(7, (s) => {
      const exported: [string, number, number][] = [["m", 2, 0]];
      bodies.forEach((_, i) => exported.push([`f${i}`, 0, i]));
      RandomModule.GLOBAL_TYPES.forEach((_, i) => exported.push([`g${i}`, 3, i]));
      vector(s, exported, ([text, kind, index]) => {
        name(s, text);
        s.u8(kind);
        writeU32Leb(s, index);
      });
    });
    section(9, (s) => {
      s.append(Uint8Array.of(1, 0, 0x41, 0, 0x0b));
      vector(s, [...bodies, undefined], (_, index) => writeU32Leb(s, index));
    });
    section(10, (s) => {
      const last = Uint8Array.of(0, 0x00, 0x0b); // unreachable
      vector(s, [...bodies, last], (body) => {
        writeU32Leb(s, body.length);
        s.append(body);
      });
    });
    return out.toBytes();
  }
}
