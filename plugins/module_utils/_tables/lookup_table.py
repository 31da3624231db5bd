# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup tables: what postmap(1) reads, stores, prints and answers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tables.kinds import BUILT_SUFFIX, TEXT_TYPES


class QueryAnswerError(ValueError):
    """postmap could not answer; the message is what it said."""


def parse_answers(keys: Sequence[str], rc: int, stdout: str, stderr: str) -> dict[str, str | None]:
    """What ``postmap -q -`` found for ``keys``, None where it found nothing.

    postmap(1) prints ``key<TAB>value`` for each key it found, in the order asked, and exits with 1 where it
    found none; a table that fails gives the same exit status and a message of severity error or worse.
    """
    said = [re.sub(r"^postmap: ", "", line.strip()) for line in stderr.splitlines() if line.strip()]
    if rc not in (0, 1) or any(re.match(r"(fatal|error|panic): ", line) for line in said):
        raise QueryAnswerError(" / ".join(said) or f"postmap ended with exit status {rc}")
    answers: dict[str, str | None] = dict.fromkeys(keys)
    pending = list(keys)
    current = None
    for line in stdout.split("\n")[:-1]:
        index = next((i for i, key in enumerate(pending) if line.startswith(f"{key}\t")), None)
        if index is not None:
            current = pending[index]
            answers[current] = line[len(current) + 1 :]
            del pending[: index + 1]
        elif current is not None:
            # A value of an SQL table may hold line breaks.
            answers[current] = f"{answers[current]}\n{line}"
        else:
            raise QueryAnswerError(f"postmap printed {line!r}, which answers none of the keys asked")
    return answers


@dataclass(frozen=True)
class Fingerprint:
    """The records of a table whatever their order: how many, and the sum of their hashes.

    The hashes are Python's own of bytes: 64 bits, with a key of this process, so fingerprints of two processes
    do not compare.
    """

    count: int
    total: int


# isspace(3) in the C locale: to Postfix a no-break space is a letter.
_BLANKS = " \t\n\v\f\r"
_GAP = re.compile(f"[{_BLANKS}]+")
_COMMENT = frozenset(("", "#", *_BLANKS))
_SPECIAL_ALIASES = (b"YP_LAST_MODIFIED", b"YP_MASTER_NAME", b"@")

#: characters of a value that a sentence shows
_SHOWN = 120
#: bytes of a source that are taken apart at once
_BLOCK = 1 << 18
# A line that begins an entry of its own: a block can end before it.
_ENTRY = re.compile(rb"\n(?=[^\s#])")
# What a line cannot be taken apart by blanks with: a quote, a backslash, a NUL.
_INTRICATE = (b'"', b"\\", b"\0")
# Where a line is not an entry of its own: a comment, a blank one, one that continues another.
_NO_ENTRY = (b"\n#", *(b"\n%c" % blank for blank in b" \t\n\v\f\r"))
_CONTINUED = re.compile(rb"^[ \t\v\f\r]+[^\s#]", re.MULTILINE)


_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
# what a byte that is no UTF-8 becomes when it is read with "surrogateescape"
_NO_UTF8 = re.compile("[\udc80-\udcff]")


def fold(key: str, utf8: bool = True) -> str:
    """A key as Postfix stores it (casefold.c): beyond ASCII only with ``utf8``, and where it is valid UTF-8."""
    if key.isascii():
        return key.lower()
    return key.casefold() if utf8 and not _NO_UTF8.search(key) else key.translate(_ASCII_LOWER)


def _shown(text: str) -> str:
    """A text in a sentence: of a long one its beginning."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text)} characters)"


def check_type(table_type: str, known: Collection[str]) -> None:
    """ValueError where there is no such kind of file, or the host's Postfix cannot read it."""
    kinds = (*BUILT_SUFFIX, *TEXT_TYPES)
    if table_type not in kinds:
        near = difflib.get_close_matches(table_type, kinds, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(kinds)}"
        raise ValueError(f"{table_type!r} is not a type of table that lies in a file; {hint}")
    if table_type not in known:
        usable = ", ".join(kind for kind in kinds if kind in known)
        raise ValueError(f"this host's Postfix has no tables of type {table_type!r}; of those in files it has {usable}")


