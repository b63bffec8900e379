"""Heads and relations of eojeols: a biaffine parser (Dozat & Manning 2017) as KLUE's released code builds it.

An eojeol is the concatenation of its first token, its last token and its part of speech; the root is [CLS] twice. A
BiLSTM reads the eojeols, and an LSTM reads the BiLSTM's output for them. Every eojeol in the LSTM's output is scored
with every eojeol in the BiLSTM's output.

Shapes, besides the contract's: W eojeols in the batch's longest sentence, R relations, D the LSTM's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from klue_eval.heads.head import (
    IGNORED,
    Columns,
    Head,
    TaskModel,
    build_on_encoder,
    full_precision,
    hidden_size,
    padded,
)
from klue_eval.task import KlueTask
from klue_eval.tasks.dp import PARTS_OF_SPEECH
from klue_eval.values import Example, Values

if TYPE_CHECKING:
    from klue_eval.tasks.dp import DpSettings


class BiaffineModel(TaskModel):
    """`values`: `arcs` [eojeols, eojeols + 1], column 0 is the root; `types` [eojeols, R], for the likeliest head."""

    def __init__(self, encoder: nn.Module, task: KlueTask, settings: DpSettings) -> None:
        super().__init__(encoder)
        size = settings.lstm_size
        self.pos = nn.Embedding(len(PARTS_OF_SPEECH) + 1, settings.pos_size)
        self.dropout = nn.Dropout1d(settings.dropout)
        self.forward_and_back = nn.LSTM(
            2 * hidden_size(encoder) + settings.pos_size, size, batch_first=True, bidirectional=True
        )
        self.bridge = nn.Linear(2 * size, size)
        self.first_cell = nn.Linear(2 * size, size)
        self.reader = nn.LSTM(size, size, batch_first=True)
        self.arc_head, self.arc_word = nn.Linear(2 * size, settings.arc_size), nn.Linear(size, settings.arc_size)
        self.type_head, self.type_word = nn.Linear(2 * size, settings.type_size), nn.Linear(size, settings.type_size)
        self.arcs = Biaffine(settings.arc_size, 1)
        self.types = Biaffine(settings.type_size, len(task.labels))

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        """The sum of two cross-entropies: of the heads, and of the relations to the true heads."""
        arcs, types = self._scores(inputs, labels, labels["heads"])
        return _cross_entropy(arcs, labels["heads"]) + _cross_entropy(types, labels["relations"])

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        arcs, types = (scores.cpu().numpy() for scores in self._scores(inputs, labels, None))
        counts = labels["counts"].tolist()
        return [
            {"arcs": arcs[row, :count, : count + 1], "types": types[row, :count]} for row, count in enumerate(counts)
        ]

    def _scores(self, inputs: Columns, labels: Columns, heads: Tensor | None) -> tuple[Tensor, Tensor]:
        """[B, W, W + 1] and [B, W, R]. `heads` [B, W]: the heads of the scored relations; None: the likeliest."""
        hidden = self.hidden(inputs)
        with full_precision(hidden):
            return self._parse(self._words(hidden.float(), labels), labels["counts"], heads)

    def _parse(self, words: Tensor, counts: Tensor, heads: Tensor | None) -> tuple[Tensor, Tensor]:
        above, below = self._contexts(words, counts.cpu())
        activate = nn.functional.elu
        arcs = self.arcs(activate(self.arc_word(below)), activate(self.arc_head(above))).squeeze(1)
        places = torch.arange(arcs.shape[2], device=arcs.device)
        outside = places > counts.unsqueeze(1)
        arcs = arcs.masked_fill(outside.unsqueeze(1), torch.finfo(arcs.dtype).min)
        chosen = arcs.argmax(-1) if heads is None else heads.clamp_min(0)
        candidates = activate(self.type_head(above))
        towards = candidates.gather(1, chosen.unsqueeze(-1).expand(-1, -1, candidates.shape[-1]))
        return arcs, self.types.pairwise(activate(self.type_word(below)), towards)

    def _words(self, hidden: Tensor, labels: Columns) -> Tensor:
        """[B, W + 1, 2 H + part of speech], the root first."""
        rows = torch.arange(len(hidden), device=hidden.device).unsqueeze(1)
        tokens = torch.cat([hidden[rows, labels["starts"]], hidden[rows, labels["ends"]]], dim=-1)
        pos = self._drop(self.pos(labels["pos"]))
        return torch.cat([tokens, pos], dim=-1)

    def _contexts(self, words: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """[B, W + 1, 2 D] of the BiLSTM, the root first, and [B, W, D] of the LSTM that reads it."""
        packed = pack_padded_sequence(words, counts + 1, batch_first=True, enforce_sorted=False)
        states, (_, cells) = self.forward_and_back(packed)
        above = self._drop(pad_packed_sequence(states, batch_first=True)[0])
        cell = self.first_cell(torch.cat([cells[0], cells[1]], dim=-1)).unsqueeze(0)
        bridged = nn.functional.elu(self.bridge(above[:, 1:]))
        packed = pack_padded_sequence(bridged, counts, batch_first=True, enforce_sorted=False)
        states, _ = self.reader(packed, (torch.tanh(cell), cell))
        return above, self._drop(pad_packed_sequence(states, batch_first=True)[0])

    def _drop(self, states: Tensor) -> Tensor:
        """[B, W, ...]: a feature is dropped in all eojeols of a sentence or in none (Gal & Ghahramani 2016)."""
        dropped: Tensor = self.dropout(states.transpose(1, 2)).transpose(1, 2)
        return dropped


class Biaffine(nn.Module):
    """x U y + a x + b y + c, for each output."""

    def __init__(self, size: int, outputs: int) -> None:
        super().__init__()
        self.product = nn.Parameter(torch.empty(outputs, size, size))
        self.of_word, self.of_head = nn.Linear(size, outputs), nn.Linear(size, outputs, bias=False)
        for matrix in self.product:
            nn.init.xavier_uniform_(matrix.data)

    def forward(self, words: Tensor, heads: Tensor) -> Tensor:
        """[B, W, size], [B, V, size] -> [B, outputs, W, V]: scores every word with every head."""
        product = torch.einsum("bwi,oij,bvj->bowv", words, self.product, heads)
        scores: Tensor = product + self.of_word(words).mT.unsqueeze(3) + self.of_head(heads).mT.unsqueeze(2)
        return scores

    def pairwise(self, words: Tensor, heads: Tensor) -> Tensor:
        """[B, W, size] twice -> [B, W, outputs]: scores every word with its own head."""
        product = torch.einsum("bwi,oij,bwj->bwo", words, self.product, heads)
        scores: Tensor = product + self.of_word(words) + self.of_head(heads)
        return scores


def _cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def collate(examples: Sequence[Example]) -> Columns:
    """Returns `starts`, `ends` and `pos` [B, W + 1], with the root first ([CLS] and part of speech 0), `heads` and
    `relations` [B, W], and `counts` [B]."""
    names, roots = ("starts", "ends", "pos"), [(example.cls, example.cls, 0) for example in examples]
    columns = {
        name: padded([[root[place], *example.words[place]] for example, root in zip(examples, roots, strict=True)], 0)
        for place, name in enumerate(names)
    }
    for place, name in enumerate(("heads", "relations")):
        columns[name] = padded([example.target[place] for example in examples], IGNORED)
    return {**columns, "counts": torch.tensor([len(example.target[0]) for example in examples])}


HEAD = Head(name="biaffine", build=build_on_encoder(BiaffineModel), collate=collate, scoring_batch=64)
