"""What the README and the documents say: commands that exist, links that lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer.main
from nbgrader.apps.nbgraderapp import NbGraderApp

from autograder.cli import app
from autograder.course.assignment import grade_id_of, is_solution
from autograder.course.catalogue import read_catalogue
from tests.harness import ASSIGNMENTS, ROOT, notebook

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "tests/hostile/README.md"]
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.M | re.S)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
# Programs of others, of which only the name is known here.
OF_OTHERS = {"cd", "dask", "jupytext", "kubectl", "mkdir", "npm", "openssl", "pip", "rm", "srun"}
OF_OTHERS |= {"sudo"}
WORKBOOK: Any = typer.main.get_command(app)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, *languages: str) -> list[str]:
    found = FENCE.finditer(path.read_text(encoding="utf-8"))
    return [match[3] for match in found if match[2] in languages]


def commands(block: str) -> list[str]:
    """The lines of a block, those that go on behind a backslash put together."""
    lines = block.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip()]


def workbook_command(words: list[str]) -> str | None:
    """What is wrong with a `workbook …`, by its own definition: None if nothing."""
    command = WORKBOOK
    if words and not words[0].startswith("-"):
        if words[0] not in WORKBOOK.commands:
            return f"workbook has no command {words[0]}"
        command = WORKBOOK.commands[words[0]]
    options = {name for each in command.params for name in each.opts + each.secondary_opts} | {
        "--help"
    }
    wrong = [word for word in words if word.startswith("--") and word.split("=")[0] not in options]
    return f"{command.name} has no option {wrong[0]}" if wrong else None


def make_command(words: list[str]) -> str | None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    wrong = [word for word in words if "=" not in word and word not in targets]
    return f"the Makefile has no target {wrong[0]}" if wrong else None


def wrong_with(line: str, config: pytest.Config) -> str | None:
    """Why a line is no command that can be typed here; None where nothing is known against it."""
    words = shlex.split(line, comments=True)
    program, rest = (words[0], words[1:]) if words else ("#", [])
    if program == "workbook":
        return workbook_command(rest)
    if program == "make":
        return make_command(rest)
    if program == "nbgrader":
        return None if rest[0] in NbGraderApp.subcommands else f"nbgrader has no {rest[0]}"
    if program == "jupyter":
        return None if shutil.which(f"jupyter-{rest[0]}") else f"jupyter has no {rest[0]}"
    if program in ("python", "python3"):
        module = rest[1] if rest[:1] == ["-m"] else ""
        # Of pip only its name: looking for it has setuptools warn of a distutils that is there.
        known = module and (module == "pip" or importlib.util.find_spec(module.split(".")[0]))
        return None if known else f"python without a module that is here: {line}"
    if program in ("pytest", "twine"):
        return pytest_command(rest, config) if program == "pytest" else None
    if line.startswith(". .venv/bin/activate") or program in OF_OTHERS | {"#"}:
        return None
    return f"no known command: {line}"


def pytest_command(words: list[str], config: pytest.Config) -> str | None:
    for option in (word for word in words if word.startswith("--")):
        try:
            config.getoption(option)
        except ValueError:
            return f"pytest has no option {option}"
    return None


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_each_line_of_a_block_of_commands_is_a_command(
    path: Path, pytestconfig: pytest.Config
) -> None:
    """A block without a language holds commands; what is none has its language's name."""
    lines = [line for block in blocks(path, "", "sh") for line in commands(block)]
    wrong = {line: said for line in lines if (said := wrong_with(line, pytestconfig))}

    assert wrong == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_each_command_in_a_sentence_exists(path: Path, pytestconfig: pytest.Config) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    ours = re.compile(r"(workbook|make|nbgrader) [a-z-]+(?!\S*[(])")
    quoted = [" ".join(words.split()) for words in INLINE.findall(text)]
    wrong = {
        words: said
        for words in quoted
        if ours.match(words) and (said := wrong_with(words, pytestconfig))
    }

    assert wrong == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_each_block_of_python_can_be_read(path: Path) -> None:
    for block in blocks(path, "python"):
        ast.parse(block)


@pytest.mark.parametrize(
    "line",
    [
        "nbgrader formgrader",
        "workbook grde",
        "workbook grade --fast",
        "make tset",
        "pytest --nbvl file.ipynb",
        "python -m nothing_like_this",
        "Then open the page.",
    ],
)
def test_a_line_that_is_no_command_is_found(line: str, pytestconfig: pytest.Config) -> None:
    assert wrong_with(line, pytestconfig)


def anchor(heading: str) -> str:
    """A heading's address in its page, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_each_link_leads_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        file, _, place = target.partition("#")
        aim = path.parent / file if file else path
        assert aim.exists(), target
        if place:
            headings = re.findall(r"^#+ (.+)$", aim.read_text(encoding="utf-8"), re.M)
            assert place in map(anchor, headings), target


# The files of its example are there only while one follows it.
WITHOUT_EXAMPLE = [path for path in DOCUMENTS if path.name != "assignments.md"]


@pytest.mark.parametrize("path", WITHOUT_EXAMPLE, ids=relative)
def test_each_file_that_is_named_is_there(path: Path) -> None:
    """Paths from the root, but for those with a NAME in them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    folders = "autograder|benchmarks|docs|examples|solutions|source|tests|workbook"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", text)
    gone = [
        name for name in named if not (ROOT / name).exists() and not re.search("[A-Z]{4}", name)
    ]

    assert gone == []


def row(assignment: str) -> str:
    """What the README says of a notebook, from the notebook itself."""
    book = notebook(assignment)
    about = book.metadata["workbook"]
    wanted = [cell for cell in book.cells if is_solution(cell) and cell.cell_type == "code"]
    names = ", ".join(f"`{grade_id_of(cell)}`" for cell in wanted)
    file = f"release/{assignment}/{assignment}.ipynb"
    return f"| [{assignment}]({file}) | {about['title']} | {about['minutes']} | {names} |"


def test_the_readme_lists_the_notebooks_as_they_are() -> None:
    wanted = ["| notebook | title | minutes | you write |", "| --- | --- | --: | --- |"]
    wanted += map(row, ASSIGNMENTS)

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    start = readme.find(wanted[0])
    found = readme[start:].split("\n\n")[0].splitlines()
    assert found == wanted, "paste into README.md:\n" + "\n".join(wanted)


THOUSANDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.mark.parametrize(
    ("file", "counted"), [("README.md", "misconceptions"), ("docs/students-desk.md", "shown")]
)
def test_how_many_wrong_versions_have_a_name_is_true(file: str, counted: str) -> None:
    """Rounded down to thousands; of those that the desk knows, by what examples show."""
    proofs = [json.loads(path.read_text()) for path in (ROOT / "release" / "proofs").glob("*.json")]
    many = sum(proof["counts"][counted] for proof in proofs)

    said = re.findall(r"more\s+than\s+(\w+)\s+thousand", (ROOT / file).read_text(encoding="utf-8"))
    assert said == [THOUSANDS[many // 1000 - 1]]


def test_the_table_of_wrong_versions_that_is_shown_could_be_one() -> None:
    """Each of its rows changes the reference that it is about."""
    page = ROOT / "docs" / "assignments.md"
    (table,) = [each for each in blocks(page, "toml") if each.startswith("[wrong.causal_mask]")]
    reference = (ROOT / "solutions" / "causal_masking.py").read_text()

    catalogue = read_catalogue(table, reference, notebook("02-causal-masking").cells)

    catalogue.check_code()
    assert len(catalogue.wrong_versions) == table.count(" = {")
