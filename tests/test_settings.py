"""The settings of the environment: read when they are needed, refused in one sentence when they are wrong."""

from __future__ import annotations

import math
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
    monkeypatch.setattr(settings, "quota", lambda: math.inf)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {4, 7, 9}, raising=False)
    assert settings.cores() == settings.threads() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert settings.cores() == 1


V1 = "3:memory:/some/box\n2:cpu,cpuacct:/some/box\n1:cpuset:/\n0::/\n"


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/some/box\n", {"some/box/cpu.max": "250000 100000", "some/cpu.max": "max 100000"}, 3),
        ("0::/some/box\n", {"some/box/cpu.max": "max 100000", "some/cpu.max": "50000 100000"}, 1),
        ("0::/\n", {"cpu.max": "max 100000"}, 8),
        ("0::/\n", {"cpu.max": "nonsense"}, 8),
        ("0::/not/here\n", {"cpu.max": "400000 100000"}, 4),  # a container sees its own folder as the root
        (V1, {"cpu/some/box/cpu.cfs_quota_us": "200000", "cpu/some/box/cpu.cfs_period_us": "100000"}, 2),
        (V1, {"cpu/some/box/cpu.cfs_quota_us": "-1", "cpu/some/box/cpu.cfs_period_us": "100000"}, 8),
        (V1, {}, 8),
        (None, {}, 8),
    ],
)
def test_a_container_s_share_of_the_cores_counts(
    groups: str | None,
    files: dict[str, str],
    cores: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(settings, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(settings, "CGROUP_ROOT", tmp_path / "fs")
    if groups is not None:
        settings.CGROUPS.write_text(groups)
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    settings.quota.cache_clear()
    assert settings.cores() == cores
    settings.quota.cache_clear()
