/** The reason why a class cannot be compiled: it has an unsupported feature. Only compile.ts catches it. */
export class Unsupported extends Error {}
