import { type Expr, type FunctionBuilder, f32x4, type Local, v128 } from './assembler.ts';

/** losses[r] = w[r]·loss, 0 where w[r] is 0 whatever the loss: padding may hold anything. The loss is in the first lane. */
export function storeLoss(f: FunctionBuilder, losses: Local<'i32'>, weights: Local<'i32'>, loss: Expr<'v128'>): void {
  const weight = f.let(v128.load32Zero(weights));
  f.storeOne(losses, v128.and(f32x4.mul(weight, loss), f32x4.unequal(weight, 0)));
}
