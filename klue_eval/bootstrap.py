"""Intervals and p-values of scores: a paired bootstrap over rows and seeds. Pure.

Rows are drawn again for all runs together (Efron and Tibshirani 1993, chapter 16), so that a row which is hard for both models
adds nothing to their difference. Seeds cannot be drawn again: from three of them, no draw is outside the lowest and the highest.
Their part of a resample comes from Student's t with S - 1 degrees of freedom and the variance of their mean. Two runs with the
same seeds are paired by seed, too. The scores of S seeds differ for two reasons, training and rows. What the rows explain is
taken out of the part of the seeds, so that it does not count twice. Below three seeds, an interval holds for those seeds alone.

Shapes: N rows, S seeds, R resamples, k columns of a row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from klue_eval.metrics.row_values import Kind, RowValues
from kobert_pipeline.ground.contents.scores import SEEDS_WITH_SPREAD
from kobert_pipeline.ground.errors import WrongValue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float64]
else:
    Array = Any

RESAMPLES = 10_000
LEVEL = 0.95
CHUNK = 2_000_000
"""Draws at a time: 16 MB."""


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Interval):
    """The second mean minus the first."""

    p: float
    """Two-sided: below 0.05 exactly where the interval excludes 0. Never below 2 / (R + 1)."""


@dataclass(frozen=True)
class _Scores:
    """The scores of the seeds of a run, or the differences of two runs."""

    whole: Array
    """[S] on the rows as they are."""
    drawn: Array
    """[S, R] on drawn rows."""
    sign: int = 1


def interval(seeds: Sequence[RowValues], *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The interval of one metric of a run. `seeds`: the same rows under each seed."""
    found = _scores(seeds, resamples, seed)
    value, draws = _spread([_Scores(*found)], seed)
    return Interval(value, *_ends(draws))


def difference(
    left: Sequence[RowValues],
    right: Sequence[RowValues],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    paired: bool = True,
) -> Difference:
    """Compares two runs on the same rows, in the same order. `paired`: whether seed i is the same in both; runs with other
    numbers of seeds are never paired.

    Raises ValueError if the numbers of rows differ.
    """
    if {len(values.rows) for values in left} != {len(values.rows) for values in right}:
        raise WrongValue("the two runs have different numbers of rows")
    whole, drawn = _scores([*left, *right], resamples, seed)
    cut = len(left)
    if paired and len(left) == len(right):
        groups = [_Scores(whole[cut:] - whole[:cut], drawn[cut:] - drawn[:cut])]
    else:
        groups = [_Scores(whole[:cut], drawn[:cut], -1), _Scores(whole[cut:], drawn[cut:])]
    value, draws = _spread(groups, seed)
    return Difference(value, *_ends(draws), _p(draws))


# --- the distribution -------------------------------------------------------------------------------------------------


def _spread(groups: Sequence[_Scores], seed: int) -> tuple[float, Array]:
    """The estimate, and the resamples around it."""
    value = float(sum(group.sign * group.whole.mean() for group in groups))
    parts = [
        group.sign * group.drawn.mean(0) + _of_seeds(group, [seed, 1, place]) for place, group in enumerate(groups)
    ]
    return value, sum(parts[1:], start=parts[0])


def _of_seeds(group: _Scores, key: Sequence[int]) -> Array:
    """[R] how far the mean of the seeds is from that of all seeds there could be; 0 if they are too few to tell."""
    import numpy as np

    count, resamples = group.drawn.shape
    if count < SEEDS_WITH_SPREAD:
        return np.zeros(resamples)
    of_rows = float((group.drawn - group.drawn.mean(0)).var(axis=1).sum()) / (count - 1)
    of_training = max(0.0, float(group.whole.var(ddof=1)) - of_rows)
    drawn: Array = np.random.default_rng(key).standard_t(count - 1, resamples) * np.sqrt(of_training / count)
    return drawn


def _ends(draws: Array) -> tuple[float, float]:
    """The order statistics between which `_p` is not below 1 - LEVEL."""
    import numpy as np

    cut = max(0, math.ceil((1 - LEVEL) / 2 * (draws.size + 1) - 1) - 1)
    ordered = np.partition(draws, [cut, draws.size - 1 - cut])
    return float(ordered[cut]), float(ordered[-1 - cut])


def _p(draws: Array) -> float:
    beyond = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2 * (beyond + 1) / (draws.size + 1))


# --- scores of drawn rows ---------------------------------------------------------------------------------------------


