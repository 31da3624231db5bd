# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated files and wishes: what postconf(1) reads from the planned files equals what was asked.

PUFFY_GENERATED sets how many files each Postfix version reads in the long run (10,000 unless set).
"""

from __future__ import annotations

import base64
import io
import os
import random
import tarfile
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import main_cf, master_cf
from ansible_collections.puffy.mail.plugins.module_utils._postfix import plan as planning
from ansible_collections.puffy.mail.tests.harness.containers import HANGS, PODMAN, Host

pytestmark = pytest.mark.containers

#: parameters of every Postfix under test, lists and others, on which nothing that postconf does depends
LISTS = ("mydestination", "mynetworks", "relay_domains", "smtpd_recipient_restrictions", "debug_peer_list")
OTHERS = ("smtpd_banner", "relayhost", "myorigin", "mail_name", "home_mailbox", "smtpd_helo_required")
DEFAULTS = dict.fromkeys(LISTS, "")
COMMANDS = ("smtpd", "pipe", "qmgr")
OPTIONS = ("smtpd_banner", "syslog_name", "mynetworks", "content_filter")

READ = r"""
cd /p && for dir in *; do
  echo "@dir $dir"
  echo @n; postconf -c /p/$dir -n 2>/dev/null
  echo @M; postconf -c /p/$dir -M 2>/dev/null
  echo @P; postconf -c /p/$dir -P 2>/dev/null
