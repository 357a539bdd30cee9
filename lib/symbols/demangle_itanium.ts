/**
 * C++'s symbol names (Itanium C++ ABI, section 5.1 "External Names (a.k.a. Mangling)").
 *
 * Read by recursive descent into strings. A type is two strings, what stands before a declarator and what stands after it, since `int (*)[3]`
 * wraps around a name; substitutions (`S_`) and template arguments (`T_`) refer to what was read before, in the order in which it ended.
 * Expressions in template arguments are read as far as functions' names in practice need them: literals, names, and operators on them. A name
 * with anything else stays mangled.
 */

class NotMangled extends Error {}

/** A type, around the place of a name. */
interface Type {
  readonly before: string;
  readonly after: string;
  /** Whether a pointer to it needs parentheses: functions and arrays. */
  readonly wraps: boolean;
}

const BUILTIN_TYPES: Readonly<Record<string, string>> = {
  v: "void",
  w: "wchar_t",
  b: "bool",
  c: "char",
  a: "signed char",
  h: "unsigned char",
  s: "short",
  t: "unsigned short",
  i: "int",
  j: "unsigned int",
  l: "long",
  m: "unsigned long",
  x: "long long",
  y: "unsigned long long",
  n: "__int128",
  o: "unsigned __int128",
  f: "float",
  d: "double",
  e: "long double",
  g: "__float128",
  z: "...",
};

const EXTENDED_TYPES: Readonly<Record<string, string>> = {
  Di: "char32_t",
  Ds: "char16_t",
  Du: "char8_t",
  Da: "auto",
  Dc: "decltype(auto)",
  Dn: "std::nullptr_t",
  Dd: "decimal64",
  De: "decimal128",
  Df: "decimal32",
  Dh: "half",
};

const OPERATORS: Readonly<Record<string, string>> = {
  nw: " new",
  na: " new[]",
  dl: " delete",
  da: " delete[]",
  aw: " co_await",
  ps: "+",
  ng: "-",
  ad: "&",
  de: "*",
  co: "~",
  pl: "+",
  mi: "-",
  ml: "*",
  dv: "/",
  rm: "%",
  an: "&",
  or: "|",
  eo: "^",
  aS: "=",
  pL: "+=",
  mI: "-=",
  mL: "*=",
  dV: "/=",
  rM: "%=",
  aN: "&=",
  oR: "|=",
  eO: "^=",
  ls: "<<",
  rs: ">>",
  lS: "<<=",
  rS: ">>=",
  eq: "==",
  ne: "!=",
  lt: "<",
  gt: ">",
  le: "<=",
  ge: ">=",
  ss: "<=>",
  nt: "!",
  aa: "&&",
  oo: "||",
  pp: "++",
  mm: "--",
  cm: ",",
  pm: "->*",
  pt: "->",
  cl: "()",
  ix: "[]",
  qu: "?",
};

const UNARY = new Set(["ps", "ng", "ad", "de", "co", "nt"]);
const BINARY = new Set(
  "pl mi ml dv rm an or eo ls rs eq ne lt gt le ge aa oo".split(" "),
);

const STANDARD: Readonly<Record<string, string>> = {
  St: "std",
  Sa: "std::allocator",
  Sb: "std::basic_string",
  Ss: "std::string",
  Si: "std::istream",
  So: "std::ostream",
  Sd: "std::iostream",
};

/** The abbreviations in full, as they are printed before constructors and destructors. */
const STANDARD_IN_FULL: Readonly<Record<string, string>> = {
  Ss: "std::basic_string<char, std::char_traits<char>, std::allocator<char>>",
  Si: "std::basic_istream<char, std::char_traits<char>>",
  So: "std::basic_ostream<char, std::char_traits<char>>",
  Sd: "std::basic_iostream<char, std::char_traits<char>>",
};

const SPECIAL: Readonly<Record<string, string>> = {
  TV: "vtable for ",
  TT: "VTT for ",
  TI: "typeinfo for ",
  TS: "typeinfo name for ",
};

const LITERAL_SUFFIXES: Readonly<Record<string, string>> = {
  "int": "",
  "unsigned int": "u",
  "long": "l",
  "unsigned long": "ul",
  "long long": "ll",
  "unsigned long long": "ull",
};

/** Characters that a name may print: substitutions can double it at every step. */
const MAXIMUM_LENGTH = 20_000;

