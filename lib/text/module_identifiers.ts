/**
 * The identifiers of all index spaces of a module that is printed.
 *
 * May import: wasm. @module
 */
import type { Module, NameMaps } from "../wasm/mod.ts";
import { Identifiers } from "./identifiers.ts";
import { TypePrinter } from "./print_types.ts";

/** What each index is called, and the printer of types that knows it. */
export class ModuleIdentifiers {
  readonly func: Identifiers;
  readonly table: Identifiers;
  readonly memory: Identifiers;
  readonly global: Identifiers;
  readonly tag: Identifiers;
  readonly elem: Identifiers;
  readonly data: Identifiers;
  readonly type: Identifiers;
  readonly types: TypePrinter;
  readonly #names: NameMaps;
  readonly #fields = new Map<number, Identifiers>();

  constructor(module: Module, names: NameMaps) {
    this.#names = names;
    this.func = new Identifiers(names.of("func"));
    this.table = new Identifiers(names.of("table"));
    this.memory = new Identifiers(names.of("memory"));
    this.global = new Identifiers(names.of("global"));
    this.tag = new Identifiers(names.of("tag"));
    this.elem = new Identifiers(names.of("elem"));
    this.data = new Identifiers(names.of("data"));
    this.type = new Identifiers(names.of("type"));
    this.types = new TypePrinter(module.types, this.type);
  }

  /** The identifiers of a struct type's fields. */
  fields(typeIndex: number): Identifiers {
    let fields = this.#fields.get(typeIndex);
    if (fields === undefined) {
      this.#fields.set(typeIndex, fields = new Identifiers(this.#names.within("field", typeIndex)));
    }
    return fields;
  }
}
