# SPDX-License-Identifier: MIT
"""Golden cases of optimizers, schedules, clipping and whole training runs."""
import math

import numpy as np

from golden_cases import case, differences, normal, uniform
from golden_layers import lstm_step, standardized
from golden_losses import log_softmax
from golden_windows import convolution, max_pool


# ---- optimizers: of a weight and its gradient, with state `s`, at step 0, 1, ...

def sgd(w, g, s, t, step):
    g = g + t.get("weight_decay", 0) * w
    if t.get("momentum"):
        s["v"] = g if step == 0 else t["momentum"] * s["v"] + (1 - t.get("dampening", 0)) * g
        g = g + t["momentum"] * s["v"] if t.get("nesterov") else s["v"]
    return w - t["lr"] * g


def moments(g, s, t):
    b1, b2 = t.get("betas", [0.9, 0.999])
    s["m"], s["v"] = b1 * s.get("m", 0) + (1 - b1) * g, b2 * s.get("v", 0) + (1 - b2) * g * g
    return b1, b2


def adam(w, g, s, t, step, decoupled=False):
    decay = t.get("weight_decay", 0.01 if decoupled else 0)
    if decoupled:
        w = w * (1 - t["lr"] * decay)
    else:
        g = g + decay * w
    b1, b2 = moments(g, s, t)
    second = s["v"] / (1 - b2 ** (step + 1))
    return w - t["lr"] * s["m"] / (1 - b1 ** (step + 1)) / (np.sqrt(second) + t.get("eps", 1e-8))


def nadam(w, g, s, t, step):
    """With the present momentum twice in the mean's correction, as PyTorch had it up to 1.13."""
    b1, b2 = moments(g, s, t)
    now, then = (b1 * (1 - 0.5 * 0.96 ** ((step + k) * 4e-3)) for k in (1, 2))
    s["product"] = s.get("product", 1) * now
    root = np.sqrt(s["v"] / (1 - b2 ** (step + 1))) + 1e-8
    return w - t["lr"] * ((1 - now) * g / (1 - s["product"]) + then * s["m"] / (1 - s["product"] * now * then)) / root


def adamax(w, g, s, t, step):
    b1, b2 = moments(g, s, t)
    s["u"] = np.maximum(b2 * s.get("u", 0), np.abs(g) + 1e-8)
    return w - t["lr"] * s["m"] / (1 - b1 ** (step + 1)) / s["u"]


def rmsprop(w, g, s, t, step):
    g, q = g + t.get("weight_decay", 0) * w, t["alpha"]
    s["v"], s["mean"] = q * s.get("v", 0) + (1 - q) * g * g, q * s.get("mean", 0) + (1 - q) * g
    quotient = g / (np.sqrt(s["v"] - s["mean"] ** 2 * bool(t.get("centered"))) + t.get("eps", 1e-8))
    if t.get("momentum"):
        quotient = s["b"] = t["momentum"] * s.get("b", 0) + quotient
    return w - t["lr"] * quotient


def adagrad(w, g, s, t, step):
    g = g + t.get("weight_decay", 0) * w
    s["sum"] = s.get("sum", t.get("initial_accumulator_value", 0)) + g * g
    return w - t["lr"] / (1 + step * t.get("lr_decay", 0)) * g / (np.sqrt(s["sum"]) + 1e-10)


def adadelta(w, g, s, t, step):
    q, eps = t["rho"], 1e-6
    s["v"] = q * s.get("v", 0) + (1 - q) * g * g
    move = np.sqrt(s.get("d", 0) + eps) / np.sqrt(s["v"] + eps) * g
    s["d"] = q * s.get("d", 0) + (1 - q) * move * move
    return w - t["lr"] * move


def updates(r, draws):
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


def optimizers(r):
    updates(r, [
        ("sgd", sgd, dict(lr=0.1)), ("sgd", sgd, dict(lr=0.05, momentum=0.9, weight_decay=0.01)),
        ("sgd", sgd, dict(lr=0.05, momentum=0.8, nesterov=True)), ("sgd", sgd, dict(lr=0.03, momentum=0.9, dampening=0.3)),
        ("adam", adam, dict(lr=0.01)), ("adam", adam, dict(lr=0.02, betas=[0.8, 0.99], eps=1e-3, weight_decay=0.1)),
        ("adamw", lambda *a: adam(*a, decoupled=True), dict(lr=0.02, weight_decay=0.2)),
        ("rmsprop", rmsprop, dict(lr=0.01, alpha=0.99)),
        ("rmsprop", rmsprop, dict(lr=0.02, alpha=0.9, momentum=0.9, weight_decay=0.05, eps=1e-3)),
        ("rmsprop", rmsprop, dict(lr=0.01, alpha=0.95, centered=True))])


