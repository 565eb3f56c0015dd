/** What `INFO` of the JavaScript engine says besides, so that it is never taken for a real Redis; holds its version. */
export const engineField = 'hotqueue_engine';
