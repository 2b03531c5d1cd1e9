import { worldContract } from '@godwit/core/contracts';
import { createWorkersWorld } from './world.ts';

// Real time, and little of it: there is no other way to see that the platform's timers keep the law.
worldContract('of Workers', () => {
  const world = createWorkersWorld();
  return { world, pass: (ms) => new Promise((resolve) => world.after(ms, resolve)) };
});
