import type { Settings } from './settings.ts';
import type { Reading } from './training.ts';

/** Symbols read before anything is said of how a net learns. */
const patience = 100_000;
/** So many times worse than guessing is said at once. */
const wild = 10;
/** Bits by which a figure must be off. */
const margin = 0.1;
/** A symbol that was seen fewer times than this, on average, cannot be learnt. */
const enough = 200;

/** Sees what is wrong with a run, and says what to change: each thing once. */
export class Diagnosis {
  private readonly settings: Settings;
  private readonly size: number;
  private readonly perIteration: number;
  private readonly learnt: number;
  /** Bits per symbol of a net that knows only how frequent each symbol is. */
  private readonly frequencies: number;
  private readonly said = new Set<string>();
  private lowest = Infinity;

  constructor(reading: Reading, size: number, settings: Settings) {
    this.settings = settings;
    this.size = size;
    this.perIteration = settings.steps * settings.batch;
    this.learnt = reading.length - Math.max(0, reading.heldOut.length - 1);
    this.frequencies = entropyOf(reading.heldOut, size);
  }

  /** What is to be said of the text before training; undefined where nothing is. */
  ofText(): string | undefined {
    const { size, learnt, settings } = this;
    if (learnt / size >= enough) return undefined;
    const each = Math.round(learnt / size);
    const more = settings.unit === 'word' ? 'a longer text, or fewer of them (--words N)' : 'a longer text';
    return `the ${learnt} ${settings.unit}s to learn from hold ${size} different ones, each ${each === 1 ? 'once' : `${each} times`} on average: too rarely for a net to learn most of them; ${more} would help`;
  }

  /** What is to be said of a net at this point; undefined where nothing is, or it was said before. */
  of(iteration: number, bits: number, heldOut: number | undefined): string | undefined {
    const chance = Math.log2(this.size);
    if (iteration * this.perIteration < patience && !(bits > wild * chance)) return undefined;
    const { lr } = this.settings;
    const smaller = `a smaller --lr (${short(lr / 5)}) or --clip-norm 1`;
    const grown = bits > this.lowest + 5 * margin;
    this.lowest = Math.min(this.lowest, bits);
    if (Math.max(bits, heldOut ?? 0) > chance + margin) {
      return this.once(
        'chance',
        `${bits.toFixed(2)} bits are worse than guessing blindly (${chance.toFixed(2)}); ${smaller} may help`,
      );
    }
    if (grown) {
      return this.once(
        'grown',
        `the loss has grown from ${this.lowest.toFixed(2)} to ${bits.toFixed(2)} bits; ${smaller} may help`,
      );
    }
    if (bits > this.frequencies - margin && heldOut !== undefined && heldOut > this.frequencies - margin) {
      return this.once(
        'dead',
        `the net has learnt no more than how frequent each ${this.settings.unit} is (${this.frequencies.toFixed(2)} bits); another --lr, --init or --seed may wake it`,
      );
    }
    return undefined;
  }

  private once(what: string, text: string): string | undefined {
    if (this.said.has(what)) return undefined;
    this.said.add(what);
    return text;
  }
}

/** Of the symbols' own frequencies, in bits. */
function entropyOf(ids: Int32Array, size: number): number {
  const counts = new Float64Array(size);
  for (const id of ids) counts[id]++;
  return counts.reduce((bits, n) => (n === 0 ? bits : bits - (n / ids.length) * Math.log2(n / ids.length)), 0);
}

function short(x: number): string {
  return String(Number(x.toPrecision(1)));
}
