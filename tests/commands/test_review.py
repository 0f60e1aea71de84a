"""`ftcheck review`: the cards it draws, its server's doors, CSV in and out, and the page in a real browser."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from pytest_ftcheck.cli import main
from pytest_ftcheck.commands.deck import Deck, open_deck, page_facts
from pytest_ftcheck.commands.review_csv import import_csv, to_csv
from pytest_ftcheck.commands.review_server import ReviewServer, visible
from pytest_ftcheck.data.labels import answer_digest, read_labels
from pytest_ftcheck.data.sheets import Sheet, SheetCase, read_sheets, write_sheet
from pytest_ftcheck.errors import CaseError, ConfigError, StoreError
from pytest_ftcheck.records import digest

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202egood\u202c"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)


def sheet(
    kind: str = "rubric", *, n: int = 80, scale: tuple[int, int] = (1, 5), equal: int = 0, folder: Path = Path()
) -> Sheet:
    """An eval of `n` cases, of which the first `equal` have the same answer from both roles."""
    cases = tuple(
        SheetCase(
            id=f"c{number}",
            digest=digest(number),
            question=f"Question {number}?",
            expected=None,
            base=(f"old {number} {HOSTILE}",),
            ft=(f"old {number} {HOSTILE}" if number < equal else f"new {number}",),
        )
        for number in range(n)
    )
    return Sheet(
        eval="test_replies",
        metric=kind,
        kind=kind,  # type: ignore[arg-type]
        criteria=("Is it polite?", "Does it help?"),
        scale=scale if kind == "rubric" else None,
        asked="by these words",
        labels=str(folder / f"{kind}.jsonl"),
        cases=cases,
    )


@pytest.fixture
def deck(tmp_path: Path) -> Callable[..., Deck]:
    """Open decks whose ratings go to the test's folder."""

    def opened(kind: str = "rubric", *, n: int = 60, seed: int = 0, **more: Any) -> Deck:
        return open_deck(sheet(kind, folder=tmp_path, **more), n=n, seed=seed)

    return opened


