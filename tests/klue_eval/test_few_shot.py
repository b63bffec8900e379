"""Scores by the likelihood of label words: what lm-evaluation-harness computes, and how we read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from decoders import export_decoder
from typer.testing import CliRunner

from klue_eval.data import SAMPLE, read_split
from klue_eval.few_shot import harness
from klue_eval.few_shot.harness import Chosen, TooLong
from klue_eval.few_shot.likelihoods import few_shot_table, score, score_by_likelihood
from klue_eval.few_shot.prompt_rows import PROMPTED
from kobert_pipeline import cli
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.uses.generate import USE

pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed: pip install 'kobert-pipeline[lm-eval]'")

POSITIONS = 300


@pytest.fixture(scope="module")
def folder(tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_decoder(tmp_path_factory.mktemp("shots") / "model", tiny_bytes.tokenizer, positions=POSITIONS)


@pytest.fixture(scope="module")
def chosen(folder: Path) -> dict[tuple[str, int], list[Chosen]]:
    """(task, examples) -> what the harness found."""
    tokenizer, network = USE.load(str(folder))
    model = harness.language_model(network, tokenizer, POSITIONS, 4)
    cases = [(task, 0) for task in PROMPTED] + [("ynat", 2)]
    return {case: harness.choose(model, *case, data=SAMPLE, limit=3, seed=0) for case in cases}


def test_likelihoods_are_those_of_plain_transformers(folder: Path, chosen: dict[tuple[str, int], list[Chosen]]) -> None:
    """One text at a time, without padding, from [CLS] on."""
    tokenizer, network = USE.load(str(folder))
    for found in chosen.values():
        for row in found:
            assert len(row.prompts) == len(row.likelihoods)
            for (before, word), likelihood in zip(row.prompts, row.likelihoods, strict=True):
                ids, first = tokenizer(before + word)["input_ids"], len(tokenizer(before)["input_ids"])
                assert ids[0] == tokenizer.cls_token_id
                assert ids[:first] == tokenizer(before)["input_ids"], "the word begins a token"
                with torch.no_grad():
                    logits = network(input_ids=torch.tensor([ids])).logits[0].log_softmax(dim=-1)
                expected = logits[first - 1 : -1].gather(1, torch.tensor(ids[first:])[:, None]).sum()
                assert likelihood == pytest.approx(float(expected), abs=1e-3)


def test_a_prompt_shows_the_row_and_as_many_solved_rows_of_training_as_asked(
    chosen: dict[tuple[str, int], list[Chosen]],
) -> None:
    rows = {row["guid"]: row for row in read_split("ynat", SAMPLE, "dev").rows}
    solved = [f"제목: {row['title']}\n분야: {row['label']}" for row in read_split("ynat", SAMPLE, "train").rows]
    for shots in (0, 2):
        for one in chosen["ynat", shots]:
            *examples, asked = one.prompts[0][0].split("\n\n")
            assert asked == f"제목: {rows[one.guid]['title']}\n분야:"
            assert len(set(examples)) == shots
            assert set(examples) <= set(solved)
            assert one.prompts[one.right][1] == f" {rows[one.guid]['label']}"


@pytest.mark.parametrize("task", list(PROMPTED))
def test_words_stand_for_labels_in_the_order_of_the_task_file(task: str) -> None:
    content = (Path(harness.__file__).parent / f"klue_{task}.yaml").read_text(encoding="utf-8")
    words = yaml.safe_load(content.replace("!function ", ""))["doc_to_choice"]
    assert len(words) == len(PROMPTED[task].meanings)
    expected = {"ynat": list(PROMPTED["ynat"].meanings), "nli": ["맞음", "틀림", "모름"], "sts": ["같음", "다름"]}
    assert words == expected[task]


def test_the_score_is_the_task_s_own_metric_of_the_likeliest_words() -> None:
    """Of five headlines two are right, by hand; always answering one word has its own score."""
    rows = read_split("ynat", SAMPLE, "dev").rows
    picked = [next(row for row in rows if row["label"] == label) for label in ("정치", "경제")]
    words = [PROMPTED["ynat"].choice(row) for row in picked]
    right = [
        Chosen(row["guid"], (), tuple(float(at == word) for at in range(7)), word)
        for row, word in zip(picked, words, strict=True)
    ]
    wrong = [right[0], right[1]._replace(likelihoods=right[0].likelihoods)]
    found = score("ynat", 4, [right, wrong], SAMPLE)
    assert found.scores == (100.0, pytest.approx(100 / 3, abs=0.01)), "F1 of 2/3 and 0"
    assert (found.rows, found.shots, found.metric) == (2, 4, "macro_f1")
    assert "66.7 ± 47.1" in few_shot_table([found])
    assert "| 4 examples |" in few_shot_table([found])


def test_a_prompt_that_does_not_fit_is_left_out_with_one_line_and_is_an_error_if_none_fits(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = score_by_likelihood(str(folder), ["ynat"], [0, 16], data=SAMPLE, rows=2)
    assert [one.shots for one in found] == [0]
    assert "ynat with 16 examples is left out: a prompt has" in caplog.text
    assert f"the model takes {POSITIONS}" in caplog.text
    with pytest.raises(InputError, match=r"no prompt fits\. Ask for fewer examples with --shots") as caught:
        score_by_likelihood(str(folder), ["ynat"], [16], data=SAMPLE, rows=2)
    assert not isinstance(caught.value, TooLong)


def test_the_command_prints_a_table_and_writes_it(folder: Path, tmp_path: Path) -> None:
    arguments = [
        "eval",
        str(folder),
        "--shots",
        "0,1",
        "--tasks",
        "ynat",
        "--rows",
        "3",
        "--data",
        SAMPLE,
        "--out",
        str(tmp_path / "out"),
    ]
    shown = CliRunner().invoke(cli.app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "| YNAT macro F1 | 3 |" in shown.stdout
    written = json.loads((tmp_path / "out" / "few_shot.json").read_text(encoding="utf-8"))
    assert [one["shots"] for one in written] == [0, 1]
    assert (tmp_path / "out" / "few_shot.md").read_text(encoding="utf-8").strip() in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shots", "0;4"], "give numbers of examples with commas between them"),
        (["--shots", "-1"], "give numbers of examples with commas between them"),
        (["--rows", "5"], "--rows belongs to --shots"),
        (["--shots", "0", "--train-rows", "5"], "--train-rows does not go with it"),
        (["--shots", "0", "--tasks", "mrc", "--data", SAMPLE], "task mrc: no prompt for it"),
        (["--shots", "900", "--tasks", "ynat", "--data", SAMPLE], "900 examples, but"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_error(folder: Path, arguments: list[str], message: str) -> None:
    caught = CliRunner().invoke(cli.app, ["eval", str(folder), *arguments]).exception
    assert isinstance(caught, KobertError)
    assert message in str(caught)
    assert "\n" not in str(caught)
