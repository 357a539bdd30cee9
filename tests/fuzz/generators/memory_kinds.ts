/**
 * Makes more kinds of memories and tables of a module that has the usual ones: further memories, 64-bit addresses and indices, atomic
 * accesses. Works on the finished tree, so the generators of bodies need not know.
 */

import { OP, type OpName } from "../../../lib/wasm/mod.ts";
import { MAX_PAGES } from "./program.ts";
import type { Random } from "./random.ts";
import {
  bodiesOf,
  constant,
  type Immediate,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  unsigned,
} from "./wasm_tree.ts";

/** Where an instruction names memories or tables: positions of the immediates, operands counted by each, whether the result is. */
interface Shape {
  readonly kind: "memory" | "table";
  /** Positions of the indices among the immediates. */
  readonly indices: readonly number[];
  /** By operand: which of the indices says its type ("all": 64 bits only if all are), undefined for others. */
  readonly operands: readonly (number | "all" | undefined)[];
  readonly counts?: "result";
}

const none = undefined;
const SHAPES: Readonly<Partial<Record<OpName, Shape>>> = {
  "memory.size": { kind: "memory", indices: [0], operands: [], counts: "result" },
  "memory.grow": { kind: "memory", indices: [0], operands: [0], counts: "result" },
  "memory.fill": { kind: "memory", indices: [0], operands: [0, none, 0] },
  "memory.copy": { kind: "memory", indices: [0, 1], operands: [0, 1, "all"] },
  "memory.init": { kind: "memory", indices: [1], operands: [0, none, none] },
  "table.get": { kind: "table", indices: [0], operands: [0] },
  "table.set": { kind: "table", indices: [0], operands: [0, none] },
  "table.size": { kind: "table", indices: [0], operands: [], counts: "result" },
  "table.grow": { kind: "table", indices: [0], operands: [none, 0], counts: "result" },
  "table.fill": { kind: "table", indices: [0], operands: [0, none, 0] },
  "table.copy": { kind: "table", indices: [0, 1], operands: [0, 1, "all"] },
  "table.init": { kind: "table", indices: [1], operands: [0, none, none] },
};

const isAccess = (op: string) => /^([if]\d\d|v128)\.(load|store)|notify$/.test(op);

/** The atomic operations that may stand for an integer access: of its width, or of a narrower one. */
function atomicsOf(
  random: Random,
  op: string,
): { readonly load: OpName; readonly store: OpName; readonly suffix: string } | undefined {
  const match = /^(i\d\d)\.(?:load(\d*)_?([us]?)|store(\d*))$/.exec(op);
  if (match === null || match[3] === "s") return undefined;
  const type = match[1];
  let bits = match[2] ?? match[4] ?? "";
  if (bits === "" && random.oneIn(2)) bits = random.pick(type === "i32" ? ["8", "16"] : ["8", "16", "32"]);
  const load = `${type}.atomic.load${bits}${bits === "" ? "" : "_u"}`;
  return { load: load as OpName, store: `${type}.atomic.store${bits}` as OpName, suffix: bits };
}

/** Gives the module memories and tables of more kinds. Everything in it stays reachable by the same statements. */
export function diversify(random: Random, module: ModuleTree): void {
  const { memories, tables } = module;
  const isSimple = module.funcs.every(({ body }) => body.every(areOperandsPlain));
  if (isSimple) {
    const sharing = () => random.oneIn(4) ? { isShared: true } : {};
    const addresses = () => random.oneIn(2) ? { address: "i64" as const } : {};
    memories.forEach((memory, i) => {
      if (memory.imported === undefined) memories[i] = { ...memory, ...addresses(), ...sharing() };
    });
    if (memories.length > 0) {
      while (memories.length < 4 && random.oneIn(2)) {
        memories.push({
          min: random.oneIn(8) ? 0 : random.pick([1, 1, 2]),
          max: MAX_PAGES,
          ...addresses(),
          ...sharing(),
        });
      }
    }
    tables.forEach((table, i) => {
      if (table.imported === undefined && random.oneIn(3)) tables[i] = { ...table, address: "i64" };
    });
  }
  const rewriter = new Rewriter(random, module, isSimple ? "spread" : "in place");
  for (const { body } of module.funcs) body.forEach((statement, i) => body[i] = rewriter.rewrite(statement));
  module.data.forEach((data, i) => {
    if (data.offset !== undefined && memories[0].address === "i64") {
      module.data[i] = { ...data, offset: widened(data.offset) };
    }
  });
  module.elements.forEach((segment, i) => {
    if (tables[segment.table]?.address === "i64" && segment.mode === "active") {
      module.elements[i] = { ...segment, offset: widened(segment.offset) };
    }
  });
}

