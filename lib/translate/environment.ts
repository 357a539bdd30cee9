/**
 * What translation needs to know of a module, computed once and then read by index: signatures, and where globals, memories and tables lie.
 *
 * Every entity with a definition record is *placed*: inside the VMContext at an offset, or behind a pointer in the VMContext (imported
 * ones, and shared memories, whose record all Workers share). `Places` keeps that as columns; handlers ask `places.ts` for
 * field addresses and never distinguish the two.
 *
 * ENV-1  Immutable once constructed: any number of functions may be translated against it in any order.
 * ENV-2  `signatures` holds one signature per block type shorthand, one per libcall, one per function type; equal ones are
 *        not merged.
 *
 * May import: base, wasm, abi, ir. @module
 */

import {
  type CodeOptions,
  FUNC_ELEMENT_TAG,
  GcLayouts,
  LIBCALLS,
  ownedMemoryOf,
  type TableElementType,
  tableElementTypeOf,
  VMGlobalImport,
  VMMemoryImport,
  type VMShape,
  VMTableImport,
} from "../abi/mod.ts";
import { bug, NONE } from "../base/mod.ts";
import { ADDR, I32, I64, memFlags, REF, Region, type SigId, Signatures, type Type, V128 } from "../ir/mod.ts";
import {
  type BodyReader,
  BranchHints,
  type ConstExpr,
  HEAP_FUNC,
  HEAP_NOFUNC,
  heapType,
  isRef,
  type Module,
  readValType,
  type ValType,
} from "../wasm/mod.ts";

/** Where the definition records of an index space lie, by index. */
export class Places {
  /** Byte offset in the VMContext: of the record, or of the pointer to it. */
  readonly offset: Int32Array;
  /** 1: `offset` is where a pointer to the record lies. */
  readonly isIndirect: Uint8Array;

  constructor(count: number) {
    this.offset = new Int32Array(count);
    this.isIndirect = new Uint8Array(count);
  }

  /** The record lies in the VMContext. */
  setDirect(index: number, offsetBytes: number): void {
    this.offset[index] = offsetBytes;
  }

  /** A pointer to the record lies in the VMContext. */
  setIndirect(index: number, offsetBytes: number): void {
    this.offset[index] = offsetBytes;
    this.isIndirect[index] = 1;
  }
}

const EMPTY_BLOCK_CODE = -0x40;

/** The code options that translation depends on. */
export type TranslateOptions =
  & Pick<CodeOptions, "bounds">
  & Partial<Pick<CodeOptions, "barrier" | "fuel" | "interruption" | "tables">>;

/** Facts about a module for the translation of its functions. */
export class TranslateEnvironment {
  readonly module: Module;
  readonly shape: VMShape;
  readonly options: TranslateOptions;
  readonly signatures: Signatures = new Signatures();
  /** SigId by type index; NONE where the type is no function type. */
  readonly typeSig: Int32Array;
  /** SigId by function index. */
  readonly funcSig: Int32Array;
  /** SigId by libcall number. */
  readonly libcallSig: Int32Array;
  /** SigId of the block type without parameters whose result has the IR type; at 0 the one without result. */
  readonly #shorthandSig = new Int32Array(ADDR + 1);

  /** Layouts of the module's struct and array types. */
  readonly gcLayouts: GcLayouts;

  /** What the module says about its branches; undefined: nothing. */
  readonly branchHints: BranchHints | undefined;

  readonly globals: Places;
  /** IR type of each global. */
  readonly globalType: Uint8Array;
  /** Memory flags of accesses to each global. */
  readonly globalFlags: Int32Array;
  /** 1: the global always has the value given by the bits in `globalLo` and `globalHi`. */
  readonly globalIsConstant: Uint8Array;
  readonly globalLo: Int32Array;
  readonly globalHi: Int32Array;

  readonly memories: Places;
  /** 1: accesses are compared with the memory's length. */
  readonly memoryIsExplicit: Uint8Array;
  /** 1: addresses are 64 bits wide. */
  readonly memoryIs64: Uint8Array;

