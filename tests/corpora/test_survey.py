"""`kobert init --data`: what a folder holds becomes the settings of a recipe that runs."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from corpora.inputs import input_files
from corpora.survey import survey, vocabulary
from kobert_pipeline import cli
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run

PARAGRAPH = (
    "피고는 원고에게 위 돈을 지급할 의무가 있다. 원고의 청구는 이유 있으므로 받아들이기로 하여 주문과 같이 판결한다."
)
ROWS = [{"번호": f"r{number}", "제목": "짧은 제목", "본문": f"{number}번 글이다. {PARAGRAPH}", "분류": "민사"} for number in range(5)]  # fmt: skip


def judgments(folder: Path) -> None:
    for number in range(6):
        text = "\n\n".join(f"{number}의 {part}. {PARAGRAPH}" for part in range(4))
        (folder / f"판결 {number}.txt").write_bytes(text.encode("cp949"))


def one_book(folder: Path) -> None:
    (folder / "책.txt").write_text("\n\n".join(PARAGRAPH for _ in range(30)), encoding="utf-8")


def reviews(folder: Path) -> None:
    (folder / "후기.txt").write_text("\n".join(f"{number}번 배송이 빨라요" for number in range(300)), encoding="utf-16")


def table(folder: Path) -> None:
    with (folder / "글.csv").open("w", encoding="cp949", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)


def lines(folder: Path) -> None:
    (folder / "a.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS), encoding="utf-8")


def columns(folder: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "a.parquet")


def archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "모음.zip", "w") as packed:
        packed.writestr("가.txt", PARAGRAPH)
        packed.writestr("나.txt", PARAGRAPH)


FIELDS = {"text_field": "본문", "title_field": "제목", "id_field": "번호"}


@pytest.mark.parametrize(
    ("make", "settings", "encodings", "documents"),
    [
        (judgments, {"documents": "file"}, {"cp949": 6}, [1] * 6),
        (one_book, {"documents": "blank_line"}, {"utf-8": 1}, [30]),
        (reviews, {"documents": "line", "continuity": False}, {"utf-16-le": 1}, [300]),
        (table, FIELDS, {"cp949": 1}, [5]),
        (lines, FIELDS, {"utf-8": 1}, [5]),
        (columns, FIELDS, {}, [5]),
        (archive, {}, {"utf-8": 2}, [2]),
    ],
    ids=["judgments", "book", "reviews", "csv", "jsonl", "parquet", "zip"],
)
def test_a_folder_of_one_kind_gives_its_settings(
    make: Callable[[Path], None], settings: dict[str, Any], encodings: dict[str, int], documents: list[int], tmp_path: Path
) -> None:  # fmt: skip
    make(tmp_path)
    (kind,) = survey(str(tmp_path)).kinds
    assert (kind.settings, dict(kind.encodings), kind.documents) == (settings, encodings, documents)
    assert kind.characters == sum(kind.lengths)


def written(folder: Path, base: str = "quickstart") -> tuple[Recipe, str, str]:
    """The recipe that `kobert init --data` writes for a folder, its text, and what the command says."""
    file = folder.parent / "my.yaml"
    result = CliRunner().invoke(cli.app, ["init", str(file), "--data", str(folder), "--from", base])
    assert result.exit_code == 0, (result.output, result.exception)
    return load_recipe(str(file)), file.read_text(encoding="utf-8"), result.output


def test_a_mixed_folder_becomes_a_source_for_each_kind_and_counts_what_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "자료 [1]"
    folder.mkdir()
    for make in (judgments, table, lines, archive):
        make(folder)
    for number in range(3):
        (folder / f"{number}.xyz").write_bytes(b"?")
    recipe, text, said = written(folder)
    sources = {Path(source.path).suffix: source for source in recipe.corpora.sources}
    assert list(sources) == [".csv", ".jsonl", ".txt", ".zip"]
    assert sources[".txt"].documents == "file"
    assert sources[".csv"].text_fields == sources[".jsonl"].text_fields == ("본문",)
    assert len(input_files(recipe.corpora)) == 9
    assert "# 6 files .txt (text), 2." in text
    assert "cp949 6; documents per file: 1" in text
    assert ".xyz 3 not read" in text
    assert ".xyz 3 not read" in said


def test_json_whose_shape_is_not_known_keeps_its_message_in_the_recipe(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.json").write_text('{"data": [{"paragraph": "글"}]}', encoding="utf-8")
    recipe, text, _ = written(folder)
    assert recipe.corpora.sources[0].path == str(folder)
    assert "# could not be looked into: " in text
    assert "ai_hub" in text


def test_records_that_cannot_be_read_are_counted_on_the_screen_and_in_the_recipe(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    lines(folder)
    with (folder / "a.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('\n{"본문": 깨진 줄}\n[]\n')
    (folder / "b.parquet").write_bytes(b"not parquet")
    _, text, said = written(folder)
    lost = f"unreadable_line 1, not_an_object 1; the first is {folder / 'a.jsonl'}:6"
    for shown in (text, said):
        assert lost in shown
        assert "not a readable Parquet file" in shown


def test_the_proposed_recipe_runs_up_to_its_vocabulary(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    fixture = (Path(__file__).parents[1] / "fixtures" / "documents.txt").read_text(encoding="utf-8")
    for number, document in enumerate(fixture.strip().split("\n\n")):
        (folder / f"{number}.txt").write_bytes(document.encode("cp949", "replace"))
    recipe, _, _ = written(folder, "modernbert-mini")
    run(recipe, tmp_path / "artifacts", until="tokenizer")


@pytest.mark.parametrize("place", ["missing", "empty", "s3://bucket/texts", "hub:owner/name"])
def test_a_place_without_files_to_look_at_is_one_line_and_writes_nothing(place: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    where = place if ":" in place else str(tmp_path / place)
    result = CliRunner().invoke(cli.app, ["init", str(tmp_path / "my.yaml"), "--data", where])
    assert isinstance(result.exception, InputError)
    assert len(str(result.exception).splitlines()) == 1
    assert "source" not in str(result.exception), "there is no recipe yet"
    assert not (tmp_path / "my.yaml").exists()


def test_a_longer_text_is_given_a_larger_vocabulary() -> None:
    sizes = [vocabulary(10**power)["vocab_size"] for power in range(3, 11)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 32_000
