"""Kernels compiled before they are needed: all of them are known, and found where nothing can be written."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import pellucid
from kernels.test_cache import line_of, objects, python
from networks import T, X, Y, rich
from pellucid import Dense, GaussianNoise, Input, Network, ahead
from pellucid.kernels import compiler
from pellucid.kernels.jit import key
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.loops import elementwise
from pellucid.optimizers import OPTIMIZERS


def test_every_kernel_that_is_asked_for_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Kernel] = {}
    addresses = compiler.addresses

    def recorded(kernels: Iterable[Kernel]) -> dict[Kernel, int]:
        kernels = list(kernels)
        asked.update({key(k): k for k in kernels})
        return addresses(kernels)

    monkeypatch.setattr(compiler, "addresses", recorded)
    monkeypatch.setenv("PELLUCID_JIT", "1")
    net = rich()
    net.fit(X[:64].astype(np.float64), Y[:64], epochs=2, validation_split=0.2, clip_norm=1.0)
    net.predict(X), net(X[0]), net.evaluate(X, Y), net.trace(X[:3], Y[:3])
    for optimizer in OPTIMIZERS:
        net = Network(
            [Input(6), GaussianNoise(0.1), Dense(20, "gelu", regularizer="l1_l2", max_norm=2.0), Dense(3)],
            seed=0,
        )
        net.fit(X[:64], T[:64], epochs=1, optimizer=optimizer.name, clip_value=0.5, gradient_noise=0.1)
    assert len(asked) > 50
    assert asked.keys() <= {key(k) for k in ahead.every_kernel()}


def test_a_folder_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernels = [elementwise(f"times_{n}", f"{n} * x", (), ("x",), ("y",)) for n in (3, 5)]
    monkeypatch.setattr(ahead, "every_kernel", lambda: kernels)
    monkeypatch.setattr(sys, "argv", ["ahead", str(tmp_path)])
    monkeypatch.setenv("PELLUCID_CACHE_DIR", "")  # put back in the end
    ahead.main()
    assert [f.stem for f in objects(tmp_path)] == sorted(map(key, kernels))
    assert capsys.readouterr().out.startswith(f"2 kernels for this CPU stand in {tmp_path}")


def test_a_package_brings_kernels_and_nothing_is_compiled_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, package = tmp_path / "filled", tmp_path / "site" / "pellucid"
    python(line_of(), folder)
    shutil.copytree(Path(pellucid.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    (tmp_path / "file").write_text("in the way")
    nowhere = tmp_path / "file" / "below"
    assert python(line_of(), nowhere).stdout.endswith("True\n")
    shutil.copytree(folder, package / "compiled")
    ran = python(line_of(), nowhere)
    assert (ran.stdout, ran.stderr) == ("0.5 3.5 6.5 9.5 False\n", "")
    assert objects(tmp_path / "file") == []
    (shipped,) = objects(package / "compiled")
    shipped.write_bytes(shipped.read_bytes()[:-1])
    assert python(line_of(), nowhere).stdout.endswith("True\n")


def test_a_cache_that_can_only_be_read_serves(tmp_path: Path) -> None:
    python(line_of(), tmp_path)
    before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*")}
    for f in before:
        os.chmod(f, 0o555)
    ran = python(line_of(), tmp_path)
    assert (ran.stdout, ran.stderr) == ("0.5 3.5 6.5 9.5 False\n", "")
    assert {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*")} == before
    for f in before:
        os.chmod(f, 0o755)
