/** WASI preview 1 for an embedder: options in, 46 functions for a linker out. */

import type { Caller, Linker } from "../../engine/mod.ts";
import {
  ALL_RIGHTS,
  DIRECTORY_RIGHTS,
  Errno,
  ERRNO_NAMES,
  errnoOf,
  FileType,
  INPUT_RIGHTS,
  LAYOUTS,
  OUTPUT_RIGHTS,
  WASI_FUNCTIONS,
  type WasiFunctionName,
  type WasiImplementation,
  WRITE_RIGHTS,
} from "./abi.ts";
import { type Descriptor, DescriptorTable, type InputSource, type OutputSink } from "./descriptors.ts";
import { fileFunctions } from "./files.ts";
import { type BufferSource, ErrnoError, GuestMemory } from "./guest_memory.ts";
import { AT, fileTypeOf, O, openAt, statusOf } from "./linux.ts";
import { pathFunctions } from "./paths.ts";
import { pollFunctions } from "./poll.ts";
import { processFunctions } from "./process.ts";
import { socketFunctions } from "./sockets.ts";
import type { WasiState } from "./state.ts";
import { CallContext, startWait, WouldBlock } from "./waiting.ts";

/** A folder that the guest may use, under a name of its own. */
export interface Preopen {
  /** The folder on this machine. */
  readonly host: string;
  /** Its name for the guest; the host's name by default. */
  readonly guest?: string;
  /** What the guest may do in it; `"readwrite"` by default. */
  readonly access?: "read" | "readwrite";
}

/** What a WASI guest is given. By default: no arguments, no environment, no folders, and no streams. */
export interface WasiOptions {
  /** Arguments; the first is by custom the program's name. */
  readonly args?: readonly string[];
  /** Environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folders, in order: descriptors 3, 4, ... */
  readonly preopens?: readonly Preopen[];
  /** Standard input; `"null"` by default. */
  readonly stdin?: InputSource;
  /** Standard output; `"null"` by default. */
  readonly stdout?: OutputSink;
  /** Standard error; `"null"` by default. */
  readonly stderr?: OutputSink;
}

/** A grant that could not be made. */
export class WasiError extends Error {
  /** `"WasiError"`. */
  override name = "WasiError";
}

/** The parts of a linker that WASI needs. */
export interface FunctionSink {
  /** Defines a host function under a module name and a name. */
  (
    module: string,
    name: string,
    parameters: readonly ("i32" | "i64")[],
    results: readonly "i32"[],
    implementation: (...args: (number | bigint)[]) => number | void,
  ): void;
}

/** A module name under which the functions are offered; each names an edition of the interface. */
export type WasiModuleName = "wasi_snapshot_preview1" | "wasi_unstable";

/** The module names under which the functions are offered. */
export const WASI_MODULES = Object.keys(LAYOUTS) as readonly WasiModuleName[];

/**
 * One guest's WASI: its arguments, environment and descriptors. Dispose it to close what it opened.
 *
 * @example A program whose output is kept
 * ```ts
 * import { Engine, Linker, Memory, Module, Store } from "@theropod/theropod";
 * import { WasiPreview1 } from "@theropod/theropod/wasi";
 * import { assertEquals } from "@std/assert";
 *
 * // A program that writes "hello" to standard output.
 * const bytes = Uint8Array.fromBase64(
 *   "AGFzbQEAAAABDAJgBH9/f38Bf2AAAAIjARZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxCGZkX3dyaXRlAAADAgEBBQMBAAEHEwIGbWVtb3J5AgAGX3N0" +
 *     "YXJ0AAEMAQEKDwENAEEBQQBBAUEQEAAaCwsUAQBBAAsOCAAAAAYAAABoZWxsbwo=",
 * );
 * let output = "";
 * using wasi = new WasiPreview1({ args: ["hello"], stdout: (chunk) => output += new TextDecoder().decode(chunk) });
 * using engine = new Engine();
 * using store = new Store(engine);
 * const linker = new Linker(engine);
 * wasi.defineFunctions((module, name, parameters, results, implementation) =>
 *   linker.defineFunc(module, name, { parameters, results }, implementation)
 * );
 * const { memory, _start } = linker.instantiate(store, new Module(engine, bytes)).exports;
 * wasi.bindMemory(memory as Memory);
 * _start();
 * assertEquals(output, "hello\n");
 * ```
 */
export class WasiPreview1 implements Disposable {
  readonly #memory = new GuestMemory();
  readonly #descriptors = new DescriptorTable();
  readonly #args: readonly string[];
  readonly #env: readonly string[];

