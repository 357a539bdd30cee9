import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ACCESS_PARTIAL,
  ACCESS_READ,
  ACCESS_WRITE,
  allForms,
  BASELINE_FEATURES,
  COND,
  CONDITION_NAMES,
  ENC_DIGIT_SHIFT,
  ENC_EXTRA_66,
  ENC_FIXED_MODRM,
  ENC_HAS_DIGIT,
  ENC_L,
  ENC_LOCK,
  ENC_OPCODE_REG,
  ENC_PP_SHIFT,
  ENC_VEX,
  ENC_W,
  featureBit,
  FEATURES,
  form,
  FORM_COUNT,
  FORM_ENCODING,
  FORM_FEATURE,
  FORM_FIXED_READS,
  FORM_FIXED_WRITES,
  FORM_IMMEDIATE_BYTES,
  FORM_MARKS,
  FORM_MEMORY_BYTES,
  FORM_MODRM,
  FORM_OPERAND_ACCESS,
  FORM_OPERAND_COUNT,
  FORM_OPERAND_KIND,
  FORM_OPERAND_SLOT,
  FORM_SHAPES,
  FORM_TIED,
  formAtCondition,
  type FormId,
  formMnemonic,
  type FormName,
  formName,
  formRow,
  gprName,
  isAvailable,
  KIND_ADMITS_MEMORY,
  KIND_REGISTER_BYTES,
  MARK,
  NAMES_64,
  negate,
  OPERAND_KINDS,
  OPERAND_STRIDE,
  SLOT,
  swapOperands,
} from "../../../lib/x64/mod.ts";
import { rmKind } from "./corpus.ts";

const access = (
  id: FormId,
): number[] => [...FORM_OPERAND_ACCESS.subarray(id * OPERAND_STRIDE, id * OPERAND_STRIDE + FORM_OPERAND_COUNT[id])];
const slots = (
  id: FormId,
): number[] => [...FORM_OPERAND_SLOT.subarray(id * OPERAND_STRIDE, id * OPERAND_STRIDE + FORM_OPERAND_COUNT[id])];
const has = (id: FormId, mark: number): boolean => (FORM_MARKS[id] & mark) !== 0;
const READ_WRITE = ACCESS_READ | ACCESS_WRITE;

Deno.test("form() finds every form by its name, and refuses what is none", () => {
  for (const id of allForms()) {
    const conditional = formRow(id)[0].endsWith("cc");
    if (!conditional) assertEquals(form(formName(id) as FormName), id, formName(id));
  }
  assertThrows(() => form("add rm64, r32" as FormName), Error, "no form is called");
});

Deno.test("every row has shapes, a known feature and distinct names", () => {
  const names = new Set<string>();
  for (const id of allForms()) {
    assert(FORM_SHAPES[id] !== 0, formName(id));
    assertEquals(FEATURES[FORM_FEATURE[id]], formRow(id)[3]);
    names.add(formName(id));
  }
  assertEquals(names.size, FORM_COUNT);
});

Deno.test("FORM-3: no two rows decode alike", () => {
  // A form claims ModRM (or following) byte values under its prefixes and opcode byte; claims must not meet.
  const claims = new Map<string, FormId>();
  for (const id of allForms()) {
    const encoding = FORM_ENCODING[id];
    const kind = rmKind(id);
    const prefixes = encoding & (ENC_EXTRA_66 | ENC_LOCK | ENC_W | ENC_VEX | ENC_L | 3 << ENC_PP_SHIFT | 0x300);
    for (let register = 0; register < ((encoding & ENC_OPCODE_REG) !== 0 ? 8 : 1); register++) {
      for (let next = 0; next < 256; next++) {
        if ((encoding & ENC_FIXED_MODRM) !== 0 && next !== FORM_MODRM[id]) continue;
        if ((encoding & ENC_HAS_DIGIT) !== 0 && (next >> 3 & 7) !== (encoding >> ENC_DIGIT_SHIFT & 7)) continue;
        if (kind >= 0 && (next >= 0xc0 ? KIND_REGISTER_BYTES : KIND_ADMITS_MEMORY)[kind] === 0) continue;
        const key = `${prefixes} ${(encoding & 0xff) + register} ${next}`;
        const other = claims.get(key);
        assert(other === undefined, `${formName(id)} and ${formName(other ?? id)} share ${next.toString(16)}`);
        claims.set(key, id);
      }
    }
  }
});

