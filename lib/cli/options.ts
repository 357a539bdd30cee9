/**
 * THE table of commands and options; the parser, the help texts and the completion of messages derive from it.
 *
 * Of `run`, options stand before the file, and what follows the file belongs to the guest; the other commands take them anywhere.
 * The option grammar is that of `node:util` `parseArgs`.
 */

import { parseArgs } from "node:util";
import { UsageError } from "./errors.ts";

interface OptionRow {
  readonly type: "boolean" | "string";
  readonly multiple?: boolean;
  readonly short?: string;
  /** Placeholder of the value in the help text. */
  readonly value?: string;
  readonly help: string;
}

interface CommandRow {
  readonly operands: string;
  readonly summary: string;
  readonly options: Record<string, OptionRow>;
  readonly examples: readonly string[];
}

const HELP: OptionRow = { type: "boolean", short: "h", help: "print this help" };
const BOUNDS: OptionRow = {
  type: "string",
  value: "guard|explicit",
  help: "how memory accesses are kept inside: guard pages (default) or explicit checks",
};

const FEATURES: OptionRow = {
  type: "string",
  value: "NAME,...",
  help: "proposals that the module may use besides the default ones, such as custom-descriptors",
};
const OPTIMIZE: OptionRow = {
  type: "boolean",
  short: "O",
  help: "run binaryen's optimiser over the module first (downloaded when first used)",
};

const NO_CACHE: OptionRow = { type: "boolean", help: "compile, and do not keep what was compiled" };
const CACHE_DIR: OptionRow = {
  type: "string",
  value: "DIR",
  help: "where compiled modules are kept (default: $XDG_CACHE_HOME/theropod or ~/.cache/theropod)",
};
const ALLOW_PRECOMPILED: OptionRow = {
  type: "boolean",
  help: "accept a compiled file: machine code that no sandbox holds, so only your own",
};

/** Every command, in the order of the help text. */
export const COMMANDS = {
  run: {
    operands: "FILE [ARGS...]",
    summary: "compile a .wasm or .wat file, unless that was done before, and run it (the default command)",
    options: {
      dir: { type: "string", multiple: true, value: "HOST[::GUEST]", help: "grant a folder, under the name GUEST" },
      env: {
        type: "string",
        multiple: true,
        value: "K=V",
        help: "set an environment variable; K alone passes the host's",
      },
      invoke: { type: "string", value: "NAME", help: "call an exported function with ARGS and print its results" },
      "max-memory": { type: "string", value: "SIZE", help: "bytes of all memories, such as 64M (default: 4G)" },
      "max-table-elements": { type: "string", value: "N", help: "elements of all tables (default: 10000000)" },
      "max-instances": { type: "string", value: "N", help: "instances (default: 10000)" },
      "max-gc-heap": { type: "string", value: "SIZE", help: "bytes of garbage-collected objects (default: 1G)" },
      "max-stack": { type: "string", value: "SIZE", help: "bytes of the guest's stack (default: 1M)" },
      fuel: { type: "string", value: "N", help: "end the guest when it has done about so many operations" },
      timeout: { type: "string", value: "TIME", help: "end the guest after a time, such as 500ms, 10s or 2m" },
      bounds: BOUNDS,
      optimize: OPTIMIZE,
      features: FEATURES,
      "core-dump": {
        type: "string",
        value: "FILE",
        help: "write a core dump when the guest traps or does not catch an exception",
      },
      "allow-precompiled": ALLOW_PRECOMPILED,
      "no-cache": NO_CACHE,
      "cache-dir": CACHE_DIR,
      bench: { type: "boolean", help: "supply bench.start and bench.end, print times as JSON on standard error" },
      help: HELP,
    },
    examples: [
      "deno run -A cli.ts hello.wasm",
      "deno run -A cli.ts --dir . --env LANG=C tool.wasm input.txt",
      "deno run -A cli.ts --invoke add math.wat 1 2",
      "deno run -A cli.ts --max-memory 64M --timeout 10s untrusted.wasm",
    ],
  },
  compile: {
    operands: "FILE",
    summary: "compile to an ELF file that `run --allow-precompiled` accepts and `objdump -d` reads",
    options: {
      output: {
        type: "string",
        short: "o",
        value: "FILE",
        help: "where to write (default: FILE with the ending .elf)",
      },
      bounds: BOUNDS,
      optimize: OPTIMIZE,
      features: FEATURES,
      help: HELP,
    },
    examples: ["deno run -A cli.ts compile -o tool.elf tool.wasm"],
  },
  objdump: {
    operands: "FILE",
    summary: "print the machine code: addresses, bytes, wasm offsets, traps",
    options: {
      function: { type: "string", short: "f", value: "NAME|INDEX", help: "only this function" },
      bounds: BOUNDS,
      features: FEATURES,
      help: HELP,
    },
    examples: ["deno run -A cli.ts objdump -f fib math.wasm"],
  },
  cache: {
    operands: "[path|size|clear]",
    summary: "compiled modules that are kept: print where, print how many, remove them",
    options: { "cache-dir": CACHE_DIR, help: HELP },
    examples: ["deno run -A cli.ts cache size"],
  },
  print: {
    operands: "FILE",
    summary: "print a module in the text format",
    options: {
      output: { type: "string", short: "o", value: "FILE", help: "where to write (default: standard output)" },
      help: HELP,
    },
    examples: ["deno run -A cli.ts print tool.wasm"],
  },
  parse: {
    operands: "FILE",
    summary: "turn the text format into a binary module, if it is valid",
    options: {
      output: {
        type: "string",
        short: "o",
        value: "FILE",
        help: "where to write (default: FILE with the ending .wasm)",
      },
      help: HELP,
    },
    examples: ["deno run -A cli.ts parse -o math.wasm math.wat"],
  },
  wast: {
    operands: "FILE...",
    summary: "run specification scripts: .wast, or as wast2json writes them (commands.json)",
    options: {
      bounds: BOUNDS,
      verbose: { type: "boolean", short: "v", help: "a line for each script" },
      help: HELP,
    },
    examples: ["deno run -A cli.ts wast spec/i32.wast", "deno run -A cli.ts wast -v spec/*/commands.json"],
  },
} as const satisfies Record<string, CommandRow>;

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** A parsed command line. */
export interface ParsedCommand {
  readonly command: CommandName;
  /** Option values by name: true, a string, or strings where the option may repeat. */
  readonly options: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  /** The file and what follows it, as given. */
  readonly operands: readonly string[];
}

