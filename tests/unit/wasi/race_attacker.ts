/** A Worker that goes on exchanging a folder and a symbolic link that leads out, until it is told to stop. */

interface Order {
  /** The folder to attack in; has `swap` (a folder), `evil` (a link that leads out). */
  readonly jail: string;
  /** A flag that ends the attack: one 32-bit integer; the count of exchanges is beside it. */
  readonly control: SharedArrayBuffer;
}

// The library of Workers is not the one that tests are checked with.
const scope = self as unknown as Worker;

scope.onmessage = ({ data: { jail, control } }: MessageEvent<Order>) => {
  const state = new Int32Array(control);
  while (Atomics.load(state, 0) === 0) {
    Deno.renameSync(`${jail}/swap`, `${jail}/good`);
    Deno.renameSync(`${jail}/evil`, `${jail}/swap`);
    Deno.renameSync(`${jail}/swap`, `${jail}/evil`);
    Deno.renameSync(`${jail}/good`, `${jail}/swap`);
    Atomics.add(state, 1, 1);
  }
  scope.postMessage("stopped");
};
