/** Field that the JavaScript engine adds to `INFO`, with its version. It shows that the server is not a native Redis. */
export const engineField = 'hotqueue_engine';
