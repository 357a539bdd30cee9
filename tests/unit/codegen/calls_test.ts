/** Calls, thunks and stubs, run through the host. */

import { assertEquals, assertThrows } from "@std/assert";
import { Libcall, TrapCode } from "../../../lib/abi/mod.ts";
import { CodeTrap, DATA_OFFSET, f32, f64, machine, readValue, type Val, writeValue } from "./machine.ts";
import { F32, F64, I32, I64 } from "../../../lib/ir/mod.ts";

function trapOf(run: () => unknown): string {
  const trap = assertThrows(run, CodeTrap);
  return `${trap.code}@${trap.site}`;
}

Deno.test("call passes parameters and results of every kind, in registers and on the stack", () => {
  const types = ["i32", "i64", "f32", "f64"];
  const params = Array.from({ length: 26 }, (_, i) => types[(i * 7 + (i >> 2)) % 4]);
  const list = params.map((_, i) => `p${i}`).join(", ");
  const declare = params.map((type, i) => `  p${i}:${type} = param ${i}`).join("\n");
  const reverse = [...params].reverse();
  const projections = params.map((_, i) =>
    i === 0 ? `  r0:${reverse[0]} = call 0(${list}), sig0` : `  r${i}:${reverse[i]} = proj r0, ${i}`
  ).join("\n");
  const m = machine(`
sig0 (${params.join(", ")}) -> (${reverse.join(", ")})
func 0 sig0 {
b0:
${declare}
  return (${params.map((_, i) => `p${i}`).reverse().join(", ")})
}
func 1 sig0 {
b0:
${declare}
${projections}
  return (${params.map((_, i) => `r${i}`).join(", ")})
}
`);
  const args = params.map((type, i): Val =>
    type === "i32"
      ? i * 1001
      : type === "i64"
      ? BigInt(i) * 0x1_0000_0001n
      : type === "f32"
      ? f32(i + 0.5)
      : f64(i + 0.25)
  );
  assertEquals(m.call(0, ...args), [...args].reverse());
  assertEquals(m.call(1, ...args), [...args].reverse());
  // Unaligned stacks or lost stack slots show up when it is done again.
  assertEquals(m.call(1, ...args), [...args].reverse());
});

Deno.test("call_import reaches a host function through its thunk, with stack arguments and results", () => {
  const params = ["i64", "i32", "f32", "f64", "i32", "i64", "i32", "i64", "i32"];
  const results = ["i32", "i64", "i64", "f32", "f64", "f64"];
  const m = machine(`
sig0 (${params.join(", ")}) -> (${results.join(", ")})
func 0 sig0 {
b0:
${params.map((type, i) => `  p${i}:${type} = param ${i}`).join("\n")}
  q:i64 = iconst 77
  r0:i32 = call_import 1(${params.map((_, i) => `p${i}`).join(", ")}), sig0 @5
${results.slice(1).map((type, i) => `  r${i + 1}:${type} = proj r0, ${i + 1}`).join("\n")}
  s:i64 = iadd r1, p0
  t:addr = vmctx
  store t, _, s, +${DATA_OFFSET}, global
  return (${results.map((_, i) => `r${i}`).join(", ")})
}
`);
  m.importHost(1, 0, 42);
  const seen: Val[][] = [];
  const answers: Val[] = [11, 22n, -33n, f32(1.5), f64(2.5), f64(-0)];
  const resultTypes = [I32, I64, I64, F32, F64, F64], paramTypes = [I64, I32, F32, F64, I32, I64, I32, I64, I32];
  m.onHostCall = (number) => {
    assertEquals(number, 42);
    seen.push(paramTypes.map((type, i) => readValue(i, type)));
    answers.forEach((value, i) => writeValue(i, resultTypes[i], value));
  };
  const args: Val[] = [5n, -1, f32(0.1), f64(0.2), 7, -8n, 9, 1n << 40n, 13];
  assertEquals(m.call(0, ...args), answers);
  assertEquals(seen, [args]);
  // vmctx is back: the store went to this instance.
  assertEquals(m.vmctx.i64[DATA_OFFSET / 8], 27n);
});

Deno.test("call_import calls a wasm function directly", () => {
  const m = machine(`
sig0 (i32) -> (i32)
func 0 sig0 {
b0:
  p:i32 = param 0
  r:i32 = call_import 0(p), sig0
  s:i32 = iadd r, p
  return (s)
}
func 1 sig0 {
b0:
  p:i32 = param 0
  t:i32 = iconst 3
  r:i32 = imul p, t
  return (r)
}
`);
  m.importFunction(0, 1);
  assertEquals(m.call(0, 10), [40]);
});

