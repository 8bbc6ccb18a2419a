"""The command called within the process, and small models of the example's table that all tests share."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pellucid.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ["--hidden", "8", "--epochs", "3", "--quiet"]


@dataclass
class Result:
    """What a call of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one JSON object on standard output; NaN and infinity are refused, as JSON has none."""
        assert self.out.count("\n") == 1

        def refuse(name):
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def call(capsys, monkeypatch):
    """Calls the command with some arguments, and bytes on standard input."""

    def run(*arguments, stdin=b""):
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        told = [line for line in err.splitlines(True) if not line.startswith("pellucid: compiling")]
        return Result(code, out, "".join(told))

    return run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def penguins():
    """The path of the example's table."""
    return EXAMPLES / "penguins.csv"


@pytest.fixture(scope="session")
def classifier(penguins, tmp_path_factory):
    """The path of a model of the penguins' species."""
    path = tmp_path_factory.mktemp("models") / "species.pellucid"
    assert main(["fit", str(penguins), "--target", "species", "--out", str(path), *SMALL]) == 0
    return path


@pytest.fixture(scope="session")
def regressor(penguins, tmp_path_factory):
    """The path of a model of the penguins' mass."""
    path = tmp_path_factory.mktemp("models") / "mass.pellucid"
    assert main(["fit", str(penguins), "--target", "body_mass_g", "--out", str(path), *SMALL]) == 0
    return path
