"""Two models of the zoo side by side, chosen by the reader; without a script one pair stands."""

from __future__ import annotations

import json

from making.figures import DARK, SCROLLS, Html
from making.zoo import HEADS, Model, row, times

SCRIPT = """
(() => {
  const box = document.getElementById("compare-models");
  const data = JSON.parse(box.querySelector("script[type='application/json']").textContent);
  const [one, other] = box.querySelectorAll("select");
  const show = () => {
    const left = data[one.value], right = data[other.value];
    box.querySelectorAll("thead th").forEach((cell, i) => {
      cell.textContent = [left.name, right.name, "times"][i];
    });
    box.querySelectorAll("tbody tr").forEach((line, i) => {
      const [a, x] = left.cells[i], [b, y] = right.cells[i];
      [a, b, x && y ? (y / x).toFixed(2) : ""].forEach((words, j) => {
        line.querySelectorAll("td")[j].textContent = words;
      });
    });
  };
  one.addEventListener("change", show); other.addEventListener("change", show);
  box.querySelectorAll("label").forEach(label => { label.hidden = false; });
})();
"""


def chooser(models: dict[str, Model], one: str, other: str) -> Html:
    """A table of two models, and two lists to choose others from."""
    data = {key: {"name": model.name, "cells": row(model)} for key, model in models.items()}
    options = {
        chosen: "".join(
            f'<option value="{key}"{" selected" if key == chosen else ""}>{model.name}</option>'
            for key, model in models.items()
        )
        for chosen in (one, other)
    }
    body = "".join(
        f'<tr><th scope="row">{head}</th><td>{left[0]}</td><td>{right[0]}</td>'
        f"<td>{times(left, right)}</td></tr>"
        for head, left, right in zip(HEADS, row(models[one]), row(models[other]), strict=True)
    )
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in (models[one].name, models[other].name, "times")
    )
    select = "min-height: 2rem; font: inherit; color: inherit; max-width: 100%;"
    select += " background: var(--pst-color-background)"
    return Html(
        f'{DARK}<div class="made" id="compare-models"><p style="display: flex; flex-wrap: wrap;'
        f' gap: 1rem"><label hidden>first <select style="{select}">{options[one]}</select></label>'
        f'<label hidden>second <select style="{select}">{options[other]}</select></label></p>'
        f'<div tabindex="0" role="group" aria-label="Two models compared" style="{SCROLLS}">'
        f'<table class="table" aria-live="polite"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
        f'<script type="application/json">{json.dumps(data)}</script>'
        f"<script>{SCRIPT}</script></div>"
    )
