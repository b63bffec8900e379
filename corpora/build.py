"""The corpus stage, as one page: every document passes the steps; then come the phases that need all documents.

A phase works shard by shard, in parallel. A finished shard writes a marker last, so a stage that was killed resumes
where it stopped, and its bytes do not depend on how it ran.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpora.config import CorporaConfig
from corpora.inputs import input_files
from corpora.not_read import NotRead, explain_not_read
from corpora.phases.decontamination import evaluation_ngrams
from corpora.phases.duplicates import first_documents
from corpora.phases.every_document import clean_documents
from corpora.phases.sentences import write_sentences
from corpora.shards import DROPPED, WORK
from corpora.tally import explain
from kobert_pipeline.ground.amounts import shown_seconds
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import write_text
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.ground.parallel import ExecutionConfig

logger = logging.getLogger(__name__)


def build(
    config: CorporaConfig,
    out: Workspace,
    *,
    execution: ExecutionConfig,
    evaluation: Sequence[Path] = (),
    own_texts: Sequence[str] = (),
) -> dict[str, Any]:
    """Fills `out` with `shards/*.parquet` (columns: `corpora.shards.SENTENCES`). Returns the manifest's summary.

    `evaluation` are the files to decontaminate against, `own_texts` further texts. Raises InputError when no document is left; the message says
    why the documents were dropped.
    """
    started = time.monotonic()
    (out.path / WORK).mkdir(exist_ok=True)
    not_read: NotRead = {}
    files = input_files(config, not_read)
    tally = clean_documents(config, files, out.path, execution, not_read)
    _warn_of(not_read)
    kept, clusters = first_documents(config.deduplicate, out.path, tally)
    if not any(part.any() for part in kept):
        raise InputError(
            "The corpus is empty: {counts}. Check the sources and `corpora.filters`.", counts=explain(tally.totals())
        )
    ngrams = evaluation_ngrams(evaluation, own_texts)
    write_sentences(config, out, kept, ngrams, tally, execution)
    write_text(out.path / DROPPED, "".join(canonical_json(row) + "\n" for row in tally.samples))
    out.remove(WORK)
    contamination = {"files": [file.name for file in evaluation], "ngrams": len(ngrams)}
    contamination |= {"own_texts": len(own_texts)} if own_texts else {}
    summary = tally.summary(config) | {"near_duplicates": clusters, "decontamination": contamination}
    logger.info("corpora: kept %s in %s", explain(summary["totals"]), shown_seconds(time.monotonic() - started))
    return summary


def _warn_of(not_read: NotRead) -> None:
    for source, counts in not_read.items():
        if counts:
            logger.warning("corpora: source `%s`: %s", source, explain_not_read(counts))
