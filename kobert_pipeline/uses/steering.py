"""Plug and Play Language Models (Dathathri et al. 2020): a decoder is steered toward an attribute while it writes, without training it.

Before each token the keys and values of the text so far are moved, in a few steps, in the direction that makes the attribute
likelier (section 3.2), while the distribution of the next token stays close to the model's own (section 3.3). Nothing of the movement
is kept for the next token. Shapes: L tokens so far, H hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kobert_pipeline.ground.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    Past = list[tuple[Tensor, Tensor]]

STEPS = 3
"""Steps before each token."""
CLOSENESS = 0.01
"""Weight of the Kullback-Leibler divergence from the model's own distribution."""
SHARE = 0.9
"""Exponent of the moved distribution where both are multiplied; the model's own has the rest."""


class Moved(NamedTuple):
    """One pass over moved keys and values."""

    probabilities: Tensor
    """(V,) of the next token."""
    states: Tensor
    """(H,) last hidden states of the text so far, summed, that of its last token moved."""
    tokens: int
    """How many they are."""
    ids: list[int]
    """What was written so far."""
    look_ahead: Callable[[], Tensor]
    """-> (H,) the hidden state of the next token, read as the mean of all tokens by their probability."""


class Attribute(Protocol):
    def loss(self, moved: Moved) -> Tensor:
        """Minus the log of how likely the attribute is."""


@dataclass(frozen=True)
class BagOfWords:
    """The words of a topic: the likelihood is the probability that the next token goes on with one of them (section 4.2). A word of
    several tokens is asked for token by token, once it was begun."""

    words: tuple[tuple[int, ...], ...]

    def wanted(self, ids: Sequence[int]) -> list[int]:
        """The tokens that go on with a word that was begun; if none was, those that begin one."""
        going_on = {
            word[size]
            for word in self.words
            for size in range(1, len(word))
            if tuple(ids[-size:]) == word[:size]
        }  # fmt: skip
        return sorted(going_on or {word[0] for word in self.words})

    def loss(self, moved: Moved) -> Tensor:
        return -moved.probabilities[self.wanted(moved.ids)].sum().clamp(min=1e-12).log()


@dataclass(frozen=True)
class Label:
    """A label of a linear classifier over the mean of the last hidden states (section 4.3)."""

    weight: Tensor
    """(labels, H)"""
    bias: Tensor
    """(labels,)"""
    number: int

    def loss(self, moved: Moved) -> Tensor:
        mean = (moved.states + moved.look_ahead()) / (moved.tokens + 1)
        return -(self.weight @ mean + self.bias).log_softmax(dim=-1)[self.number]


def steered_tokens(
    network: Any, ids: Tensor, attribute: Attribute, strength: float, draw: Callable[[Tensor], int]
) -> Iterator[int]:
    """Yields new tokens without end. `ids` (1, L) is the beginning; `draw` takes log-probabilities (V,) to a token. `strength`: how
    far keys and values are moved in a step, each layer by its own norm.

    Raises InputError for a model that keeps no keys and values.
    """
    import torch

    with torch.no_grad():
        read = network(input_ids=ids[:, :-1], use_cache=True, output_hidden_states=True) if ids.shape[1] > 1 else None
    past = _past(read, network) if read else []
    states = read.hidden_states[-1][0].sum(0) if read else torch.zeros(network.config.hidden_size)
    last, text = ids[:, -1:], ids[0].tolist()
    while True:
        with torch.no_grad():
            own = _forward(network, last, past)
        log_own = own.logits[0, -1].float().log_softmax(dim=-1)
        moved = _moved(network, last, past, log_own, states, text, attribute, strength) if past else log_own
        token = draw((SHARE * moved + (1 - SHARE) * log_own).log_softmax(dim=-1))
        yield token
        past, states = _past(own, network), states + own.hidden_states[-1][0, -1]
        text.append(token)
        last = torch.tensor([[token]], device=ids.device)


def _moved(
    network: Any, last: Tensor, past: Past, log_own: Tensor, states: Tensor, text: list[int], attribute: Attribute, strength: float
) -> Tensor:  # fmt: skip
    """(V,) log-probabilities of the next token after the steps."""
    import torch

    deltas = [torch.zeros_like(one) for pair in past for one in pair]
    with torch.enable_grad():
        for _ in range(STEPS):
            for delta in deltas:
                delta.requires_grad_(True)
            out = _forward(network, last, _shifted(past, deltas))
            log_moved = out.logits[0, -1].float().log_softmax(dim=-1)
            step = Moved(
                log_moved.exp(), states + out.hidden_states[-1][0, -1], len(text), text, lambda: _ahead(network, out, log_moved)  # noqa: B023
            )  # fmt: skip
            away = (log_moved.exp() * (log_moved - log_own)).sum()
            gradients = torch.autograd.grad(attribute.loss(step) + CLOSENESS * away, deltas)
            deltas = [
                (delta - strength * gradient / (gradient.norm() + 1e-12)).detach()
                for delta, gradient in zip(deltas, gradients, strict=True)
            ]
    with torch.no_grad():
        return torch.log_softmax(_forward(network, last, _shifted(past, deltas)).logits[0, -1].float(), dim=-1)


def _ahead(network: Any, out: Any, log_moved: Tensor) -> Tensor:
    table = network.get_input_embeddings().weight
    expected = (log_moved.exp().to(table.dtype) @ table)[None, None]
    read = network(inputs_embeds=expected, past_key_values=out.past_key_values, output_hidden_states=True)
    state: Tensor = read.hidden_states[-1][0, -1]
    return state


def _shifted(past: Past, deltas: Sequence[Tensor]) -> Past:
    return [(key + deltas[2 * at], value + deltas[2 * at + 1]) for at, (key, value) in enumerate(past)]


def _forward(network: Any, last: Tensor, past: Past) -> Any:
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (key, value) in enumerate(past):
        cache.update(key, value, layer)
    return network(input_ids=last, past_key_values=cache, use_cache=True, output_hidden_states=True)


def _past(out: Any, network: Any) -> Past:
    cache = getattr(out, "past_key_values", None)
    if cache is None:
        raise InputError(
            "{kind} keeps no keys and values while it writes, so --toward cannot move them. Use gpt2 or llama.",
            kind=type(network).__name__,
        )
    return [(layer.keys, layer.values) for layer in cache.layers]
