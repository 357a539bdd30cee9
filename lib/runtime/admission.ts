/**
 * Admission: whether a store may have one more instance of a module, asked before any of it is made.
 *
 * An instance that fails halfway stays with its store (instance.ts), so limits are looked at for all that it begins with together: a module
 * that does not fit takes nothing. The limiter is asked about each memory and table in order, as Wasmtime asks.
 */

import { answerNow, type LimiterAnswer, refusedByLimiter } from "./limiter.ts";
import { askAboutMemory, minimumBytes, refusedMemory } from "./memory.ts";
import type { ModuleState } from "./module_state.ts";
import { isThenable } from "./parking.ts";
import type { StoreState } from "./store_state.ts";
import { askAboutTable, MAXIMUM_TABLE_ELEMENTS, refusedTable } from "./table.ts";
import { Resource } from "./usage.ts";

/**
 * Counts an instance that is about to be made, for which there is room; the limiter was asked.
 *
 * @throws {LimitError} when the store's limits or its budget have no room; nothing was taken.
 */
export function admitInstance(store: StoreState, state: ModuleState): void {
  const { usage } = store;
  const { module } = state;
  let memoryBytes = 0;
  for (let i = module.importedMemoryCount; i < module.memories.length; i++) {
    memoryBytes += minimumBytes(module.memories[i]);
  }
  let tableElements = 0;
  for (let i = module.importedTableCount; i < module.tables.length; i++) {
    // One that is too large for any table has an error of its own.
    tableElements += Math.min(state.tableType(i).minimum, MAXIMUM_TABLE_ELEMENTS + 1);
  }
  requireRoom(store, Resource.instances, 1);
  requireRoom(store, Resource.memoryBytes, memoryBytes);
  requireRoom(store, Resource.tableElements, tableElements);
  requireRoom(store, Resource.codeBytes, store.codeBytesOf(state.code));
  usage.require(Resource.instances, 1);
}

function requireRoom({ usage }: StoreState, resource: number, amount: number): void {
  if (amount === 0) return;
  const refusal = usage.refusal(resource, amount);
  if (refusal !== undefined) throw refusal;
}

/** What the limiter is asked about an instance, in order: each question is asked when the one before it was answered by yes. */
function* questions(store: StoreState, state: ModuleState): Generator<readonly [LimiterAnswer, () => Error]> {
  const { limiter, usage } = store;
  const { module } = state;
  const { current } = usage.of(Resource.instances);
  if (limiter?.instanceCreating !== undefined) {
    yield [limiter.instanceCreating(current, current + 1), () => refusedByLimiter("one more instance")];
  }
  for (let i = module.importedMemoryCount; i < module.memories.length; i++) {
    const type = module.memories[i];
    yield [askAboutMemory(store, type), () => refusedMemory(type)];
  }
  for (let i = module.importedTableCount; i < module.tables.length; i++) {
    const type = state.tableType(i);
    yield [askAboutTable(store, type), () => refusedTable(type)];
  }
}

/** Asks the limiter about an instance that is to be made. @throws {RangeError} when it refuses something. */
export function askLimiter(store: StoreState, state: ModuleState): void {
  for (const [answer, refusal] of questions(store, state)) {
    const isAllowed = answerNow(answer);
    store.requireOpen();
    if (!isAllowed) throw refusal();
  }
}

/**
 * Asks the limiter about an instance that is to be made, and waits for its promises.
 *
 * @throws {RangeError} when it refuses something. What a promise is rejected with, and the signal's reason.
 */
export async function askLimiterAsync(
  store: StoreState,
  state: ModuleState,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (store.limiter === undefined) return;
  for (const [answer, refusal] of questions(store, state)) {
    const isAllowed = answerNow(isThenable(answer) ? await beforeAbort(answer, signal) : answer);
    store.requireOpen();
    if (!isAllowed) throw refusal();
  }
}

/** What a promise gives, unless the signal is aborted first. */
async function beforeAbort(promise: PromiseLike<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
