/**
 * The state of translating one function: operand stack, control stack, and the cursor and builder that the handlers share.
 *
 * WebAssembly's operand stack is known statically, so it exists at translation only: a list of IR values. Locals are variables of the SSA
 * builder (Braun et al.); block results, which cross edges as operands, are parameters of the block that a label leads to.
 *
 * A control frame is one row of parallel columns. Its label's block is made by the first branch to it, so a `block` that nobody leaves by
 * a branch costs nothing; a loop's header is made at once.
 *
 * TR-1  While `reachable` is false the operand stack ends at the innermost frame's height, and the driver calls handlers only for that
 *       frame's own `else` and `end`: no handler sees an operand that does not exist.
 * TR-2  `frameSig` says which values a frame takes and leaves; only the outermost frame (number 0) has no label block: a branch to it is
 *       a return.
 * TR-3  A handler leaves the reader after its immediates.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { bug, growInt32, growUint8, IntList, NONE } from "../base/mod.ts";
import type { Block, Func, FuncBuilder, SigId, Value } from "../ir/mod.ts";
import { BodyReader } from "../wasm/mod.ts";
import type { TranslateEnvironment } from "./environment.ts";
import { HandlerScopes } from "./handlers.ts";

/** Lowers one instruction: reads its immediates, pops operands, appends IR, pushes results. */
export type Lower = (t: Translator) => void;

/** What opened a control frame. */
export const FrameKind = { func: 0, block: 1, loop: 2, if: 3, else: 4, tryTable: 5, try: 6, catch: 7 } as const;

/** Reusable scratch of {@linkcode translateFunction}, and the context of the handlers. */
export class Translator {
  environment!: TranslateEnvironment;
  builder!: FuncBuilder;
  func!: Func;
  readonly reader: BodyReader = new BodyReader(new Uint8Array(0));
  /** Whether the code at the reader's place can run (TR-1). */
  reachable = true;

  /** Operands: IR values. */
  readonly stack: IntList = new IntList(256);

  /** Number of open frames. */
  depth = 0;
  frameKind: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  /** What the block takes and leaves. */
  frameSig: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Length of the operand stack below the frame's parameters. */
  frameHeight: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The block that a branch to the frame's label leads to: a loop's header, else what follows `end`; NONE until somebody branches. */
  frameLabel: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The first of the consecutive parameters of a label's block, when it has some; not for loops. */
  frameLabelParam: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Frames of kind `if`: the block of the other arm; of kind `catch`: where the dispatch goes on, NONE if nobody lands there. */
  frameElse: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The block that carries a `br_table`'s operands to the frame's label; NONE outside of that handler. */
  frameEdge: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The innermost handler scope inside the frame, NONE if there is none: what a `delegate` to its label means. */
  frameInside: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** The handler scope that a frame of kind `tryTable`, `try`, `catch` opened, NONE for a `try_table` that catches nothing. */
  frameScope: Int32Array<ArrayBuffer> = new Int32Array(64);
  /** Frames of kind `catch`: number of the clause, and the exception. */
  frameClause: Int32Array<ArrayBuffer> = new Int32Array(64);
  frameException: Int32Array<ArrayBuffer> = new Int32Array(64);
  readonly handlers: HandlerScopes = new HandlerScopes();
  /** The frame that a `try_table`'s clause leads to, by clause number. */
  readonly clauseTarget: IntList = new IntList(64);
  /** Parameters of open `if` frames, kept for the other arm. */
  readonly savedParams: IntList = new IntList(64);

  /** Targets of the `br_table` being translated. */
  readonly targets: IntList = new IntList(64);
  /** Frames whose `frameEdge` is set. */
  readonly edges: IntList = new IntList(64);
  /** Arguments of a libcall or jump that are not on the operand stack. */
  readonly args: IntList = new IntList(16);
  /** What takes the fuel for the code from the last region's start on, NONE between regions, and how much so far. */
  fuelTaker: number = NONE;
  fuelCost = 0;
  /** Displacement and memory flags of the access being translated. */
  accessDisp = 0;
  accessFlags = 0;

