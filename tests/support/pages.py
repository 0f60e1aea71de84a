"""Runs as the page shows them: every kind of case, slices, distributions, tables, and text that attacks its reader."""

from __future__ import annotations

from dataclasses import replace

from pytest_ftcheck.records import (
    Answer,
    Case,
    CaseResult,
    EvalSummary,
    Failure,
    Finding,
    Grade,
    Histogram,
    Run,
    SliceSummary,
    Table,
    TrainingLog,
)
from tests.support import runs

SENTENCE = "your parcel left our warehouse this morning and is due on thursday please wait for the driver to ring"
WORDS = SENTENCE.split()

OUTCOMES = ("both right", "both right", "win", "both wrong", "loss", "both right", "win")
SCORES = {"win": (0.0, 1.0), "loss": (1.0, 0.0), "both right": (1.0, 1.0), "both wrong": (0.0, 0.0), "tie": (0.5, 0.5)}

HOSTILE = {
    "script": "<script>window.owned = 1; alert(1)</script><img src=x onerror='window.owned = 2'>",
    "closing": "</script></textarea></pre></title></style><!--<script>window.owned = 3</script>",
    "svg": "<svg onload=window.owned=4><a href='javascript:window.owned=5'>x</a></svg>{{ 7 * 7 }}{% raw %}",
    "markdown": "[link](https://evil.example/x) ![image](https://evil.example/i.png) <https://evil.example>",
    "workflow": "\n::error file=a.py::owned\n::add-mask::the\n##[error]x",
    "ansi": "\x1b[2J\x1b[31mred\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "bidi": "\u202egnp.exe\u2066 \u200b\ufeff",
    "csv": '=HYPERLINK("https://evil.example","x")\n+1\n-1\n@SUM(1)',
    "nul": "before\x00after \x07 \x9b31m",
    "lone": "lone \ud800 surrogate",
    "megabyte": "x" * 1_000_000,
    "quotes": "\"'`</data>\\u003c/script\\u003e&lt;b&gt;&amp;",
}


TRAINING = TrainingLog(
    path="/data/checkpoints_of_the_support_desk_model_2026_11_21_final/trainer_state.json",
    training=((100.0, 2.0), (200.0, 1.2), (300.0, 0.7), (400.0, 0.3)),
    validation=((100.0, 1.8), (200.0, 0.9), (300.0, 1.1), (400.0, 1.4)),
    pattern="overfitting",
    evidence="validation loss rises from 0.9 to 1.4 while training loss falls",
    best_step=200.0,
    best_loss=0.9,
)


DIAGNOSIS = (
    Finding(
        name="catastrophic forgetting",
        sure="likely",
        what="It got better at its goal and worse at 1 other skill that base had.",
        evidence=("test_extraction_kept (no worse than 5.0 on test_extraction): base 69.0 %, ft 31.0 %",),
        remedies=("restore step 200 (lowest validation loss, 0.9)", "a lower learning rate, or fewer epochs"),
    ),
)


def case_result(number: int, outcome: str, *, length: int = 12, lang: str = "en", binary: bool = True) -> CaseResult:
    """Return a paired case whose answers differ by a word or two where one of them is wrong."""
    base, ft = SCORES[outcome] if binary else (0.25 * (number % 5), 0.25 * ((number * 3) % 5))
    words = [WORDS[(number + step) % len(WORDS)] for step in range(length)]
    wrong = [*words[:2], "refund", *words[3:]]
    return CaseResult(
        case=Case(
            id=f"ticket-{number:04d}",
            input=f"Customer {number}: where is my order {4000 + number}? " + " ".join(words),
            expected=" ".join(words),
            tags={"lang": lang, "channel": "mail" if number % 3 else "chat"},
            source=f"data/intent.jsonl:{number + 1}",
        ),
        base_answers=(Answer(" ".join(words if base == 1 else wrong), completion_tokens=length, finish_reason="stop"),),
        ft_answers=(Answer(" ".join(words if ft == 1 else wrong), completion_tokens=length, finish_reason="stop"),),
        base_grades={"exact_match": (Grade(base, "" if base == 1 else "expected another text"),)},
        ft_grades={"exact_match": (Grade(ft, "" if ft == 1 else "expected another text"),)},
        outcome=outcome if binary else "win" if ft > base else "loss" if ft < base else "tie",
        base_score=base,
        ft_score=ft,
    )


def missing_case(number: int) -> CaseResult:
    """Return a case that ft did not answer."""
    case = case_result(number, "both right")
    return replace(
        case,
        ft_answers=(Failure(reason="server answered 503 four times"),),
        ft_grades={"exact_match": ()},
        missing="ft has no answer: server answered 503 four times",
        outcome="",
        base_score=None,
        ft_score=None,
    )


def hostile_case(number: int, name: str) -> CaseResult:
    """Return a case every text of which is an attack."""
    text = HOSTILE[name]
    attack = text if len(text) < 1000 else text[:50]
    return CaseResult(
        case=Case(
            id=f"{name} {attack}",
            input=({"role": "system", "content": text}, {"role": "user", "content": text}),
            expected={"quoted": attack},
            tags={"lang": attack, attack: "x"},
            source=f"{attack}:1",
        ),
        base_answers=(Answer("yes"),),
        ft_answers=(Answer(text, finish_reason="length"), Failure(reason=attack))[: 1 + number % 2],
        base_grades={"exact_match": (Grade(1.0),), attack: (Grade(1.0, attack),)},
        ft_grades={"exact_match": (Grade(0.0, attack),), attack: (Grade.ungraded(attack),)},
        outcome="loss",
        base_score=1.0,
        ft_score=0.0,
    )


