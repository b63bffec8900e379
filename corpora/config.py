"""Settings of the corpus stage."""

from __future__ import annotations

import codecs
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from kobert_pipeline.ground.config import Config, added, nearest, runtime
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.stage import StageSpec

SPEC = StageSpec(
    name="corpora",
    version=5,
    libraries=(
        "ftfy", "kss", "mecab-python3", "mwparserfromhell", "python-mecab-ko-dic", "python-stdnum", "rensa",
        "selectolax",
    ),
)  # fmt: skip

STEP_NAMES = (
    "render", "characters", "html", "wiki", "markdown", "urls", "parentheses", "spaces", "repeats",
    "personal_data", "boilerplate", "filters",
)  # fmt: skip
"""Names of `corpora.steps.STEPS`, in its order. Listed here, so that reading a recipe imports no step."""


class SourceConfig(Config):
    """One body of text: files of one licence, of one format or each known by its name."""

    name: str = Field(pattern=r"^[\w.-]+$")
    """Written into every document's `source`, into reports and into the model card."""
    path: str = runtime(..., min_length=1)
    """File, archive (zip, tar), folder or glob, local or any fsspec address; `${VARIABLE}` and `${VARIABLE:-default}`
    are expanded, `package:corpora/sample/...` names a file that comes with the project, `hub:org/name` a data set on
    the Hub. Files are identified by content, not by path."""
    format: str = "auto"
    """A name of `corpora.sources.SOURCES`, or `auto`: by the file name, for `.json` by the beginning of the file."""
    license: str = "unknown"
    """SPDX identifier, shown in the model card."""
    continuity: bool = True
    """Whether neighbouring sentences continue each other. If not (reviews), next-sentence prediction skips them."""
    text_field: str | tuple[str, ...] = Field("text", min_length=1)
    """Field or column that holds the text (JSONL, Parquet, CSV, TSV, datasets); several are joined by line breaks, as
    in `[title, text]`. For `ai_hub` a JMESPath expression, as in `data[].paragraph`."""
    title_field: str = "title"
    id_field: str = "doc_id"
    """If the field is absent, documents are numbered within their file."""
    documents: Literal["blank_line", "file", "line"] = "blank_line"
    """What a document of a plain text file is: the text between blank lines, the whole file, or a line."""
    line_breaks: Literal["keep", "join"] = added("keep")
    """`join`: lines that were broken for their width (e-mail, copies from PDF and HWP) become one line again, so that sentences
    do not end where lines did. Lines that end early, list items and blank lines stay."""
    texts: Literal["joined", "separate"] = "joined"
    """Whether the strings that an `ai_hub` expression finds in a file are lines of one document, or a document each.
    A list inside the list is one document in both cases."""
    speakers: bool = added(False)
    """Whether `modu` writes who speaks before each turn (`A: …`) and joins what one person says in a row: for dialogues."""
    namespaces: tuple[int, ...] = Field((0,), min_length=1)
    """Namespaces of a wiki dump (`mediawiki`, `namuwiki`) that are read: 0 holds the articles."""
    split: str = "train"
    """Part of a data set that `datasets` reads."""
    subset: str = ""
    """Configuration of such a data set; empty: its default."""
    encoding: str = "auto"
    """`auto`: a byte order mark decides, else the first of UTF-8, CP949 and UTF-16 that decodes the file's first MiB.
    Or a name that Python supports: utf-8, cp949, euc-kr, utf-16. A line that cannot be decoded is dropped and
    counted."""
    max_document_bytes: int = Field(20_000_000, ge=1_000)
    """UTF-8 bytes. A longer line or document is dropped as `too_large` without being kept in memory."""
    damaged: Literal["stop", "skip"] = "stop"
    """What happens at a file that is cut off or corrupt. `stop` ends the run with its name. `skip` keeps what could be
    read before the damage, counts the file as `damaged` and reads the next one."""

    @property
    def text_fields(self) -> tuple[str, ...]:
        return (self.text_field,) if isinstance(self.text_field, str) else self.text_field

    @model_validator(mode="after")
    def _a_line_is_joined_or_a_document(self) -> Self:
        if self.line_breaks == "join" and self.documents == "line":
            raise WrongValue(
                "`line_breaks: join` joins lines, and `documents: line` makes a document of each; set one of them"
            )
        return self

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str) -> str:
        if encoding == "auto":
            return encoding
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            raise WrongValue(
                "{encoding!r} is not an encoding that Python supports; use e.g. utf-8, cp949, euc-kr, utf-16",
                encoding=encoding,
            ) from None


class CleaningConfig(Config):
    """What cleaning can be asked to do or not to do. Everything else it does is certain."""

    urls: Literal["remove", "keep"] = "remove"
    """Addresses that begin with a scheme or `www.`. `naver.com` always stays."""
    max_repeats: int | None = Field(3, ge=3)
    """Characters: longer runs of one character (ㅋㅋㅋㅋ, ~~~~, !!!!) are shortened to this. null keeps them. The least is
    three, because an ellipsis has three dots."""
    hanja_in_parentheses: Literal["keep", "remove"] = "keep"
    """대한민국(大韓民國): KLUE and encyclopedias have them, today's newspapers do not."""


