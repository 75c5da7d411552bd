/** A curve of any number of values in at most so many points: each is the mean of equally many of them. */
export class Curve {
  private readonly most: number;
  private means: number[] = [];
  private per = 1;
  private sum = 0;
  private count = 0;

  /** The number of the value before the first. */
  private readonly from: number;
  /** The number of the last value. */
  last: number;

  constructor(from = 0, most = 600) {
    this.from = from;
    this.last = from;
    this.most = most;
  }

  add(value: number): void {
    this.last++;
    this.sum += value;
    if (++this.count < this.per) return;
    this.means.push(this.sum / this.per);
    this.sum = 0;
    this.count = 0;
    if (this.means.length < this.most) return;
    this.per *= 2;
    const { means } = this;
    this.means = Array.from({ length: means.length / 2 }, (_, i) => (means[2 * i] + means[2 * i + 1]) / 2);
  }

  /** [number of the last value of the point, mean] */
  get points(): (readonly [number, number])[] {
    return this.means.map((mean, i) => [this.from + (i + 1) * this.per, mean] as const);
  }
}
