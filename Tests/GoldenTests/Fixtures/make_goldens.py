#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the golden cases of this folder: index.json, and the arrays of all cases in goldens.npz.

    python3 make_goldens.py            # needs numpy only; writes the same bytes each time

Values come from the plain float64 formulas below, gradients from fourth-order central differences of them, so that no
derivation is shared with the library. Arrays of a case, with the case's name and a slash in front:

    in.NAME  p.NAME  buf.NAME    inputs, parameters, buffers before
    go.NAME                      factor of output NAME in the loss, L = sum of out * go over all outputs; 1 for a scalar
    out.NAME                     outputs, and buffers afterwards
    d.in.NAME  d.p.NAME          dL / d in.NAME, dL / d p.NAME
"""
import json
import math
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
CASES, ARRAYS = [], {}
erf = np.vectorize(math.erf)


def normal(r, *shape, scale=1.0, shift=0.0):
    return (r.standard_normal(shape) * scale + shift).astype(np.float32)


def distinct(r, *shape):
    """Values at least 0.01 apart, so that maxima are unique and differences do not cross a kink."""
    count = int(np.prod(shape))
    return ((r.permutation(count) - count / 2 + 0.25) * max(0.01, 4 / count)).astype(np.float32).reshape(shape)


def differences(loss, x, step=1e-3):
    """d loss / d x, element by element, with an error of order step^4."""
    gradient, flat = np.zeros(x.shape), x.reshape(-1)
    for i in range(flat.size):
        kept, values = flat[i], []
        for offset in (2, 1, -1, -2):
            flat[i] = kept + offset * step
            values.append(loss())
        flat[i] = kept
        gradient.reshape(-1)[i] = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * step)
    return gradient


def case(op, forward, attributes, arrays, gradients=True, rtol=1e-4, atol=1e-5):
    """Records one case. `forward(arrays, attributes)` gives the outputs; `arrays` are float32, int64 or bool."""
    r = np.random.default_rng(len(CASES) + 1000)
    wide = {n: v.astype(np.float64) if v.dtype == np.float32 else v for n, v in arrays.items()}
    outputs = forward(wide, attributes)
    record = {**arrays, **{"out." + n: v for n, v in outputs.items()}}
    if gradients:
        free = {n: v for n, v in outputs.items() if not n.startswith("running")}
        factors = {n: normal(r, *np.shape(v)) if np.ndim(v) else np.float32(1) for n, v in free.items()}
        record.update({"go." + n: v for n, v in factors.items()})
        loss = lambda: float(sum(np.sum(forward(wide, attributes)[n] * np.float64(v)) for n, v in factors.items()))
        for name, value in wide.items():
            if value.dtype == np.float64 and name.startswith(("in.", "p.")) and name not in attributes.get("fixed", []):
                record["d." + name] = differences(loss, value)
    identity = f"{op}_{sum(c['op'] == op for c in CASES)}"
    for name, value in record.items():
        value = np.asarray(value)
        ARRAYS[f"{identity}/{name}"] = value.astype(np.float32) if value.dtype == np.float64 else value
    CASES.append(dict(id=identity, file="goldens.npz", prefix=identity + "/", op=op, attrs=attributes, rtol=rtol, atol=atol,
                      kind="gradient" if gradients else "forward"))


# ---- convolution and pooling, [N, C, H, W]

def convolution(a, t):
    x, w = a["in.x"], a["p.weight"]
    (sh, sw), (dh, dw), groups = t["stride"], t["dilation"], t["groups"]
    (o, _, kh, kw) = w.shape
    if t["padding"] == "same":
        whole = [(kh - 1) * dh, (kw - 1) * dw]
        pads = [(v // 2, v - v // 2) for v in whole]
    else:
        extra = t.get("pads", [0, 0, 0, 0])
        pads = [(p + extra[2 * i], p + extra[2 * i + 1]) for i, p in enumerate(t["padding"])]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    ho, wo = ((x.shape[2 + i] - d * (k - 1) - 1) // s + 1 for i, (d, k, s) in enumerate(((dh, kh, sh), (dw, kw, sw))))
    ci, co = x.shape[1] // groups, o // groups
    y = np.zeros((x.shape[0], o, ho, wo))
    for g in range(groups):
        for i in range(kh):
            for j in range(kw):
                window = x[:, g * ci:(g + 1) * ci, i * dh:i * dh + (ho - 1) * sh + 1:sh, j * dw:j * dw + (wo - 1) * sw + 1:sw]
                y[:, g * co:(g + 1) * co] += np.einsum("nchw,oc->nohw", window, w[g * co:(g + 1) * co, :, i, j])
    return {"y": y + a["p.bias"][:, None, None] if "p.bias" in a else y}


def windows(a, t):
    """Index ranges of each pooling window, clipped to the input: (output position, rows, columns, padded cell count)."""
    h, w = a["in.x"].shape[2:]
    axes = []
    for size, k, s, p, d in zip((h, w), t["kernel_size"], t["stride"], t["padding"], t.get("dilation", [1, 1])):
        room = size + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if t["ceil_mode"] else room // s) + 1
        if t["ceil_mode"] and (count - 1) * s >= size + p:
            count -= 1
        axis = []
        for o in range(count):
            cells = [o * s - p + d * i for i in range(k)]
            axis.append(([c for c in cells if 0 <= c < size], sum(c < size + p for c in cells)))
        axes.append(axis)
    return axes


def pool(reduce):
    def run(a, t):
        rows, columns = windows(a, t)
        y = np.zeros((*a["in.x"].shape[:2], len(rows), len(columns)))
        for i, (r, rn) in enumerate(rows):
            for j, (c, cn) in enumerate(columns):
                y[:, :, i, j] = reduce(a["in.x"][:, :, r][:, :, :, c], rn * cn, t)
        return {"y": y}
    return run


max_pool = pool(lambda cells, padded, t: cells.max((2, 3)))
average_pool = pool(lambda cells, padded, t: cells.sum((2, 3)) / (padded if t["count_include_pad"] else cells[0, 0].size))


def convolutions(r):
    def add(x, w, bias=True, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, pads=None):
        t = dict(stride=list(stride), padding=padding if padding == "same" else list(padding), dilation=list(dilation),
                 groups=groups, kernel_size=list(w[2:]), **({"pads": pads} if pads else {}))
        arrays = {"in.x": normal(r, *x), "p.weight": normal(r, *w, scale=1 / math.sqrt(w[1] * w[2] * w[3]))}
        if bias:
            arrays["p.bias"] = normal(r, w[0], scale=0.3)
        case("conv2d", convolution, t, arrays)
    add((1, 1, 1, 1), (1, 1, 1, 1))
    add((2, 3, 7, 9), (4, 3, 3, 3), padding=(1, 1))
    add((2, 2, 9, 8), (3, 2, 4, 3), stride=(2, 3), padding=(2, 0), bias=False)
    add((1, 2, 9, 10), (2, 2, 3, 2), dilation=(2, 3), padding=(1, 2))
    add((2, 4, 6, 5), (6, 2, 3, 3), groups=2, padding=(1, 1), stride=(2, 1))
    add((1, 5, 7, 7), (10, 1, 3, 3), groups=5, padding=(1, 1))
    add((1, 2, 6, 7), (3, 2, 4, 3), padding="same")
    add((1, 2, 5, 6), (2, 2, 2, 3), pads=[2, 0, 1, 3], stride=(2, 2))
    add((2, 9, 5, 3), (17, 9, 1, 1))
    add((1, 1, 12, 12), (6, 1, 5, 5), padding=(2, 2))


def pools(r):
    shapes = [(2, 3, 6, 8), (1, 2, 7, 9), (2, 1, 9, 7), (1, 3, 11, 10), (1, 1, 31, 3)]
    geometry = [((2, 2), (2, 2), (0, 0), False), ((3, 3), (2, 2), (1, 1), False), ((2, 3), (3, 2), (1, 1), True),
                ((4, 3), (1, 2), (2, 1), False), ((5, 1), (4, 1), (2, 0), True)]
    for i, (shape, (k, s, p, ceil)) in enumerate(zip(shapes, geometry)):
        t = dict(kernel_size=list(k), stride=list(s), padding=list(p), ceil_mode=ceil)
        case("max_pool2d", max_pool, dict(t, dilation=[2, 1] if i == 3 else [1, 1]), {"in.x": distinct(r, *shape)})
        case("avg_pool2d", average_pool, dict(t, count_include_pad=i % 2 == 0), {"in.x": normal(r, *shape)})
    case("max_pool2d", max_pool, dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], ceil_mode=False, dilation=[1, 1]),
         {"in.x": distinct(r, 1, 2, 5, 5) - np.float32(50)})


# ---- activations and elementwise functions

def softplus(x, beta):
    return np.logaddexp(0, beta * x) / beta


ACTIVATIONS = {
    "relu": lambda x, t: np.maximum(x, 0),
    "leaky_relu": lambda x, t: np.where(x > 0, x, t["negative_slope"] * x),
    "elu": lambda x, t: np.where(x > 0, x, t["alpha"] * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x, t: x * (1 + erf(x / math.sqrt(2))) / 2 if t["approximate"] == "none"
    else x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": lambda x, t: x / (1 + np.exp(-x)),
    "softplus": lambda x, t: softplus(x, t["beta"]),
    "sigmoid": lambda x, t: 1 / (1 + np.exp(-x)),
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


# ---- losses and normalization

def reduced(losses, t, weights=None):
    if t["reduction"] == "none":
        return losses
    return losses.sum() if t["reduction"] == "sum" else losses.sum() / (losses.size if weights is None else weights.sum())


def cross_entropy(a, t):
    x, target = a["in.x"], a["in.target"]
    w, s, kept = a.get("in.class_weight", np.ones(x.shape[1])), t["label_smoothing"], target != t["ignore_index"]
    label = np.where(kept, target, 0)
    minus_log = log_sum_exp(x, (1,), True) - x
    picked = minus_log[np.arange(len(x)), label] * w[label]
    losses = ((1 - s) * picked + s / x.shape[1] * (minus_log * w).sum(1)) * kept
    return {"loss": reduced(losses, t, w[label] * kept)}


def binary_cross_entropy(a, t):
    x, target = a["in.x"], a["in.target"]
    losses = a.get("in.pos_weight", 1) * target * softplus(-x, 1) + (1 - target) * softplus(x, 1)
    return {"loss": reduced(losses * a.get("in.weight", 1), t)}


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


def losses(r):
    for n, c, reduction, ignored, smoothing, weighted in (
            (4, 10, "mean", -100, 0.0, False), (5, 3, "mean", 1, 0.0, True), (6, 4, "sum", -100, 0.15, False),
            (3, 7, "none", 2, 0.3, True), (33, 10, "mean", -1, 0.1, True)):
        target = r.integers(0, c, n)
        target[-1] = ignored if ignored != -100 else target[-1]
        arrays = {"in.x": normal(r, n, c, scale=2), "in.target": target}
        t = dict(reduction=reduction, ignore_index=ignored, label_smoothing=smoothing, fixed=["in.class_weight"])
        if weighted:
            arrays["in.class_weight"] = r.uniform(0.3, 2, c).astype(np.float32)
        case("cross_entropy", cross_entropy, t, arrays)
    for reduction, weight, positive in (("mean", False, False), ("sum", True, False), ("none", False, True), ("mean", True, True)):
        arrays = {"in.x": normal(r, 5, 7, scale=3), "in.target": r.random((5, 7)).astype(np.float32)}
        if weight:
            arrays["in.weight"] = r.uniform(0.2, 2, (5, 7)).astype(np.float32)
        if positive:
            arrays["in.pos_weight"] = r.uniform(0.5, 3, 7).astype(np.float32)
        case("bce_with_logits", binary_cross_entropy,
             dict(reduction=reduction, fixed=["in.target", "in.weight", "in.pos_weight"]), arrays)
    for reduction in ("mean", "sum", "none"):
        case("mse_loss", lambda a, t: {"loss": reduced(np.square(a["in.x"] - a["in.target"]), t)}, dict(reduction=reduction),
             {"in.x": normal(r, 3, 11), "in.target": normal(r, 3, 11)})
    for shape, training, momentum, eps in (((7, 3), True, 0.1, 1e-5), ((3, 4, 5, 5), True, 0.3, 1e-3), ((3, 2, 4, 3), False, 0.1, 1e-5)):
        c = shape[1]
        case("batch_norm", batch_norm, dict(training=training, momentum=momentum, eps=eps), {
            "in.x": normal(r, *shape, scale=1.7, shift=0.4), "p.weight": r.uniform(0.5, 1.5, c).astype(np.float32),
            "p.bias": normal(r, c), "buf.running_mean": normal(r, c, scale=0.3),
            "buf.running_var": r.uniform(0.5, 2, c).astype(np.float32)}, rtol=1e-3)


# ---- optimizers, schedules, clipping

def sgd(w, g, s, t, step):
    g = g + t.get("weight_decay", 0) * w
    if t.get("momentum"):
        s["v"] = g if step == 0 else t["momentum"] * s["v"] + (1 - t.get("dampening", 0)) * g
        g = g + t["momentum"] * s["v"] if t.get("nesterov") else s["v"]
    return w - t["lr"] * g


def adam(w, g, s, t, step, decoupled=False):
    b1, b2 = t.get("betas", [0.9, 0.999])
    decay = t.get("weight_decay", 0.01 if decoupled else 0)
    if decoupled:
        w = w * (1 - t["lr"] * decay)
    else:
        g = g + decay * w
    s["m"], s["v"] = b1 * s.get("m", 0) + (1 - b1) * g, b2 * s.get("v", 0) + (1 - b2) * g * g
    second = s["v"] / (1 - b2 ** (step + 1))
    return w - t["lr"] * s["m"] / (1 - b1 ** (step + 1)) / (np.sqrt(second) + t.get("eps", 1e-8))


def rmsprop(w, g, s, t, step):
    g, q = g + t.get("weight_decay", 0) * w, t["alpha"]
    s["v"], s["mean"] = q * s.get("v", 0) + (1 - q) * g * g, q * s.get("mean", 0) + (1 - q) * g
    quotient = g / (np.sqrt(s["v"] - s["mean"] ** 2 * bool(t.get("centered"))) + t.get("eps", 1e-8))
    if t.get("momentum"):
        quotient = s["b"] = t["momentum"] * s.get("b", 0) + quotient
    return w - t["lr"] * quotient


def optimizers(r):
    draws = [("sgd", sgd, dict(lr=0.1)), ("sgd", sgd, dict(lr=0.05, momentum=0.9, weight_decay=0.01)),
             ("sgd", sgd, dict(lr=0.05, momentum=0.8, nesterov=True)), ("sgd", sgd, dict(lr=0.03, momentum=0.9, dampening=0.3)),
             ("adam", adam, dict(lr=0.01)), ("adam", adam, dict(lr=0.02, betas=[0.8, 0.99], eps=1e-3, weight_decay=0.1)),
             ("adamw", lambda *a: adam(*a, decoupled=True), dict(lr=0.02, weight_decay=0.2)),
             ("rmsprop", rmsprop, dict(lr=0.01, alpha=0.99)),
             ("rmsprop", rmsprop, dict(lr=0.02, alpha=0.9, momentum=0.9, weight_decay=0.05, eps=1e-3)),
             ("rmsprop", rmsprop, dict(lr=0.01, alpha=0.95, centered=True))]
    for name, update, t in draws:
        def run(a, t, update=update):
            out = {}
            for p in ("w0", "w1"):
                w, state, steps = a["p." + p], {}, []
                for step in range(t["steps"]):
                    w = update(w, a["in.grads_" + p][step], state, t, step)
                    steps.append(w)
                out[p + "_steps"] = np.stack(steps)
            return out
        shapes = {"w0": (3, 5), "w1": (4,)}
        arrays = {f"p.{n}": normal(r, *s) for n, s in shapes.items()}
        arrays.update({f"in.grads_{n}": normal(r, 10, *s) for n, s in shapes.items()})
        case("optim_" + name, run, dict(t, steps=10), arrays, gradients=False)
    for name, rate, t in (
            ("step", lambda t, i: t["gamma"] ** (i // t["step_size"]), dict(step_size=7, gamma=0.6)),
            ("exponential", lambda t, i: t["gamma"] ** i, dict(gamma=0.9)),
            ("inverse_time", lambda t, i: 1 / (1 + t["decay_rate"] * i), dict(decay_rate=0.4)),
            ("cosine", lambda t, i: (1 + math.cos(math.pi * i / t["T_max"])) / 2, dict(T_max=20, eta_min=0.0))):
        case("lr_" + name, lambda a, t, rate=rate: {"lr": np.array([t["lr"] * rate(t, i) for i in range(t["steps"])])},
             dict(t, lr=0.3, steps=20), {}, gradients=False)
    gradients = {f"in.g{i}": normal(r, *s) for i, s in enumerate(((4,), (3, 5), (2, 3, 4)))}
    for limit in (1.0, 1000.0):
        def clip(a, t):
            norm = math.sqrt(sum(np.square(v).sum() for v in a.values()))
            return {"total_norm": np.asarray(norm), **{
                "clipped_" + n[3:]: v * min(1, t["max_norm"] / (norm + 1e-6)) for n, v in a.items()}}
        case("clip_grad_norm", clip, dict(max_norm=limit, norm_type=2.0), gradients, gradients=False)
    case("clip_grad_value", lambda a, t: {"clipped_" + n[3:]: np.clip(v, -t["clip_value"], t["clip_value"]) for n, v in a.items()},
         dict(clip_value=0.5), gradients, gradients=False)


def main():
    for seed, family in enumerate((convolutions, pools, elementwise, reductions, matrices, movement, losses, optimizers)):
        family(np.random.default_rng(seed))
    np.savez(HERE / "goldens.npz", **ARRAYS)
    lines = ",\n".join(json.dumps(c) for c in CASES)
    (HERE / "index.json").write_text('{"cases": [\n' + lines + "\n]}\n")
    print(f"{len(CASES)} cases, {(HERE / 'goldens.npz').stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
