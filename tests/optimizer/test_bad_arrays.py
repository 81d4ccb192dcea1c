"""Bad arrays are refused by name and place, or answered with finite numbers: never with a silent wrong one."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

import tests.optimizer.calls
from tests.optimizer.calls import Call

ROOMS = sorted(module.name for module in pkgutil.iter_modules(tests.optimizer.calls.__path__))


def _calls() -> Iterator[Any]:
    for room in ROOMS:
        for call in importlib.import_module(f"tests.optimizer.calls.{room}").CALLS:
            yield pytest.param(call, id=f"{room}-{call.name}")


GOOD_CALLS = list(_calls())


def _array_arguments(call: Call) -> dict[str, np.ndarray[Any, Any]]:
    return {name: value for name, value in call.arguments.items() if isinstance(value, np.ndarray)}


def _damaged(call: Call, **changes: Any) -> Any:
    return call.function(**{**call.arguments, **changes})


def _refuses(call: Call, name: str, value: Any, place: tuple[int, ...] | None = None) -> None:
    with pytest.raises(ValueError, match=r"\S") as refusal:
        _damaged(call, **{name: value})
    message = str(refusal.value)
    assert name in message, f"{call.name}: the message must name {name}: {message}"
    if place is not None:
        assert all(str(index) in message for index in place), f"{call.name}: no position {place} in: {message}"


def _with(array: np.ndarray[Any, Any], value: float) -> tuple[np.ndarray[Any, Any], tuple[int, ...]]:
    changed = array.astype(np.float64) if np.isnan(value) or np.isinf(value) else array.copy()
    place = tuple(length - 1 for length in array.shape)
    changed[place] = value
    return changed, place


def _numbers(answer: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(answer, np.ndarray):
        yield answer
    elif is_dataclass(answer) and not isinstance(answer, type):
        for field in fields(answer):
            yield from _numbers(getattr(answer, field.name))
    elif isinstance(answer, (tuple, list)):
        for part in answer:
            yield from _numbers(part)


@pytest.mark.parametrize("call", GOOD_CALLS)
def test_the_call_itself_is_accepted(call: Call) -> None:
    _damaged(call)


@pytest.mark.parametrize("call", GOOD_CALLS)
def test_a_nan_is_refused_by_name_and_place(call: Call) -> None:
    for name, array in _array_arguments(call).items():
        if array.size and array.dtype.kind in "if" and name not in call.missing:
            _refuses(call, name, *_with(array, np.nan))


@pytest.mark.parametrize("call", GOOD_CALLS)
def test_infinity_is_refused_by_name(call: Call) -> None:
    for name, array in _array_arguments(call).items():
        if array.size and array.dtype.kind == "f" and name not in call.infinite:
            _refuses(call, name, *_with(array, np.inf))


@pytest.mark.parametrize("call", GOOD_CALLS)
def test_a_negative_number_is_refused_by_name_and_place(call: Call) -> None:
    for name, array in _array_arguments(call).items():
        if array.size and array.dtype.kind in "if" and name not in call.negative:
            _refuses(call, name, *_with(array, -3.0))


@pytest.mark.parametrize("call", GOOD_CALLS)
def test_a_shorter_array_is_refused(call: Call) -> None:
    arrays = _array_arguments(call)
    for name, array in arrays.items():
        if array.ndim and len(array) > 1 and len(arrays) > 1 and name not in call.alone:
            with pytest.raises(ValueError, match=r"\S"):
                _damaged(call, **{name: array[:-1]})


@pytest.mark.parametrize("call", GOOD_CALLS)
def test_words_are_refused_by_name(call: Call) -> None:
    for name, array in _array_arguments(call).items():
        if array.size:
            _refuses(call, name, np.full(array.shape, "many"))


@pytest.mark.parametrize("call", GOOD_CALLS)
def test_huge_numbers_stay_finite_or_are_refused(call: Call) -> None:
    for name, array in _array_arguments(call).items():
        if not array.size or array.dtype.kind != "f" or name in call.any_value:
            continue
        try:
            answer = _damaged(call, **{name: _with(array, 1e9)[0]})
        except ValueError:
            continue
        normal = _damaged(call)
        for before, after in zip(_numbers(normal), _numbers(answer), strict=True):
            if before.dtype.kind == "f" and np.isfinite(before).all():
                assert np.isfinite(after).all(), f"{call.name}: {name} of 1e9 gives {after}"