class TestCards:
    """What is drawn, and how."""

    def test_a_seed_draws_the_same_cards(self, deck: Callable[..., Deck]) -> None:
        """One seed, one deck; another seed, another."""
        assert deck().cards == deck().cards
        assert deck().cards != deck(seed=1).cards

    def test_both_answers_of_sixty_cases(self, deck: Callable[..., Deck]) -> None:
        """A rubric has a card for each answer of a case, one after the other."""
        cards = deck().cards
        assert len(cards) == 120
        assert len({card.case.id for card in cards}) == 60
        assert all(one.case == two.case for one, two in zip(cards[::2], cards[1::2], strict=True))

    def test_more_cases_keep_those_drawn_before(self, deck: Callable[..., Deck]) -> None:
        """A larger sample begins with the smaller one."""
        assert deck(n=70).cards[:120] == deck(n=60).cards

    @pytest.mark.parametrize("kind", ["rubric", "pairwise"])
    def test_sides_are_shuffled(self, deck: Callable[..., Deck], kind: str) -> None:
        """The fine-tune comes first in about half of the cases."""
        cards = deck(kind, n=80).cards
        first = [card.answers[0].startswith("new") for card in (cards if kind == "pairwise" else cards[::2])]
        assert 25 < sum(first) < 55

    def test_the_page_learns_no_role(self, deck: Callable[..., Deck]) -> None:
        """What the page gets names no role, case id or file."""
        facts = json.dumps(page_facts(deck("pairwise")))
        assert not re.search(r'"(base|ft|id|labels|digest)"', facts)
        assert set(page_facts(deck())["cards"][0]) == {"question", "expected", "answers"}

    def test_equal_pairs_are_ties_that_nobody_is_asked(self, deck: Callable[..., Deck]) -> None:
        """Pairs of equal answers are rated a tie when they are drawn."""
        opened = deck("pairwise", n=80, equal=30)
        assert len(opened.cards) == 50
        assert [label.better for label in read_labels(opened.path)] == ["tie"] * 30

    def test_equal_answers_are_one_card(self, deck: Callable[..., Deck]) -> None:
        """A rubric shows equal answers once."""
        assert len(deck(n=80, equal=30).cards) == 130

    def test_of_several_samples_one_is_drawn(self, tmp_path: Path) -> None:
        """Base's and ft's sample of the same number stand on a card, not always the first."""
        cases = tuple(
            SheetCase(
                id=f"c{number}",
                digest=digest(number),
                question="?",
                expected=None,
                base=tuple(f"old {k}" for k in range(3)),
                ft=tuple(f"new {k}" for k in range(3)),
            )
            for number in range(60)
        )
        one = sheet("pairwise", n=0, folder=tmp_path)
        many = Sheet(**{name: getattr(one, name) for name in one.__slots__} | {"cases": cases})
        drawn = [{answer[-1] for answer in card.answers} for card in open_deck(many, n=60, seed=0).cards]
        assert all(len(numbers) == 1 for numbers in drawn)
        assert set().union(*drawn) == {"0", "1", "2"}

    def test_ratings_are_kept_by_content(self, deck: Callable[..., Deck]) -> None:
        """A rating is in the file at once, under the hashes of case and answer, and another deck finds it."""
        first = deck()
        first.rate(3, 4)
        (label,) = read_labels(first.path)
        assert (label.case, label.answer) == (first.cards[3].case.digest, answer_digest(first.cards[3].answers[0]))
        assert deck().values[3] == 4
        assert deck().done == 1

    @pytest.mark.parametrize("side", ["A", "B", "tie"])
    def test_a_pair_is_rated_whatever_its_sides(self, deck: Callable[..., Deck], side: str) -> None:
        """The better answer is kept by its hash; with the sides exchanged it is the other letter."""
        one = deck("pairwise", seed=0)
        one.rate(0, side)
        case = one.cards[0].case
        for seed in range(1, 40):
            other = deck("pairwise", n=80, seed=seed)
            number = next(at for at, card in enumerate(other.cards) if card.case == case)
            turned = other.cards[number].answers != one.cards[0].answers
            expected = {"A": "B", "B": "A", "tie": "tie"}[side] if turned else side
            assert other.values[number] == expected

    def test_a_rating_can_be_changed(self, deck: Callable[..., Deck]) -> None:
        """The second rating of a card replaces the first."""
        opened = deck()
        opened.rate(0, 1)
        opened.rate(0, 5)
        assert [label.score for label in read_labels(opened.path)] == [5]

    @pytest.mark.parametrize("value", [0, 6, 2.5, "3", True, None, "A"])
    def test_a_rating_off_the_scale_is_refused(self, deck: Callable[..., Deck], value: object) -> None:
        """The error names what is allowed, and nothing is kept."""
        opened = deck()
        with pytest.raises(ConfigError, match="allowed: a whole number from 1 to 5"):
            opened.rate(0, value)
        assert opened.done == 0

    def test_a_file_that_cannot_be_written_rates_nothing(self, deck: Callable[..., Deck]) -> None:
        """Where a rating cannot be saved it does not count."""
        opened = deck()
        opened.path.mkdir()
        with pytest.raises(StoreError, match="ratings cannot be written"):
            opened.rate(0, 3)
        assert opened.done == 0
        assert [path.name for path in opened.path.parent.iterdir()] == [opened.path.name]


