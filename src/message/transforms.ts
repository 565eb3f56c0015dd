// `@Type` asks Reflect for `design:type` while classes are being declared.
import 'reflect-metadata';
import { Expose, TransformationType, type TypeHelpOptions } from 'class-transformer';
// What @Type, @Expose and @Exclude noted down. Private, and imported by path so that a bundler takes the same file:
// there is no public way to ask, and without it unknown keys could not be refused before they cost anything.
import { defaultMetadataStorage as storage } from 'class-transformer/cjs/storage.js';

/** A class, for asking about it. */
export type AnyClass = abstract new (...args: never[]) => object;
/** Value and object of one `@Transform`, towards plain. */
export type Writer = (value: unknown, owner: object) => unknown;

/** The subclasses that a property names in `@Type(…, { discriminator })`. */
export interface Discriminator {
  readonly property: string;
  readonly subTypes: readonly { readonly name: string; readonly value: AnyClass }[];
}

/** What `@Type` says about a property. */
export interface TypeNote {
  /** Asked anew for each object: the class may depend on it. */
  readonly classFor: (object: object) => unknown;
  /** Whether it is the same for all objects. */
  readonly isFixed: boolean;
  readonly discriminator: Discriminator | undefined;
  /** What the compiler said the property was, when `@Type` was applied: class-transformer makes arrays of it. */
  readonly reflected: unknown;
}

/** What class-transformer's decorators say about one property. */
export interface TransformNote {
  /** Name in the plain object. */
  readonly wireName: string;
  /** Whether plain to instance takes it over. */
  readonly isRead: boolean;
  /** Whether instance to plain takes it over. */
  readonly isWritten: boolean;
  /** Whether `@Transform` has a say in either direction. */
  readonly isTransformed: boolean;
  /** The transforms towards plain, in order. */
  readonly writers: readonly Writer[];
  readonly type: TypeNote | undefined;
}

const { PLAIN_TO_CLASS: toClass, CLASS_TO_PLAIN: toPlain } = TransformationType;

/** Whether the notes we read are those that our class-transformer takes: false in some bundles. */
export function notesAreReadable(): boolean {
  class Probe {
    key?: string;
  }
  Expose()(Probe.prototype, 'key');
  return storage.getExposedProperties(Probe, toClass).includes('key');
}

/** Properties named by `@Expose` or `@Exclude`, inherited ones included. */
export function notedProperties(cls: AnyClass): string[] {
  const noted = [...storage.getExposedMetadatas(cls), ...storage.getExcludedMetadatas(cls)];
  return noted.flatMap(({ propertyName }) => propertyName ?? []);
}

/** Whether `@Expose` or `@Exclude` has any say in a class: about a property, inherited ones included, or about the whole. */
export const isSelective = (cls: AnyClass): boolean => storage.getStrategy(cls) !== 'none' || notedProperties(cls).length > 0;

export function transformNote(cls: AnyClass, property: string): TransformNote {
  const writers = storage.findTransformMetadatas(cls, property, toPlain).map(({ transformFn }) => writerOf(transformFn, property));
  return {
    wireName: storage.findExposeMetadata(cls, property)?.options?.name ?? property,
    isRead: takesOver(cls, property, toClass),
    isWritten: takesOver(cls, property, toPlain),
    isTransformed: writers.length > 0 || storage.findTransformMetadatas(cls, property, toClass).length > 0,
    writers,
    type: typeNote(cls, property),
  };
}

function takesOver(cls: AnyClass, property: string, direction: TransformationType): boolean {
  if (storage.getExcludedProperties(cls, direction).includes(property)) return false;
  return storage.getStrategy(cls) !== 'excludeAll' || storage.getExposedProperties(cls, direction).includes(property);
}

type TransformFn = ReturnType<typeof storage.findTransformMetadatas>[number]['transformFn'];

function writerOf(transform: TransformFn, key: string): Writer {
  return (value, owner) => transform({ value, key, obj: owner, type: toPlain, options: {} }) as unknown;
}

function typeNote(cls: AnyClass, property: string): TypeNote | undefined {
  const note = storage.findTypeMetadata(cls, property);
  if (!note) return undefined;
  const classFor = (object: object): unknown => {
    const help: TypeHelpOptions = { newObject: {}, object: object as Record<string, unknown>, property };
    return note.typeFunction ? note.typeFunction(help) : note.reflectedType;
  };
  const discriminator = note.options?.discriminator as Discriminator | undefined;
  return { classFor, isFixed: (note.typeFunction?.length ?? 0) === 0, discriminator, reflected: note.reflectedType };
}
