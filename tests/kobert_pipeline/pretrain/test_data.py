from __future__ import annotations

import itertools
import shutil
import time
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pairs import ARCHITECTURE_OF, known_sizes

from kobert_pipeline.architectures.padding import UNPADDED, visible
from kobert_pipeline.dataset.best_fit import EMPTY
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError, RecipeError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.batch_rows import take_rows
from kobert_pipeline.pretrain.config import Phase, PretrainConfig
from kobert_pipeline.pretrain.data import (
    BatchStream,
    Cursor,
    cut_into_batches,
    cut_into_packed_batches,
    draw,
    validation_batches,
)
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SIZES = {"layers": 1, "hidden": 16, "heads": 2, "feed_forward": 16}


def a_config(objective: str = "mlm_nsp", **options) -> PretrainConfig:
    values = {
        "objective": {"name": objective} | options, "max_steps": 20,
        "architecture": {"name": ARCHITECTURE_OF[objective]} | known_sizes(ARCHITECTURE_OF[objective], SIZES),
        "phases": [{"max_length": 32, "batch_size": 8, "share": 0.5}, {"max_length": 64, "batch_size": 4, "share": 0.5}],
    }  # fmt: skip
    return PretrainConfig.parse(values)


@pytest.fixture
def stream(tiny):
    info = tokenizer_info(tiny.tokenizer)
    return lambda objective="mlm_nsp", seed=1, **changes: BatchStream(
        Store(tiny.dataset), OBJECTIVES[objective], a_config(objective).model_copy(update=changes), info, seed
    )


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@given(lengths=st.lists(st.integers(4, 128), min_size=1, max_size=400), batch_size=st.integers(1, 40))
def test_every_example_lies_in_exactly_one_batch_of_the_right_size(lengths, batch_size):
    batches = cut_into_batches(np.array(lengths), batch_size, np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


@given(lengths=st.lists(st.integers(4, 128), min_size=1, max_size=400), batch_size=st.integers(1, 12))
def test_every_example_lies_in_exactly_one_packed_batch_of_the_right_size(lengths, batch_size):
    batches = cut_into_packed_batches(np.array(lengths), 200, batch_size, np.random.default_rng(0))
    drawn = np.concatenate([rows[rows != EMPTY] for rows in batches])
    assert sorted(drawn.tolist()) == list(range(len(lengths)))
    sizes = [len(rows) for rows in batches]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("step", [0, 3, 9, 10, 13])
def test_a_stream_continued_from_its_cursor_gives_the_batches_of_the_uninterrupted_one(stream, objective, step):
    whole = list(itertools.islice(stream(objective), 20))
    resumed = stream(objective)
    resumed.cursor = Cursor(**whole[step - 1][1]) if step else Cursor()
    rest = list(itertools.islice(resumed, 20 - step))
    assert all(equal(one, two) and at == behind for (one, at), (two, behind) in zip(rest, whole[step:], strict=True))


def test_resuming_far_into_a_run_takes_less_than_a_second(stream):
    """Nothing is drawn again: a new stream, opened at a cursor some hundred epochs on, gives that very batch."""
    whole = stream(phases=(Phase(max_length=64, batch_size=32),))
    *_, (_, at), (expected, _) = itertools.islice(whole, 401)
    assert at["epoch"] > 50
    started = time.perf_counter()
    resumed = stream(phases=(Phase(max_length=64, batch_size=32),))
    resumed.cursor = Cursor(**at)
    found, _ = next(iter(resumed))
    assert time.perf_counter() - started < 1
    assert equal(found, expected)


def test_phases_change_the_length_at_their_step(stream):
    lengths = [batch["input_ids"].shape[1] for batch, _ in itertools.islice(stream("mlm"), 20)]
    assert max(lengths[:10]) <= 32
    assert max(lengths[10:]) > 32


def test_epochs_of_the_same_text_differ_in_the_batches_the_trainer_sees(stream):
    batches = [batch["input_ids"] for batch, _ in itertools.islice(stream(), 20)]
    assert len({tuple(batch.flatten().tolist()) for batch in batches}) == 20


def test_packing_is_an_option_of_a_phase_and_fills_its_rows(stream):
    phases = (Phase(max_length=32, batch_size=4, row_length=128), Phase(max_length=32, batch_size=4, row_length=256))
    packed = stream(phases=phases)
    packed.require_batches()
    assert len(packed.packing) == 2
    assert min(packed.packing) > 0.85  # of the few rows of this corpus the last is a good part
    batches = [batch for batch, _ in itertools.islice(packed, 6)]
    assert {tuple(batch["packing"].shape[1:]) for batch in batches} == {(128,)}
    for batch in batches:
        assert len(batch["packing"]) <= 4
        assert int((batch["packing"] != EMPTY).sum()) == int(batch["attention_mask"].sum())
    plain = stream()
    plain.require_batches()
    assert plain.packing == []
    assert "packing" not in next(iter(plain))[0]


@pytest.mark.parametrize("row_length", [None, 128])
def test_a_part_of_a_batch_is_what_drawing_its_rows_gives(stream, row_length):
    """As ranks and micro-batches divide it: masks, labels and packed rows are those of the whole batch."""
    whole = stream(phases=(Phase(max_length=32, batch_size=6, row_length=row_length),))
    examples = whole._plan(0, epoch=0, phase=0)
    rows = whole._cut(examples, 0, epoch=0, phase=0)[0]
    drawing = partial(
        draw, whole.objective, examples, info=whole.info, options=whole.options[0],
        seed=1, number=5, width=32, row_length=row_length,
    )  # fmt: skip
    batch = drawing(rows)
    for first, end in ((0, 2), (2, 3), (3, len(rows))):
        part = take_rows(batch, first, end)
        alone = drawing(rows[first:end], first=np.count_nonzero(rows[:first] != EMPTY))
        longest = alone["input_ids"].shape[1]
        assert part.keys() - {UNPADDED} == alone.keys() - {UNPADDED}, "drawn alone, a row may be as long as the longest"
        for name in set(part) - {"packing", UNPADDED}:
            cut = part[name][:, :longest] if part[name].ndim > 1 else part[name]
            assert torch.equal(cut, alone[name])
        if row_length:
            places = [one["packing"] // one["input_ids"].shape[1] for one in (part, alone)]
            within = [one["packing"] % one["input_ids"].shape[1] for one in (part, alone)]
            assert torch.equal(*places)
            assert torch.equal(*(one[places[0] >= 0] for one in within))


def test_another_seed_gives_other_batches(stream):
    assert not equal(next(iter(stream(seed=1)))[0], next(iter(stream(seed=2)))[0])


def test_validation_batches_are_the_same_every_time_and_mask_at_15_percent(tiny):
    info, store = tokenizer_info(tiny.tokenizer), Store(tiny.dataset)
    config = a_config("mlm", mlm_probability=0.4)
    first, second = (validation_batches(store, OBJECTIVES["mlm"], config, info) for _ in range(2))
    assert all(equal(one, two) for one, two in zip(first, second, strict=True))
    masked = sum(int((batch["labels"] != -100).sum()) for batch in first)
    assert masked / store.summary.validation.tokens == pytest.approx(0.15, abs=0.03)


def test_of_much_validation_text_a_share_is_measured_at_even_distances(tiny):
    given = Store(tiny.dataset), OBJECTIVES["mlm"]
    info, config = tokenizer_info(tiny.tokenizer), a_config("mlm")
    phase = config.phases[0].model_copy(update={"max_length": 16, "batch_size": 1})
    config = config.model_copy(update={"phases": (phase,)})
    whole = validation_batches(*given, config, info)
    assert len(whole) >= 4
    few = validation_batches(*given, config.model_copy(update={"validation_tokens": 2 * 16}), info)
    places = [number for number, batch in enumerate(whole) if any(equal(batch, one) for one in few)]
    assert len(few) == len(places) == 2
    assert places == [0, len(whole) // 2]


def test_sources_have_their_share_of_what_is_drawn(stream):
    """Rows of full text, drawn with the reviews at three quarters; they are one document in eight."""
    drawn = stream("mlm", source_shares={"reviews": 0.75})
    reviews = [source.name for source in drawn.store.summary.sources].index("reviews")
    block = drawn.store.read(drawn.blocks[0])
    sizes = np.diff(block.token_offsets)
    wanted = np.array(drawn.repeats)[block.source]
    assert (wanted * sizes)[block.source == reviews].sum() / (wanted * sizes).sum() == pytest.approx(0.75)
    pieces = [len(drawn._plan(0, epoch=epoch, phase=0).lengths) for epoch in range(30)]
    plain = len(stream("mlm")._plan(0, epoch=0, phase=0).lengths)
    assert np.mean(pieces) == pytest.approx(plain, rel=0.2)


def test_a_source_that_the_store_has_not_is_refused_by_name(stream):
    with pytest.raises(RecipeError, match="did you mean `reviews`"):
        stream(source_shares={"reviws": 0.5})


def test_a_corpus_that_does_not_fill_one_batch_is_refused_before_training(stream):
    phases = (Phase(max_length=32, batch_size=8, share=0.5), Phase(max_length=64, batch_size=4_096, share=0.5))
    stream().require_batches()
    with pytest.raises(InputError, match=r"gives \d+ examples of 64 tokens .* not one batch of 4096"):
        stream(phases=phases).require_batches()


@pytest.mark.parametrize("objective", ["mlm_nsp", "mlm_sop"])
@pytest.mark.parametrize("blocks", [1, 3])
def test_pairs_asked_of_a_corpus_without_neighbours_are_refused_before_training(stream, objective, blocks):
    """No document has two sentences whose lines continue each other, in no block."""
    without = stream(objective)
    without.store._continuity[:] = False
    without.blocks = without.blocks * blocks
    with pytest.raises(InputError, match=r"gives 0 examples .* need documents of two sentences or more"):
        without.require_batches()


def test_blocks_that_fill_a_batch_only_together_are_enough(stream):
    phases = (Phase(max_length=32, batch_size=8),)
    tiny = stream(phases=phases)
    examples = len(tiny._plan(0, epoch=0, phase=0))
    large = stream(phases=(Phase(max_length=32, batch_size=examples + 1),))
    with pytest.raises(InputError, match=f"gives {examples} examples"):
        large.require_batches()
    large.blocks = large.blocks * 2
    large.require_batches()


@pytest.mark.parametrize("split", [TRAIN, VALIDATION])
def test_an_edited_store_is_refused_before_training(tiny, tmp_path, split):
    shutil.copytree(tiny.dataset, tmp_path / "dataset")
    path = Store(tmp_path / "dataset").blocks(split)[0][0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    given = Store(tmp_path / "dataset"), OBJECTIVES["mlm"], a_config("mlm"), tokenizer_info(tiny.tokenizer)
    reads = {TRAIN: BatchStream(*given, 1).require_batches, VALIDATION: partial(validation_batches, *given)}
    with pytest.raises(ArtifactMismatch, match=f"{path.name}: changed since it was written"):
        reads[split]()


def test_masking_by_morphemes_needs_a_store_that_knows_them(tiny):
    config = a_config("mlm", unit="morpheme")
    with pytest.raises(ArtifactMismatch, match=r"holds no morpheme_start. Set dataset.morphemes: true"):
        BatchStream(Store(tiny.dataset), OBJECTIVES["mlm"], config, tokenizer_info(tiny.tokenizer), 1)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_says_that_it_is_unpadded_where_it_is_and_so_do_its_parts(stream, objective):
    """A model then needs no look at the mask."""
    drawn = [batch for batch, _ in itertools.islice(stream(objective), 40)]
    assert [visible(batch) is None for batch in drawn] == [bool(batch["attention_mask"].all()) for batch in drawn]
    full = next((batch for batch in drawn if UNPADDED in batch), None)
    assert full is not None or objective != "mlm"
    for batch in [full] if full is not None else []:
        assert visible(take_rows(batch, 1, 3)) is None
