"""`kobert chat` and the sheet that people rate."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from decoders import export_decoder
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.uses.chat import Partner, dialogue_text
from kobert_pipeline.uses.generate import USE
from kobert_pipeline.uses.ssa import OPENINGS, ssa


@pytest.fixture(scope="module")
def folder(tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_decoder(tmp_path_factory.mktemp("chat") / "model", tiny_bytes.tokenizer, positions=128)


def partner(folder: Path, **options: Any) -> Partner:
    return Partner(*USE.load(str(folder)), **{"candidates": 4, "max_tokens": 8} | options)


def test_the_last_turn_is_a_s_and_the_reply_is_b_s() -> None:
    assert dialogue_text(["안녕"]) == "A: 안녕\nB:"
    assert dialogue_text(["안녕", "응 안녕", "뭐\n해?"]) == "A: 안녕\nB: 응 안녕\nA: 뭐 해?\nB:"
    assert dialogue_text(["응 안녕", "뭐 해?"]) == "B: 응 안녕\nA: 뭐 해?\nB:"


def test_of_the_drawn_replies_the_likeliest_is_said(folder: Path) -> None:
    """Reference: all candidates of the same seed, scored one by one by transformers' own loss."""
    one = partner(folder, candidates=6)
    prompt = one.tokenizer(dialogue_text(["안녕하세요"]), return_tensors="pt")["input_ids"]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(5)
        drawn = one.network.generate(
            input_ids=prompt, attention_mask=torch.ones_like(prompt), do_sample=True, temperature=0.88, top_k=0,
            num_return_sequences=6, max_new_tokens=8,
        )  # fmt: skip
        losses = {}
        for row in drawn.tolist():
            ids = row[: row.index(3) + 1] if 3 in row else row
            text = one.tokenizer.decode(ids[prompt.shape[1] :], skip_special_tokens=True).strip()
            labels = torch.tensor([[-100] * prompt.shape[1] + ids[prompt.shape[1] :]])
            losses[text] = float(one.network(input_ids=torch.tensor([ids]), labels=labels).loss)
    assert not any("\n" in text for text in losses), "another seed is needed"
    assert one.reply(["안녕하세요"], 5) == min(losses, key=losses.__getitem__)


def test_as_many_turns_are_read_as_fit_and_one_that_does_not_fit_is_an_error(folder: Path) -> None:
    greedy = partner(folder, temperature=0.0, turns=3)
    said = ["가나다라마바사", "네", "안녕", "그래요", "좋아요"]
    assert greedy.reply(said, 0) == greedy.reply(said[-3:], 0)
    long = ["아주 긴 이야기입니다 " * 10, "네", "좋아요"]
    assert greedy.reply(long, 0) == greedy.reply(long[-2:], 0)
    with pytest.raises(InputError, match="too long; the model takes 120 tokens before a reply"):
        greedy.reply(["아주 긴 이야기입니다 " * 40], 0)


def test_the_command_answers_line_by_line_until_an_empty_one(folder: Path) -> None:
    arguments = ["chat", str(folder), "--candidates", "2", "--max-tokens", "6", "--seed", "1"]
    shown = CliRunner().invoke(cli.app, arguments, input="안녕하세요\n뭐 해요?\n\n이것은 읽지 않는다\n")
    assert shown.exit_code == 0, shown.output
    one = partner(folder, candidates=2, max_tokens=6)
    first = one.reply(["안녕하세요"], 1)
    assert shown.stdout == f"{first}\n{one.reply(['안녕하세요', first, '뭐 해요?'], 3)}\n"


# --- the sheet -------------------------------------------------------------------------------------------------------


