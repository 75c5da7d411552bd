import {
  type Engine,
  initialParameters,
  ParameterBlock,
  parameterLayout,
  RecurrentStack,
  resolveSpec,
  SequenceModel,
  sizingEngine,
} from 'bptt';
import { adam, cosineDecay, learningRateAt } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { panelLengths, wasmEngine } from 'bptt/wasm';

/** What is read, and what is to be written. */
type Pair = readonly [string, string];

interface Task {
  readonly name: string;
  readonly alphabet: string;
  /** T and S: the most symbols that are read, and that are written, the end among them. */
  readonly read: number;
  readonly written: number;
  /** Whether the last symbol is read first: best is to read last what is written first. */
  readonly backwards: boolean;
  draw(rng: RandomState): Pair;
}

const pick = <X>(rng: RandomState, list: ArrayLike<X>): X => list[rng.randint(0, list.length)];

const reversal: Task = {
  name: 'reversal',
  alphabet: 'abcdefghij',
  read: 8,
  written: 9,
  backwards: false,
  draw(rng) {
    const letters = Array.from({ length: rng.randint(3, 9) }, () => pick(rng, this.alphabet));
    return [letters.join(''), letters.reverse().join('')];
  },
};

const months = 'January February March April May June July August September October November December'.split(' ');
const dates: Task = {
  name: 'dates',
  alphabet: [...new Set(`0123456789 ,./-${months.join('')}`)].join(''),
  read: 18,
  written: 11,
  backwards: true,
  draw(rng) {
    const date = new Date(Date.UTC(1900, 0, 1 + rng.randint(0, 73_000))); // up to November 2099
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    const name = months[month - 1];
    const ways = [
      ...[`${day} ${name} ${year}`, `${name} ${day}, ${year}`, `${day} ${name.slice(0, 3)} ${year}`],
      ...[`${day}.${month}.${year}`, `${month}/${day}/${year}`],
    ];
    return [pick(rng, ways), date.toISOString().slice(0, 10)];
  },
};

const B = 32; // sequences of a batch
const UPDATES = 2500;
const END = 0; // the symbol that ends what is written, and the one before its first

