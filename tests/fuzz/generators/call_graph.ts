/**
 * Random graphs of calls as modules in text form: direct, through tables and references, tail calls of each kind, calls of the host that call
 * back, exceptions thrown and caught anywhere between, by one of the two kinds of handlers. Functions differ in how much stack their
 * arguments and results take. A counter ends every run; everything that happens is mixed into a checksum.
 */

import type { Random } from "./random.ts";

/** The kind of handlers in a module: V8 refuses both in one. */
export type HandlerFlavour = "try_table" | "legacy";

const PARAMS = [
  ["i32"],
  ["i64", "f64", "i32", "i64"],
  [...Array(9).fill("i64"), ...Array(10).fill("f64"), "i32"],
] as const;
const RESULTS = [["i32"], ["i64", "i32", "f64", "i64", "i64", "i32"]] as const;
/** What each tag carries. */
const TAGS = [["i32"], ["i64", "f64"], [], ["funcref", "i32"]] as const;
const LOCAL: Record<string, string> = { i32: "$a", i64: "$b", f64: "$c" };

interface Func {
  readonly name: string;
  readonly params: readonly string[];
  readonly results: readonly string[];
  readonly type: string;
}

/** Makes modules; a module is a function of the random numbers alone. */
export class CallGraph {
  readonly functions: Func[] = [];
  readonly #random: Random;
  readonly #flavour: HandlerFlavour;
  #labels: string[] = [];
  #labelCount = 0;
  #current!: Func;
  #budget = 0;

  constructor(random: Random, flavour: HandlerFlavour) {
    this.#random = random;
    this.#flavour = flavour;
  }

  /** The module's text. It exports every function, `sum`, `fuel`, and the tags `t0` ... */
  make(): string {
    const random = this.#random;
    for (const [p, params] of PARAMS.entries()) {
      for (const [r, results] of RESULTS.entries()) {
        for (let k = 1 + random.below(2); k >= 0; k--) {
          this.functions.push({ name: `$f${this.functions.length}`, params, results, type: `$t${p}_${r}` });
        }
      }
    }
    const list = (keyword: string, types: readonly string[]) =>
      types.length === 0 ? "" : `(${keyword} ${types.join(" ")})`;
    const types = PARAMS.flatMap((params, p) =>
      RESULTS.map((results, r) => `(type $t${p}_${r} (func ${list("param", params)} ${list("result", results)}))`)
    );
    const tags = TAGS.map((params, t) => `(tag $e${t} (export "t${t}") ${list("param", params)})`);
    const names = this.functions.map(({ name }) => name).join(" ");
    const bodies = this.functions.map((func) => this.#function(func));
    return `(module ${types.join("\n")}
      (import "host" "call" (func $host (param i32) (result i32)))
      ${tags.join("\n")}
      (global $sum (export "sum") (mut i64) (i64.const 0))
      (global $fuel (export "fuel") (mut i32) (i32.const 0))
      (table $table funcref (elem ${names}))
      ${bodies.join("\n")})`;
  }

  #function(func: Func): string {
    this.#current = func;
    this.#labels = [];
    this.#budget = 14;
    const params = func.params.map((type, i) => `(param $p${i} ${type})`).join(" ");
    // The last parameter of each type is where the locals start.
    const start = Object.entries(LOCAL).map(([type, local]) => {
      const from = func.params.lastIndexOf(type);
      return from < 0 ? "" : `(local.set ${local} (local.get $p${from}))`;
    });
    const out = `(if (i32.le_s (global.get $fuel) (i32.const 0)) (then (return ${this.#values(func.results)})))
      (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))`;
    return `(func ${func.name} (export "${func.name.slice(1)}") (type ${func.type}) ${params} ${
      func.results.length > 0 ? `(result ${func.results.join(" ")})` : ""
    } (local $a i32) (local $b i64) (local $c f64) (local $n i32)
      ${start.join(" ")} ${out}
      ${this.#statements(3)}
      ${this.#values(func.results)})`;
  }

  #statements(depth: number): string {
    const parts: string[] = [];
    for (let n = 1 + this.#random.below(4); n > 0 && this.#budget > 0; n--) {
      this.#budget--;
      parts.push(this.#statement(depth));
    }
    return parts.join("\n");
  }

