# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rc.conf.local(8) as OpenBSD's rc.subr(8) reads it and as rcctl(8) writes it.

The file is not a shell script: no expansion, no continuation lines. Sources: rc.subr 1.163 (``_rc_parse_conf``)
and rcctl.sh 1.120.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: endings of a service's variables
SUFFIXES = ("_execdir", "_flags", "_logger", "_rtable", "_timeout", "_user")
#: Every other variable that rc.subr(8) reads. It ignores the rest in silence.
GLOBALS = (
    "accounting",
    "amd_master",
    "check_quotas",
    "ipsec",
    "library_aslr",
    "multicast",
    "nfs_server",
    "pexp",
    "pf",
    "pkg_scripts",
    "shlib_dirs",
    "spamd_black",
)
_BLANKS = " \t"
_SERVICE = re.compile(r"[_A-Za-z]+[_A-Za-z0-9]*")


@dataclass(frozen=True)
class Line:
    """One line of the file. ``key`` is None where rc.subr(8) takes no variable from it."""

    number: int
    text: str
    key: str | None = None
    value: str = ""

    @property
    def ignored(self) -> bool:
        """True for a line that is neither an assignment nor a comment nor blank: it has no effect at all."""
        shown = self.text.strip(_BLANKS)
        return self.key is None and bool(shown) and not shown.startswith("#")


@dataclass(frozen=True)
class Wanted:
    """The wanted content of the file, checked, in the form that rc.subr(8) hands to a service."""

    variables: Mapping[str, str]
    absent: tuple[str, ...] = ()
    scripts_present: tuple[str, ...] = ()
    scripts_absent: tuple[str, ...] = ()
    scripts_last: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    """The new text, and the variables before and after it. An empty text means: no file."""

    text: str
    changed: bool
    before: Mapping[str, str]
    after: Mapping[str, str]


def is_key(name: str) -> bool:
    """True where rc.subr(8) reads a variable of that (lower-case) name."""
    return name in GLOBALS or name.endswith(SUFFIXES)


def parse(text: str, path: str = "rc.conf.local") -> tuple[Line, ...]:
    """Split the text into lines as rc.subr(8) reads them.

    Raises ValueError for a carriage return or a NUL in a line that assigns a variable: rc.subr(8) would take it
    as part of the value.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return tuple(_line(number, line, path) for number, line in enumerate(lines, 1))


def _line(number: int, text: str, path: str) -> Line:
    # rc.subr 1.163: read -r with IFS=<space><tab>, then the ksh pattern [!#=]*=*
    shown = text.strip(_BLANKS)
    if not shown or shown[0] in "#=" or "=" not in shown:
        return Line(number, text)
    name, _unused, value = shown.partition("=")
    key = name.rstrip(_BLANKS).lower()  # typeset -l
    if not is_key(key):
        return Line(number, text)
    for character, meaning in (("\r", "a carriage return (a CR LF line end)"), ("\0", "a NUL")):
        if character in text:
            raise ValueError(
                f"{path}, line {number}: the line of {key!r} contains {meaning}, which rc.subr(8) takes as part of the"
                " value. Write the file with LF line ends only"
            )
    return Line(number, text, key, _value(value))


def _value(raw: str) -> str:
    # rc.subr 1.163: cut at the first '#' even inside quotes, cut blanks, then drop one matching pair of quotes
    value = raw.partition("#")[0].strip(_BLANKS)
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return value


def values(lines: Sequence[Line]) -> dict[str, str]:
    """The variables that the lines set; the last assignment wins."""
    return {line.key: line.value for line in lines if line.key is not None}


def render(key: str, value: str) -> str:
    """One assignment as rcctl(8) writes it: no quotes, unless blanks at the start need them."""
    return f'{key}="{value}"' if value[:1] in tuple(_BLANKS) else f"{key}={value}"


def check_key(name: object) -> str:
    """Return the variable's name in lower case. Raises ValueError where rc.subr(8) would ignore it."""
    if not isinstance(name, str):
        raise ValueError(f"variables has the name {name!r}, which is not text. Put it in quotes")
    key = name.lower()
    if key in GLOBALS:
        return key
    for suffix in SUFFIXES:
        if key.endswith(suffix) and _SERVICE.fullmatch(key[: -len(suffix)]):
            return key
    raise ValueError(
        f"rc.subr(8) ignores the variable {name!r}. Use the name of a service with {', '.join(SUFFIXES)} after it, or"
        f" one of {', '.join(GLOBALS)}"
    )


