# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""main.cf, read as Postfix reads it and edited without touching what does not change.

Sources: postconf(5) "main.cf file format"; Postfix src/util/readlline.c, split_nameval.c, mystrtok.c and
src/postconf/postconf_print.c.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

#: what Postfix calls white space (ISSPACE of sys_defs.h: ASCII only)
SPACE = " \t\n\v\f\r"

#: what separates words where postconf prints a value (postconf_print.c)
_SEPARATORS = " \t\r\n"

#: ``postconf -f`` breaks lines at this column and indents the rest by this much (postconf.h)
LINE_LIMIT = 80
INDENT = "    "

#: a separator of list elements (CHARS_COMMA_SP of mail_params.h)
_LIST_SEPARATORS = ", \t\r\n"


@dataclass(frozen=True)
class Logical:
    """A logical line: the physical lines it is made of (0-based) and their text, joined as Postfix joins it.

    Comment and blank lines between continuation lines are not in ``parts``.
    """

    parts: tuple[int, ...]
    text: str

    @property
    def line(self) -> int:
        """The number of its first physical line, from 1."""
        return self.parts[0] + 1

    @property
    def last_line(self) -> int:
        """The number of its last physical line, from 1."""
        return self.parts[-1] + 1


@dataclass(frozen=True)
class Entry:
    """One ``name = value``.

    ``value`` is as ``postconf`` prints it: runs of white space outside braces are one space. ``raw`` is what
    the daemons see, where those runs still are what the file has. Lines are counted from 1.
    """

    name: str
    value: str
    raw: str
    line: int
    last_line: int


@dataclass(frozen=True)
class BadLine:
    """A logical line that Postfix refuses, ignores or cuts short, and why."""

    line: int
    text: str
    reason: str


def split_physical(text: str) -> tuple[str, ...]:
    """Split ``text`` after each newline; the pieces, joined, are ``text`` again."""
    pieces = text.split("\n")
    lines = [piece + "\n" for piece in pieces[:-1]]
    if pieces[-1]:
        lines.append(pieces[-1])
    return tuple(lines)


def is_filler(line: str) -> bool:
    """Whether readlline.c skips this physical line: blank, or its first visible character is ``#``."""
    stripped = line.strip(SPACE)
    return not stripped or stripped[0] == "#"


def logical_lines(lines: Sequence[str]) -> Iterator[Logical]:
    """The logical lines of a file, as readlline.c forms them.

    A line that begins with white space continues the one before; comment lines and blank lines neither
    begin nor end a logical line.
    """
    parts: list[int] = []
    for number, line in enumerate(lines):
        if is_filler(line):
            continue
        if parts and line[0] not in SPACE:
            yield _join(lines, parts)
            parts = []
        parts.append(number)
    if parts:
        yield _join(lines, parts)


def _join(lines: Sequence[str], parts: Sequence[int]) -> Logical:
    text = "".join(lines[number][:-1] if lines[number].endswith("\n") else lines[number] for number in parts)
    return Logical(tuple(parts), text)


def words(text: str, separators: str = _SEPARATORS) -> list[tuple[int, int]]:
    """The words of ``text`` as (start, end); separators inside ``{}`` do not count (mystrtokq of mystrtok.c)."""
    found: list[tuple[int, int]] = []
    position, end = 0, len(text)
    while True:
        while position < end and text[position] in separators:
            position += 1
        if position >= end:
            return found
        start, level = position, 0
        while position < end:
            char = text[position]
            if char == "{":
                level += 1
            elif char == "}" and level > 0:
                level -= 1
            elif level == 0 and char in separators:
                break
            position += 1
        found.append((start, position))


_TO_SPACE = {ord(char): " " for char in _SEPARATORS}


def normalize(value: str) -> str:
    """``value`` as ``postconf`` prints it: one space for each run of blanks, also inside braces."""
    return " ".join(word for word in value.translate(_TO_SPACE).split(" ") if word)


def list_words(value: str) -> list[str]:
    """The elements of a list value: split at commas and white space, but not inside ``{}``."""
    return [value[start:end] for start, end in words(value, _LIST_SEPARATORS)]


def split_name_value(text: str) -> tuple[str, str]:
    """Split a logical line into name and raw value (split_nameval.c); ValueError with Postfix's reason."""
    match = _NAME.match(text)
    if match is None:
        raise AssertionError("every part of the pattern may be empty")
    if not match[1]:
        raise ValueError("missing attribute name")
    if not match[2]:
        raise ValueError("missing '=' after attribute name")
    return match[1], text[match.end() :].strip(SPACE)


