/**
 * Shows that the tests of the founding documents' rows can fail: applies each fault of `faults_NNN.ts` to a copy of the project and runs the
 * tests of its row there. A row whose tests still pass is reported, and so is one whose tests fail without a fault.
 *
 * usage: deno task seeds:faults [DOCUMENT | DOCUMENT/ROW...]
 */

import type { Fault } from "./row.ts";

const ROOT = new URL("../../", import.meta.url);
const COPIED = ["lib", "tests", "mod.ts", "cli.ts", "deno.json"];
/** Folders of test data that no row's test reads. */
const LEFT_OUT = ["tests/corpus", "tests/regress", "tests/spec", "tests/filetests"];

function copy(path: string, target: URL): void {
  if (LEFT_OUT.includes(path)) return;
  const from = new URL(path, ROOT);
  if (!Deno.statSync(from).isDirectory) return Deno.copyFileSync(from, new URL(path, target));
  Deno.mkdirSync(new URL(path, target), { recursive: true });
  for (const { name } of Deno.readDirSync(from)) copy(`${path}/${name}`, target);
}

/** Test files by row: `NNN/id`. */
function testFiles(path: string, found: Map<string, Set<string>>): Map<string, Set<string>> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(path, ROOT))) {
    if (isDirectory) testFiles(`${path}/${name}`, found);
    if (!name.endsWith("_test.ts")) continue;
    const file = `${path}/${name}`;
    for (const match of Deno.readTextFileSync(new URL(file, ROOT)).matchAll(/Deno\.test\(\s*"(\d{3}\/\S+) /g)) {
      found.set(match[1], (found.get(match[1]) ?? new Set()).add(file));
    }
  }
  return found;
}

/** Whether the tests of a row pass in the copy. */
async function passes(row: string, files: readonly string[], cwd: URL): Promise<boolean> {
  const filter = `/^${row.replaceAll(".", "\\.").replace("/", "\\/")} /`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", `--filter=${filter}`, ...files],
    cwd,
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  const ran = Number(new TextDecoder().decode(stdout).match(/(\d+) passed/)?.[1] ?? 0);
  return code === 0 && ran > 0;
}

const wanted = (row: string) =>
  Deno.args.length === 0 || Deno.args.some((arg) => row === arg || row.startsWith(`${arg}/`));
const tests = testFiles("tests", new Map());
const folder = Deno.makeTempDirSync({ prefix: "theropod-faults-" });
const target = new URL(`file://${folder}/`);
let noticed = 0;
const missed: string[] = [];
try {
  for (const path of COPIED) copy(path, target);
  for (const { name } of Deno.readDirSync(new URL("./", import.meta.url))) {
    const document = name.match(/^faults_(\d{3})\.ts$/)?.[1];
    if (document === undefined) continue;
    const faults = (await import(`./${name}`))[`FAULTS_${document}`] as readonly Fault[];
    const sound = new Map<string, boolean>();
    for (const fault of faults) {
      const row = `${document}/${fault.row}`;
      if (!wanted(row)) continue;
      const files = [...tests.get(row) ?? []];
      if (!sound.has(row)) sound.set(row, files.length > 0 && await passes(row, files, target));
      const place = new URL(fault.file, target);
      const text = Deno.readTextFileSync(place);
      const parts = text.split(fault.replace);
      let outcome = "noticed";
      if (!sound.get(row)) outcome = "its test does not pass without the fault";
      else if (parts.length !== 2) outcome = `the place occurs ${parts.length - 1} times in ${fault.file}`;
      else {
        Deno.writeTextFileSync(place, parts.join(fault.with));
        if (await passes(row, files, target)) outcome = "NOT NOTICED";
        Deno.writeTextFileSync(place, text);
      }
      if (outcome === "noticed") noticed++;
      else missed.push(row);
      console.log(`${row}: ${outcome}`);
    }
  }
} finally {
  Deno.removeSync(folder, { recursive: true });
}
console.log(`${noticed} faults noticed, ${missed.length} not${missed.length === 0 ? "" : `: ${missed.join(" ")}`}`);
Deno.exit(missed.length === 0 && noticed > 0 ? 0 : 1);