class FilterConfig(Config):
    """When a document is dropped, and for which reason. Shares are between 0 and 1; a `max_` of 1 switches its filter
    off, and so does a `min_` of 0. Values without a source were set by reading what they drop from Korean
    encyclopedias, petitions, news, reviews, reports and software manuals."""

    rules: Literal["own", "fineweb2"] = added("own")
    """`own`: those below. `fineweb2` (or `filters: fineweb2`): those of FineWeb-2 with its Korean thresholds; of those below
    only `min_hangul_share` then counts."""
    min_characters: int = Field(30, ge=0)
    """Characters. Shorter documents are dropped as `too_short`."""
    min_hangul_share: float = Field(0.5, ge=0, le=1)
    """Share of Hangul among letters; below it a document is dropped as `not_korean`."""
    max_boilerplate_share: float = Field(0.5, ge=0, le=1)
    """Share of characters in lines of copyright, bylines, subscription and menus; above it: `boilerplate`."""
    max_markup_share: float = Field(0.05, ge=0, le=1)
    """Share of `{}[]<>\\=;_#@$^&` and backticks among characters other than spaces; above it: `markup_or_code`."""
    max_list_share: float = Field(0.7, ge=0, le=1)
    """Share of characters in table rows, or in lines that are short without predicate; above it: `list_or_table`."""
    min_list_lines: int = Field(10, ge=1)
    """Lines. A document with fewer is never a list."""
    max_duplicate_line_share: float = Field(0.3, ge=0, le=1)
    """Share of lines that occurred before in the document; above it: `repeated_lines` (Rae et al. 2021, table A1)."""
    max_duplicate_line_character_share: float = Field(0.2, ge=0, le=1)
    """The same share, counted in characters (table A1)."""
    max_top_ngram_shares: tuple[float, float, float] = (0.2, 0.18, 0.16)
    """Share of characters in the most frequent sequence of 2, 3 and 4 eojeols; above one: `repeated_ngrams` (table A1,
    whose sequences are of English words: an eojeol corresponds to one or two of them)."""
    max_duplicate_ngram_share: float = Field(0.15, ge=0, le=1)
    """Share of characters in sequences of 5 eojeols that occurred before; above it: `repeated_ngrams` (table A1)."""
    min_ngram_eojeols: int = Field(50, ge=5)
    """Eojeols. In shorter documents sequences are not counted: two refrains would be a fifth of the text."""

    @model_validator(mode="before")
    @classmethod
    def _a_name_is_a_set_of_rules(cls, value: Any) -> Any:
        return {"rules": value} if isinstance(value, str) else value


class DeduplicationConfig(Config):
    """Which repetitions are dropped. The first occurrence always stays."""

    documents: bool = True
    """Drop documents whose letters and digits occurred before, as `duplicate`."""
    near_documents: float | None = Field(0.8, gt=0, le=1)
    """Estimated Jaccard similarity of 5-syllable shingles from which a later document is dropped as `near_duplicate`.
    null keeps them."""
    sentences: int | None = Field(20, ge=1)
    """Letters and digits: a sentence of this length or longer that occurred before, in any document, is dropped. null
    keeps them all. Shorter sentences (`감사합니다.`) repeat in ordinary text."""


class DecontaminationConfig(Config):
    """Which sentences are dropped because they occur in evaluation data."""

    against: str | None = runtime("klue_eval")
    """File or folder of evaluation data whose dev and test sentences are dropped from the corpus. `klue_eval` means the
    data that the recipe evaluates on, if it is on this machine, and the scored rows of its own tasks; null means none. Identified by content, not by path."""
    min_overlap: float = Field(0.5, gt=0, le=1)
    """A sentence is dropped if this share of its 13-syllable sequences, or more, occurs in evaluation data."""


class CorporaConfig(Config):
    """Settings of the stage: what is read, what every document passes, what the phases do."""

    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    steps: tuple[str, ...] = STEP_NAMES
    """What every document passes, in order: names of `corpora.steps.STEPS`. Steps that are not listed are left out."""
    cleaning: CleaningConfig = CleaningConfig()
    """Options of the steps `urls`, `parentheses` and `repeats`."""
    mask_personal_data: bool = True
    """Replace telephone, resident registration, card and account numbers, e-mail addresses and the like by `[전화번호]`, …
    `false` leaves out the step `personal_data`."""
    filters: FilterConfig = FilterConfig()
    """Options of the step `filters`."""
    deduplicate: DeduplicationConfig = DeduplicationConfig()
    decontaminate: DecontaminationConfig = DecontaminationConfig()
    splitter: Literal["fast", "kss"] = "fast"
    """How sentences are found: by rules over one MeCab parse, or by kss, which takes about forty times as long."""
    shard_bytes: int = Field(2_000_000, ge=10_000)
    """UTF-8 bytes of raw text in a shard. A shard is the unit of parallel work and of resuming."""

    @field_validator("sources")
    @classmethod
    def _names_are_unique(cls, sources: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        names = [source.name for source in sources]
        for name in names:
            if names.count(name) > 1:
                raise WrongValue("two sources are named {name!r}; give each its own name", name=name)
        return sources

    @field_validator("steps")
    @classmethod
    def _steps_are_known(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        for name in steps:
            if name not in STEP_NAMES:
                raise WrongValue("{name!r} is not a step; {meant}", name=name, meant=nearest(name, list(STEP_NAMES)))
            if steps.count(name) > 1:
                raise WrongValue("the step {name!r} is listed twice; list it once", name=name)
        return steps

    @model_validator(mode="after")
    def _personal_data_is_not_left_in_by_oversight(self) -> Self:
        if self.mask_personal_data and "personal_data" not in self.steps:
            raise WrongValue(
                "`steps` leaves out personal_data. Add it, or set `mask_personal_data: false` to publish texts unmasked"
            )
        return self

    @property
    def active_steps(self) -> tuple[str, ...]:
        """The steps that documents pass: `steps`, without `personal_data` where it is switched off."""
        return tuple(name for name in self.steps if self.mask_personal_data or name != "personal_data")

    def options(self, kind: type[Config]) -> Config:
        """The section of this class."""
        return next(value for name in type(self).model_fields if isinstance(value := getattr(self, name), kind))
