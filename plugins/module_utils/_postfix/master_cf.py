# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""master.cf, read as master(8) reads it and edited without touching what does not change.

Sources: master(5); Postfix src/master/master_ent.c, src/postconf/postconf_master.c, src/util/extpar.c.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import (
    SPACE,
    BadLine,
    Logical,
    is_filler,
    line_end,
    logical_lines,
    split_name_value,
    split_physical,
    terminated,
    words,
)

#: the columns of master(5) after name and type, in order
COLUMNS = ("private", "unpriv", "chroot", "wakeup", "maxproc", "command")

TYPES = ("inet", "unix", "unix-dgram", "fifo", "pass")

_FLAG = re.compile(r"[yn-]\Z")
_WAKEUP = re.compile(r"(?:-|[0-9]+\??)\Z")
_MAXPROC = re.compile(r"(?:-|[0-9]+)\Z")

#: daemons whose arguments are more than options: pipe(8), spawn(8)
_WITH_ARGUMENTS = ("pipe", "spawn")

#: the widths that the master.cf shipped with Postfix uses for its columns
_WIDTHS = (10, 6, 8, 8, 8, 8, 8)


@dataclass(frozen=True)
class Service:
    """One service. ``options`` are the ``-o name=value``; ``arguments`` are all other words after the command.

    Columns are as written; ``-`` is the default of master(5). Braces around a word are not part of it.
    ``line`` and ``last_line`` are counted from 1; 0 for a service that is in no file.
    """

    name: str
    type: str
    private: str = "-"
    unpriv: str = "-"
    chroot: str = "-"
    wakeup: str = "-"
    maxproc: str = "-"
    command: str = ""
    options: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    line: int = 0
    last_line: int = 0

    @property
    def key(self) -> str:
        """``name/type``, as postconf(1) writes it."""
        return f"{self.name}/{self.type}"

    def option(self, name: str) -> str | None:
        """The effective value of ``-o name``: the last one given."""
        return dict(self.options).get(name)

    def same(self, other: Service) -> bool:
        """Whether both say the same, wherever they stand."""
        return replace(self, line=0, last_line=0) == replace(other, line=0, last_line=0)


@dataclass(frozen=True)
class _Word:
    text: str
    line: int  # physical, from 0; -1 where the word spans lines
    start: int
    end: int


@dataclass(frozen=True)
class _Option:
    name: str
    value: str
    first: int  # index of its first word
    last: int


@dataclass(frozen=True)
class _Parsed:
    logical: Logical
    words: tuple[_Word, ...]
    service: Service
    options: tuple[_Option, ...]
    arguments: tuple[int, ...]
    problems: tuple[str, ...]


def _words_of(lines: Sequence[str], logical: Logical) -> tuple[_Word, ...]:
    starts: list[tuple[int, int]] = []
    offset = 0
    for number in logical.parts:
        starts.append((offset, number))
        offset += len(lines[number].rstrip("\n")) if lines[number].endswith("\n") else len(lines[number])
    found: list[_Word] = []
    text = logical.text.partition("\0")[0]
    for start, end in words(text):
        base, number = max(entry for entry in starts if entry[0] <= start)
        spans = any(start < other < end for other, _number in starts)
        found.append(_Word(text[start:end], -1 if spans else number, start - base, end - base))
    return tuple(found)


def _unbraced(word: str) -> str:
    """The word that master(8) passes on: ``{ text }`` loses its braces and the blanks inside them (extpar.c)."""
    if word.startswith("{") and word.endswith("}") and words(word) == [(0, len(word))]:
        return word[1:-1].strip(SPACE)
    return word


def balanced(text: str) -> bool:
    """Whether each brace in ``text`` has its partner."""
    level = 0
    for char in text:
        level += {"{": 1, "}": -1}.get(char, 0)
        if level < 0:
            return False
    return level == 0


def _braced(word: str) -> str:
    if not word or word[0] == "{" or any(char in SPACE for char in word):
        return "{" + f" {word} " + "}"
    return word


def _option_text(name: str, value: str) -> str:
    if any(char in SPACE for char in value):
        return "{" + f" {name} = {value} " + "}"
    return f"{name}={value}"


def _opening(command: str) -> re.Pattern[str]:
    """How a continuation line of a service begins, to tell it from prose where both are comments."""
    return re.compile(r"[-{$/]|\w+=" if command in _WITH_ARGUMENTS else r"-\w")


