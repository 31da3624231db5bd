# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""execution-environment.yml: what ansible-builder makes of it, and the image, built on Debian packages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.tests.harness import ssh
from ansible_collections.puffy.mail.tests.harness.containers import HANGS, PODMAN, ROOT, Host, podman
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, mail_hosts
from ansible_collections.puffy.mail.tools import environments, images

DEFINITION = ROOT / "execution-environment.yml"
IMAGE = f"localhost/puffy-mail-test-ee:{os.getpid()}"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
#: where they are while the image is built: the package ca-certificates writes a file of that name itself
INSIDE = "/opt/certificates.pem"


def builder(directory: Path, command: str, *options: str) -> None:
    """Run ansible-builder beside a copy of the definition and the tarball that it names."""
    done = subprocess.run(
        [environments.make("builder", ["ansible-builder>=3,<4"]) / "bin" / "ansible-builder", command, *options],
        cwd=directory,
        env={**os.environ, "PATH": f"{directory / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the definition, beside the collection's tarball."""
    tmp_path = tmp_path_factory.mktemp("environment")
    shutil.copy(DEFINITION, tmp_path)
    galaxy = os.path.join(os.path.dirname(sys.executable), "ansible-galaxy")
    build = [galaxy, "collection", "build", "--output-path", tmp_path, ROOT]
    subprocess.run(build, check=True, capture_output=True, timeout=HANGS)
    (tmp_path / "bin").mkdir()
    # ansible-builder calls podman by its name, and so does tools/podman: each must find another one.
    wrapper = tmp_path / "bin" / "podman"
    wrapper.write_text(f"#!/bin/sh\nPATH='{os.environ['PATH']}' exec '{PODMAN}' \"$@\"\n")
    wrapper.chmod(0o755)
    return tmp_path


def test_the_definition_is_valid_and_names_the_tarball(directory: Path) -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert set(re.findall(r"puffy-mail-[^\s/]*\.tar\.gz", DEFINITION.read_text())) == {f"puffy-mail-{version}.tar.gz"}
    builder(directory, "create", "--file", "execution-environment.yml", "--context", "context")
    assert "USER 1000" in (directory / "context" / "Containerfile").read_text()


@pytest.fixture(scope="module")
def image(directory: Path) -> Iterator[str]:
    """The execution environment on a Debian of this project, with the packages of mirrors."""
    base = images.build("trixie")
    extra = f"--network=host --volume={CERTIFICATES}:{INSIDE}:ro --env=PIP_CERT={INSIDE}"
    builder(
        directory, "build", "--file", "execution-environment.yml", "--context", "context", "--tag", IMAGE,
        "--container-runtime", "podman", "--build-arg", f"EE_BASE_IMAGE={base}", "--extra-build-cli-args", extra,
    )  # fmt: skip
    yield IMAGE
    podman("rmi", "--force", IMAGE)


@pytest.mark.long
@pytest.mark.containers
def test_the_image_has_what_the_control_side_needs(image: str) -> None:
    """As root and as a numbered user without a home, who is what a pod may have."""
    for user in ("0", "1000640000"):

        def inside(command: str, user: str = user) -> str:
            return podman("run", "--rm", "--user", user, "--env", "HOME=/runner", image, "sh", "-c", command).stdout

        assert "awx.awx" in inside("ansible-galaxy collection list 2>/dev/null")
        inside("python3 -c 'import bcrypt, cryptography' && ansible-runner --version")
        inside("ssh -V && git --version && openssl version")
        for playbook in sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml")):
            inside(f"ansible-playbook --syntax-check -i localhost, puffy.mail.{playbook}")
        hosts = "printf '[mail_hosts]\\nmail.example.test\\n' >/runner/hosts"
        site = f"{hosts} && ansible-playbook -i /runner/hosts puffy.mail.site"
        told = podman("run", "--rm", "--user", user, "--env", "HOME=/runner", image, "sh", "-c", site, check=False)
        assert "sqlite_maps_domains names no domain." in told.stdout, told.stdout + told.stderr


@pytest.mark.long
@pytest.mark.containers
def test_site_converges_a_host_from_inside(image: str, tmp_path: Path) -> None:
    """The CA has a host of its own, for the directory of a job is thrown away."""
    tmp_path.chmod(0o755)
    for name in ("mail", "ca"):
        (tmp_path / name).mkdir()
    with ssh.ssh_host(tmp_path / "mail") as host, ssh.ssh_host(tmp_path / "ca") as authority:
        authority.run("apt-get install -qq -y --no-install-recommends python3-cryptography")

        def reached(name: str, there: Host) -> dict[str, Any]:
            (tmp_path / name / "key").chmod(0o644)
            return {
                **ssh.VARIABLES,
                "ansible_host": there.run("hostname -I").stdout.split()[0],
                "ansible_ssh_private_key_file": f"/runner/{name}.key",
                "ansible_ssh_common_args": ssh.common_arguments("/runner/known_hosts"),
            }

        variables = {
            **reached("mail", host),
            "tls_pki_ca_host": "ca.example.test",
            "tls_pki_ca_directory": "/etc/puffy-mail-pki",
            "tls_pki_ca_public_directory": "",
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password": "one-two-three"}],
        }
        inventory = mail_hosts({NAME: variables}) | {"others": {"hosts": {"ca.example.test": reached("ca", authority)}}}
        (tmp_path / "hosts.json").write_text(json.dumps(inventory))
        changed = []
        for user in ("0", "1000640000"):
            site = (
                "for name in mail ca; do cp /given/$name/key /runner/$name.key && chmod 600 /runner/$name.key; done"
                " && ansible-playbook -i /given/hosts.json puffy.mail.site"
            )
            given = ("--volume", f"{tmp_path}:/given:ro", "--env", "HOME=/runner", "--user", user)
            told = podman("run", "--rm", *given, image, "sh", "-c", site, check=False)
            assert told.returncode == 0, told.stdout + told.stderr
            changed.append(int(re.findall(r"changed=(\d+)", told.stdout)[-1]))
        assert changed[0] > 0
        assert changed[1] == 0
        assert host.run("doveadm auth test alice@example.test one-two-three && postfix status").returncode == 0
