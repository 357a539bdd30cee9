/** The most memory that this process has had resident, in bytes: the kernel's high-water mark. */
export function peakRssBytes(): number {
  const line = Deno.readTextFileSync("/proc/self/status").match(/^VmHWM:\s*(\d+) kB$/m);
  return Number(line?.[1] ?? 0) * 1024;
}
