from collections import defaultdict

def merge(ids, pair, new_id):
    ids, found = list(ids), []
    while ids:
        if len(ids) > 1 and (ids[0], ids[1]) == (pair[0], pair[1]):
            found, ids = found + [new_id], ids[2:]
        else:
            found, ids = found + ids[:1], ids[1:]
    return found

def train_bpe(text, vocab_size):
    """Only the chunks that hold the pair are looked at again."""
    if vocab_size < 256:
        raise ValueError(f"vocab_size={vocab_size}")
    chunks = [list(chunk.encode("utf8")) for chunk in re.findall(PATTERN, text)]
    counts, places = defaultdict(int), defaultdict(set)
    for number, chunk in enumerate(chunks):
        for pair in pairwise(chunk):
            counts[pair] += 1
            places[pair].add(number)
    merges = []
    while len(merges) + 256 < vocab_size:
        standing = [(-count, pair) for pair, count in counts.items() if count > 0]
        if not standing:
            break
        _, best = min(standing)
        for number in list(places[best]):
            for pair in pairwise(chunks[number]):
                counts[pair] -= 1
            chunks[number] = merge(chunks[number], best, 256 + len(merges))
            for pair in pairwise(chunks[number]):
                counts[pair] += 1
                places[pair].add(number)
        merges.append(best)
    return merges

class TokenEmbedding(nn.Embedding):
    def __init__(self, vocab_size, d_model):
        super().__init__(vocab_size, d_model)
        with torch.no_grad():
            self.weight.normal_(0.0, 0.02)

    def logits(self, hidden):
        return F.linear(hidden, self.weight)
