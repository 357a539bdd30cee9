/**
 * The command line as a user meets it: what it prints, where, and with which exit code.
 *
 * Whatever is wrong with the input, the answer is one line on standard error and exit code 1 or 2: no stack of ours, no signal.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type CliOptions, type CliResult, runCli, text } from "../cli_process.ts";
import { block, br, brIf, call, get, i32, i64, instr, ModuleBuilder, set, tee } from "../corpus/module_builder.ts";
import { Random } from "../fuzz/generators/random.ts";

const FOLDER = Deno.makeTempDirSync({ prefix: "theropod-cli-" });
globalThis.addEventListener("unload", () => Deno.removeSync(FOLDER, { recursive: true }));
const HELLO = new URL("../programs/wordcount/wordcount.wasm", import.meta.url).pathname;
const HELLO_FOLDER = HELLO.slice(0, HELLO.lastIndexOf("/"));

/** Writes a file into the test's folder; returns its path. */
function file(name: string, content: Uint8Array | string): string {
  const path = `${FOLDER}/${name}`;
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
  return path;
}

/** A module with functions of every kind of result. */
function mathModule(): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder();
  builder.memory(1, 1);
  builder.func("add", "i32 i32 -> i32", [], get(0), get(1), instr("i32.add"));
  builder.func("mul64", "i64 i64 -> i64", [], get(0), get(1), instr("i64.mul"));
  builder.func("half", "f64 -> f64", [], get(0), instr("f64.const", 0, 0, 0, 0, 0, 0, 0xe0, 0x3f), instr("f64.mul"));
  builder.func("root", "f32 -> f32", [], get(0), instr("f32.sqrt"));
  builder.func("pair", "i32 -> i32 i64", [], get(0), i32(1), instr("i32.add"), i64(-1));
  builder.func("nothing", "", []);
  const inner = builder.func("divide", "i32 i32 -> i32", [], get(0), get(1), instr("i32.div_s"));
  builder.func("outer", "i32 -> i32", [], i32(10), get(0), call(inner), i32(1), instr("i32.add"));
  builder.func("load", "i32 -> i32", [], get(0), instr("i32.load", 2, 0));
  const forever = builder.declare("-> i32");
  builder.define(forever, [], call(forever), i32(1), instr("i32.add"));
  builder.export("forever", "func", forever);
  builder.func(
    "sum",
    "i32 -> i32",
    ["i32"],
    block("loop", "", [
      [get(1), get(0), instr("i32.add"), set(1), get(0), i32(1), instr("i32.sub"), tee(0), brIf(0)],
    ]),
    get(1),
  );
  return builder.build();
}

/** A program that ends with an exit code, or traps when the code is negative. */
function exitModule(code: number): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder();
  const exit = builder.importFunc("wasi_snapshot_preview1", "proc_exit", "i32");
  builder.export("memory", "memory", builder.memory(1));
  builder.func("_start", "", [], code < 0 ? instr("unreachable") : [i32(code), call(exit)]);
  return builder.build();
}

const MATH = file("math.wasm", mathModule());

/** Fails unless the run ended with one line on standard error that matches, and nothing else. */
function assertRefused(result: CliResult, code: 1 | 2, pattern: RegExp): void {
  const stderr = text(result.stderr);
  assertEquals(text(result.stdout), "", stderr);
  assertMatch(stderr, pattern);
  assertMatch(stderr, /^error: [^\n]+\n$/, "one line");
  assert(!stderr.includes("    at "), stderr);
  assertEquals(result.code, code, stderr);
}

function refuses(
  what: string,
  args: readonly string[],
  code: 1 | 2,
  pattern: RegExp,
  options: CliOptions = {},
): void {
  Deno.test(`cli refuses ${what}`, async () => assertRefused(await runCli(args, options), code, pattern));
}

