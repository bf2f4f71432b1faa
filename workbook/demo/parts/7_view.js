// The demo itself, on the contract of anywidget: render({ model, el }).

const SOURCES = {
  small: {
    label: "small numbers",
    note: "Made for checking by hand: vectors from the letters of a word (a text is split at its spaces), matrices of zeros, ones and twos, no positions. Nothing was trained, so who looks at whom means nothing here; the steps are those of the Transformer of 2017.",
  },
  trained: {
    label: "a trained model",
    note: "glassllm, a decoder with four layers that read Alice in Wonderland (852,608 parameters), run in this page on what you type. It reads pieces of words; ␣ is a space, ⏎ the end of a line. The entries are those of the chosen layer.",
  },
  minilm: {
    label: "heads of MiniLM",
    note: "Weights that all-MiniLM-L6-v2, an encoder of six layers, gives to these sentences, computed beforehand. Of its 72 heads these are some with a task one can name; most others look mainly at [CLS] or [SEP], where a head rests that finds nothing to do: so do those that are about “it” where there is none.",
  },
  own: {
    label: "your functions",
    note: "The sentence goes to Python, through the functions that you have written. The first step that goes wrong is marked.",
  },
};

const MASK_OPTIONS = [
  { key: "bidirectional", label: "bidirectional" },
  { key: "causal", label: "causal" },
  { key: "padding", label: "padding" },
  { key: "cross", label: "cross-attention" },
];

const MASK_NOTES = {
  bidirectional: "Every token looks at every token, as in an encoder.",
  causal: "A token looks at itself and at those before it, at no later one, as in a decoder.",
  padding: "The sentence was filled up with [PAD] to a common length; nobody looks at what is padding. The rows of [PAD] are computed too, and thrown away.",
  cross: "The queries come from your sentence, keys and values from the other one, as in a translating decoder.",
};

const START = {
  source: "small",
  sentence: "the cat sat on the mat",
  other: "le chat noir",
  mask: "bidirectional",
  layer: 0,
  head: 0,
  query: 1,
  stage: "weights",
  entry: [0, 1, 0],
  example: 0,
};

class Demo {
  constructor(model, el) {
    this.model = model;
    this.trained = null;
    this.state = { ...START, ...model.get("state") };
    // In a form of its own its radio buttons are no group with those of another demo on the page.
    this.root = make("form", { className: "attention-demo", onsubmit: () => false });
    el.append(this.root);
    this.parts = Object.fromEntries(
      ["controls", "look", "steps", "own"].map((name) => [name, make("section", { className: name })]),
    );
    this.status = make("p", { role: "status", className: "status" });
    const exercises = make("section", { className: "exercises" }, make("h2", { textContent: "Predict, then check" }));
    exercises.append(make("ol", {}, ...exercisesOf((view) => this.show(view))));
    this.root.append(this.parts.controls, this.parts.look, this.parts.steps, this.parts.own, this.status, exercises);
    model.on?.("change:own", () => this.draw());
    this.controls();
    this.draw();
  }

  sources() {
    const has = { small: true, trained: this.model.get("trained"), minilm: this.model.get("minilm"), own: this.model.get("asks") };
    return Object.keys(SOURCES).filter((key) => has[key]).map((key) => ({ key, label: SOURCES[key].label }));
  }

  numbers() {
    const { source, sentence, other, mask, layer, example } = this.state;
    if (source === "small") return smallNumbers(sentence, other, mask);
    if (source === "trained") {
      this.trained ??= trainedModel(this.model.get("trained"));
      return trainedNumbers(this.trained, sentence, mask, layer);
    }
    const { tokens, heads } = this.model.get("minilm").sentences[example];
    const named = heads.map((weights) => ({ weights }));
    const labels = labelsOf(tokens);
    return { queries: labels, keys: labels, heads: named, names: this.model.get("minilm").heads.map((each) => each.name) };
  }

  /** Go where an exercise can be seen; its numbers, and the state with the token as a number. */
  show(view) {
    Object.assign(this.state, view);
    const found = this.numbers();
    if (typeof view.query === "string") this.state.query = found.queries.indexOf(view.query);
    this.state.entry = [0, this.state.query, 0];
    this.controls();
    this.draw();
    return [found, this.state];
  }

  set(change) {
    Object.assign(this.state, change);
    const { source, mask } = this.state;
    if (source === "trained" && !["bidirectional", "causal"].includes(mask)) this.state.mask = "causal";
    if (change.source === "trained") this.state.mask = "causal";
    if ("source" in change || "mask" in change) this.controls();
    if ("source" in change) this.state.head = 0;
    this.draw();
  }

  controls() {
    const { source, mask, sentence, other, layer, example } = this.state;
    const field = (label, key, value) => {
      const input = make("input", { type: "text", value, spellcheck: false, autocomplete: "off" });
      input.addEventListener("input", () => this.set({ [key]: input.value }));
      return make("label", { className: "field" }, make("span", { textContent: label }), input);
    };
    const parts = [
      choice("The numbers come from", "source", this.sources(), source, (key) => this.set({ source: key })),
      make("p", { className: "note", textContent: SOURCES[source].note }),
    ];
    if (source === "minilm") {
      const options = this.model.get("minilm").sentences.map(({ text }, key) => make("option", { value: key, textContent: text }));
      const select = make("select", {}, ...options);
      select.value = example;
      select.addEventListener("change", () => this.set({ example: Number(select.value), query: 1 }));
      parts.push(make("label", { className: "field" }, make("span", { textContent: "Sentence" }), select));
    } else {
      parts.push(field(`Your sentence (of up to ${source === "trained" ? `${MOST_TOKENS} tokens` : `${SMALL.most} words`})`, "sentence", sentence));
    }
    if (source === "small" || source === "trained") {
      const options = MASK_OPTIONS.filter(({ key }) => source === "small" || key === "bidirectional" || key === "causal");
      parts.push(choice("Who may look at whom", "mask", options, mask, (key) => this.set({ mask: key })));
      const untrained = source === "trained" && mask === "bidirectional" ? " It was never trained to look ahead, so do not read meaning into these weights." : "";
      parts.push(make("p", { className: "note", textContent: MASK_NOTES[mask] + untrained }));
      if (mask === "cross") parts.push(field("The sentence that is looked at", "other", other));
    }
    if (source === "trained") {
      const layers = Array.from({ length: this.model.get("trained").config.n_layers }, (_, n) => ({ key: n, label: String(n) }));
      parts.push(choice("Layer", "layer", layers, layer, (key) => this.set({ layer: key })));
    }
    keepingFocus(this.parts.controls, parts);
  }

