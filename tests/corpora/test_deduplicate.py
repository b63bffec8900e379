"""Exact duplicates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from corpora.deduplicate import DIGEST_BYTES, digest, first_occurrences


def test_spacing_does_not_tell_documents_apart() -> None:
    assert digest("아버지가 방에\n들어가신다.") == digest("아버지가방에 들어가신다. ")


def test_anything_but_spacing_does() -> None:
    texts = ["아버지가 방에", "아버지가 방에.", "아버지가 빙에", "에방 가지버아", ""]
    assert len({digest(text) for text in texts}) == len(texts)
    assert all(len(digest(text)) == DIGEST_BYTES for text in texts)


def test_a_digest_is_the_same_in_every_process() -> None:
    assert digest("한글").hex() == "d60cd8a9198831dc2fceec1714fe285d"


def test_the_first_of_equals_stays() -> None:
    assert first_occurrences([b"a", b"b", b"a", b"a", b"c", b"b"]) == [True, True, False, False, True, False]


@given(st.lists(st.binary(max_size=1)))
def test_what_stays_is_every_digest_once_in_order_of_appearance(digests: list[bytes]) -> None:
    stays = [value for value, first in zip(digests, first_occurrences(digests), strict=True) if first]
    assert stays == list(dict.fromkeys(digests))
