/** What programs come to in V8 started with flags, in a child process: the results of `run` for several arguments. */

/** What `run` came to: a number, or how it ended. */
export type Outcome = number | "exception" | "trap" | "exhausted";

/** The outcome of a call, told by a classification of what it throws. */
export function outcomeOf(call: () => unknown, isException: (error: unknown) => boolean): Outcome {
  try {
    return call() as number;
  } catch (error) {
    if (isException(error)) return "exception";
    return error instanceof RangeError || /call stack/i.test(String(error)) ? "exhausted" : "trap";
  }
}

/** The outcomes of each module's `run` for each argument. */
export async function outcomesOfV8(
  flags: readonly string[],
  modules: readonly Uint8Array[],
  args: readonly number[],
): Promise<Outcome[][]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      `--v8-flags=${flags.join(",")}`,
      new URL("./v8_outcomes_main.ts", import.meta.url).pathname,
      args.join(","),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(modules.map((bytes) => bytes.toHex()).join("\n")));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("the child with V8's flags failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}
