"""The roles of a run: which model stands in each, how it is prompted, and the content key of what it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ftcheck.data.inputs import turns_of
from pytest_ftcheck.errors import ConfigError, EngineError
from pytest_ftcheck.models.checkpoints import base_of, resolve, resolve_custom
from pytest_ftcheck.models.devices import resolve_device, resolve_dtype
from pytest_ftcheck.models.endpoint import is_served, split_source
from pytest_ftcheck.models.hub import is_hub_id
from pytest_ftcheck.models.identity import answer_key, engine_identity
from pytest_ftcheck.models.prompts import Profile, Shot, conversation, load_profile, load_shots
from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec, ServedOptions
from pytest_ftcheck.models.roster import ENGINES
from pytest_ftcheck.models.templates import chat_template_of
from pytest_ftcheck.records import ANSWERING, ROLES, Case, Decoding, Message, ModelRecord, Request, Role, digest

if TYPE_CHECKING:
    from pytest_ftcheck.evals import EvalSpec
    from pytest_ftcheck.models.protocol import DigestCache
    from pytest_ftcheck.options import Settings


PLAIN = Profile(name="plain", template="none")
"""How a raw eval is asked, whatever the roles' profiles are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """All models, resolved but not loaded, with their profiles. `absent` says why the third one cannot be had."""

    specs: Mapping[Role, ModelSpec]
    profiles: Mapping[Role, Profile]
    options: EngineOptions
    engine: str
    folder: Path = Path()
    best: Profile | None = None
    suite_shots: int = 0
    absent: str = ""

    def key_of(self, request: Request) -> str:
        """Content key of a request: the model and everything else that decides its answer."""
        return answer_key(self.specs[request.role], self.options, request)

    def request(
        self,
        role: Role,
        spec: EvalSpec,
        case: Case,
        *,
        sample: int,
        earlier: Sequence[str] = (),
        baseline: str = "given",
    ) -> Request:
        """Build the request that a role's model gets for one sample of a case; base's, where it is so, at its best."""
        profile = PLAIN if spec.raw else self.profiles[role]
        if role == "base" and baseline == "best" and self.best is not None:
            profile = self.best
        # Of a case of several user turns only those up to the one that is asked now.
        turns = turns_of(case.input)
        asked = case.input[: len(earlier) + 1] if turns else case.input
        last = len(earlier) + 1 >= len(turns)
        shots = _shots(spec) or _offered(spec)[: self.suite_shots]
        messages = conversation(asked, system=spec.system, shots=shots, profile=profile, earlier=tuple(earlier))
        return Request(
            role=role,
            messages=messages,
            decoding=replace(
                profile.decoding(spec.decoding),
                choices=spec.choices_of(case) if last else (),
                contexts=spec.contexts_of(case) if last else (),
            ),
            sample=sample,
            template=profile.template,
            eval=spec.name,
            case=case.id,
            label=f"{spec.name}[{case.id}]",
        )

    def question(self, role: Role, prompt: str | Sequence[Message], decoding: Decoding, system: str | None) -> Request:
        """Build the request of a probe."""
        profile = self.profiles[role]
        content = prompt if isinstance(prompt, str) else tuple(prompt)
        messages = conversation(content, system=system, shots=(), profile=profile, earlier=())
        return Request(
            role=role, messages=messages, decoding=profile.decoding(decoding), template=profile.template, label="probe"
        )

    def unequal(self, spec: EvalSpec) -> str:
        """Say that base has no prompt while another is there to beat; nothing where it has one, or none has."""
        base, ft = self.profiles["base"], self.profiles["ft"]
        if spec.raw or spec.system or spec.shots or base.system or base.shots:
            return ""
        if self.best is not None:
            return "bare base"
        return "bare base, while ft has a prompt of its own: see --ft-base-profile" if ft.system or ft.shots else ""

    def notices(self) -> list[str]:
        """What a reader must know of how the models are named and asked."""
        return [*self._templates(), *self._unseen()]

    def _templates(self) -> list[str]:
        """Say that both roles have a chat template, and not the same: ft's answers to other prompts are compared."""
        if any(self.profiles[role].template != "chat" for role in ROLES):
            return []
        base, ft = (chat_template_of(self.specs[role]) for role in ROLES)
        if not base or not ft or base == ft:
            return []
        return ["ft's chat template is not base's: are its prompts those that it was trained on?"]

    def _unseen(self) -> list[str]:
        served = [role for role, spec in self.specs.items() if spec.kind == "served"]
        third = self.specs.get("also")
        same = [role for role in ROLES if third is not None and third.fingerprint == self.specs[role].fingerprint]
        twice = [f"--also is the same model as {' and '.join(same)}"] if same else []
        if not served:
            return twice
        version = self.options.served.version
        named = f"named by --ft-served-version={version}" if version else "--ft-served-version=TEXT to name them"
        told = f"a served model's weights cannot be seen ({', '.join(served)}): answers are kept by its name; {named}"
        return [told, *twice]

    def records(self) -> tuple[ModelRecord, ...]:
        """Describe all roles for the reports."""
        return tuple(
            ModelRecord(
                role=role,
                source=_from(self.folder, self.specs[role].source),
                kind=self.specs[role].kind,
                fingerprint=self.specs[role].fingerprint,
                engine=_engine_words(engine_identity(self.specs[role], self.options)),
                profile=_profile_digest(self.profiles[role]) if role in self.profiles else "",
                prompting=self.profiles[role].words if role in self.profiles else "",
            )
            for role in ANSWERING
            if role in self.specs
        )


