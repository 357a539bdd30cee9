// Foreign oracle for the derived facts: what iced-x86 knows of registers, flags and features must be what our rows say.
import { assertEquals } from "@std/assert";
import { CpuidFeature, Decoder, InstructionInfoFactory, OpAccess, Register, RegisterExt } from "npm:iced-x86@1.21.0";
import {
  ACCESS_PARTIAL,
  ACCESS_READ,
  ACCESS_WRITE,
  allForms,
  Assembler,
  type Feature,
  FEATURES,
  FILE_GPR,
  FORM_FEATURE,
  FORM_FIXED_READS,
  FORM_FIXED_WRITES,
  FORM_MARKS,
  FORM_OPERAND_ACCESS,
  FORM_OPERAND_COUNT,
  FORM_OPERAND_KIND,
  FORM_OPERAND_SLOT,
  type FormId,
  formName,
  Instruction,
  KIND_ADMITS_MEMORY,
  KIND_FILE,
  KIND_REGISTER_BYTES,
  MARK,
  OPERAND_STRIDE,
  packMem,
  R10,
  R11,
  R12,
  R8,
  R9,
  RSP,
  SLOT,
} from "../../../lib/x64/mod.ts";
import { emit, rmKind } from "./corpus.ts";

// Registers that no form names, all different: what is read and written is then told by the register.
const REG = R8, RM = R9, VVVV = R10, BASE = R11, INDEX = R12, IS4 = 13;

/** Register sets in the layout of FORM_FIXED_READS: general registers from bit 0, vector registers from bit 16. */
interface Effects {
  reads: number;
  writes: number;
  /** Written in part: whether that reads the old value is a point of view. */
  partial: number;
}

// Forms that iced-x86 sees with other eyes: our syscall includes what the kernel does with rax; our nop reads its operand, as
// its encoding does; our vzeroupper says nothing, since no value of ours lives in an upper half; our prefetch is a load.
const EXEMPT = ["syscall", "nop rm16", "nop rm32", "vzeroupper"].concat(
  ["prefetchnta m8", "prefetcht0 m8", "prefetcht1 m8", "prefetcht2 m8"],
);

/** What iced-x86 calls the features that we fold into one. */
const FOLDED: Partial<Record<Feature, readonly string[]>> = {
  x64: "8086 186 286 386 486".split(" ").map((n) => `intel${n}`).concat(
    "cmov cpuid cx8 tsc syscall pause multibytenop cet.ibt sse sse2".split(" "),
  ),
  sse2: ["sse", "sse2"],
  cx16: ["cmpxchg16b"],
};

function instance(form: FormId, place: "register" | "memory"): Instruction {
  const out = new Instruction();
  out.form = form;
  out.reg = REG;
  out.rm = RM;
  out.vvvv = VVVV;
  let hasReg = false, hasIs4 = false;
  for (let i = 0; i < FORM_OPERAND_COUNT[form]; i++) {
    if (FORM_OPERAND_SLOT[form * OPERAND_STRIDE + i] === SLOT.REG) hasReg = true;
    if (FORM_OPERAND_SLOT[form * OPERAND_STRIDE + i] === SLOT.IS4) hasIs4 = true;
  }
  if (!hasReg) out.reg = VVVV;
  if (place === "memory") {
    out.rm = -1;
    out.mem = packMem(BASE, INDEX, 1);
  }
  out.imm = hasIs4 ? IS4 << 4 << 24 >> 24 : 3;
  return out;
}

function ourEffects(form: FormId, place: "register" | "memory"): Effects {
  const effects = { reads: FORM_FIXED_READS[form], writes: FORM_FIXED_WRITES[form], partial: 0 };
  if (place === "memory") effects.reads |= 1 << BASE | 1 << INDEX;
  for (let i = 0; i < FORM_OPERAND_COUNT[form]; i++) {
    const at = form * OPERAND_STRIDE + i, slot = FORM_OPERAND_SLOT[at], kind = FORM_OPERAND_KIND[at];
    if (slot === SLOT.RM && place === "memory") continue;
    const register =
      { [SLOT.REG]: REG, [SLOT.RM]: RM, [SLOT.OPCODE]: RM, [SLOT.VVVV]: VVVV, [SLOT.IS4]: IS4 }[slot as 1];
    if (register === undefined) continue;
    const bit = 1 << register + (KIND_FILE[kind] === FILE_GPR ? 0 : 16);
    if ((FORM_OPERAND_ACCESS[at] & ACCESS_READ) !== 0) effects.reads |= bit;
    if ((FORM_OPERAND_ACCESS[at] & ACCESS_WRITE) !== 0) effects.writes |= bit;
    if ((FORM_OPERAND_ACCESS[at] & ACCESS_PARTIAL) !== 0) effects.partial |= bit;
  }
  return effects;
}

