// Payload classes as web applications declare them, each with decorators of class-transformer. `declined`: hotqueue does not
// compile the class, or one of its nested classes.
import { importFromBuild, requireFromBuild } from './build.js';

const { Exclude, Expose, Transform, Type } = requireFromBuild('class-transformer');
const v = requireFromBuild('class-validator');
const { rules } = await importFromBuild('index.js');

const trim = Transform(({ value }) => (typeof value === 'string' ? value.trim() : value));
const lower = Transform(({ value }) => (typeof value === 'string' ? value.toLowerCase() : value));
const upper = Transform(({ value }) => (typeof value === 'string' ? value.toUpperCase() : value));
const toFlag = Transform(({ value }) => value === true || value === 'true' || value === 1, { toClassOnly: true });
const toList = Transform(({ value }) => (typeof value === 'string' ? value.split(',') : value), { toClassOnly: true });
const toDate = Transform(({ value }) => new Date(value), { toClassOnly: true });
const toIso = Transform(({ value }) => value.toISOString(), { toPlainOnly: true });
const text = (most = 100) => [v.IsString(), v.MaxLength(most)];
const maybe = (...decorators) => [v.IsOptional(), ...decorators];
const nested = (cls) => [v.ValidateNested(), Type(() => cls)];
const nestedEach = (cls) => [v.IsArray(), v.ValidateNested({ each: true }), Type(() => cls)];
const Role = { admin: 'admin', member: 'member', guest: 'guest' };
const Priority = { low: 'low', normal: 'normal', high: 'high' };

/** A class with this name, these default values and these rules. */
function dto(name, map, defaults = {}) {
  const cls = {
    [name]: class {
      constructor() {
        Object.assign(this, defaults);
      }
    },
  }[name];
  for (const property of Object.keys(map)) map[property] ??= v.Allow();
  return rules(cls, map);
}

const Address = dto('Address', {
  street: [trim, ...text()],
  city: [trim, ...text()],
  postalCode: text(12),
  country: [upper, v.IsString(), v.Length(2, 2)],
});
const Money = dto('Money', {
  amount: [v.IsNumber(), v.Min(0)],
  currency: [upper, v.IsIn(['EUR', 'CHF', 'USD'])],
});
const Customer = dto('Customer', {
  firstName: [Expose({ name: 'first_name' }), ...text()],
  lastName: [Expose({ name: 'last_name' }), ...text()],
  email: [Expose(), lower, v.IsEmail()],
});
const Attachment = dto('Attachment', { name: text(), bytes: [v.IsInt(), v.Min(0)], mimeType: text(80) });
const Point = dto('Point', {
  latitude: [v.IsNumber(), v.Min(-90), v.Max(90)],
  longitude: [v.IsNumber(), v.Min(-180), v.Max(180)],
});
class Channel {}
class EmailChannel extends Channel {}
class SmsChannel extends Channel {}
rules(Channel, { enabled: v.IsBoolean() });
rules(EmailChannel, { to: v.IsEmail() });
rules(SmsChannel, { phone: text(20) });
const channels = {
  discriminator: {
    property: 'kind',
    subTypes: [
      { value: EmailChannel, name: 'email' },
      { value: SmsChannel, name: 'sms' },
    ],
  },
};
const withSetter = dto('Slug', { title: text() });
Object.defineProperty(withSetter.prototype, 'slug', {
  get() {
    return this.hidden;
  },
  set(value) {
    this.hidden = value;
  },
  configurable: true,
});
rules(withSetter, { slug: text() });

const address = { street: ' Long Street 1', city: 'Springfield', postalCode: '12345', country: 'ch' };
const customer = { first_name: 'Ada', last_name: 'Byron', email: 'Ada@Example.org' };
const price = { amount: 12.5, currency: 'chf' };
const attachment = { name: 'a.pdf', bytes: 1234, mimeType: 'application/pdf' };
const at = '2026-05-01T10:00:00.000Z';

