"""What a finished model is for: one file per use, listed here by hand."""

from __future__ import annotations

from types import MappingProxyType

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.uses import detect_replaced, fill_mask, generate, infill
from kobert_pipeline.uses.use import Network, Tokenizer, UnfitModel, Use

USES: MappingProxyType[str, Use] = MappingProxyType(
    {use.name: use for use in (fill_mask.USE, detect_replaced.USE, generate.USE, infill.USE)}
)


def use_named(name: str) -> Use:
    """Raises InputError for a name that is not in USES, as another version of this program may have written it."""
    if name not in USES:
        from kobert_pipeline.ground.config import nearest  # brings pydantic, and every command imports this file

        raise InputError("use {name}: {meant}", name=name, meant=nearest(name, list(USES)))
    return USES[name]


def find_use(model: str) -> tuple[Use, Tokenizer, Network]:
    """The first use that fits the model in a folder, or of a Hub id, with its tokenizer and network.

    Raises UnfitModel for a model that fits no use, and InputError for a name under which there is no model.
    """
    reasons = []
    for use in USES.values():
        try:
            return use, *use.load(model)
        except UnfitModel as error:
            reasons.append(str(error))
    raise UnfitModel("\n".join(reasons))
