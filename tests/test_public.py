"""The public face: exactly these names, quickly there, each with a text."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

import pellucid

NAMES = [
    "Activation",
    "BatchNorm",
    "Concat",
    "Dense",
    "Dropout",
    "Embedding",
    "Frozen",
    "GaussianNoise",
    "Input",
    "LayerNorm",
    "Network",
    "ParametricActivation",
    "PellucidError",
    "PellucidWarning",
    "PeriodicEmbedding",
    "Residual",
    "Scale",
    "TableModel",
    "__version__",
    "activation",
    "compare_table",
    "exp",
    "fit_many",
    "fit_table",
    "load",
    "log",
    "loss",
    "metric",
    "optimizer",
    "read_table",
    "schedule",
    "sqrt",
    "tanh",
    "where",
]


def test_the_public_names_are_these() -> None:
    assert pellucid.__all__ == NAMES
    assert dir(pellucid) == NAMES


@pytest.mark.parametrize("name", [n for n in NAMES if n != "__version__"])
def test_each_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(pellucid, name)
    assert value.__name__ == name
    assert inspect.getdoc(value)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pellucid' has no attribute 'Dens'"):
        _ = pellucid.Dens  # type: ignore[attr-defined]


def test_type_checkers_know_the_same_names() -> None:
    tree = ast.parse(inspect.getsource(pellucid))
    (block,) = [n for n in tree.body if isinstance(n, ast.If)]
    imported = {
        alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported == set(NAMES) - {"__version__"}


def loaded_after(code: str) -> set[str]:
    """The packages that a fresh process has loaded after some code."""
    ask = f"{code}\nimport sys\nprint(*(m for m in sys.modules if '.' not in m))"
    command = [sys.executable, "-W", "error", "-c", ask]
    return set(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split())


HEAVY = {
    *("numba", "llvmlite", "polars", "narwhals", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib"),
    *("rich", "cyclopts", "safetensors", "platformdirs"),
}


def test_import_is_light() -> None:
    assert not loaded_after("import pellucid") & {*HEAVY, "numpy"}
    assert not loaded_after("from pellucid import Dense, Input, Network") & HEAVY


def test_a_network_can_be_made_and_saved_without_compiling(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("net") / "net.pellucid"
    code = f"from pellucid import *; Network([Input(2), Dense(1)]).save({str(path)!r}); load({str(path)!r})"
    assert not loaded_after(code) & (HEAVY - {"safetensors"})