def test_the_sheet_holds_a_reply_to_every_opening_and_asks_two_questions(folder: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    (tmp_path / "contexts.txt").write_text("안녕?\n응 안녕.\n\n밥 먹었어?\n", encoding="utf-8")
    arguments = ["chat", str(folder), "--candidates", "1", "--max-tokens", "4", "--sheet", str(sheet)]
    shown = CliRunner().invoke(cli.app, [*arguments, "--contexts", str(tmp_path / "contexts.txt")])
    assert shown.exit_code == 0, shown.output
    rows = list(csv.DictReader(sheet.read_text(encoding="utf-8-sig").splitlines(keepends=True)))
    assert [row["context"] for row in rows] == ["안녕?\n응 안녕.", "밥 먹었어?"]
    assert rows[1]["reply"] == partner(folder, candidates=1, max_tokens=4).reply(["밥 먹었어?"], 2)
    assert {(row["sensible"], row["specific"]) for row in rows} == {("", "")}
    with pytest.raises(InputError, match="row 2: sensible is ''; write 1 or 0 in every row"):
        ssa([sheet])
    assert len(set(OPENINGS)) == 20


def made_up(path: Path, answers: str) -> Path:
    """A sheet that no person filled in: `10` is sensible and not specific."""
    rows = [
        [number, "이 표는 시험용으로 지어낸 것입니다", f"대답 {number}", *pair]
        for number, pair in enumerate(answers.split(), start=1)
    ]
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([["number", "context", "reply", "sensible", "specific"], *rows])
    return path


def test_ssa_is_the_mean_of_both_shares_and_what_makes_no_sense_is_not_specific(tmp_path: Path) -> None:
    found = ssa([made_up(tmp_path / "made_up.csv", "11 11 10 01 00 10 11 10 00 10")])
    assert (found.sensible.value, found.specific.value) == (0.7, 0.3)
    assert found.average.value == pytest.approx(0.5)
    assert (found.corrected, found.replies, found.raters) == (1, 10, 1)


def test_the_interval_of_a_share_is_about_that_of_the_binomial_and_shrinks_with_more_replies(tmp_path: Path) -> None:
    """40 % of 50: a deviation of sqrt(.4 * .6 / 50) = 6.93 points, times 1.96."""
    small = ssa([made_up(tmp_path / "small.csv", " ".join(["11"] * 20 + ["00"] * 30))]).sensible
    large = ssa([made_up(tmp_path / "large.csv", " ".join(["11"] * 160 + ["00"] * 240))]).sensible
    assert (small.low, small.high) == (pytest.approx(0.4 - 0.136, abs=0.025), pytest.approx(0.4 + 0.136, abs=0.025))
    assert large.high - large.low == pytest.approx((small.high - small.low) / 8**0.5, rel=0.15)
    sure = ssa([made_up(tmp_path / "sure.csv", "11 11 11")]).average
    assert (sure.low, sure.value, sure.high) == (1, 1, 1)


def test_most_raters_decide_and_their_agreement_is_said(tmp_path: Path) -> None:
    sheets = [
        made_up(tmp_path / f"{rater}.csv", answers)
        for rater, answers in enumerate(("11 10 00", "11 00 00", "10 11 00"))
    ]
    found = ssa(sheets)
    assert (found.sensible.value, found.specific.value) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert (found.raters, found.agreement) == (3, pytest.approx(1 / 3))
    shown = CliRunner().invoke(cli.app, ["ssa", *map(str, sheets)])
    assert "sensible  66.7% (" in shown.stdout
    assert "3 replies, 3 raters" in shown.stdout


def test_answers_may_be_words_and_a_changed_line_break_is_the_same_context(tmp_path: Path) -> None:
    one, other = made_up(tmp_path / "one.csv", "11 00"), made_up(tmp_path / "other.csv", "11 00")
    text = one.read_text(encoding="utf-8-sig").replace(",1,1", ",예,O").replace(",0,0", ",아니요,no")
    one.write_text(text.replace("시험용으로 지어낸", "시험용으로  지어낸"), encoding="utf-8")
    assert ssa([one, other]).agreement == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("대답 2", "다른 대답"), "rates other replies than"),
        (("specific", "구체"), "no column specific"),
        (("2,0,0", "2,0,글쎄"), "row 3: specific is '글쎄'; write 1 or 0"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_one_clear_error(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    good, bad = made_up(tmp_path / "good.csv", "11 00"), made_up(tmp_path / "bad.csv", "11 00")
    bad.write_text(bad.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        ssa([good, bad])
