import { worldContract } from '@godwit/core/testing';
import { createNodeWorld } from './world.ts';

worldContract('of Node', () => ({
  world: createNodeWorld(),
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}));
