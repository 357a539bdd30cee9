/**
 * The ELF64 vocabulary: sizes, numbers and field offsets that writer and reader share.
 *
 * From the System V ABI, "gABI" chapters 4 and 5, and its x86-64 supplement; only what this project writes or accepts.
 */

/** Sizes of the fixed structures in bytes. */
export const ELF_SIZE = {
  header: 64,
  programHeader: 56,
  sectionHeader: 64,
  symbol: 24,
  dynamic: 16,
} as const satisfies Record<string, number>;

/** e_type. */
export const ELF_TYPE = { relocatable: 1, sharedObject: 3 } as const satisfies Record<string, number>;

/** EM_X86_64. */
export const MACHINE_X86_64 = 62;

/** sh_type. */
export const SECTION_TYPE = {
  none: 0,
  /** Bytes whose meaning is ours. */
  programBits: 1,
  symbols: 2,
  strings: 3,
  hash: 5,
  dynamic: 6,
  /** Occupies no file space. */
  noBits: 8,
  dynamicSymbols: 11,
} as const satisfies Record<string, number>;

/** sh_flags. */
export const SECTION_FLAG = { write: 1, allocate: 2, execute: 4 } as const satisfies Record<string, number>;

/** p_type. */
export const SEGMENT_TYPE = { load: 1, dynamic: 2, gnuStack: 0x6474e551 } as const satisfies Record<string, number>;

/** p_flags. */
export const SEGMENT_FLAG = { execute: 1, write: 2, read: 4 } as const satisfies Record<string, number>;

/** d_tag. */
export const DYNAMIC_TAG = {
  end: 0,
  hash: 4,
  strings: 5,
  symbols: 6,
  stringsBytes: 10,
  symbolBytes: 11,
  soname: 14,
  flags1: 0x6ffffffb,
} as const satisfies Record<string, number>;

/** DF_1_NODELETE: closing the last handle does not unload the object. */
export const FLAG_1_NO_DELETE = 8;

/** Symbol types, the low half of st_info. */
export const SYMBOL_TYPE = { none: 0, object: 1, function: 2 } as const satisfies Record<string, number>;

/** Symbol bindings, the high half of st_info. */
export const SYMBOL_BINDING = { local: 0, global: 1 } as const satisfies Record<string, number>;
