/** What scripts came to, by group, and the README's table of it. */

import { assertEquals } from "@std/assert";
import type { ScriptGroup } from "../../lib/cli/script_groups.ts";
import type { ScriptResult } from "../../lib/cli/wast_script.ts";

/** Counts of a group or of all. */
export interface Counts {
  scripts: number;
  passed: number;
  failed: number;
  skipped: number;
}

/** Results of one configuration. */
export class Summary {
  readonly total: Counts = noCounts();
  readonly groups: Map<ScriptGroup, Counts> = new Map();

  /** Adds a script's result. */
  add(group: ScriptGroup, { passed, failed, skipped }: ScriptResult): void {
    let counts = this.groups.get(group);
    if (counts === undefined) this.groups.set(group, counts = noCounts());
    for (const sum of [counts, this.total]) {
      sum.scripts++;
      sum.passed += passed;
      sum.failed += failed;
      sum.skipped += skipped;
    }
  }
}

function noCounts(): Counts {
  return { scripts: 0, passed: 0, failed: 0, skipped: 0 };
}

const README = new URL("../../README.md", import.meta.url);
const BEGIN = "<!-- specification: begin (written by tests/spec, do not edit) -->";
const END = "<!-- specification: end -->";

/**
 * Compares the README's table with what ran, or writes it when THEROPOD_BLESS is set. A figure is the number of commands that passed in every
 * configuration, so that one that fails anywhere is seen.
 */
export function checkSummary(
  groups: readonly ScriptGroup[],
  runs: readonly { readonly name: string; readonly summary: Summary }[],
): void {
  const rows = groups.map((group) => [group, ...figures(runs.map(({ summary }) => summary.groups.get(group)!))]);
  rows.push(["**all**", ...figures(runs.map(({ summary }) => summary.total))]);
  const table = formatTable(
    ["proposal", "scripts", "commands", `passed in each of ${runs.length} configurations`],
    rows,
  );
  const readme = Deno.readTextFileSync(README);
  const begin = readme.indexOf(BEGIN), end = readme.indexOf(END);
  assertEquals(begin >= 0 && end > begin, true, "the README has lost the markers of the specification's table");
  const wanted = `${readme.slice(0, begin)}${BEGIN}\n\n${table}\n\n${readme.slice(end)}`;
  if (Deno.env.get("THEROPOD_BLESS") === "1") Deno.writeTextFileSync(README, wanted);
  else assertEquals(readme.slice(begin, end), wanted.slice(begin, wanted.indexOf(END)), "THEROPOD_BLESS=1 rewrites it");
}

/** Scripts, commands, commands passed in all runs. */
function figures(runs: readonly Counts[]): string[] {
  const [{ scripts, passed, failed, skipped }] = runs;
  const least = Math.min(...runs.map((counts) => counts.passed));
  return [scripts, passed + failed + skipped, least].map((figure) => figure.toLocaleString("en"));
}

/** A table as `deno fmt` leaves it. */
function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