/** An offset in 64 bits: small numbers, so both have the same immediates. */
function widened(offset: Node): Node {
  const op = offset.op.replace("i32", "i64") as OpName;
  return node(op, ["i64"], offset.args.map(widened), ...offset.immediates);
}

/** Whether each operand of the instructions to be rewritten is one argument: values on the stack cannot be told apart. */
function areOperandsPlain(statement: Node): boolean {
  const { op, args, block } = statement;
  const shape = op === "popped" ? undefined : SHAPES[op];
  const isPlain = (arg: Node) => arg.op !== "popped" && arg.types.length === 1;
  if (shape !== undefined && !(args.length === shape.operands.length && args.every(isPlain))) return false;
  if (isAccess(op) && !(args.length === (/store|lane|notify/.test(op) ? 2 : 1) && args.every(isPlain))) return false;
  if ((op === "call_indirect" || op === "return_call_indirect") && !isPlain(args[args.length - 1])) return false;
  const bodies = block === undefined ? [] : bodiesOf(block);
  return [args, ...bodies].every((list) => list.every(areOperandsPlain));
}

class Rewriter {
  /** One in how many accesses becomes atomic, if it can. */
  readonly #atomics: number;

  constructor(readonly random: Random, readonly module: ModuleTree, readonly mode: "spread" | "in place") {
    this.#atomics = random.oneIn(2) ? 8 : 2;
  }

  rewrite(old: Node): Node {
    const args = old.args.map((arg) => this.rewrite(arg));
    const block = old.block === undefined ? {} : {
      block: {
        ...old.block,
        body: old.block.body.map((statement) => this.rewrite(statement)),
        ...(old.block.otherwise === undefined
          ? {}
          : { otherwise: old.block.otherwise.map((statement) => this.rewrite(statement)) }),
        ...(old.block.handlers === undefined ? {} : {
          handlers: old.block.handlers.map(({ tag, body }) => ({
            tag,
            body: body.map((statement) => this.rewrite(statement)),
          })),
        }),
      },
    };
    const copy: Node = { ...old, args, ...block };
    if (this.mode === "in place" || old.op === "popped") return copy;
    if (old.op === "call_indirect" || old.op === "return_call_indirect") {
      const last = args.length - 1;
      if (this.#is64("table", numberOf(old.immediates[1]))) args[last] = this.#wide(args[last]);
      return copy;
    }
    if (isAccess(old.op)) return this.#access(copy);
    const shape = SHAPES[old.op];
    return shape === undefined ? copy : this.#counted(copy, shape);
  }

  #is64(kind: "memory" | "table", index: number): boolean {
    return (kind === "memory" ? this.module.memories : this.module.tables)[index].address === "i64";
  }