refuses("an empty file", [file("empty.wasm", "")], 1, /empty\.wasm is empty/);
refuses("a file that is no module", [file("text.wasm", "hello world")], 1, /does not compile: .*magic header/);
refuses(
  "a module cut off in its header",
  [file("four.wasm", mathModule().slice(0, 5))],
  1,
  /unexpected end in the version/,
);
refuses(
  "a module of another version",
  [file("version.wasm", Uint8Array.of(0, 97, 115, 109, 2, 0, 0, 0))],
  1,
  /version/,
);
refuses("a missing file", [`${FOLDER}/missing.wasm`], 1, /cannot read .*missing\.wasm: no such file/);
refuses("a folder", [FOLDER], 1, /cannot read .*: it is a folder/);
refuses("an unknown option", ["--nope", MATH], 2, /unknown option '--nope'; see --help/);
refuses("an unknown option of a command", ["compile", "--nope", MATH], 2, /'--nope'; see compile --help/);
refuses("an option without its value", ["--dir"], 2, /'--dir/);
refuses("a value for an option that takes none", ["--bench=1", MATH], 2, /bench/);
refuses("a command without a file", ["run"], 2, /no file to run/);
refuses("compile without a file", ["compile"], 2, /no file to compile/);
refuses("objdump without a file", ["objdump"], 2, /no file to print/);
refuses("wast without a file", ["wast"], 2, /no script to run/);
refuses("two files to compile", ["compile", MATH, MATH], 2, /one file at a time/);
refuses("an unknown feature", ["--features", "gc,more", MATH], 2, /--features more: there is no such feature/);
refuses("an unknown bounds mode", ["--bounds", "none", MATH], 2, /--bounds none: expected guard or explicit/);
refuses(
  "a size that is none",
  ["--max-memory", "1T", MATH],
  2,
  /--max-memory 1T: expected bytes, or a number followed/,
);
refuses("a count that is none", ["--fuel", "1e6", MATH], 2, /--fuel 1e6: expected an integer/);
refuses("a time without a unit", ["--timeout", "10", MATH], 2, /--timeout 10: expected a number followed by ms, s/);
refuses("a stack that is too small", ["--max-stack", "1K", MATH], 2, /stackBytes is an integer from 65536/);
refuses(
  "a module that needs more than it may have",
  ["--max-memory", "65535", MATH],
  1,
  /needs 65536 more memoryBytes.*--max-memory raises it/,
);
refuses("a variable without a name", ["--env", "=x", MATH], 2, /--env =x: expected K=V/);
refuses("a missing folder to grant", ["--dir", `${FOLDER}/nowhere`, HELLO], 1, /nowhere.*does not exist/);
refuses("a file as folder to grant", ["--dir", MATH, HELLO], 1, /math\.wasm.*not a folder/);
refuses("an unknown function", ["--invoke", "subtract", MATH], 1, /no exported function "subtract"; .*add, mul64/);
refuses("too few arguments", ["--invoke", "add", MATH, "1"], 2, /add takes 2 arguments \(i32 i32\), got 1/);
refuses("too many arguments", ["--invoke", "nothing", MATH, "1"], 2, /nothing takes 0 arguments/);
refuses("an argument that is no number", ["--invoke", "add", MATH, "1", "two"], 2, /"two" is no value of type i32/);
refuses("a fraction for an integer", ["--invoke", "add", MATH, "1", "1.5"], 2, /"1\.5" is no value of type i32/);
refuses(
  "an integer out of range",
  ["--invoke", "add", MATH, "4294967296", "0"],
  2,
  /"4294967296" is no value of type i32/,
);
refuses("an i64 out of range", ["--invoke", "mul64", MATH, "18446744073709551616", "0"], 2, /no value of type i64/);
refuses("an empty argument", ["--invoke", "half", MATH, ""], 2, /"" is no value of type f64/);
refuses(
  "objdump of an unknown function",
  ["objdump", "-f", "nope", MATH],
  1,
  /no defined function is named or numbered nope/,
);
refuses(
  "to write into a missing folder",
  ["compile", "-o", `${FOLDER}/no/x.elf`, MATH],
  1,
  /cannot write .*: no such folder/,
);
refuses("to write over a folder", ["compile", "-o", FOLDER, MATH], 1, /cannot write .*: it is a folder/);
refuses("a missing script", ["wast", `${FOLDER}/commands.json`], 1, /cannot read .*commands\.json: no such file/);
refuses("a script that is none", ["wast", file("text.json", "hello\n")], 1, /no script as wast2json writes it/);
refuses("to run without --allow-ffi", [MATH], 1, /--allow-ffi/, { permissions: ["--allow-read"] });
refuses("to run with --allow-ffi for one path", [MATH], 1, /--allow-ffi/, {
  permissions: ["--allow-read", "--allow-ffi=/lib"],
});
refuses("to read without --allow-read", [MATH], 1, /--allow-read/, { permissions: ["--allow-ffi"] });
refuses("to write without --allow-write", ["compile", "-o", `${FOLDER}/unwritten.elf`, MATH], 1, /--allow-write/, {
  permissions: ["--allow-ffi", "--allow-read"],
});
refuses("to grant a folder without --allow-write", ["--no-cache", "--dir", FOLDER, HELLO], 1, /--allow-write/, {
  permissions: ["--allow-ffi", "--allow-read"],
});
refuses("to pass on a variable without --allow-env", ["--no-cache", "--env", "HOME", HELLO], 1, /--allow-env/, {
  permissions: ["--allow-ffi", "--allow-read"],
});

Deno.test("cli prints the failure of a missing import with module, name and kind", async () => {
  for (
    const [what, define, expected] of [
      ["func", (b: ModuleBuilder) => void b.importFunc("env", "callback", "i32 -> i32"), /env.*callback.*func/],
      ["memory", (b: ModuleBuilder) => void b.importMemory("env", "heap", { min: 1 }), /env.*heap.*memory/],
      [
        "table",
        (b: ModuleBuilder) => void b.importTable("env", "functions", "funcref", { min: 1 }),
        /env.*functions.*table/,
      ],
      ["global", (b: ModuleBuilder) => void b.importGlobal("env", "base", "i32", "const"), /env.*base.*global/],
      [
        "wrong",
        (b: ModuleBuilder) => void b.importFunc("wasi_snapshot_preview1", "fd_close", "i64 -> i32"),
        /fd_close/,
      ],
    ] as const
  ) {
    const builder = new ModuleBuilder();
    define(builder);
    assertRefused(await runCli([file(`import_${what}.wasm`, builder.build())]), 1, expected);
  }
});

Deno.test("cli refuses modules cut off or changed anywhere, each with one line", async () => {
  const bytes = mathModule();
  for (const length of [8, 9, 30, bytes.length >> 1, bytes.length - 1]) {
    const result = await runCli(["--invoke", "add", file("cut.wasm", bytes.slice(0, length)), "1", "2"]);
    assertEquals(result.code, 1, text(result.stderr));
    assertMatch(text(result.stderr), /^error: [^\n]+\n$/);
  }
  const random = new Random(5);
  for (let round = 0; round < 6; round++) {
    const changed = bytes.slice();
    for (let count = 0; count < 3; count++) changed[8 + random.below(bytes.length - 8)] = random.below(256);
    const { code, stderr } = await runCli(["--invoke", "add", file("changed.wasm", changed), "1", "2"]);
    // A change can leave the module valid, and its function may trap; what it may not do is take the process down.
    assert([0, 1, 2, 134].includes(code), `round ${round}: exit code ${code}: ${text(stderr)}`);
    assert(!text(stderr).includes("    at "), text(stderr));
  }
});

Deno.test("cli prints results as JavaScript does, a line each", async () => {
  for (
    const [args, expected] of [
      [["add", MATH, "2147483647", "1"], "-2147483648\n"],
      [["add", MATH, "0xffffffff", "-5"], "-6\n"],
      [["mul64", MATH, "-3", "0x7fffffffffffffff"], "-9223372036854775805\n"],
      [["half", MATH, "-inf"], "-Infinity\n"],
      [["root", MATH, "nan"], "NaN\n"],
      [["root", MATH, "2"], "1.4142135381698608\n"],
      [["pair", MATH, "6"], "7\n-1\n"],
      [["nothing", MATH], ""],
      [["sum", MATH, "100000"], "705082704\n"],
    ] as const
  ) {
    const { code, stdout, stderr } = await runCli(["--invoke", ...args]);
    assertEquals([text(stdout), code], [expected, 0], text(stderr));
  }
});

Deno.test("cli gives the same results with explicit bounds", async () => {
  const { code, stdout } = await runCli(["--bounds", "explicit", "--invoke", "load", MATH, "65532"]);
  assertEquals([text(stdout), code], ["0\n", 0]);
  const outside = await runCli(["--bounds", "explicit", "--invoke", "load", MATH, "65533"]);
  assertEquals(outside.code, 134);
});

Deno.test("cli prints a trap with its backtrace and exits with 134", async () => {
  const { code, stdout, stderr } = await runCli(["--invoke", "outer", MATH, "0"]);
  const lines = text(stderr).trimEnd().split("\n");
  assertEquals([code, text(stdout)], [134, ""]);
  assertEquals(lines[0], "error: trap: integer divide by zero");
  assertMatch(lines[1], /^ {4}0: 0x[0-9a-f]+ - divide$/);
  assertMatch(lines[2], /^ {4}1: 0x[0-9a-f]+ - outer$/);
  assertEquals(lines.length, 3);
  for (
    const [args, message] of [
      [["load", MATH, "65533"], "out of bounds memory access"],
      [["load", MATH, "-1"], "out of bounds memory access"],
      [["divide", MATH, "-2147483648", "-1"], "integer overflow"],
      [["forever", MATH], "call stack exhausted"],
    ] as const
  ) {
    const trapped = await runCli(["--invoke", ...args]);
    assertEquals(trapped.code, 134, text(trapped.stderr));
    assertStringIncludes(text(trapped.stderr), `error: trap: ${message}\n`);
    assert(text(trapped.stderr).split("\n").length < 200, "an endless recursion must not print every frame");
  }
});

Deno.test("cli keeps the guest's exit code", async () => {
  for (const [code, expected] of [[0, 0], [1, 1], [7, 7], [127, 127], [255, 255], [256 + 3, 3], [-1, 134]]) {
    const result = await runCli([file(`exit.wasm`, exitModule(code))]);
    assertEquals(result.code, expected, text(result.stderr));
    assertEquals(text(result.stdout), "");
  }
});

Deno.test("cli runs a program with folders, arguments and standard input", async () => {
  const { code, stdout, stderr } = await runCli(["--dir", `${HELLO_FOLDER}::/data`, HELLO, "/data/sample.txt"]);
  assertEquals(code, 0, text(stderr));
  assertStringIncludes(text(stdout), "12 words, 7 different");
  // What follows the file is the guest's, even where it looks like an option of ours.
  const guest = await runCli(["--dir", HELLO_FOLDER, HELLO, "--bench"]);
  assertEquals(guest.code, 1);
  assertStringIncludes(text(guest.stderr), "--bench");
});

Deno.test("cli passes variables and standard input to the guest", async () => {
  // Writes the environment, then echoes standard input.
  const builder = new ModuleBuilder();
  const sizes = builder.importFunc("wasi_snapshot_preview1", "environ_sizes_get", "i32 i32 -> i32");
  const environ = builder.importFunc("wasi_snapshot_preview1", "environ_get", "i32 i32 -> i32");
  const read = builder.importFunc("wasi_snapshot_preview1", "fd_read", "i32 i32 i32 i32 -> i32");
  const write = builder.importFunc("wasi_snapshot_preview1", "fd_write", "i32 i32 i32 i32 -> i32");
  builder.export("memory", "memory", builder.memory(1));
  const store = (at: number, value: readonly unknown[]) => [i32(at), value as never, instr("i32.store", 2, 0)];
  const load = (at: number) => [i32(at), instr("i32.load", 2, 0)];
  builder.func(
    "_start",
    "",
    [],
    [i32(0), i32(4), call(sizes), instr("drop"), i32(64), i32(1024), call(environ), instr("drop")],
    [store(16, i32(1024)), store(20, load(4)), i32(1), i32(16), i32(1), i32(24), call(write), instr("drop")],
    block("block", "", [
      block("loop", "", [
        [store(16, i32(8192)), store(20, i32(4096)), i32(0), i32(16), i32(1), i32(24), call(read), brIf(1)],
        [load(24), instr("i32.eqz"), brIf(1)],
        [store(20, load(24)), i32(1), i32(16), i32(1), i32(28), call(write), instr("drop"), br(0)],
      ]),
    ]),
  );
  const path = file("echo.wasm", builder.build());
  const stdin = new Uint8Array(100_000).map((_, index) => index * 7);
  const { code, stdout, stderr } = await runCli(["--env", "A=1", "--env", "B=x=y", "--env", "FROM_HOST", path], {
    stdin,
    env: { FROM_HOST: "yes" },
  });
  assertEquals(code, 0, text(stderr));
  const environment = "A=1\0B=x=y\0FROM_HOST=yes\0";
  assertEquals(text(stdout.subarray(0, environment.length)), environment);
  assertEquals(stdout.length, environment.length + stdin.length);
  assert(stdout.subarray(environment.length).every((byte, index) => byte === stdin[index]));
});

Deno.test("cli compile writes a file that run accepts, with the same behaviour", async () => {
  const artifact = `${FOLDER}/wordcount.elf`;
  const compiled = await runCli(["compile", "-o", artifact, HELLO]);
  assertEquals([compiled.code, text(compiled.stdout), text(compiled.stderr)], [0, "", ""]);
  const args = ["/data/sample.txt"];
  const grant = ["--dir", `${HELLO_FOLDER}::/data`];
  const direct = await runCli([...grant, HELLO, ...args]);
  const loaded = await runCli(["--allow-precompiled", ...grant, artifact, ...args]);
  assertEquals(text(loaded.stdout), text(direct.stdout));
  assertEquals([loaded.code, text(loaded.stderr)], [0, ""]);

  // The name of the output by default, options after the file, and the same bytes every time.
  const beside = file("beside.wasm", mathModule());
  assertEquals((await runCli(["compile", beside])).code, 0);
  assertEquals((await runCli(["compile", beside, "-o", `${FOLDER}/again.elf`])).code, 0);
  assertEquals(Deno.readFileSync(`${FOLDER}/beside.elf`), Deno.readFileSync(`${FOLDER}/again.elf`));
  const invoked = await runCli(["--allow-precompiled", "--invoke", "add", `${FOLDER}/beside.elf`, "20", "22"]);
  assertEquals([text(invoked.stdout), invoked.code], ["42\n", 0]);
  const trapped = await runCli(["--allow-precompiled", "--invoke", "outer", `${FOLDER}/beside.elf`, "0"]);
  assertEquals(trapped.code, 134);
  assertMatch(text(trapped.stderr), /integer divide by zero\n {4}0: 0x[0-9a-f]+ - divide\n/);
});

Deno.test("cli refuses a damaged compiled file with one line", async () => {
  const path = `${FOLDER}/damaged_source.elf`;
  assertEquals((await runCli(["compile", "-o", path, MATH])).code, 0);
  const bytes = Deno.readFileSync(path);
  const run = (content: Uint8Array) =>
    runCli(["--allow-precompiled", "--invoke", "add", file("damaged.elf", content), "1", "2"]);
  for (const length of [4, 63, 64, bytes.length >> 1, bytes.length - 1]) {
    assertRefused(await run(bytes.slice(0, length)), 1, /compiled module|compile it again/);
  }
  // In the machine code of a function: its prologue is `push rbp; mov rbp, rsp`.
  const prologue = bytes.findIndex((_, at) =>
    [0x55, 0x48, 0x89, 0xe5].every((byte, index) => bytes[at + index] === byte)
  );
  assert(prologue > 0);
  bytes[prologue + 1] ^= 1;
  assertRefused(await run(bytes), 1, /damaged: its digest does not match/);
});

Deno.test("cli objdump prints addresses, bytes, wasm offsets and traps", async () => {
  const { code, stdout, stderr } = await runCli(["objdump", MATH]);
  assertEquals(code, 0, text(stderr));
  const listing = text(stdout);
  assertMatch(listing, /^[0-9a-f]{8} <func\[6\] \w+>:$/m);
  assertMatch(listing, /^[0-9a-f]{8}: 55 +push rbp$/m);
  assertMatch(listing, /^[0-9a-f]{8}: (?:[0-9a-f]{2} )+ +idiv .*$/m);
  assertMatch(listing, /; @0x[0-9a-f]+ trap: integer divide by zero$/m);
  assertMatch(listing, /; @0x[0-9a-f]+ trap: out of bounds memory access$/m);
  assertMatch(listing, /call 0x[0-9a-f]+ +; @0x[0-9a-f]+$/m);
  for (const line of listing.split("\n")) {
    assertMatch(line, /^$|^[0-9a-f]{8} <.*>:$|^[0-9a-f]{8}: [0-9a-f]{2}( [0-9a-f]{2})* +\S/, line);
  }
  const one = text((await runCli(["objdump", "-f", "6", MATH])).stdout);
  assertEquals(one.match(/<func\[/g)?.length, 1);
  assertStringIncludes(listing, one);
});

Deno.test("cli objdump ends quietly when the reader has seen enough", async () => {
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      '"$0" run --allow-all --no-check "$1" objdump "$2" | head -n 1',
      Deno.execPath(),
      new URL("../../cli.ts", import.meta.url).pathname,
      HELLO,
    ],
    stdout: "piped",
    stderr: "piped",
  });
  const { stdout, stderr } = await child.output();
  assertMatch(text(stdout), /^[0-9a-f]{8} <func/);
  assertEquals(text(stderr), "");
});

