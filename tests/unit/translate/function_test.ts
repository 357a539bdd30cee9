import { assert, assertEquals } from "@std/assert";
import { shapeOf, TrapCode } from "../../../lib/abi/mod.ts";
import { CodeBuffer } from "../../../lib/base/mod.ts";
import { type Func, FuncBuilder, I32, I64, Ir, memTrap, REF, verifyFunc } from "../../../lib/ir/mod.ts";
import { TranslateEnvironment, translateFunction, Translator } from "../../../lib/translate/mod.ts";
import { decodeModule, type Module, validateModule, writeU32Leb } from "../../../lib/wasm/mod.ts";
import { wat } from "../../wat.ts";
import { InstanceModel, World } from "./vm_model.ts";

/** A module of one exported function "f" of type [i32] -> [i32], from its local declarations and code. */
function moduleOf(body: CodeBuffer): Module {
  const out = new CodeBuffer();
  out.append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  out.append(Uint8Array.of(1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f));
  out.append(Uint8Array.of(3, 2, 1, 0));
  out.append(Uint8Array.of(7, 5, 1, 1, 0x66, 0, 0));
  const content = new CodeBuffer();
  writeU32Leb(content, 1);
  writeU32Leb(content, body.length);
  content.append(body.toBytes());
  out.u8(10);
  writeU32Leb(out, content.length);
  out.append(content.toBytes());
  const module = decodeModule(out.toBytes());
  validateModule(module);
  return module;
}

function translate(module: Module, index = 0): Func {
  const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds: "guard" });
  const func = translateFunction(environment, index, new FuncBuilder(), new Translator());
  verifyFunc(func);
  return func;
}

function run(module: Module, argument: number): number {
  const world = new World({ bounds: "guard" });
  const instance = new InstanceModel(world, module, () => {
    throw new Error("no imports");
  });
  return instance.call(0, [argument])[0] as number;
}

function bytes(...parts: readonly (readonly number[])[]): CodeBuffer {
  const out = new CodeBuffer();
  for (const part of parts) out.append(Uint8Array.from(part));
  return out;
}

function repeat(count: number, ...part: readonly number[]): number[] {
  return Array.from({ length: count * part.length }, (_, i) => part[i % part.length]);
}

function countOps(func: Func, op: number): number {
  let count = 0;
  for (let i = 0; i < func.orderLength; i++) if (func.op[func.order[i]] === op) count++;
  return count;
}

const LOCAL_GET_0 = [0x20, 0];
const END = [0x0b];

Deno.test("translateFunction() takes 100,000 nested blocks without recursion", () => {
  const depth = 100_000;
  const module = moduleOf(bytes([0], repeat(depth, 0x02, 0x40), repeat(depth, 0x0b), LOCAL_GET_0, END));
  assertEquals(run(module, 42), 42);
  assertEquals(translate(module).blockCount, 1, "blocks that nobody leaves by a branch cost nothing");
});

Deno.test("translateFunction() takes 20,000 nested loops and ifs", () => {
  const depth = 20_000;
  const nested = bytes(
    [0],
    repeat(depth, 0x03, 0x40, 0x20, 0, 0x04, 0x40),
    repeat(depth, 0x0b, 0x0b),
    LOCAL_GET_0,
    END,
  );
  assertEquals(run(moduleOf(nested), 1), 1);
});

Deno.test("translateFunction() takes 50,000 locals", () => {
  const body = new CodeBuffer();
  body.u8(1);
  writeU32Leb(body, 49_999);
  body.u8(0x7f);
  body.append(Uint8Array.from([...LOCAL_GET_0, 0x21])); // local.set 49999
  writeU32Leb(body, 49_999);
  body.u8(0x20);
  writeU32Leb(body, 49_998);
  body.u8(0x20);
  writeU32Leb(body, 49_999);
  body.append(Uint8Array.from([0x6a, 0x0b]));
  const module = moduleOf(body);
  assertEquals(run(module, 5), 5);
  assert(translate(module).count < 10, "locals that are not used cost no instructions");
});

Deno.test("translateFunction() takes a br_table of 65,520 labels that carry a value", () => {
  const body = bytes([0], [0x02, 0x7f], [0x02, 0x7f], [0x41, 7], LOCAL_GET_0, [0x0e]);
  writeU32Leb(body, 65_520);
  for (let i = 0; i < 65_520; i++) body.u8(i & 1);
  body.append(Uint8Array.from([2, 0x0b, 0x41, 1, 0x6a, 0x0b, 0x41, 1, 0x6a, 0x0b])); // default: return
  const module = moduleOf(body);
  assertEquals([0, 1, 65_519, 65_520, -1].map((index) => run(module, index)), [9, 8, 8, 7, 7]);
});

