/**
 * Rust's symbol names.
 *
 * Legacy names borrow the form of C++'s: `_ZN`, identifiers with lengths, a hash as the last of them, `E`; characters that an assembler would refuse
 * are spelled between dollars. Version 0 (RFC 2603) is a grammar of paths and types with references back to earlier positions; it is read by
 * recursive descent, which prints as it goes. The hash and the crates' disambiguators are left out, as rustc-demangle's short form does.
 */

/** What stands for characters between dollars in legacy names. */
const LEGACY_ESCAPES: Readonly<Record<string, string>> = {
  SP: "@",
  BP: "*",
  RF: "&",
  LT: "<",
  GT: ">",
  LP: "(",
  RP: ")",
  C: ",",
};

/** A legacy name demangled; undefined if it is none. */
export function demangleRustLegacy(name: string): string | undefined {
  const match = /^_ZN([\s\S]*?)E(?:[.@].*)?$/.exec(name);
  if (match === null) return undefined;
  const parts: string[] = [];
  const text = match[1];
  for (let at = 0; at < text.length;) {
    const digits = /^\d+/.exec(text.slice(at, at + 8));
    if (digits === null) return undefined;
    const start = at + digits[0].length;
    at = start + Number(digits[0]);
    if (at > text.length) return undefined;
    parts.push(text.slice(start, at));
  }
  const hash = parts.pop();
  if (hash === undefined || parts.length === 0 || !/^h[0-9a-f]{16}$/.test(hash)) return undefined;
  return parts.map(unescapeLegacy).join("::");
}

function unescapeLegacy(part: string): string {
  return part.replace(/^_(?=\$)/, "").replace(/\$(\w+)\$|\.\.|\./g, (whole, code?: string) => {
    if (whole === "..") return "::";
    if (code === undefined) return whole;
    if (Object.hasOwn(LEGACY_ESCAPES, code)) return LEGACY_ESCAPES[code];
    const point = /^u([0-9a-f]{1,6})$/.exec(code);
    const value = point === null ? NaN : parseInt(point[1], 16);
    return value >= 0x20 && value <= 0x10_ffff ? String.fromCodePoint(value) : whole;
  });
}

/** A version 0 name demangled; undefined if it is none. */
export function demangleRustV0(name: string): string | undefined {
  const body = name.slice(2);
  // Uppercase letters begin paths; a digit would be the version of a later encoding.
  if (!/^[A-Z][0-9a-zA-Z_]*(?:[.$@].*)?$/.test(body)) return undefined;
  const printer = new V0Printer(body.replace(/[.$@].*$/, ""));
  try {
    return printer.symbol();
  } catch (error) {
    if (error instanceof NotMangled) return undefined;
    throw error;
  }
}

class NotMangled extends Error {}

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: "i8",
  b: "bool",
  c: "char",
  d: "f64",
  e: "str",
  f: "f32",
  h: "u8",
  i: "isize",
  j: "usize",
  l: "i32",
  m: "u32",
  n: "i128",
  o: "u128",
  p: "_",
  s: "i16",
  t: "u16",
  u: "()",
  v: "...",
  x: "i64",
  y: "u64",
  z: "!",
};

/** Characters that a name may print: references back can double it at every step. */
const MAXIMUM_LENGTH = 10_000;

class V0Printer {
  readonly #text: string;
  #at = 0;
  #out = "";
  #isSilent = 0;
  #lifetimes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  symbol(): string {
    this.#path(true);
    // The crate that instantiated a generic function may follow.
    if (this.#at < this.#text.length) {
      this.#isSilent++;
      this.#path(false);
    }
    if (this.#at !== this.#text.length) throw new NotMangled();
    return this.#out;
  }

  #print(text: string): void {
    if (this.#isSilent > 0) return;
    this.#out += text;
    if (this.#out.length > MAXIMUM_LENGTH) throw new NotMangled();
  }

  #next(): string {
    if (this.#at >= this.#text.length) throw new NotMangled();
    return this.#text[this.#at++];
  }

  #eat(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** base-62-number: `_` is 0, otherwise the digits' value and one. */
  #base62(): number {
    if (this.#eat("_")) return 0;
    let value = 0;
    for (;;) {
      const char = this.#next();
      if (char === "_") return value + 1;
      const digit = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(char);
      if (digit < 0) throw new NotMangled();
      // Inexact above 2^53: hashes of crates, which are not printed.
      value = value * 62 + digit;
    }
  }

  #optional62(tag: string): number {
    return this.#eat(tag) ? this.#base62() + 1 : 0;
  }

