/** SSA construction: parameters where several definitions reach a use and nowhere else, edges split, dead code dropped. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { InternalError, IntList } from "../../../lib/base/mod.ts";
import {
  ADDR,
  type Block,
  FuncBuilder,
  I32,
  I64,
  IntCond,
  Ir,
  printFunc,
  Signatures,
  type Value,
  verifyFunc,
} from "../../../lib/ir/mod.ts";

const signatures = new Signatures();
const UNARY = signatures.add([I32], [I32]);
const NULLARY = signatures.add([], []);
const b = new FuncBuilder();

/** A builder with `count` i32 variables, the first of them set to the parameter. */
function start(count: number): FuncBuilder {
  b.reset(signatures, UNARY, 0);
  b.declareVariables(count);
  for (let i = 0; i < count; i++) b.setVariableType(i, I32);
  if (count > 0) b.def(0, b.param(0, I32));
  return b;
}

function returns(value: Value): void {
  const list = new IntList();
  list.push(value);
  b.return_(list);
}

function finished(): string {
  b.finish();
  verifyFunc(b.func);
  return printFunc(b.func).replace(/^sig.*\n|^func.*\n|^}\n/gm, "");
}

/** Number of block parameters of the finished function. */
function paramCount(): number {
  let count = 0;
  for (let block = 0; block < b.func.blockCount; block++) count += b.func.paramCount[block];
  return count;
}

Deno.test("FuncBuilder makes a parameter for a variable that two arms define", () => {
  start(2);
  const [then, otherwise, join] = [b.createBlock(), b.createBlock(), b.createBlock()];
  b.brIf(b.use(0), then, otherwise);
  b.seal(then);
  b.seal(otherwise);
  b.switchTo(then);
  b.def(1, b.iconst32(1));
  b.jump(join);
  b.switchTo(otherwise);
  b.def(1, b.iconst32(2));
  b.jump(join);
  b.seal(join);
  b.switchTo(join);
  returns(b.use(1));
  assertEquals(
    finished(),
    `b0:
  v0:i32 = param 0
  br_if v0, b1, b2
b1:
  v1:i32 = iconst 1
  jump b3(v1)
b2:
  v2:i32 = iconst 2
  jump b3(v2)
b3(v3:i32):
  return (v3)
`,
  );
});

Deno.test("FuncBuilder makes no parameter for a variable that a loop only reads", () => {
  start(2);
  b.def(1, b.iconst32(7));
  const [header, body, exit] = [b.createBlock(), b.createBlock(), b.createBlock()];
  b.jump(header);
  b.switchTo(header);
  b.brIf(b.use(0), body, exit);
  b.seal(body);
  b.switchTo(body);
  b.def(0, b.binary(Ir.isub, b.use(0), b.use(1)));
  b.jump(header);
  b.seal(header);
  b.seal(exit);
  b.switchTo(exit);
  returns(b.use(1));
  const text = finished();
  assertEquals(paramCount(), 1, text);
});

Deno.test("FuncBuilder makes no parameters in nested loops for what only the innermost one reads", () => {
  start(3);
  b.def(1, b.iconst32(3));
  const depth = 6;
  const headers: Block[] = [];
  const exits: Block[] = [];
  for (let i = 0; i < depth; i++) {
    const [header, exit, body] = [b.createBlock(), b.createBlock(), b.createBlock()];
    b.jump(header);
    b.switchTo(header);
    b.brIf(b.use(0), body, exit);
    b.seal(body);
    b.switchTo(body);
    headers.push(header);
    exits.push(exit);
  }
  b.def(0, b.binary(Ir.isub, b.use(0), b.use(1)));
  for (let i = depth - 1; i >= 0; i--) {
    b.jump(headers[i]);
    b.seal(headers[i]);
    b.seal(exits[i]);
    b.switchTo(exits[i]);
  }
  returns(b.use(1));
  const text = finished();
  assertEquals(paramCount(), depth, text); // variable 0 in each header; variable 1 in none
});

