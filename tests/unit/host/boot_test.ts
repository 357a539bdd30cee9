/** Booting: one image for all isolates, and what happens to a Worker's things when it ends. */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  ARENA_BYTES,
  ARENA_CHUNK_BYTES,
  boot,
  BOOT_DATA,
  BOOT_MAGIC,
  BOOT_STATE,
  codeArena,
  cpuFeatures,
  loadAddress,
  RECORD_BYTES,
  RECORD_COUNT,
  recordPool,
  RECORDS_PER_CHUNK,
  scratch,
  storeAddress,
  sys,
} from "../../../lib/host/mod.ts";
import { BOOT_IMAGE_SONAME } from "../../../lib/host/boot_image.ts";
import { MARKER, type WorkerReport } from "./boot_worker.ts";

const WORKER = import.meta.resolve("./boot_worker.ts");

function receive<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.onmessage = (event) => resolve(event.data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
}

async function startWorker(): Promise<Worker> {
  const worker = new Worker(WORKER, { type: "module" });
  assertEquals(await receive<string>(worker), "ready");
  return worker;
}

async function run(worker: Worker, traps: number): Promise<WorkerReport> {
  const reply = receive<WorkerReport>(worker);
  worker.postMessage({ traps });
  return await reply;
}

/** Waits until `condition` holds: a terminated Worker's thread ends a little later. */
async function eventually(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 500; i++) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function maps(): string {
  return Deno.readTextFileSync("/proc/self/maps");
}

/** Whether `address` is mapped and still has what the Worker wrote there; reads by a system call, which cannot fault. */
function holdsMarker(address: number): boolean {
  const PROCESS_VM_READV = 310;
  const { addressNumber, i32 } = scratch();
  // Two iovecs, local and remote, and room for a word.
  storeAddress(i32, 0, addressNumber + 32);
  storeAddress(i32, 2, 4);
  storeAddress(i32, 4, address);
  storeAddress(i32, 6, 4);
  const count = sys(PROCESS_VM_READV, Deno.pid, addressNumber, 1, addressNumber + 16, 1, 0);
  return count === 4 && i32[8] === MARKER;
}

Deno.test("boot() publishes a ready process", () => {
  const { data } = boot();
  assertEquals(boot(), boot());
  assertEquals(data[BOOT_DATA.magic >> 2], BOOT_MAGIC[0]);
  assertEquals(new TextDecoder().decode(new Uint8Array(data.buffer, 0, 8)), "THEROPOD");
  assertEquals(data[BOOT_DATA.state >> 2], BOOT_STATE.ready);
  assertEquals(loadAddress(data, BOOT_DATA.arenaBytes >> 2), ARENA_BYTES);
  assertEquals(loadAddress(data, BOOT_DATA.recordTableBytes >> 2), RECORD_BYTES * RECORD_COUNT);
});

Deno.test("boot() maps the arena twice and never writable and executable at once", () => {
  boot();
  const arena = maps().split("\n").filter((line) => line.includes("memfd:theropod-code"));
  assertEquals(arena.map((line) => line.split(" ")[1]).toSorted(), ["r-xs", "rw-s"]);
});

Deno.test("boot() loads one image, not left open and not executable on the stack", async () => {
  // In a process of its own: a test run gives each file a main isolate, and each of those brings the image along before it asks by name.
  const script = `import { boot } from ${JSON.stringify(new URL("../../../lib/host/mod.ts", import.meta.url).href)};
    boot();
    console.log(Deno.readTextFileSync("/proc/self/maps"));`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", `data:application/typescript;base64,${btoa(script)}`],
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).split("\n");
  const image = lines.filter((line) => line.includes(`memfd:${BOOT_IMAGE_SONAME}`));
  assertEquals(image.filter((line) => line.includes("r-xp")).length, 1);
  assert(image.every((line) => !line.includes("rwxp")));
  assert(lines.filter((line) => line.includes("[stack]")).every((line) => line.includes("rw-p")));
});

