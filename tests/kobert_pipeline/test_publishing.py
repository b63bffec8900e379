"""What `kobert push` asks and refuses before anything is sent."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.hub.bundle import Bundle
from kobert_pipeline.hub.files import as_kind
from kobert_pipeline.publishing import Question, questions, refuse_leaks, refuse_unanswered

BUNDLE = Bundle(
    kind="model",
    recipe="small",
    fingerprint="f" * 64,
    license="Apache-2.0",
    sources={"news": "Apache-2.0"},
    files={
        "README.md": "# 모델\n\n문서 1,234,567개, 지문 `" + "0123456789abcdef" * 4 + "`\n",
        "vocab.txt": "대한\n##민국\n2024\n",
    },
    left_behind=(),
)


def with_files(**files: str) -> Bundle:
    return dataclasses.replace(
        BUNDLE, files=BUNDLE.files | {name.replace("_", "."): text for name, text in files.items()}
    )


def test_a_run_without_problems_raises_no_question() -> None:
    assert questions(BUNDLE) == []


def test_licences_that_do_not_fit_are_one_question() -> None:
    asked = questions(dataclasses.replace(BUNDLE, sources={"위키": "CC-BY-SA-4.0", "리뷰": "unknown"}))
    assert [question.name for question in asked] == ["licences"]
    assert "위키: CC-BY-SA-4.0 wants" in str(asked[0])
    assert "리뷰: its licence is unknown" in str(asked[0])
    assert str(asked[0]).endswith("--accept licences")


def test_the_texts_of_a_dataset_keep_their_licences() -> None:
    sources = {"a": "CC-BY-SA-4.0", "b": "CC-BY-NC-4.0"}
    assert questions(dataclasses.replace(BUNDLE, kind="dataset", license="other", sources=sources)) == []


@pytest.mark.parametrize(
    ("bundle", "shown"),
    [
        (with_files(README_md="문의: 010-1234-5678, kim@example.com"), "README.md (email 1, phone 1)"),
        (with_files(vocab_txt="대한\n##01012345678\n"), "vocab.txt (phone 1)"),
        (dataclasses.replace(BUNDLE, masked=False), "the texts, which the recipe says not to mask"),
    ],
    ids=["card", "vocabulary", "unmasked"],
)
def test_personal_data_is_a_question_that_does_not_repeat_it(bundle: Bundle, shown: str) -> None:
    asked = questions(bundle)
    assert [question.name for question in asked] == ["personal-data"]
    assert shown in str(asked[0])
    assert "5678" not in str(asked[0])


def test_only_questions_without_an_answer_stop_a_push() -> None:
    asked = [Question("licences", "Licences: a."), Question("personal-data", "Looks like personal data: b.")]
    refuse_unanswered(asked, ["licences", "personal-data"])
    refuse_unanswered([], [])
    with pytest.raises(KobertError) as caught:
        refuse_unanswered(asked, ["licences"])
    assert str(caught.value).splitlines()[1:] == [
        "Looks like personal data: b. If this is intended: --accept personal-data"
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hf_" + "a" * 34, "a Hugging Face token"),
        ("the-token-itself", "your Hub token"),
        (f"{Path.home()}/texts", "the local folder"),
        ("ARTIFACTS/corpora", "the local folder"),
    ],
)
def test_a_text_with_a_secret_or_a_local_folder_is_never_sent(text: str, shown: str, tmp_path: Path) -> None:
    bundle = with_files(run_html=text.replace("ARTIFACTS", str(tmp_path)))
    with pytest.raises(KobertError, match=rf"run\.html: would publish {shown}"):
        refuse_leaks(bundle, tmp_path, secrets=["the-token-itself"])


def test_a_text_without_secrets_is_sent(tmp_path: Path) -> None:
    refuse_leaks(BUNDLE, tmp_path, secrets=["the-token-itself"])


def test_an_unknown_kind_names_the_nearest() -> None:
    assert as_kind("dataset") == "dataset"
    with pytest.raises(InputError, match="did you mean `model`"):
        as_kind("models")
