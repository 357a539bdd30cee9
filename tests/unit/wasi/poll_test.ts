/** `poll_oneoff()`: clocks, descriptors, and mixtures of them. */

import { assert, assertEquals } from "@std/assert";
import { errnoName, Guest, OFlags, RESULT, rights, WRITING } from "./guest.ts";

/** A subscription: to a clock, or to a descriptor. */
type Subscription =
  | { readonly clock: number; readonly timeoutNs: bigint; readonly absolute?: boolean }
  | { readonly fd: number; readonly type: "read" | "write" }
  | { readonly unknown: number };

interface Event {
  readonly userData: bigint;
  readonly error: string;
  readonly type: number;
  readonly bytes: bigint;
}

/** Polls; user data are the subscriptions' numbers. */
function poll(guest: Guest, ...subscriptions: Subscription[]): Event[] | string {
  const [at] = guest.put(new Uint8Array(48 * subscriptions.length));
  const [events] = guest.put(new Uint8Array(32 * subscriptions.length));
  const { view } = guest;
  subscriptions.forEach((subscription, index) => {
    const base = at + 48 * index;
    view.setBigUint64(base, BigInt(index), true);
    if ("clock" in subscription) {
      view.setUint32(base + 16, subscription.clock, true);
      view.setBigUint64(base + 24, BigInt.asUintN(64, subscription.timeoutNs), true);
      view.setUint16(base + 40, subscription.absolute ? 1 : 0, true);
    } else if ("fd" in subscription) {
      view.setUint8(base + 8, subscription.type === "read" ? 1 : 2);
      view.setUint32(base + 16, subscription.fd, true);
    } else view.setUint8(base + 8, subscription.unknown);
  });
  const errno = guest.call("poll_oneoff", at, events, subscriptions.length, RESULT);
  if (errno !== 0) return errnoName(errno);
  return Array.from({ length: guest.u32() }, (_, index) => {
    const base = events + 32 * index;
    return {
      userData: guest.u64(base),
      error: errnoName(guest.view.getUint16(base + 8, true)),
      type: guest.bytes[base + 10],
      bytes: guest.u64(base + 16),
    };
  });
}

function timed<T>(work: () => T): [T, number] {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}

const clockEvent = (userData: bigint): Event => ({ userData, error: "success", type: 0, bytes: 0n });

Deno.test("poll_oneoff() waits for the first of its clocks", () => {
  using guest = new Guest();
  const [events, ms] = timed(() =>
    poll(guest, { clock: 1, timeoutNs: 60_000_000_000n }, { clock: 1, timeoutNs: 30_000_000n }, {
      clock: 0,
      timeoutNs: 50_000_000_000n,
    })
  );
  assertEquals(events, [clockEvent(1n)]);
  assert(ms >= 29 && ms < 5000, `${ms} ms`);
});

Deno.test("poll_oneoff() takes absolute times, and times that have passed", () => {
  using guest = new Guest();
  guest.ok("clock_time_get", 1, 0n, RESULT);
  const now = guest.u64();
  const [events, ms] = timed(() => poll(guest, { clock: 1, timeoutNs: now + 20_000_000n, absolute: true }));
  assertEquals(events, [clockEvent(0n)]);
  assert(ms >= 10 && ms < 5000, `${ms} ms`);
  assertEquals(poll(guest, { clock: 0, timeoutNs: 1n, absolute: true }), [clockEvent(0n)]);
  assertEquals(poll(guest, { clock: 1, timeoutNs: 0n }), [clockEvent(0n)]);
  // All that have passed at once.
  assertEquals(poll(guest, { clock: 1, timeoutNs: 0n }, { clock: 0, timeoutNs: 0n }), [clockEvent(0n), clockEvent(1n)]);
});

Deno.test("poll_oneoff() answers at once for files and streams of the embedder", () => {
  const root = Deno.makeTempDirSync({ prefix: "theropod-poll-" });
  try {
    using guest = new Guest({ stdin: new Uint8Array(42), preopens: [{ host: root }] });
    const base = WRITING | rights("poll_fd_readwrite");
    const fd = guest.open(3, "file", { flags: OFlags.creat, base });
    const [events, ms] = timed(() =>
      poll(
        guest,
        { fd: 0, type: "read" },
        { fd: 1, type: "write" },
        { fd, type: "read" },
        { clock: 1, timeoutNs: 60_000_000_000n },
        { fd, type: "write" },
      )
    );
    assert(ms < 5000);
    assertEquals((events as Event[]).map(({ userData, error }) => [userData, error]), [
      [0n, "success"],
      [1n, "success"],
      [2n, "success"],
      [4n, "success"],
    ]);
    assertEquals((events as Event[])[0].bytes, 42n);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("poll_oneoff() reports a mistake as the event of its subscription", () => {
  using guest = new Guest({ stdin: new Uint8Array(1) });
  const events = poll(
    guest,
    { fd: 99, type: "read" },
    { fd: 0, type: "write" },
    { fd: 1, type: "read" },
    { clock: 9, timeoutNs: 5n },
    { fd: 0, type: "read" },
  ) as Event[];
  assertEquals(events.map(({ error }) => error), ["badf", "notcapable", "notcapable", "inval", "success"]);
});

Deno.test("poll_oneoff() refuses no subscriptions, too many, and unknown kinds", () => {
  using guest = new Guest({}, 16);
  assertEquals(guest.errno("poll_oneoff", 4096, 8192, 0, RESULT), "inval");
  assertEquals(guest.errno("poll_oneoff", 0, 0, 4097, RESULT), "inval");
  assertEquals(guest.errno("poll_oneoff", 0, 0, -1, RESULT), "inval");
  assertEquals(poll(guest, { unknown: 3 }), "inval");
  assertEquals(poll(guest, { clock: 1, timeoutNs: 0n }, { unknown: 255 }), "inval");
  // As many as are allowed, in one call.
  const many = Array.from({ length: 4096 }, () => ({ clock: 1, timeoutNs: 0n }));
  assertEquals((poll(guest, ...many) as Event[]).length, 4096);
});

Deno.test("poll_oneoff() waits for a pipe, and sees that it was closed", async () => {
  const program = `
    import { Guest, RESULT } from ${JSON.stringify(new URL("./guest.ts", import.meta.url).href)};
    using guest = new Guest({ stdin: "inherit", stdout: "inherit" });
    const [at] = guest.put(new Uint8Array(48));
    const poll = (events) => {
      guest.view.setUint8(at + 8, 1);
      guest.ok("poll_oneoff", at, events, 1, RESULT);
      return guest.view.getUint16(events + 8, true) + " " + guest.u64(events + 16) + " " + guest.view.getUint16(events + 24, true);
    };
    guest.write(1, "ready\\n");
    const first = poll(20000);
    const text = guest.read(0, 100);
    guest.bytes.fill(0, at, at + 48);
    guest.write(1, [first, text, poll(20000)].join("; ") + "\\n");
  `;
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(path, program);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", path],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const writer = child.stdin.getWriter();
    let text = "";
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk);
      if (text === "ready\n") {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await writer.write(new TextEncoder().encode("abc"));
        await new Promise((resolve) => setTimeout(resolve, 50));
        await writer.close();
      }
    }
    assertEquals(text, "ready\n0 3 0; abc; 0 0 1\n");
    await child.status;
  } finally {
    Deno.removeSync(path);
  }
});
