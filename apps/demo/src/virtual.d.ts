/** Made by build/examples.ts. */
declare module 'virtual:github-examples' {
  const examples: readonly import('./events/example.ts').Example[];
  export default examples;
}
