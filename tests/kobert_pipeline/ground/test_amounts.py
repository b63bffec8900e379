import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.ground.amounts import shown_bytes, shown_memory, shown_seconds


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (shown_seconds, 0, "< 0.1 s"), (shown_seconds, 0.4, "0.4 s"), (shown_seconds, 95, "95 s"),
        (shown_seconds, 600, "10 min"), (shown_seconds, 9_000, "2.5 h"),
        (shown_memory, 0, "0.1 MiB"), (shown_memory, 300 * 2**20, "300 MiB"), (shown_memory, 27.4 * 2**30, "27.4 GiB"),
        (shown_bytes, 0, "0 bytes"), (shown_bytes, 30_900, "30.9 kB"), (shown_bytes, 2.5e9, "2.5 GB"),
    ],
)  # fmt: skip
def test_the_unit_fits(show, value, text):
    assert show(value) == text


@given(value=st.floats(0.001, 1e12))
def test_nothing_that_exists_is_shown_as_nothing(value):
    for show in (shown_seconds, shown_memory):
        assert not show(value).startswith(("0.0", "0 "))
