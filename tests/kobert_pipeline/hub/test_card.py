"""The cards. `small_run/` holds hand-written manifests in which every number is its own.

The golden cards are written again by `KOBERT_UPDATE_GOLDEN=1 pytest tests/kobert_pipeline/hub`.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard, parse_eval_result_entries

from kobert_pipeline.ground.artifacts import Manifest, read_manifest
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.cost import Cost
from kobert_pipeline.hub.card import (
    TESTED,
    dataset_card,
    hub_datasets,
    model_card,
    tokenizer_card,
)
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.hub_scores import METRIC_TYPES, TASK_TYPES, dev_scores, eval_results_file, model_index
from kobert_pipeline.hub.publishable import STAGES

SMALL_RUN = Path(__file__).parent / "small_run"
HERE = Path(__file__).parent
CONFIG = HubConfig(license="CC-BY-SA-4.0", title="Small Korean model", tags=("wiki",))


@pytest.fixture
def manifests() -> dict[str, Manifest]:
    return {stage: read_manifest(SMALL_RUN / stage) for stage in STAGES}


def with_summary(manifest: Manifest, **changes: Any) -> Manifest:
    return dataclasses.replace(manifest, summary=manifest.summary | changes)


def cards(manifests: dict[str, Manifest]) -> dict[str, str]:
    """What each golden file holds."""
    artifacts = ArtifactSet.of(manifests)
    return {
        "card": model_card(CONFIG, "small", artifacts),
        "pushed_card": model_card(
            CONFIG, "small", artifacts, repo="me/small", cost=Cost(754.0, hardware="x86_64, 2 CPU cores")
        ),
        "tokenizer_card": tokenizer_card(CONFIG, "small", artifacts.only("corpora", "tokenizer"), repo="me/small"),
        "dataset_card": dataset_card(CONFIG, "small", artifacts.only("corpora"), repo="me/small"),
    }


@pytest.mark.parametrize("name", ["card", "pushed_card", "tokenizer_card", "dataset_card"])
def test_the_cards_of_the_small_run_are_the_reviewed_ones(manifests: dict[str, Manifest], name: str) -> None:
    card = cards(manifests)[name]
    golden = HERE / f"golden_{name}.md"
    if os.environ.get("KOBERT_UPDATE_GOLDEN"):
        golden.write_text(card, encoding="utf-8", newline="\n")
    assert card == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["card", "pushed_card", "tokenizer_card", "dataset_card"])
def test_both_languages_have_every_figure_of_the_corpus(manifests: dict[str, Manifest], name: str) -> None:
    english, korean = cards(manifests)[name].split("\n# 한국어\n")
    for figure in ("10,422", "too_short 71", "email 3, phone 41"):
        assert figure in english
        assert figure in korean


def test_a_card_says_what_the_loss_is_without_what_is_not_exported(manifests: dict[str, Manifest]) -> None:
    summary = manifests["pretrain"].summary
    figure = {"name": "mlm_exported", "title": "Masked language model loss of the exported model", "unit": "nats", "chance": None, "better": -1, "group": ""}  # fmt: skip
    rows = [row | {"mlm_exported": 7.125} for row in summary["validation"]]
    with_it = with_summary(manifests["pretrain"], figures=[*summary["figures"], figure], validation=rows)
    assert "does not contain it" not in model_card(CONFIG, "small", ArtifactSet.of(manifests))
    english, korean = model_card(CONFIG, "small", ArtifactSet.of(manifests | {"pretrain": with_it})).split(
        "\n# 한국어\n"
    )
    assert "This folder does not contain it. Without it, the loss is: **7.125 nats**." in english
    assert "이 폴더에는 그 디코더가 없습니다. 디코더 없이 측정한 손실: **7.125" in korean


def test_a_corpus_that_was_neither_masked_nor_decontaminated_says_so(manifests: dict[str, Manifest]) -> None:
    corpora = manifests["corpora"]
    bare = {name: entry | {"personal_data": {}} for name, entry in corpora.summary["sources"].items()}
    corpora = with_summary(corpora, sources=bare, decontamination={"files": [], "ngrams": 0})
    manifests["corpora"] = dataclasses.replace(corpora, config=corpora.config | {"mask_personal_data": False})
    card = model_card(CONFIG, "small", ArtifactSet.of(manifests))
    assert "switched off in the recipe" in card
    assert "레시피에서 끔" in card
    assert "none, because no evaluation data was named" in card


def test_the_dataset_card_is_read_by_the_hub_client_and_names_its_files(manifests: dict[str, Manifest]) -> None:
    data = DatasetCard(cards(manifests)["dataset_card"]).data.to_dict()
    assert data["configs"] == [{"config_name": "default", "data_files": "shards/*.parquet"}]
    assert data["license"] == "other"


@pytest.mark.parametrize(
    ("measured", "english", "korean"),
    [
        ({"targets": 130, "documents": 4}, "Measured on 130 masked tokens of 4 documents: too few to trust.", "문서 4개의 마스크 토큰 130개에서 측정했습니다. 믿기에는 너무 적습니다."),
        ({"targets": 98_304, "documents": 1_207}, "Measured on 98,304 masked tokens of 1,207 documents.", "문서 1,207개의 마스크 토큰 98,304개에서 측정했습니다."),
        ({"targets": 98_304, "documents": 1_207, "shared": 0.125}, "12.5 % of the validation sentences are in the training text, too", "검증 문장의 12.5 %가 학습 텍스트에도 있어"),
    ],
)  # fmt: skip
def test_the_card_says_on_how_much_its_figures_are_measured(
    manifests: dict[str, Manifest], measured: dict[str, Any], english: str, korean: str
) -> None:
    assert "easured on" not in model_card(CONFIG, "small", ArtifactSet.of(manifests))
    manifests["pretrain"] = with_summary(manifests["pretrain"], measured_on=measured)
    first, second = model_card(CONFIG, "small", ArtifactSet.of(manifests)).split("\n# 한국어\n")
    assert english in first
    assert korean in second
    assert "검증 데이터에서 측정한 마스크 언어 모델 손실" in second
    assert ("too few" in first) is (measured["targets"] < 1_000)


def test_the_card_names_the_precision_that_was_used(manifests: dict[str, Manifest]) -> None:
    """Not the setting: `auto` is another one on another machine."""
    run = with_summary(manifests["pretrain"], precision="fp32")
    run = dataclasses.replace(run, config=run.config | {"precision": "auto"})
    text = cards(manifests | {"pretrain": run})["card"]
    assert "| precision, seed | fp32, 42 |" in text
    assert "| 정밀도, 시드 | fp32, 42 |" in text


def test_authors_stand_in_the_citation(manifests: dict[str, Manifest]) -> None:
    config = HubConfig(title="한국어 {모형}", authors=("김하나", "이두리"))
    card = model_card(config, "small", ArtifactSet.of(manifests), repo="me/small")
    assert "  author = {김하나 and 이두리}," in card
    assert "  howpublished = {Hugging Face Hub, me/small}," in card


def test_the_front_matter_parses_through_the_hub_client(manifests: dict[str, Manifest]) -> None:
    data = ModelCard(model_card(CONFIG, "small", ArtifactSet.of(manifests))).data.to_dict()
    assert data["language"] == "ko"
    assert data["license"] == "cc-by-sa-4.0"
    assert data["library_name"] == "transformers"
    assert data["pipeline_tag"] == "fill-mask"
    assert data["tags"] == ["korean", "modernbert", "wiki"]
    assert "datasets" not in data


def test_the_model_index_holds_the_pretrained_scores_and_no_others(manifests: dict[str, Manifest]) -> None:
    data = ModelCard(model_card(CONFIG, "small", ArtifactSet.of(manifests))).data
    assert data.model_name == "Small Korean model"
    found = {(result.dataset_config, result.metric_type): result.metric_value for result in data.eval_results or []}
    assert found == {("ynat", "f1"): 71.23, ("sts", "pearsonr"): 55.13, ("sts", "f1"): 48.04}
    for result in data.eval_results or []:
        assert (result.dataset_name, result.dataset_split) == ("KLUE (klue)", "validation")
        assert result.task_type == TASK_TYPES[result.dataset_config or ""]


def test_the_hub_client_reads_one_score_a_task_from_the_file_beside_the_card(manifests: dict[str, Manifest]) -> None:
    text = eval_results_file(dev_scores(ArtifactSet.of(manifests)))
    entries = {entry.task_id: entry for entry in parse_eval_result_entries(yaml.safe_load(text))}
    assert {task: entry.value for task, entry in entries.items()} == {"ynat": 71.23, "sts": 55.13}
    assert {entry.dataset_id for entry in entries.values()} == {"klue/klue"}
    assert (entries["sts"].notes or "").startswith("validation split, pearson, ")
    manifests["klue_eval"] = with_summary(manifests["klue_eval"], sample=True)
    assert eval_results_file(dev_scores(ArtifactSet.of(manifests))) == ""


def test_a_task_trained_with_others_and_one_that_is_not_of_klue_are_no_klue_scores(
    manifests: dict[str, Manifest],
) -> None:
    first, *others = manifests["klue_eval"].summary["results"]
    mixed = {**first, "protocol": "together", "mixture": {"folder": "0" * 16, "steps": 3, "all_steps": 9}}
    manifests["klue_eval"] = with_summary(
        manifests["klue_eval"], results=[mixed, {**first, "task": "korquad"}, first, *others]
    )
    scores = dev_scores(ArtifactSet.of(manifests))
    assert [result.dataset_config for result in model_index(scores)] == ["ynat", "sts", "sts"]
    assert {entry.task_id: entry.value for entry in parse_eval_result_entries(yaml.safe_load(eval_results_file(scores)))} == {
        "ynat": 71.23, "sts": 55.13,
    }  # fmt: skip


def test_a_score_on_a_part_of_dev_is_no_dev_score(manifests: dict[str, Manifest]) -> None:
    parts = {"sts": {"dev": [415, 519]}, "ynat": {"train": [36_547, 45_678]}}
    manifests["klue_eval"] = with_summary(manifests["klue_eval"], parts=parts)
    results = ModelCard(model_card(CONFIG, "small", ArtifactSet.of(manifests))).data.eval_results or []
    assert {result.dataset_config for result in results} == {"ynat"}


def test_every_klue_task_has_a_kind_on_the_hub() -> None:
    from klue_eval.tasks import TASKS

    assert set(TASKS) <= set(TASK_TYPES)
    assert set(METRIC_TYPES) <= {name for task in TASKS.values() for name in task.metrics.names}


def test_scores_on_the_sample_are_neither_in_the_model_index_nor_in_the_text(manifests: dict[str, Manifest]) -> None:
    manifests["klue_eval"] = with_summary(manifests["klue_eval"], sample=True)
    card = model_card(CONFIG, "small", ArtifactSet.of(manifests))
    assert "model-index" not in card
    assert "71.23" not in card
    assert "Scores on it mean nothing" in card


def test_a_run_without_scores_says_not_evaluated(manifests: dict[str, Manifest]) -> None:
    del manifests["klue_eval"]
    card = model_card(CONFIG, "small", ArtifactSet.of(manifests))
    assert "model-index" not in card
    assert "## KLUE\n\nNot evaluated.\n" in card


def test_the_heading_is_the_recipe_where_no_title_is_given(manifests: dict[str, Manifest]) -> None:
    assert "\n# small\n" in model_card(HubConfig(), "small", ArtifactSet.of(manifests))


def test_a_model_that_is_not_better_than_chance_is_called_a_trial(manifests: dict[str, Manifest]) -> None:
    assert "It is a trial of the pipeline" not in model_card(CONFIG, "small", ArtifactSet.of(manifests))
    manifests["pretrain"] = with_summary(manifests["pretrain"], validation=[{"step": 0, "tokens": 0, "mlm": 8.3}])
    assert "It is a trial of the pipeline" in model_card(CONFIG, "small", ArtifactSet.of(manifests))


def test_a_licence_cannot_break_the_table(manifests: dict[str, Manifest]) -> None:
    wiki = manifests["corpora"].summary["sources"]["wiki"] | {"license": "free | for\n<b>all</b>"}
    manifests["corpora"] = with_summary(manifests["corpora"], sources={"wiki": wiki})
    assert "| wiki | free \\| for &lt;b>all&lt;/b> | 1,201 |" in model_card(CONFIG, "small", ArtifactSet.of(manifests))


def test_only_sources_from_the_hub_are_named_as_datasets(manifests: dict[str, Manifest]) -> None:
    inputs = {"00000 a: a.parquet": "hf://datasets/someone/korean-text/a.parquet", "00001 b: b.txt": "b2" * 32}
    assert hub_datasets(dataclasses.replace(manifests["corpora"], inputs=inputs)) == ["someone/korean-text"]


def test_a_tokenizer_that_needs_mecab_says_what_to_install_in_both_languages(manifests: dict[str, Manifest]) -> None:
    tokenizer = manifests["tokenizer"]
    needing = dataclasses.replace(
        tokenizer,
        config=tokenizer.config | {"morpheme": "inference"},
        libraries=tokenizer.libraries | {"python-mecab-ko-dic": "2.1.1.post2"},
    )
    for name, card in cards(manifests | {"tokenizer": needing}).items():
        if name == "dataset_card":
            continue
        for language in card.split("\n# 한국어\n"):
            assert "`pip install mecab-python3 python-mecab-ko-dic==2.1.1.post2`" in language
            assert "tokenization_mecab_ko.py" in language
        assert ", trust_remote_code=True)" in card
        assert "remote code nor" not in card
        assert "원격 코드도" not in card


def continued(manifests: dict[str, Manifest], **names: str) -> dict[str, Manifest]:
    """`continue_from`, `teacher`, `adopt`: what the manifest lists as the input."""
    changed = dict(manifests)
    for stage, label in (("pretrain", "continue_from"), ("pretrain", "teacher"), ("tokenizer", "adopt")):
        if label in names:
            inputs = manifests[stage].inputs | {f"{label} {names[label]}": "c0ffee" * 8}
            changed[stage] = dataclasses.replace(manifests[stage], inputs=inputs)
    return changed


def test_a_continued_model_names_its_base_and_disclaims_nothing(manifests: dict[str, Manifest]) -> None:
    given = continued(manifests, continue_from="hub:someone/bert@v1", adopt="hub:someone/bert")
    card = model_card(CONFIG, "small", ArtifactSet.of(given))
    assert ModelCard(card).data.base_model == "someone/bert"
    for language, words in zip(card.split("\n# 한국어\n"), ("trained further from", "에서 이어서 학습한"), strict=True):
        assert words in language
        assert "[`someone/bert`](https://huggingface.co/someone/bert) (commit `c0ffeec0ffeec0ff`)" in language
    for wrong in ("from scratch", "처음부터", "SKT", "learned from text", "형태소로 나눈 텍스트에서 학습"):
        assert wrong not in card
    assert "This run trained on at most 128 tokens at a time, which is the tokenizer's `model_max_length`" in card


def test_a_folder_is_named_by_its_weights_unless_the_recipe_names_a_base(manifests: dict[str, Manifest]) -> None:
    artifacts = ArtifactSet.of(continued(manifests, continue_from="model.safetensors"))
    card = model_card(CONFIG, "small", artifacts)
    assert ModelCard(card).data.base_model is None
    assert "trained further from a folder (model.safetensors `c0ffeec0ffeec0ff`)" in card
    named = model_card(HubConfig(base_model="someone/bert"), "small", artifacts)
    assert ModelCard(named).data.base_model == "someone/bert"
    assert "[`someone/bert`](https://huggingface.co/someone/bert) (model.safetensors `c0ffeec0ffeec0ff`)" in named


@pytest.mark.parametrize(("name", "base"), [("hub:someone/bert@v1", "someone/bert"), ("model.safetensors", "")])
def test_a_student_names_its_teacher_and_is_not_called_trained_from_scratch(
    manifests: dict[str, Manifest], name: str, base: str
) -> None:
    """It may have begun with the teacher's weights."""
    card = model_card(CONFIG, "small", ArtifactSet.of(continued(manifests, teacher=name)))
    assert (ModelCard(card).data.base_model or "") == base
    place = f"[`{base}`](https://huggingface.co/{base}) (commit" if base else "a folder (model.safetensors"
    assert f"A Korean language model, distilled from {place} `c0ffeec0ffeec0ff`)" in card
    assert "에서 증류한" in card
    for wrong in ("from scratch", "처음부터", "SKT"):
        assert wrong not in card


def test_an_adopted_tokenizer_says_how_it_reads_text(manifests: dict[str, Manifest]) -> None:
    given = continued(manifests, adopt="vocab.txt")
    given["tokenizer"] = with_summary(given["tokenizer"], cased=False, nfc=False)
    card = tokenizer_card(CONFIG, "small", ArtifactSet.of(given).only("corpora", "tokenizer"))
    assert (
        "lower-cased. It was adopted unchanged from a folder (vocab.txt `c0ffeec0ffeec0ff`). It splits decomposed"
        in card
    )
    assert "소문자로 바꿈" in card
    assert "SKT" not in card
    assert "from scratch" in model_card(CONFIG, "small", ArtifactSet.of(given)), "the weights began at random"


def test_the_tested_version_of_transformers_5_is_the_pinned_one() -> None:
    pinned = (HERE.parents[2] / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert f"transformers=={TESTED[-1]}" in pinned
