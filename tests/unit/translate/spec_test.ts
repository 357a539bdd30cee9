/**
 * The specification suite on the reference interpreter: translation is right when interpreting its IR gives what the suite expects, and the
 * passes are when it still does after them. Every function is verified as well. Modules that need features beyond those compiled are left out.
 */

import { assert, assertEquals } from "@std/assert";
import { TRAPS } from "../../../lib/abi/mod.ts";
import { F32, F64, I32, I64, optimize, OptimizeScratch, verifyFunc } from "../../../lib/ir/mod.ts";
import type { TranslateOptions } from "../../../lib/translate/mod.ts";
import { CompileError, decodeModule, type Module, validateModule } from "../../../lib/wasm/mod.ts";
import { filesBelow, sharedRoot } from "../../testdata.ts";
import { finishCall, fromFloat, IrTrap, toFloat, type Val } from "./ir_machine.ts";
import { type Extern, InstanceModel, MODEL_FEATURES, World } from "./vm_model.ts";

interface TypedValue {
  readonly type: string;
  readonly value?: string;
  readonly lane_type?: string;
  /** Of "either". */
  readonly values?: readonly TypedValue[];
}

interface Action {
  readonly type: "invoke" | "get";
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly TypedValue[];
}

interface Command {
  readonly type: string;
  readonly line: number;
  readonly name?: string;
  readonly as?: string;
  readonly filename?: string;
  readonly action?: Action;
  readonly expected?: readonly TypedValue[];
  readonly text?: string;
}

const root = sharedRoot();
const PASSES = new OptimizeScratch();

/** What a run of the suite counted. */
interface Counts {
  functions: number;
  modules: number;
  passed: number;
}

const LANE_BITS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 };

/** The lanes of a vector, which scripts write as an array. */
function lanesOf({ lane_type, value }: TypedValue): TypedValue[] {
  return (value as unknown as string[]).map((lane) => ({ type: lane_type!, value: lane }));
}

function parseValue(typed: TypedValue): Val {
  const { type, value = "null" } = typed;
  switch (type) {
    case "v128": {
      const bits = LANE_BITS[typed.lane_type!];
      return lanesOf(typed).reduce(
        (sum, lane, i) => sum | BigInt.asUintN(bits, BigInt(lane.value!)) << BigInt(i * bits),
        0n,
      );
    }
    case "i32":
      return Number(value) | 0;
    case "f32":
      return Number(value) | 0;
    case "i64":
    case "f64":
      return BigInt.asIntN(64, BigInt(value));
    case "funcref":
      return 0n; // no other is passed
    default:
      return value === "null" ? 0 : Number(value) + 1; // a host reference's handle: any number but 0
  }
}

function matches(expected: TypedValue, actual: Val): boolean {
  const { type, value } = expected;
  if (type === "either") return expected.values!.some((one) => matches(one, actual));
  if (type === "v128") {
    const bits = LANE_BITS[expected.lane_type!];
    return lanesOf(expected).every((lane, i) => {
      const lower = BigInt(actual) >> BigInt(i * bits);
      if (lane.type === "f32") return matches(lane, Number(BigInt.asIntN(32, lower)));
      if (lane.type === "f64") return matches(lane, BigInt.asIntN(64, lower));
      return BigInt.asUintN(bits, BigInt(lane.value!)) === BigInt.asUintN(bits, lower);
    });
  }
  if (value?.startsWith("nan:")) {
    const number = toFloat(type === "f32" ? F32 : F64, actual);
    if (!Number.isNaN(number)) return false;
    const quiet = type === "f32" ? 0x7fc0_0000n : 0x7ff8_0000_0000_0000n;
    const magnitude = BigInt.asUintN(type === "f32" ? 31 : 63, BigInt(actual));
    return value === "nan:canonical" ? magnitude === quiet : (magnitude & quiet) === quiet;
  }
  if (type === "refnull") return BigInt(actual) === 0n;
  if (value === undefined || type === "funcref" && value !== "null") return BigInt(actual) !== 0n; // any but null
  return BigInt(parseValue(expected)) === BigInt(actual);
}

/** The host module of the suite. */
function spectest(world: World): Map<string, Extern> {
  const externs = new Map<string, Extern>();
  for (const [name, type] of [["i32", I32], ["i64", I64], ["f32", F32], ["f64", F64]] as const) {
    const definition = world.space.map(16);
    world.space.set(type, definition, type === I32 ? 666 : type === I64 ? 666n : fromFloat(type, 666.6));
    externs.set(`global_${name}`, { kind: "global", definition });
  }
  const prints = {
    "": [],
    _i32: [I32],
    _i64: [I64],
    _f32: [F32],
    _f64: [F64],
    _i32_f32: [I32, F32],
    _f64_f64: [F64, F64],
  };
  for (const [name, params] of Object.entries(prints)) {
    externs.set(`print${name}`, { kind: "func", funcRef: world.hostFunc(params, () => []) });
  }
  externs.set("memory", { kind: "memory", memory: world.memory(1, 2) });
  externs.set("table", { kind: "table", table: world.table(I64, 10, 20) });
  return externs;
}