function hasTool(name: string): boolean {
  try {
    return new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "a compiled file is read by binutils",
  ignore: !hasTool("objdump"),
  async fn() {
    const path = `${FOLDER}/binutils.elf`;
    assertEquals((await runCli(["compile", "-o", path, MATH])).code, 0);
    const { success, stdout, stderr } = new Deno.Command("objdump", { args: ["-d", path] }).outputSync();
    assert(success, text(stderr));
    assertEquals(text(stderr), "");
    assertMatch(text(stdout), /file format elf64-x86-64/);
    assertMatch(text(stdout), /idiv/);
    assert(!text(stdout).includes("(bad)"), "an instruction that binutils does not know");
  },
});

Deno.test("cli --help prints every command with its examples, and each command its own", async () => {
  const whole = await runCli(["--help"]);
  assertEquals([whole.code, text(whole.stderr)], [0, ""]);
  for (const command of ["run", "compile", "objdump", "wast"]) {
    assertMatch(text(whole.stdout), new RegExp(`^${command} \\[OPTIONS\\]`, "m"));
    const { code, stdout } = await runCli([command, "--help"]);
    assertEquals(code, 0);
    assertMatch(text(stdout), new RegExp(`^${command} \\[OPTIONS\\]`));
    assertMatch(text(stdout), /^ {2}\$ deno run -A cli\.ts /m);
    assertStringIncludes(text(whole.stdout), text(stdout).trimEnd());
  }
  // Nothing to do is a mistake of usage, answered with the same text.
  const nothing = await runCli([]);
  assertEquals([nothing.code, text(nothing.stdout)], [2, text(whole.stdout)]);
});