  #identifier(): { readonly disambiguator: number; readonly text: string } {
    const disambiguator = this.#optional62("s");
    return { disambiguator, text: this.#undisambiguated() };
  }

  #undisambiguated(): string {
    const isPunycode = this.#eat("u");
    const digits = /^(?:0|[1-9]\d{0,6})/.exec(this.#text.slice(this.#at, this.#at + 8));
    if (digits === null) throw new NotMangled();
    this.#at += digits[0].length;
    this.#eat("_");
    const end = this.#at + Number(digits[0]);
    if (end > this.#text.length) throw new NotMangled();
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return isPunycode ? decodePunycode(text) : text;
  }

  #backReference(print: () => void): void {
    const start = this.#at - 1;
    const target = this.#base62();
    if (target >= start) throw new NotMangled();
    if (this.#isSilent > 0) return;
    const back = this.#at;
    this.#at = target;
    print();
    this.#at = back;
  }

  /** In values, generic arguments follow a double colon. */
  #path(inValue: boolean): void {
    switch (this.#next()) {
      case "C":
        this.#print(this.#identifier().text);
        break;
      case "M":
        this.#implPath();
        this.#print("<");
        this.#type();
        this.#print(">");
        break;
      case "X":
        this.#implPath();
        this.#traitPath();
        break;
      case "Y":
        this.#traitPath();
        break;
      case "N": {
        const namespace = this.#next();
        if (!/[A-Za-z]/.test(namespace)) throw new NotMangled();
        this.#path(inValue);
        const { disambiguator, text } = this.#identifier();
        if (/[A-Z]/.test(namespace)) {
          const kind = namespace === "C" ? "closure" : namespace === "S" ? "shim" : namespace;
          this.#print(`::{${kind}${text === "" ? "" : `:${text}`}#${disambiguator}}`);
        } else if (text !== "") this.#print(`::${text}`);
        break;
      }
      case "I":
        this.#path(inValue);
        this.#print(inValue ? "::<" : "<");
        this.#genericArgs();
        this.#print(">");
        break;
      case "B":
        this.#backReference(() => this.#path(inValue));
        break;
      default:
        throw new NotMangled();
    }
  }