def _split(line: str) -> tuple[str, str] | None:
    """Key and value of a logical line, as postmap.c takes it apart; None where a quote stays open.

    A backslash protects the next character, and blanks inside double quotes belong to the key.
    """
    if '"' not in line and "\\" not in line:
        parts = _GAP.split(line, 1)
        return parts[0], parts[1].rstrip(_BLANKS) if len(parts) > 1 else ""
    quoted = False
    index = 0
    while index < len(line):
        character = line[index]
        if character == "\\":
            index += 1
        elif character == '"':
            quoted = not quoted
        elif character in _BLANKS and not quoted:
            break
        index += 1
    if quoted:
        return None
    return line[:index], line[index:].strip(_BLANKS)


def logical_lines(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    """Line number and text of each logical line (readllines.c): comments and blank lines are nowhere.

    ``first`` is the number of the first line of ``text``.
    """
    start, parts = 0, [""]
    for number, line in enumerate(text.split("\n"), first):
        if line[:1] in _COMMENT and (not line.strip(_BLANKS) or line.lstrip(_BLANKS)[0] == "#"):
            continue
        if line[0] in _BLANKS:
            if not start:
                raise ValueError(
                    f"line {number}: {_shown(line)} continues a line that is not there; write the key first"
                )
            parts.append(line)
            continue
        if start:
            yield start, parts[0] if len(parts) == 1 else "".join(parts)
        start, parts = number, [line]
    if start:
        yield start, parts[0] if len(parts) == 1 else "".join(parts)


def records(text: str, utf8: bool = True, first: int = 1) -> Iterator[tuple[int, str, str]]:
    """Line number, folded key and value of each line of a source with ``key value`` lines. Raises ValueError."""
    for number, line in logical_lines(text, first):
        pair = _split(line)
        if pair is None:
            raise ValueError(f"line {number}: {_shown(line)} has a double quote that stays open")
        key, value = pair
        if not key or not value:
            raise ValueError(f"line {number}: {_shown(line)} has no value. Use a key, blanks and a value")
        if "\0" in line:
            raise ValueError(f"line {number}: {_shown(line)} has a NUL, where Postfix would stop reading")
        yield number, fold(key, utf8), value


def _blocks(source: bytes) -> Iterator[tuple[int, bytes]]:
    """``source`` in pieces of whole logical lines, each with the number of its first line."""
    start, line = 0, 1
    while start < len(source):
        cut = _ENTRY.search(source, start + _BLOCK)
        end = cut.end() if cut else len(source)
        block = source[start:end]
        yield line, block
        line += block.count(b"\n")
        start = end


def _plain_records(block: bytes) -> list[bytes] | None:
    """The records of a block without quotes, continued lines and letters beyond ASCII, as ``postmap -s`` prints them.

    None for any other block, and where a line is not an entry: it is taken apart with more care, and more time.
    """
    if not block.isascii() or any(mark in block for mark in _INTRICATE):
        return None
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if block[:1].strip() in (b"", b"#") or any(mark in block for mark in _NO_ENTRY):
        if _CONTINUED.search(block):
            return None
        lines = [line for line in lines if line[:1].strip() not in (b"", b"#")]
    try:
        return [key.lower() + b"\t" + value.rstrip() for key, value in [line.split(None, 1) for line in lines]]
    except ValueError:
        return None


def _source_records(source: bytes, utf8: bool = True) -> Iterator[list[bytes]]:
    """The records of ``source`` as ``postmap -s`` would print them, some thousands at a time, in the source's order.

    ValueError with its line for what Postfix would skip.
    """
    for line, block in _blocks(source):
        found = _plain_records(block)
        if found is None:
            text = block.decode("utf-8", "surrogateescape")
            pairs = records(text, utf8, line)
            found = [f"{key}\t{value}".encode("utf-8", "surrogateescape") for _number, key, value in pairs]
        yield found


def source_fingerprint(source: bytes, utf8: bool = True) -> Fingerprint:
    """What an index made from ``source`` holds. ValueError with its line for what Postfix would skip.

    A key that is there twice counts twice, as no index has it: ``duplicate`` tells where.
    """
    count = total = 0
    for found in _source_records(source, utf8):
        count += len(found)
        total += sum(map(hash, found))
    return Fingerprint(count, total)


def duplicate(source: bytes, utf8: bool = True) -> str | None:
    """A sentence on the first key that is in a source twice; None where each is there once. Raises ValueError."""
    text = source.decode("utf-8", "surrogateescape")
    seen: set[int] = set()
    for number, key, _value in records(text, utf8):
        mark = hash(key)
        if mark in seen:
            first = next(line for line, other, _found in records(text, utf8) if hash(other) == mark)
            return (
                f"line {number}: the key {_shown(key)} is there already, in line {first} (case does not count);"
                " Postfix would use one of the two"
            )
        seen.add(mark)
    return None


def dump_fingerprint(chunks: Iterable[bytes], builder: str) -> Fingerprint:
    """The fingerprint of what ``postmap -s`` or ``postalias -s`` prints, in pieces of any size."""
    count = total = 0
    for lines in _whole_lines(chunks):
        found = [line for line in map(_alias_record, lines) if line] if builder == "postalias" else lines
        count += len(found)
        total += sum(map(hash, found))
    return Fingerprint(count, total)


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest: list[bytes] = []
    for chunk in chunks:
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest.append(chunk)
            continue
        yield (b"".join(rest) + head).split(b"\n")
        rest = [tail]
    if any(rest):
        yield [b"".join(rest)]


def _alias_record(line: bytes) -> bytes | None:
    """A line of ``postalias -s``, without the colon of its key; None for what postalias adds of its own."""
    key, _tab, value = line.partition(b"\t")
    key = key[:-1] if key.endswith(b":") else key
    return None if key in _SPECIAL_ALIASES else key + b"\t" + value


def render_entries(entries: Mapping[str, Any], builder: str) -> str:
    """The source of a table from a mapping, in the order given. ValueError for what no line can hold."""
    lines: list[str] = []
    folded: dict[str, str] = {}
    for raw, given in entries.items():
        key = str(raw)
        value = ", ".join(str(item) for item in given) if isinstance(given, (list, tuple)) else given
        if isinstance(value, (bool, Mapping)) or value is None:
            raise ValueError(f"the key {key!r} has the value {value!r}. Use a text (quoted in YAML)")
        text = str(value)
        for what, part in (("key", key), ("value", text)):
            if any(character in part for character in "\n\r\0"):
                raise ValueError(f"the {what} {part!r} has a line break or a NUL; it must be one line")
        if not text.strip(_BLANKS) or text != text.strip(_BLANKS):
            raise ValueError(
                f"the key {key!r} has the value {text!r}; it must neither be empty nor begin or end with blanks"
            )
        if not key or key[0] == "#":
            raise ValueError(f"the key {key!r} is empty or begins with '#', which makes the line a comment")
        if builder == "postalias":
            if re.search(r'[\s:"\\]', key):
                raise ValueError(
                    f"the alias {key!r} has blanks, colons, quotes or backslashes; give it in content, quoted"
                )
            line = f"{key}:\t{text}"
        else:
            line = f"{key}\t{text}"
            if _split(line) != (key, text):
                raise ValueError(f"the key {key!r} has blanks outside double quotes, where the value would begin")
        before = folded.setdefault(fold(key), key)
        if before != key:
            raise ValueError(f"the keys {before!r} and {key!r} are one to Postfix, which folds them; name it once")
        lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def rule_problems(stderr: str, path: str) -> list[str]:
    """What postmap said of single lines of the source: each of them would be skipped or overruled."""
    found = []
    for line in stderr.splitlines():
        said = re.sub(r"^post(map|alias): warning: ", "", line.strip())
        if re.search(r", line \d+: |duplicate entry: ", said):
            found.append(said.replace(f"{path}, ", "").replace(path, ""))
    return list(dict.fromkeys(found))
