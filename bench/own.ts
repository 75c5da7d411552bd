import { serve } from './contender.ts';
import { importedProduct, libraryContender, type Who } from './library.ts';
import { peakContender } from './peak.ts';
import { plainContender } from './plainLoops.ts';

/** The process of one of our own engines; the arguments are its name, the dtype and how many threads. */
const [engine, dtype, threads] = process.argv.slice(2);

await serve((task, tensors) => {
  if (engine === 'peak') return peakContender();
  if (engine === 'plain') return plainContender(task, tensors, dtype === 'float32' ? Float32Array : Float64Array);
  if (engine === 'matmulNN') return importedProduct(task, tensors);
  const [name, fma] = engine.split('+');
  return libraryContender(task, tensors, { engine: name, fma: fma === 'fma', dtype, threads: Number(threads) } as Who);
});
