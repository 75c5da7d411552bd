#!/usr/bin/env python3
"""Goes on with the training run in this folder, on PyTorch.

    python3 train.py --iterations 20000                              one process, on a GPU where there is one
    torchrun --nproc-per-node 4 train.py --iterations 20000          four processes share the sequences of the batch
    torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint HOST:29500 train.py --iterations 20000

It reads model.bptt and ids.bin beside it, needs torch and numpy only, and writes model.bptt and log.csv again:
`bptt train --resume` goes on with them. The order of the data, the dropout masks, the schedule and the update rule are those
of bptt; sums are made in another order, so that the last digits differ. Several nodes need this folder on a disk that they
share, or a copy each: only the process of rank 0 writes.
"""
import argparse
import hashlib
import json
import math
import os
import signal
import socket
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
    """Writes a model file; a reader finds either the old one or the new."""
    header, end = {}, 0
    for name, values in tensors.items():
        assert values.dtype in (np.float32, np.float64)
        dtype = 'F64' if values.dtype == np.float64 else 'F32'
        header[name] = {'dtype': dtype, 'shape': list(values.shape), 'data_offsets': [end, end + values.nbytes]}
        end += values.nbytes
    header['__metadata__'] = {'bptt': json.dumps(metadata, separators=(',', ':')), 'sha256': NO_DIGEST}
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    parts = [values.astype(DTYPES[header[name]['dtype']]).tobytes() for name, values in tensors.items()]
    digest = hashlib.sha256(struct.pack('<Q', len(text)) + text + b''.join(parts)).hexdigest()
    place = text.rindex(f'"sha256":"{NO_DIGEST}"'.encode()) + len('"sha256":"')
    text = text[:place] + digest.encode() + text[place + 64:]
    write_whole(path, struct.pack('<Q', len(text)) + text + b''.join(parts))


def write_whole(path, data):
    unfinished = f'{path}.{os.getpid()}.tmp'
    with open(unfinished, 'wb') as file:
        file.write(data)
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
        self.restore(random)

    def draw(self):
        """The masks of a window, [T,B,H] between each two layers; None where nothing is dropped."""
        rate, H = self.spec['dropout']['between'], self.spec['hiddenSize']
        if rate == 0:
            return None
        masks = np.empty((self.spec['layers'] - 1, self.T, self.B, H))
        for start, end in self.shards:
            for mask in masks:
                drawn = self.stream.random_sample((self.T, end - start, H))
                mask[:, start:end] = np.where(drawn < rate, 0, 1 / (1 - rate))
        return masks

    def restore(self, state):
        self.stream.set_state(('MT19937', state['key'], state['pos'], int(state['hasGauss']), state['gauss']))

    def state(self):
        _, key, pos, has_gauss, gauss = self.stream.get_state()
        return {'key': key.tolist(), 'pos': int(pos), 'hasGauss': bool(has_gauss), 'gauss': gauss}


# ---- the text: ids of symbols, in as few bytes as they fit ----

class Text:
    def __init__(self, path, settings, V):
        ids = np.fromfile(path, np.uint8 if V <= 2**8 else '<u2' if V <= 2**16 else '<i4')
        if len(ids) == 0 or ids.max() >= V:
            refuse(f'{path} is not the text of this run: export it again')
        end = len(ids) - math.floor(len(ids) * settings['validation'])
        self.train = ids[:end]
        self.held_out = ids[end - 1:] if end < len(ids) else ids[:0]
        self.T, self.B = settings['steps'], settings['batch']
        self.stream = (len(self.train) - 1) // self.B

    def window(self, position):
        """The window after a position as [T + 1,B] ids, the position behind it, and whether the streams begin anew."""
        if position + self.T > self.stream:
            position = 0
        at = np.arange(self.T + 1)[:, None] + (np.arange(self.B) * self.stream + position)[None, :]
        return self.train[at].astype(np.int64), position + self.T, position == 0


# ---- the folder ----

COLUMNS = 'iteration,seconds,loss,smooth_loss,bits_per_symbol,held_out_bits_per_symbol,held_out_symbols,run'


