"""Command line and ini keys, and the frozen Settings that they become. It knows nothing of models, stores or tests.

Every option is one row of `OPTIONS`: `--help`, the ini keys, README's table and the errors are all made from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.suggestions import did_you_mean

if TYPE_CHECKING:
    import pytest

DEFAULT_STORE = ".ftcheck"
DEFAULT_LOCK = "ftcheck.lock"
DEFAULT_LABELS = "labels"
SUITES = ("capability", "instruction", "multilingual", "format", "refusal", "sycophancy")
"""The ready-made suites: one module each of `pytest_ftcheck.suites`."""
TRACKERS = ("mlflow", "wandb", "tensorboard")
DEFAULT_LOGS = "runs"
"""Where TensorBoard's files go, in the rootdir."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one run was asked for. Paths are absolute; text that came empty is None."""

    model: str | None = None
    base_model: str | None = None
    also: str | None = None
    engine: str = "auto"
    dtype: str = "auto"
    device: str = "auto"
    batch_tokens: int = 16_384
    template: Literal["chat", "none"] = "chat"
    profile: Path | None = None
    base_profile: Path | None = None
    best_base_profile: Path | None = None
    system: str | None = None
    base_system: str | None = None
    shots: Path | None = None
    base_shots: Path | None = None
    store: Path = Path(DEFAULT_STORE)
    limit: int | None = None
    inconclusive: Literal["fail", "warn"] = "fail"
    json: Path | None = None
    report: Path | None = None
    verbose_cases: tuple[str, ...] = ()
    track: tuple[tuple[str, str], ...] = ()
    card: bool = False
    trust_remote_code: bool = False
    allow_pickle: bool = False
    engine_process: bool = True
    gpus_per_worker: int = 1
    time_limit_s: float = 600.0
    plan: Literal["on", "off", "all"] = "on"
    items: Literal["case", "eval"] = "case"
    concurrency: int = 16
    rate_limit: int | None = None
    budget: int | None = None
    request_timeout_s: float = 120.0
    retries: int = 5
    served_version: str = ""
    judge: str | None = None
    train_data: Path | None = None
    leaks: Literal["warn", "exclude", "fail"] = "exclude"
    lock: Path = Path(DEFAULT_LOCK)
    frozen: bool = False
    labels: Path = Path(DEFAULT_LABELS)
    suites: tuple[str, ...] = ()
    suite_shots: int = 0
    acceptable_drop: float = 0.05
    catastrophic_drop: float = 0.15
    rootdir: Path = Path()
    invocation_dir: Path = Path()


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flag, the field of Settings it fills, its help, and how its text is read.

    One that may be given `several` times is read from all of its texts, one a line.
    """

    flag: str
    field: str
    metavar: str | None
    help: str
    read: Callable[[str], Any]
    several: bool = False

    @property
    def ini(self) -> str:
        """Name of the ini key."""
        return "ft_" + self.flag.removeprefix("--").removeprefix("ft-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether the flag stands alone on the command line."""
        return self.metavar is None


def _text(text: str) -> str:
    return text


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a whole number of 0 or more")
    return int(text)


def _whole(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise ValueError("a whole number of 1 or more")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError("a number of seconds above 0")
    return value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise ValueError("a share above 0 and up to 1, such as 0.05 for five points")
    return value


def _suites(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in SUITES and name != "all":
            hint = did_you_mean(name, [*SUITES, "all"])
            raise ValueError(f"{', '.join(SUITES)}, or all, with commas between{hint}")
    return SUITES if "all" in names else tuple(dict.fromkeys(names))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def read_trackers(text: str) -> tuple[tuple[str, str], ...]:
    """Read `mlflow:http://host:5000,tensorboard:logs` as pairs of name and place, which is empty where not given.

    Raises ValueError saying what is allowed.
    """
    chosen: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, place = part.partition(":")
        if name not in TRACKERS or name in chosen:
            hint = did_you_mean(name, [each for each in TRACKERS if each not in chosen])
            raise ValueError(
                f"{', '.join(TRACKERS)}, each once, with commas between; a place may follow, as in"
                f" mlflow:http://localhost:5000, wandb:team/project, tensorboard:DIR{hint}"
            )
        chosen[name] = place
    return tuple(chosen.items())


def placed(trackers: tuple[tuple[str, str], ...], folder: Path, rootdir: Path) -> tuple[tuple[str, str], ...]:
    """Return trackers with TensorBoard's folder absolute: one that was given below `folder`, else in the rootdir."""

    def found(name: str, place: str) -> str:
        if name != "tensorboard":
            return place
        return str(folder / _path(place) if place else rootdir / DEFAULT_LOGS)

    return tuple((name, found(name, place)) for name, place in trackers)


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed) + did_you_mean(text, allowed))
        return text

    return read


