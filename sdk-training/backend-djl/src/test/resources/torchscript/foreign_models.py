"""Makes the TorchScript files beside this script, and what PyTorch computes with them.

Needs torch 2.7 and safetensors. Run it in this folder.
"""

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as f

torch.manual_seed(3)


class Sizes(nn.Module):
    """A vector of 3 numbers to 2 logits; the last layer uses one matrix twice."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.5))
        self.first = nn.Linear(4, 4, bias=False)
        self.second = nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.head = nn.Linear(4, 2)
        self.head.bias.requires_grad_(False)

    def forward(self, x):
        x = self.body(x)
        return self.head(self.second(torch.relu(self.first(x))))


class Spam(nn.Module):
    """Ids and mask to 2 logits, by the mean of the words."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(16, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, ids, mask):
        x = self.words(ids) * mask.unsqueeze(-1)
        return self.head(x.sum(1) / mask.sum(1, keepdim=True).clamp(min=1.0))


sizes = Sizes()
for _ in range(5):
    sizes(torch.randn(16, 3) * 2 + 1)
torch.jit.save(torch.jit.script(sizes), "training_mode.pt")
sizes.eval()
scripted = torch.jit.script(sizes)
torch.jit.save(scripted, "scripted.pt")
torch.jit.save(torch.jit.freeze(scripted), "frozen.pt")
spam = Spam().eval()
ids = torch.tensor([[1, 2, 3, 0], [3, 4, 0, 0], [4, 1, 1, 2]])
mask = torch.tensor([[1.0, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
torch.jit.save(torch.jit.trace(spam, (ids, mask)), "traced.pt")

x = torch.randn(5, 3)
target = torch.tensor([0, 1, 1, 0, 1])
expected = {"x": x, "target": target, "sizes": sizes(x), "ids": ids, "mask": mask}
expected["spam"] = spam(ids, mask)
trained = [p for p in sizes.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
for step in range(3):
    loss = f.cross_entropy(sizes(x), target)
    expected[f"loss.{step}"] = loss.detach()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
expected["trained"] = sizes(x)
expected = {name: value.detach().clone().contiguous() for name, value in expected.items()}
save_file(expected, "expected.safetensors")
