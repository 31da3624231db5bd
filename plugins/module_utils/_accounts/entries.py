# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domains, mailboxes and aliases that are asked for, in variables or in a file: what is wrong with each."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._accounts import routes, rows
from ansible_collections.puffy.mail.plugins.module_utils._accounts.rows import domain_entry, targets_of
from ansible_collections.puffy.mail.plugins.module_utils._inputs import vocabulary
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import truth

_DOMAIN_KEYS = ("name", "description", "backupmx", "active")
_MAILBOX_KEYS = ("address", "password", "password_hash", "name", "quota", "maildir", "active")
_ALIAS_KEYS = ("address", "goto", "active")
_DOMAIN_ALIAS_KEYS = ("name", "target", "active")
# What roles/dovecot has in auth_username_chars.
_NO_MAILBOX = re.compile(r"[^a-z0-9.!&'+=_~-]")
_HASH = re.compile(r"(\{[A-Za-z0-9.-]+\}|\$)[!-~]+\Z")


def _folded(value: Any) -> Any:
    return value if not isinstance(value, str) or value.isascii() else rows.folded(value)


def domain_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being a domain, as a sentence."""
    problem = vocabulary.domain(_folded(value))
    return None if problem is None else vocabulary.say(name, problem)


def address_problem(name: str, value: Any, *, catch_all: bool = False) -> str | None:
    """What keeps ``value`` from being a mail address; with ``catch_all``, ``@domain`` is one too."""
    problem = vocabulary.address(_folded(value), catch_all=catch_all)
    return None if problem is None else vocabulary.say(name, problem)


class _Problems:
    """Collects sentences about one list of entries."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, sentence: str | None) -> bool:
        """Note the sentence; whether there was one."""
        if sentence is not None:
            self.found.append(sentence)
        return sentence is not None

    def entries(self, name: str, value: Any, keys: Sequence[str], plain: bool) -> Iterable[tuple[str, dict[str, Any]]]:
        """Each well-formed entry of the list ``value`` with the name it has in a sentence."""
        if not isinstance(value, (list, tuple)):
            self.add(f"{name} is {_shown(value)}. Use a list.")
            return
        for index, raw in enumerate(value):
            here = f"{name}[{index}]"
            entry = domain_entry(raw) if plain else raw
            if not isinstance(entry, Mapping):
                self.add(f"{here} is {_shown(raw)}. Use a mapping with {', '.join(keys)}.")
                continue
            unknown = next((key for key in entry if key not in keys), None)
            if unknown is not None:
                near = difflib.get_close_matches(str(unknown), keys, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(keys)}."
                self.add(f"{here} has the key {unknown!r}, which is not known; {hint}")
                continue
            yield here, dict(entry)

    def flag(self, here: str, entry: Mapping[str, Any], key: str) -> bool:
        try:
            return truth(entry.get(key, key == "active"))
        except ValueError:
            self.add(f"{here}.{key} is {entry[key]!r}. Use true or false.")
            return True

    def line(self, here: str, entry: Mapping[str, Any], key: str) -> None:
        value = entry.get(key, "")
        if not isinstance(value, str) or any(ord(character) < 32 for character in value):
            self.add(f"{here}.{key} is {value!r}. Use text of one line.")


#: the lists of an accounts file, in the order in which they are checked
LISTS = ("domains", "mailboxes", "aliases", "domain_aliases")


