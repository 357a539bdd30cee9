/** Statements of random bodies that change memories and tables. */

import { Expressions } from "./body_expressions.ts";
import { SHOWS_BITS } from "./nan_bits.ts";
import { ROWS_BY_RESULT, STORE_ROWS } from "./numeric_rows.ts";
import { PAGE_BYTES } from "./program.ts";
import { VECTOR_STORES } from "./vector_rows.ts";
import { memarg, type Node, node, unsigned } from "./wasm_tree.ts";

/** Makes accesses. */
export abstract class Accesses extends Expressions {
  protected abstract statement(depth: number): Node[];
  protected abstract localSet(depth: number): Node[];
  protected abstract objectStatement(depth: number): Node[];

  // a[i] = a[j] op value, where the index is a loop's counter.
  protected elementAccess(counter: number, depth: number): Node[] {
    const random = this.random;
    const type = random.pick(["i32", "i64", "f64"] as const);
    const bases = this.locals.map((_, i) => i).filter((i) => this.locals[i] === "i32" && i !== counter);
    const index = () => node("local.get", ["i32"], [], unsigned(counter));
    const base = bases.length === 0 || random.oneIn(3)
      ? this.i32(random.below(5000))
      : node("i32.and", ["i32"], [node("local.get", ["i32"], [], unsigned(random.pick(bases))), this.i32(0x7ff8)]);
    const scaled = random.oneIn(4)
      ? node("i32.mul", ["i32"], [index(), this.i32(random.pick([3, 4, 8, 12, 24]))])
      : node("i32.shl", ["i32"], [index(), this.i32(random.below(5))]);
    const address = () =>
      random.oneIn(2) ? node("i32.add", ["i32"], [base, scaled]) : node("i32.add", ["i32"], [scaled, base]);
    const load = node(`${type}.load`, [type], [address()], memarg(8 * random.below(3)));
    const op = random.pick(["add", "sub", "mul"] as const);
    const sum = node(`${type}.${op}`, [type], [load, this.expression(type, depth - 2)]);
    return [node(`${type}.store`, [], [address(), this.shown(sum)], memarg(8 * random.below(3)))];
  }

  protected store(depth: number): Node {
    if (this.style.hasVectors && this.random.oneIn(3)) return this.vectorRow(this.random.pick(VECTOR_STORES), depth);
    return this.row(this.random.pick(STORE_ROWS), depth);
  }

  // Accesses at constant distances from one local, as structures and arrays make them, with other statements in between: what removes
  // checks, repeated loads and stores in place sees work. Now and then the local's address is at the end of memory.
  protected accessGroup(depth: number): Node[] {
    const random = this.random;
    const locals = this.settable("i32");
    if (locals.length === 0) return [this.store(depth)];
    const local = random.pick(locals);
    const base = () => node("local.get", ["i32"], [], unsigned(local));
    const wasReserved = random.oneIn(2);
    const last = PAGE_BYTES * Math.max(1, this.module.memories[0].min) - random.below(24);
    const all: Node[] = [
      node("local.set", [], [random.oneIn(6) ? this.i32(last) : this.address(depth)], unsigned(local)),
    ];
    if (wasReserved) this.reserved.add(local);
    const offsets = Array.from({ length: 1 + random.below(3) }, () => random.below(24));
    const offset = () => random.oneIn(10) ? this.offset() : memarg(random.pick(offsets));
    for (let count = 1 + random.below(6); count > 0; count--) {
      const shape = random.below(10);
      if (shape >= 8) all.push(...this.overwritten(base, random.pick(offsets), depth));
      else if (shape < 3) all.push(this.update(base, random.pick(offsets), depth));
      else if (shape < 5) {
        const { name, operands } = random.pick(STORE_ROWS);
        const value = this.expression(operands[1], depth - 2);
        all.push(node(name, [], [base(), SHOWS_BITS[name] === undefined ? value : this.shown(value)], offset()));
      } else if (shape < 7) {
        const type = this.someNumber();
        const { name } = random.pick(ROWS_BY_RESULT[type].filter(({ accessBytes }) => accessBytes > 0));
        const value = node(name, [type], [base()], offset());
        const targets = this.settable(type);
        all.push(
          targets.length === 0
            ? node("drop", [], [value])
            : node("local.set", [], [value], unsigned(random.pick(targets))),
        );
      } else all.push(...this.statement(depth - 1));
    }
    if (wasReserved) this.reserved.delete(local);
    return all;
  }

