// Counts the words of the files named on the command line and prints the most frequent ones.
// Reads files, allocates as it goes, prints: a real program for the README and the tests.
// Built with: clang --target=wasm32-wasi -O2 -Wl,--strip-debug -o wordcount.wasm wordcount.c (Debian clang 14, wasi-libc)
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
  char *text;
  unsigned count;
};

static struct word *table;
static size_t capacity, used;

static size_t hash(const char *text) {
  size_t h = 2166136261u;
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 16777619u;
  return h;
}

static struct word *slot(struct word *words, size_t size, const char *text) {
  size_t i = hash(text) & (size - 1);
  while (words[i].text && strcmp(words[i].text, text)) i = (i + 1) & (size - 1);
  return &words[i];
}

static void grow(void) {
  size_t size = capacity ? capacity * 2 : 64;
  struct word *bigger = calloc(size, sizeof *bigger);
  if (!bigger) exit(3);
  for (size_t i = 0; i < capacity; i++)
    if (table[i].text) *slot(bigger, size, table[i].text) = table[i];
  free(table);
  table = bigger;
  capacity = size;
}

static void add(const char *text) {
  if (2 * (used + 1) > capacity) grow();
  struct word *word = slot(table, capacity, text);
  if (!word->text) {
    word->text = strdup(text);
    if (!word->text) exit(3);
    used++;
  }
  word->count++;
}

static int by_count(const void *a, const void *b) {
  const struct word *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return strcmp(x->text, y->text);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: wordcount FILE...\n");
    return 2;
  }
  unsigned long total = 0;
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "r");
    if (!file) {
      perror(argv[i]);
      return 1;
    }
    char text[64];
    size_t length = 0;
    int c;
    do {
      c = fgetc(file);
      if (c != EOF && isalpha(c)) {
        if (length < sizeof text - 1) text[length++] = (char)tolower(c);
      } else if (length) {
        text[length] = 0;
        add(text);
        total++;
        length = 0;
      }
    } while (c != EOF);
    fclose(file);
  }
  size_t kept = 0;
  for (size_t i = 0; i < capacity; i++)
    if (table[i].text) table[kept++] = table[i];
  qsort(table, kept, sizeof *table, by_count);
  printf("%lu words, %zu different\n", total, used);
  for (size_t i = 0; i < kept && i < 5; i++) printf("%6u %s\n", table[i].count, table[i].text);
  return 0;
}
