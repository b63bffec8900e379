"""kill -9 inside an evaluation: it goes on to the same bits, and no finished run is repeated or lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from klue_eval.build import build, folder_identity, hash_data
from klue_eval.config import SPEC, EvaluationConfig
from klue_eval.data import SAMPLE
from kobert_pipeline.ground.artifacts import Workspace, artifact_folder, is_complete
from kobert_pipeline.ground.parallel import ExecutionConfig

pytestmark = pytest.mark.system
KILLS = int(os.environ.get("KOBERT_KILLS", "8"))
CONFIG = EvaluationConfig.parse(
    {
        "tasks": ["ynat", "sts", "ner"], "data": SAMPLE, "tfidf": True, "precision": "32-true",
        "protocols": {"quick": {"seeds": 2, "train_rows": 24, "evaluations_per_epoch": 2, "initialisations": ["pretrained", "random"]},
        "together": {
            "seeds": 1, "train_rows": 16, "evaluations_per_epoch": 1,
            "multitask": ["ynat", "sts", "ner"], "weights": {"ynat": 1, "sts": 1, "ner": 2},
        }},
        "settings": {name: {"epochs": 1, "batch_size": 8} for name in ("ynat", "sts", "ner")},
    }
)  # fmt: skip


def evaluate(model: Path, root: Path, workers: int = 1) -> Path:
    """What the stage does in `kobert run`."""
    hashes = hash_data(CONFIG, root)
    identity = SPEC.identity(CONFIG.content(), {"model": folder_identity(model, root), **hashes}, 42)
    if is_complete(artifact_folder(root, identity)):
        return artifact_folder(root, identity)
    with Workspace(root, identity) as out:
        summary = build(
            CONFIG, model, out, root=root, model_identity=identity.inputs["model"], seed=42, libraries=identity.libraries,
            data_hashes=hashes, execution=ExecutionConfig(workers=workers),
        )  # fmt: skip
        return out.finish(summary, {"seconds": 0})


def kill_at_write(number: int, *, renamed: bool, model: Path, root: Path) -> None:
    """Evaluates in this process, and kills it at its n-th file: before it gets its name, or after."""
    real, left = Path.replace, [number]

    def replace(path: Path, target: Path) -> Any:
        left[0] -= 1
        if left[0] == 0 and not renamed:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(path, target)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    Path.replace = replace  # type: ignore[method-assign, assignment]
    evaluate(model, root)


def content(root: Path) -> dict[str, bytes]:
    """Path -> bytes of all that is hashed, of every artifact."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and path.name not in ("run.json", ".file_hashes.json")
        and "run" not in path.relative_to(root).parts and not path.name.startswith(".file_hashes.json.")
    }  # fmt: skip


def finished_runs(root: Path) -> dict[str, int]:
    """Finished run -> when it was written."""
    found = root.glob("klue_runs/*/manifest.json")
    return {path.parent.name: path.stat().st_mtime_ns for path in found if is_complete(path.parent)}


@pytest.fixture(scope="module")
def whole(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    root, begun = tmp_path_factory.mktemp("whole"), time.monotonic()
    evaluate(tiny_bert, root)
    return root, time.monotonic() - begun


def go_on(whole: Path, model: Path, root: Path, before: dict[str, int]) -> None:
    evaluate(model, root)
    expected, found = content(whole), content(root)
    assert set(found) ^ set(expected) == set()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert not list(root.rglob("*.partial"))
    assert finished_runs(root).items() >= before.items()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_evaluation_that_is_killed_at_random_moments_ends_in_the_same_bits(
    whole: tuple[Path, float], tiny_bert: Path, tmp_path: Path, workers: int
) -> None:
    (one, seconds), draw = whole, random.Random(25 + workers)
    before: dict[str, int] = {}
    for _ in range(KILLS // workers):
        process = multiprocessing.get_context("fork").Process(target=evaluate, args=(tiny_bert, tmp_path, workers))
        process.start()
        process.join(draw.uniform(0, seconds / 2))
        process.kill()
        process.join()
        assert finished_runs(tmp_path).items() >= before.items()
        before = finished_runs(tmp_path)
    go_on(one, tiny_bert, tmp_path, before)


def test_an_evaluation_that_is_killed_at_a_file_ends_in_the_same_bits(
    whole: tuple[Path, float], tiny_bert: Path, tmp_path: Path
) -> None:
    """A run writes five files and its folder: header, predictions, scores, analysis, run.json, manifest."""
    before: dict[str, int] = {}
    for number in range(1, KILLS + 1):
        process = multiprocessing.get_context("fork").Process(
            target=kill_at_write,
            args=(number,),
            kwargs={"renamed": bool(number % 2), "model": tiny_bert, "root": tmp_path},
        )
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert finished_runs(tmp_path).items() >= before.items()
        before = finished_runs(tmp_path)
    go_on(whole[0], tiny_bert, tmp_path, before)
