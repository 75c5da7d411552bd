import { unpackSoftwareGpu } from '../../scripts/softwareGpu.ts';

/** Before every test: the software adapter and the browser out of node_modules, once. */
export default unpackSoftwareGpu;
