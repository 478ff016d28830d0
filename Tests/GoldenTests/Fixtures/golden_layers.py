# SPDX-License-Identifier: MIT
"""Golden cases of normalization, activations, recurrent layers, attention and embeddings."""
import math

import numpy as np

from golden_cases import case, distinct, normal, uniform

erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x, beta=1.0):
    return np.logaddexp(0, beta * x) / beta


def soft_max(x):
    y = np.exp(x - x.max(-1, keepdims=True))
    return y / y.sum(-1, keepdims=True)


# ---- normalization

def standardized(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def layer_norm(a, t):
    y = standardized(a["in.x"], tuple(range(-len(t["normalized_shape"]), 0)), t["eps"])
    return {"y": y * a.get("p.weight", 1) + a.get("p.bias", 0)}


def by_channel(y, a):
    shape = [1, -1] + [1] * (y.ndim - 2)
    return y * a["p.weight"].reshape(shape) + a["p.bias"].reshape(shape) if "p.weight" in a else y


def group_norm(a, t):
    x = a["in.x"]
    y = standardized(x.reshape(x.shape[0], t["num_groups"], -1), 2, t["eps"])
    return {"y": by_channel(y.reshape(x.shape), a)}


def instance_norm(a, t):
    x = a["in.x"]
    return {"y": by_channel(standardized(x, tuple(range(2, x.ndim)), t["eps"]), a)}


def local_response_norm(a, t):
    x, size = a["in.x"], t["size"]
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        power = np.square(x[:, max(0, c - size // 2):c + (size - 1) // 2 + 1]).sum(1)
        y[:, c] = x[:, c] / (t["k"] + t["alpha"] / size * power) ** t["beta"]
    return {"y": y}


def rms_norm(a, t):
    x = a["in.x"]
    return {"y": x / np.sqrt(np.square(x).mean(-1, keepdims=True) + t["eps"]) * a["p.weight"]}


def l2_normalize(a, t):
    length = np.sqrt(np.square(a["in.x"]).sum(t["dim"], keepdims=True))
    return {"y": a["in.x"] / np.maximum(length, t["eps"])}


def normalizations(r):
    for x, axes, eps, affine in (((3, 7), 1, 1e-5, True), ((2, 3, 5), 2, 1e-3, False)):
        arrays = {"in.x": normal(r, *x)}
        if affine:
            arrays.update({"p.weight": uniform(r, 0.5, 1.5, *x[-axes:]), "p.bias": normal(r, *x[-axes:])})
        case("layer_norm", layer_norm, dict(normalized_shape=list(x[-axes:]), eps=eps), arrays)
    for op, function, t in (("group_norm", group_norm, dict(num_groups=2, eps=1e-3)), ("instance_norm", instance_norm, dict(eps=1e-5))):
        case(op, function, t, {"in.x": normal(r, 2, 4, 3, 3), "p.weight": uniform(r, 0.5, 1.5, 4), "p.bias": normal(r, 4)})
    case("local_response_norm", local_response_norm, dict(size=4, alpha=0.4, beta=0.7, k=1.3), {"in.x": normal(r, 2, 6, 2, 3)})
    case("rms_norm", rms_norm, dict(eps=1e-3), {"in.x": normal(r, 3, 7), "p.weight": uniform(r, 0.5, 1.5, 7)})
    case("l2_normalize", l2_normalize, dict(dim=1, eps=1e-12), {"in.x": normal(r, 2, 5, 3)})


# ---- activations beside those of make_goldens.py

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, the fixed point (0, 1)
ACTIVATIONS = {
    "relu6": (lambda x, t: np.clip(x, 0, 6), {}),
    "selu": (lambda x, t: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)), {}),
    "celu": (lambda x, t: np.where(x > 0, x, t["alpha"] * np.expm1(x / t["alpha"])), dict(alpha=0.7)),
    "mish": (lambda x, t: x * np.tanh(softplus(x)), {}),
    "softsign": (lambda x, t: x / (1 + np.abs(x)), {}),
    "logsigmoid": (lambda x, t: -softplus(-x), {}),
    "hardtanh": (lambda x, t: np.clip(x, t["min"], t["max"]), dict(min=-0.6, max=0.8)),
    "hardswish": (lambda x, t: x * np.clip(x + 3, 0, 6) / 6, {}),
    "hardsigmoid": (lambda x, t: np.clip(x / 6 + 0.5, 0, 1), {}),
}


def activations(r):
    for name, (f, t) in ACTIVATIONS.items():
        # Up to 7.3 on either side; a step is far from -3, 3 and 6.
        case(name, lambda a, t, f=f: {"y": f(a["in.x"], t)}, t, {"in.x": distinct(r, 4, 9) * np.float32(3.64)})
    case("prelu", lambda a, t: {"y": np.where(a["in.x"] > 0, a["in.x"], a["p.weight"][:, None] * a["in.x"])}, {},
         {"in.x": distinct(r, 3, 2, 5), "p.weight": uniform(r, 0.1, 0.5, 2)})
    def glu(a, t):
        left, right = np.split(a["in.x"], 2, t["dim"])
        return {"y": left * sigmoid(right)}
    case("glu", glu, dict(dim=1), {"in.x": normal(r, 3, 6, 2)})


# ---- recurrent layers

def lstm_step(x, h, c, w, u, b, d):
    i, f, g, o = np.split(x @ w.T + b + h @ u.T + d, 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, h, c, w, u, b, d):
    (ri, zi, ni), (rh, zh, nh) = np.split(x @ w.T + b, 3, -1), np.split(h @ u.T + d, 3, -1)
    z, n = sigmoid(zi + zh), np.tanh(ni + sigmoid(ri + rh) * nh)
    return (1 - z) * n + z * h, c


def rnn_step(x, h, c, w, u, b, d, activation=np.tanh):
    return activation(x @ w.T + b + h @ u.T + d), c


def recurrent(step):
    """Sequence by sequence, step by step; a reversed direction begins at a sequence's own end."""
    def run(a, t):
        first = t["batch_first"]
        x = a["in.x"] if first else a["in.x"].swapaxes(0, 1)
        lengths = a.get("in.lengths", np.full(len(x), x.shape[1]))
        h0, directions = a["in.h0"], 2 if t["bidirectional"] else 1
        hn, cn = np.zeros(h0.shape), np.zeros(h0.shape)
        for layer in range(t["num_layers"]):
            y = np.zeros((*x.shape[:2], directions * t["hidden_size"]))
            for direction in range(directions):
                place = layer * directions + direction
                suffix = f"_l{layer}" + "_reverse" * direction
                parts = [a.get(f"p.{n}{suffix}", 0) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
                columns = slice(direction * t["hidden_size"], (direction + 1) * t["hidden_size"])
                for n, length in enumerate(lengths):
                    h, c = h0[place, n], a["in.c0"][place, n] if "in.c0" in a else None
                    for k in range(length)[::-1 if direction else 1]:
                        h, c = step(x[n, k], h, c, *parts)
                        y[n, k, columns] = h
                    hn[place, n] = h
                    cn[place, n] = 0 if c is None else c
            x = y
        return {"y": x if first else x.swapaxes(0, 1), "hn": hn, **({"cn": cn} if "in.c0" in a else {})}
    return run


def recurrent_layers(r):
    def weights(gates, inputs, hidden, suffix, bias=True):
        shapes = dict(weight_ih=(gates * hidden, inputs), weight_hh=(gates * hidden, hidden))
        if bias:
            shapes.update(bias_ih=(gates * hidden,), bias_hh=(gates * hidden,))
        return {f"p.{name}{suffix}": normal(r, *shape, scale=0.5) for name, shape in shapes.items()}
    relu_step = lambda *a: rnn_step(*a, activation=lambda x: np.maximum(x, 0))
    for op, step, gates, layers, directions, first, bias, lengths, extra in (
            ("lstm", lstm_step, 4, 1, 2, True, True, [3, 2], {}), ("lstm", lstm_step, 4, 2, 1, False, False, None, {}),
            ("gru", gru_step, 3, 1, 2, False, True, [3, 1], {}), ("gru", gru_step, 3, 2, 1, True, False, None, {}),
            ("rnn", rnn_step, 1, 2, 2, True, True, [3, 2], dict(nonlinearity="tanh")),
            ("rnn", relu_step, 1, 1, 1, False, True, None, dict(nonlinearity="relu"))):
        batch, steps, inputs, hidden = 2, 3, 3, 2
        arrays = {"in.x": normal(r, *((batch, steps) if first else (steps, batch)), inputs)}
        for name in ("in.h0", "in.c0") if gates == 4 else ("in.h0",):
            arrays[name] = normal(r, layers * directions, batch, hidden)
        if lengths:
            arrays["in.lengths"] = np.array(lengths)
        for layer in range(layers):
            for suffix in ("", "_reverse")[:directions]:
                size = inputs if layer == 0 else directions * hidden
                arrays.update(weights(gates, size, hidden, f"_l{layer}{suffix}", bias))
        t = dict(input_size=inputs, hidden_size=hidden, num_layers=layers, bidirectional=directions == 2, batch_first=first,
                 bias=bias, **extra)
        case(op, recurrent(step), t, arrays)
    def cell(step):
        def run(a, t):
            h, c = step(a["in.x"], a["in.h"], a.get("in.c"), *(a[f"p.{n}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
            return {"h": h} if c is None else {"h": h, "c": c}
        return run
    for op, step, gates, states in (("lstm_cell", lstm_step, 4, ("in.h", "in.c")), ("gru_cell", gru_step, 3, ("in.h",))):
        case(op, cell(step), {}, {"in.x": normal(r, 2, 3), **{n: normal(r, 2, 2) for n in states}, **weights(gates, 3, 2, "")})


# ---- attention, embeddings

def attend(q, k, v, allowed):
    """Outputs and weights over the keys; [..., queries, features]."""
    weights = soft_max(np.where(allowed, q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1]), -np.inf))
    return weights @ v, weights


def scaled_dot_product(a, t):
    queries, keys = a["in.q"].shape[-2], a["in.k"].shape[-2]
    allowed = np.tri(queries, keys, dtype=bool) if t["causal"] else a.get("in.mask", np.True_)
    return {"y": attend(a["in.q"], a["in.k"], a["in.v"], allowed)[0]}


def multi_head(query, key, value, heads, a, allowed):
    """[steps, batch, features], as the weights of in_proj_weight and out_proj_weight have it."""
    weight, bias = np.split(a["p.in_proj_weight"], 3), np.split(a["p.in_proj_bias"], 3)
    def split(x, i):
        x = x @ weight[i].T + bias[i]
        return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2, 0, 3)
    y, weights = attend(split(query, 0), split(key, 1), split(value, 2), allowed)
    y = y.transpose(2, 0, 1, 3).reshape(query.shape)
    return y @ a["p.out_proj_weight"].T + a["p.out_proj_bias"], weights.mean(1)


def multi_head_attention(a, t):
    allowed = np.True_
    if "in.key_padding_mask" in a:
        allowed = ~a["in.key_padding_mask"][:, None, None]
    if "in.attn_mask" in a:
        allowed = allowed & ~a["in.attn_mask"]
    y, weights = multi_head(a["in.query"], a["in.key"], a["in.value"], t["num_heads"], a, allowed)
    return {"y": y, "weights": weights}


def encoder_layer(a, t):
    norm = lambda x, n: standardized(x, -1, 1e-5) * a[f"p.norm{n}_weight"] + a[f"p.norm{n}_bias"]
    allowed = np.tri(len(a["in.x"]), dtype=bool) if t["causal"] else np.True_
    mix = lambda x: multi_head(x, x, x, t["num_heads"], a, allowed)[0]
    gelu = lambda x: x * (1 + erf(x / math.sqrt(2))) / 2
    feed = lambda x: gelu(x @ a["p.w1"].T + a["p.b1"]) @ a["p.w2"].T + a["p.b2"]
    x = a["in.x"]
    if t["norm_first"]:
        x = x + mix(norm(x, 1))
        return {"y": x + feed(norm(x, 2))}
    x = norm(x + mix(x), 1)
    return {"y": norm(x + feed(x), 2)}


def attentions(r):
    def projections(size):
        shapes = dict(in_proj_weight=(3 * size, size), in_proj_bias=(3 * size,), out_proj_weight=(size, size), out_proj_bias=(size,))
        return {f"p.{name}": normal(r, *shape, scale=0.5) for name, shape in shapes.items()}
    for causal, queries in ((True, 4), (False, 3)):
        arrays = {"in.q": normal(r, 1, 2, queries, 3), "in.k": normal(r, 1, 2, 4, 3), "in.v": normal(r, 1, 2, 4, 3)}
        if not causal:
            arrays["in.mask"] = np.array([[1, 0, 1, 1], [0, 0, 0, 1], [1, 1, 0, 0]], bool)
        case("scaled_dot_product_attention", scaled_dot_product, dict(causal=causal), arrays)
    inputs = {"in.query": normal(r, 3, 2, 4), "in.key": normal(r, 4, 2, 4), "in.value": normal(r, 4, 2, 4)}
    masks = {"in.key_padding_mask": np.array([[0, 0, 0, 1], [0, 1, 0, 0]], bool), "in.attn_mask": np.eye(3, 4, dtype=bool)}
    case("multi_head_attention", multi_head_attention, dict(embed_dim=4, num_heads=2), {**inputs, **masks, **projections(4)})
    for norm_first in (True, False):
        arrays = {"in.x": normal(r, 3, 2, 4), **projections(4), "p.w1": normal(r, 5, 4, scale=0.5), "p.b1": normal(r, 5),
                  "p.w2": normal(r, 4, 5, scale=0.5), "p.b2": normal(r, 4)}
        for n in (1, 2):
            arrays.update({f"p.norm{n}_weight": uniform(r, 0.5, 1.5, 4), f"p.norm{n}_bias": normal(r, 4)})
        t = dict(embed_dim=4, num_heads=2, norm_first=norm_first, activation="gelu", causal=norm_first)
        case("transformer_encoder_layer", encoder_layer, t, arrays)
    reduce = {"sum": lambda x: x.sum(1), "mean": lambda x: x.mean(1), "max": lambda x: x.max(1)}
    for mode in reduce:
        case("embedding_bag", lambda a, t: {"y": reduce[t["mode"]](a["p.weight"][a["in.idx"]])}, dict(mode=mode),
             {"in.idx": np.array([[0, 3, 3], [5, 1, 0]]), "p.weight": distinct(r, 6, 3)})


def families():
    return normalizations, activations, recurrent_layers, attentions
