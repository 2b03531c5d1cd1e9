// Durable handlers' half of a handle, for whoever loads it apart from the rest.
export { createTaskSide } from './task-side.ts';