done | base64
"""


class Maker:
    """Makes files and wishes from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - not for secrets

    def word(self, alphabet: str = "abcxyz019._-/:[]@=\\%\u20ac") -> str:
        if self.random.random() < 0.1:
            # a lone "$" would be fatal: "macro processing error"
            return self.random.choice(["$myhostname", "${mydomain}", "$mydomain/x"])
        word = "".join(self.random.choice(alphabet) for _dummy in range(self.random.randint(1, 14)))
        return f"{{ {word} {word} }}" if self.random.random() < 0.05 else word

    def words(self, most: int = 12) -> list[str]:
        return [self.word() for _dummy in range(self.random.randint(0, most))]

    def text(self) -> str:
        """A value in one of the layouts people use."""
        joint = self.random.choice([" ", ", ", ",", "  ", ",\n    ", "\n\t", "\n# between\n  ", " \n\n  # c\n "])
        lead = self.random.choice(["", " ", "\t", "\n  "])
        words = self.words()
        return (lead + joint.join(words)) if words else ""

    def main(self) -> str:
        parts: list[str] = []
        for _dummy in range(self.random.randint(0, 9)):
            kind = self.random.random()
            if kind < 0.2:
                parts.append(self.random.choice(["# c", "", "#a = b", "\t# x", "   "]))
            else:
                name = self.random.choice(LISTS + OTHERS)
                parts.append(f"{name}{self.random.choice(['=', ' =', ' = ', chr(9) + '='])}{self.text()}")
        text = "\n".join(parts) + self.random.choice(["", "\n", "\n\n"])
        return text.replace("\n", "\r\n") if self.random.random() < 0.1 else text

    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in self.random.sample(LISTS, self.random.randint(0, 3)):
            kind = self.random.random()
            if kind < 0.3:
                found[name] = {"append": self.words(2) or ["x"], "prepend": self.words(2) or ["y"]}
            elif kind < 0.8:
                found[name] = self.words(25)
            else:
                found[name] = " ".join(self.words())
        for name in self.random.sample(OTHERS, self.random.randint(0, 3)):
            # What YAML makes of a word or number is refused where a text stands.
            plain: list[Any] = [True, False] if name == "smtpd_helo_required" else [str(self.random.randint(0, 99))]
            found[name] = self.random.choice([*plain, "  ".join(self.words(5))])
        return found

    def options(self) -> dict[str, Any]:
        names = self.random.sample(OPTIONS, self.random.randint(0, 3))
        return {name: self.random.choice(["yes", "7", self.word(), " ".join(self.words(4)), ""]) for name in names}

    def service(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "command": self.random.choice(COMMANDS),
            "private": "n",
            "unpriv": self.random.choice(["y", "n", "-"]),
            "chroot": self.random.choice([True, False, "-"]),
            "wakeup": self.random.choice([0, "60?", "-"]),
            "maxproc": self.random.choice([0, 5, "-"]),
            "options": self.options(),
        }
        if self.random.random() < 0.5:
            fields["arguments"] = [*(["-v"] if self.random.random() < 0.3 else []), "flags=R", *self.words(3)]
        return fields

    def keys(self) -> list[str]:
        known = ["smtp/inet", "127.0.0.1:25/inet", "a/unix", "relay/unix", "mail-drop/unix"]
        return self.random.sample(known, self.random.randint(0, 4))

    def master(self) -> str:
        wishes = planning.read_services({key: self.service() for key in self.keys()})
        file = master_cf.parse("# head\n")
        for wish in wishes.values():
            file = planning._plan_service(file, wish)
        lines = []
        for line in file.lines:
            lines.append(line)
            if self.random.random() < 0.15:
                lines.append(self.random.choice(["# c\n", "\n", "#  -o x=y\n", "  # c\n"]))
        return "".join(lines)

    def services(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in self.keys():
            fields = self.service()
            kind = self.random.random()
            if kind < 0.15:
                fields["state"] = self.random.choice(["absent", "disabled"])
            fields["exclusive"] = self.random.random() < 0.5
            found[key] = fields
        return found


def archive(files: dict[str, str]) -> bytes:
    """A tar of ``files``, all with an old time stamp: postconf waits over new files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in files.items():
            content = text.encode()
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), 1_000_000_000, 0o644
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def read_back(host: Host, files: dict[str, str]) -> dict[str, dict[str, list[str]]]:
    """What postconf -n, -M and -P say of each directory."""
    import subprocess

    host.run("rm -rf /p; mkdir /p")
    subprocess.run([PODMAN, "exec", "-i", host.name, "tar", "xf", "-", "-C", "/p"], input=archive(files), check=True)
    answer = base64.b64decode(host.run(READ, timeout=6 * HANGS).stdout).decode()
    found: dict[str, dict[str, list[str]]] = {}
    place: list[str] = []
    directory: dict[str, list[str]] = {}
    for line in answer.split("\n"):
        if line.startswith("@dir "):
            directory = found.setdefault(line[5:], {})
        elif line in ("@n", "@M", "@P"):
            place = directory.setdefault(line, [])
        elif line:
            place.append(line)
    return found


def check(host: Host, seeds: range) -> None:
    plans: dict[str, tuple[planning.Plan, planning.Request]] = {}
    files: dict[str, str] = {}
    for seed in seeds:
        maker = Maker(seed)
        main, master = main_cf.parse(maker.main()), master_cf.parse(maker.master())
        assert main.bad_lines == [], seed
        request = planning.Request(
            planning.read_parameters(maker.parameters(), []),
            frozenset(),
            planning.read_services(maker.services()),
            maker.random.random() < 0.2,
        )
        plan = planning.plan(main, master, request, DEFAULTS)
        plans[str(seed)] = (plan, request)
        files[f"{seed}/main.cf"] = plan.main.render()
        files[f"{seed}/master.cf"] = plan.master.render()
    answers = read_back(host, files)
    assert set(answers) == set(plans)
    for seed_, (plan, request) in plans.items():
        answer = answers[seed_]
        values = dict(line.split(" =", 1) for line in answer["@n"])
        values = {name: value.strip() for name, value in values.items() if name != "config_directory"}
        assert values == {entry.name: entry.value for entry in plan.main.entries()}, seed_
        for name, wish in request.parameters.items():
            if wish.text is not None:
                have = values[name]
                if planning.types.is_list(name) or wish.is_list:
                    assert main_cf.list_words(have) == main_cf.list_words(wish.text), (seed_, name)
                else:
                    assert have == main_cf.normalize(wish.text), (seed_, name)
            else:
                words = main_cf.list_words(values[name])
                assert all(set(main_cf.list_words(item)) <= set(words) for item in (*wish.append, *wish.prepend))
        services = {service.key: service for service in master_cf.parse("\n".join(answer["@M"]) + "\n").services()}
        assert list(services) == [service.key for service in plan.master.services()], seed_
        for service in plan.master.services():
            assert services[service.key].same(service), (seed_, service, services[service.key])
        for key, wanted in request.services.items():
            if wanted.state != "present":
                assert key not in services, seed_
                continue
            for column, value in wanted.columns.items():
                assert getattr(services[key], column) == value, (seed_, key, column)
            asked = dict(wanted.options)
            have_options = dict(services[key].options)
            assert {name: have_options[name] for name in asked} == asked or all(
                planning.same_value(name, have_options[name], value) for name, value in asked.items()
            ), (seed_, key)
            assert not wanted.exclusive or set(have_options) == set(asked), (seed_, key)
            assert wanted.arguments is None or services[key].arguments == wanted.arguments, (seed_, key)
        printed = {}
        for line in answer["@P"]:
            name, value = line.split(" =", 1)
            printed[name] = value.strip()
        assert printed == {
            f"{service.key}/{name}": main_cf.normalize(value)
            for service in plan.master.services()
            for name, value in service.options
        }, seed_


def test_generated_files(host: Host) -> None:
    check(host, range(60))


@pytest.mark.long
def test_many_generated_files(host: Host) -> None:
    count = int(os.environ.get("PUFFY_GENERATED", "10000"))
    for start in range(1000, 1000 + count, 500):
        check(host, range(start, min(start + 500, 1000 + count)))
