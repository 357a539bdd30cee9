/**
 * Types: value types, type uses and type definitions, and the type section (spec: text-types, text-typeuse).
 *
 * A type use may leave its type out; it then means the first function type of that signature, and where there is none a new
 * type at the end of the index space. So signatures are kept in columns with a hash table over them.
 *
 * TYPES-1  Explicit types get their indices before any signature is looked up; implicit types come after all of them, in
 *          order of appearance.
 * TYPES-2  Only a final function type without supertypes that is alone in its group can stand for a signature.
 *
 * May import: base, wasm. @module
 */
import { CodeBuffer, growInt32, IntList, NONE } from "../base/mod.ts";
import {
  EXACT_HEAP,
  type HeapType,
  I16,
  I8,
  isRef,
  refNullType,
  refType,
  type ValType,
  writeU32Leb,
  writeValType,
} from "../wasm/mod.ts";
import type { Cursor } from "./cursor.ts";
import { IndexSpace } from "./index_space.ts";
import { KEYWORD_HEAP_TYPE, KEYWORD_VALUE_TYPE, WORD } from "./keywords.ts";
import { TOKEN } from "./lexer.ts";
import type { Symbol } from "./symbols.ts";

/** Type codes of the binary format (spec: binary-comptype, binary-subtype, binary-rectype). */
const CODE = {
  func: 0x60,
  struct: 0x5f,
  array: 0x5e,
  cont: 0x5d,
  sub: 0x50,
  subFinal: 0x4f,
  rec: 0x4e,
  descriptor: 0x4d,
  describes: 0x4c,
} as const;

/** Above every type index that a packed value type holds. */
const TYPE_INDEX_LIMIT = 0x40_0000;

/** What a module's text says about types. */
export class TypeTable {
  readonly space: IndexSpace = new IndexSpace("type");
  /** The field names of each struct type that has some. */
  readonly fields: Map<number, IndexSpace> = new Map();
  /** The content of the type section, without the count. */
  readonly section: CodeBuffer = new CodeBuffer(256);
  /** The recursion groups in the section. */
  groupCount = 0;
  /** Parameters and results of all signatures, one after the other. */
  readonly #pool = new IntList(256);
  /** By type: where its signature starts in the pool, NONE for what is no function type; and its lengths. */
  #starts = new Int32Array(64).fill(NONE);
  #paramCounts = new Int32Array(64);
  #resultCounts = new Int32Array(64);
  /** Type index + 1 by signature hash, 0 where free (TYPES-2). */
  #slots = new Int32Array(128);
  #slotsUsed = 0;
  // The signature being read.
  readonly #params = new IntList(16);
  readonly #results = new IntList(16);

  // ---- value types ----

  /** Takes a value type. */
  valType(cursor: Cursor): ValType {
    const type = this.storageType(cursor);
    if (type === I8 || type === I16) {
      cursor.at--;
      cursor.unexpected("a value type");
    }
    return type;
  }

  /** Takes a value type or a packed type. */
  storageType(cursor: Cursor): ValType {
    const { keyword } = cursor;
    if (keyword >= 0 && KEYWORD_VALUE_TYPE[keyword] !== 0) {
      cursor.at++;
      return KEYWORD_VALUE_TYPE[keyword];
    }
    if (!cursor.isForm("ref")) cursor.unexpected("a type");
    return this.refType(cursor);
  }

  /** Takes a reference type. */
  refType(cursor: Cursor): ValType {
    const { keyword } = cursor;
    if (keyword >= 0 && isRef(KEYWORD_VALUE_TYPE[keyword])) {
      cursor.at++;
      return KEYWORD_VALUE_TYPE[keyword];
    }
    if (!cursor.takeForm("ref")) cursor.unexpected("a reference type");
    const isNullable = cursor.take("null");
    const heap = this.heapType(cursor);
    cursor.close();
    return isNullable ? refNullType(heap) : refType(heap);
  }

  /** Whether a value or packed type comes next. */
  isType(cursor: Cursor): boolean {
    const { keyword } = cursor;
    return keyword >= 0 ? KEYWORD_VALUE_TYPE[keyword] !== 0 : cursor.isForm("ref");
  }

  /** Whether a reference type comes next. */
  isRefType(cursor: Cursor): boolean {
    const { keyword } = cursor;
    return keyword >= 0 ? isRef(KEYWORD_VALUE_TYPE[keyword]) : cursor.isForm("ref");
  }

