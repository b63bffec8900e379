from __future__ import annotations

import pytest

from kobert_pipeline.hub.scan import SECRETS, leaks

EXAMPLES = {
    "a Hugging Face token": "hf_" + "aB3" * 12,
    "an AWS access key": "AKIA" + "ABCD1234" * 2,
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a Google API key": "AIza" + "aB3-_" * 7,
    "a Slack token": "xoxb-1234567890-abc",
    "an API key": "sk-" + "a1B2" * 10,
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    "a password in an address": "https://me:secret@example.org/x",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_every_kind_of_secret_is_found_in_korean_text_and_never_repeated(kind: str) -> None:
    found = leaks(f"내 열쇠는 {EXAMPLES[kind]} 입니다", places=())
    assert found == [kind]
    assert EXAMPLES[kind] not in found[0]


@pytest.mark.parametrize(
    "text", ["hf://datasets/me/texts", "https://huggingface.co/me", "sk-learn", "0" * 64, "risk-" + "word-" * 3]
)
def test_ordinary_text_is_no_secret(text: str) -> None:
    assert leaks(text, places=()) == []


def test_a_known_secret_of_any_shape_is_found() -> None:
    assert leaks("my-odd-token", places=(), secrets=["odd-token"]) == ["your Hub token"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/home/me/texts", True),
        ("at /home/me", True),
        ("/home/me.", True),
        ("/home/melanie/x", False),
        ("home/me", False),
    ],
)
def test_a_local_folder_is_found_and_a_longer_name_is_not(text: str, found: bool) -> None:
    assert (leaks(text, places=["/home/me"]) != []) is found
