# SPDX-License-Identifier: MIT
"""Golden cases of products by equation, running sums, indexing and order."""
import numpy as np

from golden_cases import case, distinct, normal


def einsum(a, t):
    return {"y": np.einsum(t["equation"], *(a[n] for n in ("in.a", "in.b") if n in a))}


def bilinear(a, t):
    return {"y": np.einsum("ni,oij,nj->no", a["in.a"], a["p.weight"], a["in.b"]) + a["p.bias"]}


def scatter_add(a, t):
    y = a["in.x"].copy()
    for place in np.ndindex(a["in.idx"].shape):
        target = list(place)
        target[t["dim"]] = a["in.idx"][place]
        y[tuple(target)] += a["in.src"][place]
    return {"y": y}


def ordered(a, t):
    """Positions of a stable sort; the first k of them, the largest first, for top-k."""
    descending = t.get("descending", t.get("largest", False))
    positions = np.argsort(-a["in.x"] if descending else a["in.x"], t["dim"], kind="stable")
    positions = positions.take(range(t.get("k", positions.shape[t["dim"]])), t["dim"])
    return {"values": np.take_along_axis(a["in.x"], positions, t["dim"]), "indices": positions}


def flip_roll_tile(a, t):
    return {"y": np.tile(np.roll(np.flip(a["in.x"], t["flip"]), t["shifts"], t["dims"]), t["tile"])}


def tensors(r):
    for equation, *shapes in (("ij,jk->ik", (3, 4), (4, 2)), ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 2, 4)), ("ii->i", (4, 4)),
                              ("i,j->ij", (3,), (4,)), ("ijk->ki", (2, 3, 4))):
        case("einsum", einsum, dict(equation=equation), {n: normal(r, *s) for n, s in zip(("in.a", "in.b"), shapes)})
    case("bilinear", bilinear, {}, {"in.a": normal(r, 3, 4), "in.b": normal(r, 3, 2), "p.weight": normal(r, 2, 4, 2), "p.bias": normal(r, 2)})
    for axis in (0, -1):
        case("cumsum", lambda a, t: {"y": a["in.x"].cumsum(t["dim"])}, dict(dim=axis), {"in.x": normal(r, 3, 5)})
    case("gather", lambda a, t: {"y": np.take_along_axis(a["in.x"], a["in.idx"], t["dim"])}, dict(dim=1),
         {"in.x": normal(r, 3, 4), "in.idx": r.integers(0, 4, (3, 6))})
    case("index_select", lambda a, t: {"y": a["in.x"].take(a["in.idx"], t["dim"])}, dict(dim=1),
         {"in.x": normal(r, 2, 4, 3), "in.idx": np.array([3, 0, 3, 1, 3])})
    case("scatter_add", scatter_add, dict(dim=0),
         {"in.x": normal(r, 3, 4), "in.idx": r.integers(0, 3, (5, 4)), "in.src": normal(r, 5, 4)})
    for axis, descending in ((-1, False), (0, True)):
        case("sort", ordered, dict(dim=axis, descending=descending), {"in.x": distinct(r, 4, 5)})
    for axis, largest in ((1, True), (0, False)):
        case("topk", ordered, dict(dim=axis, largest=largest, k=2), {"in.x": distinct(r, 4, 5)})
    case("flip_roll_tile", flip_roll_tile, dict(flip=[0], shifts=[2, -1], dims=[0, 1], tile=[1, 2]), {"in.x": normal(r, 3, 4)})
    for k in (1, -1):
        case("tril_triu", lambda a, t: {"lower": np.tril(a["in.x"], t["k"]), "upper": np.triu(a["in.x"], t["k"])}, dict(k=k),
             {"in.x": normal(r, 3, 5)})


def families():
    return (tensors,)
