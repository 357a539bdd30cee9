/** What the tables of the founding documents' rows and faults consist of. */

/** A row: one capability, and the contract to meet. */
export interface Row {
  readonly id: string;
  readonly contract: string;
}

/** A small fault that breaks what a row promises: `replace`, which stands once in `file`, becomes `with`. */
export interface Fault {
  readonly row: string;
  /** Path from the root of the project. */
  readonly file: string;
  readonly replace: string;
  readonly with: string;
}
