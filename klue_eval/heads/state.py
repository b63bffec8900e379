"""The state of a dialogue, slot by slot: a gate and a copying generator for each (TRADE: Wu et al. 2019, section 2).

The generator starts from the name of the slot and the encoder's summary. It writes a value token by token; each token
is taken from the vocabulary or copied from the dialogue. All slots of a turn are generated at the same time.

Scores over the vocabulary are nearly all the work. They are computed only for slots whose token counts: in training those whose
value has a token there, in prediction those whose gate points to a value that has not ended.

Shapes, besides the contract's: S slots, K tokens of the batch's longest value, V pieces in the vocabulary, E the size
of their embeddings, R pairs of an example and a slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from klue_eval.heads.head import (
    IGNORED,
    Columns,
    Head,
    Load,
    TaskModel,
    full_precision,
    hidden_size,
    linear,
    padded,
)
from klue_eval.task import KlueTask
from klue_eval.tasks.wos import GATES, WosSettings, slot_words
from klue_eval.token_reader import Reader
from klue_eval.values import Example, Values


@dataclass(frozen=True)
class Step:
    """One step of the generator, which reads one token for each slot."""

    hidden: Tensor
    """[B, S, H] the state after that token."""
    attention: Tensor
    """[B, S, L] over the dialogue."""
    context: Tensor
    """[B, S, H] the mean of the dialogue under that attention."""
    writes: Tensor
    """[B, S, 1] logit of the share of the vocabulary. The remaining share is copied."""


@dataclass(frozen=True)
class Choice:
    """What the chosen pairs choose their token from."""

    writes: Tensor
    """[R, 1] as in Step."""
    scores: Tensor
    """[R, V] over the vocabulary."""
    attention: Tensor
    """[R, L] over the dialogue."""
    dialogue_ids: Tensor
    """[R, L] its tokens."""


class StateModel(TaskModel):
    """`values`: `gates` [S, gates] and `tokens` [S, `max_value`]."""

    slots: Tensor
    ends: Tensor
    """[V] whether a token ends a value: special tokens do."""

    def __init__(self, encoder: nn.Module, task: KlueTask, settings: WosSettings, reader: Reader) -> None:
        super().__init__(encoder)
        self.settings = settings
        size, embedding = hidden_size(encoder), self._embeddings().shape[1]
        special = torch.zeros(len(reader.tokenizer), dtype=torch.bool)
        special[list(reader.tokenizer.all_special_ids)] = True
        self.register_buffer("ends", special, False)
        self.register_buffer("slots", padded([reader.ids(slot_words(slot)) for slot in task.labels], IGNORED), False)
        self.widen = nn.Identity() if embedding == size else nn.Linear(embedding, size)
        self.narrow = nn.Identity() if embedding == size else nn.Linear(size, embedding)
        self.summary = linear(encoder, size)
        self.cell = nn.GRUCell(size, size)
        self.dropout = nn.Dropout(float(getattr(encoder.config, "hidden_dropout_prob", 0.1)))
        self.writes = nn.Linear(3 * size, 1)
        self.gate = nn.Linear(size, len(GATES))

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        """The sum of two mean cross-entropies: over the gates, and over the tokens of the values."""
        known, targets = labels["tokens"].ne(IGNORED), labels["tokens"].clamp_min(0)
        forced = bool(torch.rand(()) < self.settings.teacher_forcing)
        dialogue, state, word = self._begin(inputs, labels["cls"])
        first, found = None, []
        for place in range(targets.shape[2]):
            step = self._step(inputs, dialogue, state, word)
            first, state = first or step, step.hidden
            here, written = known[:, :, place], targets[:, :, place]
            choice = self._choice(step, inputs["input_ids"], here)
            found.append(_placed(here, _log_probability(choice, written[here])))
            if not forced:
                written = _placed(here, _likeliest(choice))
            word = self._embed(written)
        assert first is not None
        values = -(torch.stack(found, dim=2) * known).sum() / known.sum()
        return values + nn.functional.cross_entropy(self._gates(first).flatten(0, 1), labels["gates"].flatten())

    @torch.no_grad()
    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        """A token after the end of a value, or of a slot whose gate does not point to a value, is 0: nobody reads it."""
        dialogue, state, word = self._begin(inputs, labels["cls"])
        step = self._step(inputs, dialogue, state, word)
        gates = self._gates(step)
        open_ = gates.argmax(-1).eq(GATES.index("ptr"))
        tokens = torch.zeros(*open_.shape, self.settings.max_value, dtype=torch.long, device=open_.device)
        for place in range(self.settings.max_value):
            if place:
                step = self._step(inputs, dialogue, step.hidden, self._embed(tokens[:, :, place - 1]))
            if not open_.any():
                break
            written = _placed(open_, _likeliest(self._choice(step, inputs["input_ids"], open_)))
            tokens[:, :, place] = written
            open_ = open_ & ~self.ends[written]
        pairs = zip(gates.cpu().numpy(), tokens.cpu().numpy(), strict=True)
        return [{"gates": gate, "tokens": values} for gate, values in pairs]

    def _gates(self, first: Step) -> Tensor:
        """[B, S, gates], from the context of the generator's first step."""
        gates: Tensor = self.gate(first.context).float()
        return gates

    def _begin(self, inputs: Columns, cls: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the dialogue [B, L, H], the first state [B, S, H] and the first input, the slot's name [B, S, H]."""
        output = self.encoder(**inputs)
        dialogue: Tensor = output.last_hidden_state
        pooled = getattr(output, "pooler_output", None)
        summary = self._summary(dialogue, cls) if pooled is None else pooled
        names = (self._embed(self.slots.clamp_min(0)) * self.slots.ne(IGNORED).unsqueeze(-1)).sum(1)
        rows, slots = len(dialogue), len(names)
        return dialogue, summary.unsqueeze(1).expand(rows, slots, -1), names.unsqueeze(0).expand(rows, slots, -1)

    def _summary(self, dialogue: Tensor, cls: Tensor) -> Tensor:
        """[B, H], for an encoder without a pooler."""
        summary: Tensor = torch.tanh(self.summary(dialogue[torch.arange(len(cls), device=cls.device), cls]))
        return summary

    def _step(self, inputs: Columns, dialogue: Tensor, state: Tensor, word: Tensor) -> Step:
        word = self.dropout(word)
        with full_precision(dialogue):
            hidden = self.cell(word.flatten(0, 1).float(), state.flatten(0, 1).float()).view_as(state)
        looks = torch.einsum("bsh,blh->bsl", hidden, dialogue).float()
        padding = inputs["attention_mask"].eq(0).unsqueeze(1)
        attention = looks.masked_fill(padding, torch.finfo(looks.dtype).min).softmax(-1)
        context = torch.einsum("bsl,blh->bsh", attention.to(dialogue.dtype), dialogue)
        writes = self.writes(torch.cat([word, hidden, context], dim=-1)).float()
        return Step(hidden, attention, context, writes)

    def _choice(self, step: Step, dialogue_ids: Tensor, chosen: Tensor) -> Choice:
        """`chosen`: [B, S] bool, the pairs whose token counts."""
        scores = (self.narrow(step.hidden[chosen]) @ self._embeddings().T).float()
        examples = chosen.nonzero()[:, 0]
        return Choice(step.writes[chosen], scores, step.attention[chosen], dialogue_ids[examples])

    def _embeddings(self) -> Tensor:
        """[V, E], shared with the encoder."""
        weight: Tensor = self.encoder.get_input_embeddings().weight  # type: ignore[operator]
        return weight

    def _embed(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.widen(nn.functional.embedding(tokens, self._embeddings()))
        return embedded


def _placed(chosen: Tensor, values: Tensor) -> Tensor:
    """[B, S] the values of the chosen pairs, and 0 elsewhere."""
    return torch.zeros(chosen.shape, dtype=values.dtype, device=values.device).masked_scatter(chosen, values)


@torch.no_grad()
def _likeliest(choice: Choice) -> Tensor:
    """[R] the token with the highest probability, written or copied."""
    share = choice.writes.sigmoid()
    mixed = (share * choice.scores.softmax(-1)).scatter_add(1, choice.dialogue_ids, (1 - share) * choice.attention)
    return mixed.argmax(-1)


def _log_probability(choice: Choice, target: Tensor) -> Tensor:
    """[R] log probability of the target [R]: from the vocabulary, and from its positions in the dialogue.

    The sum is computed from logarithms, so that a token with probability 0 still has a gradient. Only the target's
    share of the vocabulary is kept, so that no step stores a mixture [R, V].
    """
    score = choice.scores.gather(1, target.unsqueeze(-1)).squeeze(-1)
    copied = (choice.attention * choice.dialogue_ids.eq(target.unsqueeze(-1))).sum(-1)
    writes = choice.writes.squeeze(-1)
    return torch.logaddexp(
        nn.functional.logsigmoid(writes) + score - choice.scores.logsumexp(-1),
        nn.functional.logsigmoid(-writes) + copied.clamp_min(torch.finfo(copied.dtype).tiny).log(),
    )


def build(load: Load, task: KlueTask, settings: WosSettings, reader: Reader) -> TaskModel:
    return StateModel(load("AutoModel"), task, settings, reader)


def collate(examples: Sequence[Example]) -> Columns:
    """Returns `gates` [B, S], `tokens` [B, S, K], and `cls` [B], the positions of [CLS]."""
    slots = len(examples[0].target[0])
    tokens = padded([value for example in examples for value in example.target[1]], IGNORED)
    gates = torch.tensor([example.target[0] for example in examples], dtype=torch.long)
    cls = torch.tensor([example.cls for example in examples], dtype=torch.long)
    return {"gates": gates, "tokens": tokens.view(len(examples), slots, -1), "cls": cls}


HEAD = Head(name="state", build=build, collate=collate, scoring_batch=16)
