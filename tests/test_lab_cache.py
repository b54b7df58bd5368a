"""The lab's images: made once, and taken away when they are old and nobody uses them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab import cache


def test_an_old_image_goes_when_nobody_uses_it_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTPJOIN_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "_held", {})
    made: list[Path] = []
    first, again, second = (cache.built("image", [recipe], made.append, print) for recipe in "112")
    assert first == again
    assert len(made) == 2
    assert [one.is_dir() for one in (first, second)] == [True, True]
    for handle in cache._held.values():
        os.close(handle)
    cache._held.clear()
    third = cache.built("image", ["3"], made.append, print)
    assert [one.is_dir() for one in (first, second, third)] == [False, False, True]
    os.close(cache._held[third])
