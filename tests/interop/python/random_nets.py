"""Nets of PyTorch drawn at random, in every format that PyTorch writes, with their answers; and what came back of them.

    python3 random_nets.py make OUT --count 20 --seed 1     writes OUT/N.json (facts), N.pt, N.safetensors, N.npz, N.onnx
    python3 random_nets.py check OUT                        loads OUT/N.back.safetensors into PyTorch: the same answers?

Needs torch and numpy.
"""
import argparse, json, os, random, struct, sys, warnings
import numpy as np, torch, torch.nn as nn

KINDS = ['RNN', 'GRU', 'LSTM']
PLACES = [('rnn.', 'fc.'), ('encoder.', 'decoder.'), ('net.lstm.', 'net.head.'), ('module.rnn.', 'module.out.'), ('0.', '2.')]


def draw(rng):
    kind = rng.choice(KINDS)
    facts = dict(kind=kind, nonlinearity=rng.choice(['tanh', 'relu']) if kind == 'RNN' else None, D=rng.randint(1, 9), H=rng.randint(1, 12),
                 V=rng.choice([0, 1, 2, 5]), T=rng.randint(1, 9), B=rng.randint(1, 4), layers=rng.randint(1, 4), bidirectional=rng.random() < 0.4,
                 bias=rng.random() < 0.7, outputBias=rng.random() < 0.8, batchFirst=rng.random() < 0.4, states=rng.random() < 0.5,
                 dtype=rng.choice(['float32', 'float32', 'float64']), names=rng.choice(PLACES), nested=rng.random() < 0.5,
                 opset=rng.choice([9, 11, 13, 14, 16]), symbols=rng.choice([0, 0, 0, 6]), seed=rng.getrandbits(30))
    if facts['D'] in (facts['H'], 2 * facts['H']) and facts['V'] == 0 and rng.random() < 0.5:
        facts['D'] += 1
    return facts


class Net(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
        extra = {'nonlinearity': f['nonlinearity']} if f['nonlinearity'] else {}
        self.rnn = getattr(nn, f['kind'])(f['D'], f['H'], f['layers'], bias=f['bias'], batch_first=f['batchFirst'],
                                          bidirectional=f['bidirectional'], **extra)
        self.fc = nn.Linear(f['H'] * (2 if f['bidirectional'] else 1), f['V'], bias=f['outputBias']) if f['V'] else None
        self.emb = nn.Embedding(f['symbols'], f['D']) if f['symbols'] else None

    def forward(self, x, *states):
        x = self.emb(x) if self.emb is not None else x
        y, last = self.rnn(x, (states if len(states) == 2 else states[0]) if states else None)
        y = self.fc(y) if self.fc is not None else y
        return (y, *last) if isinstance(last, tuple) else (y, last)


def renamed(f, weights):
    recurrent, output = f['names']
    places = {'rnn': recurrent, 'fc': output, 'emb': 'embed.'}
    return {places[k.split('.')[0]] + k.split('.', 1)[1]: v for k, v in weights.items()}


def build(f):
    torch.manual_seed(f['seed'])
    net = Net(f).eval()
    for p in net.parameters():
        p.data.uniform_(-0.6, 0.6)
    return net.double() if f['dtype'] == 'float64' else net


def question(f):
    dtype = getattr(torch, f['dtype'])
    size = (f['B'], f['T']) if f['batchFirst'] else (f['T'], f['B'])
    x = torch.randint(0, f['symbols'], size) if f['symbols'] else torch.randn(*size, f['D'], dtype=dtype)
    shape = (f['layers'] * (2 if f['bidirectional'] else 1), f['B'], f['H'])
    states = [torch.randn(*shape, dtype=dtype) * 0.5 for _ in range(2 if f['kind'] == 'LSTM' else 1)] if f['states'] else []
    return x, states


def time_first(f, a):
    return a.transpose(0, 1) if f['batchFirst'] else a


def safetensors(path, tensors):
    head, raw, end = {}, [], 0
    for name, value in tensors.items():
        data = value.contiguous().numpy().tobytes()
        head[name] = {'dtype': 'F64' if value.dtype == torch.float64 else 'F32', 'shape': list(value.shape), 'data_offsets': [end, end + len(data)]}
        raw.append(data)
        end += len(data)
    text = json.dumps(head).encode()
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(raw))