  readonly tables: Places;
  /** How each table stores its elements. */
  readonly tableElement: TableElementType[] = [];
  /** What is added to a funcref in a table (table_layout.ts). */
  readonly funcElementTag: number;
  /** 1: indices are 64 bits wide. */
  readonly tableIs64: Uint8Array;
  /** The table's size where it cannot change, else NONE. Its base cannot change either then. */
  readonly tableFixedSize: Int32Array;

  constructor(module: Module, shape: VMShape, options: TranslateOptions) {
    this.module = module;
    this.shape = shape;
    this.options = options;
    this.branchHints = BranchHints.of(module);
    this.gcLayouts = new GcLayouts(module.types);

    const { signatures } = this;
    for (let type = 0; type <= ADDR; type++) {
      this.#shorthandSig[type] = signatures.adopt(NO_TYPES, SHORTHAND_RESULTS[type]);
    }
    this.libcallSig = new Int32Array(LIBCALLS.length);
    for (let n = 0; n < LIBCALLS.length; n++) {
      this.libcallSig[n] = signatures.adopt(LIBCALL_TYPES[2 * n], LIBCALL_TYPES[2 * n + 1]);
    }
    this.typeSig = new Int32Array(module.types.length);
    for (let n = 0; n < module.types.length; n++) {
      const type = module.types[n];
      this.typeSig[n] = type.kind !== "func"
        ? NONE
        : signatures.adopt(this.#irTypes(type.params), this.#irTypes(type.results));
    }
    this.funcSig = module.funcs.map((typeIndex) => this.typeSig[typeIndex]);

    const globalCount = module.globals.length;
    this.globals = new Places(globalCount);
    this.globalType = new Uint8Array(globalCount);
    this.globalFlags = new Int32Array(globalCount);
    this.globalIsConstant = new Uint8Array(globalCount);
    this.globalLo = new Int32Array(globalCount);
    this.globalHi = new Int32Array(globalCount);
    this.#placeGlobals();

    const memoryCount = module.memories.length;
    this.memories = new Places(memoryCount);
    this.memoryIsExplicit = new Uint8Array(memoryCount);
    this.memoryIs64 = new Uint8Array(memoryCount);
    this.#placeMemories();

    const tableCount = module.tables.length;
    this.tables = new Places(tableCount);
    this.funcElementTag = FUNC_ELEMENT_TAG[options.tables ?? "lazy"];
    this.tableIs64 = new Uint8Array(tableCount);
    this.tableFixedSize = new Int32Array(tableCount).fill(NONE);
    this.#placeTables();
  }

  /** The IR type of values of a wasm type. */
  irType(type: ValType): Type {
    if (!isRef(type)) return type >= I32 && type <= V128 ? type : bug(`no IR type for ${type}`); // both count i32 to v128 alike
    const heap = heapType(type);
    if (heap >= 0) return this.module.types[heap].kind === "func" ? I64 : REF;
    return heap === HEAP_FUNC || heap === HEAP_NOFUNC ? I64 : REF;
  }

  /** The IR types of what exceptions of a tag carry. */
  tagTypes(tag: number): Uint8Array {
    return this.signatures.params[this.typeSig[this.module.tags[tag].typeIndex]];
  }

  /** The IR types of what a suspension with a tag is resumed with. */
  tagResults(tag: number): Uint8Array {
    return this.signatures.results[this.typeSig[this.module.tags[tag].typeIndex]];
  }

  /** Reads a block type. */
  readBlockSig(reader: BodyReader): SigId {
    const start = reader.pos;
    const code = reader.readS33Leb();
    if (code >= 0) return this.typeSig[code] as SigId;
    if (code === EMPTY_BLOCK_CODE) return this.#shorthandSig[0] as SigId;
    reader.pos = start;
    return this.#shorthandSig[this.irType(readValType(reader))] as SigId;
  }

  #irTypes(types: Int32Array): Uint8Array {
    if (types.length === 0) return NO_TYPES;
    const irTypes = new Uint8Array(types.length);
    for (let k = 0; k < types.length; k++) irTypes[k] = this.irType(types[k]);
    return irTypes;
  }

