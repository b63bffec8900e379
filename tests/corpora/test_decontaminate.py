"""Sentences of evaluation data are dropped from the training text, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from corpora.build import build
from corpora.config import CorporaConfig, SourceConfig
from corpora.phases.decontamination import evaluation_files, evaluation_ngrams, overlap
from corpora.shingles import letters
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.ground.parallel import ExecutionConfig
from kobert_pipeline.handover import Context, build_corpora, corpora_inputs
from kobert_pipeline.recipe import load_recipe

TITLE = "지역 도서관 열 곳이 주말 밤에도 문을 연다고 밝혔다"
PREMISE = "강 건너 시장은 새벽 다섯 시부터 사람들로 붐볐다."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "klue"
    (folder / "ynat").mkdir(parents=True)
    rows = [{"guid": "1", "title": TITLE}, {"guid": "2", "title": "짧은 제목"}]
    (folder / "ynat" / "ynat_dev.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    (folder / "ynat" / "ynat_train.json").write_text(
        json.dumps([{"title": "훈련용 문장은 말뭉치에 남아 있어도 된다"}]), encoding="utf-8"
    )
    (folder / "nli-test.tsv").write_text(f"premise\tlabel\n{PREMISE}\tneutral\n", encoding="utf-8")
    (folder / "ner_dev.tsv").write_text(
        "## n-1\t<한강:LC> 옆 <둘리네 분식:OG>에서 떡볶이를 먹었다\n한\tB-LC\n", encoding="utf-8"
    )
    return folder


def test_dev_and_test_files_are_found_and_train_files_are_not(data: Path) -> None:
    assert [file.name for file in evaluation_files(data)] == ["ner_dev.tsv", "nli-test.tsv", "ynat_dev.json"]
    (data / "wos_labelled_partial.json").write_text("[]", encoding="utf-8")
    assert "wos_labelled_partial.json" in [file.name for file in evaluation_files(data)]
    assert evaluation_files(data / "ynat" / "ynat_train.json") == [data / "ynat" / "ynat_train.json"]


def test_a_folder_without_evaluation_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no dev or test file"):
        evaluation_files(tmp_path)
    with pytest.raises(InputError, match="no dev or test file"):
        evaluation_files(tmp_path / "없다.json")


def test_broken_evaluation_data_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "x_dev.json").write_text("[{", encoding="utf-8")
    with pytest.raises(InputError, match=r"x_dev\.json: evaluation data that cannot be read"):
        evaluation_ngrams([tmp_path / "x_dev.json"])


@pytest.mark.parametrize(
    ("sentence", "share"),
    [
        (TITLE, 1.0),
        ("지역도서관 열곳이, 주말 밤에도 문을 연다고 밝혔다!", 1.0),
        ("한강 옆 둘리네 분식에서 떡볶이를 먹었다", 1.0),
        ("지역 도서관 열 곳이 이번 달에 새 책을 들였다", 0.0),
        ("훈련용 문장은 말뭉치에 남아 있어도 된다", 0.0),
        ("짧은 제목", 0.0),
        ("", 0.0),
    ],
)
def test_overlap_is_the_share_of_syllable_sequences_seen(data: Path, sentence: str, share: float) -> None:
    ngrams = evaluation_ngrams(evaluation_files(data))
    assert overlap(letters(["앞 문장은 아무 상관이 없는 다른 이야기이다", sentence]), ngrams).tolist() == [0.0, share]


def test_a_long_sentence_around_a_quotation_overlaps_in_part(data: Path) -> None:
    ngrams = evaluation_ngrams(evaluation_files(data))
    around = f"{PREMISE} 그 뒤로 스무 해가 지나는 동안 다리가 놓이고 가게가 하나둘 떠나 지금은 빈 좌판만 남았다"
    assert 0 < overlap(letters([around]), ngrams)[0] < 0.5


def test_without_evaluation_data_nothing_overlaps() -> None:
    assert overlap(letters([TITLE]), np.zeros(0, np.uint64)).tolist() == [0.0]
    assert overlap([], evaluation_ngrams([])).tolist() == []


def test_the_stage_drops_such_sentences_and_counts_them(data: Path, tmp_path: Path) -> None:
    (tmp_path / "글.txt").write_text(
        f"앞 문장은 다른 이야기를 한다. {PREMISE} 뒤 문장도 남는다.\n\n{TITLE}", encoding="utf-8"
    )
    config = CorporaConfig(
        sources=(SourceConfig(name="글", path=str(tmp_path / "글.txt")),), filters={"min_characters": 5}
    )  # type: ignore[arg-type]
    with Workspace(tmp_path / "artifacts", Identity("corpora", 1, {}, {}, 0, {})) as out:
        summary = build(config, out, execution=ExecutionConfig(workers=1), evaluation=evaluation_files(data))
        out.finish(summary, {})
    source = summary["sources"]["글"]
    assert source["dropped_sentences"] == {"contaminated": 2}
    assert (source["counts"]["kept"], source["counts"]["no_sentence"], source["counts"]["sentences"]) == (1, 1, 2)
    assert summary["decontamination"]["files"] == ["ner_dev.tsv", "nli-test.tsv", "ynat_dev.json"]


LEARNED = "훈련에 쓰는 행이니 말뭉치에 그대로 남아 있어도 괜찮은 문장이다"
TAGGED = "청계천 광장에서 열린 봄맞이 시장에 이웃 마을 사람들도 함께 모였다"


@pytest.fixture
def own_tasks(tmp_path: Path) -> str:
    """A table that is divided by its column, and a CoNLL file next to its training rows."""
    rows = [f"{TITLE},좋음,dev", f"{LEARNED},좋음,train", "다른 행이다,나쁨,train", "또 다른 행이다,나쁨,dev"]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label,split", *rows]), encoding="utf-8")
    (tmp_path / "tags").mkdir()
    for split, text in (("train", "서울 역에서"), ("dev", TAGGED)):
        tokens = [f"{token} {'B-LC' if place == 0 else 'O'}" for place, token in enumerate(text.split())]
        (tmp_path / "tags" / f"{split}.conll").write_text("\n".join(tokens) + "\n\n", encoding="utf-8")
    return json.dumps({"mine": {"file": str(tmp_path / "mine.csv")}, "tags": {"file": str(tmp_path / "tags")}})


def test_the_scored_rows_of_own_tasks_are_dropped_from_the_corpus(own_tasks: str, tmp_path: Path) -> None:
    source = tmp_path / "글.txt"
    source.write_text(f"앞 문장은 다른 이야기를 한다. {TITLE}. {LEARNED}. {TAGGED}.", encoding="utf-8")
    sources = json.dumps([{"name": "글", "path": str(source), "format": "text"}])
    fast = ("corpora.splitter=fast", "execution.workers=1")
    settings = (
        *fast,
        f"corpora.sources={sources}",
        "corpora.filters={min_characters: 5}",
        f"klue_eval.own_tasks={own_tasks}",
    )
    recipe = load_recipe("quickstart", settings)
    with Workspace(tmp_path / "artifacts", Identity("corpora", 1, {}, {}, 0, {})) as out:
        summary = build_corpora(Context(recipe, {}, {}, tmp_path, out))
        out.finish(summary, {})
    assert summary["sources"]["글"]["dropped_sentences"] == {"contaminated": 2}
    assert summary["decontamination"]["own_texts"] == 3
    assert not any("mine" in name for name in summary["decontamination"]["files"]), "a card names no own task"


def test_own_tasks_decide_the_corpus_only_where_there_are_some(own_tasks: str, tmp_path: Path) -> None:
    hashes = FileHashes(tmp_path)
    plain, own, without = (
        corpora_inputs(load_recipe("quickstart", settings), hashes)
        for settings in (
            (),
            (f"klue_eval.own_tasks={own_tasks}",),
            (f"klue_eval.own_tasks={own_tasks}", "corpora.decontaminate.against=null"),
        )
    )
    assert own.keys() - plain.keys() == {"decontaminate own tasks"}
    assert plain.items() <= own.items()
    assert "decontaminate own tasks" not in without
