class TokenEmbedding(nn.Module):
    """A row is what a vector with a single 1 picks out of the table."""

    def __init__(self, vocab_size, d_model):
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.zeros(vocab_size, d_model)))
        torch.nn.init.normal_(self.weight, 0.0, 0.02)

    def forward(self, ids):
        chosen = F.one_hot(ids, self.weight.shape[0]).to(self.weight.dtype)
        return torch.tensordot(chosen, self.weight, dims=1)

    def logits(self, hidden):
        return torch.matmul(hidden, self.weight.transpose(0, 1))
