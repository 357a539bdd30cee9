/** How often random programs have each instruction. */

import type { OpName } from "../../../lib/wasm/mod.ts";
import type { Program } from "./program.ts";
import { bodiesOf, type ModuleTree, type Node } from "./wasm_tree.ts";

/** Counts a program's instructions, those of constant expressions included. */
export function countOps({ modules }: Program, counts: Map<OpName, number>): void {
  const count = (op: OpName) => counts.set(op, (counts.get(op) ?? 0) + 1);
  const visit = ({ op, args, block }: Node): void => {
    args.forEach(visit);
    if (op !== "popped") count(op);
    if (block === undefined) return;
    for (const body of bodiesOf(block)) body.forEach(visit);
    if (block.otherwise !== undefined) count("else");
    for (const { tag } of block.handlers ?? []) count(tag === undefined ? "catch_all" : "catch");
    count(block.delegate === undefined ? "end" : "delegate");
  };
  const constants = ({ globals, data, elements }: ModuleTree) => [
    ...globals.flatMap(({ init }) => init === undefined ? [] : [init]),
    ...data.flatMap(({ offset }) => offset === undefined ? [] : [offset]),
    ...elements.map(({ offset }) => offset),
  ];
  for (const module of modules) {
    for (const { body } of module.funcs) body.forEach(visit);
    constants(module).forEach(visit);
  }
}
