"""docs/trackers.md says what is so: its commands are taken, its names are told, its card is the one that is written."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path

import yaml

from pytest_ftcheck.cli import COMMANDS
from pytest_ftcheck.options import OPTIONS
from pytest_ftcheck.reports.model_index import results_of
from pytest_ftcheck.reports.trackers.facts import facts_of
from tests.support.runs import green_run

GUIDE = (Path(__file__).parent.parent / "docs" / "trackers.md").read_text(encoding="utf-8")
READ = {name: option.read for option in OPTIONS for name in (option.flag, option.ini)}


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def test_its_options_are_taken() -> None:
    """Each option of its pytest commands and each ini key exists, and takes the value that it has there."""
    lines = [line for block in blocks("console") for line in block.splitlines() if line.startswith("$ pytest ")]
    given = [word.partition("=") for line in lines for word in shlex.split(line)[2:]]
    pairs = [(name, value or "on") for name, _, value in given]
    pairs += [
        (key, str(value)) for key, value in tomllib.loads(blocks("toml")[0])["tool"]["pytest"]["ini_options"].items()
    ]
    assert {name for name, _ in pairs} == {"--ft-model", "--ft-track", "--ft-card", "ft_track", "ft_card"}
    for name, value in pairs:
        READ[name](value)


def test_its_commands_are_taken() -> None:
    """Each `ftcheck` command is one, with such arguments."""
    modules = {name: module for name, module, _ in COMMANDS}
    lines = [
        shlex.split(line)[2:] for block in blocks("console") for line in block.splitlines() if "$ ftcheck " in line
    ]
    assert [words[0] for words in lines] == ["track", "card"]
    for name, *words in lines:
        parser = argparse.ArgumentParser(exit_on_error=False)
        import_module(f"pytest_ftcheck.commands.{modules[name]}").add_arguments(parser)
        parser.parse_args(words)


def test_its_names_are_told() -> None:
    """The names of its table are those of a run."""
    table = GUIDE[GUIDE.index("| name | what it is |") : GUIDE.index("Characters that a tracker")]
    told = facts_of(green_run()).metrics
    lines = [line for line in table.splitlines()[2:] if line.startswith("| `") and "probes/" not in line]
    rows = [re.findall(r"`([^`]+)`", line) for line in lines]
    whole = [name for row in rows for name in row if not name.startswith("...")]
    assert [name for name in whole if name not in told] == []
    for row in rows:
        parent = row[0].rpartition("/")[0] if not row[0].startswith("...") else "test_intent/exact_match"
        assert [name for name in row if f"{parent}/{name.rpartition('/')[2]}" not in told] == []


def test_its_card_is_the_one_that_is_written() -> None:
    """The front matter that it shows is that of the run which the other tests have."""
    (model,) = yaml.safe_load(blocks("yaml")[0])["model-index"]
    assert model["results"] == results_of(green_run())[:1]
