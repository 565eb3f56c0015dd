/** For listeners that a library demands. */
export function nothing() {}
