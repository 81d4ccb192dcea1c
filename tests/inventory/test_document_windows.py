"""Which version speaks on which day: told by hand for small histories, and held against a day-by-day account."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from inventory.document_windows import Standing, Window, speaking_windows

START = date(2024, 1, 1)


def day(number: int) -> date:
    return START + timedelta(days=number)


def standing(
    version: int, first: int, last: int | None = None, *, ended: int | None = None, state: str = "", confirmed: int = 0
) -> Standing:
    named = state or ("confirmed" if ended is None else "withdrawn")
    return Standing(
        "SOP-1", version, named, day(first), None if last is None else day(last), day(confirmed),
        None if ended is None else day(ended),
    )  # fmt: skip


def told(*standings: Standing) -> list[tuple[int, int, int | None]]:
    return [
        (window.version, (window.first - START).days, None if window.last == date.max else (window.last - START).days)
        for window in speaking_windows(standings)
    ]


def test_a_newer_version_ends_the_older_on_the_day_before_its_first() -> None:
    assert told(standing(2, 10), standing(1, 0)) == [(1, 0, 9), (2, 10, None)]


def test_an_older_version_does_not_come_back_when_the_newer_runs_out_or_is_withdrawn() -> None:
    assert told(standing(1, 0), standing(2, 10, 20)) == [(1, 0, 9), (2, 10, 20)]
    assert told(standing(1, 0), standing(2, 10, ended=15)) == [(1, 0, 9), (2, 10, 14)]


def test_a_version_withdrawn_before_it_took_effect_has_ended_nothing() -> None:
    assert told(standing(1, 0), standing(2, 10, ended=10)) == [(1, 0, None)]
    assert told(standing(1, 0), standing(2, 10, ended=4)) == [(1, 0, None)]
    mistaken = standing(2, -300, ended=7, confirmed=7)
    assert told(standing(1, 0), mistaken) == [(1, 0, None)], "back-dated, and withdrawn the day it was confirmed"


def test_what_is_deleted_never_speaks_and_what_it_had_ended_stays_ended() -> None:
    assert told(standing(1, 0), standing(2, 10, ended=15, state="deleted")) == [(1, 0, 9)]


def test_documents_do_not_touch_one_another() -> None:
    other = Standing("SOP-2", 7, "confirmed", day(3), None, day(0), None)
    assert speaking_windows([other, standing(1, 0)]) == [
        Window("SOP-1", 1, day(0), date.max),
        Window("SOP-2", 7, day(3), date.max),
    ]


standings = st.builds(
    lambda first, length, ended, deleted, confirmed: (first, length, ended, deleted, confirmed),
    st.integers(0, 30), st.none() | st.integers(0, 20), st.none() | st.integers(0, 40), st.booleans(),
    st.integers(0, 10),
)  # fmt: skip


@given(st.lists(standings, max_size=5))
def test_on_no_day_two_versions_speak_and_never_one_that_is_over(drawn: list[tuple[int, ...]]) -> None:
    history = [
        standing(
            number, first, None if length is None else first + length, confirmed=confirmed,
            ended=None if ended is None else max(ended, confirmed),
            state="confirmed" if ended is None else "deleted" if deleted else "withdrawn",
        )
        for number, (first, length, ended, deleted, confirmed) in enumerate(drawn, start=1)
    ]  # fmt: skip
    windows = speaking_windows(history)
    for number in range(60):
        speaking = [window for window in windows if window.first <= day(number) <= window.last]
        began = [each for each in history if each.took_effect and each.effective_from <= day(number)]
        newest = max(began, key=lambda each: each.version, default=None)
        if newest is None:
            assert speaking == []
            continue
        over = newest.effective_to is not None and day(number) > newest.effective_to
        gone = newest.ended_on is not None and day(number) >= newest.ended_on
        silent = newest.state == "deleted" or over or gone
        assert [window.version for window in speaking] == ([] if silent else [newest.version])
