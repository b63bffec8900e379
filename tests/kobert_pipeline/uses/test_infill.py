"""Infilling: the use, and `kobert infill`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from finished_run import export_saying
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.hub.load_back import Failure, check_generated_ids
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, save_tokenizer
from kobert_pipeline.uses import find_use
from kobert_pipeline.uses.check_infill import problem
from kobert_pipeline.uses.fill_mask import USE as FILL
from kobert_pipeline.uses.generate import USE as GENERATE
from kobert_pipeline.uses.infill import USE, between, mode_of, spans_of, written_ids
from kobert_pipeline.uses.use import UnfitModel

TEXT = "동아리들은 다음 달 [MASK] 열기로 했다."
SIZES = {
    "bart": {"encoder_layers": 1, "decoder_layers": 1, "d_model": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
             "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64},
    "t5": {"num_layers": 1, "d_model": 32, "num_heads": 2, "d_kv": 16, "d_ff": 64},
}  # fmt: skip


ANSWER, SENTINELS = "작은 축제를", ("<extra_id_0>", "<extra_id_1>")


def learned(folder: Path, tokenizer: Any, kind: str) -> Path:
    """A model that has learned to infill TEXT, and nothing else. BART has no sentinels here, T5 has."""
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), **SIZES[kind], pad_token_id=0, bos_token_id=2, eos_token_id=3,
        forced_eos_token_id=None, decoder_start_token_id=3 if kind == "bart" else 0,
    )  # fmt: skip
    torch.manual_seed(1)
    network = AutoModelForSeq2SeqLM.from_config(config)
    mask, target = {"bart": ("[MASK]", TEXT.replace("[MASK]", ANSWER)), "t5": (SENTINELS[0], f"{SENTINELS[0]} {ANSWER}{SENTINELS[1]}")}[kind]  # fmt: skip
    batch = tokenizer(TEXT.replace(" [MASK]", mask), return_tensors="pt")
    labels = torch.tensor([[*tokenizer(target, add_special_tokens=False)["input_ids"], 3]])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        network(**batch, labels=labels).loss.backward()
        optimizer.step()
    network.eval().save_pretrained(folder)
    save_tokenizer(tokenizer, folder)
    return folder


@pytest.fixture(scope="module", params=[pytest.param("bart", marks=pytest.mark.system), "t5"])
def model(request: Any, tiny_bytes: Any, tiny_targets: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = {"bart": tiny_bytes, "t5": tiny_targets}[request.param].tokenizer
    tokenizer = auto_tokenizer(made, model_max_length=64, model_input_names=["input_ids", "attention_mask"])
    return learned(tmp_path_factory.mktemp("infill") / "model", tokenizer, request.param)


def test_spans_are_found_by_their_sentinels() -> None:
    numbers = {90: 0, 91: 1, 92: 2}
    assert spans_of([90, 1, 2, 91, 92, 3], numbers) == {0: [1, 2], 1: [], 2: [3]}
    assert spans_of([5, 91, 1, 90, 2, 91, 7], numbers) == {1: [1], 0: [2]}, "the first of a name counts"
    assert spans_of([5, 6], numbers) == {}


def test_what_stands_between_the_parts_of_a_text_is_the_answer() -> None:
    def texts(parts: list[str], whole: str) -> list[str]:
        return [answers[0].text for answers in between(parts, whole)]

    assert texts(["수도는", "이다."], "수도는 서울이다.") == ["서울"]
    assert texts(["", " 마시고 ", ""], "물을 마시고 집에\n갔다.") == ["물을", "집에\n갔다."]
    assert texts(["수도는", "이다."], "수도가 서울이다.") == ["수도가 서울이다."], (
        "the whole, where a part is not there"
    )


def test_a_model_that_has_learned_a_text_infills_it(model: Path) -> None:
    tokenizer, network = USE.load(str(model))
    for options in ({}, {"beams": 2}, {"temperature": 1.0, "top_k": 1}):
        (result,) = USE.try_it(tokenizer, network, [TEXT], **options)
        assert result.text == TEXT
        assert [answer.text for answers in result.answers for answer in answers] == [ANSWER]


def test_a_model_of_ul2_reads_its_mode_first(model: Path) -> None:
    tokenizer, _ = USE.load(str(model))
    assert mode_of(tokenizer, ["수도는", "이다."]) == ""
    tokenizer.add_special_tokens({"extra_special_tokens": ["[R]", "[S]", "[X]"]})
    assert mode_of(tokenizer, ["수도는", "이다."]) == mode_of(tokenizer, ["수도는", "", ""]) == "[R]"
    assert mode_of(tokenizer, ["수도는", ""]) == "[S]"


def test_equal_seeds_write_equal_ids_and_leave_the_random_state_alone(model: Path) -> None:
    tokenizer, network = USE.load(str(model))
    before = torch.random.get_rng_state()
    one, same, other = (
        written_ids(tokenizer, network, TEXT, max_tokens=12, temperature=9.0, seed=seed) for seed in (1, 1, 2)
    )
    assert one == same != other
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_text_that_cannot_be_infilled_is_one_clear_error(model: Path) -> None:
    tokenizer, network = USE.load(str(model))
    for text, message in (
        ("동아리", r"no mask\. Write \[MASK\] where the model should write"),
        (TEXT * 20, "masks; the model has|tokens; the model takes 64. Shorten the text"),
        ("동아리들은 다음 달 " * 40 + "[MASK]", "tokens; the model takes 64. Shorten the text"),
    ):
        with pytest.raises(InputError, match=message):
            USE.try_it(tokenizer, network, [text])


def test_each_command_names_the_one_that_is_for_the_model(model: Path, tmp_path: Path) -> None:
    masked = export_saying(tmp_path / "model", "서울", "##이다")
    for use in (FILL, GENERATE):
        with pytest.raises(UnfitModel, match=f"not a {use.kind}: (bart|t5) is an encoder-decoder"):
            use.load(str(model))
    with pytest.raises(UnfitModel, match="not a sequence-to-sequence model: bert is no encoder-decoder"):
        USE.load(str(masked))
    assert find_use(str(model))[0] is USE
    for command, folder, other in (("generate", model, "infill"), ("fill", model, "infill"), ("infill", masked, "fill")):  # fmt: skip
        caught = CliRunner().invoke(cli.app, [command, str(folder), TEXT])
        assert isinstance(caught.exception, UnfitModel)
        assert str(caught.exception).endswith(f"`kobert {other}` is for this model.")


def test_the_command_shows_what_was_written(model: Path) -> None:
    shown = CliRunner().invoke(cli.app, ["infill", str(model), TEXT])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == f"{TEXT}\n1\t\t{ANSWER}\n"


IN_A_FRESH_PROCESS = """
import json, sys
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
tokenizer, model = (kind.from_pretrained(sys.argv[1]) for kind in (AutoTokenizer, AutoModelForSeq2SeqLM))
batch = tokenizer(sys.argv[2], return_tensors="pt")
print(json.dumps(model.generate(**batch, max_new_tokens=12, do_sample=False)[0].tolist()))
"""


@pytest.mark.system
def test_plain_transformers_generates_the_same_ids_in_a_fresh_process(model: Path) -> None:
    tokenizer, network = USE.load(str(model))
    here = network.generate(**tokenizer(TEXT, return_tensors="pt"), max_new_tokens=12, do_sample=False)[0].tolist()
    command = [sys.executable, "-c", IN_A_FRESH_PROCESS, str(model), TEXT]
    there = subprocess.run(command, capture_output=True, text=True, check=True, cwd=model.parent).stdout
    assert json.loads(there) == here
    assert len(here) > 4


def test_the_check_of_a_published_folder_finds_what_is_wrong(model: Path, tiny: Any) -> None:
    tokenizer, network = USE.load(str(model))
    assert problem(str(model), None, tokenizer, network, False) is None
    assert "does not give a text back" in problem("", None, auto_tokenizer(tiny.tokenizer), network, False)[0]
    torch.manual_seed(2)
    with pytest.raises(Failure, match="but the training export generates"):
        check_generated_ids(tokenizer, network, type(network)(network.config).eval())
