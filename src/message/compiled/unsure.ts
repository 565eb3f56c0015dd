/** The reason why a class cannot be compiled: it has an unsupported feature. Only acceptor.ts catches it. */
export class Unsure extends Error {}