  /** Takes a heap type. */
  heapType(cursor: Cursor): HeapType {
    const { keyword } = cursor;
    if (keyword >= 0 && KEYWORD_HEAP_TYPE[keyword] !== 0) {
      cursor.at++;
      return KEYWORD_HEAP_TYPE[keyword];
    }
    if (cursor.takeForm("exact")) {
      const index = this.#heapIndex(cursor);
      cursor.close();
      return index + EXACT_HEAP;
    }
    if (!cursor.isIndex) cursor.unexpected("a heap type");
    return this.#heapIndex(cursor);
  }

  #heapIndex(cursor: Cursor): number {
    const token = cursor.at;
    const index = this.space.index(cursor);
    if (index >= TYPE_INDEX_LIMIT) cursor.fail(`type index ${index} is larger than ${TYPE_INDEX_LIMIT - 1}`, token);
    return index;
  }

  // ---- signatures ----

  /** The number of parameters of a type; 0 for what is no function type. */
  paramCount(typeIndex: number): number {
    return this.#isFunc(typeIndex) ? this.#paramCounts[typeIndex] : 0;
  }

  #isFunc(typeIndex: number): boolean {
    return typeIndex < this.space.count && typeIndex < this.#starts.length && this.#starts[typeIndex] !== NONE;
  }

  /**
   * Takes a type use: `(type $t)`, parameters and results, or some of these; the index of its type.
   *
   * @param onParam Called for each parameter with its identifier; without it parameters have none.
   */
  typeUse(cursor: Cursor, onParam?: (symbol: Symbol | undefined) => void): number {
    const explicit = this.#explicitType(cursor);
    const token = cursor.at;
    this.#takeSignature(cursor, onParam);
    if (explicit === NONE) return this.#implicitType();
    if (cursor.at !== token) this.#requireMatch(cursor, explicit, token);
    return explicit;
  }

  /** Takes a block type and appends it: nothing, one result, or a type index (spec: text-blocktype). */
  blockType(cursor: Cursor, out: CodeBuffer): void {
    const explicit = this.#explicitType(cursor);
    const token = cursor.at;
    this.#takeSignature(cursor, undefined);
    if (explicit !== NONE) {
      if (cursor.at !== token) this.#requireMatch(cursor, explicit, token);
      writeTypeIndex(out, explicit);
    } else if (this.#params.length > 0 || this.#results.length > 1) writeTypeIndex(out, this.#implicitType());
    else if (this.#results.length === 0) out.u8(0x40);
    else writeValType(out, this.#results.at(0));
  }

  /** Takes `(type $t)` if it comes next; NONE when it does not. */
  #explicitType(cursor: Cursor): number {
    if (!cursor.takeForm("type")) return NONE;
    const index = this.space.index(cursor);
    cursor.close();
    return index;
  }

  /** Takes `(param ...)` and `(result ...)` into the signature being read. */
  #takeSignature(cursor: Cursor, onParam: ((symbol: Symbol | undefined) => void) | undefined): void {
    const params = this.#params;
    const results = this.#results;
    params.reset();
    results.reset();
    while (cursor.takeForm("param")) {
      if (onParam !== undefined && cursor.kind === TOKEN.id) {
        const id = cursor.at++;
        params.push(this.valType(cursor));
        const after = cursor.at;
        cursor.at = id; // Callbacks report a duplicate where it stands.
        onParam(cursor.tokens.value[id]);
        cursor.at = after;
      } else {
        while (cursor.kind !== TOKEN.close) {
          params.push(this.valType(cursor));
          onParam?.(undefined);
        }
      }
      cursor.close();
    }
    while (cursor.takeForm("result")) {
      while (cursor.kind !== TOKEN.close) results.push(this.valType(cursor));
      cursor.close();
    }
    if (cursor.isForm("param")) cursor.fail("unexpected token (param, expected no parameters after results");
  }

  #requireMatch(cursor: Cursor, typeIndex: number, token: number): void {
    if (typeIndex >= this.space.count) cursor.fail(`unknown type ${typeIndex}`, token);
    if (!this.#isFunc(typeIndex) || !this.#isSignatureOf(typeIndex)) {
      cursor.fail("inline function type does not match the explicit type", token);
    }
  }

  #isSignatureOf(typeIndex: number): boolean {
    const params = this.#params;
    const results = this.#results;
    if (this.#paramCounts[typeIndex] !== params.length || this.#resultCounts[typeIndex] !== results.length) {
      return false;
    }
    let at = this.#starts[typeIndex];
    const { data } = this.#pool;
    for (let i = 0; i < params.length; i++) if (data[at++] !== params.data[i]) return false;
    for (let i = 0; i < results.length; i++) if (data[at++] !== results.data[i]) return false;
    return true;
  }

  #hash(): number {
    let hash = this.#params.length;
    for (let i = 0; i < this.#params.length; i++) hash = Math.imul(hash ^ this.#params.data[i], 0x01000193);
    for (let i = 0; i < this.#results.length; i++) hash = Math.imul(hash + 7 ^ this.#results.data[i], 0x01000193);
    return hash ^ hash >>> 13;
  }

  /** The first type of the signature being read; a new one when there is none (TYPES-1). */
  #implicitType(): number {
    const found = this.#find();
    if (found !== NONE) return found;
    const index = this.space.count++;
    this.groupCount++;
    this.#writeSignature();
    this.#setSignature(index);
    this.#register(index);
    return index;
  }

  #find(): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash() & mask; this.#slots[slot] !== 0; slot = slot + 1 & mask) {
      const index = this.#slots[slot] - 1;
      if (this.#isSignatureOf(index)) return index;
    }
    return NONE;
  }

  #register(typeIndex: number): void {
    if (this.#find() !== NONE) return; // The first one stands for the signature.
    if (2 * ++this.#slotsUsed > this.#slots.length) this.#growSlots();
    this.#insert(this.#hash(), typeIndex);
  }

  #insert(hash: number, typeIndex: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = slot + 1 & mask;
    this.#slots[slot] = typeIndex + 1;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    const params = this.#params.data.slice(0, this.#params.length);
    const results = this.#results.data.slice(0, this.#results.length);
    for (const entry of old) {
      if (entry === 0) continue;
      this.#loadSignature(entry - 1);
      this.#insert(this.#hash(), entry - 1);
    }
    this.#params.reset();
    this.#results.reset();
    params.forEach((type) => this.#params.push(type));
    results.forEach((type) => this.#results.push(type));
  }

  #loadSignature(typeIndex: number): void {
    this.#params.reset();
    this.#results.reset();
    let at = this.#starts[typeIndex];
    for (let i = 0; i < this.#paramCounts[typeIndex]; i++) this.#params.push(this.#pool.at(at++));
    for (let i = 0; i < this.#resultCounts[typeIndex]; i++) this.#results.push(this.#pool.at(at++));
  }

  #setSignature(typeIndex: number): void {
    if (typeIndex >= this.#starts.length) {
      const used = this.#starts.length;
      this.#starts = growInt32(this.#starts, typeIndex + 1).fill(NONE, used);
      this.#paramCounts = growInt32(this.#paramCounts, typeIndex + 1);
      this.#resultCounts = growInt32(this.#resultCounts, typeIndex + 1);
    }
    this.#starts[typeIndex] = this.#pool.length;
    this.#paramCounts[typeIndex] = this.#params.length;
    this.#resultCounts[typeIndex] = this.#results.length;
    for (let i = 0; i < this.#params.length; i++) this.#pool.push(this.#params.data[i]);
    for (let i = 0; i < this.#results.length; i++) this.#pool.push(this.#results.data[i]);
  }

  #writeSignature(): void {
    const out = this.section;
    out.u8(CODE.func);
    writeU32Leb(out, this.#params.length);
    for (let i = 0; i < this.#params.length; i++) writeValType(out, this.#params.data[i]);
    writeU32Leb(out, this.#results.length);
    for (let i = 0; i < this.#results.length; i++) writeValType(out, this.#results.data[i]);
  }

  // ---- definitions ----

  /** Gives indices and identifiers to the types of a `type` or `rec` field; moves over it. */
  declare(cursor: Cursor): void {
    const end = cursor.closeOf(cursor.at);
    if (cursor.takeForm("rec")) {
      while (cursor.isForm("type")) this.#declareType(cursor);
    } else this.#declareType(cursor);
    cursor.at = end + 1;
  }

  #declareType(cursor: Cursor): void {
    const end = cursor.closeOf(cursor.at);
    cursor.at += 2;
    const index = this.space.define(cursor);
    this.#declareFields(cursor, index, end);
    cursor.at = end + 1;
  }

  /** Gives the names of a struct's fields to them, so that types may be defined in any order. */
  #declareFields(cursor: Cursor, index: number, end: number): void {
    const { kind, value } = cursor.tokens;
    while (
      cursor.at < end &&
      !(kind[cursor.at] === TOKEN.open && value[cursor.at + 1] === WORD.struct && kind[cursor.at + 1] === TOKEN.keyword)
    ) {
      // Only `(sub` may stand around the struct.
      if (kind[cursor.at] === TOKEN.open && !cursor.isForm("sub")) cursor.skipForm();
      else cursor.at++;
    }
    if (cursor.at >= end) return;
    const close = cursor.closeOf(cursor.at);
    const space = new IndexSpace("field");
    cursor.at += 2;
    while (cursor.at < close && cursor.isForm("field")) {
      const fieldEnd = cursor.closeOf(cursor.at);
      cursor.at += 2;
      if (cursor.kind === TOKEN.id) space.define(cursor);
      else {
        while (cursor.at < fieldEnd) {
          space.count++;
          if (cursor.kind === TOKEN.open) cursor.skipForm();
          else cursor.at++;
        }
      }
      cursor.at = fieldEnd + 1;
    }
    this.fields.set(index, space);
  }

  /** Reads a `type` or `rec` field, whose first type has the index `first`; returns the index after its last type. */
  define(cursor: Cursor, first: number): number {
    let index = first;
    this.groupCount++;
    if (!cursor.takeForm("rec")) {
      this.#defineType(cursor, index, "alone");
      return index + 1;
    }
    const out = this.section;
    let count = 0;
    for (let form = cursor.at; cursor.tokens.kind[form] === TOKEN.open; form = cursor.closeOf(form) + 1) count++;
    out.u8(CODE.rec);
    writeU32Leb(out, count);
    while (cursor.kind === TOKEN.open) this.#defineType(cursor, index++, count === 1 ? "alone" : "grouped");
    cursor.close();
    return index;
  }

  #defineType(cursor: Cursor, index: number, place: "alone" | "grouped"): void {
    if (!cursor.takeForm("type")) cursor.unexpected("(type");
    cursor.takeId();
    const out = this.section;
    const isSub = cursor.takeForm("sub");
    let isPlain = true;
    if (isSub) {
      const isFinal = cursor.take("final");
      const supertypes: number[] = [];
      while (cursor.isIndex) supertypes.push(this.space.index(cursor));
      if (!isFinal || supertypes.length > 0) {
        isPlain = false;
        out.u8(isFinal ? CODE.subFinal : CODE.sub);
        writeU32Leb(out, supertypes.length);
        for (const supertype of supertypes) writeU32Leb(out, supertype);
      }
    }
    for (const word of ["describes", "descriptor"] as const) {
      if (!cursor.takeForm(word)) continue;
      isPlain = false;
      out.u8(CODE[word]);
      writeU32Leb(out, this.space.index(cursor));
      cursor.close();
    }
    const isFunc = this.#compositeType(cursor);
    if (isFunc) {
      this.#setSignature(index);
      if (isPlain && place === "alone") this.#register(index); // TYPES-2
    }
    if (isSub) cursor.close();
    cursor.close();
  }

  /** Reads a composite type; whether it is a function type, whose signature is then the one being read. */
  #compositeType(cursor: Cursor): boolean {
    const out = this.section;
    let isFunc = false;
    if (cursor.takeForm("func")) {
      this.#takeSignature(cursor, () => {});
      this.#writeSignature();
      isFunc = true;
    } else if (cursor.takeForm("struct")) this.#structType(cursor);
    else if (cursor.takeForm("array")) {
      out.u8(CODE.array);
      this.#fieldType(cursor, out);
    } else if (cursor.takeForm("cont")) {
      out.u8(CODE.cont);
      writeTypeIndex(out, this.space.index(cursor));
    } else cursor.unexpected("a type definition");
    cursor.close();
    return isFunc;
  }

  #structType(cursor: Cursor): void {
    const fields = new CodeBuffer(64);
    let count = 0;
    while (cursor.takeForm("field")) {
      if (cursor.takeId() !== undefined) {
        this.#fieldType(cursor, fields);
        count++;
      } else {
        for (; cursor.kind !== TOKEN.close; count++) this.#fieldType(cursor, fields);
      }
      cursor.close();
    }
    this.section.u8(CODE.struct);
    writeU32Leb(this.section, count);
    this.section.append(fields.bytes.subarray(0, fields.length));
  }

  #fieldType(cursor: Cursor, out: CodeBuffer): void {
    const isMutable = cursor.takeForm("mut");
    writeValType(out, this.storageType(cursor));
    if (isMutable) cursor.close();
    out.u8(isMutable ? 1 : 0);
  }
}

/** Appends a type index where a block type or heap type may stand too. */
function writeTypeIndex(out: CodeBuffer, index: number): void {
  // A signed number of 33 bits: one more byte where bit 6 of the last would be taken for a sign.
  let rest = index;
  while (rest >= 0x40) {
    out.u8(rest & 0x7f | 0x80);
    rest >>>= 7;
  }
  out.u8(rest);
}
