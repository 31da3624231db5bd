# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the README of each role, docs/variables.md and docs/playbooks.md.

A README is made from README.head.md, meta/argument_specs.yml and defaults/main.yml of the role.

The head is written by hand. Its line <!-- variables --> is replaced by the entry points and the variables;
without that line they follow at the end.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from antsibull_docs_parser import dom
from antsibull_docs_parser.parser import Context, parse
from jinja2 import Environment, nodes

from ansible_collections.puffy.mail.plugins.module_utils._inputs import mail, tables

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- variables -->\n"
NOTICE = (
    "<!-- `make readmes` writes this file from README.head.md, meta/argument_specs.yml and defaults/main.yml. -->\n"
)
#: what an expression says that reads a variable of the role's own
INTERNAL = "worked out by the role"


def code(text: str) -> str:
    """Return the text as an inline code span, also where it contains backticks."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if len(fence) > 1 else f"`{text}`"


def render(description: str | list[str], role: str, names: set[str]) -> list[str]:
    """Return the paragraphs of a description in Ansible's markup as Markdown; raise ValueError on wrong markup."""
    context = Context(dom.PluginIdentifier(f"puffy.mail.{role}", "role"), "main")
    return ["".join(_part(part, names) for part in paragraph) for paragraph in parse(description, context, "exception")]


def _part(part: dom.AnyPart, names: set[str]) -> str:
    if part.type == dom.PartType.TEXT:
        return re.sub(r"([\\`*<\[])", r"\\\1", part.text)
    if part.type == dom.PartType.LINK:
        return f"[{part.text}]({part.url})"
    if part.type == dom.PartType.URL:
        return f"<{part.url}>"
    if part.type == dom.PartType.OPTION_NAME:
        text = code(part.name if part.value is None else f"{part.name}={part.value}")
        return f"[{text}](#{part.link[0]})" if part.link[0] in names else text
    if part.type == dom.PartType.OPTION_VALUE:
        return code(part.value)
    if part.type == dom.PartType.CODE:
        return code(part.text)
    if part.type == dom.PartType.MODULE:
        return code(part.fqcn)
    raise ValueError(f"The markup {part.type.name} has no form in a README. Use C(), L(), M(), O(), U() or V().")


def default(value: object) -> str:
    """Return the default of a variable in words and code, an expression as what it gives."""
    if not isinstance(value, str):
        return code(json.dumps(value, ensure_ascii=False))
    body = Environment(autoescape=True).parse(value).body or [nodes.Output([nodes.TemplateData("")])]
    parts = body[0].nodes if len(body) == 1 and isinstance(body[0], nodes.Output) else []
    found = _words(parts[0] if len(parts) == 1 else nodes.Concat(parts)) if parts else None
    return found or (INTERNAL if re.search(r"\b__", value) else code(" ".join(value.split())))


def _words(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Filter) and node.name == "default" and node.node:
        wish, other = _words(node.node), _words(node.args[0])
        if wish == INTERNAL:
            return INTERNAL
        if not wish or not other:
            return None
        otherwise = "otherwise" if other == INTERNAL else "else"
        return re.sub(r"\{\{ (.+) \}\}", r"\1", wish) + f" where that is set, {otherwise} {other}"
    elsewhere, openbsd = _text(node, False), _text(node, True)
    if elsewhere is None or openbsd is None:
        return None
    return _shown(elsewhere) if elsewhere == openbsd else f"{_shown(elsewhere)}, on OpenBSD {_shown(openbsd)}"


def _shown(text: str) -> str:
    return INTERNAL if "{{ __" in text else code(text) if text else "empty"


def _text(node: nodes.Node, openbsd: bool) -> str | None:
    """Return what an expression gives on that system, variables as {{ name }}, or None where it is not simple."""
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Const):
        return str(node.value)
    if isinstance(node, nodes.Name):
        return f"{{{{ {node.name} }}}}"
    if isinstance(node, nodes.Getattr):
        owner = _text(node.node, openbsd)
        return f"{{{{ {owner[3:-3]}.{node.attr} }}}}" if owner else None
    if isinstance(node, nodes.List):
        items = [_text(item, openbsd) for item in node.items]
        return None if None in items else json.dumps(items, ensure_ascii=False)
    if isinstance(node, nodes.Concat):
        texts = [_text(part, openbsd) for part in node.nodes]
        return None if None in texts else "".join(text for text in texts if text)
    if isinstance(node, nodes.CondExpr) and node.expr2 and _asks_for_openbsd(node.test):
        return _text(node.expr1 if openbsd else node.expr2, openbsd)
    return None


def _asks_for_openbsd(test: nodes.Node) -> bool:
    return (
        isinstance(test, nodes.Compare)
        and [operand.op for operand in test.ops] == ["eq"]
        and test.ops[0].expr == nodes.Const("OpenBSD")
        and any(
            attribute.attr == "os_family"
            for attribute in [test.expr, *test.find_all(nodes.Getattr)]
            if isinstance(attribute, nodes.Getattr)
        )
    )


def kind(spec: Mapping[str, Any]) -> str:
    """Return the type of an option in words."""
    return f"list of {spec['elements']}" if spec["type"] == "list" else str(spec["type"])


