"""BART's noise on texts of the store: each kind by itself, and that special tokens and padding stay where they are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from pairs import config_of_pair

from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.denoise import OBJECTIVE, DenoiseOptions
from kobert_pipeline.objectives.source_and_target import LABELS, MISSING
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

NOTHING = {"infilling": 0.0, "permutation": 0.0}
LENGTH = 120


@pytest.fixture(scope="module")
def info(tiny_bytes: Any) -> Any:
    return tokenizer_info(tiny_bytes.tokenizer)


@pytest.fixture(scope="module")
def examples(tiny_bytes: Any) -> Examples:
    store = Store(tiny_bytes.dataset)
    context = PlanContext(0, 0, 0, 0, LENGTH)
    return OBJECTIVE.plan(store.read(store.blocks(TRAIN)[0]), context, DenoiseOptions())


def rows(examples: Examples, info: Any, chosen: Any = range(16), **options: float) -> list[tuple[Any, Any, Any]]:
    """(source, target, missing) of each example, without padding."""
    batch = draw(OBJECTIVE, examples, np.array(chosen), info, DenoiseOptions(**options), seed=0, number=0, width=LENGTH)
    mask = batch["attention_mask"]
    assert (batch["input_ids"][~mask] == info.pad_id).all()
    assert torch.equal(mask, mask.long().sort(dim=1, descending=True).values.bool()), "padding is at the end"
    written = batch[LABELS] != IGNORE_INDEX
    return [
        (source[real].numpy(), target[is_text].numpy(), missing[is_text].numpy())
        for source, real, target, is_text, missing in zip(
            batch["input_ids"], mask, batch[LABELS], written, batch[MISSING], strict=True
        )
    ]


KINDS: list[dict[str, float]] = [
    {},
    NOTHING | {"permutation": 1.0},
    NOTHING | {"deletion": 0.2},
    NOTHING | {"rotation": 1.0},
    {"deletion": 0.1, "rotation": 0.5},
]


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_no_noise_moves_a_special_token_and_every_target_is_a_text_of_the_store(
    examples: Examples, info: Any, options: dict[str, float]
) -> None:
    text = examples.block.tokens
    for number, (source, target, missing) in enumerate(rows(examples, info, **options)):
        (start, end), *_ = examples.ranges(number)
        assert target.tolist() == [info.cls_id, *text[start:end].tolist(), info.sep_id]
        assert (source[0], source[-1]) == (info.cls_id, info.sep_id)
        assert not np.isin(source[1:-1], [info.cls_id, info.sep_id, info.pad_id]).any()
        kept = Counter(source[source != info.mask_id].tolist())
        assert kept == Counter(target[~missing].tolist()), "what is missing, and nothing else, is missing"
        assert len(source) <= len(target) <= LENGTH


def test_sentences_are_really_permuted(examples: Examples, info: Any) -> None:
    borders = examples.block.sentence_offsets
    several = [n for n in range(len(examples)) if np.isin(borders, np.arange(*examples.ranges(n)[0])).sum() >= 3]
    drawn = rows(examples, info, several, **NOTHING | {"permutation": 1.0})
    changed = [not np.array_equal(source, target) for source, target, _ in drawn]
    assert all(sorted(source) == sorted(target) for source, target, _ in drawn)
    assert np.mean(changed) > 0.6, "three sentences keep their order in one draw of six"


def test_each_kind_of_noise_does_what_it_says(examples: Examples, info: Any) -> None:
    for source, target, missing in rows(examples, info, infilling=0.4, permutation=0):
        assert missing.sum() == round(0.4 * (len(target) - 2))
        assert (source == info.mask_id).sum() <= missing.sum()
    for source, target, missing in rows(examples, info, **NOTHING | {"deletion": 0.25}):
        assert len(source) == len(target) - missing.sum()
        assert missing.sum() == round(0.25 * (len(target) - 2))
        assert info.mask_id not in source
    for source, target, _ in rows(examples, info, **NOTHING | {"rotation": 1.0}):
        inner = target[1:-1].tolist()
        assert any(source[1:-1].tolist() == inner[place:] + inner[:place] for place in range(len(inner)))


def test_the_noise_of_a_text_does_not_depend_on_the_texts_next_to_it(examples: Examples, info: Any) -> None:
    together, alone = rows(examples, info, range(8)), rows(examples, info, [0])
    assert np.array_equal(together[0][0], alone[0][0])


def test_no_noise_at_all_is_one_clear_error() -> None:
    with pytest.raises(RecipeError, match=r"objective 'denoise': no share of the text is damaged.*set infilling: 0\.3"):
        config_of_pair("denoise", "bart", **NOTHING)
