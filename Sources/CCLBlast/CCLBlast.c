// SPDX-License-Identifier: MIT
#include "CCLBlast.h"

#include <pthread.h>

static const char *const names[] = {
#define TERN_CLBLAST_NAME(name) #name,
    TERN_CLBLAST_FUNCTIONS(TERN_CLBLAST_NAME)
#undef TERN_CLBLAST_NAME
};

static union {
  tern_clblast_table table;
  void *functions[sizeof names / sizeof *names];
} loaded;
_Static_assert(sizeof loaded.table == sizeof loaded.functions, "the table holds function pointers only");

static int succeeded;
static char failure[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  succeeded = tern_load_functions(
      "TERN_CLBLAST_LIBRARY", "libclblast.so.1", names, loaded.functions, sizeof names / sizeof *names, failure,
      sizeof failure);
}

const tern_clblast_table *tern_clblast_load(void) {
  pthread_once(&once, load);
  return succeeded ? &loaded.table : NULL;
}

const char *tern_clblast_load_error(void) {
  pthread_once(&once, load);
  return failure;
}
