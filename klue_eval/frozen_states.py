"""What a frozen encoder makes of rows, computed once for all epochs, scorings and seeds.

The states are kept by what they depend on: the weights, the tokens, the layers that are read, the precision. They are computed in
batches of similar length, in one order, so that they are the same whoever asks first. Rows whose states would take more than LIMIT
are read by the encoder in every batch instead.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from klue_eval.batches import Encoded, pad, scoring_order
from klue_eval.heads.frozen import FrozenEncoder

LIMIT = 2 * 2**30
"""Bytes of all states that a process keeps; the oldest go first."""
BATCH = 128
"""Examples that are read at once."""

_KEPT: OrderedDict[str, Tensor] = OrderedDict()


def with_states(model: nn.Module, encoded: Encoded, precision: str) -> Encoded:
    """The examples with the states of the model's frozen encoder; as they are if the encoder is trained, or the states are too
    large."""
    encoder = next((part for part in model.modules() if isinstance(part, FrozenEncoder)), None)
    if encoder is None or not encoded.examples or _bytes(encoder, encoded) > LIMIT:
        return encoded
    key = _key(encoder, encoded, precision)
    if key not in _KEPT:
        _KEPT[key] = _computed(encoder, encoded, precision)
    _KEPT.move_to_end(key)
    while sum(states.nbytes for states in _KEPT.values()) > LIMIT:
        _KEPT.popitem(last=False)
    return replace(encoded, states=_KEPT[key])


def _bytes(encoder: FrozenEncoder, encoded: Encoded) -> int:
    return int(encoded.offsets[-1]) * encoder.width * torch.float32.itemsize


def _key(encoder: FrozenEncoder, encoded: Encoded, precision: str) -> str:
    digest = hashlib.blake2b(f"{encoder.width} {precision} {encoder.config.to_json_string()}".encode(), digest_size=16)
    for name, weight in encoder.body.state_dict().items():
        if name.startswith("pooler"):  # random in most checkpoints, and no state depends on it
            continue
        digest.update(name.encode())
        digest.update(weight.detach().cpu().numpy().tobytes())
    for name, column in [*sorted(encoded.columns.items()), ("offsets", encoded.offsets)]:
        digest.update(name.encode())
        digest.update(column.tobytes())
    return digest.hexdigest()


@torch.no_grad()
def _computed(encoder: FrozenEncoder, encoded: Encoded, precision: str) -> Tensor:
    """[tokens, `width`] in float32, the states of all examples, one example after the other."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder.body.to(device).eval()
    states = torch.empty(int(encoded.offsets[-1]), encoder.width)
    for numbers in scoring_order(encoded.lengths, BATCH):
        inputs = {name: column.to(device) for name, column in pad(encoded, numbers).items()}
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
            found = encoder.states(inputs).float().cpu()
        places = [np.arange(*encoded.offsets[number : number + 2]) for number in numbers]
        states[torch.from_numpy(np.concatenate(places))] = found[inputs["attention_mask"].bool().cpu()]
    return states
