/** Expressions of random bodies: nodes that leave one value, or a given list of values. */

import type { OpName } from "../../../lib/wasm/mod.ts";
import { BodyBase } from "./body_base.ts";
import { SHOWS_BITS } from "./nan_bits.ts";
import { type NumericRow, ROWS_BY_RESULT } from "./numeric_rows.ts";
import { PAGE_BYTES } from "./program.ts";
import { EDGES } from "./values.ts";
import { relaxedOperation } from "./relaxed_rows.ts";
import { laneImmediates, VECTOR_ROWS_BY_RESULT, type VectorRow, type VectorType } from "./vector_rows.ts";
import {
  constant,
  type FuncImport,
  type FuncTree,
  type Immediate,
  isReference,
  type Label,
  memarg,
  type Node,
  node,
  selectTyped,
  type Signature,
  type TypeName,
  unsigned,
} from "./wasm_tree.ts";

function isNumberOrVector(type: TypeName): type is VectorType {
  return !isReference(type);
}

/** Makes expressions. */
export abstract class Expressions extends BodyBase {
  protected abstract block(
    op: "block" | "loop",
    params: readonly TypeName[],
    results: readonly TypeName[],
    depth: number,
  ): Node;
  protected abstract if(params: readonly TypeName[], results: readonly TypeName[], depth: number): Node;
  protected abstract jump(types: readonly TypeName[], depth: number): Node;
  protected abstract objectExpression(type: TypeName, depth: number): Node;
  protected abstract objectQuery(depth: number): Node;
  protected abstract stored(type: TypeName, depth: number): Node | undefined;
  protected abstract calleeReference(callee: FuncTree | FuncImport, depth: number): Node | undefined;

  protected values(types: readonly TypeName[], depth: number): Node[] {
    const random = this.random;
    const all: Node[] = [];
    for (let i = 0; i < types.length; i++) {
      // Sometimes one instruction gives all that is left.
      const rest = types.slice(i);
      if (rest.length > 1 && rest.length < 6 && depth > 1 && this.budget > 0 && random.oneIn(4)) {
        const callees = this.callees((signature) => `${signature.results}` === `${rest}`);
        const made = callees.length > 0 && random.oneIn(2)
          ? this.call(random.pick(callees), depth - 1)
          : random.oneIn(2)
          ? this.block(random.pick(["block", "loop"]), this.someTypes(2), rest, depth - 1)
          : this.if(this.someTypes(2), rest, depth - 1);
        return [...all, made];
      }
      all.push(this.expression(types[i], depth));
    }
    return all;
  }

  protected condition(depth: number): Node {
    return this.random.oneIn(4) ? this.test(depth) : this.expression("i32", depth);
  }

  // Nested comparisons of the same two values: what one says decides others. Each way through leaves its own number.
  protected decisions(): Node[] {
    const random = this.random;
    const type = random.oneIn(3) ? "i64" : "i32";
    const locals = this.locals.map((_, i) => i).filter((i) => this.locals[i] === type);
    const targets = this.settable("i32");
    if (locals.length === 0 || targets.length === 0) return [];
    const target = random.pick(targets);
    // Parameters rather than locals, which are often zero still.
    const first = () => random.pick(random.oneIn(4) ? locals : locals.slice(0, 3));
    const x = first();
    let y = first();
    if (x === y) y = first();
    const comparesPair = random.oneIn(2);
    const some = (local: number) => node("local.get", [type], [], unsigned(local));
    const bounds = Array.from({ length: 2 }, () => random.pick(EDGES[type]));
    const right = () =>
      comparesPair && !random.oneIn(6)
        ? some(y)
        : constant(type, random.pick(bounds) + BigInt(random.oneIn(2) ? 0 : random.below(3) - 1));
    const test = () => {
      const cond = random.pick(["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"] as const);
      return node(`${type}.${cond}`, ["i32"], random.oneIn(5) ? [right(), some(x)] : [some(x), right()]);
    };
    const tree = (levels: number): Node => {
      if (levels === 0) return this.i32(random.below(1000));
      const condition = random.oneIn(4)
        ? node(random.pick(["i32.and", "i32.or"]), ["i32"], [test(), test()])
        : random.oneIn(4)
        ? node("i32.eqz", ["i32"], [test()])
        : test();
      if (random.oneIn(6)) return node("select", ["i32"], [tree(levels - 1), tree(levels - 1), condition]);
      const label: Label = { types: ["i32"] };
      return this.blockNode("if", ["i32"], [condition], {
        label,
        params: [],
        body: [tree(levels - 1)],
        otherwise: [tree(levels - 1)],
      });
    };
    const decided = node("local.set", [], [tree(2 + random.below(3))], unsigned(target));
    return random.oneIn(4) ? [decided] : [decided, ...this.mix(this.local("i32", target))];
  }

