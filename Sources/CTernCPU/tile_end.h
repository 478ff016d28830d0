// SPDX-License-Identifier: MIT
//
// Forgets what tile_body.h defined, so that the next instruction set may define it anew.

#undef TILE_ROWS
#undef TILE_COLUMNS
#undef WIDE_ROWS
#undef DIRECT_ROWS
#undef FOR_EACH_ROWS
#undef FOR_EACH_WIDE_ROWS
#undef FOR_EACH_DIRECT_ROWS