class TestCsv:
    """Ratings in spreadsheets."""

    @pytest.mark.parametrize("kind", ["rubric", "pairwise"])
    def test_what_is_exported_is_imported(self, deck: Callable[..., Deck], tmp_path: Path, kind: str) -> None:
        """Ratings survive a round trip into a fresh file."""
        first = deck(kind)
        values = [1, 5] if kind == "rubric" else ["A", "tie"]
        for number, value in enumerate(values):
            first.rate(number, value)
        (tmp_path / "ratings.csv").write_text(to_csv(first), encoding="utf-8")
        first.path.unlink()
        again = deck(kind)
        assert import_csv(again, tmp_path / "ratings.csv") == 2
        assert again.values[:3] == [*values, None]

    def test_formulas_are_written_as_text(self, tmp_path: Path) -> None:
        """A spreadsheet takes no answer for a formula, and what it saved is found again, with its ends of lines."""
        case = SheetCase(id="=c", digest="d", question="?", expected=None, base=("=1+1\nx",), ft=("'quoted",))
        one = sheet(n=0, folder=tmp_path)
        small = Sheet(**{name: getattr(one, name) for name in one.__slots__} | {"cases": (case,)})
        opened = open_deck(small, n=5, seed=0)
        text = to_csv(opened)
        assert '"\'=1+1\nx"' in text
        assert not re.search(r"(^|,)\"?[=+@-]", text, flags=re.MULTILINE)
        (tmp_path / "r.csv").write_bytes(text.replace(",\n", ",3\n").replace("\n", "\r\n").encode())
        assert import_csv(opened, tmp_path / "r.csv") == 2
        assert opened.values == [3, 3]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("c0,new 0,9", r"r.csv:3: field 'score' is '9'; allowed: a whole number from 1 to 5"),
            ("c0,new 0,good", r"r.csv:3: field 'score' is 'good'; allowed: a whole number from 1 to 5"),
            ("c99,new 0,3", r"r.csv:3: field 'case' is 'c99'; allowed: a case of test_replies: c0, c1, .*"),
            ("c0,new 7,3", r"r.csv:3: field 'answer' is 'new 7'; allowed: an answer .* for case 'c0'"),
            ('c0,"new 0"x,3', r"r.csv:3: no CSV: .*; allowed: case, answer, score"),
        ],
    )
    def test_errors_name_line_and_field(
        self, deck: Callable[..., Deck], tmp_path: Path, row: str, message: str
    ) -> None:
        """An error names file, line, field, value and what is allowed; then no rating of the file is taken."""
        (tmp_path / "r.csv").write_text(f"case,answer,score\nc1,new 1,4\n{row}\n")
        opened = deck()
        with pytest.raises(CaseError, match=message):
            import_csv(opened, tmp_path / "r.csv")
        assert opened.done == 0

    def test_pairs_and_their_words(self, deck: Callable[..., Deck], tmp_path: Path) -> None:
        """Sides may be written small; answers of two cases are no pair, and a word that is no side is named."""
        opened = deck("pairwise", n=80)
        old = f"old 0 {HOSTILE}".replace('"', '""')
        (tmp_path / "r.csv").write_text(f'case,answer_a,answer_b,better\nc0,new 0,"{old}",a\n')
        assert import_csv(opened, tmp_path / "r.csv") == 1
        assert read_labels(opened.path)[0].answer == answer_digest("new 0")
        (tmp_path / "r.csv").write_text(f'case,answer_a,answer_b,better\nc0,new 0,"{old}",left\n')
        with pytest.raises(CaseError, match=r"r.csv:2: field 'better' is 'left'; allowed: A, B, tie"):
            import_csv(opened, tmp_path / "r.csv")
        (tmp_path / "r.csv").write_text("case,answer_a,answer_b,better\nc0,new 0,new 0,A\n")
        with pytest.raises(CaseError, match="are no pair of case 'c0'"):
            import_csv(opened, tmp_path / "r.csv")

    def test_a_missing_column_is_named(self, deck: Callable[..., Deck], tmp_path: Path) -> None:
        """The first line is told what it lacks and has."""
        (tmp_path / "r.csv").write_text("case,reply,score\n")
        with pytest.raises(CaseError, match=r"r.csv:1: no field 'answer'; allowed: case, answer, score; the file has"):
            import_csv(deck(), tmp_path / "r.csv")