def variable(name: str, spec: dict[str, Any], value: object, role: str, names: set[str]) -> list[str]:
    """Return the lines that describe one variable; a value of None stands for no default."""
    facts = [f"Type {kind(spec)}"]
    if spec.get("choices"):
        words = ", ".join(code(str(choice)) for choice in spec["choices"])
        facts.append(f"items are {words}" if spec["type"] == "list" else f"one of {words}")
    facts.append("required" if spec.get("required") else f"default {default(value)}")
    if spec.get("no_log"):
        facts.append("a secret")
    lines = [f"### `{name}`", ""]
    for paragraph in render(spec["description"], role, names):
        lines += [paragraph, ""]
    for key, sub in spec.get("options", {}).items():
        text = " ".join(render(sub["description"], role, names))
        lines.append(f"- {code(key)} ({kind(sub)}{', required' if sub.get('required') else ''}): {text}")
    return [*lines, *([""] if spec.get("options") else []), "; ".join(facts) + ".", ""]


def reference(role: str, specs: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Return the sections on the entry points and the variables."""
    options = specs["main"].get("options", {})
    names = set(options)
    lines: list[str] = []
    for entry, spec in specs.items():
        if entry == "main":
            continue
        lines += [f"## Entry point `{entry}`", "", *render(f"{spec['short_description']}.", role, names), ""]
        for paragraph in render(spec.get("description", []), role, names):
            lines += [paragraph, ""]
        own = spec.get("options", {})
        takes = "all variables below" if own == options else "no variables" if not own else ", ".join(map(code, own))
        lines += [f"Call the role with `tasks_from: {entry}`. This entry point reads {takes}.", ""]
    lines += ["## Variables", ""]
    for name, spec in options.items():
        lines += variable(name, spec, defaults.get(name), role, names)
    return "\n".join(lines)


def readme(directory: Path) -> str:
    """Return the README of the role in that directory."""
    head, _dummy, rest = (directory / "README.head.md").read_text().partition(MARK)
    specs = yaml.safe_load((directory / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((directory / "defaults" / "main.yml").read_text()) or {}
    parts = [head, reference(directory.name, specs, defaults), rest]
    return NOTICE + "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


# REUSE-IgnoreStart
LICENCE = (
    "<!--",
    "SPDX-FileCopyrightText: 2026 The puffy.mail developers",
    "SPDX-License-Identifier: GPL-3.0-or-later",
    "-->",
    "",
)
# REUSE-IgnoreEnd


def shared(specs: Mapping[str, Mapping[str, Any]], level: str) -> list[str]:
    """Return the lines that describe inputs that no role has."""
    lines = []
    for name, spec in specs.items():
        facts = [f"Type {kind(spec)}"]
        if spec.get("choices"):
            facts.append(f"one of {', '.join(code(choice) for choice in spec['choices'])}")
        value = spec.get("default_text") or (code(json.dumps(spec["default"])) if spec.get("default") else "empty")
        facts.append("required" if spec.get("required") else f"default: {value}")
        facts += ["a secret"] if spec.get("no_log") else []
        lines += [f"{level} `{name}`", "", spec["description"], "", "; ".join(facts) + ".", ""]
    return lines


def shared_variables() -> str:
    """Return docs/variables.md: the variables that several roles share."""
    lines = [
        "<!-- `make readmes` writes this file from plugins/module_utils/_inputs/mail.py. -->",
        *LICENCE,
        "# The shared variables",
        "",
        "Several roles read these variables, and the inventory sets them. Every other variable belongs to one role,",
        "and the README of the role describes that variable. A variable of a role that is set wins over the shared",
        "one. A name that begins with `mail_` or with the name of a role, and that no list knows, is an error before",
        "a host is touched.",
        "",
        *shared(mail.SPEC, "##"),
    ]
    return "\n".join(lines)


def playbook(path: Path) -> list[str]:
    """Return the section on a playbook, from the comment at its top and the inputs that it reads."""
    comment = re.findall(r"^# ?(.*)$", path.read_text().partition("---\n")[2].partition("\n- ")[0], re.MULTILINE)
    lines = [f"## `puffy.mail.{path.stem}`", ""]
    for commands, group in itertools.groupby(comment, key=lambda line: line.startswith("  ")):
        text = [line.strip() for line in group]
        lines += ["```sh", *text, "```", ""] if commands else [*text, ""]
    names = tables.PLAYBOOKS[path.stem]
    roles = [role for role in tables.ROLES if role in names or (role.endswith("_maps") and "{accounts}_maps" in names)]
    if roles:
        links = ", ".join(f"[{role}](../roles/{role}/README.md)" for role in roles)
        lines += [f"The playbook reads the variables of the roles {links}, and the [shared variables](variables.md)."]
        lines.append("")
    for name in names:
        if name in tables.SHARED:
            lines += shared(tables.SHARED[name][0], "###")
    return lines


def playbooks() -> str:
    """Return docs/playbooks.md: what each playbook does, how it is called, and its inputs."""
    lines = [
        "<!-- `make readmes` writes this file from playbooks/*.yml and plugins/module_utils/_inputs. -->",
        *LICENCE,
    ]
    lines += ["# The playbooks", ""]
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        lines += playbook(path)
    return "\n".join(lines)


def write(target: Path, text: str) -> None:
    """Write a file whose text differs, and say so."""
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
        print(f"{target.relative_to(ROOT)} was written.")


def main() -> None:
    for head in sorted(ROOT.glob("roles/*/README.head.md")):
        write(head.with_name("README.md"), readme(head.parent))
    write(ROOT / "docs" / "variables.md", shared_variables())
    write(ROOT / "docs" / "playbooks.md", playbooks())


if __name__ == "__main__":
    main()
