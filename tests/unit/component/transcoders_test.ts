/** The string transcoders, row by row, in machine code and in TypeScript (SEEDS 0.12 to 0.28). */

import { assertEquals, assertThrows } from "@std/assert";
import { createTranscoders, type TranscodeTrace } from "../../../lib/component/mod.ts";
import { Engine, Memory, Store, Trap } from "../../../mod.ts";
import { bothWays, latin1, utf16, utf8 } from "./both_ways.ts";

/** Long enough for vectors, with characters of all lengths behind and between ASCII. */
const MIXED = "The quick brown fox — über den faulen Hund; 色は匂へど 😀😀 jumps over the lazy dog, twice over.";
const LATIN = "Où êtes-vous allé, cher ami? À l'école, ça ne va pas; ÿ ÿÿÿ, dit-il, und dann noch weiter hinaus";

Deno.test("000/0.12 utf8_to_utf8 validates and copies as many bytes", () => {
  bothWays(({ from, to, call }) => {
    const bytes = utf8(MIXED);
    from.set(bytes, 7);
    assertEquals(call("utf8_to_utf8", 7, bytes.length, 9), [1]);
    assertEquals(to.slice(9, 9 + bytes.length), bytes);
    assertEquals(to[9 + bytes.length], 0);
    for (let at = 0; at < bytes.length; at++) {
      from[7 + at] = 0xff;
      assertEquals(call("utf8_to_utf8", 7, bytes.length, 9), "invalid_utf8", `0xff at ${at}`);
      from[7 + at] = bytes[at];
    }
    // Overlong, a surrogate, beyond Unicode, cut off, a continuation alone: at every place of a block.
    for (
      const wrong of [
        [0xc0, 0x80],
        [0xe0, 0x9f, 0xbf],
        [0xed, 0xa0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xf0, 0x8f, 0xbf, 0xbf],
        [0xe2, 0x82],
        [0xbf],
      ]
    ) {
      for (let at = 0; at <= 64 - wrong.length; at++) {
        from.fill(0x61, 0, 64);
        from.set(wrong, at);
        assertEquals(call("utf8_to_utf8", 0, 64, 0), "invalid_utf8", `${wrong} at ${at}`);
      }
    }
  });
});

Deno.test("000/0.13 utf16_to_utf16 checks surrogates and copies", () => {
  bothWays(({ from, to, call }) => {
    from.set(utf16(MIXED), 2);
    assertEquals(call("utf16_to_utf16", 2, MIXED.length, 4), [1]);
    assertEquals(to.slice(4, 4 + 2 * MIXED.length), utf16(MIXED));
    for (let at = 0; at < 40; at++) {
      for (const lone of ["\ud800", "\udbff", "\udc00", "\udfff", "\udc00\ud800"]) {
        from.set(utf16("a".repeat(40)));
        from.set(utf16(lone), 2 * at);
        assertEquals(call("utf16_to_utf16", 0, 42, 0), "invalid_utf16", `at ${at}`);
        from.fill(0x20, 0, 90);
      }
    }
    from.set(utf16("x😀"));
    assertEquals(call("utf16_to_utf16", 0, 2, 0), "invalid_utf16");
  });
});

Deno.test("000/0.14 run_utf16_to_utf16 knows whether every character is latin1", () => {
  bothWays(({ from, call }) => {
    for (let length = 1; length < 70; length++) {
      for (const [last, tag] of [["ÿ", 0], ["Ā", 2 ** 31], ["\uff00", 2 ** 31]] as const) {
        for (const text of ["a".repeat(length - 1) + last, last + "a".repeat(length - 1)]) {
          from.set(utf16(text));
          assertEquals(call("utf16_to_compact_probably_utf16", 0, length, 0), [length + tag], text);
        }
      }
    }
    from.set(utf16("a".repeat(20) + "😀"));
    assertEquals(call("utf16_to_compact_probably_utf16", 0, 22, 0), [2 ** 31 + 22]);
  });
});

