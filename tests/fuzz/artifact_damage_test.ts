/**
 * Damaged files of machine code: none is ever accepted, and none ends the process.
 *
 * Four suites in one: artifacts that are damaged, entries of the cache that are damaged, entries in the wrong place (another module's, a link,
 * open to others), and artifacts whose metadata is damaged and whose digest is right, which may be accepted, but are refused by nothing but an
 * `ArtifactError`. FUZZ_SEED and FUZZ_COUNT name a part of them; 50,000 from 1 on are each of the systematic ones and as many random ones
 * as there is room for, in an order that makes any part of them a sample of all.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ARTIFACT_COLUMNS } from "../../lib/abi/mod.ts";
import { ElfReader } from "../../lib/elf/mod.ts";
import { ArtifactError, DiskCache, Engine, isArtifact, Module } from "../../mod.ts";
import { reportTally } from "../tally.ts";
import { wat } from "../wat.ts";
import {
  artifactHeaders,
  forgedDamage,
  randomDamage,
  systematicCount,
  systematicDamage,
  type Victim,
} from "./generators/artifact_damage.ts";
import { Random } from "./generators/random.ts";

/** Something in each section of the artifact. */
const SOURCE = `(module $small (type $point (struct (field $x i32) (field $next (mut (ref null $point)))))
  (import "env" "log" (func $log (param i64 f64) (result i32)))
  (tag $tag (param i32)) (memory 1 3) (table $t 4 funcref) (global $g (mut i64) (i64.const 5))
  (elem (i32.const 1) func $load $keep) (data (i32.const 8) "hello")
  (func $load (export "load") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
  (func $keep (export "keep") (param externref) (result externref) (drop (call $load (i32.const 0))) (local.get 0))
  (func (export "catch") (param i32) (result i32)
    (block $h (result i32) (try_table (result i32) (catch $tag $h)
      (if (result i32) (local.get 0) (then (throw $tag (local.get 0))) (else (call $log (global.get $g) (f64.const 1)))))))
  (func (export "make") (result (ref $point)) (local $p (ref null $point))
    (local.set $p (struct.new $point (i32.const 1) (ref.null $point)))
    (struct.new $point (i32.const 2) (local.get $p)))
  (func (export "call") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (local.get 0))))`;
const PROGRAM = new URL("../programs/wordcount/wordcount.wasm", import.meta.url);

const ALL = 50_000;
/** Prime to {@linkcode ALL}: steps of this length visit each number once. */
const STRIDE = 7919;
/** Of all numbers, how many are entries of the cache and how many are forged; the rest is damaged artifacts. */
const ENTRIES = 9000;
const FORGED = 14_000;
/** Cases between two signs of life. */
const PROGRESS_EACH = 100;

const engine = new Engine();
const small = wat(SOURCE), other = wat(SOURCE.replace("hello", "world"));
const artifacts = [small, other, Deno.readFileSync(PROGRAM)].map((bytes) => new Module(engine, bytes).serialize());
const victims: Victim[] = artifacts.map((bytes) => ({ bytes, headers: artifactHeaders(bytes) }));

/** Loads what may be damaged. */
function load(bytes: Uint8Array): "accepted" | "refused" {
  try {
    using module = Module.deserialize(engine, bytes, { trusted: true });
    void [module.exports, module.imports, module.name];
    return "accepted";
  } catch (error) {
    assert(error instanceof ArtifactError, `not an ArtifactError: ${(error as Error).stack}`);
    return "refused";
  }
}

function damageArtifact(index: number): string | undefined {
  const [first] = victims;
  const isSystematic = index < systematicCount(first);
  const random = new Random(index);
  const damaged = isSystematic ? systematicDamage(first, index) : randomDamage(random.pick(victims), random);
  return load(damaged) === "accepted" ? "was accepted" : undefined;
}

