/**
 * The heap verifier: an independent walk over everything, for tests.
 *
 * The objects of a heap are laid end to end, so a linear walk finds them all without following a reference; then every reference, from an
 * object or a root, must be to one of them, and to one of a type that may stand there (SEEDS 1.25). It knows layouts and types, and nothing of
 * how collectors work. What a collector says of its own accounts (`CollectorAudit`) is compared with what is found: each count with the number of
 * references there are, and the card of each place where an old object refers to a young one with the mark that it must have (GC-W).
 */

import { GC_ARRAY_ELEMENTS, GcKind, Storage } from "../../abi/mod.ts";
import { NONE } from "../../base/mod.ts";
import { isNullable, isRef, type TypeRegistry, type ValType, valTypeToString } from "../../wasm/mod.ts";
import type { RootSource } from "./collector.ts";
import type { GcHeap } from "./heap.ts";
import { referenceMatches } from "./type_check.ts";

/** Checks a heap and the roots into it; returns what is wrong, at most a few dozen findings. */
export function verifyHeap(gc: GcHeap, roots: RootSource): string[] {
  return gc.isReserved ? new HeapVerifier(gc).run(roots) : [];
}

const MOST_FINDINGS = 30;

class HeapVerifier {
  readonly #gc: GcHeap;
  readonly #registry: TypeRegistry;
  readonly #findings: string[] = [];
  /** Sizes by reference: what the walk found. */
  readonly #objects = new Map<number, number>();
  /** References from counted objects and handles, by object; nothing where the collector counts none. */
  readonly #counts = new Map<number, number>();

  constructor(gc: GcHeap) {
    this.#gc = gc;
    this.#registry = gc.types.registry;
  }

  run(roots: RootSource): string[] {
    const { collector, handles } = this.#gc;
    try {
      collector.forEachObject((reference, sizeBytes) => this.#objects.set(reference, sizeBytes));
    } catch (error) {
      this.#report(`the walk over the heap stopped: ${error}`);
      return this.#findings;
    }
    for (const reference of this.#objects.keys()) this.#checkObject(reference);
    let position = 0;
    const visit = (words: Int32Array, index: number) =>
      this.#checkTarget(words[index], undefined, `root ${position++}`);
    const visitor = {
      visit,
      visitRange: (words: Int32Array, start: number, end: number) => {
        for (let i = start; i < end; i++) visit(words, i);
      },
    };
    roots.visitRoots(visitor);
    handles.forEach((handle, reference) => {
      if (handles.isHeld(handle)) this.#count(reference);
      if (!this.#objects.has(reference)) this.#report(`handle ${handle} is for 0x${reference.toString(16)}, no object`);
      else if (this.#gc.handleOf(reference) !== handle) {
        this.#report(`handle ${handle} is for 0x${reference.toString(16)}, which has ${this.#gc.handleOf(reference)}`);
      }
    });
    this.#checkCounts();
    return this.#findings;
  }

  /** Compares the counts that the collector has with the references that were found. */
  #checkCounts(): void {
    const { audit } = this.#gc.collector;
    for (const reference of this.#objects.keys()) {
      const counted = audit.countOf?.(reference);
      const found = this.#counts.get(reference) ?? 0;
      if (counted !== undefined && counted !== found) {
        this.#report(`object 0x${reference.toString(16)} has count ${counted}, and ${found} references`);
      }
    }
  }

  #count(reference: number): void {
    this.#counts.set(reference, (this.#counts.get(reference) ?? 0) + 1);
  }

  /** Looks at a reference that an object holds, as the barriers should have. */
  #checkBarrier(holder: number, place: number, bits: number): void {
    const target = bits >>> 0;
    if (!this.#objects.has(target)) return;
    const { audit } = this.#gc.collector;
    if (audit.isYoung?.(holder) === true) return;
    this.#count(target);
    if (audit.isMarked !== undefined && audit.isYoung!(target) && !audit.isMarked(place)) {
      this.#report(`the card of 0x${place.toString(16)} is not marked, where an old object refers to a young one`);
    }
  }

  #report(finding: string): void {
    if (this.#findings.length < MOST_FINDINGS) this.#findings.push(finding);
  }

  #checkObject(reference: number): void {
    const gc = this.#gc;
    const typeId = gc.typeIdOf(reference);
    const place = `object 0x${reference.toString(16)}`;
    const words = new Int32Array(4);
    switch (gc.kindOf(reference)) {
      case GcKind.struct: {
        const type = this.#registry.types[typeId];
        if (type?.kind !== "struct") return this.#report(`${place} is a struct of type ${typeId}, which is none`);
        this.#checkFields(reference, type.fields, place);
        break;
      }
      case GcKind.exn: {
        const type = this.#registry.types[typeId];
        if (type?.kind !== "func") {
          return this.#report(`${place} is an exception of type ${typeId}, which is no function`);
        }
        this.#checkFields(reference, type.params, place);
        break;
      }
      case GcKind.array: {
        const type = this.#registry.types[typeId];
        if (type?.kind !== "array") return this.#report(`${place} is an array of type ${typeId}, which is none`);
        const { storage, elementBytes } = gc.arrayLayout(reference);
        const length = gc.arrayLength(reference);
        if (GC_ARRAY_ELEMENTS + length * elementBytes > this.#objects.get(reference)!) {
          return this.#report(`${place} has ${length} elements, beyond its end`);
        }
        if (storage !== Storage.ref && storage !== Storage.func) break;
        for (let i = 0; i < length; i++) {
          gc.readElement(reference, i, words);
          if (storage !== Storage.ref) continue;
          this.#checkTarget(words[0], type.element, `${place} element ${i}`);
          this.#checkBarrier(reference, reference + 4 * i, words[0]);
        }
        break;
      }
      case GcKind.extern:
      case GcKind.cont:
        break; // handles are checked from their side
      default:
        this.#report(`${place} has no kind`);
    }
  }

  #checkFields(reference: number, fields: Int32Array, place: string): void {
    const words = new Int32Array(4);
    fields.forEach((type, field) => {
      if (!isRef(type)) return;
      this.#gc.readField(reference, field, words);
      if (this.#gc.structLayout(reference).storage[field] === Storage.ref) {
        this.#checkTarget(words[0], type, `${place} field ${field}`);
        this.#checkBarrier(reference, reference, words[0]);
      }
    });
    this.#checkDescriptor(reference);
  }

  /** Looks at the reference to a descriptor, which no field is. */
  #checkDescriptor(reference: number): void {
    const { descriptorOffset } = this.#gc.structLayout(reference);
    if (descriptorOffset === NONE) return;
    const { words, start } = this.#gc.collector;
    const bits = words[(reference + descriptorOffset - start) >>> 2];
    this.#checkTarget(bits, undefined, `descriptor of 0x${reference.toString(16)}`);
    this.#checkBarrier(reference, reference, bits);
  }

  /** Checks a reference; `type` is that of its place, undefined for roots. */
  #checkTarget(bits: number, type: ValType | undefined, place: string): void {
    if (bits === 0) {
      // A field that excludes null has it between allocation and its first store only, when nobody looks.
      if (type !== undefined && !isNullable(type)) this.#report(`${place} is null, of type ${valTypeToString(type)}`);
      return;
    }
    if ((bits & 1) === 0 && !this.#objects.has(bits >>> 0)) {
      return this.#report(`${place} refers to 0x${(bits >>> 0).toString(16)}, no object`);
    }
    if (type !== undefined && !referenceMatches(this.#gc, bits, type)) {
      this.#report(`${place} of type ${valTypeToString(type)} refers to something of another type`);
    }
  }
}
