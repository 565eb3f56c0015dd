/** The list that a message was taken from and goes back to: again, base, high, low, suspects. */
export type Lane = 'a' | 'b' | 'h' | 'l' | 's';
