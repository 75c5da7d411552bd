import { expect, it } from 'vitest';
import * as layers from '../../src/layers/state.ts';
import { stateKernels } from '../../src/wasm/state.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(stateKernels, layers);

it('startStateForward gives each row its given state, the learned one or zero, whatever stands in the other', () => {
  forEverySize(({ R: B, n: H, one: learned, seed }) => {
    const draw = new Draw(seed);
    const keep = draw.mask(B);
    const given = draw.floats(B * H).map((v, i) => (keep[Math.floor(i / H)] === 1 ? v : Number.NaN));
    const values = { h: draw.floats(B * H), given, h0: learned ? draw.floats(H) : null, keep };
    const { got, want } = run(values, (k, { h, given, h0, keep }) => k.startStateForward(h, given, h0, keep, B, H));
    expect(got.h).toEqual(Float32Array.from(want.h));
    expect(got.h).not.toContain(Number.NaN);
  });
});

it('startStateBackward parts the gradient and adds up the learned state’s, in place too', () => {
  forEverySize(({ R: B, n: H, one: learned, other: inPlace, seed }) => {
    const draw = new Draw(seed);
    const values = {
      dgiven: draw.floats(B * H),
      dh0: learned ? draw.floats(H) : null,
      dh: draw.floats(B * H),
      keep: draw.mask(B),
    };
    const { got, want } = run(values, (k, { dgiven, dh0, dh, keep }) => {
      k.startStateBackward(inPlace ? dh : dgiven, dh0, dh, keep, B, H);
    });
    for (const name of ['dgiven', 'dh'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
    if (learned) expectNear(got.dh0, want.dh0, gamma(B) * (B + 1)); // B numbers added to what is there
  });
});

it('holdStateForward and holdStateBackward overwrite the rows that lack the step, clearRows clears them', () => {
  forEverySize(({ R: B, n: H, seed }) => {
    const draw = new Draw(seed);
    const [h, hPrev] = [draw.floats(B * H), draw.floats(B * H)];
    const values = { h, dhPrev: draw.floats(B * H), y: draw.floats(B * H), hPrev, mask: draw.mask(B) };
    const { got, want } = run(values, (k, { h, dhPrev, y, hPrev, mask }) => {
      k.holdStateForward(h, hPrev, mask, B, H);
      k.holdStateBackward(dhPrev, hPrev, mask, B, H);
      k.clearRows(y, mask, B, H);
    });
    for (const name of ['h', 'dhPrev', 'y'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('all refuse what does not fit', () => {
  const [flags, row, x] = [new Float32Array(2), new Float32Array(3), new Float32Array(6)];
  expectRefuses(stateKernels, 'startStateForward', 'h given h0 keep B H', [x, x, row, flags, 2, 3]);
  expectRefuses(stateKernels, 'startStateBackward', 'dgiven dh0 dh keep B H', [x, row, x, flags, 2, 3]);
  expectRefuses(stateKernels, 'holdStateForward', 'h hPrev mask B H', [x, x, flags, 2, 3]);
  expectRefuses(stateKernels, 'holdStateBackward', 'dhPrev dh mask B H', [x, x, flags, 2, 3]);
  expectRefuses(stateKernels, 'clearRows', 'y mask B n', [x, flags, 2, 3]);
});
