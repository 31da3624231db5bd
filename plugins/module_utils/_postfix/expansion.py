# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$name`` in the values of parameters, replaced as Postfix replaces it (mac_parse.c and mac_expand.c)."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

#: How deep Postfix reads names within names, and braces within braces (mac_expand.c).
NESTING = 100
#: How many characters a value may come to. Names that use each other twice would fill the memory.
SIZE = 4_000_000

#: The releases that brought the comparison of levels, and functions.
LEVELS, FUNCTIONS = (3, 6), (3, 11)

_SPACE = " \t\r\n"
_NAME = re.compile(r"[A-Za-z0-9_]+")
#: A value that is nothing but another one. Most are, so these have a way of their own.
_ALIAS = re.compile(r"\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})")
_BRACKETS = {"{": re.compile(r"[{}]"), "(": re.compile(r"[()]")}
#: The name of an expression, white space around it included.
_HEAD = re.compile(rf"[{_SPACE}]*([A-Za-z0-9_]*)[{_SPACE}]*")
#: A comparison of a name with nothing, which asks whether the name has a value.
_IS_EMPTY = re.compile(
    rf"{{[{_SPACE}]*\$[{{(]?(\w+)[)}}]?[{_SPACE}]*}}[{_SPACE}]*[!=]=[{_SPACE}]*{{[{_SPACE}]*}}"
    rf"|{{[{_SPACE}]*}}[{_SPACE}]*[!=]=[{_SPACE}]*{{[{_SPACE}]*\$[{{(]?(\w+)[)}}]?[{_SPACE}]*}}"
)
_OPERATOR = re.compile(r"(==|!=|<=|>=|<|>)(level)?(?![<>!=?+\-*/~&|%A-Za-z0-9])")
_LEVEL = re.compile(r"\d+(\.\d+){0,2}", re.ASCII)


@dataclass(frozen=True)
class _Expanded:
    """What a text comes to, and how deep expressions lie inside of it: -1 for nothing at all, 0 for plain text."""

    text: str
    height: int


_NOTHING = _Expanded("", -1)
#: Yields the names whose values are needed, and takes each value, or what is wrong with it.
_Steps = Generator[str, "_Expanded | str", "_Expanded | str"]
_Parts = Generator[str, "_Expanded | str", _Expanded]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:197]}...")


def _braced(text: str, start: int) -> int:
    """The index after the bracket that closes the one at ``start``; ValueError where none does."""
    opening = text[start]
    depth = 0
    for found in _BRACKETS[opening].finditer(text, start):
        depth += 1 if found[0] == opening else -1
        if depth == 0:
            return found.end()
    sign, closing = ("{", "}") if opening == "{" else ("$(", ")")
    raise ValueError(f"{_shown(text)} has a '{sign}' without its '{closing}'")


def _check_depth(value: str) -> None:
    """ValueError for more expressions within expressions than Postfix reads, before each is parted from its inside."""
    if value.count("${") <= NESTING and value.count("$(") <= NESTING:
        return
    for opening, closing in ("{}", "()"):
        inside: list[bool] = []
        depth = 0
        for found in re.finditer(rf"\$\$|\$?\{opening}|\{closing}", value):
            if found[0] == closing:
                depth -= bool(inside) and inside.pop()
            elif found[0] != "$$":
                inside.append(found[0] != opening)
                depth += inside[-1]
                if depth > NESTING + 1:
                    raise ValueError(_too_deep(value))


def _expression(text: str, dollar: int) -> tuple[str, int]:
    """What stands after the ``$`` at ``dollar``, without its brackets, and the index after it."""
    start = dollar + 1
    if text[start : start + 1] in ("{", "("):
        end = _braced(text, start)
        body = text[start + 1 : end - 1]
    else:
        name = _NAME.match(text, start)
        body = name[0] if name else ""
        end = start + len(body)
    return body, end


def _payload(text: str) -> tuple[str, str]:
    """The text inside of the braces that ``text`` begins with, and what follows them without leading white space."""
    end = _braced(text, 0)
    return text[1 : end - 1], text[end:].lstrip(_SPACE)


def _operand(text: str) -> tuple[str, str]:
    """A text to choose after ``?`` or ``:``, and what follows it. Without braces it is the whole rest."""
    stripped = text.lstrip(_SPACE)
    return _payload(stripped) if stripped.startswith("{") else (text, "")


def _branches(operator: str, text: str) -> tuple[str, str]:
    """The texts for a value and for no value, from what stands after ``?`` or ``:``. ValueError where more follows."""
    first = second = ""
    rest = text
    if operator == "?":
        first, rest = _operand(text)
        if rest and rest[0] != ":":
            raise ValueError(f"{_shown(text.strip())} needs ':' between its two values")
        operator, rest = rest[:1], rest[1:]
    if operator == ":":
        second, rest = _operand(rest)
        if rest:
            raise ValueError(f"{_shown(text.strip())} has {rest[:20]!r} after its last value")
    return first, second


