"""Which tokens a token of a model sees, as far as the model's configuration says."""

from __future__ import annotations

from typing import Any


def sees_the_past_alone(config: Any) -> bool:
    """Whether a token sees only those before it: a decoder, or an encoder that is configured as one.

    XLNet is trained like a decoder, but without its masks each token sees all others.
    """
    from transformers.models.auto import modeling_auto as auto

    kind = config.model_type
    only_causal = kind in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return bool(getattr(config, "is_decoder", False)) or (only_causal and kind != "xlnet")
