/**
 * The register allocator: one scan over the blocks in order, carrying the registers along control flow.
 *
 * The problem is shaped by the calling convention: a call destroys every register, so values move between registers and slots all the
 * time, and what matters is where: not in loops that make no calls, not on the hot path for the sake of a cold one. The scan walks
 * instructions in order and hands out registers as in second-chance binpacking (Traub, Holloway, Smith, "Quality and Speed in Linear-scan
 * Register Allocation", 1998): a value that loses its register is in its slot until it is used again, then gets a second chance. Unlike a
 * scan over intervals in linear order, the state at a block's start comes from its predecessors, not from the block numbered before: a
 * cold block in the middle of a loop spills and reloads within itself. Whom to evict is decided by the next use (Belady's rule, with uses
 * beyond calls and loops pushed away); what enters a loop in registers is decided at its header (see block_entry.ts).
 *
 * ```
 * LiveRanges, Loops, FixedEvents, Hints     facts                          live_ranges.ts (regions.ts), loops.ts, fixed_events.ts, hints.ts
 * for each block: enter, allocate, leave    registers per instruction      block_entry.ts, scan.ts, registers.ts
 * storeDropped                              who else needs a slot          edges.ts
 * assign                                    slots, stores at defs          slots.ts
 * move                                      moves along edges              edges.ts, moves.ts
 * write                                     edits in order                 edit_log.ts
 * ```
 *
 * Cost: linear in instructions, operands, edits and edges (times the number of registers), plus what live_ranges.ts says.
 */

import { growInt32, NONE } from "../base/mod.ts";
import type { Allocation, AllocationInput, RegisterFile } from "./api.ts";
import { BlockEntry } from "./block_entry.ts";
import { Edges } from "./edges.ts";
import { EditLog } from "./edit_log.ts";
import { FLOAT_BITS, RegisterMasks } from "./fixed_events.ts";
import { ParallelMoves } from "./moves.ts";
import { Registers } from "./registers.ts";
import { InstructionScan } from "./scan.ts";
import { Slots } from "./slots.ts";

/** Allocates registers, one function after the other; keeps its storage. */
export class Allocator {
  readonly #registers: Registers;
  readonly #log = new EditLog();
  readonly #moves: ParallelMoves;
  readonly #scan: InstructionScan;
  readonly #entry: BlockEntry;
  readonly #edges: Edges;
  readonly #slots: Slots;

  constructor(registers: RegisterFile) {
    const masks = new RegisterMasks(registers);
    this.#registers = new Registers(masks);
    this.#moves = new ParallelMoves(registers.scratchFloat, masks.all & ~FLOAT_BITS);
    this.#scan = new InstructionScan(this.#registers, masks, this.#log, this.#moves);
    this.#entry = new BlockEntry(this.#registers, masks, this.#log, this.#scan.savedRoots);
    this.#edges = new Edges(this.#registers, masks, this.#entry.states, this.#log, this.#moves);
    this.#slots = new Slots(this.#registers, this.#log);
  }

  /** Allocates `input` (read only) into `output` (overwritten). */
  allocate(input: AllocationInput, output: Allocation): void {
    const scan = this.#scan, entry = this.#entry, slots = this.#slots;
    output.operandLocation = growInt32(output.operandLocation, input.operandCount);
    this.#log.reset();
    this.#moves.spareUsed = false;

    this.#registers.begin(input);
    scan.begin(input, output);
    entry.begin(input);
    for (let b = 0; b < input.blockCount; b++) {
      entry.enter(b);
      for (let i = input.blockFirst[b], end = input.blockFirst[b + 1]; i < end; i++) scan.allocate(i);
      entry.leave(b);
    }
    this.#edges.storeDropped(input);
    slots.assign(input);
    this.#edges.move(input, slots);

    const spare = this.#moves.spareUsed ? slots.addSpare() : NONE;
    this.#log.write(input, output, slots.storedAtDef, slots.slotOf, spare);
    const { operandLocation } = output;
    for (let o = 0; o < input.operandCount; o++) {
      if (operandLocation[o] < 0) operandLocation[o] = slots.locationOf(input.operandVreg[o]);
    }
    slots.reportRoots(input, output, scan.savedRoots);
    output.slotCount = slots.count;
  }
}
