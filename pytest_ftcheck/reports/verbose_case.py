"""Everything about one case as text: what was asked, what was said, and what was made of it. It chooses no facts.

Texts are shown whole up to SHOWN characters, inert, each line behind a bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_ftcheck.records import Case, Failure, Grade, Leak, Reply, Request
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import ascii_text, inert
from pytest_ftcheck.reports.losses import expected_text

SHOWN = 20_000
"""Characters that are shown of one text; what is left out is counted."""
BAR = "    │ "
FINISHES = {
    "stop": "ended by itself",
    "length": "stopped at the token limit",
    "label": "a label of a classifier",
    "choice": "the likeliest choice",
    "read": "the prompt was read, nothing was asked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came back. `grades` are (metric, grade) pairs of this answer.

    `role` is in words, with which sample and turn it is where there are several. `key` is the request's content key;
    `stored` says that its answer was in the store before this run.
    """

    role: str
    request: Request
    key: str
    stored: bool
    reply: Reply | None
    grades: Sequence[tuple[str, Grade]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One case of one eval. `why` says why it was not asked, and is empty where it was; `gates` are those that read it.

    `outcome` and the scores are the pair's under the eval's first metric; `missing` says which grades lack, and why.
    """

    eval: str
    case: Case
    exchanges: tuple[Exchange, ...] = ()
    gates: tuple[str, ...] = ()
    leak: Leak | None = None
    why: str = ""
    missing: str = ""
    outcome: str = ""
    base_score: float | None = None
    ft_score: float | None = None


def case_title(view: CaseView) -> str:
    """Return the head of a case's section."""
    return inert(f"case {view.case.id} of {view.eval.rpartition('::')[2]}", limit=160, one_line=True)


def case_text(view: CaseView, *, ascii_only: bool = False) -> str:
    """Return all that is known of a case, without its title; the text ends in a newline."""
    text = "\n".join([*_about(view), *_asked(view)]) + "\n"
    return ascii_text(text) if ascii_only else text


def _about(view: CaseView) -> Iterator[str]:
    case = view.case
    place = [view.eval, case.source, *(f"{name}={value}" for name, value in case.tags.items())]
    yield _line(" · ".join(filter(None, [*place, f"cluster {case.cluster}" if case.cluster else ""])))
    if view.why:
        yield _line(f"not asked: {view.why}")
    if view.outcome:
        scores = [f"{role} {_number(score)}" for role, score in (("base", view.base_score), ("ft", view.ft_score))]
        yield _line(f"outcome: {view.outcome} ({', '.join(scores)})")
    if view.missing:
        yield _line(f"missing: {view.missing}")
    if view.leak is not None:
        yield _line(
            f"leaked: its {view.leak.part} stands in the training data, line {view.leak.train_line} ({view.leak.kind})"
        )
    yield _line(f"read by: {', '.join(view.gates) or 'no gate'}")
    yield "expected"
    yield from _barred(expected_text(case.expected) or "(nothing)")


def _asked(view: CaseView) -> Iterator[str]:
    before: Request | None = None
    for one in view.exchanges:
        yield ""
        yield _line(_head(one))
        if before is not None and _same(before, one.request):
            yield "  prompt: the same as above"
        else:
            yield from _prompt(one.request)
        before = one.request
        yield f"  answer: {_facts(one.reply)}"
        if one.reply is not None and not isinstance(one.reply, Failure):
            yield from _barred(one.reply if one.reply != "" else "(empty)")
        for metric, grade in one.grades:
            score = "ungraded" if grade.score is None else _number(grade.score)
            yield from _hanging(f"  {inert(metric, limit=80, one_line=True)}: {score}", grade.reason)


def _head(one: Exchange) -> str:
    came = "no answer" if one.reply is None else "from the store" if one.stored else "answered now"
    return f"{one.role}: {came}, request {one.key}"


def _prompt(request: Request) -> Iterator[str]:
    form = "the checkpoint's chat template" if request.template == "chat" else "plain text"
    settings = ", ".join(f"{name} {value}" for name, value in request.decoding.content().items() if value not in ([],))
    yield _line(f"  prompt, by {form}; {settings}")
    for message in request.messages:
        yield f"    {inert(str(message.get('role', '')), limit=40, one_line=True)}"
        yield from _barred(message.get("content", ""))


def _facts(reply: Reply | None) -> str:
    if reply is None:
        return "none"
    if isinstance(reply, Failure):
        return f"none: {inert(reply.reason, limit=SHOWN, one_line=True)}"
    facts = [
        f"{number:,} tokens {what}"
        for number, what in ((reply.prompt_tokens, "read"), (reply.completion_tokens, "written"))
        if number is not None
    ]
    facts += [FINISHES.get(reply.finish_reason, reply.finish_reason)] if reply.finish_reason else []
    facts += [f"log-probability {reply.logprob:.4f}"] if reply.logprob is not None else []
    scored = reply.choice_logprobs or ()
    facts += [f"of the choices {', '.join(f'{each:.4f}' for each in scored)}"] if scored else []
    return inert(", ".join(facts), limit=400, one_line=True) or count(len(reply), "character")


def _same(before: Request, after: Request) -> bool:
    return (before.messages, before.template, before.decoding) == (after.messages, after.template, after.decoding)


def _barred(text: object) -> list[str]:
    return [BAR + line for line in inert(str(text), limit=SHOWN).split("\n")]


def _hanging(head: str, text: str) -> list[str]:
    """Put a text behind its head, the further lines behind the bar."""
    first, *more = inert(text, limit=SHOWN).split("\n")
    return [f"{head}: {first}" if first else head, *(BAR + line for line in more)]


def _line(text: str) -> str:
    return inert(text, limit=SHOWN, one_line=True)


def _number(score: float | None) -> str:
    return "none" if score is None else f"{score:.4g}"
