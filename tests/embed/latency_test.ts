/** Deadlines end whatever a guest does: few samples on a machine that may be busy; `deno task bench:latency` measures many. */

import { assert, assertEquals } from "@std/assert";
import { LATENCY_CASES, measureLatencies } from "../../benches/latency_bench.ts";

Deno.test("deadlines end guests that compute, fill, wait, read and sleep, and the store answers each time", async () => {
  const latencies = await measureLatencies(20);
  assertEquals(latencies.map(({ name }) => name), [...LATENCY_CASES]);
  for (const { name, p50, max } of latencies) {
    assert(p50 > -0.5 && p50 < 60, `${name}: half of the samples are more than ${p50} ms late`);
    assert(max < 1000, `${name}: ${max} ms late`);
  }
});
