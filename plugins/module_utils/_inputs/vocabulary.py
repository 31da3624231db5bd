# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms that values have, once each. A form takes a value and returns what is wrong with it, or None.

What is wrong is the rest of a sentence whose subject is the name of the value: ``say`` puts the two together. A form
takes any value, of any type.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

#: what is wrong with a value, as the rest of a sentence; None where nothing is
Form = Callable[[Any], Optional[str]]

#: characters that a password of a person or of a CA has at least
PASSWORD_LEAST = 6

_SHOWN = 120
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_LABEL_UNDERSCORE = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
#: accepts what ``domain_fault`` accepts of a folded name, in one look: there may be 100,000 of them
_DOMAIN_FAST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")
# RFC 5322, section 3.2.3: atext
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_TRUTH = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


def say(name: str, problem: str) -> str:
    """The sentence that ``problem`` makes of ``name``; one that begins with a colon or a bracket needs no blank."""
    return f"{name}{problem}" if problem.startswith((":", "[")) else f"{name} {problem}"


def shown(value: Any) -> str:
    """``value`` as a sentence shows it, not longer than a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def listed(words: Sequence[Any], last: str = "or") -> str:
    """The words of a list in a sentence: 'a', 'b' or 'c'."""
    texts = [repr(word) for word in words]
    return f" {last} ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


# -- types: the honest spellings of a value ----------------------------------------------------------------------------


def truth(value: Any) -> bool:
    """The boolean that ``value`` stands for; ValueError where it stands for none."""
    if isinstance(value, bool):
        return value
    try:
        return _TRUTH[str(value).strip().lower()]
    except KeyError:
        raise ValueError(f"{value!r} is neither true nor false") from None


def _boolean(value: Any) -> bool:
    try:
        return truth(value)
    except ValueError:
        raise ValueError("Use true or false.") from None


def _whole(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", str(value)):
        raise ValueError("Use a whole number.")
    return int(value)


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not re.fullmatch(r"\s*[+-]?[0-9]{1,18}(\.[0-9]{1,18})?\s*", str(value)):
        raise ValueError("Use a number.")
    return float(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise ValueError("Use text, in quotes.")


def _json(value: str, kind: type) -> Any:
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    return found if isinstance(found, kind) else None


def _list(value: Any) -> list[Any]:
    """A list, a list as JSON text, or text with commas."""
    if isinstance(value, (list, tuple)):
        return list(value)
    found: Any = None
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        found = _json(value, list)
        # An IPv6 address in brackets begins like JSON and has commas after it, or none.
        if found is None and not value.lstrip().startswith("{") and re.match(r"\s*\[[0-9A-Fa-f:.]+\]", value):
            found = _parts(value)
    elif isinstance(value, str):
        found = _parts(value)
    if found is None:
        raise ValueError("Use a list.")
    return list(found)


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _mapping(value: Any) -> dict[Any, Any]:
    """A mapping, or a mapping as JSON text."""
    found = _json(value, dict) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise ValueError("Use a mapping.")
    return dict(found)


_TYPES: dict[str, Callable[[Any], Any]] = {
    "bool": _boolean,
    "int": _whole,
    "float": _fraction,
    "str": _text,
    "path": _text,
    "list": _list,
    "dict": _mapping,
    "raw": lambda value: value,
}


def is_unset(value: Any) -> bool:
    """Whether ``value`` means that nothing was set: null, or blank text."""
    return value is None or (isinstance(value, str) and not value.strip())


def typed(spec: Mapping[str, Any], value: Any) -> Any:
    """``value`` as the type of ``spec``, an option of an argument specification.

    ValueError where it is not an honest spelling of one; its text is a cure such as "Use a whole number.", after a word
    on the entry where the value is a list.
    """
    kind = str(spec.get("type", "str"))
    choice = f"Use {listed(spec['choices'])}." if "choices" in spec and kind != "list" else None
    try:
        result = _TYPES[kind](value)
    except ValueError as exc:
        raise ValueError(choice or str(exc)) from None
    if kind == "list" and "elements" in spec:
        entry = {"type": spec["elements"], **{key: spec[key] for key in ("choices", "options") if key in spec}}
        result = [_entry(entry, item) for item in result]
    elif kind == "dict" and "options" in spec:
        result = _fields(spec["options"], result)
    elif choice and result not in spec["choices"]:
        raise ValueError(choice)
    return result


class BadEntry(ValueError):
    """An entry of a list that is no honest spelling of what it should be."""

    def __init__(self, entry: Any, cure: str) -> None:
        super().__init__(cure)
        self.entry = entry


def _entry(spec: Mapping[str, Any], value: Any) -> Any:
    if value is None:
        raise BadEntry(value, "Use no empty entries.")
    try:
        return typed(spec, value)
    except ValueError as exc:
        raise BadEntry(value, str(exc)) from None


def _fields(options: Mapping[str, Mapping[str, Any]], value: Mapping[Any, Any]) -> dict[Any, Any]:
    missing = [name for name, spec in options.items() if spec.get("required") and is_unset(value.get(name))]
    unknown = [name for name in value if name not in options]
    if missing or unknown:
        raise ValueError(f"Use a mapping of {', '.join(options)}.")
    try:
        return {name: given if is_unset(given) else typed(options[name], given) for name, given in value.items()}
    except ValueError as exc:
        raise ValueError(f"In each entry: {exc}") from None


# -- forms -------------------------------------------------------------------------------------------------------------


def anything(value: Any) -> str | None:
    """What its type says all about; an empty text leaves the default in force."""
    return "is empty." if value == "" else None


def optional(form: Form) -> Form:
    """``form``, or an empty text."""
    return lambda value: None if value == "" and isinstance(value, str) else form(value)


def each(form: Callable[[Any], str | None], example: Sequence[Any]) -> Form:
    """A list whose entries each have ``form``, which tells what is wrong with one entry."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"is {shown(value)}. Use a list such as {list(example)!r}."
        return next((found for entry in value if (found := form(entry)) is not None), None)

    return problem


