/**
 * What the parts of a module's parser share: the cursor, the index spaces, and what was noticed on the way.
 *
 * May import: base, wasm. @module
 */
import { AnnotationReader } from "./annotations.ts";
import { Cursor } from "./cursor.ts";
import { IndexSpace } from "./index_space.ts";
import type { LexedText } from "./lexer.ts";
import { LabelScope, LocalScope } from "./scopes.ts";
import { TypeTable } from "./types.ts";

/** The state of parsing one module. */
export class ModuleContext {
  readonly cursor: Cursor;
  readonly annotations: AnnotationReader;
  readonly types: TypeTable = new TypeTable();
  readonly funcs: IndexSpace = new IndexSpace("function");
  readonly tables: IndexSpace = new IndexSpace("table");
  readonly memories: IndexSpace = new IndexSpace("memory");
  readonly globals: IndexSpace = new IndexSpace("global");
  readonly tags: IndexSpace = new IndexSpace("tag");
  readonly elems: IndexSpace = new IndexSpace("elem segment");
  readonly datas: IndexSpace = new IndexSpace("data segment");
  readonly locals: LocalScope;
  readonly labels: LabelScope;
  /** Whether an instruction names a data segment: the binary then needs the number of segments before the code. */
  namesData = false;

  /** The module's fields start at token `at`. */
  constructor(text: LexedText, at: number) {
    this.cursor = new Cursor(text, at);
    this.annotations = new AnnotationReader(text, at);
    this.locals = new LocalScope(text.symbols.count);
    this.labels = new LabelScope(text.symbols.count);
  }
}