/** A C++ name demangled; undefined if it is none, or has something in it that is not known here. */
export function demangleItanium(name: string): string | undefined {
  try {
    return new Demangler(name.slice(2)).run();
  } catch (error) {
    if (error instanceof NotMangled) return undefined;
    throw error;
  }
}

/** A name and what is to know of it to print a function. */
interface Name {
  readonly text: string;
  /** Its last part has template arguments, so the function's type begins with the type of its result. */
  readonly isTemplate: boolean;
  /** It is a constructor, destructor or conversion, which has no result. */
  readonly hasNoResult: boolean;
  /** ` const` and its like, of a member function. */
  readonly qualifiers: string;
}

const plain = (text: string): Type => ({ before: text, after: "", wraps: false });

class Demangler {
  readonly #text: string;
  #at = 0;
  readonly #substitutions: Type[] = [];
  /** A pack is the array of its elements. */
  #templateArgs: (string | string[])[] = [];
  /** The element of packs that an expansion is at, NaN outside of one; how many there are. */
  #packIndex = NaN;
  #packSize: number | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  run(): string {
    const result = this.#encoding();
    const rest = this.#text.slice(this.#at);
    if (rest === "") return result;
    // What compilers add to clones: foo.llvm.123, foo.cold
    if (rest[0] === "." || rest[0] === "@") return `${result} (${rest})`;
    throw new NotMangled();
  }

  #eat(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #peek(count = 1): string {
    return this.#text.slice(this.#at, this.#at + count);
  }

  #expect(text: string): void {
    if (!this.#eat(text)) throw new NotMangled();
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found[0];
  }

  #checked(text: string): string {
    if (text.length > MAXIMUM_LENGTH) throw new NotMangled();
    return text;
  }

  #remember(type: Type): Type {
    this.#checked(type.before + type.after);
    this.#substitutions.push(type);
    return type;
  }

  #encoding(): string {
    const special = SPECIAL[this.#peek(2)];
    if (special !== undefined) {
      this.#at += 2;
      return special + show(this.#type());
    }
    if (this.#eat("GV")) return `guard variable for ${this.#name().text}`;
    if (this.#eat("TW")) return `thread-local wrapper routine for ${this.#name().text}`;
    if (this.#eat("TH")) return `thread-local initialization routine for ${this.#name().text}`;
    if (this.#eat("Th")) {
      this.#match(/n?\d+_/y);
      return `non-virtual thunk to ${this.#encoding()}`;
    }
    if (this.#eat("Tv")) {
      this.#match(/n?\d+_n?\d+_/y);
      return `virtual thunk to ${this.#encoding()}`;
    }
    const { text, isTemplate, hasNoResult, qualifiers } = this.#name();
    const next = this.#peek();
    if (next === "" || next === "E" || next === "." || next === "@") return text + qualifiers;
    const result = isTemplate && !hasNoResult ? this.#type() : undefined;
    const parameters = this.#parameters();
    const called = `${text}(${parameters})${qualifiers}`;
    return this.#checked(result === undefined ? called : wrap(result, called));
  }

  /** Types up to the end of what has them; a single `void` is none. */
  #parameters(): string {
    const types: string[] = [];
    while (!["", "E", ".", "@"].includes(this.#peek()) && this.#peek(2) !== "OE" && this.#peek(2) !== "RE") {
      types.push(show(this.#type()));
    }
    return types.length === 1 && types[0] === "void" ? "" : types.filter((type) => type !== "").join(", ");
  }

  #name(): Name {
    if (this.#peek() === "N") return this.#nestedName();
    if (this.#peek() === "Z") return this.#localName();
    if (this.#peek() === "S" && this.#peek(2) !== "St") {
      const type = this.#substitution();
      if (this.#peek() !== "I") throw new NotMangled();
      const args = this.#templateArguments();
      return { text: show(type) + args, isTemplate: true, hasNoResult: false, qualifiers: "" };
    }
    const prefix = this.#eat("St") ? "std::" : "";
    const { text, hasNoResult } = this.#unqualified("");
    const full = prefix + text;
    if (this.#peek() !== "I") return { text: full, isTemplate: false, hasNoResult, qualifiers: "" };
    this.#remember(plain(full));
    return { text: full + this.#templateArguments(), isTemplate: true, hasNoResult, qualifiers: "" };
  }

  #nestedName(): Name {
    this.#expect("N");
    let qualifiers = "";
    const marks = this.#match(/r?V?K?/y) ?? "";
    if (marks.includes("K")) qualifiers += " const";
    if (marks.includes("V")) qualifiers += " volatile";
    if (marks.includes("r")) qualifiers += " restrict";
    if (this.#eat("R")) qualifiers += " &";
    else if (this.#eat("O")) qualifiers += " &&";
    let text = "";
    let last = "";
    let isTemplate = false;
    let hasNoResult = false;
    while (!this.#eat("E")) {
      const next = this.#peek();
      if (next === "I") {
        if (text === "") throw new NotMangled();
        text += this.#templateArguments();
        isTemplate = true;
      } else if (next === "S" && this.#peek(2) !== "St" && text === "") {
        const full = STANDARD_IN_FULL[this.#peek(2)];
        text = show(this.#substitution());
        if (full !== undefined && /[CD]/.test(this.#peek())) text = full;
        last = text.replace(/<.*$/s, "").split("::").at(-1)!;
        isTemplate = false;
        continue;
      } else if (next === "S" && text === "") {
        this.#expect("St");
        text = "std";
        last = "std";
        continue;
      } else if (next === "T" && text === "") {
        text = show(this.#templateParameter());
        last = text;
      } else if (next === "D" && /^D[tT]/.test(this.#peek(2))) {
        throw new NotMangled();
      } else if (next === "M") {
        this.#at++;
        continue;
      } else {
        const part = this.#unqualified(last);
        text = text === "" ? part.text : `${text}::${part.text}`;
        if (part.isPlain) last = part.base;
        hasNoResult = part.hasNoResult;
        isTemplate = false;
      }
      if (this.#peek() !== "E") this.#remember(plain(this.#checked(text)));
    }
    return { text, isTemplate, hasNoResult, qualifiers };
  }

  #localName(): Name {
    this.#expect("Z");
    const outer = this.#templateArgs;
    const around = this.#encoding();
    this.#expect("E");
    if (this.#eat("s")) {
      this.#discriminator();
      return { text: `${around}::string literal`, isTemplate: false, hasNoResult: false, qualifiers: "" };
    }
    if (this.#eat("d")) this.#match(/\d*_/y);
    this.#templateArgs = outer.length > 0 ? outer : this.#templateArgs;
    const { text, isTemplate, hasNoResult, qualifiers } = this.#name();
    this.#discriminator();
    return { text: `${around}::${text}`, isTemplate, hasNoResult, qualifiers };
  }

  #discriminator(): void {
    this.#match(/_(?:\d|_\d+_)/y);
  }

  #unqualified(enclosing: string): { text: string; base: string; hasNoResult: boolean; isPlain: boolean } {
    this.#eat("L");
    const next = this.#peek();
    const two = this.#peek(2);
    let text: string;
    let hasNoResult = false;
    let isPlain = false;
    if (/\d/.test(next)) {
      text = this.#sourceName();
      isPlain = true;
    } else if (/^C[1-5]$/.test(two) || /^D[0-5]$/.test(two)) {
      this.#at += 2;
      if (enclosing === "") throw new NotMangled();
      text = next === "C" ? enclosing : `~${enclosing}`;
      hasNoResult = true;
    } else if (two === "Ut") {
      this.#at += 2;
      const number = this.#match(/\d*_/y);
      if (number === undefined) throw new NotMangled();
      text = `'unnamed${number.slice(0, -1)}'`;
    } else if (two === "Ul") {
      this.#at += 2;
      const parameters = this.#parameters();
      this.#expect("E");
      const number = this.#match(/\d*_/y);
      if (number === undefined) throw new NotMangled();
      text = `'lambda${number.slice(0, -1)}'(${parameters})`;
    } else if (two === "cv") {
      this.#at += 2;
      text = `operator ${show(this.#type())}`;
      hasNoResult = true;
    } else if (two === "li") {
      this.#at += 2;
      text = `operator"" ${this.#sourceName()}`;
    } else if (Object.hasOwn(OPERATORS, two)) {
      this.#at += 2;
      text = `operator${OPERATORS[two]}`;
    } else throw new NotMangled();
    const base = text;
    while (this.#eat("B")) text += `[abi:${this.#sourceName()}]`;
    return { text, base, hasNoResult, isPlain };
  }

  #sourceName(): string {
    const digits = this.#match(/\d{1,6}/y);
    if (digits === undefined) throw new NotMangled();
    const end = this.#at + Number(digits);
    if (end > this.#text.length) throw new NotMangled();
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return text.startsWith("_GLOBAL__N") ? "(anonymous namespace)" : text;
  }

  #substitution(): Type {
    const standard = STANDARD[this.#peek(2)];
    if (standard !== undefined) {
      this.#at += 2;
      return plain(standard);
    }
    const match = this.#match(/S[0-9A-Z]*_/y);
    if (match === undefined) throw new NotMangled();
    const found = this.#substitutions[sequenceNumber(match.slice(1, -1), 36)];
    if (found === undefined) throw new NotMangled();
    return found;
  }

  #templateParameter(): Type {
    const match = this.#match(/T\d*_/y);
    if (match === undefined) throw new NotMangled();
    const found = this.#templateArgs[sequenceNumber(match.slice(1, -1), 10)];
    if (found === undefined) throw new NotMangled();
    if (typeof found === "string") return plain(found);
    if (Number.isNaN(this.#packIndex)) return plain(joinArguments(found));
    this.#packSize = found.length;
    return plain(found[this.#packIndex] ?? "");
  }

  #templateArguments(): string {
    this.#expect("I");
    const args: (string | string[])[] = [];
    // Inside the arguments, parameters are those of the template around; from now on, these.
    while (!this.#eat("E")) args.push(this.#templateArgument());
    this.#templateArgs = args;
    return this.#checked(`<${joinArguments(args.flat())}>`);
  }

  #templateArgument(): string | string[] {
    if (this.#peek() === "L") return this.#literal();
    if (this.#eat("X")) {
      const text = this.#expression();
      this.#expect("E");
      return text;
    }
    if (this.#eat("J")) {
      const args: string[] = [];
      while (!this.#eat("E")) args.push(...[this.#templateArgument()].flat());
      return args;
    }
    return show(this.#type());
  }

  #literal(): string {
    this.#expect("L");
    if (this.#eat("_Z")) {
      const text = this.#encoding();
      this.#expect("E");
      return text;
    }
    const type = show(this.#type());
    const value = this.#match(/n?[0-9a-f]*/y) ?? "";
    this.#expect("E");
    if (type === "bool" && (value === "0" || value === "1")) return value === "1" ? "true" : "false";
    if (type === "std::nullptr_t") return "nullptr";
    const number = value.replace(/^n/, "-");
    const suffix = LITERAL_SUFFIXES[type];
    return suffix === undefined ? `(${type})${number}` : number + suffix;
  }

  #expression(): string {
    const two = this.#peek(2);
    if (this.#peek() === "L") return this.#literal();
    if (this.#peek() === "T") return show(this.#templateParameter());
    if (this.#eat("sp")) return `${this.#expression()}...`;
    if (this.#eat("sZ")) return `sizeof...(${show(this.#templateParameter())})`;
    if (this.#eat("st")) return `sizeof (${show(this.#type())})`;
    if (UNARY.has(two)) {
      this.#at += 2;
      return `${OPERATORS[two]}(${this.#expression()})`;
    }
    if (BINARY.has(two)) {
      this.#at += 2;
      const left = this.#expression();
      return `(${left}) ${OPERATORS[two]} (${this.#expression()})`;
    }
    throw new NotMangled();
  }

  #type(): Type {
    const next = this.#peek();
    if (Object.hasOwn(BUILTIN_TYPES, next)) {
      this.#at++;
      return plain(BUILTIN_TYPES[next]);
    }
    switch (next) {
      case "r":
      case "V":
      case "K":
        return this.#remember(this.#qualified());
      case "P":
        this.#at++;
        return this.#remember(pointer(this.#type(), "*"));
      case "R":
        this.#at++;
        return this.#remember(pointer(this.#type(), "&"));
      case "O":
        this.#at++;
        return this.#remember(pointer(this.#type(), "&&"));
      case "C":
      case "G":
        throw new NotMangled();
      case "F":
        return this.#remember(this.#functionType());
      case "A":
        return this.#remember(this.#arrayType());
      case "M":
        return this.#remember(this.#memberPointer());
      case "T": {
        const parameter = this.#remember(this.#templateParameter());
        if (this.#peek() !== "I") return parameter;
        return this.#remember(plain(show(parameter) + this.#typeArguments()));
      }
      case "D":
        return this.#extendedType();
      case "u":
        this.#at++;
        return this.#remember(plain(this.#sourceName()));
      case "S":
        if (this.#peek(2) !== "St") {
          const found = this.#substitution();
          if (this.#peek() !== "I") return found;
          return this.#remember(plain(show(found) + this.#typeArguments()));
        }
    }
    const saved = this.#templateArgs;
    const { text } = this.#name();
    this.#templateArgs = saved;
    return this.#remember(plain(text));
  }

  /** Template arguments of a type in a signature, which are not those that `T_` means. */
  #typeArguments(): string {
    const saved = this.#templateArgs;
    const text = this.#templateArguments();
    this.#templateArgs = saved;
    return text;
  }

  #qualified(): Type {
    const marks = this.#match(/r?V?K?/y) ?? "";
    const { before, after, wraps } = this.#type();
    let text = "";
    if (marks.includes("K")) text += " const";
    if (marks.includes("V")) text += " volatile";
    if (marks.includes("r")) text += " restrict";
    // Of a function, the qualifiers stand behind its parameters.
    return wraps && after.startsWith("(")
      ? { before, after: after + text, wraps }
      : { before: before + text, after, wraps };
  }

  #functionType(): Type {
    this.#expect("F");
    this.#eat("Y");
    const result = this.#type();
    const parameters = this.#parameters();
    const reference = this.#eat("R") ? " &" : this.#eat("O") ? " &&" : "";
    this.#expect("E");
    const { before, after } = result;
    return { before: `${before} `, after: `(${parameters})${reference}${after}`, wraps: true };
  }

  #arrayType(): Type {
    this.#expect("A");
    const size = this.#match(/\d*_/y);
    if (size === undefined) throw new NotMangled();
    const { before, after } = this.#type();
    return { before: `${before.trimEnd()} `, after: `[${size.slice(0, -1)}]${after}`, wraps: true };
  }

  #memberPointer(): Type {
    this.#expect("M");
    const owner = show(this.#type());
    const member = this.#type();
    if (!member.wraps) return { before: `${show(member)} ${owner}::*`, after: "", wraps: false };
    return { before: `${member.before}(${owner}::*`, after: `)${member.after}`, wraps: false };
  }

  #extendedType(): Type {
    const two = this.#peek(2);
    if (Object.hasOwn(EXTENDED_TYPES, two)) {
      this.#at += 2;
      return plain(EXTENDED_TYPES[two]);
    }
    if (two === "Dp") {
      this.#at += 2;
      return this.#remember(plain(this.#expansion()));
    }
    if (two === "Do") {
      this.#at += 2;
      const { before, after, wraps } = this.#functionType();
      return this.#remember({ before, after: `${after} noexcept`, wraps });
    }
    throw new NotMangled();
  }

  /** A type once for each element of the pack in it: read again from where it begins. */
  #expansion(): string {
    const start = this.#at;
    const known = this.#substitutions.length;
    const [outerIndex, outerSize] = [this.#packIndex, this.#packSize];
    this.#packSize = undefined;
    const types: string[] = [];
    for (let i = 0; i === 0 || i < (this.#packSize ?? 0); i++) {
      this.#at = start;
      this.#substitutions.length = known;
      this.#packIndex = i;
      types.push(show(this.#type()));
      this.#checked(types.join());
    }
    if (this.#packSize === 0) types.length = 0;
    this.#packIndex = outerIndex;
    this.#packSize = outerSize;
    return joinArguments(types);
  }
}

function joinArguments(args: readonly string[]): string {
  return args.filter((arg) => arg !== "").join(", ");
}

/** `_` is 0; digits are one more than their value. */
function sequenceNumber(digits: string, base: number): number {
  return digits === "" ? 0 : parseInt(digits, base) + 1;
}

function show({ before, after }: Type): string {
  return before + after;
}

function wrap({ before, after }: Type, inner: string): string {
  return `${before}${before.endsWith(" ") ? "" : " "}${inner}${after}`;
}

function pointer({ before, after, wraps }: Type, mark: string): Type {
  // A reference to a reference collapses.
  if (mark !== "*" && !wraps && /&$/.test(before)) {
    return mark === "&" ? { before: before.replace(/&+$/, "&"), after, wraps } : { before, after, wraps };
  }
  if (wraps) return { before: `${before}(${mark}`, after: `)${after}`, wraps: false };
  return { before: before + mark, after, wraps };
}
