import { assertEquals } from "@std/assert";
import { wat } from "../wat.ts";
import { GUEST_SOURCE, runGuests } from "./worker_guest.ts";

Deno.test("Workers and the main thread run and trap at once", async () => {
  const bytes = wat(GUEST_SOURCE);
  const rounds = 2000;
  const workers = [1, 2].map(() => new Worker(new URL("worker_entry.ts", import.meta.url), { type: "module" }));
  const results = workers.map((worker) =>
    new Promise<number>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(event.error ?? new Error(event.message));
      worker.postMessage({ bytes, rounds });
    })
  );
  assertEquals(runGuests(bytes, rounds), 0);
  assertEquals(await Promise.all(results), [0, 0]);
  for (const worker of workers) worker.terminate();
});