_NAME = re.compile(r"[ \t\n\v\f\r]*([^ \t\n\v\f\r=]*)[ \t\n\v\f\r]*(=?)")


@dataclass(frozen=True)
class MainCf:
    """A main.cf: its physical lines, line ends included. All edits return a new MainCf."""

    lines: tuple[str, ...]
    path: str = "main.cf"

    def render(self) -> str:
        """The text of the file."""
        return "".join(self.lines)

    @cached_property
    def _split(self) -> tuple[list[tuple[Logical, Entry]], list[BadLine]]:
        entries: list[tuple[Logical, Entry]] = []
        bad: list[BadLine] = []
        for logical in logical_lines(self.lines):
            text, nul, _rest = logical.text.partition("\0")
            if nul:
                bad.append(BadLine(logical.line, logical.text, "Postfix ignores the text after a null byte"))
            if text[:1] and text[0] in SPACE:
                bad.append(BadLine(logical.line, logical.text, "a logical line must not start with white space"))
                continue
            try:
                name, raw = split_name_value(text)
            except ValueError as exc:
                bad.append(BadLine(logical.line, logical.text, str(exc)))
                continue
            entries.append((logical, Entry(name, normalize(raw), raw, logical.line, logical.last_line)))
        return entries, bad

    def entries(self) -> list[Entry]:
        """Every ``name = value``, in the order of the file, duplicates included."""
        return [entry for _logical, entry in self._split[0]]

    @property
    def bad_lines(self) -> list[BadLine]:
        """The logical lines that are not ``name = value``, or not all of it."""
        return list(self._split[1])

    @cached_property
    def _effective(self) -> dict[str, Entry]:
        return {entry.name: entry for _logical, entry in self._split[0]}

    def get(self, name: str) -> Entry | None:
        """The effective entry of ``name``: the last one."""
        return self._effective.get(name)

    def set(self, name: str, value: str, *, fold: bool = True) -> MainCf:
        """Give ``name`` the text ``value``: in place, or appended in sorted order. See ``edit``."""
        return self.edit({name: value}, (), folded=(name,) if fold else ())

    def remove(self, name: str) -> MainCf:
        """Take out every occurrence of ``name``, continuation lines included; comments among them stay."""
        return self.edit({}, (name,))

    def edit(self, values: dict[str, str], absent: Iterable[str], folded: Iterable[str] = ()) -> MainCf:
        """Set and remove many parameters at once.

        A value goes where the effective occurrence is; other occurrences go. An occurrence that already has
        the value keeps its layout. New parameters are appended, sorted by name as postconf(1) does it. The
        values of the names in ``folded``, which are lists, are broken into continuation lines where they are
        longer than a line; one that is in the file on several lines keeps its layout, but for the items that are
        not the same. ValueError for a name or value that cannot be written.
        """
        fold = frozenset(folded)
        gone = frozenset(absent)
        for name, value in values.items():
            check_name(name)
            check_value(name, value)
        present = self._split[0]
        effective = {entry.name: entry.line for _logical, entry in present}
        replacement: dict[int, list[str]] = {}
        for logical, entry in present:
            if entry.name in gone or (entry.name in values and entry.line != effective[entry.name]):
                replacement.update({number: [] for number in logical.parts})
            elif entry.name in values:
                value = values[entry.name].strip(SPACE)
                same = value == entry.raw or (entry.name in fold and list_words(value) == list_words(entry.raw))
                if same and "\0" not in logical.text:
                    continue
                relaid = _relaid(self.lines, logical, entry, value) if entry.name in fold else None
                if relaid is not None:
                    replacement.update(relaid)
                    continue
                replacement.update({number: [] for number in logical.parts})
                replacement[logical.parts[0]] = _written(
                    _prefix(self.lines[logical.parts[0]], entry.name),
                    value,
                    entry.name in fold,
                    line_end(self.lines, logical.parts[0]),
                )
        lines: list[str] = []
        for number, line in enumerate(self.lines):
            lines.extend(replacement.get(number, [line]))
        new = sorted(name for name in values if name not in effective)
        end = line_end(self.lines)
        if new:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += end
            for name in new:
                lines.extend(_written(f"{name} = ", values[name].strip(SPACE), name in fold, end))
        return MainCf(terminated(lines, end), self.path)


def terminated(lines: list[str], end: str) -> tuple[str, ...]:
    """Only the last line may lack its newline."""
    return tuple(
        line if line.endswith("\n") or number == len(lines) - 1 else line + end for number, line in enumerate(lines)
    )


def line_end(lines: Sequence[str], number: int = 0) -> str:
    """How line ``number`` ends, or the first one where that has no end."""
    ends = [line for line in (*lines[number : number + 1], *lines[:1]) if line.endswith("\n")]
    return "\r\n" if ends and ends[0].endswith("\r\n") else "\n"


