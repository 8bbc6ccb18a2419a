"""The documentation is true: its examples run and print what is shown, its commands and links exist."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import io
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import pellucid
from pellucid import settings
from pellucid.cli.main import COMMANDS as DESCRIBED
from pellucid.cli.main import main
from pellucid.health import curves, examine, gradients, histories, inputs, neurons, rows
from pellucid.health.check import CHECKS
from pellucid.tables.recipe import Recipe
from pellucid.training.request import Request

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = {p.name: p.read_text(encoding="utf-8") for p in [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = {name: FENCED.sub("", page) for name, page in PAGES.items()}
COMMANDS = (*DESCRIBED, "completion")


def run(script: str, *arguments: str) -> None:
    """Run a script of the documentation in a process of its own; it must end well and say nothing."""
    command = [sys.executable, "-W", "error", str(DOCS / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if FENCED.search(page)])
def test_examples_run_and_print_what_is_shown(name: str) -> None:
    run("make_outputs.py", "--check", str(ROOT / name if name == "README.md" else DOCS / name))


def test_the_page_of_formulas_is_what_the_formulas_say() -> None:
    run("make_formulas.py", "--check")


def shown_commands() -> list[tuple[str, str, str]]:
    """Page, command and what follows it, wherever a page shows one, in a block or in a line."""
    found = []
    for name, page in PAGES.items():
        code = [m[2] for m in FENCED.finditer(page) if m[1] not in ("python", "text")]
        code += re.findall(r"`([^`]+)`", PROSE[name])
        for line in "\n".join(code).splitlines():
            for m in re.finditer(r"(?:^|[\s/])pellucid (\w+)((?: [^|&;#]*)?)", line):
                found.append((name, m[1], m[2].strip()))
    return [f for f in found if f[1] in COMMANDS or f[2].startswith("-")]


@functools.cache
def help_of(command: str) -> str:
    """What a command says of itself."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([command, "--help"]) == 0
    return printed.getvalue()


@pytest.mark.parametrize(("page", "command", "rest"), shown_commands())
def test_commands_shown_have_these_options(page: str, command: str, rest: str) -> None:
    assert command in COMMANDS
    known = set(re.findall(r"--[\w-]+", help_of(command)))
    assert set(re.findall(r"(?<!\S)--[\w-]+", rest)) <= known | {"--help"}


@pytest.mark.parametrize("page", PAGES)
def test_options_named_in_a_line_exist(page: str) -> None:
    known = {option for c in COMMANDS for option in re.findall(r"--[\w-]+", help_of(c))}
    named = {o for code in re.findall(r"`(--[^`]*)`", PROSE[page]) for o in re.findall(r"--[\w-]+", code)}
    assert named <= known


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = ROOT if page == "README.md" else DOCS
    for target in re.findall(r"\]\(([^)\s]+)\)", PROSE[page]):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (folder / path).resolve() if path else folder / page
        assert file.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{page} links to {target}"


