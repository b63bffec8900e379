"""Steering toward words or a label (PPLM), and `kobert generate --toward`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from decoders import export_decoder
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.uses.attributes import attribute_of, bag_of_words
from kobert_pipeline.uses.generate import USE
from kobert_pipeline.uses.steering import STEPS, Attribute, BagOfWords, Label, Moved, steered_tokens

BEGINNING = "동아리들은 다음 달"
GOOD, BAD = (
    ["정말 좋은 영화였다", "배우들이 훌륭하다", "다시 보고 싶다"],
    ["지루하고 나쁘다", "돈이 아깝다", "졸려서 나왔다"],
)


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def model(request: Any, tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return USE.load(
        str(export_decoder(tmp_path_factory.mktemp("steer") / "model", tiny_bytes.tokenizer, request.param))
    )


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    rows = [f"{text},{label}" for texts, label in ((GOOD, "긍정"), (BAD, "부정")) for text in texts]
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return path


def scores(model: tuple[Any, Any], attribute: Attribute, strength: float, tokens: int = 3) -> list[torch.Tensor]:
    """Log-probabilities of each step on the way along always the same tokens."""
    tokenizer, network = model
    ids, seen = torch.tensor([tokenizer(BEGINNING)["input_ids"]]), []

    def draw(given: torch.Tensor) -> int:
        seen.append(given.detach())
        return 100 + len(seen)

    written = islice(steered_tokens(network, ids, attribute, strength, draw), tokens)
    assert list(written) == list(range(101, 101 + tokens))
    return seen


def words(model: tuple[Any, Any]) -> BagOfWords:
    return bag_of_words(["영화", "배우"], model[0])


def test_without_strength_it_is_the_model_s_own_distribution(model: tuple[Any, Any]) -> None:
    """Reference: the whole text at once, without a cache."""
    tokenizer, network = model
    ids = tokenizer(BEGINNING)["input_ids"]
    for step, found in enumerate(scores(model, words(model), 0.0)):
        with torch.no_grad():
            given = torch.tensor([ids + [101, 102][:step]])
            expected = network(input_ids=given).logits[0, -1].log_softmax(dim=-1)
        assert torch.allclose(found, expected, atol=1e-4)


@dataclass
class Recorded:
    """An attribute, and its loss at every step."""

    attribute: Attribute
    losses: list[float] = field(default_factory=list)

    def loss(self, moved: Moved) -> torch.Tensor:
        loss = self.attribute.loss(moved)
        self.losses.append(float(loss.detach()))
        return loss


@pytest.mark.parametrize("kind", ["words", "label"])
def test_every_step_makes_the_attribute_likelier(model: tuple[Any, Any], reviews: Path, kind: str) -> None:
    attribute = words(model) if kind == "words" else attribute_of(str(reviews), "긍정", *model)
    recorded = Recorded(attribute)
    scores(model, recorded, 0.02, tokens=4)
    assert len(recorded.losses) == 4 * STEPS
    for first in range(0, 4 * STEPS, STEPS):
        steps = recorded.losses[first : first + STEPS]
        assert steps == sorted(steps, reverse=True)
        assert steps[0] > steps[-1]


def test_more_strength_makes_the_words_likelier_in_what_is_drawn_from(model: tuple[Any, Any]) -> None:
    wanted = words(model).wanted(model[0](BEGINNING)["input_ids"])
    own, little, more = (
        [float(found.exp()[wanted].sum()) for found in scores(model, words(model), strength)] for strength in (0.0, 0.02, 0.3)
    )  # fmt: skip
    assert all(one < two < three for one, two, three in zip(own, little, more, strict=True)), (own, little, more)


def test_a_classifier_gives_its_own_texts_their_labels(model: tuple[Any, Any], reviews: Path) -> None:
    tokenizer, network = model
    for label, texts in (("긍정", GOOD), ("부정", BAD)):
        found = attribute_of(str(reviews), label, tokenizer, network)
        assert isinstance(found, Label)
        for text in texts:
            with torch.no_grad():
                states = network(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[-1][0]
            assert int((found.weight @ states.mean(0) + found.bias).argmax()) == found.number


def test_a_word_of_several_tokens_is_asked_for_token_by_token() -> None:
    bag = BagOfWords(((5, 6, 7), (8,), (6, 9)))
    assert bag.wanted([1, 2]) == [5, 6, 8]
    assert bag.wanted([1, 5]) == [6]
    assert bag.wanted([5, 6]) == [7, 9]
    assert bag.wanted([6, 9]) == [5, 6, 8]


def test_the_command_steers_and_equal_seeds_write_equal_texts(model: tuple[Any, Any], tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("영화\n배우\n\n", encoding="utf-8")
    options = {"max_tokens": 8, "toward": str(tmp_path / "words.txt"), "strength": 0.3, "seed": 3}
    one, same, plain = (
        USE.try_it(*model, [BEGINNING], **given)[0].answers[0][0].text for given in (options, options, {"max_tokens": 8, "seed": 3})
    )  # fmt: skip
    assert one == same != plain


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, {}, "no such file"),
        ("", {}, "no words. Write one word a line"),
        ("영화", {"beams": 3}, "--beams does not go with it"),
        ("영화", {"label": "긍정"}, "is a list of words"),
        ("영화".encode("cp949"), {}, "not a text file in UTF-8"),
    ],
)  # fmt: skip
def test_what_cannot_be_steered_toward_is_one_clear_error(
    model: tuple[Any, Any], tmp_path: Path, content: str | bytes | None, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message) as caught:
        USE.try_it(*model, [BEGINNING], toward=str(path), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "label", "message"),
    [
        (
            "text,label\n좋다,긍정\n나쁘다,부정\n",
            None,
            "name the label to steer toward with --label; it has 긍정, 부정",
        ),
        ("text,label\n좋다,긍정\n나쁘다,부정\n", "중립", "no label '중립'; it has 긍정, 부정"),
        ("text,label\n좋다,긍정\n", "긍정", "Add texts with another label"),
        ("문장,label\n좋다,긍정\n", "긍정", "no column text"),
    ],
)
def test_a_table_that_teaches_no_classifier_is_one_clear_error(
    model: tuple[Any, Any], tmp_path: Path, table: str, label: str | None, message: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(table, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        attribute_of(str(path), label, *model)


def test_a_model_without_keys_and_values_says_so(tiny_bytes: Any, tmp_path: Path) -> None:
    folder = export_decoder(tmp_path / "model", tiny_bytes.tokenizer, "openai-gpt")
    (tmp_path / "words.txt").write_text("영화", encoding="utf-8")
    shown = CliRunner().invoke(cli.app, ["generate", str(folder), BEGINNING, "--toward", str(tmp_path / "words.txt")])
    assert "keeps no keys and values" in str(shown.exception)
