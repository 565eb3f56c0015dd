import path from 'node:path';
import { getTsconfig } from 'get-tsconfig';
import { copiesIn, copySeenFrom, type Copy } from './copies.js';
import { findUp } from '../find-up.js';
import { ok, problem, warning, type Finding } from './finding.js';

/** Checks everything in the project of `dir` that decides whether decorators work. */
export function judgeDecorators(dir: string, ours: string = import.meta.filename): Finding[] {
  return [
    ...['class-validator', 'class-transformer', 'reflect-metadata'].map((name) => judgeCopies(name, dir, ours)),
    judgeTsconfig(dir),
    judgeRunner(dir),
  ].filter((finding) => finding !== undefined);
}

const dedupe = (name: string): string =>
  `run "npm ls ${name}", then "npm dedupe", or set one version for all under "overrides" in package.json`;

function judgeCopies(name: string, dir: string, ours: string): Finding {
  const seen = copySeenFrom(path.join(dir, 'any.js'), name);
  const used = copySeenFrom(ours, name);
  const all = copiesIn(dir, name);
  if (!seen)
    return warning(
      name,
      'not installed here',
      `run "npm install ${name}" in the project that declares payload classes`,
    );
  const more = all.filter((copy) => copy.dir !== seen.dir);
  if (used && used.dir !== seen.dir) {
    const says = `your files import ${title(seen)}, but hotqueue imports ${title(used)}`;
    // Copies of class-validator and of reflect-metadata share their metadata. Copies of class-transformer do not.
    return name === 'class-transformer'
      ? problem(name, `${says}; hotqueue does not see your @Type and @Transform`, dedupe(name))
      : warning(name, says, dedupe(name));
  }
  if (more.length > 0)
    return warning(name, `${seen.version}, and ${more.length} more: ${more.map(title).join(', ')}`, dedupe(name));
  return ok(name, `${seen.version}, one copy`);
}

const title = ({ dir, version }: Copy): string => `${version} in ${dir}`;

function judgeTsconfig(dir: string): Finding {
  const check = 'tsconfig';
  try {
    const found = getTsconfig(dir);
    if (!found) return ok(check, 'no tsconfig.json: in plain JavaScript, declare payloads with rules()');
    const { path: file, config } = found;
    const { experimentalDecorators = false, emitDecoratorMetadata = false } = config.compilerOptions ?? {};
    if (!experimentalDecorators)
      return warning(
        check,
        `${file} enables standard decorators, but class-validator needs experimental decorators`,
        'set "experimentalDecorators": true, or declare payloads with rules() or a schema',
      );
    if (!emitDecoratorMetadata)
      return warning(
        check,
        `${file}: without "emitDecoratorMetadata", a worker cannot see the class of its payload`,
        'set it to true, or pass the class: new HotQueue(name, { payload: … })',
      );
    return ok(check, `${file}: experimentalDecorators and emitDecoratorMetadata`);
  } catch (error) {
    return problem(
      check,
      `cannot read tsconfig.json: ${error instanceof Error ? error.message : String(error)}`,
      'fix the file: compilers read the decorator options from it',
    );
  }
}

function judgeRunner(dir: string): Finding | undefined {
  const runner = copySeenFrom(path.join(dir, 'any.js'), '@oxc-node/core');
  if (runner)
    return ok(
      'runner',
      `@oxc-node/core ${runner.version} runs decorated TypeScript: node --import @oxc-node/core/register`,
    );
  if (findUp('tsconfig.json', dir) !== undefined)
    return warning(
      'runner',
      '@oxc-node/core is not installed: this project cannot run decorated TypeScript without compiling it',
      'run "npm install --save-dev @oxc-node/core", or compile with tsc; tsx and Node itself emit no metadata',
    );
  return undefined;
}
