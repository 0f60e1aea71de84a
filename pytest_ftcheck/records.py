"""The frozen values that cross layers. They know nothing of pytest, engines, graders or statistics.

Each can be made by hand, so that a grader is tested without a model:

    >>> case = Case(id="a", input="Capital of France?", expected="Paris")
    >>> Answer("Paris") == case.expected
    True
"""

from __future__ import annotations

import enum
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_ftcheck.errors import GraderError

Role = Literal["base", "ft", "also", "judge"]
ROLES: tuple[Role, Role] = ("base", "ft")
"""The two that are compared."""
ANSWERING: tuple[Role, ...] = (*ROLES, "also", "judge")
"""Everyone who answers: a third model that is shown beside the two, and the judge whom graders ask about answers."""

Normalize = Literal["none", "length", "bytes"]

Message = Mapping[str, str]
"""One chat message: `{"role": "system" | "user" | "assistant", "content": text}`."""


# Made once: json.dumps with options builds an encoder at each call, half of the time of a small value.
_encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False, default=str
).encode


def canonical_json(value: object) -> str:
    r"""Write `value` as JSON with one spelling for equal values: sorted keys, ASCII, no spaces.

    >>> canonical_json({"b": 1, "a": "é"})
    '{"a":"\\u00e9","b":1}'
    """
    return _encode(value)


def digest(value: object) -> str:
    """Return the SHA-256 of `value`'s canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One eval example, identified by content.

    `input` is a prompt, or a tuple of messages, or (`turns=True`) a tuple of user turns that the model answers one
    after the other. `expected` is whatever the grader compares with. Cases that share a `cluster` are not independent.
    `source` is the file and line it came from, for messages; it is no part of the content.
    """

    id: str
    input: str | tuple[Message, ...]
    expected: Any = None
    cluster: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def digest(self) -> str:
        """Content hash of what the model sees and the grader uses (not the id, not the place in the file)."""
        return digest([self.input, self.expected, self.fields])


class Answer(str):
    """What one role's model said to one case: a `str` with what is known of how it was said.

    `prompt_tokens` and `completion_tokens` count tokens; `finish_reason` is "stop" (end of sequence), "length" (the
    token limit), "label" (a classification checkpoint), "choice" (the likeliest of the request's choices) or "read"
    (the prompt itself was scored); `logprob` is the sum of the answer tokens' natural log-probabilities where the
    engine gave it; `probability` is that of the label, 0 to 1, for a classification; `choice_logprobs` are the
    log-probabilities of all choices in the request's order, not normalised; `choice_greedy` says of each,
    where that was asked, whether greedy decoding would write it.
    """

    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    logprob: float | None
    probability: float | None
    choice_logprobs: tuple[float, ...] | None
    choice_greedy: tuple[bool, ...] | None

    def __new__(
        cls,
        text: str,
        *,
        prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        finish_reason: str | None = None,
        logprob: float | None = None,
        probability: float | None = None,
        choice_logprobs: Sequence[float] | None = None,
        choice_greedy: Sequence[bool] | None = None,
    ) -> Answer:
        answer = super().__new__(cls, text)
        answer.prompt_tokens = prompt_tokens
        answer.completion_tokens = completion_tokens
        answer.finish_reason = finish_reason
        answer.logprob = logprob
        answer.probability = probability
        answer.choice_logprobs = None if choice_logprobs is None else tuple(choice_logprobs)
        answer.choice_greedy = None if choice_greedy is None else tuple(choice_greedy)
        return answer

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self),), self.facts()

    def facts(self) -> dict[str, Any]:
        """Everything but the text, as plain values."""
        scored: dict[str, Any] = {} if self.choice_logprobs is None else {"choice_logprobs": self.choice_logprobs}
        if self.choice_greedy is not None:
            scored["choice_greedy"] = self.choice_greedy
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "finish_reason": self.finish_reason,
            "logprob": self.logprob,
            "probability": self.probability,
            **scored,
        }

    def json(self) -> Any:
        """Parse the answer as JSON.

        Raises AssertionError, so that in an eval's body malformed JSON is a wrong answer, with the parse error kept.

        >>> Answer('{"order": 7}').json()["order"]
        7
        """
        try:
            return json.loads(self)
        except (ValueError, RecursionError) as error:
            raise AssertionError(f"answer is not JSON: {error}") from None


