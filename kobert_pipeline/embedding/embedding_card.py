"""The card of a folder of sentence embeddings: how to use it, how it was trained, its figures."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping

from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.embedding.measured_model import ANISOTROPY, Figures
from kobert_pipeline.embedding.methods import METHODS

EXAMPLE = """\
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("."{trust})  # this folder, or its name on the Hub
vectors = model.encode(["배가 고프다.", "밥을 먹고 싶다.", "주가가 올랐다."])
print(model.similarity(vectors, vectors))
"""


def card(name: str, config: EmbeddingConfig, figures: Mapping[str, Figures], *, trust: bool = False) -> str:
    steps = "".join(
        f"{number}. `{step.method}`: {METHODS[step.method].paper}\n" for number, step in enumerate(config.steps, 1)
    )
    version = importlib.metadata.version("sentence-transformers")
    example = EXAMPLE.format(trust=", trust_remote_code=True" if trust else "")
    return (
        "---\nlanguage: ko\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n"
        "tags: [korean, sentence-similarity]\n---\n\n"
        f"# Sentence embeddings of {name}\n\nVectors of Korean sentences of at most {config.max_length} tokens: {config.pooling} of the "
        f"tokens, compared by cosine. Made by kobert-pipeline with sentence-transformers {version}.\n\n"
        f"```python\n{example}```\n\n## Training\n\n{steps or 'None: the encoder as it is.' + chr(10)}\n"
        f"`embedding.json` holds every setting.\n\n## Figures\n\n{table(figures)}\n"
        "Spearman: 100 × the rank correlation of cosines with people's scores. Recall at 10: the share of titles of the same topic among "
        "the ten nearest. Anisotropy: the mean cosine of two different sentences; 0 where directions are used evenly.\n"
    )


def table(figures: Mapping[str, Figures]) -> str:
    """A row for each measure, a column for each model."""
    measures = list(dict.fromkeys(measure for column in figures.values() for measure in column))
    if not measures:
        return "Not measured.\n"
    columns = [name for name, found in figures.items() if found]
    lines = [f"| measure | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for measure in measures:
        cells = [shown(measure, figures[name].get(measure)) for name in columns]
        lines.append(f"| {measure} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def shown(measure: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if measure == ANISOTROPY else f"{value:.1f}"
