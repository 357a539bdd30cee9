/**
 * The calling convention of module code (DESIGN section 7, CALL-1 to CALL-5).
 *
 * Integer arguments rdi rsi rdx rcx r8 r9, float arguments xmm0-7, in parameter order per class; the rest in 8-byte (v128: 16) stack
 * slots. Results rax rdx, xmm0 xmm1 per class; the rest in return slots. Registers are numbered as the manual does; float registers are
 * 16 + their number, as in the register allocator.
 *
 * Stack at a callee's entry, from high to low: return slots | stack arguments | return address. Both areas are multiples of 16 bytes, and
 * rsp is a multiple of 16 at the call instruction. The callee pops the stack arguments (`ret n`); the return slots stay.
 * After `push rbp; mov rbp, rsp; push r14`: stack argument k at [rbp + 16 + offset], return slot at [rbp + 16 + stackArgBytes + offset].
 */

/** Integer argument registers. */
export const INT_ARG_REGS: Uint8Array = new Uint8Array([7, 6, 2, 1, 8, 9]);
/** Float argument registers, as locations. */
const FLOAT_ARG_REGS: Uint8Array = new Uint8Array([16, 17, 18, 19, 20, 21, 22, 23]);
/** Integer result registers. */
export const INT_RESULT_REGS: Uint8Array = new Uint8Array([0, 2]);
/** Float result registers, as locations. */
const FLOAT_RESULT_REGS: Uint8Array = new Uint8Array([16, 17]);

/** rsp, rbp, the current instance's VMContext, the activation record. */
export const Reserved = { rsp: 4, rbp: 5, vmctx: 14, record: 15 } as const;

/** Byte offset from rbp of the slot that holds the function's vmctx (CALL-3). */
export const VMCTX_SLOT_FROM_RBP = -8;

/** Where parameters and results of a signature travel: a location 0..31, or STACK_BASE + byte offset in its stack area. */
export interface SignatureLayout {
  readonly params: Int32Array;
  readonly results: Int32Array;
  readonly stackArgBytes: number;
  readonly returnSlotBytes: number;
}

/** Values at or above this in a {@linkcode SignatureLayout} are stack offsets. */
export const STACK_BASE = 1 << 16;

/** Bytes of a slot of the value area, through which values cross between JavaScript and guests: as wide as a v128. */
export const AREA_SLOT_BYTES = 16;

/** Computes the layout for types given by `isFloatClass(type)` and `typeBytes(type)` lookups. */
export function layoutSignature(
  params: Uint8Array,
  results: Uint8Array,
  isFloatClass: Uint8Array,
  typeBytes: Uint8Array,
): SignatureLayout {
  const [paramLocations, stackArgBytes] = assign(params, INT_ARG_REGS, FLOAT_ARG_REGS, isFloatClass, typeBytes);
  const [resultLocations, returnSlotBytes] = assign(
    results,
    INT_RESULT_REGS,
    FLOAT_RESULT_REGS,
    isFloatClass,
    typeBytes,
  );
  return { params: paramLocations, results: resultLocations, stackArgBytes, returnSlotBytes };
}

function assign(
  types: Uint8Array,
  intRegs: Uint8Array,
  floatRegs: Uint8Array,
  isFloatClass: Uint8Array,
  typeBytes: Uint8Array,
): [Int32Array, number] {
  const locations = new Int32Array(types.length);
  let ints = 0;
  let floats = 0;
  let offset = 0;
  for (let i = 0; i < types.length; i++) {
    const isFloat = isFloatClass[types[i]] === 1;
    if (isFloat && floats < floatRegs.length) locations[i] = floatRegs[floats++];
    else if (!isFloat && ints < intRegs.length) locations[i] = intRegs[ints++];
    else {
      const bytes = typeBytes[types[i]] === 16 ? 16 : 8;
      offset = (offset + bytes - 1) & -bytes;
      locations[i] = STACK_BASE + offset;
      offset += bytes;
    }
  }
  return [locations, (offset + 15) & -16];
}
