# SPDX-License-Identifier: MIT
"""Golden cases of convolution, pooling and resampling: x is [N, C, spatial axes]."""
import itertools
import math

import numpy as np

from golden_cases import case, distinct, normal, uniform


def strided(starts, steps, counts):
    return tuple(slice(a, a + (n - 1) * s + 1, s) for a, s, n in zip(starts, steps, counts))


# ---- convolution

def convolution(a, t):
    x, w = a["in.x"], a["p.weight"]
    stride, dilation, groups = t["stride"], t["dilation"], t["groups"]
    outputs, kernel = w.shape[0], w.shape[2:]
    if t["padding"] == "same":
        whole = [(k - 1) * d for k, d in zip(kernel, dilation)]
        pads = [(v // 2, v - v // 2) for v in whole]
    else:
        extra = t.get("pads", [0] * 2 * len(kernel))
        pads = [(p + extra[2 * i], p + extra[2 * i + 1]) for i, p in enumerate(t["padding"])]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    sizes = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(x.shape[2:], dilation, kernel, stride)]
    ci, co = x.shape[1] // groups, outputs // groups
    y = np.zeros((x.shape[0], outputs, *sizes))
    for g, place in itertools.product(range(groups), itertools.product(*map(range, kernel))):
        window = x[:, g * ci:(g + 1) * ci][(..., *strided([i * d for i, d in zip(place, dilation)], stride, sizes))]
        factor = w[g * co:(g + 1) * co][(..., *place)]
        y[:, g * co:(g + 1) * co] += np.einsum("nc...,oc->no...", window, factor)
    return {"y": y + a["p.bias"].reshape(-1, *[1] * len(kernel)) if "p.bias" in a else y}


def transposed_convolution(a, t):
    x, w = a["in.x"], a["p.weight"]
    stride, dilation, groups = t["stride"], t["dilation"], t["groups"]
    kernel, sizes = w.shape[2:], x.shape[2:]
    ci, co = x.shape[1] // groups, w.shape[1]
    whole = [(n - 1) * s + d * (k - 1) + 1 + e
             for n, s, d, k, e in zip(sizes, stride, dilation, kernel, t["output_padding"])]
    y = np.zeros((x.shape[0], co * groups, *whole))
    for g, place in itertools.product(range(groups), itertools.product(*map(range, kernel))):
        target = y[:, g * co:(g + 1) * co][(..., *strided([i * d for i, d in zip(place, dilation)], stride, sizes))]
        target += np.einsum("nc...,co->no...", x[:, g * ci:(g + 1) * ci], w[g * ci:(g + 1) * ci][(..., *place)])
    y = y[(..., *(slice(p, n - p) for p, n in zip(t["padding"], whole)))]
    return {"y": y + a["p.bias"].reshape(-1, *[1] * len(kernel)) if "p.bias" in a else y}


def convolutions(r, rank, draws, op=None):
    """`draws`: shapes of x and weight, and options that differ from the defaults."""
    for x, w, t in draws:
        t = dict(t)
        bias = t.pop("bias", True)
        t = dict(dict(stride=[1] * rank, padding=[0] * rank, dilation=[1] * rank, groups=1, kernel_size=list(w[2:])), **t)
        arrays = {"in.x": normal(r, *x), "p.weight": normal(r, *w, scale=1 / math.sqrt(math.prod(w[1:])))}
        if bias:
            arrays["p.bias"] = normal(r, w[0] if "output_padding" not in t else w[1] * t["groups"], scale=0.3)
        case(op or f"conv{rank}d", transposed_convolution if "output_padding" in t else convolution, t, arrays)


def plane_convolutions(r):
    convolutions(r, 2, [
        ((1, 1, 1, 1), (1, 1, 1, 1), {}),
        ((2, 3, 7, 9), (4, 3, 3, 3), dict(padding=[1, 1])),
        ((2, 2, 9, 8), (3, 2, 4, 3), dict(stride=[2, 3], padding=[2, 0], bias=False)),
        ((1, 2, 9, 10), (2, 2, 3, 2), dict(dilation=[2, 3], padding=[1, 2])),
        ((2, 4, 6, 5), (6, 2, 3, 3), dict(groups=2, padding=[1, 1], stride=[2, 1])),
        ((1, 5, 7, 7), (10, 1, 3, 3), dict(groups=5, padding=[1, 1])),
        ((1, 2, 6, 7), (3, 2, 4, 3), dict(padding="same")),
        ((1, 2, 5, 6), (2, 2, 2, 3), dict(pads=[2, 0, 1, 3], stride=[2, 2])),
        ((2, 9, 5, 3), (17, 9, 1, 1), {}),
        ((1, 1, 12, 12), (6, 1, 5, 5), dict(padding=[2, 2])),
    ])


def further_convolutions(r):
    convolutions(r, 1, [
        ((2, 4, 9), (6, 2, 3), dict(stride=[2], padding=[1], groups=2)),
        ((1, 2, 8), (3, 2, 4), dict(padding="same", bias=False)),
        ((2, 1, 7), (2, 1, 3), dict(dilation=[2], pads=[3, 1])),
    ])
    convolutions(r, 2, [
        ((2, 3, 5, 7), (3, 1, 3, 3), dict(groups=3, padding=[1, 1])),
        ((1, 2, 7, 6), (4, 1, 3, 2), dict(groups=2, stride=[2, 1], dilation=[1, 2], bias=False)),
    ], op="depthwise_conv2d")
    convolutions(r, 3, [
        ((2, 2, 3, 4, 5), (4, 1, 2, 3, 2), dict(groups=2, stride=[1, 2, 1], padding=[1, 1, 0])),
        ((1, 2, 4, 3, 4), (2, 2, 2, 1, 3), dict(dilation=[2, 1, 1], padding="same", bias=False)),
    ])
    convolutions(r, 1, [((2, 4, 5), (4, 3, 3), dict(groups=2, stride=[2], padding=[1], output_padding=[1]))],
                 op="conv_transpose1d")
    convolutions(r, 2, [
        ((1, 2, 3, 4), (2, 3, 3, 2), dict(stride=[2, 3], padding=[1, 0], output_padding=[0, 2])),
        ((2, 4, 3, 3), (4, 1, 2, 3), dict(groups=2, dilation=[2, 1], output_padding=[0, 0], bias=False)),
    ], op="conv_transpose2d")
    convolutions(r, 3, [((1, 2, 2, 3, 2), (2, 2, 2, 2, 3), dict(stride=[2, 1, 2], padding=[0, 1, 1], output_padding=[1, 0, 0]))],
                 op="conv_transpose3d")


def unfold(a, t):
    x = np.pad(a["in.x"], [(0, 0), (0, 0), *((p, p) for p in t["padding"])])
    sizes = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(x.shape[2:], t["dilation"], t["kernel_size"], t["stride"])]
    windows = [x[(..., *strided([i * d for i, d in zip(place, t["dilation"])], t["stride"], sizes))]
               for place in itertools.product(*map(range, t["kernel_size"]))]
    return {"y": np.stack(windows, 2).reshape(x.shape[0], -1, math.prod(sizes))}


