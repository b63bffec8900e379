from __future__ import annotations

import pytest

from kobert_pipeline.hub.licences import hub_fields, licence_of_texts, problems, withheld


@pytest.mark.parametrize(
    ("declared", "source"),
    [
        ("Apache-2.0", "CC0-1.0"),
        ("Apache-2.0", "KOGL-1"),
        ("MIT", "CC-BY-4.0"),
        ("CC-BY-SA-4.0", "CC-BY-SA-3.0"),
        ("cc-by-nc-sa-4.0", "CC-BY-NC-4.0"),
        ("CC-BY-NC-SA-4.0", "CC-BY-NC-SA-4.0"),
    ],
)
def test_licences_that_fit_raise_no_question(declared: str, source: str) -> None:
    assert problems(declared, {"wiki": source}) == []


@pytest.mark.parametrize(
    ("declared", "source", "reason"),
    [
        ("Apache-2.0", "unknown", "its licence is unknown"),
        ("Apache-2.0", "LicenseRef-modu", "this check does not know LicenseRef-modu"),
        ("Apache-2.0", "CC-BY-SA-4.0", "requires the same licence for what is made of it"),
        ("Apache-2.0", "CC-BY-NC-4.0", "forbids commercial use"),
        ("CC-BY-SA-4.0", "KOGL-4", "forbids commercial use"),
        ("CC-BY-4.0", "CC-BY-ND-4.0", "allows no derivatives"),
        ("unknown", "MIT", "set hub.license"),
    ],
)
def test_licences_that_do_not_fit_are_named_with_the_reason(declared: str, source: str, reason: str) -> None:
    assert any(reason in line for line in problems(declared, {"wiki": source}))


def test_texts_of_unknown_or_unchangeable_licence_are_withheld() -> None:
    sources = {"a": "unknown", "b": "CC-BY-NC-ND-4.0", "c": "CC-BY-4.0", "d": "LicenseRef-ours"}
    assert withheld(sources) == ["a", "b"]


def test_texts_of_several_licences_are_published_under_none_in_particular() -> None:
    assert licence_of_texts({"a": "MIT", "b": "MIT"}) == "MIT"
    assert licence_of_texts({"a": "MIT", "b": "CC0-1.0"}) == "other"


@pytest.mark.parametrize(
    ("licence", "fields"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("ODC-BY-1.0", {"license": "odc-by"}),
        ("KOGL-1", {"license": "other", "license_name": "kogl-1"}),
        ("LicenseRef-ours", {"license": "other", "license_name": "licenseref-ours"}),
        ("unknown", {"license": "unknown"}),
    ],
)
def test_a_card_names_a_licence_as_the_hub_does(licence: str, fields: dict[str, str]) -> None:
    assert hub_fields(licence) == fields