class TestServer:
    """Who is let in."""

    @pytest.fixture
    def server(self, deck: Callable[..., Deck]) -> Iterator[ReviewServer]:
        """A server of a deck."""
        with ReviewServer(deck()).running() as running:
            yield running

    def ask(
        self, server: ReviewServer, method: str, path: str, body: str = "", **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        """Ask the server; headers given win over those of an honest page."""
        host = server.origin.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=10)
        sent = {"Host": host, **({"Origin": server.origin} if method == "POST" else {}), **headers}
        connection.request(method, path, body.encode() if method == "POST" else None, sent)
        reply = connection.getresponse()
        found = reply.status, reply.read().decode(), {name.lower(): value for name, value in reply.getheaders()}
        connection.close()
        return found

    def test_it_listens_on_loopback_alone(self, server: ReviewServer) -> None:
        """The socket is bound to 127.0.0.1."""
        assert server.http.server_address[0] == "127.0.0.1"

    @pytest.mark.parametrize("path", ["/", "/facts", "/wrong/facts", "//facts"])
    def test_without_the_token_there_is_nothing(self, server: ReviewServer, path: str) -> None:
        """Another address gives 404 and no word of the review."""
        status, text, _ = self.ask(server, "GET", path)
        assert (status, text) == (404, "Not Found")

    def test_another_host_name_is_refused(self, server: ReviewServer) -> None:
        """A name that was bound to this address by an attacker's DNS gets nothing, with the token too."""
        assert self.ask(server, "GET", f"/{server.token}/facts", Host="evil.example")[0] == 403

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
    def test_another_site_cannot_rate(self, server: ReviewServer, origin: str) -> None:
        """A request that changes something must come from the page."""
        status, _, _ = self.ask(server, "POST", f"/{server.token}/rate", '{"card": 0, "value": 3}', Origin=origin)
        assert status == 403
        assert server.deck.done == 0

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ('{"card": 0, "value": 3}', 200),
            ('{"card": 0, "value": 99}', 409),
            ('{"card": 999, "value": 3}', 400),
            ('{"card": -1, "value": 3}', 400),
            ("[]", 400),
            ("{", 400),
            ("[" * 9000, 400),
            (" " * 20_000, 400),
        ],
    )
    def test_what_is_no_rating_is_refused(self, server: ReviewServer, body: str, status: int) -> None:
        """Only a card of the deck and a value of the scale are taken."""
        assert self.ask(server, "POST", f"/{server.token}/rate", body)[0] == status
        assert server.deck.done == (status == 200)

    def test_no_file_but_its_own(self, server: ReviewServer) -> None:
        """Paths beside the page's files lead nowhere."""
        for path in ("../deck.py", "..%2fdeck.py", "page.js/../../deck.py", "review_server.py"):
            assert self.ask(server, "GET", f"/{server.token}/{path}")[0] == 404

    def test_the_policy_allows_no_foreign_script(self, server: ReviewServer) -> None:
        """Scripts and styles are files of the page's own origin, never inline, and nothing frames or caches it."""
        _, page, headers = self.ask(server, "GET", f"/{server.token}/")
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "<style" not in page
        assert not re.search(r"<script(?! src=)|\son\w+=|style=", page)

    def test_hidden_signs_are_shown(self) -> None:
        """Signs that turn or hide others are written out; joiners, tabs and lines stay."""
        assert visible("a\u202eb\u200bc\x1b[0m\r\nd\te\u200df") == "a\\u202eb\\u200bc\\x1b[0m\nd\te\u200df"


