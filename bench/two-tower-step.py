"""The two towers' training step in PyTorch, for bench/train.ts: the same shapes and arithmetic on random data.
Debian's package takes three times as long on the reference BLAS: libopenblas0-pthread belongs beside it.

Arguments: one JSON object {batch, uniform, users, posts, tokenRows, dimensions, history, hidden, userFields, postFields,
userTokens, postTokens, userNumbers, postNumbers, temperature, steps, threads}; prints the milliseconds of the median step.
"""
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

o = json.loads(sys.argv[1])
torch.set_num_threads(o["threads"])
torch.manual_seed(1)
d, batch, columns = o["dimensions"], o["batch"], o["batch"] + o["uniform"]


def layer(inputs, outputs):
    return torch.nn.Linear(inputs, outputs)


tokens = torch.nn.EmbeddingBag(o["tokenRows"], d, mode="sum")
user_id_embeddings = torch.nn.Embedding(o["users"], d)
post_id_embeddings = torch.nn.Embedding(o["posts"], d)
user_in = (o["userFields"] + 1) * d + o["userNumbers"]
post_in = o["postFields"] * d + o["postNumbers"]
user_mlp = torch.nn.Sequential(layer(user_in, o["hidden"]), torch.nn.ReLU(), layer(o["hidden"], d))
post_mlp = torch.nn.Sequential(layer(post_in, o["hidden"]), torch.nn.ReLU(), layer(o["hidden"], d))
user_mix = torch.nn.Parameter(torch.ones(1, o["userFields"], 1))
post_mix = torch.nn.Parameter(torch.ones(1, o["postFields"], 1))
of_history = torch.nn.Parameter(torch.eye(d))
dense = [*user_mlp.parameters(), *post_mlp.parameters(), user_mix, post_mix, of_history]
tables = [*tokens.parameters(), *user_id_embeddings.parameters(), *post_id_embeddings.parameters()]
# whole tables, as they are small: SparseAdam over the touched rows is no faster here
adam = torch.optim.Adam([*dense, *tables], lr=0.003, fused=True)
vectors = F.normalize(torch.randn(o["posts"], d))
recency = 0.9 ** torch.arange(o["history"], dtype=torch.float32)


def fields(rows, count, words):
    ids = torch.randint(1, o["tokenRows"], (rows * words,))
    offsets = torch.arange(rows * count) * (rows * words) // (rows * count)
    return tokens(ids, offsets, per_sample_weights=torch.full((rows * words,), 0.5)).view(rows, count, d)


def step():
    users = torch.randint(0, o["users"], (batch,))
    posts = torch.randint(0, o["posts"], (columns,))
    pooled = torch.einsum("h,bhd->bd", recency, vectors[torch.randint(0, o["posts"], (batch, o["history"]))])
    u = fields(batch, o["userFields"], o["userTokens"])
    x = torch.cat([u.flatten(1), pooled, torch.ones(batch, o["userNumbers"])], 1)
    user = F.normalize((u * user_mix).sum(1) + pooled @ of_history + user_mlp(x) + user_id_embeddings(users))
    p = fields(columns, o["postFields"], o["postTokens"])
    x = torch.cat([p.flatten(1), torch.ones(columns, o["postNumbers"])], 1)
    post = F.normalize((p * post_mix).sum(1) + post_mlp(x) + post_id_embeddings(posts))
    scores = user @ post.T / o["temperature"]
    hits = posts[:batch, None] == posts[None, :]
    hits.fill_diagonal_(False)
    loss = F.cross_entropy(scores.masked_fill(hits, -1e9), torch.arange(batch))
    adam.zero_grad()
    loss.backward()
    adam.step()


times = []
for _ in range(o["steps"]):
    started = time.perf_counter()
    step()
    times.append(1000 * (time.perf_counter() - started))
print(statistics.median(times[len(times) // 4 :]))
