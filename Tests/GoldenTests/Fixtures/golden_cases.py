# SPDX-License-Identifier: MIT
"""Records golden cases: what goes in, what comes out, and gradients by differences. `make_goldens.py` says of what."""
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
CASES = []
# All arrays of a dtype one behind the other: an archive's member for each would take more room than its numbers.
POOLS = {"float32": [], "int64": [], "bool": []}


def normal(r, *shape, scale=1.0, shift=0.0):
    return (r.standard_normal(shape) * scale + shift).astype(np.float32)


def uniform(r, low, high, *shape):
    return r.uniform(low, high, shape).astype(np.float32)


def distinct(r, *shape):
    """Values at least 0.01 apart, so that maxima are unique and differences do not cross a kink."""
    count = int(np.prod(shape))
    return ((r.permutation(count) - count / 2 + 0.25) * max(0.01, 4 / count)).astype(np.float32).reshape(shape)


def differences(loss, x, step=1e-3):
    """d loss / d x, element by element, with an error of order step^4; nothing may have a kink within two steps."""
    gradient, flat = np.zeros(x.shape), x.reshape(-1)
    for i in range(flat.size):
        kept, values = flat[i], {}
        for offset in (2, 1, 0.5, -0.5, -1, -2):
            flat[i] = kept + offset * step
            values[offset] = loss()
        flat[i] = kept
        # Of two widths; on a smooth function they agree, across a kink they do not.
        wide, narrow = ((-values[2 * k] + 8 * values[k] - 8 * values[-k] + values[-2 * k]) / (12 * k * step) for k in (1, 0.5))
        if not abs(wide - narrow) <= 1e-6 * max(1, abs(wide)):
            raise ArithmeticError(f"element {i} is within {2 * step} of a kink, or steeper than its differences show")
        gradient.reshape(-1)[i] = wide
    return gradient


def case(op, forward, attributes, arrays, gradients=True, rtol=1e-4, atol=1e-5):
    """Records one case. `forward(arrays, attributes)` gives the outputs; `arrays` are float32, int64 or bool."""
    r = np.random.default_rng(len(CASES) + 1000)
    wide = {n: v.astype(np.float64) if v.dtype == np.float32 else v for n, v in arrays.items()}
    outputs = forward(wide, attributes)
    record = {**arrays, **{"out." + n: v for n, v in outputs.items()}}
    if gradients:
        free = {n: v for n, v in outputs.items() if np.asarray(v).dtype == np.float64 and not n.startswith("running")}
        factors = {n: normal(r, *np.shape(v)) if np.ndim(v) else np.float32(1) for n, v in free.items()}
        record.update({"go." + n: v for n, v in factors.items()})

        def loss():
            outputs = forward(wide, attributes)
            return float(sum(np.sum(outputs[n] * np.float64(v)) for n, v in factors.items()))
        for name, value in wide.items():
            if value.dtype == np.float64 and name.startswith(("in.", "p.")) and name not in attributes.get("fixed", []):
                record["d." + name] = differences(loss, value)
    CASES.append(dict(id=f"{op}_{sum(c['op'] == op for c in CASES)}", file="goldens.npz", op=op, attrs=attributes, rtol=rtol,
                      atol=atol, kind="gradient" if gradients else "forward",
                      arrays={name: store(np.asarray(value)) for name, value in record.items()}))


def store(value):
    """Appends an array to its dtype's pool; says where, as [dtype, first element, shape]."""
    value = value.astype({"f": np.float32, "i": np.int64, "b": np.bool_}[value.dtype.kind])
    pool = POOLS[value.dtype.name]
    start = sum(part.size for part in pool)
    pool.append(value.ravel())
    return [value.dtype.name, start, list(value.shape)]


def write():
    np.savez(HERE / "goldens.npz", **{name: np.concatenate(pool) for name, pool in POOLS.items()})
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES)
    (HERE / "index.json").write_text('{"cases": [\n' + lines + "\n]}\n")
    size = sum((HERE / name).stat().st_size for name in ("goldens.npz", "index.json"))
    print(f"{len(CASES)} cases of {len({c['op'] for c in CASES})} operations, {size / 1024:.0f} KiB")
