"""What leaves with a wheel or an sdist, and what a package index says of both."""

from __future__ import annotations

import email.message
import email.parser
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import autograder
from tests.harness import ASSIGNMENTS, ROOT, definition_source, notebook


def contents(distribution: Path) -> dict[str, str]:
    """The files of a wheel or an sdist, by name."""
    if distribution.suffix == ".whl":
        with zipfile.ZipFile(distribution) as archive:
            return {
                name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()
            }
    with tarfile.open(distribution) as archive:
        files = [member for member in archive if member.isfile()]
        return {
            member.name.partition("/")[2]: archive.extractfile(member)
            .read()
            .decode("utf-8", "replace")  # type: ignore[union-attr]
            for member in files
        }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it and not from this folder."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module", params=["sdist", "wheel"])
def files(built: tuple[Path, Path], request: pytest.FixtureRequest) -> dict[str, str]:
    return contents(built[request.param == "wheel"])


def metadata(wheel: Path) -> email.message.Message:
    (text,) = (text for name, text in contents(wheel).items() if name.endswith("/METADATA"))
    return email.parser.Parser().parsestr(text)


def test_no_solution_and_no_hidden_test_leaves(files: dict[str, str]) -> None:
    """What students install cannot be searched for answers."""
    text = "\n".join(files.values())
    # Looked for in what follows each beginning: a search of all for each line takes a minute.
    begin = [each.start() for each in re.finditer("with observe", text)]
    # In a notebook's file quotes are escaped.
    observed = "\n".join(text[at : at + 1_000] for at in begin).replace('\\"', '"')
    for assignment in ASSIGNMENTS:
        for cell in notebook(assignment).cells:
            if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
                assert definition_source(assignment, cell.id) not in text
            if "BEGIN HIDDEN TESTS" in cell.source:
                hidden = cell.source.split("END HIDDEN")[0].splitlines()
                named = [
                    line.strip() for line in hidden if line.strip().startswith("with observe(")
                ]
                assert named
                assert max(map(len, named)) < 1_000
                assert not any(line in observed for line in named)


def test_no_proof_leaves(files: dict[str, str]) -> None:
    """It says which hidden checks each wrong version fails; what students are answered stays."""
    assert not [name for name in files if "proofs" in name.split("/")]
    folder = "release" if "pyproject.toml" in files else "workbook/material"
    assert {f"{folder}/desk/{name}.json" for name in ASSIGNMENTS} <= files.keys()


def test_the_folders_that_leave_are_known(built: tuple[Path, Path]) -> None:
    """Whatever is added to this repository stays here until it is named."""
    sdist, wheel = map(contents, built)
    version = re.escape(autograder.__version__)

    assert {name.split("/")[0] for name in sdist} == {
        *("autograder", "workbook", "release"),
        *("README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "LICENSE-CONTENT"),
        *("pyproject.toml", "PKG-INFO", ".gitignore"),
    }
    assert {
        re.sub(f"^transformer_workbook-{version}", "", name.split("/")[0]) for name in wheel
    } == {"autograder", "workbook", ".data", ".dist-info"}
    # What goes elsewhere than to the packages: the extension that Jupyter looks for there.
    (data,) = (name.partition("/")[2] for name in wheel if ".data/" in name)
    assert data == "data/etc/jupyter/jupyter_server_config.d/transformer-workbook.json"


def test_what_is_no_code_is_in_the_wheel(built: tuple[Path, Path]) -> None:
    """Settings, pages, notebooks, marks of types and both licences."""
    wheel = set(contents(built[1]))
    notebooks = {f"workbook/material/{name}/{name}.ipynb" for name in ASSIGNMENTS}

    assert notebooks <= wheel
    for folder in ("autograder", "workbook"):
        here = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert {
            str(path.relative_to(ROOT)) for path in here if "__pycache__" not in path.parts
        } <= wheel
    for name in ("LICENSE", "LICENSE-CONTENT"):
        assert any(file.endswith(f".dist-info/licenses/{name}") for file in wheel)
    assert {"autograder/py.typed", "workbook/py.typed"} <= wheel


def test_a_package_index_takes_both(built: tuple[Path, Path]) -> None:
    check = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built)]
    done = subprocess.run(check, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_version_stands_in_one_place(built: tuple[Path, Path]) -> None:
    """In autograder/__init__.py; the changelog's newest part is for it."""
    texts = ["README.md", "CONTRIBUTING.md", "CITATION.cff", "pyproject.toml", "Makefile"]
    documents = [ROOT / name for name in texts] + sorted((ROOT / "docs").glob("*.md"))
    # Versions of other things may look alike: only ours stands beside our name.
    ours = re.compile(rf"(?i)(workbook[-_ ]|version\W+){re.escape(autograder.__version__)}")

    assert metadata(built[1])["Version"] == autograder.__version__
    assert [path.name for path in documents if ours.search(path.read_text())] == []
    parts = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert parts[0] == autograder.__version__


def test_every_python_that_is_named_is_allowed(built: tuple[Path, Path]) -> None:
    """The oldest that is named is the oldest that pip, ruff and mypy take for granted."""
    about = metadata(built[1])
    named = [
        tuple(map(int, each.rpartition(" ")[2].split(".")))
        for each in about.get_all("Classifier", [])
        if re.search(r"Python :: 3\.\d+$", each)
    ]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    oldest = "{}.{}".format(*min(named))

    assert about["Requires-Python"] == f">={oldest}"
    assert settings["mypy"]["python_version"] == oldest
    assert settings["ruff"]["target-version"] == "py" + oldest.replace(".", "")
