/** What the command line reports: one line, no stack of internals, an exit code. */

/** A command line that cannot be understood: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
  /** The command whose help says how; undefined for the program's. */
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}

/** A failure with a message meant for the user: exit code 1. */
export class CliError extends Error {
  override name = "CliError";
  /** Lines to print below the message, such as the place in a source. */
  readonly detail: string | undefined;

  constructor(message: string, detail?: string) {
    super(message);
    this.detail = detail;
  }
}

/** The failure for a text that is not well formed: place and reason, then the line with a caret. */
export function textFailure(path: string, error: { excerpt(file: string): string }): CliError {
  const [message, ...detail] = error.excerpt(path).split("\n");
  return new CliError(message, detail.join("\n"));
}

/** Exit codes of the program's own; a guest's exit code passes through. */
export const EXIT = { ok: 0, error: 1, usage: 2, trap: 134 } as const;

/** Why a file cannot be read or written, in a few words. */
export function fileFailure(error: unknown, access: "read" | "write"): string {
  if (error instanceof Deno.errors.NotFound) return access === "read" ? "no such file" : "no such folder";
  if (error instanceof Deno.errors.NotCapable) return `it needs the permission --allow-${access}`;
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return error instanceof Error ? error.message.split("\n")[0] : String(error);
}