def load_safetensors(path):
    with open(path, 'rb') as f:
        data = f.read()
    (n,) = struct.unpack('<Q', data[:8])
    head = json.loads(data[8:8 + n])
    head.pop('__metadata__', None)
    types = {'F64': np.float64, 'F32': np.float32}
    return {k: torch.from_numpy(np.frombuffer(data[8 + n + v['data_offsets'][0]:8 + n + v['data_offsets'][1]], types[v['dtype']]).reshape(v['shape']).copy())
            for k, v in head.items()}


def make(out, count, seed):
    rng = random.Random(seed)
    os.makedirs(out, exist_ok=True)
    warnings.simplefilter('ignore')
    for n in range(count):
        f = draw(rng)
        net = build(f)
        x, states = question(f)
        with torch.no_grad():
            y, *last = net(x, *states)
        flat = lambda a: a.flatten().tolist()
        facts = dict(f, x=flat(time_first(f, x)), y=flat(time_first(f, y)), hT=flat(last[0]))
        if states:
            facts.update({name: flat(state) for name, state in zip(['h0', 'c0'], states)})
        if len(last) == 2:
            facts['cT'] = flat(last[1])
        path = os.path.join(out, str(n))
        with open(path + '.json', 'w') as file:
            json.dump(facts, file)
        weights = renamed(f, net.state_dict())
        torch.save({'epoch': 1, 'nets': {'best': weights}, 'opt': torch.optim.Adam(net.parameters()).state_dict()} if f['nested'] else weights, path + '.pt')
        safetensors(path + '.safetensors', weights)
        np.savez_compressed(path + '.npz', **{k: v.numpy() for k, v in weights.items()})
        axes = {0: 'B', 1: 'T'} if f['batchFirst'] else {0: 'T', 1: 'B'}
        ends = (['x'] + ['h0', 'c0'][:len(states)], ['y', 'hT', 'cT'][:1 + len(last)])
        torch.onnx.export(net, (x, *states), path + '.onnx', opset_version=f['opset'], input_names=ends[0], output_names=ends[1],
                          dynamic_axes={'x': axes, **{k: {1: 'B'} for k in ends[0][1:]}})


def check(out):
    worst = 0
    for name in sorted(os.listdir(out)):
        if not name.endswith('.back.safetensors'):
            continue
        with open(os.path.join(out, name.replace('.back.safetensors', '.json'))) as file:
            f = json.load(file)
        state = load_safetensors(os.path.join(out, name))
        f['bias'] = any('bias_ih' in k for k in state)
        f['outputBias'] = 'fc.bias' in state
        size = len(state['rnn.weight_ih_l0'][0])
        symbols, f['symbols'], f['D'], f['batchFirst'] = f['symbols'], 0, size, False
        net = Net(f).eval().double()
        net.load_state_dict(state)
        x = torch.tensor(f['x'], dtype=torch.float64)
        x = torch.nn.functional.one_hot(x.long().reshape(f['T'], f['B']), symbols).double() if symbols else x.reshape(f['T'], f['B'], size)
        shape = (f['layers'] * (2 if f['bidirectional'] else 1), f['B'], f['H'])
        states = [torch.tensor(f[k], dtype=torch.float64).reshape(shape) for k in ('h0', 'c0') if k in f]
        with torch.no_grad():
            y, *last = net(x, *states)
        for got, want in zip([y, *last], [f['y'], f['hT'], f.get('cT')]):
            worst = max(worst, (got.flatten() - torch.tensor(want, dtype=torch.float64)).abs().max().item())
    print(json.dumps({'worst': worst}))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=['make', 'check'])
    parser.add_argument('out')
    parser.add_argument('--count', type=int, default=20)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    if args.what == 'make':
        make(args.out, args.count, args.seed)
    else:
        check(args.out)
