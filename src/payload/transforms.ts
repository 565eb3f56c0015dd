// `@Type` calls Reflect.getMetadata while classes are declared.
import 'reflect-metadata';
import type { TransformationType, TypeHelpOptions } from 'class-transformer';
import { classTransformer, transformerStorage as storage } from './class-libraries.js';

/** Any class, also an abstract one. */
export type AnyClass = abstract new (...args: never[]) => object;
/** One `@Transform` in the direction to plain. Gets the value and the object that has the property. */
export type Writer = (value: unknown, owner: object) => unknown;

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
  /** Whether it has `@Transform`, in either direction. */
  readonly isTransformed: boolean;
  /** The transforms to plain, in order. */
  readonly writers: readonly Writer[];
  readonly type: TypeMetadata | undefined;
}

// The values of the enum TransformationType. class-transformer is not loaded yet.
const toClass = 0 as TransformationType.PLAIN_TO_CLASS;
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

/** Whether `@Expose` or `@Exclude` is on a class, or on one of its properties, including inherited ones. */
export const isSelective = (cls: AnyClass): boolean =>
  storage().getStrategy(cls) !== 'none' || selectedProperties(cls).length > 0;

/** The metadata of one property of a class. */
export function transformMetadata(cls: AnyClass, property: string): TransformMetadata {
  const writers = storage()
    .findTransformMetadatas(cls, property, toPlain)
    .map(({ transformFn }) => writerOf(transformFn, property));
  return {
    wireName: storage().findExposeMetadata(cls, property)?.options?.name ?? property,
    isRead: takesOver(cls, property, toClass),
    isWritten: takesOver(cls, property, toPlain),
    isTransformed: writers.length > 0 || storage().findTransformMetadatas(cls, property, toClass).length > 0,
    writers,
    type: typeMetadata(cls, property),
  };
}

function takesOver(cls: AnyClass, property: string, direction: TransformationType): boolean {
  if (storage().getExcludedProperties(cls, direction).includes(property)) return false;
  return (
    storage().getStrategy(cls) !== 'excludeAll' || storage().getExposedProperties(cls, direction).includes(property)
  );
}

type TransformFn = ReturnType<ReturnType<typeof storage>['findTransformMetadatas']>[number]['transformFn'];

function writerOf(transform: TransformFn, key: string): Writer {
  return (value, owner) => transform({ value, key, obj: owner, type: toPlain, options: {} }) as unknown;
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