Deno.test("cli limits memory, tables, stack, fuel and time of a guest", async () => {
  const path = file(
    "greedy.wat",
    `(module (memory 1) (table $t 1 funcref)
      (func (export "spin") (loop (br 0)))
      (func (export "grow") (param i32) (result i32 i32)
        (memory.grow (local.get 0)) (table.grow $t (ref.null func) (local.get 0)))
      (func $down (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))`,
  );
  const grow = (args: string[], delta: number) =>
    runCli([...args, "--invoke", "grow", path, `${delta}`]).then(({ stdout }) => text(stdout));
  const limits = ["--max-memory", "256k", "--max-table-elements", "4"];
  assertEquals([await grow(limits, 3), await grow(limits, 4)], ["1\n1\n", "-1\n-1\n"]);
  const ends = async (args: string[], pattern: RegExp) => {
    const { code, stderr } = await runCli(args);
    assertMatch(text(stderr), pattern);
    assertEquals(code, 134);
  };
  await ends(["--fuel", "100000", "--invoke", "spin", path], /^error: trap: all fuel consumed\n.* - spin\n$/);
  await ends(["--timeout", "50ms", "--invoke", "spin", path], /^error: trap: interrupted: the deadline of 50 ms has/);
  await ends(["--max-stack", "64K", "--invoke", "down", path, "5000"], /^error: trap: call stack exhausted/);
  const deep = await runCli(["--max-stack", "16M", "--invoke", "down", path, "100000"]);
  assertEquals([deep.code, text(deep.stdout)], [0, "100000\n"]);
  const fine = await runCli([
    "--fuel",
    "100",
    "--timeout",
    "1.5m",
    "--max-instances",
    "1",
    "--invoke",
    "down",
    path,
    "3",
  ]);
  assertEquals([fine.code, text(fine.stdout), text(fine.stderr)], [0, "3\n", ""]);
});

