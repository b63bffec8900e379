"""The contract of a use: what a finished model is for. One file per use; the table is in `kobert_pipeline.uses`.

The command, the page, the playground, the model card and the load-back check ask the use, and none of them names an objective.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.training.loaded_weights import require_finite

Tokenizer = Any
"""A tokenizer of transformers."""
Network = Any
"""A model of transformers, in evaluation mode."""


CONFIGURATION = re.compile(r"Unrecognized configuration class <class '(?:\w+\.)*(\w+)'>")
"""What a class of transformers says of a model that is for another one."""


class UnfitModel(InputError):
    """The model exists, but it cannot be used in this way."""


class Answer(NamedTuple):
    text: str
    score: float | None = None
    """None where the model gives none, as for generated text."""


class Result(NamedTuple):
    """What a model makes of one text."""

    text: str
    answers: list[list[Answer]]
    """One list for each place of the text that is asked about, in order; in each list the best answer comes first."""


@dataclass(frozen=True)
class Example:
    """A Korean text for the page and the playground. It was written for them, so it may be published with any corpus."""

    genre: str
    before: str
    expected: str = ""
    """The answer that was written here, as the model would give it. Empty where no answer is the right one."""
    after: str = ""

    def is_right(self, answer: Answer) -> bool:
        return bool(self.expected) and answer.text == self.expected

    @property
    def shown(self) -> str:
        """The expected answer as people write it: a piece without the ## with which it continues a word."""
        return self.expected.removeprefix("##")


class Option(NamedTuple):
    """A setting of a command, such as `--top-p 0.9`. `try_it` takes it by its name."""

    name: str
    kind: type
    default: Any
    help: str
    minimum: float | None = None
    maximum: float | None = None


class Words(NamedTuple):
    """The same sentence in the two languages of a model card."""

    english: str
    korean: str


class Columns(NamedTuple):
    """The headings of a table of results: the number of the place, the answer, its score."""

    place: str
    answer: str
    score: str


@dataclass(frozen=True)
class Command:
    """`kobert NAME MODEL TEXT...`, which runs `try_it`."""

    name: str
    help: str
    texts: str
    """Help of its texts."""


