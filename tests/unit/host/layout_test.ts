/** The layout tables that machine code and TypeScript share: no field overlaps another, all are aligned. */

import { assert, assertEquals } from "@std/assert";
import {
  ARENA_BIT_WORDS,
  BOOT_DATA,
  BOOT_DATA_BYTES,
  LEDGER,
  LEDGER_BYTES,
  LEDGER_MAPPING_BYTES,
  LEDGER_MAPPING_COUNT,
  RECORD,
  RECORD_BIT_WORDS,
  RECORD_BYTES,
  RECORD_SHIFT,
  STATUS,
  TICKER_SLOT_BYTES,
  TICKER_SLOT_COUNT,
} from "../../../lib/host/mod.ts";
import { Status, VMRecord } from "../../../lib/abi/mod.ts";

/** Checks a table whose fields are 8 bytes unless `sizes` says otherwise. */
function checkLayout<K extends string>(table: Record<K, number>, sizes: Partial<Record<K, number>>, end: number): void {
  const rows = (Object.entries(table) as [K, number][]).map(([name, at]) => ({ name, at, size: sizes[name] ?? 8 }));
  rows.sort((a, b) => a.at - b.at);
  for (const [i, { name, at, size }] of rows.entries()) {
    assertEquals(at % Math.min(size & -size, 8), 0, `${name} is aligned`);
    assert(at + size <= (rows[i + 1]?.at ?? end), `${name} ends before ${rows[i + 1]?.name ?? "the end"}`);
  }
}

Deno.test("RECORD has no overlapping fields", () => {
  const words = { exitKind: 4, exitNumber: 4, signal: 4, interruptFlag: 4, faultCode: 4 };
  checkLayout(
    RECORD,
    { ...words, libArgs: 48, generatedCode: 48, savedRegisters: 128, savedVectors: 256 },
    RECORD_BYTES,
  );
  assertEquals(1 << RECORD_SHIFT, RECORD_BYTES);
});

Deno.test("RECORD agrees with what lib/abi tells generated code", () => {
  const ours = new Map<string, number>(Object.entries(RECORD));
  for (const [name, offset] of Object.entries<number>(VMRecord.offsets)) {
    const argument = /^libArg(\d)$/.exec(name);
    if (argument !== null) assertEquals(offset, RECORD.libArgs + Number(argument[1]) * 8, name);
    else if (ours.has(name)) assertEquals(offset, ours.get(name), name);
    else {assert(
        offset >= RECORD.generatedCode && offset + 8 <= RECORD.faultCode,
        `${name} is in the space left to lib/abi`,
      );}
  }
  assertEquals(
    Object.values(Status),
    Object.values(STATUS),
  );
});

Deno.test("BOOT_DATA has no overlapping fields", () => {
  const words = {
    version: 4,
    state: 4,
    error: 4,
    errorStep: 4,
    cpu1Ecx: 4,
    cpu1Edx: 4,
    cpu7Ebx: 4,
    cpu7Ecx: 4,
    cpuExtEcx: 4,
    xcr0: 4,
    exitKey: 4,
    tickerEpoch: 4,
    tickerState: 4,
  };
  const maps = { recordBits: RECORD_BIT_WORDS * 4, arenaBits: ARENA_BIT_WORDS * 4 };
  checkLayout(
    BOOT_DATA,
    { ...words, ...maps, oldActions: 96, tickerSlots: TICKER_SLOT_BYTES * TICKER_SLOT_COUNT },
    BOOT_DATA_BYTES,
  );
});

Deno.test("LEDGER has no overlapping fields", () => {
  const maps = { recordBits: RECORD_BIT_WORDS * 4, arenaBits: ARENA_BIT_WORDS * 4 };
  const mappings = LEDGER_MAPPING_COUNT * LEDGER_MAPPING_BYTES;
  checkLayout(LEDGER, { mappingCount: 4, tickerSlot: 4, ...maps, mappings }, LEDGER_BYTES);
});
