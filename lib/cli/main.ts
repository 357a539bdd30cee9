/** The command line: parse, dispatch, report. */

import { CliError, EXIT, UsageError } from "./errors.ts";
import { type CommandName, helpText, parseCommandLine, type ParsedCommand } from "./options.ts";

type Command = (parsed: ParsedCommand) => Promise<number>;

/** Commands are evaluated when used only. */
const COMMAND_MODULES: Record<CommandName, () => Promise<Command>> = {
  run: async () => (await import("./run.ts")).run,
  compile: async () => (await import("./compile.ts")).compile,
  objdump: async () => (await import("./objdump.ts")).objdump,
  cache: async () => (await import("./cache.ts")).cache,
  print: async () => (await import("./print.ts")).print,
  parse: async () => (await import("./parse.ts")).parse,
  wast: async () => (await import("./wast.ts")).wast,
};

/** Runs a command line and returns its exit code. Everything foreseeable is one line on standard error. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    if (args.length === 0 || (args.length === 1 && (args[0] === "--help" || args[0] === "-h" || args[0] === "help"))) {
      console.log(helpText());
      return args.length === 0 ? EXIT.usage : EXIT.ok;
    }
    const parsed = parseCommandLine(args);
    if (parsed.options.help) {
      console.log(helpText(parsed.command));
      return EXIT.ok;
    }
    return await (await COMMAND_MODULES[parsed.command]())(parsed);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(
        `error: ${error.message}; see ${error.command && error.command !== "run" ? `${error.command} ` : ""}--help`,
      );
      return EXIT.usage;
    }
    // The reader of a pipe has seen enough, as in `objdump FILE | head`.
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.ok;
    const { describeFailure } = await import("./run.ts");
    const message = describeFailure(error);
    if (message === undefined) throw error;
    console.error(`error: ${message.split("\n")[0]}`);
    if (error instanceof CliError && error.detail !== undefined) console.error(error.detail);
    return EXIT.error;
  }
}