// A conditional write leaves the old value in the other case: our rows say rw, or wp.
const READING = [OpAccess.Read, OpAccess.CondRead, OpAccess.ReadWrite, OpAccess.ReadCondWrite, OpAccess.CondWrite];
const WRITING = [OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite];

function registerBit(register: Register): number {
  const full = RegisterExt.fullRegister(register);
  if (full >= Register.RAX && full <= Register.R15) return full === Register.RAX + RSP ? 0 : 1 << full - Register.RAX;
  const vector = RegisterExt.isVectorRegister(register) ? RegisterExt.number(register) : -1;
  return vector < 0 ? 0 : 1 << 16 + vector;
}

function names(set: number): string {
  return Array.from({ length: 32 }, (_, i) => set >>> i & 1 ? i < 16 ? `r${i}` : `x${i - 16}` : "").filter((n) => n)
    .join();
}

const flags = (reads: boolean, writes: boolean): string => `${reads ? "r" : ""}${writes ? "w" : ""}`;
// Only the arithmetic flags count: bits from DF (64) on are direction, interrupt and x87 flags.
const ARITHMETIC_FLAGS = 63;

function compare(form: FormId, place: "register" | "memory", factory: InstructionInfoFactory): string[] {
  const a = new Assembler();
  emit(a, instance(form, place));
  const decoder = new Decoder(64, a.buffer.toBytes(), 0);
  const foreign = decoder.decode();
  const info = factory.info(foreign);
  const theirs: Effects = { reads: 0, writes: 0, partial: 0 };
  for (const used of info.usedRegisters()) {
    if (READING.includes(used.access)) theirs.reads |= registerBit(used.register);
    if (WRITING.includes(used.access)) theirs.writes |= registerBit(used.register);
    used.free();
  }
  const ours = ourEffects(form, place);
  const differences: string[] = [];
  const differ = (fact: string, mine: string, other: string): void => {
    if (mine !== other) differences.push(`${formName(form)} (${place}): ${fact}: ours ${mine}, theirs ${other}`);
  };
  differ("reads", names(ours.reads & ~ours.partial), names(theirs.reads & ~ours.partial));
  differ("writes", names(ours.writes), names(theirs.writes));
  const marks = FORM_MARKS[form];
  differ(
    "flags",
    flags((marks & MARK.READS_FLAGS) !== 0, (marks & MARK.WRITES_FLAGS) !== 0),
    flags((foreign.rflagsRead & ARITHMETIC_FLAGS) !== 0, (foreign.rflagsModified & ARITHMETIC_FLAGS) !== 0),
  );
  if (place === "memory") {
    let reads = false, writes = false;
    for (const used of info.usedMemory()) {
      // pop and push also touch the stack: only the operand, told by its base register, counts.
      if (used.base !== Register.RSP) {
        if (READING.includes(used.access)) reads = true;
        if (WRITING.includes(used.access)) writes = true;
      }
      used.free();
    }
    differ("memory", flags((marks & MARK.LOADS) !== 0, (marks & MARK.STORES) !== 0), flags(reads, writes));
  }
  const feature = FEATURES[FORM_FEATURE[form]];
  const theirFeatures = Array.from(foreign.cpuidFeatures(), (f) => CpuidFeature[f].toLowerCase().replace("_", "."));
  const agreed = theirFeatures.some((name) => (FOLDED[feature] ?? [feature]).includes(name));
  if (!agreed) differ("feature", feature, theirFeatures.join());
  info.free();
  foreign.free();
  decoder.free();
  return differences;
}

Deno.test("registers, flags and features of every form are those iced-x86 knows", () => {
  const factory = new InstructionInfoFactory();
  const differences: string[] = [];
  for (const form of allForms()) {
    if (EXEMPT.includes(formName(form))) continue;
    const kind = rmKind(form);
    if (kind < 0 || KIND_REGISTER_BYTES[kind] !== 0) differences.push(...compare(form, "register", factory));
    if (kind >= 0 && KIND_ADMITS_MEMORY[kind] !== 0) differences.push(...compare(form, "memory", factory));
  }
  factory.free();
  assertEquals(differences.slice(0, 30), []);
});
