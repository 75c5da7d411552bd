import { adagrad, adam, adamw, clipByNorm, type Optimizer, rmsprop, rprop, sgd } from 'bptt/optim';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';
import { gradientsOf, type Layout, parametersOf, trainerOf } from './layout.ts';

/** One step of an Elman net from the zero state is tanh(x·W + b). */
const layout: Layout = {
  W: { parameter: 'weight_ih_l0', transposed: true },
  b: { parameter: 'bias_ih_l0' },
};

/** PyTorch's optimizers by class name, made from its options. */
const rules: Readonly<Record<string, (options: Fields) => Optimizer>> = {
  SGD: (o) =>
    sgd({
      lr: o.number('lr'),
      momentum: o.number('momentum'),
      dampening: o.number('dampening'),
      nesterov: o.flag('nesterov'),
      weightDecay: o.number('weight_decay'),
    }),
  Adagrad: (o) =>
    adagrad({
      lr: o.number('lr'),
      eps: o.number('eps'),
      epsInRoot: false,
      lrDecay: o.number('lr_decay'),
      initialAccumulator: o.number('initial_accumulator_value'),
      weightDecay: o.number('weight_decay'),
    }),
  RMSprop: (o) =>
    rmsprop({
      lr: o.number('lr'),
      alpha: o.number('alpha'),
      eps: o.number('eps'),
      momentum: o.number('momentum'),
      centered: o.flag('centered'),
      weightDecay: o.number('weight_decay'),
    }),
  Adam: (o) => adam(adamOptions(o)),
  AdamW: (o) => adamw(adamOptions(o)),
  Rprop: (o) => {
    const [etaMinus, etaPlus] = o.array('etas', [2]);
    const [minStep, maxStep] = o.array('step_sizes', [2]);
    return rprop({ lr: o.number('lr'), etaPlus, etaMinus, minStep, maxStep });
  },
};

/** The rules whose steps hardly depend on the gradient's size: rounding of a small one shows in full. */
const adaptive = new Set(['Adam', 'AdamW', 'Rprop']);

function adamOptions(o: Fields) {
  const [beta1, beta2] = o.array('betas', [2]);
  return {
    lr: o.number('lr'),
    beta1,
    beta2,
    eps: o.number('eps'),
    weightDecay: o.number('weight_decay'),
    amsgrad: o.flag('amsgrad'),
  };
}

/** PyTorch's optimizers and clipping: `torch_optim.json`. */
export function replay(file: Fields, check: Check): void {
  for (const fields of file.cases()) replayCase(file, fields, check);
  for (const fields of file.objects('clipping')) replayClipping(fields, check);
}

function replayCase(file: Fields, fields: Fields, check: Check): void {
  const { values, adaptive: adaptiveValues } = check.tolerances.torchOptim;
  const name = fields.text('torch_class');
  const rule = rules[name];
  if (!rule) throw fields.error('torch_class', `is '${name}', expected ${Object.keys(rules).join(', ')}`);
  const tolerance = adaptive.has(name) ? adaptiveValues : values;
  const options = fields.object('all_options');
  for (const given of fields.object('options_given').names()) {
    check.sameData(fields.object('options_given'), given, options.raw(given));
  }
  const { trainer, batch } = problem(file, rule(options), check);
  for (const step of fields.objects('steps')) {
    check.compare(step.golden('loss_before'), trainer.lossAndGradients(batch), tolerance);
    const gradients = gradientsOf(trainer, layout);
    check.compare(step.golden('grad_W'), gradients.W, tolerance);
    check.compare(step.golden('grad_b'), gradients.b, tolerance);
    trainer.update(batch);
    const parameters = parametersOf(trainer, layout);
    check.compare(step.golden('W'), parameters.W, tolerance);
    check.compare(step.golden('b'), parameters.b, tolerance);
  }
}

/** loss = mean((tanh(X·W + b) − Y)²), every row a sequence of one step. */
function problem(file: Fields, optimizer: Optimizer, check: Check) {
  const { shape } = file.golden('X')!;
  const b = file.array('b0');
  const [rows, D] = shape;
  const H = b.length;
  const parameters = { W: file.array('W0', [D, H]), b };
  const trainer = trainerOf(
    check,
    {
      cell: 'elman',
      input: 'dense',
      inputSize: D,
      hiddenSize: H,
      outputSize: 0,
      bias: 'input',
      loss: 'squaredError',
      reduction: 'mean',
    },
    { steps: 1, batch: rows, optimizer },
    layout,
    parameters,
  );
  const batch = { inputs: check.floats(file.array('X')), targets: check.floats(file.array('Y', [rows, H])) };
  return { trainer, batch };
}

/** Several gradients clipped as one; the engine's part are the Euclidean norm and the clipping by value. */
function replayClipping(fields: Fields, check: Check): void {
  const { values } = check.tolerances.torchOptim;
  const parts = fields.items('grads');
  const grads = parts.names().map((i) => Array.from(parts.array(i)));
  const all = grads.flat();
  const engine = check.engineFor(() => [all.length]);
  const flat = engine.floats(all.length);
  engine.write(flat, all);
  const fn = fields.text('fn');
  let compare: Check['compare'] = check.compare.bind(check);
  if (fn === 'clip_grad_norm_') {
    const p = fields.raw('norm_type') === 'inf' ? Number.POSITIVE_INFINITY : fields.number('norm_type');
    const maxNorm = fields.number('max_norm');
    if (p !== 2) compare = check.compareData.bind(check);
    const norm = p === 2 ? engine.optim.clipByNorm(flat, maxNorm) : clipByNorm(flat, maxNorm, p);
    compare(fields.golden('total_norm'), norm, values);
  } else if (fn === 'clip_grad_value_') {
    const limit = fields.number('clip_value');
    engine.optim.clipByValue(flat, limit);
  } else throw fields.error('fn', `is '${fn}', expected clip_grad_norm_ or clip_grad_value_`);
  let start = 0;
  for (const [i, part] of grads.entries()) {
    compare(fields.items('clipped').golden(String(i)), flat.subarray(start, start + part.length), values);
    start += part.length;
  }
}
