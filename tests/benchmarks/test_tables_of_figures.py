"""What is printed and drawn, and the list of the peers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.floors import Floor
from benchmarks.peers import REQUIREMENTS, prepared, requirements_of
from benchmarks.picture import draw
from benchmarks.report import duration, summary, summary_table, table, workload_table
from benchmarks.workloads import TRAINING, Workload

WORKLOAD = Workload("small", TRAINING, (5, 12, 3), 200, batch_size=50, epochs=5)
ROWS = [
    {"name": "pellucid", "threads": 1, "seconds": 0.002, "answer": 0.5, "agrees": True},
    {"name": "PyTorch", "threads": 2, "seconds": 0.02, "answer": 0.51, "agrees": True},
    {"name": "JAX", "threads": 1, "seconds": 0.005, "answer": 0.9, "agrees": False},
]
FLOOR = Floor(operations=1e9, moved=1e6, arithmetic=0.001, memory=0.0001)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.84e-6, "1.84 µs"),
        (2e-8, "0.02 µs"),
        (0.99996e-3, "1.00 ms"),
        (0.01234, "12.3 ms"),
        (0.1236, "124 ms"),
        (2.5, "2.50 s"),
        (250.4, "250 s"),
    ],
)
def test_durations_have_three_digits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_summary_sets_floor_and_peers_beside_pellucid() -> None:
    assert summary(WORKLOAD, FLOOR, ROWS) == [
        "5-12-3, 200 rows, batch 50, 5 epochs",
        "1.00 ms (arithmetic)",
        "2.00 ms",
        "0.50",
        "10.00",
        "2.50 (JAX)",
    ]
    assert summary(WORKLOAD, FLOOR, ROWS[1:])[2:] == ["–"] * 4
    assert summary(WORKLOAD, FLOOR, ROWS[:1])[4:] == ["–", "–"]
    assert summary_table([(WORKLOAD, FLOOR, ROWS)]).count("\n") == 2


def test_who_does_not_agree_is_marked() -> None:
    text = workload_table(WORKLOAD, ROWS)
    lines = text.splitlines()
    assert "2.50" in lines[-1]
    assert "0.9000 does not agree" in lines[-1]
    assert "100 µs" in lines[-3], "a step: 20 of them in 2 ms"
    assert text.count("does not agree") == 1


def test_columns_of_a_table_are_as_wide_as_their_widest_cell() -> None:
    assert table(["a", "bc"], [["def", "g"]]) == "| a   | bc |\n| --- | -- |\n| def | g  |"


def test_picture_has_a_bar_for_each_peer(tmp_path: Path) -> None:
    path = tmp_path / "bars.svg"
    draw(path, [("small", ROWS), ("again", ROWS)])
    assert path.read_text().count("<!-- PyTorch 10 -->") == 2


def test_requirements_are_pinned() -> None:
    assert requirements_of("# a\n\nb==1 # c\n") == ["b==1"]
    wanted = requirements_of(REQUIREMENTS.read_text())
    assert all("==" in one for one in wanted)
    assert {"torch", "jax", "keras", "scikit-learn", "onnxruntime", "onnx", "joblib", "numpy"} == {
        one.partition("==")[0] for one in wanted
    }


def test_an_impossible_place_for_the_peers_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SystemExit, match="no environment can be made in"):
        prepared(file)
    assert "once" in capfd.readouterr().err


def test_a_place_that_was_set_up_is_used_again(tmp_path: Path) -> None:
    import hashlib

    wanted = requirements_of(REQUIREMENTS.read_text())
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("")
    (tmp_path / "installed.txt").write_text(hashlib.sha256("\n".join(wanted).encode()).hexdigest())
    assert prepared(tmp_path) == str(python)


def test_peers_that_cannot_be_installed_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "peers.txt"
    wanted.write_text("numpy==2\nunheard==1\ntorch==2\n")
    asked = []

    def run(command: list[str]) -> int:
        asked.append([word for word in command if "==" in word])
        return int("unheard==1" in command)

    monkeypatch.setattr("benchmarks.peers.run", run)
    python = prepared(tmp_path / "peers", wanted)
    one_by_one = [["numpy==2"], ["unheard==1"], ["torch==2"]]
    assert asked == [[], ["numpy==2", "unheard==1", "torch==2"], *one_by_one]
    assert python.startswith(str(tmp_path / "peers"))
    assert not (tmp_path / "peers" / "installed.txt").exists(), "the next run tries again"
