/** Thousands of instances, each in a store of its own that is disposed, leave nothing behind; `deno task soak` makes a million. */

import { assert, assertEquals } from "@std/assert";
import { KINDS, soak } from "./instance_soak.ts";

const COUNT = 4000;
/** V8's own heap breathes by so much. */
const TOLERATED_BYTES = 12 << 20;
const TOLERATED_MAPPINGS = 60;

for (const [name, kind] of Object.entries(KINDS)) {
  Deno.test(`instances leave neither files nor mappings nor memory behind: ${name}`, async () => {
    const [half, last] = await soak(kind, COUNT, 2);
    assertEquals(last.files, half.files);
    assert(last.mappings - half.mappings < TOLERATED_MAPPINGS, `${half.mappings} mappings became ${last.mappings}`);
    assert(last.rssBytes - half.rssBytes < TOLERATED_BYTES, `${half.rssBytes} bytes became ${last.rssBytes}`);
  });
}