Deno.test("cli --bench prints its times as one line of JSON, last on standard error", async () => {
  const builder = new ModuleBuilder();
  const begin = builder.importFunc("bench", "start", "");
  const end = builder.importFunc("bench", "end", "");
  builder.export("memory", "memory", builder.memory(1));
  builder.func(
    "_start",
    "",
    ["i32"],
    call(begin),
    [i32(1_000_000), set(0)],
    block("loop", "", get(0), i32(1), instr("i32.sub"), tee(0), brIf(0)),
    call(end),
  );
  const path = file("bench.wasm", builder.build());
  const { code, stderr } = await runCli(["--bench", path]);
  assertEquals(code, 0, text(stderr));
  const times = JSON.parse(text(stderr).trimEnd().split("\n").at(-1)!) as Record<string, number>;
  assertEquals(Object.keys(times), ["compileMs", "instantiateUs", "runMs"]);
  for (const [name, time] of Object.entries(times)) assert(time > 0 && time < 60_000_000, `${name} is ${time}`);
  // Without the option the imports are there and silent.
  const silent = await runCli([path]);
  assertEquals([silent.code, text(silent.stderr)], [0, ""]);
});

Deno.test("cli wast counts what passed, and fails where something failed", async () => {
  const corpus = new URL("../corpus/scripts/", import.meta.url).pathname;
  const scripts = ["start", "locals"].map((name) => `${corpus}${name}/commands.json`);
  const { code, stdout, stderr } = await runCli(["wast", ...scripts]);
  assertEquals(code, 0, text(stderr));
  assertMatch(text(stdout), /^\d+ passed, 0 failed, 0 skipped\n$/);
  const verbose = await runCli(["wast", "-v", "--bounds", "explicit", scripts[0]]);
  assertMatch(
    text(verbose.stdout),
    /start\/commands\.json: \d+ passed, 0 failed, 0 skipped\n\d+ passed, 0 failed, 0 skipped\n$/,
  );
  const wrong = file(
    "wrong.json",
    JSON.stringify({
      source_filename: "wrong",
      commands: [
        { type: "module", line: 1, filename: "math.wasm" },
        {
          type: "assert_return",
          line: 2,
          action: { type: "invoke", field: "add", args: [{ type: "i32", value: "1" }, { type: "i32", value: "1" }] },
          expected: [{ type: "i32", value: "3" }],
        },
        { type: "unheard_of", line: 3 },
      ],
    }),
  );
  const failing = await runCli(["wast", wrong]);
  assertEquals(failing.code, 1, text(failing.stderr));
  const lines = text(failing.stdout).trimEnd().split("\n");
  assertMatch(lines[0], /wrong\.json:2: assert_return: .*expected/);
  assertEquals(lines.at(-1), "1 passed, 1 failed, 1 skipped");
});

