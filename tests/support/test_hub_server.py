"""The local Hub, called by the real client. Other tests rely on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_server import PART_BYTES, HubServer
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

REPO = "me/model"


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    return HfApi(token="hf_mine")


def test_the_user_is_the_owner_of_the_token(hub: HubServer, api: HfApi) -> None:
    assert api.whoami()["name"] == "me"
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami(token="hf_wrong")


def test_small_large_and_multipart_files_come_back_unchanged(hub: HubServer, api: HfApi, tmp_path: Path) -> None:
    files = {
        "README.md": "---\nlanguage: ko\n---\n한국어\n".encode(),
        "model.safetensors": b"weights" * 1_000,
        "큰 파일.bin": bytes(range(256)) * (5 * PART_BYTES // 512),
    }
    api.create_repo(REPO, private=True)
    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    commit = api.create_commit(REPO, operations, commit_message="all of it")
    folder = Path(api.snapshot_download(REPO, cache_dir=tmp_path, revision=commit.oid))
    assert {name: (folder / name).read_bytes() for name in files} == files
    assert hub.repositories["models", REPO].private
    assert hub.asked("PUT", r"/part/") == 3


def test_an_object_that_the_hub_has_is_not_sent_again(hub: HubServer, api: HfApi) -> None:
    for name in ("one", "two"):
        api.create_repo(f"me/{name}")
        api.create_commit(f"me/{name}", [CommitOperationAdd("m.safetensors", b"weights")], commit_message="m")
    assert hub.asked("PUT", "/lfs/") == 1


def test_a_commit_on_an_outdated_parent_changes_nothing(hub: HubServer, api: HfApi) -> None:
    api.create_repo(REPO)
    old = api.repo_info(REPO).sha
    api.create_commit(REPO, [CommitOperationAdd("a", b"1")], commit_message="first", parent_commit=old)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since"):
        api.create_commit(REPO, [CommitOperationAdd("b", b"2")], commit_message="second", parent_commit=old)
    assert hub.repositories["models", REPO].files() == {"a": b"1"}


def test_branches_and_tags(hub: HubServer, api: HfApi, tmp_path: Path) -> None:
    api.create_repo(REPO, private=False)
    api.create_branch(REPO, branch="실험/하나")
    first = api.create_commit(REPO, [CommitOperationAdd("a", b"1")], commit_message="a", revision="실험/하나")
    api.create_tag(REPO, tag="v1", revision=first.oid)
    api.create_commit(REPO, [CommitOperationDelete("a")], commit_message="gone", revision="실험/하나")
    assert Path(api.hf_hub_download(REPO, "a", revision="v1", cache_dir=tmp_path, token=False)).read_bytes() == b"1"
    assert hub.repositories["models", REPO].files("실험/하나") == {}
    assert {ref.name for ref in api.list_repo_refs(REPO).branches} == {"main", "실험/하나"}
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(REPO, revision="v2")


def test_a_private_repository_is_hidden_from_strangers(hub: HubServer, api: HfApi) -> None:
    api.create_repo(REPO, private=True)
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info(REPO, token=False)


def test_invalid_metadata_is_refused_before_anything_is_sent(hub: HubServer, api: HfApi) -> None:
    api.create_repo(REPO)
    card = CommitOperationAdd("README.md", b"---\nmodel-index: 3\n---\n")
    with pytest.raises(ValueError, match="must be an array"):
        api.create_commit(REPO, [card], commit_message="m")
    assert hub.asked("POST", "/preupload/") == 0


def test_faults_occur_as_often_as_requested(
    hub: HubServer, api: HfApi, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    api.create_repo(REPO)
    hub.fail("POST", "/preupload/", 429, headers={"Retry-After": "7"})
    hub.drop("PUT", "/lfs/", times=2)
    hub.lose("POST", "/commit/")
    weights = b"weights" * 100_000
    with pytest.raises(Exception, match=r"disconnected|reset"):
        api.create_commit(REPO, [CommitOperationAdd("m.safetensors", weights)], commit_message="m")
    assert hub.repositories["models", REPO].files() == {"m.safetensors": weights}
    assert waits == [8.0, 1, 2]
    assert hub.asked("PUT", "/lfs/") == 3