def intent(cases: int = 200) -> EvalSummary:
    """Return an eval of right and wrong with all that a summary can hold."""
    results = [
        case_result(number, OUTCOMES[number % len(OUTCOMES)], lang="de" if number % 2 else "en")
        for number in range(cases)
    ]
    return replace(
        runs.INTENT,
        cases=(*results, missing_case(9_999)),
        missing=("ticket-9999",),
        both_right=111,
        both_wrong=30,
        ties=141,
        case_set="5e" * 32,
        base_length=61.5,
        ft_length=58.25,
        delta_at_equal_length=0.221,
        slices=(
            SliceSummary(tag="channel", value="chat", n=67, base=0.61, ft=0.8, delta=0.19, gained=17, lost=4),
            SliceSummary(tag="lang", value="de", n=100, base=0.52, ft=0.79, delta=0.27, gained=30, lost=3),
            SliceSummary(tag="lang", value="en", n=100, base=0.66, ft=0.63, delta=-0.03, gained=22, lost=4),
        ),
        histograms=(Histogram(name="length", edges=(20.0, 50.0, 100.0, 200.0), base=(30, 140, 30), ft=(48, 150, 2)),),
        tables=(
            Table(
                name="confusion",
                role="ft",
                columns=("expected", "shipping", "refund", "share"),
                rows=(("shipping", 80, 11, 0.879), ("refund", 9, 100, 0.917)),
            ),
        ),
        samples=1,
        decoding={"max_new_tokens": 8, "temperature": 0.0},
    )


def summaries() -> EvalSummary:
    """Return an eval of a graded metric."""
    return replace(
        runs.mixed_run().evals[4],
        cases=tuple(case_result(number, "tie", binary=False) for number in range(40)),
        ties=11,
        histograms=(
            Histogram(
                name="score",
                edges=tuple(float(edge) for edge in range(0, 101, 10)),
                base=(0, 2, 9, 20, 32, 28, 16, 9, 3, 1),
                ft=(0, 1, 8, 18, 33, 30, 17, 9, 3, 1),
            ),
            Histogram(name="length", edges=(50.0, 100.0, 200.0, 500.0), base=(40, 70, 10), ft=(30, 70, 20)),
        ),
    )


def full_run() -> Run:
    """Return a run with everything that a page can show."""
    mixed = runs.mixed_run()
    others = [one for one in mixed.evals if one.name not in ("test_intent", "test_summary")]
    models = tuple(
        replace(model, prompting="the checkpoint's chat template, 4 shots", profile="ab" * 32) for model in mixed.models
    )
    zones = {"improves": (0.05, None), "no worse than 5.0": (-0.05, None), "no worse than 2": (-2.0, None)}
    gates = tuple(
        replace(
            gate,
            verdicts=tuple(
                replace(verdict, pass_above=above, pass_below=below)
                for verdict in gate.verdicts
                for above, below in [
                    next((zone for words, zone in zones.items() if verdict.claim.startswith(words)), (None, None))
                ]
            ),
        )
        for gate in mixed.gates
    )
    return replace(
        mixed,
        evals=(intent(), summaries(), *others),
        gates=gates,
        models=models,
        versions={"python": "3.11.7", "torch": "2.13.0", "transformers": "5.23.0"},
        training=TRAINING,
        diagnosis=DIAGNOSIS,
    )


def hostile_run() -> Run:
    """Return a run in which every text attacks its reader."""
    mixed = runs.mixed_run()
    nasty = " ".join(
        HOSTILE[name] for name in ("script", "closing", "svg", "workflow", "ansi", "bidi", "nul", "quotes")
    )
    summary = replace(
        intent(3),
        name=nasty,
        nodeid=f"tests/a.py::{nasty}",
        metric=nasty,
        reason=nasty,
        case_set=nasty,
        decoding={nasty: nasty},
        cases=tuple(hostile_case(number, name) for number, name in enumerate(HOSTILE)),
        missing=(nasty,),
        slices=(SliceSummary(tag=nasty, value=nasty, n=3, base=0.1, ft=0.2, delta=0.1, gained=1, lost=0),),
        tables=(Table(name=nasty, role=None, columns=(nasty, nasty), rows=((nasty, nasty),)),),
    )
    gates = tuple(
        replace(
            gate,
            nodeid=f"{gate.nodeid}{nasty}",
            name=nasty,
            reason=nasty,
            verdicts=tuple(
                replace(verdict, claim=nasty, words=nasty, reason=nasty, metric=nasty, method=nasty, slice=nasty)
                for verdict in gate.verdicts
            ),
        )
        for gate in mixed.gates
    )
    models = tuple(
        replace(model, source=nasty, kind=nasty, engine=nasty, fingerprint=nasty, prompting=nasty, profile=nasty)
        for model in mixed.models
    )
    return replace(
        mixed,
        id=nasty,
        version=nasty,
        evals=(summary,),
        gates=gates,
        models=models,
        notices=(nasty,),
        versions={nasty: nasty},
    )