Deno.test("cli runs the text format", async () => {
  const path = file(
    "text.wat",
    `(module (func (export "square") (param i64) (result i64) (i64.mul (local.get 0) (local.get 0))))`,
  );
  const { code, stdout, stderr } = await runCli(["--invoke", "square", path, "-12"]);
  assertEquals([text(stdout), code], ["144\n", 0], text(stderr));
});

Deno.test("cli shows the place where a text is wrong", async () => {
  const path = file("broken.wat", "(module\n  (func i32.foo))\n");
  const { code, stderr } = await runCli([path]);
  assertEquals(text(stderr), `error: ${path}:2:9: unknown operator i32.foo\n  (func i32.foo))\n        ^\n`);
  assertEquals(code, 1);
});

Deno.test("cli runs scripts as they are written", async () => {
  const path = file(
    "square.wast",
    `(module (func (export "square") (param i64) (result i64) (i64.mul (local.get 0) (local.get 0))))
     (assert_return (invoke "square" (i64.const -12)) (i64.const 144))
     (assert_malformed (module quote "(func i32.foo)") "unknown operator")
     (assert_return (invoke "square" (i64.const 1)) (i64.const 2))`,
  );
  const { code, stdout } = await runCli(["wast", path]);
  const lines = text(stdout).trimEnd().split("\n");
  assertMatch(lines[0], /square\.wast:4: assert_return: .*expected/);
  assertEquals([lines.at(-1), code], ["3 passed, 1 failed, 0 skipped", 1]);
  const wrong = await runCli(["wast", file("wrong.wast", "(module)\n(assert_nothing)")]);
  assertMatch(text(wrong.stderr), /wrong\.wast:2:2: unknown operator assert_nothing\n\(assert_nothing\)\n \^/);
});