def _scores(seeds: Sequence[RowValues], resamples: int, seed: int) -> tuple[Array, Array]:
    """[S] scores of all rows, and [S, R] scores of rows that are drawn with replacement: the same ones for every seed.

    Rows with equal values are one line with a count: a label is right or wrong in few ways, so few lines are drawn from.
    """
    import numpy as np

    tables = [np.asarray(values.rows, dtype=np.float64) for values in seeds]
    lines, counts = np.unique(np.concatenate(tables, axis=1), axis=0, return_counts=True)
    columns = np.split(lines, np.cumsum([table.shape[1] for table in tables])[:-1], axis=1)
    parts = [(SCORES[values.kind], part) for values, part in zip(seeds, columns, strict=True)]
    whole = [score(counts[None, :].astype(np.float64), part)[0] for score, part in parts]
    drawn = [[score(weights, part) for score, part in parts] for weights in _weights(counts, resamples, seed)]
    return np.array(whole), np.concatenate(drawn, axis=1)


def _weights(counts: NDArray[np.integer[Any]], resamples: int, seed: int) -> Iterator[Array]:
    """Yields [r, lines], R in all: how often each line is drawn."""
    import numpy as np

    generator = np.random.default_rng([seed, 0])
    rows, step = int(counts.sum()), max(1, CHUNK // len(counts))
    for start in range(0, resamples, step):
        drawn = generator.multinomial(rows, counts / rows, size=min(step, resamples - start))
        yield drawn.astype(np.float64)


Score: TypeAlias = Callable[[Array, Array], Array]
"""How often each row is drawn [r, N], the columns of the rows [N, k] -> scores [r], 0 to 100."""


def _mean(weights: Array, rows: Array) -> Array:
    sums = weights @ rows
    return _over(sums[:, 0], sums[:, 1], 0.0)


def _pooled_f1(weights: Array, rows: Array) -> Array:
    sums = weights @ rows
    return _over(200 * sums[:, 0], sums[:, 1] + sums[:, 2], 0.0)


def _class_f1(weights: Array, rows: Array) -> tuple[Array, Array]:
    """[r, classes] hits, and predicted plus actual."""
    hits, predicted, actual = (weights @ rows).reshape(len(weights), 3, -1).transpose(1, 0, 2)
    return hits, predicted + actual


def _macro_f1(weights: Array, rows: Array) -> Array:
    hits, sizes = _class_f1(weights, rows)
    return _over(_over(200 * hits, sizes, 0.0).sum(1), (sizes > 0).sum(1), 100.0)


def _macro_f1_of_all(weights: Array, rows: Array) -> Array:
    hits, sizes = _class_f1(weights, rows)
    found: Array = _over(200 * hits, sizes, 100.0).mean(1)
    return found


def _pearson(weights: Array, rows: Array) -> Array:
    import numpy as np

    x, y = (rows - rows.mean(0)).T
    sums = weights @ np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
    return _correlation(*(sums[:, 1:] / sums[:, :1]).T)


def _spearman(weights: Array, rows: Array) -> Array:
    """The ranks of drawn rows: equal values share the mean of theirs."""
    total = weights.sum(1)
    x, y = (_ranks(weights, column) - (total[:, None] + 1) / 2 for column in rows.T)
    sums = [(weights * part).sum(1) / total for part in (x, y, x * x, y * y, x * y)]
    return _correlation(*sums)


def _ranks(weights: Array, column: Array) -> Array:
    """[r, N] the rank of each row among the drawn ones."""
    import numpy as np

    _, group = np.unique(column, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks: Array = (np.cumsum(sizes, axis=1) - sizes + (sizes + 1) / 2)[:, group]
    return ranks


def _correlation(x: Array, y: Array, xx: Array, yy: Array, xy: Array) -> Array:
    """From means. 0 if one side is constant."""
    import numpy as np

    scale = np.sqrt(np.clip(xx - x * x, 0, None) * np.clip(yy - y * y, 0, None))
    return np.clip(_over(100 * (xy - x * y), np.where(scale > 1e-12, scale, 0.0), 0.0), -100, 100)


def _over(part: Array, whole: Array, otherwise: float) -> Array:
    """The quotient; `otherwise` where the whole is 0."""
    import numpy as np

    quotient: Array = np.divide(part, whole, out=np.full(np.shape(part), otherwise), where=whole != 0)
    return quotient


SCORES: Mapping[Kind, Score] = {
    "mean": _mean,
    "pooled_f1": _pooled_f1,
    "macro_f1": _macro_f1,
    "macro_f1_of_all": _macro_f1_of_all,
    "pearson": _pearson,
    "spearman": _spearman,
}
