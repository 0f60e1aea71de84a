"""Options and ini keys: wrong ones are one clear usage error, before anything is collected."""

from __future__ import annotations

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


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_help_names_every_option_and_ini_key(pytester: pytest.Pytester, option: object) -> None:
    """`pytest --help` has each option with its ini key."""
    text = pytester.runpytest("--help").stdout.str()
    assert option.flag in text  # type: ignore[attr-defined]
    assert f"[ini: {option.ini}]" in " ".join(text.split())  # type: ignore[attr-defined]
