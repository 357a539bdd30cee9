/** Raises the interrupt flag of a record of another thread, once a while until it is terminated. */

import { aliasMemory, RECORD } from "../../lib/host/mod.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<number>) => void;
  postMessage(message: string): void;
};

scope.onmessage = ({ data: address }: MessageEvent<number>) => {
  // Safety: per HOST-3 (the table of records is mapped for the life of the process).
  const words = new Int32Array(aliasMemory(address, 1024));
  setInterval(() => Atomics.store(words, RECORD.interruptFlag >> 2, 1), 20);
  scope.postMessage("ready");
};