def references(value: str, depth: int = 0, asked: frozenset[str] = frozenset()) -> list[tuple[str, bool]]:
    """The parameters a value names with ``$``, in order, each with whether it must be there.

    ``$name``, ``${name}``: it must. ``${name?…}`` and ``${name:…}`` ask whether it has a value, so it need not, and
    neither in the text that ``?`` chooses where it has one; ``${{$name} != {} …}`` asks the same. ``asked`` are these
    names. ``$$`` is a dollar sign. postconf(5), "parameter expansion". ValueError where a brace is not closed, or where
    braces lie deeper in each other than Postfix reads.
    """
    if depth > NESTING:
        raise ValueError(_too_deep(value))
    if depth == 0:
        alias = _ALIAS.fullmatch(value)
        if alias is not None:
            return [(alias[1] or alias[2], True)]
        _check_depth(value)
    found: list[tuple[str, bool]] = []
    index = value.find("$")
    while index >= 0:
        if value[index + 1 : index + 2] == "$":
            index = value.find("$", index + 2)
            continue
        body, end = _expression(value, index)
        head = _HEAD.match(body)
        name = head[1] if head else ""
        rest = body[head.end() :] if head else body
        if name and not rest.startswith("{"):
            found.append((name, name not in asked and not rest.startswith(("?", ":"))))
        # A comparison, the texts to choose from, or the argument of a function such as domain_to_ascii{…}.
        if name and rest.startswith("?"):
            chosen, rest = _operand(rest[1:])
            found.extend(references(chosen, depth + 1, asked | {name}))
        compared = _IS_EMPTY.match(rest) if not name else None
        if rest:
            found.extend(references(rest, depth + 1, asked | {compared[1] or compared[2]} if compared else asked))
        index = value.find("$", end)
    return found


def _too_deep(value: str) -> str:
    return f"{_shown(value)} has names or braces within each other, more than {NESTING} deep, where Postfix stops"


