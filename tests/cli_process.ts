/** Runs the command line as a process of its own, the way a user does. */

const CLI = new URL("../cli.ts", import.meta.url).pathname;

/** Where these runs keep what they compile: not where the user's do. */
const CACHE_HOME = Deno.makeTempDirSync({ prefix: "theropod-cache-" });
globalThis.addEventListener("unload", () => Deno.removeSync(CACHE_HOME, { recursive: true }));

/** The environment that says so; Deno's own folder, which goes by the same variable, stays where it is. */
export const CACHE_ENV = { XDG_CACHE_HOME: CACHE_HOME, DENO_DIR: denoFolder() } as const;

function denoFolder(): string {
  const given = Deno.env.get("DENO_DIR");
  if (given !== undefined && given !== "") return given;
  return `${Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`}/deno`;
}

/** What a run of the command line gave. */
export interface CliResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** How to run it. */
export interface CliOptions {
  readonly cwd?: string;
  /** Deno's own permission flags; everything by default. */
  readonly permissions?: readonly string[];
  readonly env?: Record<string, string>;
  readonly stdin?: Uint8Array;
}

/** Runs `deno run -A cli.ts ARGS`. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...(options.permissions ?? ["--allow-all"]), CLI, ...args],
    ...(options.cwd ? { cwd: options.cwd } : {}),
    env: { ...CACHE_ENV, ...options.env },
    stdin: options.stdin ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.stdin) {
    const writer = child.stdin.getWriter();
    await writer.write(options.stdin);
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  return { code, stdout, stderr };
}

/** Bytes as text, for messages. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
