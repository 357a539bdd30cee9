/** Faults that are not the guest's: chaining to previous handlers, another image in the process, ends of the process. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { boot, BOOT_DATA, BOOT_STATE, loadAddress, RECORD, SPECIAL_CALL, STATUS } from "../../../lib/host/mod.ts";
import { BOOT_IMAGE_BASE64, BOOT_IMAGE_SONAME } from "../../../lib/host/boot_image.ts";
import { withMemoryFile } from "../../../lib/host/ffi.ts";
import { storeAddress } from "../../../lib/host/mod.ts";
import { Activation, F, memAt, placeCode, RAX, RCX } from "./guest_code.ts";

/** Loads [0]. */
function placeNullLoad() {
  return placeCode((a) => {
    a.ri(F.movImm32, RCX, 0);
    a.rm(F.load32, RAX, memAt(RCX), 0);
  });
}

function trapsBySegv(call: Activation): boolean {
  call.set("guestSp", call.stack.top);
  call.record.words[RECORD.signal >> 2] = 0;
  return boot().enter(call.record.index) === STATUS.trap && call.get32("signal") === 11;
}

Deno.test("two images in one process chain their handlers (BOOT-2)", () => {
  using call = new Activation(placeNullLoad());
  assert(trapsBySegv(call));

  // Another version: the same code under another name.
  const otherName = BOOT_IMAGE_SONAME.replace(/-[0-9a-f]{16}/, "-0123456789abcdef");
  assertNotEquals(otherName, BOOT_IMAGE_SONAME);
  const text = Uint8Array.fromBase64(BOOT_IMAGE_BASE64);
  const at = new TextDecoder("latin1").decode(text).indexOf(BOOT_IMAGE_SONAME);
  text.set(new TextEncoder().encode(otherName), at);
  const symbols = {
    theropod_enter: { parameters: ["u32"], result: "i32" },
    theropod_sys: { parameters: ["i32", "f64", "f64", "f64", "f64", "f64", "f64"], result: "f64" },
    theropod_boot_data: { type: "pointer" },
  } as const;
  const other = withMemoryFile("other", text, (fd) => Deno.dlopen(`/proc/${Deno.pid}/fd/.//${fd}`, symbols));
  other.close();
  const otherData = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(other.symbols.theropod_boot_data!, BOOT_DATA.tickerEpoch),
  );
  assertEquals(otherData[BOOT_DATA.state >> 2], BOOT_STATE.none);
  assertEquals(other.symbols.theropod_sys(SPECIAL_CALL.initialise, 0, 0, 0, 0, 0, 0), BOOT_STATE.ready);
  assertEquals(other.symbols.theropod_sys(SPECIAL_CALL.initialise, 0, 0, 0, 0, 0, 0), BOOT_STATE.ready);
  const address = (field: number) => loadAddress(otherData, field >> 2);
  assertNotEquals(address(BOOT_DATA.arenaRx), loadAddress(boot().data, BOOT_DATA.arenaRx >> 2));

  // The other image's handler comes first now, and passes our fault on.
  for (let i = 0; i < 100; i++) assert(trapsBySegv(call));

  // A guest of the other image: its first record, our stack.
  const code = new Uint8Array(
    Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(BigInt(address(BOOT_DATA.arenaRw)))!, 16),
  );
  code.set([0x31, 0xc9, 0x8b, 0x01]); // xor ecx, ecx; mov eax, [rcx]
  const record = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(BigInt(address(BOOT_DATA.recordBase)))!, 1024),
  );
  storeAddress(record, RECORD.code >> 2, address(BOOT_DATA.arenaRx));
  for (let i = 0; i < 100; i++) {
    storeAddress(record, RECORD.guestSp >> 2, call.stack.top);
    assertEquals(other.symbols.theropod_enter(0), STATUS.trap);
    assertEquals(record[RECORD.signal >> 2], 11);
    assert(trapsBySegv(call));
  }
});

/** Runs a script that ends badly in a process of its own; returns the signal that ended it. */
async function signalOf(body: string): Promise<string | null> {
  const host = JSON.stringify(import.meta.resolve("../../../lib/host/mod.ts"));
  const guest = JSON.stringify(import.meta.resolve("./guest_code.ts"));
  const script = `import * as host from ${host}; import * as guest from ${guest}; host.boot(); ${body}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", "-"],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { signal, code } = await child.status;
  return signal ?? `exit ${code}`;
}

Deno.test("a fault outside the arena ends the process as it would without us (SIG-1)", async () => {
  // The kernel's own code at [0]: a system call cannot fault, so the C library's memset writes through a wild pointer.
  const wild = `const c = Deno.dlopen("libc.so.6", { memset: { parameters: ["u64", "i32", "u64"], result: "void" } });
    c.symbols.memset(8n, 0, 8n);`;
  assertEquals(await signalOf(wild), "SIGSEGV");
});

Deno.test("a fault signal sent from outside ends the process", async () => {
  assertEquals(await signalOf(`host.sys(host.SYS.tgkill, Deno.pid, Deno.pid, 8);`), "SIGFPE");
});

Deno.test("a guest whose r15 is no record is not taken for ours (SIG-2)", async () => {
  const lost = `const code = guest.placeCode((a) => {
      a.ri(guest.F.movImm32, guest.R15, 4096);
      a.rm(guest.F.load32, guest.RAX, guest.memAt(guest.R15), 0);
    });
    const call = new guest.Activation(code);
    host.boot().enter(call.record.index);`;
  assertEquals(await signalOf(lost), "SIGSEGV");
});

Deno.test("a process with a parked guest ends normally", async () => {
  const parked = `const code = guest.placeCode((a) => { guest.emitHostCall(a); guest.emitReturn(a); });
    const call = new guest.Activation(code);
    if (host.boot().enter(call.record.index) !== host.STATUS.hostCall) throw new Error("no host call");`;
  assertEquals(await signalOf(parked), "exit 0");
});
