"""A table: every request of a push x everything that can be wrong with its answer -> one line, or a push that is whole.

Not tried: a proxy that is there but wrong (no proxy runs here), broken certificates (the local Hub speaks HTTP), and uploads
by Xet (its client is a binary that needs a storage server); `ground/hub_problems.py` treats their errors as it treats others.
"""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from finished_run import finish, publish
from hub_server import HubServer
from pushing import CONFIG, REPO, TO, TOKEN, contents, is_untouched, refusal, repository, send

from kobert_pipeline.ground import hub_client
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.hub import build as stage
from kobert_pipeline.hub.bundle import Bundle, model_bundle
from kobert_pipeline.hub.push import Destination, Published, find_token, push

CALLS = {
    "who": ("GET", "/whoami-v2"),
    "info": ("GET", f"/models/{REPO}$"),
    "create": ("POST", "/repos/create"),
    "refs": ("GET", "/refs$"),
    "head": ("GET", "/revision/"),
    "look": ("GET", "/tree/"),
    "card": ("POST", "/validate-yaml"),
    "preupload": ("POST", "/preupload/"),
    "batch": ("POST", "/objects/batch"),
    "upload": ("PUT", "/lfs/"),
    "verify": ("POST", "/verify"),
    "commit": ("POST", "/commit/"),
    "tag": ("POST", "/tag/"),
    "branch": ("POST", "/branch/"),
}
"""Every kind of request of a push to a new branch of a new repository."""
NOT_DONE = "never uploaded|no such object|did not make the branch|but not the tag|shows this token no repository"
HTML = b"<!doctype html><html><head><title>Cafe Wi-Fi</title></head><body>log in</body></html>"
ODD = "answer is (empty|not)|does not say whose|names no commit|is called|does not say whether|" + NOT_DONE
BODIES = {
    "empty": (b"", ODD),
    "a list": (b"[]", ODD),
    "a list of numbers": (b"[1, 2]", ODD),
    "a number": (b"5", ODD),
    "a text": (b'"ok"', ODD),
    "null": (b"null", ODD),
    "an object": (b"{}", ODD),
    "other fields": (b'{"name": 5, "id": 7, "sha": 1, "files": 3, "objects": 4, "commitOid": 5, "commitUrl": 6}', ODD),
    "null fields": (b'{"name": null, "id": null, "sha": null, "files": null, "objects": null, "url": null}', ODD),
    "empty lists": (b'{"files": [], "objects": [], "branches": [], "tags": [], "converts": []}', ODD),
    "truncated": (b'{"name": "m', ODD),
    "not text": (b"\xff\xfe\x00", ODD),
}

FEW = ("an object", "truncated")
"""Tried in the fast tier, for every request; the others in the system tier."""


