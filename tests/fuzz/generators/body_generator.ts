/** Bodies of random functions: statements and control flow. */

import { Exceptions } from "./body_exceptions.ts";
import { CALL_COST, FUEL_GLOBAL, ROUND_COST } from "./program.ts";
import {
  type BlockParts,
  type Label,
  memarg,
  type Node,
  node,
  type NumberType,
  type TypeName,
  unsigned,
} from "./wasm_tree.ts";

/** Fills in one function. */
export class BodyGenerator extends Exceptions {
  generate(): void {
    const { body, signature } = this.func;
    const { crowd, maxDepth } = this.style;
    body.push(...this.takeFuel(CALL_COST));
    if (crowd > 10) body.push(...this.crowdStart(crowd));
    body.push(...this.statements(maxDepth));
    if (crowd > 10) {
      if (this.random.oneIn(2)) body.push(this.countedLoop(maxDepth));
      if (this.module.memories.length > 0 && this.module.memories[0].min > 0) body.push(...this.crowdEnd(crowd));
    }
    // What is in the locals now would be lost, and with it any mistake that led to it.
    if (!this.random.oneIn(4)) {
      this.locals.slice(0, 40).forEach((type, i) => body.push(...this.mix(this.local(type, i))));
    }
    if (this.style.hasTailCalls && this.random.oneIn(3)) {
      const callees = this.callees(({ results }) => `${results}` === `${signature.results}`);
      if (callees.length > 0) {
        body.push(this.tailCall(signature.results, this.call(this.random.pick(callees), maxDepth)));
        return;
      }
    }
    body.push(...this.values(signature.results, maxDepth));
  }

  // Gives each of many locals a value of its own; all are read again by #crowdEnd, so they live in between.
  protected crowdStart(count: number): Node[] {
    const first = this.locals.length - count;
    return Array.from({ length: count }, (_, i) => {
      const type = this.locals[first + i];
      return node("local.set", [], [this.expression(type, 2)], unsigned(first + i));
    });
  }

  protected crowdEnd(count: number): Node[] {
    const first = this.locals.length - count;
    return Array.from({ length: count }, (_, i) => {
      const type = this.locals[first + i] as NumberType | "v128";
      const value = this.shown(node("local.get", [type], [], unsigned(first + i)));
      return node(`${type}.store`, [], [this.i32(0), value], memarg(4096 + 16 * i));
    });
  }

  protected override statements(depth: number): Node[] {
    const all: Node[] = [];
    for (let count = this.random.below(5); count > 0; count--) all.push(...this.statement(depth));
    return all;
  }

  // One statement, or some that belong together: they leave the stack as it was.
  protected statement(depth: number): Node[] {
    if (this.budget-- <= 0 || depth <= 0) return [];
    const random = this.random;
    const memory = this.module.memories.length > 0;
    if (memory && this.style.prefersMemory && random.oneIn(3)) {
      return random.oneIn(2) ? this.accessGroup(depth) : [this.store(depth)];
    }
    if (this.style.exceptions !== "none" && random.oneIn(6)) {
      return random.oneIn(3) ? [this.throwStatement(depth)] : this.tryStatement(depth);
    }
    if (this.style.hasObjects && random.oneIn(5)) return this.objectStatement(depth);
    if (this.style.hasAtomics && random.oneIn(40)) return [node("atomic.fence", [], [], { bytes: [0] })];
    switch (random.below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.localSet(depth);
      case 4:
      case 5:
      case 6:
        if (!memory) return this.localSet(depth);
        return random.oneIn(4) ? this.accessGroup(depth) : [this.store(depth)];
      case 7:
      case 8:
        return this.globalSet(depth);
      case 9:
      case 10:
        return [this.block("block", [], [], depth)];
      case 11:
        return [this.block("loop", [], [], depth)];
      case 12:
      case 13:
        return [this.countedLoop(depth)];
      case 14:
      case 15:
        return [this.if([], [], depth)];
      case 16:
        return this.multiBlock(depth);
      case 17:
        return random.oneIn(3) ? this.permutation() : this.branchIf(depth);
      case 18:
        return random.oneIn(3)
          ? [this.switch(depth)]
          : [this.blockNode("if", [], [this.condition(depth - 1)], this.arm([], [this.jump([], depth - 1)]))];
      case 19:
      case 20:
        return this.callStatement(depth);
      case 21:
        return memory ? this.bulkMemory(depth) : this.localSet(depth);
      case 22:
        return random.oneIn(2) ? this.decisions() : this.tableStatement(depth);
      default:
        return [
          random.oneIn(4) ? node("nop", []) : node("drop", [], [this.expression(this.someNumber(), depth - 1)]),
        ];
    }
  }

