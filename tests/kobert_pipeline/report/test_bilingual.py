"""Every text of the pages is there in both languages, with the same values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kobert_pipeline.report
from klue_eval.own.own_data import read_own
from klue_eval.own.own_task import OwnTaskConfig
from kobert_pipeline.ground.contents import score_details
from kobert_pipeline.ground.contents.pretrained_run import MeasuredOn
from kobert_pipeline.ground.contents.score_table import FROZEN, SETTINGS_TITLES
from kobert_pipeline.hub.korean_terms import TERMS
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.report.bilingual import KOREAN, attribute, joined, parts, recalled, say
from kobert_pipeline.report.corpus_section import REASONS
from kobert_pipeline.report.korean_sentences import SENTENCES
from kobert_pipeline.report.morpheme_colours import KINDS
from kobert_pipeline.report.picture import STAGES
from kobert_pipeline.uses import USES

FOLDER = Path(kobert_pipeline.report.__file__).parent
IN_TEMPLATES = re.compile(r"""(?:_|label)\("([^"]+)"|attribute\("[\w-]+", "([^"]+)"\)""")
NAMES = {"KLUE", "F1", "ECE", ""}
"""The same in both languages."""


def in_templates() -> Iterator[str]:
    for template in FOLDER.glob("*.jinja"):
        for plain, attributed in IN_TEMPLATES.findall(template.read_text(encoding="utf-8")):
            yield plain or attributed


def in_code() -> Iterator[str]:
    """The first arguments of `say` that are written out. Others are names that tables have."""
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                given = node.args[0] if node.args else None
                if isinstance(given, ast.Constant):
                    yield given.value


def in_tables() -> Iterator[str]:
    for objective in OBJECTIVES.values():
        yield objective.chance.name
        for figure in (*objective.figures, *(each for measure in objective.measures for each in measure.figures)):
            yield from (figure.title, figure.unit if figure.unit != "share" else "", figure.group)
    for use in USES.values():
        yield from (use.section, use.section_of_two, use.about_examples, *(example.genre for example in use.examples))
    for step, words in REASONS.values():
        yield from (step, words)
    for title, _, unit in STAGES.values():
        yield from (title, unit)
    yield from (words for _, words, _ in KINDS)
    yield from (*SETTINGS_TITLES, "Intervals", "Calibration", "Cost", "Mistyped texts")
    for name, value in vars(score_details).items():
        yield from value if name.endswith("_TITLES") else [value] if name.endswith(("_ARE", "_IS")) else []
    yield from (words.removeprefix(", ") for words in FROZEN.values())
    yield from (MeasuredOn(7, documents).template(use) for documents in (1, 2) for use in USES)


@pytest.mark.parametrize("texts", [in_templates, in_code, in_tables])
def test_every_text_of_a_page_has_its_korean(texts) -> None:
    said = set(texts())
    assert len(said) > 15
    assert sorted(text for text in said if text not in KOREAN and text not in NAMES and not re.fullmatch(r"[\W\d]*|\{\w+\} \(\{\w+\}\)|`.*`", text)) == []  # fmt: skip


def test_both_languages_name_the_same_values_and_no_text_is_translated_twice() -> None:
    values = re.compile(r"\{\w+\}|[A-Z]{5,}|`[^`]*`")
    assert [text for text, korean in KOREAN.items() if set(values.findall(text)) != set(values.findall(korean))] == []
    assert set(TERMS) & set(SENTENCES) == set()
    assert [text for text, korean in KOREAN.items() if not re.search("[가-힣]", korean)] == ["nats", "and"]


@pytest.mark.parametrize(
    ("file", "korean"),
    [
        ("text,label\n좋다,긍정\n나쁘다,부정\n" * 9, "레이블이 이름"),
        ("text,label\n하나,1\n둘,2\n" * 9, "레이블이 정수"),
        ("text,label\n하나,1\n둘,2.5\n셋,3\n" * 9, "2행의 2.5"),
        ("text,label,split\n하나,가,train\n둘,나,train\n셋,나,dev\n", "열 `split`"),
    ],
)  # fmt: skip
def test_what_the_data_of_an_own_task_says_has_its_korean(file: str, korean: str, tmp_path: Path) -> None:
    """The artifact holds it in English, with values in it."""
    header, *rows = file.splitlines()
    path = tmp_path / "my.csv"
    path.write_text(
        "\n".join([header, *(f"{number}{row}" for number, row in enumerate(rows) if row != header)]), encoding="utf-8"
    )
    found = read_own("my", OwnTaskConfig(file=str(path)))
    said = [recalled(found.why), recalled(found.division)]
    assert not any(re.search("[a-z]{3,} [a-z]{2,}", text.korean) for text in said)
    assert any(korean in text.korean for text in said)


def test_a_text_is_english_wherever_it_is_not_html() -> None:
    said = say("Input files: {count}", count=3)
    assert (str(said), said.korean) == ("Input files: 3", "입력 파일: 3개")
    assert said.__html__() == '<span class="en">Input files: 3</span><span class="ko" lang="ko">입력 파일: 3개</span>'
    assert say(said) is said
    assert str(joined([say("noun"), "small"])) == "noun, small"
    assert parts("my model, best checkpoint").korean == "my model, 최고 체크포인트"


def test_values_are_escaped_in_text_and_attribute_and_marks_are_set() -> None:
    hostile = '<img src=x onerror="alert(1)">'
    text = say("{documents} of `{place}`", documents="**1**", place=hostile).__html__()
    assert text == "<b>1</b> of <code>&lt;img src=x onerror=&#34;alert(1)&#34;&gt;</code>"
    assert attribute("title", hostile).count("<") == 0
    assert attribute("title", hostile).count('"') == 4
