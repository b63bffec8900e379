"""Generating text: the use, and `kobert generate`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from decoders import export_decoder
from finished_run import export_saying
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.hub.load_back import Failure, check_generated_ids
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.uses import find_use
from kobert_pipeline.uses.check_generate import problem
from kobert_pipeline.uses.fill_mask import USE as FILL
from kobert_pipeline.uses.generate import USE
from kobert_pipeline.uses.use import UnfitModel

BEGINNING = "동아리들은 다음 달"
KINDS = ("openai-gpt", "gpt2", "llama")


@pytest.fixture(scope="module", params=KINDS)
def model(request: Any, tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_decoder(tmp_path_factory.mktemp("generate") / "model", tiny_bytes.tokenizer, request.param)


def written(model: Path, text: str = BEGINNING, **options: Any) -> str:
    (result,) = USE.try_it(*USE.load(str(model)), [text], **options)
    assert result.text == text
    return result.answers[0][0].text


def test_equal_seeds_write_equal_texts_and_leave_the_random_state_alone(model: Path) -> None:
    before = torch.random.get_rng_state()
    one, same, other = (written(model, seed=seed) for seed in (1, 1, 2))
    assert one == same != other
    assert torch.equal(before, torch.random.get_rng_state())


def test_greedy_text_is_the_likeliest_token_each_time(model: Path) -> None:
    """Reference: one token at a time, without a cache."""
    tokenizer, network = USE.load(str(model))
    ids = tokenizer(BEGINNING)["input_ids"]
    for _ in range(6):
        with torch.no_grad():
            ids.append(int(network(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    expected = tokenizer.decode(ids[len(tokenizer(BEGINNING)["input_ids"]) :], skip_special_tokens=True)
    assert written(model, max_tokens=6, temperature=0) == expected
    assert written(model, max_tokens=6, top_k=1) == expected


@pytest.mark.parametrize("options", [{}, {"temperature": 0.0}, {"beams": 3}, {"top_p": 0.5, "top_k": 20}])
def test_what_is_streamed_is_the_text_and_what_follows_it(model: Path, options: dict[str, Any]) -> None:
    tokenizer, network = USE.load(str(model))
    parts: list[str] = []
    assert USE.stream is not None
    USE.stream(tokenizer, network, BEGINNING, parts.append, max_tokens=24, **options)
    assert "".join(parts) == BEGINNING + written(model, max_tokens=24, **options)
    assert len(parts) > 3 or options.get("beams")


def test_a_text_as_long_as_the_model_is_one_clear_error_and_a_shorter_one_is_filled_up_to_there(model: Path) -> None:
    with pytest.raises(InputError, match=r"tokens; the model takes 64, the new ones among them. Shorten the text"):
        written(model, BEGINNING * 20)
    tokenizer, _ = USE.load(str(model))
    room = 64 - len(tokenizer(BEGINNING)["input_ids"])
    assert written(model, max_tokens=500) == written(model, max_tokens=room) != written(model, max_tokens=room - 1)


def test_a_masked_model_is_no_decoder_and_a_decoder_fills_no_masks(model: Path, tmp_path: Path) -> None:
    masked = export_saying(tmp_path / "model", "서울", "##이다")
    with pytest.raises(UnfitModel, match="not a decoder"):
        USE.load(str(masked))
    with pytest.raises(UnfitModel, match="not a masked language model"):
        FILL.load(str(model))
    assert find_use(str(model))[0] is USE
    assert find_use(str(masked))[0] is FILL


@pytest.mark.parametrize(("command", "other"), [("fill", "generate"), ("generate", "fill"), ("chat", "fill")])
def test_a_command_names_the_one_that_is_for_the_model(model: Path, tmp_path: Path, command: str, other: str) -> None:
    folder = model if command == "fill" else export_saying(tmp_path / "model", "서울", "##이다")
    caught = CliRunner().invoke(cli.app, [command, str(folder), *(["대한민국의 수도는"] if command != "chat" else [])])
    assert isinstance(caught.exception, UnfitModel)
    message = str(caught.exception)
    assert message.endswith(f"`kobert {other}` is for this model.")
    assert "transformers." not in message
    assert "\n" not in message


def test_the_command_writes_texts_one_after_the_other(model: Path) -> None:
    arguments = ["generate", str(model), BEGINNING, "집에", "--max-tokens", "5", "--temperature", "0"]
    shown = CliRunner().invoke(cli.app, arguments)
    assert shown.exit_code == 0, shown.output
    expected = [text + written(model, text, max_tokens=5, temperature=0) for text in (BEGINNING, "집에")]
    assert shown.stdout == "\n\n".join(expected) + "\n"
    for option, value in (("--top-p", "1.5"), ("--temperature", "-1"), ("--beams", "0"), ("--max-tokens", "0")):
        assert CliRunner().invoke(cli.app, [*arguments, option, value]).exit_code == 2


def test_help_shows_the_options_of_this_use_alone() -> None:
    texts = {name: CliRunner().invoke(cli.app, [name, "--help"]).output for name in ("fill", "generate")}
    assert all(word in texts["generate"] for word in ("--top-p", "--beams", "--seed", "[default: 0.95]"))
    assert "--top-p" not in texts["fill"]


IN_A_FRESH_PROCESS = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer, model = (kind.from_pretrained(sys.argv[1]) for kind in (AutoTokenizer, AutoModelForCausalLM))
batch = tokenizer(sys.argv[2], return_tensors="pt")
print(json.dumps(model.generate(**batch, max_new_tokens=12, do_sample=False)[0].tolist()))
"""


@pytest.mark.system
def test_plain_transformers_generates_the_same_ids_in_a_fresh_process(model: Path) -> None:
    tokenizer, network = USE.load(str(model))
    batch = tokenizer(BEGINNING, return_tensors="pt")
    here = network.generate(**batch, max_new_tokens=12, do_sample=False)[0].tolist()
    command = [sys.executable, "-c", IN_A_FRESH_PROCESS, str(model), BEGINNING]
    there = subprocess.run(command, capture_output=True, text=True, check=True, cwd=model.parent).stdout
    assert json.loads(there) == here
    assert len(here) > batch["input_ids"].shape[1]


def test_the_check_of_a_published_folder_finds_what_is_wrong(model: Path, tmp_path: Path, tiny: Any) -> None:
    tokenizer, network = USE.load(str(model))
    assert problem(str(model), None, tokenizer, network, False) is None
    ending = auto_tokenizer(tiny.tokenizer)
    assert "does not give a text back" in problem(str(model), None, ending, network, False)[0]
    check_generated_ids(tokenizer, network, network)
    torch.manual_seed(1)
    with pytest.raises(Failure, match="but the training export generates"):
        check_generated_ids(tokenizer, network, type(network)(network.config).eval())
