/** Deno's permissions: FFI would go past them, so a grant is made only of what the process itself was granted, flag by flag. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { WasiError, WasiPreview1 } from "../../../lib/wasi/mod.ts";

const MODULE = new URL("../../../lib/wasi/mod.ts", import.meta.url).href;
const FOLDER = Deno.makeTempDirSync({ prefix: "theropod-permissions-" });
globalThis.addEventListener("unload", () => Deno.removeSync(FOLDER, { recursive: true }));
Deno.mkdirSync(`${FOLDER}/sub`);

/** Makes WASI with options in a process with these permissions; returns "fine" or the error's name and message. */
async function construct(permissions: readonly string[], options: Record<string, unknown>): Promise<string> {
  const path = `${FOLDER}/child_${crypto.randomUUID()}.ts`;
  Deno.writeTextFileSync(
    path,
    `import { WasiPreview1 } from ${JSON.stringify(MODULE)};
     try {
       new WasiPreview1(${JSON.stringify(options)})[Symbol.dispose]();
       console.log("fine");
     } catch (error) {
       console.log(error.name + ": " + error.message);
     }`,
  );
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...permissions, path],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd();
}

const forReading = { preopens: [{ host: `${FOLDER}/sub`, access: "read" }] };
const forWriting = { preopens: [{ host: `${FOLDER}/sub` }] };

for (
  const [what, permissions, options, expected] of [
    ["a folder for reading without --allow-read", ["--allow-ffi"], forReading, /^NotCapable: .*--allow-read/],
    [
      "a folder for writing without --allow-read",
      ["--allow-ffi", "--allow-write"],
      forWriting,
      /^NotCapable: .*--allow-read/,
    ],
    [
      "a folder for writing without --allow-write",
      ["--allow-ffi", "--allow-read"],
      forWriting,
      /^NotCapable: .*--allow-write/,
    ],
    [
      "a folder beside the one allowed",
      ["--allow-ffi", `--allow-read=${FOLDER}/other`],
      forReading,
      /^NotCapable: .*--allow-read/,
    ],
    [
      "a folder above the one allowed",
      ["--allow-ffi", `--allow-read=${FOLDER}/sub`],
      { preopens: [{ host: FOLDER, access: "read" }] },
      /^NotCapable: .*--allow-read/,
    ],
    [
      "a folder of which a part is denied",
      ["--allow-ffi", "--allow-read", `--deny-read=${FOLDER}/sub`],
      forReading,
      /^NotCapable: .*--allow-read/,
    ],
    ["a folder for reading with --allow-read", ["--allow-ffi", "--allow-read"], forReading, /^fine$/],
    [
      "a folder for reading with that folder allowed",
      ["--allow-ffi", `--allow-read=${FOLDER}/sub`],
      forReading,
      /^fine$/,
    ],
    [
      "a folder for writing with both",
      ["--allow-ffi", `--allow-read=${FOLDER}`, `--allow-write=${FOLDER}/sub`],
      forWriting,
      /^fine$/,
    ],
    ["nothing, without any permission", [], {}, /^fine$/],
    ["a stream without --allow-ffi", [], { stdout: "inherit" }, /^HostError: .*--allow-ffi/],
    [
      "a folder with --allow-ffi for one path",
      ["--allow-ffi=/lib", "--allow-read"],
      forReading,
      /^HostError: .*--allow-ffi/,
    ],
  ] as const
) {
  Deno.test(`granting ${what} answers as Deno's permissions say`, async () => {
    assertMatch(await construct(permissions, options), expected);
  });
}

Deno.test("a folder that cannot be opened is a WasiError that says which and why", () => {
  const grant = (host: string) => () => new WasiPreview1({ preopens: [{ host }] });
  assertThrows(grant(`${FOLDER}/missing`), WasiError, "missing");
  Deno.writeTextFileSync(`${FOLDER}/file`, "");
  assertThrows(grant(`${FOLDER}/file`), WasiError, "not a folder");
  assertThrows(grant(`${FOLDER}/a\0b`), WasiError, "not a valid path");
  assertThrows(grant("x".repeat(5000)), WasiError);
  assertThrows(grant(""), WasiError);
});
