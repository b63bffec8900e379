"""The stream of batches: a pure function of the seed and the batch's number.

To Lightning a run is one pass over steps. An epoch is a seeded order of blocks. A block is planned when the stream reaches it;
its examples are shuffled and cut into batches of nearly equal numbers and similar lengths. A cursor holds the place of the
stream. A rank draws its own rows of every batch, exactly as a single process would draw them.

Shapes: B examples, R packed rows of at most K examples.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset

from kobert_pipeline.architectures.padding import look_for_padding
from kobert_pipeline.dataset.best_fit import EMPTY, best_fit, layout
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.shares import repeats_for
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.objectives.objective import Batch, BatchContext, Objective, TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.horizon import Horizon

logger = logging.getLogger(__name__)

BATCHES_A_WINDOW = 50
"""The examples of this many batches are sorted by length before they are cut, so that a batch holds little padding."""

NEEDS_NEIGHBOURS = "Pairs of segments need documents of two sentences or more whose lines continue each other."

ORDER, BATCHES = 1, 2
"""The random decision that a seed sequence serves."""


@dataclass
class Cursor:
    """The place of the stream: the next batch to draw."""

    batch: int = 0
    phase: int = 0
    epoch: int = 0
    position: int = 0
    """Number of the block in the order of its epoch."""
    offset: int = 0
    """Batches of the block that are drawn already."""

    def state(self) -> dict[str, int]:
        return asdict(self)


Drawn = tuple[Batch, dict[str, int]]
"""A batch, and the cursor after it: loaders draw ahead of training, so the stream's own cursor is not that of the run."""

Planned = tuple[Callable[[], Batch], dict[str, int]]
"""A function that draws a batch, and the cursor after it."""