def domain_fault(name: str, *, underscore: bool = False) -> str | None:
    """What keeps ``name`` from being a domain name of one label or more; a piece of a sentence.

    RFC 1035, section 2.3. ``underscore`` lets labels have what host names may not (RFC 2782).
    """
    if len(name) > 253:
        return "is longer than the 253 characters of a domain name"
    label_form = _LABEL_UNDERSCORE if underscore else _LABEL
    for label in name.split("."):
        if not label_form.match(label):
            return f"has the label {label!r}, and a label is 1 to 63 letters, digits and inner hyphens"
    return None


def domain(value: Any) -> str | None:
    """A domain name, or the full name of a host: two labels or more."""
    if isinstance(value, str) and len(value) <= 253 and _DOMAIN_FAST.match(value.lower()):
        return None
    cure = "Use a domain name such as 'example.org'."
    if not isinstance(value, str) or not value:
        return f"is {shown(value)}, which is not a text. {cure}"
    fault = domain_fault(value)
    if fault is None and "." not in value:
        return f"is {value!r}, which has no dot. Use a fully qualified name such as 'mail.example.org'."
    if fault is None and value.rpartition(".")[2].isdigit():
        return f"is {value!r}, which is an address and not a name. {cure}"
    if fault is not None and not value.isascii():
        cure = "Use the name's ASCII form, which begins with 'xn--'."
    return None if fault is None else f"is {shown(value)}, which {fault}. {cure}"


