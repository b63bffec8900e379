"""`kobert embed`: a folder that `SentenceTransformer(folder)` loads, with its figures and a card. It appears complete or not at all,
and a training that was killed goes on."""

from __future__ import annotations

import importlib.metadata
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.embedding.embedding_card import card
from kobert_pipeline.embedding.encoder import WEIGHTS, load_encoder
from kobert_pipeline.embedding.measured_model import (
    AFTER,
    BEFORE,
    Figures,
    MeasuringData,
    by_words,
    measure,
    read_measuring_data,
)
from kobert_pipeline.embedding.measures import embedder
from kobert_pipeline.embedding.resumed import RESULT, work_folder
from kobert_pipeline.embedding.trainings import read_all, train
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.extras import require_extra
from kobert_pipeline.ground.files import file_sha256, read_json, require_new, write_json, write_text
from kobert_pipeline.ground.fingerprints import fingerprint_of
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, cuts_at_use, save_tokenizer
from kobert_pipeline.morphology.tokenizer_files import tokenizer_files
from kobert_pipeline.training.precision import fastest
from kobert_pipeline.training.quiet import quiet

logger = logging.getLogger(__name__)

SCORES, SETTINGS, CARD = "scores.json", "embedding.json", "README.md"
CHECKED = ("비가 온다.", "배우들의 연기가 정말 훌륭했다.", "이 법은 공포한 날부터 시행한다.")


def embed_model(
    model: Path, folder: Path, config: EmbeddingConfig, corpus: Path | None = None, *, name: str = ""
) -> Mapping[str, Figures]:
    """Trains the encoder in `model` and writes `folder`, which must be new or empty. Returns column -> measure -> figure.

    `corpus`: sentences of `simcse` and `tsdae`; `name`: the model in the card. A killed call goes on in the next one. Raises InputError
    and RecipeError for a model and for data that do not fit; nothing is left behind then.
    """
    require_extra("embed", "Sentence embeddings", "sentence_transformers", "accelerate")
    require_new(folder)
    rows, data = read_all(config, corpus), read_measuring_data(config, corpus)
    fingerprint = _fingerprint(model, config, rows, data)
    with tempfile.TemporaryDirectory() as scratch, work_folder(folder, fingerprint) as work:
        encoder = load_encoder(model, config, Path(scratch) / "model")
        figures = {BEFORE: _kept(work / "before.json", lambda: measure(encoder, data))}
        train(encoder, config, rows, work)
        figures |= ({AFTER: measure(encoder, data)} if config.steps else {}) | by_words(data)
        partial = work / RESULT
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _save(encoder, model, partial)
        write_json(partial / SCORES, figures)
        write_json(partial / SETTINGS, config.shown() | {"precision": fastest()})
        write_text(partial / CARD, card(name or model.name, config, figures, trust=cuts_at_use(model)))
    return figures


def _fingerprint(model: Path, config: EmbeddingConfig, rows: list[Any], data: MeasuringData) -> str:
    """Of all that decides the result: a killed training goes on only with the same."""
    files = sorted({path for pattern in WEIGHTS for path in model.glob(pattern)} | set(tokenizer_files(model)))
    return fingerprint_of({
        "model": {path.name: file_sha256(path) for path in files if path.is_file()}, "config": config.content(),
        "rows": [dataset.to_dict() for dataset in rows], "data": asdict(data), "precision": fastest(),
        "libraries": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "sentence-transformers")},
    })  # fmt: skip


def _kept(file: Path, measured: Callable[[], Figures]) -> Figures:
    """The figures in `file`, which an earlier process measured, or those of `measured`."""
    if not file.exists():
        write_json(file, measured())
    found: Figures = read_json(file)
    return found


def _save(encoder: Any, model: Path, folder: Path) -> None:
    """Raises KobertError unless the folder gives the same vectors when it is loaded again."""
    from sentence_transformers import SentenceTransformer

    with quiet():
        encoder.save_pretrained(str(folder), create_model_card=False)
        longest = encoder.max_seq_length
        save_tokenizer(auto_tokenizer(model, model_max_length=longest), folder)
        again = SentenceTransformer(str(folder), trust_remote_code=cuts_at_use(model))
    if not np.allclose(embedder(encoder)(CHECKED), embedder(again)(CHECKED), atol=1e-5):
        raise KobertError("The saved model gives other vectors than the trained one. Nothing was written.")
    logger.info("embed: loaded back by sentence-transformers, with the same vectors")
