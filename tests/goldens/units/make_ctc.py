#!/usr/bin/python3
"""Golden values of connectionist temporal classification: PyTorch's CTCLoss(reduction='none') of log_softmax(logits) in
float64, and the gradient of sum(w * losses) by the logits.

    python3 make_ctc.py > torch_ctc.json

Needs: python3, torch (made with 1.13).  The tests need the JSON file only.

Losses come from zero_infinity=False, gradients from zero_infinity=True.  torch 1.13 reads out of bounds where a sequence has
no steps, so every sequence here has one at least.
"""
import json
import math

import torch

CASES = [
    {"name": "blank first", "T": 6, "V": 4, "blank": 0, "labels": [[1, 2], [3], [1, 2, 3]], "lengths": [6, 6, 6]},
    {"name": "blank last", "T": 6, "V": 4, "blank": 3, "labels": [[1, 2], [0], [1, 2, 0]], "lengths": [6, 5, 4]},
    {"name": "blank in the middle", "T": 5, "V": 5, "blank": 2, "labels": [[1, 3, 4], [0, 1]], "lengths": [5, 3]},
    {"name": "repeated labels", "T": 9, "V": 3, "blank": 0, "labels": [[1, 1, 1], [1, 1, 2, 2], [2, 1, 1, 2]],
     "lengths": [9, 8, 7]},
    {"name": "empty targets", "T": 4, "V": 3, "blank": 1, "labels": [[], [0, 2], []], "lengths": [4, 4, 1]},
    {"name": "just enough steps", "T": 6, "V": 4, "blank": 0, "labels": [[1, 1, 2, 2], [1, 2, 3], [2, 2]],
     "lengths": [6, 3, 3]},
    {"name": "too few steps", "T": 4, "V": 3, "blank": 0, "labels": [[1, 2, 1, 2, 1], [1, 1, 1], [1, 2], [2, 2]],
     "lengths": [4, 4, 1, 4]},
    {"name": "one symbol beside the blank, one step", "T": 1, "V": 2, "blank": 1, "labels": [[0], []],
     "lengths": [1, 1]},
    {"name": "extreme logits", "T": 8, "V": 5, "blank": 4, "labels": [[0, 1, 1], [3, 2]], "lengths": [8, 6],
     "scale": 300.0},
    {"name": "long", "T": 120, "V": 7, "blank": 0, "labels": [[1 + (k * k) % 6 for k in range(40)], [5] * 20],
     "lengths": [120, 77]},
]


def golden(case, seed):
    generator = torch.Generator().manual_seed(seed)
    T, V, B = case["T"], case["V"], len(case["labels"])
    S = max(len(row) for row in case["labels"])
    logits = torch.randn(T, B, V, dtype=torch.float64, generator=generator) * case.get("scale", 1.5)
    # short decimals that JSON repeats exactly
    logits = (logits * 64).round() / 64
    w = (torch.rand(B, dtype=torch.float64, generator=generator) * 64).round() / 64 + 0.25
    labels = torch.full((B, S), (case["blank"] + 1) % V, dtype=torch.long)
    for b, row in enumerate(case["labels"]):
        labels[b, :len(row)] = torch.tensor(row, dtype=torch.long)
    lengths = torch.tensor(case["lengths"])
    label_lengths = torch.tensor([len(row) for row in case["labels"]])
    z = logits.clone().requires_grad_()

    def losses(zero_infinity):
        return torch.nn.functional.ctc_loss(z.log_softmax(2), labels, lengths, label_lengths, blank=case["blank"],
                                            reduction="none", zero_infinity=zero_infinity)

    values = losses(False)
    (w * losses(True)).sum().backward()
    return {
        "name": case["name"], "blank": case["blank"], "T": T, "B": B, "V": V, "S": S,
        "labels": case["labels"], "lengths": case["lengths"], "w": w.tolist(), "logits": logits.flatten().tolist(),
        "losses": ["Infinity" if math.isinf(v) else v for v in values.tolist()],
        "dlogits": z.grad.flatten().tolist(),
    }


print(json.dumps({
    "meta": {"torch": torch.__version__, "dtype": "float64",
             "losses": "ctc_loss(log_softmax(logits), reduction='none'), without w",
             "dlogits": "gradient of sum(w * losses), zero_infinity"},
    "cases": [golden(case, 100 + i) for i, case in enumerate(CASES)],
}).replace("}, {", "},\n{"))
