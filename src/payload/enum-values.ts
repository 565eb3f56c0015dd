type Entity = Readonly<Record<string, unknown>>;

/**
 * Whether a key of an enum is one of those that TypeScript adds for numbers: `enum Level { low }` has the value 0, and the
 * key '0' with the name 'low'.
 */
const isReverse = (entity: Entity, key: string): boolean =>
  typeof entity[key] === 'string' && entity[entity[key]] === Number(key);

/** Whether an enum has this value now. The names of its numbers are not values. The user may change the object at any time. */
export function isEnumValue(entity: Entity, value: unknown): boolean {
  for (const key in entity)
    if (entity[key] === value && Object.hasOwn(entity, key) && !isReverse(entity, key)) return true;
  return false;
}