  // A comparison of one of few locals with another, or with one of few numbers: nested conditions decide each other.
  protected test(depth: number): Node {
    const random = this.random;
    const type = random.oneIn(4) ? "i64" : "i32";
    const locals = this.locals.map((_, i) => i).filter((i) => this.locals[i] === type).slice(0, 3);
    if (locals.length === 0) return this.comparison(depth);
    const some = (): Node => {
      const local = node("local.get", [type], [], unsigned(random.pick(locals)));
      switch (random.below(8)) {
        case 0:
          return node(`${type}.and`, [type], [local, constant(type, random.pick([7n, 15n, 255n, 0x7fffffffn]))]);
        case 1:
          return node(`${type}.add`, [type], [local, constant(type, BigInt(random.below(9) - 4))]);
        case 2:
          return node(`${type}.shr_u`, [type], [local, constant(type, BigInt(random.below(8)))]);
        default:
          return local;
      }
    };
    const bound = random.oneIn(3) ? some() : constant(
      type,
      random.pick([0n, 1n, 7n, 8n, 9n, 100n, -1n, 0x7fffffffn, -0x80000000n]) + BigInt(random.below(3) - 1),
    );
    const cond = random.pick(["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"] as const);
    const test = node(`${type}.${cond}`, ["i32"], random.oneIn(6) ? [bound, some()] : [some(), bound]);
    if (depth <= 0 || random.below(3) > 0) return test;
    return random.oneIn(3)
      ? node("i32.eqz", ["i32"], [test])
      : node(random.pick(["i32.and", "i32.or", "i32.xor"]), ["i32"], [test, this.test(depth - 2)]);
  }

  protected expression(type: TypeName, depth: number): Node {
    if (this.budget-- <= 0 || depth <= 0) return this.leaf(type);
    const random = this.random;
    if (type === "funcref" || type === "externref") return this.reference(type, depth);
    if (!isNumberOrVector(type)) return this.objectExpression(type, depth);
    if (random.oneIn(300)) return this.jump([type], depth - 1);
    const isVectorRow = type !== "v128" && this.style.hasVectors && random.oneIn(8);
    if (type === "i32" && random.oneIn(14)) return this.wrapped(depth);
    if (this.hasObjectTypes && type === "i32" && random.oneIn(8)) return this.objectQuery(depth);
    if (this.style.hasObjects && random.oneIn(8)) {
      const stored = this.stored(type, depth);
      if (stored !== undefined) return stored;
    }
    if (type === "v128" && this.style.hasRelaxed && random.oneIn(6)) {
      return relaxedOperation(random, () => this.expression("v128", depth - 2));
    }
    if (isVectorRow) return this.vectorRow(random.pick(VECTOR_ROWS_BY_RESULT[type]), depth);
    switch (random.below(20)) {
      case 0:
      case 1:
      case 2:
        return this.leaf(type);
      case 3: {
        const locals = this.settable(type);
        if (locals.length === 0) return this.leaf(type);
        return node("local.tee", [type], [this.expression(type, depth - 1)], unsigned(random.pick(locals)));
      }
      case 4: {
        const args = [this.expression(type, depth - 1), this.expression(type, depth - 1), this.condition(depth - 1)];
        return random.oneIn(5) ? selectTyped(type, args) : node("select", [type], args);
      }
      case 5:
        return random.oneIn(2)
          ? this.block(random.pick(["block", "loop"]), this.someTypes(2), [type], depth)
          : this.if(this.someTypes(2), [type], depth);
      case 6: {
        const callees = this.callees(({ results }) => results.length === 1 && results[0] === type);
        return callees.length === 0 ? this.leaf(type) : this.call(random.pick(callees), depth);
      }
      case 7: {
        const labels = this.labels.filter(({ types }) => types.length === 1 && types[0] === type);
        if (labels.length === 0) return this.leaf(type);
        const args = [this.expression(type, depth - 1), this.condition(depth - 1)];
        return node("br_if", [type], args, { label: random.pick(labels) });
      }
      case 8:
        if (type === "v128") return this.vectorRow(random.pick(VECTOR_ROWS_BY_RESULT[type]), depth);
        if (type === "i32") return this.integerQuery(depth);
        return this.row(random.pick(ROWS_BY_RESULT[type]), depth);
      case 9:
        if (type === "i32") return random.oneIn(2) ? this.test(depth) : this.comparison(depth);
        if (type === "i64") return this.widened(depth);
        if (type === "v128") return this.vectorRow(random.pick(VECTOR_ROWS_BY_RESULT[type]), depth);
        return this.row(random.pick(ROWS_BY_RESULT[type]), depth);
      default:
        if (type === "v128") return this.vectorRow(random.pick(VECTOR_ROWS_BY_RESULT[type]), depth);
        return this.row(random.pick(ROWS_BY_RESULT[type]), depth);
    }
  }

