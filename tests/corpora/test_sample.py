"""The sample corpus: small, varied, our own, and as untidy as real text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import combinations

from corpora.cleaning import clean
from corpora.config import CorporaConfig, FilterConfig, SourceConfig
from corpora.documents import Document
from corpora.inputs import input_files
from corpora.phases.every_document import raw_shards
from corpora.steps.filters import keep

GENRES = ("dialogue", "encyclopedia", "howto", "law", "news", "reviews")
EMAIL = re.compile(r"[\w.+-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
URL = re.compile(r"(?:https?://|www\.)([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")
DOMAIN = re.compile(r"\b(?:[A-Za-z0-9-]+\.)+(?:com|net|org|kr|io|gov|edu|info|biz|me|co|jp|cn)\b", re.IGNORECASE)
PHONE = re.compile(r"\b0\d{1,2}-\d{3,4}-\d{4}\b")


@cache
def _raw() -> list[Document]:
    config = CorporaConfig(sources=(SourceConfig(name="sample", path="package:corpora/sample"),))
    items = [raw.document for shard in raw_shards(config, input_files(config)) for raw in shard.items]
    documents = [item for item in items if isinstance(item, Document)]
    assert len(documents) == len(items), "every record of the sample is readable"
    return documents


@cache
def _kept() -> list[Document]:
    """Cleaned, filtered and without exact duplicates, as the stage keeps them."""
    cleaned = [Document(raw.doc_id, raw.source, clean(raw.text)) for raw in _raw()]
    cleaned = [document for document in cleaned if keep(document, FilterConfig()) is None]
    return list({document.text: document for document in reversed(cleaned)}.values())[::-1]


def _all_text() -> str:
    return "\n\n".join(document.text for document in _raw())


def test_at_least_two_hundred_documents_are_kept() -> None:
    assert len(_kept()) >= 200


def test_there_are_six_genres_and_all_are_kept() -> None:
    config = CorporaConfig(sources=(SourceConfig(name="sample", path="package:corpora/sample"),))
    names = {file.address.rsplit("/", 1)[-1].split(".")[0] for file in input_files(config)}
    genres = Counter(document.doc_id.rsplit("-", 1)[0] for document in _kept())
    assert names == set(genres) == set(GENRES)
    assert min(genres.values()) >= 20


def test_documents_have_names_of_their_own() -> None:
    names = Counter(document.doc_id for document in _raw())
    assert [name for name, count in names.items() if count > 1] == []


def _grams(text: str) -> frozenset[str]:
    syllables = "".join(character for character in text if "가" <= character <= "힣")
    return frozenset(syllables[start : start + 5] for start in range(len(syllables) - 4))


def test_no_two_documents_share_half_of_their_syllable_five_grams() -> None:
    grams = {document.doc_id: _grams(document.text) for document in _kept()}
    similar = [
        (one, other)
        for one, other in combinations(grams, 2)
        if 2 * len(grams[one] & grams[other]) >= min(len(grams[one]), len(grams[other]))
    ]
    assert similar == []


def test_the_sample_is_as_untidy_as_real_text() -> None:
    text = _all_text()
    assert any(unicodedata.normalize("NFC", document.text) != document.text for document in _raw()), "decomposed Hangul"
    assert re.search(r"</?(?:b|p|br|a)\b[^>]*>", text), "tags"
    assert re.search(r"&[a-z]+;", text), "entities"
    assert URL.search(text), "a URL"
    assert EMAIL.search(text), "an e-mail address"
    assert PHONE.search(text), "a telephone number"


def test_the_sample_holds_exact_duplicates() -> None:
    texts = Counter(clean(document.text) for document in _raw())
    assert sum(count > 1 for count in texts.values()) >= 2


def test_every_address_in_the_sample_is_an_example() -> None:
    text = _all_text()
    domains = {*EMAIL.findall(text), *URL.findall(text), *DOMAIN.findall(text)}
    assert domains
    assert {domain for domain in domains if not re.search(r"(?:^|\.)example\.[a-z.]+$", domain.lower())} == set()
