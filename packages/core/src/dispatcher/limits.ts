// Numbers that several rooms share.

/** How long closing waits for handlers: about as long as a person waits for a page to go away. */
export const closeMs = 5000;
