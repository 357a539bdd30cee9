import { assertEquals } from "@std/assert";
import { demangle } from "../../../lib/symbols/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";

/** Mangled names and what llvm-cxxfilt makes of them, in its spelling of spaces. */
const NAMES: readonly (readonly [string, string])[] = [
  // Rust, legacy
  ["_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"],
  [
    "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
    "<Test + 'static as foo::Bar<Test>>::bar",
  ],
  ["_ZN4test1a2bc17h05af221e174051e9E.llvm.9D1C9369", "test::a::bc"],
  // Rust, version 0
  ["_RNvC6_123foo3bar", "123foo::bar"],
  ["_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}"],
  ["_RINvNtC3std3mem8align_ofjdE", "std::mem::align_of::<usize, f64>"],
  ["_RNvMC0INtC8arrayvec8ArrayVechKj7b_E3new", "<arrayvec::ArrayVec<u8, 123>>::new"],
  ["_RNvXs5_NtC1a1bINtB5_3FooTyxEENtB5_5Trait2go", "<a::b::Foo<(u64, i64)> as a::b::Trait>::go"],
  ["_RINvC1a3genFG_RL0_eEuEB2_", "a::gen::<for<'a> fn(&'a str)>"],
  ["_RINvC1a3genINtC1b3BoxDINtC1c2FnTeEEp6OutputhEL_EEB2_", "a::gen::<b::Box<dyn c::Fn<(str,), Output = u8>>>"],
  ["_RINvC1v2ccKce4_Kb1_Kan5_EB2_", "v::cc::<'ä', true, -5>"],
  ["_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y", "utf8_idents::საჭმელად_გემრიელი_სადილი"],
  // C++
  ["_Z3foov", "foo()"],
  ["_ZN1A1BC2EiPKc", "A::B::B(int, char const*)"],
  ["_ZN1A1BD0Ev", "A::B::~B()"],
  ["_ZNK3std3mapIiNS_6stringEE4findERKi", "std::map<int, std::string>::find(int const&) const"],
  ["_Z1fIiEvT_", "void f<int>(int)"],
  ["_Z1fPFivE", "f(int (*)())"],
  ["_Z1fRA3_KiM1AFvvE", "f(int const (&) [3], void (A::*)())"],
  ["_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int>>::push_back(int&&)"],
  ["_ZplRK1AS1_", "operator+(A const&, A const&)"],
  ["_ZN1AcvbEv", "A::operator bool()"],
  ["_ZTV1A", "vtable for A"],
  ["_ZZ4mainE1x", "main::x"],
  ["_ZZ4mainENKUlvE_clEv", "main::'lambda'()::operator()() const"],
  ["_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()"],
  ["_Z1gIJidEEvDpRKT_", "void g<int, double>(int const&, double const&)"],
  ["_Z1gIJEEvDpRKT_", "void g<>()"],
  ["_Z1hILi3ELb1EEvv", "void h<3, true>()"],
  ["_ZNSsC1EPKc", "std::basic_string<char, std::char_traits<char>, std::allocator<char>>::basic_string(char const*)"],
];

/** Spaces in types are a matter of taste: `(&)[3]` and `(&) [3]`. */
const withoutSpaces = (text: string) => text.replaceAll(" ", "");

Deno.test("demangle() reads Rust's two schemes and the Itanium ABI's", () => {
  for (const [mangled, expected] of NAMES) {
    assertEquals(withoutSpaces(demangle(mangled)), withoutSpaces(expected), mangled);
  }
});

Deno.test("demangle() leaves what is no mangled name", () => {
  const names = [
    "",
    "main",
    "_",
    "_Z",
    "_R",
    "_ZN",
    "_ZN99999999abcE",
    "_RNvB_3foo",
    "_RNvC1a",
    "_ZN1a17hE",
    "__wasm_call_ctors",
  ];
  for (const name of names) assertEquals(demangle(name), name);
});

Deno.test("demangle() ends in time, with a name, whatever it is given", () => {
  const random = new Random(12345);
  for (let i = 0; i < 20_000; i++) {
    const [name] = random.pick(NAMES);
    const [other] = random.pick(NAMES);
    const at = 2 + random.below(name.length - 2);
    const result = demangle(name.slice(0, at) + other.slice(2 + random.below(other.length - 2)));
    assertEquals(typeof result, "string");
  }
  const deep = `_Z1f${"P".repeat(200_000)}i`;
  assertEquals(typeof demangle(deep), "string");
  // Each step doubles what the one before printed.
  const bomb = `_Z1f1AIS_S_E${
    Array.from({ length: 60 }, (_, i) =>
      `1BIS${(i + 1).toString(36).toUpperCase()}_S${(i + 1).toString(36).toUpperCase()}_E`).join("")
  }`;
  assertEquals(typeof demangle(bomb), "string");
});
