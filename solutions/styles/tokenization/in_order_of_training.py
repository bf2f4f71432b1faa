from collections import Counter

def pair_counts(chunks):
    counts = Counter()
    for chunk in chunks:
        counts.update(zip(chunk, chunk[1:]))
    return counts

def train_bpe(text: str, vocab_size: int):
    """Each different chunk once, with how often it stands in the text."""
    wanted = vocab_size - 256
    if wanted < 0:
        raise ValueError("a vocab_size of less than 256 has no room for the bytes")
    weights = Counter(re.findall(PATTERN, text))
    words = {chunk: tuple(chunk.encode()) for chunk in weights}
    merges = []
    while len(merges) < wanted:
        counts = Counter()
        for chunk, ids in words.items():
            for pair in zip(ids, ids[1:]):
                counts[pair] += weights[chunk]
        if not counts:
            return merges
        most = max(counts.values())
        best = min(pair for pair, count in counts.items() if count == most)
        words = {chunk: tuple(merge(ids, best, 256 + len(merges))) for chunk, ids in words.items()}
        merges.append(best)
    return merges

class BPETokenizer:
    def __init__(self, merges, special_tokens=()):
        self.merges = list(merges)
        self.special_tokens = list(special_tokens)

    @property
    def vocab_size(self):
        return 256 + len(self.merges) + len(self.special_tokens)

    def encode(self, text):
        """Every merge in its turn, through the whole chunk."""
        ids = []
        begin = place = 0
        while place < len(text):
            fits = [token for token in self.special_tokens if text.startswith(token, place)]
            if fits:
                longest = max(fits, key=len)
                ids += self._plain(text[begin:place])
                ids += [256 + len(self.merges) + self.special_tokens.index(longest)]
                begin = place = place + len(longest)
            else:
                place += 1
        return ids + self._plain(text[begin:])

    def _plain(self, text):
        chunks = re.findall(PATTERN, text)
        known = {}
        for chunk in set(chunks):
            known[chunk] = list(chunk.encode())
            for number, pair in enumerate(self.merges):
                known[chunk] = merge(known[chunk], pair, 256 + number)
        return [number for chunk in chunks for number in known[chunk]]

    def _expanded(self, number):
        if number < 256:
            return bytes([number])
        if number < 256 + len(self.merges):
            first, second = self.merges[number - 256]
            return self._expanded(first) + self._expanded(second)
        return self.special_tokens[number - 256 - len(self.merges)].encode()

    def decode(self, ids):
        ids = [int(number) for number in ids]
        if any(number < 0 or number >= self.vocab_size for number in ids):
            raise ValueError("some of the ids do not exist")
        return b"".join(map(self._expanded, ids)).decode(errors="replace")
