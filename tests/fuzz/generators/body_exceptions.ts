/** Exceptions of either generation in random bodies: throwing, catching, throwing again. */

import { Objects } from "./body_objects.ts";
import { type CatchTree, type Label, type Node, node, type TypeName, unsigned } from "./wasm_tree.ts";

/** Makes what throws and catches. */
export abstract class Exceptions extends Objects {
  protected abstract statements(depth: number): Node[];
  protected abstract consume(type: TypeName): Node;
  protected abstract consumeAll(made: Node): Node[];

  /** Labels of legacy handlers that the code is in: what `rethrow` names. */
  protected readonly handlerLabels: Label[] = [];

  /** Leaves with an exception; stands where values of `types` are expected. */
  protected throwing(types: readonly TypeName[], depth: number): Node {
    const { random } = this;
    if (this.handlerLabels.length > 0 && random.oneIn(2)) {
      return node("rethrow", types, [], { label: random.pick(this.handlerLabels) });
    }
    if (this.style.exceptions === "new" && random.oneIn(16)) {
      return node("throw_ref", types, [this.expression("exnref", depth - 1)]);
    }
    const tags = this.module.tags;
    const tag = random.below(tags.length);
    return node("throw", types, this.values(tags[tag].signature.params, depth - 1), unsigned(tag));
  }

  protected throwStatement(depth: number): Node {
    return this.blockNode("if", [], [this.condition(depth - 1)], {
      label: { types: [] },
      params: [],
      body: [this.throwing([], depth - 1)],
    });
  }

  /** Statements, and one that throws nearly always: else few handlers would run. */
  protected risky(depth: number): Node[] {
    const all = this.statements(depth - 1);
    if (!this.random.oneIn(4)) all.push(this.throwStatement(depth));
    all.push(...this.statements(depth - 1));
    return all;
  }

  protected tryStatement(depth: number): Node[] {
    return this.style.exceptions === "new" ? this.tryTable(depth) : [this.legacyTry(depth)];
  }

  // A block for each clause around a `try_table`; each handler goes on after all of them.
  protected tryTable(depth: number): Node[] {
    const { random } = this;
    const tags = this.module.tags;
    const done: Label = { types: [] };
    const clauses = Array.from({ length: 1 + random.below(3) }, (): CatchTree => {
      const kind = random.pick(["catch", "catch", "catch_ref", "catch_all", "catch_all_ref"] as const);
      const tag = random.below(tags.length);
      const params = kind === "catch" || kind === "catch_ref" ? tags[tag].signature.params : [];
      const types: readonly TypeName[] = kind.endsWith("ref") ? [...params, "exnref"] : params;
      return { kind, tag, label: { types } };
    });
    // Now and then a clause goes straight to a label around it all.
    const catches = clauses.map((clause) => {
      const fitting = this.labels.filter(({ types }) => `${types}` === `${clause.label.types}`);
      return fitting.length > 0 && random.oneIn(5) ? { ...clause, label: random.pick(fitting) } : clause;
    });
    const own = clauses.filter((clause) => catches.includes(clause));
    const inner: Label = { types: [] };
    this.labels.push(done, ...own.map(({ label }) => label).toReversed(), inner);
    const body = this.risky(depth);
    this.labels.pop();
    let code: Node[] = [{
      ...node("try_table", [], [], { catches }),
      block: { label: inner, params: [], body },
    }];
    for (const { label } of own) {
      this.labels.pop();
      const { types } = label;
      const block = this.blockNode("block", types, [], {
        label,
        params: [],
        body: [...code, node("br", types, [], { label: done })],
      });
      code = [...this.handled(block), ...random.oneIn(2) ? this.statements(depth - 2) : []];
    }
    this.labels.pop();
    return [this.blockNode("block", [], [], { label: done, params: [], body: code })];
  }

  // What a clause left; exceptions are kept or thrown again.
  protected handled(made: Node): Node[] {
    const all = this.consumeAll(made);
    if (made.types.at(-1) !== "exnref" || !this.random.oneIn(4)) return all;
    all[1] = node("throw_ref", [], [node("popped", ["exnref"])]);
    return all.slice(0, 2);
  }

  protected legacyTry(depth: number): Node {
    const { random } = this;
    const tags = this.module.tags;
    const label: Label = { types: [] };
    if (random.oneIn(4)) {
      const delegate = random.pick(this.labels);
      this.labels.push(label);
      const body = this.risky(depth);
      this.labels.pop();
      return { ...node("try", []), block: { label, params: [], body, delegate } };
    }
    this.labels.push(label);
    const body = this.risky(depth);
    const kinds = Array.from({ length: random.below(3) }, () => random.below(tags.length) as number | undefined);
    if (kinds.length === 0 || random.oneIn(2)) kinds.push(undefined);
    this.handlerLabels.push(label);
    const handlers = kinds.map((tag) => {
      const params = tag === undefined ? [] : tags[tag].signature.params;
      const taken = params.map((_, i) => this.consume(params[params.length - 1 - i]));
      return { tag, body: [...taken, ...this.statements(depth - 1), ...random.oneIn(3) ? this.risky(depth - 1) : []] };
    });
    this.handlerLabels.pop();
    this.labels.pop();
    return { ...node("try", []), block: { label, params: [], body, handlers } };
  }
}