/** @type {{ cls: new () => object, payload: object, declined?: true }[]} */
export const dtos = [
  {
    cls: dto(
      'CreateUser',
      {
        email: [lower, trim, v.IsEmail()],
        name: [trim, ...text()],
        password: [v.IsString(), v.MinLength(8)],
        role: v.IsEnum(Role),
      },
      { role: 'member' },
    ),
    payload: { email: 'Ada@Example.org', name: ' Ada ', password: 'long enough', role: 'admin' },
  },
  {
    cls: dto(
      'ListQuery',
      {
        page: [Type(() => Number), v.IsInt(), v.Min(1)],
        pageSize: [Type(() => Number), v.IsInt(), v.Max(100)],
        search: maybe(trim, ...text()),
        archived: maybe(toFlag, v.IsBoolean()),
      },
      { page: 1, pageSize: 20 },
    ),
    payload: { page: '2', pageSize: '50', search: ' queue ', archived: 'true' },
  },
  {
    cls: dto('SnakeCaseHook', {
      eventId: [Expose({ name: 'event_id' }), v.IsUUID()],
      eventType: [Expose({ name: 'event_type' }), ...text()],
      createdAt: [Expose({ name: 'created_at' }), v.IsDateString()],
      payload: [Expose(), v.IsObject()],
    }),
    payload: {
      event_id: '0b54b2a4-6d2e-4d3a-9d05-0f1b2c3d4e5f',
      event_type: 'user.created',
      created_at: at,
      payload: { id: 7, tags: ['a', 'b'] },
    },
  },
  {
    cls: dto('PlaceOrder', {
      customer: nested(Customer),
      shipTo: nested(Address),
      billTo: maybe(...nested(Address)),
      total: nested(Money),
      note: maybe(trim, ...text(500)),
    }),
    payload: { customer, shipTo: address, billTo: address, total: price, note: 'ring twice' },
  },
  {
    cls: dto('Invoice', {
      number: [upper, ...text(20)],
      dueAt: [toDate, toIso, v.IsDate()],
      lines: nestedEach(
        dto('InvoiceLine', { sku: [upper, ...text(20)], quantity: [v.IsInt(), v.Min(1)], price: nested(Money) }),
      ),
    }),
    payload: {
      number: 'in-7',
      dueAt: at,
      lines: [1, 2, 3, 4].map((quantity) => ({ sku: `te-${quantity}`, quantity, price })),
    },
  },
  {
    cls: dto('TagArticle', {
      articleId: [v.IsInt()],
      tags: [toList, v.IsArray(), v.IsString({ each: true }), v.MaxLength(30, { each: true })],
    }),
    payload: { articleId: 7, tags: 'redis,node,queues' },
  },
  {
    cls: dto('AuditEntry', {
      actor: text(),
      action: text(),
      at: [Type(() => Date), v.IsDate()],
      ip: maybe(v.IsIP()),
      cache: [Exclude(), v.IsOptional()],
    }),
    payload: { actor: 'ada', action: 'login', at, ip: '10.0.0.1' },
  },
  {
    cls: dto('ExposedProfile', {
      id: [Expose(), v.IsInt()],
      displayName: [Expose(), trim, ...text()],
      avatar: [Expose(), v.IsOptional(), v.IsUrl()],
      secret: [Exclude(), v.IsOptional()],
    }),
    payload: { id: 7, displayName: ' Ada', avatar: 'https://example.org/a.png' },
  },
  {
    cls: dto('ImportRow', {
      line: [Type(() => Number), v.IsInt()],
      sku: [trim, upper, ...text(20)],
      price: [Transform(({ value }) => Number(value)), v.IsNumber(), v.Min(0)],
      stock: [Type(() => Number), v.IsInt(), v.Min(0)],
      active: [toFlag, v.IsBoolean()],
    }),
    payload: { line: '7', sku: ' te-1 ', price: '12.50', stock: '3', active: 1 },
  },
  {
    cls: dto('SendMail', {
      to: [toList, v.IsEmail({}, { each: true })],
      subject: [trim, ...text(200)],
      body: v.IsString(),
      attachments: maybe(
        v.IsArray(),
        Type(() => Attachment),
      ),
    }),
    payload: {
      to: 'a@example.org,b@example.org',
      subject: 'Hello',
      body: 'Text',
      attachments: [attachment, attachment],
    },
  },
  {
    cls: dto(
      'Upload',
      { file: [v.IsObject(), Type(() => Attachment)], folder: [trim, ...text()], replace: [toFlag, v.IsBoolean()] },
      { replace: false },
    ),
    payload: { file: attachment, folder: '/a/b', replace: true },
  },
  {
    cls: dto('TrackDelivery', {
      parcel: text(),
      route: nestedEach(Point),
      eta: maybe(toDate, toIso, v.IsDate()),
      weight: [Transform(({ value }) => Math.round(value * 10) / 10), v.IsNumber()],
    }),
    payload: {
      parcel: 'p-1',
      route: Array.from({ length: 8 }, (_, n) => ({ latitude: n, longitude: -n })),
      eta: at,
      weight: 1.2345,
    },
  },
  {
    cls: dto('UpdateSettings', {
      locale: [lower, v.IsIn(['en', 'de', 'fr'])],
      timeZone: text(60),
      newsletter: maybe(toFlag, v.IsBoolean()),
      theme: maybe(v.IsIn(['dark', 'light'])),
      volume: maybe(
        Type(() => Number),
        v.IsInt(),
        v.Max(100),
      ),
    }),
    payload: { locale: 'DE', timeZone: 'Europe/Zurich', newsletter: 'true', theme: 'dark', volume: '30' },
  },
  {
    cls: dto('PublishPost', {
      title: [trim, ...text(200)],
      slug: [
        Transform(({ value, obj }) => value ?? obj.title.trim().toLowerCase().replaceAll(' ', '-')),
        Expose(),
        ...text(200),
      ],
      blocks: nestedEach(dto('Block', { type: text(20), content: [trim, v.IsString()] })),
      publishAt: maybe(
        Type(() => Date),
        v.IsDate(),
      ),
    }),
    payload: {
      title: 'A short story',
      blocks: [1, 2, 3].map((n) => ({ type: 'text', content: ` paragraph ${n}` })),
      publishAt: at,
    },
  },
  {
    cls: dto('Refund', {
      paymentId: v.IsUUID(),
      amount: nested(Money),
      reason: [trim, ...text(300)],
      requestedBy: nested(Customer),
    }),
    payload: {
      paymentId: '0b54b2a4-6d2e-4d3a-9d05-0f1b2c3d4e5f',
      amount: price,
      reason: 'broken',
      requestedBy: customer,
    },
  },
  {
    cls: dto('ResizeImage', {
      path: [trim, ...text(300)],
      width: [Type(() => Number), v.IsInt(), v.Max(10_000)],
      height: [Type(() => Number), v.IsInt(), v.Max(10_000)],
      quality: maybe(
        Transform(({ value }) => value / 100),
        v.IsNumber(),
        v.Max(1),
      ),
    }),
    payload: { path: '/a/b.png', width: '800', height: 600, quality: 80 },
  },
  {
    cls: dto('SyncContact', {
      remoteId: [Expose({ name: 'id' }), ...text(40)],
      emails: [Expose(), v.IsArray(), v.IsEmail({}, { each: true })],
      address: [Expose(), v.IsOptional(), ...nested(Address)],
      updatedAt: [Expose({ name: 'updated_at' }), Type(() => Date), v.IsDate()],
    }),
    payload: { id: 'r-7', emails: ['a@example.org', 'b@example.org'], address, updated_at: at },
  },
  {
    cls: dto('Escalate', {
      ticket: [v.IsInt()],
      priority: [lower, v.IsEnum(Priority)],
      watchers: [v.ArrayMaxSize(20), v.IsInt({ each: true })],
      comment: maybe(trim, ...text(1_000)),
    }),
    payload: { ticket: 7, priority: 'HIGH', watchers: [1, 2, 3], comment: 'please look' },
  },
  {
    cls: dto('CloseAccount', {
      userId: v.IsInt(),
      at: [toDate, toIso, v.IsDate()],
      feedback: maybe(trim, ...text(2_000)),
      data: [Exclude({ toPlainOnly: true }), v.IsOptional(), v.IsObject()],
    }),
    payload: { userId: 7, at, feedback: ' too many mails ', data: { a: 1 } },
  },
  {
    cls: dto('Batch', {
      id: [trim, ...text(40)],
      rows: nestedEach(dto('BatchRow', { key: [trim, ...text(40)], value: v.IsNumber() })),
    }),
    payload: { id: 'b-1', rows: Array.from({ length: 20 }, (_, n) => ({ key: ` k${n}`, value: n })) },
  },
  {
    cls: dto('NotifyWithOneChannel', {
      title: [trim, ...text()],
      channel: [v.ValidateNested(), Type(() => Channel, channels)],
      extra: nested(Address),
    }),
    payload: { title: 'Hello', channel: { kind: 'email', enabled: true, to: 'a@example.org' }, extra: address },
    declined: true,
  },
  {
    cls: dto('NotifyAll', {
      customer: nested(Customer),
      address: nested(Address),
      lines: nestedEach(Money),
      settings: nested(dto('ChannelSettings', { channel: [v.ValidateNested(), Type(() => Channel, channels)] })),
    }),
    payload: {
      customer,
      address,
      lines: [price, price, price],
      settings: { channel: { kind: 'sms', enabled: true, phone: '+41 1' } },
    },
    declined: true,
  },
  { cls: withSetter, payload: { title: 'A short story', slug: 'a-short-story' } },
  {
    cls: dto('TypeByKind', {
      kind: v.IsIn(['address', 'money']),
      value: [v.ValidateNested(), Type((help) => (help?.object.kind === 'money' ? Money : Address))],
    }),
    payload: { kind: 'address', value: address },
    declined: true,
  },
];
