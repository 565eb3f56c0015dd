/**
 * Layout of claims in Redis, as described in `scripts/_lib.lua`. Layout 2 had the same claims, and other names for some keys.
 * Layout 1 had one field for each message.
 */
export const claimsLayout = '3';

/** Field name of a message in layout 1: its lane letter, the number of its take, and its index. */
export const layout1Field = /^[abhls]\d+\.\d+$/;
