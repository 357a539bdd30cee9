/**
 * The scopes inside a function: locals and labels, as columns over symbols (spec: text-context).
 *
 * Lookup is one array access; entering a function costs nothing, because entries carry the number of the function they were
 * made for; a label that hides another of its name keeps what it hid and gives it back.
 *
 * May import: base. @module
 */
import { IntList, NONE } from "../base/mod.ts";
import type { Cursor } from "./cursor.ts";
import type { NamedIndex } from "./index_space.ts";
import { TOKEN } from "./lexer.ts";
import type { Symbol } from "./symbols.ts";

/** The locals of the function being read. */
export class LocalScope {
  count = 0;
  /** The named ones, in order. */
  readonly names: NamedIndex[] = [];
  readonly #indices: Int32Array;
  /** By symbol: the function that its entry belongs to. */
  readonly #epochs: Int32Array;
  #epoch = 0;

  constructor(symbolCount: number) {
    this.#indices = new Int32Array(symbolCount);
    this.#epochs = new Int32Array(symbolCount);
  }

  /** Begins another function. */
  reset(): void {
    this.count = 0;
    this.names.length = 0;
    this.#epoch++;
  }

  /** Adds a local, with the identifier that comes next in the text when there is a symbol. */
  add(cursor: Cursor, symbol: Symbol | undefined): void {
    const index = this.count++;
    if (symbol === undefined) return;
    if (this.#epochs[symbol] === this.#epoch) cursor.fail(`duplicate local ${cursor.quote(cursor.at)}`);
    this.#epochs[symbol] = this.#epoch;
    this.#indices[symbol] = index;
    this.names.push({ index, symbol });
  }

  /** Takes a local index. */
  index(cursor: Cursor): number {
    if (cursor.kind !== TOKEN.id) return cursor.natural("a local index");
    const symbol = cursor.tokens.value[cursor.at];
    if (this.#epochs[symbol] !== this.#epoch) cursor.fail(`unknown local ${cursor.quote(cursor.at)}`);
    cursor.at++;
    return this.#indices[symbol];
  }
}

/** The labels around the instruction being read. */
export class LabelScope {
  /** Labels opened in the function so far: the index of the next one in the name section. */
  opened = 0;
  /** The named ones, in order of opening. */
  readonly names: NamedIndex[] = [];
  /** By symbol: the depth from outside of its innermost label, NONE when there is none. */
  readonly #depths: Int32Array;
  /** Open labels from the outermost: the symbol or NONE, and what it hid. */
  readonly #symbols = new IntList();
  readonly #hidden = new IntList();

  constructor(symbolCount: number) {
    this.#depths = new Int32Array(symbolCount).fill(NONE);
  }

  /** Begins another function. */
  reset(): void {
    while (this.#symbols.length > 0) this.pop();
    this.names.length = 0;
    this.opened = 0;
  }

  /** Opens a label, NONE for one without an identifier; `name` is what the name section calls it. */
  push(symbol: Symbol, name: Symbol): void {
    const index = this.opened++;
    if (name !== NONE) this.names.push({ index, symbol: name });
    this.#hidden.push(symbol === NONE ? NONE : this.#depths[symbol]);
    if (symbol !== NONE) this.#depths[symbol] = this.#symbols.length;
    this.#symbols.push(symbol);
  }

  /** Closes the innermost label. */
  pop(): void {
    const symbol = this.#symbols.pop();
    const hidden = this.#hidden.pop();
    if (symbol !== NONE) this.#depths[symbol] = hidden;
  }

  /** Takes a label: its depth from inside. */
  index(cursor: Cursor): number {
    if (cursor.kind !== TOKEN.id) return cursor.natural("a label index");
    const depth = this.#depths[cursor.tokens.value[cursor.at]];
    if (depth === NONE) cursor.fail(`unknown label ${cursor.quote(cursor.at)}`);
    cursor.at++;
    return this.#symbols.length - 1 - depth;
  }
}
