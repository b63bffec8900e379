"""Every kind of call to the outside, times what can go wrong with it: the test that proves the message, or why none does.

`TESTED` names tests in this repository, and each name is looked up. What the Hub answers and what a full disk does have
tables of their own next to their tests.
"""

from __future__ import annotations

import re
from pathlib import Path

import fsspec
import pytest

from corpora.config import CorporaConfig
from corpora.documents import Document, Drop
from corpora.inputs import input_files, read
from kobert_pipeline.ground.errors import KobertError

TESTS = Path(__file__).parents[1]
CALLS = (
    "Hub", "load_dataset", "fsspec", "tokenizer files", "safetensors", "Parquet", "JSON", "YAML", "subprocesses", "signals", "disk",
)  # fmt: skip
FAULTS = ("wrong type", "empty", "HTML", "truncated", "denied", "slow", "killed")
MODELS, RECORDS, HERE = "test_damaged_models.py", "test_damaged_records.py", "test_fault_table.py"
DOWNLOADS, DATA = "test_hub_downloads.py", "test_hub_data.py"
ANSWERS = f"{DOWNLOADS}::test_an_odd_answer_is_one_line_with_the_address"
DATA_SETS = f"{DATA}::test_what_is_wrong_is_one_line_before_the_first_stage_and_in_it"
TESTED: dict[tuple[str, str], str] = {
    **{("Hub", fault): ANSWERS for fault in ("wrong type", "empty", "HTML", "denied")},
    ("Hub", "truncated"): f"{DOWNLOADS}::test_a_download_whose_file_is_cut_off_is_one_line",
    ("Hub", "slow"): "test_checked_before.py::test_a_slow_hub_is_told_in_seconds",
    **{("load_dataset", fault): DATA_SETS for fault in ("wrong type", "empty", "HTML", "truncated", "denied")},
    ("fsspec", "HTML"): f"{HERE}::test_a_remote_file_is_named",
    ("Parquet", "HTML"): f"{HERE}::test_a_remote_file_is_named",
    ("signals", "denied"): "test_resume.py::test_a_run_that_nohup_started_goes_on_when_the_terminal_is_closed",
    ("fsspec", "wrong type"): f"{HERE}::test_a_remote_file_is_named",
    ("fsspec", "empty"): f"{HERE}::test_a_remote_file_is_named",
    ("fsspec", "truncated"): f"{HERE}::test_a_remote_file_is_named",
    ("fsspec", "denied"): f"{HERE}::test_a_remote_file_that_is_missing_is_named",
    ("tokenizer files", "wrong type"): f"{MODELS}::test_fill_names_a_damaged_model",
    ("tokenizer files", "empty"): f"{MODELS}::test_an_evaluation_names_a_damaged_model",
    ("tokenizer files", "truncated"): f"{MODELS}::test_an_evaluation_names_a_damaged_model",
    ("safetensors", "wrong type"): f"{MODELS}::test_continued_pretraining_names_a_damaged_checkpoint",
    ("safetensors", "empty"): f"{MODELS}::test_continued_pretraining_names_a_damaged_checkpoint",
    ("safetensors", "truncated"): f"{MODELS}::test_fill_names_a_damaged_model",
    ("Parquet", "wrong type"): f"{HERE}::test_a_remote_file_is_named",
    ("Parquet", "empty"): f"{HERE}::test_a_remote_file_is_named",
    ("Parquet", "truncated"): "test_changed_artifacts.py::test_a_reader_of_the_tiny_run_names_the_file",
    ("JSON", "wrong type"): f"{RECORDS}::test_an_object_that_is_damaged_is_named_with_what_to_do",
    ("JSON", "empty"): f"{RECORDS}::test_a_damaged_manifest_is_named",
    ("JSON", "truncated"): f"{RECORDS}::test_hashes_of_files_are_computed_again",
    ("YAML", "wrong type"): "test_strict_yaml.py::test_what_would_be_misread_is_refused_with_its_line",
    ("YAML", "empty"): f"{HERE}::test_a_recipe_that_is_no_recipe_is_named",
    ("YAML", "truncated"): f"{HERE}::test_a_recipe_that_is_no_recipe_is_named",
    ("subprocesses", "killed"): "test_parallel.py::test_a_worker_that_dies_is_one_message",
    (
        "signals",
        "killed",
    ): "test_klue_kills.py::test_an_evaluation_that_is_killed_at_random_moments_ends_in_the_same_bits",
    ("disk", "denied"): "test_full_disk.py::test_a_command_that_writes_says_that_it_may_not",
}
NO_CONTENT = "it has no content of its own"
DENIED = "the superuser, who runs these tests, may read everything; `cli.explain` turns PermissionError into one line"
WRONG = "text that is not of the format is the case `wrong type`"
SLOW = "on this machine it only takes longer: nothing here has a time limit"
KILLED = "a reader that is killed writes nothing; writers are covered by signals and subprocesses"
NOT_TRIED: dict[tuple[str, str], str] = (
    {(call, fault): NO_CONTENT for call in CALLS[8:] for fault in FAULTS[:4]}
    | {(call, "HTML"): WRONG for call in ("tokenizer files", "safetensors", "JSON", "YAML")}
    | {(call, "slow"): SLOW for call in CALLS[3:]}
    | {(call, "denied"): DENIED for call in ("tokenizer files", "safetensors", "Parquet", "JSON", "YAML")}
    | {(call, "killed"): KILLED for call in CALLS[:8]}
    | {
        ("subprocesses", "denied"): "no command of ours starts a program that a user may not run: only Python itself",
        (
            "load_dataset",
            "slow",
        ): "its first request is the Hub's, which is tried; later ones have the time limits of the Hub's client",
        (
            "fsspec",
            "slow",
        ): "each file system of fsspec has a time limit of its own, which a test would have to wait for",
        ("disk", "killed"): "a disk that goes away is an OSError, which every command reports in one line",
    }
)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_cell_is_proved_or_says_why_not(call: str, fault: str) -> None:
    proof = TESTED.get((call, fault), "")
    assert bool(proof) != bool(NOT_TRIED.get((call, fault)))
    if proof:
        file, _, name = proof.partition("::")
        (path,) = TESTS.rglob(file)
        assert not name or re.search(rf"^def {name}\b", path.read_text(encoding="utf-8"), re.MULTILINE)


