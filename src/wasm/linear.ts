import { assertIds } from '../check/arrays.ts';
import type * as layers from '../layers/linear.ts';
import { addKernels } from './add.ts';
import { gathers } from './gather.ts';
import { type LinearProduct, linearProduct } from './matmul.ts';
import type { WasmMemory } from './memory.ts';

/**
 * y[r,·] = W·x[r,·] + b; for one-hot rows y[r,·] = W[·,ids[r]] + b, and dW[·,ids[r]] += dy[r,·].
 *
 * @param halves whether W is bfloat16, which `linear` then reads, too
 */
export function linearKernels(
  w: WasmMemory,
  linear: LinearProduct = linearProduct(w),
  halves = false,
): Pick<typeof layers, 'linearForward' | 'oneHotLinearForward' | 'oneHotLinearBackward'> {
  const { addRow, addRowBackward } = addKernels(w);
  const { gatherColumns, gatherColumnsBackward } = gathers(w, halves);
  return {
    linearForward: linear,
    oneHotLinearForward(y, ids, W, b, R, D, O) {
      const fn = 'oneHotLinearForward';
      const yAt = w.at(fn, 'y', y, '[R,O]', R, O);
      const WAt = w.weightsAt(fn, 'W', W, halves, '[O,D]', O, D);
      w.atOrNull(fn, 'b', b, '[O]', O);
      const idsAt = w.at(fn, 'ids', ids, '[R]', R);
      assertIds(fn, 'ids', ids, D);
      gatherColumns(yAt, WAt, idsAt, R, D, O);
      if (b) addRow(y, y, b, R, O);
    },
    oneHotLinearBackward(dW, db, dy, ids, R, D, O) {
      const fn = 'oneHotLinearBackward';
      const dWAt = w.at(fn, 'dW', dW, '[O,D]', O, D);
      w.atOrNull(fn, 'db', db, '[O]', O);
      const dyAt = w.at(fn, 'dy', dy, '[R,O]', R, O);
      const idsAt = w.at(fn, 'ids', ids, '[R]', R);
      assertIds(fn, 'ids', ids, D);
      gatherColumnsBackward(dWAt, dyAt, idsAt, R, D, O);
      if (db) addRowBackward(db, dy, R, O);
    },
  };
}
