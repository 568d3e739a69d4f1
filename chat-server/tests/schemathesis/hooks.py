"""What schemathesis is to know beyond the document: the codes that depend on what is in the rooms, the few
rules that OpenAPI has no words for, and that every operation is to be seen at work."""

import json
import unicodedata

import schemathesis

# A request may be as the document wants it and still meet one of these: they are about the rooms, not the request.
STATE = {
    "not_a_member",
    "not_the_sender",
    "room_not_found",
    "message_not_found",
    "message_deleted",
    "cursor_ahead",
    "idempotency_key_reused",
}

# A plain request is none for a WebSocket; the handshakes have tests of their own (tests/server/socket).
NOT_HTTP = {"openSocket"}


def beyond_words(case):
    """The codes that rules beyond the schema ask for."""
    query, body = case.query or {}, case.body
    body = body if isinstance(body, dict) else {}
    codes = set()
    if "after" in query and "before" in query or "wait" in query and "after" not in query:
        codes.add("bad_request")
    # Needed in one of two places.
    if case.operation.definition.raw["operationId"] == "streamEvents":
        headers = {name.lower() for name in case.headers or {}}
        if "after" not in query and "last-event-id" not in headers:
            codes.add("bad_request")
    # A user id is measured in bytes.
    if len(str((case.path_parameters or {}).get("user", "")).encode()) > 128:
        codes.add("bad_request")
    if any(len(str(user).encode()) > 128 for user in body.get("members") or []):
        codes.add("invalid")
    # A text is measured after it was normalised, which makes some longer.
    if len(unicodedata.normalize("NFC", str(body.get("text", "")))) > 4000:
        codes.add("text_too_long")
    # A body is measured as a whole.
    if len(json.dumps(body)) > 65536:
        codes.add("body_too_large")
    # A read marker is on a message that the room has.
    if case.operation.definition.raw["operationId"] == "markRead":
        codes.add("invalid")
    return codes


@schemathesis.hook
def filter_case(context, case):
    """White space around a title or a text does not count, so what is too long only by it is taken: the document
    promises less. Such data is no test of what must be refused."""
    body = case.body if isinstance(case.body, dict) else {}
    for field, most in (("title", 200), ("text", 4000)):
        given = body.get(field)
        if isinstance(given, str) and len(given) > most >= len(given.strip()):
            return False
    return True


@schemathesis.check
def accepted(ctx, response, case):
    """What is as the document wants it is done, or refused for a reason of the rooms or of `beyond_words`."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code in (405, 426) or response.status_code < 400:
        return
    code = response.json().get("code")
    if code not in STATE | beyond_words(case):
        raise AssertionError(f"a request that the document allows is refused: {response.status_code} {code}")


@schemathesis.check
class Reached:
    """Every operation has succeeded at least once, or the run has proved nothing of it."""

    def __init__(self):
        self.tested, self.reached = set(), set()

    def after_response(self, ctx, response, case):
        operation = case.operation.definition.raw["operationId"]
        if operation not in NOT_HTTP:
            self.tested.add(operation)
            if response.status_code < 400:
                self.reached.add(operation)

    def after_run(self, ctx):
        missing = sorted(self.tested - self.reached)
        if missing:
            raise AssertionError(f"never seen at work: {', '.join(missing)}")
