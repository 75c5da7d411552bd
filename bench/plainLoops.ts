import type { Contender, Task, Tensors, Training } from './contender.ts';

/**
 * The yardstick: the same work in ordinary loops, one time step after the other, every gradient added up on the spot,
 * as one would write the notebook down in JavaScript. Nothing of the library is used.
 */
type FloatArrayType = Float32ArrayConstructor | Float64ArrayConstructor;

/** The loops for W1 or W5. */
export function plainContender(task: Task, tensors: Tensors, F: FloatArrayType): Contender {
  const { optimizer } = task as Training;
  return optimizer === 'adagrad'
    ? plainMinCharRnn(task as Training, tensors, F)
    : plainElmanReber(task as Training, tensors, F);
}

/** One step of min-char-rnn: forward, backward, clip, Adagrad. */
function plainMinCharRnn({ V, H, T, lr, clip }: Training, tensors: Tensors, F: FloatArrayType): Contender {
  const { inputs, targets } = tensors;
  const Wxh = F.from(tensors.weight_ih_l0);
  const Whh = F.from(tensors.weight_hh_l0);
  const Why = F.from(tensors.weight_ho);
  const bh = F.from(tensors.bias_ih_l0);
  const by = F.from(tensors.bias_ho);
  const params = [Wxh, Whh, Why, bh, by];
  const mems = params.map((p) => new F(p.length));
  const grads = params.map((p) => new F(p.length));
  const [dWxh, dWhh, dWhy, dbh, dby] = grads;
  const hs = new F((T + 1) * H);
  const ps = new F(T * V);
  const dh = new F(H);
  const dhnext = new F(H);
  let p = 0;

  function forward(): number {
    let loss = 0;
    for (let t = 0; t < T; t++) {
      const x = inputs[p + t];
      const prev = t * H;
      const now = prev + H;
      for (let i = 0; i < H; i++) {
        let s = bh[i] + Wxh[i * V + x];
        for (let j = 0; j < H; j++) s += Whh[i * H + j] * hs[prev + j];
        hs[now + i] = Math.tanh(s);
      }
      let max = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < V; i++) {
        let s = by[i];
        for (let j = 0; j < H; j++) s += Why[i * H + j] * hs[now + j];
        ps[t * V + i] = s;
        if (s > max) max = s;
      }
      let sum = 0;
      for (let i = 0; i < V; i++) {
        ps[t * V + i] = Math.exp(ps[t * V + i] - max);
        sum += ps[t * V + i];
      }
      for (let i = 0; i < V; i++) ps[t * V + i] /= sum;
      loss -= Math.log(ps[t * V + targets[p + t]]);
    }
    return loss;
  }

  function backward(): void {
    for (const d of grads) d.fill(0);
    dhnext.fill(0);
    for (let t = T - 1; t >= 0; t--) {
      const prev = t * H;
      const now = prev + H;
      ps[t * V + targets[p + t]] -= 1;
      dh.set(dhnext);
      for (let i = 0; i < V; i++) {
        const dy = ps[t * V + i];
        dby[i] += dy;
        for (let j = 0; j < H; j++) {
          dWhy[i * H + j] += dy * hs[now + j];
          dh[j] += dy * Why[i * H + j];
        }
      }
      dhnext.fill(0);
      for (let i = 0; i < H; i++) {
        const h = hs[now + i];
        const dhraw = (1 - h * h) * dh[i];
        dbh[i] += dhraw;
        dWxh[i * V + inputs[p + t]] += dhraw;
        for (let j = 0; j < H; j++) {
          dWhh[i * H + j] += dhraw * hs[prev + j];
          dhnext[j] += dhraw * Whh[i * H + j];
        }
      }
    }
  }

  function step(): number {
    if (p === inputs.length) p = 0;
    if (p === 0) hs.fill(0, 0, H);
    const loss = forward();
    backward();
    for (let n = 0; n < params.length; n++) {
      const [param, d, mem] = [params[n], grads[n], mems[n]];
      for (let i = 0; i < param.length; i++) {
        const g = d[i] < -clip ? -clip : d[i] > clip ? clip : d[i];
        mem[i] += g * g;
        param[i] -= (lr * g) / Math.sqrt(mem[i] + 1e-8);
      }
    }
    hs.copyWithin(0, T * H);
    p += T;
    return loss;
  }

  return { run: (steps) => Float64Array.from({ length: steps }, step) };
}

/** One string through a tiny Elman net with logistic outputs: forward, backward, clip, SGD. */
function plainElmanReber({ D, H, V, T, lr, clip }: Training, tensors: Tensors, F: FloatArrayType): Contender {
  const { inputs, targets } = tensors;
  const Wih = F.from(tensors.weight_ih_l0);
  const Whh = F.from(tensors.weight_hh_l0);
  const Who = F.from(tensors.weight_ho);
  const bh = F.from(tensors.bias_ih_l0);
  const bo = F.from(tensors.bias_ho);
  const params = [Wih, Whh, Who, bh, bo];
  const grads = params.map((p) => new F(p.length));
  const [dWih, dWhh, dWho, dbh, dbo] = grads;
  const hs = new F((T + 1) * H);
  const os = new F(T * V);
  const dh = new F(H);
  const dhnext = new F(H);
  let from = 0;

  function forward(): number {
    let loss = 0;
    for (let t = 0; t < T; t++) {
      const x = inputs[from + t];
      const y = targets[from + t];
      const prev = t * H;
      const now = prev + H;
      for (let i = 0; i < H; i++) {
        let s = bh[i] + Wih[i * D + x];
        for (let j = 0; j < H; j++) s += Whh[i * H + j] * hs[prev + j];
        hs[now + i] = Math.tanh(s);
      }
      for (let i = 0; i < V; i++) {
        let s = bo[i];
        for (let j = 0; j < H; j++) s += Who[i * H + j] * hs[now + j];
        loss += Math.max(s, 0) - (i === y ? s : 0) + Math.log1p(Math.exp(-Math.abs(s)));
        os[t * V + i] = 1 / (1 + Math.exp(-s));
      }
    }
    return loss;
  }

  function backward(): void {
    for (const d of grads) d.fill(0);
    dhnext.fill(0);
    for (let t = T - 1; t >= 0; t--) {
      const prev = t * H;
      const now = prev + H;
      dh.set(dhnext);
      for (let i = 0; i < V; i++) {
        const d = os[t * V + i] - (i === targets[from + t] ? 1 : 0);
        dbo[i] += d;
        for (let j = 0; j < H; j++) {
          dWho[i * H + j] += d * hs[now + j];
          dh[j] += d * Who[i * H + j];
        }
      }
      dhnext.fill(0);
      for (let i = 0; i < H; i++) {
        const h = hs[now + i];
        const d = (1 - h * h) * dh[i];
        dbh[i] += d;
        dWih[i * D + inputs[from + t]] += d;
        for (let j = 0; j < H; j++) {
          dWhh[i * H + j] += d * hs[prev + j];
          dhnext[j] += d * Whh[i * H + j];
        }
      }
    }
  }

  function step(): number {
    const loss = forward();
    backward();
    for (let n = 0; n < params.length; n++) {
      const [param, d] = [params[n], grads[n]];
      for (let i = 0; i < param.length; i++) {
        const g = d[i] < -clip ? -clip : d[i] > clip ? clip : d[i];
        param[i] -= lr * g;
      }
    }
    from = (from + T) % inputs.length;
    return loss;
  }

  return { run: (steps) => Float64Array.from({ length: steps }, step) };
}