Deno.test("FuncBuilder looks past a join when nothing between it and its dominator defines the variable", () => {
  start(1);
  const value = b.use(0);
  for (let i = 0; i < 3; i++) {
    const [then, join] = [b.createBlock(), b.createBlock()];
    b.brIf(value, then, join);
    b.seal(then);
    b.switchTo(then);
    b.jump(join);
    b.seal(join);
    b.switchTo(join);
  }
  assertEquals(b.use(0), value);
  returns(value);
  finished();
  assertEquals(paramCount(), 0);
});

Deno.test("FuncBuilder gives an edge of br_if to a join a block of its own", () => {
  start(1);
  const [join, next] = [b.createBlock(), b.createBlock()];
  b.brIf(b.use(0), join, next);
  b.seal(next);
  b.switchTo(next);
  b.def(0, b.iconst32(5));
  b.jump(join);
  b.seal(join);
  b.switchTo(join);
  returns(b.use(0));
  assertEquals(
    finished(),
    `b0:
  v0:i32 = param 0
  br_if v0, b2, b1
b1:
  v1:i32 = iconst 5
  jump b3(v1)
b2:
  jump b3(v0)
b3(v2:i32):
  return (v2)
`,
  );
});

Deno.test("FuncBuilder splits edges of br_table once per target and keeps single ones", () => {
  start(1);
  const blocks = [b.createBlock(), b.createBlock(), b.createBlock()];
  const index = b.use(0);
  b.brTable(index, new Int32Array([blocks[0], blocks[2], blocks[1], blocks[2], blocks[0]]), 5);
  b.seal(blocks[0]);
  b.switchTo(blocks[0]);
  b.def(0, b.iconst32(1));
  b.jump(blocks[1]);
  b.seal(blocks[1]);
  b.switchTo(blocks[1]);
  b.jump(blocks[2]);
  b.seal(blocks[2]);
  b.switchTo(blocks[2]);
  returns(b.use(0));
  const text = finished();
  assert(text.includes("br_table v0, [b1, b2, b3, b2, b1]"), text);
  assertEquals(paramCount(), 2, text);
});

Deno.test("FuncBuilder passes explicit arguments, and drops a parameter that always gets one value", () => {
  start(1);
  const [then, otherwise, join] = [b.createBlock(), b.createBlock(), b.createBlock()];
  const same = b.createBlockParam(join, I32);
  const different = b.createBlockParam(join, I32);
  const x = b.use(0);
  const args = new IntList();
  b.brIf(x, then, otherwise);
  b.seal(then);
  b.seal(otherwise);
  for (const [block, constant] of [[then, 1], [otherwise, 2]] as const) {
    b.switchTo(block);
    args.reset();
    args.push(99); // passed from the second element on
    args.push(x);
    args.push(b.iconst32(constant));
    b.jump(join, args, 1);
  }
  b.seal(join);
  b.switchTo(join);
  returns(b.binary(Ir.iadd, same, different));
  const text = finished();
  assertEquals(paramCount(), 1, text);
  assert(text.includes("iadd v0, v3"), text);
});

Deno.test("FuncBuilder gives zero for a variable read before it is defined", () => {
  start(2);
  const [then, join] = [b.createBlock(), b.createBlock()];
  b.brIf(b.use(0), then, join);
  b.seal(then);
  b.switchTo(then);
  b.def(1, b.use(0));
  b.jump(join);
  b.seal(join);
  b.switchTo(join);
  returns(b.use(1));
  const text = finished();
  assert(text.startsWith("b0:\n  v0:i32 = param 0\n  v1:i32 = iconst 0\n"), text);
});

Deno.test("FuncBuilder drops code that cannot run", () => {
  start(1);
  const [dead, join] = [b.createBlock(), b.createBlock()];
  b.brIf(b.iconst32(1), join, dead);
  b.seal(dead);
  assertEquals(b.isReachable(dead), false);
  b.switchTo(dead);
  assertEquals(b.reachable, false);
  b.def(0, b.iconst32(3));
  const header = b.createBlock(); // a loop nobody enters
  b.jump(header);
  b.switchTo(header);
  b.trapIf(b.use(0), 1);
  b.brIf(b.use(0), header, join);
  b.seal(header);
  b.seal(join);
  b.switchTo(join);
  b.trapUnless(b.iconst32(0), 9); // always traps: the rest is dropped as well
  b.def(0, b.iconst32(4));
  returns(b.use(0));
  assertEquals(
    finished(),
    `b0:
  v0:i32 = param 0
  v1:i32 = iconst 1
  jump b1()
b1:
  v2:i32 = iconst 0
  trap trap=9
`,
  );
});