def column_problem(column: str, value: str) -> str | None:
    """What is wrong with ``value`` in a column of master(5), or None."""
    if column in ("private", "unpriv", "chroot") and not _FLAG.match(value):
        return f"{column} is {value!r}; it must be y, n or -"
    if column == "wakeup" and not _WAKEUP.match(value):
        return f"wakeup is {value!r}; it must be a number of seconds, with ? after it or not, or -"
    if column == "maxproc" and not _MAXPROC.match(value):
        return f"maxproc is {value!r}; it must be a number of processes, or -"
    return None


def _read(lines: Sequence[str], logical: Logical) -> _Parsed | str:
    """Read one logical line; a string says why it is not a service."""
    if logical.text[0] in SPACE:
        return "a logical line must not start with white space"
    found = _words_of(lines, logical)
    if len(found) < 8:
        return f"there are {len(found)} columns; a service has at least 8: name, type, {', '.join(COLUMNS)}"
    texts = [word.text for word in found]
    problems: list[str] = []
    if "\0" in logical.text:
        problems.append("Postfix ignores the text after a null byte")
    if texts[1] not in TYPES:
        problems.append(f"the type is {texts[1]!r}; it must be one of {', '.join(TYPES)}")
    for column, value in zip(COLUMNS, texts[2:8]):
        problem = column_problem(column, value)
        if problem:
            problems.append(problem)
    options: list[_Option] = []
    arguments: list[int] = []
    index = 8
    while index < len(texts) and texts[index].startswith("-") and texts[index] not in ("-", "--"):
        first, text = index, texts[index]
        if text == "-o":
            index += 1
            if index == len(texts):
                problems.append("the last -o has no name=value after it")
                arguments.append(first)
                break
            text = texts[index]
        elif text.startswith("-o"):
            text = text[2:]
        else:
            arguments.append(index)
            index += 1
            continue
        try:
            name, value = split_name_value(_unbraced(text))
            options.append(_Option(name, value, first, index))
        except ValueError as exc:
            problems.append(f"-o {text}: {exc}")
            arguments.extend(range(first, index + 1))
        index += 1
    arguments.extend(range(index, len(texts)))
    service = Service(
        texts[0],
        texts[1],
        **dict(zip(COLUMNS, texts[2:8])),
        options=tuple((option.name, option.value) for option in options),
        arguments=tuple(_unbraced(texts[number]) for number in arguments),
        line=logical.line,
        last_line=logical.last_line,
    )
    return _Parsed(logical, found, service, tuple(options), tuple(arguments), tuple(problems))


