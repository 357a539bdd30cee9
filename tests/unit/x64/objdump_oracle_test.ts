// Foreign oracle: objdump_corpus.txt holds every form once, with the text binutils' objdump gives it.
import { assert, assertEquals } from "@std/assert";
import {
  allForms,
  Assembler,
  decodeInstruction,
  formatInstruction,
  formName,
  Instruction,
} from "../../../lib/x64/mod.ts";
import { emit } from "./corpus.ts";

const PREDICATES = ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"];
const VEX_PREDICATES = [
  ...PREDICATES,
  ..."eq_uq nge ngt false neq_oq ge gt true eq_os lt_oq le_oq unord_s neq_us nlt_uq nle_uq ord_s".split(" "),
  ..."eq_us nge_uq ngt_uq false_os neq_os ge_oq gt_oq true_us".split(" "),
];
const STRINGS: Record<string, string> = {
  "rep movs byte": "rep movsb",
  "rep movs qword": "rep movsq",
  "rep stos byte": "rep stosb",
  "rep stos qword": "rep stosq",
};

/** objdump's text in NASM's notation. */
function toNasm(objdump: string): string {
  let text = objdump
    .replace(/\[rip[+-]0x[0-9a-f]+\](.*?) # (0x[0-9a-f]+)$/, "[rel $2]$1")
    .replaceAll(/XMMWORD PTR/g, "oword").replaceAll(/YMMWORD PTR/g, "yword")
    .replaceAll(/([A-Z]+) PTR/g, (_, size) => size.toLowerCase())
    .replace(/[cd]s:(0x[0-9a-f]+)/, "[$1]")
    .replace(/^movabs/, "mov").replace(/^(push|pop)f$/, "$1fq").replace(/^xchg ax,ax$/, "o16 nop");
  const repeated = /^rep (?:movs|stos) (?:byte|qword)/.exec(text);
  if (repeated) return STRINGS[repeated[0]];
  text = text.replace(/\[([^\]]*)\]/, (_, inner: string) => {
    const terms = inner.replace(/[+-]0x0$/, "").replace(/^([^*]*\+\w+)\*1\b/, "$1");
    return `[${terms.replace(/([+-])/g, " $1 ").replace(/0x([0-9])(?![0-9a-f])/g, "$1")}]`;
  });
  text = text.replaceAll(",", ", ").replaceAll(/0x([0-9])(?![0-9a-f])/g, "$1");
  const compare = /^(v?)cmp([a-z]\w*?)(ss|sd|ps|pd) (.*)$/.exec(text);
  if (!compare) return text;
  const predicate = (compare[1] === "v" ? VEX_PREDICATES : PREDICATES).indexOf(compare[2]);
  assert(predicate >= 0, text);
  return `${compare[1]}cmp${compare[3]} ${compare[4]}, ${predicate < 10 ? predicate : `0x${predicate.toString(16)}`}`;
}

// Negative immediates: objdump prints them unsigned at the operand size.
function agree(ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  const sizeless = (text: string): string => text.replace(/\b(?:byte|[a-z]*word) \[/, "[");
  if (!/\b(?:byte|[a-z]*word) \[/.test(theirs) && sizeless(ours) === theirs) return true;
  const negative = /^(.*[ ,])-(\w+)$/.exec(ours);
  if (!negative) return false;
  return [16n, 32n, 64n].some((bits) =>
    `${negative[1]}0x${((1n << bits) - BigInt(negative[2])).toString(16)}` === theirs
  );
}

const corpus = (await Deno.readTextFile(new URL("objdump_corpus.txt", import.meta.url))).trimEnd().split("\n").map(
  (line) => {
    const [code, text] = line.split("\t");
    return { bytes: Uint8Array.from(code.split(" "), (byte) => parseInt(byte, 16)), text };
  },
);
const image = Uint8Array.from(corpus.flatMap(({ bytes }) => [...bytes]));

Deno.test("decodeInstruction() reads the corpus as objdump does, and the assembler writes it again", () => {
  const a = new Assembler();
  const decoded = new Instruction();
  const differences: string[] = [];
  let at = 0;
  for (const { bytes, text } of corpus) {
    assert(decodeInstruction(image, at, decoded), text);
    assertEquals(decoded.length, bytes.length, text);
    const ours = formatInstruction(decoded);
    if (!agree(ours, toNasm(text))) differences.push(`ours ${ours}, objdump's ${toNasm(text)} (${text})`);
    emit(a, decoded);
    at += bytes.length;
  }
  assertEquals(differences.slice(0, 20), []);
  assertEquals(a.buffer.toBytes(), image);
});

Deno.test("objdump_corpus.txt holds every form", () => {
  const seen = new Set<number>();
  const decoded = new Instruction();
  let at = 0;
  for (const { bytes } of corpus) {
    decodeInstruction(image, at, decoded);
    seen.add(decoded.form);
    at += bytes.length;
  }
  assertEquals(allForms().filter((form) => !seen.has(form)).map(formName), []);
});
