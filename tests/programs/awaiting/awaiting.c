/* A program that waits in the middle of its work, with values on its stack in memory and on its heap.
 *
 * Built with: clang --target=wasm32-wasi -O2 -mexec-model=reactor -Wl,--strip-debug -o awaiting.wasm awaiting.c (Debian clang 14,
 * wasi-libc)
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((import_module("host"), import_name("wait"))) int host_wait(int job);

/* Waits `depth` frames down, each with a buffer of its own, and checks afterwards that nobody wrote into any. */
static long long descend(int job, int depth) {
  volatile unsigned char marks[48];
  for (int i = 0; i < 48; i++) marks[i] = (unsigned char)(job * 31 + depth * 7 + i);
  long long below = depth == 0 ? host_wait(job) : descend(job, depth - 1);
  for (int i = 0; i < 48; i++) {
    if (marks[i] != (unsigned char)(job * 31 + depth * 7 + i)) return -1000000000;
  }
  return below + 1;
}

__attribute__((export_name("work"))) long long work(int job) {
  char *name = malloc(64);
  char on_stack[64];
  snprintf(name, 64, "job %d", job);
  strcpy(on_stack, name);
  long long waited = descend(job, job % 50);
  if (strcmp(name, on_stack) != 0) return -1;
  long long parsed = strtoll(name + 4, 0, 10);
  free(name);
  return waited * 100000 + parsed;
}

/* What nobody may call in between. */
__attribute__((export_name("quick"))) int quick(int a) { return a + 1; }