Deno.test("FuncBuilder numbers values within a block, addresses not across calls", () => {
  start(1);
  const x = b.use(0);
  assertEquals(b.binary(Ir.iadd, x, b.iconst32(4)), b.binary(Ir.iadd, x, b.iconst32(4)));
  const wide = b.unary(Ir.uextend, x, I64);
  const address = b.addrAdd(b.vmctxAddr(8, -1), wide);
  assertEquals(b.addrAdd(b.vmctxAddr(8, -1), wide), address);
  b.store(Ir.store, address, -1, x, 0, 0x102);
  b.call(Ir.call, -1, 0, new IntList(), 0, 0, NULLARY);
  const after = b.addrAdd(b.vmctxAddr(8, -1), wide);
  assert(after !== address);
  assertEquals(b.func.type[after], ADDR);
  b.store(Ir.store, after, -1, x, 0, 0x102);
  returns(x);
  finished();
});

Deno.test("FuncBuilder swaps the targets of a branch on zero", () => {
  start(1);
  const [then, otherwise] = [b.createBlock(), b.createBlock()];
  const x = b.use(0);
  b.brIf(b.icmp(IntCond.eq, x, b.iconst32(0)), then, otherwise);
  b.seal(then);
  b.seal(otherwise);
  const branch = b.func.terminator(0);
  assertEquals([b.func.a[branch], b.func.imm[branch], b.func.aux[branch]], [x, otherwise, then]);
  for (const block of [then, otherwise]) {
    b.switchTo(block);
    returns(x);
  }
  finished();
});

Deno.test("FuncBuilder refuses what breaks its rules", () => {
  start(1);
  const block = b.createBlock();
  b.jump(block);
  b.seal(block);
  assertThrows(() => b.seal(block), InternalError, "sealed twice");
  assertThrows(() => b.jump(block), InternalError);
  b.switchTo(block);
  assertThrows(() => b.finish(), InternalError, "finish before");
  assertThrows(() => b.switchTo(block), InternalError);
  assertThrows(() => b.jump(block), InternalError, "sealed");
  returns(b.use(0));
  assertThrows(() => b.iconst32(1), InternalError, "outside a block");
  finished();
});

Deno.test("FuncBuilder.reset() forgets the function before", () => {
  const build = () => {
    start(2);
    const [then, join] = [b.createBlock(), b.createBlock()];
    b.brIf(b.use(0), then, join);
    b.seal(then);
    b.switchTo(then);
    b.def(1, b.iconst32(9));
    b.jump(join);
    b.seal(join);
    b.switchTo(join);
    returns(b.binary(Ir.iadd, b.use(1), b.use(0)));
    return finished();
  };
  const first = build();
  start(40);
  for (let i = 1; i < 40; i++) b.def(i, b.iconst32(i * 3));
  returns(b.use(39));
  finished();
  assertEquals(build(), first);
});

Deno.test("FuncBuilder stays linear on 20,000 branches to one join and 5,000 variables", () => {
  const began = performance.now();
  start(5000);
  const join = b.createBlock();
  for (let i = 0; i < 20_000; i++) {
    const next = b.createBlock();
    b.brIf(b.use(0), join, next);
    b.seal(next);
    b.switchTo(next);
    if (i % 1000 === 0) b.def(1 + i / 1000, b.iconst32(i));
  }
  b.jump(join);
  b.seal(join);
  b.switchTo(join);
  let sum = b.iconst32(0);
  for (let i = 0; i < 5000; i++) sum = b.binary(Ir.iadd, sum, b.use(i));
  returns(sum);
  b.finish();
  verifyFunc(b.func);
  assertEquals(b.func.paramCount[join], 20);
  // Quadratic in blocks, or a matrix of variables and blocks, would take minutes.
  assert(performance.now() - began < 10_000);
});
