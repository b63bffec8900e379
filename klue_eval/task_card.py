"""The card of a fine-tuned model that leaves the house: what it answers, how it was trained, what it scores, how it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from klue_eval.figures import METRIC_TITLES
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.tasks import TASKS

CARD = "README.md"
KIND: Mapping[str, str] = {
    "classification": "text-classification",
    "regression": "text-classification",
    "tagging": "token-classification",
    "token_labels": "token-classification",
    "span": "question-answering",
}
"""Head -> the Hub's name for that kind of model."""
HERE = "."
"""The place of the model in a card, as long as it has no name on the Hub."""
_SNAPSHOT = re.compile(r"models--([\w.-]+)--([\w.-]+)")


@dataclass(frozen=True)
class Trained:
    """How a model was fine-tuned and scored."""

    base_model: str
    """The Hub id of the model that was fine-tuned; empty for one of this machine."""
    train_rows: int
    scored_rows: int
    split: str
    seed: int
    reads_pairs: bool
    is_own: bool


def hub_id(folder: Path) -> str:
    """The Hub id of a downloaded snapshot; empty for any other folder, whose path means nothing to others."""
    found = [match for part in folder.parts if (match := _SNAPSHOT.fullmatch(part))]
    return f"{found[-1][1]}/{found[-1][2]}" if found else ""


def task_card(task: KlueTask, settings: TaskSettings, scores: Mapping[str, float], trained: Trained) -> str:
    """`README.md` of a fine-tuned model, in English and in Korean. Scores on a part of the data stay out of the front matter."""
    front = yaml.safe_dump(_front_matter(task, scores, trained), allow_unicode=True, sort_keys=False)
    figures = "\n".join(f"| {METRIC_TITLES[name]} | {value:.2f} |" for name, value in scores.items())
    return f"""---
{front}---

# {task.title}

A model of transformers, fine-tuned on {_data(task, trained)}.
transformers 모델을 {"사용자 데이터" if trained.is_own else task.title + " 데이터"}로 미세 조정했습니다.

```python
{loads(task, HERE, reads_pairs=trained.reads_pairs)}
```

{_labels(task)}

## Scores · 점수

On {trained.scored_rows:,} rows of {trained.split}, which were not trained on, by the last checkpoint of seed {trained.seed}.{_part(task, trained)}

| metric | score |
|---|---|
{figures}

## Training · 학습

{trained.train_rows:,} rows, {settings.epochs} epochs, batches of {settings.batch_size}, learning rate {settings.learning_rate:g}, at most {settings.max_length} tokens.
The licences of the model that was fine-tuned and of the data hold for this one, too. 원본 모델과 데이터의 라이선스를 따릅니다.
"""


def loads(task: KlueTask, place: str, *, reads_pairs: bool = False) -> str:
    """Python that loads the model from `place` and asks it."""
    if KIND[task.head] == "question-answering":
        return QUESTION.format(place)
    if KIND[task.head] == "token-classification":
        return f'from transformers import pipeline\n\ntagger = pipeline("token-classification", model="{place}", aggregation_strategy="first")\ntagger("서울에서 만났다.")'
    asked = '{"text": "비가 온다.", "text_pair": "날이 궂다."}' if reads_pairs else '"문장 하나"'
    return f'from transformers import pipeline\n\nclassifier = pipeline("text-classification", model="{place}", truncation=True)\nclassifier({asked})'


QUESTION = """import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

tokenizer, model = (each.from_pretrained("{}") for each in (AutoTokenizer, AutoModelForQuestionAnswering))
inputs = tokenizer("누가 만났나?", "민서가 서울에서 지호를 만났다.", return_tensors="pt")
found = model(**inputs)
span = slice(found.start_logits.argmax(), found.end_logits.argmax() + 1)
tokenizer.decode(inputs["input_ids"][0][span])"""
"""transformers 5 has no pipeline for questions about a text."""


def _data(task: KlueTask, trained: Trained) -> str:
    return f"a task of its maker: {task.name}" if trained.is_own else f"{task.dataset} ({task.paper})"


def _labels(task: KlueTask) -> str:
    lines = []
    if task.labels:
        lines.append(f"Labels · 레이블: {', '.join(f'`{label}`' for label in task.labels)}")
    elif KIND[task.head] == "text-classification":
        lines.append("It answers with a number on the scale of the labels. 레이블과 같은 척도의 수로 답합니다.")
    if task.added_tokens:
        marks = " ".join(f"`{token}`" for token in task.added_tokens)
        lines.append(
            f"Its texts hold the marks {marks}. The evaluation joins the token after a closing mark to its word, which a plain "
            "tokenizer does not, so that a few answers differ."
        )
    return "\n\n".join(lines)


def _part(task: KlueTask, trained: Trained) -> str:
    size = task.sizes.get("dev")
    if trained.is_own or size is None or trained.scored_rows == size:
        return ""
    return f" They are a part of the {size:,} rows of KLUE's dev: this is not a KLUE score."


def _front_matter(task: KlueTask, scores: Mapping[str, float], trained: Trained) -> dict[str, Any]:
    kind = KIND[task.head]
    is_klue = not trained.is_own and task.name in TASKS
    front: dict[str, Any] = {"language": "ko", "library_name": "transformers", "pipeline_tag": kind}
    if trained.base_model:
        front["base_model"] = trained.base_model
    if is_klue:
        front["datasets"] = ["klue/klue"]
    if is_klue and trained.split == "dev" and trained.scored_rows == task.sizes.get("dev"):
        data = {"type": "klue/klue", "name": "KLUE", "config": task.name, "split": "validation"}
        found = [
            {"type": name, "name": METRIC_TITLES[name], "value": round(value, 2)} for name, value in scores.items()
        ]
        results = [{"task": {"type": kind, "name": task.title}, "dataset": data, "metrics": found}]
        front["model-index"] = [{"name": f"{task.name} model", "results": results}]
    return front


def reads_pairs(task: KlueTask, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether its texts are pairs."""
    return task.texts is not None and bool(rows) and task.texts(dict(rows[0])).pair is not None