Deno.test("cli prints nothing and ends with 0 for a module without an entry", async () => {
  const { code, stdout, stderr } = await runCli([MATH]);
  assertEquals([code, text(stdout), text(stderr)], [0, "", ""]);
});

Deno.test("print and parse turn modules into text and back", async () => {
  const wasm = file("math_to_print.wasm", mathModule());
  const printed = await runCli(["print", wasm]);
  assertEquals([printed.code, text(printed.stderr)], [0, ""]);
  assertStringIncludes(text(printed.stdout), "i64.mul");
  const wat = `${FOLDER}/math_printed.wat`;
  assertEquals((await runCli(["print", wasm, "-o", wat])).code, 0);
  assertEquals(Deno.readTextFileSync(wat), text(printed.stdout));
  assertEquals((await runCli(["parse", wat])).code, 0);
  const run = await runCli(["--invoke", "add", `${FOLDER}/math_printed.wasm`, "2", "3"]);
  assertEquals(text(run.stdout), "5\n");

  const failures: [readonly string[], number, string][] = [
    [["print"], 2, "no file to print"],
    [["print", wasm, wasm], 2, "one file at a time"],
    [["parse", file("invalid.wat", "(module (func (result i32)))")], 1, "expected i32"],
    [["parse", file("no_text.wat", "(module (fun))")], 1, "no_text.wat:1:"],
    [["parse", wat, "-o", `${FOLDER}/none/x.wasm`], 1, "no such folder"],
    [["print", file("cut.wasm", mathModule().subarray(0, 30))], 1, "does not compile"],
  ];
  for (const [args, code, message] of failures) {
    const result = await runCli(args);
    assertEquals([result.code, text(result.stdout)], [code, ""], args.join(" "));
    assertStringIncludes(text(result.stderr), message);
    assertEquals(/\n\s+at /.test(text(result.stderr)), false, text(result.stderr));
  }
});

