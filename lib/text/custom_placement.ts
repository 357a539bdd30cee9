/** Where custom sections stand among the others: what `(@custom "name" (after type) ...)` says (spec: text-customannot). */
import { bug } from "../base/mod.ts";
import { CUSTOM_SECTION, type CustomSection, type Module, Reader, SECTIONS } from "../wasm/mod.ts";

const HEADER_BYTES = 8;

/** A custom section and the place to print: `before first`, or `after` the section it follows. */
export interface PlacedCustomSection {
  readonly section: CustomSection;
  readonly placement: string;
}

/** The places of a module's custom sections, in their order. */
export function customPlacements(module: Module, sections: readonly CustomSection[]): PlacedCustomSection[] {
  const placed: PlacedCustomSection[] = [];
  const reader = new Reader(module.bytes, HEADER_BYTES);
  let placement = "before first";
  while (!reader.atEnd && placed.length < sections.length) {
    const id = reader.readU8();
    const end = reader.readU32Leb() + reader.pos;
    if (id !== CUSTOM_SECTION) placement = `after ${wordOf(id)}`;
    else if (sections[placed.length].end === end) placed.push({ section: sections[placed.length], placement });
    reader.pos = end;
  }
  return placed;
}

function wordOf(id: number): string {
  const row = SECTIONS.find(([, code]) => code === id);
  return row === undefined ? bug(`section ${id} was decoded`) : row[2];
}
