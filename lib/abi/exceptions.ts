/**
 * Handlers: how compiled code says what it catches, and how the runtime answers (C-4, EXN-1 to EXN-4).
 *
 * A call inside a handler's body has a row in the handler table: its return address, the address of its *pad*, and a list of clauses, those
 * of the innermost body first, those around it behind. The unwinder looks every frame's return address up, tries the clauses in order, and
 * resumes at the pad with the values where the pad loads them from:
 *
 * ```
 * value area      slot k: payload value k, as arguments travel (clauses that name a tag)
 * padRef          the exception, for the clauses that want one (catch_ref, catch_all_ref); the continuation of a suspension
 * padClause       the clause's number
 * stack           guestSp -> address of the pad, rbp of the frame (REC-3): the pad pops rbp and finds everything else from there
 * ```
 *
 * A list is its length in words, then pairs: a clause ({@linkcode handlerClause}), and its number, by which the pad tells what was chosen. The
 * number is the function's own business; a clause has the same one in all lists it is in.
 *
 * HANDLER-1  A pad reads area and record before it does anything that could leave the guest.
 * HANDLER-2  A clause's tag is an index of the module whose code it stands in; tags are matched by identity, never by type.
 */

/** Kinds of clauses; ORDER: the binary format's of `try_table` first, odd ones want the exception. */
export const HANDLER_KINDS = ["catch", "catch_ref", "catch_all", "catch_all_ref", "suspend", "switch"] as const;

/** The name of a clause's kind. */
export type HandlerKindName = typeof HANDLER_KINDS[number];

/** Kinds by name: row numbers of {@linkcode HANDLER_KINDS}. */
export const HandlerKind = Object.fromEntries(HANDLER_KINDS.map((name, kind) => [name, kind])) as {
  readonly [N in HandlerKindName]: number;
};

const KIND_BITS = 3;

/** Packs a clause; `tag` is 0 for those that name none. */
export function handlerClause(kind: number, tag: number): number {
  return kind | tag << KIND_BITS;
}

/** A clause's kind. */
export function clauseKind(clause: number): number {
  return clause & (1 << KIND_BITS) - 1;
}

/** A clause's tag. */
export function clauseTag(clause: number): number {
  return clause >>> KIND_BITS;
}

/** Whether a clause of the kind names a tag. */
export function clauseHasTag(kind: number): boolean {
  return kind !== HandlerKind.catch_all && kind !== HandlerKind.catch_all_ref;
}
