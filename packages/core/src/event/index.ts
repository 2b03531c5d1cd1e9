export * from './cloudevent.ts';
export * from './define.ts';
export * from './id.ts';
export * from './json.ts';
export * from './pattern.ts';
export * from './schema.ts';
