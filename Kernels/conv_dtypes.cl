// SPDX-License-Identifier: MIT
// The dtypes of a convolution's operands, for its kernels: SOURCE, of what is read (GRADIENT, of dy beside x), WEIGHT,
// RESULT, of what is written, and BIAS.
#ifndef SOURCE
#define SOURCE float32
#endif
#ifndef GRADIENT
#define GRADIENT float32
#endif
#ifndef WEIGHT
#define WEIGHT float32
#endif
#ifndef RESULT
#define RESULT float32
#endif
#ifndef BIAS
#define BIAS RESULT
#endif