class Log:
    def __init__(self, path, run, iteration):
        self.path, self.run, rows = path, run, []
        if os.path.exists(path):
            with open(path, encoding='utf-8') as file:
                header, *rows = file.read().split('\n')[:-1] or [COLUMNS]
            if header != COLUMNS:
                refuse(f'{path}: its first line is not that of a log')
            rows = [row for row in rows if int(row.split(',')[0]) <= iteration]
        self.last = int(rows[-1].split(',')[0]) if rows else 0
        write_whole(path, ''.join(f'{row}\n' for row in [COLUMNS, *rows]).encode())

    def add(self, iteration, seconds, loss, smooth_loss, bits, held_out):
        if iteration <= self.last:
            return
        self.last = iteration
        held = f'{held_out["bits"]!r},{held_out["symbols"]}' if held_out else ','
        with open(self.path, 'a', encoding='utf-8') as file:
            file.write(f'{iteration},{seconds:.3f},{loss!r},{smooth_loss!r},{bits!r},{held},{self.run}\n')


def beginning(pid):
    """When a process began, in the kernel's ticks; None where the host does not tell."""
    try:
        with open(f'/proc/{pid}/stat', encoding='latin1') as file:
            fields = file.read().rpartition(')')[2].split()
        return 'ended' if fields[0] == 'Z' else fields[19]
    except OSError:
        return None


def take_lock(path):
    """A file that names this process, as bptt train has it: two must not write to one folder."""
    holder = {'pid': os.getpid(), 'host': socket.gethostname(), 'began': beginning(os.getpid())}
    for _ in range(2):
        try:
            with open(path, 'x', encoding='utf-8') as file:
                file.write(json.dumps(holder) + '\n')
            return
        except FileExistsError:
            with open(path, encoding='utf-8') as file:
                other = json.loads(file.read() or '{}')
        here = other.get('host') == holder['host']
        if other and (not here or (beginning(other['pid']) is not None and other['began'] == beginning(other['pid']))):
            refuse(f'process {other["pid"]} on {other["host"]} is writing to this folder; if it is over, remove {path}')
        os.remove(path)


# ---- the run ----

#: The training figure forgets: a symbol read so many symbols ago counts 1/e of one that is read now.
REMEMBERED = 25_000
PENALTY_EVERY, ROW_EVERY, ROW_SECONDS, KEEP_SECONDS, SAY_SECONDS = 100, 100, 1, 7, 5
WARM_UP = 0.05


