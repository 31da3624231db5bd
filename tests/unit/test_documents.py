# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents show must exist: blocks parse, inputs and options are right, links and commands lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.puffy.mail.plugins.module_utils._inputs import judge, tables
from ansible_collections.puffy.mail.plugins.modules import postfix_info
from ansible_collections.puffy.mail.tests.harness.playbooks import playbook

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(path for pattern in ("*.md", "docs/**/*.md", "roles/*/README.md") for path in ROOT.glob(pattern))
TEXTS = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in DOCUMENTS]
MAKE_TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
SHELL = ("sh", "shell", "console")
#: options of ansible-playbook with a value, and without one
VALUED, PLAIN = {"-i", "-e", "--tags", "--limit"}, {"--check", "--diff", "--become", "--ask-vault-pass"}
#: commands of the system, Postfix, Dovecot and others, which the documents show and this collection does not have
OTHERS = {
    *(
        ".",
        "ansible",
        "ansible-galaxy",
        "ansible-inventory",
        "ansible-vault",
        "cd",
        "git",
        "grep",
        "ls",
        "mkdir",
        "pip",
    ),
    *("python3", "ss", "tar", "doveadm", "doveconf", "ldapsearch", "openssl", "postconf", "postfix", "postmap"),
    *("ansible-builder", "export", "postqueue", "puffy-mail-activate", "sqlite3"),
}


class _Loader(yaml.SafeLoader):
    """YAML as Ansible reads it."""


for _tag in ("!vault", "!unsafe"):
    _Loader.add_constructor(_tag, lambda loader, node: loader.construct_scalar(node))


def blocks(path: Path, *languages: str) -> Iterator[str]:
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
        if language in languages:
            yield block


def documents(path: Path) -> Iterator[Any]:
    """The YAML documents of a text."""
    for block in blocks(path, "yaml", "yml"):
        yield from yaml.load_all(block, _Loader)


def inputs() -> dict[str, tuple[Mapping[str, Any], Any]]:
    """Each input of the collection: its specification and its form."""
    found = {}
    for role, table in tables.ROLES.items():
        specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
        for entry in specs.values():
            found.update({name: (spec, table.forms[name]) for name, spec in entry.get("options", {}).items()})
    for specs, table in tables.SHARED.values():
        found.update({name: (spec, table.forms[name]) for name, spec in specs.items()})
    return found


INPUTS = inputs()


def templated(value: Any) -> bool:
    return "{{" in json.dumps(value, default=str)


def wrong_variables(variables: Mapping[str, Any]) -> list[str]:
    """What a run would say of these variables."""
    own = variables.get("mail_other_variables", [])
    found = [f"{name} {told}" for name, told in tables.misspelt(variables, INPUTS, own)]
    for name, value in variables.items():
        if name in INPUTS and not templated(value):
            try:
                judge.typed_value(*INPUTS[name], value)
            except ValueError as problem:
                found.append(f"{name} {problem}")
    return found


def variables_of(data: Any) -> Iterator[Mapping[str, Any]]:
    """The mappings of variables in an inventory, in plays, in tasks, or in a file of variables."""
    if isinstance(data, list):
        for item in data:
            if isinstance(item, dict):
                yield from (item[key] for key in ("vars",) if isinstance(item.get(key), dict))
                yield from variables_of([*item.get("roles", []), *item.get("tasks", [])])
    elif isinstance(data, dict):
        if any(isinstance(value, dict) and {"hosts", "vars", "children"} & set(value) for value in data.values()):
            for group in data.values():
                yield group.get("vars") or {}
                yield from (host for host in (group.get("hosts") or {}).values() if host)
                yield from variables_of(group.get("children") or {})
        else:
            yield data


def tasks_of(data: Any) -> Iterator[Mapping[str, Any]]:
    for item in data if isinstance(data, list) else ():
        if isinstance(item, dict):
            yield item
            yield from tasks_of(item.get("tasks", []))


