"""PyTorch: nn.RNN and nn.LSTM with autograd on one-hot inputs, and the optimizers that update all parameters at once."""

import os

import torch
from torch import nn
from torch.nn import functional as F

from contestant import serve

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def contender(task, tensors):
    return {"training": training, "product": product, "sampling": sampling}[task["kind"]](task, tensors)


def training(task, tensors):
    D, H, V, T, B = (task[size] for size in "DHVTB")
    lstm = task["cell"] == "lstm"
    rnn = (nn.LSTM if lstm else nn.RNN)(D, H)
    output = nn.Linear(H, V)
    with torch.no_grad():
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"):
            getattr(rnn, name).copy_(tensors[name].view_as(getattr(rnn, name)))
        rnn.bias_hh_l0.zero_()  # there is one bias
        output.weight.copy_(tensors["weight_ho"].view(V, H))
        output.bias.copy_(tensors["bias_ho"])
    rnn.bias_hh_l0.requires_grad_(False)
    params = [p for p in (*rnn.parameters(), *output.parameters()) if p.requires_grad]
    update = {"adagrad": adagrad, "adam": adam, "sgd": sgd}[task["optimizer"]](params, task["lr"])
    inputs, targets = (tensors[name].long().view(-1, T, B) for name in ("inputs", "targets"))
    eyeD, eyeV = torch.eye(D), torch.eye(V)
    state = {"n": 0, "last": None}

    def step():
        n = state["n"] % len(inputs)
        state["n"] += 1
        states, last = rnn(eyeD[inputs[n]], state["last"] if task["carry"] and n > 0 else None)
        logits = output(states).view(T * B, V)
        ids = targets[n].view(T * B)
        if task["loss"] == "softmaxCrossEntropy":
            loss = F.cross_entropy(logits, ids, reduction=task["reduction"])
        else:
            loss = F.binary_cross_entropy_with_logits(logits, eyeV[ids], reduction=task["reduction"])
        for p in params:
            p.grad = None
        loss.backward()
        nn.utils.clip_grad_value_(params, task["clip"])
        update()
        state["last"] = tuple(s.detach() for s in last) if lstm else last.detach()
        return loss.item()

    return lambda steps: [step() for _ in range(steps)]


def adagrad(params, lr):
    """torch.optim.Adagrad adds its epsilon to the root; min-char-rnn has it inside."""
    memories = [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def update():
        grads = [p.grad for p in params]
        torch._foreach_addcmul_(memories, grads, grads, 1.0)
        roots = torch._foreach_add(memories, 1e-8)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(params, grads, roots, -lr)

    return update


def adam(params, lr):
    return torch.optim.Adam(params, lr, foreach=True).step


def sgd(params, lr):
    return torch.optim.SGD(params, lr, foreach=True).step


def product(task, tensors):
    N = task["N"]
    a, b, c = tensors["a"].view(N, N), tensors["b"].view(N, N), torch.empty(N, N)

    def run(steps):
        for _ in range(steps):
            torch.mm(a, b, out=c)
        return c.flatten()

    return run


def sampling(task, tensors):
    H, V = task["H"], task["V"]
    lstm = task["cell"] == "lstm"
    rows = (tensors["weight_ih_l0"].view(-1, V).t() + tensors["bias_ih_l0"]).contiguous().unbind(0)
    Wh, Wy, by = tensors["weight_hh_l0"].view(-1, H), tensors["weight_ho"].view(V, H), tensors["bias_ho"]
    uniforms = tensors["uniforms"].tolist()
    state = {"h": torch.zeros(H), "c": torch.zeros(H), "id": 0, "n": 0}

    @torch.inference_mode()
    def run(steps):
        ids = []
        for _ in range(steps):
            z = torch.addmv(rows[state["id"]], Wh, state["h"])
            if lstm:
                i, f, g, o = z.chunk(4)
                state["c"] = f.sigmoid_() * state["c"] + i.sigmoid_() * g.tanh_()
                state["h"] = o.sigmoid_() * state["c"].tanh()
            else:
                state["h"] = z.tanh_()
            cumulative = torch.softmax(torch.addmv(by, Wy, state["h"]), 0).cumsum(0)
            u = uniforms[state["n"] % len(uniforms)]
            state["id"] = min(int(torch.searchsorted(cumulative, u, right=True)), V - 1)
            state["n"] += 1
            ids.append(state["id"])
        return ids

    return run


serve(contender, lambda data, dtype: torch.frombuffer(data, dtype=getattr(torch, dtype)))
