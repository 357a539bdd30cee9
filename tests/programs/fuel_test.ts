/** Real programs take the same fuel, to the unit, in every run and at every effort. */

import { assert, assertEquals } from "@std/assert";
import { Engine, type EngineConfig, Linker, type Memory, Module, Store } from "../../mod.ts";
import { WasiExit, WasiPreview1 } from "../../lib/wasi/mod.ts";
import { sharedRoot } from "../testdata.ts";
import { type Program, programs } from "./collection.ts";

const SHARED = sharedRoot();

/** Programs that run for half a second and more. */
const SLOW = ["shootout-ed25519.wasm", "shootout-fib2.wasm", "shootout-heapsort.wasm", "sqlite3"];

const CONFIGURATIONS: readonly EngineConfig[] = [{}, { effort: "none" }, { interruption: true, bounds: "explicit" }];

/** The fuel that one run of a program takes. */
function fuelOf(engine: Engine, module: Module, { path, folder, file }: Program): number {
  using store = new Store(engine);
  store.fuel = Number.MAX_SAFE_INTEGER;
  const linker = new Linker(engine);
  for (const name of ["start", "end"]) linker.defineFunc("bench", name, { parameters: [], results: [] }, () => {});
  using wasi = new WasiPreview1({ args: [file], preopens: [{ host: path.slice(0, -file.length), guest: "." }] });
  wasi.addToLinker(linker);
  // Chance is the same each time.
  linker.allowShadowing = true;
  linker.defineFunc(
    "wasi_snapshot_preview1",
    "random_get",
    { parameters: ["i32", "i32"], results: ["i32"] },
    (caller, pointer, length) => {
      caller.memory!.write(pointer, new Uint8Array(length).fill(7));
      return 0;
    },
    { passCaller: true },
  );
  const { memory, _start } = linker.instantiate(store, module).exports;
  if (memory !== undefined) wasi.bindMemory(memory as Memory);
  try {
    (_start as () => void)();
  } catch (error) {
    if (!(error instanceof WasiExit && error.code === 0)) throw new Error(`${folder}/${file}`, { cause: error });
  }
  return store.fuelConsumed;
}

Deno.test({
  name: "real programs take the same fuel in every run and at every effort",
  ignore: SHARED === undefined,
  fn() {
    let compared = 0;
    const all = programs(SHARED!).filter(({ waitsFor, folder, file }) =>
      waitsFor === undefined && !SLOW.includes(file) && !SLOW.includes(folder)
    );
    for (const program of all) {
      const bytes = Deno.readFileSync(program.path);
      const fuel = CONFIGURATIONS.flatMap((config, index) => {
        using engine = new Engine({ ...config, fuel: true });
        const module = new Module(engine, bytes);
        const once = fuelOf(engine, module, program);
        return index === 0 ? [once, fuelOf(engine, module, program)] : [once];
      });
      assert(fuel[0] > 10_000, `${program.folder}/${program.file} took ${fuel[0]}`);
      for (const amount of fuel) assertEquals(amount, fuel[0], `${program.folder}/${program.file}`);
      compared++;
    }
    assert(compared >= 18, `${compared} programs`);
  },
});