Deno.test("translateFunction() skips dead code of any nesting", () => {
  const dead = [...repeat(1000, 0x02, 0x40), ...repeat(1000, 0x03, 0x40), ...repeat(2000, 0x0b), 0x41, 9, 0x1a];
  const func = translate(moduleOf(bytes([0], LOCAL_GET_0, [0x0f], dead, END)));
  assertEquals(func.blockCount, 1);
});

Deno.test("translateFunction() allocates no storage for a function that it has translated before", () => {
  const module = decodeModule(
    wat(`(module (memory 1) (table 1 funcref) (type $t (func (param i32) (result i32 i32)))
      (func (param i32) (result i32) (local i64 f64)
        (block (result i32)
          (loop (br_if 0 (i32.load (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
          (br_if 0 (local.get 0) (i32.const 1))
          (drop)
          (i32.add (call_indirect (type $t) (local.get 0) (i32.const 0))))))`),
  );
  const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds: "guard" });
  const builder = new FuncBuilder();
  const scratch = new Translator();
  translateFunction(environment, 0, builder, scratch);
  const storage = () =>
    [builder.func, ...Object.values(builder.func), ...Object.values(scratch), scratch.stack.data]
      .filter((value) => ArrayBuffer.isView(value) || value instanceof FuncBuilder);
  const before = storage();
  translateFunction(environment, 0, builder, scratch);
  const after = storage();
  assertEquals(after.length, before.length);
  assert(before.length > 10);
  assert(after.every((array, i) => array === before[i]));
});

Deno.test("translateFunction() stamps the offset of each wasm instruction", () => {
  const module = decodeModule(
    wat(`(module (memory 1) (func (param i32 i32) (result i32)
      (i32.load8_u (i32.div_u (local.get 0) (local.get 1)))))`),
  );
  const func = translate(module);
  for (let i = 0; i < func.orderLength; i++) {
    const value = func.order[i];
    const byte = module.bytes[func.site[value]];
    if (func.op[value] === Ir.udiv) assertEquals(byte, 0x6e);
    if (func.op[value] === Ir.load8_u) assertEquals(byte, 0x2d);
    if (func.op[value] === Ir.return) assertEquals(byte, 0x0b);
  }
  assertEquals(countOps(func, Ir.udiv) + countOps(func, Ir.load8_u) + countOps(func, Ir.return), 3);
});

Deno.test("translateFunction() tests a lazily initialised element off the hot path and null by a fault", () => {
  const module = decodeModule(
    wat(`(module (table 8 8 funcref) (type $t (func))
      (func (param i32) (call_indirect (type $t) (local.get 0))))`),
  );
  const func = translate(module);
  let cold = 0;
  for (let block = 0; block < func.blockCount; block++) {
    if (func.cold[block] === 0) continue;
    cold++;
    for (let i = func.blockStart[block]; i < func.blockEnd[block]; i++) {
      assert([Ir.iconst, Ir.libcall, Ir.jump].includes(func.op[func.order[i]]));
    }
  }
  assertEquals(cold, 1);
  const traps: number[] = [];
  for (let i = 0; i < func.orderLength; i++) {
    const value = func.order[i];
    if (func.op[value] === Ir.trap_if || func.op[value] === Ir.trap_unless) traps.push(func.imm[value]);
    if (func.op[value] === Ir.load && memTrap(func.aux[value]) !== 0) traps.push(memTrap(func.aux[value]));
  }
  assertEquals(traps, [
    TrapCode.indirect_call_out_of_bounds,
    TrapCode.indirect_call_to_null,
    TrapCode.indirect_call_type_mismatch,
  ]);
});

Deno.test("TranslateEnvironment gives each wasm type its IR type", () => {
  const module = decodeModule(
    wat(`(module (type (func (param i32 i64 f32 f64 funcref externref) (result externref))))`),
  );
  const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds: "guard" });
  const sig = environment.typeSig[0];
  assertEquals([...environment.signatures.params[sig]], [I32, I64, 3, 4, I64, REF]);
  assertEquals([...environment.signatures.results[sig]], [REF]);
});
