/**
 * Selection rules: per IR operation an ordered list of small named rules; the first that matches wins, most specific first.
 *
 * A rule looks at a value, and either appends machine instructions and returns true or touches nothing and returns false. The last rule
 * of a list always matches. Names (`iadd.lea`) are what traces print and coverage counts: a meta test holds that each is reached.
 *
 * RULE-1  A rule that returns false has appended nothing and asked for no register.
 * RULE-2  Registers of operands are asked for before the instruction that uses them begins (asking may append a constant's move).
 */

import { growInt32 } from "../../base/mod.ts";
import type { Selector } from "./selector.ts";

/** A selection rule for value `v`. */
export type Rule = (c: Selector, v: number) => boolean;

/** A list of rules: `RULES[first .. end)`. */
export interface RuleList {
  readonly first: number;
  readonly end: number;
}

/** All rules, list after list. */
export const RULES: Rule[] = [];
/** Names, by rule. */
export const RULE_NAMES: string[] = [];
/** How often each rule has matched, in this isolate. */
export let RULE_HITS: Int32Array<ArrayBuffer> = new Int32Array(256);

/** Registers the rules of one list, in order of preference. */
export function ruleList(rules: Record<string, Rule>): RuleList {
  const first = RULES.length;
  for (const [name, rule] of Object.entries(rules)) {
    RULES.push(rule);
    RULE_NAMES.push(name);
  }
  RULE_HITS = growInt32(RULE_HITS, RULES.length);
  return { first, end: RULES.length };
}