Deno.test("operand access follows the marks, and writes of byte and word registers are partial", () => {
  assertEquals(access(form("add rm64, r64")), [READ_WRITE, ACCESS_READ]);
  assertEquals(access(form("cmp rm64, r64")), [ACCESS_READ, ACCESS_READ]);
  assertEquals(access(form("mov r32, rm32")), [ACCESS_WRITE, ACCESS_READ]);
  assertEquals(access(form("mov r8, rm8")), [ACCESS_WRITE | ACCESS_PARTIAL, ACCESS_READ]);
  assertEquals(access(form("setcc rm8")), [ACCESS_WRITE | ACCESS_PARTIAL]);
  assertEquals(access(form("sqrtsd xmm, xmm/m64")), [ACCESS_WRITE | ACCESS_PARTIAL, ACCESS_READ]);
  assertEquals(access(form("xchg rm64, r64")), [READ_WRITE, READ_WRITE]);
  assertEquals(access(form("vaddsd xmm, xmm, xmm/m64")), [ACCESS_WRITE, ACCESS_READ, ACCESS_READ]);
});

Deno.test("operands get the slots of the manual's Op/En column", () => {
  assertEquals(slots(form("mov rm64, r64")), [SLOT.RM, SLOT.REG]);
  assertEquals(slots(form("mov r64, rm64")), [SLOT.REG, SLOT.RM]);
  assertEquals(slots(form("mov r32, imm32")), [SLOT.OPCODE, SLOT.IMM]);
  assertEquals(slots(form("movmskpd r32, xmm")), [SLOT.REG, SLOT.RM]);
  assertEquals(slots(form("shl rm64, cl")), [SLOT.RM, SLOT.FIXED]);
  assertEquals(slots(form("psllw xmm, imm8")), [SLOT.RM, SLOT.IMM]);
  assertEquals(slots(form("vpsllw xmm, xmm, imm8")), [SLOT.VVVV, SLOT.RM, SLOT.IMM]);
  assertEquals(slots(form("shlx r64, rm64, r64")), [SLOT.REG, SLOT.RM, SLOT.VVVV]);
  assertEquals(slots(form("andn r64, r64, rm64")), [SLOT.REG, SLOT.VVVV, SLOT.RM]);
  assertEquals(slots(form("blsr r64, rm64")), [SLOT.VVVV, SLOT.RM]);
  assertEquals(slots(form("vblendvpd xmm, xmm, xmm/m128, xmm")), [SLOT.REG, SLOT.VVVV, SLOT.RM, SLOT.IS4]);
});

Deno.test("tied operands are those read and written", () => {
  assertEquals(FORM_TIED[form("add r64, rm64")], 0);
  assertEquals(FORM_TIED[form("mov r64, rm64")], -1);
  assertEquals(FORM_TIED[form("imul r64, rm64, imm32")], -1);
  assertEquals(FORM_TIED[form("vfmadd231sd xmm, xmm, xmm/m64")], 0);
});

Deno.test("fixed registers are in the read and write sets, explicit or implied", () => {
  const rax = 1 << 0, rcx = 1 << 1, rdx = 1 << 2, xmm0 = 1 << 16;
  const sets = (id: FormId): number[] => [FORM_FIXED_READS[id], FORM_FIXED_WRITES[id]];
  assertEquals(sets(form("shl rm32, cl")), [rcx, 0]);
  assertEquals(sets(form("mul rm64")), [rax, rax | rdx]);
  assertEquals(sets(form("idiv rm32")), [rax | rdx, rax | rdx]);
  assertEquals(sets(form("div rm8")), [rax, rax]);
  assertEquals(sets(form("cqo")), [rax, rdx]);
  assertEquals(sets(form("lock cmpxchg m32, r32")), [rax, rax]);
  assertEquals(sets(form("blendvpd xmm, xmm/m128, xmm0")), [xmm0, 0]);
  assertEquals(sets(form("add rax, imm32")), [rax, rax]);
  assertEquals(sets(form("mulx r64, r64, rm64")), [rdx, 0]);
});