Deno.test("call_indirect calls what a tagged VMFuncRef names", () => {
  const m = machine(`
sig0 (i64, i32) -> (i32)
sig1 (i32) -> (i32)
func 0 sig0 {
b0:
  f:i64 = param 0
  p:i32 = param 1
  r:i32 = call_indirect f, 1(p), sig1
  s:i32 = iadd r, p
  return (s)
}
func 1 sig1 {
b0:
  p:i32 = param 0
  t:i32 = iconst -7
  r:i32 = imul p, t
  return (r)
}
`);
  const ref = m.vmctx.addressNumber + DATA_OFFSET;
  m.vmctx.i64[DATA_OFFSET / 8] = BigInt(m.address(1));
  m.vmctx.i64[DATA_OFFSET / 8 + 3] = m.vmctx.address;
  assertEquals(m.call(0, BigInt(ref + 1), 10), [-60]);
});

Deno.test("libcall hands arguments to the record and takes the result from it", () => {
  const m = machine(`
sig0 (i32, i64) -> (i64)
sig1 (i32, i64) -> (i64)
func 0 sig0 {
b0:
  a:i32 = param 0
  b:i64 = param 1
  r:i64 = libcall ${Libcall.memory_grow}(a, b), sig1
  c:addr = vmctx
  store c, _, r, +${DATA_OFFSET}, global
  s:i64 = iadd r, b
  return (s)
}
`);
  m.onLibcall = (number) => {
    assertEquals(number, Libcall.memory_grow);
    assertEquals(BigInt.asIntN(32, m.libArg(0)), 3n);
    m.setLibResult(m.libArg(1) * 2n);
  };
  assertEquals(m.call(0, 3, 1n << 33n), [3n << 33n]);
  assertEquals(m.vmctx.i64[DATA_OFFSET / 8], 2n << 33n);
});

Deno.test("traps name their code and wasm offset", () => {
  const m = machine(`
sig0 (i32, i32) -> (i32)
func 0 sig0 {
b0:
  a:i32 = param 0
  b:i32 = param 1
  trap_if a, trap=${TrapCode.table_out_of_bounds} @100
  q:i32 = sdiv b, b, trap=${TrapCode.integer_divide_by_zero} @200
  c:i32 = icmp.slt b, a
  trap_if c, trap=${TrapCode.unreachable} @300
  v:addr = vmctx
  i:i64 = uextend b
  l:i32 = load v, i, +2147483647, memory!${TrapCode.memory_out_of_bounds} @400
  return (l)
}
`);
  assertEquals(trapOf(() => m.call(0, 1, 1)), `${TrapCode.table_out_of_bounds}@100`);
  assertEquals(trapOf(() => m.call(0, 0, 0)), `${TrapCode.integer_divide_by_zero}@200`);
  assertEquals(trapOf(() => m.call(0, 0, -5)), `${TrapCode.unreachable}@300`);
});

Deno.test("unbounded recursion is a stack overflow at the function's first instruction", () => {
  const m = machine(`
sig0 (i64) -> (i64)
func 0 sig0 {
b0:
  a:i64 = param 0 @9
  r:i64 = call 0(a), sig0 @10
  s:i64 = iadd r, a
  return (s)
}
`);
  assertEquals(trapOf(() => m.call(0, 1n)), `${TrapCode.stack_overflow}@9`);
  assertEquals(trapOf(() => m.call(0, 1n)), `${TrapCode.stack_overflow}@9`);
});

Deno.test("a frame larger than the check's reach is compared before it is made", () => {
  // 1,400 live values spill to more than 8 KiB.
  const count = 1400;
  const lines = [];
  for (let i = 0; i < count; i++) lines.push(`  a${i}:i64 = load v, _, +${DATA_OFFSET + 8 * (i % 100)}, global`);
  lines.push("  c:i64 = call 0(x), sig0 @3");
  lines.push("  s0:i64 = iadd a0, c");
  for (let i = 1; i < count; i++) lines.push(`  s${i}:i64 = iadd s${i - 1}, a${i}`);
  const m = machine(`
sig0 (i64) -> (i64)
func 0 sig0 {
b0:
  p:i64 = param 0
  v:addr = vmctx
  one:i64 = iconst 1
  x:i64 = isub p, one
  z:i64 = iconst 0
  k:i32 = icmp.eq p, z
  br_if k, b1, b2
b1:
  return (z)
b2:
${lines.join("\n")}
  return (s${count - 1})
}
`);
  for (let i = 0; i < 100; i++) m.vmctx.i64[DATA_OFFSET / 8 + i] = BigInt(i);
  assertEquals(m.call(0, 2n), [BigInt(2 * 14 * 4950)]);
  assertEquals(trapOf(() => m.call(0, 100000n)), `${TrapCode.stack_overflow}@0`);
});
