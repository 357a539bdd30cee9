/** What generating a body starts from: its locals, values without parts, and what makes values observable. */

import { hasDefinedBits } from "./nan_bits.ts";
import { FUEL_GLOBAL, type Style } from "./program.ts";
import type { Random } from "./random.ts";
import { EDGES } from "./values.ts";
import {
  type BlockParts,
  constant,
  type FuncTree,
  isObject,
  type Label,
  type ModuleTree,
  type Node,
  node,
  type NumberType,
  type ObjectType,
  type TypeName,
  unsigned,
  zeroOf,
} from "./wasm_tree.ts";

/** The types of values that are computed once and used several times. */
type Kept = "f32" | "f64" | "v128";

/** State of one function's body, and its smallest parts. */
export abstract class BodyBase {
  protected readonly random: Random;
  protected readonly module: ModuleTree;
  protected readonly func: FuncTree;
  protected readonly style: Style;
  /** The global that takes in whatever would be lost otherwise. */
  protected readonly checksum: number;
  /** Types of parameters and locals. */
  protected readonly locals: TypeName[];
  /** Counters of loops: not to be written by others. */
  protected readonly reserved = new Set<number>();
  /** Branch targets, the function's own first. */
  protected readonly labels: Label[];
  /** Nodes left to make, about. */
  protected budget: number;

  constructor(random: Random, module: ModuleTree, func: FuncTree, style: Style, checksum: number) {
    this.checksum = checksum;
    this.random = random;
    this.module = module;
    this.func = func;
    this.style = style;
    this.labels = [func.label];
    this.budget = 10 + random.below(style.bodyBudget);
    for (let count = random.below(6); count > 0; count--) func.locals.push(this.someType());
    for (let i = 0; i < style.crowd; i++) {
      func.locals.push(style.hasVectors && random.oneIn(3) ? "v128" : random.pick(style.types));
    }
    this.locals = [...func.signature.params, ...func.locals];
  }

  protected local(type: TypeName, index: number): Node {
    return node("local.get", [type], [], unsigned(index));
  }

  // Takes a value into the checksum.
  protected mix(value: Node): Node[] {
    const type = value.types[0];
    const sum = node("global.get", ["i64"], [], unsigned(this.checksum));
    const turned = node("i64.rotl", ["i64"], [sum, constant("i64", 7n)]);
    const mixed = node("i64.add", ["i64"], [turned, this.bits(type, value)]);
    return [node("global.set", [], [mixed], unsigned(this.checksum))];
  }

  protected bits(type: TypeName, value: Node): Node {
    switch (type) {
      case "i32":
        return node("i64.extend_i32_s", ["i64"], [value]);
      case "i64":
        return value;
      case "f32":
        return node("i64.extend_i32_u", ["i64"], [node("i32.reinterpret_f32", ["i32"], [this.shown(value)])]);
      case "f64":
        return node("i64.reinterpret_f64", ["i64"], [this.shown(value)]);
      case "v128": {
        const low = node("i64x2.extract_lane", ["i64"], [this.kept(value)], { bytes: [0] });
        const high = node("i64x2.extract_lane", ["i64"], [this.again("v128")], { bytes: [1] });
        return node("i64.sub", ["i64"], [low, high]);
      }
      default:
        return node("i64.extend_i32_u", ["i64"], [this.look(type, value)]);
    }
  }

  /** What a reference is, as an i32. */
  protected abstract look(type: TypeName, value: Node): Node;
  /** A type of references to objects, or `funcref` if the module has none. */
  protected abstract someObject(): TypeName;
  /** A value without parts. */
  protected abstract objectLeaf(type: ObjectType): Node;

  protected someType(): TypeName {
    if (this.style.hasRefs && this.random.oneIn(10)) return this.random.pick(["funcref", "externref"]);
    if (this.hasObjectTypes && this.random.oneIn(4)) return this.someObject();
    if (this.style.hasVectors && this.random.oneIn(4)) return "v128";
    return this.random.pick(this.style.types);
  }

  protected get hasObjectTypes(): boolean {
    const { hasObjects, hasFunctionReferences, exceptions } = this.style;
    return hasObjects || hasFunctionReferences || exceptions === "new";
  }

  protected someNumber(): NumberType {
    return this.random.pick(this.style.types);
  }

  protected someTypes(most: number): TypeName[] {
    return Array.from({ length: this.random.below(most + 1) }, () => this.someType());
  }

  protected i32(value: number): Node {
    return constant("i32", BigInt(value));
  }

