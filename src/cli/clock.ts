/** Unix ms for times that are compared with each other. A change of the machine's clock does not move it. */
export const steadyNow = (): number => performance.timeOrigin + performance.now();
