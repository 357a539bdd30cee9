/** Page sizes of memories: decoding and limits. */

import { assertEquals } from "@std/assert";
import { decodeModule, ValidationScratch, WASM3_FEATURES, withFeatures } from "../../../lib/wasm/mod.ts";
import { moduleBytes, vector } from "../../fuzz/generators/binary.ts";
import { ourRefusal } from "../../fuzz/oracles/refusals.ts";

const FEATURES = withFeatures(WASM3_FEATURES, "custom-page-sizes", "threads");
const scratch = new ValidationScratch();

const memory = (...type: number[]) => moduleBytes([5, vector(type)]);
const refusal = (...type: number[]) => ourRefusal(memory(...type), FEATURES, scratch)?.replace(/^at offset .*?: /, "");

Deno.test("decodeModule() reads a memory's page size after its limits", () => {
  const pageSize = (...type: number[]) => decodeModule(memory(...type), FEATURES).memories[0].pageSizeLog2;
  assertEquals([pageSize(0, 1), pageSize(8, 1, 0), pageSize(8, 1, 16), pageSize(9, 1, 2, 0)], [16, 0, 16, 0]);
  assertEquals(decodeModule(memory(0x0f, 1, 2, 0), FEATURES).memories[0], {
    minimumPages: 1,
    maximumPages: 2,
    addressType: "i64",
    isShared: true,
    pageSizeLog2: 0,
  });
});

Deno.test("validateModule() allows pages of 1 and 65536 bytes, and as many as fit the address space", () => {
  const invalid = "memory 0: invalid custom page size 2**1, only 1 and 65536 are valid";
  assertEquals(refusal(8, 0, 1), invalid);
  assertEquals(refusal(8, 0, 65), "malformed page size 2**65");
  assertEquals(refusal(8, 0xff, 0xff, 0xff, 0xff, 0x0f, 0), undefined);
  assertEquals(refusal(8, 0x81, 0x80, 4, 16), "memory 0: memory size must be at most 65536 pages");
  assertEquals(refusal(12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0), undefined);
  assertEquals(refusal(16, 0), "malformed limits flags 16");
});

Deno.test("a page size is refused where the feature is not enabled", () => {
  assertEquals(
    ourRefusal(memory(8, 0, 0), WASM3_FEATURES, scratch)?.split(": ")[1],
    "the feature custom-page-sizes is not enabled",
  );
});
