import { assert, assertEquals } from "@std/assert";
import { Dwarf, type DwarfSections } from "../../../lib/symbols/mod.ts";
import { decodeModule } from "../../../lib/wasm/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";

const NAMES = [
  "debug_info",
  "debug_abbrev",
  "debug_line",
  "debug_str",
  "debug_line_str",
  "debug_str_offsets",
  "debug_addr",
  "debug_ranges",
  "debug_rnglists",
] as const;

/** The sections of a test program. */
function sectionsOf(program: string): Record<typeof NAMES[number], Uint8Array> {
  const bytes = Deno.readFileSync(new URL(`../../programs/inlined/${program}.wasm`, import.meta.url));
  const { customSections } = decodeModule(bytes);
  return Object.fromEntries(NAMES.map((name) => {
    const found = customSections.find((section) => section.name === `.${name}`);
    return [name, found === undefined ? new Uint8Array(0) : bytes.slice(found.start, found.end)];
  })) as ReturnType<typeof sectionsOf>;
}

/** Frames as `name file:line:column`. */
function located(dwarf: Dwarf, address: number): string[] {
  return dwarf.locate(address).map(({ name, file, line, column }) => `${name} ${file}:${line}:${column}`);
}

/** The trap, and the call of the function that it is in, from the start of the code section's contents. */
const TRAP = 0x77, CALL = 0x2f;

// What llvm-symbolizer --no-demangle says of them.
for (const program of ["inlined", "inlined5"]) {
  Deno.test(`locate() gives inlined functions and places as llvm-symbolizer does (${program})`, () => {
    const dwarf = new Dwarf(sectionsOf(program));
    assertEquals(located(dwarf, TRAP), [
      "_ZNK6shapes3BoxIiE5ratioEv /sources/inlined.cc:10:25",
      "_ZNK6shapes7Painter5paintERKNS_3BoxIiEEi /sources/inlined.cc:18:48",
    ]);
    assertEquals(located(dwarf, CALL), ["draw /sources/inlined.cc:26:41"]);
    assertEquals(located(dwarf, 0), []);
    assertEquals(located(dwarf, 1 << 20), []);
  });

  Deno.test(`locate() survives damaged sections (${program})`, () => {
    const whole = sectionsOf(program);
    const random = new Random(7);
    let found = 0;
    for (let round = 0; round < 3000; round++) {
      const sections = { ...whole };
      const name = random.pick(NAMES);
      if (whole[name].length === 0) continue;
      if (round % 4 === 0) sections[name] = whole[name].subarray(0, random.below(whole[name].length));
      else {
        const damaged = sections[name] = whole[name].slice();
        for (let i = 0; i <= random.below(4); i++) {
          damaged[random.below(damaged.length)] = random.oneIn(4) ? 255 : random.below(256);
        }
      }
      found += new Dwarf(sections satisfies DwarfSections).locate(TRAP).length;
    }
    assert(found > 1000, `${found} frames found`);
  });
}
