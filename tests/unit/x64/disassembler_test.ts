import { assert, assertEquals } from "@std/assert";
import {
  Assembler,
  decodeInstruction,
  disassemble,
  form,
  formatInstruction,
  formName,
  Instruction,
  NO_REG,
  packMem,
} from "../../../lib/x64/mod.ts";
import { assembleCorpus, emit, hex, Random, SAMPLES } from "./corpus.ts";

Deno.test("disassemble() gives the text of what was assembled, for every form", () => {
  const a = new Assembler();
  const corpus = assembleCorpus(a, 1, SAMPLES * 2);
  const bytes = a.buffer.toBytes();
  for (const instruction of corpus) {
    const { text, length } = disassemble(bytes, instruction.offsetBytes);
    const where = `${formName(instruction.form)}: ${
      hex(bytes.subarray(instruction.offsetBytes, instruction.offsetBytes + instruction.length))
    }`;
    assertEquals(text, formatInstruction(instruction), where);
    assertEquals(length, instruction.length, where);
  }
});

Deno.test("decodeInstruction() recovers form and operands, so that assembling again gives the same bytes", () => {
  const a = new Assembler(), again = new Assembler();
  const corpus = assembleCorpus(a, 2, SAMPLES * 2);
  const bytes = a.buffer.toBytes();
  const decoded = new Instruction();
  for (const instruction of corpus) {
    assert(decodeInstruction(bytes, instruction.offsetBytes, decoded), formName(instruction.form));
    assertEquals(decoded.form, instruction.form);
    emit(again, decoded);
  }
  assertEquals(again.buffer.toBytes(), bytes);
});

Deno.test("disassemble() reads every base, index, scale and displacement size", () => {
  const a = new Assembler();
  const load = form("mov r64, rm64");
  const all: Instruction[] = [];
  for (let base = 0; base <= 16; base++) {
    for (let index = 0; index <= 16; index++) {
      if (index === 4) continue;
      for (const disp of [0, 1, -128, 127, 128, -129, 0x12345678, -0x80000000]) {
        const instruction = new Instruction();
        instruction.form = load;
        instruction.rm = -1;
        instruction.reg = (base + index) & 15;
        instruction.disp = disp;
        const scaleLog2 = index === 16 ? 0 : (base + index + disp) & 3;
        instruction.mem = packMem(base === 16 ? NO_REG : base, index === 16 ? NO_REG : index, scaleLog2);
        emit(a, instruction);
        all.push(instruction);
      }
    }
  }
  const bytes = a.buffer.toBytes();
  const decoded = new Instruction();
  for (const instruction of all) {
    assert(decodeInstruction(bytes, instruction.offsetBytes, decoded));
    assertEquals(
      [decoded.reg, decoded.mem, decoded.disp, decoded.length],
      [instruction.reg, instruction.mem, instruction.disp, instruction.length],
      formatInstruction(instruction),
    );
  }
});

Deno.test("disassemble() prints NASM's text with targets as absolute offsets", () => {
  const cases: [string, string][] = [
    ["41 8b 44 96 08", "mov eax, dword [r14 + rdx*4 + 8]"],
    ["48 83 c0 ff", "add rax, -1"],
    ["05 ff ff ff ff", "add eax, 0xffffffff"],
    ["eb fe", "jmp 0"],
    ["0f 84 10 00 00 00", "je 0x16"],
    ["48 8d 05 09 00 00 00", "lea rax, [rel 0x10]"],
    ["48 8b 04 25 10 00 00 80", "mov rax, qword [0xffffffff80000010]"],
    ["49 ba 78 56 34 12 ff ff ff ff", "mov r10, 0xffffffff12345678"],
    ["40 0f 9f c7", "setg dil"],
    ["f0 48 0f b1 0a", "lock cmpxchg qword [rdx], rcx"],
    ["66 0f 3a 0b ca 03", "roundsd xmm1, xmm2, 3"],
    ["c4 e2 e9 f7 cb", "shlx rcx, rbx, rdx"],
  ];
  for (const [code, text] of cases) {
    const bytes = Uint8Array.from(code.split(" "), (byte) => parseInt(byte, 16));
    assertEquals(disassemble(bytes, 0), { text, length: bytes.length });
  }
});

Deno.test("disassemble() gives db for bytes of no form, byte registers ah to bh included", () => {
  for (const code of ["06", "0f ff", "88 e0", "66", "48", "c5", "0f", "e8 00 00 00"]) {
    const bytes = Uint8Array.from(code.split(" "), (byte) => parseInt(byte, 16));
    assertEquals(disassemble(bytes, 0), { text: `db 0x${code.slice(0, 2)}`, length: 1 });
  }
});

Deno.test("decodeInstruction() never fails on random bytes, and stays inside them", () => {
  const random = new Random(3);
  const bytes = new Uint8Array(20_000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  const decoded = new Instruction();
  let known = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (!decodeInstruction(bytes, at, decoded)) continue;
    known++;
    assert(decoded.length >= 1 && decoded.length <= 15 + 4 && at + decoded.length <= bytes.length);
    assert(formatInstruction(decoded).length > 0);
  }
  assert(known > 5_000);
});