def check_value(key: str, value: object) -> str:
    """Return the value as text. Raises ValueError where rc.subr(8) would read another value.

    A bare ``NO`` or ``YES`` in YAML arrives as a boolean and is turned back.
    """
    if isinstance(value, bool):
        if value and key.endswith("_flags"):
            raise ValueError(f"{key} is true, which is not a value for flags. Use the flags, or '' for none")
        return "YES" if value else "NO"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"{key} is {value!r}, which is not text. Use text, or '' for an empty value")
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError(f"{key} is {value!r}, which contains a line end or a NUL. Use one line")
    if "#" in value:
        raise ValueError(
            f"{key} is {value!r}. rc.subr(8) cuts values at '#', also within quotes. Use a value without '#'"
        )
    read = _value(render(key, value).partition("=")[2])
    if read != value:
        raise ValueError(
            f"{key} is {value!r}, which rc.subr(8) reads as {read!r}: it removes blanks at the end and quotes around"
            f" the value. Use {read!r}"
        )
    return value


def check_service(name: object) -> str:
    """Return the name of an rc.d(8) script. Raises ValueError where rc.subr(8) would refuse it."""
    if not isinstance(name, str) or not _SERVICE.fullmatch(name):
        raise ValueError(
            f"pkg_scripts has {name!r}, which is not the name of an rc.d(8) script. Use letters, digits and '_', and no"
            " digit first"
        )
    return name


def wanted(
    variables: Mapping[str, object],
    absent: Sequence[object] = (),
    present_scripts: Sequence[object] = (),
    absent_scripts: Sequence[object] = (),
    last_scripts: Sequence[object] = (),
) -> Wanted:
    """Check the options. Raises ValueError."""
    checked: dict[str, str] = {}
    for name, value in variables.items():
        key = check_key(name)
        if key == "pkg_scripts":
            raise ValueError("variables has 'pkg_scripts', which is a list of services. Use the option pkg_scripts")
        if key in checked:
            raise ValueError(
                f"variables has {name!r} twice, and rc.subr(8) does not tell upper from lower case. Name it once"
            )
        checked[key] = check_value(key, value)
    gone = tuple(check_key(name) for name in absent)
    for key in gone:
        if key in checked:
            raise ValueError(f"{key!r} is in variables and in absent. Remove it from one of the two")
    add = tuple(check_service(name) for name in present_scripts)
    drop = tuple(check_service(name) for name in absent_scripts)
    last = tuple(check_service(name) for name in last_scripts)
    if (add or drop or last) and "pkg_scripts" in gone:
        raise ValueError("absent has 'pkg_scripts', and the option pkg_scripts is used too. Remove one of the two")
    for name in drop:
        if name in add or name in last:
            other = "present" if name in add else "last"
            raise ValueError(f"pkg_scripts has {name!r} in absent and in {other}. Remove it from one of the two")
    for option, names in (("present", add), ("absent", drop), ("last", last)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"pkg_scripts has {twice[0]!r} more than once in {option}. Name it once")
    return Wanted(checked, gone, add, drop, last)


def scripts(before: Sequence[str], want: Wanted) -> tuple[str, ...]:
    """The services of pkg_scripts in their new order. Services that no option names keep their places."""
    names = [name for name in before if name not in want.scripts_absent]
    names += [name for name in want.scripts_present if name not in names]
    at_end = [name for name in want.scripts_last if name in names]
    return tuple([name for name in names if name not in at_end] + at_end)


