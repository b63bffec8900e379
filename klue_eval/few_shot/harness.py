"""The only file that imports lm-evaluation-harness: one task, one number of examples, and what the harness found for every row."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from klue_eval.few_shot.prompt_rows import PROMPTED
from kobert_pipeline.ground.errors import InputError, KobertError

HERE = Path(__file__).parent


class TooLong(InputError):
    """A prompt that the model cannot read whole."""


class Chosen(NamedTuple):
    """What the harness found for one row. Shapes: W label words."""

    guid: str
    prompts: tuple[tuple[str, str], ...]
    """(W,) what stands before a word, and the word with the space before it."""
    likelihoods: tuple[float, ...]
    """(W,) nats of each word, given the prompt: the sum over its tokens."""
    right: int
    """The number of the right word."""

    @property
    def best(self) -> int:
        return self.likelihoods.index(max(self.likelihoods))


def language_model(network: Any, tokenizer: Any, limit: int, batch_size: int) -> Any:
    """The harness's model of a decoder. It refuses a prompt that is longer than `limit` tokens, where the harness would cut its
    beginning off."""
    _require_harness()
    from lm_eval.models.huggingface import HFLM

    class WholePrompts(HFLM):
        def _loglikelihood_tokens(self, requests: Sequence[Any], **options: Any) -> Any:
            longest = max(len(before) + len(word) for _, before, word in requests)
            if longest > limit:
                raise TooLong(
                    "a prompt has {longest:,} tokens; the model takes {limit:,}", longest=longest, limit=limit
                )
            return super()._loglikelihood_tokens(requests, **options)

    with _quiet():
        return WholePrompts(
            network, backend="causal", tokenizer=tokenizer, max_length=limit, device=str(network.device),
            batch_size=batch_size, add_bos_token=tokenizer.bos_token_id is not None or tokenizer.cls_token_id is not None,
            prefix_token_id=tokenizer.cls_token_id,
        )  # fmt: skip


def choose(model: Any, task: str, shots: int, *, data: str, limit: int | None, seed: int) -> list[Chosen]:
    """Every scored row, or the first `limit`. Its examples are drawn from the training rows by `seed`.

    Raises TooLong for a prompt that does not fit, and InputError if there are fewer training rows than examples.
    """
    _require_harness()
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager

    name = f"klue_{task}"
    with _quiet():
        manager = TaskManager(include_path=str(HERE), include_defaults=False, metadata={"data": data})
        loaded = manager.load([name])
        prepared = loaded["tasks"][name]
        if shots > len(prepared.dataset["train"]):
            raise InputError(
                "task {task}: {shots} examples, but {rows} training rows. Ask for fewer with --shots.",
                task=task,
                shots=shots,
                rows=len(prepared.dataset["train"]),
            )
        prepared.set_config(key="num_fewshot", value=shots)
        prepared.set_fewshot_seed(seed=seed)
        found = evaluate(lm=model, task_dict=loaded, limit=limit, bootstrap_iters=0, log_samples=True)
    return sorted(map(_read, found["samples"][name]), key=lambda chosen: chosen.guid)


def _read(sample: Any) -> Chosen:
    prompts = tuple((before, word) for before, word in _arguments(sample["arguments"]))
    likelihoods = tuple(float(response[0]) for response in sample["filtered_resps"])
    return Chosen(sample["doc"]["guid"], prompts, likelihoods, int(sample["doc"]["choice"]))


def _arguments(arguments: Any) -> Iterator[tuple[str, str]]:
    for one in arguments:
        yield (one[0], one[1])


def _require_harness() -> None:
    """Raises KobertError if it is not installed."""
    try:
        import lm_eval  # noqa: F401
    except ImportError:
        raise KobertError(
            "Scores without training need lm-evaluation-harness. Run: pip install 'kobert-pipeline[lm-eval]'"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without its log and its progress bars."""
    log, level, bars = logging.getLogger("lm_eval"), logging.getLogger("lm_eval").level, os.environ.get("TQDM_DISABLE")
    log.setLevel(logging.ERROR)
    os.environ["TQDM_DISABLE"] = "1"
    try:
        yield
    finally:
        log.setLevel(level)
        os.environ.pop("TQDM_DISABLE") if bars is None else os.environ.update(TQDM_DISABLE=bars)


__all__ = ["PROMPTED", "Chosen", "TooLong", "choose", "language_model"]