class Expander:
    """Values of parameters, each worked out once.

    ``lookup`` returns the unexpanded value of a name, or None where it has none; ``$name`` is then empty. It must
    give the same answer each time. What ``version`` of Postfix lacks is a ValueError; None stands for the newest.
    """

    def __init__(self, lookup: Callable[[str], str | None], version: tuple[int, ...] | None = None) -> None:
        self._lookup = lookup
        self._version = version
        self._raw: dict[str, str | None] = {}
        self._known: dict[str, _Expanded | str] = {}

    def expand(self, value: str) -> str:
        """``value`` with every ``$name`` replaced, recursively.

        Raises ValueError where Postfix ends with "macro processing error": brackets out of balance, a ``$`` before
        no name, names that refer to themselves or lie deeper in each other than ``NESTING``. Also where the value
        comes to more than ``SIZE`` characters.
        """
        if "$" not in value:
            return value
        # The value, the names that it is waiting for, and those that they are waiting for: no recursion, because
        # chains of names may be long.
        steps = [self._value(value)]
        waiting: dict[str, None] = {}
        answer: _Expanded | str | None = None
        while True:
            try:
                name = steps[-1].send(answer)  # type: ignore[arg-type]
            except StopIteration as done:
                answer = done.value
            except ValueError as exc:
                answer = str(exc)
            else:
                answer = self._known.get(name)
                if answer is not None:
                    continue
                if name in waiting:
                    answer = _circle(list(waiting), name)
                    continue
                raw = self.raw(name)
                if raw and "$" in raw:
                    steps.append(self._value(raw))
                    waiting[name] = None
                    answer = None
                else:
                    answer = self._known[name] = _Expanded(raw, 0) if raw else _NOTHING
                continue
            steps.pop()
            if not steps:
                break
            finished, _unused = waiting.popitem()
            self._known[finished] = answer
        if isinstance(answer, str):
            raise ValueError(answer)
        return answer.text

    def raw(self, name: str) -> str | None:
        """The unexpanded value of ``name``, looked up once."""
        if name not in self._raw:
            self._raw[name] = self._lookup(name)
        return self._raw[name]

    def _value(self, value: str) -> _Steps:
        alias = _ALIAS.fullmatch(value)
        if alias is not None:
            answer = yield alias[1] or alias[2]
            if isinstance(answer, str):
                return answer
            return _Expanded(answer.text, 1 + answer.height) if answer.height < NESTING else _too_deep(value)
        _check_depth(value)
        found = yield from self._text(value, 0)
        if found.height > NESTING:
            raise ValueError(_too_deep(value))
        return found

    def _text(self, text: str, depth: int) -> _Parts:
        """``depth`` is that of the braces in one value."""
        if depth > NESTING:
            raise ValueError(_too_deep(text))
        out: list[str] = []
        height, size = (0 if text else -1), 0
        index = 0
        while index < len(text):
            dollar = text.find("$", index)
            if dollar < 0:
                out.append(text[index:])
                break
            out.append(text[index:dollar])
            if text[dollar + 1 : dollar + 2] == "$":
                out.append("$")
                index = dollar + 2
                continue
            body, index = _expression(text, dollar)
            if not body:
                raise ValueError(f"{_shown(text)} has a '$' without a name")
            found = yield from self._replaced(body, depth)
            height = max(height, 1 + found.height)
            size += len(found.text)
            if size > SIZE:
                raise ValueError(f"{_shown(text)} comes to more than {SIZE} characters")
            out.append(found.text)
        return _Expanded("".join(out), height)

    def _replaced(self, body: str, depth: int) -> _Parts:
        """What the expression of ``${body}`` comes to."""
        head = _HEAD.match(body)
        name = head[1] if head else ""
        rest = body[head.end() :] if head else body
        if not name and rest.startswith("{"):
            value, rest = yield from self._compared(body, rest, depth)
        elif rest.startswith("{"):
            # A function such as domain_to_ascii{…}. Its argument stands for what it gives.
            self._need(FUNCTIONS, body, "a function")
            return (yield from self._text(_payload(rest)[0], depth + 1))
        elif not rest:
            answer = yield name
            if isinstance(answer, str):
                raise ValueError(answer)
            return answer
        else:
            value = self.raw(name) or ""
        if not rest:
            return _Expanded(value, 0 if value else -1)
        if rest[0] not in "?:":
            place = "comparison" if body.lstrip(_SPACE).startswith("{") else "name"
            raise ValueError(f"'${{{body}}}' has {rest[0]!r} after the {place}; '?', ':' or nothing was expected")
        # Postfix asks whether there is an unexpanded value, and replaces nothing in the text that is not chosen.
        first, second = _branches(rest[0], rest[1:])
        return (yield from self._text(first if value else second, depth + 1))

    def _compared(self, body: str, text: str, depth: int) -> Generator[str, _Expanded | str, tuple[str, str]]:
        """``true`` or nothing for ``{left} operator {right}``, and what follows."""
        left, rest = _payload(text)
        operator = _OPERATOR.match(rest)
        rest = rest[operator.end() :].lstrip(_SPACE) if operator else ""
        if operator is None or not rest.startswith("{"):
            raise ValueError(f"'${{{body}}}' has no comparison between its values")
        right, rest = _payload(rest)
        if operator[2]:
            self._need(LEVELS, body, f"{operator[0]!r}")
        values = []
        for side in (left, right):
            found = yield from self._text(side, depth + 1)
            if found.height > NESTING:
                raise ValueError(_too_deep(side))
            if operator[2] and not _LEVEL.fullmatch(found.text):
                raise ValueError(f"'${{{body}}}' compares {found.text!r}, which is not a compatibility level")
            values.append(found.text)
        return ("true" if compare(values[0], operator[0], values[1]) else ""), rest

    def _need(self, version: tuple[int, ...], body: str, what: str) -> None:
        if self._version is not None and self._version < version:
            since = ".".join(str(part) for part in version)
            raise ValueError(f"'${{{body}}}' has {what}, which Postfix {since} brought")


def _circle(waiting: list[str], name: str) -> str:
    through = waiting[waiting.index(name) + 1 :]
    if not through:
        return f"'${name}' refers to itself"
    shown = ", ".join(f"${each}" for each in through[:5])
    return f"'${name}' refers to itself through {shown}{', ...' if len(through) > 5 else ''}"


def expand(value: str, lookup: Callable[[str], str | None], version: tuple[int, ...] | None = None) -> str:
    """One value, as ``Expander.expand`` gives it."""
    return Expander(lookup, version).expand(value)


def _level(text: str) -> tuple[int, ...]:
    """A compatibility level as three numbers; ``2`` and ``3.6`` compare as 2 < 3.6 (compat_level.c)."""
    found = [int(part) for part in re.findall(r"\d+", text)[:3]]
    return tuple(found + [0] * (3 - len(found)))


def compare(left: str, operator: str, right: str) -> bool:
    """A comparison of ``${{left} operator {right} …}``: levels for ``<level``, numbers where both are, or text."""
    a: tuple[int, ...] | str = left
    b: tuple[int, ...] | str = right
    if operator.endswith("level"):
        a, b = _level(left), _level(right)
        operator = operator[: -len("level")]
    elif re.fullmatch(r"[0-9]+", left) and re.fullmatch(r"[0-9]+", right):
        a, b = (int(left),), (int(right),)
    return {
        "==": a == b,
        "!=": a != b,
        "<": a < b,  # type: ignore[operator]
        "<=": a <= b,  # type: ignore[operator]
        ">": a > b,  # type: ignore[operator]
        ">=": a >= b,  # type: ignore[operator]
    }[operator]
