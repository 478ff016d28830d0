# SPDX-License-Identifier: MIT
"""Golden cases of losses, and of what compares vectors."""
import itertools

import numpy as np

from golden_cases import case, normal, uniform


def reduced(losses, t, weights=None):
    if t["reduction"] == "none":
        return losses
    if t["reduction"] == "batchmean":
        return losses.sum() / len(losses)
    return losses.sum() if t["reduction"] == "sum" else losses.sum() / (losses.size if weights is None else weights.sum())


def softplus(x):
    return np.logaddexp(0, x)


def log_softmax(x, axis):
    top = x.max(axis, keepdims=True)
    return x - top - np.log(np.exp(x - top).sum(axis, keepdims=True))


def picked(minus_log, a, t):
    """Losses of the labels' own classes, and the weights that a mean divides by; [N, C]."""
    target = a["in.target"]
    kept = target != t["ignore_index"]
    label = np.where(kept, target, 0)
    weights = a.get("in.class_weight", np.ones(minus_log.shape[1]))[label] * kept
    return minus_log[np.arange(len(minus_log)), label] * weights, weights


def cross_entropy(a, t):
    x, s = a["in.x"], t["label_smoothing"]
    minus_log = -log_softmax(x, 1)
    losses, weights = picked(minus_log, a, t)
    every = (minus_log * a.get("in.class_weight", np.ones(x.shape[1]))).sum(1) * (a["in.target"] != t["ignore_index"])
    return {"loss": reduced((1 - s) * losses + s / x.shape[1] * every, t, weights)}


def nll_loss(a, t):
    losses, weights = picked(-a["in.x"], a, t)
    return {"loss": reduced(losses, t, weights)}


def bce_with_logits(a, t):
    x, target = a["in.x"], a["in.target"]
    losses = a.get("in.pos_weight", 1) * target * softplus(-x) + (1 - target) * softplus(x)
    return {"loss": reduced(losses * a.get("in.weight", 1), t)}


def bce(a, t):
    x, target = a["in.x"], a["in.target"]
    return {"loss": reduced(-(target * np.log(x) + (1 - target) * np.log1p(-x)) * a.get("in.weight", 1), t)}


def of_difference(f):
    return lambda a, t: {"loss": reduced(f(np.abs(a["in.x"] - a["in.target"]), t), t)}


def huber(d, t):
    return np.where(d <= t["delta"], d * d / 2, t["delta"] * (d - t["delta"] / 2))


def smooth_l1(d, t):
    return np.where(d < t["beta"], d * d / 2 / t["beta"], d - t["beta"] / 2)


def kl_div(a, t):
    target = a["in.target"]
    log = target if t["log_target"] else np.log(target)
    return {"loss": reduced(np.exp(log) * (log - a["in.x"]), t)}


def cosine(a, b, axis, eps):
    return (a * b).sum(axis) / np.sqrt(np.maximum(np.square(a).sum(axis) * np.square(b).sum(axis), eps**2))


def cosine_embedding(a, t):
    similarity = cosine(a["in.a"], a["in.b"], 1, 1e-12)
    return {"loss": reduced(np.where(a["in.target"] > 0, 1 - similarity, np.maximum(0, similarity - t["margin"])), t)}


def distance(a, b, p, eps=1e-6):
    return (np.abs(a - b + eps) ** p).sum(-1) ** (1 / p)


def triplet(a, t):
    anchor, positive, negative = (a["in." + n] for n in ("anchor", "positive", "negative"))
    far = distance(anchor, negative, t["p"])
    if t["swap"]:
        far = np.minimum(far, distance(positive, negative, t["p"]))
    return {"loss": reduced(np.maximum(0, distance(anchor, positive, t["p"]) - far + t["margin"]), t)}


def margin_ranking(a, t):
    return {"loss": reduced(np.maximum(0, a["in.target"] * (a["in.b"] - a["in.a"]) + t["margin"]), t)}


def hinge_embedding(a, t):
    x = a["in.x"]
    return {"loss": reduced(np.where(a["in.target"] > 0, x, np.maximum(0, t["margin"] - x)), t)}


def poisson(a, t):
    x, target = a["in.x"], a["in.target"]
    losses = np.exp(x) - target * x if t["log_input"] else x - target * np.log(x + 1e-8)
    if t["full"]:
        count = np.maximum(target, 1)
        losses = losses + np.where(target > 1, count * np.log(count) - count + np.log(2 * np.pi * count) / 2, 0)
    return {"loss": reduced(losses, t)}


def ctc(a, t):
    """Looks at every path there is: the probability of a text is that of all paths that read as it."""
    log = log_softmax(a["in.logits"], 2)
    losses = []
    for n, (steps, length) in enumerate(zip(a["in.input_lengths"], a["in.target_lengths"])):
        wanted = tuple(a["in.targets"][n, :length])
        total = 0.0
        for path in itertools.product(range(log.shape[2]), repeat=int(steps)):
            # Repeated symbols are one, and then blanks are none.
            if tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != t["blank"]) == wanted:
                total += np.exp(log[np.arange(steps), n, path].sum())
        losses.append(-np.log(total))
    losses = np.array(losses)
    return {"loss": np.mean(losses / a["in.target_lengths"]) if t["reduction"] == "mean" else reduced(losses, t)}


