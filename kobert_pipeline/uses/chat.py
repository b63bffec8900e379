"""Replies of a decoder in a dialogue: sample and rank, as Meena does it (Adiwardana et al. 2020, section 2.4).

A dialogue is written as in the texts of the `dialogue` objective: a line for each turn, `A: ` and `B: ` before them by turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.uses.generate import longest_text
from kobert_pipeline.uses.use import Network, Tokenizer

SPEAKERS = ("A", "B")
TURNS, CANDIDATES, TEMPERATURE, TOKENS = 7, 20, 0.88, 48
"""Turns that are read, replies that are drawn, and at which temperature (Meena's); new tokens of a reply at most."""


@dataclass(frozen=True)
class Partner:
    """A model that takes part in a dialogue."""

    tokenizer: Tokenizer
    network: Network
    turns: int = TURNS
    candidates: int = CANDIDATES
    temperature: float = TEMPERATURE
    max_tokens: int = TOKENS

    def reply(self, said: Sequence[str], seed: int) -> str:
        """What the model says after these turns: of several replies that are drawn, the one whose tokens are likeliest on average.

        Raises InputError if the last turn alone leaves no room for a reply.
        """
        import torch

        prompt = torch.tensor([self._prompt(said)])
        options: dict[str, Any] = (
            {"do_sample": True, "temperature": self.temperature, "top_k": 0, "num_return_sequences": self.candidates}
            if self.temperature
            else {"do_sample": False}
        )
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            written = self.network.generate(
                input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=self.max_tokens, **options
            )[:, prompt.shape[1] :].tolist()
        replies = {text: ids for ids in written for text, ids in [self._line(ids)] if text}
        return max(replies, key=lambda text: self.likelihood(prompt[0].tolist(), replies[text]), default="")

    def likelihood(self, prompt: list[int], reply: list[int]) -> float:
        """Mean nats of the reply's tokens."""
        import torch

        ids = torch.tensor([prompt + reply])
        with torch.no_grad():
            logits = self.network(input_ids=ids).logits[0, len(prompt) - 1 : -1].float()
        chosen = logits.log_softmax(dim=-1).gather(1, ids[0, len(prompt) :, None])
        return float(chosen.mean())

    def _line(self, ids: list[int]) -> tuple[str, list[int]]:
        """The first line that was written, and its tokens with the end of text."""
        end = self.network.generation_config.eos_token_id
        ids = ids[: ids.index(end) + 1] if end in ids else ids
        for size in range(1, len(ids) + 1):
            text = self.tokenizer.decode(ids[:size], skip_special_tokens=True)
            if "\n" in text.lstrip("\n"):
                return text.strip().split("\n")[0].strip(), ids[:size]
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip(), ids

    def _prompt(self, said: Sequence[str]) -> list[int]:
        """The tokens of as many turns as leave room for a reply."""
        room = longest_text(self.tokenizer, self.network) - self.max_tokens
        kept = list(said)[-self.turns :]
        while kept:
            ids: list[int] = self.tokenizer(dialogue_text(kept))["input_ids"]
            if len(ids) <= room:
                return ids
            kept = kept[1:]
        raise InputError(
            "{text!r}…: too long; the model takes {room} tokens before a reply. Say it in fewer words.",
            text=said[-1][:40],
            room=room,
        )


def dialogue_text(said: Sequence[str]) -> str:
    """The turns, and the beginning of the reply. The reply is B's, so that the last turn is A's."""
    first = len(said) % 2
    lines = [f"{SPEAKERS[(first + at + 1) % 2]}: {' '.join(text.split())}" for at, text in enumerate(said)]
    return "\n".join([*lines, f"{SPEAKERS[1]}:"])
