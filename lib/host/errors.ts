/** What can go wrong below WebAssembly: the machine, the permission, the system's limits. */

/** Why the host layer refused. */
export type HostErrorCode =
  /** Not x86-64 Linux, or the kernel lacks something there is no substitute for. */
  | "unsupported"
  /** Deno was started without `--allow-ffi`. */
  | "permission"
  /** The boot image could not be loaded or initialised. */
  | "boot"
  /** The system refused memory or address space. */
  | "out-of-memory"
  /** A limit of this layer (live memories, records, code arena) is reached. */
  | "limit"
  /** Any other failed system call. */
  | "system";

/** A failure of the machine or the system underneath, never of a guest. */
export class HostError extends Error {
  /** `"HostError"`. */
  override name = "HostError";
  /** The kind of failure, for programs. */
  readonly code: HostErrorCode;
  /** The positive errno of the system call that failed, 0 when none did. */
  readonly errno: number;

  /** Makes the error; `errno` is positive. */
  constructor(code: HostErrorCode, message: string, errno = 0) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

/** The errno values this layer names in messages; the rest print as numbers. */
const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
  EMFILE: 24,
  EFBIG: 27,
  ENOSYS: 38,
} as const satisfies Record<string, number>;

/** `"ENOMEM"` for 12, `"errno 200"` for what has no row. */
export function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(ERRNO)) if (value === errno) return name;
  return `errno ${errno}`;
}

/** Builds the error of a system call named `what` that returned `-errno`. */
export function systemError(what: string, result: number): HostError {
  const errno = -result;
  const code = errno === ERRNO.ENOMEM || errno === ERRNO.EAGAIN ? "out-of-memory" : "system";
  return new HostError(code, `${what} failed: ${errnoName(errno)}`, errno);
}
