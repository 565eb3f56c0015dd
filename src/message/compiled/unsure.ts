/** Why a class is left to class-validator alone: something about it is not known well enough. Goes no further than acceptor.ts. */
export class Unsure extends Error {}
