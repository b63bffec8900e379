"""mecab-ko's left-space penalty: the path found has the least cost, by several references."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import MeCab
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kobert_pipeline.morphology.left_space import END, Connections, best_path, read_penalties
from kobert_pipeline.morphology.mecab import SEPARATOR, dictionary_path, separated

DICTIONARY = Path(dictionary_path())
PENALTIES = read_penalties(DICTIONARY / "dicrc")
CONNECTIONS = Connections(DICTIONARY / "matrix.bin")
TAGGER = MeCab.Tagger(f"-r /dev/null -d {DICTIONARY}")
BEST, N_BEST = 1, 2
"""MECAB_ONE_BEST, MECAB_NBEST."""
MOST_PATHS = 20_000
WORDS = [
    "이하",
    "이외",
    "의",
    "에서",
    "와",
    "도",
    "들",
    "하는",
    "은",
    "지만",
    "열",
    "개",
    "학교",
    "가",
    "화학",
    "것",
    "만큼",
    "1",
    "a",
    ".",
]
spaced = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
"""Particles, endings and suffixes alone, after a space, as they do not normally occur."""


def parsed(text: str, request: int = BEST) -> Any:
    lattice = MeCab.Lattice()
    lattice.set_request_type(request)
    lattice.set_sentence(text)
    assert TAGGER.parse(lattice)
    return lattice


def penalty(node: Any) -> int:
    return PENALTIES.get(node.posid, 0) if node.rlength != node.length else 0


def step(left: Any, right: Any) -> int:
    """Without penalty."""
    return CONNECTIONS.costs[left.rcAttr + CONNECTIONS.width * right.lcAttr] + right.wcost


def least_cost(text: str) -> int:
    """Reference: the Viterbi algorithm over the whole lattice, forward, penalties added."""
    lattice = parsed(text)
    costs = {lattice.bos_node().id: 0}
    for place in range(lattice.size() + 1):
        node = lattice.begin_nodes(place)
        while node is not None:
            costs[node.id] = _cheapest(node, lattice, place, costs) + penalty(node)
            node = node.bnext
    return costs[lattice.eos_node().id]


def _cheapest(node: Any, lattice: Any, place: int, costs: dict[int, int]) -> int:
    while lattice.end_nodes(place) is None:  # the end of the sentence, after spaces
        place -= 1
    before, found = lattice.end_nodes(place), []
    while before is not None:
        if before.stat != END:
            found.append(costs[before.id] + step(before, node))
        before = before.enext
    return min(found)


def cost_of(text: str, begins: list[int]) -> int:
    """The least penalised cost of a path with these boundaries: bytes, as `best_path` gives them."""
    lattice = parsed(text)
    reached = {lattice.bos_node().id: (lattice.bos_node(), 0)}
    for begin, end in itertools.pairwise(begins):
        here, node = {}, lattice.begin_nodes(begin)
        while node is not None:
            if begin + node.rlength == end:
                here[node.id] = (node, penalty(node) + min(cost + step(left, node) for left, cost in reached.values()))
            node = node.bnext
        reached = here
    return min(cost + step(left, lattice.eos_node()) for left, cost in reached.values())


def n_best(text: str) -> int | None:
    """Reference: MeCab's own paths, cheapest first, until the next one costs more without penalties than the best with
    them; None if there are too many."""
    lattice, least = parsed(text, N_BEST), None
    for _ in range(MOST_PATHS):
        plain, total = _costs(lattice)
        least = total if least is None else min(least, total)
        if plain >= least or not lattice.next():
            return least
    return None


def _costs(lattice: Any) -> tuple[int, int]:
    plain = total = 0
    node = lattice.bos_node()
    while node.next is not None:
        plain, total = plain + step(node, node.next), total + step(node, node.next) + penalty(node.next)
        node = node.next
    return plain, total


def found(text: str) -> list[int]:
    return best_path(parsed(text), PENALTIES, CONNECTIONS)


def morphs(text: str, **settings: bool) -> list[str]:
    return [morpheme.strip() for morpheme in separated(text, **settings).split(SEPARATOR)[1:]]


# --- the least cost --------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(text=spaced)
@example(text="백 명 이하는")
@example(text="백 명 이하")
def test_the_path_costs_as_little_as_the_viterbi_algorithm_finds(text: str) -> None:
    assert cost_of(text, found(text)) == least_cost(text)


@settings(max_examples=60)
@given(text=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join))
@example(text="백 명 이하")
def test_none_of_mecabs_own_paths_costs_less(text: str) -> None:
    least = n_best(text)
    assert least is None or cost_of(text, found(text)) == least


def test_sentences_cost_as_little_as_the_viterbi_algorithm_finds(documents: list[list[str]]) -> None:
    for text in [sentence for document in documents for sentence in document][:60]:
        assert cost_of(text, found(text)) == least_cost(text)


def test_without_penalties_the_path_is_mecabs_own(documents: list[list[str]]) -> None:
    for text in [sentence for document in documents for sentence in document][:60]:
        lattice = parsed(text)
        assert _costs(lattice)[0] == lattice.eos_node().cost
        assert best_path(lattice, {}, CONNECTIONS) == _begins(lattice)


def _begins(lattice: Any) -> list[int]:
    begins, node = [0], lattice.bos_node().next
    while node.next is not None:
        begins.append(begins[-1] + node.rlength)
        node = node.next
    return begins


# --- separated ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain", "penalised"),
    [
        ("백 명 이하는 무료다.", "백 명 이|하|는 무료|다|.", "백 명 이하|는 무료|다|."),
        ("중국 의서를 읽었다.", "중국 의|서|를 읽|었|다|.", "중국 의서|를 읽|었|다|."),
        ("다음 키를 눌러라.", "다음 키를 눌러라|.", "다음 키|를 눌러라|."),
        ("학교에서 밥을 먹었다.", "학교|에서 밥|을 먹|었|다|.", "학교|에서 밥|을 먹|었|다|."),
    ],
)
def test_what_follows_a_space_is_not_a_particle(text: str, plain: str, penalised: str) -> None:
    for setting, expected in ((False, plain), (True, penalised)):
        found = separated(text, left_space_penalty=setting).replace(SEPARATOR, "|").replace("| ", " ")
        assert found == f"|{expected}"


def test_the_text_itself_is_unchanged(documents: list[list[str]]) -> None:
    for text in [sentence for document in documents for sentence in document]:
        assert separated(text, left_space_penalty=True).replace(SEPARATOR, "") == text.rstrip()


@given(text=spaced)
def test_spaces_stay_in_front_of_their_morpheme(text: str) -> None:
    assert separated(text, left_space_penalty=True).replace(SEPARATOR, "") == text
    assert f" {SEPARATOR}" not in separated(text, left_space_penalty=True)


def test_an_empty_text_stays_empty() -> None:
    assert separated("", left_space_penalty=True) == separated("") == ""


def test_a_sentence_without_a_penalised_morpheme_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kobert_pipeline.morphology.mecab.best_path", lambda *_: pytest.fail("was searched"))
    text = "학교에서 밥을 먹었다."
    assert separated(text, left_space_penalty=True) == separated(text)


# --- the dictionary --------------------------------------------------------------------------------------------------


def test_penalties_are_read_from_the_dictionary(tmp_path: Path) -> None:
    assert PENALTIES[120] == 6000
    assert len(PENALTIES) == 12
    (tmp_path / "dicrc").write_text("; a comment\ncost-factor = 800\nleft-space-penalty-factor = 1,20,3,40\n")
    assert read_penalties(tmp_path / "dicrc") == {1: 20, 3: 40}
    (tmp_path / "dicrc").write_text("cost-factor = 800\n")
    assert read_penalties(tmp_path / "dicrc") == {}


def test_it_is_what_mecab_ko_finds(documents: list[list[str]]) -> None:
    """Reference: mecab-ko itself, as packaged by python-mecab-ko. It may choose another of several paths with the same cost."""
    mecab = pytest.importorskip("mecab", reason="python-mecab-ko is not installed")
    tagger = mecab.MeCab()
    texts = [sentence for document in documents for sentence in document]
    equal = sum(tagger.morphs(text) == morphs(text, left_space_penalty=True) for text in texts)
    assert equal >= 0.999 * len(texts)