/** A cache with one entry, of the small module, and what its file holds. */
class CacheVictim implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "theropod-damage-" });
  readonly #cache = new DiskCache({
    directory: `${this.folder}/cache`,
    onProblem: (problem) => this.problems.push(problem),
  });
  readonly #engine = new Engine({ cache: this.#cache });
  readonly problems: string[] = [];
  readonly path: string;
  readonly victim: Victim;
  readonly othersEntry: Uint8Array<ArrayBuffer>;

  constructor() {
    const entry = (bytes: Uint8Array<ArrayBuffer>) => {
      new Module(this.#engine, bytes);
      const [{ name }] = [...Deno.readDirSync(this.#cache.directory)];
      return `${this.#cache.directory}/${name}`;
    };
    const others = entry(other);
    this.othersEntry = Deno.readFileSync(others);
    Deno.removeSync(others);
    this.path = entry(small);
    const bytes = Deno.readFileSync(this.path);
    this.victim = { bytes, headers: [[0, 80]] };
    assert(isArtifact(bytes.subarray(80)));
  }

  /** Whether the engine finds the module in its cache. */
  finds(): boolean {
    return Module.fromCache(this.#engine, small) !== undefined;
  }

  put(bytes: Uint8Array): void {
    Deno.removeSync(this.path, { recursive: true });
    Deno.writeFileSync(this.path, bytes, { mode: 0o600 });
  }

  [Symbol.dispose](): void {
    this.#engine[Symbol.dispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** What else may be wrong with an entry than its bytes. */
const MISPLACED: ((cache: CacheVictim) => void)[] = [
  (cache) => cache.put(cache.othersEntry),
  ({ path, victim }) => {
    Deno.writeFileSync(`${path}.target`, victim.bytes, { mode: 0o600 });
    Deno.removeSync(path);
    Deno.symlinkSync(`${path}.target`, path);
  },
  (cache) => {
    cache.put(cache.victim.bytes);
    Deno.chmodSync(cache.path, 0o666);
  },
  ({ path }) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
  },
  ({ path, victim }) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    Deno.writeFileSync(`${path}/inside`, victim.bytes);
  },
  (cache) => cache.put(artifacts[0]),
  (cache) => cache.put(small),
];

function damageEntry(cache: CacheVictim, index: number): string | undefined {
  const systematic = systematicCount(cache.victim);
  if (index < systematic) cache.put(systematicDamage(cache.victim, index));
  else if (index < systematic + 20 * MISPLACED.length) MISPLACED[index % MISPLACED.length](cache);
  else cache.put(randomDamage(cache.victim, new Random(index)));
  return cache.finds() ? "was found" : undefined;
}

Deno.test("damaged artifacts and cache entries are never accepted, and forged ones are refused in one way", () => {
  const first = Number(Deno.env.get("FUZZ_SEED") ?? 1);
  const count = Number(Deno.env.get("FUZZ_COUNT") ?? 4000);
  const progress = Deno.env.get("FUZZ_PROGRESS");
  using cache = new CacheVictim();
  assert(systematicCount(victims[0]) < ALL - ENTRIES - FORGED, "there are more systematic cases than places for them");
  assert(systematicCount(cache.victim) + 20 * MISPLACED.length < ENTRIES);
  assertEquals(artifacts.map(load), ["accepted", "accepted", "accepted"]);
  assert(cache.finds());
  const wrong: string[] = [];
  const tally = { damaged: 0, entries: 0, forged: 0, accepted: 0 };
  for (let seed = first; seed < first + count; seed++) {
    if (progress !== undefined && seed % PROGRESS_EACH === 0) Deno.writeTextFileSync(progress, String(seed));
    const index = seed > ALL ? seed : seed * STRIDE % ALL;
    let failure: string | undefined;
    if (index < ENTRIES) {
      failure = damageEntry(cache, index);
      tally.entries++;
    } else if (index < ENTRIES + FORGED || index >= ALL && index % 2 === 0) {
      const random = new Random(index);
      const forged = forgedDamage(random.pick(artifacts), random);
      if (forged !== undefined) {
        tally.forged++;
        try {
          if (load(forged) === "accepted") tally.accepted++;
        } catch (error) {
          failure = (error as Error).message;
        }
      }
    } else {
      failure = damageArtifact(index >= ALL ? index : index - ENTRIES - FORGED);
      tally.damaged++;
    }
    if (failure !== undefined) wrong.push(`seed ${seed}: ${failure}`);
  }
  assertEquals(wrong, []);
  cache.put(cache.victim.bytes);
  assert(cache.finds(), "the entry itself is found no longer");
  assertEquals(cache.problems, []);
  if (count >= 1000) assert(tally.forged > tally.accepted && tally.accepted > 0, JSON.stringify(tally));
  reportTally({ suite: "damaged artifacts", passed: count, failed: 0, skipped: 0 });
});

Deno.test("the small artifact has something in each section", () => {
  const elf = new ElfReader(artifacts[0]);
  for (const [name] of Object.values(ARTIFACT_COLUMNS)) assert(elf.requireSection(name).length > 0, name);
});

Deno.test("what loads an artifact reads no further than it is long, and no place twice", () => {
  // Views of the same bytes at odd places, and bytes that change after they were given.
  const [bytes] = artifacts;
  const wide = new Uint8Array(bytes.length + 7);
  wide.set(bytes, 3);
  assertEquals(load(wide.subarray(3, 3 + bytes.length)), "accepted");
  assertThrows(() => Module.deserialize(engine, wide.subarray(3), { trusted: true }), ArtifactError);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  const module = Module.deserialize(engine, shared, { trusted: true });
  shared.fill(0);
  assertEquals(module.serialize(), bytes);
});
