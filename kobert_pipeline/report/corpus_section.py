"""What the page says of a corpus: why documents were dropped, samples of them, and how the kept text is distributed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.contents.corpus import Corpus, Source
from kobert_pipeline.ground.files import read_json_lines
from kobert_pipeline.report.bilingual import say
from kobert_pipeline.report.charts import Chart, histogram

READING, FILTERS, DUPLICATES, SPLITTING = "could be read", "passed the filters", "are not duplicates", "have sentences"
"""The steps that a document has to pass, in order, in words for the documents that pass."""
REASONS: Mapping[str, tuple[str, str]] = {
    "boilerplate": (FILTERS, "mostly menus, copyright lines and the like"),
    "cells_beyond_header": (READING, "a row with more cells than its header has columns"),
    "damaged": (READING, "the file is incomplete"),
    "duplicate": (DUPLICATES, "word for word the same as an earlier one"),
    "empty_archive": (READING, "an archive without a readable file"),
    "empty_file": (READING, "nothing in it"),
    "encrypted": (READING, "a document with a password"),
    "encrypted_member": (READING, "a locked file in an archive"),
    "hwp_3": (READING, "a document of HWP 3, before the year 2000"),
    "list_or_table": (FILTERS, "lines of a list, not prose"),
    "macro": (READING, "a document with programs in it"),
    "markup_or_code": (FILTERS, "programs or markup, not prose"),
    "near_duplicate": (DUPLICATES, "almost the same as an earlier one"),
    "nested_archive": (READING, "an archive within an archive"),
    "no_sentence": (SPLITTING, "all of its sentences occur elsewhere"),
    "no_text": (READING, "a record without text"),
    "not_an_object": (READING, "a record that is not an object"),
    "not_delivered": (READING, "a page that the server did not deliver"),
    "not_html": (READING, "a picture or another file that is not a page"),
    "not_korean": (FILTERS, "too few of its letters are Hangul"),
    "not_wikitext": (READING, "a page that is not an article"),
    "other_format": (READING, "another format than its ending says"),
    "other_namespace": (READING, "a talk, file or help page"),
    "outside_document": (READING, "text outside any document"),
    "parser_died": (READING, "the parser crashed on it"),
    "redirect": (READING, "a page that only leads to another"),
    "repeated_lines": (FILTERS, "the same lines again and again"),
    "repeated_ngrams": (FILTERS, "the same words again and again"),
    "same_file": (READING, "a file that was read before"),
    "scanned_page": (READING, "a page that is a picture, without text"),
    "too_large": (READING, "beyond the limit of a document"),
    "too_short": (FILTERS, "too few characters"),
    "too_slow": (READING, "the parser took too long"),
    "unclosed_document": (READING, "a document without an end"),
    "undecodable": (READING, "in no known encoding"),
    "unreadable_element": (READING, "an element that cannot be parsed"),
    "unreadable_line": (READING, "a line that cannot be parsed"),
    "unreadable_page": (READING, "a page that cannot be parsed"),
    "unsafe_member": (READING, "a path that leads out of the archive"),
    "zip_bomb": (READING, "a document made to fill the memory"),
    "char_dup_ratio": (FILTERS, "the same lines again and again"),
    "dup_line_frac": (FILTERS, "the same lines again and again"),
    "gopher_above_avg_threshold": (FILTERS, "words too long on average"),
    "gopher_below_alpha_threshold": (FILTERS, "too few of its words have letters"),
    "gopher_below_avg_threshold": (FILTERS, "words too short on average"),
    "gopher_enough_stop_words": (FILTERS, "hardly any of the most frequent words"),
    "gopher_long_doc": (FILTERS, "more than 100,000 words"),
    "gopher_short_doc": (FILTERS, "fewer than 50 words"),
    "gopher_too_many_bullets": (FILTERS, "lines of a list, not prose"),
    "gopher_too_many_ellipsis": (FILTERS, "an ellipsis at every tenth word"),
    "gopher_too_many_end_ellipsis": (FILTERS, "lines that are cut short"),
    "gopher_too_many_hashes": (FILTERS, "a hash at every tenth word"),
    "line_punct_ratio": (FILTERS, "hardly any line ends a sentence"),
    "list_ratio": (FILTERS, "lines of a list, not prose"),
    **{f"top_{size}_gram": (FILTERS, "the same words again and again") for size in (2, 3, 4)},
    **{f"duplicated_{size}_n_grams": (FILTERS, "the same words again and again") for size in range(5, 11)},
}
"""Reason -> the step at which it drops a document, and what it means."""
SAMPLES, SAMPLE_CHARACTERS = 3, 180
"""Samples shown for each reason, and the characters shown of each."""
LARGEST = 3
"""Groups of near-duplicates shown."""


@dataclass(frozen=True)
class Sample:
    source: str
    place: str
    text: str
    """Empty where the document could not be read."""


@dataclass(frozen=True)
class Reason:
    name: str
    words: str
    """Empty for a reason that this page does not know."""
    documents: int
    by_source: dict[str, int]
    samples: list[Sample]


def reasons(sources: Sequence[Source], samples: Mapping[str, list[Sample]]) -> list[Reason]:
    """Why documents were dropped, the most frequent reason first."""
    total: Counter[str] = Counter()
    for row in sources:
        total.update(row.drops)
    return [
        Reason(
            name,
            REASONS.get(name, (READING, ""))[1],
            count,
            {row.name: row.drops[name] for row in sources if name in row.drops},
            samples.get(name, []),
        )
        for name, count in sorted(total.items(), key=lambda item: (-item[1], item[0]))
    ]


@dataclass(frozen=True)
class Step:
    words: str
    left: int
    """Documents, or sentences, that passed."""
    gone: int
    """Those that passed the step before, and not this one."""
    share: float
    """`left`, of those at the first step: 0 to 1."""


def funnel(total: Source) -> list[Step]:
    """From the documents that were found to those that were kept. Steps that every document passed are left out."""
    left = total.documents
    steps = [Step("documents found", left, 0, 1.0)]
    for words in (READING, FILTERS, DUPLICATES, SPLITTING):
        gone = sum(count for name, count in total.drops.items() if REASONS.get(name, (READING, ""))[0] == words)
        left -= gone
        if gone:
            steps.append(Step(words, left, gone, left / max(1, total.documents)))
    return steps


def sentence_funnel(total: Source) -> list[Step]:
    """The same for the sentences of the documents that were kept."""
    kept, dropped = total.sentences, total.dropped_sentences
    words = {"contaminated": "do not overlap with the evaluation data", "duplicate": "are not duplicates"}
    found = left = kept + sum(dropped.values())
    steps = [Step("sentences in them", left, 0, 1.0)]
    for reason, gone in dropped.items():
        left -= gone
        steps.append(Step(words.get(reason, reason), left, gone, left / max(1, found)))
    return steps


@dataclass(frozen=True)
class Part:
    """A part of a strip, with its colour."""

    name: str
    share: float
    css: str


PALETTE = tuple(f"var(--{name})" for name in ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval", "hub"))
REST = "var(--soft)"


def source_strip(sources: Sequence[Source]) -> list[Part]:
    """The shares of the kept text, the largest first. There are as many parts as colours that can be told apart; the smallest sources
    share the last one."""
    ranked = sorted((row for row in sources if row.share), key=lambda row: -row.share)
    kept = ranked if len(ranked) <= len(PALETTE) else ranked[: len(PALETTE) - 1]
    found = [Part(row.name, row.share, css) for row, css in zip(kept, PALETTE, strict=False)]
    if rest := ranked[len(kept) :]:
        found.append(Part(say("{count} more sources", count=len(rest)), sum(row.share for row in rest), REST))
    return found


def dropped_samples(file: Path | None) -> dict[str, list[Sample]]:
    """Reason -> some dropped documents, from as many sources as possible. Empty without a file of them."""
    if file is None:
        return {}
    rows = list(read_json_lines(file))
    found: dict[str, list[Sample]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for row in rows:
        if "reason" in row:
            ranked.append((seen[row["reason"], row["source"]], row))
            seen[row["reason"], row["source"]] += 1
    for _, row in sorted(ranked, key=lambda item: item[0]):
        taken = found.setdefault(row["reason"], [])
        if len(taken) < SAMPLES:
            taken.append(
                Sample(row["source"], row.get("doc_id") or row.get("place", ""), shortened(row.get("text", "")))
            )
    return found


def shortened(text: str) -> str:
    """One line of at most about SAMPLE_CHARACTERS."""
    line = " ".join(text.split())
    return line if len(line) <= SAMPLE_CHARACTERS else line[:SAMPLE_CHARACTERS].rstrip() + " …"


def largest_groups(file: Path | None) -> list[tuple[str, int]]:
    """The documents that most others nearly repeat, each with the number of those. Empty without a list of them."""
    if file is None:
        return []
    counts: Counter[str] = Counter()
    for row in read_json_lines(file):
        counts[row["repeats"]] += 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:LARGEST]


# --- distributions ---------------------------------------------------------------------------------------------------

MOST_SHARDS, SHARD_DOCUMENTS = 24, 150
"""What is measured: this number of shards, evenly over the corpus, and the first documents of each."""
CHARACTERS, SENTENCES = (10, 200), (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
"""Sentence lengths: width of a bin and end of the last one. Document lengths: lower edges of the bins."""


@dataclass(frozen=True)
class Distributions:
    documents: int
    """Number of documents that were measured."""
    sentences: int
    charts: list[Chart]


def distributions(corpus: Corpus) -> Distributions | None:
    """Lengths and Hangul shares of a sample of the kept text. None where the artifact came without its text."""
    documents = list(sampled(corpus))
    if not any(documents):
        return None
    from corpora.steps.filters import hangul_share

    sentences = [sentence for document in documents for sentence in document]
    charts = [
        sentence_lengths([len(sentence) for sentence in sentences]),
        document_lengths([len(document) for document in documents]),
        hangul_shares([hangul_share(" ".join(document)) for document in documents]),
    ]
    return Distributions(len(documents), len(sentences), charts)


def sampled(corpus: Corpus) -> Iterable[list[str]]:
    """Some of the kept documents, as lists of sentences; none where the artifact came without its text."""
    import pyarrow.parquet as pq

    shards = corpus.shards()
    stride = -(-len(shards) // MOST_SHARDS) or 1
    for shard in shards[::stride]:
        for batch in pq.ParquetFile(corpus.text(shard)).iter_batches(SHARD_DOCUMENTS, columns=["sentences"]):
            yield from batch["sentences"].to_pylist()
            break


def sentence_lengths(lengths: Sequence[int]) -> Chart:
    """Lengths of sentences, in characters."""
    width, end = CHARACTERS
    counts = Counter(min(length, end) // width for length in lengths)
    bins = range(end // width + 1)
    labels = [*(f"{number * width}" for number in bins[:-1]), f"{end}+"]
    return histogram("Sentence length", labels, _shares([counts[number] for number in bins]), "characters")


def document_lengths(lengths: Sequence[int]) -> Chart:
    """Lengths of documents, in sentences. The bins grow like Fibonacci's numbers."""
    counts = Counter(sum(length >= edge for edge in SENTENCES) - 1 for length in lengths)
    ends = [*(edge - 1 for edge in SENTENCES[1:]), 0]
    labels = [
        f"{start}+" if not end else f"{start}" if start == end else f"{start}–{end}"
        for start, end in zip(SENTENCES, ends, strict=True)
    ]
    shares = _shares([counts[number] for number in range(len(SENTENCES))])
    return histogram("Document length", labels, shares, "sentences")


def hangul_shares(shares: Sequence[float]) -> Chart:
    """Shares of Hangul among the letters, one per document."""
    counts = Counter(min(int(share * 20), 19) for share in shares)
    first = min(counts, default=0)
    labels = [f"{5 * number} %" for number in range(first, 20)]
    return histogram(
        "Hangul among letters", labels, _shares([counts[number] for number in range(first, 20)]), "share, by document"
    )


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in counts]
