/** The object file writer, read back by our reader and by binutils where they are installed. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ELF_TYPE, ElfReader, ElfWriter, SECTION_FLAG, SYMBOL_BINDING, SYMBOL_TYPE } from "../../../lib/elf/mod.ts";

// mov eax, 42; ret | xor eax, eax; ret
const CODE = Uint8Array.of(0xb8, 42, 0, 0, 0, 0xc3, 0x31, 0xc0, 0xc3);

function sample(): Uint8Array<ArrayBuffer> {
  const writer = new ElfWriter();
  const text = writer.addSection(".text", "code", CODE, 16);
  writer.addSection(".rodata", "constants", Uint8Array.of(1, 2, 3, 4), 8);
  writer.addSection(".theropod.meta", "metadata", new TextEncoder().encode("{}"));
  writer.addSymbol("zero", text, 6, 3, "function", "global");
  writer.addSymbol("wasm[0]::answer über", text, 0, 6);
  return writer.toBytes();
}

Deno.test("ElfWriter writes sections that ElfReader reads", () => {
  const file = new ElfReader(sample());
  assertEquals(file.type, ELF_TYPE.relocatable);
  assertEquals(
    file.sections.map((section) => section.name),
    ["", ".text", ".rodata", ".theropod.meta", ".symtab", ".strtab", ".shstrtab"],
  );
  assertEquals(file.requireSection(".text"), CODE);
  assertEquals(file.section(".text")!.flags, SECTION_FLAG.allocate | SECTION_FLAG.execute);
  assertEquals(file.section(".text")!.offsetBytes % 16, 0);
  assertEquals(file.requireSection(".rodata"), Uint8Array.of(1, 2, 3, 4));
  assertEquals(file.requireSection(".theropod.meta"), new TextEncoder().encode("{}"));
  assertEquals(file.section(".nothing"), undefined);
  assertThrows(() => file.requireSection(".nothing"), Error, ".nothing is missing");
});

Deno.test("ElfWriter writes symbols, local ones first", () => {
  assertEquals(new ElfReader(sample()).symbols(), [
    {
      name: "wasm[0]::answer über",
      value: 0,
      byteLength: 6,
      section: 1,
      type: SYMBOL_TYPE.function,
      binding: SYMBOL_BINDING.local,
    },
    { name: "zero", value: 6, byteLength: 3, section: 1, type: SYMBOL_TYPE.function, binding: SYMBOL_BINDING.global },
  ]);
});

Deno.test("ElfWriter is deterministic, and reset() gives an empty one", () => {
  assertEquals(sample(), sample());
  const writer = new ElfWriter();
  const section = writer.addSection(".text", "code", CODE);
  writer.addSymbol("f", section, 0, 1);
  const first = writer.toBytes();
  writer.reset();
  assertEquals(new ElfReader(writer.toBytes()).symbols(), []);
  writer.reset();
  writer.addSymbol("f", writer.addSection(".text", "code", CODE), 0, 1);
  assertEquals(writer.toBytes(), first);
});

Deno.test("ElfWriter replaces zero characters, which would end a name", () => {
  const writer = new ElfWriter();
  writer.addSymbol("a\0b", writer.addSection(".text", "code", CODE), 0, 1);
  assertEquals(new ElfReader(writer.toBytes()).symbols()[0].name, "a\ufffdb");
});

Deno.test("ElfWriter refuses equal section names and symbols outside (ELFW-2)", () => {
  const writer = new ElfWriter();
  const section = writer.addSection(".text", "code", CODE);
  assertThrows(() => writer.addSection(".text", "metadata", CODE), Error, "two sections");
  assertThrows(() => writer.addSymbol("f", section, 4, 6), Error, "leaves its section");
});

Deno.test("ElfWriter handles many symbols", () => {
  const writer = new ElfWriter();
  const section = writer.addSection(".text", "code", new Uint8Array(100_000));
  for (let i = 0; i < 20_000; i++) writer.addSymbol(`wasm-function[${i}]`, section, i * 5, 5);
  const symbols = new ElfReader(writer.toBytes()).symbols();
  assertEquals(symbols.length, 20_000);
  assertEquals(symbols[19_999].name, "wasm-function[19999]");
  assertEquals(symbols[19_999].value, 99_995);
});

Deno.test("binutils read what ElfWriter writes", async () => {
  const path = Deno.makeTempFileSync({ suffix: ".o" });
  try {
    Deno.writeFileSync(path, sample());
    const run = async (tool: string, ...args: string[]) => {
      try {
        const { success, stdout, stderr } = await new Deno.Command(tool, { args: [...args, path] }).output();
        assertEquals(new TextDecoder().decode(stderr), "");
        assertEquals(success, true);
        return new TextDecoder().decode(stdout);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    };
    const disassembly = await run("objdump", "-d");
    if (disassembly !== undefined) {
      assertStringIncludes(disassembly, "<wasm[0]::answer über>:");
      assertStringIncludes(disassembly, "$0x2a,%eax");
    }
    const symbols = await run("nm");
    if (symbols !== undefined) {
      assertStringIncludes(symbols, "0000000000000000 t wasm[0]::answer über");
      assertStringIncludes(symbols, "0000000000000006 T zero");
    }
    const headers = await run("readelf", "-aW");
    if (headers !== undefined) assertStringIncludes(headers, ".theropod.meta");
  } finally {
    Deno.removeSync(path);
  }
});
