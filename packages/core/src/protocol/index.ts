export * from './channel.ts';
export * from './frames.ts';
export * from './limits.ts';
export * from './names.ts';
export * from './offset.ts';
export * from './problem.ts';
export * from './record.ts';
export * from './results.ts';
