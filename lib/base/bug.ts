/** Internal failures: a broken invariant of ours, never a user error. */

/** Thrown by {@linkcode bug}; reaching one is a defect of this project. */
export class InternalError extends Error {
  override name = "InternalError";
}

/** Reports a broken internal invariant. */
export function bug(message: string): never {
  throw new InternalError(`BUG: ${message}`);
}
