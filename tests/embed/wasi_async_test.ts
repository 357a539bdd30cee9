/** WASI functions that wait: guests of `callAsync` are parked, and the event loop goes on; others block the thread. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Engine, Instance, Linker, type Memory, Module, Store, Trap } from "../../mod.ts";
import { WasiPreview1 } from "../../lib/wasi/mod.ts";
import { Errno, FdFlags, rights } from "../../lib/wasi/preview1/abi.ts";
import { wat } from "../wat.ts";

/** Every function that waits, as an export. */
const GUEST = wat(`(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (func (export "poll") (param i32 i32 i32 i32) (result i32)
    (call $poll (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "read") (param i32 i32 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "write") (param i32 i32 i32 i32) (result i32)
    (call $write (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "yield") (result i32) (call $yield))
  (func (export "open") (param i32 i32 i64 i32) (result i32)
    (call $open (i32.const 3) (i32.const 0) (local.get 0) (local.get 1) (i32.const 0)
      (local.get 2) (i64.const 0) (local.get 3) (i32.const 8))))`);

const IOVEC = 16, RESULT = 8, DATA = 1024, SUBSCRIPTIONS = 256, EVENTS = 512;

/** A guest with a WASI of its own, in its own folder if it needs one. */
class Program implements Disposable {
  readonly wasi: WasiPreview1;
  readonly instance: Instance;
  readonly #memory: Memory;

