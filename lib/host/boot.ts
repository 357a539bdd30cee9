/**
 * The boot library: loads the boot image once per process and gives each isolate its three functions.
 *
 * The image (`boot_image.ts`, built by `lib/bootimage`) is a shared object of a few KiB that is loaded from a memory file and
 * never unloaded. Any isolate finds it again by its DT_SONAME, which carries the hash of the image, so that another version of
 * this library in the same process has its own.
 *
 * ```
 * Worker:  dlopen(soname) --found--> symbols
 * else:    memfd + dlopen(path), closed; dlopen(soname) --> symbols of whichever image of that name was loaded first
 * then:    sys(initialise): one machine-code call, serialised by a lock that no terminated isolate can keep
 * ```
 * BOOT-1  Races converge: whoever loads a second copy of the image is answered the first one by name; the copy stays unused.
 * BOOT-2  Two versions in one process are two images whose fault handlers chain.
 */

import { bug } from "../base/mod.ts";
import {
  BOOT_DATA,
  BOOT_DATA_BYTES,
  BOOT_DATA_VERSION,
  BOOT_STATE,
  BOOT_STEPS,
  BOOT_SYMBOLS,
  SPECIAL_CALL,
} from "./boot_data.ts";
import { BOOT_IMAGE_BASE64, BOOT_IMAGE_SONAME } from "./boot_image.ts";
import { errnoName, HostError } from "./errors.ts";
import { isWorker, withMemoryFile } from "./ffi.ts";
import { ffiError, requirePlatform } from "./permissions.ts";

/** What one isolate holds of the boot image. Hoist `enter` and `resume` into constants: V8 is fast when the callee is one. */
export interface Boot {
  /** Runs `record.code` on the record's stack; returns a status. */
  readonly enter: (recordIndex: number) => number;
  /** Continues a parked activation at the pc on top of its stack; returns a status. */
  readonly resume: (recordIndex: number) => number;
  /** A raw system call; arguments and result are integers below 2^53, errors come back as `-errno`. */
  readonly systemCall: (nr: number, a: number, b: number, c: number, d: number, e: number, f: number) => number;
  /** Address of the boot data. */
  readonly dataAddress: number;
  /** The boot data as words; shared by all isolates, see BOOT-D3. */
  readonly data: Int32Array<ArrayBuffer>;
  /** HOST-S: what this isolate's records compare the host stack with. */
  readonly hostStackLimit: number;
}

const SYMBOLS = {
  [BOOT_SYMBOLS.enter]: { parameters: ["u32"], result: "i32" },
  [BOOT_SYMBOLS.resume]: { parameters: ["u32"], result: "i32" },
  // Numbers travel as f64, exact to 2^53: addresses fit, and neither side makes a BigInt.
  [BOOT_SYMBOLS.sys]: { parameters: ["i32", "f64", "f64", "f64", "f64", "f64", "f64"], result: "f64" },
  [BOOT_SYMBOLS.data]: { type: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Host stack that JavaScript may use below the frame that boots, in bytes: V8 gives itself 984 KiB and throws RangeError at
 * its end; 160 KiB of that are kept for what a slow path does between leaving a guest and committing (HOST-S).
 */
const HOST_STACK_BYTES = 824 * 1024;

let booted: Boot | undefined;

/** The isolate's boot library; the first call loads it. */
export function boot(): Boot {
  return booted ??= load();
}

function load(): Boot {
  requirePlatform();
  const { symbols } = find();
  const enter = symbols[BOOT_SYMBOLS.enter];
  const resume = symbols[BOOT_SYMBOLS.resume];
  const systemCall = symbols[BOOT_SYMBOLS.sys];
  const pointer = symbols[BOOT_SYMBOLS.data];
  if (pointer === null) bug("the boot image has no data");
  let data;
  let dataAddress;
  try {
    dataAddress = Number(Deno.UnsafePointer.value(pointer));
    // Safety: per HOST-1 (the image is never unloaded, so its data outlives every view).
    data = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(pointer, BOOT_DATA_BYTES));
  } catch (error) {
    throw ffiError(error, "reading the boot data");
  }
  const state = systemCall(SPECIAL_CALL.initialise, 0, 0, 0, 0, 0, 0);
  if (state !== BOOT_STATE.ready) {
    const errno = -data[BOOT_DATA.error >> 2];
    const step = BOOT_STEPS[data[BOOT_DATA.errorStep >> 2]] ?? "booting";
    throw new HostError("boot", `${step} failed: ${errnoName(errno)}`, errno);
  }
  if (data[BOOT_DATA.version >> 2] !== BOOT_DATA_VERSION) bug("the boot image does not match its layout table");
  const hostStackLimit = systemCall(SPECIAL_CALL.stackPointer, 0, 0, 0, 0, 0, 0) - HOST_STACK_BYTES;
  return { enter, resume, systemCall, dataAddress, data, hostStackLimit };
}

function find(): Deno.DynamicLibrary<typeof SYMBOLS> {
  // Asking by name costs 0.4 ms when the answer is no, which it nearly always is on the main thread.
  if (isWorker()) {
    const found = openByName();
    if (found !== undefined) return found;
  }
  const image = Uint8Array.fromBase64(BOOT_IMAGE_BASE64);
  withMemoryFile(BOOT_IMAGE_SONAME, image, (fd) => {
    try {
      Deno.dlopen(uniquePath(fd), {}).close();
    } catch (error) {
      throw ffiError(error, "loading the boot image");
    }
  });
  return openByName() ?? bug("the boot image does not answer to its name");
}

/** Opens the loaded image by its DT_SONAME, closed at once per HOST-1. */
function openByName(): Deno.DynamicLibrary<typeof SYMBOLS> | undefined {
  try {
    const library = Deno.dlopen(BOOT_IMAGE_SONAME, SYMBOLS);
    library.close();
    return library;
  } catch (error) {
    const failure = ffiError(error, "finding the boot image");
    if (failure.code === "permission") throw failure;
    return undefined;
  }
}

/**
 * A path of the memory file that no other image was loaded by.
 *
 * QUIRK: glibc answers a path it has seen with the library it loaded then, although the file descriptor in it may have been
 * reused. The digits of the soname's hash are spelled into the path as `/` or `/./`, so each version has its own spelling.
 */
function uniquePath(fd: number): string {
  const hash = Number.parseInt(BOOT_IMAGE_SONAME.replace(/^.*-([0-9a-f]{5})[0-9a-f]*\.so$/, "$1"), 16);
  let spelled = `/proc/${Deno.pid}/fd`;
  for (let bit = 0; bit < 20; bit++) spelled += (hash >>> bit) & 1 ? "/./" : "//";
  return spelled + fd;
}
