/**
 * Makes objdump_corpus.txt: one instance of every form, as binutils' objdump reads it. Run by hand when rows are added:
 *
 *     deno run -A tests/unit/x64/make_objdump_corpus.ts
 *
 * The test that reads the file needs no objdump.
 */
import { Assembler } from "../../../lib/x64/mod.ts";
import { assembleCorpus, hex } from "./corpus.ts";

const a = new Assembler();
const corpus = assembleCorpus(a, 5, 1);
const bytes = a.buffer.toBytes();
const image = await Deno.makeTempFile();
await Deno.writeFile(image, bytes);
const { stdout } = await new Deno.Command("objdump", {
  args: ["-D", "-w", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn", image],
}).output();
await Deno.remove(image);

const textAt = new Map<number, string>();
for (const line of new TextDecoder().decode(stdout).split("\n")) {
  const match = /^\s*([0-9a-f]+):\s+(.*?)\s*$/.exec(line);
  if (match) textAt.set(parseInt(match[1], 16), match[2].replaceAll(/\s+/g, " "));
}
const lines = corpus.map(({ offsetBytes, length }) =>
  `${hex(bytes.subarray(offsetBytes, offsetBytes + length))}\t${textAt.get(offsetBytes) ?? "?"}`
);
await Deno.writeTextFile(new URL("objdump_corpus.txt", import.meta.url), lines.join("\n") + "\n");
