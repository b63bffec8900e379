"""KLUE as text to text: what is read, what should be written, and what is made of what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from klue_eval.build import _check_encoder, evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE, read_split
from klue_eval.finetune import Trial
from klue_eval.mixing import Mixture
from klue_eval.multitask import finetune_together
from klue_eval.multitask_folder import load_task
from klue_eval.tasks import KNOWN, TASKS
from klue_eval.tasks.labelled import most_alike
from klue_eval.text_to_text import in_words
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, save_tokenizer
from kobert_pipeline.recipe import load_recipe

WRITTEN = [name for name in TASKS if TASKS[name].as_text is not None]
TEXT = {"protocols": {"words": {"training": "text_to_text"}}}


def rows_of(name: str, split: str = "dev") -> list[dict[str, Any]]:
    return list(read_split(name, SAMPLE, split).rows)


def written(name: str, row: dict[str, Any]) -> tuple[str, str]:
    form = TASKS[name].as_text
    assert form is not None
    return form(row)


def parsed(name: str, text: str, row: dict[str, Any]) -> Any:
    parse = TASKS[name].parse
    assert parse is not None
    return parse(text, row)


def test_klues_tasks_and_all_labelled_ones_have_a_form_in_words() -> None:
    assert list(TASKS) == WRITTEN
    assert all((task.as_text is None) == (task.parse is None) for task in KNOWN.values())


@pytest.mark.parametrize("name", WRITTEN)
def test_the_right_answer_in_words_is_the_right_prediction(name: str) -> None:
    task, rows = TASKS[name], rows_of(name)
    predictions = [parsed(name, written(name, row)[1], row) for row in rows]
    scores, best = (task.metrics.corrected(given, rows) for given in (predictions, [task.gold(row) for row in rows]))
    if name == "sts":  # rounded to .2
        assert scores["pearson"] > 99.5
        assert all(abs(one - task.gold(row)) <= 0.1 + 1e-9 for one, row in zip(predictions, rows, strict=True))
    else:
        assert scores == best
        official = task.metrics.official(predictions, rows)
        assert official == task.metrics.official([task.gold(row) for row in rows], rows)


def test_rows_are_written_as_people_read_them() -> None:
    row = {"title": "환율 급등", "label": "경제"}
    assert written("ynat", row) == ("제목: 환율 급등", "경제")
    pair = {"premise": "비가 온다.", "hypothesis": "날이 맑다.", "gold_label": "contradiction"}
    assert written("nli", pair) == ("전제: 비가 온다. 가설: 날이 맑다.", "모순")
    assert parsed("nli", " 모순 ", pair) == "contradiction"
    similar = {"sentence1": "가", "sentence2": "나", "labels": {"real-label": 3.27}}
    assert written("sts", similar) == ("문장 1: 가 문장 2: 나", "3.2")
    assert [parsed("sts", text, similar) for text in ("3.2", "4", "점수 2.6입니다", "없다")] == [3.2, 4.0, 2.6, 0.0]
    sentence = {
        "characters": list("서울의 김 씨가 서울을"),
        "labels": ["O"] * 4 + ["B-PS"] + ["O"] * 4 + ["B-LC", "I-LC", "O"],
    }
    assert written("ner", sentence) == ("서울의 김 씨가 서울을", "인물: 김 | 장소: 서울")
    assert parsed("ner", "인물: 김 | 장소: 서울", sentence) == sentence["labels"], "the second 서울, after 김"
    assert parsed("ner", "없음", sentence) == parsed("ner", "인물: 박 | 이름: 김 |", sentence) == ["O"] * 12
    assert most_alike("IT과", ("정치", "IT과학")) == "IT과학"


def test_an_eojeol_is_written_as_its_head_and_relation() -> None:
    row = {"words": ["나는", "집에", "간다."], "pos": ["NP+JX", "NNG+JKB", "VV+EF+SF"]}
    row |= {"heads": [3, 3, 0], "relations": ["NP_SBJ", "NP_AJT", "VP"]}
    assert written("dp", row) == ("1. 나는/JX 2. 집에/JKB 3. 간다./SF", "3 NP_SBJ | 3 NP_AJT | 0 VP")
    assert parsed("dp", "3 NP_SBJ|3 NP_AJT|0 VP", row) == TASKS["dp"].gold(row)
    odd = parsed("dp", "1 NP_SB | 9 | 없음 | 2 VP", row)
    assert odd[0] == (2, "NP_SBJ"), "its own head: the next one; the relation that is most alike"
    assert [head for head, _ in odd] == [2, 3, 0], "no such head, and no number: the next one, the last on the root"
    assert [head for head, _ in parsed("dp", "", row)] == [2, 3, 0]


def test_a_state_is_written_for_each_turn_of_the_user_and_knows_no_later_turn() -> None:
    states = [["숙소-지역-서울 남쪽"], ["숙소-예약 요일-토-일", "숙소-지역-서울 남쪽"]]
    turns = [("user", "남쪽이요.", states[0]), ("sys", "언제요?", []), ("user", "주말이요.", states[1])]
    row = {"dialogue": [{"role": role, "text": text, "state": state} for role, text, state in turns]}
    make_parts = TASKS["wos"].parts
    assert make_parts is not None
    first, second = make_parts(row)
    assert written("wos", first) == ("사용자: 남쪽이요.", "숙소-지역: 서울 남쪽")
    assert written("wos", second)[0] == "사용자: 남쪽이요. 상담원: 언제요? 사용자: 주말이요."
    assert parsed("wos", written("wos", second)[1], second) == [states[1]]
    assert parsed("wos", "숙소-지역: 북 | 방-지역: 동 | 숙소-지역: 남 | 숙소-이름:", first) == [["숙소-지역-북"]]
    assert parsed("wos", "없음", first) == [[]]


def test_a_long_dialogue_loses_its_beginning_and_each_turn_is_an_example(t5: Path) -> None:
    tokenizer = auto_tokenizer(t5)
    reader, task = Reader(tokenizer, 40), in_words(TASKS["wos"])
    turns = [{"role": ("user", "sys")[place % 2], "text": f"{place}번째 말입니다.", "state": []} for place in range(9)]
    examples = task.encode({"dialogue": turns}, reader, task.defaults)
    assert [example.truncated for example in examples][::4] == [False, True]
    assert len(examples) == 5
    last = tokenizer.decode(examples[-1].input_ids)
    assert len(examples[-1].input_ids) == 40
    assert "wos" in last.replace(" ", "")
    assert "8번째말입니다" in last.replace(" ", "")
    assert "0번째" not in last.replace(" ", "")


@pytest.mark.parametrize("name", WRITTEN)
def test_every_text_has_a_prediction(name: str) -> None:
    rows = rows_of(name)[:2]

    @given(some.text(max_size=30) | some.sampled_from([written(name, row)[1] for row in rows]))
    def check(text: str) -> None:
        predictions = [parsed(name, text, row) for row in rows]
        assert all(
            0 <= value <= 100 for value in TASKS[name].metrics.corrected(predictions, rows).values() if name != "sts"
        )

    check()


@pytest.fixture(scope="module")
def t5(tiny_targets: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("t5")
    tokenizer = auto_tokenizer(tiny_targets.tokenizer, model_input_names=["input_ids", "attention_mask"])
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=64, d_kv=32, d_ff=128, num_layers=1, num_heads=2, dropout_rate=0.0,
        pad_token_id=0, eos_token_id=3, decoder_start_token_id=0, feed_forward_proj="gated-gelu",
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    return folder


@pytest.mark.system
def test_one_model_learns_to_answer_two_tasks_in_words(t5: Path, tmp_path: Path) -> None:
    """T5's mixture: trained on six rows of each task, it writes their labels, also when it is loaded again."""
    names, trials = ("ynat", "sts"), []
    for name in names:
        task = in_words(TASKS[name])
        settings = task.defaults.model_copy(update={"learning_rate": 1e-2, "batch_size": 6, "epochs": 80})
        trials.append(Trial(task, settings, "pretrained", 0, 0, "32-true", "text_to_text"))
    rows = [rows_of(name, "train")[:6] for name in names]
    mixed = finetune_together(t5, trials, Mixture(), rows, rows, [[], []], tmp_path / "kept")
    for name, few, outcome in zip(names, rows, mixed.outcomes, strict=True):
        expected = [parsed(name, written(name, row)[1], row) for row in few]
        assert outcome.predictions == expected
        assert outcome.not_finite == 0
        model, reader = load_task(tmp_path / "kept", TASKS[name])
        (example,) = in_words(TASKS[name]).encode(few[0], reader, trials[0].settings)
        ids = torch.tensor([example.input_ids])
        (answer,) = model.predict({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, {})
        assert parsed(name, reader.text_of(answer["ids"].tolist()), few[0]) == expected[0]


@pytest.mark.system
def test_all_tasks_go_through_the_evaluation_at_once(t5: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klue_eval.heads.written.LONGEST", 12)  # so few steps teach no end
    few = {"training": "text_to_text", "seeds": 1, "train_rows": 8, "epochs": [1], "evaluations_per_epoch": 0}
    protocols = {"mixture": few | {"multitask": WRITTEN}}
    settings = {"wos": {"weight_decay": 0.0, "max_length": 128}, "mrc": {"max_length": 128}}
    config = EvaluationConfig.parse({"tasks": WRITTEN, "protocols": protocols, "settings": settings, "tfidf": False})
    folder = evaluate_model(str(t5), config, tmp_path, seed=0)
    results = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["results"]
    assert [(entry["protocol"], entry["task"]) for entry in results] == [("mixture", name) for name in WRITTEN]
    assert "NER" in (folder / "table.md").read_text(encoding="utf-8")


def test_what_cannot_be_answered_in_words_is_one_clear_error(tiny_bert: Path, t5: Path) -> None:
    with pytest.raises(
        RecipeError, match=r"no text to text for kobest_copa; set klue_eval\.tasks to some of ynat, sts, nli"
    ):
        EvaluationConfig.parse(TEXT | {"tasks": ["ynat", "kobest_copa"]})
    config = EvaluationConfig.parse(TEXT | {"tasks": WRITTEN})
    mixed = {"words": {"training": "text_to_text", "multitask": WRITTEN}}
    assert EvaluationConfig.parse({"tasks": WRITTEN, "protocols": mixed}).protocols["words"].mixture == Mixture()
    with pytest.raises(
        InputError, match="text_to_text needs an encoder-decoder, and bert is none; set training: finetune"
    ):
        _check_encoder(tiny_bert, config)
    _check_encoder(t5, config)
    with pytest.raises(InputError, match=r"t5 is an encoder with a decoder here.*not on ner, mrc"):
        _check_encoder(t5, EvaluationConfig.parse({"tasks": ["ner", "mrc"]}))
    changes = ('klue_eval.protocols={"words": {"training": "text_to_text"}}', 'klue_eval.tasks=["ynat", "ner"]')
    assert load_recipe("t5-mini", changes).klue_eval.trainings == {"text_to_text"}
    with pytest.raises(RecipeError, match="needs an encoder-decoder, and architecture 'bert' is none"):
        load_recipe("bert-mini", changes)
