// SPDX-License-Identifier: MIT
// A library that is opened on first use, seen as a struct of typed function pointers; for COpenCL and its sisters.
//
// A header names the functions once, in a list `#define LIST(X) X(one) X(two)`, and declares the struct with
// TERN_TABLE(prefix, LIST); the types come from the library's own header. In one C file
// TERN_LIBRARY(prefix, LIST, variable, file) defines prefix_load and prefix_load_error.
#ifndef TERN_LIBRARY_H
#define TERN_LIBRARY_H

#include <stddef.h>

typedef struct tern_library {
  const char *variable;  ///< the environment variable that names another file
  const char *file;
  const char *const *names;
  void **functions;  ///< takes what is found under `count` names
  size_t count;
  int state;  ///< 0: not tried, 1: loaded, -1: failed
  char failure[512];
} tern_library;

/// Opens the library at the first call, from any thread; whether all functions were found.
int tern_library_load(tern_library *library);

#define TERN_TABLE_FIELD(name) __typeof__(&name) name;
#define TERN_TABLE_NAME(name) #name,

#define TERN_TABLE(prefix, list) \
  typedef struct prefix##_table { \
    list(TERN_TABLE_FIELD) \
  } prefix##_table;

#define TERN_LIBRARY(prefix, list, variable, file) \
  static const char *const prefix##_names[] = {list(TERN_TABLE_NAME)}; \
  static union { \
    prefix##_table table; \
    void *functions[sizeof prefix##_names / sizeof *prefix##_names]; /* POSIX: they fit data pointers */ \
  } prefix##_found; \
  _Static_assert(sizeof prefix##_found.table == sizeof prefix##_found.functions, "function pointers only"); \
  static tern_library prefix##_library = { \
      variable, file, prefix##_names, prefix##_found.functions, sizeof prefix##_names / sizeof(char *), 0, ""}; \
  const prefix##_table *prefix##_load(void) { \
    return tern_library_load(&prefix##_library) ? &prefix##_found.table : NULL; \
  } \
  const char *prefix##_load_error(void) { \
    tern_library_load(&prefix##_library); \
    return prefix##_library.failure; \
  }

#endif
