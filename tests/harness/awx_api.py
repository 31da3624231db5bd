# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers as AWX answered in recordings. It is not AWX.

``awx_recordings.jsonl.xz`` has 1,500 exchanges of awx.awx 24.6.1 with the API of AWX 24.6.1 (lists are cut to id, type
and name). The server keeps objects in memory and answers a request only if the recordings have one of its kind: the
same method, the same path but for numbers, the same names in the query, and no field that the kind of object was not
seen with. A value that was refused is refused with the same words, whatever else the request has, and so are
credentials of the wrong kind and two of a type. Everything else is ``unknown``, and a test fails on it.

Not recorded, and answered by what awx.awx reads (UNRECORDED): how a kind of object is made that was there before the
recording, a type of credentials by its number, the credentials of an organization, and the making of an approval.
"""

from __future__ import annotations

import functools
import json
import lzma
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

RECORDINGS = Path(__file__).parent / "awx_recordings.jsonl.xz"
PREFIX = "/api/v2/"
#: kinds of objects whose making was not recorded, with the fields that awx.awx sends and AWX answers with
UNRECORDED: Mapping[str, Mapping[str, Any]] = {
    "organizations": {"name": "", "description": "", "default_environment": None, "max_hosts": 0},
    "execution_environments": {"name": "", "description": "", "organization": None, "image": "", "pull": ""},
    "credential_types": {
        "name": "", "description": "", "kind": "cloud", "inputs": {}, "injectors": {}, "managed": False
    },
    "projects": {
        "name": "", "description": "", "organization": None, "scm_type": "", "scm_url": "", "scm_branch": "",
        "credential": None, "default_environment": None, "allow_override": False, "scm_revision": "1",
        "summary_fields": {},
    },
    "inventories": {},
    "notification_templates": {},
}  # fmt: skip
UNRECORDED_REQUESTS = {
    ("GET", "credential_types/N/"),
    ("GET", "organizations/N/galaxy_credentials/"),
    ("POST", "organizations/N/galaxy_credentials/"),
    ("POST", "workflow_job_template_nodes/N/create_approval_template/"),
    ("POST", "projects/N/notification_templates_error/"),
    ("POST", "inventory_sources/N/notification_templates_error/"),
    ("POST", "job_templates/N/notification_templates_error/"),
    ("POST", "workflow_job_templates/N/notification_templates_error/"),
    ("POST", "workflow_job_templates/N/notification_templates_approvals/"),
    ("PATCH", "organizations/N/"),
    ("PATCH", "credential_types/N/"),
    ("PATCH", "projects/N/"),
}
REFERENCES = (
    "credential",
    "credential_type",
    "inventory",
    "organization",
    "project",
    "source_project",
    "unified_job_template",
)
TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "inventory_sources", "workflow_approval_templates")
_TYPES = {"workflow_job_template_nodes": "workflow_job_template_node", "inventories": "inventory"}


@functools.cache
def recordings() -> tuple[dict[str, Any], ...]:
    """The exchanges."""
    with lzma.open(RECORDINGS, "rt") as file:
        return tuple(json.loads(line) for line in file)


def kind_of(path: str) -> str:
    """The path without the prefix and with N for each number."""
    return re.sub(r"(?<=/)\d+(?=/)", "N", path.removeprefix(PREFIX))


class Api:
    """The objects, and what was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {}
        self.links: dict[str, list[int]] = {}
        self.surveys: dict[str, Any] = {}
        self.requests: list[tuple[str, str]] = []
        self.unknown: list[str] = []
        self.number = 0
        self.known = {(entry["method"], kind_of(entry["path"])) for entry in recordings()} | UNRECORDED_REQUESTS
        self.known |= {("POST", f"{kind}/") for kind in UNRECORDED}
        self.queries = {(kind_of(entry["path"]), tuple(sorted(entry["query"]))) for entry in recordings()}
        self.fields: dict[str, set[str]] = {kind: set(fields) for kind, fields in UNRECORDED.items()}
        self.fresh: dict[str, dict[str, Any]] = {kind: dict(fields) for kind, fields in UNRECORDED.items()}
        for entry in recordings():
            kind = kind_of(entry["path"]).split("/")[0]
            if (
                entry["method"] in ("POST", "PATCH")
                and entry["status"] in (200, 201)
                and isinstance(entry["response"], dict)
                and kind_of(entry["path"]) in (f"{kind}/", f"{kind}/N/")
            ):
                self.fields.setdefault(kind, set()).update(entry["response"], entry["request"])
                self.fresh.setdefault(kind, {}).update({key: _empty(value) for key, value in entry["response"].items()})
        self.refused = {
            (entry["method"], kind_of(entry["path"]), json.dumps(entry["request"], sort_keys=True)): entry
            for entry in recordings()
            # The number of an object says nothing here.
            if entry["status"] == 400 and set(entry["request"] or {}) != {"id"}
        }
        self.values = {
            (kind_of(entry["path"]).split("/")[0], *found): entry["response"]
            for entry in recordings()
            if entry["status"] == 400
            for found in _refused_values(entry)
        }

    def changes(self) -> list[tuple[str, str]]:
        """The requests that write."""
        return [(method, path) for method, path in self.requests if method != "GET"]

    def make(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add an object."""
        self.number += 1
        made = {**self.fresh.get(kind, {}), **fields, "id": self.number, "url": f"{PREFIX}{kind}/{self.number}/"}
        made["type"] = _TYPES.get(kind, kind.removesuffix("s"))
        made["related"] = {"survey_spec": f"{made['url']}survey_spec/"} if kind == "job_templates" else {}
        self.objects.setdefault(kind, {})[self.number] = made
        return made

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of a kind, by name."""
        return {str(entry.get("name", entry.get("identifier"))): entry for entry in self.objects.get(kind, {}).values()}

    # -- answers -------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """The status and the response."""
        self.requests.append((method, path))
        shape = kind_of(path)
        kind, _slash, rest = shape.partition("/")
        listed = method != "GET" or not query or (shape, tuple(sorted(query))) in self.queries
        if (method, shape) not in self.known or not listed:
            return self._unknown(f"{method} {shape} with {sorted(query)}")
        whole = self.refused.get((method, shape, json.dumps(body, sort_keys=True)))
        if whole is not None:
            return 400, whole["response"]
        if method != "GET" and rest in ("", "N/"):
            for found in _values(body or {}):
                if (refused := self.values.get((kind, *found))) is not None:
                    return 400, refused
        if kind == "projects" and method != "GET" and self._kind((body or {}).get("credential")) not in (None, "scm"):
            return 400, {"credential": ["Credential kind must be 'scm'."]}
        parts = path.removeprefix(PREFIX).strip("/").split("/")
        if rest == "":
            return self._list(kind, query) if method == "GET" else self._create(kind, body)
        if rest == "N/":
            return self._one(method, kind, int(parts[1]), body)
        return self._below(method, path, parts, body)

    def _type(self, number: Any) -> dict[str, Any]:
        """The type of a credential."""
        found = self.objects.get("credentials", {}).get(number, {})
        return self.objects.get("credential_types", {}).get(found.get("credential_type"), {})

    def _kind(self, number: Any) -> Any:
        return self._type(number).get("kind")

    def _refused_credential(self, number: int, assigned: list[int]) -> dict[str, str] | None:
        """What AWX says to a credential that a template does not take (awx/api/views, is_valid_relation)."""
        mine = self._type(number)
        if mine.get("id") in [self._type(other).get("id") for other in assigned] and mine.get("kind") != "vault":
            return {"error": f"Cannot assign multiple {mine['name']} credentials."}
        if mine.get("kind") not in ("ssh", "vault", "cloud", "net", "kubernetes"):
            return {"error": f"Cannot assign a Credential of kind `{mine.get('kind')}`."}
        return None

    def _unknown(self, what: str) -> tuple[int, Any]:
        self.unknown.append(what)
        return 501, {"detail": f"not in the recordings: {what}"}

    def _list(self, kind: str, query: dict[str, str]) -> tuple[int, Any]:
        kinds = TEMPLATES if kind == "unified_job_templates" else (kind,)
        entries = [entry for each in kinds for entry in self.objects.get(each, {}).values()]
        found = [entry for entry in entries if all(str(entry.get(key)) == value for key, value in query.items())]
        return 200, {"count": len(found), "next": None, "previous": None, "results": found}

    def _create(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        odd = set(body) - self.fields.get(kind, set())
        if odd:
            return self._unknown(f"POST {kind}/ with {sorted(odd)}")
        return 201, self.make(kind, self._kept(kind, body))

    def _one(self, method: str, kind: str, number: int, body: Any) -> tuple[int, Any]:
        entry = self.objects.get(kind, {}).get(number)
        if entry is None:
            return 404, {"detail": "Not found."}
        if method == "PATCH":
            odd = set(body) - self.fields.get(kind, set())
            if odd:
                return self._unknown(f"PATCH {kind}/N/ with {sorted(odd)}")
            entry.update(self._kept(kind, body))
        return 200, entry

    def _below(self, method: str, path: str, parts: list[str], body: Any) -> tuple[int, Any]:
        if parts[2] == "survey_spec":
            if method == "GET":
                return 200, self.surveys.get(path, {})
            self.surveys[path] = body
            return 200, None
        if parts[2] == "create_approval_template":
            made = self.make("workflow_approval_templates", body)
            node = self.objects["workflow_job_template_nodes"][int(parts[1])]
            node["unified_job_template"] = made["id"]
            node["related"]["unified_job_template"] = made["url"]
            return 201, made
        numbers = self.links.setdefault(path, [])
        if method == "GET":
            every = {number: entry for entries in self.objects.values() for number, entry in entries.items()}
            results = [every[number] for number in numbers]
            return 200, {"count": len(results), "next": None, "previous": None, "results": results}
        if parts[0] == "job_templates" and parts[2] == "credentials" and not body.get("disassociate"):
            refused = self._refused_credential(body["id"], numbers)
            if refused is not None:
                return 400, refused
        numbers.remove(body["id"]) if body.get("disassociate") else numbers.append(body["id"])
        return 204, None

    def _kept(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """What AWX keeps and shows of a request."""
        kept = dict(body)
        if kind == "credentials":
            kept["inputs"] = dict.fromkeys(body.get("inputs", {}), "$encrypted$")
        if kind == "notification_templates":
            given = body.get("notification_configuration", {})
            kept["notification_configuration"] = {
                key: "$encrypted$" if key in ("password", "token") and value else value for key, value in given.items()
            }
        return kept


def _values(request: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Each field with its value as text, those of mappings in it included."""
    for name, value in request.items():
        if isinstance(value, str) and (cut := re.fullmatch(r"<(.) x (\d+)>", value)):
            value = cut[1] * int(cut[2])
        yield f"{above}{name}", json.dumps(value, sort_keys=True)
        if isinstance(value, dict):
            yield from _values(value, f"{above}{name}.")


def _refused_values(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that a refusal names, each with the value that was refused. Numbers of objects are left out."""
    if not isinstance(entry["response"], dict):
        return
    named = {*entry["response"], *re.findall(r"'(\w+)'", json.dumps(entry["response"]))}
    for field, value in _values(entry["request"] or {}):
        name = field.rpartition(".")[2]
        if name in named and (name not in REFERENCES or not value.isdigit()):
            yield field, value


def _empty(value: Any) -> Any:
    """What a field has that was not set."""
    if isinstance(value, bool):
        return False
    return {str: "", list: [], dict: {}}.get(type(value), None if not isinstance(value, int) else 0)


@contextmanager
def served(api: Api) -> Iterator[str]:
    """The address of a server for ``api``."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"null")
            status, response = api.answer(self.command, parts.path, dict(parse_qsl(parts.query)), body)
            text = b"" if response is None else json.dumps(response).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
