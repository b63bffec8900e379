"""Words for numbers. Pure."""

from __future__ import annotations


def shown_count(count: float) -> str:
    """`45,926`, `18.3 M`: a number that is read at a glance."""
    for size, unit in ((1e9, "G"), (1e6, "M")):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,.0f}"


def shown_share(share: float) -> str:
    """A share of 0 to 1: `8.3 %`, `< 0.1 %`."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def shown_metric(name: str) -> str:
    """`macro_f1` -> `macro F1`."""
    written = {
        "f1": "F1",
        "uas": "UAS",
        "las": "LAS",
        "auprc": "AUPRC",
        "pearson": "Pearson r",
        "rouge": "ROUGE",
        "w": "W",
    }
    return " ".join(written.get(word, word) for word in name.split("_"))


def in_sentence(title: str) -> str:
    """`Pseudo-perplexity` -> `pseudo-perplexity`; an abbreviation stays as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]