Deno.test("marks tell flags, memory traffic and control flow", () => {
  assert(has(form("add rm64, r64"), MARK.WRITES_FLAGS) && !has(form("add rm64, r64"), MARK.READS_FLAGS));
  assert(has(form("adc rm64, r64"), MARK.READS_FLAGS));
  assert(!has(form("not rm64"), MARK.WRITES_FLAGS) && !has(form("lea r64, m"), MARK.WRITES_FLAGS));
  assert(!has(form("shlx r64, rm64, r64"), MARK.WRITES_FLAGS));
  assert(has(form("cmovcc r64, rm64"), MARK.READS_FLAGS) && has(form("ucomisd xmm, xmm/m64"), MARK.WRITES_FLAGS));
  assert(has(form("mov r64, rm64"), MARK.LOADS) && !has(form("mov r64, rm64"), MARK.STORES));
  assert(has(form("mov rm64, r64"), MARK.STORES) && !has(form("mov rm64, r64"), MARK.LOADS));
  assert(has(form("rep movsb"), MARK.LOADS) && has(form("rep movsb"), MARK.STORES));
  assert(!has(form("lea r64, m"), MARK.LOADS));
  assert(has(form("jmp rel32"), MARK.JUMP) && has(form("jmp rel32"), MARK.END) && !has(form("jcc rel32"), MARK.END));
  assert(has(form("call rm64"), MARK.CALL) && has(form("ud2"), MARK.END));
});

Deno.test("ZEROES_UPPER_32 marks exactly the forms that write whole 32-bit general registers", () => {
  for (
    const name of [
      "mov r32, rm32",
      "mov r32, imm32",
      "add rm32, imm8",
      "movzx r32, rm8",
      "cmovcc r32, rm32",
      "popcnt r32, rm32",
      "lea r32, m",
      "movd rm32, xmm",
      "cvttsd2si r32, xmm/m64",
      "pextrb r32/m8, xmm, imm8",
    ] as const
  ) assert(has(form(name), MARK.ZEROES_UPPER_32), name);
  for (
    const name of [
      "mov r64, rm64",
      "mov r16, rm16",
      "cmp rm32, r32",
      "setcc rm8",
      "bsf r32, rm32",
      "cmpxchg rm32, r32",
      "movss xmm, m32",
      "movsxd r64, rm32",
      "mul rm32",
    ] as const
  ) assert(!has(form(name), MARK.ZEROES_UPPER_32), name);
});

Deno.test("widths of memory operands and immediates come from the row", () => {
  assertEquals(FORM_MEMORY_BYTES[form("movzx r32, rm8")], 1);
  assertEquals(FORM_MEMORY_BYTES[form("addsd xmm, xmm/m64")], 8);
  assertEquals(FORM_MEMORY_BYTES[form("lea r64, m")], 0);
  assertEquals(FORM_IMMEDIATE_BYTES[form("add rm64, imm8")], 1);
  assertEquals(FORM_IMMEDIATE_BYTES[form("mov r64, imm64")], 8);
  assertEquals(FORM_IMMEDIATE_BYTES[form("ret imm16")], 2);
});

Deno.test("isAvailable() gates forms by feature", () => {
  assert(isAvailable(form("addsd xmm, xmm/m64"), BASELINE_FEATURES));
  assert(!isAvailable(form("roundsd xmm, xmm/m64, imm8"), BASELINE_FEATURES));
  assert(isAvailable(form("roundsd xmm, xmm/m64, imm8"), BASELINE_FEATURES | featureBit("sse4.1")));
  assert(!isAvailable(form("lzcnt r32, rm32"), BASELINE_FEATURES | featureBit("bmi1")));
});

Deno.test("formAtCondition() walks a family in condition order, and negate() flips a condition", () => {
  const family = form("setcc rm8");
  for (const cond of Object.values(COND)) {
    assertEquals(formMnemonic(formAtCondition(family, cond)), `set${CONDITION_NAMES[cond]}`);
    assertEquals(negate(negate(cond)), cond);
  }
  assertEquals(negate(COND.L), COND.GE);
  assertEquals(swapOperands(COND.B), COND.A);
  assertEquals(swapOperands(COND.LE), COND.GE);
  assertEquals(swapOperands(COND.E), COND.E);
});

Deno.test("register names follow number and width", () => {
  assertEquals([0, 4, 7, 8, 15].map((n) => gprName(n, 1)), ["al", "spl", "dil", "r8b", "r15b"]);
  assertEquals([0, 4, 7, 8, 15].map((n) => gprName(n, 4)), ["eax", "esp", "edi", "r8d", "r15d"]);
  assertEquals(NAMES_64[3], "rbx");
});

Deno.test("every operand kind is used by some row", () => {
  const used = new Set<number>();
  for (const id of allForms()) {
    for (let i = 0; i < FORM_OPERAND_COUNT[id]; i++) used.add(FORM_OPERAND_KIND[id * OPERAND_STRIDE + i]);
  }
  assertEquals(OPERAND_KINDS.filter((_, kind) => !used.has(kind)).map((row) => row[0]), []);
});
