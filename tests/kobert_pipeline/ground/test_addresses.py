"""A checkpoint on the Hub: identified by its commit, downloaded at that commit, weights in safetensors only."""

from __future__ import annotations

import pytest

from kobert_pipeline.ground.addresses import WEIGHTS, expand_variables, identity, local_folder
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import FileHashes

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SETTING = "pretrain.continue_from"


def test_a_repository_is_identified_by_its_commit(monkeypatch, tmp_path):
    class Api:
        def repo_info(self, repository, repo_type, revision, timeout):
            assert (repository, repo_type, revision) == ("me/bert", "model", "main")
            return type("Info", (), {"sha": COMMIT})

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    found = identity("hub:me/bert@main", SETTING, WEIGHTS, FileHashes(tmp_path))
    assert found == {"continue_from hub:me/bert@main": COMMIT}


def test_a_commit_needs_no_network(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.HfApi", None)
    found = identity(f"hub:me/bert@{COMMIT}", SETTING, WEIGHTS, FileHashes(tmp_path))
    assert list(found.values()) == [COMMIT]


def test_the_commit_is_downloaded_without_pickles(monkeypatch, tmp_path):
    def snapshot_download(repository, revision, allow_patterns):
        assert (repository, revision) == ("me/bert", COMMIT)
        assert not any("bin" in pattern for pattern in allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert local_folder("hub:me/bert", SETTING, WEIGHTS, {"continue_from hub:me/bert": COMMIT}) == tmp_path


def test_a_hub_that_does_not_answer_is_one_message(monkeypatch, tmp_path):
    class Api:
        def repo_info(self, repository, **_):
            raise ConnectionError

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    with pytest.raises(InputError, match="hub:me/bert: the Hub does not answer for it"):
        identity("hub:me/bert", SETTING, WEIGHTS, FileHashes(tmp_path))


def test_variables_expand_with_defaults_and_an_unset_one_is_named(monkeypatch):
    monkeypatch.setenv("KOBERT_TEST_FOLDER", "자료")
    assert expand_variables("${KOBERT_TEST_FOLDER}/a", "x") == "자료/a"
    assert expand_variables("${KOBERT_UNSET_:-hub:klue}", "x") == "hub:klue"
    with pytest.raises(RecipeError, match="KOBERT_UNSET_ is not set"):
        expand_variables("${KOBERT_UNSET_}", "corpora.sources.a.path")
