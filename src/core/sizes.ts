/** Largest `maxBytes`. Node cannot make a text of 512 MiB, and a worker needs several times the size of a message. */
export const mostPayloadBytes = 134_217_728;

/** A worker takes no larger message: a payload with its header and its failures. */
export const mostMessageBytes = mostPayloadBytes + 8_192;

/** A call of promote and revive moves no further message after so many bytes, and a release sends so many at once. */
export const mostMovedBytes = 1_048_576;