/**
 * Parses a command line: `[command] [options] [operands]`.
 *
 * @throws {UsageError} for an unknown option or a missing value.
 */
export function parseCommandLine(args: readonly string[]): ParsedCommand {
  const named = args.length > 0 && Object.hasOwn(COMMANDS, args[0]);
  const command = named ? args[0] as CommandName : "run";
  const rest = args.slice(named ? 1 : 0);
  const table: Record<string, OptionRow> = COMMANDS[command].options;
  const config = Object.fromEntries(
    Object.entries(table).map(([name, { type, multiple, short }]) => [name, {
      type,
      ...(multiple ? { multiple } : {}),
      ...(short ? { short } : {}),
    }]),
  );
  // A lenient pass finds where a guest's own arguments begin; the strict pass sees only what stands before them.
  const { tokens } = parseArgs({ args: rest, options: config, strict: false, allowPositionals: true, tokens: true });
  const first = tokens.find((token) => token.kind === "positional" || token.kind === "option-terminator");
  const end = command === "run" ? first?.index ?? rest.length : rest.length;
  const guestStart = command === "run" && first?.kind === "option-terminator" ? end + 1 : end;
  try {
    const { values, positionals } = parseArgs({
      args: rest.slice(0, end),
      options: config,
      strict: true,
      allowPositionals: command !== "run",
    });
    return { command, options: values, operands: [...positionals, ...rest.slice(guestStart)] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${message.split(/\.\s/)[0].replace(/^U/, "u").replace(/^O/, "o")}`, command);
  }
}

/** The help text of the program, or of one command. */
export function helpText(command?: CommandName): string {
  const lines: string[] = [];
  const commands = command ? [command] : Object.keys(COMMANDS) as CommandName[];
  if (!command) lines.push("Theropod runs WebAssembly on Deno by compiling it to machine code.", "");
  for (const name of commands) {
    const row: CommandRow = COMMANDS[name];
    lines.push(`${name} [OPTIONS] ${row.operands}`, `  ${row.summary}`, "");
    for (const [option, { short, value, help }] of Object.entries(row.options)) {
      const spelled = `${short ? `-${short}, ` : "    "}--${option}${value ? ` ${value}` : ""}`;
      lines.push(`  ${spelled.padEnd(32)} ${help}`);
    }
    lines.push("", ...row.examples.map((example) => `  $ ${example}`), "");
  }
  return lines.join("\n");
}