class Outcome(enum.Enum):
    """How a pair of grades, or one grade, stands; the third value is never a number."""

    RIGHT = "right"
    WRONG = "wrong"
    UNGRADED = "ungraded"


@dataclass(frozen=True, slots=True)
class Grade:
    """A score in the metric's declared range, or ungraded with a reason; `detail` says what a person would ask next.

    >>> Grade(1.0).score
    1.0
    >>> Grade.ungraded("judge timed out").reason
    'judge timed out'
    """

    score: float | None
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.score is None:
            if not self.reason:
                raise GraderError("Grade.ungraded needs a reason, got an empty one")
        elif isinstance(self.score, bool) or not isinstance(self.score, int | float) or not math.isfinite(self.score):
            raise GraderError(f"Grade score is {self.score!r}; allowed: a finite number, or Grade.ungraded(reason)")

    @classmethod
    def ungraded(cls, reason: str, detail: Mapping[str, Any] | None = None) -> Grade:
        """Return the grade that is no score, with why."""
        return cls(None, reason, detail or {})

    @property
    def graded(self) -> bool:
        """Whether there is a score."""
        return self.score is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How an answer is drawn. `temperature` 0 is greedy; `max_new_tokens` counts tokens; `stop` are strings.

    With `choices` nothing is drawn: the answer is the choice that the model finds likeliest, by its log-probability
    ("none"), or that divided by its tokens ("length") or its UTF-8 bytes ("bytes"). `contexts`, one a choice, stand in
    place of the prompt; `greedy` asks of each choice whether greedy decoding would write it. With `reads` the last
    message itself is read, as plain text with nothing before it, and the answer is empty but for its log-probability;
    `keeps_begin` reads a begin token that the tokenizer puts there as part of it, as lm-evaluation-harness does.
    """

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    normalize: Normalize = "none"
    reads: bool = False
    contexts: tuple[str, ...] = ()
    greedy: bool = False
    keeps_begin: bool = False

    @property
    def scores(self) -> bool:
        """Whether text is scored instead of drawn."""
        return self.reads or bool(self.choices)

    def content(self) -> dict[str, Any]:
        """What of this decides the answer."""
        if self.reads:
            return {"reads": True, **({"keeps_begin": True} if self.keeps_begin else {})}
        if self.choices:
            return {
                "choices": list(self.choices),
                "normalize": self.normalize,
                **({"contexts": list(self.contexts)} if self.contexts else {}),
                **({"greedy": True} if self.greedy else {}),
            }
        return {
            "max_new_tokens": self.max_new_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "stop": list(self.stop),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing to ask one role's model.

    `messages` is the conversation with the profile applied (system prompt, shots); the engine renders it with the
    checkpoint's chat template, or joins it as plain text when `template` is "none". `sample` numbers the samples of
    one case; `seed` is derived from case content and sample, so that it depends on neither batch nor order.
    `label` names the eval and case for messages; it is no part of the content.
    """

    role: Role
    messages: tuple[Message, ...]
    decoding: Decoding = Decoding()
    sample: int = 0
    template: str = "chat"
    eval: str = ""
    case: str = ""
    label: str = field(default="", compare=False)

    def content(self) -> dict[str, Any]:
        """What of this request decides the answer, apart from the model. Greedy samples differ only by number."""
        reads = self.decoding.reads
        return {
            "messages": [dict(message) for message in (self.messages[-1:] if reads else self.messages)],
            "decoding": self.decoding.content(),
            "sample": self.sample,
            "template": "none" if reads else self.template,
        }

    @property
    def seed(self) -> int:
        """Seed of this request's random draws: 63 bits of its content's hash."""
        return int(digest(self.content())[:16], 16) >> 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one request has no answer: a record of its own, never a low score."""

    reason: str


Reply = Answer | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case with both roles' answers and grades, samples in order; `missing` says what could not be had.

    `outcome` is how the pair stands under the eval's primary metric (win, loss, both right, both wrong, tie), and the
    scores are its two; all three are empty or None before the case was paired, and where a grade is missing. `people`
    holds people's scores by judged metric, one for each sample, None where nobody rated it. What the third model
    (--also) said stands beside; `also_missing` says what it lacks, which is nobody else's loss.
    """

    case: Case
    base_answers: Sequence[Reply]
    ft_answers: Sequence[Reply]
    base_grades: Mapping[str, Sequence[Grade]]
    ft_grades: Mapping[str, Sequence[Grade]]
    missing: str = ""
    outcome: str = ""
    base_score: float | None = None
    ft_score: float | None = None
    people: Mapping[str, Mapping[Role, Sequence[float | None]]] = field(default_factory=dict)
    also_answers: Sequence[Reply] = ()
    also_grades: Mapping[str, Sequence[Grade]] = field(default_factory=dict)
    also_score: float | None = None
    also_missing: str = ""


