// Tests an application's own events and handlers in a seeded world.
export * from './application.ts';
export { rehearse } from './rehearse.ts';
