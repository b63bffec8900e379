"""A second use, listed only here, goes through card, load-back, page, comparison and playground: none of them knows it by name.

It continues a text, with a causal model of one layer; its objective has other figures, and its headline is a share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from finished_run import PIECES, export_model, finish, publish
from huggingface_hub import ModelCard
from page_checks import elements, in_english

from kobert_pipeline import uses
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.hub import build as hub_stage
from kobert_pipeline.report.compare import write_comparison
from kobert_pipeline.report.page import public_page
from kobert_pipeline.report.playground import answers
from kobert_pipeline.uses.results import lines
from kobert_pipeline.uses.use import Answer, Columns, Command, Example, Result, Use, Words, loading_code

CHECK = """
def problem(name, revision, tokenizer, model, trust):
    batch = tokenizer("대한민국의", return_tensors="pt")
    ids = model.generate(**batch, max_new_tokens=2, do_sample=False)
    return None if ids.shape[-1] > batch["input_ids"].shape[-1] else ("nothing was generated", {})
"""
FIGURES = [
    {"name": "next", "title": "Next token predicted right", "unit": "share", "chance": 0.25, "better": 1, "group": ""},
    {"name": "loss", "title": "Next token loss", "unit": "nats", "chance": None, "better": -1, "group": ""},
    {"name": "loss_news", "title": "news", "unit": "nats", "chance": None, "better": -1, "group": "source"},
]
SUMMARY = {
    "objective": "next_token", "architecture": "gpt2", "use": "continue_text", "headline": "next",
    "chance": {"value": 0.25, "name": "always guessing the most frequent token"}, "figures": FIGURES, "measures": {},
    "validation": [{"step": 0, "tokens": 0, "next": 0.01, "loss": 9.5}, {"step": 9, "tokens": 90, "next": 0.5, "loss": 4.25, "loss_news": 4.5}],
}  # fmt: skip
LEFT_OVER = ("mlm", "[MASK]", "MaskedLM", "fill-mask", "Masked")
"""Words of the first use."""


def continue_texts(tokenizer: Any, network: Any, texts: Sequence[str]) -> list[Result]:
    return [Result(text, [[Answer(f"{text} 서울이다.")]]) for text in texts]


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Use:
    check = tmp_path / "check_continue_text.py"
    check.write_text(CHECK, encoding="utf-8")
    made = Use(
        name="continue_text",
        title="Continue a text",
        kind="causal language model",
        auto_class="AutoModelForCausalLM",
        pipeline_tag="text-generation",
        command=Command("continue", "Continue texts.", "Beginnings of texts."),
        columns=Columns("text", "continuation", "score"),
        try_it=continue_texts,
        prompt=lambda tokenizer, example: example.before,
        asks_for=lambda tokenizer: "The beginning of a text",
        examples=(Example("encyclopedia", "대한민국의 수도는"),),
        section="How the model continues a text",
        section_of_two="How both models continue a text",
        about_examples="The beginnings were written for this page.",
        intended=Words("For continuing Korean text.", "한국어 텍스트를 이어 쓰는 데 씁니다."),
        card_snippet=lambda repo, trust, auto_class: loading_code(auto_class, repo, trust) + "\n\nmodel.generate",
        check_back=check,
    )
    others = {name: use for name, use in uses.USES.items() if use.auto_class != made.auto_class}
    monkeypatch.setattr(uses, "USES", MappingProxyType(others | {made.name: made}))
    return made


@pytest.fixture
def folders(tmp_path: Path, use: Use) -> dict[str, Path]:
    """The small run, up to the scores, whose model and figures are of the second use."""
    from transformers import GPT2Config, GPT2LMHeadModel

    model = export_model(tmp_path / "model")
    config = GPT2Config(vocab_size=len(PIECES), n_layer=1, n_embd=8, n_head=1, n_positions=32, bos_token_id=2, eos_token_id=3, pad_token_id=0)  # fmt: skip
    (model / "config.json").unlink()
    GPT2LMHeadModel(config).save_pretrained(model)
    tokenizer = read_json(model / "tokenizer_config.json")
    write_json(model / "tokenizer_config.json", tokenizer | {"model_input_names": ["input_ids", "attention_mask"]})
    made = finish(tmp_path / "run", model)
    manifest = made["pretrain"] / "manifest.json"
    content = read_json(manifest)
    config = content["config"] | {"objective": {"name": "next_token"}}
    write_json(manifest, content | {"config": config, "summary": content["summary"] | SUMMARY})
    return made


def test_the_card_follows_the_use_and_the_figures(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_stage, "check_folder", lambda folder, use, **_: None)
    card = (publish(tmp_path / "run", folders) / "README.md").read_text(encoding="utf-8")
    assert ModelCard(card).data.pipeline_tag == "text-generation"
    for text in (
        "AutoModelForCausalLM.from_pretrained(name)\n\nmodel.generate\n",
        "- For continuing Korean text.",
        "- 한국어 텍스트를 이어 쓰는 데 씁니다.",
        "Next token predicted right on validation text: before the first step **1.0 %**, after the last step **50.0 %**.",
        "Chance level: 25.0 % (always guessing the most frequent token).",
    ):
        assert text in card, text
    assert [word for word in LEFT_OVER if word in card] == []
    assert "trial of the pipeline" not in card


@pytest.mark.system
def test_the_folder_is_loaded_back_by_the_check_of_its_use(folders: dict[str, Path], tmp_path: Path, use: Use) -> None:
    publish(tmp_path / "run", folders)
    use.check_back.write_text(CHECK.replace("None", '("it repeats {what}", {"what": "itself"})'), encoding="utf-8")
    with pytest.raises(KobertError, match="cannot use this folder: it repeats itself"):
        publish(tmp_path / "again", folders)


def test_pages_follow_the_use_and_the_figures(folders: dict[str, Path], tmp_path: Path) -> None:
    page = in_english(public_page("second", folders))
    assert elements(page)
    for text in (
        "<figcaption>Next token predicted right</figcaption>",
        "<figcaption>Next token loss, nats</figcaption>",
        "always guessing the most frequent token",
        "better than chance: 25.0 % above always guessing the most frequent token.",
        "<h3>Next token loss, by source</h3>",
        "4.500 nats",
        "<h3>How the model continues a text</h3>",
        "대한민국의 수도는 서울이다.",
    ):
        assert text in page, text
    shown = page[page.index("<main>") : page.index("</main>")]
    assert [word for word in LEFT_OVER if word in shown] == []
    other = finish(tmp_path / "other", folders["pretrain"] / "model")
    write_comparison(tmp_path / "both.html", ("second", "first"), (folders, other))
    both = in_english((tmp_path / "both.html").read_text(encoding="utf-8"))
    assert elements(both)
    assert "<figcaption>Next token loss, nats</figcaption>" in both
    assert "<figcaption>Masked language model loss, nats</figcaption>" in both


def test_a_model_that_ends_no_better_than_chance_is_a_trial(folders: dict[str, Path]) -> None:
    path = folders["pretrain"] / "manifest.json"
    content = read_json(path)
    content["summary"]["validation"][-1]["next"] = 0.25
    write_json(path, content)
    assert "not better than chance (always guessing the most frequent token, 25.0 %)" in public_page("second", folders)


def test_its_model_is_found_and_its_results_are_printed_and_played_with(folders: dict[str, Path], use: Use) -> None:
    found, tokenizer, network = uses.find_use(str(folders["pretrain"] / "model"))
    assert found == use
    assert answers(use, tokenizer, network, "대한민국의") == ([["1", "대한민국의 서울이다.", ""]], "")
    assert lines(use.try_it(tokenizer, network, ["수도는"])[0]) == ["수도는", "1\t\t수도는 서울이다."]
    assert dataclasses.replace(use, kind="x") != use
