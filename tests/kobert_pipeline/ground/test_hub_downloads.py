"""The same faults on the way down: every reader of the Hub x every odd answer -> one line with the address and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import HubServer

from klue_eval.data.hub_copy import hub_commit
from klue_eval.model_folders import resolve_model
from kobert_pipeline.ground.addresses import WEIGHTS, identity, local_folder
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.files import FileHashes

REPO = "me/bert"
FILES = {"config.json": b"{}", "model.safetensors": b"weights"}


def continue_from(folder: Path) -> Path:
    name, setting = f"hub:{REPO}", "pretrain.continue_from"
    return local_folder(name, setting, WEIGHTS, identity(name, setting, WEIGHTS, FileHashes(folder)))


READERS: dict[str, Callable[[Path], object]] = {
    "continue_from, adopt": continue_from,
    "eval": lambda folder: resolve_model(REPO),
    "KLUE": lambda folder: hub_commit(f"hub:{REPO}"),
}
HTML = {"Content-Type": "text/html"}
FAULTS: dict[str, tuple[Callable[[HubServer], None], str]] = {
    "a web page": (lambda hub: hub.reply("GET", "/api/", b"<html>", headers=HTML), "A web page came back"),
    "empty": (lambda hub: hub.reply("GET", "/api/", b""), "answer is empty"),
    "truncated": (lambda hub: hub.reply("GET", "/api/", b'{"id": "m'), "not the JSON"),
    "a list": (lambda hub: hub.reply("GET", "/api/", b"[]"), "not what its client expects"),
    "a number": (lambda hub: hub.reply("GET", "/api/", b"7"), "not what its client expects"),
    "no fields": (lambda hub: hub.reply("GET", "/api/", b"{}"), "not what its client expects|no commit"),
    "null commit": (lambda hub: hub.reply("GET", "/api/", json.dumps({"id": REPO, "sha": None}).encode()), "no commit|expects"),
    "denied": (lambda hub: hub.fail("GET", "/api/", 403, times=99, message="Access is disabled"), "403: Access is disabled"),
    "no token": (lambda hub: hub.fail("GET", "/api/", 401, times=99, message="who?"), "hf auth login"),
    "down": (lambda hub: hub.fail("GET", "/api/", 503, times=99, message="maintenance"), "503: maintenance"),
    "reset": (lambda hub: hub.drop("GET", "/api/", times=99), "connection to the Hub broke"),
    "cut off": (lambda hub: hub.reply("GET", "/api/", b"{", headers={"Content-Length": "99", "Connection": "close"}), "connection to the Hub broke"),
    "missing": (lambda hub: hub.repositories.clear(), "no repository"),
    "slow down": (lambda hub: hub.fail("GET", "/api/", 429, times=99, headers={"RateLimit": '"api";r=0;t=4000'}), "come back in 4000 seconds"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def failure(reader: str, folder: Path) -> str:
    with pytest.raises(KobertError) as caught:
        READERS[reader](folder)
    message = str(caught.value)
    assert "\n" not in message
    assert "hf_mine" not in message
    return message


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("reader", READERS)
def test_an_odd_answer_is_one_line_with_the_address(
    hub: HubServer, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, fault: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    hub.add_repository(REPO, files=FILES, kind="datasets" if reader == "KLUE" else "models")
    cause, shown = FAULTS[fault]
    cause(hub)
    message = failure(reader, tmp_path)
    assert REPO in message
    assert any(part in message for part in shown.split("|")), message


@pytest.mark.parametrize("reader", READERS)
def test_a_token_that_is_no_token_is_not_shown(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_비밀번호")
    message = failure(reader, tmp_path)
    assert "token has characters that no token has" in message
    assert "비밀" not in message


@pytest.mark.parametrize("reader", READERS)
def test_offline_mode_a_bad_address_and_a_bad_proxy_are_named(
    hub: HubServer, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in failure(reader, tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "htp://x")
    assert "HF_ENDPOINT htp://x: not an address" in failure(reader, tmp_path)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "The Hub cannot be reached" in failure(reader, tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", "socks9://a:b@c")
    assert "HTTPS_PROXY socks9://…@c: not an address of a proxy" in failure(reader, tmp_path)
    assert waits == []


def test_a_download_whose_file_is_cut_off_is_one_line(hub: HubServer, waits: list[float], tmp_path: Path) -> None:
    hub.add_repository(REPO, files=FILES, private=False)
    hub.drop("GET", "/resolve/", times=99)
    assert "connection to the Hub broke" in failure("continue_from, adopt", tmp_path)


def test_what_is_whole_is_downloaded(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repository(REPO, files=FILES, private=False)
    assert (continue_from(tmp_path) / "model.safetensors").read_bytes() == b"weights"
