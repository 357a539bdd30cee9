/**
 * THE table of the specification's scripts: which proposal each belongs to, and what its modules may use.
 *
 * A script is known by its path below the test suite: `NAME`, `legacy/NAME` or `proposals/PROPOSAL/NAME`. The first row that matches is its
 * group. Scripts of the core suite know no proposals, whatever group they are shown under.
 */

import {
  type FeatureName,
  FEATURES,
  type FeatureSet,
  WASM3_FEATURES,
  withFeatures,
  withoutFeatures,
} from "../wasm/mod.ts";

interface GroupRow {
  /** As in tables. */
  readonly name: string;
  /** Paths of its scripts, below the suite's folder and without `commands.json`. */
  readonly scripts: RegExp;
  /** Proposals that its scripts may use besides WebAssembly 3.0. */
  readonly also: readonly FeatureName[];
  /** What its scripts refuse, since they stem from a time before it. */
  readonly but?: readonly FeatureName[];
}

const GROUPS = [
  { name: "stack switching", scripts: /(^|\/)stack_switching\//, also: ["stack-switching"] },
  { name: "threads", scripts: /proposals\/threads\//, also: ["threads"], but: ["reference-types", "multi-memory"] },
  { name: "wide arithmetic", scripts: /proposals\/wide-arithmetic\//, also: ["wide-arithmetic"] },
  { name: "custom page sizes", scripts: /proposals\/custom-page-sizes\//, also: ["custom-page-sizes"] },
  { name: "custom descriptors", scripts: /proposals\/custom-descriptors\//, also: ["custom-descriptors"] },
  { name: "legacy exceptions", scripts: /(^|\/)legacy\//, also: ["legacy-exceptions"] },
  { name: "relaxed SIMD", scripts: /(^|\/)(relaxed_|i\d+x\d+_relaxed_)\w+$/, also: [] },
  { name: "SIMD", scripts: /(^|\/)simd_[\w-]+$/, also: [] },
  { name: "memory64", scripts: /(^|\/)([a-z]{4}\w*64(-imports)?|binary_leb128_64|table_copy_mixed)$/, also: [] },
  { name: "exception handling", scripts: /(^|\/)(tag|throw|throw_ref|try_table)$/, also: [] },
  { name: "tail calls", scripts: /(^|\/)return_call(_indirect)?$/, also: [] },
  {
    name: "function references",
    scripts: /(^|\/)((return_)?call_ref|br_on_(non_)?null|ref|ref_as_non_null|local_init|table-sub|type-equivalence)$/,
    also: [],
  },
  {
    name: "garbage collection",
    scripts:
      /(^|\/)(array\w*|struct|i31|extern|ref_(cast|eq|test)|br_on_cast(_fail)?|type-(canon|rec|subtyping)|binary-gc)$/,
    also: [],
  },
  {
    name: "multi-memory",
    scripts:
      /(^|\/)((address|align|binary|data|data_drop|exports|float_exprs|float_memory|imports|linking|load|start|store|traps)[0-4]|memory_\w+[0-4]|memory-multi|memory_size_import)$/,
    also: [],
  },
  { name: "annotations and custom sections", scripts: /(^|\/)(annotations|id|custom\/\w+)$/, also: [] },
  { name: "core", scripts: /^/, also: [] },
] as const satisfies readonly GroupRow[];

/** The name of a group of scripts. */
export type ScriptGroup = typeof GROUPS[number]["name"];

/** Names of all groups, the core first. */
export const SCRIPT_GROUPS: readonly ScriptGroup[] = GROUPS.map(({ name }) => name).reverse();

/** What a script belongs to and may use. */
export interface ScriptFacts {
  readonly group: ScriptGroup;
  readonly features: FeatureSet;
}

/** The facts about the script at `path`, a `.wast` file, a `commands.json` or its folder. */
export function scriptFacts(path: string): ScriptFacts {
  const script = path.replace(/\/commands\.json$|\.wast$/, "");
  const { name, also, but = [] }: GroupRow = GROUPS.find(({ scripts }) => scripts.test(script))!;
  const features = withoutFeatures(withFeatures(WASM3_FEATURES, ...also), ...but);
  return { group: name as ScriptGroup, features };
}

/** Every feature by name: what a script may use is decided script by script. */
export const SCRIPT_FEATURES: readonly FeatureName[] = FEATURES.map(([name]) => name);