def _profile_digest(profile: Profile) -> str:
    """Hash what a profile sets; what it is called decides nothing."""
    return digest({name: value for name, value in asdict(profile).items() if name != "name"})


def resolve_roles(settings: Settings, digests: DigestCache) -> Roles:
    """Find all models and read both profiles. Raises ConfigError or EngineError naming the option and its value.

    A third model (--also) that cannot be reached or fetched is absent, with why: no verdict rests on it.
    """
    if settings.model is None:
        raise ConfigError(
            "--ft-model is missing; allowed: a folder, a hub id, an adapter folder, answers.jsonl or http://host/v1#name"
        )
    served = _served(settings)
    base = settings.base_model or base_of(settings.model, rootdir=settings.rootdir, served=served)
    if base is None:
        raise ConfigError(
            f"no base model for --ft-model={settings.model}: it names none in adapter_config.json or its README.md;"
            " give --base-model=SOURCE or the ini key ft_base_model"
        )
    device = resolve_device(settings.device)
    options = EngineOptions(
        dtype=resolve_dtype(settings.dtype, device=device),
        device=device,
        batch_tokens=settings.batch_tokens,
        trust_remote_code=settings.trust_remote_code,
        allow_pickle=settings.allow_pickle,
        served=served,
    )
    specs: dict[Role, ModelSpec] = {
        "base": _resolve("base", base, settings, options, digests),
        "ft": _resolve("ft", settings.model, settings, options, digests),
    }
    if settings.judge is not None:
        specs["judge"] = _resolve("judge", settings.judge, settings, options, digests)
    profiles: dict[Role, Profile] = {
        "base": _profile("base", settings.base_profile, settings.base_system, settings.base_shots, settings.template),
        "ft": _profile("ft", settings.profile, settings.system, settings.shots, settings.template),
    }
    absent = ""
    if settings.also is not None:
        # Asked as base is: whatever it is compared with, base was prompted so.
        profiles["also"] = profiles["base"]
        found = _resolve_third(settings.also, settings, options, digests)
        absent = found if isinstance(found, str) else ""
        specs |= {} if isinstance(found, str) else {"also": found}
    best = settings.best_base_profile
    return Roles(
        specs=specs,
        profiles=profiles,
        best=None if best is None else _profile("base at its best", best, None, None, settings.template),
        options=options,
        engine=settings.engine,
        folder=settings.invocation_dir,
        suite_shots=settings.suite_shots,
        absent=absent,
    )


def _resolve_third(source: str, settings: Settings, options: EngineOptions, digests: DigestCache) -> ModelSpec | str:
    """Find the third model, or say why one that is elsewhere cannot be had. Raises ConfigError for what is here."""
    try:
        if is_served(source):
            split_source(source)
        elsewhere = is_served(source) or (is_hub_id(source) and not Path(source).exists())
    except EngineError as error:
        raise ConfigError(f"--also: {error}") from None
    try:
        return _resolve("also", source, settings, options, digests)
    except EngineError as error:
        if elsewhere:
            return str(error)
        raise ConfigError(f"--also: {error}") from None


def _served(settings: Settings) -> ServedOptions:
    return ServedOptions(
        concurrency=settings.concurrency,
        rate_limit=settings.rate_limit,
        budget=settings.budget,
        timeout_s=settings.request_timeout_s,
        retries=settings.retries,
        version=settings.served_version,
    )


def _resolve(role: Role, source: str, settings: Settings, options: EngineOptions, digests: DigestCache) -> ModelSpec:
    """Find a role's model: recorded answers and served models are never an own engine's affair."""
    if settings.engine in ENGINES or source.endswith(".jsonl") or is_served(source):
        return resolve(role, source, rootdir=settings.rootdir, options=options, digests=digests)
    return resolve_custom(role, source, engine=settings.engine, rootdir=settings.rootdir, digests=digests)


def _from(folder: Path, source: str) -> str:
    """Name a path below `folder` as one would there; everything else stays as it was given."""
    path = Path(source)
    return path.relative_to(folder).as_posix() if path.is_absolute() and path.is_relative_to(folder) else source


def _engine_words(identity: Mapping[str, str]) -> str:
    """Say what computes answers: "transformers 5.23.0, float32 on cpu"; nothing for recorded ones."""
    if not identity:
        return ""
    name = identity["engine"]
    if name == "served":
        return "served, weights unseen"
    return f"{name} {identity.get(name, '')}, {identity['dtype']} on {identity['device']}"


def _profile(role: str, path: Any, system: str | None, shots: Any, template: str) -> Profile:
    profile = Profile(name=role) if path is None else load_profile(path)
    changes: dict[str, Any] = {}
    if system is not None:
        changes["system"] = system
    if shots is not None:
        changes["shots"] = load_shots(shots)
    if template == "none":
        changes["template"] = "none"
    return replace(profile, **changes)


@cache
def _offered(spec: EvalSpec) -> tuple[Shot, ...]:
    """Read the shots that a ready-made suite has for models that need some."""
    return () if spec.offered is None else load_shots(spec.base_dir / spec.offered)


@cache
def _shots(spec: EvalSpec) -> tuple[Shot, ...]:
    """Read an eval's shots: a JSONL file beside the test file, or pairs of a question and its answer."""
    if spec.shots is None:
        return ()
    if isinstance(spec.shots, str | Path):
        return load_shots(spec.base_dir / spec.shots)
    return tuple((str(question), str(answer)) for question, answer in spec.shots)