Deno.test("000/0.15 latin1_to_latin1 copies whatever there is", () => {
  bothWays(({ from, to, call }) => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    from.set(all, 3);
    assertEquals(call("latin1_to_latin1", 3, 256, 65536 - 256), [1]);
    assertEquals(to.slice(65536 - 256), all);
  });
});

Deno.test("000/0.16 latin1_to_utf16 widens each byte", () => {
  bothWays(({ from, to, call }) => {
    for (const length of [0, 1, 15, 16, 17, 255]) {
      to.fill(0xee);
      const bytes = Uint8Array.from({ length }, (_, k) => 255 - k);
      from.set(bytes, 65536 - length);
      assertEquals(call("latin1_to_utf16", 65536 - length, length, 2), [1]);
      assertEquals(to.slice(2, 2 + 2 * length), Uint8Array.from([...bytes].flatMap((byte) => [byte, 0])));
      assertEquals([to[1], to[2 + 2 * length]], [0xee, 0xee]);
    }
  });
});

Deno.test("000/0.17 utf8_to_utf16 returns the units written", () => {
  bothWays(({ from, to, call }) => {
    const bytes = utf8(MIXED);
    from.set(bytes, 65536 - bytes.length);
    assertEquals(call("utf8_to_utf16", 65536 - bytes.length, bytes.length, 0), [MIXED.length]);
    assertEquals(to.slice(0, 2 * MIXED.length), utf16(MIXED));
    assertEquals(
      call("utf8_to_utf16", 65536 - bytes.length, -1, 0),
      "string_out_of_bounds",
    );
  });
});

Deno.test("000/0.18 run_utf8_to_utf16 validates for both that use it", () => {
  bothWays(({ from, call }) => {
    for (
      const wrong of [
        [0xc1, 0xbf],
        [0xe0, 0x80, 0x80],
        [0xe0, 0x9f, 0xbf],
        [0xf0, 0x8f, 0xbf, 0xbf],
        [0xed, 0xbf, 0xbf],
        [0xf0, 0x80, 0x80, 0x80],
        [0xf5, 0x80, 0x80, 0x80],
        [0xe2, 0x28, 0xa1],
        [0xf0, 0x9f, 0x98],
        [0x80],
      ]
    ) {
      for (const at of [0, 1, 15, 16, 17, 33]) {
        from.fill(0x61, 0, 64);
        from.set(wrong, at);
        const length = at + wrong.length;
        assertEquals(call("utf8_to_utf16", 0, length, 0), "invalid_utf8", `${wrong} at ${at}`);
        assertEquals(call("utf8_to_compact_utf16", 0, length, 0, length + 3, 3), "invalid_utf8", `${wrong} at ${at}`);
      }
    }
    for (
      const right of [[0xc2, 0x80], [0xe0, 0xa0, 0x80], [0xed, 0x9f, 0xbf], [0xee, 0x80, 0x80], [
        0xf0,
        0x90,
        0x80,
        0x80,
      ], [0xf4, 0x8f, 0xbf, 0xbf]]
    ) {
      from.set(right);
      assertEquals(call("utf8_to_utf16", 0, right.length, 0), [right.length === 4 ? 2 : 1]);
    }
  });
});

Deno.test("000/0.19 utf16_to_utf8 stops where a character does not fit, and goes on from there", () => {
  bothWays(({ from, to, call }) => {
    from.set(utf16(MIXED));
    const expected = utf8(MIXED);
    for (const step of [4, 5, 17, 64, 1000]) {
      to.fill(0);
      let read = 0, written = 0;
      while (read < MIXED.length) {
        const [more, bytes] = call("utf16_to_utf8", 2 * read, MIXED.length - read, written, step) as number[];
        assertEquals(bytes <= step && bytes > step - 4 || read + more === MIXED.length, true, `${bytes} of ${step}`);
        assertEquals(utf8(MIXED.slice(read, read + more)).length, bytes);
        read += more;
        written += bytes;
      }
      assertEquals(to.slice(0, written), expected);
    }
    // Invalid text is found before it is asked whether it fits; behind the place it is not looked at.
    from.set(utf16("a\udc00"));
    assertEquals(call("utf16_to_utf8", 0, 2, 0, 1), "invalid_utf16");
    from.set(utf16("€\udc00"));
    assertEquals(call("utf16_to_utf8", 0, 2, 0, 2), [0, 0]);
  });
});

