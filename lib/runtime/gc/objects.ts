/**
 * Objects as collectors see them: words with a header, whose type says how many there are and which of them are references.
 *
 * Collectors differ in what they move and when. How large an object is, where its references are, and what is left where it was, is the same
 * for all and stands here, over the columns of `type_info.ts`.
 *
 * OBJ-1  A size that does not fit, or no kind, ends the walk as a defect: what follows would be read from the middle of an object.
 */

import { GC_KIND_SHIFT, GC_TYPE_ID_MASK, GcKind } from "../../abi/mod.ts";
import { bug } from "../../base/mod.ts";
import type { ContinuationSource, RootVisitor } from "./collector.ts";
import type { GcTypes } from "./type_info.ts";

/** The type word of an object that has moved; the word behind it says where to. */
export const FORWARDED_WORD = GcKind.forwarded << GC_KIND_SHIFT;

/** Above this many words a call of `set` costs less than a loop. */
const LONG_COPY_WORDS = 32;

/** Ends a collection at a reference that is not one of an object. */
export function corruptReference(reference: number): never {
  bug(`a reference, 0x${(reference >>> 0).toString(16)}, is not one of an object`);
}

/** Words of an array object. */
function arrayWords(length: number, elementLog2: number): number {
  return 4 + Math.ceil(length * (1 << elementLog2) / 8) * 2;
}

/** Words of the object at `words[word]`; it must end at or before `end` (OBJ-1). `start` is the heap index of `words[0]`. */
export function objectWords(types: GcTypes, words: Int32Array, word: number, end: number, start: number): number {
  const typeWord = words[word];
  const id = typeWord & GC_TYPE_ID_MASK;
  const kind = typeWord >>> GC_KIND_SHIFT;
  let size = 0;
  if (kind === GcKind.struct || kind === GcKind.exn) size = types.sizes[id] >> 2;
  else if (kind === GcKind.array) size = arrayWords(words[word + 2] >>> 0, types.sizes[id]);
  else if (kind === GcKind.extern) size = 2;
  else if (kind === GcKind.cont) size = 4;
  if (!(size >= 2 && word + size <= end)) corruptReference(start + word * 4);
  return size;
}

/** Calls `visit` with each object from word `first` to word `end`, which lie without gaps. */
export function walkObjects(
  types: GcTypes,
  words: Int32Array,
  start: number,
  first: number,
  end: number,
  visit: (reference: number, sizeBytes: number) => void,
): void {
  for (let word = first; word < end;) {
    const size = objectWords(types, words, word, end, start);
    visit(start + word * 4, size * 4);
    word += size;
  }
}

/** Visits the references in the fields of a struct or exception of type `id`. */
function visitFields(types: GcTypes, words: Int32Array, word: number, id: number, visitor: RootVisitor): void {
  const { refStarts, refCounts, refOffsets } = types;
  const end = refStarts[id] + refCounts[id];
  for (let i = refStarts[id]; i < end; i++) visitor.visit(words, word + (refOffsets[i] >> 2));
}

/** Visits the references in the object at `words[word]`, and what a continuation holds; returns the object's words. */
export function visitObject(
  types: GcTypes,
  continuations: ContinuationSource,
  words: Int32Array,
  word: number,
  visitor: RootVisitor,
): number {
  const typeWord = words[word];
  const id = typeWord & GC_TYPE_ID_MASK;
  switch (typeWord >>> GC_KIND_SHIFT) {
    case GcKind.struct:
    case GcKind.exn:
      visitFields(types, words, word, id, visitor);
      return types.sizes[id] >> 2;
    case GcKind.array: {
      const length = words[word + 2] >>> 0;
      if (types.refCounts[id] !== 0) visitor.visitRange(words, word + 4, word + 4 + length);
      return arrayWords(length, types.sizes[id]);
    }
    case GcKind.extern:
      return 2;
    case GcKind.cont:
      continuations.reach(words[word + 2], visitor);
      return 4;
    default:
      return bug("a moved object has no kind");
  }
}

/** Copies an object of `size` words from `from[word]` to `to[target]`, and leaves its new heap index, `moved`, where it was. */
export function moveObject(
  from: Int32Array,
  word: number,
  size: number,
  to: Int32Array,
  target: number,
  moved: number,
): void {
  if (size <= LONG_COPY_WORDS) { for (let i = 0; i < size; i++) to[target + i] = from[word + i]; }
  else to.set(from.subarray(word, word + size), target);
  from[word] = FORWARDED_WORD;
  from[word + 1] = moved;
}
