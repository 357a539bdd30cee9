/** Modules from their text form, for tests: the WebAssembly Binary Toolkit's assembler. */

import wabt from "npm:wabt@1.0.37";

/** The binary form of a module. */
export async function assembleWat(text: string, name = "test.wat"): Promise<Uint8Array> {
  const module = (await wabt()).parseWat(name, text, { bulk_memory: true, reference_types: true, multi_value: true });
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