class BatchStream(IterableDataset[Any]):
    """Endless batches of the training split, from `cursor` on. The cursor moves as batches are drawn."""

    def __init__(
        self, store: Store, objective: Objective, config: PretrainConfig, info: TokenizerInfo, seed: int
    ) -> None:
        self.store, self.objective, self.config, self.info, self.seed = store, objective, config, info, seed
        self.options = [config.options_in(number) for number in range(len(config.phases))]
        """Of the objective, by phase."""
        store.require_annotations(config.annotations)
        self.repeats = repeats_for(config.source_shares, store.summary.sources)
        self.blocks = store.blocks(TRAIN)
        self.horizon = Horizon.of(config)
        self.rank, self.ranks = 0, 1
        """The rank whose rows are drawn, and the number of ranks among which the rows of a batch are divided."""
        self.cursor = Cursor()
        self.counts: Counter[str] = Counter()
        """What the plans drawn so far left out or treated specially, by reason."""
        self.packing: list[float] = []
        """The share of positions used in each phase that packs. Known after `require_batches`."""

    def require_batches(self) -> None:
        """Raises InputError, before anything is trained, when the text does not fill one batch of every phase."""
        self.packing = []
        for number, phase in enumerate(self.config.phases):
            rows = self._first_batches(number)
            if rows < phase.batch_size:
                unit = say("examples")
                if phase.row_length is not None:
                    unit = say("packed rows of {length}, with examples", length=phase.row_length)
                raise InputError(
                    say(
                        "The corpus gives {rows} {unit} of {length} tokens for objective {objective!r}, not one batch of {batch}. "
                        "Add documents, or lower batch_size.",
                        rows=rows,
                        unit=unit,
                        length=phase.max_length,
                        objective=self.objective.name,
                        batch=phase.batch_size,
                    )
                    + f" {say(NEEDS_NEIGHBOURS)}"
                )

    def _first_batches(self, phase: int) -> int:
        """The number of examples or rows in the first blocks, up to one batch: one block is enough unless it is tiny. Measures
        the packing."""
        rows, used, row_length = 0, 0, self.config.phases[phase].row_length
        for block in range(len(self.blocks)):
            examples = self._plan(block, epoch=0, phase=phase)
            rows += sum(map(len, self._cut(examples, block, epoch=0, phase=phase)))
            used += int(examples.lengths.sum())
            if rows >= self.config.phases[phase].batch_size:
                break
        if row_length is not None and rows:
            self.packing.append(round(used / (rows * row_length), 4))
            logger.info("pretrain: packing uses %.1f%% of rows of %d", 100 * self.packing[-1], row_length)
        return rows

    def sample(self, number: int) -> tuple[Batch, float, float]:
        """This rank's rows of the longest full batch of phase `number` in one block, the tokens of that batch over all ranks,
        and the mean number of tokens of such batches, both as the model sees them: an objective may shorten its examples."""
        plans = ((block, self._plan(block, epoch=0, phase=number)) for block in range(len(self.blocks)))
        block, examples = next((block, examples) for block, examples in plans if len(examples))
        batches = self._cut(examples, block, epoch=0, phase=number)
        tokens = [float(examples.lengths[chosen[chosen != EMPTY]].sum()) for chosen in batches]
        longest = batches[int(np.argmax(tokens))]
        own = self._own_rows(examples, longest, 0, number)
        whole = own if self.ranks == 1 else self._rows(examples, longest, 0, number)
        seen = float(whole["attention_mask"].sum())
        return own, seen, seen / max(tokens) * sum(tokens) / len(tokens)

    def longest_examples(self, max_length: int, number: int) -> Batch:
        """The `number` longest examples of the first phase's kind, planned for this length, each in its own row."""
        plans = (self._plan(block, epoch=0, phase=0, max_length=max_length) for block in range(len(self.blocks)))
        examples = next(examples for examples in plans if len(examples))
        chosen = np.argsort(-examples.lengths, kind="stable")[:number]
        return draw(
            self.objective, examples, chosen, self.info, self.options[0], seed=self.seed, number=0, width=max_length
        )

    def _plan(self, block: int, *, epoch: int, phase: int, max_length: int | None = None) -> Examples:
        length = max_length or self.config.phases[phase].max_length
        context = PlanContext(self.seed, epoch, block, phase, length, self.repeats)
        return self.objective.plan(self.store.read(self.blocks[block]), context, self.options[phase])

    def __iter__(self) -> Iterator[Drawn]:
        return self.share(0, 1)

    def share(self, worker: int, workers: int) -> Iterator[Drawn]:
        """The part of worker number `worker` when `workers` together give the stream, each in turn."""
        for number, (drawing, cursor) in enumerate(self._planned()):
            if number % workers == worker:
                yield drawing(), cursor

    def _planned(self) -> Iterator[Planned]:
        cursor = self.cursor
        while True:
            if self._phase_is_over():
                cursor.phase, cursor.epoch, cursor.position, cursor.offset = cursor.phase + 1, 0, 0, 0
            begin, is_whole = cursor.batch, not (cursor.position or cursor.offset)
            yield from self._epoch()
            if is_whole and cursor.batch == begin:
                raise InputError(
                    say("The corpus gives no example for objective {objective!r}.", objective=self.objective.name)
                    + f" {say(NEEDS_NEIGHBOURS)}"
                )

    def _epoch(self) -> Iterator[Planned]:
        """From the cursor to the end of the epoch, or of the phase."""
        cursor = self.cursor
        order = np.random.default_rng((self.seed, ORDER, cursor.phase, cursor.epoch)).permutation(len(self.blocks))
        while cursor.position < len(order):
            yield from self._block(int(order[cursor.position]))
            if self._phase_is_over():
                return
            cursor.position, cursor.offset = cursor.position + 1, 0
        cursor.epoch, cursor.position = cursor.epoch + 1, 0

    def _phase_is_over(self) -> bool:
        ends = self.horizon.phase_ends()
        return self.cursor.phase < len(ends) - 1 and self.cursor.batch >= ends[self.cursor.phase]

    def _block(self, block: int) -> Iterator[Planned]:
        cursor, phase = self.cursor, self.config.phases[self.cursor.phase]
        examples = self._plan(block, epoch=cursor.epoch, phase=cursor.phase)
        self.counts.update(examples.counts)
        batch_size = self.horizon.batch_size(phase, cursor.batch - cursor.offset)
        batches = self._cut(examples, block, epoch=cursor.epoch, phase=cursor.phase, batch_size=batch_size)
        for chosen in batches[cursor.offset :]:
            drawing = partial(self._own_rows, examples, chosen, cursor.batch, cursor.phase)
            cursor.batch, cursor.offset = cursor.batch + 1, cursor.offset + 1
            yield drawing, cursor.state()
            if self._phase_is_over():
                return

    def _cut(
        self, examples: Examples, block: int, *, epoch: int, phase: int, batch_size: int | None = None
    ) -> list[np.ndarray]:
        """The numbers of the examples of each batch: (B,), or packed (R, K). Batches are full unless a size is given."""
        settings = self.config.phases[phase]
        size, rng = batch_size or settings.batch_size, np.random.default_rng((self.seed, BATCHES, phase, epoch, block))
        if settings.row_length is None:
            return cut_into_batches(examples.lengths, size, rng)
        return cut_into_packed_batches(examples.lengths, settings.row_length, size, rng)

    def _own_rows(self, examples: Examples, chosen: np.ndarray, number: int, phase_number: int) -> Batch:
        """This rank's part of the batch of the `chosen` examples, (B,) or packed (R, K). It has no rows if the batch has fewer
        rows than there are ranks."""
        begin, end = (len(chosen) * rank // self.ranks for rank in (self.rank, self.rank + 1))
        own = slice(begin, end) if end > begin else slice(0, 1)
        first = int(np.count_nonzero(chosen[: own.start] != EMPTY))
        batch = self._rows(examples, chosen[own], number, phase_number, first)
        return batch if end > begin else {name: tensor[:0] for name, tensor in batch.items()}

    def _rows(self, examples: Examples, chosen: np.ndarray, number: int, phase_number: int, first: int = 0) -> Batch:
        phase = self.config.phases[phase_number]
        return draw(
            self.objective, examples, chosen, self.info, self.options[phase_number], seed=self.seed, number=number,
            first=first, width=phase.max_length, row_length=phase.row_length,
        )  # fmt: skip


def cut_into_batches(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Every example is in exactly one batch. Sizes differ by one at most, similar lengths come together, the order is random."""
    if not len(lengths):
        return []
    order = rng.permutation(len(lengths))
    count = -(-len(lengths) // batch_size)
    windows = np.array_split(order, -(-count // BATCHES_A_WINDOW))
    sorted_order = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows])
    batches = np.array_split(sorted_order, count)
    return [batches[number] for number in rng.permutation(count)]


def cut_into_packed_batches(
    lengths: np.ndarray, row_length: int, batch_size: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Every example is in exactly one row of one batch: numbers (R, K) of the examples of R rows, filled up with EMPTY. The
    numbers of rows differ by one at most, the order is random."""
    rows = best_fit(lengths, row_length, rng)
    count = -(-len(rows) // batch_size)
    return np.array_split(rows[rng.permutation(len(rows))], count) if count else []


def draw(
    objective: Objective, examples: Examples, chosen: np.ndarray, info: TokenizerInfo, options: Config,
    *, seed: int, number: int, width: int, first: int = 0, row_length: int | None = None, training: bool = True,
) -> Batch:  # fmt: skip
    """A part of batch `number`, from its example `first` on: the `chosen` examples (B,), or packed rows of them (R, K).

    `width` is the most tokens that an example of the phase may have. Packing adds `packing` (R, row_length) and changes
    nothing else, not even masks. A batch without padding says so: see `kobert_pipeline.architectures.padding`.
    """
    rows = chosen.reshape(len(chosen), -1)
    chosen = rows[rows != EMPTY]
    generator = RowGenerator(seed, number, first=first, rows=len(chosen), width=width)
    batch = look_for_padding(objective.collate(examples, chosen, BatchContext(info, generator, training), options))
    if row_length is None:
        return batch
    longest = batch["input_ids"].shape[1]
    return batch | {"packing": torch.from_numpy(layout(examples.lengths, rows, row_length, longest))}


def validation_batches(store: Store, objective: Objective, config: PretrainConfig, info: TokenizerInfo) -> list[Batch]:
    """Validation data as batches that are the same for every seed, at the length of the first phase: from all of them, at even
    distances, as many as have `validation_tokens` positions."""
    planned: list[tuple[Examples, np.ndarray]] = []
    phase, options = config.phases[0], config.options
    for block, files in enumerate(store.blocks(VALIDATION)):
        context = PlanContext(seed=0, epoch=0, block=block, phase=0, max_length=phase.max_length)
        examples = objective.plan(store.read(files), context, options)
        cut = cut_into_batches(examples.lengths, phase.batch_size, np.random.default_rng(0))
        planned += [(examples, chosen) for chosen in cut]
    size = min(len(planned), -(-config.validation_tokens // (phase.batch_size * phase.max_length)))
    return [
        draw(
            objective, *planned[number], info, options, seed=0, number=number, width=phase.max_length, training=False
        )
        for number in (len(planned) * place // size for place in range(size))
    ]  # fmt: skip
