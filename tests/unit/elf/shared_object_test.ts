/** The shared object writer: what the loader does with its output, and what it refuses. */

import { assertEquals, assertThrows } from "@std/assert";
import { buildSharedObject, ElfReader, type SharedObject } from "../../../lib/elf/mod.ts";

// mov eax, [rip + data]; inc dword [rip + data]; ret - with text at 0x280 and data at 0x2000
const COUNTER = Uint8Array.of(
  ...[0x8b, 0x05, 0x7a, 0x1d, 0, 0],
  ...[0xff, 0x05, 0x74, 0x1d, 0, 0],
  0xc3,
);

const OBJECT: SharedObject = {
  soname: "libtheropod-test-counter.so",
  text: COUNTER,
  textAddress: 0x280,
  dataAddress: 0x2000,
  dataBytes: 4096,
  symbols: [
    { name: "count", section: "text", offsetBytes: 0, byteLength: 13 },
    { name: "counter", section: "data", offsetBytes: 0, byteLength: 4 },
  ],
};

Deno.test("buildSharedObject() makes a library that loads, runs, is found by name, and stays when closed", () => {
  const path = Deno.makeTempFileSync({ suffix: ".so" });
  Deno.writeFileSync(path, buildSharedObject(OBJECT));
  const symbols = { count: { parameters: [], result: "i32" }, counter: { type: "u32" } } as const;
  const library = Deno.dlopen(path, symbols);
  Deno.removeSync(path);
  assertEquals([library.symbols.count(), library.symbols.count()], [0, 1]);
  library.close();
  assertEquals(library.symbols.count(), 2);
  const again = Deno.dlopen(OBJECT.soname, symbols);
  again.close();
  assertEquals(again.symbols.count(), 3);
});

Deno.test("buildSharedObject() output is read by ElfReader", () => {
  const file = new ElfReader(buildSharedObject(OBJECT));
  assertEquals(file.requireSection(".text"), COUNTER);
  assertEquals(file.section(".bss")!.address, 0x2000);
  assertEquals(file.symbols().map(({ name, value }) => [name, value]), [["count", 0x280], ["counter", 0x2000]]);
});

Deno.test("buildSharedObject() refuses layouts that overlap", () => {
  assertThrows(() => buildSharedObject({ ...OBJECT, textAddress: 0x100 }), Error, "loader tables");
  assertThrows(() => buildSharedObject({ ...OBJECT, dataAddress: 0x1000 }), Error, "dynamic section");
});
