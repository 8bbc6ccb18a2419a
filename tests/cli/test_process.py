"""The command as a process of its own: pipes, terminals, signals, completion, the examples in its help."""

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid
from pellucid.cli.main import COMMANDS

PELLUCID = [sys.executable, "-m", "pellucid"]


def run(*arguments, **options):
    """The command in a process."""
    return subprocess.run([*PELLUCID, *map(str, arguments)], capture_output=True, text=True, **options)


def run_in_terminal(*arguments, **environment):
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    env |= {"TERM": "xterm", "COLUMNS": "100", **environment}
    process = subprocess.Popen(
        [*PELLUCID, *map(str, arguments)], stdout=theirs, stderr=subprocess.PIPE, env=env
    )
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 4096):
            parts.append(part)
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    said = process.communicate()[1].splitlines()
    assert all(line.startswith(b"Column ") and line.endswith(b" missing.") for line in said)
    assert process.returncode == 0
    return b"".join(parts).decode()


def examples_of(call, *command):
    """The calls in a command's help."""
    return re.findall(r"^  pellucid (.+)$", call(*command, "--help").out, re.MULTILINE)


def test_the_examples_in_the_help_work(call, folder, penguins):
    (folder / "examples").mkdir()
    shutil.copy(penguins, folder / "examples")
    assert {"columns", "explain", "check", "report"} < set(COMMANDS)
    first = sorted(COMMANDS, key=lambda command: command != "fit")  # the others need its model
    for command in first:
        examples = examples_of(call, command)
        assert any(example.startswith(f"{command} ") for example in examples)
        for example in examples:
            done = call(*shlex.split(example))
            assert (done.code, done.out != "") == (0, True), example
    predicted = Path("predicted.csv").read_text().splitlines()
    assert sum(line.split(",")[0] == line.split(",")[8] for line in predicted[1:]) > 330
    for example in examples_of(call):
        assert example.split()[0] in COMMANDS
        assert call(*shlex.split(example.removesuffix(" | head"))).code == 0


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from pellucid.cli.main import main; code = main(['--help']);"
        "heavy = {'numpy', 'numba', 'polars', 'narwhals', 'safetensors'} & set(sys.modules);"
        "sys.exit(f'{code}, {heavy}' if code or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "fit: Train a network on a table" in done.stdout


def test_version(call):
    assert call("--version").out.strip() == pellucid.__version__


def test_a_reader_that_stops_reading_is_no_error(classifier, penguins):
    arguments = [*PELLUCID, "predict", classifier, penguins]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 0
    assert [line for line in err.splitlines() if not line.startswith("Column ")] == []


def test_a_full_disk_behind_standard_output(classifier):
    with open("/dev/full", "w") as full:
        for arguments in (["show", classifier], ["show", classifier, "--json"], ["--help"]):
            done = subprocess.run([*PELLUCID, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 2
            assert done.stderr == "pellucid: cannot write to standard output: no space left on device.\n"


def test_closed_streams(classifier):
    command = " ".join(map(shlex.quote, map(str, PELLUCID)))
    script = f"""
        {command} show {classifier} >&- && {command} show {classifier} 2>&- | grep -c predicts
        {command} evaluate {classifier} - <&-; echo $?
    """
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert done.stdout == "1\n2\n"
    assert done.stderr.startswith("pellucid: standard input is empty.")


def test_an_output_that_has_few_characters(classifier):
    done = run("show", classifier, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^loss +[_.,~=*#-]{3} ", done.stdout, re.MULTILINE)


def test_plain_outside_of_a_terminal_and_drawn_within(call, classifier, penguins):
    plain = call("evaluate", classifier, penguins).out
    assert "\x1b" not in plain + call("fit", "--help").out
    drawn = run_in_terminal("evaluate", classifier, penguins)
    assert "───" in drawn
    assert "\x1b[" in drawn
    assert "\x1b[36m--target" in run_in_terminal("fit", "--help")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", run_in_terminal("fit", "--help", NO_COLOR="1"))


@pytest.fixture
def training(folder, penguins):
    """A training that would go on for minutes, in its first epochs."""
    options = ["--hidden", "300,300,300", "--epochs", "1000", "--batch-size", "32", "--patience", "1000"]
    arguments = ["fit", str(penguins), "--target", "species", *options, "--json"]
    process = subprocess.Popen(
        [*PELLUCID, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line.startswith("epoch 1/1000"):
            break
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_training_and_keeps_what_was_learned(training):
    training.send_signal(signal.SIGINT)
    out, _ = training.communicate()
    found = json.loads(out)
    assert training.returncode == 0
    assert found["training"]["stopped_by"] == "ctrl-c"
    assert found["training"]["epochs"] < 1000
    assert pellucid.load("penguins.pellucid").history.stopped_by == "ctrl-c"


def test_the_completion_script_completes(call):
    script = call("completion", "bash").out
    function = re.search(r"complete .*-F (\w+)", script)[1]
    program = f"""{script}
        COMP_WORDS=(pellucid "$@"); COMP_CWORD=$#; COMP_LINE="pellucid $*"; COMP_POINT=${{#COMP_LINE}}
        {function} pellucid; echo "${{COMPREPLY[@]}}"
    """
    bin_folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}

    def complete(*words):
        done = subprocess.run(
            ["bash", "-c", program, "bash", *words], capture_output=True, text=True, env=environment
        )
        assert done.stderr == ""
        return done.stdout.split()

    assert complete("ev") == ["evaluate"]
    assert complete("fit", "--tar") == ["--target", "--target-scale"]
    assert complete("fit", "--schedule", "cos") == ["cosine", "coslog"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_gets_a_script(call, shell):
    done = call("completion", shell)
    assert done.code == 0
    assert "pellucid" in done.out
