"""Frozen dataclasses whose methods are shared. The standard ones are the same to all who use them, and to the type checker.

Before Python 3.13 `dataclass(frozen=True)` writes and compiles six methods for each class, as much work as importing a small module:
of all that `verify` did, that was a third. These have the same constructor, comparison, hash and text; only `inspect.signature`
tells less of them. In one family of classes all are of this kind.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
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
            made = _with_fields(cls)
            made.__shape__ = _Shape(made)
            for name, method in _METHODS.items():
                if name not in vars(cls):
                    setattr(made, name, method)
            return made

        return make


def _with_fields(cls: Any) -> Any:
    """The standard one without methods. It looks into every annotation that is text for `ClassVar`: it is told which have it."""
    written = vars(cls).get("__annotations__", {})
    cls.__annotations__ = {name: text if "ClassVar" in text else object for name, text in written.items()}
    made = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    cls.__annotations__ = written
    for name in written.keys() & made.__dataclass_fields__.keys():
        made.__dataclass_fields__[name].type = written[name]
    return made


class _Shape:
    """The names of the fields, in order; those without a default; and what makes a default where the class's own does not do."""

    def __init__(self, cls: Any) -> None:
        fields = dataclasses.fields(cls)
        missing = dataclasses.MISSING
        self.names = tuple(field.name for field in fields)
        self.known = frozenset(self.names)
        self.makers = tuple(
            (one.name, (lambda bound=one.default: bound) if one.default_factory is missing else one.default_factory)
            for one in fields
            # A function that is the class's own would be its method.
            if one.default_factory is not missing or hasattr(type(one.default), "__get__")
        )
        self.required = tuple(one.name for one in fields if one.default is missing and one.default_factory is missing)


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    shape: _Shape = self.__shape__
    own = self.__dict__
    own.update(zip(shape.names, values))
    if named:
        own.update(named)
    count = len(values)
    if (
        len(own) != count + len(named)  # too many, or one twice
        or not shape.known.issuperset(named)
        or (count < len(shape.required) and not all(name in own for name in shape.required[count:]))
    ):
        raise TypeError(_refusal(type(self).__name__, shape, count, named))
    # A default that is the same for all is the class's own.
    for name, maker in shape.makers:
        if name not in own:
            own[name] = maker()


def _refusal(kind: str, shape: _Shape, count: int, named: Mapping[str, Any]) -> str:
    """Why these values make none."""
    if count > len(shape.names):
        return f"{kind} has {len(shape.names)} fields, {count} values are given"
    wrong = [name for name in named if name not in shape.known or name in shape.names[:count]]
    if wrong:
        return f"{kind} has no field {wrong[0]}, or it is given twice"
    return f"{kind} lacks {next(name for name in shape.required[count:] if name not in named)}"


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
