/** Dumps of an allocation problem and its solution, one line per instruction. */

import { NONE } from "../base/mod.ts";
import {
  type Allocation,
  type AllocationInput,
  Constraint,
  DEF,
  isSlot,
  LATE,
  type Location,
  REMATERIALISE,
  slotIndex,
} from "./api.ts";

/** `r3`, `f1`, `[4]` (slot 4), `remat`. */
export function printLocation(location: Location): string {
  if (isSlot(location)) return `[${slotIndex(location)}]`;
  if (location === REMATERIALISE) return "remat";
  return location < 16 ? `r${location}` : `f${location - 16}`;
}

const CONSTRAINT_NAMES: Record<keyof typeof Constraint, string> = {
  any: "any",
  reg: "reg",
  fixed: "",
  reuse: "reuse ",
};
const BY_CODE = Object.fromEntries(
  Object.entries(Constraint).map(([name, code]) => [code, CONSTRAINT_NAMES[name as keyof typeof Constraint]]),
);

function printOperand(input: AllocationInput, output: Allocation | null, o: number): string {
  const info = input.operandInfo[o];
  const isDef = (info & DEF) !== 0;
  const isUnusual = isDef === ((info & LATE) === 0);
  const constraint = info & 7;
  let text = `${isUnusual ? isDef ? "early " : "late " : ""}${isDef ? "def" : "use"} v${input.operandVreg[o]}:${
    BY_CODE[constraint]
  }`;
  if (constraint === Constraint.fixed) text += printLocation(info >> 8);
  if (constraint === Constraint.reuse) text += info >> 8;
  return output === null ? text : `${text}=${printLocation(output.operandLocation[o])}`;
}

function printMask(mask: number): string {
  const names: string[] = [];
  for (let r = 0; r < 32; r++) if ((mask & (1 << r)) !== 0) names.push(printLocation(r));
  return names.length > 8 ? `${names.length} registers` : names.join(" ");
}

/** The program, with locations and edits if `output` is given. */
export function printAllocation(input: AllocationInput, output: Allocation | null): string {
  const lines: string[] = [];
  const list = (data: Int32Array, start: number, end: number, prefix: string) =>
    [...data.subarray(start, end)].map((x) => prefix + x).join(" ");
  let e = 0;
  const edits = (inst: number, after: number) => {
    if (output === null) return;
    for (; e < output.editCount && output.editInst[e] === inst && output.editAfter[e] === after; e++) {
      lines.push(
        `        v${output.editVreg[e]}: ${printLocation(output.editTo[e])} <- ${printLocation(output.editFrom[e])}`,
      );
    }
  };
  for (let b = 0; b < input.blockCount; b++) {
    const params = list(input.params.data, input.paramStart[b], input.paramStart[b + 1], "v");
    const preds = list(input.preds.data, input.predStart[b], input.predStart[b + 1], "b");
    const loop = input.loopEnd[b] === NONE ? "" : ` loop to b${input.loopEnd[b]}`;
    lines.push(`b${b}(${params}) <- ${preds} depth ${input.loopDepth[b]}${loop}${input.cold[b] !== 0 ? " cold" : ""}`);
    for (let i = input.blockFirst[b]; i < input.blockFirst[b + 1]; i++) {
      edits(i, 0);
      const operands: string[] = [];
      for (let o = input.operandStart[i]; o < input.operandStart[i + 1]; o++) {
        operands.push(printOperand(input, output, o));
      }
      const clobbers = input.clobbers[i] !== 0 ? ` clobbers ${printMask(input.clobbers[i])}` : "";
      lines.push(
        `  ${String(i).padStart(4)}: ${operands.join(", ")}${clobbers}${input.safepoint[i] !== 0 ? " safepoint" : ""}`,
      );
      edits(i, 1);
    }
    const args = list(input.args.data, input.argStart[b], input.argStart[b + 1], "v");
    lines.push(
      `        -> ${list(input.succs.data, input.succStart[b], input.succStart[b + 1], "b")}${
        args === "" ? "" : `(${args})`
      }`,
    );
  }
  return lines.join("\n") + "\n";
}
