# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What LDAP writes down as text: filters (RFC 4515), distinguished names (RFC 4514), URLs of servers (RFC 4516)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import domain_fault

_HEX = frozenset("0123456789abcdefABCDEF")
#: an attribute description (RFC 4512, section 2.5): a name or an OID, and options
_DESCRIPTION = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?:;[A-Za-z0-9-]+)*")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+")
#: what follows the attribute of an extensible match (RFC 4515, section 3)
_RULE = re.compile(r"(?P<dn>:[dD][nN])?(?P<rule>:(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+))?:=")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?\Z")
#: the expansions of a key (ldap_table(5)); "%%" stands for itself
EXPANSION = re.compile(r"%%|%([sudSUD1-9])")
_HEX_STRING = re.compile(r"#(?:[0-9A-Fa-f]{2})+")
#: what a value of a distinguished name holds escaped only, and what a backslash may stand before
_DN_SPECIAL = '";<>\0'
_DN_QUOTED = re.compile(r'"(?:[^"\\\0]|\\[",+;<>\\ #=])*"[ \t]*(?=[,+]|\Z)')
_DN_ESCAPED = '",+;<>\\ #='
DEFAULT_PORTS = {"ldap": 389, "ldaps": 636}
SCHEMES = ("ldap", "ldaps", "ldapi")


