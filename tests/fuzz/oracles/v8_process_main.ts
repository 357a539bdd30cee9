/** The child of {@linkcode refusalsOfV8}: V8's refusals of modules, null where there is none. */

import { answerEach } from "./v8_child.ts";

await answerEach((bytes) => {
  try {
    new WebAssembly.Module(bytes);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
});
