import { importFromBuild, requireFromBuild } from './build.js';

const { Type } = requireFromBuild('class-transformer');
const { IsEmail, IsEnum, IsInt, IsNumber, IsString, MaxLength, Min, ValidateNested } =
  requireFromBuild('class-validator');
const { rules } = await importFromBuild('index.js');

const Kind = { invoice: 'invoice', reminder: 'reminder', receipt: 'receipt' };

class Address {
  static {
    rules(this, { street: [IsString(), MaxLength(100)], city: IsString() });
  }
}

/** The sample class: five fields, including a nested object, an e-mail address and an enumeration. */
export class Order {
  static {
    rules(this, {
      n: [IsInt(), Min(0)],
      to: IsEmail(),
      kind: IsEnum(Kind),
      amount: [IsNumber(), Min(0)],
      address: [ValidateNested(), Type(() => Address)],
    });
  }
}

/** Declares other classes, as an application has. class-validator searches all of them at each validation. */
export function declareOtherClasses(count) {
  for (let index = 0; index < count; index += 1) {
    const other = { [`Other${index}`]: class {} }[`Other${index}`];
    rules(other, {
      id: [IsInt(), Min(0)],
      name: [IsString(), MaxLength(50)],
      mail: IsEmail(),
      kind: IsEnum(Kind),
      price: IsNumber(),
    });
  }
}
