#!/usr/bin/env python3
"""Goes on with the training run in this folder, on PyTorch.

    python3 train.py --iterations 20000                            one process, a GPU where there is one
    torchrun --nproc-per-node 4 train.py --iterations 20000        four processes, the sequences of the batch shared out
    torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint HOST:29500 train.py --iterations 20000

It reads model.bptt and text.txt beside it, needs torch and numpy only, and writes model.bptt and log.csv again:
`bptt train --resume` takes them. The order of the data, the dropout masks, the schedule and the update rule are those of bptt;
sums are made in another order, so that the last digits differ.
"""
import argparse
import hashlib
import json
import math
import os
import signal
import struct
import sys
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))


def refuse(what):
    sys.exit(f'train.py: {what}')


# ---- the model file: safetensors, with JSON under "bptt" in its metadata and the SHA-256 of the file ----

NO_DIGEST = '0' * 64
DTYPES = {'F32': np.dtype('<f4'), 'F64': np.dtype('<f8')}


def read_model(path):
    """(tensors by name, the JSON beside them) of a model file."""
    with open(path, 'rb') as file:
        data = file.read()
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + length])
    notes = header.pop('__metadata__')
    blank = data[:8 + length].replace(notes['sha256'].encode(), NO_DIGEST.encode()) + data[8 + length:]
    if hashlib.sha256(blank).hexdigest() != notes['sha256']:
        refuse(f'{path}: its checksum does not match: it was altered')
    tensors = {}
    for name, entry in header.items():
        start, end = entry['data_offsets']
        values = np.frombuffer(data, DTYPES[entry['dtype']], offset=8 + length + start, count=math.prod(entry['shape']))
        assert values.nbytes == end - start
        tensors[name] = values.reshape(entry['shape'])
    return tensors, json.loads(notes['bptt'])


def write_model(path, tensors, metadata):
    """Writes a model file so that a reader finds either the old one or the new."""
    header, end = {}, 0
    for name, values in tensors.items():
        dtype = 'F64' if values.dtype == np.float64 else 'F32'
        header[name] = {'dtype': dtype, 'shape': list(values.shape), 'data_offsets': [end, end + values.nbytes]}
        end += values.nbytes
    header['__metadata__'] = {'bptt': json.dumps(metadata, separators=(',', ':')), 'sha256': NO_DIGEST}
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    parts = [values.astype(values.dtype.newbyteorder('<')).tobytes() for values in tensors.values()]
    digest = hashlib.sha256(struct.pack('<Q', len(text)) + text + b''.join(parts)).hexdigest()
    place = text.rindex(f'"sha256":"{NO_DIGEST}"'.encode()) + len('"sha256":"')
    text = text[:place] + digest.encode() + text[place + 64:]
    unfinished = f'{path}.{os.getpid()}.tmp'
    with open(unfinished, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + b''.join(parts))
    os.replace(unfinished, path)


# ---- the net: layers of torch.nn one by one, so that dropout between them is bptt's own ----

def module_of(spec, layer):
    size = spec['inputSize'] if layer == 0 else spec['hiddenSize']
    bias = spec['bias'] != 'none'
    if spec['cell'] == 'elman':
        return nn.RNN(size, spec['hiddenSize'], bias=bias, nonlinearity=spec['nonlinearity'])
    return {'gru': nn.GRU, 'lstm': nn.LSTM}[spec['cell']](size, spec['hiddenSize'], bias=bias)


class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.spec = spec
        self.layers = nn.ModuleList(module_of(spec, layer) for layer in range(spec['layers']))
        self.out = nn.Linear(spec['hiddenSize'], spec['outputSize'], bias=spec['outputBias'])
        for layer in self.layers:
            if spec['bias'] == 'input':  # one bias: the second one is zero and stays so
                layer.bias_hh_l0.data.zero_()
                layer.bias_hh_l0.requires_grad_(False)

    def tensor(self, name):
        """The parameter of one of bptt's names: weight_ih_l1, weight_ho."""
        if name.endswith('_ho'):
            return getattr(self.out, name[:-len('_ho')])
        kind, layer = name.rsplit('_l', 1)
        return getattr(self.layers[int(layer)], f'{kind}_l0')

    def forward(self, inputs, targets, states, masks):
        """The summed cross-entropy of a window [T,B], and the states after it: [B,H] each, layer by layer."""
        x = F.one_hot(inputs, self.spec['inputSize']).to(self.out.weight.dtype)
        per_layer = len(states) // len(self.layers)
        after = []
        for n, layer in enumerate(self.layers):
            if n > 0 and masks is not None:
                x = x * masks[n - 1]
            h, *c = (state.unsqueeze(0) for state in states[n * per_layer:(n + 1) * per_layer])
            x, last = layer(x, (h, c[0]) if c else h)
            after.extend(state.squeeze(0) for state in (last if c else (last,)))
        logits = self.out(x).flatten(0, 1)
        return F.cross_entropy(logits, targets.flatten(), reduction='sum'), after


# ---- schedules and update rules: those of bptt/optim, on one flat block ----