Deno.test("000/0.20 latin1_to_utf8 stops where a character does not fit, with both counts", () => {
  bothWays(({ from, to, call }) => {
    const bytes = latin1(LATIN);
    from.set(bytes);
    for (let room = 0; room < 2 * bytes.length + 2; room++) {
      const [read, written] = call("latin1_to_utf8", 0, bytes.length, 0, room) as number[];
      assertEquals(to.slice(0, written), utf8(LATIN.slice(0, read)));
      assertEquals(
        written <= room && (read === bytes.length || written + utf8(LATIN[read]).length > room),
        true,
        `${room}`,
      );
    }
  });
});

Deno.test("000/0.21 utf16_to_compact_probably_utf16 deflates in place what is all latin1", () => {
  bothWays(({ from, to, call }) => {
    from.set(utf16(LATIN));
    assertEquals(call("utf16_to_compact_probably_utf16", 0, LATIN.length, 8), [LATIN.length]);
    assertEquals(to.slice(8, 8 + LATIN.length), latin1(LATIN));
    from.set(utf16(MIXED));
    assertEquals(call("utf16_to_compact_probably_utf16", 0, MIXED.length, 8), [MIXED.length + 2 ** 31]);
    assertEquals(to.slice(8, 8 + 2 * MIXED.length), utf16(MIXED));
    from.set(utf16("\udfff"));
    assertEquals(call("utf16_to_compact_probably_utf16", 0, 1, 8), "invalid_utf16");
  });
});

Deno.test("000/0.22 utf8_to_latin1 converts up to the first character that latin1 has not", () => {
  bothWays(({ from, to, call }) => {
    for (const [tail, name] of [["Ā", "U+0100"], ["😀", "a pair"], [undefined, "invalid"], ["", "nothing"]] as const) {
      const head = utf8(LATIN);
      from.set(head);
      const end = tail === undefined ? Uint8Array.of(0xc3, 0x28) : utf8(tail);
      from.set(end, head.length);
      assertEquals(call("utf8_to_latin1", 0, head.length + end.length, 0), [head.length, LATIN.length], name);
      assertEquals(to.slice(0, LATIN.length), latin1(LATIN));
    }
  });
});

Deno.test("000/0.23 utf16_to_latin1 does the same for UTF-16", () => {
  bothWays(({ from, to, call }) => {
    for (const tail of ["Ā", "😀", "\udc00", ""]) {
      from.set(utf16(LATIN + tail));
      assertEquals(call("utf16_to_latin1", 0, (LATIN + tail).length, 0), [LATIN.length, LATIN.length]);
      assertEquals(to.slice(0, LATIN.length), latin1(LATIN));
    }
  });
});

Deno.test("000/0.24 utf8_to_compact_utf16 inflates what is there, then converts the rest", () => {
  bothWays(({ from, to, call }) => {
    const rest = utf8(MIXED);
    from.set(rest);
    to.set(latin1(LATIN), 4);
    const room = rest.length + LATIN.length;
    assertEquals(call("utf8_to_compact_utf16", 0, rest.length, 4, room, LATIN.length), [LATIN.length + MIXED.length]);
    assertEquals(to.slice(4, 4 + 2 * (LATIN.length + MIXED.length)), utf16(LATIN + MIXED));
    assertEquals(call("utf8_to_compact_utf16", 0, rest.length, 4, room - 1, LATIN.length), "string_out_of_bounds");
    assertEquals(call("utf8_to_compact_utf16", 0, 0, 4, 5, 6), "string_out_of_bounds");
    assertEquals(call("utf8_to_compact_utf16", 0, 1, 4, 5, 2 ** 32 - 1), "string_out_of_bounds");
  });
});

