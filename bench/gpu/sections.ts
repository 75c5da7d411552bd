import { ADAPTER, KERNELS, LATENCY, PRODUCTS } from './machineSections.ts';
import type { Section } from './section.ts';
import { CROSSOVER, SQUARES, TRAININGS } from './trainingSections.ts';
import { GRADIENTS, PLANS, RECURRENCES, STAGES } from './tuningSections.ts';

/** Everything that is measured, what matters most first: a run that is ended early has it. */
export const SECTIONS: readonly Section[] = [
  ADAPTER,
  LATENCY,
  PRODUCTS,
  ...TRAININGS,
  SQUARES,
  STAGES,
  RECURRENCES,
  KERNELS,
  GRADIENTS,
  PLANS,
  CROSSOVER,
];
