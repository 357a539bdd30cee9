// Foreign oracle: iced-x86 reads what our assembler wrote, and must see the instruction that was asked for.
import { assertEquals } from "@std/assert";
import { Decoder, Formatter, FormatterSyntax, MemorySizeOptions } from "npm:iced-x86@1.21.0";
import { Assembler, FORM_MARKS, formatInstruction, formName, MARK } from "../../../lib/x64/mod.ts";
import { assembleCorpus, hex, SAMPLES } from "./corpus.ts";

function nasmFormatter(): Formatter {
  const formatter = new Formatter(FormatterSyntax.Nasm);
  formatter.hexPrefix = "0x";
  formatter.hexSuffix = "";
  formatter.uppercaseHex = false;
  formatter.spaceAfterOperandSeparator = true;
  formatter.spaceBetweenMemoryAddOperators = true;
  formatter.showBranchSize = false;
  formatter.usePseudoOps = false;
  formatter.memorySizeOptions = MemorySizeOptions.Always;
  formatter.addLeadingZeroToHexNumbers = false;
  formatter.branchLeadingZeros = false;
  formatter.ripRelativeAddresses = false;
  return formatter;
}

// Undoes what differs between the two ways of writing, not between the instructions: NASM's operand order of xchg, `pushf`
// for the 64-bit push, the one-byte no-operation with a prefix, and sizes left out where the mnemonic implies one.
function normalise(theirs: string, ours: string): string {
  if (ours === "o16 nop" && theirs === "xchg ax, ax") return ours;
  const size = /[a-z]+word (?=\[)/.exec(ours)?.[0] ?? "";
  const sized = /(?:byte|word) \[/.test(theirs) ? theirs : theirs.replace("[", `${size}[`);
  return sized
    .replace(/^xchg (.+), (.+)$/, "xchg $2, $1")
    .replace(/^(push|pop)f$/, "$1fq");
}

Deno.test("iced-x86 reads every assembled form as the instruction that was asked for", () => {
  const a = new Assembler();
  const corpus = assembleCorpus(a, 4, SAMPLES * 2);
  const bytes = a.buffer.toBytes();
  const formatter = nasmFormatter();
  const decoder = new Decoder(64, bytes, 0);
  const differences: string[] = [];
  for (const instruction of corpus) {
    decoder.position = instruction.offsetBytes;
    decoder.ip = BigInt(instruction.offsetBytes);
    const foreign = decoder.decode();
    formatter.signedImmediateOperands = (FORM_MARKS[instruction.form] & MARK.SIGN_EXTENDS_IMMEDIATE) !== 0;
    // QUIRK: iced decides "small" for a 64-bit immediate by its low half.
    formatter.smallHexNumbersInDecimal = instruction.immHi === 0;
    const ours = formatInstruction(instruction);
    const theirs = normalise(formatter.format(foreign), ours);
    if (theirs !== ours || foreign.length !== instruction.length) {
      const code = bytes.subarray(instruction.offsetBytes, instruction.offsetBytes + instruction.length);
      differences.push(
        `${formName(instruction.form)}: ${hex(code)}: ours ${ours}, theirs ${theirs} (${foreign.length})`,
      );
    }
    foreign.free();
  }
  assertEquals(differences.slice(0, 20), []);
});
