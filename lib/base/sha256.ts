/**
 * SHA-256 (FIPS 180-4) of byte strings, synchronously, by the runtime's own implementation.
 *
 * `crypto.subtle` is asynchronous, and loading code must not be. `node:crypto` is part of Deno; it takes 20 ms to load, so it is fetched when
 * first needed only.
 */

interface Hash {
  update(bytes: Uint8Array): Hash;
  digest(): Uint8Array;
}

interface NodeProcess {
  getBuiltinModule(name: "node:crypto"): { createHash(algorithm: "sha256"): Hash };
}

/** The 32-byte digest of the given byte strings, one after the other. */
export function sha256(parts: Iterable<Uint8Array>): Uint8Array {
  const { process } = globalThis as unknown as { process: NodeProcess };
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
