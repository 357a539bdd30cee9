/**
 * Names of functions as people write them: Rust's two mangling schemes and C++'s. A name that is in none of them stays as it is.
 */

import { demangleItanium } from "./demangle_itanium.ts";
import { demangleRustLegacy, demangleRustV0 } from "./demangle_rust.ts";

/** A function's name, demangled if it is mangled. */
export function demangle(name: string): string {
  // Mach-O puts an underscore before every name, and so do some tools elsewhere.
  const plain = name.startsWith("__Z") || name.startsWith("__R") ? name.slice(1) : name;
  try {
    if (plain.startsWith("_R")) return demangleRustV0(plain) ?? name;
    if (plain.startsWith("_Z")) return demangleRustLegacy(plain) ?? demangleItanium(plain) ?? name;
  } catch (error) {
    // A name can nest more deeply than this thread's stack.
    if (!(error instanceof RangeError)) throw error;
  }
  return name;
}