@dataclass(frozen=True)
class Server:
    """One server of a directory. ``port`` is 0 and ``path`` the socket ('' for the library's own) with ldapi."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def local(self) -> bool:
        """Whether what is sent to it never leaves the host."""
        return self.scheme == "ldapi" or self.host in ("localhost", "127.0.0.1", "::1")


def parse_server(text: str) -> Server:
    """Take the URL of a server apart: ldap://HOST[:PORT], ldaps://… or ldapi://SOCKET. Raises ValueError."""

    def wrong(problem: str) -> ValueError:
        return ValueError(
            f"{text!r} is not the URL of an LDAP server: {problem}. Use a URL such as 'ldap://ldap.example.org',"
            " 'ldaps://ldap.example.org:636' or 'ldapi://%2Frun%2Fslapd%2Fldapi'"
        )

    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise wrong("it has no '://'")
    if scheme not in SCHEMES:
        raise wrong(f"{scheme!r} is none of {', '.join(SCHEMES)}")
    if re.search(r"\s|,", text):
        raise wrong("it has a blank or a comma")
    authority, slash, tail = rest.partition("/")
    if scheme == "ldapi":
        if tail:
            encoded = f"%2F{tail.replace('/', '%2F')}"
            raise wrong(f"a slash in the path of its socket is written '%2F', as in 'ldapi://{encoded}'")
        if re.search(r"%(?![0-9A-Fa-f]{2})", authority):
            raise wrong("a '%' in it is followed by something else than two hexadecimal digits")
        path = unquote(authority)
        if path and not path.startswith("/"):
            raise wrong(f"{path!r} is not the absolute path of a socket")
        return Server(scheme, "", 0, path)
    if slash and tail:
        raise wrong(f"'/{tail}' names an entry or a search, which has options of its own")
    if "@" in authority:
        raise wrong("it names a user, who has options of his own")
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        if not bracket or not re.fullmatch(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?", host) or host.count(":") < 2:
            raise wrong(f"{authority!r} is not an IPv6 address in brackets")
        if port and not port.startswith(":"):
            raise wrong(f"{port!r} follows the address")
        port = port[1:] if port else ""
    else:
        host, colon, port = authority.partition(":")
        if colon and ":" in port:
            raise wrong("an IPv6 address stands in brackets")
        if not host:
            raise wrong("it names no host")
        if not _HOST.match(host):
            raise wrong(f"{host!r} is not the name of a host")
        if colon and not port:
            raise wrong("the port is missing after ':'")
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise wrong(f"{port!r} is not a port from 1 to 65535")
    return Server(scheme, host, int(port) if port else DEFAULT_PORTS[scheme])


def _escaped(character: str) -> str:
    """A character as a backslash and the hexadecimal digits of its byte."""
    return f"\\{ord(character):02x}"


class _Reader:
    """A text that is read from left to right; the first thing that is wrong is raised as ValueError."""

    what = ""

    def __init__(self, text: str, keys: bool) -> None:
        self.text = text
        self.keys = keys
        self.at = 0

    def wrong(self, problem: str, at: int | None = None) -> ValueError:
        where = (self.at if at is None else at) + 1
        return ValueError(f"{self.text!r} is not {self.what}: {problem}, at character {where}")

    def blanks(self) -> None:
        while self.next() in (" ", "\t"):
            self.at += 1

    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def attribute(self, match: re.Match[str] | None) -> str:
        """The attribute that ``match`` found here."""
        if match:
            self.at = match.end()
            return match.group()
        if self.keys and EXPANSION.match(self.text, self.at):
            raise self.wrong(
                f"{self.text[self.at : self.at + 2]!r} stands for an attribute, and only in a value is the key escaped"
            )
        shown = self.next()
        raise self.wrong(f"{shown!r} begins no name of an attribute" if shown else "an attribute is missing")


class _Filter(_Reader):
    """A filter. libldap skips blanks between filters (RFC 4515 has none), which long ones need to be readable."""

    what = "an LDAP filter (RFC 4515)"

    def read(self) -> None:
        if not self.text.strip():
            raise self.wrong("it is empty")
        self.blanks()
        if self.next() != "(":
            raise self.wrong("it begins without '('")
        self.one()
        self.blanks()
        if self.at < len(self.text):
            raise self.wrong(f"{self.text[self.at :]!r} follows its last ')'")

    def one(self) -> None:
        start = self.at
        self.at += 1
        self.blanks()
        kind = self.next()
        if kind in ("&", "|", "!"):
            self.at += 1
            self.blanks()
            count = 0
            while self.next() == "(":
                if kind == "!" and count:
                    raise self.wrong("'!' negates one filter, and another one follows")
                self.one()
                self.blanks()
                count += 1
            # RFC 4526: (&) is true and (|) is false.
            if kind == "!" and not count:
                raise self.wrong("'!' has no filter to negate")
        else:
            self.item()
        if self.next() != ")":
            if not self.next():
                raise self.wrong("the '(' has no ')'", start)
            raise self.wrong(f"{self.next()!r} stands where '(' or ')' is due")
        self.at += 1

    def item(self) -> None:
        start = self.at
        match = _DESCRIPTION.match(self.text, self.at)
        extensible = _RULE.match(self.text, match.end() if match else self.at)
        if extensible:
            if not match and not extensible.group("rule"):
                raise self.wrong("an extensible match has neither attribute nor matching rule", start)
            self.at = extensible.end()
            self.value(False)
            return
        name = self.attribute(match)
        for operator in ("=", "~=", ">=", "<="):
            if self.text.startswith(operator, self.at):
                self.at += len(operator)
                self.value(operator == "=")
                return
        shown = self.next()
        raise self.wrong(
            f"{shown!r} follows the attribute {name!r} where '=', '~=', '>=' or '<=' is due"
            if shown
            else f"nothing follows the attribute {name!r}"
        )

    def value(self, asterisks: bool) -> None:
        while True:
            character = self.next()
            if character in ("", ")"):
                return
            if character == "(":
                raise self.wrong("a '(' inside a value is written '\\28'")
            if character == "\0":
                raise self.wrong("a NUL inside a value is written '\\00'")
            if character == "*" and not asterisks:
                raise self.wrong("a '*' inside this value is written '\\2a'")
            if character == "\\":
                code = self.text[self.at + 1 : self.at + 3]
                if len(code) < 2 or not set(code) <= _HEX:
                    raise self.wrong(
                        f"'{self.text[self.at : self.at + 3]}' is not an escape; a backslash is followed by two"
                        " hexadecimal digits, and stands for itself as '\\5c'"
                    )
                self.at += 2
            self.at += 1


class _Name(_Reader):
    """A distinguished name. RFC 2253 has blanks beside its separators and values in quotes; servers still take them."""

    what = "a distinguished name (RFC 4514)"

    def read(self) -> None:
        if not self.text.strip():
            raise self.wrong("it is empty")
        while True:
            self.blanks()
            name = self.attribute(_TYPE.match(self.text, self.at))
            self.blanks()
            if self.next() != "=":
                raise self.wrong(f"no '=' follows the attribute {name!r}")
            self.at += 1
            self.blanks()
            self.value()
            if not self.next():
                return
            self.at += 1

    def value(self) -> None:
        quoted = _DN_QUOTED.match(self.text, self.at)
        if quoted:
            self.at = quoted.end()
            return
        if self.next() == "#":
            match = _HEX_STRING.match(self.text, self.at)
            if match is None or self.text[match.end() : match.end() + 1] not in ("", ",", "+"):
                raise self.wrong("'#' begins a value in hexadecimal digits, and stands for itself as '\\#'")
            self.at = match.end()
            return
        while self.next() not in ("", ",", "+"):
            character = self.next()
            if character in _DN_SPECIAL:
                raise self.wrong(f"{character!r} inside a value is written '{_escaped(character)}'")
            if character == "\\":
                after = self.text[self.at + 1 : self.at + 3]
                if after[:1] and after[0] in _DN_ESCAPED:
                    self.at += 1
                elif len(after) == 2 and set(after) <= _HEX:
                    self.at += 2
                else:
                    raise self.wrong(
                        f"'{self.text[self.at : self.at + 3]}' is not an escape; a backslash is followed by the"
                        " character or two hexadecimal digits, and stands for itself as '\\\\'"
                    )
            self.at += 1


def check_filter(text: str, *, keys: bool = False) -> None:
    """ValueError where ``text`` is not a filter (RFC 4515); ``keys`` allows the expansions of ldap_table(5)."""
    _Filter(text, keys).read()


def check_dn(text: str, *, keys: bool = False) -> None:
    """ValueError where ``text`` is not a distinguished name (RFC 4514); ``keys`` as for :func:`check_filter`."""
    _Name(text, keys).read()


def check_attribute(text: str) -> None:
    """ValueError where ``text`` is not the name of an attribute, with options or without (RFC 4512, section 2.5)."""
    if not _DESCRIPTION.fullmatch(text):
        raise ValueError(
            f"{text!r} is not the name of an LDAP attribute (RFC 4512, section 2.5). Use one such as 'mail'"
        )


def expands(text: str) -> bool:
    """Whether Postfix puts some part of the key into ``text``."""
    return any(match.group(1) for match in EXPANSION.finditer(text))


def escape_filter(value: str) -> str:
    """``value`` as it stands in a filter (RFC 4515, section 3)."""
    return re.sub(r"[*()\\\0]", lambda match: _escaped(match.group()), value)


def escape_dn(value: str) -> str:
    """``value`` as it stands in a distinguished name (RFC 4514, section 2.4)."""
    text = re.sub(r'[,+"\\<>;=]', r"\\\g<0>", value).replace("\0", "\\00")
    if text[:1] in (" ", "#"):
        text = f"\\{text}"
    # A value of one blank is escaped already.
    if text.endswith(" ") and text != "\\ ":
        text = f"{text[:-1]}\\ "
    return text


def assertion(attribute: str, value: str) -> str:
    """An attribute and its value in a distinguished name; ValueError where the name is wrong or the value empty."""
    if not _TYPE.fullmatch(attribute):
        raise ValueError(f"{attribute!r} is not the name of an LDAP attribute. Use one such as 'ou'")
    if not value:
        raise ValueError(f"the attribute {attribute!r} has an empty value, which names no entry")
    return f"{attribute}={escape_dn(value)}"


def domain_dn(domain: str) -> str:
    """``domain`` as a distinguished name (RFC 2247): example.org is dc=example,dc=org. Raises ValueError."""
    name = domain[:-1] if domain.endswith(".") else domain
    fault = domain_fault(name, underscore=True)
    if fault is not None:
        hint = "" if name.isascii() else "; a name with other letters is given in its xn-- form"
        raise ValueError(f"{domain!r} is not a domain name: it {fault}{hint}")
    return ",".join(f"dc={label}" for label in name.split("."))


#: what a result code of libldap or of a server (RFC 4511, appendix A.2) tells the administrator
_REASONS = {
    -1: "no server of server_host answers there",
    -11: "the TLS handshake failed: the server's certificate must be signed by a CA of tls_ca_cert_file, be in its"
    " term, and carry the name by which server_host calls the server",
    -5: "the server did not answer within timeout",
    8: "the server insists on a stronger way to log in",
    13: "the server insists on TLS: start_tls must be yes, or server_host an ldaps:// URL",
    32: "there is no such search_base on the server, or bind_dn may not see it",
    48: "the server does not take this kind of bind",
    49: "the server knows no bind_dn with this bind_pw",
    50: "bind_dn may not search there",
    52: "the server is not ready to answer",
}


def reason(said: str) -> str:
    """What is behind what Postfix' LDAP client said, '' where nothing is known. ``said`` is its text."""
    found = re.search(r"STARTTLS: (-?\d+): |Search error (-?\d+): | dn .*: (-?\d+) \(|not found: (\d+): ", said)
    if found is None:
        return ""
    return _REASONS.get(int(next(group for group in found.groups() if group)), "")
