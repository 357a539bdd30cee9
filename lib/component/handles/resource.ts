/** Resources: their types, and handles that own or borrow one. */

import type { CallScope } from "./call_scope.ts";
import type { HandleTable } from "./handle_table.ts";

/** The type of a resource; two are the same if they are one object. */
export interface ResourceType {
  /** For messages. */
  readonly name: string;
  /** The instance whose representation it is; none for a resource of the host's. */
  readonly definedBy: HandleTable | undefined;
  /** Called with the representation when the owning handle is dropped. */
  readonly destructor?: (rep: number) => void;
}

/** A handle of a resource. */
export class ResourceHandle {
  readonly kind = "resource";
  readonly type: ResourceType;
  /** What the defining instance knows the resource by. */
  readonly rep: number;
  /** The call that has to see the handle dropped before it returns; undefined for a handle that owns. */
  readonly borrowScope: CallScope | undefined;
  /** How many calls that are under way were lent it. */
  lends = 0;

  constructor(type: ResourceType, rep: number, borrowScope: CallScope | undefined) {
    this.type = type;
    this.rep = rep;
    this.borrowScope = borrowScope;
  }

  /** Whether it owns the resource. */
  get isOwn(): boolean {
    return this.borrowScope === undefined;
  }
}
