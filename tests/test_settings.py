"""The settings of the environment: read when they are needed, refused in one sentence when they are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pellucid import settings
from pellucid.errors import ArgumentError


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("PELLUCID_")]:
        monkeypatch.delenv(name)


def test_defaults() -> None:
    assert settings.threads() == settings.cores() >= 1
    assert settings.jit()
    assert not settings.debug()
    assert settings.cache_dir().name == "pellucid"
    assert settings.cache_dir().is_absolute()


def test_values_are_read_anew_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text, threads in (("3", 3), (" 17 ", 17), ("", settings.cores()), ("1", 1)):
        monkeypatch.setenv("PELLUCID_THREADS", text)
        assert settings.threads() == threads
    for name, switch in (("PELLUCID_JIT", settings.jit), ("PELLUCID_DEBUG", settings.debug)):
        default = switch()
        for text, value in (("0", False), ("1", True), (" 0 ", False), ("", default)):
            monkeypatch.setenv(name, text)
            assert switch() is value
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(tmp_path))
    assert settings.cache_dir() == tmp_path


@pytest.mark.parametrize(
    ("name", "text", "read", "message"),
    [
        ("THREADS", "0", settings.threads, "PELLUCID_THREADS must be a whole number from 1, but is '0'."),
        ("THREADS", "-2", settings.threads, "PELLUCID_THREADS must be a whole number from 1, but is '-2'."),
        ("THREADS", "two", settings.threads, "PELLUCID_THREADS must be a whole number from 1, but is 'two'."),
        ("THREADS", "2.0", settings.threads, "PELLUCID_THREADS must be a whole number from 1, but is '2.0'."),
        ("JIT", "no", settings.jit, "PELLUCID_JIT must be 0 or 1, but is 'no'."),
        ("DEBUG", "2", settings.debug, "PELLUCID_DEBUG must be 0 or 1, but is '2'."),
    ],
)
def test_wrong_values_are_one_sentence(
    name: str, text: str, read: Callable[[], object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PELLUCID_{name}", text)
    with pytest.raises(ArgumentError) as caught:
        read()
    assert str(caught.value) == message


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {4, 7, 9}, raising=False)
    assert settings.cores() == settings.threads() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert settings.cores() == 1
