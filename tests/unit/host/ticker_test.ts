import { assert, assertEquals } from "@std/assert";
import { boot, BOOT_DATA, RECORD, recordPool, TICK_MS, ticker, TICKER_STATE } from "../../../lib/host/mod.ts";

/** Blocks this thread until the condition holds; returns how long it took, in milliseconds. */
function block(condition: () => boolean): number {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > 5000) throw new Error("it never came");
  }
  return performance.now() - start;
}

const state = () => Atomics.load(boot().data, BOOT_DATA.tickerState >> 2);

Deno.test("arm() has a record's flag raised while this thread is blocked, disarm() takes it back", () => {
  const record = recordPool().acquire();
  const flag = RECORD.interruptFlag >> 2;
  const clock = ticker();
  const idle = TICK_MS * 5;
  for (let i = 0; i < 10; i++) {
    record.words[flag] = 0;
    const epoch = clock.epoch;
    clock.arm(record.index, epoch + 4 | 0);
    const ms = block(() => Atomics.load(record.words, flag) !== 0);
    assert(clock.epoch - epoch >= 4);
    assert(ms >= TICK_MS * 2 || clock.epoch - epoch > 4, `${ms} ms`);
    clock.disarm();
  }
  block(() => state() === TICKER_STATE.parked);
  record.words[flag] = 0;
  clock.arm(record.index, clock.epoch + 1000 | 0);
  clock.disarm();
  const end = performance.now() + idle;
  block(() => performance.now() > end);
  assertEquals(record.words[flag], 0);
  recordPool().release(record);
});

Deno.test("the ticker parks while nothing is armed and goes on when something is", () => {
  const record = recordPool().acquire();
  const clock = ticker();
  block(() => state() === TICKER_STATE.parked);
  const epoch = clock.epoch;
  const end = performance.now() + 20;
  block(() => performance.now() > end);
  assertEquals(clock.epoch, epoch);
  clock.arm(record.index, epoch + 1_000_000 | 0);
  block(() => clock.epoch - epoch >= 3);
  assertEquals(state(), TICKER_STATE.running);
  clock.disarm();
  recordPool().release(record);
});

Deno.test("there is one ticker thread in a process, with all signals blocked", () => {
  const tasks = [...Deno.readDirSync("/proc/self/task")].filter(({ name }) => {
    const status = Deno.readTextFileSync(`/proc/self/task/${name}/status`);
    // Every signal that can be blocked.
    return BigInt("0x" + /SigBlk:\s*([0-9a-f]+)/.exec(status)![1]) === 0xfffffffffffbfeffn;
  });
  assertEquals(tasks.length, 1);
});
