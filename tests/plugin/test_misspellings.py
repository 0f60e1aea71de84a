"""Whoever writes a name that is nearly one of ours is told which."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ftcheck import cli
from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.misspellings import misspelt_keys, misspelt_options
from pytest_ftcheck.models.prompts import load_profile
from pytest_ftcheck.records import Case, CaseResult


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ft-modle=x"], "unrecognized argument '--ft-modle' (did you mean '--ft-model'?)"),
        (["--base-mdoel"], "unrecognized argument '--base-mdoel' (did you mean '--base-model'?)"),
        (["--FT-LIMIT=3"], "unrecognized argument '--FT-LIMIT' (did you mean '--ft-limit'?)"),
        (["--ft-xyzzy", "--cov=x", "--maxfial=1"], ""),
    ],
)
def test_a_misspelt_option_has_a_suggestion(arguments: list[str], said: str) -> None:
    """What is close to an option of ours is, and what is somebody else's is left to pytest."""
    assert misspelt_options(arguments) == said


def test_pytest_ends_with_the_suggestion(pytester: pytest.Pytester) -> None:
    """An unknown option is a usage error that names the one that was meant."""
    result = pytester.runpytest("--ft-modle=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: unrecognized argument '--ft-modle' (did you mean '--ft-model'?)"])


def test_what_a_conftest_declares_is_known(pytester: pytest.Pytester) -> None:
    """An option and an ini key that a project adds are its own, however close they are to ours."""
    pytester.makeconftest(
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--ft-models')\n"
        "    parser.addini('ft_models', 'mine')\n"
    )  # fmt: skip
    pytester.makeini("[pytest]\nft_models = x\n")
    pytester.makepyfile("def test_own(pytestconfig): assert pytestconfig.getoption('ft_models') == 'y'")
    result = pytester.runpytest("--ft-models=y", "-W", "error")
    result.assert_outcomes(passed=1)


def test_a_misspelt_ini_key_is_a_warning(pytester: pytest.Pytester) -> None:
    """The warning of pytest itself does not say what was meant; ours does, and under --strict-config it is an error."""
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nft_modle = "x"\n')
    pytester.makepyfile("def test_own(): pass")
    said = "*unknown ini key 'ft_modle' in *pyproject.toml (did you mean 'ft_model'?)"
    pytester.runpytest().stdout.fnmatch_lines([said])
    strict = pytester.runpytest("--strict-config")
    assert strict.ret == pytest.ExitCode.USAGE_ERROR
    strict.stderr.fnmatch_lines([said])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nft_limti = 3\n"),
        ("setup.cfg", "[tool:pytest]\nft_limti = 3\n"),
        ("pyproject.toml", "[tool.pytest]\nft_limti = 3\n"),
        ("pytest.toml", "[pytest]\nft_limti = 3\n"),
        ("broken.toml", "[pytest\n"),
    ],
)
def test_every_kind_of_configuration_is_read(tmp_path: Path, name: str, text: str) -> None:
    """A key is found wherever pytest reads it from, and on the command line."""
    (tmp_path / name).write_text(text)
    expected = {} if name == "broken.toml" else {"ft_limti": "ft_limit"}
    assert misspelt_keys(tmp_path / name, ["base_model=x"]) == {**expected, "base_model": "ft_base_model"}


def test_metrics_and_tags_have_suggestions() -> None:
    """A gate that asks for a metric or a tag that its eval lacks is told the nearest."""
    case = Case(id="a", input="?", tags={"language": "de"})
    result = CaseResult(case=case, base_answers=(), ft_answers=(), base_grades={}, ft_grades={})
    metrics = (Metric(name="exact_match"), Metric(name="numeric"))
    one = Comparison(eval="test_x", metrics=metrics, cases=(result,), metric=metrics[0])
    with pytest.raises(ConfigError, match=r"metric is 'exact-match' \(did you mean 'exact_match'\?\); allowed: exact"):
        one.on("exact-match")
    with pytest.raises(ConfigError, match=r"tag is 'langauge' \(did you mean 'language'\?\); allowed: language"):
        one.by("langauge")
    with pytest.raises(ConfigError, match="tag is 'topic'; allowed: language"):
        one.by("topic")


def test_profiles_have_suggestions(tmp_path: Path) -> None:
    """A profile's misspelt key is named with the one that was meant."""
    (tmp_path / "base.toml").write_text('sytem = "x"\n')
    with pytest.raises(ConfigError, match=r"unknown key 'sytem' \(did you mean 'system'\?\)"):
        load_profile(tmp_path / "base.toml")


def test_subcommands_have_suggestions(capsys: pytest.CaptureFixture[str]) -> None:
    """`ftcheck histroy` is told of history, its --htlm of --html, and what has no like of the list alone."""
    with pytest.raises(SystemExit):
        cli.main(["histroy"])
    assert "no command 'histroy' (did you mean 'history'?); allowed: ci, split, report" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["history", "--htlm=x"])
    assert "unrecognized arguments: --htlm=x (did you mean '--html'?)" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["xyzzy"])
    assert "no command 'xyzzy'; allowed:" in capsys.readouterr().err
