/** A progress line on standard error for work that takes long enough to wonder about; silent where no terminal is. */

const FIRST_AFTER_MS = 300;
const EVERY_MS = 100;

/** Shows how far a piece of work is. */
export class Progress {
  readonly #label: string;
  readonly #start = performance.now();
  readonly #visible = Deno.stderr.isTerminal();
  #last = 0;
  #shown = false;

  constructor(label: string) {
    this.#label = label;
  }

  /** Reports `done` of `total` parts; cheap enough for each function compiled. */
  update(done: number, total: number): void {
    if (!this.#visible) return;
    const now = performance.now();
    if (now - this.#start < FIRST_AFTER_MS || now - this.#last < EVERY_MS) return;
    this.#last = now;
    this.#shown = true;
    const width = 30;
    const filled = Math.floor(width * done / Math.max(total, 1));
    write(`\r${this.#label} [${"#".repeat(filled)}${" ".repeat(width - filled)}] ${done}/${total}`);
  }

  /** Takes the line away. */
  finish(): void {
    if (this.#shown) write("\r\x1b[K");
  }
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
