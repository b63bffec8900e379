"""What learns: one file an architecture, listed here by hand."""

from __future__ import annotations

from types import MappingProxyType

from kobert_pipeline.architectures import (
    albert,
    bart,
    bert,
    deberta,
    electra,
    gpt,
    gpt2,
    llama,
    modernbert,
    roberta,
    t5,
    xlnet,
)
from kobert_pipeline.architectures.architecture import Architecture

ARCHITECTURES: MappingProxyType[str, Architecture] = MappingProxyType(
    {
        architecture.name: architecture
        for architecture in (
            bert.ARCHITECTURE,
            modernbert.ARCHITECTURE,
            roberta.ARCHITECTURE,
            albert.ARCHITECTURE,
            deberta.ARCHITECTURE,
            electra.ARCHITECTURE,
            xlnet.ARCHITECTURE,
            gpt.ARCHITECTURE,
            gpt2.ARCHITECTURE,
            llama.ARCHITECTURE,
            bart.ARCHITECTURE,
            t5.ARCHITECTURE,
        )
    }
)
