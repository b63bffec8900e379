"""Settings of the folder to publish."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kobert_pipeline.ground.config import Config, added, runtime
from kobert_pipeline.ground.stage import StageSpec

SPEC = StageSpec(name="hub", version=6, libraries=("huggingface-hub",))


class HubConfig(Config):
    license: str = Field("unknown", pattern=r"^[A-Za-z0-9.+-]+$")
    """SPDX identifier of the weights and the tokenizer, e.g. `Apache-2.0`. `unknown` until you have checked what your
    sources allow; texts are published under their own."""
    title: str = ""
    """Heading of the model card; the recipe's name where empty."""
    language: tuple[str, ...] = Field(("ko",), min_length=1)
    """ISO 639-1 codes."""
    tags: tuple[str, ...] = ()
    """Added to the Hub's search tags of the model card."""
    checkpoints: tuple[Annotated[int, Field(ge=1)] | Literal["last"], ...] = runtime(())
    """Steps of the pretraining whose models `kobert push` publishes, too, each as a branch `step-N`, such as [1000, 5000, last].
    They are kept while the model is trained, so set them before."""
    onnx: tuple[Literal["onnx", "onnx-int8"], ...] = added(())
    """ONNX files that are published with the model, by the formats of `kobert export`: `[onnx, onnx-int8]`. The card lists them.
    Needs the extra `onnx`; encoder–decoder models have none."""
    base_model: str = Field("", pattern=r"^([\w.-]+/)?[\w.-]*$")
    """The model on the Hub from which training continued, for the card: `owner/name`. Where empty, the card names what
    `pretrain.continue_from` names as `hub:owner/name`; a folder is named by the sha256 of its weights."""
    authors: tuple[str, ...] = ()
    """Named in the citation of the cards."""

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that are named by their numbers."""
        return tuple(step for step in self.checkpoints if step != "last")
