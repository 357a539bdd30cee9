/**
 * A compiled module in an engine: what all its instances share.
 */

import { type CompiledModule, type ModuleShape, shapeOf } from "../abi/mod.ts";
import { bug, NONE } from "../base/mod.ts";
import { type Module, toCanonical, type ValType } from "../wasm/mod.ts";
import { loadCode, type LoadedCode } from "./code.ts";
import { constantOffset } from "./constant_offset.ts";
import { type DataImage, layOutData } from "./data_image.ts";
import type { EngineState } from "./engine_state.ts";
import type { GlobalType } from "./global.ts";
import type { TableType } from "./table.ts";

/** A module's static facts: canonical types, layout, the initial contents of its tables; its code once it is loaded. */
export class ModuleState {
  readonly engine: EngineState;
  readonly module: Module;
  readonly compiled: CompiledModule;
  /** Canonical type id by type index. */
  readonly typeIds: Int32Array;
  readonly layout: ModuleShape;
  /** Whether its code may test types beyond equality, or make objects: its stores need the type table. */
  readonly testsTypes: boolean;
  /**
   * Function indices by element, for each defined table that the leading active element segments fill with known functions at known
   * places; undefined for the others.
   */
  readonly tableImages: readonly (Int32Array | undefined)[];
  /** The number of leading element segments that `tableImages` accounts for. */
  readonly imagedSegments: number;
  #code: LoadedCode | undefined;
  #dataImage: DataImage | undefined;

  constructor(engine: EngineState, module: Module, compiled: CompiledModule) {
    if (compiled.options.bounds !== engine.bounds) bug("a module's bounds mode is not its engine's");
    if (compiled.options.tables !== engine.tableMode) bug("a module's tables are not initialised as its engine's");
    this.engine = engine;
    this.module = module;
    this.compiled = compiled;
    this.typeIds = engine.registry.canonicalize(module);
    engine.typesEntered();
    this.testsTypes = module.types.some(({ kind, isFinal, supertype }) =>
      kind !== "func" || !isFinal || supertype !== NONE
    );
    this.layout = shapeOf(module);
    const images: (Int32Array | undefined)[] = [];
    this.imagedSegments = imageTables(module, images);
    this.tableImages = images;
  }

  /** The code, loaded by the first call. @throws {HostError} when the arena is full. */
  get code(): LoadedCode {
    return this.#code ??= loadCode(this.compiled, this.module);
  }

  /** The initial contents of its memories, laid out by the first call: a module that is only compiled holds its data once. */
  get dataImage(): DataImage {
    return this.#dataImage ??= layOutData(this.module);
  }

  /** Gives up this module's hold on its code, stores keep theirs; and closes the images of its memories, which memories keep. */
  release(): void {
    for (const contents of this.#dataImage?.memories ?? []) contents?.image?.close();
    this.#code?.release();
    this.#code = undefined;
  }

  /** A type of this module in canonical form. */
  canonical(type: ValType): ValType {
    return toCanonical(type, this.typeIds);
  }

  /** The type of a table in canonical form. */
  tableType(tableIndex: number): TableType {
    const { element, minimum, maximum, addressType } = this.module.tables[tableIndex];
    return { element: this.canonical(element), minimum, maximum, addressType };
  }

  /** The type of a global in canonical form. */
  globalType(globalIndex: number): GlobalType {
    const { type, isMutable } = this.module.globals[globalIndex];
    return { type: this.canonical(type), isMutable };
  }
}

/** Elements that images of one module's tables may have beside those it lists: beyond it, segments are written at instantiation. */
const MAXIMUM_IMAGE_ELEMENTS = 1 << 20;

/**
 * Collects the leading active segments whose place and functions are known without running anything and cannot trap, into `images` by
 * defined table; returns how many segments that are. The first segment that is not so ends it: it may trap, and no later one may be visible
 * then.
 */
function imageTables(module: Module, images: (Int32Array | undefined)[]): number {
  const { elements, tables, importedTableCount } = module;
  let total = 0;
  let listed = 0;
  for (let i = 0; i < elements.length; i++) {
    const { mode, tableIndex, offset, funcs, length } = elements[i];
    if (mode !== "active") continue;
    const start = offset === undefined ? NONE : constantOffset(offset);
    if (tableIndex < importedTableCount || funcs === undefined || start === NONE) return i;
    const { minimum, init } = tables[tableIndex];
    if (init !== undefined || start + length > minimum) return i;
    listed += length;
    const table = tableIndex - importedTableCount;
    let image = images[table];
    if (image === undefined || image.length < start + length) {
      total += start + length;
      if (total > MAXIMUM_IMAGE_ELEMENTS + listed) return i;
      const grown = new Int32Array(start + length).fill(NONE);
      if (image !== undefined) grown.set(image);
      image = images[table] = grown;
    }
    image.set(funcs, start);
  }
  return elements.length;
}
