// Elements of the page. Whatever a colour says, a number or a word says too.

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** How dark a cell is, in whole percents: weights from 0 to 1, others against the largest. */
function shade(x, kind, largest) {
  if (!Number.isFinite(x)) return 0;
  return Math.round(100 * (kind === "weight" ? x : Math.abs(x) / (largest || 1)));
}

function painted(cell, x, kind, largest, allowed = true) {
  if (!allowed || !Number.isFinite(x)) cell.className = "masked";
  else cell.className = x < 0 ? "below" : "above";
  cell.style.setProperty("--shade", `${shade(x, kind, largest)}%`);
  return cell;
}

function written(x, kind, allowed = true) {
  if (kind === "weight") return allowed ? x.toFixed(2) : "0";
  return Number.isFinite(x) ? plain(x) : "−∞";
}

/** A matrix that is walked through by arrow keys; `told` hears of the entry that is chosen.
 *
 * Of several only one holds the entry that is `explained`.
 */
function gridOf({ name, values, rowNames, columnNames, kind, allowed, by }, chosen, explained, told) {
  const hidden = values[0].length - columnNames.length;
  const finite = values.flatMap((row) => Array.from(row).filter(Number.isFinite));
  const largest = Math.max(...finite.map(Math.abs), 0);
  const cells = values.map((row, i) =>
    columnNames.map((_, j) =>
      painted(
        make("td", { role: "gridcell", tabIndex: -1, textContent: written(row[j], kind, allowed?.[i][j]) }),
        row[j],
        kind,
        largest,
        allowed?.[i][j],
      ),
    ),
  );
  const [i, j] = [Math.min(chosen[0], cells.length - 1), Math.min(chosen[1], columnNames.length - 1)];
  cells[i][j].tabIndex = 0;
  if (explained) cells[i][j].setAttribute("aria-selected", "true");
  const body = make("tbody", {}, ...cells.map((row, r) => make("tr", {}, make("th", { scope: "row", textContent: rowNames[r] }), ...row)));
  const place = ({ target }) => [target.parentElement.sectionRowIndex, target.cellIndex - 1];
  body.addEventListener("focusin", (event) => {
    const [r, c] = place(event);
    for (const each of body.querySelectorAll("[tabindex='0']")) each.tabIndex = -1;
    told(r, c, by?.(r, c) ?? `${name}, row ${rowNames[r]}, column ${columnNames[c]}: ${written(values[r][c], kind)}.`);
    event.target.tabIndex = 0;
    event.target.setAttribute("aria-selected", "true");
  });
  body.addEventListener("keydown", (event) => {
    const [r, c] = place(event);
    const [lastRow, lastColumn] = [cells.length - 1, columnNames.length - 1];
    const to = {
      ArrowRight: [r, Math.min(c + 1, lastColumn)],
      ArrowLeft: [r, Math.max(c - 1, 0)],
      ArrowDown: [Math.min(r + 1, lastRow), c],
      ArrowUp: [Math.max(r - 1, 0), c],
      Home: [event.ctrlKey ? 0 : r, 0],
      End: [event.ctrlKey ? lastRow : r, lastColumn],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    cells[to[0]][to[1]].focus();
  });
  const head = make("tr", {}, make("td"), ...columnNames.map((each) => make("th", { scope: "col", textContent: each })));
  const more = hidden > 0 ? `, the first ${columnNames.length} of ${values[0].length} columns` : "";
  return make(
    "div",
    { className: "matrix" },
    make(
      "table",
      { role: "grid" },
      make("caption", { textContent: `${name} ${shapeOf(values)}${more}` }),
      make("thead", {}, head),
      body,
    ),
  );
}

/** One of several choices, as radio buttons: the arrow keys go from one to the next. */
function choice(legend, name, options, value, chosen) {
  const group = make("fieldset", { className: name }, make("legend", { textContent: legend }));
  for (const { key, label } of options) {
    const input = make("input", { type: "radio", name, value: key });
    input.checked = key === value;
    input.addEventListener("change", () => chosen(key));
    group.append(make("label", {}, input, make("span", { textContent: label })));
  }
  return group;
}

/** The chosen token's weights: a row for each head, a column for each key. */
function looksTable(r, i, head) {
  const rowsOf = r.heads.map(({ weights }, h) =>
    make(
      "tr",
      h === head ? { className: "chosen" } : {},
      make("th", { scope: "row", textContent: r.names[h] }),
      ...Array.from(weights[i], (x, j) => painted(
          make("td", { textContent: written(x, "weight", r.allowed?.[i][j]) }),
          x,
          "weight",
          1,
          r.allowed?.[i][j],
        ),
      ),
    ),
  );
  const names = r.keys.map((each) => make("th", { scope: "col", textContent: each }));
  return make(
    "table",
    { className: "looks" },
    make("caption", { textContent: `How much ${r.queries[i]} looks at each` }),
    make("thead", {}, make("tr", {}, make("td"), ...names)),
    make("tbody", {}, ...rowsOf),
  );
}

/** One row of a small picture, as one element: hundreds of them would take a while to draw. */
function stripes(row, allowed) {
  const colours = Array.from(row, (x, j) => {
    if (allowed && !allowed[j]) return "color-mix(in srgb, var(--line) 25%, var(--paper))";
    return `color-mix(in srgb, var(--above) ${shade(x, "weight")}%, var(--paper))`;
  });
  const stops = colours.map((colour, j) => `${colour} ${(100 * j) / row.length}% ${(100 * (j + 1)) / row.length}%`);
  const line = make("i");
  line.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  return line;
}

/** All heads side by side, small: pictures beside the table that holds their numbers. */
function smallMaps(r, head) {
  return r.heads.map(({ weights }, h) => {
    const map = make("span", { className: "map" });
    map.append(...weights.map((row, i) => stripes(row, r.allowed?.[i])));
    const where = r.queries.map((word, i) => `${word} at ${looks(r, h, i, 1)}`).join("; ");
    return make(
      "figure",
      { role: "img", className: h === head ? "chosen" : "", ariaLabel: `${r.names[h]}, where each looks most: ${where}` },
      map,
      make("figcaption", { textContent: r.names[h] }),
    );
  });
}