def of_classes(r):
    for n, c, reduction, ignored, smoothing, weighted in (
            (4, 10, "mean", -100, 0.0, False), (5, 3, "mean", 1, 0.0, True), (6, 4, "sum", -100, 0.15, False),
            (3, 7, "none", 2, 0.3, True), (33, 10, "mean", -1, 0.1, True)):
        target = r.integers(0, c, n)
        target[0], target[-1] = 0, ignored if ignored != -100 else target[-1]
        arrays = {"in.x": normal(r, n, c, scale=2), "in.target": target}
        t = dict(reduction=reduction, ignore_index=ignored, label_smoothing=smoothing, fixed=["in.class_weight"])
        if weighted:
            arrays["in.class_weight"] = uniform(r, 0.3, 2, c)
        case("cross_entropy", cross_entropy, t, arrays)
    for reduction, weight, positive in (("mean", False, False), ("sum", True, False), ("none", False, True), ("mean", True, True)):
        arrays = {"in.x": normal(r, 5, 7, scale=3), "in.target": uniform(r, 0, 1, 5, 7)}
        if weight:
            arrays["in.weight"] = uniform(r, 0.2, 2, 5, 7)
        if positive:
            arrays["in.pos_weight"] = uniform(r, 0.5, 3, 7)
        case("bce_with_logits", bce_with_logits, dict(reduction=reduction, fixed=["in.target", "in.weight", "in.pos_weight"]), arrays)


def further_losses(r):
    fixed = dict(fixed=["in.target", "in.weight", "in.class_weight"])
    case("nll_loss", nll_loss, dict(fixed, reduction="mean", ignore_index=1), {
        "in.x": normal(r, 5, 4), "in.target": np.array([3, 1, 0, 2, 3]), "in.class_weight": uniform(r, 0.3, 2, 4)})
    case("bce", bce, dict(fixed, reduction="sum"), {
        "in.x": uniform(r, 0.1, 0.9, 3, 4), "in.target": uniform(r, 0, 1, 3, 4), "in.weight": uniform(r, 0.3, 2, 3, 4)})
    pair = lambda: {"in.x": normal(r, 3, 5), "in.target": normal(r, 3, 5)}
    case("l1_loss", of_difference(lambda d, t: d), dict(fixed, reduction="mean"), pair())
    case("huber_loss", of_difference(huber), dict(fixed, reduction="none", delta=0.8), pair())
    case("smooth_l1_loss", of_difference(smooth_l1), dict(fixed, reduction="sum", beta=0.6), pair())
    share = np.exp(log_softmax(normal(r, 3, 4), 1))
    for reduction, is_log in (("batchmean", False), ("none", True)):
        case("kl_div", kl_div, dict(fixed, reduction=reduction, log_target=is_log),
             {"in.x": log_softmax(normal(r, 3, 4), 1), "in.target": (np.log(share) if is_log else share).astype(np.float32)})
    pair = lambda: {"in.a": normal(r, 4, 5), "in.b": normal(r, 4, 5)}
    signs = {"in.target": np.array([1, -1, -1, 1], np.float32)}
    case("cosine_embedding_loss", cosine_embedding, dict(fixed, margin=-0.5, reduction="mean"), {**pair(), **signs})
    case("cosine_similarity", lambda a, t: {"y": cosine(a["in.a"], a["in.b"], t["dim"], t["eps"])}, dict(dim=1, eps=1e-8), pair())
    case("pairwise_distance", lambda a, t: {"y": distance(a["in.a"], a["in.b"], t["p"], t["eps"])}, dict(p=3.0, eps=1e-6), pair())
    for p, swap in ((2.0, True), (1.0, False)):
        case("triplet_margin_loss", triplet, dict(margin=1.5, p=p, swap=swap, reduction="mean"),
             {"in." + name: normal(r, 3, 4) for name in ("anchor", "positive", "negative")})
    case("margin_ranking_loss", margin_ranking, dict(fixed, margin=0.3, reduction="sum"),
         {"in.a": normal(r, 4), "in.b": normal(r, 4), **signs})
    case("hinge_embedding_loss", hinge_embedding, dict(fixed, margin=0.7, reduction="mean"), {"in.x": normal(r, 4), **signs})
    counts = np.array([0, 1, 3, 7, 2], np.float32)
    case("poisson_nll_loss", poisson, dict(fixed, log_input=True, full=True, reduction="mean"), {"in.x": normal(r, 5), "in.target": counts})
    case("poisson_nll_loss", poisson, dict(fixed, log_input=False, full=False, reduction="none"),
         {"in.x": uniform(r, 0.5, 4, 5), "in.target": counts})
    # One text repeats a symbol, which takes a blank between; one sequence ends early.
    for blank, reduction, texts in ((0, "mean", [[1, 1], [2, 0]]), (2, "none", [[1, 1], [0, 0]])):
        case("ctc_loss", ctc, dict(blank=blank, reduction=reduction, zero_infinity=False), {
            "in.logits": normal(r, 4, 2, 3), "in.targets": np.array(texts), "in.input_lengths": np.array([4, 3]),
            "in.target_lengths": np.array([2, 1])})


def families():
    return of_classes, further_losses
