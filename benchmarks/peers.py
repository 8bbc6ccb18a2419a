"""An environment of its own for the peers, so that the one pellucid runs in stays as it is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from pellucid import settings

REQUIREMENTS = Path(__file__).with_name("peers.txt")


def default_folder() -> Path:
    """Where the environment is kept unless another place is named: beside the compiled kernels."""
    return settings.cache_dir() / "peers"


def prepared(folder: Path, requirements: Path = REQUIREMENTS) -> str:
    """The Python of an environment in `folder` with as many of the required peers as can be had.

    It is made once for each state of the requirements. What pip cannot install is named and left out.

    Raises
    ------
    SystemExit
        If no environment can be made there, or NumPy, which every peer's data needs, is missing.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = requirements_of(requirements.read_text())
    state = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    stamp = folder / "installed.txt"
    if python.exists() and stamp.exists() and stamp.read_text() == state:
        return str(python)
    say(f"setting up the peers in {folder}, once; this may take minutes and gigabytes")
    if not python.exists() and run([sys.executable, "-m", "venv", str(folder)]):
        raise SystemExit(
            f"no environment can be made in {str(folder)!r}. Name another place with --peers, or a Python "
            "that has the peers with --python."
        )
    missing = install(str(python), wanted)
    if any(name.startswith("numpy") for name in missing):
        raise SystemExit("NumPy could not be installed for the peers; what pip said stands above.")
    if missing:
        say(f"going on without {', '.join(missing)}; what pip said stands above")
    else:  # otherwise the next run tries again
        stamp.write_text(state)
    return str(python)


def requirements_of(text: str) -> list[str]:
    """The lines of a requirements file that name something."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def install(python: str, wanted: list[str]) -> list[str]:
    """Install all at once or, where that fails, one after the other; gives those that failed."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    say(f"pip install {' '.join(wanted)}")
    if not run([*pip, *wanted]):
        return []
    say("not all of them at once; now one after the other")
    return [one for one in wanted if run([*pip, one])]


def run(command: list[str]) -> int:
    """The command's exit code; what it prints goes to stderr."""
    return subprocess.run(command, stdout=sys.stderr).returncode


def say(text: str) -> None:
    print(f"benchmarks: {text}", file=sys.stderr, flush=True)
