// A model that was really trained: glassllm by Oseias Dias de Farias, MIT (see the notice).
// A decoder with RMSNorm, rotary positions, grouped queries and a gated feed-forward network.

const MOST_TOKENS = 16;
const UNKNOWN = 1; // the token that stands for every character it never read

/** Spaces and ends of lines as signs that can be seen. */
const visible = (token) => token.replaceAll("▁", "␣").replaceAll("\n", "⏎");

/** Numbers of 16 bits (IEEE 754 binary16), little end first. */
function halves(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return Float64Array.from({ length: bytes.length / 2 }, (_, i) => {
    const bits = bytes[2 * i] | (bytes[2 * i + 1] << 8);
    const [sign, exponent, part] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + part / 1024) : 2 ** -24 * part);
  });
}

function trainedModel({ config, shapes, numbers, alphabet, merges }) {
  const all = halves(numbers);
  const weights = {};
  let at = 0;
  for (const [name, height, width] of shapes) {
    weights[name] = Array.from({ length: height }, (_, i) =>
      all.subarray(at + i * width, at + (i + 1) * width),
    );
    at += height * width;
  }
  const pieces = ["<pad>", "<unk>", "<bos>", "<eos>", ...alphabet, ...merges.map((m) => m.join(""))];
  const ranks = new Map(merges.map((pair, rank) => [pair.join("\n"), rank]));
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  return { config, weights, toLogits: transposed(weights.E), pieces, ids, ranks };
}

/** Byte-pair encoding of each word; the mark ▁ stands for a space. */
function tokensOf(model, text) {
  const marked = text.normalize("NFC").replaceAll(" ", "▁");
  return (marked.match(/\n|▁*[^▁\n]+|▁+/g) ?? []).flatMap((word) => {
    let parts = Array.from(word);
    for (;;) {
      const found = parts.slice(1).map((part, i) => model.ranks.get(`${parts[i]}\n${part}`) ?? Infinity);
      const best = Math.min(...found);
      if (best === Infinity) return parts;
      const [joined, place] = [[], found.map((rank) => rank === best)];
      for (let i = 0; i < parts.length; i++) {
        joined.push(place[i] ? parts[i] + parts[++i] : parts[i]);
      }
      parts = joined;
    }
  });
}

const rmsNorm = (x, [scale], eps) =>
  x.map((row) => {
    const root = Math.sqrt(row.reduce((sum, each) => sum + each * each, 0) / row.length + eps);
    return row.map((each, j) => (each / root) * scale[j]);
  });

/** Neighbouring numbers are turned as a pair, the further on the larger the position. */
const rotary = (x, base) =>
  x.map((row, position) => {
    const turned = new Float64Array(row.length);
    for (let j = 0; j < row.length; j += 2) {
      const angle = position * base ** (-j / row.length);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      turned[j] = row[j] * cos - row[j + 1] * sin;
      turned[j + 1] = row[j] * sin + row[j + 1] * cos;
    }
    return turned;
  });

/** What layer `layer` does with a text, and the scores of the next token at each position. */
function trainedNumbers(model, text, mask, layer) {
  const { config, weights } = model;
  const typed = tokensOf(model, text);
  const tokens = typed.slice(0, MOST_TOKENS);
  if (!tokens.length) return { problem: "Type a sentence." };
  const ids = tokens.map((token) => model.ids.get(token) ?? UNKNOWN);
  const allowed = MASKS[mask](ids.length, ids.length, 0);
  let x = ids.map((id) => weights.E[id]);
  const shared = config.n_heads / config.n_kv_heads;
  let shown;
  for (let n = 0; n < config.n_layers; n++) {
    const of = (name) => weights[`blocks.${n}.${name}`];
    const h = rmsNorm(x, of("norm1.gamma"), config.eps);
    const turn = (name, count) =>
      split(product(h, of(name)), count).map((head) => rotary(head, config.rope_base));
    const query = turn("attn.W_Q", config.n_heads);
    const key = turn("attn.W_K", config.n_kv_heads);
    const value = split(product(h, of("attn.W_V")), config.n_kv_heads);
    const heads = query.map((q, i) => {
      const group = Math.floor(i / shared);
      return attend(q, key[group], value[group], allowed);
    });
    const joined = merge(heads.map((head) => head.output));
    const output = product(joined, of("attn.W_O"));
    if (n === layer) shown = { x: h, seen: h, heads, joined, output };
    x = added(x, output);
    const into = rmsNorm(x, of("norm2.gamma"), config.eps);
    const [gate, up] = [product(into, of("ffn.W1")), product(into, of("ffn.W3"))];
    const act = gate.map((row, i) => row.map((g, j) => (g / (1 + Math.exp(-g))) * up[i][j]));
    x = added(x, product(act, of("ffn.W2")));
  }
  const last = rmsNorm(x, weights["norm_f.gamma"], config.eps);
  const labels = tokens.map((token, i) => (ids[i] === UNKNOWN ? `${token} (unknown)` : visible(token)));
  return {
    ...shown,
    queries: labelsOf(labels),
    keys: labelsOf(labels),
    allowed,
    names: shown.heads.map((_, h) => `head ${h}`),
    /** The scores of the next token at each position; the page shows what follows the last alone. */
    get logits() {
      return product(last, model.toLogits);
    },
    cut: typed.length > MOST_TOKENS ? `Only the first ${MOST_TOKENS} of ${typed.length} tokens are used.` : "",
    shared,
    next: mask === "causal" && likeliest(model, softmax(product(last.slice(-1), model.toLogits)[0])),
  };
}

function likeliest(model, probabilities, count = 5) {
  return probabilities
    .map((probability, id) => ({ id, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count)
    .map(({ id, probability }) => ({ token: visible(model.pieces[id]), probability }));
}
