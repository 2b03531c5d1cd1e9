// Numbers that several rooms share.

/** How long closing waits for handlers: about as long as a person waits for a page to go away. */
export const closeMs = 5000;

/**
 * How deep events may cause events without a pause. Nothing recurses (an event dispatched inside a handler is taken up
 * after the one that is being handed out), so this is no stack's limit: it ends what would go round for ever.
 */
export const depthMax = 1000;

/** How many events may be held: before the start, or dispatched by handlers of an event that is still being handed out. */
export const heldMax = 100_000;

/**
 * How many types without a handler of their own are remembered. Types may come from outside, in any number; a type that
 * was forgotten is compared with the patterns again.
 */
export const rememberedMax = 10_000;

/**
 * How many events wait for one handler, unless it says otherwise: enough for a burst of a busy page, and with events of
 * 200 bytes about 200 kB, so that a handler that never ends is noticed before the memory is.
 */
export const mailboxCapacity = 1024;
