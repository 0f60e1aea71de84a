"""Hypothesis strategies for runs as hostile and as bare as their types allow, and for text that attacks its reader."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from pytest_ftcheck.records import (
    Answer,
    Case,
    CaseResult,
    Decision,
    EvalSummary,
    Failure,
    Finding,
    GateResult,
    Grade,
    Habits,
    Histogram,
    Leak,
    ModelRecord,
    ProbeResult,
    Registration,
    Run,
    SliceSummary,
    Table,
    ThirdScore,
    TrainingLog,
    Verdict,
    WinRate,
)

ATTACKS = (
    "::error file=a.py::owned",
    "::add-mask::the",
    "\n  ::set-output name=x::y",
    "##[error]x",
    "##vso[task.complete]",
    "\x1b]8;;http://evil\x07link\x1b]8;;\x07",
    "\x1b[2J\x1b[31m",
    "\x9b31m",
    "\u202egnp.exe",
    "\u200b\ufeff\u2066",
    "\ud800",
    "\x00",
    "\r\n::warning::x",
    "[red]markup[/red] [link=x]y[/link]",
    ":smile:",
    "tests/a.py::TestX::test_y[a::b]",
    "日本語のテキスト",
    "e\u0301\u034f\U000e0041",
    "=HYPERLINK(1)",
    "word " * 40,
    "unbroken" * 30,
)

any_text = st.text(st.characters(exclude_categories=()), max_size=30)
hostile = st.one_of(any_text, st.lists(st.one_of(st.sampled_from(ATTACKS), any_text), max_size=4).map("".join))
shares = st.floats(0, 1)
numbers = st.one_of(st.none(), st.floats(-1, 1), st.floats(-1e6, 1e6), st.just(float("nan")), st.just(float("inf")))
counts = st.integers(0, 10**6)
maybe_counts = st.one_of(st.none(), counts)
thirds = st.builds(
    ThirdScore,
    score=numbers,
    delta=numbers,
    low=numbers,
    high=numbers,
    level=st.one_of(st.none(), shares),
    n=counts,
    gained=maybe_counts,
    lost=maybe_counts,
    missing=counts,
    reason=hostile,
)


def verdicts(*, slices: bool = True) -> st.SearchStrategy[Verdict]:
    """Any verdict; with `slices` one of those below it too."""
    return st.builds(
        Verdict,
        gate=hostile,
        evals=st.lists(hostile, max_size=2).map(tuple),
        metric=hostile,
        claim=hostile,
        decision=st.sampled_from(Decision),
        words=hostile,
        base=numbers,
        ft=numbers,
        delta=numbers,
        low=numbers,
        high=numbers,
        level=st.one_of(st.none(), shares),
        bound=numbers,
        pass_above=numbers,
        pass_below=numbers,
        n=counts,
        gained=maybe_counts,
        lost=maybe_counts,
        method=hostile,
        p_value=st.one_of(st.none(), shares),
        p_fail=st.one_of(st.none(), shares),
        alpha=st.one_of(st.none(), shares),
        detectable=numbers,
        needed_cases=maybe_counts,
        reason=hostile,
        slice=hostile,
        kind=st.sampled_from(["", "improves", "no_worse", "never", "no_memorisation"]),
        baseline=st.sampled_from(["", "best"]),
        at_chance=st.booleans(),
        by_slice=st.lists(verdicts(slices=False), max_size=2).map(tuple) if slices else st.just(()),
        percent=st.booleans(),
        also=st.one_of(st.none(), thirds),
    )


gates = st.builds(
    GateResult,
    nodeid=hostile,
    name=hostile,
    decision=st.sampled_from(Decision),
    verdicts=st.lists(verdicts(), max_size=2).map(tuple),
    reason=hostile,
    evals=st.lists(hostile, max_size=2).map(tuple),
)
scores = st.floats(allow_nan=False, allow_infinity=False)
grades = st.one_of(
    st.builds(Grade, scores, hostile),
    st.builds(Grade.ungraded, st.text(min_size=1, max_size=9)),
)
replies = st.one_of(
    st.builds(Answer, hostile, finish_reason=st.sampled_from(["stop", "length", None]), logprob=numbers),
    st.builds(Failure, reason=hostile),
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), hostile),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile, inner, max_size=3)),
    max_leaves=6,
)
messages = st.builds(
    lambda role, content: {"role": role, "content": content}, st.sampled_from(["system", "user", "assistant"]), hostile
)
cases = st.builds(
    Case,
    id=hostile,
    input=st.one_of(hostile, st.lists(messages, max_size=3).map(tuple)),
    expected=plain,
    cluster=st.one_of(st.none(), hostile),
    tags=st.dictionaries(hostile, hostile, max_size=2),
    source=hostile,
)
graded = st.dictionaries(st.sampled_from(["exact", "other"]), st.lists(grades, max_size=3), max_size=2)
case_results = st.builds(
    CaseResult,
    case=cases,
    base_answers=st.lists(replies, max_size=3),
    ft_answers=st.lists(replies, max_size=3),
    base_grades=graded,
    ft_grades=graded,
    missing=hostile,
)
paired_results = st.builds(
    replace,
    case_results,
    outcome=st.sampled_from(["win", "loss", "both right", "both wrong", "tie", ""]),
    base_score=numbers,
    ft_score=numbers,
    also_answers=st.lists(replies, max_size=2),
    also_grades=graded,
    also_score=numbers,
    also_missing=hostile,
)
cells = st.one_of(hostile, st.integers(), st.floats(), st.none())
tables = st.builds(
    Table,
    name=hostile,
    role=st.sampled_from(["base", "ft", None]),
    columns=st.lists(hostile, max_size=4).map(tuple),
    rows=st.lists(st.lists(cells, max_size=4).map(tuple), max_size=3).map(tuple),
)
slices = st.builds(
    SliceSummary,
    tag=hostile,
    value=hostile,
    n=counts,
    base=numbers,
    ft=numbers,
    delta=numbers,
    gained=counts,
    lost=counts,
)
histograms = st.builds(
    Histogram,
    name=st.sampled_from(["score", "length"]),
    edges=st.just((0.0, 0.5, 1.0)),
    base=st.tuples(counts, counts),
    ft=st.tuples(counts, counts),
)
leaks = st.builds(
    Leak,
    case=hostile,
    train_line=counts,
    kind=st.sampled_from(["exact", "normalised", "near"]),
    part=st.sampled_from(["prompt", "answer"]),
    similarity=shares,
    rows=counts,
    last_line=counts,
)
registrations = st.builds(Registration, lock=hostile, frozen=hostile, changes=st.lists(hostile, max_size=3).map(tuple))
win_rates = st.builds(
    WinRate,
    raw=shares,
    at_equal_length=st.one_of(st.none(), shares),
    low=numbers,
    high=numbers,
    level=st.one_of(st.none(), shares),
    reason=hostile,
)
habits = st.builds(Habits, n=counts, json=counts, refusals=counts, misshapen=counts, swapped=counts)
summaries = st.builds(
    EvalSummary,
    base_habits=st.one_of(st.none(), habits),
    ft_habits=st.one_of(st.none(), habits),
    alike=counts,
    leaks=st.lists(leaks, max_size=2).map(tuple),
    excluded=counts,
    checkpoints=counts,
    nodeid=hostile,
    name=hostile,
    metric=st.sampled_from(["exact", "other"]),
    score_range=st.sampled_from([(0.0, 1.0), (1.0, 5.0), (0.0, 100.0)]),
    binary=st.booleans(),
    n=counts,
    base=numbers,
    ft=numbers,
    delta=numbers,
    low=numbers,
    high=numbers,
    level=st.one_of(st.none(), shares),
    method=hostile,
    gained=counts,
    lost=counts,
    missing=st.lists(hostile, max_size=2).map(tuple),
    reason=hostile,
    worst=st.lists(case_results, max_size=2).map(tuple),
    cases=st.lists(paired_results, max_size=3).map(tuple),
    slices=st.lists(slices, max_size=2).map(tuple),
    histograms=st.lists(histograms, max_size=2).map(tuple),
    samples=st.integers(1, 9),
    decoding=st.dictionaries(hostile, hostile, max_size=2),
    case_set=hostile,
    tables=st.lists(tables, max_size=2).map(tuple),
    base_length=st.one_of(st.none(), st.floats(0, 1e6)),
    ft_length=st.one_of(st.none(), st.floats(0, 1e6)),
    delta_at_equal_length=numbers,
    gain_by_length=st.booleans(),
    lower_is_better=st.booleans(),
    win_rate=st.one_of(st.none(), win_rates),
    signatures=st.lists(hostile, max_size=2).map(tuple),
    also=st.one_of(st.none(), thirds),
)
models = st.builds(
    ModelRecord,
    role=st.sampled_from(["base", "ft", "also"]),
    source=hostile,
    kind=hostile,
    fingerprint=hostile,
    engine=hostile,
    profile=hostile,
    prompting=hostile,
)
probe_results = st.builds(
    ProbeResult,
    capability=hostile,
    kind=st.sampled_from(["MFT", "INV", "DIR"]),
    n=counts,
    failed=counts,
    base_failed=maybe_counts,
    new=maybe_counts,
    nodeid=hostile,
)
texts = st.lists(hostile, max_size=3).map(tuple)
findings = st.builds(
    Finding,
    name=hostile,
    sure=st.sampled_from(["likely", "possible"]),
    what=hostile,
    evidence=texts,
    remedies=texts,
    gates=texts,
)
losses = st.lists(st.tuples(st.floats(0, 1e5), st.floats()), max_size=3).map(tuple)
trainings = st.builds(
    TrainingLog,
    path=hostile,
    training=losses,
    validation=losses,
    pattern=st.sampled_from(["healthy", "unstable", None]),
    evidence=hostile,
    best_step=numbers,
    best_loss=numbers,
    global_step=st.none() | st.integers(0, 2**53 - 1),
)
runs = st.builds(
    Run,
    id=hostile,
    started=st.one_of(hostile, st.datetimes().map(lambda moment: moment.isoformat() + "+00:00")),
    duration_s=st.floats(0, 1e6),
    version=hostile,
    models=st.lists(models, max_size=2).map(tuple),
    evals=st.lists(summaries, max_size=2).map(tuple),
    gates=st.lists(gates, max_size=3).map(tuple),
    probes=st.lists(probe_results, max_size=2).map(tuple),
    notices=st.lists(hostile, max_size=2).map(tuple),
    answered=counts,
    from_store=counts,
    limit=st.one_of(st.none(), st.integers(1, 100)),
    inconclusive=st.sampled_from(["fail", "warn"]),
    registration=st.one_of(st.none(), registrations),
    versions=st.dictionaries(hostile, hostile, max_size=2),
    training=st.one_of(st.none(), trainings),
    diagnosis=st.lists(findings, max_size=2).map(tuple),
)
