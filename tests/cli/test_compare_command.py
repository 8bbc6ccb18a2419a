"""`pellucid compare`: the same for people and for programs, and a sentence for what is wrong."""

import pytest

from pellucid import compare_table

QUICK = ["--preset", "none", "--folds", "2", "--quiet"]


def test_people_and_programs_read_the_same(call, penguins):
    done, found = (
        call("compare", penguins, "--target", "species", *QUICK, *more) for more in ([], ["--json"])
    )
    own = compare_table(penguins, "species", presets=(), folds=2)
    assert (done.code, done.err) == (0, "")
    assert found.json["use"] == own.choice.name == "straight line"
    assert found.json["verdict"].startswith("Use a straight line (--preset default, --hidden none): ")
    assert found.json["verdict"] in done.out.splitlines()
    for entry, other in zip(found.json["entries"], own.entries, strict=True):
        assert entry["scores"] == pytest.approx(other.scores)
        assert entry["interval"] == pytest.approx(other.interval)
        line = next(line for line in done.out.splitlines() if line.startswith(entry["name"]))
        assert f"{entry['scores']['log_loss']:.4f}" in line
    assert done.out.splitlines()[0].startswith("species on 344 rows in 2 parts")


def test_progress_is_told_and_options_arrive(call, penguins):
    call_ = ["compare", penguins, "--target", "body_mass_g", "--preset", "fast", "--no-trees", "--folds", "2"]
    done = call(*call_, "--group", "bill_length_mm", "--ignore", "species", "--time-limit", "0.2", "--json")
    assert done.code == 0
    assert [e["name"] for e in done.json["entries"]] == ["trivial answer", "straight line", "fast"]
    assert done.err.splitlines()[:2] == ["part 1 of 2: trivial answer", "part 1 of 2: straight line"]
    assert any("groups of 'bill_length_mm' validate in 2 parts" in note for note in done.json["notes"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "compare needs --target"),
        (["--target", "species", "--preset", "quick"], "--preset must be"),
        (["--target", "species", "--folds", "1"], "--folds"),
        (["--target", "species", "--task", "guessing"], "guessing"),
        (["--target", "spezies"], "species"),
    ],
)
def test_wrong_calls_end_in_a_sentence(call, penguins, options, said):
    done = call("compare", penguins, *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
