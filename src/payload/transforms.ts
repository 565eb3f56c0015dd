// `@Type` calls Reflect.getMetadata while classes are declared.
import 'reflect-metadata';
import type { ClassTransformOptions, TransformationType, TransformFnParams, TypeHelpOptions } from 'class-transformer';
import { classTransformer, transformerStorage as storage } from './class-libraries.js';

/** Any class, also an abstract one. */
export type AnyClass = abstract new (...args: never[]) => object;
/** One `@Transform` in the direction to plain. Gets the value and the object that has the property. */
export type Writer = (value: unknown, owner: object) => unknown;

/** The function of one `@Transform`. */
export type TransformFn = (params: TransformFnParams) => unknown;

/** The subclasses in `@Type(…, { discriminator })`. */
export interface Discriminator {
  readonly property: string;
  readonly subTypes: readonly { readonly name: string; readonly value: AnyClass }[];
}

/** Metadata of `@Type` on a property. */
export interface TypeMetadata {
  /** Returns the class. Called for each object, because the class may depend on it. */
  readonly classFor: (object: object) => unknown;
  /** Whether the class is the same for all objects. */
  readonly isFixed: boolean;
  readonly discriminator: Discriminator | undefined;
  /** The declared type, from the compiler, when `@Type` was applied. class-transformer creates collections of this type. */
  readonly reflected: unknown;
}

/** Metadata of class-transformer's decorators on one property. */
export interface TransformMetadata {
  /** Name of the property in the plain object. */
  readonly wireName: string;
  /** Whether the property is part of the conversion from plain to instance. */
  readonly isRead: boolean;
  /** Whether the property is part of the conversion from instance to plain. */
  readonly isWritten: boolean;
  /** The transforms to class, in order. */
  readonly readers: readonly TransformFn[];
  /** Whether it has `@Transform`, in either direction. */
  readonly isTransformed: boolean;
  /** The transforms to plain, in order. */
  readonly writers: readonly Writer[];
  readonly type: TypeMetadata | undefined;
}

// The values of the enum TransformationType. class-transformer is not loaded yet.
export const toClass = 0 as TransformationType.PLAIN_TO_CLASS;
const toPlain = 1 as TransformationType.CLASS_TO_PLAIN;

/** Whether we read the metadata that our class-transformer writes. False in some bundles. */
export function isMetadataReadable(): boolean {
  class Probe {
    key?: string;
  }
  classTransformer().Expose()(Probe.prototype, 'key');
  return storage().getExposedProperties(Probe, toClass).includes('key');
}

/** Properties with `@Expose` or `@Exclude`, including inherited ones. */
export function selectedProperties(cls: AnyClass): string[] {
  const selected = [...storage().getExposedMetadatas(cls), ...storage().getExcludedMetadatas(cls)];
  return selected.flatMap(({ propertyName }) => propertyName ?? []);
}

/** Properties with `@Expose` in the direction to class, in class-transformer's order. It visits them also if they are absent. */
export const exposedProperties = (cls: AnyClass): string[] => [
  ...new Set(storage().getExposedProperties(cls, toClass)),
];

/** Whether `@Exclude` on the class leaves only properties with `@Expose`. */
export const isClosed = (cls: AnyClass): boolean => storage().getStrategy(cls) === 'excludeAll';

/**
 * Whether class-transformer may confuse two properties of a class. It compares names of plain objects with names of
 * properties, and it uses the custom names of overridden `@Expose` too.
 *
 * @param ownerOf the property with this name in the plain object
 */
export function hasAmbiguousNames(
  cls: AnyClass,
  names: readonly string[],
  ownerOf: (wireName: string) => unknown,
): boolean {
  const excluded = new Set(
    storage()
      .getExcludedMetadatas(cls)
      .map(({ propertyName }) => propertyName),
  );
  return storage()
    .getExposedMetadatas(cls)
    .some(({ propertyName, options }) => {
      if (excluded.has(propertyName)) return true;
      const { name, groups } = options;
      if (name === undefined || name === propertyName) return false;
      if (groups !== undefined || names.includes(name)) return true;
      return ownerOf(name) !== undefined && ownerOf(name) !== propertyName;
    });
}

/** The metadata of one property of a class. */
export function transformMetadata(cls: AnyClass, property: string, groups: readonly string[]): TransformMetadata {
  const transforms = (direction: TransformationType): TransformFn[] =>
    storage()
      .findTransformMetadatas(cls, property, direction)
      .filter(({ options }) => isActive(options.groups, groups))
      .map(({ transformFn }) => transformFn);
  const readers = transforms(toClass);
  const writers = transforms(toPlain).map((transform) => writerOf(transform, property));
  const isRead = takesOver(cls, property, toClass, groups);
  return {
    wireName: storage().findExposeMetadata(cls, property)?.options?.name ?? property,
    isRead,
    // A worker would refuse a property that is written and not read.
    isWritten: isRead && takesOver(cls, property, toPlain, groups),
    isTransformed: writers.length > 0 || readers.length > 0,
    readers,
    writers,
    type: typeMetadata(cls, property),
  };
}

function takesOver(cls: AnyClass, property: string, direction: TransformationType, groups: readonly string[]): boolean {
  if (storage().getExcludedProperties(cls, direction).includes(property)) return false;
  if (!isActive(storage().findExposeMetadata(cls, property)?.options?.groups, groups)) return false;
  return !isClosed(cls) || storage().getExposedProperties(cls, direction).includes(property);
}

// Exactly as in class-transformer, also for an empty list.
function isActive(own: readonly string[] | undefined, groups: readonly string[]): boolean {
  if (groups.length > 0) return own === undefined || groups.some((group) => own.includes(group));
  return own === undefined || own.length === 0;
}

function writerOf(transform: TransformFn, key: string): Writer {
  return (value, owner) => transform({ value, key, obj: owner, type: toPlain, options: {} });
}

/** The options that `@Transform` functions get from class-transformer: the given ones and its defaults. */
export function optionsSeenBy(options: ClassTransformOptions): ClassTransformOptions {
  class Probe {
    it?: unknown;
  }
  let seen = options;
  classTransformer().Transform((params) => {
    seen = params.options;
  })(Probe.prototype, 'it');
  classTransformer().plainToInstance(Probe, { it: 1 }, options);
  return seen;
}

function typeMetadata(cls: AnyClass, property: string): TypeMetadata | undefined {
  const metadata = storage().findTypeMetadata(cls, property);
  if (!metadata) return undefined;
  const classFor = (object: object): unknown => {
    const help: TypeHelpOptions = { newObject: {}, object: object as Record<string, unknown>, property };
    return metadata.typeFunction ? metadata.typeFunction(help) : metadata.reflectedType;
  };
  const discriminator = metadata.options?.discriminator as Discriminator | undefined;
  return {
    classFor,
    isFixed: (metadata.typeFunction?.length ?? 0) === 0,
    discriminator,
    reflected: metadata.reflectedType,
  };
}
