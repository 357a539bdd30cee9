import { assertEquals, assertThrows } from "@std/assert";
import {
  Assembler,
  COND,
  disassemble,
  form,
  MEM_LABEL,
  memAt,
  NO_REG,
  packMem,
  R12,
  R13,
  R8,
  RAX,
  RBP,
  RCX,
  RSP,
} from "../../../lib/x64/mod.ts";

function listing(a: Assembler): string[] {
  const bytes = a.buffer.toBytes();
  const lines: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const { text, length } = disassemble(bytes, at);
    lines.push(`${at}: ${text}`);
    at += length;
  }
  return lines;
}

function bytesOf(write: (a: Assembler) => void): number[] {
  const a = new Assembler();
  write(a);
  return [...a.buffer.toBytes()];
}

const LOAD = form("mov r64, rm64");

Deno.test("rm() takes the shortest displacement and the special cases of rsp, r12, rbp and r13", () => {
  const load = (mem: number, disp: number) => bytesOf((a) => a.rm(LOAD, RAX, mem, disp));
  assertEquals(load(memAt(RCX), 0), [0x48, 0x8b, 0x01]);
  assertEquals(load(memAt(RCX), 127), [0x48, 0x8b, 0x41, 0x7f]);
  assertEquals(load(memAt(RCX), 128), [0x48, 0x8b, 0x81, 0x80, 0, 0, 0]);
  assertEquals(load(memAt(RSP), 0), [0x48, 0x8b, 0x04, 0x24]);
  assertEquals(load(memAt(R12), -1), [0x49, 0x8b, 0x44, 0x24, 0xff]);
  assertEquals(load(memAt(RBP), 0), [0x48, 0x8b, 0x45, 0]);
  assertEquals(load(memAt(R13), 0), [0x49, 0x8b, 0x45, 0]);
  assertEquals(load(packMem(R13, R12, 3), 0), [0x4b, 0x8b, 0x44, 0xe5, 0]);
  assertEquals(load(packMem(NO_REG, R8, 2), 0), [0x4a, 0x8b, 0x04, 0x85, 0, 0, 0, 0]);
  assertEquals(load(packMem(NO_REG, NO_REG, 0), 16), [0x48, 0x8b, 0x04, 0x25, 16, 0, 0, 0]);
});

Deno.test("packMem() refuses rsp as an index", () => {
  assertThrows(() => packMem(RAX, RSP, 0), Error, "rsp");
});

Deno.test("an entry point refuses forms of another shape", () => {
  const a = new Assembler();
  assertThrows(() => a.rr(form("add rm64, imm8"), RAX, RCX), Error, "does not take rr()");
  assertThrows(() => a.rm(form("movhlps xmm, xmm"), 0, memAt(RAX), 0), Error, "does not take rm()");
  assertThrows(() => a.rr(form("lea r64, m"), RAX, RCX), Error, "does not take rr()");
  assertThrows(() => a.ri(form("mov r64, imm64"), RAX, 1), Error, "does not take ri()");
  assertEquals(a.offset, 0);
});

Deno.test("byte registers 4 to 7 get a REX prefix wherever they stand", () => {
  assertEquals(bytesOf((a) => a.rr(form("mov rm8, r8"), 6, RAX)), [0x40, 0x88, 0xf0]);
  assertEquals(bytesOf((a) => a.rr(form("mov rm8, r8"), RAX, 6)), [0x40, 0x88, 0xc6]);
  assertEquals(bytesOf((a) => a.rm(form("mov r8, rm8"), 7, memAt(RAX), 0)), [0x40, 0x8a, 0x38]);
  assertEquals(bytesOf((a) => a.ri(form("mov r8, imm8"), 5, 1)), [0x40, 0xb5, 1]);
  assertEquals(bytesOf((a) => a.rr(form("movzx r32, rm8"), 6, RAX)), [0x0f, 0xb6, 0xf0]);
});

Deno.test("branches to bound labels are short when near, and forward branches are long unless asked otherwise", () => {
  const a = new Assembler();
  const start = a.newLabel(), end = a.newLabel();
  a.bind(start);
  a.jcc(COND.E, end);
  a.jmp(end);
  a.jccShort(COND.NE, end);
  a.jmpShort(end);
  a.jmp(start);
  a.jcc(COND.L, start);
  a.call(start);
  a.bind(end);
  a.op(form("ret"));
  a.finish();
  assertEquals(listing(a), [
    "0: je 0x18",
    "6: jmp 0x18",
    "11: jne 0x18",
    "13: jmp 0x18",
    "15: jmp 0",
    "17: jl 0",
    "19: call 0",
    "24: ret",
  ]);
});

