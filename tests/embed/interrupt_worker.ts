/** Interrupts a store of another thread, once a while until it is terminated. */

import { InterruptHandle } from "../../mod.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<unknown>) => void;
  postMessage(message: string): void;
};

scope.onmessage = ({ data }: MessageEvent<unknown>) => {
  const handle = InterruptHandle.from(data);
  setInterval(() => handle.interrupt(), 20);
  scope.postMessage("ready");
};