  protected takeFuel(amount: number): Node[] {
    const fuel = () => node("global.get", ["i32"], [], unsigned(FUEL_GLOBAL));
    const less = node("i32.sub", ["i32"], [fuel(), this.i32(amount)]);
    const stop = this.blockNode("if", [], [node("i32.lt_s", ["i32"], [fuel(), this.i32(0)])], {
      label: { types: [] },
      params: [],
      body: [node("unreachable", [])],
    });
    return [node("global.set", [], [less], unsigned(FUEL_GLOBAL)), stop].map((made) => ({ ...made, isFixed: true }));
  }

  protected blockNode(op: "block" | "loop" | "if", types: readonly TypeName[], args: Node[], block: BlockParts): Node {
    return { ...node(op, types, args), block };
  }

  protected settable(type?: TypeName): number[] {
    return this.locals.map((_, i) => i).filter((i) =>
      !this.reserved.has(i) && (type === undefined || this.locals[i] === type)
    );
  }

  // A float whose bits may be seen: a NaN that arithmetic made becomes the canonical one.
  protected shown(value: Node): Node {
    const type = value.types[0];
    if (type !== "f32" && type !== "f64" || hasDefinedBits(value)) return value;
    const nan = constant(type, type === "f32" ? 0x7fc00000n : 0x7ff8000000000000n);
    return {
      ...node("select", [type], [
        this.kept(value),
        nan,
        { ...node(`${type}.eq`, ["i32"], [this.again(type), this.again(type)]), isFixed: true },
      ]),
      isFixed: true,
    };
  }

  // A vector of floats whose bits may be seen: NaNs that arithmetic made become zero.
  protected shownLanes(shape: "f32x4" | "f64x2", value: Node): Node {
    const isNumber: Node = {
      ...node(`${shape}.eq`, ["v128"], [this.again("v128"), this.again("v128")]),
      isFixed: true,
    };
    return { ...node("v128.and", ["v128"], [this.kept(value), isNumber]), isFixed: true };
  }

  // A value that `again` gives once more, until the next one of its type is kept.
  protected kept(value: Node): Node {
    const type = value.types[0] as Kept;
    return { ...node("local.tee", [type], [value], unsigned(this.temporary(type))), isFixed: true };
  }

  protected again(type: Kept): Node {
    return { ...node("local.get", [type], [], unsigned(this.temporary(type))), isFixed: true };
  }

  // Locals for `kept`: read at once, so one of each type is enough.
  protected temporaries: Partial<Record<Kept, number>> = {};

  protected temporary(type: Kept): number {
    let local = this.temporaries[type];
    if (local === undefined) {
      this.func.locals.push(type);
      local = this.temporaries[type] = this.func.signature.params.length + this.func.locals.length - 1;
    }
    return local;
  }

  protected leaf(type: TypeName): Node {
    const random = this.random;
    const locals = this.locals.map((_, i) => i).filter((i) => this.locals[i] === type);
    if (locals.length > 0 && !random.oneIn(3)) {
      return node("local.get", [type], [], unsigned(random.pick(locals)));
    }
    const { globals } = this.module;
    const fitting = globals.map((_, i) => i).filter((i) => i !== FUEL_GLOBAL && globals[i].type === type);
    if (fitting.length > 0 && random.oneIn(4)) return node("global.get", [type], [], unsigned(random.pick(fitting)));
    if (type === "funcref") {
      // Exported functions are declared as references; imported ones are where a segment has them.
      const { funcs } = this.module;
      return random.oneIn(3) ? zeroOf(type) : node("ref.func", [type], [], { func: random.pick(funcs) });
    }
    if (isObject(type)) return this.objectLeaf(type);
    if (type === "externref") return zeroOf(type);
    if (type === "v128") {
      const lanes = Array.from({ length: 2 }, () => BigInt.asUintN(64, this.number(random.pick(["i64", "f64"]))));
      return constant(type, random.oneIn(3) ? lanes[0] | lanes[0] << 64n : lanes[0] | lanes[1] << 64n);
    }
    return constant(type, this.number(type));
  }

  protected number(type: NumberType): bigint {
    const random = this.random;
    if (random.oneIn(3)) return random.pick(EDGES[type]);
    const isNarrow = type === "i32" || type === "i64";
    if (isNarrow && random.oneIn(2)) return BigInt(random.below(256) - 16);
    const low = BigInt(random.next());
    return type === "i32" || type === "f32" ? low : low | BigInt(random.next()) << 32n;
  }
}
