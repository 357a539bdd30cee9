/** The reader against damaged and hostile files: an ElfError or a file, nothing else (ELFR-1). */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ELF_SIZE, ElfError, ElfReader, ElfWriter, SECTION_TYPE } from "../../../lib/elf/mod.ts";

function sample(): Uint8Array<ArrayBuffer> {
  const writer = new ElfWriter();
  const text = writer.addSection(".text", "code", new Uint8Array(64).fill(0xc3), 16);
  writer.addSection(".meta", "metadata", new Uint8Array(32).fill(7));
  for (let i = 0; i < 8; i++) writer.addSymbol(`function ${i}`, text, i * 8, 8);
  return writer.toBytes();
}

/** Reads everything there is; what is wrong must be an ElfError. */
function readAll(bytes: Uint8Array): "file" | "refused" {
  try {
    const file = new ElfReader(bytes);
    for (const section of file.sections) {
      assert(section.bytes.byteOffset >= bytes.byteOffset);
      assert(section.bytes.byteOffset + section.bytes.length <= bytes.byteOffset + bytes.length);
    }
    for (const symbol of file.symbols()) assert(symbol.value >= 0 && symbol.section < file.sections.length);
    return "file";
  } catch (error) {
    if (error instanceof ElfError) return "refused";
    throw error;
  }
}

/** Offset of field `field` of section header `index`. */
function headerField(bytes: Uint8Array, index: number, field: number): number {
  return new DataView(bytes.buffer).getUint32(40, true) + index * ELF_SIZE.sectionHeader + field;
}

Deno.test("ElfReader refuses every truncation", () => {
  const bytes = sample();
  assertEquals(readAll(bytes), "file");
  for (let length = 0; length < bytes.length; length++) assertEquals(readAll(bytes.subarray(0, length)), "refused");
});

Deno.test("ElfReader survives every single-byte change", () => {
  const bytes = sample();
  let refused = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x10]) {
      const changed = bytes.slice();
      changed[at] = value;
      if (readAll(changed) === "refused") refused++;
    }
  }
  assert(refused > 1000, `${refused}`);
});

Deno.test("ElfReader survives random files with a plausible header", () => {
  const base = sample();
  let state = 12345;
  const random = () => (state = Math.imul(state, 1103515245) + 12345 >>> 0) >>> 8;
  for (let i = 0; i < 3000; i++) {
    const bytes = base.slice();
    for (let n = random() % 40; n >= 0; n--) bytes[64 + random() % (bytes.length - 64)] = random();
    readAll(bytes);
  }
});

Deno.test("ElfReader refuses what our writer never writes", () => {
  const refuses = (message: string, change: (bytes: Uint8Array<ArrayBuffer>, view: DataView) => void) => {
    const bytes = sample();
    change(bytes, new DataView(bytes.buffer));
    assertThrows(() => new ElfReader(bytes).symbols(), ElfError, message);
  };
  refuses("not an ELF file", (bytes) => bytes[1] = 0);
  refuses("not a 64-bit little-endian", (bytes) => bytes[4] = 1);
  refuses("not a 64-bit little-endian", (bytes) => bytes[5] = 2);
  refuses("not an object file", (bytes) => bytes[16] = 2);
  refuses("not for x86-64", (bytes) => bytes[18] = 183);
  refuses("0 sections", (bytes) => bytes[60] = 0);
  refuses("sections", (_, view) => view.setUint16(60, 0xffff, true));
  refuses("wrong size", (bytes) => bytes[58] = 40);
  refuses("name table does not exist", (bytes) => bytes[62] = 200);
  refuses("out of range", (_, view) => view.setUint32(44, 0x8000_0000, true));
  refuses("cut off", (_, view) => view.setUint32(40, 0x7fff_ffff, true));
  refuses("null section", (bytes) => bytes[headerField(bytes, 0, 4)] = 1);
  refuses(
    "two sections",
    (bytes) => bytes.copyWithin(headerField(bytes, 2, 0), headerField(bytes, 1, 0), headerField(bytes, 1, 4)),
  );
  refuses("power of two", (bytes) => bytes[headerField(bytes, 1, 48)] = 3);
  refuses("outside its table", (bytes, view) => view.setUint32(headerField(bytes, 1, 0), 0xffff, true));
  refuses("out of range", (bytes, view) => view.setUint32(headerField(bytes, 1, 36), 0xffff_ffff, true));
  refuses("cut off", (bytes, view) => view.setUint32(headerField(bytes, 1, 32), 0x00ff_ffff, true));
  const symtab = 3;
  refuses("cut off", (bytes) => bytes[headerField(bytes, symtab, 32)] -= 1);
  refuses("no string table", (bytes) => bytes[headerField(bytes, symtab, 40)] = 1);
  const symbol = (bytes: Uint8Array<ArrayBuffer>) =>
    new DataView(bytes.buffer).getUint32(headerField(bytes, symtab, 24), true) + ELF_SIZE.symbol;
  refuses("in no section", (bytes) => bytes[symbol(bytes) + 7] = 0xff);
  refuses("leaves its section", (bytes) => bytes[symbol(bytes) + 8] = 60);
  refuses("outside its table", (bytes) => bytes[symbol(bytes) + 3] = 1);
});

Deno.test("ElfReader refuses symbols that share one long name, which would make reading quadratic", () => {
  const writer = new ElfWriter();
  const text = writer.addSection(".text", "code", new Uint8Array(1));
  writer.addSymbol("x".repeat(1000), text, 0, 1);
  for (let i = 0; i < 100; i++) writer.addSymbol("y", text, 0, 1);
  const bytes = writer.toBytes();
  const file = new ElfReader(bytes);
  const symbols = file.section(".symtab")!;
  for (let i = 2; i <= 101; i++) bytes.set(symbols.bytes.subarray(24, 28), symbols.offsetBytes + i * 24);
  assertThrows(() => new ElfReader(bytes).symbols(), ElfError, "overlap");
});

Deno.test("ElfReader gives a section without file contents no bytes", () => {
  const bytes = sample();
  bytes[headerField(bytes, 2, 4)] = SECTION_TYPE.noBits;
  assertEquals(new ElfReader(bytes).section(".meta")!.bytes.length, 0);
});