  /**
   * Opens what the guest is given.
   *
   * @param options What that is.
   * @throws {WasiError} if a preopened folder cannot be opened.
   * @throws {TypeError} if an argument or variable cannot be passed: it holds a zero character, or a name holds "=";
   * or if a stream is none of the choices.
   * @throws {Deno.errors.NotCapable} if Deno's permissions do not cover a grant.
   */
  constructor(options: WasiOptions = {}) {
    this.#args = (options.args ?? []).map((argument) => passable(argument, "argument"));
    this.#env = Object.entries(options.env ?? {}).map(([name, value]) => {
      if (name === "" || name.includes("=")) {
        throw new TypeError(`${JSON.stringify(name)} cannot be the name of a variable`);
      }
      return passable(`${name}=${value}`, "variable");
    });
    const descriptors = this.#descriptors;
    descriptors.add(inputStream(options.stdin ?? "null"));
    descriptors.add(outputStream(options.stdout ?? "null", 1));
    descriptors.add(outputStream(options.stderr ?? "null", 2));
    try {
      for (const preopen of options.preopens ?? []) descriptors.add(openPreopen(preopen));
    } catch (error) {
      descriptors.closeAll();
      throw error;
    }
  }

  /** The memory that the functions work on: the guest's, bound before it runs. */
  bindMemory(memory: BufferSource): void {
    this.#memory.bind(memory);
  }

  /** Offers every function under each module name, in that name's edition. What waits blocks the thread: see {@linkcode WasiPreview1.addToLinker}. */
  defineFunctions(define: FunctionSink): void {
    for (const { module, name, parameters, results, call } of this.#functions()) {
      define(module, name, parameters, results, (...args) => call(undefined, args) as number);
    }
  }

  /**
   * Defines every function in a linker, under each module name. A guest that `Func.callAsync` calls is parked while it waits for time to pass, for
   * input, for a connection, or for room to write, and the event loop goes on; a `timeout` of the call counts that only with `countHostTime`.
   * One that is called synchronously blocks the thread.
   *
   * @param linker What the guest is linked by.
   *
   * @example Programs that sleep at the same time
   * ```ts
   * import { Engine, Linker, type Memory, Module, Store } from "@theropod/theropod";
   * import { WasiPreview1 } from "@theropod/theropod/wasi";
   * import { assert } from "@std/assert";
   *
   * using engine = new Engine();
   * using store = new Store(engine);
   * // Sleeps for 50 milliseconds: one subscription, to a clock.
   * const module = Module.fromText(engine, `(module
   *   (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
   *   (memory (export "memory") 1)
   *   (func (export "_start")
   *     (i32.store offset=16 (i32.const 0) (i32.const 1))
   *     (i64.store offset=24 (i32.const 0) (i64.const 50000000))
   *     (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))`);
   * const started = performance.now();
   * await Promise.all([1, 2, 3, 4].map(async () => {
   *   using wasi = new WasiPreview1();
   *   const linker = new Linker(engine);
   *   wasi.addToLinker(linker);
   *   const instance = linker.instantiate(store, module);
   *   wasi.bindMemory(instance.exports.memory as Memory);
   *   await instance.func("_start")!.callAsync();
   * }));
   * assert(performance.now() - started < 180);
   * ```
   */
  addToLinker(linker: Linker): void {
    for (const { module, name, parameters, results, call } of this.#functions()) {
      const signature = { parameters, results };
      if (WAITING.includes(name)) {
        linker.defineFunc(module, name, signature, (caller, ...args) => call(caller, args), { passCaller: true });
      } else linker.defineFunc(module, name, signature, (...args) => call(undefined, args));
    }
  }

  *#functions(): Iterable<GuardedFunction> {
    const memory = this.#memory;
    for (const module of WASI_MODULES) {
      const context = new CallContext();
      const functions = this.#implementations(module, context);
      for (const [name, kinds] of WASI_FUNCTIONS) {
        const implementation = functions[name] as (...args: (number | bigint)[]) => number;
        const usesMemory = !WITHOUT_MEMORY.includes(name);
        const call = (caller: Caller | undefined, args: (number | bigint)[]): number | Promise<number> => {
          context.caller = caller;
          try {
            if (usesMemory) memory.refresh();
            return implementation(...args);
          } catch (error) {
            if (error instanceof ErrnoError) return error.errno;
            if (!(error instanceof WouldBlock)) throw error;
            return this.#wait(error, context, () => implementation(...args));
          }
        };
        const parameters = [...kinds].map((kind) => kind === "i" ? "i32" as const : "i64" as const);
        yield { module, name, parameters, results: name === "proc_exit" ? [] : ["i32"], call };
      }
    }
  }

  /** Waits for what a function wants, and calls it again; the promise can be disposed of. */
  #wait(first: WouldBlock, context: CallContext, again: () => number): Promise<number> {
    let wait = startWait(first);
    const run = async (): Promise<number> => {
      for (let reason = first;;) {
        await wait.promise;
        context.caller = undefined;
        context.isRetry = true;
        try {
          this.#memory.refresh();
          return reason.finish === undefined ? again() : reason.finish();
        } catch (error) {
          if (error instanceof ErrnoError) return error.errno;
          if (!(error instanceof WouldBlock)) throw error;
          wait = startWait(reason = error);
        } finally {
          context.isRetry = false;
        }
      }
    };
    return Object.assign(run(), { [Symbol.dispose]: () => wait.cancel() });
  }

  #implementations(module: WasiModuleName, context: CallContext): WasiImplementation<WasiFunctionName> {
    const state: WasiState = {
      args: this.#args,
      env: this.#env,
      memory: this.#memory,
      descriptors: this.#descriptors,
      layout: LAYOUTS[module],
      context,
    };
    return {
      ...processFunctions(state),
      ...fileFunctions(state),
      ...pathFunctions(state),
      ...pollFunctions(state),
      ...socketFunctions(state),
    };
  }

  /** Closes every descriptor that is still open. */
  [Symbol.dispose](): void {
    this.#descriptors.closeAll();
  }
}