def address(value: Any, *, catch_all: bool = False) -> str | None:
    """A mail address; with ``catch_all``, ``@domain`` is one too."""
    whole = ", or '@example.org' for a whole domain" if catch_all else ""
    cure = f"Use an address such as 'alice@example.org'{whole}."
    if not isinstance(value, str) or not value:
        return f"is {shown(value)}, which is not a text. {cure}"
    local, at, name = value.rpartition("@")
    if not at:
        return f"is {value!r}, which has no '@'. {cure}"
    if not local and not catch_all:
        return f"is {value!r}, which has nothing before the '@'. {cure}"
    if local and (len(local) > 64 or not _LOCAL_PART.match(local)):
        return f"is {value!r}, where {local!r} is not a local part (RFC 5322, dot-atom; 64 characters at most). {cure}"
    fault = domain(name)
    return None if fault is None else f"(the part after the '@') {fault}"


def network(value: Any) -> str | None:
    """An entry of mynetworks: an address, a network, a table or $name."""
    cure = "Use '192.0.2.0/24', '[2001:db8::]/32' or a lookup table such as 'cidr:/etc/postfix/networks'."
    if not isinstance(value, str) or not value.strip():
        return f"has the entry {shown(value)}, which is not a text. {cure}"
    text = value.lstrip("!")
    if text.startswith(("$", "/")) or re.match(r"[a-z]+:/", text):
        return None
    match = re.fullmatch(r"\[([^\]]+)\](/\d+)?", text)
    if match:
        text = match.group(1) + (match.group(2) or "")
        if ":" not in text:
            return f"has the entry {value!r}, and brackets are for IPv6 addresses only. {cure}"
    elif ":" in text:
        return f"has the entry {value!r}, and Postfix wants an IPv6 address in brackets. {cure}"
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError as exc:
        return f"has the entry {value!r}, which is not a network: {exc}. {cure}"
    return None


def _absolute(pattern: str, cure: str) -> Form:
    form = re.compile(pattern)

    def problem(value: Any) -> str | None:
        if isinstance(value, str) and form.fullmatch(value) and ".." not in value.split("/"):
            return None
        return f"is {shown(value)}. {cure}"

    return problem


#: a file that main.cf names, where blanks and commas part words
path = _absolute(r"/[^\0\s,]*[^\0\s,/]", "Use an absolute path without blanks and commas, such as '/etc/ssl/mail.pem'.")
#: a file that dovecot.conf names too: a blank would end a word; "%", "$", "#", quotes and braces mean something there
plain_path = _absolute(
    r"/[A-Za-z0-9._+@:,=~-]+(/[A-Za-z0-9._+@:,=~-]+)*",
    "Use an absolute path without blanks, quotes, '%', '$', '{' and '..', such as '/var/vmail'.",
)
#: a file whose name goes through a crontab and sh(1)
shell_path = _absolute(
    r"(/[A-Za-z0-9_][-._A-Za-z0-9]*)+",
    "Use an absolute path of letters, digits, '.', '_' and '-', such as '/etc/resolv.conf'.",
)


def directory(where: str, example: str) -> Form:
    """A directory on ``where``, which is not the root directory."""
    return _absolute(r"/.*[^/\0].*", f"Use the absolute path of a directory on the {where}, such as {example!r}.")


def pattern(value: Any) -> str | None:
    """A pattern of hosts and groups: text, or a list of text."""
    if value and isinstance(value, str):
        return None
    if value and isinstance(value, list) and all(isinstance(part, str) and part for part in value):
        return None
    return f"is {shown(value)}. Use a pattern of hosts and groups as text, in quotes, such as 'mail_hosts'."


def batch_sizes(value: Any) -> list[int | str]:
    """The sizes of batches of hosts, as ``serial`` of a play takes them; ValueError is the rest of a sentence.

    ``value`` is a size or a list of sizes: a whole number of hosts from 1, or a share such as '25%'. Text may have
    several, with commas.
    """
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    sizes: list[int | str] = []
    for part in parts:
        text = str(part).strip().strip("[]'\" ")
        found = re.fullmatch(r"([0-9]{1,6})(%?)", text)
        most = 100 if text.endswith("%") else 999999
        if found is None or isinstance(part, bool) or not 1 <= int(found[1]) <= most:
            raise ValueError(
                f"is {shown(value)}. Use numbers of hosts from 1, or shares from '1%' to '100%', such as [1, '25%']."
            )
        sizes.append(f"{int(found[1])}%" if found[2] else int(found[1]))
    return sizes


