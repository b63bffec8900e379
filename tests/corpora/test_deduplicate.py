"""Equal and nearly equal documents: the first stays."""

from __future__ import annotations

import random
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.phases.duplicates import PERMUTATIONS, clusters, digests, first_occurrences, signatures
from corpora.shingles import letters, shingles

SYLLABLES = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호"


def _text(draw: random.Random, length: int = 400) -> str:
    return "".join(draw.choice(SYLLABLES) for _ in range(length))


# --- equal -----------------------------------------------------------------------------------------------------------


def test_spaces_marks_and_case_do_not_tell_documents_apart() -> None:
    same = letters(["아버지가 방에\n들어가신다. OK", "아버지가방에 들어가신다! ok"])
    assert same[0] == same[1] == "아버지가방에들어가신다ok"
    assert len(set(digests(same).tolist())) == 1


def test_letters_and_digits_do() -> None:
    texts = ["아버지가 방에", "아버지가 빙에", "에방 가지버아", "아버지가 방에 2", ""]
    assert len(set(digests(letters(texts)).tolist())) == len(texts)


def test_a_digest_is_the_same_in_every_process() -> None:
    assert digests(["한글"]).tolist() == [7622455218526830373]


def _parts(folder: Path, values: list[int], cuts: list[int]) -> list[Path]:
    paths = []
    for number, part in enumerate(
        np.split(np.array(values, np.uint64), sorted(cut % (len(values) + 1) for cut in cuts))
    ):
        paths.append(folder / f"{number}.npy")
        np.save(paths[-1], part)
    return paths


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 50), max_size=3), st.sampled_from([1, 3, 1_000]))
def test_the_first_of_equals_stays_however_the_work_is_cut(
    tmp_path_factory: pytest.TempPathFactory, values: list[int], cuts: list[int], most: int
) -> None:
    parts = _parts(tmp_path_factory.mktemp("parts"), values, cuts)
    stays = [value for value, first in zip(values, first_occurrences(parts, most), strict=True) if first]
    assert stays == list(dict.fromkeys(values))


# --- nearly equal ----------------------------------------------------------------------------------------------------


def test_shingles_are_those_of_each_text_and_of_no_two() -> None:
    hashes, offsets = shingles(["가나다라", "가나", "", "나다라마"], 3)
    assert offsets.tolist() == [0, 2, 3, 4, 6]
    parts = [set(hashes[begin:end].tolist()) for begin, end in pairwise(offsets)]
    assert len(parts[0] & parts[3]) == 1  # 나다라
    assert not parts[0] & parts[1]
    assert shingles(letters(["가 나, 다라!"]), 3)[0].tolist() == shingles(["가나다라"], 3)[0].tolist()


@given(st.lists(st.text(max_size=12), max_size=6), st.integers(1, 6))
def test_two_texts_share_shingles_exactly_as_their_letters_do(texts: list[str], n: int) -> None:
    def expected(text: str) -> list[str]:
        return [text[at : at + n] for at in range(max(1, len(text) - n + 1))]

    hashes, offsets = shingles(letters(texts), n)
    found = [hashes[begin:end].tolist() for begin, end in pairwise(offsets)]
    wanted = [expected(text) for text in letters(texts)]
    assert [len(part) for part in found] == [len(part) for part in wanted]
    names = dict(zip(chain(*wanted), chain(*found), strict=True))
    assert len(set(names.values())) == len(names)
    assert [[names[shingle] for shingle in part] for part in wanted] == found


def test_signatures_estimate_the_share_of_common_shingles() -> None:
    draw = random.Random(3)
    base = _text(draw, 1_000)
    half = base[:667] + _text(draw, 333)  # about half of the union is common
    values = signatures(letters([base, half, _text(draw, 1_000)]))
    assert values.shape == (3, PERMUTATIONS)
    assert (values[0] == values[1]).mean() == pytest.approx(0.5, abs=0.13)
    assert (values[0] == values[2]).mean() < 0.05


def test_a_text_joins_the_first_that_is_nearly_it() -> None:
    draw = random.Random(1)
    texts = [_text(draw) for _ in range(50)]
    near = texts[7][:-8] + _text(draw, 8)
    found = clusters(signatures(letters([*texts, near, texts[7]])), np.ones(52, np.bool_), 0.8)
    assert found.tolist() == [*range(50), 7, 7]


def test_what_is_no_candidate_meets_nobody() -> None:
    values = signatures(["가나다라마바사" * 9] * 3)
    assert clusters(values, np.array([True, False, True]), 0.8).tolist() == [0, 1, 0]
    assert clusters(values, np.zeros(3, np.bool_), 0.8).tolist() == [0, 1, 2]


def test_texts_below_the_threshold_stay_apart() -> None:
    draw = random.Random(5)
    texts = [_text(draw) for _ in range(200)]
    halves = [text[:200] + _text(draw, 200) for text in texts]
    found = clusters(signatures(letters(texts + halves)), np.ones(400, np.bool_), 0.8)
    assert found.tolist() == list(range(400))
