"""Options and ini keys: wrong ones are one clear usage error, before anything is collected."""

from __future__ import annotations

import re

import pytest

from pytest_ftcheck.options import OPTIONS
from tests.plugin.conftest import Suite


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--ft-limit=0", "*--ft-limit is '0'; allowed: a whole number of 1 or more*"),
        ("--ft-limit=many", "*--ft-limit is 'many'*"),
        ("--ft-inconclusive=maybe", "*--ft-inconclusive is 'maybe'; allowed: fail or warn*"),
        ("--ft-batch-tokens=-3", "*--ft-batch-tokens is '-3'*"),
        ("--ft-time-limit=nan", "*--ft-time-limit is 'nan'; allowed: a number of seconds above 0*"),
        ("--ft-engine-process=perhaps", "*--ft-engine-process is 'perhaps'; allowed: on or off*"),
        ("--ft-dtype=float8", "*float8*bfloat16*"),
        ("--ft-device=abacus", "*abacus*cuda*"),
        ("--ft-model=nowhere.jsonl", "*nowhere.jsonl*"),
        ("--ft-model=./no/such/folder", "*no/such/folder*"),
        ("--ft-profile=missing.toml", "*missing.toml*"),
        ("--ft-base-shots=missing.jsonl", "*missing.jsonl*"),
        ("--ft-leaks=exlude", "*--ft-leaks is 'exlude'; allowed: warn or exclude or fail (did you mean 'exclude'?)*"),
        ("--ft-engine=mine", "*'mine'*package.module:Class*"),
    ],
)
def test_a_wrong_value_is_one_usage_error(suite: Suite, option: str, said: str) -> None:
    """The error names option, value and what is allowed, and pytest ends with status 4."""
    suite.write((3, 0, 0, 0))
    result = suite.run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_no_base_is_a_usage_error(suite: Suite) -> None:
    """A fine-tune that names no base, without --base-model, is told how to give one."""
    suite.write((3, 0, 0, 0))
    result = suite.pytester.runpytest("--ft-model=ft.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no base model*--base-model=SOURCE*"])


def test_ini_keys_work(suite: Suite) -> None:
    """Every option may stand in the ini file; paths there are relative to the rootdir."""
    suite.write((100, 60, 5, 35))
    suite.pytester.makeini("[pytest]\nft_model = ft.jsonl\nft_base_model = base.jsonl\nft_json = out/verdicts.json\n")
    assert suite.pytester.runpytest("-p", "no:randomly").ret == 0
    assert (suite.pytester.path / "out" / "verdicts.json").exists()


def test_the_command_line_wins(suite: Suite) -> None:
    """An option on the command line replaces the ini key."""
    suite.write((3, 0, 0, 0))
    suite.pytester.makeini("[pytest]\nft_limit = 2\n")
    suite.run("--ft-limit=1", "-k", "test_intent").assert_outcomes(passed=1, deselected=1)


def test_help_names_every_option_and_ini_key(pytester: pytest.Pytester) -> None:
    """`pytest --help` has each option with its ini key, in one group, and says of each in one short line what it is."""
    text = pytester.runpytest("--help").stdout.str()
    group = text.partition("fine-tuned language models (pytest-ftcheck):")[2].partition("\n\n")[0]
    said = "".join(group.split())  # lines are broken at blanks and at hyphens
    for option in OPTIONS:
        assert option.flag in said
        assert "".join(f"{option.help} [ini: {option.ini}]".split()) in said
        assert len(option.help) <= 100, option.flag


def test_markers_and_fixtures_are_explained(pytester: pytest.Pytester) -> None:
    """`--markers` has ours, and `--fixtures` each fixture with what it is, models and comparisons."""
    markers = pytester.runpytest("--markers").stdout
    for name in ("eval", "gate", "probe"):
        markers.fnmatch_lines([f"@pytest.mark.ftcheck_{name}: *"])
    said = pytester.runpytest("--fixtures").stdout.str()
    ours = said.partition("fixtures defined from pytest_ftcheck.plugin")[2].partition("\n---")[0]
    found = re.findall(r"^(\w+).* -- .*\n    (\S.{20,})$", ours, flags=re.MULTILINE)
    assert {name for name, _ in found} >= {"comparison", "comparisons", "base_model", "ft_model", "training_log"}


@pytest.mark.parametrize(("marker", "passed"), [("eval", 4), ("gate", 1), ("probe", 1)])
def test_markers_select(suite: Suite, marker: str, passed: int) -> None:
    """`-m` takes evals, gates or probes alone; a gate's verdict is the same."""
    suite.write((4, 0, 0, 0), body="assert_no_worse(comparison, margin=0.99)")
    suite.pytester.makepyfile(test_probe="def test_probe(ft_model): assert callable(ft_model)")
    suite.run("-m", f"ftcheck_{marker}", "--strict-markers").assert_outcomes(passed=passed, deselected=6 - passed)
