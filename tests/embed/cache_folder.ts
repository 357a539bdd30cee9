/** Runs `use` with the path of a folder that does not exist yet. */
export async function withFolder(use: (directory: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "theropod-cache-" });
  try {
    await use(`${folder}/cache`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
