// Attention, stage by stage. A matrix is an array of rows; a row is an array of numbers.

const transposed = (a) => Array.from(a[0], (_, j) => Float64Array.from(a, (row) => row[j]));

/** (n, m) by (m, p); four rows at a time, as fetching a number of b takes longer than using it. */
function product(a, b) {
  const sums = a.map(() => new Float64Array(b[0].length));
  let i = 0;
  for (; i + 4 <= a.length; i += 4) addFour(a, b, sums, i);
  for (; i < a.length; i++) addOne(a[i], b, sums[i]);
  return sums;
}

function addFour(a, b, sums, i) {
  const r0 = a[i], r1 = a[i + 1], r2 = a[i + 2], r3 = a[i + 3];
  const s0 = sums[i], s1 = sums[i + 1], s2 = sums[i + 2], s3 = sums[i + 3];
  for (let k = 0; k < r0.length; k++) {
    const x0 = r0[k], x1 = r1[k], x2 = r2[k], x3 = r3[k], other = b[k];
    for (let j = 0; j < s0.length; j++) {
      const y = other[j];
      s0[j] += x0 * y;
      s1[j] += x1 * y;
      s2[j] += x2 * y;
      s3[j] += x3 * y;
    }
  }
}

function addOne(row, b, sum) {
  for (let k = 0; k < row.length; k++) {
    const x = row[k], other = b[k];
    for (let j = 0; j < sum.length; j++) sum[j] += x * other[j];
  }
}

const added = (a, b) => a.map((row, i) => row.map((x, j) => x + b[i][j]));

function softmax(row) {
  const largest = row.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(row, (x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((x) => x / sum);
}

/** One head: query (L, E), key (S, E), value (S, Ev); allowed (L, S) says who may look at whom. */
function attend(query, key, value, allowed) {
  const products = product(query, transposed(key)); // (L, S)
  const root = Math.sqrt(query[0].length);
  const scores = products.map((row) => row.map((x) => x / root)); // (L, S)
  const masked = scores.map((row, i) =>
    Array.from(row, (x, j) => (allowed[i][j] ? x : -Infinity)),
  );
  const weights = masked.map(softmax); // (L, S)
  return { query, key, value, products, scores, masked, weights, output: product(weights, value) };
}

/** Columns of the same number for each head: (L, H * E) becomes H times (L, E). */
function split(x, heads) {
  const width = x[0].length / heads;
  return Array.from({ length: heads }, (_, h) =>
    x.map((row) => row.slice(h * width, (h + 1) * width)),
  );
}

const merge = (heads) => heads[0].map((_, i) => heads.flatMap((head) => Array.from(head[i])));

/** Who may look at whom: L queries, S keys, of which the last `padded` are padding. */
const MASKS = {
  bidirectional: (L, S) => rows(L, S, () => true),
  causal: (L, S) => rows(L, S, (i, j) => j <= i),
  padding: (L, S, padded) => rows(L, S, (i, j) => j < S - padded),
  cross: (L, S) => rows(L, S, () => true),
};

function rows(L, S, entry) {
  return Array.from({ length: L }, (_, i) => Array.from({ length: S }, (_, j) => entry(i, j)));
}