def edit(text: str, want: Wanted, defaults: Mapping[str, str] | None = None, path: str = "rc.conf.local") -> Edit:
    """Return the text with the wanted values, in a form that rcctl(8) would leave alone.

    ``defaults`` are the variables of rc.conf(8). A text that already has the wanted values is returned unchanged.
    Otherwise the result is sorted by bytes, each line once, as rcctl(8) sorts it at its next edit. Lines that assign
    nothing stay. Of several assignments to one variable only the last stays: it is in effect, and sorting could put
    another one after it.
    Raises ValueError for a line of the file that cannot be kept.
    """
    lines = parse(text, path)
    before = values(lines)
    given = defaults or {}
    after = dict(before)
    for key in want.absent:
        after.pop(key, None)
    for key, value in want.variables.items():
        # rcctl.sh 1.120 deletes a line that repeats the default. An empty value for a service that rc.conf(8) does
        # not know is the default too: rc.subr 1.163 takes only flags that are not empty.
        default = given.get(key, "")
        if before.get(key, default) == value:
            continue
        if value == default:
            after.pop(key, None)
        else:
            after[key] = value
    listed = after.get("pkg_scripts", given.get("pkg_scripts", "")).split()
    ordered = scripts(listed, want)
    if list(ordered) != listed:
        after["pkg_scripts"] = " ".join(ordered)
        if not ordered:
            after.pop("pkg_scripts")
    # The loop of rc.subr(8) does not read a last line without its newline.
    if after == before and (not text or text.endswith("\n")):
        return Edit(text, False, before, after)
    last = {line.key: line.number for line in lines}
    result = []
    for line in lines:
        if line.key is None or (line.key in after and after[line.key] == line.value and last[line.key] == line.number):
            result.append(line.text)
    result += [render(key, value) for key, value in after.items() if before.get(key) != value]
    if all(not line.strip(_BLANKS) for line in result):
        return Edit("", True, before, after)
    ordered_lines = sorted(set(result), key=lambda line: line.encode("utf-8", "surrogateescape"))
    return Edit("".join(f"{line}\n" for line in ordered_lines), True, before, after)


def restore(
    text: str,
    original: str | None,
    variables: Sequence[object],
    script_names: Sequence[object],
    defaults: Mapping[str, str] | None = None,
    path: str = "rc.conf.local",
) -> Edit:
    """Return the text in which some variables, and some services of pkg_scripts, are as they were in ``original``.

    ``original`` is None where there was no file. Everything else stays as it is now. Where the result has the same
    values as ``original``, the result is ``original`` itself, with its order and its quotes.
    Raises ValueError as ``wanted`` and ``edit`` do.
    """
    first = parse(original or "", f"the copy of {path}")
    was = values(first)
    given = defaults or {}
    keys = [check_key(name) for name in variables]
    names = [check_service(name) for name in script_names]
    old = list(dict.fromkeys(was.get("pkg_scripts", given.get("pkg_scripts", "")).split()))
    now = values(parse(text, path)).get("pkg_scripts", given.get("pkg_scripts", "")).split()
    # Where the services are the same as in the original, their order is too.
    order = old if {name for name in now if name not in names} == set(old) - set(names) else []
    want = Wanted(
        {key: was[key] for key in keys if key in was and key != "pkg_scripts"},
        tuple(key for key in keys if key not in was),
        tuple(name for name in old if name in names),
        tuple(name for name in names if name not in old),
        tuple(order),
    )
    result = edit(text, want, given, path)
    says_the_same = result.changed and _says(result.after, given) == _says(was, given)
    if original and says_the_same and _others(first) == _others(parse(result.text)):
        return Edit(original, True, result.before, was)
    for key, value in want.variables.items():
        # A person can write values that the form of rcctl(8) cannot express.
        check_value(key, value)
    return result


def _others(lines: Sequence[Line]) -> list[str]:
    """The comments, and the lines without effect, as rcctl(8) would sort them."""
    return sorted({line.text for line in lines if line.key is None and line.text.strip(_BLANKS)})


def _says(found: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The variables that differ from the defaults."""
    return {key: value for key, value in found.items() if value != defaults.get(key, "")}
