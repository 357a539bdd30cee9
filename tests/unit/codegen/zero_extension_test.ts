/**
 * ZX-1, statically: every value whose `uextend` selection elides is defined by a machine instruction that zeroes the upper half of its
 * register, by the form table's own marks.
 */

import { assert } from "@std/assert";
import { layoutSignature, shapeOf } from "../../../lib/abi/mod.ts";
import { NONE } from "../../../lib/base/mod.ts";
import { selectInstructions } from "../../../lib/codegen/isel/select.ts";
import { type SelectionTarget, Selector } from "../../../lib/codegen/isel/selector.ts";
import { Shape, Tail } from "../../../lib/codegen/vcode.ts";
import {
  type Func,
  FuncBuilder,
  I32,
  Ir,
  IR_OPS,
  IS_FLOAT_CLASS,
  parseFuncs,
  TYPE_BYTES,
} from "../../../lib/ir/mod.ts";
import { DEF } from "../../../lib/regalloc/mod.ts";
import { TranslateEnvironment, translateFunction, Translator } from "../../../lib/translate/mod.ts";
import { COMPILED_FEATURES, decodeModule } from "../../../lib/wasm/mod.ts";
import { FORM_MARKS, type FormId, formName, MARK } from "../../../lib/x64/mod.ts";
import { RandomModule } from "../translate/random_module.ts";
import { BASELINE, nativeFeatures } from "./machine.ts";

/** Sequences whose result has a zero upper half by what they compute. */
const SEQUENCES: ReadonlySet<number> = new Set([
  Shape.clzScan,
  Shape.ctzScan,
  Shape.truncSigned,
  Shape.truncUnsigned32,
  Shape.truncSatSigned,
  Shape.truncSatUnsigned32,
]);
/** Shapes that encode their form and define through it. */
const FORMS: ReadonlySet<number> = new Set([Shape.rm, Shape.rmi, Shape.m, Shape.mi, Shape.vrm]);

const checked = new Set<string>();

function check(selector: Selector, func: Func, target: SelectionTarget): void {
  selectInstructions(selector, func, target);
  const { code } = selector;
  const defOf = new Map<number, number>();
  for (let i = 0; i < code.count; i++) {
    for (let o = code.opStart[i]; o < code.opEnd[i]; o++) {
      if ((code.opInfo[o] & DEF) !== 0) defOf.set(code.opVreg[o], i);
    }
  }
  for (let v = 0; v < func.count; v++) {
    if (func.type[v] !== I32 || !selector.zeroesUpper(v) || selector.vregOf[v] === NONE) continue;
    const i = defOf.get(selector.vregOf[v]) ?? NONE;
    assert(i !== NONE, "a demanded value is defined");
    const name = IR_OPS[func.op[v]][0];
    checked.add(name);
    const shape = code.shape[i], form = code.form[i] as FormId;
    if (SEQUENCES.has(shape) || code.tail[i] === Tail.setcc) continue;
    // A 32-bit cmov zeroes whether it moves or not; div and idiv of 32 bits write eax and edx.
    if (code.tail[i] === Tail.cmov || shape === Shape.div || shape === Shape.srem) {
      assert((code.tail[i] === Tail.cmov ? code.imm2[i] : code.imm[i]) === 0, `${name} is done in 32 bits`);
      continue;
    }
    assert(FORMS.has(shape), `${name} is defined by shape ${shape}`);
    // The quotient by an unsigned constant is the high part of a product, shifted down to 32 bits at least.
    if (func.op[v] === Ir.udiv && formName(form) === "shr rm64, imm8" && code.imm[i] >= 32) continue;
    assert((FORM_MARKS[form] & MARK.ZEROES_UPPER_32) !== 0, `${name} is defined by ${formName(form)}`);
  }
}

Deno.test("what selection takes for zero-extended is defined by forms that zero the upper half", () => {
  const selector = new Selector();
  for (const features of [BASELINE, nativeFeatures()]) {
    const targetFor = (signatures: Func["signatures"]): SelectionTarget => ({
      features,
      stress: 0,
      directCalls: "keep vmctx",
      functionImportOffset: () => 96,
      memoryDefinition: () => undefined,
      layout: (sig) => layoutSignature(signatures.params[sig], signatures.results[sig], IS_FLOAT_CLASS, TYPE_BYTES),
    });
    for (let seed = 1; seed <= 150; seed++) {
      const module = decodeModule(new RandomModule(seed).bytes, COMPILED_FEATURES);
      const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds: "guard" });
      const builder = new FuncBuilder(), scratch = new Translator();
      const target = targetFor(environment.signatures);
      for (let i = 0; i < module.bodies.length; i++) {
        check(selector, translateFunction(environment, i, builder, scratch), target);
      }
    }
    const root = new URL("../../filetests/asm/", import.meta.url);
    for (const { name } of Deno.readDirSync(root)) {
      const text = Deno.readTextFileSync(new URL(name, root)).replace(/\n;; [^]*$/, "\n");
      for (const func of parseFuncs(text)) check(selector, func, targetFor(func.signatures));
    }
  }
  for (const name of ["iadd", "imul", "udiv", "srem", "select", "icmp", "load8_u", "fcvt_to_uint", "clz", "bitcast"]) {
    assert(checked.has(name), `${name} was met`);
  }
});