  // A value is loaded, then written over, then used.
  protected overwritten(base: () => Node, offset: number, depth: number): Node[] {
    const random = this.random;
    const type = random.pick(["i32", "i64", "f64"] as const);
    const [loaded, sum] = [this.settable(type), this.settable(type)].map((all) =>
      all.length > 0 ? random.pick(all) : -1
    );
    if (loaded < 0 || sum < 0) return [];
    const get = (index: number) => node("local.get", [type], [], unsigned(index));
    const op = random.pick(["add", "sub", "mul"] as const);
    return [
      node("local.set", [], [node(`${type}.load`, [type], [base()], memarg(offset))], unsigned(loaded)),
      random.oneIn(4)
        ? this.store(depth - 1)
        : node(`${type}.store`, [], [base(), this.shown(this.expression(type, depth - 2))], memarg(offset)),
      node("local.set", [], [node(`${type}.${op}`, [type], [get(sum), get(loaded)])], unsigned(sum)),
    ];
  }

  // x[local] = x[local] op value, of an integer type.
  protected update(base: () => Node, offset: number, depth: number): Node {
    const random = this.random;
    const type = random.pick(["i32", "i64"] as const);
    const op = random.pick(["add", "sub", "and", "or", "xor", "shl", "mul"] as const);
    const load = node(`${type}.load`, [type], [base()], memarg(offset));
    const value = this.expression(type, depth - 2);
    const operands = random.oneIn(3) ? [value, load] : [load, value];
    return node(`${type}.store`, [], [base(), node(`${type}.${op}`, [type], operands)], memarg(offset));
  }

  protected bulkMemory(depth: number): Node[] {
    const random = this.random;
    const { data } = this.module;
    const length = () =>
      random.oneIn(15)
        ? this.expression("i32", depth - 1)
        : random.oneIn(2)
        ? this.i32(random.below(300))
        : node("i32.and", ["i32"], [this.expression("i32", depth - 1), this.i32(0x3f)]);
    switch (random.below(data.length === 0 ? 3 : 5)) {
      case 0:
        return [
          node("memory.fill", [], [this.address(depth), this.expression("i32", depth - 1), length()], unsigned(0)),
        ];
      case 1:
        return [
          node("memory.copy", [], [this.address(depth), this.address(depth), length()], unsigned(0), unsigned(0)),
        ];
      case 2:
        return [node("drop", [], [this.grow("memory.grow", [], depth)])];
      case 3: {
        const segment = random.below(data.length);
        const small = (most: number) => this.i32(random.below(most));
        const { length } = data[segment].bytes;
        return [
          node(
            "memory.init",
            [],
            [this.address(depth), small(length + 1), small(length + 1)],
            unsigned(segment),
            unsigned(0),
          ),
        ];
      }
      default:
        return random.oneIn(3) ? [node("data.drop", [], [], unsigned(random.below(data.length)))] : [];
    }
  }

  // A table to change: seldom the first, which indirect calls rely on.
  protected someTable(): number {
    const { length } = this.module.tables;
    return length === 1 || this.random.oneIn(8) ? 0 : 1 + this.random.below(length - 1);
  }

  protected tableStatement(depth: number): Node[] {
    const random = this.random;
    const { tables, elements } = this.module;
    const table = this.someTable();
    const { type } = tables[table];
    const small = () => random.oneIn(15) ? this.expression("i32", depth - 1) : this.i32(random.below(6));
    switch (random.below(7)) {
      case 0:
      case 1:
        return [node("table.set", [], [this.tableIndex(depth), this.expression(type, depth - 1)], unsigned(table))];
      case 2:
        return [
          node(
            "table.fill",
            [],
            [this.tableIndex(depth), this.expression(type, depth - 1), small()],
            unsigned(table),
          ),
        ];
      case 3: {
        const sources = tables.map((_, i) => i).filter((i) => tables[i].type === type);
        const source = random.pick(sources);
        return [
          node(
            "table.copy",
            [],
            [this.tableIndex(depth), this.tableIndex(depth), small()],
            unsigned(table),
            unsigned(source),
          ),
        ];
      }
      case 4: {
        if (type !== "funcref") return [];
        const segment = random.below(elements.length);
        return [
          node("table.init", [], [this.tableIndex(depth), small(), small()], unsigned(segment), unsigned(table)),
        ];
      }
      case 5:
        return random.oneIn(3) ? [node("elem.drop", [], [], unsigned(random.below(elements.length)))] : [];
      default:
        return [
          node("drop", [], [
            node("table.grow", ["i32"], [this.expression(type, depth - 1), small()], unsigned(table)),
          ]),
        ];
    }
  }
}