def accounts_file(text: str, path: str) -> dict[str, list[Any]]:
    """The four lists of the accounts file ``text``; those it does not name are empty. ValueError for other text."""
    right = f"Use one JSON object with the lists {', '.join(LISTS)}, of which domains must be there."
    try:
        read = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as exc:
        raise ValueError(f"{path}, line {exc.lineno}, column {exc.colno}: {exc.msg}. {right}") from None
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"{path}: {exc}. {right}") from None
    if not isinstance(read, dict):
        raise ValueError(f"{path} is JSON and no object. {right}")
    for key, value in read.items():
        if key not in LISTS:
            near = difflib.get_close_matches(key, LISTS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else right
            raise ValueError(f"{path} has the key {key!r}, which is not known. {hint}")
        if not isinstance(value, list):
            raise ValueError(f"{path}: {key} is {_shown(value)}. Use a list.")
    return {key: read.get(key, []) for key in LISTS}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which each key stands once: of two values, one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _value in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object has the key {doubled!r} twice")
    return found


def accounts_file_problems(text: str, path: str, delimiter: str = "+", most_targets: int = routes.TARGETS) -> list[str]:
    """A sentence for each thing that is wrong with the accounts file ``text``, each naming its ``path``."""
    try:
        lists = accounts_file(text, path)
    except ValueError as exc:
        return [str(exc)]
    domains, mailboxes, aliases, twins = (f"{path}: {key}" for key in LISTS)
    return account_problems(
        *lists.values(),
        names=(domains, mailboxes, aliases, twins),
        plain_passwords=False,
        delimiter=delimiter,
        most_targets=most_targets,
    )


def _shown(value: Any) -> str:
    """A value in a sentence; of a mapping the keys only, for one of them may be a password."""
    return f"a mapping with {', '.join(map(str, value))}" if isinstance(value, Mapping) else repr(value)


def account_problems(
    domains: Any,
    mailboxes: Any,
    aliases: Any,
    domain_aliases: Any = (),
    *,
    names: Sequence[str] = ("domains", "mailboxes", "aliases", "domain_aliases"),
    plain_passwords: bool = True,
    known: rows.Tables | None = None,
    delimiter: str = "+",
    most_targets: int = routes.TARGETS,
) -> list[str]:
    """Return a sentence for each thing that is wrong with the accounts, naming the variable and the value.

    ``plain_passwords`` lets a mailbox have ``password`` instead of ``password_hash``. The rows ``known`` are there
    without being named. No sentence holds a password or a hash.
    """
    problems = _Problems()
    #: the rows as they would be, as far as where mail goes depends on them
    there: rows.Tables = {table: dict((known or {}).get(table, {})) for table in rows.COLUMNS}
    domain_names: dict[str, str] = {}
    for here, entry in problems.entries(names[0], domains, _DOMAIN_KEYS, plain=True):
        name = entry.get("name")
        if problems.add(domain_problem(here, name)):
            continue
        folded = rows.folded(str(name))
        if folded in domain_names:
            problems.add(f"{here} is {name!r}, which {domain_names[folded]} is already. Name each domain once.")
        domain_names.setdefault(folded, here)
        active, backupmx = (int(problems.flag(here, entry, key)) for key in ("active", "backupmx"))
        problems.line(here, entry, "description")
        there["domain"][folded] = (folded, "", backupmx, active)
    own = set(there["domain"])
    if isinstance(domains, (list, tuple)) and not own:
        problems.add(f"{names[0]} names no domain. Use a list such as ['example.org'].")
    _domain_aliases(problems, names[3], domain_aliases, own, names[0], there)

    boxes: set[str] = set()
    for here, entry in problems.entries(names[1], mailboxes, _MAILBOX_KEYS, plain=False):
        _mailbox(problems, here, entry, own, names[0], boxes, plain_passwords, there, delimiter)
    own.update(there["alias_domain"])

    places: dict[str, str] = {}
    given: dict[str, list[str]] = {}
    for here, entry in problems.entries(names[2], aliases, _ALIAS_KEYS, plain=False):
        _alias(problems, here, entry, own, names[0], places, given, there)
    for fault in routes.faults(rows.finder(there), given.items(), delimiter, most_targets):
        here = places.get(fault.alias, names[2])
        problems.add(f"{here}.goto of {fault.alias!r} {fault.problem}")
    return problems.found


def _domain_aliases(
    problems: _Problems, name: str, domain_aliases: Any, own: set[str], domains_name: str, there: rows.Tables
) -> None:
    """Add the domains that stand for another one to the rows ``there``."""
    places: dict[str, str] = {}
    for here, entry in problems.entries(name, domain_aliases, _DOMAIN_ALIAS_KEYS, plain=False):
        domain, target = entry.get("name"), entry.get("target")
        if problems.add(domain_problem(f"{here}.name", domain)) | problems.add(
            domain_problem(f"{here}.target", target)
        ):
            continue
        folded, wanted = rows.folded(str(domain)), rows.folded(str(target))
        active = int(problems.flag(here, entry, "active"))
        if folded in own and folded not in there["alias_domain"]:
            problems.add(
                f"{here}.name is {domain!r}, which is among {domains_name} already. Name it in one of the two."
            )
        elif folded in places:
            problems.add(f"{here}.name is {domain!r}, which {places[folded]} is already. Name each domain alias once.")
        elif wanted not in own:
            problems.add(
                f"{here}.target is {target!r}, which is not among {domains_name}. Use one of those; a domain alias"
                " of a domain alias is not followed."
            )
        if folded not in places:
            places[folded] = here
            there["domain"].setdefault(folded, (folded, "", 0, active))
            there["alias_domain"][folded] = (folded, wanted, active)


def _mailbox(
    problems: _Problems,
    here: str,
    entry: dict[str, Any],
    own: set[str],
    domains_name: str,
    boxes: set[str],
    plain_passwords: bool,
    there: rows.Tables,
    delimiter: str,
) -> None:
    address = entry.get("address")
    if problems.add(address_problem(f"{here}.address", address)):
        return
    folded = rows.folded(str(address))
    local, _at, domain = folded.rpartition("@")
    if domain not in own:
        problems.add(
            f"{here}.address is {address!r}, and {domain!r} is not among {domains_name}."
            " Add the domain there, or leave the mailbox out."
        )
    odd = _NO_MAILBOX.search(local)
    if odd:
        problems.add(
            f"{here}.address is {address!r}; a mailbox cannot have {odd[0]!r} in its name, which becomes a directory"
            " and a user of Dovecot. Use letters, digits and .-_!&'+=~ only, or an alias of that name."
        )
    cut = routes.cut(local, delimiter)
    if cut:
        problems.add(
            f"{here}.address is {address!r}, and {local[cut]!r} is the recipient delimiter: Dovecot would deliver its"
            f" mail to '{local[:cut]}@{domain}'. Use another address, an alias of that name, or another"
            " recipient_delimiter (in the roles, mail_recipient_delimiter)."
        )
    if folded in boxes:
        problems.add(
            f"{here}.address is {address!r}, and there is a mailbox of that name already (case does not count)."
        )
    boxes.add(folded)
    active = int(problems.flag(here, entry, "active"))
    there["mailbox"][folded] = (folded, "", "", rows.maildir(domain, local), 0, local, domain, active)
    given = [key for key in ("password", "password_hash") if entry.get(key) not in (None, "")]
    if not plain_passwords and "password" in given:
        problems.add(f"{here} ({address}) has a password in plain text. Use its hash, as password_hash.")
    elif len(given) != 1:
        wanted = "either password or password_hash" if plain_passwords else "password_hash"
        problems.add(f"{here} ({address}) has {'both' if given else 'no password'}. Use {wanted}.")
    elif not isinstance(entry[given[0]], str):
        # A number may have been a text such as '0123', which has another hash.
        problems.add(f"{here} ({address}) has a {given[0]} that is not text. Put the {given[0]} in quotes.")
    elif given == ["password_hash"] and not _HASH.match(str(entry["password_hash"])):
        problems.add(
            f"{here} ({address}) has a password_hash of no known form."
            " Use a scheme and a hash such as '{BLF-CRYPT}$2b$12$…', as doveadm pw prints it."
        )
    quota = entry.get("quota", 0)
    if isinstance(quota, bool) or not re.fullmatch(r"[0-9]{1,18}", str(quota)):
        problems.add(f"{here}.quota is {quota!r}. Use a number of bytes; 0 means no limit.")
    problems.line(here, entry, "name")
    maildir, place = entry.get("maildir"), rows.maildir(domain, local)
    if maildir not in (None, "", place, place.rstrip("/")):
        problems.add(
            f"{here}.maildir is {maildir!r}. Use {place!r}, or leave maildir out: Dovecot reads the mail of the mailbox"
            " there."
        )


def _alias(
    problems: _Problems,
    here: str,
    entry: dict[str, Any],
    own: set[str],
    domains_name: str,
    places: dict[str, str],
    given: dict[str, list[str]],
    there: rows.Tables,
) -> None:
    address = entry.get("address")
    if problems.add(address_problem(f"{here}.address", address, catch_all=True)):
        return
    folded = rows.folded(str(address))
    domain = folded.rpartition("@")[2]
    if domain not in own:
        problems.add(f"{here}.address is {address!r}, and {domain!r} is not among {domains_name}.")
    if folded in places:
        problems.add(
            f"{here}.address is {address!r}, which {places[folded]} is already. Use one alias with all targets."
        )
        return
    places[folded] = here
    # Of an entry that is wrong, nothing is said where another one leads to it.
    there["alias"][folded] = (folded, "elsewhere@invalid", domain, 1)
    active = int(problems.flag(here, entry, "active"))
    goto = entry.get("goto")
    if not goto or not isinstance(goto, (str, list, tuple)):
        problems.add(f"{here} ({address}) leads nowhere: goto is {goto!r}. Use a list of addresses.")
        return
    targets = targets_of(goto)
    bad = False
    for target in targets:
        bad |= problems.add(address_problem(f"{here}.goto of {address!r}", target, catch_all=folded.startswith("@")))
    doubled = sorted({target for target in targets if targets.count(target) > 1}) if len(targets) > 1 else []
    if doubled:
        bad |= problems.add(f"{here}.goto of {address!r} names {doubled[0]!r} twice. Name each target once.")
    if bad:
        return
    there["alias"][folded] = (folded, ",".join(targets), domain, active)
    if not active:
        return
    given[folded] = targets
    if folded in there["mailbox"] and folded not in targets:
        problems.add(
            f"{here}.address is {address!r}, which is a mailbox too, and the alias would take all of its mail."
            f" Name {address!r} among its targets, or use another address."
        )
