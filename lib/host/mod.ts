/**
 * The host: everything that makes pointers. Booting, system calls, native memory, guest stacks, activation records, executable
 * memory, linear memories; and the cache on disk.
 *
 * May import: base.
 *
 * What is dangerous here is stated as numbered invariants, cited where relied on:
 * BOOT-n (boot.ts, boot_data.ts), HOST-n (ffi.ts, memory.ts), SYS-n (sys.ts), REC-n (record.ts), RPOOL-n (records.ts), CLAIM-n (claims.ts),
 * STACK-n (stacks.ts), LIFE-n (ledger.ts), LMEM-n (linear_memory.ts), GMEM-n (growable_memory.ts), IMAGE-n (memory_image.ts), LOCK-n
 * (shared_lock.ts), SREC-n (shared_records.ts), TICK-n (ticker.ts), HEAPRES-n (heap_reservation.ts), MAPS-n (mapping_budget.ts), CACHE-n (disk_cache.ts), ARENA-n and SIG-n (code_arena.ts), AREA-n (value_area.ts).
 *
 * Nothing happens when this module is imported: the first call that needs the machine boots the isolate (about 1.5 ms).
 *
 * @module
 */
export * from "./boot.ts";
export * from "./boot_data.ts";
export * from "./code_arena.ts";
export * from "./continuation_stub.ts";
export * from "./cpu_features.ts";
export * from "./disk_cache.ts";
export * from "./errors.ts";
export * from "./garbage.ts";
export * from "./growable_memory.ts";
export * from "./heap_reservation.ts";
export * from "./ledger_layout.ts";
export * from "./linear_memory.ts";
export * from "./mapping_budget.ts";
export * from "./memory.ts";
export * from "./memory_image.ts";
export * from "./record.ts";
export * from "./records.ts";
export * from "./shared_lock.ts";
export * from "./shared_records.ts";
export * from "./source_stamp.ts";
export * from "./stacks.ts";
export * from "./sys.ts";
export * from "./threads.ts";
export * from "./ticker.ts";
export * from "./value_area.ts";
export { addressOf, aliasMemory, pointerTo, sharedAddressOf } from "./ffi.ts";