Deno.test("cpuFeatures() agrees with /proc/cpuinfo", () => {
  const flags = new Set(
    Deno.readTextFileSync("/proc/cpuinfo").split("\n").find((line) => line.startsWith("flags"))!.split(/\s+/),
  );
  const names = { "sse4.1": "sse4_1", "sse4.2": "sse4_2", lzcnt: "abm" } as Record<string, string>;
  for (const name of ["sse4.1", "sse4.2", "popcnt", "lzcnt", "bmi1", "bmi2", "avx", "avx2", "fma"] as const) {
    assertEquals(cpuFeatures().has(name), flags.has(names[name] ?? name), name);
  }
});

Deno.test("a Worker finds the same image, and gets records and code of its own", async () => {
  const record = recordPool().acquire();
  const worker = await startWorker();
  const report = await run(worker, 0);
  const { data, dataAddress } = boot();
  assertEquals(report.dataAddress, dataAddress);
  assertEquals(report.arenaRx, loadAddress(data, BOOT_DATA.arenaRx >> 2));
  assertEquals(report.result, 4711);
  assertNotEquals(report.recordIndex / RECORDS_PER_CHUNK | 0, record.index / RECORDS_PER_CHUNK | 0);
  recordPool().release(record);
  worker.terminate();
});

Deno.test("three Workers and the main thread trap at once without mixing up", async () => {
  const workers = await Promise.all([startWorker(), startWorker(), startWorker()]);
  const reports = await Promise.all(workers.map((worker) => run(worker, 2000)));
  assertEquals(reports.map((report) => report.badTraps), [0, 0, 0]);
  assertEquals(new Set(reports.map((report) => report.recordIndex / RECORDS_PER_CHUNK | 0)).size, 3);
  for (const worker of workers) worker.terminate();
});

Deno.test("a terminated Worker's mappings, records, code and files are freed (LIFE-1)", async () => {
  const { data } = boot();
  const words = (offset: number, length: number) => data.slice(offset >> 2, (offset + length) >> 2).join();
  const state = () => [words(BOOT_DATA.recordBits, 512), words(BOOT_DATA.arenaBits, 2048)].join(";");
  codeArena();
  // Workers of the tests before this one may still be ending.
  let before = state();
  for (let calm = 0; calm < 20; calm = before === state() ? calm + 1 : 0) {
    before = state();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // Modules of other tests may have files too.
  const others = new Set<string>();
  const images = () =>
    [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name).filter((name) => {
      try {
        return !others.has(name) && Deno.readLinkSync(`/proc/self/fd/${name}`).includes("theropod-image");
      } catch {
        return false; // the descriptor that the listing itself used
      }
    });
  for (const name of images()) others.add(name);
  const worker = await startWorker();
  const report = await run(worker, 1);
  assertNotEquals(state(), before);
  assertEquals(images().length, 2);
  const chunk = (report.codeAddress - loadAddress(data, BOOT_DATA.arenaRx >> 2)) / ARENA_CHUNK_BYTES | 0;
  assertEquals((data[(BOOT_DATA.arenaBits >> 2) + (chunk >> 5)] >>> (chunk & 31)) & 1, 1);
  assertEquals(report.marked.map(holdsMarker), [true, true, true, true]);
  worker.terminate();
  assert(await eventually(() => state() === before), "claims are given back");
  assert(await eventually(() => images().length === 0), "files are closed");
  for (const address of report.marked) assert(await eventually(() => !holdsMarker(address)), "the mapping is gone");
});

Deno.test("boot() without permission names the flag", async () => {
  for (const flags of [["--no-prompt"], ["--no-prompt", "--allow-ffi=/proc/self/fd"]]) {
    const script = `import { boot } from ${JSON.stringify(import.meta.resolve("../../../lib/host/mod.ts"))};
      try { boot(); } catch (error) { console.log(error.name, error.code, error.message); }`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", ...flags, "-"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(script));
    await writer.close();
    const output = new TextDecoder().decode((await child.output()).stdout);
    assertStringIncludes(output, "HostError permission");
    assertStringIncludes(output, "--allow-ffi");
  }
});
