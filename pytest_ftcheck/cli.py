"""The `ftcheck` command: finds the subcommand, and says what went wrong in one line. It knows no subcommand's work.

A subcommand is a module of `commands` with `add_arguments(parser)` and `run(arguments) -> exit status`; it is imported
only when it is called, so that `ftcheck --help` is quick.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module

from pytest_ftcheck.errors import FtcheckError
from pytest_ftcheck.suggestions import did_you_mean

# Name, module of `commands`, one line of help: in the order of a fine-tune's life.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("ci", "ci", "run pytest and tell the CI system: annotations, summary, outputs, comment, files"),
    ("split", "split", "split rows into train, validation and test, or into folds"),
    ("report", "report", "write the HTML page of a run from its JSON file"),
    ("track", "track", "tell MLflow, W&B or TensorBoard of a run from its JSON file"),
    ("card", "card", "write a run from its JSON file into the model card of its checkpoint"),
    ("compare", "compare", "pair the fine-tunes of two recorded runs, or two files of answers, case by case"),
    ("leaks", "leaks", "find cases that stand in training data"),
    ("freeze", "freeze", "pin cases, graders and claims before the run"),
    ("history", "history", "list runs, and draw them over the checkpoints"),
    ("review", "review", "rate a sample of a judge's cases, so that its verdicts are corrected by people"),
    ("attack-judge", "attack_judge", "write answers that try to persuade a judge, as a suite to run with yours"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status: 0 done, 1 a finding, 2 a fault, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="ftcheck", description="What stands around a run of `pytest --ft-model`.")
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module, line in COMMANDS:
        command = choices.add_parser(name, help=line, description=line)
        if words[:1] == [name]:
            import_module(f"pytest_ftcheck.commands.{module}").add_arguments(command)
    known = [name for name, _, _ in COMMANDS]
    if words and not words[0].startswith("-") and words[0] not in known:
        parser.error(f"no command {words[0]!r}{did_you_mean(words[0], known)}; allowed: {', '.join(known)}")
    read, unknown = parser.parse_known_args(words)
    if unknown:
        flags = re.findall(r"--[a-z][a-z-]+", choices.choices[read.command].format_help())
        hint = did_you_mean(unknown[0].partition("=")[0], flags)
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    module = {name: module for name, module, _ in COMMANDS}[read.command]
    try:
        return int(import_module(f"pytest_ftcheck.commands.{module}").run(read))
    except FtcheckError as error:
        print(f"ftcheck {read.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141


if __name__ == "__main__":
    sys.exit(main())
