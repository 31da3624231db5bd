# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action puffy.mail.inputs, run by ansible-playbook. No host is there to be reached."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._inputs import tables
from ansible_collections.puffy.mail.tests.harness.containers import ROOT
from ansible_collections.puffy.mail.tests.harness.playbooks import Run, playbook, tree

#: nothing answers at the address: a task that wants to reach the host ends as unreachable
NOWHERE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
GOOD = {
    **NOWHERE,
    "mail_ldap_servers": ["ldap://ldap.example.test"],
    "mail_ldap_search_base": "dc=example,dc=test",
    "sqlite_maps_domains": ["example.test"],
    "tls_pki_ca_directory": "/tmp/puffy-mail-test/pki",
}
VALUES: dict[str, Any] = yaml.safe_load(
    (ROOT / "tests" / "unit" / "plugins" / "module_utils" / "_inputs" / "values.yml").read_text()
)


def judge(arguments: dict[str, Any], *options: str, **more: Any) -> Run:
    """One task of the action on the host a.example.test; ``more`` is laid over the play."""
    inventory = more.pop("inventory", {"all": {"hosts": {"a.example.test": GOOD}}})
    tasks = [{"puffy.mail.inputs": arguments, "register": "__judged"}, *more.pop("tasks", [])]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks, **more}]
    return playbook(plays, inventory, *options)


def told(run: Run, host: str = "a.example.test") -> list[str]:
    """The sentences of the host's failure."""
    found = re.search(rf"^fatal: \[{re.escape(host)}\]: FAILED! => (\{{.*\}})$", run.stdout, re.M)
    assert found, run.output
    result = json.loads(found[1])
    assert set(result) == {"changed", "msg"}
    lines = str(result["msg"]).splitlines()
    assert lines[-1] == "Nothing was changed."
    assert lines[:-1] == sorted(lines[:-1])
    return lines[:-1]


def test_good_inputs_need_no_host_and_are_not_shown() -> None:
    secret = {"tls_pki_ca_passphrase": "one-two-three"}
    inventory = {"all": {"hosts": {"a.example.test": {**GOOD, **secret}}}}
    typed = [{"ansible.builtin.assert": {"that": ["__judged.inputs.postfix_chroot is false", "not __judged.changed"]}}]
    for options in ([], ["--check"]):
        run = judge({"playbook": "site"}, "-vvv", "-e", "postfix_chroot=no", *options, inventory=inventory, tasks=typed)
        assert run.rc == 0, run.output
        assert "one-two-three" not in run.output


NAME = "postfix_hostnam is not a variable of this collection; did you mean postfix_hostname?"


@pytest.mark.parametrize("level", ["play", "group", "host", "extra"])
def test_a_mistyped_name_is_found_at_each_level(level: str) -> None:
    wrong = {"postfix_hostnam": "mail.example.org"}
    hosts = {"a.example.test": {**GOOD, **(wrong if level == "host" else {})}}
    inventory = {"all": {"hosts": hosts, "vars": wrong if level == "group" else {}}}
    options = ["-e", json.dumps(wrong)] if level == "extra" else []
    more = {"vars": wrong} if level == "play" else {}
    assert told(judge({"roles": ["tls_pki"]}, *options, inventory=inventory, **more)) == [NAME]


def test_names_of_ones_own_are_let_be() -> None:
    own = {"mail_colour": "blue", "mail_other_variables": ["mail_colour"], "mailman_list": "x"}
    assert judge({"playbook": "site"}, vars=own).rc == 0


def test_old_names_and_words_name_the_new_ones() -> None:
    assert told(judge({"playbook": "site"}, vars={"mail_tables": "ldap", "mail_tls_profile": "seed"})) == [
        "mail_tables is now called mail_accounts. Use mail_accounts.",
        "mail_tls_profile is 'seed', which is now called 'broad'. Use 'broad'.",
    ]


def test_one_wrong_word_is_one_short_message() -> None:
    run = judge({"playbook": "site"}, vars={"mail_tls_profile": "moder"})
    assert told(run) == ["mail_tls_profile is 'moder'. Use 'intermediate', 'modern' or 'broad'."]
    (fatal,) = re.findall(r"^fatal: .*$", run.stdout, re.M)
    assert len(fatal) < 300


