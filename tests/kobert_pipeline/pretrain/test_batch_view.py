"""What `kobert inspect RECIPE batch` shows is the batch: its text, what was done to it, its labels."""

from __future__ import annotations

import io
import itertools
import re

import pytest
from rich.console import Console
from tokenizers import Tokenizer

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain import batch_view
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

MARK = re.compile(r"⟦([^⟧=→]+)(=|→[^⟧]+)?⟧")


def a_config(**objective) -> PretrainConfig:
    return PretrainConfig.parse(
        {
            "objective": {"name": "mlm_nsp"} | objective,
            "architecture": {"name": "bert", "size": "mini"},
            "phases": [{"max_length": 64, "batch_size": 8}],
            "max_steps": 1,
        }
    )


WORDS = OBJECTIVES["mlm_nsp"].label_words


@pytest.fixture(scope="module")
def info(tiny):
    return tokenizer_info(tiny.tokenizer)


@pytest.fixture
def drawn(tiny, info):
    """The first batches of a run, as tensors and as they are read."""

    def draw(**objective):
        config = a_config(**objective)
        stream = BatchStream(Store(tiny.dataset), OBJECTIVES[config.objective["name"]], config, info, 7)
        batches = [batch for batch, _ in itertools.islice(stream, 12)]
        return batches, [batch_view.read(batch, info) for batch in batches]

    return draw


def test_an_example_reads_as_its_text_with_every_selected_piece_marked(tiny, drawn):
    (batch, *_), (readable, *_) = drawn(mlm_probability=0.4)
    piece_of = Tokenizer.from_file(str(tiny.tokenizer / "tokenizer.json")).id_to_token
    for row in range(len(batch["input_ids"])):
        head, line, _ = batch_view.example(readable, row, piece_of, WORDS)
        pieces = [piece_of(int(piece)) for piece in readable.original[row][readable.real[row]]]
        text = " ".join(pieces).replace(" ##", "")
        assert MARK.sub(r"\1", line.plain).strip() == text
        assert len(MARK.findall(line.plain)) == int((batch["labels"][row] != -100).sum())
        assert ("random" in head.plain) == bool(batch["next_sentence_label"][row])


def test_colours_tell_what_was_done_to_a_piece(tiny, drawn):
    _, (readable, *_) = drawn(mask_share=0.4, random_share=0.3, mlm_probability=0.5)
    piece_of = Tokenizer.from_file(str(tiny.tokenizer / "tokenizer.json")).id_to_token
    line = batch_view.example(readable, 0, piece_of, WORDS)[1]
    shown = {line.plain[span.start : span.end]: span.style for span in line.spans}
    for text, style in shown.items():
        found = MARK.fullmatch(text)
        if found:
            wanted = {"": batch_view.MASKED, "=": batch_view.KEPT}.get(found[2] or "", batch_view.REPLACED)
            assert style == wanted
    assert {batch_view.MASKED, batch_view.KEPT, batch_view.REPLACED, *batch_view.SEGMENTS} <= set(shown.values())


@pytest.mark.parametrize("slots", [{}, {"max_predictions": 20, "fixed_predictions": True}])
def test_the_figures_are_those_of_the_recipe(drawn, slots):
    figures = batch_view.statistics(drawn(mlm_probability=0.3, mask_share=0.6, random_share=0.3, **slots)[1], WORDS)
    assert figures["selected, of text"] == pytest.approx(0.3, abs=0.02)
    assert figures["masked, of selected"] == pytest.approx(0.6, abs=0.08)
    assert figures["replaced, of selected"] == pytest.approx(0.3, abs=0.08)
    assert figures["next_sentence_label: random"] == pytest.approx(0.5, abs=0.25)


def test_padding_is_that_of_packed_rows_where_there_are_some(tiny, info):
    phases = [{"max_length": 32, "batch_size": 4, "row_length": 128}]
    config = PretrainConfig.parse(a_config().model_dump() | {"phases": phases})
    stream = BatchStream(Store(tiny.dataset), OBJECTIVES["mlm_nsp"], config, info, 7)
    batch, _ = next(iter(stream))
    figures = batch_view.statistics([batch_view.read(batch, info)], WORDS)
    assert figures["examples"] > len(batch["packing"])
    assert figures["padding"] == pytest.approx(float((batch["packing"] < 0).float().mean()))


def test_the_whole_view_is_one_page(tiny):
    out = io.StringIO()
    page = batch_view.view(a_config(), tiny.tokenizer, tiny.dataset, seed=7, rows=2, batches=3)
    Console(file=out, width=160).print(page)
    text = out.getvalue()
    assert text.count("tokens, next_sentence_label: ") == 2
    assert "selected, of text" in text
    assert "one_sentence" in text


def test_the_view_is_korean_where_korean_is_asked_for(tiny, monkeypatch):
    monkeypatch.setenv("KOBERT_LANG", "ko")
    out = io.StringIO()
    Console(file=out, width=160).print(
        batch_view.view(a_config(), tiny.tokenizer, tiny.dataset, seed=7, rows=2, batches=3)
    )
    text = out.getvalue()
    assert "next_sentence_label: 무작위 문장" in text
    assert not re.search("[a-z]{2,} [a-z]{2,}", text)
