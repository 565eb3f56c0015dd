/** The list that a message was taken from and goes back to: requeued, base, high, low, quarantine. */
export type Lane = 'a' | 'b' | 'h' | 'l' | 's';