def tiers(rows: dict[str, object] | list[bytes], few: tuple[object, ...]) -> list[object]:
    return [pytest.param(row, marks=() if row in few else pytest.mark.system) for row in rows]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Bundle:
    """One for all rows of the table: a push does not change it."""
    root = tmp_path_factory.mktemp("pushed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "check_folder", lambda folder, use, **_: None)
        folders = finish(root / "run", model)
        folders |= {"hub": publish(root / "run", folders, CONFIG).parent}
    return model_bundle(CONFIG, "small", folders, repo=REPO, page="<!doctype html><p>a run</p>")


NEW_BRANCH = Destination(REPO, revision="실험", tag="v1")


def outcome(bundle: Bundle, to: Destination = NEW_BRANCH) -> str:
    """The one line of a push that fails; empty for one that says it succeeded."""
    try:
        send(bundle, to)
    except KobertError as error:
        message = str(error)
        assert "\n" not in message
        assert TOKEN not in message
        return message
    return ""


@pytest.mark.parametrize("fault", tiers(BODIES, FEW))
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_of_another_form_is_one_line_or_does_no_harm(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str, fault: str
) -> None:
    body, shown = BODIES[fault]
    hub.reply(*CALLS[call], body)
    message = outcome(bundle)
    if message:
        assert re.search(shown, message), message
        hub.faults.clear()
        send(bundle, NEW_BRANCH)
    found = repository(hub)
    assert found.files("실험") == contents(bundle)
    assert found.tags == {"v1": found.branches["실험"]}
    assert len(found.commits) == 2


@pytest.mark.parametrize("call", CALLS)
def test_a_web_page_instead_of_an_answer_is_told_at_once(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str
) -> None:
    hub.reply(*CALLS[call], HTML, headers={"Content-Type": "text/html; charset=utf-8"})
    assert "A web page came back instead of the Hub's answer" in outcome(bundle)
    assert waits == []


@pytest.mark.system
@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_is_told_with_the_reason_of_whoever_refused(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str
) -> None:
    hub.reply(*CALLS[call], HTML, status=418, headers={"Content-Type": "text/html"})
    assert re.search("418: Cafe Wi-Fi|web page came back", outcome(bundle))


@pytest.mark.parametrize(
    "body", tiers([b"[]", b"5", b"", b"null", b'{"errors": [5]}', b'{"error": {"a": 1}}', b"\xff"], (b"[]",))
)
@pytest.mark.parametrize("call", CALLS)
def test_an_error_whose_body_has_another_form_is_one_line(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str, body: bytes
) -> None:
    hub.reply(*CALLS[call], body, status=422)
    assert re.search("422|client expects|answer is", outcome(bundle))


@pytest.mark.system
@pytest.mark.parametrize("call", CALLS)
def test_redirects_without_end_are_one_line(hub: HubServer, bundle: Bundle, waits: list[float], call: str) -> None:
    hub.reply("GET", "/circle", b"", status=307, headers={"Location": f"{hub.url}/circle"})
    hub.reply("POST", "/circle", b"", status=307, headers={"Location": f"{hub.url}/circle"})
    hub.reply("PUT", "/circle", b"", status=307, headers={"Location": f"{hub.url}/circle"})
    hub.reply(*CALLS[call], b"", status=307, headers={"Location": f"{hub.url}/circle"})
    assert re.search("circle|connection|expects", outcome(bundle))


@pytest.mark.system
@pytest.mark.parametrize("call", CALLS)
def test_a_hub_that_never_answers_is_not_waited_for(
    hub: HubServer, bundle: Bundle, waits: list[float], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(hub_client, "ANSWER_SECONDS", 0.2)
    stop = threading.Event()
    for _ in range(100):
        hub.meanwhile(*CALLS[call], lambda: stop.wait(20))
    try:
        assert re.search("does not answer in time", outcome(bundle))
    finally:
        stop.set()


@pytest.mark.system
@pytest.mark.parametrize("call", CALLS)
def test_a_connection_that_is_always_reset_is_one_line(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str
) -> None:
    hub.drop(*CALLS[call], times=1_000)
    assert "The connection to the Hub broke" in outcome(bundle) or call == "verify"  # a second attempt finds the object


@pytest.mark.system
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_that_is_cut_off_is_one_line(hub: HubServer, bundle: Bundle, waits: list[float], call: str) -> None:
    hub.reply(*CALLS[call], b'{"name"', headers={"Content-Length": "700", "Connection": "close"})
    assert "The connection to the Hub broke" in outcome(bundle) or call == "verify"  # a second attempt finds the object


# --- 403: the Hub's own reason -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "Private repository storage limit reached. Upgrade your plan, or delete files.",
        "You have exceeded your storage quota: a token with more rights does not help.",
        "Access to this resource is disabled.",
        "저장 공간이 가득 찼습니다",
    ],
)
@pytest.mark.parametrize("call", ["info", "preupload", "batch", "commit"])
def test_a_denial_that_is_not_about_rights_quotes_the_hub_and_blames_no_token(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str, said: str
) -> None:
    headers = {"X-Error-Message": said} if said.isascii() else {}
    hub.fail(*CALLS[call], 403, times=1_000, message=said, headers=headers)
    message = refusal(bundle)
    assert said.rstrip(".") in message
    assert "This token may not" not in message
    assert waits == []


def test_an_upload_address_that_expired_is_asked_for_again(hub: HubServer, bundle: Bundle, waits: list[float]) -> None:
    expired = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>'
    hub.reply("PUT", "/lfs/", expired, status=403, times=1, headers={"Content-Type": "application/xml"})
    send(bundle)
    assert repository(hub).files() == contents(bundle)
    assert hub.asked("POST", "/objects/batch") == 2


def test_a_storage_that_always_refuses_is_quoted(hub: HubServer, bundle: Bundle, waits: list[float]) -> None:
    expired = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    hub.reply("PUT", "/lfs/", expired, status=403, headers={"Content-Type": "application/xml"})
    assert "The storage refused the upload (403: Request has expired)" in refusal(bundle)
    assert is_untouched(hub)