Deno.test("an exception that nobody catches, and a trap of a start function, end a run like a trap", async () => {
  const thrower = file(
    "thrower.wat",
    `(module (tag $t (param i32 i64)) (func $inner (throw $t (i32.const 5) (i64.const 6)))
      (func (export "_start") (call $inner)))`,
  );
  const thrown = await runCli([thrower]);
  assertEquals(thrown.code, 134);
  assertMatch(
    text(thrown.stderr),
    /^error: uncaught exception: 5, 6\n {4}0: 0x[0-9a-f]+ - inner\n {4}1: 0x[0-9a-f]+ - _start\n$/,
  );
  const started = await runCli([file("start.wat", `(module (func $begin (unreachable)) (start $begin))`)]);
  assertEquals(started.code, 134);
  assertMatch(text(started.stderr), /^error: trap: .*unreachable.*\n {4}0: 0x[0-9a-f]+ - begin\n$/);
});

Deno.test("results that are no numbers are printed for people", async () => {
  const path = file(
    "values.wat",
    `(module (type $s (struct)) (func (export "all") (result (ref $s) i31ref v128 funcref externref)
      (struct.new $s) (ref.i31 (i32.const -4)) (v128.const i32x4 1 2 3 -1) (ref.func 0) (ref.null extern)))`,
  );
  const { code, stdout } = await runCli(["--invoke", "all", path]);
  assertEquals([code, text(stdout)], [
    0,
    "StructRef\ni31 -4\ni32x4 0x00000001 0x00000002 0x00000003 0xffffffff\nfunc 0\nnull\n",
  ]);
});
