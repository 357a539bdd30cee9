/** The child of v8_process.ts: modules in hexadecimal come in, a line each; V8's refusals go out, null where there is none. */

const input = await new Response(Deno.stdin.readable).text();
const refusals = input.split("\n").map((line) => {
  try {
    new WebAssembly.Module(Uint8Array.fromHex(line));
    return null;
  } catch (error) {
    return (error as Error).message;
  }
});
console.log(JSON.stringify(refusals));
