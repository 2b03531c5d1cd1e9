// Who may do what.
export * from './access.ts';
export * from './authority.ts';
export * from './hook.ts';
export { jwksKeys } from './jwks.ts';
export { publicKeys, secretBytesMin, secretKeys, type KeyHint, type Keys } from './keys.ts';
export { mintToken, signingKey, type Signing } from './mint.ts';
export { tokenCookie, tokenParameter } from './token.ts';
export * from './tokens.ts';
