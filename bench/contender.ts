/** One way of doing a workload: a step that does one unit of work and gives its loss. */
export interface Contender {
  step(): number;
}

/** What both ways of doing W1 start from: weights, and a stream of symbols with something to learn. */
export interface CharRnnStart {
  Wxh: Float32Array;
  Whh: Float32Array;
  Why: Float32Array;
  text: Int32Array;
}

/** What both ways of doing W5 start from: weights as `[out,in]`, and strings of T + 1 symbols one after another. */
export interface ElmanStart {
  Wih: Float32Array;
  Whh: Float32Array;
  Who: Float32Array;
  strings: Int32Array;
}