def module_options(module: str) -> dict[str, Any]:
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text())
    (text,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION"
    )
    options: dict[str, Any] = yaml.safe_load(text)["options"]
    return options


def argument_spec(options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The argument specification of documented options; what is given as a template is of any type."""
    spec = {}
    for name, option in options.items():
        known = {key: option[key] for key in ("type", "elements", "choices", "required", "aliases") if key in option}
        if "suboptions" in option:
            known["options"] = argument_spec(option["suboptions"], {})
        spec[name] = {"type": "raw"} if name in given and templated(given[name]) else known
    return spec


@pytest.mark.parametrize("path", TEXTS)
def test_code_blocks_parse(path: Path) -> None:
    list(documents(path))
    for block in blocks(path, "json"):
        json.loads(block)
    for block in blocks(path, *SHELL):
        subprocess.run(["sh", "-n"], input=block, text=True, check=True)
    for block in blocks(path, "python"):
        compile(block, str(path), "exec")


@pytest.mark.parametrize("path", TEXTS)
def test_variables_are_inputs_with_values_that_the_specifications_allow(path: Path) -> None:
    assert [told for data in documents(path) for each in variables_of(data) for told in wrong_variables(each)] == []


@pytest.mark.parametrize("path", TEXTS)
def test_modules_get_options_that_they_have(path: Path) -> None:
    for data in documents(path):
        for task in tasks_of(data):
            for name, given in task.items():
                if name.startswith("puffy.mail.") and name != "puffy.mail.inputs":
                    options = module_options(name.rpartition(".")[2])
                    told = ArgumentSpecValidator(argument_spec(options, given or {})).validate(given or {})
                    assert told.error_messages == [], f"{name}: {given}"


@pytest.mark.parametrize(
    "path", [param for param in TEXTS if any(isinstance(x, list) for x in documents(param.values[0]))]
)
def test_plays_and_tasks_have_the_syntax_of_ansible(path: Path) -> None:
    plays: list[dict[str, Any]] = []
    for data in documents(path):
        if isinstance(data, list):
            tasks = [item for item in data if "hosts" not in item]
            plays += [item for item in data if "hosts" in item]
            plays += [{"hosts": "mail_hosts", "gather_facts": False, "tasks": tasks}] if tasks else []
    run = playbook(plays, {"mail_hosts": {"hosts": {"mail.example.test": {}}}}, "--syntax-check")
    assert run.rc == 0, run.output


@pytest.mark.parametrize("path", TEXTS)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path}: {target}"


@pytest.mark.parametrize("path", TEXTS)
def test_commands_exist(path: Path) -> None:
    text = path.read_text()
    for target in re.findall(r"(?:`|^    )make ([a-z][a-z-]+)", text, re.MULTILINE):
        assert target in MAKE_TARGETS, f"{path}: make {target}"
    for block in blocks(path, *SHELL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            if words:
                check_command(words)


def check_command(words: list[str]) -> None:
    """Fail for a command that does not exist, or that has an argument which names nothing."""
    program, arguments = words[0], words[1:]
    if program == "make":
        targets = [word for word in arguments if re.fullmatch(r"[a-z-]+", word) and word not in ("-C", "puffy-mail")]
        assert set(targets) <= MAKE_TARGETS, words
    elif program == "ansible-playbook":
        check_playbook(arguments)
    elif program == "ansible-doc":
        for name in re.findall(r"puffy\.mail\.(\w+)", " ".join(arguments)):
            assert [*ROOT.glob(f"plugins/*/{name}.py"), *ROOT.glob(f"roles/{name}")], words
    elif program.startswith(".venv/bin/"):
        assert program.rpartition("/")[2] in ("pre-commit", "pytest", "python"), words
        assert all((ROOT / word).exists() for word in arguments if "/" in word), words
    elif "/" in program:
        assert (ROOT / program).exists(), words
    else:
        assert program in OTHERS, words


def check_playbook(arguments: list[str]) -> None:
    """Fail for options, playbooks, inputs and tags that do not exist."""
    rest = iter(arguments)
    names = []
    for word in rest:
        if word in VALUED:
            value = next(rest)
            if word == "-e" and not value.startswith("@"):
                assert wrong_variables(dict([value.split("=", 1)])) == [], arguments
                assert value.split("=")[0] in INPUTS, arguments
            if word == "--tags":
                tags = set(re.findall(r"tags: \[(.*?)\]", (ROOT / "playbooks" / "site.yml").read_text()))
                assert set(value.split(",")) <= {tag.strip() for each in tags for tag in each.split(",")}, arguments
        elif word.startswith("-"):
            assert word in PLAIN, arguments
        else:
            names.append(word)
    for name in names:
        if name.startswith("puffy.mail."):
            assert (ROOT / "playbooks" / f"{name.rpartition('.')[2]}.yml").is_file(), arguments
        else:
            assert name.endswith((".yml", ".yaml")), arguments
    assert names, arguments


@pytest.mark.parametrize(
    "command",
    [
        "make tset",
        "frobnicate --all",
        "ansible-playbook -i hosts.yml puffy.mail.sight",
        "ansible-playbook -i hosts.yml puffy.mail.site --tags acounts",
        "ansible-playbook -i hosts.yml puffy.mail.audit -e audit_fail_on=never_ever",
        "ansible-playbook -i hosts.yml puffy.mail.audit -e audit_fails=never",
        "ansible-playbook -i hosts.yml --chekc puffy.mail.site",
        "ansible-doc -t role puffy.mail.postfox",
        "tools/nothing --help",
    ],
)
def test_a_wrong_command_is_found(command: str) -> None:
    with pytest.raises(AssertionError):
        check_command(shlex.split(command))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "mail_hostnam: mail.example.org",
            "mail_hostnam is not a variable of this collection; did you mean mail_hostname?",
        ),
        ("mail_accounts: sql", "mail_accounts is 'sql'"),
        ("g: {hosts: {h: {dovecot_imap_starttls: perhaps}}}", "dovecot_imap_starttls is 'perhaps'"),
        ("- {hosts: h, vars: {tls_pki_source: acne}}", "tls_pki_source is 'acne'"),
    ],
)
def test_a_wrong_variable_is_found(text: str, message: str) -> None:
    found = [told for each in variables_of(yaml.safe_load(text)) for told in wrong_variables(each)]
    assert [told.startswith(message) for told in found] == [True], found


# -- docs/documents.md -------------------------------------------------------------------------------------------------

GUIDES = ROOT / "docs" / "documents.md"
#: the first words of the second column, of a row whose step no variable does
WAYS = ("default", "left out", "not yet")
COUNT = "{} steps: {} by a variable, a role or a playbook, {} by default, {} left out, {} not yet."


def guides(text: str) -> dict[str, tuple[str, list[list[str]]]]:
    """By heading, the line of the count and the rows of the table, where a section has one."""
    found = {}
    for section in text.split("\n## ")[1:]:
        heading, rest = section.split("\n", 1)
        rows = [re.split(r" \| ", line[2:-2]) for line in rest.splitlines() if line.startswith("| ")]
        if rows:
            (count,) = re.findall(r"^\d+ steps: .*$", rest, re.MULTILINE) or [""]
            found[heading] = (count, rows[1:])
    return found


def wrong_row(row: list[str]) -> list[str]:
    """What a row of the page names that does not exist, or leaves out."""
    if len(row) != 3 or not all(cell.strip() for cell in row):
        return [f"{row} has an empty cell, or not three cells"]
    spans = re.findall(r"`([^`]+)`", row[1])
    way = next((way for way in WAYS if re.match(rf"{way}(?![\w-])", row[1])), "")
    if not way and not row[1].startswith("`"):
        return [f"{row[1]} begins with no variable and none of {WAYS}"]
    found = []
    for span in spans:
        owner, name = span.rpartition(".")[::2]
        places = [f"roles/{name}", f"playbooks/{name}.yml", f"plugins/modules/{name}.py", f"plugins/filter/{name}.py"]
        if owner == "puffy.mail":
            found += [] if any((ROOT / place).exists() for place in places) else [f"{span} does not exist"]
            continue
        data = yaml.safe_load(span)
        wishes = data if isinstance(data, dict) else {span: None}
        found += [f"{name} is no variable of this collection" for name in wishes if name not in INPUTS]
        found += wrong_variables(wishes) if isinstance(data, dict) else []
    # The last column names parameters of Postfix as well.
    others = dict.fromkeys(re.findall(r"`([a-z0-9_]+)(?:: [^`]*)?`", row[2]))
    return [*found, *(f"{name} {told}" for name, told in tables.misspelt(others, INPUTS, []))]


def count_of(rows: list[list[str]]) -> str:
    kinds = [next((way for way in WAYS if row[1].startswith(way)), "") for row in rows]
    return COUNT.format(len(rows), *(kinds.count(kind) for kind in ("", *WAYS)))


@pytest.mark.parametrize("heading", guides(GUIDES.read_text()))
def test_each_step_of_a_guide_names_what_exists_and_is_counted(heading: str) -> None:
    count, rows = guides(GUIDES.read_text())[heading]
    assert [told for row in rows for told in wrong_row(row)] == []
    assert count == count_of(rows)


def test_the_page_has_all_five_guides() -> None:
    assert len(guides(GUIDES.read_text())) == 5


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (["a", "`postfix_stag`", "b"], "postfix_stag is no variable"),
        (["a", "`postfix_stage: tested`", "b"], "postfix_stage is 'tested'"),
        (["a", "default, `smtpd_use_tls`", "b"], "smtpd_use_tls is no variable"),
        (["a", "`puffy.mail.postfox`", "b"], "puffy.mail.postfox does not exist"),
        (["a", "not yet", "`postfix_parametres` takes it"], "postfix_parametres is not a variable"),
        (["a", "by hand", "b"], "by hand begins with"),
        (["a", "not yet", " "], "['a', 'not yet', ' '] has an empty cell"),
    ],
)
def test_a_wrong_row_is_found(row: list[str], told: str) -> None:
    (found,) = wrong_row(row)
    assert found.startswith(told)


def test_the_rows_are_counted_by_their_second_column() -> None:
    rows = [["a", "`postfix_stage`", "b"], ["c", "not yet", "d"], ["e", "default, `postfix_chroot`", "f"]]
    assert count_of(rows) == COUNT.format(3, 1, 1, 0, 1)


# -- examples ----------------------------------------------------------------------------------------------------------

EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/hosts.yml"))


@pytest.mark.parametrize("example", [pytest.param(path, id=path.name) for path in EXAMPLES])
def test_an_example_is_an_inventory_of_documented_variables(example: Path) -> None:
    files = [path for path in example.rglob("*") if path.is_file()]
    assert {path.relative_to(example).parts[0] for path in files} <= {"hosts.yml", "group_vars"}
    for path in files:
        for data in yaml.load_all(path.read_text(), _Loader):
            for variables in variables_of(data):
                assert wrong_variables(variables) == []
                assert not {"postfix_parameters", "postfix_services", "postfix_absent"} & set(variables)


def test_queries_ask_for_what_the_modules_return() -> None:
    returned = yaml.safe_load(postfix_info.RETURN)

    def sample(name: str, **values: object) -> dict[str, object]:
        assert set(values) <= set(returned[name]["contains"])
        return values

    result = {
        "findings": [
            sample("findings", severity="error", file="main.cf", line=3, message="bad"),
            sample("findings", severity="warning", file="main.cf", line=4, message="odd"),
        ],
        "services": [
            sample("services", command="smtpd", chrooted=True),
            sample("services", command="local", chrooted=False),
        ],
    }
    queries = re.findall(r'json_query\("(.+?)"\)', (ROOT / "docs" / "checks.md").read_text())
    assert [jmespath.search(query, result) for query in queries] == [[["main.cf", 3, "bad"]], ["local"]]
