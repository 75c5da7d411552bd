"""NumPy. The argument `notebook` writes min-char-rnn down as the notebook does, in float64; `tuned` is float32 with
everything but the recurrence taken out of the loop through time, and nothing allocated that can be kept."""

import sys

import numpy as np

from contestant import serve

ADAM_BETA1, ADAM_BETA2, ADAM_EPS = 0.9, 0.999, 1e-8


def notebook(task, tensors):
    """The notebook's lossFun and sample: column vectors, a dictionary entry for each step, one-hot inputs."""
    Wxh, Whh, Why = (
        tensors[name].astype(np.float64).reshape(-1, columns)
        for name, columns in [("weight_ih_l0", task["V"]), ("weight_hh_l0", task["H"]), ("weight_ho", task["H"])]
    )
    bh, by = (tensors[name].astype(np.float64).reshape(-1, 1) for name in ("bias_ih_l0", "bias_ho"))
    vocab_size, hidden_size = task["V"], task["H"]

    if task["kind"] == "sampling":
        uniforms = tensors["uniforms"]
        state = {"h": np.zeros((hidden_size, 1)), "ix": 0, "n": 0}

        def sample(n):
            h, ix = state["h"], state["ix"]
            ixes = []
            for _ in range(n):
                x = np.zeros((vocab_size, 1))
                x[ix] = 1
                h = np.tanh(np.dot(Wxh, x) + np.dot(Whh, h) + bh)
                y = np.dot(Why, h) + by
                p = np.exp(y) / np.sum(np.exp(y))
                # np.random.choice(range(vocab_size), p=p.ravel()) with the uniform number given
                ix = draw(p.cumsum(), uniforms[state["n"] % len(uniforms)])
                state["n"] += 1
                ixes.append(ix)
            state["h"], state["ix"] = h, ix
            return ixes

        return sample

    T, lr, clip = task["T"], task["lr"], task["clip"]
    data_inputs, data_targets = (tensors[name].reshape(-1, T).tolist() for name in ("inputs", "targets"))
    params = [Wxh, Whh, Why, bh, by]
    mems = [np.zeros_like(param) for param in params]
    state = {"n": 0, "hprev": None}

    def loss_fun(inputs, targets, hprev):
        xs, hs, ys, ps = {}, {}, {}, {}
        hs[-1] = np.copy(hprev)
        loss = 0
        for t in range(len(inputs)):
            xs[t] = np.zeros((vocab_size, 1))
            xs[t][inputs[t]] = 1
            hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
            ys[t] = np.dot(Why, hs[t]) + by
            ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
            loss += -np.log(ps[t][targets[t], 0])
        dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
        dbh, dby = np.zeros_like(bh), np.zeros_like(by)
        dhnext = np.zeros_like(hs[0])
        for t in reversed(range(len(inputs))):
            dy = np.copy(ps[t])
            dy[targets[t]] -= 1
            dWhy += np.dot(dy, hs[t].T)
            dby += dy
            dh = np.dot(Why.T, dy) + dhnext
            dhraw = (1 - hs[t] * hs[t]) * dh
            dbh += dhraw
            dWxh += np.dot(dhraw, xs[t].T)
            dWhh += np.dot(dhraw, hs[t - 1].T)
            dhnext = np.dot(Whh.T, dhraw)
        for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
            np.clip(dparam, -clip, clip, out=dparam)
        return loss, [dWxh, dWhh, dWhy, dbh, dby], hs[len(inputs) - 1]

    def train(steps):
        losses = []
        for _ in range(steps):
            n = state["n"] % len(data_inputs)
            if n == 0:
                state["hprev"] = np.zeros((hidden_size, 1))
            loss, grads, state["hprev"] = loss_fun(data_inputs[n], data_targets[n], state["hprev"])
            for param, dparam, mem in zip(params, grads, mems):
                mem += dparam * dparam
                param += -lr * dparam / np.sqrt(mem + 1e-8)
            state["n"] += 1
            losses.append(loss)
        return losses

    return train


def draw(cumulative, u):
    """The first symbol whose cumulative weight exceeds u of the whole."""
    return min(int(cumulative.searchsorted(u * cumulative[-1], "right")), len(cumulative) - 1)


def sigmoid(z, out):
    np.negative(z, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)


def tuned(task, tensors):
    return {"training": training, "product": product, "sampling": sampling}[task["kind"]](task, tensors)