def batches(value: Any) -> str | None:
    """Sizes of batches of hosts."""
    try:
        batch_sizes(value)
    except ValueError as exc:
        return str(exc)
    return None


def account(value: Any) -> str | None:
    """The name of a user or group."""
    if isinstance(value, str) and _ACCOUNT.match(value):
        return None
    return (
        f"is {shown(value)}. Use the name of a user or group, at most 32 lower-case letters, digits, '_' and '-', such"
        " as 'vmail'."
    )


@dataclass(frozen=True)
class number:  # noqa: N801  # a form, as the functions beside it
    """A whole number of ``unit`` from ``low`` to ``high``, or without an upper bound."""

    low: int
    high: int | None
    unit: str

    def __call__(self, value: Any) -> str | None:
        """What is wrong with ``value``."""
        try:
            good = self.low <= _whole(value) and (self.high is None or _whole(value) <= self.high)
        except ValueError:
            good = False
        bounds = f" from {self.low} to {self.high}" if self.high is not None else f", {self.low} or more"
        return None if good else f"is {shown(value)}. Use a number of {self.unit}{bounds}."


def some_of(*words: str) -> Form:
    """A list of one or more of ``words``, each once."""
    cure = f"Use a list of one or more of {listed(words, 'and')}, each once."

    def problem(value: Any) -> str | None:
        if not isinstance(value, list) or not value:
            return f"is {shown(value)}. {cure}"
        for word in value:
            if word not in words:
                return f"has the entry {shown(word)}. {cure}"
        return f"is {shown(value)}, where an entry stands twice. {cure}" if len(set(value)) != len(value) else None

    return problem


def delimiter(value: Any) -> str | None:
    """Characters that separate a local part from its detail, or an empty text for none."""
    if isinstance(value, str) and re.fullmatch(r"[+=#~!-]*", value):
        return None
    return f"is {shown(value)}. Use one or more of '+', '-', '=', '~', '!' and '#', or '' for none."


def one_line(value: Any) -> str | None:
    """Text without a line break. Its value is not shown."""
    if isinstance(value, str) and not re.search(r"[\r\n\0]", value):
        return None
    return "has a line break or a NUL. Use text of one line."


def length(low: int, high: int) -> Form:
    """Text of ``low`` to ``high`` bytes in UTF-8. Its value is not shown."""

    def problem(value: Any) -> str | None:
        size = len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else -1
        if low <= size <= high:
            return None
        return f"has {max(size, 0)} characters. Use {low} to {high} characters."

    return problem


def checked_by(check: Callable[[Any], object]) -> Form:
    """Text that ``check`` takes without a ValueError, which is a sentence without its full stop."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"is {shown(value)}. Use text, in quotes."
        try:
            check(value)
        except ValueError as exc:
            return f": {exc}" if str(exc).endswith(("?", ".")) else f": {exc}."
        return None

    return problem


#: a key of a server and its chain, once more
KEY_PAIRS = "Use a list such as [{'key_file': '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."


def key_pairs(form: Form) -> Form:
    """A list of keys, each with its chain, whose paths have ``form``."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"is {shown(value)}. {KEY_PAIRS}"
        for pair in value:
            if not isinstance(pair, Mapping) or set(pair) - {"type"} != {"key_file", "chain_file"}:
                return f"has the entry {shown(pair)}. {KEY_PAIRS}"
            for part in ("key_file", "chain_file"):
                fault = form(pair[part])
                if fault:
                    return f"has an entry whose {part} {fault}"
        return None

    return problem