  protected arm(params: readonly TypeName[], body: Node[]): BlockParts {
    return { label: { types: [] }, params, body };
  }

  protected override localSet(depth: number): Node[] {
    const locals = this.settable();
    if (locals.length === 0) return [];
    const local = this.random.pick(locals);
    return [node("local.set", [], [this.expression(this.locals[local], depth - 1)], unsigned(local))];
  }

  protected globalSet(depth: number): Node[] {
    const { globals } = this.module;
    const settable = globals.map((_, i) => i).filter((i) =>
      i !== FUEL_GLOBAL && i !== this.checksum && globals[i].isMutable
    );
    if (settable.length === 0) return [];
    const global = this.random.pick(settable);
    return [node("global.set", [], [this.expression(globals[global].type, depth - 1)], unsigned(global))];
  }

  // Pops a value that an earlier node left: into a local if one of its type can be written.
  protected override consume(type: TypeName): Node {
    const locals = this.settable(type);
    const value = node("popped", [type]);
    if (locals.length === 0 || this.random.oneIn(4)) return node("drop", [], [value]);
    return node("local.set", [], [value], unsigned(this.random.pick(locals)));
  }

  // A node that leaves several values, and what takes them, last one first.
  protected override consumeAll(made: Node): Node[] {
    const { types } = made;
    return [made, ...types.map((_, i) => this.consume(types[types.length - 1 - i]))];
  }

  // From the parameters that lie on the stack to the results.
  protected inside(params: readonly TypeName[], results: readonly TypeName[], depth: number): Node[] {
    const random = this.random;
    const body: Node[] = [];
    if (random.oneIn(2)) body.push(...this.statements(depth - 1));
    // Parameters are taken by an operation each, or put away.
    for (let i = params.length - 1; i >= 0; i--) {
      const type = params[i];
      if ((type === "i32" || type === "i64" || type === "f32" || type === "f64") && random.oneIn(2)) {
        const sum = node(`${type}.add`, [type], [node("popped", [type]), this.expression(type, depth - 2)]);
        const locals = this.settable(type);
        body.push(
          locals.length === 0 ? node("drop", [], [sum]) : node("local.set", [], [sum], unsigned(random.pick(locals))),
        );
      } else body.push(this.consume(type));
    }
    body.push(...this.statements(depth - 1), ...this.values(results, depth - 2));
    return body;
  }

  protected block(
    op: "block" | "loop",
    params: readonly TypeName[],
    results: readonly TypeName[],
    depth: number,
  ): Node {
    const args = this.values(params, depth - 2);
    const label: Label = { types: op === "loop" ? params : results };
    this.labels.push(label);
    const body = this.inside(params, results, depth);
    this.labels.pop();
    if (op === "loop") body.unshift(...this.takeFuel(ROUND_COST));
    return this.blockNode(op, results, args, { label, params, body });
  }

  protected if(params: readonly TypeName[], results: readonly TypeName[], depth: number): Node {
    const args = [...this.values(params, depth - 2), this.condition(depth - 2)];
    const label: Label = { types: results };
    this.labels.push(label);
    const body = this.inside(params, results, depth);
    const isNeutral = `${params}` === `${results}`;
    const parts = isNeutral && this.random.oneIn(2)
      ? { label, params, body }
      : { label, params, body, otherwise: this.inside(params, results, depth) };
    this.labels.pop();
    return this.blockNode("if", results, args, parts);
  }

  // A loop of a few rounds with a counter that nothing else writes.
  protected countedLoop(depth: number): Node {
    const counters = this.settable("i32");
    if (counters.length === 0) return this.block("loop", [], [], depth);
    const counter = this.random.pick(counters);
    this.reserved.add(counter);
    const rounds = 1 + this.random.below(6);
    const label: Label = { types: [] };
    this.labels.push({ types: [] }); // not a target: the counter alone decides
    const inner = this.labels.at(-1)!;
    const statements = this.statements(depth - 1);
    if (statements.length === 0) statements.push(...this.statement(depth - 1));
    if (this.module.memories.length > 0 && this.random.oneIn(2)) {
      statements.push(...this.elementAccess(counter, depth));
    }
    this.labels.pop();
    const body = [
      ...this.takeFuel(ROUND_COST),
      this.blockNode("block", [], [], { label: inner, params: [], body: statements }),
      node("br_if", [], [
        node("i32.lt_u", ["i32"], [
          node("local.tee", ["i32"], [
            node("i32.add", ["i32"], [node("local.get", ["i32"], [], unsigned(counter)), this.i32(1)]),
          ], unsigned(counter)),
          this.i32(rounds),
        ]),
      ], { label }),
    ];
    this.reserved.delete(counter);
    return this.blockNode("block", [], [], {
      label: { types: [] },
      params: [],
      body: [
        node("local.set", [], [this.i32(0)], unsigned(counter)),
        this.blockNode("loop", [], [], { label, params: [], body }),
      ],
    });
  }

