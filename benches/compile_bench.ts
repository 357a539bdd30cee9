/**
 * What compiling costs: time for each wasm byte, cold and warm, and JavaScript heap for each function once warm.
 *
 * The heap figure is a bar, not a curiosity: above 1 KiB a function the program exits with 1. It is measured in a child process whose young
 * generation is large enough that no collection hides garbage.
 *
 * usage: deno task bench:compile [MODULE...]
 */

import { shapeOf } from "../lib/abi/mod.ts";
import { Compiler } from "../lib/compile/mod.ts";
import { decodeModule, validateModule } from "../lib/wasm/mod.ts";
import { sharedRoot } from "../tests/testdata.ts";

/** Most bytes of JavaScript heap that compiling a function may take after warm-up. */
const BAR_BYTES = 1024;
/** Functions compiled before a figure counts as warm: V8 optimises the compiler's own functions as it goes. */
const WARM_FUNCTIONS = 10_000;
const LEAST_ROUNDS = 6;

const OPTIONS = { bounds: "guard", effort: "speed", cpuFeatures: 0 } as const;

interface Figures {
  readonly functions: number;
  readonly bytes: number;
  readonly coldMs: number;
  readonly warmMs: number;
  readonly heapBytesPerFunction: number;
}

function measure(path: string): Figures {
  const module = decodeModule(Deno.readFileSync(path));
  validateModule(module);
  shapeOf(module);
  const compiler = new Compiler();
  const functions = module.bodies.length;
  let coldMs = 0;
  let warmMs = Infinity;
  let heapBytesPerFunction = Infinity;
  const rounds = Math.max(LEAST_ROUNDS, Math.ceil(WARM_FUNCTIONS / functions));
  for (let round = 0; round <= rounds; round++) {
    let heapStart = 0;
    let heapEnd = 0;
    const start = performance.now();
    compiler.compile(module, {
      ...OPTIONS,
      onProgress: (done) => {
        if (done === 1) heapStart = Deno.memoryUsage().heapUsed;
        if (done === functions) heapEnd = Deno.memoryUsage().heapUsed;
      },
    });
    const elapsed = performance.now() - start;
    if (round === 0) coldMs = elapsed;
    else {
      warmMs = Math.min(warmMs, elapsed);
      // A collection in between gives a negative figure, which says nothing.
      const heap = (heapEnd - heapStart) / (functions - 1);
      if (heap >= 0) heapBytesPerFunction = Math.min(heapBytesPerFunction, heap);
    }
  }
  return { functions, bytes: module.bytes.length, coldMs, warmMs, heapBytesPerFunction };
}

if (Deno.args[0] === "--child") {
  console.log(JSON.stringify(measure(Deno.args[1])));
  Deno.exit(0);
}

const root = sharedRoot();
const paths = Deno.args.length > 0 ? Deno.args : [
  new URL("../tests/programs/wordcount/wordcount.wasm", import.meta.url).pathname,
  ...(root === undefined ? [] : [
    `${root}/programs/bz2/benchmark.wasm`,
    `${root}/programs/regex/benchmark.wasm`,
    `${root}/programs/sqlite3/sqlite3.wasm`,
  ]),
];
let isOver = false;
for (const path of paths) {
  const { code, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      "--v8-flags=--min-semi-space-size=512,--max-semi-space-size=512",
      import.meta.filename!,
      "--child",
      path,
    ],
  }).outputSync();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  const { functions, bytes, coldMs, warmMs, heapBytesPerFunction } = JSON.parse(
    new TextDecoder().decode(stdout),
  ) as Figures;
  isOver ||= !(heapBytesPerFunction < BAR_BYTES);
  console.log(
    `${path.split("/").slice(-2).join("/")}: ${functions} functions, ${bytes} bytes: cold ${
      coldMs.toFixed(0)
    } ms, warm ` +
      `${warmMs.toFixed(0)} ms (${(warmMs * 1e6 / bytes).toFixed(0)} ns a byte), heap ${
        heapBytesPerFunction.toFixed(0)
      } bytes a function`,
  );
}
if (isOver) console.log(`a function takes more than ${BAR_BYTES} bytes of heap`);
Deno.exit(isOver ? 1 : 0);