def rate_at(lr, step):
    """The learning rate of the update after `step` others."""
    if isinstance(lr, (int, float)):
        return lr
    kind = lr['schedule']
    if kind == 'stepDecay':
        return lr['lr'] * lr['gamma'] ** math.floor(step / lr['every'])
    if kind == 'cosineDecay':
        return lr['end'] + (lr['lr'] - lr['end']) * (1 + math.cos(math.pi * min(step, lr['steps']) / lr['steps'])) / 2
    if step < lr['steps']:
        return rate_at(lr['after'], 0) * min((step + 1) / lr['steps'], 1)
    return rate_at(lr['after'], step - lr['steps'])


def where_nonzero(a, x):
    return torch.where(a != 0, x, torch.zeros_like(x))


def sgd(theta, g, memory, o, step, rate):
    g = g + o['weightDecay'] * theta
    if memory:
        v = memory[0]
        v.mul_(o['momentum']).add_(g, alpha=1 - o['dampening']) if step > 0 else v.copy_(g)
        g = g + o['momentum'] * v if o['nesterov'] else v
    theta -= rate * g


def adagrad(theta, g, memory, o, step, rate):
    g = g + o['weightDecay'] * theta
    memory[0] += g * g
    inside, outside = (o['eps'], 0) if o['epsInRoot'] else (0, o['eps'])
    theta -= where_nonzero(g, rate / (1 + step * o['lrDecay']) * g / ((memory[0] + inside).sqrt() + outside))


def adam(theta, g, memory, o, step, rate, decoupled=False):
    if not decoupled:
        g = g + o['weightDecay'] * theta
    mean, square, *largest = memory
    mean.mul_(o['beta1']).add_((1 - o['beta1']) * g)
    square.mul_(o['beta2']).add_((1 - o['beta2']) * g * g)
    if largest:
        square = largest[0].copy_(torch.maximum(largest[0], square))
    size = rate / (1 - o['beta1'] ** (step + 1))
    root = math.sqrt(1 - o['beta2'] ** (step + 1))
    move = where_nonzero(mean, size * mean / (square.sqrt() / root + o['eps']))
    if decoupled:
        theta *= 1 - rate * o['weightDecay']
    theta -= move


def adamw(theta, g, memory, o, step, rate):
    adam(theta, g, memory, o, step, rate, decoupled=True)


def rmsprop(theta, g, memory, o, step, rate):
    g = g + o['weightDecay'] * theta
    square, average, buffer = memory
    square.mul_(o['alpha']).add_((1 - o['alpha']) * g * g)
    variance = square
    if o['centered']:
        average.mul_(o['alpha']).add_((1 - o['alpha']) * g)
        variance = (square - average * average).clamp_(min=0)
    buffer.mul_(o['momentum']).add_(where_nonzero(g, g / (variance.sqrt() + o['eps'])))
    theta -= rate * buffer


def rprop(theta, g, memory, o, step, rate):
    sizes, before = memory
    agreement = g.sign() * before.sign()
    factor = torch.ones_like(g)
    factor[agreement > 0] = o['etaPlus']
    factor[agreement < 0] = o['etaMinus']
    sizes.mul_(factor).clamp_(o['minStep'], o['maxStep'])
    before.copy_(where_nonzero((agreement >= 0).to(g.dtype), g))
    theta -= before.sign() * sizes


def notebook_rprop(theta, g, memory, o, step, rate):
    sizes, signs = memory
    sign = g.sign()
    sizes *= torch.where(sign == signs, torch.full_like(g, o['etaPlus']), torch.full_like(g, o['etaMinus']))
    signs.copy_(sign)
    theta -= sign * sizes


RULES = {'sgd': sgd, 'adagrad': adagrad, 'adam': adam, 'adamw': adamw, 'rmsprop': rmsprop, 'rprop': rprop,
         'notebookRprop': notebook_rprop}


# ---- dropout: bptt's stream is NumPy's RandomState ----

class Dropout:
    def __init__(self, spec, options, random):
        self.spec, self.T, self.B = spec, options['steps'], options['batch']
        threads = options.get('threads', 1)
        counts = [self.B // threads + (i < self.B % threads) for i in range(threads)]
        ends = np.cumsum(counts)
        #: the sequences of each thread of bptt, whose masks are drawn one after another, the last thread's first
        self.shards = [(end - count, end) for count, end in zip(counts, ends)][::-1]
        self.stream = np.random.RandomState()
        self.stream.set_state(('MT19937', random['key'], random['pos'], int(random['hasGauss']), random['gauss']))

    def draw(self):
        """The masks of a window, [T,B,H] between each two layers; None where nothing is dropped."""
        rate, H = self.spec['dropout'], self.spec['hiddenSize']
        if rate == 0:
            return None
        masks = np.empty((self.spec['layers'] - 1, self.T, self.B, H))
        for start, end in self.shards:
            for mask in masks:
                drawn = self.stream.random_sample((self.T, end - start, H))
                mask[:, start:end] = np.where(drawn < rate, 0, 1 / (1 - rate))
        return masks

    def state(self):
        _, key, pos, has_gauss, gauss = self.stream.get_state()
        return {'key': key.tolist(), 'pos': int(pos), 'hasGauss': bool(has_gauss), 'gauss': gauss}
