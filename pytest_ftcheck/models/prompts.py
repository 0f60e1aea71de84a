"""How a role is prompted: profiles, few-shot examples, and the conversation that a request carries.

It makes messages; chat templates and tokens are the engine's. It knows nothing of cases beyond their input.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Decoding, Message
from pytest_ftcheck.suggestions import did_you_mean

Template = Literal["chat", "none"]
Shot = tuple[str, str]
"""A question and its answer."""

TEMPLATES: tuple[Template, ...] = ("chat", "none")
_ROLES = ("system", "user", "assistant")
_KEYS = ("name", "system", "shots", "template", "decoding")
_DECODING_KEYS = ("max_new_tokens", "temperature", "top_p", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one role is prompted. What is None is left as the eval has it.

    `template` is "chat" (the checkpoint's chat template) or "none" (plain completion, see `plain_text`).
    """

    name: str = ""
    system: str | None = None
    shots: tuple[Shot, ...] | None = None
    template: Template = "chat"
    max_new_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] | None = None

    def decoding(self, default: Decoding) -> Decoding:
        """Return `default` with what this profile sets put in its place."""
        return replace(
            default,
            max_new_tokens=default.max_new_tokens if self.max_new_tokens is None else self.max_new_tokens,
            temperature=default.temperature if self.temperature is None else self.temperature,
            top_p=default.top_p if self.top_p is None else self.top_p,
            stop=default.stop if self.stop is None else self.stop,
        )

    @property
    def words(self) -> str:
        """How this profile prompts, in words.

        >>> Profile(system="Answer in one word.", template="none").words
        'plain text, system prompt of 19 characters'
        """
        shots = None if self.shots is None else f"{len(self.shots)} shots"
        system = None if self.system is None else f"system prompt of {len(self.system)} characters"
        sampling = [
            f"{name} {value}"
            for name, value in zip(_DECODING_KEYS, (self.max_new_tokens, self.temperature, self.top_p), strict=False)
            if value is not None
        ]
        stops = [] if self.stop is None else [f"{len(self.stop)} stop strings"]
        form = "the checkpoint's chat template" if self.template == "chat" else "plain text"
        return ", ".join(filter(None, [form, system, shots, *sampling, *stops]))


def conversation(
    case_input: str | Sequence[Message],
    *,
    system: str | None = None,
    shots: Sequence[Shot] = (),
    profile: Profile | None = None,
    earlier: Sequence[str] = (),
) -> tuple[Message, ...]:
    """Return the messages to send: system message, shots, then the case's own.

    The profile's system and shots replace the eval's where it sets them; a system message that leads the case's own
    messages wins over both. With `earlier` answers, `case_input` holds one user turn more than there are answers, and
    the answers are put between them. Raises ConfigError for messages that are none.

    >>> [message["content"] for message in conversation(["a", "c"], earlier=["b"])]
    ['a', 'b', 'c']
    """
    own = _with_answers(
        [_message(case_input)] if isinstance(case_input, str) else [*map(_message, case_input)], earlier
    )
    if profile is not None:
        system = system if profile.system is None else profile.system
        shots = shots if profile.shots is None else profile.shots
    head: list[Message] = []
    if own and own[0]["role"] == "system":
        head.append(own.pop(0))
    elif system:
        head.append({"role": "system", "content": system})
    for question, answer in shots:
        head += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return (*head, *own)


def _message(value: str | Message) -> Message:
    if isinstance(value, str):
        return {"role": "user", "content": value}
    if isinstance(value, Mapping) and value.get("role") in _ROLES and isinstance(value.get("content"), str):
        # A plain dict: it must cross to another process and into JSON.
        return {"role": str(value["role"]), "content": str(value["content"])}
    raise ConfigError(
        f"message is {value!r}; allowed: a string, or a mapping with role ({', '.join(_ROLES)}) and content (a string)"
    )


def _with_answers(messages: list[Message], earlier: Sequence[str]) -> list[Message]:
    if not earlier:
        return messages
    turns = sum(message["role"] == "user" for message in messages)
    if turns != len(earlier) + 1:
        raise ConfigError(f"{len(earlier)} earlier answers for {turns} user turns; allowed: one turn more than answers")
    answers = iter(earlier)
    woven: list[Message] = []
    for message in messages:
        woven.append(message)
        answer = next(answers, None) if message["role"] == "user" else None
        if answer is not None:
            woven.append({"role": "assistant", "content": str(answer)})
    return woven


