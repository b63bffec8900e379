"""Foreign packages of our names are found before anything of theirs runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kobert_pipeline.commands.doctor import examine
from kobert_pipeline.ground.own_packages import AGAIN, OURS, foreign_distributions, foreign_packages


def imported(place):
    """The last line of what Python says when `kobert_pipeline` is imported with another folder first on the path."""
    path = os.pathsep.join([str(place), *sys.path])
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import kobert_pipeline"], env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, (done.stderr.splitlines() or [""])[-1]


@pytest.mark.parametrize("name", OURS)
def test_a_foreign_package_is_named_when_ours_is_imported(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise SystemExit('foreign code ran')", encoding="utf-8")
    code, message = imported(tmp_path)
    assert code == 1
    assert message.startswith(f"ImportError: the package {name} is a foreign one: {tmp_path}")
    assert message.endswith(AGAIN)


def test_ours_are_taken_for_ours(tmp_path):
    assert foreign_packages() == []
    assert imported(tmp_path) == (0, "")


def test_doctor_names_a_distribution_that_would_write_over_ours(tmp_path, monkeypatch):
    record = tmp_path / "foreign_tokenizer-3.4.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-tokenizer\nVersion: 3.4\n", encoding="utf-8")
    (record / "top_level.txt").write_text("tokenizer\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert foreign_distributions() == ["foreign-tokenizer"]
    lines, healthy = examine()
    assert not healthy
    assert any(line.startswith("FAIL  foreign-tokenizer has a package") for line in lines)
