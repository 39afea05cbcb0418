"""What a client reads when the gateway answers instead of the upstream (contract 06.6).

A `Rejection` becomes a `Reply`: JSON, or XML for a request whose own type is XML; by the first template there is of
`error_<status>.json`, `error.json` in `template_path`, else by our own. `error_overrides` may change all of it, and
errors of upstreams too: where a rule looks into the body, the answer is held back for it (`held`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sluicegate.chain.error_overrides import Overrides, Rule
from sluicegate.chain.error_template import MESSAGE, STATUS, ErrorTemplate, js_escaped, xml_escaped
from sluicegate.chain.outcome import HeaderLines, Rejection, Reply
from sluicegate.errors import ConfigError
from sluicegate.listener.answer import made_headers
from sluicegate.listener.rejections import NOT_FOUND

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.exchange import Exchange, Response
    from sluicegate.settings.model import Settings

OUR_TEMPLATES = Path(__file__).parent / "templates"
JSON = b"application/json"
XML_TYPES = frozenset((b"application/xml", b"text/xml", b"application/soap+xml"))
PLAIN_TEXT: HeaderLines = (
    (b"Content-Type", b"text/plain; charset=utf-8"),
    (b"X-Content-Type-Options", b"nosniff"),
)
UPSTREAM_ERROR_FLAG = "URS"
REMEMBERED_BODIES = 1024
REMEMBERED_MESSAGE = 256


class ErrorPages:
    """The pages of one node. Raises ConfigError for a template or an override that is none."""

    def __init__(self, settings: Settings) -> None:
        self._templates = _Templates(Path(settings.template_path))
        self._overrides = Overrides.of_settings(settings.error_overrides)
        self._of_api: dict[str, tuple[Api, Overrides]] = {}
        self._bodies: dict[tuple[int, str, str], bytes] = {}
        headers: list[tuple[bytes, bytes]] = []
        if not settings.hide_generator_header:
            headers.append((b"X-Generator", b"tyk.io"))
        self._headers = headers

    def render(self, exchange: Exchange | None, rejection: Rejection) -> Reply:
        """Return the answer for a rejection; without an exchange, that for a request of no type."""
        if rejection.plain:
            body = rejection.message.encode() + b"\n"
            headers = [*PLAIN_TEXT, *rejection.headers]
            return Reply(rejection.status, headers, body, rate_headers=rejection.rate_headers)
        if rejection is NOT_FOUND:
            return Reply(404, [], b"Not Found")
        content_type, extension = _type_of(exchange)
        rule = self._rule_for(exchange, rejection.status, rejection.flag, rejection.message)
        if rule is not None:
            reply = self._overridden(rule, rejection.status, rejection.message, content_type, extension)
            said = {name for name, _ in reply.headers}
            reply.headers += [line for line in self._headers if line[0] not in said]
            reply.headers += rejection.headers
            return reply
        body = self._body(rejection.status, rejection.message, extension)
        return Reply(rejection.status, [(b"Content-Type", content_type), *self._headers, *rejection.headers], body)

    def override_upstream(self, exchange: Exchange, response: Response, text: str | None = None) -> Reply | None:
        """Return the answer that takes the place of an upstream's error, or None to let that pass.

        text: its body, for rules that look into it; None: it is not there, and nothing matches what they have to say.

        A rule without a text of its own changes status and headers of the response in place.
        """
        status = response.status
        if status < 400:
            return None
        rule = self._rule_for(exchange, status, _flag_of(status), text)
        if rule is None:
            return None
        given = rule.response
        if rule.body or given.message or given.template:
            reply = self._overridden(rule, status, given.message, *_type_of(exchange))
            reply.rate_headers = True
            return reply
        response.status = given.status_code or status
        for name, value in rule.headers:
            response.headers.set(name, value)
        return None

    # -- the part of one that wants a response's body, see `held`

    body_limit_bytes = 64 * 1024
    """Longer errors of upstreams pass as they are."""

    def wants_response_body(self, exchange: Exchange, response: Response) -> bool:
        """Return whether a rule looks into the body, before one that matches without."""
        status = response.status
        if status < 400:
            return False
        for rule in self._rules_for(exchange, status):
            if rule.reads_body or rule.matches(_flag_of(status), ""):
                return rule.reads_body
        return False

    def on_response_body(self, exchange: Exchange, response: Response, body: bytes) -> bytes:
        """Return the body that takes its place."""
        reply = self.override_upstream(exchange, response, body.decode("utf-8", "replace"))
        if reply is None:
            return body
        response.status, response.headers = reply.status, made_headers(reply.headers)
        return reply.body

    def on_response_too_long(self, exchange: Exchange, response: Response) -> None:
        """Let it pass."""

    # -- rules

    def _rules_for(self, exchange: Exchange | None, status: int) -> Iterator[Rule]:
        of_api = self._overrides_of(exchange.route.api) if exchange is not None else None
        for rules in (of_api, self._overrides):
            if rules:
                yield from rules.rules_for(status)

    def _rule_for(self, exchange: Exchange | None, status: int, flag: str, text: str | None) -> Rule | None:
        for rule in self._rules_for(exchange, status):
            if (text is not None or not rule.reads_body) and rule.matches(flag, text or ""):
                return rule
        return None

    def _overrides_of(self, api: Api | None) -> Overrides | None:
        if api is None or not api.classic.error_overrides or api.classic.error_overrides_disabled:
            return None
        known = self._of_api.get(api.api_id)
        if known is None or known[0] is not api:
            known = self._of_api[api.api_id] = api, Overrides(api.classic.error_overrides, "error_overrides")
        return known[1]

    def _overridden(self, rule: Rule, status: int, message: str, content_type: bytes, extension: str) -> Reply:
        given = rule.response
        status = given.status_code or status
        templates = self._templates.overrides
        template = templates.get(f"{given.template}.{extension}") or templates.get(given.template)
        source = rule.body or (template if given.template else None)
        if isinstance(source, ErrorTemplate):
            body = source.render(_escaped(given.message, extension), status)
        elif source is not None:
            body = source
        else:
            body = self._body(status, given.message or message, extension)
        headers = {b"Content-Type": content_type, **dict(rule.headers)}
        return Reply(status, list(headers.items()), body)

    def _body(self, status: int, message: str, extension: str) -> bytes:
        key = (status, message, extension)
        body = self._bodies.get(key)
        if body is None:
            pages = self._templates.pages
            template = pages.get(f"error_{status}.{extension}") or pages[f"error.{extension}"]
            body = template.render(_escaped(message, extension), status)
            if len(message) <= REMEMBERED_MESSAGE:
                if len(self._bodies) >= REMEMBERED_BODIES:
                    self._bodies.clear()
                self._bodies[key] = body
        return body


def _flag_of(status: int) -> str:
    return UPSTREAM_ERROR_FLAG if status >= 500 else ""


def _type_of(exchange: Exchange | None) -> tuple[bytes, str]:
    """Return type and file name extension of the answer: that of the request if it is XML, else JSON."""
    asked = None if exchange is None else exchange.request.headers.get(b"content-type")
    if asked is not None:
        plain = asked.partition(b";")[0].strip()
        if plain in XML_TYPES:
            return plain, "xml"
    return JSON, "json"


def _escaped(message: str, extension: str) -> str:
    return xml_escaped(message) if extension == "xml" else js_escaped(message)


class _Templates:
    """Our own templates and those of a folder, which may not be there, by file name. Raises ConfigError.

    pages:     those of errors, `error…`, which know the message alone.
    overrides: all that an override may name, which know the new status too. A file that is no error template, such as
               that of a webhook, is left out.
    """

    def __init__(self, folder: Path) -> None:
        self.pages: dict[str, ErrorTemplate] = {}
        self.overrides: dict[str, ErrorTemplate] = {}
        for path in [*sorted(OUR_TEMPLATES.iterdir()), *(sorted(folder.iterdir()) if folder.is_dir() else ())]:
            if path.suffix in (".json", ".xml"):
                self._read(path)

    def _read(self, path: Path) -> None:
        is_page = path.name.startswith("error")
        try:
            text = path.read_text("utf-8", "replace")
            self.overrides[path.name] = ErrorTemplate(text, str(path), (MESSAGE, STATUS))
            if is_page:
                self.pages[path.name] = ErrorTemplate(text, str(path))
        except OSError as error:
            raise ConfigError(str(path), f"cannot be read: {error.strerror}") from None
        except ConfigError:
            if is_page:
                raise
