"""A throw-away objective that uses everything the contract allows, and belongs to no table.

A small generator fills in masked tokens, drawn inside the loss. The student finds which tokens are not the original ones (as in
ELECTRA), a decoder of the objective's own writes the text again from the student's states (as in BART), and a frozen teacher, if
one is named, is imitated (as in DistilBERT).
"""

from __future__ import annotations

import math
import sys
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.ground.addresses import WEIGHTS, identity, local_folder
from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.tokens import IGNORE_INDEX, mask_tokens
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.masked import FIGURES
from kobert_pipeline.objectives.objective import (
    GENERATOR,
    STUDENT,
    TEACHER,
    Chance,
    Figure,
    Inputs,
    Objective,
    Role,
    Term,
)
from kobert_pipeline.objectives.rows import assemble


class Options(MaskingConfig):
    generator_layers: int = 1
    teacher: str | None = None
    """Folder of the model to imitate."""


def models(options: Options) -> dict[str, Role]:
    roles = {STUDENT: Role(("tokens",)), GENERATOR: Role(("tokens",), smaller)}
    return roles | ({TEACHER: Role(("tokens",), checkpoint=TEACHER)} if options.teacher else {})


def smaller(options: Options, sizes: Any) -> Any:
    return sizes.model_copy(update={"layers": options.generator_layers})


def parts(options: Options, models: Any, info: Any) -> dict[str, nn.Module]:
    width = models.student.hidden_size
    layer = nn.TransformerDecoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True)
    return {
        "detector": nn.Linear(width, 1),
        "embeddings": nn.Embedding(info.vocab_size, width),
        "decoder": nn.TransformerDecoder(layer, 1),
    }


def share(options: Options, models: Any) -> None:
    """The generator reads the student's embeddings."""
    models[GENERATOR].transformer.set_input_embeddings(models.student.transformer.get_input_embeddings())
    models[GENERATOR].transformer.tie_weights()


def inputs(options: Options, hashes: Any) -> dict[str, str]:
    return identity(options.teacher, "pretrain.objective.teacher", WEIGHTS, hashes) if options.teacher else {}


def folders(options: Options, known: Any, root: Any) -> dict[str, Any]:
    return (
        {TEACHER: local_folder(options.teacher, "pretrain.objective.teacher", WEIGHTS, dict(known))}
        if options.teacher
        else {}
    )


def collate(examples: Any, chosen: np.ndarray, context: Any, options: Options) -> dict[str, torch.Tensor]:
    rows = assemble(examples, chosen, context.tokenizer, numbered=False)
    input_ids, labels = mask_tokens(
        rows.input_ids, rows.maskable, None, context.generator, options,
        mask_id=context.tokenizer.mask_id, replacements=context.tokenizer.replacements,
    )  # fmt: skip
    shifted = np.roll(rows.input_ids, 1, axis=1)
    shifted[:, 0] = context.tokenizer.sep_id
    arrays = {
        "input_ids": input_ids, "token_type_ids": rows.token_type_ids, "attention_mask": rows.attention_mask,
        "labels": labels, "decoder_input_ids": shifted,
        "decoder_labels": np.where(rows.attention_mask, rows.input_ids, IGNORE_INDEX),
    }  # fmt: skip
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def loss(models: Any, batch: dict[str, torch.Tensor], generator: torch.Generator, options: Options) -> dict[str, Term]:
    masked, real = batch["labels"] != IGNORE_INDEX, batch["attention_mask"]
    labels = batch["labels"][masked]
    guesses = models[GENERATOR].logits("tokens", models[GENERATOR].hidden(batch)[masked]).float()
    drawn = torch.multinomial(guesses.detach().softmax(dim=-1), 1, generator=generator).squeeze(1)
    filled = batch["input_ids"].masked_scatter(masked, drawn)
    replaced = masked & (filled != torch.where(masked, batch["labels"], batch["input_ids"]))
    states = models.student.hidden(batch | {"input_ids": filled})
    return {
        "detection": detection(models, states[real], replaced[real]),
        "generator": summed(functional.cross_entropy(guesses, labels, reduction="sum"), masked),
        "mlm": summed(
            functional.cross_entropy(models.student.logits("tokens", states[masked]).float(), labels, reduction="sum"),
            masked,
        ),
        "denoising": denoising(models, states, batch),
        **accuracy(models, states[real], replaced[real]),
        **imitation(models, states, batch, options),
    }


