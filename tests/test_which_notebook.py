"""`check` and `hint` where two notebooks ask for a definition of the same name."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.released import ANSWERS, MATERIAL
from autograder.observe import collecting, observe
from workbook import check, hint
from workbook.answering.answers import every

# What each notebook means by `scaled`, and what only that notebook asks for.
MEANT = {"06-sums": (6, "summed"), "07-products": (9, "multiplied")}
RIGHT = {"06-sums": "def scaled(x): return x + x", "07-products": "def scaled(x): return x * x"}


def answers_to(name: str) -> dict[str, Any]:
    result, other = MEANT[name]
    with collecting() as records, observe("three") as seen:
        seen.result = result
    definition = {
        "forbidden": [],
        "expected": [base64.b64encode(each).decode() for each in records],
        "records": [],
        "versions": {},
    }

    def asked(of: str) -> dict[str, Any]:
        example = {"definition": of, "name": "three", "code": f"{of}(3)", "hint": f"See {name}."}
        return {**definition, "examples": [example]}

    definitions = {each: asked(each) for each in ("scaled", other)}
    return {"definitions": definitions, "headings": {}, "misconceptions": [], "outputs": {}}


@pytest.fixture(autouse=True)
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A course of two notebooks, which both ask for `scaled`."""
    folder = tmp_path / "release"
    (folder / ANSWERS).mkdir(parents=True)
    for name in MEANT:
        (folder / ANSWERS / f"{name}.json").write_text(json.dumps(answers_to(name)))
        (folder / name).mkdir()
        notebook = new_notebook(cells=[new_code_cell(f"only_in = {name!r}")])
        nbformat.write(notebook, folder / name / f"{name}.ipynb")
    monkeypatch.setenv(MATERIAL, str(folder))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.chdir(tmp_path)
    every.cache_clear()
    yield folder
    every.cache_clear()


def said(name: str, call: str, **variables: Any) -> str:
    """What a call answers in a kernel where `scaled` is right for the notebook `name`."""
    names: dict[str, Any] = {"check": check, "hint": hint, **variables}
    exec(RIGHT[name], names)
    return " ".join(repr(eval(call, names)).split())


EACH = pytest.mark.parametrize("name", MEANT)
PASSES = "scaled: 1 of 1 pass"


@EACH
def test_a_notebook_that_is_named_is_the_one(name: str) -> None:
    assert PASSES in said(name, f'check("scaled", notebook={name!r})')
    assert PASSES in said(name, f'check("scaled", notebook={name[:2]!r})')
    (other,) = set(MEANT) - {name}
    assert "scaled: 0 of 1 pass" in said(name, f'check("scaled", notebook={other!r})')


@EACH
@pytest.mark.parametrize("file", ["/home/s/{0}.ipynb", "/home/s/{0}/mine.ipynb"])
@pytest.mark.parametrize("editor", ["VS Code", "JupyterLab"])
def test_the_editor_says_which_file_it_is(
    name: str, file: str, editor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file.format(name)
    if editor == "JupyterLab":
        monkeypatch.setenv("JPY_SESSION_NAME", path)
        assert PASSES in said(name, 'check("scaled")')
    else:
        assert PASSES in said(name, 'check("scaled")', __vsc_ipynb_file__=path)


@EACH
def test_the_folder_of_the_kernel_says_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the session has the name of the page from which all notebooks are run."""
    (tmp_path / "work" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / name)
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/s/00-start-here.ipynb")

    assert PASSES in said(name, 'check("scaled")')


@EACH
def test_the_cells_that_were_run_say_it(name: str) -> None:
    """Where no editor and no folder does, as on a page in the web."""
    run = ["", f"only_in = {name!r}", "my_own = 1"]

    assert PASSES in said(name, 'check("scaled")', In=run)


@EACH
def test_the_other_definitions_say_it(name: str) -> None:
    _, other = MEANT[name]
    assert PASSES in said(name, 'check("scaled")', **{other: abs})
    assert "Your definitions so far" in said(name, "check()", **{other: abs})
    assert "scaled passes" in said(name, 'hint("scaled")', **{other: abs})


@pytest.mark.parametrize(
    ("call", "way"),
    [
        ('check("scaled")', 'check("scaled", notebook="06-sums")'),
        ("check()", 'check(notebook="06-sums")'),
        ('hint("scaled")', 'hint("scaled", notebook="06-sums")'),
    ],
)
def test_where_nothing_says_it_a_sentence_asks(call: str, way: str) -> None:
    told = said("06-sums", call)

    assert f"06-sums and 07-products both ask for it: say which is meant, as in {way}." in told
    assert " pass" in said("06-sums", way)


def test_a_notebook_that_there_is_not_is_answered_with_those_there_are() -> None:
    told = said("06-sums", 'check("scaled", notebook="08")')

    assert "'08' names no single notebook: choose one of 06-sums, 07-products." in told


def test_hints_are_counted_for_each_notebook() -> None:
    """A hint on the one is not the second on the other."""
    names: dict[str, Any] = {"hint": hint}
    exec("def scaled(x): return None", names)
    told = [repr(eval(f'hint("scaled", notebook="{each}")', names)) for each in (*MEANT, "06-sums")]

    assert [each[:6] for each in told] == ["Hint 1", "Hint 1", "Hint 1"]
    assert "See 07-products." in " ".join(told[1].split())
