# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wishes for main.cf and master.cf, checked and turned into the candidate: data in, MainCf and MasterCf out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import (
    SPACE,
    MainCf,
    check_name,
    check_value,
    is_text,
    list_words,
    logical_lines,
    normalize,
    split_name_value,
    words,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import (
    COLUMNS,
    TYPES,
    MasterCf,
    Service,
    balanced,
    column_problem,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import parse as parse_master

_EDITS = ("append", "prepend", "remove")
_STATES = ("present", "absent", "disabled")
_FIELDS = (*COLUMNS, "options", "options_absent", "arguments", "state", "exclusive")

#: what a run demands of the daemon, from least to most
ACTIVATIONS = ("none", "reload", "restart")


@dataclass(frozen=True)
class Wish:
    """What one parameter must be: ``text``, or what must be in (or not in) its list."""

    name: str
    text: str | None
    is_list: bool = False
    append: tuple[str, ...] = ()
    prepend: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceWish:
    """What one service must be. ``columns`` and ``options`` hold what was asked for; None is "as it is"."""

    name: str
    type: str
    state: str = "present"
    columns: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    options_absent: frozenset[str] = frozenset()
    arguments: tuple[str, ...] | None = None
    exclusive: bool = False

    @property
    def key(self) -> str:
        """``name/type``."""
        return f"{self.name}/{self.type}"


@dataclass(frozen=True)
class Request:
    """All that one run must bring about."""

    parameters: Mapping[str, Wish]
    absent: frozenset[str]
    services: Mapping[str, ServiceWish]
    exclusive: bool = False


@dataclass(frozen=True)
class Plan:
    """The candidate files and what is different in them."""

    main: MainCf
    master: MasterCf
    parameters_set: tuple[str, ...]
    parameters_removed: tuple[str, ...]
    services_changed: tuple[str, ...]
    activation: str


# --- values -----------------------------------------------------------------------------------------------------------


def scalar_text(what: str, value: object) -> str:
    """The Postfix text of one YAML scalar: booleans are yes and no. ValueError names ``what``, never the value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value.strip(SPACE) if not any(char in value for char in "\n\r\0") else value
    if isinstance(value, float):
        raise ValueError(f'{what} is a YAML float, which drops zeros (3.10 is 3.1); write it quoted, such as "{value}"')
    if value is None:
        raise ValueError(f"{what} is null; give a value, or name it in the list of what must be absent")
    raise ValueError(f"{what} is a {_kind(value)}; a string, an integer or a boolean is needed")


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "dictionary"
    if isinstance(value, (list, tuple)):
        return "list"
    return {"str": "string", "int": "number", "bool": "boolean"}.get(type(value).__name__, type(value).__name__)


def _items(what: str, value: object) -> tuple[str, ...]:
    given = value if isinstance(value, (list, tuple)) else [value]
    texts = []
    for number, item in enumerate(given, 1):
        text = scalar_text(f"{what}: item {number}", item)
        if not text:
            raise ValueError(f"{what}: item {number} is empty")
        if not balanced(text):
            raise ValueError(f"{what}: item {number} has a brace without its partner, so it is not an item to Postfix")
        texts.append(text)
    return tuple(texts)


def value_text(value: object, what: str = "the value") -> str:
    """The text of a parameter for a YAML value: yes and no for booleans, lists joined with ``", "``.

    ValueError where the value is neither a string, an integer, a boolean nor a list of these.
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(_items(what, value))
    return scalar_text(what, value)


#: Kinds of values that may be a number. YAML reads 0640 and 1:30 as other numbers, and drops what was written.
_NUMBERS = (None, "boolean", "compatibility_level", "enumeration", "enumeration_list", "integer", "port", "time")
#: Not lists to Postfix, but of several words.
_OF_WORDS = ("tls_eecdh_auto_curves", "tls_ffdhe_auto_groups")


def _check_yaml(what: str, name: str, value: object) -> None:
    """ValueError where YAML made something of the value that the parameter cannot be, with the cure."""
    kind, several = types.kind(name), isinstance(value, (list, tuple))
    if kind is None:
        return
    items: Sequence[object] = value if isinstance(value, (list, tuple)) else [value]
    if several and items and not types.is_list(name) and name not in _OF_WORDS:
        shown = ", ".join(map(str, items))
        raise ValueError(f'{what} is a list to YAML, and {name} is a single value. Use quotes, such as "[{shown}]"')
    for item in items:
        if isinstance(item, bool):
            if kind != "boolean" and not {"yes", "no"} & {*types.enumeration(name)}:
                raise ValueError(
                    f"{what} is a boolean: YAML reads yes, no, on and off so, and {name} is not yes or no. Use quotes"
                    " where the word itself is meant"
                )
        elif isinstance(item, int) and kind not in _NUMBERS and (several or not types.is_list(name)):
            raise ValueError(
                f"{what} is a number: YAML reads 0640 as 416 and 1:30 as 90, and {name} is text. Use quotes"
            )


def read_parameters(parameters: Mapping[str, object], absent: Iterable[str]) -> dict[str, Wish]:
    """Check the options ``parameters`` and ``absent`` of the module. ValueError with one sentence."""
    gone = set()
    for name in absent:
        check_name(name)
        gone.add(name)
    wishes: dict[str, Wish] = {}
    for name, value in parameters.items():
        check_name(str(name))
        if name in gone:
            raise ValueError(f"parameter {name!r} is both in parameters and in absent")
        wishes[str(name)] = _read_parameter(str(name), value)
    return wishes


def _read_parameter(name: str, value: object) -> Wish:
    what = f"parameter {name!r}: the value"
    if not isinstance(value, Mapping):
        _check_yaml(what, name, value)
        text = value_text(value, what)
        check_value(name, text)
        return Wish(name, text, isinstance(value, (list, tuple)))
    keys = [str(key) for key in value]
    wrong = [key for key in keys if key not in _EDITS]
    if wrong or not keys:
        raise ValueError(
            f"parameter {name!r}: a dictionary may hold append, prepend and remove"
            + (f", not {wrong[0]!r}{_nearest(wrong[0], _EDITS)}" if wrong else "; this one is empty")
            + (
                f'. For the text itself use quotes, such as "{{{", ".join(keys)}}}"'
                if keys and not any(value.values())
                else ""
            )
        )
    if types.kind(name) is not None and not types.is_list(name):
        raise ValueError(
            f"parameter {name!r}: its value is not a list, so {keys[0]} does not apply; give the whole value"
        )
    edits = {}
    for key in keys:
        edits[key] = _items(f"parameter {name!r}: {key}", value[key])
        for text in edits[key]:
            check_value(name, text)
            if not list_words(text):
                raise ValueError(f"parameter {name!r}: {key} has an item without a word in it")
    wish = Wish(name, None, True, **edits)
    both = sorted({*wish.append, *wish.prepend} & set(wish.remove))
    if both:
        raise ValueError(f"parameter {name!r}: the same item is to be added and removed")
    return wish


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def read_services(services: Mapping[str, object]) -> dict[str, ServiceWish]:
    """Check the option ``services`` of the module. ValueError with one sentence."""
    return {str(key): _read_service(str(key), fields) for key, fields in services.items()}


def _read_service(key: str, fields: object) -> ServiceWish:
    name, slash, kind = key.rpartition("/")
    if not slash or not name or kind not in TYPES:
        raise ValueError(
            f"service {key!r}: a service is named name/type, such as 'submission/inet'; the type is one of "
            + ", ".join(TYPES)
        )
    if any(char in SPACE or char in "{}\0" for char in name) or name[0] == "#":
        raise ValueError(f"service {key!r}: the name must not hold white space or braces, nor begin with '#'")
    fields = {} if fields is None else fields
    if not isinstance(fields, Mapping):
        raise ValueError(f"service {key!r}: its fields must be a dictionary, not a {_kind(fields)}")
    for wrong in fields:
        if wrong not in _FIELDS:
            raise ValueError(
                f"service {key!r}: {wrong!r} is not a field of a service{_nearest(str(wrong), _FIELDS)}"
                f" (the fields are {', '.join(_FIELDS)})"
            )
    state = fields.get("state", "present")
    if state not in _STATES:
        raise ValueError(f"service {key!r}: state is {state!r}; it must be one of {', '.join(_STATES)}")
    exclusive = fields.get("exclusive", False)
    if not isinstance(exclusive, bool):
        raise ValueError(f"service {key!r}: exclusive is {exclusive!r}; it must be true or false")
    columns = {column: _column(key, column, fields[column]) for column in COLUMNS if fields.get(column) is not None}
    if kind == "inet" and columns.get("private", "n") != "n":
        raise ValueError(
            f"service {key!r}: private is {columns['private']!r}, but master(5) allows no private Internet service;"
            " use 'n'" + (" ('-' stands for 'y')" if columns["private"] == "-" else "")
        )
    options = fields.get("options") or {}
    if not isinstance(options, Mapping):
        raise ValueError(f"service {key!r}: options must be a dictionary, not a {_kind(options)}")
    texts = {str(option): _option(key, str(option), value) for option, value in options.items()}
    without = fields.get("options_absent") or []
    if not isinstance(without, (list, tuple)) or any(not isinstance(option, str) for option in without):
        raise ValueError(f"service {key!r}: options_absent must be a list of names")
    both = sorted(set(texts) & set(without))
    if both:
        raise ValueError(f"service {key!r}: option {both[0]!r} is both in options and in options_absent")
    arguments = fields.get("arguments")
    return ServiceWish(
        name,
        kind,
        str(state),
        columns,
        texts,
        frozenset(without),
        None if arguments is None else _arguments(key, arguments),
        exclusive,
    )


def _column(key: str, column: str, value: object) -> str:
    what = f"service {key!r}: {column}"
    if column == "command":
        if not isinstance(value, str) or not value.strip(SPACE):
            raise ValueError(f"{what} must be the name of a daemon, such as smtpd")
        if any(char in SPACE or char in "{}\0" for char in value.strip(SPACE)):
            raise ValueError(f"{what} is {value!r}; it is one word: give the rest as options and arguments")
        return value.strip(SPACE)
    if column in ("private", "unpriv", "chroot"):
        text = (
            {True: "y", False: "n", "yes": "y", "no": "n"}.get(value, value) if isinstance(value, (bool, str)) else ""
        )
    else:
        text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not isinstance(text, str) or column_problem(column, text):
        raise ValueError(f"service {key!r}: {column_problem(column, str(value))}")
    return text


def _option(key: str, name: str, value: object) -> str:
    what = f"service {key!r}: option {name!r}"
    try:
        check_name(name)
    except ValueError as exc:
        raise ValueError(f"service {key!r}: options: {exc}") from exc
    _check_yaml(what, name, value)
    if isinstance(value, (list, tuple)):
        items = _items(what, value)
        text = ("," if not any(char in SPACE for item in items for char in item) else ", ").join(items)
    elif value is None:
        raise ValueError(f"{what} is null; give a value, or name it in options_absent")
    else:
        text = scalar_text(what, value)
    if any(char in text for char in "\n\r\0"):
        raise ValueError(f"{what}: its value holds a line break or a null byte, which master.cf cannot hold")
    if not balanced(text):
        raise ValueError(f"{what}: its value has a brace without its partner, which master.cf cannot hold")
    if not is_text(text):
        raise ValueError(f"{what}: its value holds half of a surrogate pair, which is not a character")
    return text


def _arguments(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"service {key!r}: arguments must be a list, not a {_kind(value)}")
    texts = tuple(scalar_text(f"service {key!r}: argument {number}", item) for number, item in enumerate(value, 1))
    flags = True
    for number, text in enumerate(texts, 1):
        if not text or any(char in text for char in "\n\r\0") or not balanced(text) or not is_text(text):
            raise ValueError(
                f"service {key!r}: argument {number} must be one line, not empty, with its braces in pairs"
            )
        flags = flags and text.startswith("-") and text not in ("-", "--")
        if flags and text.startswith("-o"):
            raise ValueError(f"service {key!r}: argument {number} is {text!r}; give -o settings as options")
    return texts


# --- main.cf ----------------------------------------------------------------------------------------------------------


def _find(have: Sequence[str], item: Sequence[str]) -> int:
    """Where the words of ``item`` stand one after the other in ``have``; -1 where they do not."""
    for start in range(len(have) - len(item) + 1):
        if list(have[start : start + len(item)]) == list(item):
            return start
    return -1


def edit_list(text: str, wish: Wish) -> str:
    """``text`` with the items of ``wish`` taken out and put in.

    An item that is in the list already stays where it is. Separators of the words that stay are kept.
    """
    separators = ", \t\r\n"
    before = list_words(text)
    for item in wish.remove:
        wanted = list_words(item)
        while True:
            spans = words(text, separators)
            start = _find([text[a:b] for a, b in spans], wanted)
            if start < 0:
                break
            stop = start + len(wanted)
            if stop < len(spans):
                text = text[: spans[start][0]] + text[spans[stop][0] :]
            else:
                text = text[: spans[start - 1][1]] if start else ""
    joint = " " if len(list_words(text)) > 1 and "," not in _outside_braces(text) else ", "
    missing = [item for item in wish.append if _find(list_words(text), list_words(item)) < 0]
    first = [item for item in wish.prepend if _find(list_words(text), list_words(item)) < 0]
    if not missing and not first and list_words(text) == before:
        return text
    kept = normalize(text).strip(separators)
    return joint.join([*dict.fromkeys(first), *([kept] if kept else []), *dict.fromkeys(missing)])


def _outside_braces(text: str) -> str:
    spans = words(text, ", \t\r\n")
    return "".join(text[end:start] for (_start, end), (start, _end) in zip(spans, spans[1:]))


def same_value(name: str, have: str, want: str, as_list: bool = False) -> bool:
    """Whether two texts mean the same to Postfix; spacing and commas of a list do not count."""
    if as_list or types.is_list(name):
        return list_words(have) == list_words(want)
    return have == want


def _plan_main(main: MainCf, request: Request, defaults: Mapping[str, str]) -> MainCf:
    raw = {entry.name: entry.raw for entry in main.entries()}
    values: dict[str, str] = {}
    for name, wish in request.parameters.items():
        have = raw.get(name)
        if wish.text is not None:
            want = wish.text
        else:
            base = defaults.get(name, "") if have is None else have
            want = edit_list(base, wish)
            if have is None and list_words(base) == list_words(want):
                continue
        values[name] = have if have is not None and same_value(name, have, want, wish.is_list) else want
    gone = set(request.absent)
    if request.exclusive:
        gone |= {name for name in raw if name not in request.parameters}
    folded = {name for name, wish in request.parameters.items() if wish.is_list or types.is_list(name)}
    return main.edit(values, gone, folded)


# --- master.cf --------------------------------------------------------------------------------------------------------


def _merged(service: Service, wish: ServiceWish) -> Service:
    have = dict(service.options)
    merged: dict[str, str] = {}
    for name, value in have.items():
        if name in wish.options:
            want = wish.options[name]
            merged[name] = value if same_value(name, value, want) else want
        elif not wish.exclusive and name not in wish.options_absent:
            merged[name] = value
    for name, value in wish.options.items():
        merged.setdefault(name, value)
    # A service that says what is wanted keeps even its repeated options.
    options = service.options if merged == have else tuple(merged.items())
    columns = {column: wish.columns.get(column, getattr(service, column)) for column in COLUMNS}
    if "maxproc" not in wish.columns and _goes_with_its_program(service, columns["command"]):
        columns["maxproc"] = "-"
    return Service(
        wish.name,
        wish.type,
        **columns,
        options=options,
        arguments=service.arguments if wish.arguments is None else wish.arguments,
    )


def _goes_with_its_program(service: Service, command: str) -> bool:
    """Whether the process limit of a service is one that its program needs, and that ``command`` does not need."""
    limit = {"1": "single", "0": "unlimited"}.get(service.maxproc, "")
    return command != service.command and limit in types.needs(service.command) and limit not in types.needs(command)


def _plan_service(master: MasterCf, wish: ServiceWish) -> MasterCf:
    if wish.state == "absent":
        return master.remove(wish.key)
    if wish.state == "disabled":
        return master.disable(wish.key)
    live = master.get(wish.key)
    if live is not None:
        return master.set(_merged(live, wish))
    if "command" not in wish.columns:
        if master.disabled(wish.key) is None:
            raise ValueError(
                f"{master.path}: there is no service {wish.key!r}, live or as a comment; "
                "to add it, say its command, such as smtpd"
            )
        restored = master.restore(wish.key)
        service = restored.get(wish.key)
        if service is None:
            raise AssertionError("restore() has just made it")
        return restored.set(_merged(service, wish))
    fresh = Service(wish.name, wish.type, private="n" if wish.type == "inet" else "-")
    wanted = _merged(fresh, wish)
    try:
        return master.restore(wish.key, wanted)
    except ValueError:
        return master.set(wanted)


# --- the whole --------------------------------------------------------------------------------------------------------


def plan(main: MainCf, master: MasterCf, request: Request, defaults: Mapping[str, str]) -> Plan:
    """The candidate for ``request``. ``defaults`` are those of ``postconf -d``. ValueError with one sentence."""
    new_main = _plan_main(main, request, defaults)
    new_master = master
    services = []
    for key, wish in request.services.items():
        before = new_master
        new_master = _plan_service(new_master, wish)
        if new_master != before:
            services.append(key)
    old_names, new_names = _by_name(main), _by_name(new_main)
    changed = sorted(name for name in new_names if old_names.get(name) != new_names[name])
    removed = sorted(set(old_names) - set(new_names))
    return Plan(
        new_main,
        new_master,
        tuple(changed),
        tuple(removed),
        tuple(services),
        activation(main, new_main, master, new_master, defaults),
    )


def _by_name(main: MainCf) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in main.entries():
        found.setdefault(entry.name, []).append(entry.raw)
    return found


def activation(
    main: MainCf, new_main: MainCf, master: MasterCf, new_master: MasterCf, defaults: Mapping[str, str]
) -> str:
    """What the daemon needs for the difference: none, reload or restart.

    A parameter that refers to a changed one by ``$name`` counts as changed.
    """
    old = {entry.name: normalize(entry.raw) for entry in main.entries()}
    new = {entry.name: normalize(entry.raw) for entry in new_main.entries()}
    names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    level = 0
    if names:
        level = max(ACTIVATIONS.index(types.activation(name)) for name in names)
    elif [replace(service, line=0, last_line=0) for service in master.services()] != [
        replace(service, line=0, last_line=0) for service in new_master.services()
    ]:
        level = 1
    if level == 1 and names:
        effective = {**defaults, **new}
        for name in effective:
            if types.activation(name) == "restart" and _refers(name, names, {**defaults, **old}, effective):
                return "restart"
    return ACTIVATIONS[level]


_REFERENCE = re.compile(r"\$(?:\$|[({]?([A-Za-z0-9_]+))")


def _refers(name: str, changed: set[str], *values: Mapping[str, str]) -> bool:
    for table in values:
        seen: set[str] = set()
        queue = [name]
        while queue:
            current = queue.pop()
            if current in changed:
                return True
            if current not in seen:
                seen.add(current)
                queue.extend(found for found in _REFERENCE.findall(table.get(current, "")) if found)
    return False


# --- secrets ----------------------------------------------------------------------------------------------------------

HIDDEN = "********"

_SECRET_NAME = re.compile(r"(?:^|_)(?:password|passwd|secret|passphrase|pw)\Z", re.IGNORECASE)
_SECRET_TABLE = re.compile(r"password|passwd|secret|credential", re.IGNORECASE)
#: A word that says where passwords are, and holds none: a file, ``$name``, or a server by its address or name. All else
#: may be what somebody wrote for ``inline:{...}``.
_ELSEWHERE = re.compile(
    r"(?:(?:proxy|debug):)*(?:(?:[A-Za-z][\w-]*:)?(?:/|\.|\$\w|\$\{\w+\})(?:[^{}]|\$\{\w+\})*"
    r"|(?:environ|fail|internal|ldap|memcache|mongodb|mysql|nis|pgsql|socketmap|sqlite|tcp|unix):[\w.:@/\[\]-]*)\Z"
)


def secrets(name: str, value: str) -> tuple[str, ...]:
    """The parts of a parameter's value that must not be shown.

    The whole value of a name that ends in ``password`` and the like; in a list of password tables, what
    ``inline:{...}`` and ``static:...`` hold, and what stands where a table should, which may be a password.
    """
    if _SECRET_NAME.search(name):
        return (value,) if value and not value.startswith("$") else ()
    if not _SECRET_TABLE.search(name):
        return ()
    held = [word for word in list_words(value) if not _ELSEWHERE.match(word)]
    parts = [re.sub(r"\A[A-Za-z][\w-]*:", "", word) for word in held]
    # A password is longer than what would be taken out of every message by mistake.
    return tuple(part for part, word in zip(parts, held) if part and (part != word or len(part) > 4))


def mask(name: str, value: str, mark: str = HIDDEN) -> str:
    """``value`` with its secrets hidden."""
    for secret in secrets(name, value):
        value = value.replace(secret, mark)
    return value


def secret_words(main: MainCf, master: MasterCf) -> set[str]:
    """Every secret in both files, for Ansible's own filter of what is logged."""
    pairs = [(entry.name, entry.raw) for entry in main.entries()]
    pairs.extend(pair for service in master.services() for pair in service.options)
    return _secret_parts(pairs)


def given_secrets(parameters: object, services: object) -> set[str]:
    """Every secret in the options ``parameters`` and ``services`` of the module, which nothing has checked yet."""
    given = [parameters]
    if isinstance(services, Mapping):
        given += [fields.get("options") for fields in services.values() if isinstance(fields, Mapping)]
    pairs: list[tuple[str, str]] = []
    for settings in given:
        if isinstance(settings, Mapping):
            pairs.extend((str(name), text) for name, value in settings.items() for text in _texts(value))
    return _secret_parts(pairs)


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, (list, tuple)):
        texts = [text for item in value for text in _texts(item)]
        return [*texts, ", ".join(texts)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _secret_parts(pairs: Iterable[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    for name, value in pairs:
        for secret in secrets(name, value):
            found.update({secret, normalize(secret)})
            # inline:{ {key = user:password} }
            found.update(part for part in re.findall(r"=\s*([^\s,{}]+)", secret) if len(part) > 4)
    return found


def masked(main: MainCf, before: MainCf) -> str:
    """The text of ``main`` with secrets hidden; one that is not as in ``before`` is marked, so a diff shows it."""
    elsewhere = {entry.name: entry.raw for entry in before.entries()}
    lines: list[str | None] = list(main.lines)
    for logical in logical_lines(main.lines):
        try:
            name, raw = split_name_value(logical.text)
        except ValueError:
            continue
        if secrets(name, raw):
            mark = HIDDEN if elsewhere.get(name, raw) == raw else f"{HIDDEN} (changed)"
            for number in logical.parts:
                lines[number] = None
            lines[logical.parts[0]] = f"{name} = {mask(name, raw, mark)}\n"
    return "".join(line for line in lines if line is not None)


def masked_master(master: MasterCf, before: MasterCf) -> str:
    """The text of ``master`` with the secrets of its options hidden, like ``masked``."""
    for service in master.services():
        if any(secrets(*pair) for pair in service.options):
            there = before.get(service.key)
            options = []
            for name, value in service.options:
                same = there is None or there.option(name) in (None, value)
                options.append((name, mask(name, value, HIDDEN if same else f"{HIDDEN} (changed)")))
            master = parse_master(master.set(replace(service, options=tuple(options))).render(), master.path)
    return master.render()
