/** References to objects and functions in random bodies: allocation, fields and elements, tests, casts and branches on them. */

import { Accesses } from "./body_accesses.ts";
import { someMember, TOPS, unpacked } from "./heap_types.ts";
import {
  constant,
  type FuncImport,
  type FuncTree,
  heapBytes,
  heapIndexOf,
  type HeapTypeTree,
  type Immediate,
  isObject,
  type Label,
  type Node,
  node,
  type ObjectType,
  selectTyped,
  type StorageName,
  type TypeName,
  unsigned,
  zeroOf,
} from "./wasm_tree.ts";

type NullableType = `(ref null ${number})`;
const nullable = (index: number): NullableType => `(ref null ${index})`;
const present = (index: number): `(ref ${number})` => `(ref ${index})`;
const isNumeric = (storage: StorageName) => /^(i8|i16|i32|i64|f32|f64)$/.test(storage);

/** Makes what works on references. */
export abstract class Objects extends Accesses {
  protected readonly arrayLocals = new Map<number, number>();

  protected get heapTypes(): readonly HeapTypeTree[] {
    return this.module.heapTypes ?? [];
  }

  protected typesOf(kind: HeapTypeTree["kind"]): number[] {
    return this.heapTypes.map((_, i) => i).filter((i) => this.heapTypes[i].kind === kind);
  }

  /** A nullable type of references that the module's style allows. */
  protected override someObject(): TypeName {
    const { random } = this;
    const named = this.heapTypes.length;
    if (this.style.exceptions === "new" && random.oneIn(6)) return "exnref";
    if (named > 0 && (!this.style.hasObjects || random.below(3) > 0)) return nullable(random.below(named));
    return this.style.hasObjects ? random.pick(TOPS) : "funcref";
  }

