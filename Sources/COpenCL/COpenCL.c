// SPDX-License-Identifier: MIT
#include "COpenCL.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int opened(tern_library *library) {
  const char *path = getenv(library->variable);
  if (!path || !*path) path = library->file;
  // Never closed: drivers start threads and register exit handlers.
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    snprintf(library->failure, sizeof library->failure, "%s", dlerror());
    return 0;
  }
  for (size_t i = 0; i < library->count; i++) {
    library->functions[i] = dlsym(handle, library->names[i]);
    if (!library->functions[i]) {
      snprintf(library->failure, sizeof library->failure, "%s has no function %s", path, library->names[i]);
      return 0;
    }
  }
  return 1;
}

int tern_library_load(tern_library *library) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (library->state == 0) library->state = opened(library) ? 1 : -1;
  const int succeeded = library->state == 1;
  pthread_mutex_unlock(&lock);
  return succeeded;
}

TERN_LIBRARY(tern_cl, TERN_CL_FUNCTIONS, "TERN_OPENCL_LIBRARY", "libOpenCL.so.1")
