/** Pieces of text that the kernels are put together from: two memories, pointers into them, and loops over vectors. */

/** One of the two memories, as the text of a kernel names it. */
export interface Place {
  /** Its identifier. */
  readonly memory: string;
  /** What an address in it is. */
  readonly address: "i32" | "i64";
}

/** A local's value. */
export function get(local: string): string {
  return `(local.get ${local})`;
}

/** Sets a local. */
export function set(local: string, value: string | number): string {
  return `(local.set ${local} ${typeof value === "number" ? `(i32.const ${value})` : value})`;
}

/** Adds a number of bytes, an i32 or a constant, to a pointer. */
export function advance({ address }: Place, pointer: string, bytes: string | number): string {
  const width = address === "i32" || typeof bytes !== "string" ? bytes : `(i64.extend_i32_u ${bytes})`;
  return set(
    pointer,
    `(${address}.add ${get(pointer)} ${typeof width === "number" ? `(${address}.const ${width})` : width})`,
  );
}

/** A pointer moved by a number of bytes. */
export function offset({ address }: Place, pointer: string, bytes: string): string {
  return `(${address}.add ${get(pointer)} ${address === "i32" ? bytes : `(i64.extend_i32_u ${bytes})`})`;
}

/** Takes from a count. */
export function take(count: string, amount: string | number): string {
  return set(count, `(i32.sub ${get(count)} ${typeof amount === "number" ? `(i32.const ${amount})` : amount})`);
}

/** A load from a place. */
export function load(op: string, { memory }: Place, pointer: string, offsetBytes = 0): string {
  return `(${op} ${memory} offset=${offsetBytes} ${get(pointer)})`;
}

/** A store to a place. */
export function store(op: string, { memory }: Place, pointer: string, value: string, offsetBytes = 0): string {
  return `(${op} ${memory} offset=${offsetBytes} ${get(pointer)} ${value})`;
}

/** The distance of two pointers in bytes, as an i32. */
export function distance({ address }: Place, end: string, start: string): string {
  const bytes = `(${address}.sub ${get(end)} ${get(start)})`;
  return address === "i32" ? bytes : `(i32.wrap_i64 ${bytes})`;
}