  protected override objectLeaf(type: ObjectType): Node {
    const { random } = this;
    if (type === "exnref") return zeroOf(type);
    const isAny = type === "anyref" || type === "eqref";
    if (type === "i31ref" || isAny && random.oneIn(3)) {
      return random.oneIn(6) ? zeroOf(type) : node("ref.i31", [type], [constant("i32", this.number("i32"))]);
    }
    const member = someMember(random, this.heapTypes, type);
    const isNullable = !/^\(ref \d/.test(type);
    if (member === undefined || isNullable && random.oneIn(3)) return zeroOf(type);
    return this.fresh(member, 0);
  }

  /** What a reference is, as an i32. */
  protected override look(type: TypeName, value: Node): Node {
    const { random } = this;
    const isInAny = isObject(type) && type !== "exnref" && this.hierarchy(type) === "any";
    if (!this.style.hasObjects || !isInAny || random.oneIn(4)) return node("ref.is_null", ["i32"], [value]);
    return node(random.oneIn(2) ? "ref.test" : "ref.test null", ["i32"], [value], { bytes: this.someHeap() });
  }

  protected hierarchy(type: TypeName): "any" | "func" | "extern" | "exn" {
    if (type === "exnref") return "exn";
    if (type === "funcref" || type === "externref") return type === "funcref" ? "func" : "extern";
    const index = heapIndexOf(type);
    return index !== undefined && this.heapTypes[index].kind === "func" ? "func" : "any";
  }

  /** A heap type below any. */
  protected someHeap(): readonly number[] {
    const { random } = this;
    const named = [...this.typesOf("struct"), ...this.typesOf("array")];
    if (random.oneIn(3)) return random.oneIn(8) ? [0x71] : heapBytes(random.pick(TOPS));
    return heapBytes(nullable(random.pick(named)));
  }

  /** A new object, or a reference to a function of the type. */
  protected fresh(index: number, depth: number): Node {
    const { random } = this;
    const type = this.heapTypes[index];
    const made = (op: Parameters<typeof node>[0], args: Node[], ...immediates: Immediate[]) =>
      node(op, [present(index)], args, unsigned(index), ...immediates);
    if (type.kind === "func") {
      const wanted = `${type.signature.params}:${type.signature.results}`;
      const fitting = this.module.funcs.filter(({ signature }) =>
        `${signature.params}:${signature.results}` === wanted
      );
      if (fitting.length > 0) return node("ref.func", [present(index)], [], { func: random.pick(fitting) });
      // Nothing of the type is there: a null where null may be, else a trap.
      return node("ref.as_non_null", [present(index)], [zeroOf(nullable(index))]);
    }
    if (type.kind === "struct") {
      if (depth <= 0 || random.oneIn(4)) return made("struct.new_default", []);
      return made("struct.new", type.fields.map(({ storage }) => this.expression(unpacked(storage), depth - 1)));
    }
    const { storage } = type;
    const length = random.oneIn(30) ? 300 : random.below(9);
    if (depth <= 0) return made("array.new_default", [this.i32(length)]);
    const value = () => this.expression(unpacked(storage), depth - 2);
    const count = (mask: number) =>
      random.oneIn(2)
        ? this.i32(length)
        : node("i32.and", ["i32"], [this.expression("i32", depth - 1), this.i32(mask)]);
    switch (random.below(5)) {
      case 0:
        return made("array.new_default", [count(15)]);
      case 1:
      case 2:
        return made("array.new", [value(), count(31)]);
      case 3: {
        const { data } = this.module, functions = this.functionSegments();
        if (isNumeric(storage) && data.length > 0) {
          const segment = random.below(data.length);
          return made("array.new_data", [this.i32(random.below(4)), this.i32(random.below(4))], unsigned(segment));
        }
        if (storage !== "funcref" || functions.length === 0) return made("array.new_default", [count(15)]);
        const segment = unsigned(random.pick(functions));
        return made("array.new_elem", [this.i32(random.below(2)), this.i32(random.below(2))], segment);
      }
      default: {
        const elements = Array.from({ length: random.below(6) }, value);
        return made("array.new_fixed", elements, unsigned(elements.length));
      }
    }
  }

  protected functionSegments(): number[] {
    return this.module.elements.map((_, i) => i);
  }

  /** An object of the type, not null unless it traps. */
  protected object(index: number, depth: number): Node {
    const { random } = this;
    if (depth <= 0 || this.budget-- <= 0) return this.fresh(index, 0);
    const type = present(index);
    const maybe = () => this.expression(nullable(index), depth - 1);
    const label: Label = { types: [type] };
    const block = (...body: Node[]) => this.blockNode("block", [type], [], { label, params: [], body });
    switch (random.below(9)) {
      case 0:
        return random.oneIn(4) ? node("ref.as_non_null", [type], [maybe()]) : this.fresh(index, depth);
      case 1:
      case 2:
        return block(node("br_on_non_null", [], [maybe()], { label }), this.fresh(index, 1));
      case 3: {
        const labels = this.labels.filter(({ types }) => types.length === 0);
        if (labels.length === 0) return this.fresh(index, depth);
        return node("br_on_null", [type], [maybe()], { label: random.pick(labels) });
      }
      case 4:
      case 5: {
        if (this.heapTypes[index].kind === "func") return this.fresh(index, depth);
        const source = random.pick(["anyref", "eqref"] as const);
        const [from, to] = [{ bytes: heapBytes(source) }, { bytes: heapBytes(type) }];
        if (random.oneIn(2)) {
          const cast = node(
            "br_on_cast",
            [source],
            [this.expression(source, depth - 1)],
            { bytes: [1] },
            { label },
            from,
            to,
          );
          return block(node("drop", [], [cast]), this.fresh(index, 1));
        }
        const failed: Label = { types: [source] };
        const cast = node(
          "br_on_cast_fail",
          [type],
          [this.expression(source, depth - 1)],
          { bytes: [1] },
          { label: failed },
          from,
          to,
        );
        const rest = this.blockNode("block", [source], [], {
          label: failed,
          params: [],
          body: [node("br", [source], [cast], { label })],
        });
        return block(node("drop", [], [rest]), this.fresh(index, 1));
      }
      case 6:
        return this.blockNode("if", [type], [this.condition(depth - 1)], {
          label: { types: [type] },
          params: [],
          body: [this.fresh(index, depth - 1)],
          otherwise: [this.fresh(index, 1)],
        });
      default:
        return this.fresh(index, depth);
    }
  }

  /** An expression of a reference type beyond leaves. */
  protected override objectExpression(type: TypeName, depth: number): Node {
    const { random } = this;
    if (random.oneIn(4)) return this.leaf(type);
    const any = () => this.expression("anyref", depth - 1);
    if (random.oneIn(8)) {
      const label: Label = { types: [type] };
      const arm = () => [this.expression(type, depth - 1)];
      return this.blockNode("if", [type], [this.condition(depth - 1)], {
        label,
        params: [],
        body: arm(),
        otherwise: arm(),
      });
    }
    if (random.oneIn(8)) {
      return selectTyped(type, [
        this.expression(type, depth - 1),
        this.expression(type, depth - 1),
        this.condition(depth - 1),
      ]);
    }
    if (random.oneIn(8)) {
      const callees = this.callees(({ results }) => results.length === 1 && results[0] === type);
      if (callees.length > 0) return this.call(random.pick(callees), depth);
    }
    const stored = random.oneIn(2) ? this.stored(type, depth) : undefined;
    if (stored !== undefined) return stored;
    if (type === "anyref") {
      const tables = this.module.tables.map((_, i) => i).filter((i) => this.module.tables[i].type === "anyref");
      if (random.oneIn(4)) return node("any.convert_extern", [type], [this.expression("externref", depth - 1)]);
      if (tables.length > 0 && random.oneIn(3)) {
        return node("table.get", [type], [this.tableIndex(depth)], unsigned(random.pick(tables)));
      }
    }
    const index = heapIndexOf(type);
    if (type === "i31ref" || (type === "anyref" || type === "eqref") && random.oneIn(3)) {
      return node("ref.i31", [type], [this.expression("i32", depth - 1)]);
    }
    const member = someMember(random, this.heapTypes, type);
    if (type === "exnref" || member === undefined) return this.leaf(type);
    const kind = this.heapTypes[member].kind;
    if (kind === "func") return random.oneIn(3) ? this.leaf(type) : this.object(member, depth - 1);
    if (this.style.hasObjects && random.oneIn(5)) {
      // A cast that is mostly right, since most casts are.
      const target: Immediate = { bytes: heapBytes(type) };
      if (random.oneIn(12)) return node("ref.cast null", [type], [any()], target);
      if (random.oneIn(2)) return node("ref.cast null", [type], [this.expression(nullable(member), depth - 1)], target);
      return node("ref.cast", [index === undefined ? type : present(index)], [this.object(member, depth - 1)], target);
    }
    return this.object(member, depth - 1);
  }

  /** A field or element of the type. */
  protected override stored(type: TypeName, depth: number): Node | undefined {
    const { random } = this;
    if (!this.style.hasObjects) return undefined;
    const places: (() => Node)[] = [];
    const sign = (storage: StorageName) => storage === unpacked(storage) ? "" : random.pick(["_s", "_u"] as const);
    this.heapTypes.forEach((heapType, index) => {
      if (heapType.kind === "struct") {
        heapType.fields.forEach(({ storage }, field) => {
          if (unpacked(storage) !== type) return;
          places.push(() =>
            node(
              `struct.get${sign(storage)}`,
              [type],
              [this.object(index, depth - 1)],
              unsigned(index),
              unsigned(field),
            )
          );
        });
      } else if (heapType.kind === "array" && unpacked(heapType.storage) === type) {
        places.push(() => this.element(index, heapType.storage, depth));
      }
    });
    return places.length === 0 ? undefined : random.pick(places)();
  }

  // A local for an array whose length is asked before its elements are: what comes between may write it, too.
  protected arrayLocal(index: number): number {
    const locals = this.settable(nullable(index));
    if (locals.length > 0) return this.random.pick(locals);
    let local = this.arrayLocals.get(index);
    if (local === undefined) {
      this.func.locals.push(nullable(index));
      local = this.func.signature.params.length + this.func.locals.length - 1;
      this.arrayLocals.set(index, local);
    }
    return local;
  }

  protected element(index: number, storage: StorageName, depth: number): Node {
    const { random } = this;
    const type = unpacked(storage);
    const op = `array.get${storage === type ? "" : random.pick(["_s", "_u"] as const)}` as const;
    if (random.oneIn(20)) {
      return node(op, [type], [this.object(index, depth - 1), this.i32(random.below(3))], unsigned(index));
    }
    const local = this.arrayLocal(index);
    const get = () => this.local(nullable(index), local);
    const made = node("local.tee", [nullable(index)], [this.object(index, depth - 1)], unsigned(local));
    return this.blockNode("if", [type], [node("array.len", ["i32"], [made])], {
      label: { types: [type] },
      params: [],
      body: [node(op, [type], [get(), this.elementIndex(get, depth)], unsigned(index))],
      otherwise: [this.leaf(type)],
    });
  }

  /** An index that is mostly one of the array's, which is not empty. */
  protected elementIndex(get: () => Node, depth: number): Node {
    const value = this.expression("i32", depth - 2);
    if (this.random.oneIn(20)) return node("i32.and", ["i32"], [value, this.i32(3)]);
    return node("i32.rem_u", ["i32"], [
      value,
      node("i32.or", ["i32"], [node("array.len", ["i32"], [get()]), this.i32(1)]),
    ]);
  }

  /** An i32 about references. */
  protected override objectQuery(depth: number): Node {
    const { random } = this;
    if (!this.style.hasObjects) {
      const type = this.someObject();
      return node("ref.is_null", ["i32"], [this.expression(type, depth - 1)]);
    }
    switch (random.below(5)) {
      case 0:
        return node("ref.eq", ["i32"], [this.expression("eqref", depth - 1), this.expression("eqref", depth - 1)]);
      case 1:
        return this.look("anyref", this.expression("anyref", depth - 1));
      case 2: {
        const i31 = random.oneIn(8)
          ? this.expression("i31ref", depth - 1)
          : node("ref.i31", ["i31ref"], [this.expression("i32", depth - 1)]);
        return node(random.oneIn(2) ? "i31.get_s" : "i31.get_u", ["i32"], [i31]);
      }
      case 3:
        return node("array.len", ["i32"], [this.object(random.pick(this.typesOf("array")), depth - 1)]);
      default: {
        const type = this.someObject();
        return this.look(type, this.expression(type, depth - 1));
      }
    }
  }

  /** Writes a field, an element or a range of elements. */
  protected override objectStatement(depth: number): Node[] {
    const { random } = this;
    if (!this.style.hasObjects) return this.localSet(depth);
    if (random.oneIn(2)) {
      const index = random.pick(this.typesOf("struct"));
      const type = this.heapTypes[index];
      if (type.kind !== "struct") return [];
      const settable = type.fields.map((_, i) => i).filter((i) => type.fields[i].isMutable);
      if (settable.length === 0) return this.localSet(depth);
      const field = random.pick(settable);
      const value = this.expression(unpacked(type.fields[field].storage), depth - 1);
      return [node("struct.set", [], [this.object(index, depth - 1), value], unsigned(index), unsigned(field))];
    }
    const index = random.pick(this.typesOf("array"));
    const type = this.heapTypes[index];
    if (type.kind !== "array" || !type.isMutable) return this.localSet(depth);
    const local = this.arrayLocal(index);
    const get = () => this.local(nullable(index), local);
    const made = node("local.set", [], [this.object(index, depth - 1)], unsigned(local));
    const isLong = node("i32.ge_u", ["i32"], [node("array.len", ["i32"], [get()]), this.i32(6)]);
    const use = this.arrayWrite(index, type.storage, get, depth);
    if (random.oneIn(20)) return [made, ...use];
    return [made, this.blockNode("if", [], [isLong], { label: { types: [] }, params: [], body: use })];
  }

  protected arrayWrite(index: number, storage: StorageName, get: () => Node, depth: number): Node[] {
    const { random } = this;
    const small = () => this.i32(random.below(4));
    const value = () => this.expression(unpacked(storage), depth - 1);
    const at = unsigned(index);
    switch (random.below(4)) {
      case 0:
        return [node("array.fill", [], [get(), small(), value(), small()], at)];
      case 1: {
        const source = random.oneIn(4) ? this.object(index, depth - 1) : get();
        return [node("array.copy", [], [get(), small(), source, small(), small()], at, at)];
      }
      case 2: {
        const { data } = this.module, functions = this.functionSegments();
        const args = [get(), small(), small(), small()];
        if (isNumeric(storage) && data.length > 0) {
          return [node("array.init_data", [], args, at, unsigned(random.below(data.length)))];
        }
        if (storage === "funcref" && functions.length > 0) {
          return [node("array.init_elem", [], args, at, unsigned(random.pick(functions)))];
        }
        return [];
      }
      default:
        return [node("array.set", [], [get(), this.elementIndex(get, depth), value()], at)];
    }
  }

  /** The function operand of `call_ref`. */
  protected override calleeReference(callee: FuncTree | FuncImport, depth: number): Node | undefined {
    const { random } = this;
    const { params, results } = callee.signature;
    const index = this.heapTypes.findIndex((type) =>
      type.kind === "func" && `${type.signature.params}:${type.signature.results}` === `${params}:${results}`
    );
    if (index >= 0 && random.oneIn(2)) {
      return random.oneIn(6) ? this.expression(nullable(index), depth - 1) : this.object(index, depth - 1);
    }
    return "body" in callee ? node("ref.func", ["funcref"], [], { func: callee }) : undefined;
  }
}
