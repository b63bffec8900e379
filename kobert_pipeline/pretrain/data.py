"""The stream of batches: a pure function of the seed and the batch's number.

To Lightning a run is one pass over steps. An epoch is a seeded order of blocks; a block is planned when it is reached, its
examples shuffled and cut into batches of nearly equal numbers and like lengths. A cursor says where the stream stands.
A rank draws its own rows of every batch, and those as a single process would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset

from kobert_pipeline.config import Config
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.shares import repeats_for
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.errors import InputError
from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.objectives.objective import Batch, BatchContext, Objective, TokenizerFacts
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.horizon import Horizon

BATCHES_A_WINDOW = 50
"""Examples of so many batches are sorted by length before they are cut, so that a batch holds little padding."""

NEEDS_NEIGHBOURS = "Pairs of segments need documents of two sentences or more whose lines continue each other."

ORDER, BATCHES = 1, 2
"""Which random decision a seed sequence is for."""


@dataclass
class Cursor:
    """Where the stream stands: the next batch to draw."""

    batch: int = 0
    phase: int = 0
    epoch: int = 0
    position: int = 0
    """Of the block within its epoch's order."""
    offset: int = 0
    """Batches of the block already drawn."""

    def state(self) -> dict[str, int]:
        return asdict(self)


Drawn = tuple[Batch, dict[str, int]]
"""A batch, and the cursor behind it: loaders draw ahead of training, so the stream's own cursor is not the run's."""


class BatchStream(IterableDataset[Any]):
    """Batches of the training split, without end, from `cursor` on; the cursor moves as batches are drawn."""

    def __init__(
        self, store: Store, objective: Objective, config: PretrainConfig, facts: TokenizerFacts, seed: int
    ) -> None:
        self.store, self.objective, self.config, self.facts, self.seed = store, objective, config, facts, seed
        self.options = config.options
        store.require_marks(objective.marks(self.options))
        self.repeats = repeats_for(config.source_shares, store.summary["sources"])
        self.blocks = store.blocks(TRAIN)
        self.horizon = Horizon.of(config)
        self.rank, self.ranks = 0, 1
        """Whose rows are drawn, and among how many the rows of a batch are divided."""
        self.cursor = Cursor()
        self.counts: Counter[str] = Counter()
        """What the plans drawn so far left out or treated otherwise."""

    def require_batches(self) -> None:
        """Raises InputError, before anything is trained, when the text does not fill one batch of every phase."""
        for number, phase in enumerate(self.config.phases):
            found = len(self._plan(0, epoch=0, phase=number))
            if len(self.blocks) == 1 and found < phase.batch_size:
                raise InputError(
                    f"The corpus gives {found} examples of {phase.max_length} pieces for objective {self.objective.name!r}, "
                    f"not one batch of {phase.batch_size}. Add documents, or lower batch_size. {NEEDS_NEIGHBOURS}"
                )

    def sample(self, number: int) -> tuple[Batch, float, float]:
        """This rank's rows of the longest full batch of phase `number` in one block, cut as no run cuts it; the tokens of
        that batch over all ranks, and those of such batches on average."""
        phase = self.config.phases[number]
        examples = self._plan(0, epoch=0, phase=number)
        batches = cut_into_batches(examples.lengths, phase.batch_size, np.random.default_rng(self.seed))
        tokens = [float(examples.lengths[chosen].sum()) for chosen in batches]
        longest = batches[int(np.argmax(tokens))]
        return self._own_rows(examples, longest, 0, phase.max_length), max(tokens), sum(tokens) / len(tokens)

    def _plan(self, block: int, *, epoch: int, phase: int) -> Examples:
        length = self.config.phases[phase].max_length
        context = PlanContext(self.seed, epoch, block, phase, length, self.repeats)
        return self.objective.plan(self.store.read(self.blocks[block]), context, self.options)

    def __iter__(self) -> Iterator[Drawn]:
        cursor = self.cursor
        while True:
            if self._phase_is_over():
                cursor.phase, cursor.epoch, cursor.position, cursor.offset = cursor.phase + 1, 0, 0, 0
            begun, whole = cursor.batch, not (cursor.position or cursor.offset)
            yield from self._epoch()
            if whole and cursor.batch == begun:
                raise InputError(
                    f"The corpus gives no example for objective {self.objective.name!r}. {NEEDS_NEIGHBOURS}"
                )

    def _epoch(self) -> Iterator[Drawn]:
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

    def _block(self, block: int) -> Iterator[Drawn]:
        cursor, phase = self.cursor, self.config.phases[self.cursor.phase]
        examples = self._plan(block, epoch=cursor.epoch, phase=cursor.phase)
        self.counts.update(examples.counts)
        rng = np.random.default_rng((self.seed, BATCHES, cursor.phase, cursor.epoch, block))
        batch_size = self.horizon.batch_size(phase, cursor.batch - cursor.offset)
        for chosen in cut_into_batches(examples.lengths, batch_size, rng)[cursor.offset :]:
            batch = self._own_rows(examples, chosen, cursor.batch, phase.max_length)
            cursor.batch, cursor.offset = cursor.batch + 1, cursor.offset + 1
            yield batch, cursor.state()
            if self._phase_is_over():
                return

    def _own_rows(self, examples: Examples, chosen: np.ndarray, number: int, width: int) -> Batch:
        """This rank's part of the batch of the `chosen` examples. Without rows where the batch has fewer than there are ranks."""
        first, end = (len(chosen) * rank // self.ranks for rank in (self.rank, self.rank + 1))
        drawn = slice(first, end) if end > first else slice(0, 1)
        batch = draw(
            self.objective, examples, chosen[drawn], self.facts, self.options,
            seed=self.seed, number=number, first=drawn.start, width=width,
        )  # fmt: skip
        return batch if end > first else {name: tensor[:0] for name, tensor in batch.items()}


def cut_into_batches(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Every example in exactly one batch; sizes differ by one at most; like lengths together; the order is random."""
    if not len(lengths):
        return []
    order = rng.permutation(len(lengths))
    count = -(-len(lengths) // batch_size)
    windows = np.array_split(order, -(-count // BATCHES_A_WINDOW))
    sorted_order = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows])
    batches = np.array_split(sorted_order, count)
    return [batches[number] for number in rng.permutation(count)]


def draw(
    objective: Objective, examples: Examples, chosen: np.ndarray, facts: TokenizerFacts, options: Config,
    *, seed: int, number: int, width: int, first: int = 0, training: bool = True,
) -> Batch:  # fmt: skip
    """Rows of batch `number`, from row `first` on, of the `chosen` examples. `width`: the most pieces of a row of the phase."""
    generator = RowGenerator(seed, number, first=first, rows=len(chosen), width=width)
    return objective.collate(examples, chosen, BatchContext(facts, generator, training), options)


def validation_batches(
    store: Store, objective: Objective, config: PretrainConfig, facts: TokenizerFacts
) -> list[Batch]:
    """The held-out text as batches that are the same for every seed, at the length of the first phase."""
    batches: list[Batch] = []
    phase, options = config.phases[0], config.options
    for block, files in enumerate(store.blocks(VALIDATION)):
        context = PlanContext(seed=0, epoch=0, block=block, phase=0, max_length=phase.max_length)
        examples = objective.plan(store.read(files), context, options)
        for chosen in cut_into_batches(examples.lengths, phase.batch_size, np.random.default_rng(0)):
            batches.append(
                draw(
                    objective,
                    examples,
                    chosen,
                    facts,
                    options,
                    seed=0,
                    number=len(batches),
                    width=phase.max_length,
                    training=False,
                )
            )
    return batches