function encoderDecoder({ alphabet, read: T, written: S, backwards }: Task) {
  const V = alphabet.length + 1;
  const idOf = (symbol: string): number => alphabet.indexOf(symbol) + 1;
  const shared = { cell: 'lstm', inputSize: V, hiddenSize: 64, loss: 'softmaxCrossEntropy' } as const;
  const spec = {
    encoder: resolveSpec({ ...shared, outputSize: 0 }),
    decoder: resolveSpec({ ...shared, outputSize: V, reduction: 'mean' }),
  };
  const optimizer = adam({ lr: cosineDecay(0.01, UPDATES) });

  /** Everything that holds numbers, on any engine. */
  const partsOn = <F, I>(engine: Engine<F, I>) => {
    const layout = parameterLayout(spec.encoder);
    const [parameters, gradients] = [new ParameterBlock(engine, layout), new ParameterBlock(engine, layout)];
    const encoder = new RecurrentStack(engine, spec.encoder, T, B, parameters, gradients);
    const decoder = new SequenceModel(engine, spec.decoder, { steps: S, batch: B });
    const learning = [{ parameters, gradients }, decoder].map((own) => ({
      parameters: own.parameters,
      gradients: own.gradients,
      memory: optimizer.initialMemory.map(() => engine.floats(engine.lengthOf(own.parameters.flat))),
    }));
    return { encoder, decoder, learning };
  };
  // An engine on WebAssembly takes its memory once: the sizing engine notes how much. Adam's memory begins with zeros.
  const sizing = sizingEngine();
  partsOn(sizing);
  const panels = [...panelLengths(spec.encoder), ...panelLengths(spec.decoder)];
  const engine = wasmEngine({ lengths: [...sizing.lengths, ...panels] });
  const { encoder, decoder, learning } = partsOn(engine);
  const rng = new RandomState(2);
  for (const [i, { parameters }] of learning.entries()) {
    const drawn = initialParameters([spec.encoder, spec.decoder][i], 'float32', 'orthogonal', rng);
    for (const [name, values] of Object.entries(drawn)) parameters.get(name)!.set(values);
  }

  // The same calls on the same buffers each time: the engine may record them. Shorter sequences are masked.
  const window = { steps: T, masked: true, dropping: false };
  const forward = engine.compile(() => encoder.forward(window));
  const backward = engine.compile(() => {
    engine.kernels.fill(encoder.doutput(window), 0); // no loss at the encoder's steps
    engine.weightGradients(encoder.backward(window, Number.POSITIVE_INFINITY));
  });

  /** Reads texts and gives the final states [B,H]. */
  function encode(texts: readonly string[]) {
    encoder.mask.fill(0);
    for (const [b, text] of texts.entries()) {
      for (const [t, symbol] of (backwards ? [...text].reverse() : [...text]).entries()) {
        encoder.ids[t * B + b] = idOf(symbol);
        encoder.mask[t * B + b] = 1;
      }
    }
    forward();
    return encoder.recurrence(window, 0).final;
  }

  /** One update; gives the loss before it. */
  function train(pairs: readonly Pair[], update: number): number {
    const n = pairs.length;
    const final = encode(pairs.map(([text]) => text));
    // The decoder reads what it should have written so far (teacher forcing).
    const [inputs, targets] = [new Int32Array(S * n), new Int32Array(S * n)]; // END
    for (const [b, [, written]] of pairs.entries()) {
      for (const [t, symbol] of [...written].entries()) {
        targets[t * n + b] = idOf(symbol);
        inputs[(t + 1) * n + b] = idOf(symbol);
      }
    }
    const lengths = pairs.map(([, written]) => written.length + 1);
    decoder.load({ inputs, targets, lengths, steps: S }, true); // true: begins with the initial states …
    for (const [s, state] of decoder.stack.initial(0).entries()) state.set(final[s]); // … which are these
    for (const { gradients } of learning) gradients.flat.fill(0);
    decoder.forwardBackward();
    // dh0 and dc0 of the decoder are what reaches the encoder's final states.
    for (const [s, dfinal] of encoder.dfinal(0).entries()) dfinal.set(decoder.stack.dinitial(0)![s]);
    backward();
    const numbers = optimizer.numbers(update, learningRateAt(optimizer.lr, update));
    for (const { parameters, gradients, memory } of learning) {
      engine.optim.clipByNorm(gradients.flat, 1);
      engine.optim.update(optimizer, parameters.flat, gradients.flat, memory, numbers);
    }
    return decoder.loss[0];
  }

  /** Writes for each text the likeliest symbols, each read back, up to the end. */
  function write(texts: readonly string[]): string[] {
    let state = encode(texts);
    const inputs = new Int32Array(B).fill(END);
    const written = texts.map(() => '');
    const ended = texts.map(() => false);
    for (let t = 0; t < S; t++) {
      decoder.loadInputs({ inputs, steps: 1 }, true);
      for (const [s, initial] of decoder.stack.initial(0).entries()) initial.set(state[s]);
      decoder.predict();
      state = decoder.stack.recurrence(decoder.window, 0).final;
      for (let b = 0; b < texts.length; b++) {
        const row = decoder.logits().subarray(b * V, (b + 1) * V);
        inputs[b] = row.indexOf(Math.max(...row));
        ended[b] ||= inputs[b] === END;
        if (!ended[b]) written[b] += alphabet[inputs[b] - 1];
      }
    }
    return written;
  }
  return { train, write };
}

for (const task of [reversal]) {
  const rng = new RandomState(1);
  const heldOut = new Map(Array.from({ length: 1000 }, () => task.draw(rng)));
  const fresh = (): Pair => {
    for (;;) {
      const pair = task.draw(rng);
      if (!heldOut.has(pair[0])) return pair;
    }
  };
  const { train, write } = encoderDecoder(task);
  for (let update = 0; update < UPDATES; update++) {
    const loss = train(Array.from({ length: B }, fresh), update);
    if (update % 500 === 0) console.log(task.name, update, loss.toFixed(3));
  }
  const all = [...heldOut];
  let right = 0;
  for (let from = 0; from < all.length; from += B) {
    const some = all.slice(from, from + B);
    const written = write(some.map(([text]) => text));
    right += some.filter(([, wanted], b) => written[b] === wanted).length;
  }
  const [text] = all[0];
  console.log(`${task.name}: "${text}" → "${write([text])[0]}"; ${right} of ${all.length} right`);
  if (!(right >= 0.99 * all.length)) throw new Error('below 99 %');
}
