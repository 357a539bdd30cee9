/**
 * Struct layouts: one description gives offsets, size, alignment, the printed layout and typed access.
 *
 * A struct that machine code reads is written once as a list of fields; compiler, runtime and tests all derive from it.
 */

/** Kinds of fields: `ptr` is a 64-bit address. */
export type FieldKind = "u8" | "u16" | "u32" | "u64" | "ptr" | "v128";

const FIELD_BYTES: Record<FieldKind, number> = { u8: 1, u16: 2, u32: 4, u64: 8, ptr: 8, v128: 16 };

/** A laid-out struct: byte offsets by field name, natural alignment, size rounded up to the alignment. */
export interface StructLayout<Fields extends Record<string, FieldKind>> {
  readonly name: string;
  readonly fields: Fields;
  readonly offsets: { readonly [K in keyof Fields]: number };
  readonly sizeBytes: number;
  readonly alignBytes: number;
}

/** Rounds `offset` up to a multiple of `alignment`. */
export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Lays out a struct: each field at the next offset of its natural alignment. */
export function struct<const Fields extends Record<string, FieldKind>>(
  name: string,
  fields: Fields,
): StructLayout<Fields> {
  const offsets: Record<string, number> = {};
  let offset = 0;
  let align = 1;
  for (const [field, kind] of Object.entries(fields)) {
    const bytes = FIELD_BYTES[kind];
    offset = alignUp(offset, bytes);
    offsets[field] = offset;
    offset += bytes;
    if (bytes > align) align = bytes;
  }
  return {
    name,
    fields,
    offsets: offsets as { readonly [K in keyof Fields]: number },
    sizeBytes: alignUp(offset, align),
    alignBytes: align,
  };
}

/** One line per field, for the layout golden file. */
export function printLayout(layout: StructLayout<Record<string, FieldKind>>): string {
  const lines = [`struct ${layout.name} size ${layout.sizeBytes} align ${layout.alignBytes}`];
  for (const [field, kind] of Object.entries(layout.fields)) lines.push(`  ${layout.offsets[field]} ${field} ${kind}`);
  return lines.join("\n");
}