Deno.test("000/0.25 utf16_to_compact_utf16 does the same for UTF-16", () => {
  bothWays(({ from, to, call }) => {
    from.set(utf16(MIXED));
    to.set(latin1(LATIN), 4);
    const units = LATIN.length + MIXED.length;
    assertEquals(call("utf16_to_compact_utf16", 0, MIXED.length, 4, units, LATIN.length), [units]);
    assertEquals(to.slice(4, 4 + 2 * units), utf16(LATIN + MIXED));
    assertEquals(call("utf16_to_compact_utf16", 0, MIXED.length, 4, units - 1, LATIN.length), "string_out_of_bounds");
    from.set(utf16("\udc00"));
    assertEquals(call("utf16_to_compact_utf16", 0, 1, 4, 5, 3), "invalid_utf16");
  });
});

Deno.test("000/0.26 inflate_latin1_bytes widens in place from the end, for any number of bytes", () => {
  bothWays(({ to, call }) => {
    for (let count = 0; count < 80; count++) {
      const bytes = Uint8Array.from({ length: count }, (_, k) => 251 * (k + 1));
      const at = 65536 - 2 * count;
      to.fill(0xee, at - 8);
      to.set(bytes, at);
      assertEquals(call("utf8_to_compact_utf16", 0, 0, at, count, count), [count]);
      assertEquals(to.slice(at), Uint8Array.from([...bytes].flatMap((byte) => [byte, 0])), `${count}`);
      assertEquals(to[at - 1], 0xee);
    }
  });
});

Deno.test("000/0.27 units are little endian in memory", () => {
  bothWays(({ from, to, call }) => {
    from.set([0xe2, 0x82, 0xac]);
    call("utf8_to_utf16", 0, 3, 0);
    assertEquals(to.slice(0, 2), Uint8Array.of(0xac, 0x20));
    from.set([0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde]);
    assertEquals(call("utf16_to_utf8", 0, 3, 0, 9), [3, 7]);
    assertEquals(to.slice(0, 7), utf8("€😀"));
  });
});

Deno.test("000/0.28 each transcode reports its lengths to whoever traces", () => {
  const traces: TranscodeTrace[] = [];
  bothWays(
    ({ from, call }) => {
      traces.length = 0;
      from.set(utf16("aя"));
      call("utf16_to_utf8", 0, 2, 0, 2);
      call("utf16_to_compact_probably_utf16", 0, 2, 0);
      call("utf8_to_compact_utf16", 0, 1, 0, 4, 3);
      assertEquals(traces, [
        { name: "utf16_to_utf8", sourceLength: 2, destinationLength: 2, results: [1, 1] },
        { name: "utf16_to_compact_probably_utf16", sourceLength: 2, destinationLength: 2, results: [2 ** 31 + 2] },
        { name: "utf8_to_compact_utf16", sourceLength: 1, destinationLength: 4, results: [4] },
      ]);
    },
    "two",
    { onTrace: (trace) => void traces.push(trace) },
  );
});

type Callable = (...args: (number | bigint)[]) => number;