/** Runs one script; returns its failures. */
function runScript(folder: string, options: TranslateOptions, effort: "none" | "speed", counts: Counts): string[] {
  const failures: string[] = [];
  const world = new World(options);
  world.onFunc = (func) => {
    counts.functions++;
    verifyFunc(func, folder);
    if (effort === "none") return;
    optimize(func, PASSES, effort);
    verifyFunc(func, `${folder} optimised`);
  };
  const registered = new Map<string, Map<string, Extern>>([["spectest", spectest(world)]]);
  const instances = new Map<string, InstanceModel>();
  let current: InstanceModel | undefined;
  const commands: Command[] = JSON.parse(Deno.readTextFileSync(`${folder}/commands.json`)).commands;

  const instantiate = (filename: string): InstanceModel | undefined => {
    const module = decodeCompilable(`${folder}/${filename}`);
    if (module === undefined) {
      instances.clear(); // it might have changed what earlier instances hold
      return undefined;
    }
    const instance = new InstanceModel(world, module, (from, name) => {
      const extern = registered.get(from)?.get(name);
      if (extern === undefined) throw new MissingImport(`${from}.${name}`);
      return extern;
    });
    instance.translateAll();
    counts.modules++;
    return instance;
  };
  const act = ({ type, module, field, args = [] }: Action): Val[] | undefined => {
    const instance = module === undefined ? current : instances.get(module);
    const extern = instance?.exports.get(field);
    if (extern === undefined) return undefined;
    if (type === "get") {
      if (extern.kind !== "global") return undefined;
      const index = instance!.module.exports.find(({ name }) => name === field)!.index;
      return [world.space.get(instance!.globalType(index), extern.definition)];
    }
    return extern.kind === "func" ? finishCall(world.callables.get(extern.funcRef)!(args.map(parseValue))) : undefined;
  };

  for (const command of commands) {
    const where = `${folder.split("/").at(-1)}:${command.line}`;
    try {
      switch (command.type) {
        case "module":
          current = undefined;
          current = instantiate(command.filename!);
          if (command.name !== undefined) {
            instances.delete(command.name);
            if (current !== undefined) instances.set(command.name, current);
          }
          current?.start();
          break;
        case "register": {
          const instance = command.name === undefined ? current : instances.get(command.name);
          registered.delete(command.as!);
          if (instance !== undefined) registered.set(command.as!, instance.exports);
          break;
        }
        case "action":
          act(command.action!);
          break;
        case "assert_return": {
          const results = act(command.action!);
          if (results === undefined) break;
          const { expected = [] } = command;
          const isRight = results.length === expected.length &&
            results.every((result, i) => matches(expected[i], result));
          if (isRight) counts.passed++;
          else failures.push(`${where}: ${results.join()} instead of ${JSON.stringify(expected)}`);
          break;
        }
        case "assert_trap":
        case "assert_exhaustion":
        case "assert_uninstantiable":
          try {
            if (command.action !== undefined) {
              if (act(command.action) === undefined) break;
            } else {
              const instance = instantiate(command.filename!);
              if (instance === undefined) break;
              instance.start();
            }
            failures.push(`${where}: no trap (${command.text})`);
          } catch (error) {
            if (!(error instanceof IrTrap)) throw error;
            const message = TRAPS[error.code][2];
            if (command.text!.startsWith(message) || message.startsWith(command.text!)) counts.passed++;
            else failures.push(`${where}: ${message} instead of ${command.text}`);
          }
          break;
      }
    } catch (error) {
      if (error instanceof MissingImport) continue; // of a module that is left out
      failures.push(`${where}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  return failures;
}

class MissingImport extends Error {}

/** The module, or undefined when it needs more than what is compiled. */
function decodeCompilable(path: string): Module | undefined {
  try {
    const module = decodeModule(Deno.readFileSync(path), MODEL_FEATURES);
    validateModule(module);
    return module;
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

for (
  const [bounds, effort] of [["guard", "none"], ["explicit", "none"], ["guard", "speed"], [
    "explicit",
    "speed",
  ]] as const
) {
  Deno.test({
    name: `IR does what the specification suite expects, bounds ${bounds}, effort ${effort}`,
    ignore: root === undefined,
    fn() {
      const counts: Counts = { functions: 0, modules: 0, passed: 0 };
      const failures: string[] = [];
      for (const path of filesBelow(`${root}/spec`, "/commands.json")) {
        failures.push(...runScript(path.slice(0, path.lastIndexOf("/")), { bounds }, effort, counts));
      }
      assertEquals(failures, []);
      assert(counts.passed > 20_000 && counts.functions > 5000, JSON.stringify(counts));
    },
  });
}
