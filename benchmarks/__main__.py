"""The command `python -m benchmarks`: reads the arguments, runs the parts, judges the targets."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import desk, parts, report
from benchmarks.measure import CommandFailed
from benchmarks.report import Claim
from benchmarks.submissions import AS_IT_IS
from examples.make import FIRST

MET, MISSED, FAILED = 0, 1, 2
CLASS, LARGE = 100, 1000  # the sizes that the targets are set for
PARTS = ("first", "mix", "class", "growth", "loose", "desk")


def main() -> int:
    """Run the parts asked for; the exit status says whether the targets judged are met."""
    given = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    machine = {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{name: version(name) for name in ("nbgrader", "torch")},
    }
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))
    results: dict[str, Any] = {"machine": machine, "seed": given.seed}
    claims: list[Claim] = []
    try:
        agree = _run(given, console, results, claims)
    except CommandFailed as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return FAILED
    report.print_claims(console, claims)
    results["targets"] = [{**dataclasses.asdict(claim), "met": claim.met} for claim in claims]
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return MISSED if not agree or any(claim.met is False for claim in claims) else MET


def _run(
    given: argparse.Namespace, console: Console, results: dict[str, Any], claims: list[Claim]
) -> bool:
    """Run the parts and collect their claims; returns whether the scores agree."""
    agree = True
    for name, assignments in (("first", [FIRST]), ("mix", parts.LESSONS)):
        if name in given.only:
            found = parts.throughput(assignments, given.submissions, given.stock, given.seed)
            title = FIRST[:2] if name == "first" else f"{FIRST[:2]} to {assignments[-1][:2]}"
            report.print_throughput(console, f"Submissions of {title}", found)
            results[name] = {**dataclasses.asdict(found), "ratio": found.ratio}
            agree = agree and found.agreement.holds
            small = "" if found.size >= CLASS else f"set for {CLASS}"
            what = f"throughput to stock, {title}"
            claims.append(Claim(what, found.ratio, 20, True, ", aim 30x", small))
    if "class" in given.only:
        for name, few in parts.CLASSES.items():
            size = given.class_size or few
            found = parts.throughput([name], size, given.stock, given.seed, AS_IT_IS)
            report.print_throughput(console, f"A class as it is, {name}", found)
            results[f"class, {name}"] = {**dataclasses.asdict(found), "ratio": found.ratio}
            agree = agree and found.agreement.holds
            what = f"throughput to stock, {size} of {name} as they are"
            claims.append(Claim(what, found.ratio, 10, True))
    if "growth" in given.only:
        sizes = list(parts.growth(given.growth, given.seed))
        report.print_growth(console, sizes)
        results["growth"] = [dataclasses.asdict(size) for size in sizes]
        claims += _growth_claims(sizes)
    if "loose" in given.only:
        one = parts.loose(given.seed)
        report.print_loose(console, one)
        results["loose"] = dataclasses.asdict(one)
        claims.append(Claim("loose notebook to imports", one.ratio, 2, False))
    if "desk" in given.only:
        every = list(desk.answered())
        report.print_desk(console, every)
        results["desk"] = [dataclasses.asdict(each) for each in every]
        slowest = max(each.seconds for each in every)
        claims.append(Claim("slowest first check", slowest, 1, False, unit=" s"))
    return agree


def _growth_claims(sizes: Sequence[parts.Growth]) -> list[Claim]:
    """The largest class beside the one before it; judged when they are the sizes agreed on."""
    large = sizes[-1]
    why_not = "" if large.size >= LARGE else f"set for {LARGE:,}"
    claims = [
        Claim(
            f"first grading to the second, {large.size:,}",
            large.speedup,
            200,
            True,
            why_not=why_not,
        ),
        Claim(f"report, {large.size:,}", large.report, 10, False, unit=" s", why_not=why_not),
        Claim(f"similar, {large.size:,}", large.similar, 60, False, unit=" s", why_not=why_not),
    ]
    if len(sizes) > 1:
        small = next((size for size in sizes if size.size == CLASS), sizes[-2])
        if (small.size, large.size) != (CLASS, LARGE):
            why_not = f"set for {CLASS} and {LARGE:,}"
        cost, memory = large.each / small.each, large.first.peak / small.first.peak
        to = f"{large.size:,} to {small.size:,}"
        claims = [
            Claim(f"cost of one, {to}", cost, 1.1, False, why_not=why_not),
            Claim(f"own memory, {to}", memory, 1.3, False, why_not=why_not),
            *claims,
        ]
    return claims


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--submissions", type=_size, default=CLASS, help="for the throughput")
    parser.add_argument(
        "--stock", type=_size, default=20, help="how many of them stock nbgrader grades as well"
    )
    parser.add_argument(
        "--class-size",
        type=_size,
        help="of each class as it really is; a few where it is not given",
    )
    parser.add_argument(
        "--growth", type=_sizes, default=[10, CLASS, LARGE], help="sizes of class: 10,100,1000"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts")
    parser.add_argument("--seed", type=int, default=0, help="of the submissions")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write what was measured here")
    return parser.parse_args()


def _size(text: str) -> int:
    size = int(text)
    if size < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return size


def _sizes(text: str) -> list[int]:
    return sorted({_size(part) for part in text.split(",")})


if __name__ == "__main__":
    sys.exit(main())
