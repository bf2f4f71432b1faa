def pair_counts(chunks):
    counts = {}
    for chunk in chunks:
        for place in range(len(chunk) - 1):
            pair = (chunk[place], chunk[place + 1])
            if pair not in counts:
                counts[pair] = 0
            counts[pair] += 1
    return counts

def merge(ids, pair, new_id):
    """An iterator that holds one id back."""
    a, b = pair
    found, held = [], []
    for each in ids:
        if held and held[0] == a and each == b:
            found.append(new_id)
            held = []
        else:
            found += held
            held = [each]
    return found + held

class BPETokenizer:
    def __init__(self, merges, special_tokens=()):
        self._rank = dict(zip(merges, range(len(merges))))
        self._special = special_tokens if isinstance(special_tokens, list) else list(special_tokens)
        table = {i: [i] for i in range(256)}
        for i, (a, b) in enumerate(merges):
            table[256 + i] = table[a] + table[b]
        for token in self._special:
            table[len(table)] = [*token.encode("utf-8")]
        self._table, self.vocab_size = table, len(table)

    def encode(self, text):
        """The leftmost place of the lowest merge, one place at a time."""
        first = min(
            (
                (text.find(token), -len(token), token)
                for token in self._special
                if text.find(token) >= 0
            ),
            default=None,
        )
        if first is not None:
            place, _, token = first
            number = 256 + len(self._rank) + self._special.index(token)
            return self.encode(text[:place]) + [number] + self.encode(text[place + len(token) :])
        found = []
        for match in re.finditer(PATTERN, text):
            ids = list(bytearray(match.group(), "utf-8"))
            while True:
                ranked = [
                    (self._rank[pair], place)
                    for place, pair in enumerate(zip(ids, ids[1:]))
                    if pair in self._rank
                ]
                if not ranked:
                    break
                rank, place = min(ranked)
                ids = ids[:place] + [256 + rank] + ids[place + 2 :]
            found += ids
        return found

    def decode(self, ids):
        try:
            every = [byte for number in ids for byte in self._table[int(number)]]
        except KeyError:
            raise ValueError("ids that do not exist") from None
        return str(bytes(every), "utf-8", "replace")

class TokenEmbedding(nn.Module):
    def __init__(self, vocab_size, d_model):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab_size, d_model).normal_(std=0.02))

    def forward(self, ids):
        return self.weight[ids]

    def logits(self, hidden):
        return torch.einsum("...d,vd->...v", hidden, self.weight)
