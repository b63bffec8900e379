"""Filling masks: the use, and `kobert fill`."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from finished_run import PIECES, export_classifier, export_saying
from rich.console import Console
from transformers import XLNetConfig, XLNetLMHeadModel
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.commands.locate import locate
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, put_cls_last
from kobert_pipeline.uses import find_use
from kobert_pipeline.uses.fill_mask import USE
from kobert_pipeline.uses.results import lines, table
from kobert_pipeline.uses.use import Result, UnfitModel

SENTENCE = "대한민국의 수도는 [MASK]이다."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_saying(tmp_path_factory.mktemp("fill") / "model", "서울", "##이다")


def fill(model: Path, *sentences: str) -> list[Result]:
    return USE.try_it(*USE.load(str(model)), sentences)


def test_the_five_likeliest_pieces_come_with_their_probabilities(model):
    (filled,) = fill(model, SENTENCE)
    assert filled.text == SENTENCE
    (answers,) = filled.answers
    assert [answer.text for answer in answers[:2]] == ["서울", "##이다"]
    assert len(answers) == 5
    weights = torch.tensor([3.0, 2.0] + [0.0] * (len(PIECES) - 2)).softmax(0)
    assert [answer.score for answer in answers[:3]] == pytest.approx(weights[:3].tolist(), abs=1e-6)


def test_several_masks_and_several_sentences(model):
    first, second = fill(model, "[MASK]의 [MASK]는 서울이다.", SENTENCE)
    assert [len(first.answers), len(second.answers)] == [2, 1]
    assert lines(second)[:2] == [SENTENCE, f"1\t{second.answers[0][0].score:.4f}\t서울"]
    assert len(lines(first)) == 1 + 2 * 5


def test_a_terminal_is_shown_a_table(model):
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    console.print(table(fill(model, "[MASK]의 [MASK]이다.")[0], USE.columns))
    assert "mask 2" in console.file.getvalue()
    assert "서울" in console.file.getvalue()


def test_xlnet_fills_a_gap_that_no_token_sees(tiny):
    """What is written in the gap changes nothing, neither in its own prediction nor through the tokens around it."""
    config = XLNetConfig(vocab_size=992, d_model=32, n_layer=2, n_head=2, d_inner=64)
    torch.manual_seed(0)
    tokenizer, network = auto_tokenizer(tiny.tokenizer), XLNetLMHeadModel(config).eval()
    put_cls_last(tokenizer)
    (filled,) = USE.try_it(tokenizer, network, [SENTENCE])
    batch = tokenizer(SENTENCE, return_tensors="pt")
    gap = (batch["input_ids"] == tokenizer.mask_token_id).float()
    batch["input_ids"][gap.bool()] = 100
    with torch.no_grad():
        logits = network(**batch, perm_mask=gap.expand(1, gap.shape[1], -1), target_mapping=gap[None]).logits[0, 0]
    best = logits.softmax(0).topk(5)
    assert [answer.score for answer in filled.answers[0]] == pytest.approx(best.values.tolist(), abs=1e-7)
    assert (batch["input_ids"][0, -1], tokenizer.padding_side) == (tokenizer.cls_token_id, "left")


def test_a_sentence_without_a_mask_is_an_error_that_says_how_the_model_writes_it(model):
    with pytest.raises(InputError, match=r"no mask. Write \[MASK\] where"):
        fill(model, "대한민국의 수도는 서울이다.")


def test_a_sentence_that_is_too_long_is_refused(model):
    with pytest.raises(InputError, match="the model takes 32"):
        fill(model, "서울의 " * 40 + "[MASK]")


def test_a_model_without_the_head_is_refused(tmp_path):
    folder = export_classifier(tmp_path / "model")
    for load in (USE.load, find_use):
        with pytest.raises(
            UnfitModel, match=r"not a masked language model: its weights do not include cls\.predictions"
        ):
            load(str(folder))


def test_a_name_without_a_model_is_not_tried_with_every_use(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="neither a recipe") as caught:
        find_use(str(tmp_path / "nowhere"))
    assert not isinstance(caught.value, UnfitModel)


@pytest.mark.parametrize("name", ["no-such-model", "owner/no-such-model", "/nowhere/at/all", "a/b/c", "두 낱말"])
def test_a_name_that_is_nowhere_is_one_line_at_once(name, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="neither a recipe") as caught:
        locate(name, (), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_is_found_with_its_model_inside_or_refused(model, tmp_path):
    assert locate(str(model), (), tmp_path) == locate(str(model.parent), (), tmp_path) == str(model)
    with pytest.raises(InputError, match=r"no config\.json"):
        locate(str(tmp_path), (), tmp_path)


def test_the_command_prints_plain_lines_where_there_is_no_terminal(model):
    result = CliRunner().invoke(cli.app, ["fill", str(model), SENTENCE])
    assert result.output.splitlines()[1].split("\t")[2] == "서울"
    assert len(result.output.splitlines()) == 6
