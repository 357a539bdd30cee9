/**
 * The C library, as far as booting needs it: one symbol, `syscall`, to make a memory file that `dlopen` can read.
 *
 * Every declared symbol costs some 70 us, so nothing else is declared; once the boot image is loaded its own `sys` takes
 * over, and where the image is found already loaded (a Worker) the C library is not opened at all.
 *
 * HOST-1  No library handle outlives the function that opened it: libraries stay mapped by their own nature (the C library)
 *         or by DF_1_NODELETE (the boot image), their symbols stay valid, and Deno's resource sanitizer sees nothing.
 */

import { HostError, systemError } from "./errors.ts";
import { ffiError } from "./permissions.ts";

// x86-64 system call numbers (arch/x86/entry/syscalls/syscall_64.tbl) used before the boot image runs.
const SYS_WRITE = 1n;
const SYS_CLOSE = 3n;
const SYS_MEMFD_CREATE = 319n;

const MFD_CLOEXEC = 0x1n;
/** Linux 6.3: asks for an executable file, which `vm.memfd_noexec=1` denies to those who do not ask. */
const MFD_EXEC = 0x10n;
const EINVAL = 22;

/** Address of the first byte of `bytes`; valid while `bytes` is alive and not resized. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

/** The address of a shared buffer's bytes, which stay there as long as anybody has the buffer. */
export function sharedAddressOf(buffer: SharedArrayBuffer): number {
  return Number(addressOf(new Uint8Array(buffer as unknown as ArrayBuffer)));
}

/** A pointer object for a non-zero `address`. */
export function pointerTo(address: number | bigint): Deno.PointerObject {
  const pointer = Deno.UnsafePointer.create(BigInt(address));
  if (pointer === null) throw new HostError("system", "a null address has no view");
  return pointer;
}

/** An ArrayBuffer over native memory. The caller owns the danger: HOST-2, HOST-3. */
export function aliasMemory(address: number, byteLength: number): ArrayBuffer {
  try {
    return Deno.UnsafePointerView.getArrayBuffer(pointerTo(address), byteLength);
  } catch (error) {
    throw ffiError(error, "viewing native memory");
  }
}

/** Whether this isolate is a Worker's, which can be terminated. */
export function isWorker(): boolean {
  return "DedicatedWorkerGlobalScope" in globalThis;
}

/**
 * Makes the boot image's destructor run with `argument` when this thread exits.
 *
 * All isolates share one pthread key (a process has 1,024), whose number + 1 is word `keyWord` of `data`; word `stubWord` holds the
 * destructor's address.
 */
export function registerThreadExit(data: Int32Array, keyWord: number, stubWord: number, argument: number): void {
  let libc: Deno.DynamicLibrary<typeof THREAD_SYMBOLS>;
  try {
    libc = Deno.dlopen("libc.so.6", THREAD_SYMBOLS);
  } catch (error) {
    throw ffiError(error, "opening the C library");
  }
  const { pthread_key_create, pthread_setspecific } = libc.symbols;
  let key = Atomics.load(data, keyWord) - 1;
  if (key < 0) {
    const out = new Uint32Array(1);
    const stub = BigInt(data[stubWord] >>> 0) | (BigInt(data[stubWord + 1]) << 32n);
    if (pthread_key_create(out, stub) === 0) {
      // Whoever comes second uses the first key; its own, never set, stays behind unused.
      const before = Atomics.compareExchange(data, keyWord, 0, out[0] + 1);
      key = before === 0 ? out[0] : before - 1;
    }
  }
  if (key >= 0) pthread_setspecific(key, BigInt(argument));
  libc.close();
}

/** Starts a detached thread at the address of a `void* (*)(void*)`. @throws {HostError} when there are too many threads. */
export function startThread(functionAddress: number): void {
  let libc: Deno.DynamicLibrary<typeof DETACHED_SYMBOLS>;
  try {
    libc = Deno.dlopen("libc.so.6", DETACHED_SYMBOLS);
  } catch (error) {
    throw ffiError(error, "opening the C library");
  }
  try {
    const thread = new BigUint64Array(1);
    const error = libc.symbols.pthread_create(thread, 0n, BigInt(functionAddress), 0n);
    if (error !== 0) throw systemError("starting the ticker's thread", -error);
    libc.symbols.pthread_detach(thread[0]);
  } finally {
    libc.close();
  }
}

/** Runs `use` with the path of a memory file that holds `content`; the file is gone when it returns, unless mapped. */
export function withMemoryFile<T>(name: string, content: Uint8Array<ArrayBuffer>, use: (fd: number) => T): T {
  const libc = openC();
  try {
    const call = (number: bigint, a: bigint, b: bigint, c: bigint): number =>
      Number(libc.symbols.syscall(number, a, b, c));
    const nameBytes = new TextEncoder().encode(name + "\0");
    let fd = call(SYS_MEMFD_CREATE, addressOf(nameBytes), MFD_CLOEXEC | MFD_EXEC, 0n);
    // Kernels before 6.3 refuse the flag they do not know, and need none. libc reports -1, not the errno: retry on any failure.
    if (fd < 0) fd = call(SYS_MEMFD_CREATE, addressOf(nameBytes), MFD_CLOEXEC, 0n);
    if (fd < 0) throw systemError("memfd_create for the boot image", -EINVAL);
    try {
      const address = addressOf(content);
      for (let done = 0; done < content.length;) {
        const count = call(SYS_WRITE, BigInt(fd), address + BigInt(done), BigInt(content.length - done));
        if (count <= 0) throw new HostError("boot", "writing the boot image to its memory file failed");
        done += count;
      }
      return use(fd);
    } finally {
      call(SYS_CLOSE, BigInt(fd), 0n, 0n);
    }
  } finally {
    libc.close();
  }
}

function openC(): Deno.DynamicLibrary<typeof C_SYMBOLS> {
  try {
    return Deno.dlopen("libc.so.6", C_SYMBOLS);
  } catch (error) {
    throw ffiError(error, "opening the C library");
  }
}

// `syscall` is variadic; integer arguments travel as for any other function (System V ABI 3.2.3).
const C_SYMBOLS = {
  syscall: { parameters: ["i64", "i64", "i64", "i64"], result: "i64" },
} as const satisfies Deno.ForeignLibraryInterface;

const DETACHED_SYMBOLS = {
  pthread_create: { parameters: ["buffer", "u64", "u64", "u64"], result: "i32" },
  pthread_detach: { parameters: ["u64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const THREAD_SYMBOLS = {
  pthread_key_create: { parameters: ["buffer", "u64"], result: "i32" },
  pthread_setspecific: { parameters: ["u32", "u64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;
