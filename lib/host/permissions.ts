/** The two things this layer needs before it can start: the right machine and the right permission. */

import { HostError } from "./errors.ts";

const PERMISSION_MESSAGE =
  "Theropod runs WebAssembly as machine code through Deno's FFI: start Deno with --allow-ffi (without a path list)";

/** Throws unless this is x86-64 Linux, the only machine the boot image is made for. */
export function requirePlatform(): void {
  const { arch, os } = Deno.build;
  if (arch !== "x86_64" || os !== "linux") {
    throw new HostError("unsupported", `Theropod needs x86-64 Linux, and this is ${arch} ${os}`);
  }
}

/**
 * Turns the failure of an FFI call into the one clear error: a missing permission names the flag.
 *
 * A scoped grant (`--allow-ffi=path`) lets `dlopen` pass and refuses the pointer API, so it ends here too.
 */
export function ffiError(error: unknown, what: string): HostError {
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    return new HostError("permission", PERMISSION_MESSAGE);
  }
  return new HostError("boot", `${what}: ${error instanceof Error ? error.message : String(error)}`);
}
