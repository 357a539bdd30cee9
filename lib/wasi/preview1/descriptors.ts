/** The table of a guest's file descriptors. */

import { Errno, FileType } from "./abi.ts";
import { fail } from "./guest_memory.ts";
import { closeFd, type DirectoryEntry } from "./linux.ts";

/** Bytes that a guest reads: the process's own standard input, nothing, or given ones. */
export type InputSource = "inherit" | "null" | Uint8Array;
/** Where bytes go that a guest writes: the process's own stream, nowhere, or a function called with each chunk. */
export type OutputSink = "inherit" | "null" | ((chunk: Uint8Array) => void);

/** An open descriptor. */
export interface Descriptor {
  /** The system's descriptor, NONE (-1) for a virtual stream. */
  fd: number;
  fileType: number;
  rightsBase: bigint;
  rightsInheriting: bigint;
  /** The guest's name of a preopened folder. */
  preopenName?: string;
  /** Directory entries as of the last read from the start (cookies are indices into it). */
  entries?: DirectoryEntry[];
  input?: { bytes: Uint8Array; position: number };
  output?: (chunk: Uint8Array) => void;
  /** Whether closing closes the system's descriptor: not for inherited streams. */
  owned: boolean;
}

/** Most descriptors a guest may hold. */
const MOST_DESCRIPTORS = 65_536;

/** Descriptors by guest number; the lowest free number is given out, as POSIX does. */
export class DescriptorTable {
  readonly #slots: (Descriptor | undefined)[] = [];

  /** Adds a descriptor at the lowest free number. */
  add(descriptor: Descriptor): number {
    let number = this.#slots.indexOf(undefined);
    if (number < 0) number = this.#slots.length;
    if (number >= MOST_DESCRIPTORS) fail(Errno.nfile);
    this.#slots[number] = descriptor;
    return number;
  }

  /** The descriptor of that number, which must allow `needed`. */
  get(number: number, needed = 0n): Descriptor {
    const descriptor = this.#slots[number];
    if (descriptor === undefined) fail(Errno.badf);
    if ((descriptor.rightsBase & needed) !== needed) fail(Errno.notcapable);
    return descriptor;
  }

  /** As `get`, for operations on paths: the descriptor must be a folder. */
  getFolder(number: number, needed = 0n): Descriptor {
    const descriptor = this.get(number);
    if (descriptor.fileType !== FileType.directory) fail(Errno.notdir);
    if ((descriptor.rightsBase & needed) !== needed) fail(Errno.notcapable);
    return descriptor;
  }

  /** Closes a descriptor. */
  close(number: number): void {
    release(this.get(number));
    this.#slots[number] = undefined;
  }

  /** Moves `from` to the number `to`, closing what was there. */
  renumber(from: number, to: number): void {
    const descriptor = this.get(from);
    const replaced = this.get(to);
    if (from === to) return;
    release(replaced);
    this.#slots[to] = descriptor;
    this.#slots[from] = undefined;
  }

  /** Closes everything. */
  closeAll(): void {
    for (const descriptor of this.#slots) if (descriptor) release(descriptor);
    this.#slots.length = 0;
  }
}

function release(descriptor: Descriptor): void {
  if (descriptor.owned && descriptor.fd >= 0) closeFd(descriptor.fd);
}