  constructor(engine: Engine, store: Store, folder?: string) {
    this.wasi = new WasiPreview1(folder === undefined ? {} : { preopens: [{ host: folder }] });
    const linker = new Linker(engine);
    this.wasi.addToLinker(linker);
    this.instance = linker.instantiate(store, new Module(engine, GUEST));
    this.#memory = this.instance.exports.memory as Memory;
    this.wasi.bindMemory(this.#memory);
  }

  get view(): DataView<ArrayBuffer> {
    return new DataView(this.#memory.buffer as ArrayBuffer);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory.buffer as ArrayBuffer);
  }

  call(name: string, args: number[], options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.instance.func(name)!.callAsync(args as never, options) as unknown as Promise<number>;
  }

  open(name: string, mode: "read" | "write", flags = 0): number {
    const length = new TextEncoder().encodeInto(name, this.bytes).written;
    const wanted = mode === "read"
      ? rights("fd_read", "poll_fd_readwrite", "fd_fdstat_set_flags")
      : rights("fd_write", "poll_fd_readwrite");
    assertEquals(this.instance.exports.open(0, length, wanted, flags), Errno.success);
    return this.view.getUint32(8, true);
  }

  transfer(name: "read" | "write", fd: number, length: number, options?: { signal?: AbortSignal }): Promise<number> {
    this.view.setUint32(IOVEC, DATA, true);
    this.view.setUint32(IOVEC + 4, length, true);
    return this.call(name, [fd, IOVEC, 1, RESULT], options);
  }

  /** Subscribes to a clock, and to a descriptor if there is one; returns the user data of what happened. */
  async poll(ms: number | undefined, fd?: number, options?: { signal?: AbortSignal }): Promise<bigint[]> {
    const { view } = this;
    let count = 0;
    this.bytes.fill(0, SUBSCRIPTIONS, SUBSCRIPTIONS + 96);
    if (ms !== undefined) {
      const at = SUBSCRIPTIONS + 48 * count++;
      view.setBigUint64(at, 100n, true);
      view.setUint32(at + 16, 1, true);
      view.setBigUint64(at + 24, BigInt(ms * 1e6), true);
    }
    if (fd !== undefined) {
      const at = SUBSCRIPTIONS + 48 * count++;
      view.setBigUint64(at, 200n, true);
      view.setUint8(at + 8, 1);
      view.setUint32(at + 16, fd, true);
    }
    assertEquals(await this.call("poll", [SUBSCRIPTIONS, EVENTS, count, RESULT], options), Errno.success);
    return Array.from({ length: view.getUint32(RESULT, true) }, (_, i) => view.getBigUint64(EVENTS + 32 * i, true));
  }

  [Symbol.dispose](): void {
    this.wasi[Symbol.dispose]();
  }
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function withPipe(test: (folder: string, engine: Engine, store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals((await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output()).code, 0);
    using engine = new Engine({ interruption: true });
    using store = new Store(engine);
    await test(folder, engine, store);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("poll_oneoff() of guests that wait sleeps for all of them at once", async () => {
  using engine = new Engine();
  using store = new Store(engine);
  const programs = Array.from({ length: 50 }, () => new Program(engine, store));
  const started = performance.now();
  const events = await Promise.all(programs.map((program, i) => program.poll(20 + i)));
  const took = performance.now() - started;
  assert(took >= 69 && took < 1000, `${took} ms`);
  assertEquals(events, programs.map(() => [100n]));
  assertEquals(await programs[0].poll(0), [100n]);
  // Called synchronously it blocks.
  const { view, bytes } = programs[0];
  bytes.fill(0, SUBSCRIPTIONS, SUBSCRIPTIONS + 48);
  view.setUint32(SUBSCRIPTIONS + 16, 1, true);
  view.setBigUint64(SUBSCRIPTIONS + 24, 20_000_000n, true);
  const before = performance.now();
  assertEquals(programs[0].instance.exports.poll(SUBSCRIPTIONS, EVENTS, 1, RESULT), Errno.success);
  assert(performance.now() - before >= 19.9);
  for (const program of programs) program[Symbol.dispose]();
});

Deno.test("a read of a silent pipe parks its guest until there is something, or the end", async () => {
  await withPipe(async (folder, engine, store) => {
    using reader = new Program(engine, store, folder);
    using other = new Program(engine, store, folder);
    // A reader makes it possible to open the pipe for writing without waiting.
    const fd = reader.open("pipe", "read");
    const writer = await Deno.open(`${folder}/pipe`, { write: true });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const reading = reader.transfer("read", fd, 100);
    assertEquals(await other.poll(30), [100n]);
    assert(ticks > 0);
    await writer.write(new TextEncoder().encode("hello"));
    assertEquals(await reading, Errno.success);
    assertEquals(reader.view.getUint32(RESULT, true), 5);
    assertEquals(new TextDecoder().decode(reader.bytes.slice(DATA, DATA + 5)), "hello");
    // A clock and a pipe, whichever comes first.
    assertEquals(await reader.poll(15, fd), [100n]);
    const polling = reader.poll(5000, fd);
    setTimeout(() => writer.writeSync(new Uint8Array(3)), 10);
    assertEquals(await polling, [200n]);
    assertEquals(await reader.transfer("read", fd, 100), Errno.success);
    assertEquals(reader.view.getUint32(RESULT, true), 3);
    // The end of the pipe.
    const last = reader.transfer("read", fd, 100);
    setTimeout(() => writer.close(), 5);
    assertEquals(await last, Errno.success);
    assertEquals(reader.view.getUint32(RESULT, true), 0);
    clearInterval(timer);
  });
});

Deno.test("a write to a full pipe parks its guest until there is room, and nothing is lost", async () => {
  await withPipe(async (folder, engine, store) => {
    using guest = new Program(engine, store, folder);
    using writer = new Program(engine, store, folder);
    const input = guest.open("pipe", "read");
    const output = writer.open("pipe", "write");
    const total = 400_000;
    const received: number[] = [];
    const reading = (async () => {
      while (received.length < total) {
        assertEquals(await guest.transfer("read", input, 5000), Errno.success);
        const count = guest.view.getUint32(RESULT, true);
        received.push(...guest.bytes.subarray(DATA, DATA + count));
        await sleep(0);
      }
    })();
    let sent = 0;
    while (sent < total) {
      const length = Math.min(total - sent, 100_000);
      for (let i = 0; i < length; i++) writer.bytes[DATA + i] = (sent + i) % 251;
      assertEquals(await writer.transfer("write", output, length), Errno.success);
      const count = writer.view.getUint32(RESULT, true);
      assert(count > 0);
      sent += count;
    }
    await reading;
    assertEquals(received.length, total);
    assert(received.every((byte, i) => byte === i % 251));
  });
});

Deno.test("a guest whose descriptor does not block is told so, and sched_yield lets the event loop turn", async () => {
  await withPipe(async (folder, engine, store) => {
    using guest = new Program(engine, store, folder);
    const fd = guest.open("pipe", "read", FdFlags.nonblock);
    const writer = await Deno.open(`${folder}/pipe`, { write: true });
    assertEquals(await guest.transfer("read", fd, 10), Errno.again);
    writer.close();
    let turned = false;
    setTimeout(() => turned = true, 0);
    for (let i = 0; i < 200 && !turned; i++) assertEquals(await guest.call("yield", []), Errno.success);
    assert(turned);
  });
});

Deno.test("a wait that a signal ends keeps no process from exiting, and the guest's descriptor works on", async () => {
  await withPipe(async (folder, engine, store) => {
    using guest = new Program(engine, store, folder);
    const fd = guest.open("pipe", "read");
    const writer = await Deno.open(`${folder}/pipe`, { write: true });
    const abort = () => ({ signal: AbortSignal.timeout(10) });
    await assertRejects(() => guest.transfer("read", fd, 10, abort()), DOMException);
    await assertRejects(() => guest.poll(1e9, fd, abort()), DOMException);
    await writer.write(new Uint8Array(2));
    assertEquals(await guest.transfer("read", fd, 10), Errno.success);
    assertEquals(guest.view.getUint32(RESULT, true), 2);
    writer.close();
  });
  // In a process of its own: it ends when its calls have.
  const script = `
    import { Engine, Linker, Module, Store } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
    import { WasiPreview1 } from ${JSON.stringify(new URL("../../lib/wasi/mod.ts", import.meta.url).href)};
    const engine = new Engine(), store = new Store(engine), linker = new Linker(engine);
    const wasi = new WasiPreview1({ stdin: "inherit" });
    wasi.addToLinker(linker);
    const instance = linker.instantiate(store, new Module(engine, Uint8Array.fromBase64("${GUEST.toBase64()}")));
    wasi.bindMemory(instance.exports.memory);
    const view = new DataView(instance.exports.memory.buffer);
    view.setUint32(16, 1024, true);
    view.setUint32(20, 100, true);
    view.setUint32(272, 1, true);
    view.setBigUint64(280, 3600000000000n, true);
    const read = (signal) => instance.func("read").callAsync([0, 16, 1, 8], { signal });
    await read(AbortSignal.timeout(20)).catch((error) => console.log(error.name));
    await instance.func("poll").callAsync([256, 512, 1, 8], { signal: AbortSignal.timeout(20) })
      .catch((error) => console.log(error.name));
    console.log("ready");
    console.log(await read(), view.getUint32(8, true));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let output = "";
  const writer = child.stdin.getWriter();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (text.includes("ready")) await writer.write(new TextEncoder().encode("input"));
  }
  const started = performance.now();
  assertEquals((await child.status).code, 0);
  assert(performance.now() - started < 5000);
  await writer.close().catch(() => {});
  assertEquals(output, "TimeoutError\nTimeoutError\nready\n0 5\n");
});

Deno.test("a synchronous call waits for a pipe, a clock and room to write no longer than its deadline", async () => {
  await withPipe((folder, engine, store) => {
    using guest = new Program(engine, store, folder);
    const input = guest.open("pipe", "read");
    const output = guest.open("pipe", "write");
    const call = (name: string, args: number[], timeout: number) =>
      guest.instance.func(name)!.call(args as never, { timeout }) as unknown as number;
    const iovec = (length: number) => {
      guest.view.setUint32(IOVEC, DATA, true);
      guest.view.setUint32(IOVEC + 4, length, true);
    };
    const ends = (name: string, args: number[], timeout: number) => {
      const start = performance.now();
      const trap: Trap = assertThrows(() => call(name, args, timeout), Trap, `deadline of ${timeout} ms`);
      assertEquals(trap.code, "interrupted");
      const late = performance.now() - start - timeout;
      assert(late > -0.5 && late < 1000, `${name}: ${late} ms late`);
    };
    iovec(100);
    for (const timeout of [0, 3, 20]) ends("read", [input, IOVEC, 1, RESULT], timeout);
    // What is there is read at once, and a sleep that is shorter than the deadline ends by itself.
    assertEquals(call("write", [output, IOVEC, 1, RESULT], 1000), Errno.success);
    assertEquals(call("read", [input, IOVEC, 1, RESULT], 1000), Errno.success);
    assertEquals(guest.view.getUint32(RESULT, true), 100);
    guest.bytes.fill(0, SUBSCRIPTIONS, SUBSCRIPTIONS + 48);
    guest.view.setUint32(SUBSCRIPTIONS + 16, 1, true);
    const sleepFor = (ms: number) => guest.view.setBigUint64(SUBSCRIPTIONS + 24, BigInt(ms) * 1_000_000n, true);
    sleepFor(60_000);
    for (const timeout of [0, 3, 20]) ends("poll", [SUBSCRIPTIONS, EVENTS, 1, RESULT], timeout);
    sleepFor(5);
    const start = performance.now();
    assertEquals(call("poll", [SUBSCRIPTIONS, EVENTS, 1, RESULT], 10_000), Errno.success);
    assert(performance.now() - start >= 5);
    // Until the pipe is full.
    iovec(100_000);
    for (let i = 0; i < 15; i++) assertEquals(call("write", [output, IOVEC, 1, RESULT], 1000), Errno.success);
    iovec(4096);
    for (let i = 0;; i++) {
      assert(i < 100);
      try {
        call("write", [output, IOVEC, 1, RESULT], 5);
      } catch (error) {
        assertEquals((error as Trap).code, "interrupted");
        break;
      }
    }
    ends("write", [output, IOVEC, 1, RESULT], 3);
    assertEquals(guest.instance.exports.yield(), Errno.success);
    return Promise.resolve();
  });
});

Deno.test("another Worker ends a synchronous call that reads from a silent pipe, or sleeps", async () => {
  const worker = new Worker(new URL("./interrupt_worker.ts", import.meta.url).href, { type: "module" });
  try {
    await withPipe(async (folder, engine, store) => {
      using guest = new Program(engine, store, folder);
      const input = guest.open("pipe", "read");
      guest.open("pipe", "write");
      guest.view.setUint32(IOVEC, DATA, true);
      guest.view.setUint32(IOVEC + 4, 10, true);
      guest.view.setUint32(SUBSCRIPTIONS + 16, 1, true);
      guest.view.setBigUint64(SUBSCRIPTIONS + 24, 60_000_000_000n, true);
      const ready = new Promise((resolve) => worker.onmessage = resolve);
      worker.postMessage(store.interruptHandle());
      await ready;
      for (let i = 0; i < 3; i++) {
        assertThrows(() => guest.instance.exports.read(input, IOVEC, 1, RESULT), Trap, "interrupted");
        assertThrows(() => guest.instance.exports.poll(SUBSCRIPTIONS, EVENTS, 1, RESULT), Trap, "interrupted");
      }
      worker.terminate();
    });
  } finally {
    worker.terminate();
  }
});