def plain_text(messages: Sequence[Message]) -> str:
    r"""Join a conversation as plain text, for a model without a chat template.

    Blocks are separated by a blank line; an answer stands on the line below its question. One prompt alone is left as
    it is, so that it is completed where it ends; after shots the last question ends with a line break, for its answer.

    >>> plain_text(conversation("2+2=", shots=[("1+1=", "2")]))
    '1+1=\n2\n\n2+2=\n'
    >>> plain_text(conversation("Once upon a"))
    'Once upon a'
    """
    text = ""
    for message in messages:
        if text:
            text += "\n" if message["role"] == "assistant" else "\n\n"
        text += message["content"]
    answered = any(message["role"] == "assistant" for message in messages)
    return text + "\n" if answered and messages[-1]["role"] == "user" else text


def load_profile(path: Path) -> Profile:
    """Read a profile from a TOML file; its name is the file's unless it sets one.

    Keys: name, system, shots (a list of {input, output}, or a JSONL file's path relative to this one), template, and
    the table decoding (max_new_tokens, temperature, top_p, stop). Raises ConfigError naming file and key.
    """
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"profile {path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"profile {path}: is not TOML: {error}") from error
    _refuse_unknown(path, values, _KEYS)
    decoding = values.get("decoding", {})
    if not isinstance(decoding, dict):
        raise ConfigError(f"profile {path}: key 'decoding' is {decoding!r}; allowed: a table")
    _refuse_unknown(path, decoding, _DECODING_KEYS, prefix="decoding.")
    template = values.get("template", "chat")
    if template not in TEMPLATES:
        raise ConfigError(f"profile {path}: key 'template' is {template!r}; allowed: {', '.join(TEMPLATES)}")
    return Profile(
        name=_text(path, values, "name") or path.stem,
        system=_text(path, values, "system"),
        shots=_shots(path, values.get("shots")),
        template=template,
        max_new_tokens=_max_new_tokens(path, decoding.get("max_new_tokens")),
        temperature=_number(path, decoding, "temperature", low=0.0, high=100.0),
        top_p=_number(path, decoding, "top_p", low=0.0, high=1.0),
        stop=_stop(path, decoding.get("stop")),
    )


def load_shots(path: Path) -> tuple[Shot, ...]:
    """Read few-shot examples from JSONL, one {"input": ..., "output": ...} a line. Raises ConfigError with the line."""
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise ConfigError(f"shots {path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"shots {path}: is not UTF-8: {error}") from error
    shots = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                shots.append(_shot(json.loads(line), f"{path}:{number}"))
            except ValueError as error:
                raise ConfigError(f"{path}:{number}: is not JSON: {error}") from error
    if not shots:
        raise ConfigError(f"shots {path}: holds no example; allowed: one {{input, output}} object a line")
    return tuple(shots)


def _shot(value: object, where: str) -> Shot:
    if isinstance(value, Mapping) and isinstance(value.get("input"), str) and isinstance(value.get("output"), str):
        return value["input"], value["output"]
    raise ConfigError(f"{where}: shot is {value!r}; allowed: an object with the strings 'input' and 'output'")


def _shots(path: Path, value: object) -> tuple[Shot, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return load_shots(path.parent / value)
    if not isinstance(value, list):
        raise ConfigError(f"profile {path}: key 'shots' is {value!r}; allowed: a list of {{input, output}}, or a path")
    return tuple(_shot(entry, f"profile {path}: key 'shots'[{index}]") for index, entry in enumerate(value))


def _refuse_unknown(path: Path, values: Iterable[str], allowed: Sequence[str], prefix: str = "") -> None:
    for key in values:
        if key not in allowed:
            hint = did_you_mean(key, allowed, prefix=prefix)
            raise ConfigError(f"profile {path}: unknown key {prefix + key!r}{hint}; allowed: {', '.join(allowed)}")


def _text(path: Path, values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    if value is None or isinstance(value, str):
        return value
    raise ConfigError(f"profile {path}: key {key!r} is {value!r}; allowed: a string")


def _max_new_tokens(path: Path, value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ConfigError(f"profile {path}: key 'decoding.max_new_tokens' is {value!r}; allowed: a whole number >= 1")


def _number(path: Path, values: Mapping[str, Any], key: str, *, low: float, high: float) -> float | None:
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise ConfigError(f"profile {path}: key 'decoding.{key}' is {value!r}; allowed: a number from {low:g} to {high:g}")


def _stop(path: Path, value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    listed = [value] if isinstance(value, str) else value
    if isinstance(listed, list) and all(isinstance(entry, str) and entry for entry in listed):
        return tuple(listed)
    raise ConfigError(f"profile {path}: key 'decoding.stop' is {value!r}; allowed: a string, or a list of strings")