@dataclass(frozen=True)
class MasterCf:
    """A master.cf: its physical lines, line ends included. All edits return a new MasterCf."""

    lines: tuple[str, ...]
    path: str = "master.cf"

    def render(self) -> str:
        """The text of the file."""
        return "".join(self.lines)

    @cached_property
    def _parsed(self) -> tuple[list[_Parsed], list[BadLine]]:
        good: list[_Parsed] = []
        bad: list[BadLine] = []
        for logical in logical_lines(self.lines):
            found = _read(self.lines, logical)
            if isinstance(found, str):
                bad.append(BadLine(logical.line, logical.text, found))
            else:
                good.append(found)
                bad.extend(BadLine(logical.line, logical.text, problem) for problem in found.problems)
        return good, bad

    def services(self) -> list[Service]:
        """Every service, in the order of the file, duplicates included."""
        return [parsed.service for parsed in self._parsed[0]]

    @property
    def bad_lines(self) -> list[BadLine]:
        """The logical lines that are no service, or a faulty one."""
        return list(self._parsed[1])

    def get(self, key: str) -> Service | None:
        """The service ``name/type``; the last one where it is there twice."""
        found = None
        for service in self.services():
            if service.key == key:
                found = service
        return found

    def _blocks(self, key: str) -> list[_Parsed]:
        return [parsed for parsed in self._parsed[0] if parsed.service.key == key]

    def set(self, service: Service) -> MasterCf:
        """Make the service of this name and type say what ``service`` says; append it where it is missing.

        Only what differs is rewritten; duplicates are taken out. ValueError for what cannot be written.
        """
        _check(service)
        blocks = self._blocks(service.key)
        if not blocks:
            return self._with({}, _canonical(service, line_end(self.lines)))
        kept = blocks[-1]
        changes: dict[int, list[str]] = {}
        for block in blocks[:-1]:
            changes.update({number: [] for number in block.logical.parts})
        if not kept.service.same(service) or "\0" in kept.logical.text:
            changes.update(self._changed(kept, service))
        return self._with(changes)

    def remove(self, key: str) -> MasterCf:
        """Take out the service ``name/type``, continuation lines included; comments among them stay."""
        return self._with({number: [] for block in self._blocks(key) for number in block.logical.parts})

    def disable(self, key: str) -> MasterCf:
        """Turn the service ``name/type`` into comments, as ``postconf -M#`` does.

        Where a comment already says the same, the service is just taken out.
        """
        changes: dict[int, list[str]] = {}
        for block in self._blocks(key):
            known = any(service.same(block.service) for service, _lines in self._disabled(key))
            opening = _opening(block.service.command)
            for number in range(block.logical.parts[0], block.logical.parts[-1] + 1):
                line = self.lines[number]
                if number in block.logical.parts:
                    changes[number] = [] if known else ["#" + line]
                elif (
                    not known and line[:1] == "#" and line[1:2] in (" ", "\t") and opening.match(line[1:].strip(SPACE))
                ):
                    # an option that was commented out before: a second "#" keeps it apart
                    changes[number] = ["#" + line]
        return self._with(changes)

    def disabled(self, key: str) -> Service | None:
        """The service ``name/type`` that stands commented out in the file, or None; the last one."""
        found = self._disabled(key)
        return found[-1][0] if found else None

    def restore(self, key: str, wanted: Service | None = None) -> MasterCf:
        """Make the commented-out service ``name/type`` a service again; ``wanted``: only the one that says this.

        ValueError where there is no such comment.
        """
        for service, numbers in reversed(self._disabled(key)):
            if wanted is None or service.same(wanted):
                return self._with({number: [self.lines[number][1:]] for number in numbers})
        raise ValueError(f"{self.path}: service {key!r} is not there as a comment")

    def _disabled(self, key: str) -> list[tuple[Service, tuple[int, ...]]]:
        found: list[tuple[Service, tuple[int, ...]]] = []
        number = 0
        while number < len(self.lines):
            block = self._commented(number)
            number += 1
            if block and block[0].key == key:
                found.append(block)
        return found

    def _commented(self, first: int) -> tuple[Service, tuple[int, ...]] | None:
        """The service whose first line, commented out, is ``first``."""
        line = self.lines[first]
        if line[:1] != "#" or len(line) < 2 or line[1] in SPACE + "#":
            return None
        texts = [line[1:][start:end] for start, end in words(line[1:].partition("\0")[0])]
        if len(texts) < 8 or texts[1] not in TYPES:
            return None
        if any(column_problem(column, value) for column, value in zip(COLUMNS, texts[2:8])):
            return None
        numbers = [first]
        opening = _opening(texts[7])
        apart: list[int] = []
        for number in range(first + 1, len(self.lines)):
            line = self.lines[number]
            if line[:2] == "##" and line[2:3] in (" ", "\t") and opening.match(line[2:].strip(SPACE)):
                apart.append(number)
            elif line[:1] == "#" and line[1:2] in (" ", "\t"):
                # What stock files say in prose between the options stays a comment.
                if opening.match(line[1:].strip(SPACE)):
                    numbers.extend((*apart, number))
                    apart = []
            elif line[0] == "#" or not is_filler(line):
                break
        text = [self.lines[number][1:] for number in numbers]
        parsed = _read(text, next(logical_lines(text)))
        if isinstance(parsed, str) or parsed.problems:
            return None
        return replace(parsed.service, line=first + 1, last_line=numbers[-1] + 1), tuple(numbers)

    def _with(self, changes: dict[int, list[str]], appended: Sequence[str] = ()) -> MasterCf:
        lines: list[str] = []
        for number, line in enumerate(self.lines):
            lines.extend(changes.get(number, [line]))
        lines.extend(appended)
        return MasterCf(terminated(lines, line_end(self.lines)), self.path)

    def _changed(self, block: _Parsed, wanted: Service) -> dict[int, list[str]]:
        patched = self._patched(block, wanted)
        if patched is not None:
            result = self._with(patched)
            again = [service for service in result.services() if service.key == wanted.key]
            if again and again[-1].same(wanted) and len(result.services()) == len(self.services()):
                return patched
        changes: dict[int, list[str]] = {number: [] for number in block.logical.parts}
        changes[block.logical.parts[0]] = _canonical(wanted, line_end(self.lines))
        return changes

    def _patched(self, block: _Parsed, wanted: Service) -> dict[int, list[str]] | None:
        """The block with only the words changed that must be, or None where that is not possible.

        The caller checks the outcome: this may be wrong where the layout is unusual.
        """
        found, old = block.words, block.service
        first = block.logical.parts[0]
        if any(word.line < 0 for word in found) or any(word.line != first for word in found[:8]):
            return None
        edits: list[tuple[_Word, str | None]] = []
        columns = (wanted.name, wanted.type, *(getattr(wanted, column) for column in COLUMNS))
        edits.extend((found[index], text) for index, text in enumerate(columns) if found[index].text != text)

        values, last = dict(wanted.options), {option.name: option for option in block.options}
        for option in block.options:
            if option.name not in values or last[option.name] is not option:
                edits.extend((word, None) for word in found[option.first : option.last + 1])
            elif option.value != values[option.name]:
                text = _option_text(option.name, values[option.name])
                joined = option.first == option.last
                edits.append(
                    (found[option.last], ("-o " if joined and text[0] == "{" else "-o" if joined else "") + text)
                )
        added = [(name, value) for name, value in wanted.options if name not in last]

        options_end = max([first, *(found[option.last].line for option in block.options)])
        move = old.arguments != wanted.arguments or bool(
            added and any(found[index].line <= options_end for index in block.arguments)
        )
        if move:
            edits.extend((found[index], None) for index in block.arguments)

        lines = {number: self.lines[number] for number in block.logical.parts}
        for word, new in sorted(edits, key=lambda edit: (edit[0].line, edit[0].start), reverse=True):
            lines[word.line] = _replaced(lines[word.line], word, new)
        changes = {number: [] if is_filler(line) else [line] for number, line in lines.items()}
        end = line_end(self.lines)
        shown = [found[option.first] for option in block.options if found[option.first].line != first]
        indent = self.lines[shown[-1].line][: shown[-1].start] if shown else "  "
        if indent.strip(SPACE):
            indent = "  "
        changes[options_end].extend(f"{indent}-o {_option_text(name, value)}{end}" for name, value in added)
        if move and wanted.arguments:
            changes[block.logical.parts[-1]].append(f"  {' '.join(map(_braced, wanted.arguments))}{end}")
        return changes