def test_what_several_roles_read_is_told_once_by_the_name_that_was_set() -> None:
    wrong = {"mail_hostname": "mail", "mail_database": "accounts.sqlite", "mail_vmail_home": "var/vmail"}
    sentences = told(judge({"playbook": "site"}, vars=wrong))
    assert [sentence.split(" ")[0] for sentence in sentences] == ["mail_database", "mail_hostname", "mail_vmail_home"]


def test_a_name_in_the_inventory_that_is_no_host_name_is_told_once() -> None:
    assert told(judge({"playbook": "site"}, inventory={"all": {"hosts": {"mail": GOOD}}}), "mail") == [
        "mail_hostname is 'mail', which has no dot. Use a fully qualified name such as 'mail.example.org'."
    ]


def test_two_hosts_of_one_address_or_name() -> None:
    hosts = {
        "a.example.test": {**GOOD, "mail_hostname": "mail.example.test"},
        "b.example.test": {**GOOD, "mail_hostname": "Mail.example.test"},
        "c.example.test": {**GOOD, "ansible_port": 2},
    }
    run = judge({"playbook": "site"}, inventory={"all": {"hosts": hosts}})
    assert told(run) == [
        "ansible_host is '127.0.0.1' on both a.example.test and b.example.test. Give each host its own.",
        "mail_hostname is 'mail.example.test' on both a.example.test and b.example.test. Give each host its own.",
    ]
    assert run.counts["failed"] == 1


def test_a_host_that_is_called_like_a_domain_of_its_mailboxes() -> None:
    variables = {
        "mail_hostname": "Twin.test",
        "sqlite_maps_domain_aliases": [{"name": "twin.test", "target": "example.test"}],
    }
    (sentence,) = told(judge({"playbook": "site"}, vars=variables))
    assert sentence.startswith(
        "mail_hostname is 'Twin.test', which is a domain of the accounts too: Postfix would look"
    )
    for more in (
        {"postfix_local_domains": ["localhost"]},
        {
            "sqlite_maps_domains": ["example.test", {"name": "twin.test", "backupmx": True}],
            "sqlite_maps_domain_aliases": [],
        },
    ):
        judged = judge({"playbook": "site"}, vars={**variables, **more})
        assert judged.counts["failed"] == 0, judged.output


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        # A default that is worked out of a variable does not have its name.
        (
            {"mail_accounts": "none", "mail_sasl": "cyrus", "cyrus_sasl_backend": "sasldb", "postfix_submission": True},
            "postfix_submission is true, and postfix_tls_security_level is 'none'",
        ),
        ({"mail_accounts": "none", "postfix_postscreen": True}, "postfix_postscreen"),
        (
            {"mail_accounts": "system", "mail_sasl": "dovecot"},
            "mail_sasl is 'dovecot', and mail_accounts is 'system': this collection sets up Dovecot",
        ),
        (
            {"mail_accounts": "system", "postfix_sasl_type": "cyrus"},
            "postfix_sasl_type is 'cyrus', and puffy.mail.site",
        ),
        ({"dovecot_protocols": ["imap"]}, "dovecot_protocols is ['imap'], and Postfix hands all mail"),
        (
            {"mail_hostname": "mail.example.test", "postfix_local_domains": ["$mydomain", "localhost"]},
            "postfix_local_domains has '$mydomain', which is 'example.test', and example.test is a domain of the",
        ),
        ({"mail_authentication_methods": ["spf"]}, "mail_authentication_methods is ['spf'], and Postfix asks what"),
    ],
)
def test_what_the_roles_do_not_agree_on_is_told_by_the_names_that_were_set(
    variables: dict[str, Any], sentence: str
) -> None:
    sentences = told(judge({"playbook": "site"}, vars=variables))
    assert [text for text in sentences if text.startswith(sentence)], sentences
    assert not [text for text in sentences if "mail_accounts: may" in text], sentences


def test_a_template_that_fails_is_told() -> None:
    (sentence,) = told(judge({"roles": ["postfix"]}, vars={"postfix_origin": "{{ nowhere.domain }}"}))
    assert sentence.startswith("postfix_origin cannot be resolved: ")
    assert "'nowhere' is undefined" in sentence


