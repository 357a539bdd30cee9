/**
 * The collector that never collects: for guests that end before the heap's limit is reached, and as a measure of what collecting costs.
 */

import { type HeapEnvironment, type HeapOptions, spaceBytesOf } from "./collector_options.ts";
import { LinearCollector } from "./linear_collector.ts";
import { HeapMemory } from "./space.ts";

/** Bytes that the heap has at most: as much as one of the spaces of a copying collector. */
const SPACE_BYTES = spaceBytesOf(2);

/** A heap that only grows. */
export class NullCollector extends LinearCollector {
  /** @throws {HostError} when the address space is refused. */
  constructor(environment: HeapEnvironment, options: HeapOptions) {
    const limitBytes = Math.min(options.limitBytes, SPACE_BYTES);
    super(environment, new HeapMemory(1, SPACE_BYTES), limitBytes, limitBytes);
  }

  prepare(_sizeBytes: number): void {}

  collect(): void {}
}