  #statement(depth: number): string {
    const random = this.#random;
    switch (random.below(depth > 0 ? 16 : 9)) {
      case 0:
        return this.#mix(this.#value("i64"));
      case 1: {
        const type = random.pick(["i32", "i64", "f64"]);
        return `(local.set ${LOCAL[type]} ${this.#value(type)})`;
      }
      case 2:
      case 3:
      case 4:
        return this.#call();
      case 5:
        return `(local.set $a (call $host ${this.#value("i32")}))`;
      case 6:
        return random.oneIn(2) ? this.#throw() : this.#tailCall();
      case 7:
        return `(if (i32.and ${this.#value("i32")} (i32.const 1)) (then ${
          random.oneIn(2) ? this.#throw() : this.#tailCall()
        }))`;
      case 8:
        return this.#mix(`(i64.extend_i32_s ${this.#value("i32")})`);
      case 9:
        return `(if (i32.and ${this.#value("i32")} (i32.const ${1 << random.below(3)})) (then ${
          this.#statements(depth - 1)
        }) (else ${this.#statements(depth - 1)}))`;
      case 10:
        return this.#within(
          "loop",
          (label) =>
            `${
              this.#statements(depth - 1)
            } (br_if ${label} (i32.gt_s (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000)))`,
        );
      default:
        return this.#flavour === "legacy" ? this.#legacyTry(depth) : this.#tryTable(depth);
    }
  }

  #mix(value: string): string {
    return `(global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 31)) ${value}))`;
  }

  #within(keyword: string, body: (label: string) => string): string {
    const label = `$l${this.#labelCount++}`;
    this.#labels.push(label);
    const text = `(${keyword} ${label} ${body(label)})`;
    this.#labels.pop();
    return text;
  }

  #value(type: string): string {
    const random = this.#random;
    const own = this.#current.params.flatMap((t, i) => t === type ? [`(local.get $p${i})`] : []);
    if (type === "funcref") {
      return random.oneIn(3) ? "(ref.null func)" : `(ref.func ${random.pick(this.functions).name})`;
    }
    const local = `(local.get ${LOCAL[type]})`;
    switch (random.below(4)) {
      case 0:
        return `(${type}.const ${random.below(50)})`;
      case 1:
        return own.length > 0 ? random.pick(own) : local;
      case 2:
        return `(${type}.add ${local} (${type}.const ${random.below(9)}))`;
      default:
        return local;
    }
  }

  #values(types: readonly string[]): string {
    return types.map((type) => this.#value(type)).join(" ");
  }

  /** A callee of the results, or any, and the call of it. */
  #callee(prefix: "" | "return_", results?: readonly string[]): [Func, string] {
    const random = this.#random;
    const choices = this.functions.filter((func) => results === undefined || func.results === results);
    const func = random.pick(choices);
    const args = this.#values(func.params);
    const index = this.functions.indexOf(func);
    switch (random.below(3)) {
      case 0:
        return [func, `(${prefix}call ${func.name} ${args})`];
      case 1:
        return [func, `(${prefix}call_indirect $table (type ${func.type}) ${args} (i32.const ${index}))`];
      default:
        return [func, `(${prefix}call_ref ${func.type} ${args} (ref.func ${func.name}))`];
    }
  }

  #call(): string {
    const [{ results }, text] = this.#callee("");
    const sets = [...results].reverse().map((type) => `(local.set ${LOCAL[type]})`);
    return `${text} ${sets.join(" ")}`;
  }

  #tailCall(): string {
    return this.#callee("return_", this.#current.results)[1];
  }

  #throw(): string {
    const tag = this.#random.below(TAGS.length);
    return `(throw $e${tag} ${this.#values(TAGS[tag])})`;
  }

  /** Takes a tag's values from the operand stack. */
  #take(tag: number): string {
    const isNull = `(local.set $a (ref.is_null)) ${this.#mix("(i64.extend_i32_u (local.get $a))")}`;
    const types = [...TAGS[tag]].reverse();
    return types.map((type) => type === "funcref" ? isNull : `(local.set ${LOCAL[type]})`).join(" ");
  }

  #tryTable(depth: number): string {
    const random = this.#random;
    const handlers: { clause: string; label: string; types: string; code: string }[] = [];
    const done = `$l${this.#labelCount++}`;
    for (let n = 1 + random.below(3); n > 0; n--) {
      const label = `$l${this.#labelCount++}`;
      const tag = random.below(TAGS.length);
      const wantsRef = random.oneIn(3);
      const all = random.oneIn(4);
      const ref = wantsRef ? "_ref" : "";
      const types = [...all ? [] : TAGS[tag], ...wantsRef ? ["exnref"] : []];
      // What it refers to is thrown again, sometimes under a condition.
      const again = !wantsRef ? "" : random.oneIn(2) ? "(drop)" : "(throw_ref)";
      const take = again === "(throw_ref)" ? again : `${again} ${all ? "" : this.#take(tag)}`;
      handlers.push({
        clause: all ? `(catch_all${ref} ${label})` : `(catch${ref} $e${tag} ${label})`,
        label,
        types: types.length === 0 ? "" : `(result ${types.map((t) => t === "exnref" ? "(ref exn)" : t).join(" ")})`,
        code: `${take} ${again === "(throw_ref)" ? "" : this.#statements(depth - 1)}`,
      });
    }
    let text = `(try_table ${handlers.map(({ clause }) => clause).join(" ")} ${
      this.#statements(depth - 1)
    }) (br ${done})`;
    for (const { label, types, code } of [...handlers].reverse()) {
      text = `(block ${label} ${types} ${text}) ${code} (br ${done})`;
    }
    return `(block ${done} ${text})`;
  }

  #legacyTry(depth: number): string {
    const random = this.#random;
    return this.#within("try", (label) => {
      const body = `(do ${this.#statements(depth - 1)})`;
      if (random.oneIn(5)) return `${body} (delegate ${this.#delegateTarget(label)})`;
      const parts = [body];
      for (let n = random.below(3); n > 0; n--) {
        const tag = random.below(TAGS.length);
        const end = random.oneIn(4) ? `(rethrow ${label})` : this.#statements(depth - 1);
        parts.push(`(catch $e${tag} ${this.#take(tag)} ${end})`);
      }
      if (random.oneIn(2)) {
        parts.push(`(catch_all ${random.oneIn(4) ? `(rethrow ${label})` : this.#statements(depth - 1)})`);
      }
      return parts.join(" ");
    });
  }

  #delegateTarget(own: string): string {
    const outer = this.#labels.filter((label) => label !== own);
    return outer.length === 0 ? "0" : this.#random.pick(outer);
  }
}
