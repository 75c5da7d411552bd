import { assertFloats } from '../device/assert.ts';
import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import type { KernelSource } from '../device/pipelines.ts';

const draw: KernelSource = {
  name: 'drawSymbol',
  outputs: { drawn: 'i32', ids: 'i32' },
  inputs: { z: 'f32', how: 'f32' },
  args: { V: 'u32' },
  repeats: true,
  code: `
@compute @workgroup_size(1)
fn main() {
  var best = 0u;
  var bad = false;
  for (var v = 0u; v < args.V; v++) {
    let bits = bitcast<u32>(z(v));
    bad = bad || ((bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u);
    if (z(v) > z(best)) { best = v; }
  }
  bad = bad || bitcast<u32>(z(best)) == 0xff800000u;
  var symbol = best;
  // how: 1/temperature, 0 for the likeliest; then the uniform numbers
  let boldness = how(0u);
  if (boldness > 0.0 && !bad) {
    let top = z(best);
    var total = 0.0;
    for (var v = 0u; v < args.V; v++) { total += exp((z(v) - top) * boldness); }
    let goal = how(1u + repeat()) * total;
    var sum = 0.0;
    for (var v = 0u; v < args.V; v++) {
      let p = exp((z(v) - top) * boldness);
      if (p > 0.0) {
        sum += p;
        symbol = v;
        if (sum > goal) { break; }
      }
    }
  }
  set_drawn(repeat(), select(i32(symbol), -1, bad));
  set_ids(0u, i32(symbol));
}`,
};

/**
 * Draws a symbol from the logits with a uniform number u, and makes it the next one that is read: the first symbol whose
 * cumulative probability exceeds u, or the likeliest. Where a logit is NaN or +∞, or none is above −∞, it draws −1.
 *
 * In a recorded list repetition r takes u_r.
 *
 * @param drawn [repetitions], element r overwritten with the symbol
 * @param ids [1], overwritten with the symbol
 * @param z [V], the logits
 * @param how [1 + repetitions], 1/temperature (0 for the likeliest), then u_0, u_1, …
 */
export function drawSymbol(drawn: IntBuffer, ids: IntBuffer, z: FloatBuffer, how: FloatBuffer, V: number): void {
  assertFloats('drawSymbol', { z }, '[V]', V);
  z.device.dispatch(draw, { drawn, ids, z, how }, { V }, [1, 1, 1]);
}
