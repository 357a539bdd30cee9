/**
 * Every row of the founding documents has a test that is named after it, and one small fault that the test must notice.
 *
 * `rows_NNN.ts` lists the rows of document NNN as `ROWS_NNN`, `faults_NNN.ts` the faults as `FAULTS_NNN` (`deno task seeds:faults` applies
 * them one by one). A test holds a row if its name begins with `NNN/id `, wherever below `tests/` it stands.
 */

import { assertEquals } from "@std/assert";
import type { Fault, Row } from "./row.ts";

const SEEDS = new URL("./", import.meta.url);
const TESTS = new URL("../", import.meta.url);

/** Ids by document, from the names of all tests. */
function testedRows(folder: URL, found: Map<string, Set<string>>): Map<string, Set<string>> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) testedRows(new URL(`${name}/`, folder), found);
    if (!name.endsWith("_test.ts")) continue;
    for (const match of Deno.readTextFileSync(new URL(name, folder)).matchAll(/^ *Deno\.test\(\s*"(\d{3})\/(\S+) /gm)) {
      const ids = found.get(match[1]) ?? new Set();
      found.set(match[1], ids.add(match[2]));
    }
  }
  return found;
}

const tested = testedRows(TESTS, new Map());

for (const { name } of Deno.readDirSync(SEEDS)) {
  const document = name.match(/^rows_(\d{3})\.ts$/)?.[1];
  if (document === undefined) continue;
  const rows = (await import(new URL(name, SEEDS).href))[`ROWS_${document}`] as readonly Row[];
  const faults = (await import(new URL(`faults_${document}.ts`, SEEDS).href))[`FAULTS_${document}`] as readonly Fault[];
  const ids = rows.map(({ id }) => id);

  Deno.test(`each row of document ${document} has one entry and a test that names it`, () => {
    assertEquals(ids.length > 0 && new Set(ids).size === ids.length, true);
    const names = tested.get(document) ?? new Set();
    assertEquals(ids.filter((id) => !names.has(id)), [], "rows without a test");
    assertEquals([...names].filter((id) => !ids.includes(id)), [], "tests of rows that do not exist");
  });

  Deno.test(`each row of document ${document} has a fault, and each fault still finds its place`, () => {
    assertEquals(ids.filter((id) => !faults.some(({ row }) => row === id)), [], "rows without a fault");
    for (const { row, file, replace } of faults) {
      assertEquals(ids.includes(row), true, `a fault for row ${row}, which does not exist`);
      const text = Deno.readTextFileSync(new URL(`../../${file}`, import.meta.url));
      assertEquals(text.split(replace).length, 2, `${row}: what is replaced stands exactly once in ${file}`);
    }
  });
}
