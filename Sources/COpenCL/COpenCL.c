// SPDX-License-Identifier: MIT
#include "COpenCL.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int tern_load_functions(
    const char *variable, const char *library, const char *const *names, void **functions, size_t count, char *failure,
    size_t size) {
  const char *path = getenv(variable);
  if (!path || !*path) path = library;
  // Never closed: drivers start threads and register exit handlers.
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    snprintf(failure, size, "%s", dlerror());
    return 0;
  }
  for (size_t i = 0; i < count; i++) {
    functions[i] = dlsym(handle, names[i]);
    if (!functions[i]) {
      snprintf(failure, size, "%s has no function %s", path, names[i]);
      return 0;
    }
  }
  return 1;
}

static const char *const names[] = {
#define TERN_CL_NAME(name) #name,
    TERN_CL_FUNCTIONS(TERN_CL_NAME)
#undef TERN_CL_NAME
};

static union {
  tern_cl_table table;
  void *functions[sizeof names / sizeof *names];  // POSIX: a function pointer fits a data pointer
} loaded;
_Static_assert(sizeof loaded.table == sizeof loaded.functions, "the table holds function pointers only");

static int succeeded;
static char failure[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  succeeded = tern_load_functions(
      "TERN_OPENCL_LIBRARY", "libOpenCL.so.1", names, loaded.functions, sizeof names / sizeof *names, failure,
      sizeof failure);
}

const tern_cl_table *tern_cl_load(void) {
  pthread_once(&once, load);
  return succeeded ? &loaded.table : NULL;
}

const char *tern_cl_load_error(void) {
  pthread_once(&once, load);
  return failure;
}