  #placeGlobals(): void {
    const { module, shape } = this;
    for (let index = 0; index < module.globals.length; index++) {
      const { type, isMutable, init } = module.globals[index];
      const defined = index - module.importedGlobalCount;
      if (defined >= 0) this.globals.setDirect(index, shape.global(defined));
      else this.globals.setIndirect(index, shape.globalImport(index) + VMGlobalImport.offsets.definition);
      this.globalType[index] = this.irType(type);
      this.globalFlags[index] = memFlags(0, isMutable ? Region.global : Region.readonly);
      if (!isMutable && init !== undefined) this.#noteConstant(index, init);
    }
  }

  /** Notes a global whose initial value is a single constant, or another global that is. */
  #noteConstant(index: number, { instrs }: ConstExpr): void {
    if (instrs.length !== 1) return;
    const instr = instrs[0];
    let lo = 0;
    let hi = 0;
    switch (instr.name) {
      case "i32.const":
        lo = instr.value;
        break;
      case "f32.const":
        lo = instr.bits;
        break;
      case "i64.const":
      case "f64.const":
        lo = instr.lo;
        hi = instr.hi;
        break;
      case "ref.null":
        break;
      case "global.get":
        if (this.globalIsConstant[instr.globalIndex] === 0) return;
        lo = this.globalLo[instr.globalIndex];
        hi = this.globalHi[instr.globalIndex];
        break;
      default:
        return;
    }
    this.globalIsConstant[index] = 1;
    this.globalLo[index] = lo;
    this.globalHi[index] = hi;
  }

  #placeMemories(): void {
    const { module, shape } = this;
    for (let index = 0; index < module.memories.length; index++) {
      const owned = ownedMemoryOf(module, index);
      const defined = index - module.importedMemoryCount;
      if (owned !== NONE) this.memories.setDirect(index, shape.ownedMemory(owned));
      else if (defined >= 0) this.memories.setIndirect(index, shape.memoryPointer(defined));
      else this.memories.setIndirect(index, shape.memoryImport(index) + VMMemoryImport.offsets.definition);
      const is64 = module.memories[index].addressType === "i64";
      this.memoryIs64[index] = is64 ? 1 : 0;
      // No reservation is as large as what a 64-bit address reaches.
      this.memoryIsExplicit[index] =
        is64 || module.memories[index].pageSizeLog2 !== 16 || this.options.bounds === "explicit" ? 1 : 0;
    }
  }

  #placeTables(): void {
    const { module, shape } = this;
    for (let index = 0; index < module.tables.length; index++) {
      const { element, minimum, maximum, addressType } = module.tables[index];
      const defined = index - module.importedTableCount;
      if (defined >= 0) this.tables.setDirect(index, shape.table(defined));
      else this.tables.setIndirect(index, shape.tableImport(index) + VMTableImport.offsets.definition);
      this.tableElement[index] = tableElementTypeOf(element, module.types);
      this.tableIs64[index] = addressType === "i64" ? 1 : 0;
      // An imported table's size is at least the minimum and at most the maximum declared here: equal limits fix it too.
      if (minimum === maximum && minimum < 2 ** 31) this.tableFixedSize[index] = minimum;
    }
  }
}

const ABI_TYPES: Readonly<Record<string, Type>> = { i: I32, l: I64, r: REF };

/** The IR types of a libcall row's letters; "-" is none. */
function abiTypes(letters: string): Uint8Array {
  if (letters === "-") return NO_TYPES;
  return Uint8Array.from(letters, (letter) => ABI_TYPES[letter] ?? bug(`no IR type for ${letter}`));
}

// The types all modules share.
const NO_TYPES = new Uint8Array(0);
/** Results of a block type shorthand, by IR type; the first is the one without result. */
const SHORTHAND_RESULTS = Array.from({ length: ADDR + 1 }, (_, type) => type === 0 ? NO_TYPES : new Uint8Array([type]));
/** Parameters and results of each libcall, in turn. */
const LIBCALL_TYPES = LIBCALLS.flatMap(([, params, result]) => [abiTypes(params), abiTypes(result)]);
