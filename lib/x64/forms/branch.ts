/** Branches, calls, system: rows of the form table. */
import type { Row } from "./row.ts";

/** Control transfer, system and processor state. */
export const BRANCH = [
  ["jcc", "rel8", "70+cc cb", "x64", "flags:r jump"],
  ["jcc", "rel32", "0F 80+cc cd", "x64", "flags:r jump"],
  ["jmp", "rel8", "EB cb", "x64", "jump end"],
  ["jmp", "rel32", "E9 cd", "x64", "jump end"],
  ["jmp", "rm64", "FF /4", "x64", "jump end"],
  ["call", "rel32", "E8 cd", "x64", "call"],
  ["call", "rm64", "FF /2", "x64", "call"],
  ["ret", "", "C3", "x64", "end"],
  ["ret", "imm16", "C2 iw", "x64", "end"],
  ["int3", "", "CC", "x64"],
  ["ud2", "", "0F 0B", "x64", "end"],
  ["hlt", "", "F4", "x64"],
  ["syscall", "", "0F 05", "x64", "rax:rw rcx:w r11:w mem:rw flags:rw"],
  ["cpuid", "", "0F A2", "x64", "rax:rw rcx:rw rdx:w rbx:w"],
  ["rdtsc", "", "0F 31", "x64", "rax:w rdx:w"],
  ["rdtscp", "", "0F 01 F9", "rdtscp", "rax:w rdx:w rcx:w"],
  ["xgetbv", "", "0F 01 D0", "xsave", "rcx:r rax:w rdx:w"],
  ["endbr64", "", "F3 0F 1E FA", "x64"],
  ["nop", "", "90", "x64"],
  ["o16 nop", "", "66 90", "x64"],
  ["nop", "rm16", "66 0F 1F /0", "x64"],
  ["nop", "rm32", "0F 1F /0", "x64"],
  ["pause", "", "F3 90", "x64"],
  ["prefetchnta", "m8", "0F 18 /0", "x64"],
  ["prefetcht0", "m8", "0F 18 /1", "x64"],
  ["prefetcht1", "m8", "0F 18 /2", "x64"],
  ["prefetcht2", "m8", "0F 18 /3", "x64"],
] as const satisfies readonly Row[];
