/**
 * Many instances, each in a store of its own that is disposed: nothing of them may stay behind. The test beside it makes thousands; this
 * file is also a program that makes a million.
 *
 * usage: deno task soak [COUNT] [KIND...]     1,000,000 of each kind unless given
 */

import { assertEquals } from "@std/assert";
import { Engine, type EngineConfig, Instance, InstancePool, Module, Store } from "../../mod.ts";
import { collectGarbage } from "../../lib/host/mod.ts";

/** Something to instantiate, and what is done with each instance. */
interface Kind {
  readonly config?: EngineConfig;
  /** Whether instances are tenants of a pool. */
  readonly isPooled?: boolean;
  readonly text: string;
  /** Uses an instance; `i` counts them. */
  readonly use: (exports: Instance["exports"], i: number) => void;
}

const FUNCTION = `(type $t (func (result i32))) (func $f (export "f") (type $t) (i32.const 7))`;
const TABLE =
  `(module (table (export "t") 100000 funcref) (elem (i32.const 0) $f) (elem (i32.const 99999) $f) ${FUNCTION}
  (func (export "run") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))`;

const DATA = `(module (memory (export "m") 2) (data (i32.const 0) "${"a".repeat(65536)}")
  (func (export "swap") (param i32 i32) (result i32)
    (i32.load8_u (local.get 0)) (i32.store8 (local.get 0) (local.get 1))))`;

/** What the soak makes. */
export const KINDS = {
  "a table of 100,000 elements": {
    text: TABLE,
    use: () => {},
  },
  "a table of 100,000 elements, called through": {
    text: TABLE,
    use: ({ run }, i) => assertEquals(run(i % 2 * 99_999), 7),
  },
  "a table of 100,000 elements out of a pool": {
    config: { tablePool: { tables: 2, elements: 100_000 } },
    text: TABLE,
    use: ({ run }, i) => assertEquals(run(i % 2 * 99_999), 7),
  },
  "a memory with 64 KiB of data": {
    text: DATA,
    use: ({ swap }, i) => assertEquals(swap(i * 61 % 65536, 1), 97),
  },
  "a memory with 64 KiB of data out of a pool": {
    isPooled: true,
    text: DATA,
    use: ({ swap }, i) => assertEquals(swap(i * 61 % 65536, 1), 97),
  },
  "a memory that grows": {
    text: `(module (memory (export "m") 1) (func (export "grow") (result i32) (memory.grow (i32.const 3))))`,
    use: ({ m, grow }) => assertEquals([grow(), m.byteLength], [1, 4 * 65536]),
  },
  "objects in a global, a table and JavaScript": {
    text: `(module (type $list (struct (field i32) (field (ref null $list))))
      (global $g (mut (ref null $list)) (struct.new $list (i32.const 1) (ref.null $list)))
      (table $t 100 (ref null $list))
      (func (export "push") (param i32) (result (ref null $list))
        (global.set $g (struct.new $list (local.get 0) (global.get $g)))
        (table.set $t (i32.const 99) (global.get $g)) (global.get $g)))`,
    use: ({ push }, i) => assertEquals(push(i).get(0), i),
  },
  "host functions and host values": {
    text: `(module (func (export "id") (param externref) (result externref) (local.get 0)))`,
    use: ({ id }, i) => {
      const value = { i };
      assertEquals(id(value) === value, true);
    },
  },
} as const satisfies Record<string, Kind>;

/** What the process holds at some point. */
export interface Checkpoint {
  readonly instances: number;
  readonly seconds: number;
  readonly files: number;
  readonly mappings: number;
  readonly rssBytes: number;
}

/** What the process holds, once V8 has collected what is garbage and finalisers ran. */
async function look(instances: number, seconds: number): Promise<Checkpoint> {
  for (let i = 0; i < 2; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const status = Deno.readTextFileSync("/proc/self/status");
  return {
    instances,
    seconds,
    files: [...Deno.readDirSync("/proc/self/fd")].length,
    mappings: Deno.readTextFileSync("/proc/self/maps").split("\n").length - 1,
    rssBytes: Number(status.match(/VmRSS:\s*(\d+)/)![1]) * 1024,
  };
}

/** Makes `count` instances of a kind, one after the other, and looks `looks` times on the way. */
export async function soak(
  kind: Kind,
  count: number,
  looks: number,
  onCheckpoint: (checkpoint: Checkpoint) => void = () => {},
): Promise<Checkpoint[]> {
  using engine = new Engine(kind.config);
  using module = Module.fromText(engine, kind.text);
  const checkpoints: Checkpoint[] = [];
  let seconds = 0;
  for (let part = 1; part <= looks; part++) {
    const started = performance.now();
    using pool = kind.isPooled ? new InstancePool(module, {}, { size: 1 }) : undefined;
    for (let i = Math.floor(count * (part - 1) / looks); i < Math.floor(count * part / looks); i++) {
      // What a WeakRef was made for lives until the turn ends (ECMAScript, "KeepDuringJob"): references, and with them their stores.
      if (i % 1000 === 999) await new Promise((resolve) => setImmediate(resolve));
      if (pool !== undefined) {
        using tenant = pool.acquire();
        kind.use(tenant.exports, i);
        continue;
      }
      using store = new Store(engine);
      kind.use(new Instance(store, module).exports, i);
    }
    seconds += (performance.now() - started) / 1000;
    const checkpoint = await look(Math.floor(count * part / looks), seconds);
    checkpoints.push(checkpoint);
    onCheckpoint(checkpoint);
  }
  return checkpoints;
}

if (import.meta.main) {
  const [count = "1000000", ...only] = Deno.args;
  for (const [name, kind] of Object.entries(KINDS)) {
    if (only.length > 0 && !only.some((part) => name.includes(part))) continue;
    console.log(`${Number(count).toLocaleString("en")} instances with ${name}`);
    const checkpoints = await soak(
      kind,
      Number(count),
      10,
      ({ instances, seconds, files, mappings, rssBytes }) =>
        console.log(
          `${String(instances).padStart(9)}: ${files} files, ${mappings} mappings, ` +
            `${(rssBytes / 2 ** 20).toFixed(1)} MiB, ${seconds.toFixed(1)} s`,
        ),
    );
    const { seconds } = checkpoints[9];
    console.log(`  ${(seconds * 1e6 / Number(count)).toFixed(1)} us each\n`);
  }
}
