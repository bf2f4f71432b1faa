def pair_counts(chunks):
    counts = {}
    for chunk in chunks:
        for pair in zip(chunk, chunk[1:]):
            counts[pair] = counts.get(pair, 0) + 1
    return counts

def merge(ids, pair, new_id):
    newids = []
    i = 0
    while i < len(ids):
        if ids[i] == pair[0] and i < len(ids) - 1 and ids[i + 1] == pair[1]:
            newids.append(new_id)
            i += 2
        else:
            newids.append(ids[i])
            i += 1
    return newids

def train_bpe(text, vocab_size):
    if vocab_size < 256:
        raise ValueError("vocab_size: at least 256")
    ids = [list(ch.encode("utf-8")) for ch in re.findall(PATTERN, text)]
    merges = {}
    for i in range(vocab_size - 256):
        stats = pair_counts(ids)
        if len(stats) == 0:
            break
        top = sorted(stats.items(), key=lambda item: (-item[1], item[0]))[0][0]
        ids = [merge(chunk_ids, top, 256 + i) for chunk_ids in ids]
        merges[top] = 256 + i
    return list(merges)

class BPETokenizer:
    def __init__(self, merges, special_tokens=()):
        self.merges = {tuple(pair): 256 + i for i, pair in enumerate(merges)}
        self.vocab = {idx: bytes([idx]) for idx in range(256)}
        for (p0, p1), idx in self.merges.items():
            self.vocab[idx] = self.vocab[p0] + self.vocab[p1]
        self.special_tokens = {}
        for token in special_tokens:
            self.special_tokens[token] = len(self.vocab)
            self.vocab[len(self.vocab)] = token.encode("utf-8")
        self.vocab_size = len(self.vocab)

    def _encode_chunk(self, text_bytes):
        ids = list(text_bytes)
        while len(ids) >= 2:
            stats = pair_counts([ids])
            pair = min(stats, key=lambda p: self.merges.get(p, float("inf")))
            if pair not in self.merges:
                break
            ids = merge(ids, pair, self.merges[pair])
        return ids

    def encode(self, text):
        if not self.special_tokens:
            pieces = [text]
        else:
            by_length = sorted(self.special_tokens, key=lambda token: -len(token))
            pieces = re.split("(" + "|".join(re.escape(token) for token in by_length) + ")", text)
        ids = []
        for part in pieces:
            if part in self.special_tokens:
                ids.append(self.special_tokens[part])
            else:
                for chunk in re.findall(PATTERN, part):
                    ids.extend(self._encode_chunk(chunk.encode("utf-8")))
        return ids

    def decode(self, ids):
        part_bytes = []
        for idx in ids:
            idx = idx.item() if isinstance(idx, Tensor) else idx
            if idx not in self.vocab:
                raise ValueError(f"invalid token id in ids: {idx}")
            part_bytes.append(self.vocab[idx])
        return b"".join(part_bytes).decode("utf-8", errors="replace")
