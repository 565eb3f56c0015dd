import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));

/** Parsed files by configuration: the library and its types are the same in every program, so each file is parsed once. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Errors of the compiler in some files, as `file:line: message`. */
function complaints(tsconfig: string, files: readonly string[], given: Record<string, string> = {}): string[] {
  const errors: ts.Diagnostic[] = [];
  const { options } = ts.getParsedCommandLineOfConfigFile(
    tsconfig,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (error) => void errors.push(error) },
  )!;
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    readFile: (file) => given[file] ?? disk.readFile(file),
    fileExists: (file) => file in given || disk.fileExists(file),
    getSourceFile: (file, language) => {
      if (file in given) return ts.createSourceFile(file, given[file]!, language);
      const key = `${tsconfig}:${file}`;
      if (!parsed.has(key)) parsed.set(key, disk.getSourceFile(file, language));
      return parsed.get(key);
    },
  };
  const program = ts.createProgram(files, options, host);
  // Only errors in these files. `npm run typecheck` checks all others.
  const sources = files.map((file) => program.getSourceFile(file));
  const found = sources.flatMap((source) => [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ]);
  return [...errors, ...found].map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start!).line + 1 : 0;
    return `${file?.fileName.slice(here.length + 1)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

const filesIn = (folder: string) =>
  readdirSync(join(here, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(here, folder, name));
const legacy = join(here, '../../tsconfig.json');
const standard = join(here, 'standard/tsconfig.json');

/** Compiles a class with this line. @returns the errors */
function wrongLine(tsconfig: string, line: string): string {
  const file = join(here, 'standard/wrong.ts');
  const source = `import { HotQueue, worker } from 'hotqueue';
    import { Email, Image, images, untyped } from '../legacy/payloads.js';
    export class Studio {
      ${line}
    }
    export const imported = [HotQueue, worker, Email, Image, images, untyped];`;
  return complaints(tsconfig, [file], { [file]: source }).join('\n');
}

describe('what the compiler accepts and refuses', () => {
  it('matches the comments in legacy/, with legacy decorators', () => {
    expect(complaints(legacy, filesIn('legacy'))).toEqual([]);
  });

  it('matches the comments in standard/, with standard decorators', () => {
    expect(complaints(standard, filesIn('standard'))).toEqual([]);
  });

  it('is reported if it does not match', () => {
    expect(wrongLine(legacy, '@worker(images) right(image: Image) {}')).toBe('');
    expect(wrongLine(legacy, '@worker(images) wrong(email: Email) {}')).toMatch(/^standard\/wrong\.ts:4: /);
    expect(
      wrongLine(legacy, '// @ts-expect-error nothing is wrong\n @worker(images) right(image: Image) {}'),
    ).toContain("Unused '@ts-expect-error' directive");
  });

  it.each([
    ["images.put({ path: 'a.jpg', width: 1 }, { delay: '10s' })", 'delay'],
    ["images.put({ path: 'a.jpg', width: 1 }, { attempts: 5, backoff: '1s' })", 'attempts'],
    ["images.put({ path: 'a.jpg', width: 1 }, { path: 'b.jpg', width: 1 }, { priority: 'high' })", 'priority'],
    ["images.with({ attempts: 2 }).put({ path: 'a.jpg', width: 1 }, { id: 'a' })", 'id'],
  ])('says in the first line where options go: %s', (call, option) => {
    const [first] = wrongLine(legacy, `job = ${call}`).split('\n');
    expect(first).toContain(`queue.with({ ${option} }).put(message)`);
  });

  it('says where options go also if they are in a variable', () => {
    const call = "images.put({ path: 'a.jpg', width: 1 }, options)";
    expect(wrongLine(legacy, `options = { delay: 10 }; job = ${call.replace('options', 'this.options')}`)).toContain(
      'put options go to queue.with(options).put(message)',
    );
  });

  it.each([
    ["images.put({ path: 'a.jpg', widht: 1 })", "Did you mean to write 'width'?"],
    [
      "images.put({ path: 'a.jpg', width: 1 }, { path: 'b.jpg', width: '1' })",
      "'string' is not assignable to type 'number'",
    ],
    ["images.put({ path: 'a.jpg', width: 1 }, {})", 'Argument of type'],
  ])('does not talk about options for another wrong message: %s', (call, says) => {
    const [first] = wrongLine(legacy, `job = ${call}`).split('\n');
    expect(first).toContain(says);
    expect(first).not.toContain('queue.with(');
  });

  it.each([
    [legacy, '@worker bare(image: Image) {}'],
    [legacy, '@worker async bare(image: Image): Promise<number> { return image.width; }'],
    [legacy, '@worker bare() {}'],
    [standard, '@worker bare(image: Image) {}'],
    [standard, '@worker async bare(image: Image): Promise<number> { return image.width; }'],
  ])('has one error about @worker without a queue, and its first line says so (%#)', (tsconfig, line) => {
    const errors = wrongLine(tsconfig, line).match(/^standard\/wrong\.ts:.*$/gm);
    expect(errors).toHaveLength(1);
    expect(errors![0]).toContain('The queue is missing: write @worker(queue) or @queue.worker');
  });

  it('has an error that says what to do if no decorator can be right', () => {
    expect(wrongLine(standard, '@untyped.worker wrong(image: Image) {}')).toContain(
      'This queue has no payload class. Write new HotQueue(name, { payload: YourClass })',
    );
    expect(wrongLine(standard, '@worker(untyped, { batch: 2 }) wrong(images: Image[]) {}')).toContain(
      'the compiler does not emit the type of array elements',
    );
    expect(wrongLine(legacy, "queue = new HotQueue<Image>('images')")).toContain(
      'A type is not checked at run time: pass { payload: YourClass }',
    );
  });
});

/** Errors of one statement, with the queues of legacy/payloads.ts. */
function errorsOf(statement: string): string[] {
  const file = join(here, 'legacy/statement.ts');
  const source = `import { HotQueue, run, start, worker } from 'hotqueue';
    import { Email, Image, images, untyped } from './payloads.js';
    class Studio { @worker(images) resize(_image: Image) {} }
    ${statement}
    export const imported = [HotQueue, run, start, worker, Email, Image, images, untyped, Studio];`;
  return complaints(legacy, [file], { [file]: source });
}

describe('the first line of an error about a new queue names the mistake', () => {
  it.each([
    ["new HotQueue('q', { attemps: 3 })", "'attemps' does not exist"],
    ["new HotQueue('q', { payload: Image, attemps: 3 })", "'attemps' does not exist"],
    ["new HotQueue('q', { attempts: '3' })", "Type 'string' is not assignable to type 'number'"],
    ["new HotQueue('q', { payload: Image, attempts: '3' })", "Type 'string' is not assignable to type 'number'"],
    ["new HotQueue('q', { payload: 5 })", "Type 'number' is not assignable to type 'PayloadClass"],
    ["new HotQueue('q', { payload: new Image() })", "Type 'Image' is not assignable to type 'PayloadClass"],
    ["new HotQueue<Image>('q')", 'A type is not checked at run time: pass { payload: YourClass }'],
    ['new HotQueue(5)', "'number' is not assignable to parameter of type 'string'"],
  ])('%s', (statement, says) => {
    const errors = errorsOf(statement);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.split('\n')[0]).toContain(says);
  });
});

describe('a handler whose return type does not fit the result of its queue', () => {
  const queue = "class Size { bytes!: number } const sized = new HotQueue('sized', { payload: Image, result: Size });";
  const says = 'This handler does not return what `result` of its queue says';
  const wrongHandlers = [
    ["sized.worker((_image) => ({ bytes: '1' }))", "Type 'string' is not assignable to type 'number'"],
    ['sized.worker(() => undefined)', "Type 'undefined' is not assignable to type"],
    ['class A { @worker(sized) a(_image: Image) { return 1 } }; void A', says],
    ['class A { @sized.worker({}) async a(_image: Image) { await Promise.resolve() } }; void A', says],
    ['class A { @sized.worker a(_image: Image) { return 1 } }; void A', says],
    [
      'class A { @worker(sized, { batch: 2 }) a(_images: Image[]) { return 1 } }; void A',
      'This handler does not return an array with one `result` for each message',
    ],
  ] as const;
  it.each(wrongHandlers)('is one error that says what is wrong, with legacy decorators: %s', (statement, reason) => {
    const errors = errorsOf(queue + statement);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(reason);
  });

  it.each(wrongHandlers)('and with standard decorators: %s', (statement, reason) => {
    expect(wrongLine(standard, `make() { ${queue} ${statement} }`)).toContain(reason);
  });
});

describe('one mistake is one error', () => {
  it.each([
    [
      'images.worker((email: Email) => email)',
      /Type 'Image' is (missing|not assignable)|Property '\w+' is missing in type 'Image'/,
    ],
    [
      'class A { @worker(images) a(_email: Email) {} }; void A',
      /Types of parameters '_email' and 'payload' are incompatible/,
    ],
    [
      'images.worker(() => {}, { concurency: 3 })',
      /'concurency' does not exist .* Did you mean to write 'concurrency'/,
    ],
    ['class A { @worker(images, { concurency: 3 }) a(_image: Image) {} }; void A', /'concurency' does not exist/],
    ['class A { @images.worker({ concurency: 3 }) a(_image: Image) {} }; void A', /'concurency' does not exist/],
    ["new HotQueue('q', { attemps: 3 })", /'attemps' does not exist .* Did you mean to write 'attempts'/],
    ["new HotQueue('q', { payload: Image, attemps: 3 })", /'attemps' does not exist/],
    ['void images.put({ path: 1 } as never).catch; images.consume({ limt: 3 })', /'limt' does not exist/],
    ["images.with({ dely: '1s' })", /'dely' does not exist in type 'PutOptions'. Did you mean to write 'delay'/],
    ['start(Studio)', /'typeof Studio' is not assignable to parameter of type 'WorkerSource'/],
    ['void run(Studio)', /'typeof Studio' is not assignable/],
    ['void run([new Studio(), Studio])', /typeof Studio/],
    ['void run(new Studio(), { concurrency: 3 })', /'\{ concurrency: number; \}' is not assignable/],
    ['start(new Studio(), { concurrency: 3 })', /'\{ concurrency: number; \}' is not assignable/],
    ['class A { @worker(images) static a(_image: Image) {} }; void A', /'typeof A' is not assignable|prototype/],
    ['class A { @images.worker static a(_image: Image) {} }; void A', /.*/],
    ['class A { @untyped.worker static a(_image: Image) {} }; void A', /.*/],
    ['class A { @worker(images, { batch: 2 }) static a(_images: Image[]) {} }; void A', /.*/],
    ['images.worker((email: Email) => email, { concurrency: 2 })', /Property 'to' is missing in type 'Image'/],
    ['images.worker((image: Image) => image, { batch: 3 })', /'BatchHandler<Image, Image>'/],
    ['images.worker((image) => image.path, { batch: 3 })', /'path' does not exist on type 'Image\[\]'/],
    ['images.worker((image) => image, { concurency: 3 })', /Did you mean to write 'concurrency'/],
    ["images.worker((image) => image, { timeout: 'soon' })", /Type '"soon"' is not assignable to type 'Duration/],
    ['images.worker(Studio)', /'typeof Studio' is not assignable/],
    ["images.worker(() => {}, { linger: '5ms' })", /'Refused<"linger needs the option batch">'/],
    ["class A { @worker(images, { timeout: 'soon' }) a(_image: Image) {} }; void A", /'"soon"' is not assignable/],
    ["class A { @images.worker({ timeout: 'soon' }) a(_image: Image) {} }; void A", /'"soon"' is not assignable/],
    ['class A { @images.worker a(_email: Email) {} }; void A', /'TypedPropertyDescriptor<\(_email: Email\) => void>'/],
    ['class A { @images.worker({ batch: 3 }) a(_image: Image) {} }; void A', /'BatchHandler<Image>'/],
    ["images.consume({ idleTimeout: 'soon' })", /'"soon"' is not assignable to type 'Duration/],
    ["images.deliveries({ batch: 3, lingr: '3s' })", /'lingr' does not exist .* Did you mean to write 'linger'/],
    ["images.put({ path: 'a', width: 1 }, { delay: '10s' })", /'"queue\.with\({ delay }\)\.put\(message\)"'/],
    ["new HotQueue<Image>('q', undefined)", /undefined/],
    ["new HotQueue<Image>('q', { port: 3 })", /Property 'payload' is missing/],
    ["new HotQueue<Image>('q')", /A type is not checked at run time: pass \{ payload: YourClass \}/],
    ["new HotQueue<{ a: string } | string>('q')", /A type is not checked/],
  ])('%s', (statement, reason) => {
    const errors = errorsOf(statement);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(reason);
    // Of several signatures, the compiler says only this in its first line, and then lists all of them.
    expect(errors[0]).not.toContain('No overload matches this call');
  });

  it.each([
    "new HotQueue<string>('q')",
    "new HotQueue<'a' | 'b'>('q')",
    "new HotQueue<number | null>('q')",
    'void run(new Studio())',
    "void run([new Studio(), images.worker(() => {})], { order: 'fair', concurrency: 3, shutdownTimeout: '1s' })",
    "start(new Studio(), { order: 'strict' }); start(images.worker(() => {})); start(new Studio(), {})",
    'void run({ work: images.worker(() => {}) })',
  ])('%s is no mistake', (statement) => expect(errorsOf(statement)).toEqual([]));
});
