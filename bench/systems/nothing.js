/** An empty function, for listeners that a library requires. */
export function nothing() {}
