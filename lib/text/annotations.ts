/**
 * Annotations that mean something: `@name`, `@custom` and `@metadata.code.branch_hint` (spec: text-nameannot,
 * text-customannot; the branch hinting proposal).
 *
 * A parser asks for an annotation where it may stand; one that nobody asked for is misplaced.
 *
 * May import: base, wasm. @module
 */
import { CodeBuffer, NONE } from "../base/mod.ts";
import { SECTIONS } from "../wasm/mod.ts";
import { Cursor } from "./cursor.ts";
import { TextError } from "./errors.ts";
import { type Annotation, type AnnotationName, type LexedText, TOKEN } from "./lexer.ts";

/** A custom section that a text asks for. */
export interface CustomText {
  readonly name: Uint8Array;
  readonly content: Uint8Array;
  /** Before row p of {@linkcode SECTIONS}: 2p; after it: 2p + 1. */
  readonly place: number;
}

const MESSAGES: Record<AnnotationName, string> = {
  name: "misplaced @name annotation",
  custom: "misplaced @custom annotation",
  "metadata.code.branch_hint": "@metadata.code.branch_hint annotation: not in front of an instruction of a function",
};

/** The annotations of one module. */
export class AnnotationReader {
  readonly #text: LexedText;
  /** The annotations that were read. */
  readonly #taken = new Set<Annotation>();
  readonly #first: number;

  /** The module starts at token `at`. */
  constructor(text: LexedText, at: number) {
    this.#text = text;
    this.#first = text.annotations.length === 0 ? 0 : this.#search(at);
  }

  /** Whether there are any. */
  get isEmpty(): boolean {
    return this.#text.annotations.length === 0;
  }

  /** The first annotation in front of token `at` or a later one. */
  #search(at: number): number {
    const { annotations } = this.#text;
    let low = 0;
    let high = annotations.length;
    while (low < high) {
      const middle = low + high >> 1;
      if (annotations[middle].before < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes the annotations of that name in front of token `at`. */
  #take(name: AnnotationName, at: number): Annotation[] {
    const { annotations } = this.#text;
    if (annotations.length === 0) return [];
    const found: Annotation[] = [];
    for (let i = this.#search(at); i < annotations.length && annotations[i].before === at; i++) {
      if (annotations[i].name !== name) continue;
      found.push(annotations[i]);
      this.#taken.add(annotations[i]);
    }
    return found;
  }

  #items(annotation: Annotation): Cursor {
    return new Cursor(this.#text, annotation.firstToken, this.#text.annotationTokens);
  }

  #fail(annotation: Annotation, reason: string): never {
    throw new TextError(reason, this.#text.source, annotation.offsetBytes);
  }

  /** Takes `(@name "...")` in front of token `at`: the name's bytes. */
  takeName(at: number, what: string): Uint8Array<ArrayBuffer> | undefined {
    const [annotation, second] = this.#take("name", at);
    if (annotation === undefined) return undefined;
    if (second !== undefined) this.#fail(second, `@name annotation: multiple ${what} names`);
    const items = this.#items(annotation);
    if (items.kind !== TOKEN.string) this.#fail(annotation, "@name annotation: string expected");
    const name = items.name();
    if (items.at !== annotation.endToken) items.fail("@name annotation: unexpected token");
    return name;
  }

  /** Takes a branch hint in front of token `at`: 0 for unlikely, 1 for likely, NONE for no hint. */
  takeBranchHint(at: number): number {
    const [annotation, second] = this.#take("metadata.code.branch_hint", at);
    if (annotation === undefined) return NONE;
    if (second !== undefined) this.#fail(second, "@metadata.code.branch_hint annotation: duplicate annotation");
    const items = this.#items(annotation);
    const payload = new CodeBuffer(8);
    items.strings(payload);
    if (items.at !== annotation.endToken) items.fail("@metadata.code.branch_hint annotation: unexpected token");
    if (payload.length !== 1 || payload.bytes[0] > 1) {
      this.#fail(annotation, "@metadata.code.branch_hint annotation: invalid hint value");
    }
    return payload.bytes[0];
  }

  /** Takes the custom sections in front of token `at`. */
  takeCustoms(at: number): CustomText[] {
    return this.#take("custom", at).map((annotation) => this.#custom(annotation));
  }

  #custom(annotation: Annotation): CustomText {
    const items = this.#items(annotation);
    if (items.kind !== TOKEN.string) this.#fail(annotation, "@custom annotation: missing section name");
    let name: Uint8Array;
    try {
      name = items.name();
    } catch (error) {
      if (error instanceof TextError) this.#fail(annotation, `@custom annotation: ${error.reason}`);
      throw error;
    }
    const place = items.tokens.kind[items.at] === TOKEN.open ? this.#place(items) : 2 * SECTIONS.length - 1;
    const content = new CodeBuffer(64);
    items.strings(content);
    if (items.at !== annotation.endToken) items.fail("@custom annotation: unexpected token");
    return { name, content: content.toBytes(), place };
  }

  #place(items: Cursor): number {
    items.open();
    const side = items.quote(items.at);
    if (side !== "before" && side !== "after") items.fail("@custom annotation: malformed placement");
    items.at++;
    const section = items.quote(items.at);
    const place = section === "first"
      ? 0
      : section === "last"
      ? SECTIONS.length - 1
      : SECTIONS.findIndex(([, , word]) => word === section);
    if (place < 0) items.fail("@custom annotation: malformed section kind");
    items.at++;
    if (items.kind !== TOKEN.close) items.fail("@custom annotation: unexpected token");
    items.at++;
    return 2 * place + (side === "after" ? 1 : 0);
  }

  /** Fails when an annotation in front of tokens up to `end` was not read by anybody. */
  requireAllTaken(end: number): void {
    const { annotations } = this.#text;
    for (let i = this.#first; i < annotations.length && annotations[i].before <= end; i++) {
      if (!this.#taken.has(annotations[i])) this.#fail(annotations[i], MESSAGES[annotations[i].name]);
    }
  }
}
