/** The committed boot image is what the builder builds. `THEROPOD_BLESS=1` rewrites it. */

import { assertEquals } from "@std/assert";
import { buildBootImage, renderBootImage } from "../../../lib/bootimage/mod.ts";

const COMMITTED = new URL("../../../lib/host/boot_image.ts", import.meta.url);

Deno.test("buildBootImage() rebuilds the committed image, byte for byte", async () => {
  const text = renderBootImage(await buildBootImage());
  if (Deno.env.get("THEROPOD_BLESS") === "1") Deno.writeTextFileSync(COMMITTED, text);
  assertEquals(Deno.readTextFileSync(COMMITTED), text);
});

Deno.test("buildBootImage() is deterministic", async () => {
  assertEquals(await buildBootImage(), await buildBootImage());
});
