# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to other parameters: ``$name`` and ``${name?…}``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, Value, references

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context


def values(context: Context) -> Iterator[Value]:
    """The values that use other parameters."""
    return (value for value in context.all_values if "$" in value.setting.value)


def _read_again(context: Context) -> Iterator[tuple[str, str]]:
    """The parameters whose text proxymap(8) expands twice, each with the parameter that makes it so.

    A parameter that is not set is kept expanded by the programs that read it (mail_conf_str.c), and ``proxy_read_maps``
    names it.
    """
    for name in context.proxied_names - context.set_in_main.keys():
        if "proxymap" in types.readers(name):
            yield from ((used, name) for used in references(context.defaults.get(name, "")))


def _dollar(context: Context, name: str) -> str:
    """How a dollar sign is written in a parameter."""
    if any(name == used for used, _name in _read_again(context)):
        return "put the lines of the table into a file, and name the file"
    return "write $$ for a dollar sign"


def doubled_dollars(context: Context) -> Iterator[tuple[Setting, str]]:
    """The settings with a ``$$`` that is read again, each with the parameter that makes it so, where proxymap(8) has
    work."""
    if any("proxy:" in context.value(name) for name in context.proxied_names):
        for used, name in sorted(_read_again(context)):
            setting = context.set_in_main.get(used)
            if setting is not None and "$$" in setting.value:
                yield setting, name


@rule("dollar-read-twice", ERROR, each=doubled_dollars)
def dollar_read_twice(context: Context, found: tuple[Setting, str]) -> Iterator[Fault]:
    """`$$` in a table whose lines stand in the value of `alias_maps`, `virtual_alias_maps` or `virtual_mailbox_maps`:
    proxymap(8) reads the `$` that is left as a name, and does not start | the lines in a file | postconf(5),
    `proxy_read_maps`; mail_conf_str.c"""
    setting, name = found
    try:
        expansion.expand(context.value(name), lambda _name: "")
    except ValueError:
        message = f"{setting.name}: proxymap(8) reads the $ of $$ again, because {name} is not set, and does not start"
        yield Fault(setting, message, _dollar(context, setting.name))


def _is_circle(value: Value) -> bool:
    return "refers to itself" in value.problem


@rule("undefined-reference", ERROR, each=values)
def undefined_reference(context: Context, value: Value) -> Iterator[Fault]:
    """`$name` where nothing sets the name and it has no default | the nearest known name | postconf(5)"""
    for name in value.missing:
        guess = context.guess(name, context.defined)
        yield Fault(
            value.setting,
            f"{value.name} uses ${name}, which is set nowhere and has no default",
            f"did you mean ${guess}?" if guess else f"set {name}, or {_dollar(context, value.name)}",
        )


@rule("unset-list-for-users", WARNING, each=values)
def unset_list_for_users(context: Context, value: Value) -> Iterator[Fault]:
    """`-o smtpd_client_restrictions=$mua_client_restrictions` and its kin, as the stock master.cf of Postfix has them,
    where `main.cf` does not set that list | the list in `main.cf`; it may be empty | master.cf of Postfix"""
    for name in value.empty:
        yield Fault(
            value.setting,
            f"{value.name} uses ${name}, which is set nowhere and counts as empty",
            f"set {name} in main.cf; it may be empty",
        )


@rule("circular-reference", ERROR, each=values)
def circular_reference(context: Context, value: Value) -> Iterator[Fault]:
    """a value that refers to itself | rewrite it | postconf(5)"""
    if _is_circle(value):
        yield Fault(value.setting, f"{value.name}: {value.problem}", f"rewrite the value of {value.name}")


@rule("malformed-expression", ERROR, each=values)
def malformed_expression(context: Context, value: Value) -> Iterator[Fault]:
    """`${…}` with braces that do not match, a `$` without a name, names within names more than 100 deep | balance the
    braces, write `$$` for a dollar sign, use fewer names | postconf(5), mac_parse.c, mac_expand.c"""
    if value.problem and not _is_circle(value):
        cure = f"rewrite the value of {value.name}"
        if "without its" in value.problem:
            cure = "balance the braces"
        elif "without a name" in value.problem:
            cure = _dollar(context, value.name)
        yield Fault(value.setting, f"{value.name}: {value.problem}", cure)
