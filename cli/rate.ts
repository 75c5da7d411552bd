import { rateAt, type Settings } from './settings.ts';

/** The learning rate of a run: by its updates where their number is known, else by the time that has passed. */
export class Rate {
  /** Of the run, from 0 to 1; set as the run goes on where its length is given in seconds. */
  progress = 0;
  readonly of: number | ((step: number) => number);

  constructor(settings: Settings, iterations: number | undefined) {
    if (!settings.lrDecay) this.of = settings.lr;
    else if (iterations === undefined) this.of = () => rateAt(settings, this.progress);
    else this.of = (step) => rateAt(settings, Math.min(1, step / iterations));
  }
}
