import type * as layers from '../layers/state.ts';
import { type Expr, f32x4, type Local, type ModuleBuilder, v128 } from './assembler.ts';
import { emitRows, forEachElement } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/**
 * h = keep·given + (1 − keep)·h0 and its backward; rows of mask 0 that stand still (h = hPrev, dhPrev = dh) or are
 * cleared. With and without a learned h0 are two functions.
 */
export function stateKernels(
  w: WasmMemory,
): Pick<
  typeof layers,
  'startStateForward' | 'startStateBackward' | 'holdStateForward' | 'holdStateBackward' | 'clearRows'
> {
  const { startState, startLearnedState, startStateBackward, startLearnedStateBackward, holdRows, clearRows } = w.call;
  return {
    startStateForward(h, given, h0, keep, B, H) {
      const fn = 'startStateForward';
      const hAt = w.at(fn, 'h', h, '[B,H]', B, H);
      const givenAt = w.at(fn, 'given', given, '[B,H]', B, H);
      const h0At = w.atOrNull(fn, 'h0', h0, '[H]', H);
      const start = h0 ? startLearnedState : startState;
      start(hAt, givenAt, h0At, w.at(fn, 'keep', keep, '[B]', B), B, H);
    },
    startStateBackward(dgiven, dh0, dh, keep, B, H) {
      const fn = 'startStateBackward';
      const dgivenAt = w.at(fn, 'dgiven', dgiven, '[B,H]', B, H);
      const dh0At = w.atOrNull(fn, 'dh0', dh0, '[H]', H);
      const dhAt = w.at(fn, 'dh', dh, '[B,H]', B, H);
      const backward = dh0 ? startLearnedStateBackward : startStateBackward;
      backward(dgivenAt, dh0At, dhAt, w.at(fn, 'keep', keep, '[B]', B), B, H);
    },
    holdStateForward(h, hPrev, mask, B, H) {
      const fn = 'holdStateForward';
      const hAt = w.at(fn, 'h', h, '[B,H]', B, H);
      const hPrevAt = w.at(fn, 'hPrev', hPrev, '[B,H]', B, H);
      holdRows(hAt, hPrevAt, w.at(fn, 'mask', mask, '[B]', B), B, H);
    },
    holdStateBackward(dhPrev, dh, mask, B, H) {
      const fn = 'holdStateBackward';
      const dhPrevAt = w.at(fn, 'dhPrev', dhPrev, '[B,H]', B, H);
      const dhAt = w.at(fn, 'dh', dh, '[B,H]', B, H);
      holdRows(dhPrevAt, dhAt, w.at(fn, 'mask', mask, '[B]', B), B, H);
    },
    clearRows(y, mask, B, n) {
      const yAt = w.at('clearRows', 'y', y, '[B,n]', B, n);
      clearRows(yAt, w.at('clearRows', 'mask', mask, '[B]', B), B, n);
    },
  };
}

/** Whether a row lacks its step: its number in the mask is not 1. */
function isMissing(mask: Local<'i32'>): Expr<'i32'> {
  return v128.anyTrue(f32x4.unequal(v128.loadSplat(mask), 1));
}

export function emitState(m: ModuleBuilder): void {
  for (const learned of [false, true]) {
    const name = learned ? 'startLearnedState' : 'startState';
    emitRows(m, name, ['[R,n]', '[R,n]', '[n]', '[R]'], (f, [h, given, h0, keep], H) => {
      const goesOn = f.let(f32x4.equal(v128.loadSplat(keep), 1));
      forEachElement(f, H, (at) => at.store(h, v128.select(at.load(given), learned ? at.load(h0) : 0, goesOn)));
    });
    emitRows(m, `${name}Backward`, ['[R,n]', '[n]', '[R,n]', '[R]'], (f, [dgiven, dh0, dh, keep], H) => {
      const goesOn = f.let(v128.loadSplat(keep));
      const begins = f.let(f32x4.sub(1, goesOn));
      forEachElement(f, H, (at) => {
        const d = f.let(at.load(dh));
        if (learned) at.store(dh0, f32x4.add(at.load(dh0), f32x4.mul(begins, d)));
        at.store(dgiven, f32x4.mul(goesOn, d));
      });
    });
  }
  emitRows(m, 'holdRows', ['[R,n]', '[R,n]', '[R]'], (f, [h, hPrev, mask], H) => {
    f.if(isMissing(mask), () => forEachElement(f, H, (at) => at.store(h, at.load(hPrev))));
  });
  emitRows(m, 'clearRows', ['[R,n]', '[R]'], (f, [y, mask], n) => {
    f.if(isMissing(mask), () => forEachElement(f, n, (at) => at.store(y, 0)));
  });
}