class TestCommand:
    """The command line."""

    def test_a_store_without_judged_answers(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """It says what to do first."""
        assert main(["review", "--store", str(tmp_path)]) == 2
        assert "run the suite with --ft-judge first" in capsys.readouterr().err

    def test_several_evals_are_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Where more than one could be meant the error lists them."""
        for kind in ("rubric", "pairwise"):
            write_sheet(tmp_path, sheet(kind, folder=tmp_path))
        assert main(["review", "--store", str(tmp_path)]) == 2
        error = capsys.readouterr().err
        assert "--eval test_replies --metric pairwise, --eval test_replies --metric rubric" in error

    def test_sheets_survive_a_round_trip(self, tmp_path: Path) -> None:
        """A sheet is read as it was written, lone surrogates too."""
        one = sheet(folder=tmp_path)
        odd = SheetCase(id="\ud800", digest="d", question="\ud800?", expected="x", base=("\udfff", ""), ft=("a", "b"))
        whole = Sheet(**{name: getattr(one, name) for name in one.__slots__} | {"cases": (*one.cases, odd)})
        write_sheet(tmp_path, whole)
        assert read_sheets(tmp_path) == [whole]

    def test_a_broken_sheet_is_named(self, tmp_path: Path) -> None:
        """The error names the file and says to run again."""
        (tmp_path / "review").mkdir()
        (tmp_path / "review" / "x.json").write_text("{}")
        with pytest.raises(StoreError, match=r"x.json: no sheet for review: .*; run the suite again"):
            read_sheets(tmp_path)

    def test_export_and_import(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Cards go out as CSV and ratings come in, without a page."""
        write_sheet(tmp_path, sheet(folder=tmp_path))
        where = ["--store", str(tmp_path)]
        assert main(["review", *where, "--export", str(tmp_path / "out.csv")]) == 0
        text = (tmp_path / "out.csv").read_text()
        (tmp_path / "in.csv").write_text(re.sub(r",$", ",4", text, flags=re.MULTILINE))
        assert main(["review", *where, "--rater", "Anna", "--import", str(tmp_path / "in.csv")]) == 0
        assert "120 ratings taken" in capsys.readouterr().out
        labels = read_labels(tmp_path / "rubric.jsonl")
        assert {(label.score, label.rater) for label in labels} == {(4, "Anna")}
        assert len(labels) == 120

    def test_a_port_that_is_taken_is_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A port in use is an error of its own."""
        write_sheet(tmp_path, sheet(folder=tmp_path))
        with ReviewServer(open_deck(sheet(folder=tmp_path), n=5, seed=0)).running() as running:
            taken = str(running.http.server_port)
            assert main(["review", "--store", str(tmp_path), "--no-browser", "--port", taken]) == 2
        assert f"--port is {taken}; allowed: a free port of 127.0.0.1" in capsys.readouterr().err


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One headless Chromium for the module; without one the tests fail."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path is not None, "no Chromium on this machine, and pages are tested in one: run `make browser`"
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A fresh page, which fails the test if any script of it raises."""
    opened = chromium.new_page()
    raised: list[object] = []
    opened.on("pageerror", lambda error: raised.append(error))
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()
    assert raised == []


@contextmanager
def served(opened: Deck, page: Any) -> Iterator[ReviewServer]:
    """Serve a deck and open it in a page."""
    with ReviewServer(opened).running() as running:
        page.goto(running.url)
        page.wait_for_selector("#choices :first-child")
        yield running


def press(page: Any, key: str, *, until: str) -> None:
    """Press a key, and wait until the page shows how many cards are rated, or where it is."""
    page.keyboard.press(key)
    page.get_by_text(until, exact=True).wait_for()


@pytest.mark.slow
class TestPage:
    """The page in a browser."""

    def test_a_rubric_by_keyboard(self, page: Any, deck: Callable[..., Deck]) -> None:
        """Digits rate and go on, arrows go back and forth, a rating can be changed, each is saved at once."""
        opened = deck(n=2)
        with served(opened, page):
            for number, key in enumerate("3514", 1):
                press(page, key, until=f"{number} of 4 rated")
                assert len(read_labels(opened.path)) == number
            page.get_by_text("Everything is rated").wait_for()
            assert opened.values == [3, 5, 1, 4]
            press(page, "ArrowLeft", until="3 of 4")
            page.keyboard.press("2")
            page.get_by_text("Saved: 3 is 2.").wait_for()
            assert opened.values == [3, 5, 2, 4]
            page.keyboard.press("9")
            assert opened.values == [3, 5, 2, 4]

    def test_a_review_is_taken_up_again(self, page: Any, tmp_path: Path) -> None:
        """Closed after two cards, another server begins at the third; the command ends when the person finishes."""
        write_sheet(tmp_path / "store", sheet("pairwise", folder=tmp_path))
        command = [
            sys.executable,
            "-m",
            "pytest_ftcheck.cli",
            "review",
            "--no-browser",
            "--n",
            "50",
            "--store",
            "store",
        ]
        for keys, before, last in (("ab", 0, "f"), ("t", 2, "f")):
            running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
            assert running.stdout is not None
            try:
                head = running.stdout.readline()
                assert f"50 cards of 50 cases, {before} rated so far" in head
                url = running.stdout.readline().split()[-1]
                page.goto(url)
                page.get_by_text(f"{before} of 50 rated", exact=True).wait_for()
                page.get_by_text(f"{before + 1} of 50", exact=True).wait_for()
                for done, key in enumerate(keys, before + 1):
                    press(page, key, until=f"{done} of 50 rated")
                page.keyboard.press(last)
                page.get_by_text("Finished").wait_for()
                out, _ = running.communicate(timeout=20)
            finally:
                running.kill()
            assert f"{before + len(keys)} of 50 cards rated" in out
            assert running.returncode == 0
        assert len(read_labels(tmp_path / "pairwise.jsonl")) == 3

    def test_hostile_answers_are_text(self, page: Any, deck: Callable[..., Deck]) -> None:
        """Markup and scripts in answers are shown, and do nothing."""
        with served(deck("pairwise"), page):
            shown = page.locator("[data-answer]").all_inner_texts()
            assert any("<script>document.title='owned'</script><img src=x" in text for text in shown)
            assert any("\\u202egood" in text for text in shown)
            assert page.title() == "Review: test_replies by pairwise"
            assert page.locator("#answers img, #answers script").count() == 0

    def test_roles_are_not_on_the_page(self, page: Any, deck: Callable[..., Deck]) -> None:
        """Nothing that the page loaded names base or ft."""
        replies: list[Any] = []
        page.on("response", lambda reply: replies.append(reply))
        with served(deck("pairwise"), page):
            whole = page.content() + "".join(reply.text() for reply in replies)
        assert not re.search(r"\b(base|ft|fine-tune)\b", whole.replace("base-uri", ""))

    def test_what_is_not_saved_is_said(self, page: Any, deck: Callable[..., Deck]) -> None:
        """Where the file cannot be written, or the command has ended, the page says so and stays on the card."""
        opened = deck(n=3)
        with served(opened, page):
            opened.path.mkdir()
            page.keyboard.press("3")
            page.get_by_text("ratings cannot be written").wait_for()
            assert page.locator("#place").inner_text() == "1 of 6"
            opened.path.rmdir()
            press(page, "3", until="1 of 6 rated")
            assert not page.locator("#fault").is_visible()
        page.keyboard.press("4")
        page.get_by_text("Not saved").wait_for()
        assert page.locator("#count").inner_text() == "1 of 6 rated"

    def test_a_wide_scale_takes_a_number(self, page: Any, deck: Callable[..., Deck]) -> None:
        """A scale that no key can name has a field, which has the focus."""
        opened = deck(n=2, scale=(0, 100))
        with served(opened, page):
            page.keyboard.type("87")
            press(page, "Enter", until="1 of 4 rated")
            page.keyboard.type("101")
            page.keyboard.press("Enter")
            page.get_by_text("allowed: a whole number from 0 to 100").wait_for()
        assert opened.values == [87, None, None, None]

    def test_by_mouse_and_with_tab(self, page: Any, deck: Callable[..., Deck]) -> None:
        """Buttons work by mouse, and by Tab and Enter; what was chosen is marked for screen readers."""
        opened = deck("pairwise", n=3)
        with served(opened, page):
            page.get_by_role("button", name="Tie").click()
            page.get_by_text("1 of 3 rated", exact=True).wait_for()
            page.get_by_role("button", name="B is better").focus()
            press(page, "Enter", until="2 of 3 rated")
            page.get_by_role("button", name="Back").click()
            assert page.get_by_role("button", name="B is better").get_attribute("aria-pressed") == "true"
        assert opened.values == ["tie", "B", None]

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [360, 1200])
    def test_it_is_readable(self, page: Any, deck: Callable[..., Deck], scheme: str, width: int) -> None:
        """Text stands out from its ground by 4.5 to 1 in both schemes, and nothing is wider than the window."""
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        with served(deck("pairwise", n=3), page):
            for selector in ("body", "#question", "#choices button", "h2", ".hint", "footer a"):
                ink, ground = page.locator(selector).first.evaluate(
                    "node => { let at = node, ground = 'rgba(0, 0, 0, 0)';"
                    " while (at && ground === 'rgba(0, 0, 0, 0)') {"
                    " ground = getComputedStyle(at).backgroundColor; at = at.parentElement; }"
                    " return [getComputedStyle(node).color, ground]; }"
                )
                assert contrast(ink, ground) >= 4.5, (selector, ink, ground)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def contrast(ink: str, ground: str) -> float:
    """The ratio of luminances of two CSS colours (WCAG 2)."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(ink), luminance(ground)])
    return (high + 0.05) / (low + 0.05)