class Decision(enum.Enum):
    """Outcome of a gate. ERROR means that it could not be judged."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdScore:
    """How the third model (--also) stands beside a verdict or an eval, in the metric's units. It decides nothing.

    `delta` is ft minus the third model on the `n` cases that it has grades for, within `low` and `high` at `level`;
    beside a claim about ft alone it is None and they bound the third model's own score. `missing` counts the cases
    without such a grade; `reason` says why figures are missing.
    """

    score: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    n: int = 0
    gained: int | None = None
    lost: int | None = None
    missing: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one assertion of a gate found. Scores are in the metric's units; `delta`, `low`, `high` are ft minus base.

    For a claim about ft alone (floors, "never") `base` and `delta` are None and `low`, `high` bound ft's value.
    `p_value` is of the hypothesis that the claim is false, `p_fail` of the hypothesis that it is true.
    `by_slice` holds the verdicts of `per=` slices, already corrected. The claim is true where the value that `low` and
    `high` bound lies above `pass_above` and below `pass_below`; either may be None. `rated` counts the cases that
    people rated, where they correct a judge: `delta` is then the corrected one, its interval `wider` times the judge's.
    `also` is the third model beside it, on which nothing rests.
    `kind` is that of the claim ("improves", "no_worse" and so on, empty where unknown), `baseline` "best" where base
    was at its best prompt. `at_chance` says that base scores too little for a loss to show.
    """

    gate: str = ""
    evals: tuple[str, ...] = ()
    metric: str = ""
    claim: str
    decision: Decision
    words: str
    base: float | None = None
    ft: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    bound: float | None = None
    pass_above: float | None = None
    pass_below: float | None = None
    n: int = 0
    gained: int | None = None
    lost: int | None = None
    method: str = ""
    p_value: float | None = None
    p_fail: float | None = None
    alpha: float | None = None
    detectable: float | None = None
    needed_cases: int | None = None
    reason: str = ""
    slice: str = ""
    by_slice: tuple[Verdict, ...] = ()
    percent: bool = True
    rated: int = 0
    wider: float | None = None
    also: ThirdScore | None = None
    kind: str = ""
    baseline: str = ""
    at_chance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """How often a judge that compares both roles' answers prefers ft's, ties counted half: shares from 0 to 1.

    `at_equal_length` is what a logistic regression on the difference of lengths gives where there is none, with its
    interval at `level`; None where length and preference cannot be told apart, and then `reason` says why.
    """

    raw: float
    at_equal_length: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that a grader makes of an eval, such as a confusion table: heads, and rows with one cell per head.

    A row's first cell is its label; the others are counts, or shares from 0 to 1 as floats, or None for nothing.
    `role` is whose answers it is about, None where it holds both roles'.
    """

    name: str
    role: Role | None = None
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceSummary:
    """The cases of an eval with one value of a tag: both roles' scores and how the pairs fell. It claims nothing."""

    tag: str
    value: str
    n: int
    base: float | None
    ft: float | None
    delta: float | None
    gained: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How often each role's cases fall between `edges` [k+1]: counts [k]. The last bin holds its upper edge.

    `name` is "score" (of a case, in the metric's units) or "length" (of its answer, in characters).
    """

    name: str
    edges: tuple[float, ...]
    base: tuple[int, ...]
    ft: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What sort of answers a role gave to the `n` cases of an eval that were looked at: counts of cases.

    `json` are JSON or begin so; `refusals` refuse; `loops` say the same over and over; `cut_off` ended at the token
    limit; `empty` say nothing; `commonest` are word for word the most frequent answer. `misshapen` were graded wrong
    though what was expected stands in them; `swapped` gave one and the same wrong answer, which others expect, to all
    that expect the same.
    """

    n: int
    json: int = 0
    refusals: int = 0
    loops: int = 0
    cut_off: int = 0
    empty: int = 0
    commonest: int = 0
    misshapen: int = 0
    swapped: int = 0


LeakKind = Literal["exact", "normalised", "near"]
LeakPart = Literal["prompt", "answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A case whose prompt or expected answer stands in the training data: the closest row, and how close it is.

    `train_line` counts from 1; `similarity` is 0 to 1; `rows` counts all training rows that hold it, `last_line` is
    the last of them.
    """

    case: str
    train_line: int
    kind: LeakKind
    part: LeakPart
    similarity: float
    rows: int = 1
    last_line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One coefficient of agreement with its interval at `level`, which is absent where `reason` says why."""

    name: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How a judge compares with people: on `rated` of `n` cases, by coefficients over `items` answers or pairs."""

    metric: str
    rated: int
    n: int
    items: int
    coefficients: tuple[Coefficient, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSummary:
    """One eval of the run as the reports show it: means, counts of pairs, and what is missing.

    `low`, `high` bound delta at `level`; all three are None where there is too little data (`reason` says so).
    `leaks` are the cases that stand in the training data, of which `excluded` are not judged.
    `checkpoints` counts those that these cases have judged, this run's among them; 0 where unknown.
    `worst` holds the cases that ft lost, largest drop first. `case_set` is the content hash of all of its cases.
    `base_length`, `ft_length` are the answers' mean lengths in characters, None where no answer was asked for;
    `delta_at_equal_length` is what a line through the cases' deltas, by how much longer ft's answer is, gives where
    both are as long. `gain_by_length` says that a gain on a metric that rewards recall may be no more than that ft's
    answers are longer; `win_rate` is there where a judge compared both roles' answers. `signatures` are those of
    its metrics' settings, as sacreBLEU writes them. `cases` are all of them, in the order of the file, where a report
    will show them; `cases_left_out` counts those that a file did not hold.
    `decoding` is how answers were asked for before a role's profile was applied, `samples` how many of each case.
    `also` is the third model beside ft.
    `base_habits`, `ft_habits` are what sort of answers each role gave, None where none were written; `alike` counts the
    cases that both answered in the same words.
    """

    nodeid: str
    name: str
    metric: str
    score_range: tuple[float, float]
    binary: bool
    n: int
    lower_is_better: bool = False
    base: float | None = None
    ft: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    method: str = ""
    gained: int = 0
    lost: int = 0
    both_right: int = 0
    both_wrong: int = 0
    ties: int = 0
    missing: tuple[str, ...] = ()
    reason: str = ""
    worst: tuple[CaseResult, ...] = ()
    case_set: str = ""
    leaks: tuple[Leak, ...] = ()
    excluded: int = 0
    checkpoints: int = 0
    variance_between_cases: float | None = None
    variance_between_samples: float | None = None
    tables: tuple[Table, ...] = ()
    win_rate: WinRate | None = None
    signatures: tuple[str, ...] = ()
    base_length: float | None = None
    ft_length: float | None = None
    delta_at_equal_length: float | None = None
    gain_by_length: bool = False
    slices: tuple[SliceSummary, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    samples: int = 1
    decoding: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[CaseResult, ...] = ()
    cases_left_out: int = 0
    calibrations: tuple[Calibration, ...] = ()
    also: ThirdScore | None = None
    base_habits: Habits | None = None
    ft_habits: Habits | None = None
    alike: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate item: its decision (the worst of its verdicts), the verdicts in order, and an error's reason.

    `verdict` is the one that decided: the first with the gate's decision; None where the gate could not be judged.
    """

    nodeid: str
    name: str
    decision: Decision
    verdicts: tuple[Verdict, ...] = ()
    reason: str = ""
    evals: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that decided the gate."""
        return next((verdict for verdict in self.verdicts if verdict.decision is self.decision), None)


Pattern = Literal["healthy", "overfitting", "underfitting", "unstable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLog:
    """A training's losses, (step, loss) pairs in the order of the steps; what they show, and on what evidence.

    `best_step` and `best_loss` are those of the lowest validation loss, None without one. A loss may be NaN.
    `global_step` is the step that a trainer was at when it saved the log, None where the log does not say.
    """

    path: str
    training: tuple[tuple[float, float], ...] = ()
    validation: tuple[tuple[float, float], ...] = ()
    pattern: Pattern | None = None
    evidence: str = ""
    best_step: float | None = None
    best_loss: float | None = None
    global_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a run's exam stands to the one that was pinned: the lock's path, its day, and what changed since.

    Without changes the run is pre-registered: cases, graders and claims were fixed before it.
    """

    lock: str
    frozen: str
    changes: tuple[str, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether the exam is the one that was pinned."""
        return not self.changes


ProbeKind = Literal["MFT", "INV", "DIR"]
"""CheckList's kinds of test: minimum functionality, invariance, direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one probe found of a capability: how many of `n` cases failed with ft and with base.

    `new` counts those that fail with ft and pass with base; it and `base_failed` are None where base was not asked.
    """

    capability: str
    kind: ProbeKind
    n: int
    failed: int
    base_failed: int | None = None
    new: int | None = None
    nodeid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """Which model stood in a role: what the user gave, what it is, and the hash of its content.

    `profile` is the hash of how it was prompted, `prompting` the same in words; both are empty where unknown.
    """

    role: Role
    source: str
    kind: str
    fingerprint: str
    engine: str
    profile: str = ""
    prompting: str = ""


Sureness = Literal["likely", "possible"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What probably happened to a fine-tune or its exam, by a rule of docs/diagnosis.md, and what to try.

    `what` is one sentence; each sentence of `evidence` has the figures and the gate, eval or log that it rests on.
    `sure` is "likely" where a proven verdict or a fact of the training shows it, else "possible". `gates` are the node
    ids of the gates that it accounts for.
    """

    name: str
    sure: Sureness
    what: str
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the reports read: everything that one run found. Times are ISO 8601 in UTC, durations seconds.

    `versions` names what the run was made with: Python, the platform, the packages that computed answers and numbers.
    `diagnosis` is what probably happened, what explains most first; empty where all is well.
    """

    id: str
    started: str
    duration_s: float
    version: str
    models: tuple[ModelRecord, ...] = ()
    evals: tuple[EvalSummary, ...] = ()
    gates: tuple[GateResult, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    notices: tuple[str, ...] = ()
    answered: int = 0
    from_store: int = 0
    limit: int | None = None
    inconclusive: Literal["fail", "warn"] = "fail"
    registration: Registration | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    training: TrainingLog | None = None
    diagnosis: tuple[Finding, ...] = ()
