"""Our dataclasses and the standard ones: whoever uses them sees no difference."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Callable, ClassVar, Optional

import pytest

from ntpjoin import records

#: The type checker takes ours for the standard one, so it is asked for by another name.
ours: Callable[..., Any] = records.dataclass
Made = tuple[Any, Any, Any]


def _said(number: int) -> str:
    return f"it is {number}"


def made(kind: Callable[..., Any]) -> Made:
    @kind(frozen=True)
    class Plain:
        """It is."""

        a: int
        b: str = "x"
        c: Optional[tuple[int, ...]] = None
        d: Mapping[str, int] = field(default_factory=dict)
        call: Callable[[int], int] = abs
        say: Callable[[int], str] = _said
        shared: ClassVar[int] = 7

        @property
        def twice(self) -> int:
            return self.a * 2

    @kind(frozen=True)
    class Child(Plain):
        e: int = 5
        b: str = "y"

    @kind(frozen=True)
    class Nothing:
        def __repr__(self) -> str:
            return "nothing"

    return Plain, Child, Nothing


OURS, STANDARD = made(ours), made(dataclasses.dataclass)


def outcome(do: Callable[[Made], object], kind: Made) -> object:
    """A value, or the kind of error."""
    try:
        return do(kind)
    except (TypeError, AttributeError, ValueError) as error:
        return type(error)


USES: dict[str, Callable[[Made], object]] = {
    "by place": lambda made: repr(made[0](1, "z", (2,), {"q": 3})),
    "by name": lambda made: repr(made[0](b="z", a=1)),
    "defaults": lambda made: repr(made[0](1)),
    "its own default": lambda made: (made[0](1).d is made[0](1).d, made[0](1).d),
    "a function for a default": lambda made: (made[0](1).call(-2), made[0](1).say(3), made[0](1, say=str).say(3)),
    "None for a default": lambda made: repr(made[0](1, d=None)),
    "a child": lambda made: (repr(made[1](1)), repr(made[1](1, "z", None, {}, abs, _said, 9)), made[1](3).twice),
    "nothing": lambda made: (repr(made[2]()), made[2]() == made[2]()),
    "too many": lambda made: made[0](1, 2, 3, 4, 5, 6, 7),
    "none": lambda made: made[0](),
    "only what has a default": lambda made: made[0](b="x"),
    "unknown": lambda made: made[0](1, z=2),
    "twice": lambda made: made[0](1, a=2),
    "a value of nothing": lambda made: made[2](1),
    "a shared one is no field": lambda made: (made[0](1).shared, made[0](1, shared=8)),
    "equal": lambda made: (made[0](1) == made[0](1), made[0](1) == made[0](2), made[0](1) != made[0](1)),
    "equal to others": lambda made: (made[0](1) == made[1](1), made[0](1) == 1, made[1](1) == made[0](1)),
    "hash": lambda made: len({made[2](), made[2]()}),
    "hash of what has none": lambda made: hash(made[0](1)),
    "hash without it": lambda made: hash(made[0](1, d=())) == hash(made[0](1, d=())),
    "assigned": lambda made: setattr(made[0](1), "a", 2),
    "assigned anew": lambda made: setattr(made[0](1), "new", 2),
    "deleted": lambda made: delattr(made[0](1), "a"),
    "replaced": lambda made: repr(dataclasses.replace(made[0](1), b="q")),
    "replaced by what is none": lambda made: dataclasses.replace(made[0](1), z="q"),
    "as a dictionary": lambda made: list(dataclasses.asdict(made[1](1, c=(1, 2))).items()),
    "fields": lambda made: [(one.name, one.type, one.default) for one in dataclasses.fields(made[1])][:3],
    "annotations": lambda made: [vars(one).get("__annotations__", {}) for one in made[:2]],
    "copied": lambda made: (copy.copy(made[0](1)) == made[0](1), copy.deepcopy(made[0](1)) == made[0](1)),
    "matched": lambda made: made[0].__match_args__ if hasattr(made[0], "__match_args__") else None,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_they_are_used_alike(use: Callable[[Made], object]) -> None:
    assert outcome(use, OURS) == outcome(use, STANDARD)


def test_what_was_assigned_is_not() -> None:
    one = OURS[0](1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="'a'"):
        one.a = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="'a'"):
        del one.a
    assert one.a == 1


@pytest.mark.parametrize("words", [{"a": 1, "z": 2}, {}, {"b": 1}])
def test_an_error_names_the_field(words: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"Plain (has no field z|lacks a)"):
        OURS[0](**words)


def test_an_abstract_one_cannot_be_made() -> None:
    @ours(frozen=True)
    class Abstract(ABC):
        a: int

        @abstractmethod
        def do(self) -> None: ...

    @ours(frozen=True)
    class Concrete(Abstract):
        def do(self) -> None: ...

    kinds: list[Any] = [Abstract, Concrete]
    with pytest.raises(TypeError, match="abstract"):
        kinds[0](1)
    assert kinds[1](1).a == 1


def test_those_of_the_house_are_of_the_kind_and_whole() -> None:
    from ntpjoin.model import Check, CheckState, Measure

    check = Check("x", CheckState.OK, "y", measure=Measure(1.0))
    assert pickle.loads(pickle.dumps(check)) == check
    assert hash(check) == hash(dataclasses.replace(check))
    constructors: set[Any] = {kind.__init__ for kind in (Check, Measure)}
    assert len(constructors) == 1, "it is shared"


def test_others_than_frozen_ones_are_not_to_be_had() -> None:
    with pytest.raises(TypeError):
        ours(frozen=False)
