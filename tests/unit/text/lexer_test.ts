/** The lexer: which words are tokens, and where a text is refused. */

import { assertEquals, assertThrows } from "@std/assert";
import { TextError } from "../../../lib/text/errors.ts";
import { lex, TOKEN } from "../../../lib/text/lexer.ts";

const encoder = new TextEncoder();
const NAMES = Object.entries(TOKEN);

/** The tokens of a text, each as its kind and its characters. */
function tokensOf(text: string | Uint8Array): string[] {
  const source = typeof text === "string" ? encoder.encode(text) : text;
  const { tokens } = lex(source);
  return Array.from({ length: tokens.count - 1 }, (_, token) => {
    const kind = NAMES.find(([, code]) => code === tokens.kind[token])![0];
    return `${kind} ${new TextDecoder().decode(source.subarray(tokens.start[token], tokens.end[token]))}`;
  });
}

function refusal(text: string | Uint8Array): string {
  return assertThrows(() => tokensOf(text), TextError).message;
}

Deno.test("lex() takes the longest run of identifier characters and strings as one word", () => {
  assertEquals(tokensOf('func $f 12 -1 1.5 "s"'), [
    "keyword func",
    "id $f",
    "natural 12",
    "signed -1",
    "float 1.5",
    'string "s"',
  ]);
  assertEquals(tokensOf("0$x"), ["reserved 0$x"]);
  assertEquals(tokensOf('"a"b'), ['reserved "a"b']);
  assertEquals(tokensOf('a"b"'), ['reserved a"b"']);
  assertEquals(tokensOf('"a""b"'), ['reserved "a""b"']);
  assertEquals(tokensOf('$"a"b'), ['reserved $"a"b']);
  assertEquals(tokensOf('$a"b"'), ['reserved $a"b"']);
  assertEquals(tokensOf('$"a""b"'), ['reserved $"a""b"']);
  assertEquals(tokensOf("(i32.const(nop))"), [
    "open (",
    "keyword i32.const",
    "open (",
    "keyword nop",
    "close )",
    "close )",
  ]);
  assertEquals(tokensOf("a,b;[]{}"), [
    "keyword a",
    "reserved ,",
    "keyword b",
    ..."; [ ] { }".split(" ").map((c) => `reserved ${c}`),
  ]);
  assertEquals(tokensOf("UPPER @x #"), ["reserved UPPER", "reserved @x", "reserved #"]);
  assertEquals(tokensOf("offset=0x10 align=4 offset=-1 align="), [
    "keyword offset=0x10",
    "keyword align=4",
    "keyword offset=-1",
    "keyword align=",
  ]);
});

Deno.test("lex() passes over comments, which nest", () => {
  assertEquals(tokensOf("a;;b\nc (; d (; e ;) ;; f ;) g"), ["keyword a", "keyword c", "keyword g"]);
  assertEquals(tokensOf(";; one\rtwo"), ["keyword two"]);
  assertEquals(tokensOf("(;;)(;;;;;)(;(;;);)"), []);
  assertEquals(tokensOf(";; \u{fc}\u{1f600}"), []);
  assertEquals(refusal("a (; (; ;)"), "1:3: unclosed comment");
});

Deno.test("lex() makes one symbol of the spellings of an identifier", () => {
  const { tokens } = lex(encoder.encode('$a $"a" $"\\61" $"\\u{61}" $b $"\u{e9}" $"\\c3\\a9"'));
  const symbols = Array.from(tokens.value.subarray(0, 7));
  assertEquals(symbols, [0, 0, 0, 0, 1, 2, 2]);
  assertEquals(refusal("(func $)"), "1:7: empty identifier");
  assertEquals(refusal('(func $"")'), "1:7: empty identifier");
  assertEquals(refusal('(func $"\\ff")'), "1:8: malformed UTF-8 encoding");
});

Deno.test("lex() checks the escapes of strings", () => {
  assertEquals(tokensOf('"\\t\\n\\r\\"\\\'\\\\\\00\\fF\\u{1_F600}\u{e9}"').length, 1);
  for (
    const wrong of [
      "\\x",
      "\\0",
      "\\0g",
      "\\u",
      "\\u{}",
      "\\u{110000}",
      "\\u{d800}",
      "\\u{_1}",
      "\\u{1_}",
      "\\u{1__2}",
      "\\u{12",
      "\\",
    ]
  ) {
    assertEquals(
      refusal(`"ab${wrong}`),
      wrong === "\\" ? "1:4: illegal escape in string literal" : refusal(`"ab${wrong}`),
    );
    assertThrows(() => tokensOf(`"ab${wrong}"`), TextError, undefined, wrong);
  }
  assertEquals(refusal('"a\nb"'), "1:1: unclosed string literal");
  assertEquals(refusal('"a\tb"'), "1:3: illegal control character in string literal");
  assertEquals(refusal('"a\x7f"'), "1:3: illegal control character in string literal");
});

Deno.test("lex() refuses what is no text", () => {
  assertEquals(refusal("a \u{1}"), "1:3: illegal character: misplaced control character 0x01");
  assertEquals(refusal("a \u{e9}"), "1:3: illegal character: misplaced character outside ASCII");
  for (
    const bytes of [[0x80], [0xc0, 0x80], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [
      0xff,
    ]]
  ) {
    assertEquals(refusal(Uint8Array.from([0x3b, 0x3b, ...bytes])), "1:3: malformed UTF-8 encoding");
  }
  assertEquals(refusal("(a (b)"), "1:1: unclosed (");
  assertEquals(refusal("(a) )"), "1:5: unexpected )");
});

Deno.test("lex() counts lines by LF, CR and CR LF, and columns in characters", () => {
  assertEquals(refusal("a\nb\r\nc\rd \u{1}"), "4:3: illegal character: misplaced control character 0x01");
  assertEquals(
    refusal('(; \u{1f600}\u{e9} ;) "\u{1f600}" \u{1}'),
    "1:14: illegal character: misplaced control character 0x01",
  );
});

Deno.test("lex() keeps annotations that mean something, and checks the tokens of all", () => {
  const { annotations, tokens } = lex(encoder.encode('(func (@name "f") (@other (x) 1 , ;) nop) (@"custom" "c")'));
  assertEquals(annotations.map(({ name, before }) => [name, before]), [["name", 2], ["custom", 4]]);
  assertEquals(tokens.count, 5);
  assertEquals(refusal("(@)"), "1:1: empty annotation id");
  assertEquals(refusal('(@"")'), "1:1: empty annotation id");
  assertEquals(refusal("(@a (b)"), "1:1: unclosed annotation");
  assertEquals(refusal('(@a "b)'), "1:5: unclosed string literal");
});