def _switch(text: str) -> bool:
    words = {"on": True, "true": True, "1": True, "yes": True, "off": False, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise ValueError("on or off")
    return words[text.lower()]


OPTIONS: tuple[Option, ...] = (
    Option(
        "--ft-model",
        "model",
        "SOURCE",
        "the fine-tune: folder, hub id, adapter, answers.jsonl or http://...#name",
        _text,
    ),
    Option("--base-model", "base_model", "SOURCE", "the model before; default: what the checkpoint names", _text),
    Option(
        "--also",
        "also",
        "SOURCE",
        "a third model shown beside the two, such as the original base; judged by no gate",
        _text,
    ),
    Option("--ft-engine", "engine", "NAME", "auto, or your own engine as package.module:Class", _text),
    Option("--ft-dtype", "dtype", "TYPE", "auto, float32, bfloat16 or float16", _text),
    Option("--ft-device", "device", "DEVICE", "auto, cpu or cuda", _text),
    Option("--ft-batch-tokens", "batch_tokens", "N", "padded tokens in one batch (16384)", _whole),
    Option("--ft-template", "template", "KIND", "chat (the checkpoint's template) or none", _one_of("chat", "none")),
    Option("--ft-profile", "profile", "FILE", "TOML: ft's system prompt, shots, template, decoding", _path),
    Option("--ft-base-profile", "base_profile", "FILE", "TOML: the same for base, which gets its best prompt", _path),
    Option(
        "--ft-best-base-profile",
        "best_base_profile",
        "FILE",
        "TOML: base's best prompt, beside the one it has; assert_improves must then beat both",
        _path,
    ),
    Option("--ft-system", "system", "TEXT", "system prompt of ft (over its profile's)", _text),
    Option("--ft-base-system", "base_system", "TEXT", "system prompt of base (over its profile's)", _text),
    Option("--ft-shots", "shots", "FILE", "JSONL of few-shot examples for ft (over its profile's)", _path),
    Option("--ft-base-shots", "base_shots", "FILE", "JSONL of few-shot examples for base", _path),
    Option("--ft-store", "store", "DIR", f"where answers and grades are kept ({DEFAULT_STORE} in the rootdir)", _path),
    Option("--ft-limit", "limit", "N", "answer only N cases of each eval; no gate can pass then", _whole),
    Option(
        "--ft-inconclusive",
        "inconclusive",
        "POLICY",
        "fail or warn: is an inconclusive gate red?",
        _one_of("fail", "warn"),
    ),
    Option("--ft-json", "json", "FILE", "write the verdicts as JSON", _path),
    Option("--ft-report", "report", "FILE", "write one HTML page: verdicts, plots, every case", _path),
    Option(
        "--ft-verbose-case",
        "verbose_cases",
        "ID",
        "show all of a case: prompts, answers, grades, keys (may be given several times)",
        _lines,
        several=True,
    ),
    Option(
        "--ft-track",
        "track",
        "NAMES",
        "tell experiment trackers, each with :PLACE if need be: mlflow, wandb, tensorboard",
        read_trackers,
    ),
    Option(
        "--ft-card", "card", None, "write the results into the checkpoint's README.md, for people and the Hub", _switch
    ),
    Option("--ft-trust-remote-code", "trust_remote_code", None, "run code that a checkpoint brings", _switch),
    Option("--ft-allow-pickle", "allow_pickle", None, "load pickled weights (they can run code)", _switch),
    Option("--ft-engine-process", "engine_process", "on|off", "run the engine in a process of its own (on)", _switch),
    Option("--ft-gpus-per-worker", "gpus_per_worker", "K", "GPUs that each xdist worker gets (1)", _whole),
    Option("--ft-time-limit", "time_limit_s", "SECONDS", "longest that one batch may take (600)", _seconds),
    Option(
        "--ft-plan",
        "plan",
        "KIND",
        "on: batch the prompts of properties and @probe; all: of every probe; off",
        _one_of("on", "off", "all"),
    ),
    Option(
        "--ft-items",
        "items",
        "KIND",
        "case: a test for each case; eval: one for all cases of an eval, where they are tens of thousands",
        _one_of("case", "eval"),
    ),
    Option("--ft-concurrency", "concurrency", "N", "requests under way at once to a served model (16)", _whole),
    Option("--ft-rate-limit", "rate_limit", "N", "requests to served models a minute, all workers together", _whole),
    Option("--ft-budget", "budget", "TOKENS", "tokens that served models may cost a run", _whole),
    Option("--ft-request-timeout", "request_timeout_s", "SECONDS", "longest that one request may take (120)", _seconds),
    Option("--ft-retries", "retries", "N", "how often a request that met a passing fault is tried again (5)", _count),
    Option("--ft-judge", "judge", "SOURCE", "the model that rubric() and pairwise() ask: a source as above", _text),
    Option("--ft-labels", "labels", "DIR", "people's ratings, from ftcheck review (labels in the rootdir)", _path),
    Option(
        "--ft-suite",
        "suites",
        "NAMES",
        f"ready-made suites: {', '.join(SUITES)}, or all",
        _suites,
    ),
    Option("--ft-suite-shots", "suite_shots", "N", "few-shot examples in a ready-made suite's prompts (0)", _count),
    Option("--ft-acceptable-drop", "acceptable_drop", "SHARE", "the loss that assert_kept allows (0.05)", _share),
    Option(
        "--ft-catastrophic-drop",
        "catastrophic_drop",
        "SHARE",
        "the loss that assert_kept calls catastrophic forgetting (0.15)",
        _share,
    ),
    Option("--ft-train-data", "train_data", "PATH", "the training data: cases that stand in it are found", _path),
    Option(
        "--ft-leaks",
        "leaks",
        "POLICY",
        "cases found there: warn, exclude (from gates, counted and named) or fail",
        _one_of("warn", "exclude", "fail"),
    ),
    Option("--ft-lock", "lock", "FILE", f"what `ftcheck freeze` pinned ({DEFAULT_LOCK} in the rootdir)", _path),
    Option("--ft-frozen", "frozen", None, "an exam that is not as pinned is an error, before any model loads", _switch),
    Option("--ft-served-version", "served_version", "TEXT", "names the unseen weights of served models", _text),
)


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and its ini key."""
    group = parser.getgroup("ftcheck", "fine-tuned language models (pytest-ftcheck)")
    for option in OPTIONS:
        dest = "ftcheck_" + option.field
        text = f"{option.help} [ini: {option.ini}]".replace("%", "%%")
        if option.is_switch:
            group.addoption(option.flag, dest=dest, action="store_const", const="on", default=None, help=text)
        else:
            action = "append" if option.several else "store"
            group.addoption(option.flag, dest=dest, action=action, metavar=option.metavar, default=None, help=text)
        parser.addini(option.ini, option.help, default=None)


def read_settings(config: pytest.Config) -> Settings:
    """Turn command line and ini into Settings; the command line wins.

    Paths on the command line are relative to the directory pytest was called in, those in the ini file to the
    rootdir. Raises ConfigError naming the option, its value and what is allowed.
    """
    values: dict[str, Any] = {"rootdir": config.rootpath, "invocation_dir": config.invocation_params.dir}
    for option in OPTIONS:
        flag, text = option.flag, config.getoption("ftcheck_" + option.field)
        folder = config.invocation_params.dir
        if text is None:
            flag, text, folder = f"ini key {option.ini}", config.getini(option.ini), config.rootpath
        if text is None or text == "":
            continue
        text = "\n".join(text) if isinstance(text, list) else text
        try:
            value = option.read(str(text))
        except ValueError as error:
            raise ConfigError(f"{flag} is {text!r}; allowed: {error}") from None
        values[option.field] = folder / value if isinstance(value, Path) else value
        if option.field == "track":
            values["track"] = placed(value, folder, config.rootpath)
    for name in ("model", "base_model", "also", "judge"):
        if name in values:
            values[name] = _beside(values[name], config)
    values.setdefault("store", config.rootpath / DEFAULT_STORE)
    values.setdefault("lock", config.rootpath / DEFAULT_LOCK)
    values.setdefault("labels", config.rootpath / DEFAULT_LABELS)
    return Settings(**values)


def _beside(source: str, config: pytest.Config) -> str:
    """Make a source absolute where it names something that exists beside the caller or the ini file."""
    for folder in (config.invocation_params.dir, config.rootpath):
        path = folder / Path(source).expanduser()
        if path.exists():
            return str(path)
    return source