BROKEN = {
    "text.parquet": [b"", b"PAR1", b"<html>sign in</html>", b"PAR1" + b"\0" * 64, b"PAR1" + b"\xff" * 100 + b"PAR1"],
    "text.jsonl.gz": [b"\x1f\x8b", b"\x1f\x8b\x08" + b"\0" * 20, b"<html>sign in</html>"],
    "text.zip": [b"PK", b"PK\x03\x04" + b"\0" * 40, b"<html>sign in</html>"],
}


@pytest.mark.parametrize(("name", "content"), [(name, content) for name in BROKEN for content in BROKEN[name]])
def test_a_remote_file_is_named(name: str, content: bytes) -> None:
    """One line, or counted drops: never a document, never a traceback."""
    address = f"memory://broken/{name}"
    fsspec.filesystem("memory").pipe(address, content)
    config = CorporaConfig.parse({"sources": [{"name": "far", "path": address}]})
    drops, message = read_all(config)
    assert drops or name in message
    assert all(isinstance(item, Drop) for item in drops)
    assert len(message.splitlines()) <= 1


def read_all(config: CorporaConfig) -> tuple[list[Document | Drop], str]:
    """What the files hold, and the error that ended reading them."""
    found: list[Document | Drop] = []
    try:
        for file in input_files(config):
            found += [item for item, _ in read(file)]
    except KobertError as error:
        return found, str(error)
    return found, ""


def test_a_remote_file_that_is_missing_is_named() -> None:
    config = CorporaConfig.parse({"sources": [{"name": "far", "path": "memory://nowhere/text.jsonl"}]})
    with pytest.raises(KobertError, match=r"nowhere/text\.jsonl") as error:
        [list(read(file)) for file in input_files(config)]
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("content", ["", "[1, 2]", "a", "a: [1", "\x00", '"\\ud800"'])
def test_a_recipe_that_is_no_recipe_is_named(content: str, tmp_path: Path) -> None:
    from kobert_pipeline.recipe import load_recipe

    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KobertError, match=r"mine\.yaml"):
        load_recipe(str(path))