  /** An i32 as i64; seldom with its sign, which makes large ones larger still. */
  #wide(value: Node): Node {
    return node(this.random.oneIn(40) ? "i64.extend_i32_s" : "i64.extend_i32_u", ["i64"], [value]);
  }

  #counted(old: Node, { kind, indices, operands, counts }: Shape): Node {
    const immediates = [...old.immediates];
    const is64 = indices.map((position) => {
      let index = numberOf(immediates[position]);
      if (kind === "memory" && this.random.oneIn(3)) {
        index = this.random.below(this.module.memories.length);
        immediates[position] = unsigned(index);
      }
      return this.#is64(kind, index);
    });
    const args = old.args.map((arg, i) => {
      const by = operands[i];
      const isWide = by === "all" ? is64.every((wide) => wide) : by !== undefined && is64[by];
      return isWide ? this.#wide(arg) : arg;
    });
    if (counts !== "result" || !is64[0]) return { ...old, args, immediates };
    return node("i32.wrap_i64", ["i32"], [{ ...old, types: ["i64"], args, immediates }]);
  }

  #access(old: Node): Node {
    const { random } = this;
    const [alignLog2, offset] = numbersOf(old.immediates[0]);
    const memory = random.oneIn(3) ? random.below(this.module.memories.length) : 0;
    const atomics = random.oneIn(this.#atomics) ? atomicsOf(random, old.op) : undefined;
    const at = (align: number, offset: number): Immediate =>
      memory === 0 ? { bytes: [align, ...leb(offset)] } : { bytes: [align | 0x40, memory, ...leb(offset)] };
    const address = (value: Node) => this.#is64("memory", memory) ? this.#wide(value) : value;
    if (atomics === undefined) {
      const immediates = [at(alignLog2, offset), ...old.immediates.slice(1)];
      return { ...old, args: [address(old.args[0]), ...old.args.slice(1)], immediates };
    }
    const type = old.op.slice(0, 3) as "i32" | "i64";
    const bytes = Number(atomics.suffix === "" ? type.slice(1) : atomics.suffix) / 8;
    const isMisaligned = random.oneIn(30);
    const start = isMisaligned ? old.args[0] : node("i32.and", ["i32"], [old.args[0], constant("i32", BigInt(-bytes))]);
    const immediate = at(Math.log2(bytes), isMisaligned ? offset : Math.floor(offset / bytes) * bytes);
    const modify = (value: Node) => this.#modify(type, atomics.suffix, address(start), value, immediate);
    if (old.op.includes("load")) {
      // Waits that end at once: the value is another one, or no time is given. Only on memories that somebody else could write.
      if (atomics.suffix === "" && this.module.memories[memory].isShared && random.oneIn(3)) {
        const op = type === "i32" ? "memory.atomic.wait32" : "memory.atomic.wait64";
        const operands = [address(start), constant(type, BigInt(random.below(2))), constant("i64", 0n)];
        const waited = node(op, ["i32"], operands, immediate);
        return type === "i32" ? waited : node("i64.extend_i32_u", ["i64"], [waited]);
      }
      if (random.oneIn(2)) return node(atomics.load, [type], [address(start)], immediate);
      return modify(constant(type, BigInt(random.below(1000))));
    }
    const value = old.args[1];
    if (random.oneIn(2)) return node(atomics.store, [], [address(start), value], immediate);
    return node("drop", [], [modify(value)]);
  }

  #modify(type: NumberType, suffix: string, address: Node, value: Node, immediate: Immediate): Node {
    const kind = this.random.pick(["add", "sub", "and", "or", "xor", "xchg", "cmpxchg"] as const);
    const op = `${type}.atomic.rmw${suffix}.${kind}${suffix === "" ? "" : "_u"}` as OpName;
    if (OP[op] === undefined) throw new Error(`no operation ${op}`);
    const args = kind === "cmpxchg" ? [address, constant(type, BigInt(this.random.below(3))), value] : [address, value];
    return node(op, [type], args, immediate);
  }
}

function leb(value: number): readonly number[] {
  const immediate = unsigned(value);
  return "bytes" in immediate ? immediate.bytes : [];
}

/** The unsigned LEB128 numbers of an immediate. */
function numbersOf(immediate: Immediate): number[] {
  if (!("bytes" in immediate)) throw new Error("an immediate without bytes");
  const numbers: number[] = [];
  let value = 0, shift = 0;
  for (const byte of immediate.bytes) {
    value += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte < 0x80) {
      numbers.push(value);
      value = shift = 0;
    }
  }
  return numbers;
}

function numberOf(immediate: Immediate): number {
  return numbersOf(immediate)[0];
}