def further_optimizers(r):
    updates(r, [
        ("adagrad", adagrad, dict(lr=0.1, lr_decay=0.1, initial_accumulator_value=0.1, weight_decay=0.05)),
        ("adadelta", adadelta, dict(lr=0.7, rho=0.95)), ("adamax", adamax, dict(lr=0.02, betas=[0.8, 0.99])),
        ("nadam", nadam, dict(lr=0.02))])


# ---- schedules: the factor of a rate at step i

def rates(draws):
    for name, rate, t in draws:
        case("lr_" + name, lambda a, t, rate=rate: {"lr": np.array([t["lr"] * rate(t, i) for i in range(t["steps"])])},
             dict(dict(lr=0.3, steps=20), **t), {}, gradients=False)


def schedules(r):
    rates([("step", lambda t, i: t["gamma"] ** (i // t["step_size"]), dict(step_size=7, gamma=0.6)),
           ("exponential", lambda t, i: t["gamma"] ** i, dict(gamma=0.9)),
           ("inverse_time", lambda t, i: 1 / (1 + t["decay_rate"] * i), dict(decay_rate=0.4)),
           ("cosine", lambda t, i: (1 + math.cos(math.pi * i / t["T_max"])) / 2, dict(T_max=20, eta_min=0.0))])


def restarts(t, i):
    period = t["T_0"]
    while i >= period:
        i, period = i - period, period * t["T_mult"]
    low = t["eta_min"] / t["lr"]
    return low + (1 - low) * (1 + math.cos(math.pi * i / period)) / 2


def one_cycle(t, i):
    """Up from peak / div_factor, then down to that / final_div_factor, as shares of `lr`."""
    start, end = 1 / t["div_factor"], 1 / t["div_factor"] / t["final_div_factor"]
    top, last = t["pct_start"] * t["total_steps"] - 1, t["total_steps"] - 1
    (a, b), share = ((start, 1), i / top) if i <= top else ((1, end), (i - top) / (last - top))
    blend = (1 - math.cos(math.pi * share)) / 2 if t["anneal_strategy"] == "cos" else share
    return (a + (b - a) * blend) * t["max_lr"] / t["lr"]


def cyclic(t, i):
    cycle, phase = divmod(i, 2 * t["step_size_up"])
    height = {"triangular": 1, "triangular2": 0.5**cycle, "exp_range": t["gamma"] ** i}[t["mode"]]
    share = 1 - abs(phase / t["step_size_up"] - 1)
    return (t["base_lr"] + (t["max_lr"] - t["base_lr"]) * share * height) / t["lr"]


def plateau(a, t):
    sign = 1 if t["mode"] == "min" else -1
    rate, best, bad, cooling, out = t["lr"], math.inf, 0, 0, []
    for measure in sign * a["in.metrics"]:
        out.append(rate)
        margin = t["threshold"] * (abs(best) if t["threshold_mode"] == "rel" and best < math.inf else 1)
        if measure < best - margin:
            best, bad = measure, 0
        else:
            bad += 1
        if cooling:
            cooling, bad = cooling - 1, 0
        if bad > t["patience"]:
            rate, cooling, bad = max(rate * t["factor"], t["min_lr"]), t["cooldown"], 0
    return {"lr": np.array(out)}


def further_schedules(r):
    cycle = dict(max_lr=0.4, total_steps=21, pct_start=0.3)
    rates([("multistep", lambda t, i: t["gamma"] ** sum(i >= m for m in t["milestones"]), dict(milestones=[3, 9, 10], gamma=0.4)),
           ("cosine_restarts", restarts, dict(T_0=3, T_mult=2, eta_min=0.01)),
           ("one_cycle", one_cycle, dict(cycle, anneal_strategy="cos", div_factor=5.0, final_div_factor=50.0)),
           ("one_cycle", one_cycle, dict(cycle, anneal_strategy="linear", div_factor=10.0, final_div_factor=100.0)),
           ("linear_warmup", lambda t, i: t["start_factor"] + (t["end_factor"] - t["start_factor"]) * min(i / t["total_iters"], 1),
            dict(start_factor=0.25, end_factor=1.0, total_iters=7)),
           ("polynomial", lambda t, i: max(0, 1 - i / t["total_iters"]) ** t["power"], dict(total_iters=13, power=2.0)),
           *(("cyclic", cyclic, dict(lr=0.1, base_lr=0.1, max_lr=0.5, step_size_up=3, mode=mode, gamma=0.9))
             for mode in ("triangular2", "exp_range")),
           ("noam", lambda t, i: t["d_model"] ** -0.5 * min((i + 1) ** -0.5, (i + 1) * t["warmup"] ** -1.5),
            dict(d_model=64, warmup=6))])
    falling = np.maximum(1 / (1 + np.arange(20)), 0.2) + uniform(r, 0, 0.01, 20)
    for mode, kind, measures in (("min", "rel", falling), ("max", "abs", -falling)):
        case("lr_plateau", plateau, dict(lr=0.3, steps=20, mode=mode, factor=0.5, patience=2, threshold=0.02, threshold_mode=kind,
                                         cooldown=1, min_lr=0.05), {"in.metrics": measures.astype(np.float32)}, gradients=False)


def clipping(r):
    gradients = {f"in.g{i}": normal(r, *s) for i, s in enumerate(((4,), (3, 5), (2, 3, 4)))}
    for limit in (1.0, 1000.0):
        def clip(a, t):
            norm = math.sqrt(sum(np.square(v).sum() for v in a.values()))
            return {"total_norm": np.asarray(norm), **{
                "clipped_" + n[3:]: v * min(1, t["max_norm"] / (norm + 1e-6)) for n, v in a.items()}}
        case("clip_grad_norm", clip, dict(max_norm=limit, norm_type=2.0), gradients, gradients=False)
    case("clip_grad_value", lambda a, t: {"clipped_" + n[3:]: np.clip(v, -t["clip_value"], t["clip_value"]) for n, v in a.items()},
         dict(clip_value=0.5), gradients, gradients=False)


# ---- whole training runs, all rows at once; their gradients are differences, too

def dense(x, w, b):
    return x @ w.T + b


def perceptron(p, a):
    hidden = np.tanh(dense(a["in.x"], p["w1"], p["b1"]))
    return dense(np.tanh(dense(hidden, p["w2"], p["b2"])), p["w3"], p["b3"])


def convolve(x, w, bias, padding):
    options = dict(stride=[1, 1], padding=[padding] * 2, dilation=[1, 1], groups=1)
    return convolution({"in.x": x, "p.weight": w, "p.bias": bias}, options)["y"]


def convolutional(p, a):
    y = standardized(convolve(a["in.x"], p["k1"], p["c1"], 1), (0, 2, 3), 1e-5)
    y = np.maximum(y * p["g"][:, None, None] + p["be"][:, None, None], 0)
    y = max_pool({"in.x": y}, dict(kernel_size=[2, 2], stride=[2, 2], padding=[0, 0], ceil_mode=False))["y"]
    return dense(np.maximum(convolve(y, p["k2"], p["c2"], 0), 0).mean((2, 3)), p["w"], p["b"])


def language(p, a):
    x = p["emb"][a["in.x"]]
    h = c = np.zeros((len(x), p["whh"].shape[1]))
    for k in range(x.shape[1]):
        h, c = lstm_step(x[:, k], h, c, *(p[n] for n in ("wih", "whh", "bih", "bhh")))
    return dense(h, p["w"], p["b"])


UPDATES = {"sgd": sgd, "adam": adam}


def training(network):
    def run(a, t):
        p = {n[2:]: np.array(v) for n, v in a.items() if n.startswith("p.")}
        state, losses = {n: {} for n in p}, []
        def loss():
            log = log_softmax(network(p, a), 1)
            return -log[np.arange(len(log)), a["in.target"]].mean()
        for step in range(t["steps"]):
            losses.append(loss())
            gradients = {n: differences(loss, v, step=1e-4) for n, v in p.items()}
            norm = math.sqrt(sum(np.square(g).sum() for g in gradients.values()))
            for n, g in gradients.items():
                g = g * min(1, 1 / (norm + 1e-6)) if t.get("clip") else g
                p[n][...] = UPDATES[t["optimizer"]](p[n], g, state[n], t["options"], step)
        return {"losses": np.array(losses), **{f"{n}_final": v for n, v in p.items()}}
    return run


def trainings(r):
    def parameters(**shapes):
        return {"p." + n: normal(r, *s, scale=0.6) for n, s in shapes.items()}
    fast, slow = dict(optimizer="sgd", options=dict(lr=0.1, momentum=0.9)), dict(optimizer="adam", options=dict(lr=0.02))
    case("train_mlp", training(perceptron), dict(fast, steps=4, activation="tanh"), {
        "in.x": normal(r, 5, 3), "in.target": r.integers(0, 3, 5),
        **parameters(w1=(4, 3), b1=(4,), w2=(3, 4), b2=(3,), w3=(3, 3), b3=(3,))}, gradients=False, rtol=1e-3)
    case("train_cnn", training(convolutional), dict(slow, steps=3), {
        "in.x": normal(r, 3, 1, 8, 6), "in.target": np.array([0, 1, 1]),
        **parameters(k1=(2, 1, 3, 3), c1=(2,), g=(2,), be=(2,), k2=(2, 2, 3, 3), c2=(2,), w=(2, 2), b=(2,))},
        gradients=False, rtol=1e-3)
    case("train_lstm", training(language), dict(fast, steps=3, clip=True), {
        "in.x": r.integers(0, 4, (3, 3)), "in.target": np.array([2, 0, 1]),
        **parameters(emb=(4, 2), wih=(8, 2), whh=(8, 2), bih=(8,), bhh=(8,), w=(3, 2), b=(3,))}, gradients=False, rtol=1e-3)


def families():
    return optimizers, schedules, clipping, further_optimizers, further_schedules, trainings
