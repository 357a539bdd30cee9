/** Types of objects for random modules: structs in subtype chains, arrays of every storage type, function types that code names. */

import type { Random } from "./random.ts";
import {
  heapIndexOf,
  type HeapTypeTree,
  type ObjectType,
  type Signature,
  type StorageName,
  type TypeName,
} from "./wasm_tree.ts";

/** Heap types that stand above structs and arrays. */
export const TOPS: readonly ObjectType[] = ["anyref", "eqref", "structref", "arrayref", "i31ref"];

/** What the types of a module hold. */
export interface HeapStyle {
  readonly hasObjects: boolean;
  readonly hasFunctionReferences: boolean;
  readonly hasVectors: boolean;
}

/** The types of one program: its modules share them, so that functions that pass objects can be imported. */
export function makeHeapTypes(random: Random, style: HeapStyle): HeapTypeTree[] {
  const all: HeapTypeTree[] = [];
  const structs = style.hasObjects ? 2 + random.below(4) : 0;
  const storage = (): StorageName => {
    const kinds: StorageName[] = ["i8", "i16", "i32", "i64", "f32", "f64", "funcref", "externref", ...TOPS];
    if (style.hasVectors) kinds.push("v128");
    return random.oneIn(3) ? `(ref null ${random.below(structs)})` : random.pick(kinds);
  };
  for (let i = 0; i < structs; i++) {
    const supertype = i > 0 && !random.oneIn(3) ? random.below(i) : undefined;
    const above = supertype === undefined ? undefined : all[supertype];
    const inherited = above?.kind === "struct" ? above.fields : [];
    const own = Array.from({ length: random.below(4) }, () => ({ storage: storage(), isMutable: !random.oneIn(3) }));
    all.push({ kind: "struct", supertype, fields: [...inherited, ...own] });
  }
  if (style.hasObjects) {
    const storages: StorageName[] = ["i8", "i16", random.pick(["i32", "i64", "f32", "f64"]), "funcref", storage()];
    for (const storage of storages) all.push({ kind: "array", storage, isMutable: !random.oneIn(6) });
  }
  if (style.hasFunctionReferences) {
    const seen = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const types = (most: number): TypeName[] =>
        Array.from({ length: random.below(most + 1) }, (): TypeName => {
          const heapType = random.below(Math.max(1, structs));
          return structs > 0 && random.oneIn(3) ? `(ref null ${heapType})` : random.pick(["i32", "i64", "f64"]);
        });
      const signature: Signature = { params: types(3), results: types(2) };
      const key = `${signature.params}:${signature.results}`;
      if (!seen.has(key)) all.push({ kind: "func", signature });
      seen.add(key);
    }
  }
  return all;
}

/** What a value of a field or element is outside it. */
export function unpacked(storage: StorageName): TypeName {
  return storage === "i8" || storage === "i16" ? "i32" : storage;
}

/** The number of a type that can be made where the type is wanted, as far as there is one. */
export function someMember(random: Random, types: readonly HeapTypeTree[], type: TypeName): number | undefined {
  const index = heapIndexOf(type);
  if (index !== undefined) return index;
  const fitting = types.map((_, i) => i).filter((i) => {
    const { kind } = types[i];
    return kind !== "func" && (type === "anyref" || type === "eqref" || type === `${kind}ref`);
  });
  return fitting.length === 0 ? undefined : random.pick(fitting);
}
