"""The page's server: one reader, on this machine alone, who has the secret of the address."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tornado.web import Application, HTTPError, RequestHandler

from autograder.course.course import Course
from autograder.errors import ChangedMeanwhileError, MarkRefusedError, WorkbookError
from autograder.gradebook.penalties import Penalties
from autograder.marking.answers import AnswerToMark, answers_to_mark
from autograder.marking.opened import OpenedGradebook
from autograder.marking.page import HERE, count_left, page, points_typed, state
from autograder.marking.questions import WrittenQuestion, written_questions
from autograder.marking.saving import Given, Saver

LARGEST_REQUEST = 1_000_000
FILES = {"mark.css": "text/css", "mark.js": "text/javascript"}
HOST = "127.0.0.1"
STRANGER = "Open the address that workbook mark printed"
STRICT: dict[str, Any] = {"httponly": True, "samesite": "Strict"}


@dataclass(frozen=True)
class Desk:
    """One assignment on the desk of the one who marks it.

    Raises: CourseError, of its parts: when there is no such assignment or no written question.
    """

    course: Course
    name: str
    anonymous_by: bytes | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @cached_property
    def questions(self) -> list[WrittenQuestion]:
        """The written questions, in the notebook's order."""
        (assignment,) = self.course.chosen([self.name])
        return written_questions(assignment)

    @cached_property
    def title(self) -> str:
        """What the notebook calls itself."""
        about = self.course.assignments[self.name].notebook.metadata.get("workbook", {})
        return str(about.get("title") or self.name)

    @cached_property
    def opened(self) -> OpenedGradebook:
        """Where the marks are."""
        return OpenedGradebook(self.course)

    @cached_property
    def saver(self) -> Saver:
        """Who writes the marks."""
        names = tuple(each.name for each in self.questions)
        return Saver(self.opened, self.name, names, Penalties(self.course.config))

    def answers(self) -> list[AnswerToMark]:
        """All answers, as the gradebook has them now.

        Raises: CourseError, when it cannot be used.
        """
        names = [each.name for each in self.questions]
        with self.opened.reading() as gradebook:
            return answers_to_mark(self.course, gradebook, self.name, names)


def application(desk: Desk, port: int) -> Application:
    """What answers at a port; the address with the token opens it, a cookie keeps it open."""
    return Application(
        [
            (r"/", _Entry),
            (r"/question/([\w-]+)", _Question),
            (r"/answer/(\w+)", _Answer),
            (r"/(mark\.css|mark\.js)", _File),
        ],
        desk=desk,
        address=f"{HOST}:{port}",
        cookie_secret=secrets.token_hex(32),
        # Cookies know no port, and other programs of this machine may have some, too.
        cookie_name=f"workbook-mark-{port}",
        xsrf_cookies=True,
        xsrf_cookie_name=f"workbook-mark-xsrf-{port}",
        xsrf_cookie_kwargs=STRICT,
        default_handler_class=_Nothing,
        log_function=lambda handler: None,
    )


class _Guarded(RequestHandler):
    """Answers only who asks this very address and was given its token."""

    needs_cookie = True

    @property
    def desk(self) -> Desk:
        desk: Desk = self.settings["desk"]
        return desk

    @property
    def is_known(self) -> bool:
        return self.get_signed_cookie(self.settings["cookie_name"]) is not None

    def set_default_headers(self) -> None:
        own = f"http://{self.settings['address']}"
        allowed = {
            "default-src": "'none'",
            "script-src": f"{own}/mark.js",
            "style-src": f"{own}/mark.css",
            "connect-src": f"{own}/answer/",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
        }
        self.set_header("Content-Security-Policy", "; ".join(map(" ".join, allowed.items())))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")

    def prepare(self) -> None:
        """Refuse other hosts (a foreign name that leads here), other origins, and strangers."""
        own = str(self.settings["address"])
        origin = self.request.headers.get("Origin")
        if self.request.host != own or origin not in (None, f"http://{own}"):
            raise HTTPError(403, reason="Asked from another address")
        if self.needs_cookie and not self.is_known:
            raise HTTPError(403, reason=STRANGER)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{error if isinstance(error, WorkbookError) else self._reason}\n")

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        if not isinstance(error, HTTPError | WorkbookError):
            super().log_exception(kind, error, trace)


class _Entry(_Guarded):
    needs_cookie = False

    def get(self) -> None:
        token = self.get_query_argument("token", "")
        if hmac.compare_digest(token.encode(), self.desk.token.encode()):
            name = self.settings["cookie_name"]
            self.set_signed_cookie(name, "marks", expires_days=None, **STRICT)
            self.redirect("/")  # which leaves the token in no history of pages
            return
        if token or not self.is_known:
            raise HTTPError(403, reason=STRANGER)
        answers = self.desk.answers()
        names = [each.name for each in self.desk.questions]
        first = next((name for name in names if count_left(answers, name)), names[0])
        self.redirect(f"/question/{first}")


class _Question(_Guarded):
    def get(self, name: str) -> None:
        desk = self.desk
        question = next((each for each in desk.questions if each.name == name), None)
        if question is None:
            raise HTTPError(404, reason="There is no such question")
        xsrf = self.xsrf_token.decode()
        shown = page(desk.title, desk.questions, question, desk.answers(), xsrf, desk.anonymous_by)
        self.finish(shown)


class _Answer(_Guarded):
    def post(self, id: str) -> None:
        try:
            saved = self.desk.saver.save(id, self._given())
        except ChangedMeanwhileError as error:
            self.set_status(409)
            now = error.now if isinstance(error.now, AnswerToMark) else None
            self.finish({"refused": str(error), "now": now and _stands(now)})
        except MarkRefusedError as error:
            self.set_status(400)
            self.finish({"refused": str(error)})
        except (WorkbookError, OSError) as error:
            self.set_status(500)
            self.finish({"refused": str(error)})
        else:
            left = count_left(self.desk.answers(), saved.question)
            self.finish({"now": _stands(saved), "left": left})

    def _given(self) -> Given:
        try:
            body = json.loads(self.request.body)
            fields = [body[key] for key in ("points", "comment", "marks", "text")]
        except (ValueError, TypeError, KeyError):
            fields = [None]
        if not all(isinstance(each, str) for each in fields):
            raise MarkRefusedError("this is not what the page sends")
        # What no database takes: half a character, and the character that ends a text.
        return Given(*(each.encode(errors="replace").decode().replace("\0", "") for each in fields))


class _File(_Guarded):
    def get(self, name: str) -> None:
        self.set_header("Content-Type", f"{FILES[name]}; charset=utf-8")
        self.finish((HERE / name).read_bytes())


class _Nothing(_Guarded):
    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(404, reason="There is no such page")


def _stands(answer: AnswerToMark) -> dict[str, Any]:
    return {
        "points": points_typed(answer),
        "state": state(answer),
        "waits": answer.marks.waits,
        "marks": answer.marks.digest,
    }