@dataclass(frozen=True)
class Use:
    name: str
    title: str
    """A heading, such as that of its tab in the playground."""
    kind: str
    """The kind of model, for messages: `masked language model`."""
    auto_class: str
    """The class of transformers that loads the model."""
    pipeline_tag: str
    """The Hub's name of the task."""
    command: Command
    columns: Columns
    try_it: Callable[..., list[Result]]
    """(tokenizer, network, texts, and by name the `options` that are set) -> results. Raises InputError for a text that the model
    cannot take."""
    prompt: Callable[[Tokenizer, Example], str]
    """The text that is given to the model for an example."""
    asks_for: Callable[[Tokenizer], str]
    """Label of the field in the playground."""
    examples: tuple[Example, ...]
    section: str
    """Heading of the examples on the page of a run."""
    section_of_two: str
    """The same on the page that compares two runs."""
    about_examples: str
    """What the examples are and how to read the answers."""
    intended: Words
    """What the model is for and what it is not for."""
    card_snippet: Callable[[str, bool, str], str]
    """(repository, whether remote code has to be trusted, class of transformers) -> the Python code of the model card."""
    check_back: Path
    """A file that imports nothing of ours, with a function `problem(name, revision, tokenizer, model, trust)`: None, or what keeps
    plain transformers from using the model in this way, as a message and the values of its placeholders. `hub/load_back.py` runs it
    in a fresh process."""
    encodes: bool = False
    """Whether the model is an encoder: its card shows how to fine-tune it and how to embed sentences."""
    options: tuple[Option, ...] = ()
    """Settings of its command."""
    stream: Callable[..., None] | None = None
    """(tokenizer, network, text, write, and by name `options`): writes an answer while it is made. The command shows this instead
    of results."""
    fits: Callable[[Network], bool] = lambda network: True
    """Whether a network that transformers loads is for this use: some of these classes load several kinds."""
    two_stacks: bool = False
    """Whether the model is an encoder-decoder. Many of these classes load a part of one, without the rest."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """transformers' type of a model -> the class that loads it, where it is not `auto_class`."""

    def class_for(self, model_type: str) -> str:
        """The class of transformers that loads a model of this type for this use."""
        return self.classes.get(model_type, self.auto_class)

    def pipeline_for(self, model_type: str) -> str:
        """The Hub's name of what it can do with a model of this type: hidden states alone, if no pipeline is for its class."""
        return "feature-extraction" if model_type in self.classes else self.pipeline_tag

    def load(self, name: str) -> tuple[Tokenizer, Network]:
        """Tokenizer and model of a folder or Hub id.

        Raises UnfitModel for another kind of model, and InputError for a name under which there is no model.
        """
        import transformers

        from kobert_pipeline.training.loaded_weights import one_line, unreadable_weights

        tokenizer = _tokenizer(name)
        try:
            config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
            self._require_stacks(name, config)
            automatic = getattr(transformers, self.class_for(config.model_type))
            network, report = automatic.from_pretrained(name, trust_remote_code=False, output_loading_info=True)
        except OSError as error:
            raise _no_model(name, error) from None
        except unreadable_weights() as error:
            raise InputError(
                "{name}: its weights cannot be read: {error}. Copy or download the model again.",
                name=name, error=one_line(error),
            ) from None  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnfitModel(
                "{name}: not a {kind}: {error}", name=name, kind=say(self.kind), error=_reason(error)
            ) from None
        if not self.fits(network):
            raise UnfitModel(
                "{name}: not a {kind}: transformers loads a {found}.",
                name=name, kind=say(self.kind), found=type(network).__name__,
            )  # fmt: skip
        if report["missing_keys"]:
            raise UnfitModel(
                "{name}: not a {kind}: its weights do not include {weight}.",
                name=name, kind=say(self.kind), weight=min(report["missing_keys"]),
            )  # fmt: skip
        require_finite(network, name)
        return tokenizer, network.eval()

    def _require_stacks(self, name: str, config: Any) -> None:
        if bool(config.is_encoder_decoder) != self.two_stacks:
            what = say("an encoder-decoder") if config.is_encoder_decoder else say("no encoder-decoder")
            raise UnfitModel(
                "{name}: not a {kind}: {model_type} is {what}.",
                name=name, kind=say(self.kind), model_type=config.model_type, what=what,
            )  # fmt: skip


def _reason(error: Exception) -> str:
    """The first line of what transformers says, without the path of a class."""
    unknown = CONFIGURATION.match(str(error))
    return say("its configuration is a {name}.", name=unknown[1]) if unknown else str(error).splitlines()[0]


def _tokenizer(name: str) -> Tokenizer:
    try:
        return auto_tokenizer(name)
    except OSError as error:
        raise _no_model(name, error) from None
    except Exception as error:  # tokenizers raises bare Exception for a damaged file
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            "{name}: its tokenizer does not load: {reason}. Copy or download the model again.", name=name, reason=reason
        ) from None


def _no_model(name: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(
        "{name}: neither a recipe (`kobert recipes` lists them), nor a folder, nor a model on the Hub: {reason}",
        name=name, reason=reason,
    )  # fmt: skip


def loading_code(auto_class: str, repo: str, trust: bool, *imports: str) -> str:
    """The first lines of a card's Python example: imports, and `tokenizer` and `model` loaded from `name`."""
    comment = "  # this folder, or its name on the Hub" if repo == "." else ""
    classes = ", ".join(sorted((auto_class, "AutoTokenizer")))
    return "\n".join(
        [
            *(f"import {name}" for name in imports),
            f"from transformers import {classes}",
            "",
            f'name = "{repo}"{comment}',
            f"tokenizer = AutoTokenizer.from_pretrained(name{', trust_remote_code=True' if trust else ''})",
            f"model = {auto_class}.from_pretrained(name)",
        ]
    )
