"""One encoder under the heads of several tasks: alone it is the single task bit for bit, together the folder has all of them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import floats, integers, lists
from transformers import AutoModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from klue_eval import multitask
from klue_eval.batches import batch_of, encode_rows, scoring_order
from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig, Protocol
from klue_eval.data import SAMPLE, read_split
from klue_eval.encoders import accepted_inputs, load_model, load_tokenizer
from klue_eval.heads import HEADS
from klue_eval.heads.shared import body_of, share_encoder
from klue_eval.mixing import Mixture, mixed_order
from klue_eval.mixtures import MIXTURES
from klue_eval.multitask_folder import load_task
from klue_eval.tasks import KNOWN, TASKS
from klue_eval.token_reader import Reader
from klue_eval.values import Answer
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import read_json

TOGETHER = {"multitask": ["ynat", "sts", "re"], "mixing": "square_root", "weights": {"ynat": 1, "sts": 0.5, "re": 1}}


def evaluation(*tasks: str, protocols: dict[str, Any], **others: Any) -> EvaluationConfig:
    few = {"seeds": 1, "train_rows": 12, "evaluations_per_epoch": 2}
    return EvaluationConfig.parse(
        {
            "tasks": tasks, "data": SAMPLE, "tfidf": False, "precision": "32-true",
            "protocols": {name: few | protocol for name, protocol in protocols.items()},
            "settings": {name: {"epochs": 2, "batch_size": 4, "max_length": 64} for name in (*tasks, *others.get("own_tasks", ()))},
            **others,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With dropout, which draws random numbers at every step."""
    folder = shutil.copytree(tiny_bert, tmp_path_factory.mktemp("models") / "dropout")
    config = read_json(folder / "config.json") | {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.2}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def evaluated(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The artifacts folder, and the evaluation: three tasks alone, two of them in mixtures of one, all in a mixture."""
    root = tmp_path_factory.mktemp("artifacts")
    protocols = {"alone": {}, "one": {"multitask": ["sts"]}, "other": {"multitask": ["re"]}, "together": TOGETHER}
    return root, evaluate_model(str(model), evaluation("ynat", "sts", "re", protocols=protocols), root, 42)


def run_of(evaluated: tuple[Path, Path], protocol: str, task: str) -> Path:
    root, folder = evaluated
    (result,) = [entry for entry in read_json(folder / "scores.json")["results"] if (entry["protocol"], entry["task"]) == (protocol, task)]  # fmt: skip
    return root / "klue_runs" / result["runs"][0]


@pytest.mark.parametrize(("protocol", "task"), [("one", "sts"), ("other", "re")])
def test_a_mixture_of_one_task_is_the_task_alone_bit_for_bit(
    protocol: str, task: str, evaluated: tuple[Path, Path]
) -> None:
    alone, mixed = run_of(evaluated, "alone", task), run_of(evaluated, protocol, task)
    assert alone != mixed
    assert len(read_json(alone / "scores.json")["curve"]) == 4
    require_equal(alone, mixed)


def require_equal(alone: Path, mixed: Path) -> None:
    for name in ("predictions.jsonl", "scores.json", "analysis.json", "rows.npz"):
        assert (alone / name).read_bytes() == (mixed / name).read_bytes()


def test_rows_with_typing_errors_are_scored_alike(model: Path, tmp_path: Path) -> None:
    protocols = {"alone": {"train_rows": 4}, "one": {"train_rows": 4, "multitask": ["nli"]}}
    config = evaluation("nli", protocols=protocols, perturb="spacing")
    folder = evaluate_model(str(model), config, tmp_path, 42)
    assert set(read_json(run_of((tmp_path, folder), "one", "nli") / "scores.json")["perturbed"]) >= {"no_space"}
    require_equal(*(run_of((tmp_path, folder), protocol, "nli") for protocol in protocols))


def test_the_scores_say_how_the_steps_were_shared(evaluated: tuple[Path, Path]) -> None:
    summary = Scores(evaluated[1]).summary
    notes = {(entry.protocol, entry.task): entry.mixture for entry in summary.results}
    assert notes["alone", "ynat"] is None
    shares = [note.steps for task in ("ynat", "sts", "re") if (note := notes["together", task])]
    assert shares == [6, 6, 6]
    table = (evaluated[1] / "table.md").read_text()
    assert "**this model**, 3 tasks at once (together)" in table
    assert "6 of 18 steps |" in table
    assert "**together**: one encoder was trained on YNAT and STS and RE at once. That of the first seed" in table


def test_the_kept_folder_has_the_encoder_and_predicts_for_every_task_what_was_scored(
    evaluated: tuple[Path, Path],
) -> None:
    (note,) = {
        entry.mixture.folder for entry in Scores(evaluated[1]).summary.results
        if entry.protocol == "together" and entry.mixture
    }  # fmt: skip
    folder = evaluated[0] / MIXTURES / note / "model"
    assert set(read_json(folder / "heads.json")) == {"ynat", "sts", "re"}
    encoder = AutoModel.from_pretrained(folder).state_dict()
    for name in ("ynat", "sts", "re"):
        task, rows = TASKS[name], read_split(name, SAMPLE, "dev").rows
        loaded, reader = load_task(folder, task)
        assert all(torch.equal(weight, encoder[key]) for key, weight in body_of(loaded).state_dict().items())
        saved = [json.loads(line)["prediction"] for line in (run_of(evaluated, "together", name) / "predictions.jsonl").read_text().splitlines()]  # fmt: skip
        assert json.loads(json.dumps(predicted(loaded, name, rows, reader))) == saved
    with pytest.raises(InputError, match="no head for nli; it has re, sts, ynat"):
        load_task(folder, TASKS["nli"])


@torch.no_grad()
def predicted(loaded: Any, name: str, rows: list[Any], reader: Reader) -> list[Any]:
    """In the batches of the evaluation: sums in other batches differ in the last bit."""
    task = TASKS[name]
    known = accepted_inputs(loaded.encoder, ("input_ids", "token_type_ids"))
    encoded = encode_rows(task, rows, reader, task.defaults).only(known)
    answers: dict[int, Answer] = {}
    head = HEADS[task.head]
    for numbers in scoring_order(encoded.lengths, head.scoring_batch, head.scoring_tokens):
        found = loaded.predict(**batch_of(encoded, numbers, HEADS[task.head].collate))
        answers |= {int(number): Answer(encoded.examples[number], values) for number, values in zip(numbers, found, strict=True)}  # fmt: skip
    return [task.decode([answers[number]], row) for number, row in enumerate(rows)]


def test_what_is_finished_is_not_trained_again(
    evaluated: tuple[Path, Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for another evaluation, nor to write the run of one task again."""
    root = shutil.copytree(evaluated[0], tmp_path / "artifacts")
    run = root / "klue_runs" / run_of(evaluated, "together", "ynat").name
    before = (run / "scores.json").read_bytes()
    shutil.rmtree(run)
    monkeypatch.setattr(multitask, "finetune_together", None)
    evaluate_model(str(model), evaluation("ynat", "sts", "re", protocols={"again": TOGETHER}), root, 42)
    assert (run / "scores.json").read_bytes() == before


def test_own_tasks_and_choices_train_with_the_others(tiny_bert: Path, tmp_path: Path) -> None:
    labels = "\n".join(
        f"구름이 {word},{'좋다' if number % 2 else '나쁘다'}"
        for number, word in enumerate("가나다라마바사아자차카타파하")
    )
    (tmp_path / "own.csv").write_text(f"text,label\n{labels}\n", encoding="utf-8")
    config = evaluation(
        "ynat", "nli", protocols={"both": {"multitask": ["mood", "nli"], "train_rows": 8}},
        own_tasks={"mood": {"file": str(tmp_path / "own.csv")}},
    )  # fmt: skip
    results = Scores(evaluate_model(str(tiny_bert), config, tmp_path / "artifacts", 42)).summary.results
    assert [(entry.task, entry.split) for entry in results] == [("nli", "dev"), ("mood", "own")]


# --- shared parts -----------------------------------------------------------------------------------------------------

SIZES = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
NAMES: dict[str, dict[str, int]] = {"distilbert": {"dim": 16, "hidden_dim": 16, "n_layers": 1, "n_heads": 2}, "albert": {**SIZES, "embedding_size": 8}, "xlnet": {"d_model": 16, "n_layer": 1, "n_head": 2, "d_inner": 16}}  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["bert", "roberta", "electra", "deberta-v2", "modernbert", "albert", "distilbert", "xlnet"]
)
def test_every_family_shares_its_whole_encoder(kind: str, tokenizer: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    ids = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    config = CONFIG_MAPPING[kind](vocab_size=len(tokenizer), **ids, **NAMES.get(kind, SIZES))
    AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    reader = Reader(load_tokenizer(tmp_path), 64)
    names = ("ner", "ynat", "sts", "kobest_copa", "mrc")
    models = [load_model(KNOWN[name], tmp_path, "pretrained", KNOWN[name].defaults, reader) for name in names]
    share_encoder(models)
    encoders = [{name: id(weight) for name, weight in body_of(each).named_parameters()} for each in models]
    everything = {name: number for found in encoders for name, number in found.items()}
    assert all(found.items() <= everything.items() for found in encoders)
    heads = [{id(weight) for weight in each.parameters()} - set(everything.values()) for each in models]
    assert all(heads)
    assert sum(map(len, heads)) == len(set.union(*heads))


# --- mixing -----------------------------------------------------------------------------------------------------------

sizes = lists(integers(1, 500), min_size=1, max_size=8)


@given(sizes, floats(0.5, 50), integers(0, 2**31))
@settings(max_examples=60)
def test_the_steps_of_a_mixture_are_as_many_as_those_of_its_tasks_alone(
    alone: list[int], temperature: float, seed: int
) -> None:
    assert Mixture("size").steps(alone) == alone
    for mixture in (Mixture("square_root"), Mixture("temperature", temperature)):
        steps = mixture.steps(alone)
        assert sum(steps) == sum(alone)
        assert min(steps) >= 1
        pairs = sorted(zip(alone, steps, strict=True))
        assert [step for _, step in pairs] == sorted(steps)
    assert Counter(mixed_order(alone, seed).tolist()) == dict(enumerate(alone))


def test_the_share_of_a_task_falls_with_the_temperature() -> None:
    assert Mixture("square_root").steps([900, 100]) == [750, 250]
    assert Mixture("temperature", 2.0).steps([900, 100]) == [750, 250]
    assert Mixture("temperature", 1.0).steps([900, 100]) == [900, 100]
    assert Mixture("temperature", 1000.0).steps([900, 100]) == [501, 499]
    assert Mixture("temperature", 0.5).steps([6, 7, 45]) == [1, 1, 56], (
        "the step that the least task got is not given twice"
    )


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (
            {"multitask": ["ynat", "sts"]},
            r"protocols\.p: multitask mixes kinds of tasks .*: ynat \(classification\), sts \(regression\)\. .*weights: \{ynat: 1, sts: 1\}",
        ),
        ({"multitask": ["ynat", "nli"], "weights": {"ynat": 1}}, "weights names ynat, but the tasks of the mixture are ynat, nli"),
        ({"multitask": ["ynat", "mrc"]}, "multitask names mrc, which is not among the tasks"),
        ({"multitask": ["ynat", "ynat"]}, "names a task twice"),
        ({"mixing": "square_root"}, "are about tasks at once"),
        ({"weights": {"ynat": 1}}, "are about tasks at once"),
        ({"multitask": ["ynat", "nli"], "mixing": "temperature"}, "temperature is needed for"),
        ({"multitask": ["ynat", "nli"], "temperature": 2}, "temperature is needed for"),
        ({"multitask": ["ynat", "nli"], "training": "probe"}, "multitask trains the encoder with one setting"),
        ({"multitask": ["ynat"], "weights": {"ynat": 0}}, "greater than 0"),
        ({"multitask": ["ynat"], "weights": {"ynat": float("inf")}}, r"p\.weights: a finite number is needed"),
    ],
)  # fmt: skip
def test_a_mixture_that_cannot_be_trained_is_refused_in_one_line(protocol: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as refused:
        EvaluationConfig.parse({"tasks": ["ynat", "sts", "nli"], "protocols": {"p": protocol}}, "klue_eval")
    assert "\n" not in str(refused.value)
    assert "{'tasks'" not in str(refused.value), "a whole section is too much for an error"


def test_two_weight_decays_are_refused_before_anything_is_trained(tiny_bert: Path, tmp_path: Path) -> None:
    config = evaluation("ynat", "nli", protocols={"p": {"multitask": ["ynat", "nli"]}})
    settings = {**config.settings, "nli": {**config.settings["nli"], "weight_decay": 0.01}}
    with pytest.raises(
        InputError, match=r"klue_eval\.protocols\.p: one optimizer has one `weight_decay`.*ynat: 0, nli: 0\.01"
    ):
        evaluate_model(str(tiny_bert), config.model_copy(update={"settings": settings}), tmp_path, 42)


def test_a_recipe_without_a_mixture_keeps_its_fingerprint() -> None:
    assert not {"multitask", "mixing", "temperature", "weights"} & set(Protocol().content())
