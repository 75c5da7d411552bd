import { DEFAULTS, type Settings } from './settings.ts';

/** A starting point, with two sentences on what to look for and where the cursor goes. */
export interface Preset {
  readonly name: string;
  readonly look: string;
  readonly settings: Settings;
  readonly cursor: number;
  /** The unit that the text is coloured by. */
  readonly unit: number;
}

const preset = (name: string, cursor: number, look: string, own: Partial<Settings>, unit = 0): Preset => ({
  ...{ name, cursor, look, unit },
  settings: { ...DEFAULTS, ...own },
});

const ADAM: Partial<Settings> = { optimizer: 'adam', lr: 0.005, init: 'orthogonal' };

export const PRESETS: readonly Preset[] = [
  preset(
    'min-char-rnn',
    24,
    'The notebook’s net: 100 tanh units, windows of 25 characters, Adagrad. After 500 updates four of five states lie near −1 or +1; at 4000 the sample has whole words of the text in it.',
    {},
  ),
  preset(
    'minimal RNN',
    40,
    'Notebook 000’s net: 7 symbols, 50 tanh units without a bias, every matrix scaled so that its largest singular value is 1, plain SGD; the notebook ends before its data, here they are Reber words. Before the first update no singular value is above 1, so that the gradient can only fade on its way back: by a factor of more than ten every five steps.',
    { text: 'reber', hidden: 50, bias: 'none', init: 'spectral', optimizer: 'sgd', lr: 0.01, clip: 0 },
  ),
  preset(
    'character RNN',
    24,
    'Notebook 002’s net: plain SGD at a fixed rate, and L2, which the learning curve counts in. The loss comes down and jumps up again: after 4000 updates it is higher than after 2000 (the notebook’s stood still at 3.5 bits, update after update), where Adagrad of min-char-rnn goes on learning.',
    { optimizer: 'sgd', lr: 0.01, l2: 0.01, init: 'orthogonal' },
  ),
  preset(
    'tanh beside LSTM',
    40,
    'Both nets read the same windows from the same seed. Let the cursor stand and watch the chart back through time: how many steps back does each line take to lose a factor of a hundred?',
    { ...ADAM, beside: 'lstm' },
  ),
  preset(
    'Reber grammar',
    1,
    'Seven symbols, and never more than two of them possible. After some hundred updates the edges out of the state at the cursor share the belief about half and half, and what is illegal gets next to nothing.',
    { ...ADAM, text: 'reber', hidden: 15 },
  ),
  preset(
    'embedded Reber, tanh',
    9,
    'The cursor is on the E that ends the inner word of BPBPVPXVVEPE: the next letter must be the P that was read before the inner word began. At 1,000 updates, where it pauses, the tanh net gives T and P about a half each, and after tens of thousands still: it has forgotten, and the chart back through time shows how little of the gradient gets back to that P.',
    { text: 'embedded', hidden: 15, optimizer: 'sgd', lr: 0.01, steps: 50, stopAt: 1000 },
  ),
  preset(
    'embedded Reber, LSTM',
    9,
    'The same words read by an LSTM, and beside it by a tanh net, both with Adam. At 1,000 updates, where it pauses, the LSTM gives more than 98 % to the P that it read eight characters before, and the tanh net guesses; let it go on, and the tanh net has it at 5,000, is sure of the wrong letter at 7,000, when its gradients explode, and the LSTM stays.',
    { ...ADAM, text: 'embedded', hidden: 15, cell: 'lstm', beside: 'elman', lr: 0.01, steps: 50, stopAt: 1000 },
  ),
  preset(
    'binary addition',
    5,
    'Sums, lowest bit first: a letter for a pair of bits (a 0+0, b 0+1, c 1+0, d 1+1), then the bit of the sum. After 1,000 updates unit 6 holds the carry: where it is +1 or −1 changes with every 1+1 and 0+0, and b or c leave it as it is.',
    { ...ADAM, text: 'addition', hidden: 12, steps: 34, stopAt: 1000 },
    6,
  ),
  preset(
    'saturation',
    60,
    'Adam with a large learning rate. Open the spectra: the spectral radius climbs above 5 within a thousand updates, and yet the gradient fades on its way back, since most states lie near ±1, where tanh has next to no slope.',
    { ...ADAM, lr: 0.01 },
  ),
];
