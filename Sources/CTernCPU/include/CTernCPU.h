// SPDX-License-Identifier: MIT
#pragma once
#include "tern_conv.h"
#include "tern_gemm.h"
#include "tern_isa.h"
#include "tern_normalization.h"
#include "tern_pointwise.h"
#include "tern_pooling.h"
#include "tern_probe.h"
#include "tern_random.h"
#include "tern_reduction.h"
#include "tern_softmax.h"
#include "tern_threads.h"
#include "tern_winograd.h"