Deno.test("transcoders between memories of other kinds", () => {
  using engine = new Engine({
    features: [
      "simd",
      "multi-memory",
      "multi-value",
      "bulk-memory",
      "memory64",
      "custom-page-sizes",
      "mutable-globals",
      "sign-extension",
    ],
  });
  using store = new Store(engine);
  const make = {
    i32: () => new Memory(store, { minimum: 1 }),
    i64: () => new Memory(store, { minimum: 1n, address: "i64" }),
    bytes: () => new Memory(store, { minimum: 700, pageSize: 1 }),
  };
  const text = MIXED + LATIN, bytes = utf8(text);
  for (const [fromKind, makeFrom] of Object.entries(make)) {
    for (const [toKind, makeTo] of Object.entries(make)) {
      for (const implementation of ["code", "reference"] as const) {
        const from = makeFrom() as Memory, to = makeTo() as Memory;
        const address = (kind: string, value: number) => kind === "i64" ? BigInt(value) : value;
        const funcs = createTranscoders(store, from, to, { implementation });
        const utf8ToUtf16 = funcs.utf8_to_utf16.callable as Callable,
          utf8ToUtf8 = funcs.utf8_to_utf8.callable as Callable;
        const start = from.byteLength - bytes.length, name = `${fromKind} to ${toKind}`;
        from.view.set(bytes, start);
        assertEquals(utf8ToUtf16(address(fromKind, start), bytes.length, address(toKind, 0)), text.length, name);
        assertEquals(to.view.slice(0, 2 * text.length), utf16(text), name);
        assertEquals(utf8ToUtf8(address(fromKind, start), bytes.length, address(toKind, 0)), 1, name);
        const trap = assertThrows(
          () => utf8ToUtf8(address(fromKind, start + 1), bytes.length, address(toKind, 0)),
          Trap,
        );
        assertEquals(trap.code, "string_out_of_bounds", name);
        if (fromKind === "i64") {
          assertThrows(() => utf8ToUtf8(-8n, 16, address(toKind, 0)), Trap, "out-of-bounds");
        }
      }
    }
  }
  const shared = new Memory(store, { minimum: 1, maximum: 1, shared: true });
  assertThrows(() => createTranscoders(store, shared, shared), TypeError, "shared");
});

Deno.test("transcoders at the last bytes of 4 GiB, where addresses wrap", () => {
  for (const bounds of ["guard", "explicit"] as const) {
    using engine = new Engine({ bounds });
    using store = new Store(engine, { limits: { memoryBytes: 2 ** 34 } });
    const all = 2 ** 32;
    const from = new Memory(store, { minimum: 65536 }), to = new Memory(store, { minimum: 65536 });
    const text = MIXED + MIXED, bytes = utf8(text), wide = utf16(text), narrow = latin1(LATIN);
    const funcs = createTranscoders(store, from, to);
    const call = (name: keyof typeof funcs, ...args: number[]) =>
      (funcs[name].callable as Callable)(...args.map((arg) => arg | 0));
    const end = (length: number) => to.read(all - length, length);
    from.write(all - bytes.length, bytes);
    assertEquals(call("utf8_to_utf8", all - bytes.length, bytes.length, all - bytes.length), 1);
    assertEquals(end(bytes.length), bytes);
    assertEquals(call("utf8_to_utf16", all - bytes.length, bytes.length, all - 2 * bytes.length), text.length);
    assertEquals(to.read(all - 2 * bytes.length, wide.length), wide);
    assertThrows(() => call("utf8_to_utf8", all - bytes.length + 1, bytes.length, 0), Trap, "out-of-bounds");
    from.write(all - wide.length, wide);
    assertEquals(call("utf16_to_utf16", all - wide.length, text.length, all - wide.length), 1);
    assertEquals(end(wide.length), wide);
    const pair = call("utf16_to_utf8", all - wide.length, text.length, all - bytes.length, bytes.length) as unknown;
    assertEquals(pair, [text.length, bytes.length]);
    assertEquals(end(bytes.length), bytes);
    from.write(all - narrow.length, narrow);
    assertEquals(call("latin1_to_utf16", all - narrow.length, narrow.length, all - 2 * narrow.length), 1);
    assertEquals(end(2 * narrow.length), utf16(LATIN));
    to.write(all - 2 * narrow.length, narrow);
    assertEquals(
      call("utf16_to_compact_utf16", 0, 0, all - 2 * narrow.length, narrow.length, narrow.length),
      narrow.length,
    );
    assertEquals(end(2 * narrow.length), utf16(LATIN));
  }
});
