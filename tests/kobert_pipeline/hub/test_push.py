"""Uploads by the real client to a Hub on this machine, whole and with everything that can go wrong."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import pytest
from finished_run import PLANTED
from hub_server import PART_BYTES, Blob, HubServer
from pushing import CONFIG, REPO, TO, TOKEN, contents, is_untouched, refusal, repository, send

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.hub.bundle import Bundle, model_bundle
from kobert_pipeline.hub.push import Destination, Published, find_token

# --- when all is well --------------------------------------------------------------------------------------------------


def test_one_commit_in_a_private_repository_holds_exactly_the_bundle(hub: HubServer, bundle: Bundle) -> None:
    done = send(bundle, dataclasses.replace(TO, message="첫 모델"))
    found = repository(hub)
    assert found.private
    assert found.files() == contents(bundle)
    assert [commit.message for commit in found.commits.values()] == ["initial commit", "첫 모델"]
    assert found.tags == {"v1": done.commit}
    assert done == Published(REPO, found.branches["main"], "v1", is_new=True)


def test_an_organization_and_everybody_may_be_given_it(hub: HubServer, bundle: Bundle) -> None:
    send(bundle, Destination("org/model", private=False))
    found = repository(hub, "org/model")
    assert not found.private
    assert list(found.tags) == [f"run-{bundle.fingerprint[:8]}"]
    assert found.commits[found.branches["main"]].message == f"Model of the recipe small, run {bundle.fingerprint[:8]}"


def test_a_second_push_of_the_same_finds_it_there(hub: HubServer, bundle: Bundle) -> None:
    first = send(bundle)
    again = send(bundle)
    assert again == dataclasses.replace(first, is_new=False)
    assert hub.asked("POST", "/commit/") == 1


def test_files_of_many_parts_arrive_whole(hub: HubServer, bundle: Bundle, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(bytes(range(256)) * (5 * PART_BYTES // 512))
    bundle = dataclasses.replace(bundle, files=bundle.files | {"model.safetensors": weights})
    send(bundle)
    assert repository(hub).files()["model.safetensors"] == weights.read_bytes()
    assert hub.asked("PUT", "/part/") == 3


def test_a_run_in_a_folder_with_a_korean_name_is_published(
    hub: HubServer, bundle: Bundle, run: dict[str, Path], tmp_path: Path
) -> None:
    moved = {stage: folder.rename(tmp_path / f"{stage} 결과물") for stage, folder in run.items()}
    send(model_bundle(CONFIG, "small", moved, repo=REPO, page="쪽"))
    assert repository(hub).files()["run.html"] == "쪽".encode()


# --- what is there already ---------------------------------------------------------------------------------------------


def test_a_repository_with_other_content_is_refused(hub: HubServer, bundle: Bundle) -> None:
    found = hub.add_repository(REPO, files={"README.md": b"mine", "notes.txt": b"mine"})
    assert "holds other files already (README.md, notes.txt)" in refusal(bundle)
    assert found.files() == {"README.md": b"mine", "notes.txt": b"mine"}
    assert hub.asked("PUT", "/lfs/") == 0


def test_a_branch_puts_it_beside_other_content(hub: HubServer, bundle: Bundle) -> None:
    found = hub.add_repository(REPO, files={"README.md": b"theirs", "notes.txt": b"mine", "model-00001-of-00002.safetensors": b"old"})  # fmt: skip
    send(bundle, dataclasses.replace(TO, revision="실험/하나"))
    assert found.files("실험/하나") == contents(bundle) | {"notes.txt": b"mine"}
    assert found.files("main")["README.md"] == b"theirs"
    assert found.tags == {"v1": found.branches["실험/하나"]}


def test_main_is_replaced_when_it_is_named(hub: HubServer, bundle: Bundle) -> None:
    send(bundle)
    changed = dataclasses.replace(bundle, files=bundle.files | {"run.html": "another page"})
    assert "holds other files already" in refusal(changed, dataclasses.replace(TO, tag="v2"))
    send(changed, Destination(REPO, revision="main", tag="v2"))
    assert repository(hub).files() == contents(changed)
    assert hub.asked("PUT", "/lfs/") == 1, "the weights were there"


def test_a_tag_is_never_moved(hub: HubServer, bundle: Bundle) -> None:
    found = hub.add_repository(REPO)
    found.tags["v1"] = found.branches["main"]
    assert "the tag v1 names another commit" in refusal(bundle)
    assert found.files() == {}


def test_a_public_repository_is_not_given_what_was_to_be_private(hub: HubServer, bundle: Bundle) -> None:
    found = hub.add_repository(REPO, private=False)
    assert "Say --public" in refusal(bundle)
    assert found.files() == {}


# --- who may -----------------------------------------------------------------------------------------------------------


def test_without_a_token_it_says_how_to_get_one(hub: HubServer) -> None:
    with pytest.raises(KobertError, match="Run `hf auth login` once, or set HF_TOKEN"):
        find_token()
    assert hub.requests == []


def test_the_token_comes_from_where_the_hubs_tools_keep_it(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    (tmp_path / "token").write_text("hf_of_file\n", encoding="utf-8")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    assert find_token() == "hf_of_file"
    monkeypatch.setenv("HF_TOKEN", "hf_of_environment")
    assert find_token() == "hf_of_environment"


def test_a_wrong_token_is_told_to_be_renewed(hub: HubServer, bundle: Bundle, waits: list[float]) -> None:
    assert "hf auth login" in refusal(bundle, token="hf_wrong")
    assert (is_untouched(hub), waits) == (True, [])


def test_somebody_elses_name_is_refused_before_anything_is_made(hub: HubServer, bundle: Bundle) -> None:
    assert "not a member of you. Known: me, org, readers." in refusal(bundle, Destination("you/model"))
    assert hub.asked("POST", "") == 0


def test_a_token_that_may_only_read_is_refused_before_anything_is_made(hub: HubServer, bundle: Bundle) -> None:
    hub.add_user("hf_reader", "me", role="read")
    assert "may only read" in refusal(bundle, token="hf_reader")
    assert hub.asked("POST", "") == 0


def test_an_organization_where_one_may_only_read_is_explained(
    hub: HubServer, bundle: Bundle, waits: list[float]
) -> None:
    message = refusal(bundle, Destination("readers/model"))
    assert "may not write to readers/model (403: You don't have the rights" in message
    assert waits == []


# --- what goes wrong on the way ------------------------------------------------------------------------------------------

STEPS = {
    "who": ("GET", "/whoami-v2"),
    "create": ("POST", "/repos/create"),
    "look": ("GET", "/tree/"),
    "card": ("POST", "/validate-yaml"),
    "preupload": ("POST", "/preupload/"),
    "batch": ("POST", "/objects/batch"),
    "upload": ("PUT", "/lfs/"),
    "verify": ("POST", "/verify"),
    "commit": ("POST", "/commit/"),
    "tag": ("POST", "/tag/"),
}


@pytest.mark.parametrize("fault", ["500", "429", "drop", "lose"])
@pytest.mark.parametrize("step", STEPS)
def test_a_passing_failure_at_any_step_is_overcome_with_one_commit(
    hub: HubServer, bundle: Bundle, waits: list[float], step: str, fault: str
) -> None:
    if fault == "drop":
        hub.drop(*STEPS[step])
    elif fault == "lose":
        hub.lose(*STEPS[step])
    else:
        hub.fail(*STEPS[step], int(fault), headers={"Retry-After": "7"} if fault == "429" else {})
    done = send(bundle)
    found = repository(hub)
    assert found.files() == contents(bundle)
    assert len(found.commits) == 2
    assert found.tags == {"v1": done.commit}
    assert waits, "it waited before it tried again"
    assert fault != "429" or max(waits) >= 7


@pytest.mark.system
@pytest.mark.parametrize(
    "step", [step for step in STEPS if step != "verify"]
)  # a second attempt finds the object there
def test_a_lasting_failure_is_one_line_publishes_nothing_by_half_and_a_second_push_finishes(
    hub: HubServer, bundle: Bundle, waits: list[float], step: str
) -> None:
    hub.fail(*STEPS[step], 500, times=1_000, message="내부 오류")
    message = refusal(bundle)
    assert "The Hub has a problem (500" in message
    assert "Run the same command to continue" in message
    assert is_untouched(hub) or step == "tag"
    hub.faults.clear()
    send(bundle)
    assert repository(hub).files() == contents(bundle)
    assert len(repository(hub).commits) == 2
    assert hub.asked("PUT", "/lfs/") <= 1 or step == "upload", "the weights are sent once"


def test_a_connection_that_always_breaks_during_the_upload_is_explained(
    hub: HubServer, bundle: Bundle, waits: list[float]
) -> None:
    hub.drop("PUT", "/lfs/", times=1_000)
    assert "The connection to the Hub broke" in refusal(bundle)
    assert is_untouched(hub)


def test_a_hub_that_is_not_there_is_explained(
    hub: HubServer, bundle: Bundle, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "The Hub cannot be reached" in refusal(bundle)


def test_a_hub_that_asks_for_too_long_a_wait_is_not_waited_for(
    hub: HubServer, bundle: Bundle, waits: list[float]
) -> None:
    hub.fail("POST", "/commit/", 429, headers={"Retry-After": "3600"}, times=1_000)
    assert "come back in 3600 seconds" in refusal(bundle)
    assert (is_untouched(hub), waits) == (True, [])


def test_a_commit_of_somebody_else_in_between_is_not_overwritten(
    hub: HubServer, bundle: Bundle, waits: list[float]
) -> None:
    found = hub.add_repository(REPO)
    theirs = {"theirs.txt": Blob(b"theirs", lfs=False)}
    hub.meanwhile("POST", "/commit/", lambda: found.commit("main", "theirs", theirs))
    assert "holds other files already (theirs.txt)" in refusal(bundle)
    assert found.files() == {"theirs.txt": b"theirs"}
    assert found.tags == {}


def test_a_conflict_that_stays_is_explained(hub: HubServer, bundle: Bundle, waits: list[float]) -> None:
    hub.fail("POST", "/commit/", 409, times=1_000, message="conflict")
    assert "Something else changed me/model at the same time (409: conflict)" in refusal(bundle)
    assert is_untouched(hub)


def test_a_card_that_the_hub_does_not_take_stops_before_the_upload(hub: HubServer, bundle: Bundle) -> None:
    broken = dataclasses.replace(bundle, files=bundle.files | {"README.md": "---\nmodel-index: 3\n---\n"})
    assert '"model-index" must be an array' in refusal(broken)
    assert hub.asked("PUT", "/lfs/") == 0


def test_a_server_that_repeats_the_token_does_not_make_us_repeat_it(hub: HubServer, bundle: Bundle) -> None:
    hub.fail("POST", "/commit/", 403, message=f"no rights for {TOKEN}")
    assert "no rights for (token)" in refusal(bundle)


# --- what must never be sent -------------------------------------------------------------------------------------------


def test_no_uploaded_byte_tells_of_home_user_token_or_corpus(
    hub: HubServer, bundle: Bundle, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    assert PLANTED in ((bundle.tokenizer or Path()) / "golden.json").read_text(encoding="utf-8"), (
        "the sentence is in reach"
    )
    send(bundle)
    sent = b"\n".join([*hub.received, *repository(hub).files().values()])
    assert b"model-index" in sent
    for secret in (str(tmp_path), TOKEN, PLANTED, PLANTED[:12]):
        assert secret.encode() not in sent
    assert TOKEN not in caplog.text