def test_an_error_of_one_object_is_quoted(hub: HubServer, bundle: Bundle, waits: list[float]) -> None:
    body = b'{"objects": [{"oid": "0", "size": 1, "error": {"code": 507, "message": "no space for this object"}}]}'
    hub.reply("POST", "/objects/batch", body)
    message = refusal(bundle)
    assert "The Hub refused a file" in message
    assert "no space for this object" in message


# --- 429 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"api";r=0;t=41', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}, 41),
        ({"RateLimit": "r=0;t=41"}, 41),
        ({"RateLimit": '"api"; r=3; t=41'}, 41),
        ({"RateLimit-Reset": "41"}, 41),
        ({"Retry-After": "41"}, 41),
        ({"Retry-After": "41", "RateLimit": '"api";r=0;t=9'}, 41),
        ({"Retry-After": "soon"}, 60),
        ({}, 60),
    ],
)
@pytest.mark.parametrize("call", ["who", "commit", "tag"])
def test_the_wait_is_the_one_that_the_hub_asks_for(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str, headers: dict[str, str], seconds: int
) -> None:
    hub.fail(*CALLS[call], 429, headers=headers)
    send(bundle)
    assert [round(wait) for wait in waits] == [seconds]


def test_a_wait_until_a_date_is_understood(hub: HubServer, bundle: Bundle, waits: list[float]) -> None:
    hub.fail(*CALLS["commit"], 429, headers={"Retry-After": formatdate(time.time() + 90, usegmt=True)})
    send(bundle)
    assert 85 < waits[0] <= 90


@pytest.mark.system
@pytest.mark.parametrize("headers", [{"RateLimit": '"api";r=0;t=4000'}, {"Retry-After": "4000"}])
@pytest.mark.parametrize("call", CALLS)
def test_a_wait_of_an_hour_is_told_at_once(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str, headers: dict[str, str]
) -> None:
    hub.fail(*CALLS[call], 429, headers=headers, times=1_000)
    assert "come back in 4000 seconds" in outcome(bundle)
    assert waits == []


