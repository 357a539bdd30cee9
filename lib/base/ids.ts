/** Branded entity ids: dense integers that do not mix, at no run-time cost. */

declare const brand: unique symbol;

/** A dense integer id of the entity kind `Name`; `NONE` stands for "no such entity". */
export type Id<Name extends string> = number & { readonly [brand]: Name };

/** The absent id of every kind. */
export const NONE = -1;
