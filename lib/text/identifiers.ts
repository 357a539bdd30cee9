/**
 * Identifiers for printing: what each index of a space is called in the text.
 *
 * A name becomes the identifier when no index before it took that one; otherwise the identifier is made unique by a number,
 * and a `(@name ...)` annotation carries the name itself. So names survive printing and parsing whatever they are, and a
 * text has no two identifiers alike.
 *
 * May import: wasm. @module
 */
import type { NameMap } from "../wasm/mod.ts";
import { identifierFor, quoteName } from "./strings.ts";

/** The identifiers of one index space. */
export class Identifiers {
  readonly #byIndex = new Map<number, string>();
  readonly #declarations = new Map<number, string>();

  constructor(names: NameMap) {
    const taken = new Set<string>(names.values());
    const used = new Set<string>();
    for (const [index, name] of names) {
      let unique = name;
      for (let number = 2; unique === "" || used.has(unique); number++) {
        const candidate = `${name}#${number}`;
        if (!taken.has(candidate)) unique = candidate;
      }
      used.add(unique);
      const id = identifierFor(unique);
      this.#byIndex.set(index, id);
      this.#declarations.set(index, unique === name ? ` ${id}` : ` ${id} (@name ${quoteName(name)})`);
    }
  }

  /** How the text refers to an index: its identifier, or the number. */
  ref(index: number): string {
    return this.#byIndex.get(index) ?? String(index);
  }

  /** The identifier, or undefined. */
  id(index: number): string | undefined {
    return this.#byIndex.get(index);
  }

  /** What stands after the keyword where the index is defined, with a space before it; empty for nameless ones. */
  declaration(index: number): string {
    return this.#declarations.get(index) ?? "";
  }
}
