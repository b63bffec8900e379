import sys

import pytest
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.commands.doctor import examine
from kobert_pipeline.ground.errors import KobertError


@pytest.mark.system
def test_doctor_finds_this_machine_healthy():
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.stdout
    assert "학교 에서" in result.stdout


def test_a_library_that_is_missing_is_a_failed_check(monkeypatch):
    monkeypatch.setattr(
        "kobert_pipeline.ground.stage.installed_version", lambda name: "missing" if name == "kss" else "1"
    )
    lines, healthy = examine()
    assert not healthy
    assert any(line.startswith("FAIL  kss is not installed") for line in lines)


def test_a_missing_dictionary_says_what_to_install(monkeypatch):
    from kobert_pipeline.morphology import mecab as morphology

    monkeypatch.setitem(sys.modules, "mecab_ko_dic", None)
    with pytest.raises(KobertError, match="pip install python-mecab-ko-dic"):
        morphology.dictionary_path()
