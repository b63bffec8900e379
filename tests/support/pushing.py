"""Pushes of a bundle to the Hub on this machine, and what became of them."""

from __future__ import annotations

import pytest
from hub_server import HubServer, Repository

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.hub.bundle import Bundle
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.push import Destination, Published, push

CONFIG = HubConfig(license="CC-BY-SA-4.0", title="Small Korean model")
REPO = "me/model"
TO = Destination(REPO, tag="v1")
TOKEN = "hf_mine"


def send(bundle: Bundle, to: Destination = TO, token: str = TOKEN) -> Published:
    return push(bundle, to, token=token)


def contents(bundle: Bundle) -> dict[str, bytes]:
    return {
        name: content.encode() if isinstance(content, str) else content.read_bytes()
        for name, content in bundle.files.items()
    }


def repository(hub: HubServer, name: str = REPO) -> Repository:
    return hub.repositories["models", name]


def refusal(bundle: Bundle, to: Destination = TO, token: str = TOKEN) -> str:
    """What a push that must fail tells its user."""
    with pytest.raises(KobertError) as caught:
        send(bundle, to, token)
    message = str(caught.value)
    assert "\n" not in message
    assert token not in message
    return message


def is_untouched(hub: HubServer, name: str = REPO) -> bool:
    """Whether nothing of the model can be seen there."""
    found = hub.repositories.get(("models", name))
    return found is None or (found.files() == {} and found.tags == {})