  // An i32 whose register has something in its upper half.
  protected wrapped(depth: number): Node {
    const random = this.random;
    const high = constant("i64", BigInt(random.next()) << 32n | BigInt(random.below(2)));
    const low = random.oneIn(2) ? this.widened(depth - 1) : this.expression("i64", depth - 1);
    const op = random.pick(["i64.or", "i64.xor", "i64.add"] as const);
    return node("i32.wrap_i64", ["i32"], [node(op, ["i64"], [low, high])]);
  }

  protected comparison(depth: number): Node {
    const random = this.random;
    const rows = ROWS_BY_RESULT.i32.filter(({ operands, accessBytes }) =>
      accessBytes === 0 && operands[0] !== undefined
    );
    const compared = rows.filter(({ name }) => /\.(eq|ne|lt|gt|le|ge)/.test(name));
    const made = this.row(random.pick(compared), depth);
    return random.oneIn(3) ? node("i32.eqz", ["i32"], [made]) : made;
  }

  protected widened(depth: number): Node {
    const op = this.random.pick(["i64.extend_i32_u", "i64.extend_i32_s"] as const);
    return node(op, ["i64"], [this.expression("i32", depth - 1)]);
  }

  protected integerQuery(depth: number): Node {
    const { tables, memories } = this.module;
    const table = this.random.below(tables.length);
    switch (this.random.below(6)) {
      case 0:
        return memories.length === 0 ? this.leaf("i32") : node("memory.size", ["i32"], [], unsigned(0));
      case 1:
        return memories.length === 0 ? this.leaf("i32") : this.grow("memory.grow", [], depth);
      case 2:
        return node("table.size", ["i32"], [], unsigned(table));
      case 3:
        return memories.length > 0 && this.style.hasAtomics ? this.notify(depth) : this.leaf("i32");
      default: {
        const type = this.random.pick(["funcref", "externref"] as const);
        return node("ref.is_null", ["i32"], [this.expression(type, depth - 1)]);
      }
    }
  }

  // Nobody waits: what counts is the check of the address.
  protected notify(depth: number): Node {
    const start = node("i32.and", ["i32"], [this.expression("i32", depth - 1), this.i32(0xfffc)]);
    return node("memory.atomic.notify", ["i32"], [start, this.expression("i32", depth - 1)], memarg(0, 2));
  }

