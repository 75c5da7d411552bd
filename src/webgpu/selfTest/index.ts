export type { KernelFailure, Placement, Sizes } from './check.ts';
export { type SelfTestOptions, type SelfTestReport, selfTest } from './selfTest.ts';