  #implPath(): void {
    this.#optional62("s");
    this.#isSilent++;
    this.#path(false);
    this.#isSilent--;
  }

  #traitPath(): void {
    this.#print("<");
    this.#type();
    this.#print(" as ");
    this.#path(false);
    this.#print(">");
  }

  #genericArgs(): void {
    this.#list(() => this.#genericArg());
  }

  /** Items up to `E`; returns how many. */
  #list(item: () => void): number {
    let count = 0;
    for (; !this.#eat("E"); count++) {
      if (count > 0) this.#print(", ");
      item();
    }
    return count;
  }

  #genericArg(): void {
    if (this.#eat("L")) this.#lifetime(this.#base62());
    else if (this.#eat("K")) this.#constant();
    else this.#type();
  }

  #lifetime(index: number): void {
    this.#print("'");
    if (index === 0) this.#print("_");
    else {
      const depth = this.#lifetimes - index;
      if (depth < 0) throw new NotMangled();
      this.#print(depth < 26 ? String.fromCharCode(97 + depth) : `_${depth}`);
    }
  }

  /** `for<'a> ` around what follows. */
  #binder(body: () => void): void {
    const count = this.#optional62("G");
    if (count > 1000) throw new NotMangled();
    if (count > 0) {
      this.#print("for<");
      for (let i = 0; i < count; i++) {
        if (i > 0) this.#print(", ");
        this.#lifetimes++;
        this.#lifetime(1);
      }
      this.#print("> ");
    }
    body();
    this.#lifetimes -= count;
  }

  #type(): void {
    const tag = this.#next();
    if (Object.hasOwn(BASIC_TYPES, tag)) return this.#print(BASIC_TYPES[tag]);
    switch (tag) {
      case "A":
        this.#print("[");
        this.#type();
        this.#print("; ");
        this.#constant();
        return this.#print("]");
      case "S":
        this.#print("[");
        this.#type();
        return this.#print("]");
      case "T": {
        this.#print("(");
        if (this.#list(() => this.#type()) === 1) this.#print(",");
        return this.#print(")");
      }
      case "R":
      case "Q":
        this.#print("&");
        if (this.#eat("L")) {
          const index = this.#base62();
          if (index !== 0) {
            this.#lifetime(index);
            this.#print(" ");
          }
        }
        if (tag === "Q") this.#print("mut ");
        return this.#type();
      case "P":
        this.#print("*const ");
        return this.#type();
      case "O":
        this.#print("*mut ");
        return this.#type();
      case "F":
        return this.#binder(() => this.#functionType());
      case "D":
        return this.#dynType();
      case "B":
        return this.#backReference(() => this.#type());
      default:
        this.#at--;
        return this.#path(false);
    }
  }

  #functionType(): void {
    if (this.#eat("U")) this.#print("unsafe ");
    if (this.#eat("K")) {
      const abi = this.#eat("C") ? "C" : this.#undisambiguated().replaceAll("_", "-");
      this.#print(`extern "${abi}" `);
    }
    this.#print("fn(");
    this.#list(() => this.#type());
    this.#print(")");
    if (this.#eat("u")) return;
    this.#print(" -> ");
    this.#type();
  }

  #dynType(): void {
    this.#print("dyn ");
    this.#binder(() => {
      for (let count = 0; !this.#eat("E"); count++) {
        if (count > 0) this.#print(" + ");
        this.#dynTrait();
      }
    });
    if (!this.#eat("L")) throw new NotMangled();
    const index = this.#base62();
    if (index === 0) return;
    this.#print(" + ");
    this.#lifetime(index);
  }

  #dynTrait(): void {
    let isOpen = this.#openPath();
    while (this.#eat("p")) {
      this.#print(isOpen ? ", " : "<");
      isOpen = true;
      this.#print(`${this.#undisambiguated()} = `);
      this.#type();
    }
    if (isOpen) this.#print(">");
  }

  /** A path whose list of generic arguments is left open for associated types; returns whether it has one. */
  #openPath(): boolean {
    if (this.#eat("B")) {
      let isOpen = false;
      this.#backReference(() => isOpen = this.#openPath());
      return isOpen;
    }
    if (!this.#eat("I")) {
      this.#path(false);
      return false;
    }
    this.#path(false);
    this.#print("<");
    this.#genericArgs();
    return true;
  }

  #constant(): void {
    if (this.#eat("B")) return this.#backReference(() => this.#constant());
    if (this.#eat("p")) return this.#print("_");
    const type = BASIC_TYPES[this.#next()];
    const isNegative = this.#eat("n");
    const digits = /^[0-9a-f]*_/.exec(this.#text.slice(this.#at));
    if (type === undefined || digits === null) throw new NotMangled();
    this.#at += digits[0].length;
    const value = BigInt(`0x0${digits[0].slice(0, -1)}`);
    if (type === "bool") return this.#print(value === 0n ? "false" : "true");
    if (type === "char") {
      if (value > 0x10_ffffn) throw new NotMangled();
      return this.#print(`'${String.fromCodePoint(Number(value))}'`);
    }
    this.#print(`${isNegative ? "-" : ""}${value}`);
  }
}

/** RFC 3492 with an underscore as the delimiter. */
function decodePunycode(text: string): string {
  const cut = text.lastIndexOf("_");
  const output = Array.from(cut > 0 ? text.slice(0, cut) : "");
  let n = 128, i = 0, bias = 72;
  for (let at = cut + 1; at < text.length;) {
    const before = i;
    for (let weight = 1, k = 36;; k += 36) {
      const code = text.charCodeAt(at++);
      const digit = code >= 97 && code <= 122 ? code - 97 : code >= 48 && code <= 57 ? code - 22 : NaN;
      i += digit * weight;
      if (!(i < 0x4000_0000)) throw new NotMangled();
      const threshold = Math.min(Math.max(k - bias, 1), 26);
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    const count = output.length + 1;
    let delta = before === 0 ? Math.floor((i - before) / 700) : (i - before) >> 1;
    delta += Math.floor(delta / count);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    bias = k + Math.floor(36 * delta / (delta + 38));
    n += Math.floor(i / count);
    i %= count;
    if (n > 0x10_ffff) throw new NotMangled();
    output.splice(i++, 0, String.fromCodePoint(n));
  }
  return output.join("");
}