class Run:
    def __init__(self, args):
        self.rank, self.world = int(os.environ.get('RANK', 0)), int(os.environ.get('WORLD_SIZE', 1))
        gpu = torch.cuda.is_available() and not args.cpu
        self.device = torch.device('cuda', int(os.environ.get('LOCAL_RANK', 0))) if gpu else torch.device('cpu')
        if gpu:
            torch.cuda.set_device(self.device)
            # float32 means float32: these would round the factors of every product to 10 bits
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32
        if self.world > 1:
            dist.init_process_group('nccl' if gpu else 'gloo')
        self.model_path = os.path.join(HERE, 'model.bptt')
        self.tensors, self.header = read_model(self.model_path)
        self.spec, self.options, self.rule = (self.header[name] for name in ('spec', 'options', 'optimizer'))
        self.note = self.header['metadata']
        self.settings, self.point = self.note['settings'], dict(self.note['point'])
        self.dtype = getattr(torch, self.header['dtype'])
        self.seconds_before, self.started = self.note['seconds'], time.monotonic()
        limits = self.note['limits']
        if args.iterations or args.seconds:
            limits = {'iterations': args.iterations, 'seconds': args.seconds and self.seconds_before + args.seconds}
        self.iterations, self.seconds = limits.get('iterations'), limits.get('seconds')
        self.learned = self.note['learningSeconds']
        T, B = self.options['steps'], self.options['batch']
        if self.world > B:
            refuse(f'{self.world} processes cannot share a batch of {B} sequences')
        #: the sequences of this process
        counts = [B // self.world + (i < B % self.world) for i in range(self.world)]
        self.first = sum(counts[:self.rank])
        self.mine = slice(self.first, self.first + counts[self.rank])
        reduction = self.spec['reduction']
        self.factor = {'sum': 1, 'mean': 1 / (T * B)}.get(reduction, reduction)
        self.text = Text(os.path.join(HERE, 'ids.bin'), self.settings, self.spec['inputSize'])
        self.dropout = Dropout(self.spec, self.options, self.header['random'])
        self.net = Net(self.spec).to(self.device, self.dtype)
        self.names = [name for name in self.tensors if '.' not in name]
        self.parameters = [self.net.tensor(name) for name in self.names]
        with torch.no_grad():
            for name, parameter in zip(self.names, self.parameters):
                parameter.copy_(self.tensor(name))
        self.decaying = torch.cat([torch.full((p.numel(),), float(n.startswith('weight')), dtype=self.dtype)
                                   for n, p in zip(self.names, self.parameters)]).to(self.device)
        self.memory = [self.tensor(f'optimizer.{i}') for i in range(len(self.rule['memory']))]
        self.state_names = [name for name in self.tensors if name.startswith('state.')]
        self.states = [self.tensor(name)[self.mine].contiguous() for name in self.state_names]
        ids = [self.device.index] if gpu else None
        self.model = nn.parallel.DistributedDataParallel(self.net, ids) if self.world > 1 else self.net
        self.loss, self.held_out, self.stopped = self.point['smoothLoss'], None, False

    def tensor(self, name):
        return torch.from_numpy(self.tensors[name].copy()).to(self.device, self.dtype)

    def elapsed(self):
        return self.seconds_before + time.monotonic() - self.started

    def rate(self, seconds):
        settings, step = self.settings, self.header['updates']
        if not settings.get('lrDecay'):
            return rate_at(self.rule['lr'], step)
        progress = step / self.iterations if self.iterations else seconds / self.seconds
        progress = min(1, progress)
        if progress < WARM_UP:
            return settings['lr'] * progress / WARM_UP
        return settings['lr'] * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2

    def total(self, *values):
        """The sums of numbers over all processes."""
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        if self.world > 1:
            dist.all_reduce(sums)
        return sums.tolist()

    def step(self, keep):
        """One update. Returns (go on, keep now): all processes the same."""
        began = time.monotonic()
        options, l2 = self.options, self.options.get('l2', 0)
        window, position, anew = self.text.window(self.point['position'])
        window = torch.from_numpy(window[:, self.mine]).to(self.device)
        before = self.dropout.state() if self.spec['dropout']['between'] > 0 else None
        masks = self.dropout.draw()
        if masks is not None:
            masks = torch.from_numpy(masks[:, :, self.mine]).to(self.device, self.dtype)
        states = [torch.zeros_like(state) for state in self.states] if anew else self.states
        for parameter in self.parameters:
            parameter.grad = None
        nats, after = self.model(window[:-1], window[1:], states, masks)
        (nats * (self.factor * self.world)).backward()  # DDP takes the mean of the processes
        first = self.rank == 0
        nats, stop, seconds, keep = self.total(nats.item(), self.stopped, self.elapsed() * first, keep * first)
        with torch.no_grad():
            theta = torch.cat([parameter.flatten() for parameter in self.parameters])
            g = torch.cat([parameter.grad.flatten() for parameter in self.parameters])
            if l2 > 0:
                g += 2 * l2 * self.decaying * theta
                if self.point['iteration'] % PENALTY_EVERY == 0:
                    self.point['penalty'] = l2 * (self.decaying * theta * theta).double().sum().item()
            norm = g.double().norm().item()
            if not (math.isfinite(nats) and math.isfinite(norm)):
                if before is not None:
                    self.dropout.restore(before)
                self.keep()
                refuse(f'update {self.header["updates"]}: the {"gradient" if math.isfinite(nats) else "loss"} is not finite; '
                       'what was reached before it is kept')
            clip = options.get('clip') or {}
            if 'value' in clip:
                g.clamp_(-clip['value'], clip['value'])
            elif 'norm' in clip and clip['norm'] / (norm + 1e-6) < 1:
                g *= clip['norm'] / (norm + 1e-6)
            updates = self.header['updates']
            RULES[self.rule['name']](theta, g, self.memory, self.rule['options'], updates, self.rate(seconds))
            for parameter, values in zip(self.parameters, theta.split([p.numel() for p in self.parameters])):
                parameter.copy_(values.view_as(parameter))
        self.states = [state.detach() for state in after]
        self.header['updates'] += 1
        self.count(nats, position)
        self.learned += time.monotonic() - began
        over = (self.iterations and self.point['iteration'] >= self.iterations) or (self.seconds and seconds >= self.seconds)
        return not (stop or over), keep > 0

    def count(self, nats, position):
        """The figures of the training text: nats a window, fading."""
        point, symbols = self.point, self.text.T * self.text.B
        self.loss = nats / self.text.B + point['penalty']
        fade = math.exp(-symbols / REMEMBERED)
        point.update(iteration=point['iteration'] + 1, position=position, smoothLoss=point['smoothLoss'] * 0.999 + self.loss * 0.001,
                     nats=point['nats'] * fade + nats, weight=point['weight'] * fade + symbols)

    def bits(self):
        return self.point['nats'] / self.point['weight'] / math.log(2)

    @torch.no_grad()
    def measure(self):
        """Bits per symbol of the whole held-out text, read as one stream from the state of the first sequence on; by rank 0."""
        ids, nats = torch.from_numpy(self.text.held_out.astype(np.int64)), 0.0
        states = [state[:1] for state in self.states]
        for start in range(0, len(ids) - 1, 1000):
            part = ids[start:start + 1001].to(self.device).unsqueeze(1)
            loss, states = self.net(part[:-1], part[1:], states, None)
            nats += loss.item()
        symbols = len(ids) - 1
        return {'bits': nats / symbols / math.log(2), 'symbols': symbols, 'iteration': self.point['iteration']}

    def keep(self):
        """Writes the model: the states of all processes, by the one of rank 0."""
        whole = [torch.zeros(self.options['batch'], state.shape[1], dtype=self.dtype, device=self.device) for state in self.states]
        for all_of_it, state in zip(whole, self.states):
            all_of_it[self.mine] = state
            if self.world > 1:
                dist.all_reduce(all_of_it)
        if self.rank > 0:
            return
        values = [*self.parameters, *self.memory, *whole]
        names = [*self.names, *(f'optimizer.{i}' for i in range(len(self.memory))), *self.state_names]
        tensors = {name: value.detach().cpu().numpy() for name, value in zip(names, values)}
        limits = {'iterations': self.iterations, 'seconds': self.seconds, 'patience': self.note['limits'].get('patience')}
        note = dict(self.note, point=self.point, seconds=self.elapsed(), learningSeconds=self.learned,
                    limits={name: value for name, value in limits.items() if value is not None})
        if self.held_out:
            note['heldOut'] = self.held_out
        header = dict(self.header, random=self.dropout.state(), metadata=note)
        write_model(self.model_path, tensors, header)

    def train(self):
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        lock = os.path.join(HERE, 'run.lock')
        if self.rank == 0:
            take_lock(lock)
        try:
            log = Log(os.path.join(HERE, 'log.csv'), self.note['run'], self.point['iteration']) if self.rank == 0 else None
            self.loop(log)
        finally:
            if self.rank == 0:
                os.remove(lock)

    def loop(self, log):
        over = (self.iterations and self.point['iteration'] >= self.iterations) or (self.seconds and self.elapsed() >= self.seconds)
        if over:
            refuse(f'the run has come to iteration {self.point["iteration"]} already: say more --iterations, or --seconds')
        kept = said = row = time.monotonic()
        going = True
        while going:
            going, keep = self.step(time.monotonic() - kept >= KEEP_SECONDS)
            now = time.monotonic()
            if keep:
                self.keep()
                kept = now
            if log and (self.point['iteration'] % ROW_EVERY == 0 or now - row >= ROW_SECONDS):
                log.add(self.point['iteration'], self.elapsed(), self.loss, self.point['smoothLoss'], self.bits(), None)
                row = now
            if log and now - said >= SAY_SECONDS:
                print(f'iteration {self.point["iteration"]}: {self.bits():.3f} bits per {self.note["unit"]}', flush=True)
                said = now
        self.keep()
        if log:
            if len(self.text.held_out) > 1 and not self.stopped:
                self.held_out = self.measure()
            log.add(self.point['iteration'], self.elapsed(), self.loss, self.point['smoothLoss'], self.bits(), self.held_out)
        if self.world > 1:
            dist.barrier()
        self.keep()
        if log:
            held = f', {self.held_out["bits"]:.3f} held out' if self.held_out else ''
            print(f'iteration {self.point["iteration"]}: {self.bits():.3f} bits per {self.note["unit"]}{held}', flush=True)

    def stop(self, *_):
        self.stopped = True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--iterations', type=int, help='windows to learn from in all (default: as the run was given)')
    parser.add_argument('--seconds', type=float, help='time to train from now on (default: as the run was given)')
    parser.add_argument('--cpu', action='store_true', help='leave GPUs alone')
    parser.add_argument('--tf32', action='store_true', help='let GPUs round the factors of products to 10 bits: faster')
    args = parser.parse_args()
    run = Run(args)
    if not run.iterations and not run.seconds:
        refuse('say --iterations or --seconds')
    run.train()
    if run.world > 1:
        dist.destroy_process_group()
        # Threads of gloo and autograd that wait for the interpreter while it shuts down are unwound through C++ code that
        # lets nothing through, which aborts a process whose work is done. So it leaves without that.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == '__main__':
    main()