  protected reference(type: "funcref" | "externref", depth: number): Node {
    const random = this.random;
    if (this.style.hasObjects && random.oneIn(4)) {
      if (type === "externref") return node("extern.convert_any", [type], [this.expression("anyref", depth - 1)]);
      const stored = this.stored(type, depth);
      if (stored !== undefined) return stored;
    }
    const { tables } = this.module;
    const fitting = tables.map((_, i) => i).filter((i) => tables[i].type === type);
    switch (random.below(6)) {
      case 0:
      case 1:
        if (fitting.length === 0) return this.leaf(type);
        return node("table.get", [type], [this.tableIndex(depth)], unsigned(random.pick(fitting)));
      case 2:
        return selectTyped(type, [
          this.expression(type, depth - 1),
          this.expression(type, depth - 1),
          this.condition(depth - 1),
        ]);
      case 3:
        return this.block("block", [], [type], depth);
      default:
        return this.leaf(type);
    }
  }

  protected vectorRow(row: VectorRow, depth: number): Node {
    const { name, operands, result, accessBytes, openNans } = row;
    if (accessBytes > 0 && this.module.memories.length === 0) return this.leaf(result!);
    const args = operands.map((type, i) =>
      accessBytes > 0 && i === 0 ? this.address(depth) : this.shown(this.expression(type, depth - 1))
    );
    const immediates = laneImmediates(row, this.random);
    if (accessBytes > 0) immediates.unshift(this.offset(this.random.below(Math.log2(accessBytes) + 1)));
    const made = node(name, result === undefined ? [] : [result], args, ...immediates);
    return openNans === undefined ? made : this.shownLanes(openNans, made);
  }

  protected row({ name, operands, result, accessBytes, canTrap }: NumericRow, depth: number): Node {
    const types = result === undefined ? [] : [result];
    if (accessBytes > 0 && this.module.memories.length === 0) return this.leaf(result!);
    const args = operands.map((type, i) =>
      accessBytes > 0 && i === 0 ? this.address(depth) : this.expression(type, depth - 1)
    );
    if (accessBytes === 0 && !canTrap && args.length === 2 && operands[0] === operands[1] && this.random.oneIn(8)) {
      args[1] = this.leaf(operands[1]);
    }
    const shown = SHOWS_BITS[name];
    if (shown !== undefined) args[shown] = this.shown(args[shown]);
    if (accessBytes > 0) return node(name, types, args, this.offset(this.random.below(Math.log2(accessBytes) + 1)));
    if (canTrap) this.tame(name, args);
    return node(name, types, args);
  }

  // Makes most operands of trapping operations harmless: else nearly every call would end at the first.
  protected tame(name: OpName, args: Node[]): void {
    if (this.random.oneIn(12)) return;
    if (/div|rem/.test(name)) {
      const type = name.startsWith("i32") ? "i32" : "i64";
      if (this.random.oneIn(2)) {
        const divisor = this.random.pick([
          1n,
          2n,
          3n,
          4n,
          5n,
          7n,
          10n,
          16n,
          100n,
          255n,
          1000n,
          65536n,
          -1n,
          -2n,
          -7n,
          0x7fffffffn,
          -0x80000000n,
        ]);
        args[1] = constant(type, divisor);
        if (/_s$/.test(name) && divisor === -1n) {
          args[0] = node(`${type}.shr_s`, [type], [args[0], constant(type, 1n)]);
        }
      } else {
        args[0] = node(`${type}.shr_s`, [type], [args[0], constant(type, 1n)]);
        args[1] = node(`${type}.or`, [type], [args[1], constant(type, 1n)]);
      }
      return;
    }
    const from = name.includes("f32") ? "f32" : "f64";
    const isUnsigned = name.endsWith("_u");
    const narrow = node("i32.shr_u", ["i32"], [
      this.expression("i32", 1),
      this.i32(this.random.below(8) + (isUnsigned ? 1 : 0)),
    ]);
    args[0] = node(`${from}.convert_i32_${isUnsigned ? "u" : "s"}`, [from], [narrow]);
  }