# ---- pooling

def axis_windows(t, axis, size):
    """Of each window along an axis: the cells inside, and how many there are with the padding."""
    k, s, p = (t[name][axis] for name in ("kernel_size", "stride", "padding"))
    d = t.get("dilation", [1] * 3)[axis]
    room = size + 2 * p - d * (k - 1) - 1
    count = (-(-room // s) if t["ceil_mode"] else room // s) + 1
    if t["ceil_mode"] and (count - 1) * s >= size + p:
        count -= 1
    every = [[o * s - p + d * i for i in range(k)] for o in range(count)]
    return [([c for c in cells if 0 <= c < size], sum(c < size + p for c in cells)) for cells in every]


def bins(t, axis, size):
    count = t["output_size"][axis]
    return [(list(range(i * size // count, -(-(i + 1) * size // count))), 0) for i in range(count)]


def pool(reduce, windows=axis_windows):
    """`reduce` takes the cells of a window, [N, C, cells], and their number with padding."""
    def run(a, t):
        x = a["in.x"]
        axes = [windows(t, axis, size) for axis, size in enumerate(x.shape[2:])]
        y = np.zeros((*x.shape[:2], *map(len, axes)))
        for place in itertools.product(*(range(len(axis)) for axis in axes)):
            chosen = [axis[i] for axis, i in zip(axes, place)]
            cells = x
            for axis, (inside, _) in enumerate(chosen):
                cells = cells.take(inside, axis + 2)
            y[(..., *place)] = reduce(cells.reshape(*x.shape[:2], -1), math.prod(n for _, n in chosen), t)
        return {"y": y}
    return run


def mean_with_padding(cells, padded, t):
    return cells.sum(2) / (padded if t["count_include_pad"] else cells.shape[2])


max_pool = pool(lambda cells, padded, t: cells.max(2))
average_pool = pool(mean_with_padding)
adaptive_max = pool(lambda cells, padded, t: cells.max(2), bins)
adaptive_average = pool(lambda cells, padded, t: cells.mean(2), bins)


def plane_pools(r):
    shapes = [(2, 3, 6, 8), (1, 2, 7, 9), (2, 1, 9, 7), (1, 3, 11, 10), (1, 1, 31, 3)]
    geometry = [((2, 2), (2, 2), (0, 0), False), ((3, 3), (2, 2), (1, 1), False), ((2, 3), (3, 2), (1, 1), True),
                ((4, 3), (1, 2), (2, 1), False), ((5, 1), (4, 1), (2, 0), True)]
    for i, (shape, (k, s, p, ceil)) in enumerate(zip(shapes, geometry)):
        t = dict(kernel_size=list(k), stride=list(s), padding=list(p), ceil_mode=ceil)
        case("max_pool2d", max_pool, dict(t, dilation=[2, 1] if i == 3 else [1, 1]), {"in.x": distinct(r, *shape)})
        case("avg_pool2d", average_pool, dict(t, count_include_pad=i % 2 == 0), {"in.x": normal(r, *shape)})
    case("max_pool2d", max_pool, dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], ceil_mode=False, dilation=[1, 1]),
         {"in.x": distinct(r, 1, 2, 5, 5) - np.float32(50)})


def further_pools(r):
    for rank, shape, k, s, p, d in ((1, (2, 3, 9), [3], [2], [1], [2]), (3, (1, 2, 5, 4, 5), [2, 3, 2], [2, 1, 2], [1, 0, 1], [1, 1, 2])):
        t = dict(kernel_size=k, stride=s, padding=p, ceil_mode=rank == 1)
        case(f"max_pool{rank}d", max_pool, dict(t, dilation=d), {"in.x": distinct(r, *shape)})
        case(f"avg_pool{rank}d", average_pool, dict(t, count_include_pad=rank == 3), {"in.x": normal(r, *shape)})
    case("adaptive_avg_pool2d", adaptive_average, dict(output_size=[3, 2]), {"in.x": normal(r, 2, 2, 7, 5)})
    case("adaptive_max_pool2d", adaptive_max, dict(output_size=[2, 3]), {"in.x": distinct(r, 2, 2, 5, 7)})
    case("unfold", unfold, dict(kernel_size=[3, 2], dilation=[1, 2], padding=[1, 0], stride=[2, 1]), {"in.x": normal(r, 2, 2, 5, 6)})


# ---- resampling

def cubic(distance, a=-0.75):
    d = abs(distance)
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0


def resampling(n, m, factor, mode, aligned):
    """The matrix [m, n] that takes an axis of n to m elements."""
    matrix = np.zeros((m, n))
    for i in range(m):
        ratio = 1 / factor if factor else n / m
        source = i * (n - 1) / max(m - 1, 1) if aligned else (i + 0.5) * ratio - 0.5
        if mode == "nearest":
            matrix[i, min(int(i * ratio), n - 1)] = 1
        elif mode == "bicubic":
            for cell in range(math.floor(source) - 1, math.floor(source) + 3):
                matrix[i, min(max(cell, 0), n - 1)] += cubic(source - cell)
        else:
            source = max(source, 0)
            for cell in (math.floor(source), math.floor(source) + 1):
                matrix[i, min(cell, n - 1)] += max(0, 1 - abs(source - cell))
    return matrix


def interpolate(a, t):
    y, factors = a["in.x"], t.get("scale_factor")
    for axis in range(2, y.ndim):
        n, factor = y.shape[axis], factors and factors[axis - 2]
        m = int(n * factor) if factor else t["size"][axis - 2]
        y = np.moveaxis(np.tensordot(resampling(n, m, factor, t["mode"], t["align_corners"]), y, (1, axis)), 0, axis)
    return {"y": y}


def grid_sample(a, t):
    x, grid = a["in.x"], a["in.grid"]
    y = np.zeros((*x.shape[:2], *grid.shape[1:3]))
    for n, i, j in itertools.product(*map(range, grid.shape[:3])):
        place = []
        for size, v in zip(x.shape[:1:-1], grid[n, i, j]):  # the grid says x first, then y
            v = (v + 1) / 2 * (size - 1) if t["align_corners"] else ((v + 1) * size - 1) / 2
            if t["padding_mode"] == "reflection":
                low, span = (0, size - 1) if t["align_corners"] else (-0.5, size)
                v = abs((v - low + span) % (2 * span) - span) + low
            place.append(v if t["padding_mode"] == "zeros" else min(max(v, 0), size - 1))
        column, row = place
        for r, c in itertools.product((math.floor(row), math.floor(row) + 1), (math.floor(column), math.floor(column) + 1)):
            if 0 <= r < x.shape[2] and 0 <= c < x.shape[3]:
                y[n, :, i, j] += x[n, :, r, c] * (1 - abs(row - r)) * (1 - abs(column - c))
    return {"y": y}


def pixel_shuffle(a, t):
    n, c, h, w = a["in.x"].shape
    r = t["r"]
    return {"y": a["in.x"].reshape(n, c // (r * r), r, r, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, -1, h * r, w * r)}


def pad(a, t):
    sides = [(0, 0)] * a["in.x"].ndim
    for i in range(0, len(t["pad"]), 2):
        sides[-1 - i // 2] = tuple(t["pad"][i:i + 2])
    mode = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[t["mode"]]
    return {"y": np.pad(a["in.x"], sides, mode, **({"constant_values": t["value"]} if mode == "constant" else {}))}


def resamplings(r):
    for mode, aligned, size, shape in (("nearest", False, dict(size=[4, 7]), (1, 2, 3, 5)), ("linear", False, dict(size=[4]), (2, 2, 5)),
                                       ("bilinear", True, dict(size=[2, 7]), (1, 2, 3, 4)),
                                       ("bilinear", False, dict(scale_factor=[2.0, 1.5]), (1, 2, 3, 4)),
                                       ("bicubic", False, dict(size=[5, 3]), (1, 2, 3, 4))):
        case("interpolate", interpolate, dict(size, mode=mode, align_corners=aligned), {"in.x": normal(r, *shape)})
    for padding, aligned in (("zeros", True), ("border", False)):
        case("grid_sample", grid_sample, dict(padding_mode=padding, align_corners=aligned),
             {"in.x": normal(r, 2, 2, 3, 4), "in.grid": uniform(r, -1.3, 1.3, 2, 2, 3, 2)})
    case("pixel_shuffle", pixel_shuffle, dict(r=2), {"in.x": normal(r, 2, 8, 2, 3)})
    for sides, mode in (([1, 0, 2, 1], "constant"), ([2, 1, 0, 1], "reflect"), ([1, 2, 2, 0], "replicate"), ([0, 2, 1, 1], "circular")):
        case("pad", pad, dict(pad=sides, mode=mode, value=0.5), {"in.x": normal(r, 2, 3, 4)})


def families():
    return plane_convolutions, plane_pools, further_convolutions, further_pools, resamplings