  // Locals trade places, some in a circle: in a loop these are moves along its back edge that must happen at once.
  protected permutation(): Node[] {
    const random = this.random;
    const type = random.oneIn(3) ? undefined : this.someNumber();
    const chosen = this.settable(type).filter(() => random.oneIn(2)).slice(0, 9);
    const ofType = (local: number) => chosen.filter((other) => this.locals[other] === this.locals[local]);
    const sources = chosen.map((local) => this.local(this.locals[local], random.pick(ofType(local))));
    const sets = chosen.map((local) => node("local.set", [], [], unsigned(local)));
    return [...sources, ...sets.toReversed()];
  }

  protected multiBlock(depth: number): Node[] {
    const results = this.someTypes(4);
    const params = this.someTypes(3);
    const made = this.random.oneIn(3)
      ? this.if(params, results, depth)
      : this.block(this.random.pick(["block", "loop"]), params, results, depth);
    return this.consumeAll(made);
  }

  protected label(): Label {
    // The innermost labels most often.
    const { length } = this.labels;
    const back = this.random.oneIn(2) ? this.random.below(length) : this.random.below(Math.min(3, length));
    return this.labels[length - 1 - back];
  }

  protected branchIf(depth: number): Node[] {
    const label = this.label();
    const args = [...this.values(label.types, depth - 2), this.condition(depth - 2)];
    return this.consumeAll(node("br_if", label.types, args, { label }));
  }

  // Leaves the block for good; stands where values of `types` are expected.
  protected jump(types: readonly TypeName[], depth: number): Node {
    const random = this.random;
    if (this.style.exceptions !== "none" && random.oneIn(4)) return this.throwing(types, depth);
    if (this.style.hasTailCalls && random.oneIn(2)) {
      const results = `${this.labels[0].types}`;
      const callees = this.callees((signature) => `${signature.results}` === results);
      if (callees.length > 0) return this.tailCall(types, this.call(random.pick(callees), depth - 1));
    }
    const label = this.label();
    switch (random.below(6)) {
      case 0:
        return node("return", types, this.values(this.labels[0].types, depth - 1));
      case 1:
      case 2: {
        const alike = this.labels.filter((other) => `${other.types}` === `${label.types}`);
        const labels = Array.from({ length: 1 + random.below(6) }, () => random.pick(alike));
        return node("br_table", types, [...this.values(label.types, depth - 1), this.selector(depth - 1)], {
          labels,
        });
      }
      case 3:
        return random.oneIn(3)
          ? node("unreachable", types)
          : node("br", types, this.values(label.types, depth - 1), { label });
      default:
        return node("br", types, this.values(label.types, depth - 1), { label });
    }
  }

  protected tailCall(types: readonly TypeName[], call: Node): Node {
    const op = `return_${call.op as "call" | "call_indirect" | "call_ref"}` as const;
    return { ...call, op, types };
  }

  // br_table out of nested blocks, as compilers make of a switch statement.
  protected switch(depth: number): Node {
    const count = 1 + this.random.below(5);
    const labels = Array.from({ length: count + 1 }, (): Label => ({ types: [] }));
    this.labels.push(...labels.toReversed());
    const targets = Array.from({ length: 1 + this.random.below(9) }, () => this.random.pick(labels));
    let body: Node[] = [node("br_table", [], [this.selector(depth - 2)], { labels: targets })];
    for (let i = 0; i < count; i++) {
      this.labels.pop();
      body = [this.blockNode("block", [], [], { label: labels[i], params: [], body }), ...this.statements(depth - 2)];
      if (this.random.oneIn(2)) body.push(node("br", [], [], { label: labels[count] }));
    }
    this.labels.pop();
    return this.blockNode("block", [], [], { label: labels[count], params: [], body });
  }

  protected callStatement(depth: number): Node[] {
    return this.consumeAll(this.call(this.random.pick(this.callees(() => true)), depth - 1));
  }
}
