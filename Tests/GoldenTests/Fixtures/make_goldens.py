#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the golden cases of this folder: index.json, and the numbers of all cases in goldens.npz.

    python3 make_goldens.py            # needs numpy only; writes the same bytes each time

Values come from the plain float64 formulas of the files beside this one, gradients from fourth-order central differences
of them, so that no derivation is shared with the library. Arrays of a case, whose places in goldens.npz the index tells:

    in.NAME  p.NAME  buf.NAME    inputs, parameters, buffers before
    go.NAME                      factor of output NAME in the loss, L = sum of out * go over all outputs; 1 for a scalar
    out.NAME                     outputs, and buffers afterwards
    d.in.NAME  d.p.NAME          dL / d in.NAME, dL / d p.NAME
"""
import math

import numpy as np

import golden_layers
import golden_losses
import golden_tensors
import golden_training
import golden_windows
from golden_cases import case, distinct, normal, uniform, write
from golden_layers import erf, sigmoid, softplus
from golden_losses import reduced


# ---- activations and elementwise functions

ACTIVATIONS = {
    "relu": lambda x, t: np.maximum(x, 0),
    "leaky_relu": lambda x, t: np.where(x > 0, x, t["negative_slope"] * x),
    "elu": lambda x, t: np.where(x > 0, x, t["alpha"] * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x, t: x * (1 + erf(x / math.sqrt(2))) / 2 if t["approximate"] == "none"
    else x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": lambda x, t: x * sigmoid(x),
    "softplus": lambda x, t: softplus(x, t["beta"]),
    "sigmoid": lambda x, t: sigmoid(x),
    "tanh": lambda x, t: np.tanh(x),
}
UNARY = {
    "exp": (np.exp, -3, 3), "log": (np.log, 0.2, 4), "sqrt": (np.sqrt, 0.2, 4), "rsqrt": (lambda x: 1 / np.sqrt(x), 0.2, 4),
    "square": (np.square, -3, 3), "reciprocal": (lambda x: 1 / x, 0.3, 3), "sin": (np.sin, -6, 6), "cos": (np.cos, -6, 6),
    "abs": (np.abs, 0.1, 3), "neg": (np.negative, -3, 3), "erf": (erf, -3, 3),
}
BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power,
    "maximum": np.maximum, "minimum": np.minimum,
}


def elementwise(r):
    options = {"leaky_relu": [dict(negative_slope=0.2)], "elu": [dict(alpha=0.7)], "softplus": [dict(beta=1.5)],
               "gelu": [dict(approximate="none"), dict(approximate="tanh")]}
    for name, f in ACTIVATIONS.items():
        for t in options.get(name, [{}]):
            case(name, lambda a, t, f=f: {"y": f(a["in.x"], t)}, t, {"in.x": distinct(r, 3, 33)})
    for name, (f, low, high) in UNARY.items():
        x = r.uniform(low, high, (5, 13)).astype(np.float32)
        case("unary", lambda a, t, f=f: {"y": f(a["in.x"])}, dict(fn=name), {"in.x": x})
    shapes = [((3, 4, 5), (3, 4, 5)), ((3, 4, 5), (5,)), ((4, 1, 3), (4, 5, 1)), ((31,), (1,)), ((1,), (2, 33)),
              ((2, 3, 4), (3, 1)), ((5, 1), (2, 5, 4))]
    for k, (name, f) in enumerate(BINARY.items()):
        for left, right in (shapes[k], shapes[(k + 3) % 7]):
            a, b = normal(r, *left), normal(r, *right)
            if name in ("pow", "div"):
                a, b = np.abs(a) + np.float32(0.5), np.abs(b) + np.float32(0.5)
            case("binary_broadcast", lambda a, t, f=f: {"y": f(a["in.a"], a["in.b"])}, dict(fn=name), {"in.a": a, "in.b": b})
    for low, high in ((-1.0, 1.0), (None, 0.5), (0.2, None)):
        case("clamp", lambda a, t: {"y": np.clip(a["in.x"], t["min"], t["max"])}, dict(min=low, max=high),
             {"in.x": distinct(r, 4, 9)})
    for condition, left, right in (((3, 5),) * 3, ((5,), (2, 3, 5), (3, 1))):
        case("where", lambda a, t: {"y": np.where(a["in.cond"], a["in.a"], a["in.b"])}, {},
             {"in.cond": r.random(condition) < 0.5, "in.a": normal(r, *left), "in.b": normal(r, *right)})


# ---- reductions, softmax, matrices, data movement

def log_sum_exp(x, axes, keep):
    top = x.max(axes, keepdims=True)
    y = np.log(np.exp(x - top).sum(axes, keepdims=True)) + top
    return y if keep else np.squeeze(y, axes)


REDUCTIONS = {
    "sum": lambda x, d, k, t: x.sum(d, keepdims=k), "mean": lambda x, d, k, t: x.mean(d, keepdims=k),
    "var": lambda x, d, k, t: x.var(d, keepdims=k, ddof=int(t["unbiased"])),
    "max": lambda x, d, k, t: x.max(d, keepdims=k), "min": lambda x, d, k, t: x.min(d, keepdims=k),
    "prod": lambda x, d, k, t: x.prod(d, keepdims=k), "logsumexp": lambda x, d, k, t: log_sum_exp(x, d, k),
    "norm": lambda x, d, k, t: np.sqrt(np.square(x).sum(d, keepdims=k)),
}


def reductions(r):
    def run(a, t):
        x = a["in.x"]
        axes = tuple(range(x.ndim)) if t["dim"] is None else tuple(d % x.ndim for d in t["dim"])
        return {"y": np.asarray(REDUCTIONS[t["fn"]](x, axes, t["keepdim"], t))}
    draws = [((3, 4, 5), None, False), ((2, 31, 3), [1], True), ((33, 5), [-1], False), ((2, 3, 4, 5), [1, 3], False)]
    for name in REDUCTIONS:
        for shape, axes, keep in draws[::3] if name == "norm" else draws:
            if name == "prod":
                shape, axes = (3, 4), [-1] if axes else None
            t = dict(fn=name, dim=None if name == "norm" else axes, keepdim=keep, ord=2.0)
            if name == "var":
                t["unbiased"] = keep
            case("reduce", run, t, {"in.x": distinct(r, *shape)})
    for axis, keep in ((0, False), (-1, True)):
        case("argmax_argmin", lambda a, t: {
            "argmax": np.expand_dims(a["in.x"].argmax(t["dim"]), t["dim"]) if t["keepdim"] else a["in.x"].argmax(t["dim"]),
            "argmin": np.expand_dims(a["in.x"].argmin(t["dim"]), t["dim"]) if t["keepdim"] else a["in.x"].argmin(t["dim"]),
        }, dict(dim=axis, keepdim=keep), {"in.x": distinct(r, 5, 33)}, gradients=False)
    for shape, axis in (((3, 10), -1), ((2, 5, 3, 4), 1), ((33, 2), 0), ((2, 65), 1)):
        log = lambda x, d: x - log_sum_exp(x, (d % x.ndim,), True)
        case("log_softmax", lambda a, t: {"y": log(a["in.x"], t["dim"])}, dict(dim=axis), {"in.x": normal(r, *shape, scale=3)})
        case("softmax", lambda a, t: {"y": np.exp(log(a["in.x"], t["dim"]))}, dict(dim=axis), {"in.x": normal(r, *shape, scale=3)})


def matrices(r):
    for a, b in (((5, 7), (7, 3)), ((1, 1), (1, 1)), ((33, 31), (31, 17)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 2)),
                 ((4,), (2, 4, 3)), ((3, 2, 4), (4,))):
        case("matmul", lambda a, t: {"y": np.matmul(a["in.a"], a["in.b"])}, {}, {"in.a": normal(r, *a), "in.b": normal(r, *b)})
    for x, out, bias in (((3, 5), 4, True), ((2, 3, 9), 6, True), ((7, 33), 2, False)):
        arrays = {"in.x": normal(r, *x), "p.weight": normal(r, out, x[-1], scale=0.4)}
        if bias:
            arrays["p.bias"] = normal(r, out)
        case("linear", lambda a, t: {"y": a["in.x"] @ a["p.weight"].T + a.get("p.bias", 0)}, {}, arrays)


def movement(r):
    case("permute_reshape", lambda a, t: {"y": a["in.x"].transpose(t["perm"]).reshape(t["shape"])},
         dict(perm=[2, 0, 1], shape=[8, -1]), {"in.x": normal(r, 3, 5, 4)[:2]})
    for axis in (0, -1):
        parts = {n: normal(r, *((k, 4) if axis == 0 else (4, k))) for n, k in (("in.a", 3), ("in.b", 1), ("in.c", 2))}
        case("concat", lambda a, t: {"y": np.concatenate([a["in.a"], a["in.b"], a["in.c"]], t["dim"])}, dict(dim=axis), parts)
    def stack_split(a, t):
        z = np.stack([a["in.a"], a["in.b"]], t["dim"])
        return {f"y{i}": part for i, part in enumerate(np.split(z, np.cumsum(t["sizes"])[:-1]))}
    case("stack_split", stack_split, dict(dim=1, sizes=[2, 3]), {"in.a": normal(r, 5, 3), "in.b": normal(r, 5, 3)})
    case("slice", lambda a, t: {"y": a["in.x"][tuple(slice(*s) for s in t["slices"])]},
         dict(slices=[[1, 7, 2], [0, 5, 1], [2, 6, 3]]), {"in.x": normal(r, 8, 5, 7)})
    for shape in ((9,), (2, 5)):
        case("embedding", lambda a, t: {"y": a["p.weight"][a["in.idx"]]}, dict(padding_idx=None),
             {"in.idx": r.integers(0, 6, shape), "p.weight": normal(r, 6, 5)})


# ---- squared errors, normalization of batches

def batch_norm(a, t):
    x = a["in.x"]
    axes = tuple(i for i in range(x.ndim) if i != 1)
    shape = [-1 if i == 1 else 1 for i in range(x.ndim)]
    mean, var = a["buf.running_mean"], a["buf.running_var"]
    out = {"running_mean": mean, "running_var": var}
    if t["training"]:
        m, count = t["momentum"], x.size // x.shape[1]
        mean, var = x.mean(axes), x.var(axes)
        out = {"running_mean": (1 - m) * out["running_mean"] + m * mean,
               "running_var": (1 - m) * out["running_var"] + m * var * count / (count - 1)}
    y = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + t["eps"])
    return {"y": y * a["p.weight"].reshape(shape) + a["p.bias"].reshape(shape), **out}


def batches(r):
    for reduction in ("mean", "sum", "none"):
        case("mse_loss", lambda a, t: {"loss": reduced(np.square(a["in.x"] - a["in.target"]), t)}, dict(reduction=reduction),
             {"in.x": normal(r, 3, 11), "in.target": normal(r, 3, 11)})
    for shape, training, momentum, eps in (((7, 3), True, 0.1, 1e-5), ((3, 4, 5, 5), True, 0.3, 1e-3), ((3, 2, 4, 3), False, 0.1, 1e-5)):
        c = shape[1]
        case("batch_norm", batch_norm, dict(training=training, momentum=momentum, eps=eps), {
            "in.x": normal(r, *shape, scale=1.7, shift=0.4), "p.weight": r.uniform(0.5, 1.5, c).astype(np.float32),
            "p.bias": normal(r, c), "buf.running_mean": normal(r, c, scale=0.3),
            "buf.running_var": r.uniform(0.5, 2, c).astype(np.float32)}, rtol=1e-3)


def main():
    families = [elementwise, reductions, matrices, movement, batches]
    for module in (golden_windows, golden_losses, golden_tensors, golden_layers, golden_training):
        families += module.families()
    for seed, family in enumerate(families):
        family(np.random.default_rng(seed))
    write()


if __name__ == "__main__":
    main()
