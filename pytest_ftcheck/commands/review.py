"""`ftcheck review`: have a person rate a sample of a judge's cases, in the browser or by CSV, blind.

It reads what the last run of the suite left in the store, and writes the ratings that the next run corrects its judge
by.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import webbrowser
from pathlib import Path

from pytest_ftcheck.commands.deck import Deck, chosen, open_deck
from pytest_ftcheck.commands.review_csv import import_csv, to_csv
from pytest_ftcheck.commands.review_server import HOST, ReviewServer
from pytest_ftcheck.data.labels import write_in_one_step
from pytest_ftcheck.data.sheets import read_sheets
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.options import DEFAULT_STORE

LEAST, USUAL, MOST = 50, 60, 100
EPILOG = """\
Run the suite with --ft-judge first: it leaves the judged answers in the store. 50 to 100 cases are drawn by --seed, and
every rating is saved at once, so a review may be left and taken up again. Commit the file of ratings: the next run
corrects its judge by them, as far as the answers are still the same. docs/judges.md has the whole way.
Exit status: 0 done, 2 a file that cannot be read or a value that is not allowed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--eval", metavar="NAME", help="the eval's function, where the store holds several")
    parser.add_argument("--metric", metavar="NAME", help="the judged metric, where the eval has several")
    parser.add_argument("--n", type=int, default=USUAL, metavar="N", help=f"cases to rate ({USUAL})")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which cases, and which side first (0)")
    parser.add_argument("--rater", default="", metavar="NAME", help="who rates, to be kept with the ratings")
    parser.add_argument("--store", type=Path, default=Path(DEFAULT_STORE), metavar="DIR", help="as of --ft-store")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="file of ratings (in --ft-labels)")
    parser.add_argument("--import", dest="source", type=Path, metavar="CSV", help="take ratings from a file instead")
    parser.add_argument("--export", type=Path, metavar="CSV", help="write the cards with their ratings instead")
    parser.add_argument("--port", type=int, default=0, metavar="N", help=f"port on {HOST} (any that is free)")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open nothing")


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until the person ends it, or read or write CSV. Raises ConfigError, CaseError or StoreError."""
    sheet = chosen(read_sheets(arguments.store), arguments.eval, arguments.metric)
    deck = open_deck(sheet, n=arguments.n, seed=arguments.seed, path=arguments.labels, rater=arguments.rater)
    if arguments.source is not None:
        taken = import_csv(deck, arguments.source)
        print(f"{taken} ratings taken from {arguments.source} into {deck.path}")
        return 0
    if arguments.export is not None:
        text = to_csv(deck)
        write_in_one_step(arguments.export, text, what="the CSV file")
        print(f"{len(deck.cards)} cards of {sheet.name}, {deck.done} rated, written to {arguments.export}")
        return 0
    _serve(deck, arguments)
    return 0


def _serve(deck: Deck, arguments: argparse.Namespace) -> None:
    cases = len({card.case.digest for card in deck.cards})
    print(f"{deck.sheet.name}: {len(deck.cards)} cards of {cases} cases, {deck.done} rated so far")
    if not LEAST <= arguments.n <= MOST or len(deck.sheet.cases) < LEAST:
        print(f"note: {LEAST} to {MOST} rated cases are what the correction of a judge is made for")
    try:
        server = ReviewServer(deck, port=arguments.port)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--port is {arguments.port}; allowed: a free port of {HOST}: {error}") from None
    with server.running():
        print(f"rate at {server.url}")
        print("every rating is saved at once; end with the page's button or Ctrl-C", flush=True)
        if not arguments.no_browser and _has_screen():
            webbrowser.open(server.url)
        try:
            while not server.finished.wait(0.2):
                pass
            time.sleep(0.2)  # the page's last request is still to be answered
        except KeyboardInterrupt:
            print()
    print(f"{deck.done} of {len(deck.cards)} cards rated, in {deck.path}")


def _has_screen() -> bool:
    """Whether a browser would open in a window, and not in this terminal."""
    return sys.platform in ("win32", "darwin") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))