def training(task, tensors):
    """Weights stand as [in,out], all parameters in one block, so that clipping and updating are one pass each."""
    D, H, V, T, B = (task[size] for size in "DHVTB")
    lstm = task["cell"] == "lstm"
    G = 4 if lstm else 1
    R = T * B
    first = [
        tensors["weight_ih_l0"].reshape(G * H, D).T,
        tensors["weight_hh_l0"].reshape(G * H, H).T,
        tensors["weight_ho"].reshape(V, H).T,
        tensors["bias_ih_l0"],
        tensors["bias_ho"],
    ]
    flat = np.concatenate([part.ravel() for part in first])
    grad = np.empty_like(flat)
    ends = np.cumsum([part.size for part in first])[:-1]

    def views(block):
        return [view.reshape(part.shape) for view, part in zip(np.split(block, ends), first)]

    Wx, Wh, Wy, bh, by = views(flat)
    dWx, dWh, dWy, dbh, dby = views(grad)
    update = {"adagrad": adagrad, "adam": adam, "sgd": sgd}[task["optimizer"]](flat, grad, np.float32(task["lr"]))
    inputs, targets = (tensors[name].reshape(-1, R) for name in ("inputs", "targets"))
    eyeD, eyeV = np.eye(D, dtype=np.float32), np.eye(V, dtype=np.float32)
    rows = np.arange(R)
    # A batch of one is a vector: its products are matrix times vector.
    batch = (H,) if B == 1 else (B, H)
    hs = np.zeros((T + 1, *batch), np.float32)
    cs = np.zeros_like(hs)
    zs = np.empty((T, *batch[:-1], G * H), np.float32)  # gates
    tanhs = np.empty((T, *batch), np.float32)  # of c
    slopes = np.empty_like(tanhs)  # of tanh
    dh = np.empty((T, *batch), np.float32)
    ys = np.empty((R, V), np.float32)
    product = np.empty(zs.shape[1:], np.float32)
    scratch = np.empty(batch, np.float32)
    softmax = task["loss"] == "softmaxCrossEntropy"
    scale = 1 / R if task["reduction"] == "mean" else 1
    state = {"n": 0}

    # Views of each step, made once.
    h_at, c_at, z_at, tanh_at, slope_at, dh_at = (list(steps) for steps in (hs, cs, zs, tanhs, slopes, dh))
    gates_at = [[z[..., g * H : (g + 1) * H] for g in range(4)] for z in zs] if lstm else []

    def elman_forward():
        for t in range(T):
            np.dot(h_at[t], Wh, out=product)
            np.add(z_at[t], product, out=product)
            np.tanh(product, out=h_at[t + 1])

    def elman_backward():
        """dh [T,…] becomes dz."""
        np.multiply(hs[1:], hs[1:], out=slopes)
        np.subtract(1, slopes, out=slopes)
        WhT = Wh.T
        np.multiply(dh_at[T - 1], slope_at[T - 1], out=dh_at[T - 1])
        for t in range(T - 2, -1, -1):
            np.dot(dh_at[t + 1], WhT, out=product)
            np.add(dh_at[t], product, out=product)
            np.multiply(product, slope_at[t], out=dh_at[t])
        return dh.reshape(R, H)

    def lstm_forward():
        for t in range(T):
            np.dot(h_at[t], Wh, out=product)
            np.add(z_at[t], product, out=z_at[t])
            i, f, g, o = gates_at[t]
            sigmoid(i, i)
            sigmoid(f, f)
            np.tanh(g, out=g)
            sigmoid(o, o)
            np.multiply(f, c_at[t], out=c_at[t + 1])
            np.multiply(i, g, out=scratch)
            np.add(c_at[t + 1], scratch, out=c_at[t + 1])
            np.tanh(c_at[t + 1], out=tanh_at[t])
            np.multiply(o, tanh_at[t], out=h_at[t + 1])

    def lstm_backward():
        """zs [T,…,4H] becomes dz."""
        dh_next, dc = np.zeros(batch, np.float32), np.zeros(batch, np.float32)
        WhT = Wh.T
        for t in range(T - 1, -1, -1):
            i, f, g, o = gates_at[t]
            th = tanh_at[t]
            d = dh_at[t] + dh_next
            dc += d * o * (1 - th * th)
            di = dc * g * i * (1 - i)
            df = dc * c_at[t] * f * (1 - f)
            dg = dc * i * (1 - g * g)
            do = d * th * o * (1 - o)
            dc *= f
            i[...], f[...], g[...], o[...] = di, df, dg, do
            dh_next = np.dot(z_at[t], WhT)
        return zs.reshape(R, G * H)

    def step():
        n = state["n"] % len(inputs)
        state["n"] += 1
        x, y = inputs[n], targets[n]
        if task["carry"] and n > 0:
            hs[0], cs[0] = hs[T], cs[T]
        else:
            hs[0], cs[0] = 0, 0
        z = zs.reshape(R, G * H)
        np.take(Wx, x, axis=0, out=z)
        z += bh
        lstm_forward() if lstm else elman_forward()
        h = hs[1:].reshape(R, H)
        np.dot(h, Wy, out=ys)
        np.add(ys, by, out=ys)
        if softmax:
            np.subtract(ys, ys.max(1, keepdims=True), out=ys)
            np.exp(ys, out=ys)
            np.divide(ys, ys.sum(1, keepdims=True), out=ys)
            loss = -np.log(ys[rows, y]).sum() * scale
            ys[rows, y] -= 1
            if scale != 1:
                np.multiply(ys, np.float32(scale), out=ys)
        else:
            one_hot = eyeV[y]
            loss = (np.maximum(ys, 0) - ys * one_hot + np.log1p(np.exp(-np.abs(ys)))).sum() * scale
            sigmoid(ys, ys)
            np.subtract(ys, one_hot, out=ys)
        np.dot(ys, Wy.T, out=dh.reshape(R, H))
        dz = lstm_backward() if lstm else elman_backward()
        np.dot(eyeD[x].T, dz, out=dWx)
        np.dot(hs[:T].reshape(R, H).T, dz, out=dWh)
        np.dot(h.T, ys, out=dWy)
        dz.sum(0, out=dbh)
        ys.sum(0, out=dby)
        np.maximum(grad, -task["clip"], out=grad)
        np.minimum(grad, task["clip"], out=grad)
        update()
        return loss

    return lambda steps: [step() for _ in range(steps)]