EXAMPLES = sorted(path.parent.name for path in ROOT.glob("examples/*/hosts.yml"))


def judge_example(example: str, directory: Path, more: str = "") -> Run:
    """The check of the inputs that puffy.mail.site begins with, over a copy of the inventory with ``more`` in it."""
    copy = directory / example
    shutil.copytree(ROOT / "examples" / example, copy)
    variables = max(copy.glob("group_vars/**/*.yml"), key=lambda path: path.stem == "mail_hosts")
    variables.write_text(variables.read_text() + more)
    secrets = {"DEMO_DIRECTORY": str(directory / "demo"), "PUFFY_MAIL_LDAP_BIND_PASSWORD": "one-two-three"}
    plays = [{"hosts": "mail_hosts", "gather_facts": False, "tasks": [{"puffy.mail.inputs": {"playbook": "site"}}]}]
    return playbook(plays, copy / "hosts.yml", environment=secrets)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_passes_and_a_wrong_variable_does_not(example: str, tmp_path: Path) -> None:
    run = judge_example(example, tmp_path / "right")
    assert run.rc == 0, run.output
    assert all(counts["ok"] == 1 for counts in run.hosts.values()), run.output
    wrong = judge_example(example, tmp_path / "wrong", "postfix_hostnam: mail.example.org\n")
    assert told(wrong, next(iter(wrong.hosts))) == [NAME]


@pytest.mark.parametrize("arguments", [{"roles": ["posfix"]}, {"playbook": "sight"}])
def test_bad_arguments(arguments: dict[str, Any]) -> None:
    run = judge(arguments)
    assert run.rc == 2
    assert "Use " in run.stdout


# -- a role alone ------------------------------------------------------------------------------------------------------


def alone(role: str, variables: dict[str, Any], **more: Any) -> list[str]:
    """What a play of one's own, with that role alone, says; no host is reached, and nothing else is printed."""
    plays = [{"hosts": "all", "gather_facts": False, "roles": [{"role": f"puffy.mail.{role}", **more}]}]
    run = playbook(plays, {"all": {"hosts": {"a.example.test": {**GOOD, **variables}}}})
    assert run.rc == 2
    assert run.counts["ok"] == 0, run.output
    return told(run)


#: by role, what stands beside good inputs
NEEDED = {"cyrus_sasl": {"mail_accounts": "system"}}
#: what no input of that type takes
WRONG: dict[str, Any] = {"bool": "perhaps", "int": "many", "list": {"a": "b"}, "dict": ["a"], "str": ["a", "b"]}


@pytest.mark.parametrize("role", tables.ROLES)
def test_a_role_alone_names_each_wrong_value_in_a_sentence(role: str) -> None:
    """A wrong type or word of each input; Ansible's own validation would print all inputs first."""
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    wrong = {name: WRONG[option["type"]] for name, option in spec["options"].items() if option["type"] in WRONG}
    sentences = [text for text in alone(role, wrong) if text.startswith(f"{role}_") or not text.startswith("mail_")]
    assert {re.split(r"[ :\[]", sentence)[0] for sentence in sentences} >= set(wrong)
    name = min(name for name, option in spec["options"].items() if option["type"] == "bool" or "choices" in option)
    (sentence,) = alone(role, {name: "moder"})
    assert sentence.startswith(f"{name} is 'moder'. Use ")
    (sentence,) = alone(role, NEEDED.get(role, {}), **{f"{name}s": "moder"})
    assert sentence == f"{name}s is not a variable of this collection; did you mean {name}?"


def test_a_role_alone_without_what_it_needs() -> None:
    missing = {"mail_ldap_servers": "", "mail_ldap_search_base": ""}
    assert [sentence.split(" ")[0] for sentence in alone("ldap_maps", missing)] == [
        "mail_ldap_search_base",
        "mail_ldap_servers",
    ]


def test_a_role_alone_needs_no_directory_of_an_inventory() -> None:
    """The inventory is a list of hosts on the command line; the first task passes, and the next wants the host."""
    plays = [
        {"hosts": "all", "gather_facts": False, "vars": GOOD, "roles": ["puffy.mail.postfix", "puffy.mail.tls_pki"]}
    ]
    run = playbook(plays, Path("a.example.test,"))
    assert (run.counts["ok"], run.counts["failed"], run.counts["unreachable"]) == (1, 0, 1), run.output