Deno.test("backward branches change size exactly where rel8 ends", () => {
  for (const [padding, jmpBytes, jccBytes] of [[126, 2, 6], [127, 5, 6], [124, 2, 2]]) {
    const a = new Assembler();
    const start = a.newLabel();
    a.bind(start);
    a.nop(padding);
    a.jmp(start);
    assertEquals(a.offset, padding + jmpBytes);
    a.jcc(COND.E, start);
    assertEquals(a.offset, padding + jmpBytes + jccBytes);
    a.finish();
    assertEquals(listing(a).slice(-2).map((line) => line.split(": ")[1]), ["jmp 0", "je 0"]);
  }
});

Deno.test("finish() refuses unbound labels and short branches that do not reach", () => {
  const unbound = new Assembler();
  unbound.jmp(unbound.newLabel());
  assertThrows(() => unbound.finish(), Error, "never bound");
  const far = new Assembler();
  const label = far.newLabel();
  far.jmpShort(label);
  far.nop(128);
  far.bind(label);
  assertThrows(() => far.finish(), Error, "does not reach");
  const twice = new Assembler();
  const again = twice.newLabel();
  twice.bind(again);
  assertThrows(() => twice.bind(again), Error, "bound twice");
});

Deno.test("memory at a label is relative to the end of the instruction, immediates included", () => {
  const a = new Assembler();
  const data = a.newLabel();
  a.leaLabel(R8, data);
  a.ripRel(form("movsd xmm, m64"), 9, data);
  a.mi(form("cmp rm32, imm8"), MEM_LABEL, data, 1);
  a.mi(form("mov rm64, imm32"), MEM_LABEL, data, -1);
  a.rmi(form("roundsd xmm, xmm/m64, imm8"), 1, MEM_LABEL, data, 3);
  a.vrm(form("vaddsd xmm, xmm, xmm/m64"), 1, 2, MEM_LABEL, data);
  a.m(form("call rm64"), MEM_LABEL, data);
  a.bind(data);
  a.finish();
  const target = `[rel 0x${a.labelOffset(data).toString(16)}]`;
  assertEquals(listing(a).map((line) => line.includes(target)), Array(7).fill(true));
});

Deno.test("labelDelta32() stores the distance between two labels", () => {
  const a = new Assembler();
  const base = a.newLabel(), before = a.newLabel(), after = a.newLabel();
  a.bind(before);
  a.nop(3);
  a.bind(base);
  a.labelDelta32(before, base);
  a.labelDelta32(after, base);
  a.nop(9);
  a.bind(after);
  a.finish();
  const view = new DataView(a.buffer.toBytes().buffer);
  assertEquals([view.getInt32(3, true), view.getInt32(7, true)], [-3, 17]);
});

Deno.test("nop() and alignCode() fill any count with whole instructions", () => {
  for (let count = 0; count <= 40; count++) {
    const a = new Assembler();
    a.nop(count);
    assertEquals(a.offset, count);
    for (const line of listing(a)) assertEquals(/^\d+: (o16 )?nop/.test(line), true, line);
  }
  const a = new Assembler();
  a.op(form("ret"));
  a.alignCode(16);
  assertEquals(a.offset, 16);
  a.alignCode(16);
  assertEquals(a.offset, 16);
});

Deno.test("finish() may be followed by more code, and reset() forgets everything", () => {
  const a = new Assembler();
  const first = a.newLabel();
  a.bind(first);
  a.op(form("ret"));
  a.finish();
  a.jmp(first);
  a.finish();
  assertEquals(listing(a), ["0: ret", "1: jmp 0"]);
  a.reset();
  assertEquals(a.offset, 0);
  const label = a.newLabel();
  a.jmp(label);
  a.bind(label);
  a.finish();
  assertEquals(listing(a), ["0: jmp 5"]);
});

Deno.test("the buffer grows under the assembler", () => {
  const a = new Assembler();
  for (let i = 0; i < 10_000; i++) a.rm(LOAD, i & 15, packMem(R13, R12, 3), 0x1000 + i);
  assertEquals(a.offset, 80_000);
  assertEquals(disassemble(a.buffer.bytes, 79_992).text, "mov r15, qword [r13 + r12*8 + 0x370f]");
});
