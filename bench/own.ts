import { gpuOrSoftware } from '../scripts/softwareGpu.ts';
import { type Own, ownContender } from './ownContender.ts';
import { serve } from './serve.ts';

/** The process of one of our own engines; its argument says which. */
const own = JSON.parse(process.argv[2]) as Own;

await serve((task, tensors) => ownContender(task, tensors, own, gpuOrSoftware));