  draw() {
    const { source } = this.state;
    const own = source === "own";
    for (const name of ["look", "steps"]) this.parts[name].hidden = own;
    this.parts.own.hidden = !own;
    this.model.set?.("state", { ...this.state });
    this.model.save_changes?.();
    if (own) {
      if (this.model.get("sentence") !== this.state.sentence) {
        this.model.set("sentence", this.state.sentence);
        this.model.save_changes();
      }
      this.parts.own.innerHTML = this.model.get("own"); // made by our own Python, which escapes
      return;
    }
    const r = this.numbers();
    if (r.problem) {
      this.say(r.problem);
      this.parts.look.replaceChildren(make("p", { textContent: r.problem }));
      this.parts.steps.replaceChildren();
      return;
    }
    // While one types there may be fewer tokens for a moment; what was chosen is kept.
    const query = Math.min(Math.max(this.state.query, 0), r.queries.length - 1);
    const s = { ...this.state, query, head: Math.min(this.state.head, r.heads.length - 1) };
    this.drawLook(r, s);
    this.drawSteps(r, s);
    this.say(`${r.names[s.head]}: ${r.queries[s.query]} looks at ${looks(r, s.head, s.query)}.`);
  }

  drawLook(r, s) {
    const tokens = r.queries.map((label, key) => ({ key, label }));
    const heads = r.names.map((label, key) => ({ key, label }));
    const next = r.next && r.next.map(({ token, probability }) => `“${token}” ${plain(probability)}`).join(", ");
    keepingFocus(this.parts.look, [
      make("h2", { textContent: "Who looks at whom" }),
      choice("A token", "tokens", tokens, s.query, (query) => this.set({ query, entry: [0, query, 0] })),
      make("div", { className: "matrix", tabIndex: 0 }, looksTable(r, s.query, s.head)),
      choice("A head", "heads", heads, s.head, (head) => this.set({ head })),
      make("div", { className: "maps" }, ...smallMaps(r, s.head)),
      r.cut ? make("p", { className: "note", textContent: r.cut }) : "",
      next ? make("p", { textContent: `What it would say after ${r.queries.at(-1)}: ${next}.` }) : "",
    ]);
  }

  drawSteps(r, s) {
    const known = STAGES.filter(({ key }) => r.x || key === "weights");
    const stage = known.find(({ key }) => key === s.stage) ?? known.at(-1);
    const tabs = known.map(({ key, title }) => ({ key, label: title }));
    const steps = choice("A step", "stages", tabs, stage.key, (key) => this.set({ stage: key }));
    for (const [place, each] of known.entries()) {
      steps.children[place + 1].dataset.leaves = shapeOf(each.tables(r, s.head)[0].values); // behind the legend
    }
    const tables = stage.tables(r, s.head);
    const [n, i, j] = s.entry.length === 3 && s.entry[0] < tables.length ? s.entry : [0, s.query, 0];
    const grids = tables.map((each, place) =>
      gridOf(each, [i, j], place === n, (row, column, said) => {
        this.state.entry = [place, row, column];
        for (const cell of this.parts.steps.querySelectorAll("[aria-selected]")) cell.removeAttribute("aria-selected");
        this.say(said);
      }),
    );
    const { values, columnNames, by } = tables[n];
    const byHand = by?.(Math.min(i, values.length - 1), Math.min(j, columnNames.length - 1));
    const line = make("p", { className: "by-hand" }, make("strong", { textContent: "By hand: " }), byHand ?? "choose an entry.");
    keepingFocus(this.parts.steps, [
      make("h2", { textContent: "Step by step" }),
      steps,
      make("p", { textContent: stage.idea(r, s.head) }),
      make("p", { className: "shape" }, make("strong", { textContent: "Shape: " }), stage.shape(r, s.head)),
      r.x ? line : "",
      ...grids,
      r.x ? make("p", { className: "note", textContent: "Choose an entry by a click or the arrow keys: the line above the tables says how it comes about." }) : "",
    ]);
  }

  say(text) {
    this.status.textContent = text;
    const hand = this.parts.steps.querySelector(".by-hand");
    if (hand && document.activeElement?.role === "gridcell") hand.lastChild.textContent = text;
  }
}

/** Replace what stands in a part, and leave the focus on the radio button that had it. */
function keepingFocus(part, children) {
  const had = part.contains(document.activeElement) ? document.activeElement : null;
  const [name, value] = [had?.name, had?.value];
  part.replaceChildren(...children);
  if (name) part.querySelector(`input[name="${name}"][value="${value}"]`)?.focus();
}

const demo = {
  render({ model, el }) {
    new Demo(model, el);
  },
};
