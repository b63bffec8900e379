"""A task model that imitates a fine-tuned teacher (Jiao et al. 2020, section 3.2): first its layers, then its predictions.

Shapes: B examples, L tokens, n decisions of a batch.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from klue_eval.config import Distil
from klue_eval.heads.head import Columns, TaskModel, hidden_size
from klue_eval.values import Values
from kobert_pipeline.architectures.attention_scores import recorded
from kobert_pipeline.training.imitation import chosen_layers, scores_apart, soft_targets, states_apart


class Distilled(TaskModel):
    """The student, with projections from its width to the teacher's that are not exported. The teacher is frozen."""

    def __init__(self, student: TaskModel, teacher: TaskModel, distil: Distil, steps: int) -> None:
        """`steps`: of the whole training; in the first ones layers are imitated."""
        super().__init__(student.encoder)
        self.student, self.distil = student, distil
        self.teacher = teacher.requires_grad_(False).eval()
        self.layer_steps, self.done = round(distil.layer_share * steps), 0
        self.projections = nn.ModuleList()
        if self.layer_steps:
            narrow, wide = hidden_size(student.encoder), hidden_size(teacher.encoder)
            self.projections.extend(nn.Linear(narrow, wide, bias=False) for _ in ("embeddings", "hidden states"))

    def train(self, mode: bool = True) -> Self:
        """The teacher stays in evaluation mode, without dropout."""
        super().train(mode)
        self.teacher.eval()
        return self

    def loss(self, inputs: Columns, labels: Columns) -> Tensor:
        self.done += 1
        if self.done <= self.layer_steps:
            return self._layers(inputs)
        apart = self._predictions(inputs)
        weight = self.distil.label_weight
        return apart + weight * self.student.loss(inputs, labels) if weight else apart

    def predict(self, inputs: Columns, labels: Columns) -> list[Values]:
        return self.student.predict(inputs, labels)

    def _predictions(self, inputs: Columns) -> Tensor:
        """The divergence of distributions at the temperature; of numbers, the squared distance."""
        with torch.no_grad():
            targets = self.teacher.decisions(inputs)
        found = self.student.decisions(inputs)
        if found.shape[-1] == 1:
            return nn.functional.mse_loss(found, targets)
        return soft_targets(found, targets, self.distil.temperature).mean()

    def _layers(self, inputs: Columns) -> Tensor:
        """The mean squared distances of embeddings, hidden states and attention scores, summed over layers."""
        with torch.no_grad():
            wanted, targets = _computed(self.teacher, inputs)
        states, scores = _computed(self.student, inputs)
        chosen = chosen_layers(len(scores), len(targets))
        mask = inputs["attention_mask"].bool()
        lengths = mask.sum(1).float()
        embeddings, hidden = self.projections
        projected = [embeddings(states[0]), *map(hidden, states[1:])]
        apart = states_apart(projected, [wanted[0], *(wanted[layer] for layer in chosen)], mask)
        seen = scores_apart(scores, [targets[layer - 1] for layer in chosen], mask)
        return apart / lengths.sum() + seen / (lengths * lengths).sum()


def _computed(model: TaskModel, inputs: Columns) -> tuple[Any, list[Tensor]]:
    """Embeddings and hidden states of all layers, and the attention scores of each."""
    encoder: Any = model.encoder
    with recorded() as scores:
        states = encoder.base_model(**inputs, output_hidden_states=True).hidden_states
    return states, scores