  /** Starts on a function body of `environment`'s module. */
  begin(environment: TranslateEnvironment, builder: FuncBuilder, start: number, end: number): void {
    this.environment = environment;
    this.builder = builder;
    this.func = builder.func;
    this.reader.features = environment.module.features;
    this.reader.reset(environment.module.bytes, start, end);
    this.reachable = true;
    this.stack.reset();
    this.savedParams.reset();
    this.handlers.reset();
    this.depth = 0;
    this.fuelTaker = NONE;
    this.fuelCost = 0;
  }

  /** Pushes an operand. */
  push(value: Value): void {
    this.stack.push(value);
  }

  /** Pops an operand. */
  pop(): Value {
    return this.stack.pop() as Value;
  }

  /** Opens a frame whose parameters are on the operand stack. */
  openFrame(kind: number, sig: SigId, paramCount: number, label: number): number {
    const frame = this.depth;
    if (frame === this.frameKind.length) this.#growFrames(frame + 1);
    this.depth = frame + 1;
    this.frameKind[frame] = kind;
    this.frameSig[frame] = sig;
    this.frameHeight[frame] = this.stack.length - paramCount;
    this.frameLabel[frame] = label;
    this.frameElse[frame] = NONE;
    this.frameEdge[frame] = NONE;
    this.frameInside[frame] = this.handlers.current;
    return frame;
  }

  /** The frame that a label depth names. */
  frameAt(labelDepth: number): number {
    const frame = this.depth - 1 - labelDepth;
    if (frame < 0) bug(`label ${labelDepth} in ${this.depth} frames`);
    return frame;
  }

  /** The types that a branch to the frame's label carries. */
  labelTypes(frame: number): Uint8Array {
    const { signatures } = this.environment;
    const sig = this.frameSig[frame];
    return this.frameKind[frame] === FrameKind.loop ? signatures.params[sig] : signatures.results[sig];
  }

  /** The block of a frame's label, made if nobody has asked for it; not for the outermost frame (TR-2). */
  labelBlock(frame: number): Block {
    const known = this.frameLabel[frame];
    if (known !== NONE) return known as Block;
    const block = this.builder.createBlock();
    this.frameLabel[frame] = block;
    this.frameLabelParam[frame] = this.addParams(block, this.environment.signatures.results[this.frameSig[frame]]);
    return block;
  }

  /** Gives a block one parameter per type; they are consecutive values, the first of which is returned. */
  addParams(block: Block, types: Uint8Array): number {
    const first = this.func.count;
    for (let i = 0; i < types.length; i++) {
      if (this.builder.createBlockParam(block, types[i]) !== first + i) bug("block parameters are not consecutive");
    }
    return first;
  }

  /** Makes the parameters of the label's block, which leads on after the frame's `end`, the frame's results. */
  pushLabelParams(frame: number): void {
    const first = this.frameLabelParam[frame];
    const count = this.environment.signatures.results[this.frameSig[frame]].length;
    this.stack.length = this.frameHeight[frame];
    for (let i = 0; i < count; i++) this.stack.push(first + i);
  }

  /** Marks what follows as dead, up to the innermost frame's `else` or `end`. */
  setUnreachable(): void {
    this.reachable = false;
    this.stack.length = this.frameHeight[this.depth - 1];
  }

  #growFrames(needed: number): void {
    this.frameKind = growUint8(this.frameKind, needed);
    this.frameSig = growInt32(this.frameSig, needed);
    this.frameHeight = growInt32(this.frameHeight, needed);
    this.frameLabel = growInt32(this.frameLabel, needed);
    this.frameLabelParam = growInt32(this.frameLabelParam, needed);
    this.frameElse = growInt32(this.frameElse, needed);
    this.frameEdge = growInt32(this.frameEdge, needed);
    this.frameInside = growInt32(this.frameInside, needed);
    this.frameScope = growInt32(this.frameScope, needed);
    this.frameClause = growInt32(this.frameClause, needed);
    this.frameException = growInt32(this.frameException, needed);
  }
}
