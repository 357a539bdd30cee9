/** WASI preview 1 for an embedder: options in, 46 functions for a linker out. */

import {
  ALL_RIGHTS,
  DIRECTORY_RIGHTS,
  FileType,
  WASI_FUNCTIONS,
  type WasiFunctionName,
  type WasiImplementation,
  WRITE_RIGHTS,
} from "./abi.ts";
import { type Descriptor, DescriptorTable, type InputSource, type OutputSink } from "./descriptors.ts";
import { fileFunctions, STREAM_RIGHTS } from "./files.ts";
import { type BufferSource, ErrnoError, GuestMemory } from "./guest_memory.ts";
import { AT, fileTypeOf, O, openAt, statusOf } from "./linux.ts";
import { pathFunctions } from "./paths.ts";
import { pollFunctions } from "./poll.ts";
import { processFunctions } from "./process.ts";
import { socketFunctions } from "./sockets.ts";
import type { WasiState } from "./state.ts";

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
  override name = "WasiError";
}

/** The parts of a linker that WASI needs. */
export interface FunctionSink {
  /** Defines a host function; the first argument of `implementation` is the calling instance's memory export. */
  (
    module: string,
    name: string,
    parameters: readonly ("i32" | "i64")[],
    results: readonly "i32"[],
    implementation: (...args: (number | bigint)[]) => number | void,
  ): void;
}

/** The module names under which the functions are offered. */
export const WASI_MODULES = ["wasi_snapshot_preview1", "wasi_unstable"] as const;

/** One guest's WASI: its arguments, environment and descriptors. Dispose it to close what it opened. */
export class WasiPreview1 implements Disposable {
  readonly #state: WasiState;
  readonly #functions: WasiImplementation<WasiFunctionName>;

  /**
   * @throws {WasiError} if a preopened folder cannot be opened.
   * @throws {Deno.errors.NotCapable} if Deno's permissions do not cover a grant.
   */
  constructor(options: WasiOptions = {}) {
    const descriptors = new DescriptorTable();
    descriptors.add(inputStream(options.stdin ?? "null"));
    descriptors.add(outputStream(options.stdout ?? "null", 1));
    descriptors.add(outputStream(options.stderr ?? "null", 2));
    this.#state = {
      args: options.args ?? [],
      env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
      memory: new GuestMemory(),
      descriptors,
    };
    try {
      for (const preopen of options.preopens ?? []) descriptors.add(openPreopen(preopen));
    } catch (error) {
      descriptors.closeAll();
      throw error;
    }
    this.#functions = {
      ...processFunctions(this.#state),
      ...fileFunctions(this.#state),
      ...pathFunctions(this.#state),
      ...pollFunctions(this.#state),
      ...socketFunctions(this.#state),
    };
  }

  /** The memory that the functions work on: the guest's, bound before it runs. */
  bindMemory(memory: BufferSource): void {
    this.#state.memory.bind(memory);
  }

  /** Offers every function under both module names. */
  defineFunctions(define: FunctionSink): void {
    const { memory } = this.#state;
    for (const [name, kinds] of WASI_FUNCTIONS) {
      const implementation = this.#functions[name] as (...args: (number | bigint)[]) => number;
      const usesMemory = name !== "proc_exit" && name !== "sched_yield" && name !== "proc_raise";
      const guarded = (...args: (number | bigint)[]): number => {
        try {
          if (usesMemory) memory.refresh();
          return implementation(...args);
        } catch (error) {
          if (error instanceof ErrnoError) return error.errno;
          throw error;
        }
      };
      const parameters = [...kinds].map((kind) => kind === "i" ? "i32" as const : "i64" as const);
      const results = name === "proc_exit" ? [] : ["i32" as const];
      for (const module of WASI_MODULES) define(module, name, parameters, results, guarded);
    }
  }

  /** Closes every descriptor that is still open. */
  [Symbol.dispose](): void {
    this.#state.descriptors.closeAll();
  }
}

function inputStream(source: InputSource): Descriptor {
  const base = { rightsBase: STREAM_RIGHTS, rightsInheriting: 0n, owned: false };
  if (source === "inherit") return { ...base, fd: 0, fileType: fileTypeOf(statusOf(0).mode) };
  const bytes = source === "null" ? new Uint8Array() : source;
  return { ...base, fd: -1, fileType: FileType.unknown, input: { bytes, position: 0 } };
}

function outputStream(sink: OutputSink, fd: number): Descriptor {
  const base = { rightsBase: STREAM_RIGHTS, rightsInheriting: 0n, owned: false };
  if (sink === "inherit") return { ...base, fd, fileType: fileTypeOf(statusOf(fd).mode) };
  return { ...base, fd: -1, fileType: FileType.unknown, output: sink === "null" ? () => {} : sink };
}

/** FFI goes past Deno's permissions, so they are asked for here, in Deno's words. */
function requirePermission(name: "read" | "write", path: string): void {
  const { state } = Deno.permissions.requestSync({ name, path });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(`Requires ${name} access to "${path}", run again with the --allow-${name} flag`);
  }
}

function openPreopen({ host, guest = host, access = "readwrite" }: Preopen): Descriptor {
  requirePermission("read", host);
  if (access === "readwrite") requirePermission("write", host);
  let fd: number;
  try {
    fd = openAt(AT.fdcwd, host, O.rdonly | O.directory, 0);
  } catch {
    throw new WasiError(`cannot open the folder ${JSON.stringify(host)}: not a valid path`);
  }
  if (fd < 0) {
    throw new WasiError(
      `cannot open the folder ${JSON.stringify(host)}: ${
        fd === -2 ? "it does not exist" : "it is not a folder, or closed to you"
      }`,
    );
  }
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
