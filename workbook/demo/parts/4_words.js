// What each stage is called, what it does, and how one entry of it is worked out by hand.

const FEW = 8; // columns of a wide matrix that are shown, terms of a long sum

const plain = (x) => (Number.isInteger(x) ? String(x) : x.toFixed(2)).replace("-", "−");
const shapeOf = (a) => `(${a.length}, ${a[0].length})`;
const columns = (a) => Array.from(a[0], (_, j) => String(j)).slice(0, FEW);

/** A sum of products in full, or its first terms where there are more than a line holds. */
function sumOf(a, b) {
  const terms = Array.from(a, (x, k) => `${plain(x)}·${plain(b[k])}`);
  const rest = terms.length > FEW ? ` + ${terms.length - 4} more` : "";
  return terms.slice(0, rest ? 4 : FEW).join(" + ") + rest;
}

/** Whether what is printed adds up exactly, or was rounded. */
const equals = (...of) => (of.flatMap((row) => Array.from(row)).every(Number.isInteger) ? "=" : "≈");

const table = (name, values, rowNames, columnNames, kind, by, allowed) => ({
  name,
  values,
  rowNames,
  columnNames: columnNames ?? columns(values),
  kind,
  by,
  allowed,
});

const STAGES = [
  {
    key: "x",
    title: "X",
    idea: (r) =>
      r.weights
        ? "Every word becomes a row of numbers. Here a fixed rule makes them from its letters; in a trained model they are learned."
        : "Every token is a row of numbers: what the layers below made of it, brought to a common size (RMSNorm).",
    shape: (r) => `X ${shapeOf(r.x)}`,
    tables: (r) => [
      table("X", r.x, r.queries, null, "signed", (i, j) =>
        r.weights
          ? `Entry ${j} of ${r.queries[i]} is ${plain(r.x[i][j])}, made from the letters by a fixed rule: nothing to work out.`
          : `Entry ${j} of ${r.queries[i]} is ${plain(r.x[i][j])}.`,
      ),
      ...(r.seen === r.x ? [] : [table("the other sentence", r.seen, r.keys, null, "signed")]),
    ],
  },
  {
    key: "qkv",
    title: "Q, K, V",
    idea: (r, h) => {
      const made =
        "Three matrices turn X into queries (what a word looks for), keys (what it is found by) and values (what it passes on).";
      if (!r.shared) return `${made} Each head has columns of its own.`;
      const group = r.heads.map((_, i) => i).filter((i) => Math.floor(i / r.shared) === Math.floor(h / r.shared));
      return `${made} Queries and keys are then turned by an angle that grows with the position (RoPE), so the same token has others at another place. Heads ${group.join(" and ")} share keys and values.`;
    },
    shape: (r, h) => {
      const { query, key, value } = r.heads[h];
      return `Q ${shapeOf(query)}, K ${shapeOf(key)}, V ${shapeOf(value)}`;
    },
    tables: (r, h) => {
      const made = (name, values, from, rowNames, weight) =>
        table(name, values, rowNames, null, "signed", (i, j) => {
          const said = `${name}: entry ${j} of ${rowNames[i]} is ${plain(values[i][j])}`;
          if (!weight) {
            const turned = name === "value" ? "" : ", then turned by its position";
            return `${said}, made from ${from[0].length} entries of X by a learned matrix${turned}.`;
          }
          const column = weight.map((row) => row[h * values[0].length + j]);
          return `${said}: X times a column of W, ${sumOf(from[i], column)}.`;
        });
      const { query, key, value } = r.heads[h];
      const shown = [
        made("query", query, r.x, r.queries, r.weights?.query),
        made("key", key, r.seen, r.keys, r.weights?.key),
        made("value", value, r.seen, r.keys, r.weights?.value),
      ];
      const width = query[0].length;
      for (const [letter, weight] of Object.entries(r.weights ? { Q: "query", K: "key", V: "value" } : {})) {
        const own = r.weights[weight].map((row) => row.slice(h * width, (h + 1) * width));
        shown.push(table(`W_${letter}, the columns of this head`, own, columns(r.x), null, "signed"));
      }
      return shown;
    },
  },
  {
    key: "products",
    title: "QKᵀ",
    idea: () => "Each query meets each key: the dot product is large where they point the same way.",
    shape: (r, h) => {
      const { query, key, products } = r.heads[h];
      return `${shapeOf(query)} · (${key[0].length}, ${key.length}) → ${shapeOf(products)}`;
    },
    tables: (r, h) => {
      const { query, key, products } = r.heads[h];
      return [
        table("dot products", products, r.queries, r.keys, "signed", (i, j) =>
          `query of ${r.queries[i]} · key of ${r.keys[j]} = ${sumOf(query[i], key[j])} ${equals(query[i], key[j])} ${plain(products[i][j])}.`,
        ),
      ];
    },
  },
  {
    key: "scores",
    title: "÷ √d_k",
    idea: (r, h) =>
      `Sums of more products spread further, so they are divided by the root of d_k, the number of products in each: √${r.heads[h].query[0].length}.`,
    shape: (r, h) => `${shapeOf(r.heads[h].scores)}, unchanged`,
    tables: (r, h) => {
      const { query, products, scores } = r.heads[h];
      const d = query[0].length;
      return [
        table("scores", scores, r.queries, r.keys, "signed", (i, j) =>
          `${plain(products[i][j])} / √${d} = ${plain(products[i][j])} / ${plain(Math.sqrt(d))} ${equals([products[i][j], Math.sqrt(d)])} ${plain(scores[i][j])}.`,
        ),
      ];
    },
  },
  {
    key: "mask",
    title: "mask",
    idea: () => "A score that must not count becomes −∞: after the softmax its weight is exactly 0.",
    shape: (r, h) => `${shapeOf(r.heads[h].masked)}, unchanged`,
    tables: (r, h) => {
      const { masked } = r.heads[h];
      return [
        table("scores after the mask", masked, r.queries, r.keys, "signed", (i, j) =>
          r.allowed[i][j]
            ? `${r.queries[i]} may look at ${r.keys[j]}: the score ${plain(masked[i][j])} stays.`
            : `${r.queries[i]} must not look at ${r.keys[j]}: the score becomes −∞.`,
        ),
      ];
    },
  },
  {
    key: "weights",
    title: "softmax",
    idea: (r) =>
      r.x
        ? "Each row becomes weights that add up to 1: e to the power of the score, divided by the sum of the row."
        : "The weights alone: each row adds up to 1. The scores behind them were not kept.",
    shape: (r, h) => `${shapeOf(r.heads[h].weights)}, each row adds up to 1`,
    tables: (r, h) => {
      const { masked, weights } = r.heads[h];
      return [
        table("weights", weights, r.queries, r.keys, "weight", (i, j) => {
          if (r.allowed && !r.allowed[i][j]) return `${r.queries[i]} must not look at ${r.keys[j]}: e^−∞ is 0.`;
          const said = `${r.queries[i]} looks at ${r.keys[j]} with weight ${weights[i][j].toFixed(2)}`;
          if (!masked) return `${said}.`;
          const powers = masked[i].map(Math.exp);
          const sum = plain(powers.reduce((a, b) => a + b));
          const terms = powers.length > FEW ? `the sum of ${powers.length} such powers` : powers.map(plain).join(" + ");
          return `${said}: e^${plain(masked[i][j])} ≈ ${plain(powers[j])}, divided by ${terms} ≈ ${sum}.`;
        }, r.allowed),
      ];
    },
  },
  {
    key: "output",
    title: "· V",
    idea: () => "Every word takes from each value as much as its weight says: a mixture of values.",
    shape: (r, h) => {
      const { weights, value, output } = r.heads[h];
      return `${shapeOf(weights)} · ${shapeOf(value)} → ${shapeOf(output)}`;
    },
    tables: (r, h) => {
      const { weights, value, output } = r.heads[h];
      return [
        table("output of the head", output, r.queries, null, "signed", (i, j) =>
          `Entry ${j} for ${r.queries[i]}: ${sumOf(weights[i], value.map((row) => row[j]))} ${equals(weights[i])} ${plain(output[i][j])}.`,
        ),
      ];
    },
  },
  {
    key: "joined",
    title: "heads joined",
    idea: () => "The outputs of the heads stand side by side again, and W_O mixes them.",
    shape: (r) => `${r.heads.length} heads of ${shapeOf(r.heads[0].output)} → ${shapeOf(r.joined)} → ${shapeOf(r.output)}`,
    tables: (r) => {
      const width = r.heads[0].output[0].length;
      return [
        table("joined", r.joined, r.queries, null, "signed", (i, j) =>
          `Entry ${j} for ${r.queries[i]} is entry ${j % width} of head ${Math.floor(j / width)}: ${plain(r.joined[i][j])}.`,
        ),
        table("times W_O", r.output, r.queries, null, "signed", (i, j) =>
          r.weights
            ? `Entry ${j} for ${r.queries[i]}: the joined row times a column of W_O, ${sumOf(r.joined[i], r.weights.output.map((row) => row[j]))} = ${plain(r.output[i][j])}.`
            : `Entry ${j} for ${r.queries[i]} is ${plain(r.output[i][j])}, made from ${r.joined[0].length} joined entries by a learned matrix.`,
        ),
      ];
    },
  },
];

/** Where a token looks, most first. */
function looks(r, h, i, most = 3) {
  return Array.from(r.heads[h].weights[i], (weight, j) => ({ j, weight }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, most)
    .map(({ j, weight }) => `${r.keys[j]} ${weight.toFixed(2)}`)
    .join(", ");
}