  protected address(depth: number): Node {
    const random = this.random;
    const value = () => this.expression("i32", depth - 1);
    const limited = (mask: number) => node("i32.and", ["i32"], [value(), this.i32(mask)]);
    switch (random.below(12)) {
      case 0:
        return random.oneIn(6) ? value() : limited(0xffff);
      case 1: {
        if (!random.oneIn(4)) return limited(0x1ffc);
        // At the end of memory, one byte more or less.
        const pages = 1 + random.below(2);
        return this.i32(pages * PAGE_BYTES - random.below(10));
      }
      case 2:
        return node("i32.shl", ["i32"], [limited(0xff), this.i32(random.below(6))]);
      case 3:
        return node("i32.add", ["i32"], [
          node("i32.shl", ["i32"], [limited(0xff), this.i32(random.below(4))]),
          this.chance(limited(0xfff)),
        ]);
      case 4:
        return node("i32.sub", ["i32"], [limited(0xfff), this.i32(random.pick([1, 4, 8, -16, 100]))]);
      case 5:
        return node("i32.wrap_i64", ["i32"], [
          node("i64.or", ["i64"], [
            node("i64.and", ["i64"], [this.expression("i64", depth - 1), constant("i64", 0xfffn)]),
            constant("i64", random.oneIn(2) ? 0n : BigInt(random.next()) << 32n),
          ]),
        ]);
      case 6:
        return node("i32.shr_u", ["i32"], [value(), this.i32(16 + random.below(10))]);
      case 7:
        return node("i32.add", ["i32"], [limited(0xfff), this.i32(random.pick([0, 8, 0x7fff, -4, -0x1000]))]);
      case 8: {
        const locals = this.locals.map((_, i) => i).filter((i) => this.locals[i] === "i32");
        if (locals.length === 0) return limited(0xfff);
        return node("i32.and", ["i32"], [
          node("local.get", ["i32"], [], unsigned(random.pick(locals))),
          this.i32(0x7ff8),
        ]);
      }
      default:
        return limited(0xfff);
    }
  }

  protected chance(value: Node): Node {
    return this.random.oneIn(3) ? this.i32(this.random.below(4096)) : value;
  }

  protected offset(alignLog2 = 0): Immediate {
    const random = this.random;
    if (random.oneIn(60)) {
      return memarg(
        random.pick([0xffff, 0x10000, 0xfff8, 0x20000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 0x7ffffff8]),
        alignLog2,
      );
    }
    return memarg(random.oneIn(3) ? 0 : random.below(64), alignLog2);
  }

  protected callees(accepts: (signature: Signature) => boolean): (FuncTree | FuncImport)[] {
    const { funcs, funcImports } = this.module;
    return [...funcs, ...funcImports].filter(({ signature }) => accepts(signature));
  }

  protected call(callee: FuncTree | FuncImport, depth: number): Node {
    const random = this.random;
    const { signature } = callee;
    const args = this.values(signature.params, depth - 1);
    if (random.oneIn(2)) return node("call", signature.results, args, { func: callee });
    if (this.style.hasFunctionReferences && random.oneIn(2)) {
      const reference = this.calleeReference(callee, depth);
      if (reference !== undefined) return node("call_ref", signature.results, [...args, reference], { signature });
    }
    const { tables, funcs, funcImports } = this.module;
    const inTables = tables.map((_, i) => i).filter((i) => tables[i].type === "funcref");
    const table = random.oneIn(4) ? random.pick(inTables) : 0;
    const index = [...funcs, ...funcImports].indexOf(callee);
    const wanted = random.oneIn(12) ? random.below(12) : index;
    const element = random.oneIn(12) ? this.expression("i32", depth - 1) : this.i32(wanted);
    return node("call_indirect", signature.results, [...args, element], { signature }, unsigned(table));
  }

  protected tableIndex(depth: number): Node {
    return this.random.oneIn(10) ? this.expression("i32", depth - 1) : this.i32(this.random.below(10));
  }

  protected grow(op: "memory.grow", args: Node[], depth: number): Node {
    const delta = this.random.oneIn(3)
      ? this.expression("i32", depth - 1)
      : this.i32(this.random.pick([0, 1, 1, 2, 3, 65536, -1]));
    return node(op, ["i32"], [...args, delta], unsigned(0));
  }

  protected selector(depth: number): Node {
    const value = this.expression("i32", depth);
    return this.random.oneIn(4) ? value : node("i32.and", ["i32"], [value, this.i32(this.random.pick([3, 7]))]);
  }
}