def anchors(page: str) -> set[str]:
    """What a link can name: the headings, as the site and GitHub spell them."""
    heads = re.findall(r"^#+ (.+)$", FENCED.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", h).strip().lower().replace(" ", "-") for h in heads}


def test_navigation_lists_every_page() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    listed = [page for entry in site["project"]["nav"] for page in entry.values()]
    assert sorted(listed) == sorted(set(PAGES) - {"README.md"})


def test_reference_names_exist_and_public_names_are_there() -> None:
    names = re.findall(r"^::: (\S+)$", PAGES["reference.md"], re.MULTILINE)
    found = [attribute_of(name) for name in names]
    in_words = set(re.findall(r"(?:`|^ +- )(\w+)(?:`|$)", PROSE["reference.md"], re.MULTILINE))
    for name in set(pellucid.__all__) - {"__version__"}:
        assert name in in_words or any(getattr(pellucid, name) is f for f in found), name


def attribute_of(name: str) -> Any:
    """What a dotted name means."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, member = name.rpartition(".")
        return getattr(importlib.import_module(module), member)


@pytest.mark.parametrize(("page", "described"), [("arrays.md", Request), ("tables.md", Recipe)])
def test_every_option_is_described(page: str, described: Any) -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGES[page], re.MULTILINE))
    assert {f.name for f in dataclasses.fields(described)} <= rows


@pytest.mark.parametrize(("page", "described"), [("arrays.md", Request), ("tables.md", Recipe)])
def test_defaults_are_those_shown(page: str, described: Any) -> None:
    for f in dataclasses.fields(described):
        shown = re.search(rf"^\| `{f.name}` \| ([^|]*) \|", PAGES[page], re.MULTILINE)
        if shown and isinstance(f.default, int | float | str):
            assert shown[1].strip('` "') == str(f.default).removesuffix(".0"), f.name


# What stands in a row of the page Health, as the checks have it.
THRESHOLDS: dict[str, list[str]] = {
    "dead neurons": [f"{neurons.DEAD_SHARE:.0%}"],
    "saturated neurons": [
        f"{s:.0%}" for s in (neurons.SATURATED_SHARE, neurons.MOST_ROWS, neurons.SMALL_SLOPE)
    ],
    "duplicate neurons": [
        f"{neurons.ALIKE_SHARE:.0%}",
        f"{neurons.SAME_WEIGHTS:g}",
        f"{100 * neurons.SAME_WEIGHTS:.0%}",
        f"{neurons.SAME_ACTIVATION:g}",
    ],
    "vanishing gradients": [f"{gradients.VANISHED:g}", f"{gradients.VANISHED_AT_FIRST:g}"],
    "exploding gradients": [f"{gradients.EXPLODED:,.0f} times", f"{gradients.EXPLODED_AT_FIRST:,.0f} times"],
    "size of updates": [
        f"{gradients.LARGE_STEP:g}",
        f"{gradients.LARGE_STEP_AT_FIRST:g}",
        f"{gradients.SMALL_STEP:.5f}",
        f"{gradients.HARDLY:.0%}",
    ],
    "scales of inputs": [f"{inputs.FAR_APART:g} times", f"{inputs.OFF_CENTRE:g} times"],
    "leakage": [f"{inputs.TELLS_ALL_NUMBERS:.0%}", f"{inputs.TELLS_ALL_CLASSES:.0%}"],
    "underfitting": [
        f"{share:.0%}" for share in (histories.LAST_PART, curves.STILL_FALLING, curves.WORSE_THAN_A_LINE)
    ],
    "overfitting": [f"{curves.TIMES:g} times", f"{curves.GAP:.0%}"],
    "suspicious labels": [f"{rows.USUAL_ERRORS:.0%}", f"{rows.UNLIKELY:g}", f"{rows.OUTLYING:g}"],
    "rows that drive the loss": [f"{rows.TOP:.0%}", f"{rows.MOST_TOP}", f"{rows.DRIVES:.0%}"],
}


def test_every_check_is_described_with_its_thresholds() -> None:
    assert set(THRESHOLDS) == set(CHECKS.names())
    lines = re.findall(r"^\| (.+?) \| (.+)$", PAGES["health.md"], re.MULTILINE)
    described = {name: said.replace(" %", "%") for name, said in lines}
    for name, numbers in THRESHOLDS.items():
        for number in numbers:
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", described[name]), (name, number)
    for number in (rows.MOST_ERRORS, examine.MOST_ROWS):
        assert f"{number:.0%}".replace("%", " %") in PAGES["health.md"] or f"{number:,}" in PAGES["health.md"]


def test_the_pictures_shown_are_those_that_the_script_draws(tmp_path: Path) -> None:
    run("make_pictures.py", str(tmp_path))
    drawn = {p.name: p.stat().st_size for p in tmp_path.iterdir()}
    assert max(drawn.values()) < 200_000
    assert set(drawn) == {p.name for p in (DOCS / "pictures").iterdir()}
    assert set(drawn) == set(re.findall(r"!\[[^]]+\]\(pictures/([^)]+)\)", PAGES["pictures.md"]))


def test_every_setting_of_the_environment_is_described() -> None:
    names = set(re.findall(r"PELLUCID_\w+", settings.__doc__ or ""))
    assert len(names) >= 4
    assert names <= set(re.findall(r"^\| `(PELLUCID_\w+)` \|", PAGES["engine.md"], re.MULTILINE))


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    reference = (tmp_path / "site" / "reference" / "index.html").read_text(encoding="utf-8")
    for method in ("fit", "predict", "trace", "layers", "attribute", "health", "plot"):
        assert f"pellucid.network.Network.{method}" in reference
    assert (tmp_path / "site" / "pictures" / "network.svg").is_file()
