// Small whole numbers instead of trained ones, so that each entry can be checked by hand.

const SMALL = { width: 8, heads: 2, most: 16, padded: 2 };

// Each column of W_Q and W_K adds two entries of x, and each of W_V doubles one.
const grid = (entry) => rows(SMALL.width, SMALL.width, entry);
const SMALL_WEIGHTS = {
  query: grid((i, j) => Number((3 * i + 5 * j) % 8 < 2)),
  key: grid((i, j) => Number((i + 3 * j + 4) % 8 < 2)),
  value: grid((i, j) => 2 * Number((3 * i + j) % 8 === 0)),
  output: grid((i, j) => Number((i + j) % 8 === 3)),
};

const wordsOf = (sentence) => sentence.trim().split(/\s+/).filter(Boolean);

/** Each word, with its position where it stands more than once. */
const labelsOf = (words) =>
  words.map((word, i) => (words.filter((other) => other === word).length > 1 ? `${word} (${i})` : word));

/** Numbers -1, 0 and 1 that depend on the letters alone (FNV-1a, then xorshift). */
function vectorOf(word) {
  const letters = word.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "") || word;
  let state = 0x811c9dc5;
  for (const letter of letters) state = Math.imul(state ^ letter.codePointAt(0), 0x01000193);
  return Array.from({ length: SMALL.width }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 8) % 3) - 1;
  });
}

function smallNumbers(sentence, other, mask) {
  const typed = wordsOf(sentence);
  const queries = typed.slice(0, SMALL.most);
  const padding = Array.from({ length: mask === "padding" ? SMALL.padded : 0 }, () => "[PAD]");
  if (!queries.length) return { problem: "Type a sentence." };
  queries.push(...padding);
  const keys = mask === "cross" ? wordsOf(other).slice(0, SMALL.most) : queries;
  if (!keys.length) return { problem: "Type the sentence that is looked at, too." };
  const x = queries.map(vectorOf);
  const seen = keys === queries ? x : keys.map(vectorOf);
  const allowed = MASKS[mask](queries.length, keys.length, padding.length);
  const [query, key, value] = [
    [x, SMALL_WEIGHTS.query],
    [seen, SMALL_WEIGHTS.key],
    [seen, SMALL_WEIGHTS.value],
  ].map(([of, by]) => split(product(of, by), SMALL.heads));
  const heads = query.map((_, h) => attend(query[h], key[h], value[h], allowed));
  const joined = merge(heads.map((head) => head.output));
  return {
    queries: labelsOf(queries),
    keys: labelsOf(keys),
    x,
    seen,
    allowed,
    heads,
    names: heads.map((_, h) => `head ${h}`),
    weights: SMALL_WEIGHTS,
    cut: typed.length > SMALL.most ? `Only the first ${SMALL.most} of ${typed.length} words are used.` : "",
    joined,
    output: product(joined, SMALL_WEIGHTS.output),
  };
}
