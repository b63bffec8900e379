"""What a decoder of an encoder-decoder sees: the source without its padding, and of the target what is before it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pairs import known_sizes

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.architectures.encoder_decoder import LABELS
from kobert_pipeline.masking.tokens import IGNORE_INDEX

WITH_ATTENTIONS = [
    (name, attention)
    for name, architecture in ARCHITECTURES.items()
    if architecture.writes_targets
    for attention in architecture.attentions
]


def built(name: str, attention: str) -> Any:
    architecture = ARCHITECTURES[name]
    torch.manual_seed(0)
    sizes = architecture.sizes.parse(known_sizes(name))
    return architecture.build(sizes, ModelSpec(100, 0, 2, 3, 48, attention), ("target_token",)).eval()


def batch() -> dict[str, torch.Tensor]:
    """Three examples; the second source and the third target are padded."""
    generator = torch.Generator().manual_seed(0)
    ids, labels = (torch.randint(5, 90, (3, length), generator=generator) for length in (20, 15))
    mask = torch.ones(3, 20, dtype=torch.bool)
    mask[1, 12:], labels[2, 9:] = False, IGNORE_INDEX
    return {"input_ids": ids, "attention_mask": mask, LABELS: labels}


@pytest.mark.parametrize(("name", "attention"), WITH_ATTENTIONS)
@torch.no_grad()
def test_no_token_sees_the_future_or_padding(name: str, attention: str) -> None:
    model, given = built(name, attention), batch()
    before, place = model.hidden(given), 7
    later = dict(given, **{LABELS: given[LABELS].clone()})
    later[LABELS][:, place] = 95  # the decoder reads it at the next place
    after = model.hidden(later)
    assert (after[:, : place + 1] - before[:, : place + 1]).abs().max() == 0
    assert (after[:, place + 1] - before[:, place + 1]).abs().amax(dim=-1).min() > 1e-5
    padded = dict(given, input_ids=given["input_ids"].where(given["attention_mask"], 95))
    assert (model.hidden(padded) - before).abs().max() == 0
    source = dict(given, input_ids=given["input_ids"].clone())
    source["input_ids"][:, 3] = 95
    assert (model.hidden(source) - before)[:, 0].abs().amax(dim=-1).min() > 1e-5, "all of the source is seen"


@pytest.mark.parametrize("name", dict(WITH_ATTENTIONS))
def test_every_attention_and_checkpointing_give_the_same_gradients(name: str) -> None:
    found = []
    for attention in ARCHITECTURES[name].attentions:
        for recompute in (False, True):
            model, given = built(name, attention).train(), batch()
            if recompute:
                model.transformer.gradient_checkpointing_enable()
            model.hidden(given)[given[LABELS] != IGNORE_INDEX].square().sum().backward()
            found.append({key: p.grad for key, p in model.named_parameters() if p.grad is not None})
    for gradients in found[1:]:
        assert gradients.keys() == found[0].keys()
        assert all(torch.allclose(gradients[key], found[0][key], rtol=1e-4, atol=1e-4) for key in gradients)
