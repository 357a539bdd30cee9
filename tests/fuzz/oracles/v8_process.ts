/** V8 with flags as an oracle: flags that switch a proposal on work at the start of a process only, so modules go to a child. */

/** What V8, started with `flags`, says to each module: why it refuses it, undefined where it accepts. */
export async function refusalsOfV8(
  flags: readonly string[],
  modules: readonly Uint8Array[],
): Promise<(string | undefined)[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      `--v8-flags=${flags.join(",")}`,
      new URL("./v8_process_main.ts", import.meta.url).pathname,
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
  return (JSON.parse(new TextDecoder().decode(stdout)) as (string | null)[]).map((refusal) => refusal ?? undefined);
}