# --- what is wrong on this machine is told at once ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("http://127.0.0.1:9", "The Hub cannot be reached"),
        ("https://no-such-host.invalid", "The Hub cannot be reached"),
        ("huggingface.co", "HF_ENDPOINT huggingface.co: not an address"),
        ("htps://huggingface.co", "HF_ENDPOINT htps://huggingface.co: not an address"),
        ("http://", "HF_ENDPOINT http://: not an address"),
        ("http://host:port", "HF_ENDPOINT http://host:port: not an address"),
        ("ftp://me:secret@host", "HF_ENDPOINT ftp://…@host: not an address"),
    ],
)
def test_a_bad_endpoint_is_told_at_once(
    hub: HubServer, bundle: Bundle, waits: list[float], monkeypatch: pytest.MonkeyPatch, endpoint: str, shown: str
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    message = refusal(bundle)
    assert shown in message
    assert "secret" not in message
    assert waits == []


def test_offline_mode_is_told_at_once(
    hub: HubServer, bundle: Bundle, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refusal(bundle)
    assert (waits, hub.requests) == ([], [])


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("address", ["socks9://me:secret@host:1", "proxy://host", "http://", "http://host:99999999"])
def test_a_proxy_of_an_unknown_kind_is_told_at_once(
    hub: HubServer, bundle: Bundle, waits: list[float], monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)
    message = refusal(bundle)
    assert f"{name.upper()} {address.replace('me:secret', '…')}: not an address of a proxy" in message
    assert (waits, hub.requests) == ([], [])


@pytest.mark.parametrize("token", ["hf_한글", "hf_a\nb", "hf_a b", "hf_\x1b[31m", "hf_é"])
def test_a_token_with_impossible_characters_is_refused_and_not_shown(
    hub: HubServer, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    with pytest.raises(KobertError, match="has characters that no token has") as caught:
        push(bundle, TO, token=token)
    assert token[3:] not in str(caught.value)
    assert hub.requests == []


def test_a_token_file_that_is_not_text_is_one_line(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    (tmp_path / "token").write_bytes(b"\xff\xfe\x00hf")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(KobertError, match="cannot be read"):
        find_token()


# --- names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["main", "experiment"])
def test_a_tag_that_is_the_branch_of_the_push_is_refused(tag: str) -> None:
    with pytest.raises(InputError, match=f"--tag {tag}: this is the name of a branch"):
        Destination(REPO, revision="experiment", tag=tag)


@pytest.mark.parametrize(
    "name",
    ["HEAD", "a..b", "a b", "-a", ".a", "a/.b", "a.lock", "a.lock/b", "a/", "a//b", "a.", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "@", "a@{b", "refs/tags/v1", "a\n", "0" * 40, "x" * 300],
)  # fmt: skip
def test_a_name_that_git_does_not_take_is_refused(name: str) -> None:
    for option, given in (("tag", {"tag": name}), ("revision", {"revision": name})):
        with pytest.raises(InputError, match=f"--{option} .*not a name that git allows") as caught:
            Destination(REPO, **given)
        assert "\n" not in str(caught.value)


def test_a_branch_without_a_name_is_refused() -> None:
    with pytest.raises(InputError, match="--revision ''"):
        Destination(REPO, revision="")


@pytest.mark.parametrize(
    ("to", "shown"),
    [
        (Destination(REPO, tag="dev"), f"--tag dev: {REPO} has a branch of this name"),
        (Destination(REPO, tag="old/1"), "--tag old/1: git cannot keep it next to old"),
        (Destination(REPO, tag="v"), "--tag v: git cannot keep it next to v/1"),
        (Destination(REPO, tag="v2", revision="old"), f"--revision old: {REPO} has a tag of this name"),
        (Destination(REPO, tag="v2", revision="dev/1"), "--revision dev/1: git cannot keep it next to dev"),
        (Destination(REPO, tag="old"), "the tag old names another commit"),
    ],
)
def test_a_name_that_is_taken_sends_nothing(
    hub: HubServer, bundle: Bundle, waits: list[float], to: Destination, shown: str
) -> None:
    found = hub.add_repository(REPO)
    first = found.branches["main"]
    found.branches["dev"] = first
    found.tags |= {"old": first, "v/1": first}
    assert shown in refusal(bundle, to)
    assert (len(found.commits), waits) == (1, [])
    assert set(found.branches) == {"main", "dev"}
    assert hub.asked("PUT", "/lfs/") == 0


def test_a_repository_that_was_renamed_is_named(hub: HubServer, bundle: Bundle, waits: list[float]) -> None:
    hub.add_repository("me/new")
    moved = {"Location": f"{hub.url}/api/models/me/new"}
    hub.reply("GET", f"/models/{REPO}$", b"", status=307, headers=moved)
    assert f"{REPO} is called me/new on the Hub. Nothing was sent. Say --to me/new" in refusal(bundle)


# --- two at once -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["info", "create", "head", "look", "preupload", "upload", "commit", "tag"])
def test_of_two_equal_pushes_at_once_both_find_it_published(
    hub: HubServer, bundle: Bundle, waits: list[float], call: str
) -> None:
    """The second runs as a whole while the first is in the middle of a request."""
    others: list[Published] = []
    hub.meanwhile(*CALLS[call], lambda: others.append(send(bundle)))
    done = send(bundle)
    found = repository(hub)
    assert found.files() == contents(bundle)
    assert len(found.commits) == 2
    assert {done.commit, *(other.commit for other in others)} == {found.branches["main"]}
    assert found.tags == {"v1": done.commit}


def test_a_repository_that_is_not_shown_at_first_is_waited_for(
    hub: HubServer, bundle: Bundle, waits: list[float]
) -> None:
    """Somebody else made it a moment ago: it exists, but cannot be read yet."""
    hub.fail(*CALLS["create"], 409, message="You already created this model repo")
    hub.fail("GET", "/refs$", 404, message="Repository not found", headers={"X-Error-Code": "RepoNotFound"})
    send(bundle)
    assert repository(hub).files() == contents(bundle)


def test_a_hub_that_is_always_busy_making_the_repository_is_not_asked_without_end(
    hub: HubServer, bundle: Bundle, waits: list[float]
) -> None:
    said = "Cannot create repo: another conflicting operation is in progress"
    hub.fail(*CALLS["create"], 409, times=1_000, message=said)
    assert said in refusal(bundle)
    assert hub.asked("POST", "/repos/create") == 4


def test_two_different_pushes_at_once_leave_one_of_them_whole(
    hub: HubServer, bundle: Bundle, waits: list[float]
) -> None:
    other = dataclasses.replace(bundle, files=bundle.files | {"run.html": "another page"})
    hub.meanwhile(*CALLS["commit"], lambda: send(other, dataclasses.replace(TO, tag="v2")))
    assert "holds other files already" in refusal(bundle)
    assert repository(hub).files() == contents(other)