def _replaced(line: str, word: _Word, text: str | None) -> str:
    before, after = line[: word.start], line[word.end :]
    if text is None:
        if not after.strip(SPACE):
            return before.rstrip(" \t") + after if before.strip(SPACE) else before + after
        return before + after.lstrip(" \t")
    run = len(after) - len(after.lstrip(" "))
    more = len(text) - len(word.text)
    if after.strip(SPACE) and run > 1:
        # keep the columns to the right where they are
        after = " " * max(1, run - more) + after[run:]
    return before + text + after


def _canonical(service: Service, end: str) -> list[str]:
    """The service in the layout of the master.cf that Postfix ships."""
    columns = (service.name, service.type, *(getattr(service, column) for column in COLUMNS[:-1]))
    head = "".join(f"{text:<{width - 1}} " for text, width in zip(columns, _WIDTHS)) + service.command
    lines = [head + end]
    lines.extend(f"  -o {_option_text(name, value)}{end}" for name, value in service.options)
    if service.arguments:
        lines.append(f"  {' '.join(map(_braced, service.arguments))}{end}")
    return lines


def _check(service: Service) -> None:
    key = service.key
    for name, text in (("name", service.name), ("command", service.command)):
        if not text:
            raise ValueError(f"service {key!r}: the {name} must not be empty")
        if any(char in SPACE or char in "{}\0" for char in text):
            raise ValueError(f"service {key!r}: {name} {text!r} must not hold white space or braces")
    if service.name[0] == "#":
        raise ValueError(f"service {key!r}: a name must not begin with '#', which begins a comment")
    if service.type not in TYPES:
        raise ValueError(f"service {key!r}: the type must be one of {', '.join(TYPES)}")
    for column in COLUMNS:
        problem = column_problem(column, getattr(service, column))
        if problem:
            raise ValueError(f"service {key!r}: {problem}")
    for name, value in service.options:
        if not name or any(char in SPACE or char in "={}\0" for char in name):
            raise ValueError(f"service {key!r}: option {name!r}: a name must not be empty or hold white space or '='")
        if any(char in "\n\r\0" for char in value) or value != value.strip(SPACE) or not balanced(value):
            raise ValueError(
                f"service {key!r}: the value of option {name!r} must be one line, with its braces in pairs "
                "and no white space around it"
            )
    for text in service.arguments:
        if any(char in "\n\r\0" for char in text) or text != text.strip(SPACE) or not balanced(text):
            raise ValueError(
                f"service {key!r}: argument {text!r} must be one line, with its braces in pairs "
                "and no white space around it"
            )


def parse(text: str, path: str = "master.cf") -> MasterCf:
    """Read the text of a master.cf. Never fails: see ``MasterCf.bad_lines``. ``path`` is for messages."""
    return MasterCf(split_physical(text), path)
