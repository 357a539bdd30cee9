/**
 * Index spaces: which identifier stands for which index (spec: text-context).
 *
 * May import: base. @module
 */
import { IntList } from "../base/mod.ts";
import type { Cursor } from "./cursor.ts";
import { TOKEN } from "./lexer.ts";
import type { Symbol } from "./symbols.ts";

/** A name for an index. */
export interface NamedIndex {
  readonly index: number;
  readonly symbol: Symbol;
}

/** An index space of a module: counts what is defined, and knows the names. */
export class IndexSpace {
  /** What the space holds, in the singular: "function". */
  readonly what: string;
  /** The number of indices given so far. */
  count = 0;
  readonly #bySymbol = new Map<Symbol, number>();
  /** Pairs: symbol, index. */
  readonly #named = new IntList(16);
  /** Names by annotation, which go before identifiers. */
  readonly annotated: Map<number, Symbol> = new Map();

  constructor(what: string) {
    this.what = what;
  }

  /** Gives the next index, and the identifier that comes next in the text to it, if one does. */
  define(cursor: Cursor): number {
    const index = this.count++;
    if (cursor.kind === TOKEN.id) this.name(cursor, index);
    return index;
  }

  /** Gives the identifier that comes next to `index`. */
  name(cursor: Cursor, index: number): void {
    const symbol = cursor.tokens.value[cursor.at];
    if (this.#bySymbol.has(symbol)) cursor.fail(`duplicate ${this.what} ${cursor.quote(cursor.at)}`);
    this.#bySymbol.set(symbol, index);
    this.#named.push(symbol);
    this.#named.push(index);
    cursor.at++;
  }

  /** Takes an index: a number, or an identifier of this space. */
  index(cursor: Cursor): number {
    if (cursor.kind !== TOKEN.id) return cursor.natural(`a ${this.what} index`);
    const index = this.#bySymbol.get(cursor.tokens.value[cursor.at]);
    if (index === undefined) return cursor.fail(`unknown ${this.what} ${cursor.quote(cursor.at)}`);
    cursor.at++;
    return index;
  }

  /** Takes an index if one comes next; 0 when none does. */
  optionalIndex(cursor: Cursor): number {
    return cursor.isIndex ? this.index(cursor) : 0;
  }

  /** The names in this space by ascending index. */
  names(): NamedIndex[] {
    const byIndex = new Map<number, Symbol>();
    for (let i = 0; i < this.#named.length; i += 2) byIndex.set(this.#named.at(i + 1), this.#named.at(i));
    for (const [index, symbol] of this.annotated) byIndex.set(index, symbol);
    return [...byIndex].map(([index, symbol]) => ({ index, symbol })).sort((a, b) => a.index - b.index);
  }
}