def test_ansible_doc_shows_every_option() -> None:
    command = [os.path.join(os.path.dirname(sys.executable), "ansible-doc"), "-t", "role", "--json"]
    command += [f"puffy.mail.{role}" for role in tables.ROLES]
    shown = subprocess.run(
        command, env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": tree()}, stdout=subprocess.PIPE, text=True, check=True
    )
    for role in tables.ROLES:
        path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
        assert (
            json.loads(shown.stdout)[f"puffy.mail.{role}"]["entry_points"]
            == yaml.safe_load(path.read_text())["argument_specs"]
        )


# -- what the control node needs ---------------------------------------------------------------------------------------


def test_a_directory_of_the_authority_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert told(judge({"roles": ["tls_pki"]}, vars={"tls_pki_ca_directory": f"{tmp_path}/file/pki"})) == [
        f"tls_pki_ca_directory is '{tmp_path}/file/pki', and '{tmp_path}/file' is not a directory. Use another path."
    ]
    kept = {"tls_pki_ca_directory": f"{tmp_path}/file/pki", "tls_pki_source": "existing"}
    assert judge({"roles": ["tls_pki"]}, vars=kept).rc == 0


def test_packages_of_the_control_node(tmp_path: Path) -> None:
    """A package that cannot be found is named, with what it is for."""
    hide = tmp_path / "sitecustomize.py"
    hide.write_text(
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name in ('bcrypt', 'cryptography') else"
        " found(name, *more)\n"
    )
    boxes = [{"address": "alice@example.test", "password": "one-two-three"}]
    plays = [{"hosts": "all", "gather_facts": False, "vars": {"sqlite_maps_mailboxes": boxes},
              "tasks": [{"puffy.mail.inputs": {"playbook": "site"}}]}]  # fmt: skip
    run = playbook(plays, {"all": {"hosts": {"a.example.test": GOOD}}}, environment={"PYTHONPATH": str(tmp_path)})
    assert told(run) == [
        "sqlite_maps_mailboxes needs the Python package 'bcrypt' on the control node, since a mailbox has a password to"
        " hash. Install it (pip install bcrypt). Or set password_hash.",
        "tls_pki_source needs the Python package 'cryptography' on the control node, since the private CA is kept"
        " there. Install it (pip install cryptography).",
    ]


def test_the_accounts_file(tmp_path: Path) -> None:
    missing = judge({"roles": ["sqlite_maps"]}, vars={"sqlite_maps_domains": [], "sqlite_maps_accounts_file": "x.json"})
    assert told(missing)[0].startswith("sqlite_maps_accounts_file is 'x.json', which is not there")
    file = tmp_path / "accounts.json"
    file.write_text(json.dumps({"domains": ["exam ple.test"]}))
    wrong = {"sqlite_maps_domains": [], "sqlite_maps_accounts_file": str(file)}
    begin = f"sqlite_maps_accounts_file: {file}: domains[0] is 'exam ple.test', which has the label 'exam ple'"
    assert any(sentence.startswith(begin) for sentence in told(judge({"roles": ["sqlite_maps"]}, vars=wrong)))


@pytest.mark.alone
def test_a_hundred_thousand_accounts_take_few_seconds(tmp_path: Path) -> None:
    """Measured against the same run with one account, so that the machine's speed counts little."""
    file = tmp_path / "accounts.json"
    spent = []
    for count in (1, 100_000):
        hashed = "{BLF-CRYPT}$2b$12$" + "x" * 53
        boxes = [{"address": f"user{number}@example.test", "password_hash": hashed} for number in range(count)]
        file.write_text(json.dumps({"domains": ["example.test"], "mailboxes": boxes}))
        variables = {"sqlite_maps_domains": [], "sqlite_maps_accounts_file": str(file)}
        began = time.monotonic()
        assert judge({"roles": ["sqlite_maps"]}, vars=variables).rc == 0
        spent.append(time.monotonic() - began)
    assert spent[1] - spent[0] < 3 * max(1.0, spent[0])