def summed(total: torch.Tensor, counted: torch.Tensor, weight: float = 1.0) -> Term:
    return Term(total, counted.sum().float(), weight)


def detection(models: Any, states: torch.Tensor, replaced: torch.Tensor) -> Term:
    scores = models.parts["detector"](states).squeeze(-1).float()
    total = functional.binary_cross_entropy_with_logits(scores, replaced.float(), reduction="sum")
    return Term(total, torch.tensor(float(len(replaced))), 5.0)


def accuracy(models: Any, states: torch.Tensor, replaced: torch.Tensor) -> dict[str, Term]:
    right = (models.parts["detector"](states).squeeze(-1) > 0) == replaced
    return {"detection_accuracy": Term(right.sum().float(), torch.tensor(float(len(replaced))), 0.0)}


def denoising(models: Any, states: torch.Tensor, batch: dict[str, torch.Tensor]) -> Term:
    """The decoder's own causal mask: it does not see what it is to write."""
    table, read = models.parts["embeddings"], batch["decoder_input_ids"]
    future = torch.ones(read.shape[1], read.shape[1], dtype=torch.bool).triu(1)
    written = models.parts["decoder"](
        table(read), states, tgt_mask=future, memory_key_padding_mask=~batch["attention_mask"]
    )
    logits = (written @ table.weight.T).float()
    total = functional.cross_entropy(logits.flatten(0, 1), batch["decoder_labels"].flatten(), reduction="sum")
    return summed(total, batch["attention_mask"])


def imitation(models: Any, states: torch.Tensor, batch: dict[str, torch.Tensor], options: Options) -> dict[str, Term]:
    if not options.teacher:
        return {}
    with torch.no_grad():
        wanted = models[TEACHER].hidden(batch)
    return {
        "imitation": summed(((states - wanted) ** 2).mean(-1)[batch["attention_mask"]].sum(), batch["attention_mask"])
    }


def counts(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    masked, real = (batch["labels"] != IGNORE_INDEX).sum().float(), batch["attention_mask"].sum().float()
    by_token = dict.fromkeys(("detection", "denoising", "detection_accuracy", "imitation"), real)
    return by_token | {"generator": masked, "mlm": masked}


OBJECTIVE = Objective(
    name="throw_away",
    paper="this test, 2026",
    options=Options,
    models=models,
    plan=lambda block, context, options: full_rows(block, context),
    collate=collate,
    loss=loss,
    counts=counts,
    headline="detection",
    figures=(
        Figure("detection", "Replaced token detection loss", "nats", better=-1),
        Figure("detection_accuracy", "Replaced tokens found", "share"),
        *FIGURES,
    ),
    chance=Chance("a coin", lambda entropy, options: math.log(2)),
    use="fill_mask",
    parts=parts,
    share=share,
    inputs=Inputs(inputs, folders=folders),
    per_phase=("mlm_probability",),
)


def list_it(monkeypatch: Any) -> None:
    """The objective is in the table, wherever the table was imported."""
    table = MappingProxyType({**OBJECTIVES, OBJECTIVE.name: OBJECTIVE})
    for module in list(sys.modules.values()):
        if (
            getattr(module, "__name__", "").startswith("kobert_pipeline")
            and getattr(module, "OBJECTIVES", None) is OBJECTIVES
        ):
            monkeypatch.setattr(module, "OBJECTIVES", table)