def adagrad(flat, grad, lr):
    memory, change = np.zeros_like(flat), np.empty_like(flat)

    def update():
        np.multiply(grad, grad, out=change)
        np.add(memory, change, out=memory)
        np.add(memory, np.float32(1e-8), out=change)
        np.sqrt(change, out=change)
        np.divide(grad, change, out=change)
        np.multiply(change, lr, out=change)
        np.subtract(flat, change, out=flat)

    return update


def adam(flat, grad, lr):
    m, v, a, b = (np.zeros_like(flat) for _ in range(4))
    state = {"n": 0}

    def update():
        state["n"] += 1
        correction = 1 - ADAM_BETA1 ** state["n"]
        root = (1 - ADAM_BETA2 ** state["n"]) ** 0.5
        np.multiply(m, np.float32(ADAM_BETA1), out=m)
        np.multiply(grad, np.float32(1 - ADAM_BETA1), out=a)
        np.add(m, a, out=m)
        np.multiply(v, np.float32(ADAM_BETA2), out=v)
        np.multiply(grad, grad, out=a)
        np.multiply(a, np.float32(1 - ADAM_BETA2), out=a)
        np.add(v, a, out=v)
        np.sqrt(v, out=b)
        np.multiply(b, np.float32(1 / root), out=b)
        np.add(b, np.float32(ADAM_EPS), out=b)
        np.multiply(m, np.float32(lr / correction), out=a)
        np.divide(a, b, out=a)
        np.subtract(flat, a, out=flat)

    return update


def sgd(flat, grad, lr):
    def update():
        np.multiply(grad, lr, out=grad)
        np.subtract(flat, grad, out=flat)

    return update


def product(task, tensors):
    N = task["N"]
    a, b = tensors["a"].reshape(N, N), tensors["b"].reshape(N, N)
    c = np.empty((N, N), np.float32)

    def run(steps):
        for _ in range(steps):
            np.matmul(a, b, out=c)
        return c.ravel()

    return run


def sampling(task, tensors):
    H, V = task["H"], task["V"]
    lstm = task["cell"] == "lstm"
    Wx = np.ascontiguousarray(tensors["weight_ih_l0"].reshape(-1, V).T) + tensors["bias_ih_l0"]
    Wh = np.ascontiguousarray(tensors["weight_hh_l0"].reshape(-1, H).T)
    Wy = np.ascontiguousarray(tensors["weight_ho"].reshape(V, H).T)
    by = tensors["bias_ho"]
    uniforms = tensors["uniforms"].tolist()
    state = {"h": np.zeros(H, np.float32), "c": np.zeros(H, np.float32), "id": 0, "n": 0}

    def run(steps):
        h, c, last, n = state["h"], state["c"], state["id"], state["n"]
        ids = []
        for _ in range(steps):
            z = h.dot(Wh)
            z += Wx[last]
            if lstm:
                s = 1 / (1 + np.exp(-z))
                c = s[H : 2 * H] * c + s[:H] * np.tanh(z[2 * H : 3 * H])
                h = s[3 * H :] * np.tanh(c)
            else:
                h = np.tanh(z, out=z)
            y = h.dot(Wy)
            y += by
            y -= y.max()
            last = draw(np.exp(y, out=y).cumsum(), uniforms[n % len(uniforms)])
            n += 1
            ids.append(last)
        state["h"], state["c"], state["id"], state["n"] = h, c, last, n
        return ids

    return run


serve({"notebook": notebook, "tuned": tuned}[sys.argv[1]], lambda data, dtype: np.frombuffer(data, dtype))
