export * from './buffers.ts';
export * from './commands.ts';
export * from './device.ts';
export * from './errors.ts';
export * from './pipelines.ts';
export * from './tanh.ts';
