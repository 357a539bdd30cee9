/** Error contexts: what went wrong, shared by every instance that was told. */

/** An error context; it lives as long as a handle refers to it. */
export class ErrorContext {
  #message: string | undefined;
  #references = 0;

  constructor(message: string) {
    this.#message = message;
  }

  /** The message; undefined once nothing refers to the context any more. */
  get message(): string | undefined {
    return this.#message;
  }

  /** How many handles refer to it, in all tables. */
  get references(): number {
    return this.#references;
  }

  /** Counts another handle. */
  retain(): void {
    this.#references++;
  }

  /** Counts one handle less; the last lets the message go. */
  release(): void {
    if (--this.#references === 0) this.#message = undefined;
  }
}

/** A handle of an error context. */
export class ErrorContextHandle {
  readonly kind = "error_context";
  readonly context: ErrorContext;

  constructor(context: ErrorContext) {
    this.context = context;
  }
}
