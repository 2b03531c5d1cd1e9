// The page's elements, found by the names that its tests use too.

/** The element with this `data-testid`. */
export function find(name: string): HTMLElement {
  return one(`[data-testid="${name}"]`);
}

/** The input with this `data-testid`. */
export function findInput(name: string): HTMLInputElement {
  const element = find(name);
  if (!(element instanceof HTMLInputElement)) throw new TypeError(`${name} is no input`);
  return element;
}

/** The button with this `data-testid`. */
export function findButton(name: string): HTMLButtonElement {
  const element = find(name);
  if (!(element instanceof HTMLButtonElement)) throw new TypeError(`${name} is no button`);
  return element;
}

/** The first element that the selector matches; the page is ours, so it has one. */
export function one(selector: string, within: ParentNode = document): HTMLElement {
  const element = within.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new TypeError(`the page has no ${selector}`);
  return element;
}

/** Writes only what changed: a screen reader reads every write aloud. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