def _prefix(line: str, name: str) -> str:
    """What stands before the value: as written by hand where name and ``=`` share the first physical line."""
    after = line[len(name) :]
    blank = len(after) - len(after.lstrip(" \t"))
    if after[blank : blank + 1] != "=":
        return f"{name} = "
    tail = after[blank + 1 :]
    space = tail[: len(tail) - len(tail.lstrip(" \t"))]
    if not tail.strip(SPACE) or tail.lstrip(" \t").startswith("\0"):
        # the value was empty or began on the next line
        space = "" if not after[:blank] and not space else " "
    return name + after[: blank + 1] + space


def _written(prefix: str, value: str, fold: bool, end: str) -> list[str]:
    if not fold or len(prefix) + len(value) <= LINE_LIMIT:
        return [f"{prefix}{value}{end}"]
    lines: list[str] = []
    current, fresh = prefix, True
    for start, stop in words(value):
        word = value[start:stop]
        # A word that begins with "#" would turn a continuation line into a comment.
        if not fresh and word[0] != "#" and len(current) + 1 + len(word) > LINE_LIMIT:
            lines.append(current + end)
            current = INDENT + word
        else:
            current = current + ("" if fresh else " ") + word
        fresh = False
    return [*lines, current + end]


@dataclass
class _ListLine:
    """A physical line of a list: what stands before its first item, the items with what parts them, and the rest."""

    before: str
    items: list[tuple[str, str]]
    rest: str

    def render(self) -> str:
        """The line; what parted the first item from one that is gone goes with that."""
        shown = [separator + item if number else item for number, (separator, item) in enumerate(self.items)]
        return self.before + "".join(shown) + self.rest


def _relaid(lines: Sequence[str], logical: Logical, entry: Entry, value: str) -> dict[int, list[str]] | None:
    """The lines of a list that is written on several of them, with the items of ``value``: lines whose items stay are
    untouched. None where the layout is too unusual, or nothing of it would be left.
    """
    if len(logical.parts) == 1:
        return None
    found = None
    # Where there are commas, what stands between two of them belongs together: a restriction and its table.
    for separators in (",", _LIST_SEPARATORS):
        found = found or _with_items(lines, logical, entry.name, value, separators)
    return found


def _items(text: str, separators: str) -> list[tuple[int, int]]:
    """The items of a list as (start, end), without the blanks around them."""
    found = []
    for start, end in words(text, separators):
        item = text[start:end]
        if item.strip(SPACE):
            start += len(item) - len(item.lstrip(SPACE))
            found.append((start, start + len(item.strip(SPACE))))
    return found


def _with_items(
    lines: Sequence[str], logical: Logical, name: str, value: str, separators: str
) -> dict[int, list[str]] | None:
    old = _list_lines(lines, logical, separators)
    new = [normalize(value[start:end]) for start, end in _items(value, separators)]
    if old is None or not set(new) & {normalize(item) for line in old.values() for _separator, item in line.items}:
        return None
    places = [(number, at) for number, line in old.items() for at in range(len(line.items))]
    commas = any("," in text for line in old.values() for text in (line.rest, *(sep for sep, _item in line.items[1:])))
    joint, last, mark = (", ", places[-1][0], ",") if commas else (" ", places[-1][0], "")
    ended = "," in old[last].rest
    columns = max(len(line.items) for number, line in old.items() if number != logical.parts[0])
    indents = [line.before for number, line in old.items() if number != logical.parts[0] and line.items]
    added: dict[int, list[str]] = {}
    inline: dict[tuple[int, int], list[str]] = {}
    gone: set[tuple[int, int]] = set()
    have = [normalize(old[number].items[at][1]) for number, at in places]
    for tag, start, stop, first, end in difflib.SequenceMatcher(None, have, new, autojunk=False).get_opcodes():
        fresh = new[first:end]
        if tag == "equal":
            continue
        for place in places[start:stop]:
            if fresh:
                number, at = place
                old[number].items[at] = (old[number].items[at][0], fresh.pop(0))
            else:
                gone.add(place)
        if fresh and stop == 0 and columns == 1 and places[0][0] != logical.parts[0]:
            added[logical.parts[0]] = fresh
        elif fresh and stop == 0:
            number, at = places[0]
            old[number].items[at] = (old[number].items[at][0], joint.join([*fresh, have[0]]))
        elif fresh:
            number, at = places[stop - 1]
            line = old[number]
            there = len(line.render().rstrip()) + len(joint.join(["", *fresh]))
            if at == len(line.items) - 1 and (columns == 1 or there > LINE_LIMIT):
                added[number] = [*added.get(number, []), *fresh]
            else:
                inline[number, at] = fresh
    found: dict[int, list[str]] = {}
    for number, line in old.items():
        items: list[tuple[str, str]] = []
        for at, (separator, item) in enumerate(line.items):
            if (number, at) not in gone:
                items.append((separator, joint.join([item, *inline.get((number, at), [])])))
        emptied = bool(line.items) and not items
        line.items = items
        end_of_line = line_end(lines, number)
        if emptied and number == logical.parts[0]:
            found[number] = [line.before.rstrip(" \t") + end_of_line]
        else:
            found[number] = [] if emptied else [line.render()]
        found[number] += [
            f"{indents[-1] if indents else INDENT}{item}{mark}{end_of_line}" for item in added.get(number, [])
        ]
    if commas:
        _close(lines, found, last, ended, bool(added.get(last)))
    return found if _says(lines, logical, found, name, list_words(value)) else None


