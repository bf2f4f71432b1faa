// Three exercises: a prediction, and a check that reads its answer off the numbers of the page.

const EXERCISES = [
  {
    key: "fox",
    ask: "“The quick brown fox jumps over the lazy dog.” In the head “the token before” of MiniLM, where does fox look most?",
    options: ["brown", "jumps", "[CLS]"],
    view: { source: "minilm", example: 0, head: 0, query: "fox", stage: "weights" },
    answer: (r, s) => r.keys[largestAt(r.heads[s.head].weights[s.query])],
    because: (r, s) =>
      `In this head fox looks at ${looks(r, s.head, s.query, 1)}. In “the token after” it looks at ${looks(r, 1, s.query, 1)}: each head has a task of its own.`,
  },
  {
    key: "future",
    ask: "“the cat sat down”, causal: at how many of the four words may sat look?",
    options: ["2", "3", "4"],
    view: { source: "small", sentence: "the cat sat down", mask: "causal", head: 1, query: "sat", stage: "weights" },
    answer: (r, s) => String(r.heads[s.head].weights[s.query].filter((x) => x > 0).length),
    because: (r, s) =>
      `A word may look at itself and at what came before. Its weights are ${Array.from(r.heads[s.head].weights[s.query], (x, j) => written(x, "weight", r.allowed[s.query][j])).join(", ")}: the last, of down, is exactly 0.`,
  },
  {
    key: "cross",
    ask: "Cross-attention: “the cat sat” looks at “le petit chat noir”. Which shape have the weights of one head, a row for each query?",
    options: ["(3, 4)", "(4, 3)", "(3, 3)"],
    view: {
      source: "small",
      sentence: "the cat sat",
      other: "le petit chat noir",
      mask: "cross",
      head: 0,
      query: "cat",
      stage: "weights",
    },
    answer: (r, s) => shapeOf(r.heads[s.head].weights),
    because: (r) =>
      `A row for each of the ${r.queries.length} queries, a column for each of the ${r.keys.length} keys: queries come from one sentence, keys and values from the other.`,
  },
];

function largestAt(row) {
  return row.reduce((best, x, j) => (x > row[best] ? j : best), 0);
}

/** The exercises; `show` brings the demo to where the answer can be seen and gives its numbers. */
function exercisesOf(show) {
  return EXERCISES.map((each, number) => {
    const said = make("p", { role: "status", className: "answer" });
    let predicted = null;
    const options = each.options.map((label) => ({ key: label, label }));
    const check = make("button", { type: "button", textContent: "Check" });
    check.addEventListener("click", () => {
      if (predicted === null) {
        said.textContent = "First predict: choose one of the answers.";
        return;
      }
      const [r, s] = show(each.view);
      const right = each.answer(r, s);
      const verdict = predicted === right ? `${right}: as you predicted.` : `You predicted ${predicted}; it is ${right}.`;
      said.textContent = `${verdict} ${each.because(r, s)} The page above shows it now.`;
    });
    const group = choice(`${number + 1}. ${each.ask}`, `exercise-${each.key}`, options, null, (key) => {
      predicted = key;
      said.textContent = "";
    });
    return make("li", {}, group, check, said);
  });
}
