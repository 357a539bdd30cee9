/** V8 with flags as an oracle: flags that switch a proposal on work at the start of a process only, so modules go to a child. */

/** What the program `main` beside this file prints as JSON, in V8 started with `flags`, for modules that come as lines of hexadecimal. */
export async function askV8(
  main: string,
  flags: readonly string[],
  modules: readonly Uint8Array[],
  ...args: readonly string[]
): Promise<unknown> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", `--v8-flags=${flags.join(",")}`, new URL(main, import.meta.url).pathname, ...args],
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

/** In the child: prints what `answer` gives for each module. */
export async function answerEach(answer: (bytes: Uint8Array<ArrayBuffer>) => unknown): Promise<void> {
  const input = await new Response(Deno.stdin.readable).text();
  console.log(JSON.stringify(input.split("\n").map((line) => answer(Uint8Array.fromHex(line)))));
}
