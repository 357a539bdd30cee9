/** Where custom sections stand among the others: what `(@custom "name" (after type) ...)` says (spec: text-customannot). */
import { bug } from "../base/mod.ts";
import { type CustomSection, type Module, Reader } from "../wasm/mod.ts";

/** How an annotation names each section, by section id. */
const SECTION_WORDS: Readonly<Record<number, string>> = {
  1: "type",
  2: "import",
  3: "func",
  4: "table",
  5: "memory",
  6: "global",
  7: "export",
  8: "start",
  9: "elem",
  10: "code",
  11: "data",
  12: "datacount",
  13: "tag",
};
const CUSTOM_SECTION = 0;
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
    if (id !== CUSTOM_SECTION) placement = `after ${SECTION_WORDS[id] ?? bug(`section ${id} was decoded`)}`;
    else if (sections[placed.length].end === end) placed.push({ section: sections[placed.length], placement });
    reader.pos = end;
  }
  return placed;
}
