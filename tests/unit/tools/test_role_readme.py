# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/role_readme.py: markup, defaults and sections, and that each role's README is current."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.tools import role_readme

ROLES = sorted(path.parent.parent for path in role_readme.ROOT.glob("roles/*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_the_readme_is_current(role: Path) -> None:
    assert (role / "README.md").read_text() == role_readme.readme(role), "Run 'make readmes'."


@pytest.mark.parametrize(
    ("page", "text"), [("variables", role_readme.shared_variables), ("playbooks", role_readme.playbooks)]
)
def test_the_pages_of_variables_and_playbooks_are_current(page: str, text: Callable[[], str]) -> None:
    assert (role_readme.ROOT / "docs" / f"{page}.md").read_text() == text(), "Run 'make readmes'."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain text.", ["Plain text."]),
        (["One.", "Two."], ["One.", "Two."]),
        ("Use V(a) or C(b).", ["Use `a` or `b`."]),
        ("Needs O(here).", ["Needs [`here`](#here)."]),
        ("Needs O(here=x).", ["Needs [`here=x`](#here)."]),
        ("Needs O(elsewhere).", ["Needs `elsewhere`."]),
        ("See M(puffy.mail.postconf) and ldap_table(5).", ["See `puffy.mail.postconf` and ldap_table(5)."]),
        ("See L(the RFC,https://example.org/rfc).", ["See [the RFC](https://example.org/rfc)."]),
        ("See U(https://example.org/rfc).", ["See <https://example.org/rfc>."]),
        ("A V(`tick`) and V(a\\)b).", ["A `` `tick` `` and `a)b`."]),
        ("NAME_maps, *_maps, <x>, [y]", ["NAME_maps, \\*_maps, \\<x>, \\[y]"]),
    ],
)
def test_markup(text: str | list[str], expected: list[str]) -> None:
    assert role_readme.render(text, "postfix", {"here"}) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("An B(ending", 'Cannot find closing "\\)"'),
        ("A B(bold) word", r"^The markup BOLD has no form in a README\. Use C\(\), L\(\), M\(\)"),
    ],
)
def test_wrong_markup_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        role_readme.render(text, "postfix", set())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "empty"),
        ("intermediate", "`intermediate`"),
        (30, "`30`"),
        (True, "`true`"),
        ([], "`[]`"),
        (["imap", "lmtp"], '`["imap", "lmtp"]`'),
        ("{{ inventory_dir }}/pki", "`{{ inventory_dir }}/pki`"),
        (
            "{{ '_postfix' if ansible_facts.os_family | default('') == 'OpenBSD' else 'postfix' }}",
            "`postfix`, on OpenBSD `_postfix`",
        ),
        (
            "{{ '/var/db' if ansible_facts.os_family == 'OpenBSD' else '/var/lib' }}/puffy-mail",
            "`/var/lib/puffy-mail`, on OpenBSD `/var/db/puffy-mail`",
        ),
        (
            "{{ '/var/www/acme' if ansible_facts.os_family | default('') == 'OpenBSD' else '' }}",
            "empty, on OpenBSD `/var/www/acme`",
        ),
        (
            "{{ mail_hostname | default(inventory_hostname, true) }}",
            "`mail_hostname` where that is set, else `{{ inventory_hostname }}`",
        ),
        (
            "{{ mail_tls_profile | default('intermediate') }}",
            "`mail_tls_profile` where that is set, else `intermediate`",
        ),
        ("{{ mail_ldap_bind_dn | default('') }}", "`mail_ldap_bind_dn` where that is set, else empty"),
        (
            "{{ mail_key | default('/etc/ssl/' ~ postfix_hostname ~ '.key', true) }}",
            "`mail_key` where that is set, else `/etc/ssl/{{ postfix_hostname }}.key`",
        ),
        (
            "{{ mail_database | default(('/var/db' if ansible_facts.os_family | default('') == 'OpenBSD'\n"
            "    else '/var/lib') ~ '/a.sqlite', true) }}",
            "`mail_database` where that is set, else `/var/lib/a.sqlite`, on OpenBSD `/var/db/a.sqlite`",
        ),
        ("{{ mail_tls_key_types | default(['rsa'], true) }}", '`mail_tls_key_types` where that is set, else `["rsa"]`'),
        ("{{ mail_services | default([]) }}", "`mail_services` where that is set, else `[]`"),
        ("{{ __postfix_tables.relay_domains }}", "worked out by the role"),
        ("{{ __dovecot_account.home | default('/var/vmail') }}", "worked out by the role"),
        (
            "{{ mail_vmail_group | default(__dovecot_account.group | default(dovecot_vmail_user), true) }}",
            "`mail_vmail_group` where that is set, otherwise worked out by the role",
        ),
        ("{{ __postfix_authority }}/clients", "worked out by the role"),
        ("{{ (a | other(__b))[1:] }}", "worked out by the role"),
        (
            "{{ 'a' if ansible_facts.os_family == 'Debian' else 'b' }}",
            "`{{ 'a' if ansible_facts.os_family == 'Debian' else 'b' }}`",
        ),
        ("{% set a = 1 %}{{ a }}", "`{% set a = 1 %}{{ a }}`"),
        ("{{ a if b\n   else c }}", "`{{ a if b else c }}`"),
    ],
)
def test_defaults(value: object, expected: str) -> None:
    assert role_readme.default(value) == expected


def test_a_whole_readme(tmp_path: Path) -> None:
    role = tmp_path / "relay"
    (role / "meta").mkdir(parents=True)
    (role / "defaults").mkdir()
    (role / "README.head.md").write_text(
        "# Role puffy.mail.relay\n\nRelays.\n\n<!-- variables -->\n\n## Outputs\n\nMail.\n"
    )
    (role / "defaults" / "main.yml").write_text("relay_keys: []\nrelay_password: ''\n")
    (role / "meta" / "argument_specs.yml").write_text("""\
argument_specs:
  main:
    short_description: Relays mail
    options: &options
      relay_host: {type: str, required: true, description: Host.}
      relay_keys:
        type: list
        elements: dict
        default: []
        description: [Keys., Of O(relay_host).]
        options:
          file: {type: path, required: true, description: Key.}
          kind: {type: str, description: Kind of it.}
      relay_password: {type: str, default: '', no_log: true, description: Password.}
      relay_words: {type: list, elements: str, choices: [a, b], required: true, description: Words.}
  restore: {short_description: Takes it back, description: All of it., options: *options}
  stop: {short_description: Stops it}
""")
    assert (
        role_readme.readme(role)
        == f"""{role_readme.NOTICE}\
# Role puffy.mail.relay

Relays.

## Entry point `restore`

Takes it back.

All of it.

Call the role with `tasks_from: restore`. This entry point reads all variables below.

## Entry point `stop`

Stops it.

Call the role with `tasks_from: stop`. This entry point reads no variables.

## Variables

### `relay_host`

Host.

Type str; required.

### `relay_keys`

Keys.

Of [`relay_host`](#relay_host).

- `file` (path, required): Key.
- `kind` (str): Kind of it.

Type list of dict; default `[]`.

### `relay_password`

Password.

Type str; default empty; a secret.

### `relay_words`

Words.

Type list of str; items are `a`, `b`; required.

## Outputs

Mail.
"""
    )