# -- the inventory wins ------------------------------------------------------------------------------------------------


def test_each_input_of_each_role_is_in_effect(tmp_path: Path) -> None:
    """All inputs are set for a group; a role then sees each value, and so does the play that puffy.mail.site has."""
    site = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text())
    (tmp_path / "group_vars").mkdir()
    inputs = {
        name: value for name, value in VALUES.items() if name.startswith(tuple(f"{role}_" for role in tables.ROLES))
    }
    (tmp_path / "group_vars" / "mail_hosts.json").write_text(json.dumps(inputs))
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"mail_hosts": {"hosts": {"mail.example.test": NOWHERE}}}))
    for role in tables.ROLES:
        # The role itself, with tasks that print instead of its own.
        (tmp_path / "roles" / role / "tasks").mkdir(parents=True)
        for part in ("defaults", "vars"):
            (tmp_path / "roles" / role / part).symlink_to(ROOT / "roles" / role / part)
        names = [name for name in inputs if name.startswith(f"{role}_")]
        shown = [{"ansible.builtin.debug": {"msg": f'{{{{ {{"{name}": {name}}} | to_json }}}}'}} for name in names]
        (tmp_path / "roles" / role / "tasks" / "main.yml").write_text(json.dumps(shown))
    # What the playbook sets for its play is set here too.
    play = {key: value for key, value in site[-1].items() if key in ("vars", "vars_files")}
    plays = [{"hosts": "mail_hosts", "gather_facts": False, **play, "roles": list(tables.ROLES)}]
    run = playbook(plays, inventory, environment={"ANSIBLE_ROLES_PATH": str(tmp_path / "roles")})
    assert run.rc == 0, run.output
    seen: dict[str, Any] = {}
    for block in re.findall(r'^    "msg": (.*)$', run.stdout, re.M):
        message = json.loads(block) if block.startswith('"') else None
        if isinstance(message, str):
            seen.update(json.loads(message))
    for block in re.findall(r'^    "msg": \{\n(.*?)^    \}$', run.stdout, re.M | re.S):
        seen.update(json.loads("{" + block + "}"))
    different = {name: seen.get(name) for name, value in inputs.items() if seen.get(name) != value}
    assert different == {}


LOST = (
    "which is the container of this job: AWX removes the container after the job, and the CA with it. Set"
    " tls_pki_ca_host to a host of the inventory that serves no mail, or set tls_pki_source to 'given'."
)


@pytest.mark.parametrize(
    "directory", ["/srv/pki", "/var/lib/pki", "/root/pki", "/etc/pki/mail", "/tmp/x", "/runner/pki"]
)
def test_a_job_of_awx_keeps_no_ca(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container of the job is removed whole."""
    inventory = {"all": {"hosts": {"a.example.test": {**GOOD, "tls_pki_ca_directory": directory}}}}
    arguments = {"roles": ["tls_pki"]}
    assert LOST not in judge(arguments, inventory=inventory).output
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_1_x")
    assert f"tls_pki_ca_host is 'localhost', {LOST}" in told(judge(arguments, inventory=inventory))


def test_a_host_of_the_inventory_that_is_the_container_keeps_no_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = {
        "a.example.test": {**GOOD, "tls_pki_ca_host": "ca.example.test"},
        "ca.example.test": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_1_x")
    inventory = {"all": {"hosts": hosts}}
    found = told(judge({"roles": ["tls_pki"]}, "--limit", "a.example.test", inventory=inventory))
    assert found == [f"tls_pki_ca_host is 'ca.example.test', {LOST}"]
    hosts["ca.example.test"] = NOWHERE
    assert judge({"roles": ["tls_pki"]}, "--limit", "a.example.test", inventory=inventory).rc == 0


def test_a_job_of_awx_may_have_keys_from_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"rsa": {"key": "KEY", "chain": "CHAIN"}}
    inventory = {"all": {"hosts": {"a.example.test": {**GOOD, "tls_pki_source": "given"}}}}
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_1_x")
    monkeypatch.setenv("PUFFY_TLS_PKI_GIVEN", json.dumps(given))
    assert LOST not in judge({"roles": ["tls_pki"]}, inventory=inventory).output
