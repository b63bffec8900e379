"""T5's spans and UL2's denoisers on texts of the store."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pairs import config_of_pair

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.masking.sentinels import restored
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.objective import TextFigures
from kobert_pipeline.objectives.source_and_target import LABELS, MISSING
from kobert_pipeline.objectives.span_corruption import (
    MODES,
    OBJECTIVE,
    UL2,
    Denoiser,
    SpanCorruptionOptions,
    own_ids,
    special_tokens,
    taken_out,
)
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

LENGTH = 60


@pytest.fixture(scope="module")
def info(tiny_targets: Any) -> Any:
    return tokenizer_info(tiny_targets.tokenizer)


@pytest.fixture(scope="module")
def store(tiny_targets: Any) -> Store:
    return Store(tiny_targets.dataset)


def drawn(store: Store, info: Any, options: SpanCorruptionOptions, **settings: Any) -> tuple[Examples, Any]:
    context = PlanContext(0, 0, 0, 0, LENGTH)
    examples = OBJECTIVE.plan(store.read(store.blocks(TRAIN)[0]), context, options)
    chosen = np.arange(len(examples))
    return examples, draw(OBJECTIVE, examples, chosen, info, options, seed=0, number=0, width=LENGTH, **settings)


@pytest.mark.parametrize("options", [{}, {"noise_density": 0.5, "mean_span": 2.0}, {"denoisers": "ul2"}], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_source_and_target_of_a_batch_are_the_texts_of_the_store(
    store: Store, info: Any, options: dict[str, Any], training: bool
) -> None:
    given = SpanCorruptionOptions(**{"sentinels": 24} | options)
    examples, batch = drawn(store, info, given, training=training)
    ids_of = own_ids(info, special_tokens(given))
    assert ids_of["<extra_id_23>"] == info.special["<extra_id_23>"]
    sentinels = np.array([ids_of[f"<extra_id_{number}>"] for number in range(24)])
    modes = [ids_of[token] for token in MODES if token in ids_of]
    seen = set()
    for number, (ids, mask, labels, missing) in enumerate(
        zip(*(batch[name].numpy() for name in ("input_ids", "attention_mask", LABELS, MISSING)), strict=True)
    ):
        (start, end), *_ = examples.ranges(number)
        source, target = ids[mask], labels[labels != IGNORE_INDEX]
        assert (source[0], source[-1], target[-1]) == (info.cls_id, info.sep_id, info.sep_id)
        assert len(source) <= LENGTH
        inner = source[1:-1]
        if modes:
            assert inner[0] in modes
            seen.add(int(inner[0]))
            inner = inner[1:]
        assert restored(inner, target[:-1], sentinels).tolist() == examples.block.tokens[start:end].tolist()
        assert missing.sum() == len(target) - 1 - np.isin(target, sentinels).sum()
    assert len(seen) == (len(modes) if training else min(1, len(modes)))


def test_a_text_loses_its_share_in_spans_of_the_mean_length() -> None:
    rng = np.random.default_rng(0)
    for denoiser in UL2:
        spans = [taken_out(512, denoiser, rng) for _ in range(200)]
        taken = np.array([span.lengths.sum() for span in spans])
        assert taken.mean() == pytest.approx(512 * denoiser.density, rel=0.1)
        if denoiser.mean_span is None:
            assert all(int(span.starts[0] + span.lengths[0]) == 512 and len(span.starts) == 1 for span in spans)
        else:
            assert (taken == taken[0]).all()
            count = len(spans[0].lengths)
            assert all(len(span.lengths) == count for span in spans)
            assert count == max(1, round(taken[0] / denoiser.mean_span))
    first = np.mean([taken_out(20, Denoiser(0.15, 3), rng).starts[0] == 0 for _ in range(2_000)])
    assert first == pytest.approx(1 / 18, abs=0.02), "a span may be at the beginning, and need not be at the end"


def test_every_text_has_room_for_a_span_down_to_one_token() -> None:
    rng = np.random.default_rng(0)
    for size in range(1, 12):
        for denoiser in (*UL2, Denoiser(0.9, 1)):
            spans = taken_out(size, denoiser, rng)
            assert 1 <= spans.lengths.sum() <= size
            assert (spans.lengths >= 1).all()


def test_what_does_not_fit_is_one_clear_error(store: Store, info: Any) -> None:
    with pytest.raises(RecipeError, match="texts of 512 tokens need 27 sentinels; set sentinels: 27"):
        config_of_pair("span_corruption", "t5", length=512, sentinels=26)
    assert config_of_pair("span_corruption", "t5", length=512, sentinels=27).max_length == 512
    with pytest.raises(RecipeError, match="denoisers: ul2 has its own noise_density and mean_span; leave them out"):
        config_of_pair("span_corruption", "t5", denoisers="ul2", mean_span=4)
    with pytest.raises(
        InputError, match=r"The tokenizer has no special token <extra_id_24>.*Build it with this recipe"
    ):
        drawn(store, info, SpanCorruptionOptions(sentinels=24 + 128 + 1))


def test_the_tokenizer_of_a_run_gets_what_the_options_need() -> None:
    assert special_tokens(SpanCorruptionOptions(sentinels=2)) == ("<extra_id_0>", "<extra_id_1>")
    assert special_tokens(SpanCorruptionOptions(denoisers="ul2"))[100:] == MODES
    assert OBJECTIVE.chance.value(TextFigures(8.0), SpanCorruptionOptions()) == 6.0
