// Who may do what.
export * from './authority.ts';
export * from './secret.ts';
export { tokenCookie } from './token.ts';
