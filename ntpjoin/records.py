"""Frozen dataclasses whose methods are shared. The standard ones are the same to all who use them, and to the type checker.

Before Python 3.13 `dataclass(frozen=True)` writes and compiles six methods for each class, as much work as importing a small module:
of all that `verify` did, that was a third. These have the same constructor, comparison, hash and text; only `inspect.signature`
tells less of them. In one family of classes all are of this kind.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Callable, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - it is to be found here
else:

    def dataclass(*, frozen: bool) -> Callable[[type[T]], type[T]]:
        """As the standard one with `frozen=True`, which has to be said, for it is so."""
        if not frozen:
            raise TypeError("these are frozen")

        def make(cls: type[T]) -> type[T]:
            cls.__doc__ = cls.__doc__ or cls.__name__  # else one is made of the signature, which takes long
            made = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
            made.__shape__ = _Shape(made)
            for name, method in _METHODS.items():
                if name not in vars(cls):
                    setattr(made, name, method)
            return made

        return make


class _Shape:
    """The names of the fields, in order; those without a default; and what makes a default where it is not the same for all."""

    def __init__(self, cls: Any) -> None:
        fields = dataclasses.fields(cls)
        self.names = tuple(field.name for field in fields)
        self.makers = {
            one.name: one.default_factory for one in fields if one.default_factory is not dataclasses.MISSING
        }
        self.required = tuple(
            one.name for one in fields if one.default is dataclasses.MISSING and one.name not in self.makers
        )


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    shape: _Shape = self.__shape__
    by_place = shape.names[: len(values)]
    if len(values) > len(shape.names):
        raise TypeError(f"{type(self).__name__} has {len(shape.names)} fields, {len(values)} values are given")
    for name in named:
        if name not in shape.names or name in by_place:
            raise TypeError(f"{type(self).__name__} has no field {name}, or it is given twice")
    for name in shape.required[len(values) :]:
        if name not in named:
            raise TypeError(f"{type(self).__name__} lacks {name}")
    # A default that is the same for all is the class's own.
    self.__dict__.update(zip(by_place, values))
    self.__dict__.update(named)
    for name, maker in shape.makers.items():
        if name not in self.__dict__:
            self.__dict__[name] = maker()


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self.__shape__.names])


def _eq(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    told = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__shape__.names)
    return f"{type(self).__qualname__}({told})"


def _setattr(self: Any, name: str, value: object) -> None:
    del self, value
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    del self
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_METHODS: dict[str, Callable[..., Any]] = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}