/** A function as a linker takes it, and called with what is known of the caller. */
interface GuardedFunction {
  readonly module: WasiModuleName;
  readonly name: WasiFunctionName;
  readonly parameters: readonly ("i32" | "i64")[];
  readonly results: readonly "i32"[];
  readonly call: (caller: Caller | undefined, args: (number | bigint)[]) => number | Promise<number>;
}

/** Functions that may wait. */
const WAITING: readonly WasiFunctionName[] = [
  "fd_read",
  "fd_write",
  "poll_oneoff",
  "sched_yield",
  "sock_accept",
  "sock_recv",
  "sock_send",
];

/** Functions that a guest without a memory may call. */
const WITHOUT_MEMORY: readonly WasiFunctionName[] = ["proc_exit", "proc_raise", "sched_yield"];

/** A string that a guest receives with a terminating zero, so it may hold none. */
function passable(text: string, what: string): string {
  if (text.includes("\0")) throw new TypeError(`the ${what} ${JSON.stringify(text)} holds a zero character`);
  return text;
}

/** The file type of a stream of this process; undefined if it is closed. */
function inheritedType(fd: number): number | undefined {
  try {
    return fileTypeOf(statusOf(fd).mode);
  } catch (error) {
    if (error instanceof ErrnoError) return undefined;
    throw error;
  }
}

function inputStream(source: InputSource): Descriptor {
  const base = { rightsBase: INPUT_RIGHTS, rightsInheriting: 0n, owned: false };
  const fileType = source === "inherit" ? inheritedType(0) : undefined;
  if (fileType !== undefined) return { ...base, fd: 0, fileType };
  if (source !== "inherit" && source !== "null" && !(source instanceof Uint8Array)) {
    throw new TypeError('standard input is "inherit", "null" or a Uint8Array');
  }
  const bytes = source instanceof Uint8Array ? source : new Uint8Array();
  return { ...base, fd: -1, fileType: FileType.unknown, input: { bytes, position: 0 } };
}

function outputStream(sink: OutputSink, fd: number): Descriptor {
  const base = { rightsBase: OUTPUT_RIGHTS, rightsInheriting: 0n, owned: false };
  const fileType = sink === "inherit" ? inheritedType(fd) : undefined;
  if (fileType !== undefined) return { ...base, fd, fileType };
  if (sink !== "inherit" && sink !== "null" && typeof sink !== "function") {
    throw new TypeError('an output stream is "inherit", "null" or a function');
  }
  return { ...base, fd: -1, fileType: FileType.unknown, output: typeof sink === "function" ? sink : () => {} };
}

/** FFI goes past Deno's permissions, so they are asked for here, in Deno's words. */
function requirePermission(name: "read" | "write", path: string): void {
  const { state } = Deno.permissions.requestSync({ name, path });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(`Requires ${name} access to "${path}", run again with the --allow-${name} flag`);
  }
}

const OPEN_FAILURES: Readonly<Record<number, string>> = {
  [Errno.noent]: "it does not exist",
  [Errno.notdir]: "it is not a folder",
};

function openPreopen({ host, guest = host, access = "readwrite" }: Preopen): Descriptor {
  const refuse = (reason: string) => new WasiError(`cannot open the folder ${JSON.stringify(host)}: ${reason}`);
  if (host === "" || host.includes("\0")) throw refuse("not a valid path");
  requirePermission("read", host);
  if (access === "readwrite") requirePermission("write", host);
  let fd: number;
  try {
    fd = openAt(AT.fdcwd, host, O.rdonly | O.directory, 0);
  } catch (error) {
    throw error instanceof ErrnoError ? refuse("the path is too long") : error;
  }
  if (fd < 0) throw refuse(OPEN_FAILURES[errnoOf(fd)] ?? `it is closed to you (${ERRNO_NAMES[errnoOf(fd)]})`);
  const mask = access === "read" ? ALL_RIGHTS & ~WRITE_RIGHTS : ALL_RIGHTS;
  return {
    fd,
    fileType: FileType.directory,
    rightsBase: DIRECTORY_RIGHTS & mask,
    rightsInheriting: mask,
    preopenName: guest,
    owned: true,
  };
}