def _close(lines: Sequence[str], found: dict[int, list[str]], last: int, ended: bool, continued: bool) -> None:
    """Put the comma behind what was the last item, and take it from what is the last one now."""
    if continued and not ended and found[last]:
        body = found[last][0].rstrip()
        found[last][0] = body + ("," if not body.endswith(("=", ",")) else "") + line_end(lines, last)
    number = max(number for number, texts in found.items() if texts)
    text = found[number][-1]
    if not ended and text.rstrip().endswith(","):
        found[number][-1] = text.rstrip().rstrip(",").rstrip() + line_end(lines, number)


def _says(lines: Sequence[str], logical: Logical, found: dict[int, list[str]], name: str, items: list[str]) -> bool:
    """Whether Postfix reads the new lines, with the comments among them, as this list."""
    block: list[str] = []
    for number in range(logical.parts[0], logical.parts[-1] + 1):
        block.extend(found.get(number, [lines[number]]))
    read = list(logical_lines(block))
    if len(read) != 1 or read[0].parts[0] != 0:
        return False
    said, raw = split_name_value(read[0].text)
    return said == name and list_words(raw) == items


def _list_lines(lines: Sequence[str], logical: Logical, separators: str) -> dict[int, _ListLine] | None:
    """The physical lines of a list; None where an item spans lines, or the name and its ``=`` do."""
    first = lines[logical.parts[0]]
    start = first.find("=") + 1
    if not start or "\0" in logical.text:
        return None
    spans = _items(" " * start + logical.text[start:], separators)
    found: dict[int, _ListLine] = {}
    offset = 0
    for number in logical.parts:
        line = lines[number]
        size = len(line) - line.endswith("\n")
        here = [(a - offset, b - offset) for a, b in spans if offset <= a < offset + size]
        if any(b > size for _a, b in here):
            return None
        items, at = [], here[0][0] if here else len(line.rstrip(SPACE))
        before = line[:at]
        for a, b in here:
            items.append((line[at:a], line[a:b]))
            at = b
        found[number] = _ListLine(before, items, line[at:])
        offset += size
    return found


def check_name(name: str) -> None:
    """ValueError where ``name`` cannot be the name of a parameter."""
    if not name:
        raise ValueError("the name of a parameter must not be empty")
    for char in name:
        if char in SPACE or char == "=" or not char.isprintable():
            raise ValueError(f"parameter {name!r}: a name must not hold white space, '=' or control characters")
        if char in "{}$":
            raise ValueError(f"parameter {name!r}: a name must not hold '$', '{{' or '}}'")
    if name[0] == "#":
        raise ValueError(f"parameter {name!r}: a name must not begin with '#', which begins a comment")


def check_value(name: str, value: str) -> None:
    """ValueError where ``value`` cannot stand in main.cf. The message does not repeat it: it may be a secret."""
    for char, what in (("\n", "a newline"), ("\r", "a carriage return"), ("\0", "a null byte")):
        if char in value:
            hint = "; give a list, or fold it with '>-' in YAML" if char == "\n" else ""
            raise ValueError(f"parameter {name!r}: its value holds {what}, which main.cf cannot hold{hint}")
    if not is_text(value):
        raise ValueError(f"parameter {name!r}: its value holds half of a surrogate pair, which is not a character")


def is_text(text: str) -> bool:
    """Whether ``text`` can be in a file: characters, or the bytes of one that is no UTF-8."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def parse(text: str, path: str = "main.cf") -> MainCf:
    """Read the text of a main.cf. Never fails: see ``MainCf.bad_lines``. ``path`` is for messages."""
    return MainCf(split_physical(text), path)
